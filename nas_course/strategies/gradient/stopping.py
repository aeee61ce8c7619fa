"""Ending a search before it collapses: by its number of skips, or by growing curvature.

    parts = Parts(make_schedules=(lambda: StopBySkips(limit=2), WatchSkips))
    search.stopped, search.architecture()

Both rules look at a search after every epoch. The first trusts the cell, the second the Hessian.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from nas_course.errors import InvalidInput, require, require_whole
from nas_course.spaces import Cell201, Genotype
from nas_course.strategies.gradient.curvature import WatchCurvature
from nas_course.strategies.gradient.parts import Schedule

if TYPE_CHECKING:
    from nas_course.strategies.gradient.search import GradientSearch

SKIP = "skip_connect"


def skips(architecture: Genotype | Cell201) -> int:
    """Count the skip connections of the normal cell: of 8 edges, or of 6 in NAS-Bench-201."""
    kind = architecture.kinds[0]
    return sum(operation == SKIP for _, _, operation in architecture.wires(kind))


def depth(architecture: Genotype | Cell201) -> int:
    """Count the nodes of the normal cell that read the node right before them.

    In the DARTS space from 0 (wide and shallow) to 4 (a chain): equations 4.13 and 5.19 of Zhang's
    thesis (UTS, 2021). Skips count as edges like others.
    """
    wires = architecture.wires(architecture.kinds[0])
    return len({target for source, target, _ in wires if source == target - 1})


class WatchSkips(Schedule):
    """Add ``skip_share``, ``skips`` and, in the DARTS space, ``depth`` to the history's rows.

    ``skip_share`` is the mean softmax weight of the skip connection over all edges of the normal
    cell (1 / operations while nothing is learned), ``skips`` counts them in the derived cell, and
    ``depth`` is how far that is a chain.
    """

    def after_epoch(self, search: GradientSearch) -> dict[str, Any]:
        """Return the columns."""
        kind, template = next(iter(search.supernet.space.cells.items()))
        pi = search.supernet.alphas[kind].detach().softmax(dim=1)
        share = pi[:, template.column(SKIP)].mean().item()
        cell = search.architecture()
        columns = {"skip_share": share, "skips": skips(cell)}
        return columns | ({"depth": depth(cell)} if isinstance(cell, Genotype) else {})


class StopBySkips(Schedule):
    """Stop as soon as the derived normal cell has `limit` skip connections or more.

    Liang et al., "DARTS+", arXiv:1909.06035, section 3.2, criterion 1, with limit 2 of 8 edges.
    A quarter of the six edges of NAS-Bench-201 is between 1 and 2; there the limit is 2 as well.

    Parameters
    ----------
    limit : int
    start : float, from 0 to 1
        Share of the steps before which nothing is stopped. While the alphas are noise, a cell has
        two skips by chance (in a third of the cells drawn uniformly); the paper's epochs are long
        enough to do without (`start=0`).
    """

    def __init__(self, limit: int = 2, start: float = 0.2) -> None:
        require_whole("limit", limit, least=1)
        self.limit, self.start = limit, _checked_start(start)

    def after_epoch(self, search: GradientSearch) -> dict[str, Any]:
        """Count, and stop if there are too many."""
        found = skips(search.parts.discretize(search.supernet))
        self.stopped = search.progress >= self.start and found >= self.limit
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Return whether the search is over."""
        return {"stopped": self.stopped}

    def load_state_dict(self, state: dict[str, Any], search: GradientSearch) -> None:
        """Continue from what `state_dict` gave."""
        self.stopped = state["stopped"]


class EigenvalueRule:
    """Say from the eigenvalues so far to which measurement a search should go back.

    With the mean m_i of the eigenvalues i - h ... i + h, h = (window - 1) / 2 (fewer at the
    beginning), and the newest mean m_i, the rule holds when

        m_i > ratio * m_(i - back),

    and then i - back is the measurement to return. Zela et al., "Understanding and Robustifying
    Differentiable Architecture Search", ICLR 2020, section 4.3 with the constants of its code:
    1.3 and 4; the paper's text has 0.75 for the inverse, which is 1 / 1.33, and 5.

    Parameters
    ----------
    window : int
        Odd.
    back : int
        Measurements between the two means.
    ratio : float
        At least 1.
    """

    def __init__(self, window: int = 5, back: int = 4, ratio: float = 1.3) -> None:
        require_whole("window", window, least=1)
        require("window", window, window % 2 == 1, "odd whole numbers from 1 on")
        require_whole("back", back, least=1)
        if not ratio >= 1:
            raise InvalidInput(f"ratio: got {ratio!r}; allowed: numbers from 1 on.")
        self.window, self.back, self.ratio = window, back, ratio

    @property
    def needed(self) -> int:
        """Measurements before the rule can hold for the first time."""
        return self.window // 2 + self.back + 1

    def before_growth(self, eigenvalues: list[float]) -> int | None:
        """Return the place in `eigenvalues` to go back to, or None if there was no growth."""
        newest = len(eigenvalues) - 1 - self.window // 2
        earlier = newest - self.back
        if earlier < 0:
            return None
        grown = self._mean(eigenvalues, newest) > self.ratio * self._mean(eigenvalues, earlier)
        return earlier if grown else None

    def _mean(self, eigenvalues: list[float], place: int) -> float:
        half = self.window // 2
        inside = eigenvalues[max(0, place - half) : place + half + 1]
        return sum(inside) / len(inside)


class NeverStops(UserWarning):
    """A search has too few epochs for its stopping rule."""


class StopByEigenvalue(WatchCurvature):
    """Stop when the largest eigenvalue has grown, with the architecture from before.

    With the default rule the first decision can fall at the seventh measurement, `rule.needed`, and
    later if `start` forbids to go back so far: a shorter search is that of DARTS, at more cost. A
    `NeverStops` warning says so after its first measurement.

    This is DARTS-ES of Zela et al. (section 4.3). What they call R-DARTS is another remedy: several
    searches under stronger weight decay or path dropout, of which validation picks one. The
    registry's `r-darts` has the paper's better-known name and does the former.

    Parameters
    ----------
    rule : EigenvalueRule
    start : float, from 0 to 1
        Share of the steps before which no architecture is returned (the code: epoch 10 of 50).
    every, images, products : int
        See `WatchCurvature`; the code measures every second of 50 epochs.
    """

    def __init__(
        self,
        rule: EigenvalueRule | None = None,
        *,
        start: float = 0.2,
        every: int = 1,
        images: int = 128,
        products: int = 30,
    ) -> None:
        super().__init__(every, images, products)
        self.rule = EigenvalueRule() if rule is None else rule
        self.start = _checked_start(start)
        self.eigenvalues: list[float] = []
        self.architectures: list[str] = []
        self.progress: list[float] = []
        self.chosen: str | None = None

    def after_epoch(self, search: GradientSearch) -> dict[str, Any]:
        """Measure, remember, and stop if the rule says so."""
        columns = super().after_epoch(search)
        if columns:
            if not self.eigenvalues:
                self._warn_if_short(search)
            self.eigenvalues.append(columns["eigenvalue"])
            self.architectures.append(str(search.parts.discretize(search.supernet)))
            self.progress.append(search.progress)
            place = self.rule.before_growth(self.eigenvalues)
            if place is not None and self.progress[place] >= self.start:
                self.chosen, self.stopped = self.architectures[place], True
        return columns

    def _warn_if_short(self, search: GradientSearch) -> None:
        """At the first measurement: each takes as large a share of the search as this one did."""
        if search.progress * self.rule.needed > 1 + 1e-9:
            warnings.warn(
                f"stopping by eigenvalue: the search ends after {int(1 / search.progress)} "
                f"measurement(s), and the rule needs {self.rule.needed} before it can stop: this "
                "is plain DARTS with measurements. Take more epochs, or a smaller window or back.",
                NeverStops,
                stacklevel=2,
            )

    def architecture(self, search: GradientSearch) -> Genotype | Cell201 | None:
        """Return the architecture from before the growth, or None if there was none."""
        return None if self.chosen is None else search.supernet.space.parse(self.chosen)

    def state_dict(self) -> dict[str, Any]:
        """Return all measurements."""
        return super().state_dict() | {
            "eigenvalues": list(self.eigenvalues),
            "architectures": list(self.architectures),
            "progress": list(self.progress),
            "chosen": self.chosen,
        }

    def load_state_dict(self, state: dict[str, Any], search: GradientSearch) -> None:
        """Continue from what `state_dict` gave."""
        super().load_state_dict(state, search)
        self.eigenvalues = list(state["eigenvalues"])
        self.architectures = list(state["architectures"])
        self.progress = list(state["progress"])
        self.chosen = state["chosen"]
        self.stopped = self.chosen is not None


def _checked_start(start: float) -> float:
    if not 0 <= start <= 1:
        raise InvalidInput(f"start: got {start!r}; allowed: shares of the search, 0 to 1.")
    return float(start)
