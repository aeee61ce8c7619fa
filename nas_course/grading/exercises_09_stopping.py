"""Check of exercise 09.4: the rules of DARTS-ES and DARTS+ on given series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.expect import expect_keys, expect_number
from nas_course.grading.mistakes import Mistake, Task, judge

CHAPTER = "09_when_darts_fails"
KEYS = ("stop", "returned", "darts_plus")
Stops = dict[str, int]
Series = Sequence[float]
Means = Callable[[Series, int], list[float]]
Grown = Callable[[list[float], int, float], list[int]]


def centred(eigenvalues: Series, window: int) -> list[float]:
    """Return the known means: the one of i needs the eigenvalue i + h."""
    half = window // 2
    return [
        float(np.mean(eigenvalues[max(0, i - half) : i + half + 1]))
        for i in range(len(eigenvalues) - half)
    ]


def grown_at(means: list[float], back: int, ratio: float) -> list[int]:
    """Return all i whose mean is larger than `ratio` times the one `back` places before."""
    return [i for i in range(back, len(means)) if means[i] > ratio * means[i - back]]


def _rule(
    *,
    means: Means = centred,
    grown: Grown = grown_at,
    stop: Callable[[int, int, int], int] = lambda i, half, back: i + half,
    returned: Callable[[int, int, int], int] = lambda i, half, back: i - back,
    place: int = 0,
    cut: Callable[[int, int], int] = min,
) -> Callable[..., Stops]:
    """The rule of DARTS-ES, of which single parts may be others."""

    def stops(
        eigenvalues: Series, skips: Any, window: int, back: int, ratio: float, limit: int
    ) -> Stops:
        last, half = len(eigenvalues) - 1, window // 2
        found = grown(means(eigenvalues, window), back, ratio)
        if not found:
            return {"stop": last, "returned": last}
        i = found[place]
        return {"stop": cut(stop(i, half, back), last), "returned": returned(i, half, back)}

    return stops


r_darts = _rule()


def _trailing(eigenvalues: Series, window: int) -> list[float]:
    return [
        float(np.mean(eigenvalues[max(0, i - window + 1) : i + 1])) for i in range(len(eigenvalues))
    ]


def _cut_at_the_end(eigenvalues: Series, window: int) -> list[float]:
    half = window // 2
    return [
        float(np.mean(eigenvalues[max(0, i - half) : i + half + 1]))
        for i in range(len(eigenvalues))
    ]


def _whole_windows(eigenvalues: Series, window: int) -> list[float]:
    """Means of whole windows only: nan where the window begins before epoch 0."""
    half = window // 2
    return [np.nan if i < half else mean for i, mean in enumerate(centred(eigenvalues, window))]


def _divided_by_window(eigenvalues: Series, window: int) -> list[float]:
    half = window // 2
    return [
        float(np.sum(eigenvalues[max(0, i - half) : i + half + 1])) / window
        for i in range(len(eigenvalues) - half)
    ]


def _above_minimum(means: list[float], back: int, ratio: float) -> list[int]:
    return [i for i in range(1, len(means)) if means[i] > ratio * min(means[:i])]


def _by_difference(means: list[float], back: int, ratio: float) -> list[int]:
    return [i for i in range(back, len(means)) if means[i] - means[i - back] > ratio]


def _turned_over(means: list[float], back: int, ratio: float) -> list[int]:
    return [i for i in range(back, len(means)) if means[i - back] > ratio * means[i]]


def _beyond(stop: int, last: int) -> int:
    """A stop may come after the last epoch."""
    return stop


GO_BACK = "Return the epoch `back` before the one whose mean has grown."
TRAILING = ("The window ends at epoch i.", "It has h epochs on either side of i.")
UNKNOWN_MEANS = (
    "Windows that are cut off at the end were used: means of epochs that are not all over.",
    "The last i is the one with i + h measured.",
)
MISTAKES = (
    Mistake(
        "not-smoothed",
        _rule(means=lambda series, window: list(series), stop=lambda i, half, back: i),
        "The eigenvalues were compared themselves; one outlier ends the search.",
        "Compare their means over the window.",
    ),
    Mistake(
        "stops-before-it-can-know",
        _rule(stop=lambda i, half, back: i),
        "The search stops after epoch i, but its mean needs h more epochs.",
        "Stop after epoch i + h.",
    ),
    Mistake(
        "grown-architecture-returned",
        _rule(returned=lambda i, half, back: i),
        "The architecture of epoch i is returned: there the growth has happened.",
        GO_BACK,
    ),
    Mistake(
        "last-architecture-returned",
        _rule(returned=lambda i, half, back: i + half),
        "The architecture of the last epoch is returned.",
        GO_BACK,
    ),
    Mistake(
        "counted-from-the-stop",
        _rule(returned=lambda i, half, back: i + half - back),
        "The epochs to go back were counted from the stop.",
        "Count them from i, whose mean has grown.",
    ),
    Mistake(
        "counted-from-the-stop",
        _rule(means=_trailing, stop=lambda i, half, back: i),
        *TRAILING,
    ),
    Mistake("trailing-window", _rule(means=_trailing), *TRAILING),
    Mistake("trailing-window", _rule(means=_trailing, cut=_beyond), *TRAILING),
    Mistake("unknown-means-used", _rule(means=_cut_at_the_end), *UNKNOWN_MEANS),
    Mistake("unknown-means-used", _rule(means=_cut_at_the_end, cut=_beyond), *UNKNOWN_MEANS),
    Mistake(
        "first-windows-left-out",
        _rule(means=_whole_windows),
        "Windows that are cut off at the beginning were left out.",
        "The first means are those of fewer eigenvalues.",
    ),
    Mistake(
        "short-windows-too-small",
        _rule(means=_divided_by_window),
        "The first sums were divided by the whole window, so these means are too small.",
        "Divide by the number of eigenvalues that are there.",
    ),
    Mistake(
        "last-growth-taken",
        _rule(place=-1),
        "The last i with growth was taken. A search that stops does not see it.",
        "Take the first i at which the condition holds.",
    ),
    Mistake(
        "compared-with-the-epoch-before",
        lambda eigenvalues, skips, window, back, ratio, limit: r_darts(
            eigenvalues, skips, window, 1, ratio, limit
        ),
        "Neighbouring means were compared.",
        "Compare with the mean `back` epochs before.",
    ),
    Mistake(
        "compared-with-the-smallest",
        _rule(grown=_above_minimum),
        "The mean was compared with the smallest so far.",
        "Compare with the mean `back` epochs before.",
    ),
    Mistake(
        "difference-not-ratio",
        _rule(grown=_by_difference),
        "The difference was compared with `ratio`. Eigenvalues have no fixed scale.",
        "m_i > ratio * m_(i - back).",
    ),
    Mistake(
        "fall-taken-for-growth",
        _rule(grown=_turned_over),
        "The search stops when the eigenvalue has fallen.",
        "m_i > ratio * m_(i - back): the later mean is the larger.",
    ),
    Mistake(
        "stops-at-equality",
        _rule(
            grown=lambda means, back, ratio: [
                i for i in range(back, len(means)) if means[i] >= ratio * means[i - back]
            ]
        ),
        "The search stops where the mean is exactly `ratio` times the other.",
        "The condition is >, not >=.",
    ),
)


def darts_plus(
    eigenvalues: Any, skips: Series, window: Any, back: Any, ratio: Any, limit: int
) -> int:
    """Return the first epoch with `limit` or more skip connections, or the last epoch."""
    return _first(skips, lambda count: count >= limit)


def _first(skips: Series, holds: Callable[[Any], bool]) -> int:
    return next((epoch for epoch, count in enumerate(skips) if holds(count)), len(skips) - 1)


def _last_with(eigenvalues: Any, skips: Series, *rest: Any) -> int:
    found = [epoch for epoch, count in enumerate(skips) if count >= rest[-1]]
    return found[-1] if found else len(skips) - 1


PLUS = (
    Mistake(
        "more-than-the-limit",
        lambda eigenvalues, skips, *rest: _first(skips, lambda count: count > rest[-1]),
        "The search stops when there are more than `limit` skip connections.",
        "`limit` of them are enough.",
    ),
    Mistake(
        "exactly-the-limit",
        lambda eigenvalues, skips, *rest: _first(skips, lambda count: count == rest[-1]),
        "Only a count of exactly `limit` stops; the count may jump over it.",
        "`limit` or more.",
    ),
    Mistake(
        "epoch-before",
        lambda *case: max(darts_plus(*case) - 1, 0),
        "This is the epoch before.",
        "DARTS+ takes the epoch at which it stops.",
    ),
    Mistake(
        "last-with-many-skips",
        _last_with,
        "This is the last epoch with so many skip connections.",
        "The search is over at the first.",
    ),
    Mistake(
        "limit-ignored",
        lambda eigenvalues, skips, *rest: _first(skips, lambda count: count >= 2),
        "The limit is 2 in the paper; here it is an argument.",
        "Compare with `limit`.",
    ),
    Mistake(
        "fewer-than-the-limit",
        lambda eigenvalues, skips, *rest: _first(skips, lambda count: count < rest[-1]),
        "The search stops while there are few skip connections.",
        "Stop when there are `limit` or more.",
    ),
)
NAMES = ("eigenvalues", "skips", "window", "back", "ratio", "limit")
R_DARTS_TASK = Task(NAMES, r_darts, MISTAKES)
PLUS_TASK = Task(NAMES, darts_plus, PLUS)


def _answer(ask: Ask, case: tuple, keys: tuple[str, ...]) -> dict[str, Any]:
    given = R_DARTS_TASK.describe(case)
    fields = expect_keys(ask(*case), KEYS, given=given)
    return {
        key: int(expect_number(fields[key], given=f"{given}; looking at `{key}`", whole=True))
        for key in keys
    }


def _judge_r_darts(ask: Ask, cases: list[tuple], probes: list[tuple]) -> None:
    judge(R_DARTS_TASK, lambda case: _answer(ask, case, KEYS[:2]), cases, probes)


def _series(rng: np.random.Generator, window: int, back: int, epochs: int = 24) -> tuple:
    """A noisy plateau, then growth with falls in between; no mean is at the limit exactly."""
    while True:
        case = _draw(rng, window, back, epochs)
        means = centred(case[0], window)
        limits = [1.5 * mean for mean in means[: len(means) - back]]
        if not np.isclose(means[back:], limits, rtol=1e-6).any():
            return case


def _draw(rng: np.random.Generator, window: int, back: int, epochs: int) -> tuple:
    start = rng.integers(5, epochs - 6)
    trend = np.where(np.arange(epochs) < start, 1.0, 1.28 ** (np.arange(epochs) - start))
    eigenvalues = (trend * rng.uniform(0.6, 1.4, size=epochs)).round(2).tolist()
    skips = np.sort(rng.integers(0, 9, size=epochs))
    skips[rng.integers(epochs)] = 0
    return eigenvalues, skips.tolist(), window, back, 1.5, int(rng.integers(2, 5))


def _probes(rng: np.random.Generator) -> list[tuple]:
    return [_series(rng, window, back) for window, back in ((5, 4), (3, 2), (7, 3)) * 3]


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    eigenvalues = [1.0, 1.0, 1.0, 1.0, 4.0, 7.0, 7.0, 7.0]
    case = (eigenvalues, [0, 0, 1, 1, 2, 3, 3, 3], 3, 2, 2.0, 2)
    quiet = ([2.0] * 8, [0] * 8, 3, 2, 2.0, 2)
    _judge_r_darts(ask, [case, quiet], _probes(rng))


def _random_series(ask: Ask, rng: np.random.Generator) -> None:
    sizes = ((5, 4), (3, 2), (7, 3), (1, 5), (5, 1), (5, 6)) * 3
    cases = [_series(rng, window, back) for window, back in sizes]
    _judge_r_darts(ask, cases, _probes(rng))


def _edges(ask: Ask, rng: np.random.Generator) -> None:
    none = [0] * 9
    cases = [
        ([1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0], none, 1, 3, 2.0, 2),  # exactly twice
        ([1.0, 9.0, 9.0, 9.0, 9.0], none[:5], 3, 1, 1.25, 2),  # from the first, short window on
        ([1.0] * 7 + [2.0, 9.0], none, 5, 4, 1.3, 2),  # grows in the last window
        ([1.0] * 8 + [2.4], none, 5, 2, 1.3, 2),  # only a window cut off would say so
        ([1.0] * 8 + [9.0], none, 3, 2, 1.3, 2),
        ([5.0, 1.0], [0, 0], 5, 4, 1.3, 2),  # over before anything is known
    ]
    _judge_r_darts(ask, cases, _probes(rng))


def _plus(ask: Ask, rng: np.random.Generator) -> None:
    plain = [1.0] * 6
    cases: list[tuple] = [
        (plain, [0, 1, 2, 3, 3, 4], 3, 2, 1.3, 3),
        (plain, [0, 0, 1, 5, 2, 2], 3, 2, 1.3, 2),
        (plain, [0, 1, 1, 0, 1, 1], 3, 2, 1.3, 2),
        (plain, [4, 0, 0, 4, 0, 0], 3, 2, 1.3, 4),
        *(_series(rng, 5, 4) for _ in range(4)),
    ]
    judge(PLUS_TASK, lambda case: _answer(ask, case, KEYS[2:])["darts_plus"], cases, _probes(rng))


STOPPING = Exercise(
    id="09.4",
    chapter=CHAPTER,
    title="When to stop, and where to go back",
    answer="early_stops",
    minutes=20,
    difficulty=3,
    stages=(
        Stage("DARTS-ES by hand", 1, _by_hand),
        Stage("DARTS-ES on random series", 2, _random_series),
        Stage("DARTS-ES at the edges", 1, _edges),
        Stage("DARTS+", 1, _plus),
    ),
)

EXERCISES = (STOPPING,)
