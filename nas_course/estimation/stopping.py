"""Median stopping rules: give up a training that does worse than half of those before it.

estimate = MedianStopping(TrainingEstimate(data, recipe, build), PointwiseMedianRule())
estimate(architecture)                 # perhaps stopped early; estimate.saved tells the share
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from nas_course.errors import InvalidInput
from nas_course.estimation.score import Score
from nas_course.estimation.stages import stages
from nas_course.estimation.training import require_epochs


class MedianRule:
    """Remember the curves of completed trainings; say whether a running one should stop.

    A training with the values y_1 ... y_t stops at epoch t if its best value so far is below the
    median of the completed trainings' running averages up to t:

        max(y_1 ... y_t) < median over completed runs r of (r_1 + ... + r_t) / t

    Golovin et al., "Google Vizier: A Service for Black-Box Optimization", KDD 2017, section 3.2.2.
    A rising curve is above its own running average, so the rule is lenient: it gives up trainings
    that do not learn. :class:`PointwiseMedianRule` is stricter.

    Parameters
    ----------
    warmup : int
        The first epochs, in which nothing is stopped. At least 1.
    completed_first : int
        Trainings that must have been completed before one may be stopped. At least 1.
    """

    def __init__(self, warmup: int = 1, completed_first: int = 5) -> None:
        for name, value in (("warmup", warmup), ("completed_first", completed_first)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InvalidInput(f"{name}: got {value!r}; give a whole number, 1 or more.")
        self.warmup, self.completed_first = warmup, completed_first
        self.completed: list[tuple[float, ...]] = []
        self._medians: np.ndarray | None = None

    def stops(self, curve: Iterable[float]) -> bool:
        """Say whether a training with these values so far should stop now."""
        values = tuple(curve)
        epoch = len(values)
        if epoch <= self.warmup or len(self.completed) < self.completed_first:
            return False
        return max(values) < self.median(epoch)

    def median(self, epoch: int) -> float:
        """Median that a training has to reach by an epoch (from 1)."""
        medians = self.medians()
        if not 1 <= epoch <= len(medians):
            raise InvalidInput(f"epoch: got {epoch}; the completed trainings have {len(medians)}.")
        return float(medians[epoch - 1])

    def medians(self) -> np.ndarray:
        """Medians for every epoch, an array (epochs,); empty before a training was completed."""
        if self._medians is None:
            curves = np.array(self.completed or np.empty((1, 0)))  # (runs, epochs)
            self._medians = np.median(self.compared(curves), axis=0)
        return self._medians

    def compared(self, curves: np.ndarray) -> np.ndarray:
        """Turn completed curves (runs, epochs) into what a running training is compared with."""
        return np.cumsum(curves, axis=1) / np.arange(1, curves.shape[1] + 1)

    def complete(self, curve: Iterable[float]) -> None:
        """Take note of a training that was not stopped, with its value after every epoch."""
        values = tuple(map(float, curve))
        if not values or (self.completed and len(values) != len(self.completed[0])):
            known = len(self.completed[0]) if self.completed else "1 or more"
            raise InvalidInput(
                f"completed curve: got {len(values)} epochs, expected {known}. Runs under one "
                "rule have the same full length."
            )
        self.completed.append(values)
        self._medians = None

    def state_dict(self) -> dict[str, Any]:
        """Return what the rule remembers, as plain lists."""
        return {"completed": [list(curve) for curve in self.completed]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.completed = [tuple(curve) for curve in state["completed"]]
        self._medians = None


class PointwiseMedianRule(MedianRule):
    """The stricter rule that Optuna's MedianPruner uses: compare with the values themselves.

        max(y_1 ... y_t) < median over completed runs r of r_t

    As only the better half is completed, the median rises with every completed training: the rule
    approaches "better than the best half of the best half so far".
    """

    def compared(self, curves: np.ndarray) -> np.ndarray:
        """Leave the curves as they are."""
        return curves


class MedianStopping:
    """An estimate whose trainings are given up by a median rule.

    Not pure: what is stopped depends on the trainings before. `state_dict` holds that. A stopped
    training scores its last value, its `fidelity` says so, and its curve is as long as it ran.

    Parameters
    ----------
    estimate : callable (architecture, epochs) -> Score
        See :func:`nas_course.estimation.stages.stages`.
    rule : MedianRule, optional
        Keeps what it learns from the trainings; default ``MedianRule()``.
    """

    continues: ClassVar[bool] = False

    def __init__(self, estimate: Any, rule: MedianRule | None = None) -> None:
        self.estimate, self.rule = estimate, rule or MedianRule()
        self.trained_epochs = self.asked_epochs = 0

    @property
    def max_epochs(self) -> int:
        """Epochs of the full schedule."""
        return self.estimate.max_epochs

    @property
    def saved(self) -> float:
        """Share of the epochs asked for that were not trained."""
        return 1 - self.trained_epochs / self.asked_epochs if self.asked_epochs else 0.0

    def __call__(self, architecture: Any, epochs: int | None = None) -> Score:
        """Train for `epochs` epochs (None: all) unless the rule stops it before."""
        wanted = require_epochs(epochs, self.max_epochs)
        curve: list[float] = []
        for score in stages(self.estimate, architecture):
            curve.append(score.value)
            stopped = len(curve) < wanted and self.rule.stops(curve)
            if stopped or len(curve) == wanted:
                break
        self.asked_epochs += wanted
        self.trained_epochs += len(curve)
        if len(curve) == self.max_epochs:
            self.rule.complete(curve)
        said = f"{score.fidelity}, stopped by the median rule" if stopped else score.fidelity
        return replace(score, fidelity=said, curve=tuple(curve))

    def state_dict(self) -> dict[str, Any]:
        """Return the rule's memory and the epochs so far, as plain values."""
        counted = {"trained_epochs": self.trained_epochs, "asked_epochs": self.asked_epochs}
        return counted | {"rule": self.rule.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on exactly from a state."""
        self.trained_epochs, self.asked_epochs = state["trained_epochs"], state["asked_epochs"]
        self.rule.load_state_dict(state["rule"])


def replay(rule: MedianRule, curves: np.ndarray) -> np.ndarray:
    """Find how far the rule would have trained each of these networks, in this order.

    Parameters
    ----------
    rule : MedianRule
        It goes on from what it remembers, and remembers what it lets pass.
    curves : array (n, epochs)
        Full curves; of a stopped training nothing after the stop is looked at.

    Returns
    -------
    array (n,) of int
        Epochs trained: the full number for those that were not stopped.
    """
    curves = np.asarray(curves, float)
    if curves.ndim != 2:
        raise InvalidInput(f"curves: got the shape {curves.shape}; give (networks, epochs).")
    return np.array([_train_until_stopped(rule, curve) for curve in curves], dtype=int)


def _train_until_stopped(rule: MedianRule, curve: np.ndarray) -> int:
    full = len(curve)
    if len(rule.completed) >= rule.completed_first:
        below = np.maximum.accumulate(curve) < rule.medians()
        stops = np.flatnonzero(below[rule.warmup : full - 1])
        if len(stops):
            return rule.warmup + int(stops[0]) + 1
    rule.complete(curve)
    return full
