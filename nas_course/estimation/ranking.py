"""How well an estimate ranks: correlations and top-k measures, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from nas_course.errors import InvalidInput

Statistic = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Interval:
    """A measured value and the bounds of its confidence interval; nan where it is not defined."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def kendall(estimated: ArrayLike, true: ArrayLike) -> float:
    """Kendall's tau-b: agreeing less disagreeing pairs, corrected for ties.

    tau_b = (C - D) / sqrt((n0 - n1)(n0 - n2)) with C concordant and D discordant pairs,
    n0 = n (n - 1) / 2, and n1, n2 the pairs tied in one and in the other (Kendall 1945).

    Parameters
    ----------
    estimated, true : array-like (n,)
        Cheap scores and those that count, of the same architectures; larger is better. At least
        two, all finite.

    Returns
    -------
    float
        From -1 to 1; nan if one of the two is constant, since then nothing is ranked.
    """
    first, second = _pair(estimated, true)
    if _constant(first, second):
        return float("nan")
    return float(stats.kendalltau(first, second).statistic)


def spearman(estimated: ArrayLike, true: ArrayLike) -> float:
    """Spearman's rho: Pearson's correlation of the ranks, tied scores sharing their mean rank.

    Parameters and result as in :func:`kendall`.
    """
    first, second = _pair(estimated, true)
    if _constant(first, second):
        return float("nan")
    return float(np.corrcoef(stats.rankdata(first), stats.rankdata(second))[0, 1])


def pearson(estimated: ArrayLike, true: ArrayLike) -> float:
    """Pearson's correlation: how linear the relation is, of which ranking asks nothing.

    Parameters and result as in :func:`kendall`.
    """
    first, second = _pair(estimated, true)
    if _constant(first, second):
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def top_overlap(estimated: ArrayLike, true: ArrayLike, k: int) -> float:
    """Share of the true best k that are among the estimated best k, from 0 to 1.

    The same number is the recall and the precision of the estimate's top k. Where scores tie at
    the edge of a top k, each tied architecture counts with the probability that a random order of
    them puts it in (independently in both lists).
    """
    first, second = _pair(estimated, true)
    return float(_membership(first, k) @ _membership(second, k)) / k


def precision(estimated: ArrayLike, true: ArrayLike, k: int, best: int) -> float:
    """Share of the estimated best k that are among the true `best`, from 0 to 1; ties as above.

    With ``best`` larger than k it asks less than :func:`top_overlap`: that what was chosen is
    good, not that it is exactly the best.
    """
    first, second = _pair(estimated, true)
    return float(_membership(first, k) @ _membership(second, best)) / k


def recall(estimated: ArrayLike, true: ArrayLike, k: int, best: int) -> float:
    """Share of the true `best` that are among the estimated best k, from 0 to 1; ties as above.

    With k larger than `best` it is what a funnel keeps: train only the k that look best cheaply.
    """
    first, second = _pair(estimated, true)
    return float(_membership(first, k) @ _membership(second, best)) / best


def regret(estimated: ArrayLike, true: ArrayLike, k: int = 1) -> float:
    """How much worse the best of the estimated top k is than the best of all, in `true`'s unit.

    With k = 1 what it costs to trust the estimate. Ties at the edge of the top k are broken at
    random, and the mean over these orders is returned.
    """
    first, second = _pair(estimated, true)
    share = _membership(first, k)
    inside = second[share == 1]
    tied = np.sort(second[(share > 0) & (share < 1)])[::-1]
    floor = inside.max() if len(inside) else -np.inf
    drawn = k - len(inside)
    return float(second.max() - _mean_best(tied, drawn, floor))


def bootstrap(
    statistic: Statistic,
    estimated: ArrayLike,
    true: ArrayLike,
    rng: np.random.Generator,
    *,
    resamples: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Measure, and bound by the percentile bootstrap over architectures (Efron 1979).

    The architectures are drawn n times with replacement, `resamples` times; the interval holds the
    central `level` of the statistic's values. Draws where it is nan are left out. It speaks of
    other architectures from the same space; not of other training seeds.

        tau = bootstrap(kendall, cheap, full, np.random.default_rng(0))
        overlap = bootstrap(partial(top_overlap, k=5), cheap, full, rng)

    Repeated architectures are ties in both lists: tau-b leaves them out of its count, but top-k
    measures and regrets change meaning a little when the best one is missing or doubled.

    Parameters
    ----------
    statistic : callable (estimated, true) -> float
    estimated, true : array-like (n,)
    rng : numpy.random.Generator
        Decides the draws.
    resamples : int
        At least 1.
    level : float
        Between 0 and 1.
    """
    first, second = _pair(estimated, true)
    if resamples < 1 or not 0 < level < 1:
        raise InvalidInput(
            f"bootstrap: got resamples={resamples} and level={level}; "
            "give at least 1 resample and a level between 0 and 1."
        )
    n = len(first)
    draws = rng.integers(n, size=(resamples, n))
    values = np.array([statistic(first[draw], second[draw]) for draw in draws])
    values = values[~np.isnan(values)]
    value = float(statistic(first, second))
    if not len(values):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


def _mean_best(tied: np.ndarray, drawn: int, floor: float) -> float:
    """Mean over random sets of `drawn` of the tied values (descending) of max(best of it, floor).

    If none of the i largest of m was drawn, the next one is with probability drawn / (m - i).
    """
    mean, missed = 0.0, 1.0  # missed: probability that none of the larger ones was drawn
    for i, value in enumerate(tied[: len(tied) - drawn + 1] if drawn else ()):
        hit = missed * drawn / (len(tied) - i)
        mean += hit * max(value, floor)
        missed -= hit
    return mean if drawn else floor


def _membership(scores: np.ndarray, k: int) -> np.ndarray:
    """Probability (n,) that each is among the best k when ties are broken at random."""
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= len(scores):
        raise InvalidInput(f"top k: got {k!r}; there are {len(scores)} scores, give 1 to that.")
    edge = np.sort(scores)[-k]
    above, at = scores > edge, scores == edge
    return above + at * ((k - above.sum()) / at.sum())


def _constant(first: np.ndarray, second: np.ndarray) -> bool:
    return bool(np.ptp(first) == 0 or np.ptp(second) == 0)


def _pair(estimated: ArrayLike, true: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(estimated, float), np.asarray(true, float)
    if first.ndim != 1 or first.shape != second.shape or len(first) < 2:
        raise InvalidInput(
            f"ranking: got scores of shapes {first.shape} and {second.shape}; "
            "give two lists of the same length, at least 2."
        )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise InvalidInput(
            "ranking: a score is infinite or not a number. Leave failed architectures out, or "
            "give them a finite score below all others."
        )
    return first, second
