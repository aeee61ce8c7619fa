"""The deterministic part of a gradient search: step after step, and all of its state."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import platform
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from nas_course import __version__
from nas_course.data import ImageData, Split, augmentation_for, epoch_order
from nas_course.errors import CourseError
from nas_course.history import Row
from nas_course.spaces import DARTSSpace, NASBench201Space
from nas_course.strategies.gradient import GradientSearch, GradientSettings

METRICS = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")


def software() -> dict[str, Any]:
    """Name the versions and the number of threads, which can change the last bits of a result."""
    versions = {
        "nas_course": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
    }
    return {"threads": torch.get_num_threads(), "versions": versions}  # sums are grouped by thread


def fingerprint(splits: Iterable[Split]) -> str:
    """Return the SHA-256 of the images and labels that a search sees."""
    digest = hashlib.sha256()
    for split in splits:
        for tensor in (split.images, split.labels):
            digest.update(repr(tuple(tensor.shape)).encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()


class SearchDiverged(CourseError, ArithmeticError):
    """A loss became infinite or not a number."""


class SearchInterrupted(KeyboardInterrupt):
    """The search was stopped by hand; the message says how to go on."""


class GradientMethod(Protocol):
    """What a search needs of a method; the rows of `nas_course.methods` have it."""

    @property
    def name(self) -> str:
        """What the command line and result files call it."""

    def options(self) -> dict[str, Any]:
        """Hyperparameters beside the settings; they decide the result too."""

    def build(
        self,
        space: DARTSSpace | NASBench201Space,
        data: ImageData,
        settings: GradientSettings,
        seed: int,
        steps_total: int,
    ) -> GradientSearch:
        """Make the search at its first step."""


@dataclass(frozen=True)
class SearchPlan:
    """What is asked for: everything that decides the result, and the limit of time."""

    method: GradientMethod
    space: DARTSSpace | NASBench201Space
    data: ImageData
    settings: GradientSettings
    epochs: int
    seconds: float
    seed: int

    def header(self) -> dict[str, Any]:
        """First line of the history."""
        cells = {
            name: {"edges": cell.edges, "operations": cell.operations}
            for name, cell in self.space.cells.items()
        }
        named = {
            "method": self.method.name,
            "space": self.space.name,
            "data": self.data.name,
            "seed": self.seed,
            "epochs": self.epochs,
        }
        return named | {"cells": cells} | self.environment()

    def identity(self) -> dict[str, Any]:
        """All that decides the result, as JSON gives it back; a resumed run must have the same."""
        named = {
            "method": self.method.name,
            "space": self.space.name,
            "data": self.data.name,
            "data_sha256": fingerprint([self.data.train, self.data.valid]),
            "seed": self.seed,
            "epochs": self.epochs,
        }
        settings = {f"settings.{k}": v for k, v in dataclasses.asdict(self.settings).items()}
        options = {f"options.{k}": v for k, v in self.method.options().items()}
        return json.loads(json.dumps(named | settings | options))

    def environment(self) -> dict[str, Any]:
        """What the bits of the result depend on besides the plan."""
        return {"device": str(self.data.device)} | software()


class GradientLoop:
    """A search in progress: the strategy, the generator, and the place in the epoch."""

    def __init__(self, plan: SearchPlan) -> None:
        train, valid, batch_size = plan.data.train, plan.data.valid, plan.settings.batch_size
        self.plan = plan
        self.steps = math.ceil(len(train) / batch_size)  # of an epoch
        self.valid_batches = math.ceil(len(valid) / batch_size)
        self.strategy = plan.method.build(
            plan.space, plan.data, plan.settings, plan.seed, plan.epochs * self.steps
        )
        self.augment = augmentation_for(plan.data.name)
        self.generator = torch.Generator().manual_seed(plan.seed)
        self.epoch = 0  # finished epochs
        self.seconds_before = 0.0
        self.started = time.perf_counter()
        self._start_epoch()

    @property
    def seconds(self) -> float:
        """Search time so far, over all sittings."""
        return self.seconds_before + time.perf_counter() - self.started

    @property
    def is_over(self) -> bool:
        """Whether the budget is used up or the method ends early; the first step is taken."""
        out_of_time = self.steps_done > 0 and self.seconds >= self.plan.seconds
        ended = self.at_row_end and self.strategy.stopped
        return self.epoch >= self.plan.epochs or out_of_time or ended

    @property
    def may_save(self) -> bool:
        """Every step is a place to go on from."""
        return True

    @property
    def at_row_end(self) -> bool:
        """Whether an epoch was just finished."""
        return self.step == 0

    @property
    def steps_done(self) -> int:
        """Steps since the beginning of the search."""
        return self.epoch * self.steps + self.step

    def advance(self) -> None:
        """Take one step of the strategy."""
        chosen = self.train_order[self.step]
        images = self.augment(self.plan.data.train.images[chosen], self.generator)
        valid_chosen = self.valid_order[self.step % self.valid_batches]
        valid = self.plan.data.valid
        metrics = self.strategy.step(
            (images, self.plan.data.train.labels[chosen]),
            (valid.images[valid_chosen], valid.labels[valid_chosen]),
        )
        self._require_finite(metrics)
        for name in METRICS:
            value = metrics[name]
            if value is not None:  # not every step of every method moves the alphas
                self.sums[name] += value
                self.counts[name] += 1
        self.learning_rate = metrics["learning_rate"] or 0.0
        self.step += 1

    def finish_epoch(self) -> Row:
        """Give the row of the epoch whose last step was taken, and begin the next one."""
        row = self.row() | self.strategy.end_epoch()
        row["architecture"] = str(self.strategy.architecture())  # schedules may have decided
        self.epoch += 1
        self._start_epoch()
        return row

    def row(self) -> Row:
        """Describe this moment; metrics are means over the steps of the epoch that have them."""
        begun = self.step > 0
        means = {
            name: self.sums[name] / self.counts[name] if self.counts[name] else None
            for name in METRICS
        }
        position = self.epoch + self.step / self.steps
        return {
            "epoch": int(position) if position.is_integer() else position,
            "step": self.steps_done,
            "alphas": self.strategy.alphas(),
            **means,
            "learning_rate": self.learning_rate if begun else None,
            "seconds": round(self.seconds, 3),
            "architecture": str(self.strategy.architecture()),
        }

    def state_dict(self) -> dict[str, Any]:
        """Everything the next step depends on, and the sums of the epoch's row."""
        return {
            "strategy": self.strategy.state_dict(),
            "generator": self.generator.get_state(),
            "generator_at_epoch_start": self.generator_at_epoch_start,
            "epoch": self.epoch,
            "step": self.step,
            "sums": dict(self.sums),
            "counts": dict(self.counts),
            "learning_rate": self.learning_rate,
            "seconds": self.seconds,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Be where `state_dict` was called, in the middle of an epoch too."""
        self.strategy.load_state_dict(state["strategy"])
        self.generator.set_state(state["generator_at_epoch_start"])
        self._start_epoch()  # draws the same orders again
        self.generator.set_state(state["generator"])
        self.epoch, self.step = state["epoch"], state["step"]
        self.sums, self.counts = dict(state["sums"]), dict(state["counts"])
        self.learning_rate = state["learning_rate"]
        self.seconds_before, self.started = state["seconds"], time.perf_counter()

    def _start_epoch(self) -> None:
        train, valid = self.plan.data.train, self.plan.data.valid
        self.generator_at_epoch_start = self.generator.get_state()
        device = self.plan.data.device
        train_order = epoch_order(len(train), self.generator).to(device)
        valid_order = epoch_order(len(valid), self.generator).to(device)
        self.train_order = train_order.tensor_split(self.steps)  # batches differ by one at most
        self.valid_order = valid_order.tensor_split(self.valid_batches)
        self.step = 0  # steps taken in this epoch
        self.sums = dict.fromkeys(METRICS, 0.0)
        self.counts = dict.fromkeys(METRICS, 0)
        self.learning_rate = 0.0  # of the last step

    def _require_finite(self, metrics: Mapping[str, float | None]) -> None:
        for name in ("train_loss", "valid_loss"):
            value = metrics[name]
            if value is not None and not math.isfinite(value):
                raise SearchDiverged(
                    f"{name} became {metrics[name]} in epoch {self.epoch + 1}, step "
                    f"{self.step + 1}, at learning rate {metrics['learning_rate']:.4g}. Lower "
                    f"weight_learning_rate or alpha_learning_rate in the settings and start anew."
                )
