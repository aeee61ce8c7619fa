"""One run of a gradient method on the table's own images: its cells and its cost."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from nas_course import methods, spaces, tabular
from nas_course.data import ImageData
from nas_course.errors import InvalidInput
from nas_course.history import Row
from nas_course.leaderboard.measuring import POINT
from nas_course.models import MixedSupernet
from nas_course.search.loop import GradientLoop, SearchDiverged, SearchPlan
from nas_course.strategies.gradient import GradientSettings
from nas_course.tabular.protocol import Protocol, cut, train_cell
from nas_course.tabular.supernet import search_data, tabular_supernet

EPOCHS = 20
REFERENCE_PART = 3
# Of every method. Chosen on seed 100 of darts-1st by the validation accuracy of its supernet, not
# by regret: `benchmarks/gradient_pilot.py`. Adam moves an alpha by at most its rate in a step, so
# 400 steps need more than the papers' 3e-4.
SETTINGS = GradientSettings(
    channels=32,
    cells=1,
    batch_size=128,
    weight_learning_rate=0.1,
    alpha_learning_rate=0.03,
    channels_last=True,  # as the networks of the table
    engine="plain",
)


@dataclass(frozen=True)
class GradientEntry:
    """One line of the board: a method of the gradient family, as it comes or with other options.

    Attributes
    ----------
    method : str
    options : mapping
        Hyperparameters that differ from those of the method's row.
    seeds : int
        It runs with the seeds 0 to seeds - 1.
    """

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: int = 4

    @property
    def name(self) -> str:
        """The method's name, with what differs in brackets."""
        changed = ", ".join(f"{name}={value}" for name, value in self.options.items())
        return f"{self.method} ({changed})" if changed else self.method

    def row(self) -> methods.GradientMethod:
        """Return the method with its options.

        Raises
        ------
        InvalidInput
            There is no such method in the gradient family, or an option is not allowed.
        """
        found = methods.get(self.method)
        if isinstance(found, methods.BlackBoxMethod):
            raise InvalidInput(
                f"methods: got {self.method!r}, which trains no supernet; allowed: "
                f"{', '.join(methods.names('gradient'))}."
            )
        return found.with_options(**self.options)


@dataclass(frozen=True)
class Bench:
    """What all runs share: table, images, settings and length.

    Attributes
    ----------
    table : Table
    images : ImageData
        Those of the table's protocol, whole.
    settings : GradientSettings
    epochs : int
    """

    table: tabular.Table
    images: ImageData
    settings: GradientSettings
    epochs: int

    @classmethod
    def load(
        cls, table: tabular.Table, settings: GradientSettings = SETTINGS, epochs: int = EPOCHS
    ) -> Bench:
        """Load the images of the table's protocol; the supernet gets its channels.

        Raises
        ------
        InvalidInput
            The table has gaps, so that it could not score every cell.
        nas_course.data.DataNotFound
            The images are not on this machine; the message names every way to get them.
        """
        if not table.complete:
            raise InvalidInput(f"table: got {table!r}; allowed: a complete one, for any cell.")
        protocol = cls.protocol_of(table)
        changed = dataclasses.replace(settings, channels=protocol.channels)
        return cls(table, search_data(protocol), changed, epochs)

    @staticmethod
    def protocol_of(table: tabular.Table) -> Protocol:
        """Return how the networks of a table were trained."""
        return Protocol(**table.about["protocol"])

    def reference_seconds(self) -> float:
        """Return the processor seconds that the table's best cell takes to train now.

        A busy machine slows everything down; this says how much at the moment. A third of the
        protocol's epochs is timed, and the accuracies are not looked at.
        """
        protocol = self.protocol_of(self.table)
        short = dataclasses.replace(protocol, epochs=max(1, protocol.epochs // REFERENCE_PART))
        few = {name: getattr(self.images, name).subset(1) for name in ("valid", "test")}
        images = cut(dataclasses.replace(self.images, **few))
        best = self.table.architectures[self.reference_row]
        return train_cell(best, short, 0, images).seconds * protocol.epochs / short.epochs

    @property
    def reference_row(self) -> int:
        """Row of the cell with the best validation accuracy."""
        return int(self.table.valid[:, -1].argmax())


def measure(entry: GradientEntry, seed: int, bench: Bench) -> Row:
    """Search, look up what the derived cells are worth, and count.

    Returns
    -------
    dict
        seed; architecture, the last one; test_accuracy, valid_accuracy of it in the table; final,
        final_valid: its regrets in points; by_epoch, by_epoch_valid: regrets of the architecture
        before the first epoch and after each; path: (epoch, architecture) wherever it changed;
        columns: what the method adds to the history, by name, a value for each epoch;
        supernet_valid: mean validation accuracy of the
        supernet in each epoch, null where no alpha step was taken; seconds: processor time;
        table_seconds: the same in seconds of the machine that made the table, as it was then;
        weight_steps, alpha_steps; passes: forward passes of the supernet; epochs; diverged: why
        it ended, or null.
    """
    before = bench.reference_seconds()
    passes = _Passes()
    row = dataclasses.replace(entry.row(), make_supernet=passes.supernet)
    plan = SearchPlan(
        method=row,
        space=spaces.get("nas-bench-201"),
        data=bench.images,
        settings=bench.settings,
        epochs=bench.epochs,
        seconds=float("inf"),
        seed=seed,
    )
    started = time.process_time()
    rows, alpha_steps, diverged = _search(GradientLoop(plan))
    seconds = time.process_time() - started
    reference = (before + bench.reference_seconds()) / 2
    speed = float(bench.table.seconds[bench.reference_row]) / reference
    return _worth(rows, bench.table) | {
        "seed": seed,
        "columns": _columns(rows),
        "supernet_valid": [_rounded(found["valid_accuracy"]) for found in rows[1:]],
        "seconds": round(seconds, 3),
        "table_seconds": round(seconds * speed, 3),
        "weight_steps": rows[-1]["step"],
        "alpha_steps": alpha_steps,
        "passes": passes.count,
        "epochs": len(rows) - 1,
        "diverged": diverged,
    }


class _Passes:
    """Counts how often any supernet of a search is evaluated."""

    def __init__(self) -> None:
        self.count = 0

    def supernet(self, space: Any, **sizes: Any) -> MixedSupernet:
        made = tabular_supernet(space, **sizes)
        made.register_forward_hook(self._add)
        return made

    def _add(self, module: nn.Module, given: Any, output: Any) -> None:
        self.count += 1


def _search(loop: GradientLoop) -> tuple[list[Row], int, str | None]:
    """Return the rows from before the first epoch on, alpha steps, and why it broke off."""
    rows, alpha_steps = [loop.row()], 0
    try:
        while not loop.is_over:
            loop.advance()
            if loop.step == loop.steps:
                alpha_steps += loop.counts["valid_accuracy"]
                rows.append(loop.finish_epoch())
    except SearchDiverged as error:
        return rows, alpha_steps, str(error)
    return rows, alpha_steps, None


def _worth(rows: list[Row], table: tabular.Table) -> Row:
    """Look up the architectures of all rows."""
    found = [table.query(row["architecture"]) for row in rows]
    regrets = [round(POINT * (table.best_test - cell.test_accuracy), 4) for cell in found]
    valid = [round(POINT * (table.best_valid - cell.valid_accuracy[-1]), 4) for cell in found]
    return {
        "architecture": rows[-1]["architecture"],
        "test_accuracy": round(found[-1].test_accuracy, 6),
        "valid_accuracy": round(found[-1].valid_accuracy[-1], 6),
        "final": regrets[-1],
        "final_valid": valid[-1],
        "by_epoch": regrets,
        "by_epoch_valid": valid,
        "path": [
            (epoch, row["architecture"])
            for epoch, row in enumerate(rows)
            if epoch == 0 or row["architecture"] != rows[epoch - 1]["architecture"]
        ],
    }


def _columns(rows: list[Row]) -> dict[str, list[Any]]:
    """Collect what schedules added to the rows of the epochs."""
    added = dict.fromkeys(name for row in rows[1:] for name in row if name not in rows[0])
    return {name: [row.get(name) for row in rows[1:]] for name in added}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
