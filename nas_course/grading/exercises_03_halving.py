"""Check of exercise 03.3: successive halving on given learning curves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage, describe
from nas_course.grading.expect import expect_array, expect_number
from nas_course.grading.halving_rules import (
    MISTAKES,
    Curves,
    Found,
    rung_budget,
    successive_halving,
)
from nas_course.grading.mistakes import Task, judge
from nas_course.grading.parts import read_parts

CHAPTER = "03_performance_estimation"
FIELDS = ("epochs", "networks", "continued", "from_scratch", "winner")
Case = tuple[Curves, int, int]


class HalvingTask(Task):
    """Writes the curves as columns at the budgets."""

    def describe(self, case: tuple[Any, ...]) -> str:
        """Write eta, rungs and the accuracies at the budgets of the rungs."""
        curves, eta, rungs = case
        head = f"curves of shape {curves.shape}, eta = {eta}, rungs = {rungs}"
        if curves.shape[0] > 6:
            return head
        budgets = [rung_budget(curves.shape[1], eta, rungs, rung) for rung in range(rungs)]
        lines = [
            f"after {spent} epochs: " + ", ".join(f"{value:.3g}" for value in curves[:, spent - 1])
            for spent in budgets
        ]
        return "\n".join([head, *lines])


HALVING = HalvingTask(("curves", "eta", "rungs"), successive_halving, MISTAKES)


def _read(ask: Ask, case: Case) -> Found:
    given = HALVING.describe(case)
    parts = read_parts(ask(*case), FIELDS, given)
    numbers = {
        name: int(expect_number(parts[name], given=f"{given}; looking at `{name}`", whole=True))
        for name in FIELDS[2:]
    }
    budgets = expect_array(parts["epochs"], (case[2],), given=f"{given}; looking at `epochs`")
    return {"epochs": budgets, "networks": _rungs(parts["networks"], case, given), **numbers}


def _rungs(value: Any, case: Case, given: str) -> tuple[tuple[int, ...], ...]:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple) and len(value) == case[2]:
        return tuple(_numbers(on, case, given) for on in value)
    raise Diagnosis(
        given=f"{given}; looking at `networks`",
        got=f"{describe(value)} ({type(value).__name__})",
        expected=f"a list with {case[2]} lists, one for each rung",
        cause="There is not one list of networks for each rung.",
        next_step="Note the networks at the beginning of every round of the loop.",
        code="not-one-list-per-rung",
    )


def _numbers(value: Any, case: Case, given: str) -> tuple[int, ...]:
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    array = expect_array(value, (None,), given=f"{given}; looking at `networks`")
    count = len(case[0])
    numbers = sorted(array.tolist())
    if len(set(numbers)) == len(numbers) and all(number in range(count) for number in numbers):
        return tuple(int(number) for number in numbers)
    raise Diagnosis(
        given=f"{given}; looking at `networks`",
        got=numbers,
        expected=f"different whole numbers from 0 to {count - 1}",
        cause="These are not rows of `curves`, or one stands there twice.",
        next_step="Keep the numbers of the networks, not their accuracies.",
        code="not-networks",
    )


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _case(rng, 4, 2, 2, 4))


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    """Column r - 1 of each curve is what counts; the others would lead elsewhere."""
    curves = np.array(
        [
            [0.125, 0.25, 0.5, 0.625, 0.75, 0.5],
            [0.75, 0.25, 0.125, 0.625, 0.5, 0.25],
            [0.25, 0.375, 0.75, 0.75, 0.625, 0.875],
            [0.5, 0.5, 0.25, 0.875, 0.25, 0.75],
            [0.25, 0.625, 0.375, 0.25, 0.875, 1.0],
        ]
    )
    cases = [(curves, 2, 2), _case(rng, 12, 3, 2, 6), _case(rng, 9, 2, 3, 12)]
    probes = [_case(rng, n, eta, rungs, 12) for n, eta, rungs in ((7, 2, 3), (11, 2, 2))]
    judge(HALVING, lambda case: _read(ask, case), cases, probes + _troubled(rng))


def _ties_and_diverged(ask: Ask, rng: np.random.Generator) -> None:
    nan = math.nan
    ties = np.array([[3, 3, 3, 3], [6, 7, 6, 6], [6, 7, 6, 6], [5, 5, 5, 8], [7, 7, 7, 5]]) / 8
    some = np.array([[1, 2, 2, 3], [3, nan, nan, nan], [2, 3, 4, 5], [nan] * 4, [3, 1, 5, 4]]) / 8
    most = np.full((6, 4), nan)
    most[2] = [0.25, 0.5, 0.5, 0.75]
    late = np.array([[0.5, 0.5, 0.5, nan], [0.25, 0.25, 0.25, 0.75], [nan] * 4])
    cases = [(some, 2, 2), (ties, 2, 3), (most, 2, 2), (late, 2, 2), (np.full((3, 4), nan), 2, 2)]
    judge(HALVING, lambda case: _read(ask, case), cases, _troubled(rng))


def _random(ask: Ask, rng: np.random.Generator) -> None:
    small = _case(rng, 3, 3, 3, 9)  # fewer networks than eta ** 2: a rung has one place at least
    cases = [small, _case(rng, 27, 3, 3, 9), _case(rng, 16, 2, 4, 16), *_troubled(rng)]
    judge(HALVING, lambda case: _read(ask, case), cases)


def _case(rng: np.random.Generator, count: int, eta: int, rungs: int, epochs: int) -> Case:
    """Curves that cross: a level, a slope and noise for each network."""
    level, slope = rng.random((2, count, 1))
    curves = level + slope * np.linspace(0, 2, epochs) + 0.5 * rng.random((count, epochs))
    return curves, eta, rungs


def _troubled(rng: np.random.Generator) -> list[Case]:
    """Coarse accuracies, so that many are equal, and about half of the runs diverge."""
    cases = []
    for count in (6, 9, 12):
        curves = rng.integers(1, 6, size=(count, 8)) / 8
        begins = rng.integers(0, 16, size=count)
        curves[np.arange(8) >= begins[:, None]] = math.nan
        cases.append((curves, 2, 3))
    return cases


SUCCESSIVE_HALVING = Exercise(
    id="03.3",
    chapter=CHAPTER,
    title="Successive halving",
    answer="successive_halving",
    minutes=25,
    difficulty=3,
    stages=(
        Stage("form", 0, _form),
        Stage("curves without ties", 2, _by_hand),
        Stage("ties and diverged runs", 2, _ties_and_diverged),
        Stage("random curves", 1, _random),
    ),
)

EXERCISES = (SUCCESSIVE_HALVING,)
