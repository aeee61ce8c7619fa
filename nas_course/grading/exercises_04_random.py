"""Check of exercise 04.2: random search with negative scores, diverged runs and repeats."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage, describe
from nas_course.grading.expect import expect_array
from nas_course.grading.mistakes import Mistake, Task, judge
from nas_course.grading.parts import read_parts
from nas_course.grading.transport import Expression

CHAPTER = "04_random_and_evolution"
Scores = Mapping[str, tuple[float, float]]  # of the first training of a cell, of all later ones
Trained = list[tuple[str, float]]
SearchCase = tuple[list[str], dict[str, tuple[float, float]], int]
Found = dict[str, Any]

# Remembers what it trained: a second training of a cell gives the second score.
TRAIN = (
    "(lambda scores, done: lambda cell: "
    "(done.append(cell), float(scores[cell][done.count(cell) > 1]))[1])({scores}, [])"
)


def random_search(draws: Sequence[str], scores: Scores, budget: int) -> Found:
    """Train every new cell until the budget is used up; keep the best finite score."""
    return _record(_new_ones(draws, scores)[:budget])


def _larger(new: float, old: float) -> bool:
    return new > old


def _record(
    trained: Trained,
    better: Callable[[float, float], bool] = _larger,
    admitted: Callable[[float], bool] = math.isfinite,
    start: float = -math.inf,
) -> Found:
    best, value, curve = None, start, []
    for cell, score in trained:
        if admitted(score) and better(score, value):
            best, value = cell, score
        curve.append(value)
    return {"best": best, "curve": np.array(curve, dtype=float)}


def _new_ones(draws: Iterable[str], scores: Scores) -> Trained:
    return [(cell, scores[cell][0]) for cell in dict.fromkeys(draws)]


def _every_draw(draws: Sequence[str], scores: Scores) -> Trained:
    seen = [cell in draws[:place] for place, cell in enumerate(draws)]
    return [(cell, scores[cell][again]) for cell, again in zip(draws, seen, strict=True)]


def _remembered(draws: Sequence[str], scores: Scores) -> Trained:
    return [(cell, scores[cell][0]) for cell in draws]


def _smallest(draws: Sequence[str], scores: Scores, budget: int) -> Found:
    return _record(_new_ones(draws, scores)[:budget], lambda new, old: new < old, start=math.inf)


def _first_unseen(draws: Sequence[str], scores: Scores, budget: int) -> Found:
    """What comes out when the first score is taken without looking at it."""
    (cell, score), *others = _new_ones(draws, scores)[:budget]
    rest = _record(others, start=score, admitted=lambda score: True)
    best = cell if rest["best"] is None else rest["best"]
    return {"best": best, "curve": np.concatenate([[score], rest["curve"]])}


def _nan_wins(draws: Sequence[str], scores: Scores, budget: int) -> Found:
    """np.argmax and np.maximum treat nan as the largest number."""
    trained = _new_ones(draws, scores)[:budget]
    values = np.array([score for _, score in trained])
    best = trained[int(values.argmax())][0]
    return {"best": best, "curve": np.maximum.accumulate(values)}


def _diverged_unpaid(draws: Sequence[str], scores: Scores, budget: int) -> Found:
    finite = [pair for pair in _new_ones(draws, scores) if math.isfinite(pair[1])]
    return _record(finite[:budget])


def _diverged_skipped(draws: Sequence[str], scores: Scores, budget: int) -> Found:
    paid = _new_ones(draws, scores)[:budget]
    return _record([pair for pair in paid if math.isfinite(pair[1])])


def _raw_curve(draws: Sequence[str], scores: Scores, budget: int) -> Found:
    paid = _new_ones(draws, scores)[:budget]
    curve = np.array([score for _, score in paid])
    return {"best": _record(paid)["best"], "curve": curve}


def _last_only(draws: Sequence[str], scores: Scores, budget: int) -> Found:
    """A memory of one: only a cell that is drawn twice in a row is recognised."""
    seen: set[str] = set()
    trained: Trained = []
    for place, cell in enumerate(draws):
        if place and cell == draws[place - 1]:
            continue
        trained.append((cell, scores[cell][cell in seen]))
        seen.add(cell)
    return _record(trained[:budget])


def _stops_at_repeat(draws: Sequence[str], scores: Scores, budget: int) -> Found:
    repeats = [place for place, cell in enumerate(draws) if cell in draws[:place]]
    end = repeats[0] if repeats else len(draws)
    return _record(_new_ones(draws[:end], scores)[:budget])


REPEAT_STEP = "Keep a set of the cells seen, and `continue` before training and before the curve."
FINITE_STEP = "Ask math.isfinite(score) before the score may become the best."
MISTAKES = (
    Mistake(
        "smallest-wins",
        _smallest,
        "The smallest score was kept. The larger, the better.",
        "Turn the comparison, and start with -math.inf.",
    ),
    Mistake(
        "starts-at-zero",
        lambda d, s, b: _record(_new_ones(d, s)[:b], start=0.0),
        "The best score starts at 0, so no negative score can beat it.",
        "Start with -math.inf: it is below every finite score.",
    ),
    Mistake(
        "later-tie-wins",
        lambda d, s, b: _record(_new_ones(d, s)[:b], lambda new, old: new >= old),
        "Of two equal scores the later one was kept.",
        "Take a cell over only when its score is larger, not when it is equal.",
    ),
    Mistake(
        "best-not-kept",
        _raw_curve,
        "The curve holds the score of each cell, not the best so far.",
        "Append the best score after looking at the new one.",
    ),
    Mistake(
        "repeats-trained-again",
        lambda d, s, b: _record(_every_draw(d, s)[:b]),
        "A cell that was drawn before was trained again, paid again, and got a second throw.",
        REPEAT_STEP,
    ),
    Mistake(
        "repeats-trained-again",
        _last_only,
        "Only a repeat of the cell just before was recognised; others were trained again.",
        REPEAT_STEP,
    ),
    Mistake(
        "repeats-charged",
        lambda d, s, b: _record(_remembered(d, s)[:b]),
        "A repeat was not trained, but it got an entry in the curve, as if it had been paid.",
        REPEAT_STEP,
    ),
    Mistake(
        "repeats-charged",
        lambda d, s, b: _record(_remembered(d, s)),
        "A repeat was not trained, but it got an entry in the curve; and the budget is overdrawn.",
        REPEAT_STEP,
    ),
    Mistake(
        "draws-counted",
        lambda d, s, b: _record(_new_ones(d[:b], s)),
        "The budget was spent on draws. A repeat costs no training.",
        "Stop when the number of trainings reaches the budget: the length of the curve.",
    ),
    Mistake(
        "stops-at-a-repeat",
        _stops_at_repeat,
        "The search ended at the first cell that it had seen before.",
        "A repeat is passed over: `continue`, not `break`.",
    ),
    Mistake(
        "budget-ignored",
        lambda d, s, b: _record(_new_ones(d, s)),
        "More cells were trained than the budget allows.",
        "Stop when the curve has as many entries as the budget.",
    ),
    Mistake(
        "one-over-budget",
        lambda d, s, b: _record(_new_ones(d, s)[: b + 1]),
        "One training more than the budget was made.",
        "Compare before you train: if len(curve) == budget, stop.",
    ),
    Mistake(
        "nan-counts-as-largest",
        _nan_wins,
        "np.argmax and np.maximum treat nan as the largest number: it wins for ever.",
        FINITE_STEP,
    ),
    Mistake(
        "nan-never-beaten",
        _first_unseen,
        "The first score was taken without looking: if it is nan, no later score is larger, "
        "because every comparison with nan is false.",
        FINITE_STEP,
    ),
    Mistake(
        "infinity-wins",
        lambda d, s, b: _record(_new_ones(d, s)[:b], admitted=lambda x: not math.isnan(x)),
        "An infinite score became the best.",
        FINITE_STEP,
    ),
    Mistake(
        "diverged-unpaid",
        _diverged_unpaid,
        "A run that diverged was not charged. It took its training all the same.",
        "Append to the curve also when the score is not finite.",
    ),
    Mistake(
        "diverged-left-out",
        _diverged_skipped,
        "After a run that diverged the curve has no entry.",
        "Append to the curve also when the score is not finite.",
    ),
)
SEARCH = Task(("draws", "scores (first training, second)", "budget"), random_search, MISTAKES)


def _train(scores: Scores) -> Expression:
    """A function for the learner; numbers travel as text, since nan is no Python literal."""
    written = {cell: tuple(map(repr, pair)) for cell, pair in scores.items()}
    return Expression(TRAIN.format(scores=repr(written)))


def _read_search(ask: Ask, case: SearchCase) -> Found:
    draws, scores, budget = case
    given = SEARCH.describe(case)
    parts = read_parts(ask(draws, _train(scores), budget), ("best", "curve"), given)
    best = parts["best"]
    if best is None or isinstance(best, str):
        return {"best": best, "curve": _numbers(parts["curve"], given)}
    raise Diagnosis(
        given=given,
        got=f"best = {describe(best)} ({type(best).__name__})",
        expected="a cell, as it stands in `draws`, or None",
        cause="The best is not a cell.",
        next_step="Keep the cell beside its score, and return the cell.",
        code="not-a-cell",
    )


def _numbers(value: Any, given: str) -> np.ndarray:
    """Read the curve; minus infinity is legal in it, and nan is recognised later."""
    given = f"{given}; looking at `curve`"
    if isinstance(value, list | tuple) and any(type(part) not in (int, float) for part in value):
        return expect_array(None, (None,), given=given)
    plain = np.nan_to_num(value) if isinstance(value, np.ndarray | list | tuple) else value
    expect_array(plain, (None,), given=given)
    return np.asarray(value, dtype=float)


def _plain_cells(ask: Ask, rng: np.random.Generator) -> None:
    cases = [
        _case("0 1 2 3", (0.5, 0.75, 0.75, 0.25), 9),
        _case("3 1 0 2", (-1.0, -2.0, -0.5, -3.0), 9),
    ]
    probes = [_case("0 1 2", (-2.0, -1.0, -3.0), 3), _case("2 0 1", (1.0, 2.0, 1.0), 3)]
    judge(SEARCH, lambda case: _read_search(ask, case), cases, probes)


def _repeats(ask: Ask, rng: np.random.Generator) -> None:
    cases = [
        _case("0 1 0 2 3", (0.5, 0.25, 0.375, 0.75), 9),
        _case("0 0 1 0 2 3 4", (0.5, 0.25, 0.375, 0.75, 1.0), 3),
    ]
    probes = [_case("0 1 0 2 2 3 1 4 5", (0.1, 0.5, 0.3, 0.2, 0.7, 0.9), b) for b in (2, 4, 9)]
    judge(SEARCH, lambda case: _read_search(ask, case), cases, probes)


def _diverged(ask: Ask, rng: np.random.Generator) -> None:
    nan, inf = math.nan, math.inf
    cases = [
        _case("0 1 2", (0.5, nan, 0.75), 9),
        _case("0 1 2 3", (nan, -0.5, -inf, -0.25), 3),
        _case("0 1 2", (0.5, inf, 0.75), 9),
        _case("0 1", (nan, nan), 9),
    ]
    probes = [_case("0 1 2 3", (0.5, nan, 0.75, 1.0), 3), _case("0 1 2", (nan, 0.5, inf), 3)]
    judge(SEARCH, lambda case: _read_search(ask, case), cases, probes)


def _random_draws(ask: Ask, rng: np.random.Generator) -> None:
    judge(SEARCH, lambda case: _read_search(ask, case), [_drawn(rng) for _ in range(5)])


def _case(order: str, values: Sequence[float], budget: int) -> SearchCase:
    """Cells 000000, 111111, ...; a second training is always better, by luck."""
    cells = [f"{number}" * 6 for number in range(len(values))]
    scores = {cell: (score, score + 5) for cell, score in zip(cells, values, strict=True)}
    return [cells[int(number)] for number in order.split()], scores, budget


def _drawn(rng: np.random.Generator) -> SearchCase:
    cells = ["".join(map(str, rng.integers(5, size=6))) for _ in range(6)]
    values = rng.integers(-9, 3, size=(6, 2)) / 4
    values[rng.random((6, 2)) < 0.2] = rng.choice([math.nan, math.inf, -math.inf])
    scores = {cell: tuple(pair) for cell, pair in zip(cells, values.tolist(), strict=True)}
    draws = [cells[number] for number in rng.integers(6, size=10)]
    return draws, scores, int(rng.integers(2, 7))


RANDOM_SEARCH = Exercise(
    id="04.2",
    chapter=CHAPTER,
    title="A random search that can be trusted",
    answer="random_search",
    minutes=20,
    difficulty=2,
    stages=(
        Stage("finite scores, no repeats", 1, _plain_cells),
        Stage("repeats and the budget", 1, _repeats),
        Stage("diverged runs", 1, _diverged),
        Stage("random searches", 1, _random_draws),
    ),
)

EXERCISES = (RANDOM_SEARCH,)
