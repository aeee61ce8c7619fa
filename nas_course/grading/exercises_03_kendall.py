"""Check of exercise 03.2: Kendall's tau-b with ties, by counting pairs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.expect import expect_keys, expect_number
from nas_course.grading.mistakes import Mistake, Task, judge

CHAPTER = "03_performance_estimation"
COUNTS = ("concordant", "discordant", "tied_estimated", "tied_true")
Scores = Sequence[float]
Pairs = dict[str, float]


def kendall_tau_b(estimated: Scores, true: Scores) -> Pairs:
    """Count the pairs, and correct for ties as Kendall (1945) does."""
    signs = [_signs(estimated, true, i, j) for i, j in combinations(range(len(true)), 2)]
    counts: Pairs = {
        "concordant": sum(first * second > 0 for first, second in signs),
        "discordant": sum(first * second < 0 for first, second in signs),
        "tied_estimated": sum(first == 0 for first, _ in signs),
        "tied_true": sum(second == 0 for _, second in signs),
    }
    return counts | {"tau": _tau_b(counts, len(signs))}


def _signs(estimated: Scores, true: Scores, i: int, j: int) -> tuple[int, int]:
    return _sign(estimated[i] - estimated[j]), _sign(true[i] - true[j])


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def _tau_b(counts: Pairs, pairs: int) -> float:
    ranked = (pairs - counts["tied_estimated"]) * (pairs - counts["tied_true"])
    difference = counts["concordant"] - counts["discordant"]
    return difference / math.sqrt(ranked) if ranked > 0 else math.nan


def _counted(change: Callable[..., Pairs]) -> Callable[[Scores, Scores], Pairs]:
    """Other counts, from the right ones and the two lists; tau follows from them."""

    def compute(estimated: Scores, true: Scores) -> Pairs:
        right = kendall_tau_b(estimated, true)
        counts = right | change(right, estimated, true)
        return counts | {"tau": _tau_b(counts, math.comb(len(true), 2))}

    return compute


def _counts_only(change: Callable[..., Pairs]) -> Callable[[Scores, Scores], Pairs]:
    """Other counts, but the right tau."""
    return lambda e, t: kendall_tau_b(e, t) | change(kendall_tau_b(e, t), e, t)


def _with_tau(tau: Callable[[float, float, float, float, float], float]) -> Any:
    """The right counts, and tau from C - D, n0, n1, n2 and C + D."""

    def compute(estimated: Scores, true: Scores) -> Pairs:
        right = kendall_tau_b(estimated, true)
        up, down, tied, tied_true = (right[name] for name in COUNTS)
        values = (up - down, math.comb(len(true), 2), tied, tied_true, up + down)
        try:
            return right | {"tau": tau(*values)}
        except ZeroDivisionError:
            return right | {"tau": math.nan}

    return compute


def _tied_pairs(r: Pairs, e: Scores, t: Scores) -> float:
    """Pairs with a tie in at least one list."""
    return math.comb(len(t), 2) - r["concordant"] - r["discordant"]


def _one_tie_only(right: Pairs, estimated: Scores, true: Scores) -> Pairs:
    signs = [_signs(estimated, true, i, j) for i, j in combinations(range(len(true)), 2)]
    both = sum(first == 0 == second for first, second in signs)
    return {name: right[name] - both for name in COUNTS[2:]}


def _tied_scores(right: Pairs, estimated: Scores, true: Scores) -> Pairs:
    lists = {"tied_estimated": estimated, "tied_true": true}
    return {
        name: sum(list(scores).count(score) > 1 for score in scores)
        for name, scores in lists.items()
    }


def _neighbours(estimated: Scores, true: Scores) -> Pairs:
    signs = [_signs(estimated, true, i, i + 1) for i in range(len(true) - 1)]
    counts: Pairs = {
        "concordant": sum(first * second > 0 for first, second in signs),
        "discordant": sum(first * second < 0 for first, second in signs),
        "tied_estimated": sum(first == 0 for first, _ in signs),
        "tied_true": sum(second == 0 for _, second in signs),
    }
    return counts | {"tau": _tau_b(counts, len(signs))}


def _pearson(estimated: Scores, true: Scores) -> Pairs:
    tau = float(np.corrcoef(estimated, true)[0, 1])
    return kendall_tau_b(estimated, true) | {"tau": tau}


COUNT_STEP = "Both differences of a pair: product above 0, below 0, or a tie."
TAU_STEP = "(C - D) / sqrt((n0 - n1) * (n0 - n2))."
MISTAKES = (
    Mistake(
        "pairs-counted-twice",
        _counts_only(lambda r, e, t: {name: 2 * r[name] for name in COUNTS}),
        "Each pair was counted twice, as (i, j) and as (j, i).",
        "Take only pairs with i < j: itertools.combinations.",
    ),
    Mistake(
        "pairs-counted-twice",
        _counted(lambda r, e, t: {name: 2 * r[name] for name in COUNTS}),
        "Each pair was counted twice, as (i, j) and as (j, i).",
        "Take only pairs with i < j: itertools.combinations.",
    ),
    Mistake(
        "neighbours-only",
        _neighbours,
        "Only networks that stand next to each other in the list were compared.",
        "Compare every pair: n (n - 1) / 2 of them.",
    ),
    Mistake(
        "agreement-swapped",
        _counted(
            lambda r, e, t: {"concordant": r["discordant"], "discordant": r["concordant"]},
        ),
        "Concordant and discordant are swapped.",
        "Concordant: both lists put the same network of the pair first.",
    ),
    Mistake(
        "ties-count-as-concordant",
        _counted(lambda r, e, t: {"concordant": r["concordant"] + _tied_pairs(r, e, t)}),
        "Pairs with a tie were counted as concordant; they agree on nothing.",
        COUNT_STEP,
    ),
    Mistake(
        "ties-count-as-discordant",
        _counted(lambda r, e, t: {"discordant": r["discordant"] + _tied_pairs(r, e, t)}),
        "All pairs that are not concordant were counted as discordant, ties too.",
        COUNT_STEP,
    ),
    Mistake(
        "tied-lists-swapped",
        _counted(
            lambda r, e, t: {"tied_estimated": r["tied_true"], "tied_true": r["tied_estimated"]},
        ),
        "The ties of the two lists are swapped.",
        "`tied_estimated` counts the pairs with equal scores in `estimated`.",
    ),
    Mistake(
        "double-ties-left-out",
        _counted(_one_tie_only),
        "A pair tied in both lists was counted in neither.",
        "It counts in both: two separate questions, no elif.",
    ),
    Mistake(
        "double-ties-counted-once",
        _counted(
            lambda r, e, t: {"tied_true": _one_tie_only(r, e, t)["tied_true"]},
        ),
        "A pair tied in both lists was counted in the first only.",
        "It counts in both: two separate questions, no elif.",
    ),
    Mistake(
        "tied-scores-not-pairs",
        _counts_only(_tied_scores),
        "These are numbers of networks that share their score with another one.",
        "Count pairs: three equal scores make three tied pairs.",
    ),
    Mistake(
        "tied-scores-not-pairs",
        _counted(_tied_scores),
        "These are numbers of networks that share their score with another one.",
        "Count pairs: three equal scores make three tied pairs.",
    ),
    Mistake(
        "tau-a",
        _with_tau(lambda d, n0, n1, n2, ranked: d / n0),
        "This is tau-a, (C - D) / n0: ties make it smaller, however well the rest agrees.",
        TAU_STEP,
    ),
    Mistake(
        "gamma",
        _with_tau(lambda d, n0, n1, n2, ranked: d / ranked),
        "This is Goodman and Kruskal's gamma, (C - D) / (C + D): ties are left out altogether.",
        TAU_STEP,
    ),
    Mistake(
        "root-forgotten",
        _with_tau(lambda d, n0, n1, n2, ranked: d / ((n0 - n1) * (n0 - n2))),
        "The root is missing.",
        TAU_STEP,
    ),
    Mistake(
        "one-list-corrected",
        _with_tau(lambda d, n0, n1, n2, ranked: d / (n0 - n1)),
        "Only the ties of the estimated scores were taken out.",
        TAU_STEP,
    ),
    Mistake(
        "one-list-corrected",
        _with_tau(lambda d, n0, n1, n2, ranked: d / (n0 - n2)),
        "Only the ties of the true scores were taken out.",
        TAU_STEP,
    ),
    Mistake(
        "share-of-agreement",
        _with_tau(lambda d, n0, n1, n2, ranked: (d + ranked) / 2 / n0),
        "This is the share of concordant pairs; 1/2 of them is chance, but should give 0.",
        TAU_STEP,
    ),
    Mistake(
        "tau-turned",
        _with_tau(lambda d, n0, n1, n2, ranked: -d / math.sqrt((n0 - n1) * (n0 - n2))),
        "The sign is turned: agreement has to be positive.",
        "Concordant minus discordant.",
    ),
    Mistake(
        "pearson",
        _pearson,
        "This is Pearson's correlation, which looks at distances, not at the order.",
        TAU_STEP,
    ),
    Mistake(
        "constant-is-zero",
        lambda e, t: {k: 0.0 if v != v else v for k, v in kendall_tau_b(e, t).items()},
        "A constant list got tau = 0. That says that the rankings are unrelated; but there is no "
        "ranking.",
        "Return math.nan where a factor under the root is 0.",
    ),
    Mistake(
        "constant-is-one",
        lambda e, t: {k: 1.0 if v != v else v for k, v in kendall_tau_b(e, t).items()},
        "A constant list got tau = 1: a proxy that says the same of all would look perfect.",
        "Return math.nan where a factor under the root is 0.",
    ),
)
KENDALL = Task(("estimated", "true"), kendall_tau_b, MISTAKES)
Case = tuple[list[float], list[float]]


def _read(ask: Ask, case: Case) -> Pairs:
    given = KENDALL.describe(case)
    fields = expect_keys(ask(*case), (*COUNTS, "tau"), given=given)
    counts = {
        name: int(expect_number(fields[name], given=f"{given}; looking at `{name}`", whole=True))
        for name in COUNTS
    }
    return counts | {"tau": _tau(fields["tau"], f"{given}; looking at `tau`")}


def _tau(value: Any, given: str) -> float:
    if isinstance(value, float) and math.isnan(value):
        return value
    return float(expect_number(value, given=given))


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, ([1.0, 2.0, 4.0], [0.5, 0.25, 0.75]))


def _without_ties(ask: Ask, rng: np.random.Generator) -> None:
    cases: list[Case] = [
        ([0.5, 0.25, 0.75, 1.0], [0.25, 0.5, 0.75, 1.0]),
        ([3.0, 1.0, 5.0, 2.0, 4.0], [5.0, 4.0, 1.0, 2.0, 3.0]),
    ]
    probes = [(_distinct(rng, 7), _distinct(rng, 7)) for _ in range(3)]
    judge(KENDALL, lambda case: _read(ask, case), cases, [*probes, *_tied(rng)])


def _with_ties(ask: Ask, rng: np.random.Generator) -> None:
    cases: list[Case] = [
        ([0.5, 0.5, 0.75, 1.0, 1.0], [0.25, 0.5, 0.75, 0.75, 0.75]),
        ([1.0, 1.0, 1.0, 2.0, 3.0, 2.0], [4.0, 4.0, 2.0, 3.0, 5.0, 1.0]),
    ]
    judge(KENDALL, lambda case: _read(ask, case), cases, _tied(rng))


def _constant_and_random(ask: Ask, rng: np.random.Generator) -> None:
    constant: list[Case] = [([0.5] * 4, [0.25, 0.5, 0.75, 1.0]), ([2.0, 1.0], [3.0, 3.0])]
    judge(KENDALL, lambda case: _read(ask, case), [*constant, *_tied(rng)], _tied(rng))


def _distinct(rng: np.random.Generator, count: int) -> list[float]:
    return (rng.permutation(4 * count)[:count] / 8).tolist()


def _tied(rng: np.random.Generator) -> list[Case]:
    """Random scores with many ties; the first two of each list are tied, the last two are not."""
    cases = []
    for _ in range(4):
        first, second = rng.integers(5, size=(2, 9)) / 8
        first[1], second[1] = first[0], second[0]
        first[-1], second[-1] = first[-2] + 0.125, second[-2] + 0.125
        cases.append((first.tolist(), second.tolist()))
    return cases


KENDALL_TAU = Exercise(
    id="03.2",
    chapter=CHAPTER,
    title="Kendall's tau, with ties",
    answer="kendall_tau_b",
    minutes=20,
    difficulty=2,
    stages=(
        Stage("form", 0, _form),
        Stage("no ties", 1, _without_ties),
        Stage("ties", 2, _with_ties),
        Stage("constant lists and random ones", 1, _constant_and_random),
    ),
)

EXERCISES = (KENDALL_TAU,)
