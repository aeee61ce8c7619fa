"""Check of exercise 01.1: what it would cost to train every design of a space."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_keys, expect_number
from nas_course.grading.mistakes import Mistake, Task, judge

CHAPTER = "01_what_is_nas"
HOURS_OF_A_YEAR = 24 * 365
Cost = dict[str, float]


def cost_of_everything(options: Sequence[int], hours: float, machines: int) -> Cost:
    """Count the designs of independent choices and the years to train them all."""
    return _cost(prod(options), hours / machines)


def _cost(designs: int, hours: float) -> Cost:
    return {"designs": designs, "years": designs * hours / HOURS_OF_A_YEAR}


COST_MISTAKES = (
    Mistake(
        "options-added",
        lambda o, h, m: _cost(sum(o), h / m),
        "The options were added. Each option of one choice can go with each of every other.",
        "Independent choices multiply.",
    ),
    Mistake(
        "same-options-everywhere",
        lambda o, h, m: _cost(o[0] ** len(o), h / m),
        "All choices were given as many options as the first one.",
        "Multiply the numbers of the list; they may differ.",
    ),
    Mistake(
        "largest-choice-only",
        lambda o, h, m: _cost(max(o) ** len(o), h / m),
        "All choices were given as many options as the largest one.",
        "Multiply the numbers of the list; they may differ.",
    ),
    Mistake(
        "base-and-exponent-swapped",
        lambda o, h, m: _cost(len(o) ** o[0], h / m),
        "The number of choices was raised to the power of the options.",
        "One choice more multiplies the number of designs by its options.",
    ),
    Mistake(
        "machines-ignored",
        lambda o, h, m: _cost(prod(o), h),
        "The machines were left out: they train at the same time.",
        "Divide the hours of work by the number of machines.",
    ),
    Mistake(
        "more-machines-take-longer",
        lambda o, h, m: _cost(prod(o), h * m),
        "The time was multiplied by the machines: more of them would take longer.",
        "Divide by the number of machines.",
    ),
    Mistake(
        "days-not-years",
        lambda o, h, m: {"designs": prod(o), "years": prod(o) * h / m / 24},
        "These are days.",
        "A year has 24 * 365 hours.",
    ),
    Mistake(
        "hours-not-years",
        lambda o, h, m: {"designs": prod(o), "years": prod(o) * h / m},
        "These are hours.",
        "A year has 24 * 365 hours.",
    ),
    Mistake(
        "hours-as-days",
        lambda o, h, m: {"designs": prod(o), "years": prod(o) * h / m / 365},
        "The hours of a training were taken for days.",
        "A year has 24 * 365 hours.",
    ),
    Mistake(
        "hours-ignored",
        lambda o, h, m: _cost(prod(o), 1 / m),
        "A training was taken to last one hour.",
        "Multiply by `hours`.",
    ),
    Mistake(
        "overflow",
        lambda o, h, m: _wrapped(o, h, m),
        "The product left the range of 64-bit integers and wrapped around; numpy says nothing.",
        "Use math.prod or Python's own int, which grows as needed.",
    ),
)


def _wrapped(options: Sequence[int], hours: float, machines: int) -> Cost:
    return _cost(int(np.prod(np.array(options, dtype=np.int64))), hours / machines)


COST = Task(("options", "hours", "machines"), cost_of_everything, COST_MISTAKES)
CostCase = tuple[list[int], float, int]


def _read_cost(ask: Ask, case: CostCase) -> Cost:
    given = COST.describe(case)
    fields = expect_keys(ask(*case), ("designs", "years"), given=given)
    years = expect_number(fields["years"], given=f"{given}; looking at `years`")
    return {"designs": _whole(fields["designs"], given), "years": years}


def _whole(value: Any, given: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = expect_number(value, given=f"{given}; looking at `designs`")
    raise Diagnosis(
        given=given,
        got=f"designs = {number!r}, a floating-point number",
        expected="designs as an int",
        cause="A float has 53 binary digits, so large counts are no longer exact in it.",
        next_step="Multiply whole numbers: math.prod, no '/', no logarithms.",
        code="count-is-a-float",
    )


def _cost_form(ask: Ask, rng: np.random.Generator) -> None:
    _read_cost(ask, ([2], 1, 1))


def _cost_by_hand(ask: Ask, rng: np.random.Generator) -> None:
    probes: list[CostCase] = [([2, 5, 3], 7, 4), ([6, 2], 3, 5)]
    cases: list[CostCase] = [([3, 4], 2, 1), ([5, 5, 3, 4, 3, 4], 2.5, 3)]
    judge(COST, lambda case: _read_cost(ask, case), cases, probes)


def _cost_large(ask: Ask, rng: np.random.Generator) -> None:
    drawn = [int(number) for number in rng.integers(2, 9, size=12)]
    cases: list[CostCase] = [([5] * 20, 1, 1), ([7] * 40, 0.5, 800), (drawn, 3, 16)]
    judge(COST, lambda case: _read_cost(ask, case), cases)


COST_OF_EVERYTHING = Exercise(
    id="01.1",
    chapter=CHAPTER,
    title="What would it cost to try everything?",
    answer="cost_of_everything",
    minutes=10,
    difficulty=1,
    stages=(
        Stage("form", 0, _cost_form),
        Stage("two small spaces, counted by hand", 2, _cost_by_hand),
        Stage("large spaces, exactly", 1, _cost_large),
    ),
)

EXERCISES = (COST_OF_EVERYTHING,)
