"""What a comparison shows: means, deviations, paired differences and their uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_course.errors import InvalidInput, one_of

# Student's t: 97.5 % quantiles for 1, 2, ..., 30 degrees of freedom.
T_975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip

Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Summary:
    """The networks of one method: test accuracy (0 to 1), weights and seconds.

    `sd` is the standard deviation with n - 1, nan for a single network. `parameters` and the
    seconds are means.
    """

    method: str
    n: int
    mean: float
    sd: float
    worst: float
    best: float
    parameters: float
    search_seconds: float
    train_seconds: float


@dataclass(frozen=True)
class Paired:
    """Method minus rival, seed by seed, in accuracy (0 to 1).

    `differences` has one number per seed; a method with several networks in a seed counts with
    their mean. `low` and `high` bound the 95 % confidence interval of the mean difference
    (Student's t), which supposes about normal differences; nan with a single seed.
    """

    method: str
    against: str
    differences: tuple[float, ...]
    mean: float
    low: float
    high: float

    @property
    def wins(self) -> int:
        """Seeds in which the method was better."""
        return sum(difference > 0 for difference in self.differences)


def summary(rows: Rows) -> list[Summary]:
    """Summarise the rows of each method, in the order in which the methods appear."""
    return [_summarise(method, rows) for method in dict.fromkeys(row["method"] for row in rows)]


def paired(rows: Rows, method: str, against: str) -> Paired:
    """Compare two methods within each seed that has both.

    With the differences d_1 ... d_n, mean m and deviation s (n - 1), the interval is
    m -+ t s / sqrt(n), t the 97.5 % quantile with n - 1 degrees of freedom.

    Raises
    ------
    InvalidInput
        A method has no rows, or they share no seed.
    """
    ours, theirs = _means_by_seed(rows, method), _means_by_seed(rows, against)
    seeds = sorted(ours.keys() & theirs.keys())
    if not seeds:
        raise InvalidInput(f"comparison: {method!r} and {against!r} share no seed; run more.")
    d = np.array([ours[seed] - theirs[seed] for seed in seeds])
    mean, low, high = mean_interval(d)
    return Paired(method, against, tuple(d.tolist()), mean, low, high)


def mean_interval(values: Sequence[float] | np.ndarray) -> tuple[float, float, float]:
    """Return the mean m of n values and its 95 % interval m -+ t s / sqrt(n) (Student's t).

    s is the deviation with n - 1. The bounds are nan for a single value, and beyond 31 values a
    little too wide.
    """
    n, m = len(values), float(np.mean(values))
    half = np.nan
    if n > 1:
        half = T_975[min(n - 1, len(T_975)) - 1] * np.std(values, ddof=1) / np.sqrt(n)
    return m, float(m - half), float(m + half)


def statement(rows: Rows, method: str, against: str) -> str:
    """Say in one sentence or two what the rows show, and what they do not."""
    result = paired(rows, method, against)
    n = len(result.differences)
    several = sum(row["method"] == against for row in rows) > n
    rival = f"the mean {against} cell" if several else against
    text = (
        f"{method} beats {rival} on {result.wins} of {n} seeds; "
        f"the mean difference is {100 * result.mean:+.2f} percentage points"
    )
    if n == 1:
        return f"{text}. One seed says nothing about chance: run more."
    text += f" (95 % interval {100 * result.low:+.2f} to {100 * result.high:+.2f}). "
    if result.low > 0 or result.high < 0:
        side = "better" if result.mean > 0 else "worse"
        return text + f"The interval excludes zero: here {method} is {side}."
    return text + f"The interval includes zero: {n} seeds do not show a difference."


def table(rows: Rows) -> str:
    """Lay the summaries out as text, accuracies in percent."""
    lines = [
        f"{'method':<14}{'n':>3}  {'test accuracy %':>16}  {'worst':>6}  {'best':>6}"
        f"{'weights':>11}{'search s':>10}{'train s':>9}"
    ]
    for s in summary(rows):
        spread = f"{100 * s.mean:.2f} ± {100 * s.sd:.2f}" if s.n > 1 else f"{100 * s.mean:.2f}"
        lines.append(
            f"{s.method:<14}{s.n:>3}  {spread:>16}  {100 * s.worst:>6.2f}  {100 * s.best:>6.2f}"
            f"{s.parameters:>11,.0f}{s.search_seconds:>10,.0f}{s.train_seconds:>9,.0f}"
        )
    return "\n".join(lines)


def _summarise(method: str, rows: Rows) -> Summary:
    mine = [row for row in rows if row["method"] == method]
    accuracies = np.array([row["test_accuracy"] for row in mine])
    means = {
        name: float(np.mean([row[name] for row in mine]))
        for name in ("parameters", "search_seconds", "train_seconds")
    }
    return Summary(
        method=method,
        n=len(mine),
        mean=float(accuracies.mean()),
        sd=float(accuracies.std(ddof=1)) if len(mine) > 1 else float("nan"),
        worst=float(accuracies.min()),
        best=float(accuracies.max()),
        **means,
    )


def _means_by_seed(rows: Rows, method: str) -> dict[int, float]:
    mine = [row for row in rows if row["method"] == method]
    if not mine:
        raise one_of("method", method, dict.fromkeys(row["method"] for row in rows))
    return {
        seed: float(np.mean([row["test_accuracy"] for row in mine if row["seed"] == seed]))
        for seed in {row["seed"] for row in mine}
    }
