"""What the regrets of many seeds show, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_course.errors import InvalidInput, one_of

QUARTILES = {"lower": 0.25, "median": 0.5, "upper": 0.75}
RESAMPLES = 4000
RIVAL = "random"

Board = Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """Median of a minus median of b, with the bounds of its 95 % bootstrap interval."""

    difference: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """How a, whose regret should be small, stands to b: better, worse or undecided."""
        if self.high < 0:
            return "better"
        return "worse" if self.low > 0 else "undecided"


def quartiles(values: Sequence[Sequence[float | None]]) -> dict[str, list[float | None]]:
    """Take the quartiles over runs at each point of a grid.

    A run that has no incumbent yet counts as infinitely far away, and where the quartile falls
    on such a run it is null. Quartiles are values of runs (inverted distribution function).

    Parameters
    ----------
    values : sequence (runs) of sequences (points)
    """
    array = np.array([numbers(run) for run in values])
    found = {
        name: np.quantile(array, share, axis=0, method="inverted_cdf")
        for name, share in QUARTILES.items()
    }
    return {
        name: [round(float(v), 3) if math.isfinite(v) else None for v in row]
        for name, row in found.items()
    }


def difference_of_medians(
    a: Sequence[float | None], b: Sequence[float | None], *, seed: int = 0
) -> Difference:
    """Compare the medians of two groups of runs by the percentile bootstrap.

    Each group is drawn anew with replacement, on its own: seed k of one method has nothing in
    common with seed k of another.

    Parameters
    ----------
    a, b : sequences of float
        At least two values each; None (no incumbent) is infinitely far away.
    seed : int
        Of the resampling.
    """
    if min(len(a), len(b)) < 2:
        raise InvalidInput(f"medians: got {len(a)} and {len(b)} runs; allowed: 2 or more of each.")
    rng = np.random.default_rng(seed)
    medians = []
    groups = numbers(a), numbers(b)
    for group in groups:
        drawn = rng.integers(len(group), size=(RESAMPLES, len(group)))
        medians.append(np.median(group[drawn], axis=1))
    low, high = np.quantile(medians[0] - medians[1], [0.025, 0.975], method="inverted_cdf")
    difference = np.median(groups[0]) - np.median(groups[1])
    return Difference(float(difference), float(low), float(high))


def numbers(values: Sequence[float | None]) -> np.ndarray:
    """Return final regrets as an array, infinite where a run never had an incumbent."""
    return np.array([math.inf if value is None else value for value in values])


def entry_of(board: Board, name: str) -> Mapping[str, Any]:
    """Give the results of one entry by its name."""
    for entry in board["entries"]:
        if entry["name"] == name:
            return entry
    raise one_of("entry", name, [entry["name"] for entry in board["entries"]])


MEASURES = {"final": "test", "final_valid": "validation"}


def statement(board: Board, name: str, against: str = RIVAL) -> str:
    """Say what the runs of two entries show: in test accuracy and in what the search saw."""
    ours, theirs = entry_of(board, name), entry_of(board, against)
    sentences = [
        f"{name} against {against} after {board['evaluations']} evaluations "
        f"({len(ours['final'])} and {len(theirs['final'])} seeds), median regret in points:"
    ]
    for measure, part in MEASURES.items():
        result = difference_of_medians(ours[measure], theirs[measure])
        medians = [float(np.median(numbers(entry[measure]))) for entry in (ours, theirs)]
        sentences.append(
            f"  in {part} accuracy {medians[0]:.2f} and {medians[1]:.2f}, difference "
            f"{result.difference:+.2f} (95 % interval {result.low:+.2f} to {result.high:+.2f}): "
            f"{result.verdict}"
        )
    return "\n".join(sentences)


def table_text(board: Board, against: str = RIVAL) -> str:
    """Lay the entries out as text, the smallest median regret first."""
    names = [entry["name"] for entry in board["entries"]]
    header = (
        f"{'method':<28}{'seeds':>6}{'median':>8}{'quartiles':>14}   difference to {against}, "
        f"95 % interval"
    )
    lines = [header]
    for entry in sorted(board["entries"], key=lambda entry: np.median(numbers(entry["final"]))):
        lower, median, upper = np.quantile(numbers(entry["final"]), list(QUARTILES.values()))
        line = (
            f"{entry['name']:<28}{len(entry['final']):>6}{median:>8.2f}"
            f"{f'{lower:.2f} to {upper:.2f}':>14}"
        )
        if against in names and entry["name"] != against:
            result = difference_of_medians(entry["final"], entry_of(board, against)["final"])
            line += f"   {result.difference:+.2f} ({result.low:+.2f} to {result.high:+.2f})"
            line += f"  {result.verdict}"
        lines.append(line)
    return "\n".join(lines)
