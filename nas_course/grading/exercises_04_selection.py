"""Check of exercise 04.4: the probability to win a tournament, with ties and failures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.expect import expect_array
from nas_course.grading.mistakes import Mistake, Task, judge

CHAPTER = "04_random_and_evolution"
WinCase = tuple[np.ndarray, int]


def win_probabilities(fitness: np.ndarray, k: int) -> np.ndarray:
    """Return the probability of each member to win (Blickle and Thiele 1996)."""
    return _shared(_worst_if_nan(fitness), k)


def _worst_if_nan(fitness: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(fitness), -np.inf, fitness)


def _counts(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each member how many are below it, and how many equal it."""
    return (values < values[:, None]).sum(axis=1), (values == values[:, None]).sum(axis=1)


def _shared(values: np.ndarray, k: int) -> np.ndarray:
    below, equal = _counts(values)
    return ((below + equal) ** k - below**k) / len(values) ** k / equal


def _unshared(fitness: np.ndarray, k: int) -> np.ndarray:
    below, equal = _counts(_worst_if_nan(fitness))
    return ((below + equal) ** k - below**k) / len(fitness) ** k


def _by_order(order_of: Callable[[np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    """The chapter's formula with ranks 1, 2, ..., whatever is equal."""

    def compute(fitness: np.ndarray, k: int) -> np.ndarray:
        number = len(fitness)
        rank = np.empty(number)
        rank[order_of(fitness)] = np.arange(1, number + 1)
        return ((number - rank + 1) ** k - (number - rank) ** k) / number**k

    return compute


def _one_above(fitness: np.ndarray, k: int) -> np.ndarray:
    """((b + 1)^k - b^k) / N^k: the formula of different values, used where some are equal."""
    below, _ = _counts(_worst_if_nan(fitness))
    return ((below + 1) ** k - below**k) / len(fitness) ** k


def _without_replacement(fitness: np.ndarray, k: int) -> np.ndarray:
    below, equal = _counts(_worst_if_nan(fitness))
    return (_choose(below + equal, k) - _choose(below, k)) / _choose(len(fitness), k) / equal


def _choose(numbers: np.ndarray | int, k: int) -> np.ndarray:
    product = np.ones(np.shape(numbers))
    for step in range(k):
        product = product * np.maximum(np.asarray(numbers) - step, 0) / (step + 1)
    return product


def _at_most(fitness: np.ndarray, k: int) -> np.ndarray:
    below, equal = _counts(_worst_if_nan(fitness))
    return ((below + equal) / len(fitness)) ** k


def _power_of_difference(fitness: np.ndarray, k: int) -> np.ndarray:
    _, equal = _counts(_worst_if_nan(fitness))
    return (equal / len(fitness)) ** k


def _roulette(fitness: np.ndarray, k: int) -> np.ndarray:
    return fitness / fitness.sum()


def _never_drawn(fitness: np.ndarray, k: int) -> np.ndarray:
    """Members with nan taken out of the population."""
    result, finite = np.zeros(len(fitness)), ~np.isnan(fitness)
    result[finite] = _shared(fitness[finite], k) if finite.any() else 0.0
    return result


def _descending(fitness: np.ndarray) -> np.ndarray:
    return np.argsort(-_worst_if_nan(fitness), kind="stable")


SHARE_STEP = "Divide what the equal ones win together by how many they are."
NAN_STEP = "Replace nan by -np.inf before you compare or sort."
MISTAKES = (
    Mistake(
        "worst-wins",
        lambda f, k: _shared(-_worst_if_nan(f), k),
        "The worst member has the largest probability.",
        "Count those that are **below** a member: the best of the draws wins.",
    ),
    Mistake(
        "tournament-size-ignored",
        lambda f, k: np.full(len(f), 1 / len(f)),
        "Every member has the same probability: that is k = 1.",
        "Use k as the exponent.",
    ),
    Mistake(
        "size-in-the-denominator-only",
        lambda f, k: _shared(_worst_if_nan(f), k) * len(f) ** k / len(f),
        "The numerator has the power k, the denominator has not.",
        "Divide by N**k.",
    ),
    Mistake(
        "always-two",
        lambda f, k: _shared(_worst_if_nan(f), 2),
        "These are the probabilities for k = 2.",
        "Use k as the exponent.",
    ),
    Mistake(
        "one-draw-too-few",
        lambda f, k: _shared(_worst_if_nan(f), k - 1),
        "These are the probabilities with k - 1 draws.",
        "All k members of the tournament are drawn.",
    ),
    Mistake(
        "at-most-not-equal",
        _at_most,
        "This is the probability that the winner is **at most** as good as the member.",
        "Subtract the probability that the winner is worse.",
    ),
    Mistake(
        "power-of-the-difference",
        _power_of_difference,
        "The difference was taken before the power: that is the probability that all k draws hit "
        "the member or an equal one.",
        "Raise both to the power k, then subtract.",
    ),
    Mistake(
        "without-replacement",
        _without_replacement,
        "These are the probabilities of k **different** members. Here each draw is from all N.",
        "Each draw is at most f with probability S(f)/N; k draws: to the power k.",
    ),
    Mistake(
        "proportional-to-fitness",
        _roulette,
        "The probability is proportional to the fitness: that is another selection (roulette), "
        "and it fails for negative scores.",
        "Only the order counts in a tournament.",
    ),
    Mistake(
        "ties-not-shared",
        _unshared,
        "Each of several equal members got what they win together: the sum is above 1.",
        SHARE_STEP,
    ),
    Mistake(
        "ties-win-less",
        _one_above,
        "Equal members were treated as if each of them were the only one: the sum is below 1.",
        "Count how many are equal, and use that number instead of 1.",
    ),
    Mistake(
        "ties-by-position",
        _by_order(_descending),
        "Of equal members the first got more than the second: it stands first by chance only.",
        SHARE_STEP,
    ),
    Mistake(
        "ties-by-position",
        _by_order(lambda f: np.argsort(_worst_if_nan(f), kind="stable")[::-1]),
        "Of equal members the last got more than the first: it stands last by chance only.",
        SHARE_STEP,
    ),
    Mistake(
        "nan-wins",
        lambda f, k: _shared(np.where(np.isnan(f), np.inf, f), k),
        "A run that diverged has the largest probability: sorting puts nan at the end.",
        NAN_STEP,
    ),
    Mistake(
        "nan-not-drawn",
        _never_drawn,
        "Runs that diverged were taken out. They are members, and are drawn like all others.",
        NAN_STEP,
    ),
)
WIN = Task(("fitness", "k"), win_probabilities, MISTAKES)


def _read(ask: Ask, case: WinCase) -> np.ndarray:
    """Return one probability per member; nan in the answer stays, to be recognised by name."""
    value = ask(*case)
    return expect_array(value, (len(case[0]),), given=WIN.describe(case))


def _different(ask: Ask, rng: np.random.Generator) -> None:
    cases = [(np.array([0.5, 0.9, 0.7]), 2), (np.array([4.0, 1.0, 2.0, 3.0]), 3)]
    probes = [(rng.random(6), 4)]
    judge(WIN, lambda case: _read(ask, case), cases, probes)


def _equal(ask: Ask, rng: np.random.Generator) -> None:
    cases = [(np.array([0.5, 0.9, 0.5]), 2), (np.array([1.0, 2.0, 2.0, 2.0, 3.0, 1.0]), 3)]
    probes = [(rng.integers(3, size=8) / 2, 3)]
    judge(WIN, lambda case: _read(ask, case), cases, probes)


def _diverged(ask: Ask, rng: np.random.Generator) -> None:
    nan = np.nan
    cases = [(np.array([0.5, nan, 0.75]), 2), (np.array([nan, -0.5, nan, 0.0, -1.0]), 3)]
    probes = [(np.array([0.1, nan, 0.1, nan, -0.4]), 4)]
    judge(WIN, lambda case: _read(ask, case), cases, probes)


def _random_populations(ask: Ask, rng: np.random.Generator) -> None:
    cases = []
    for size, k in ((1, 3), (7, 1), (12, 2), (30, 5)):
        fitness = rng.integers(-6, 6, size=size) / 4
        fitness[rng.random(size) < 0.2] = np.nan
        cases.append((fitness, k))
    judge(WIN, lambda case: _read(ask, case), cases)


WIN_PROBABILITIES = Exercise(
    id="04.4",
    chapter=CHAPTER,
    title="Who wins a tournament?",
    answer="win_probabilities",
    minutes=20,
    difficulty=3,
    stages=(
        Stage("different fitness", 1, _different),
        Stage("equal fitness", 1, _equal),
        Stage("diverged runs", 1, _diverged),
        Stage("random populations", 1, _random_populations),
    ),
)

EXERCISES = (WIN_PROBABILITIES,)
