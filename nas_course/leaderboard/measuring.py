"""One run of one entry on the table: its regret along the budget."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_course import methods, spaces
from nas_course.estimation.table import TableEstimate
from nas_course.history import Row
from nas_course.leaderboard.entries import Entry
from nas_course.search import search
from nas_course.strategies.black_box import hypervolume

POINTS = 48  # of a grid
POINT = 100.0  # percentage points in an accuracy of 1


@dataclass(frozen=True)
class Grids:
    """Where the regret is looked at: after so many full evaluations, after so many seconds."""

    evaluations: tuple[float, ...]
    seconds: tuple[float, ...]

    @classmethod
    def for_budget(cls, evaluations: int, seconds_each: float) -> Grids:
        """Space both grids evenly on a logarithmic axis, from one evaluation to the budget.

        Parameters
        ----------
        evaluations : int
        seconds_each : float
            Mean cost of a full evaluation in the table.
        """
        counts = np.unique(np.geomspace(1, evaluations, POINTS).round())
        seconds = np.geomspace(1, evaluations, POINTS) * seconds_each
        return cls(tuple(counts.tolist()), tuple(float(f"{value:.4g}") for value in seconds))


def measure(entry: Entry, seed: int, table: Any, evaluations: int, grids: Grids) -> Row:
    """Search on the table and report.

    Returns
    -------
    dict
        seed; by_evaluations and by_seconds: regret of the incumbent at each point of the grids,
        in percentage points, null where there is none yet (or, in seconds, where the run had
        ended); final: regret at the end; final_valid: how far the incumbent's validation accuracy
        is below the table's best, in points; seconds: simulated training seconds used;
        hypervolume: see `run_hypervolume`.
    """
    result = search(
        entry.method,
        TableEstimate(table),
        space=spaces.get("nas-bench-201"),
        evaluations=evaluations,
        seed=seed,
        options=entry.tuned,
        progress=False,
    )
    rows = result.history.rows
    steps = list(incumbents(rows, table))
    regrets = [step[2] for step in steps]
    return {
        "seed": seed,
        "by_evaluations": _at(grids.evaluations, [step[0] for step in steps], regrets, math.inf),
        "by_seconds": _at(grids.seconds, [step[1] for step in steps], regrets, rows[-1]["seconds"]),
        "final": round(regrets[-1], 4) if regrets else None,
        "final_valid": _final_valid(rows, table),
        "seconds": round(rows[-1]["seconds"], 2),
        "hypervolume": round(run_hypervolume(rows, table), 6),
    }


def incumbents(rows: Sequence[Row], table: Any) -> Iterable[tuple[float, float, float]]:
    """Yield (evaluations, seconds, regret) whenever a better validation accuracy is found.

    Only full fidelity counts: the accuracy after a few epochs belongs to another quantity.
    """
    best = -math.inf
    for row in rows:
        if row["epochs"] is None and row["value"] is not None and row["value"] > best:
            best = row["value"]
            test = table.query(row["architecture"]).test_accuracy
            yield row["evaluations"], row["seconds"], POINT * (table.best_test - test)


def _final_valid(rows: Sequence[Row], table: Any) -> float | None:
    whole = [row["value"] for row in rows if row["epochs"] is None and row["value"] is not None]
    return round(POINT * (table.best_valid - max(whole)), 4) if whole else None


def run_hypervolume(rows: Sequence[Row], table: Any) -> float:
    """Return the share of the (validation accuracy, few parameters) square that a run dominates.

    Accuracy counts from 0 to 1; parameters from the largest of the table (0) to none (1).
    """
    largest = float(table.parameters.max())
    found = {
        (row["value"], 1.0 - row["measures"]["parameters"] / largest)
        for row in rows
        if row["epochs"] is None and row["value"] is not None
    }
    return hypervolume(np.array(sorted(found)), np.zeros(2)) if found else 0.0


def _at(
    grid: Sequence[float], times: Sequence[float], regrets: Sequence[float], end: float
) -> list[float | None]:
    """Read a staircase at the points of a grid; None before its first step and after its end."""
    last = np.searchsorted(np.asarray(times), np.asarray(grid) * (1 + 1e-9), side="right") - 1
    return [
        round(regrets[step], 4) if step >= 0 and point <= end * (1 + 1e-9) else None
        for point, step in zip(grid, last.tolist(), strict=True)
    ]


def needs_partial_training(entry: Entry) -> bool:
    """Whether the entry divides its budget into trainings of different length."""
    row = methods.get(entry.method)
    return isinstance(row, methods.BlackBoxMethod) and row.partial
