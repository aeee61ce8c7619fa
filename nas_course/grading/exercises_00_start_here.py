"""The check of exercise 00.1, a warm-up that shows how checks speak: counting chains."""

from __future__ import annotations

from math import comb, perm

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_number
from nas_course.grading.mistakes import Mistake, Task, judge

Case = tuple[int, int]


def count_chains(layers: int, operations: int) -> int:
    """Count chains: every layer takes one of the operations, independently of the others."""
    return operations**layers


MISTAKES = (
    Mistake(
        "choices-added",
        lambda layers, operations: layers * operations,
        "The choices were added. But each choice for one layer can go with each choice for all "
        "the others.",
        "Write down all chains of 2 layers with operations a, b, c: aa, ab, ac, ba, ...",
    ),
    Mistake(
        "base-and-exponent-swapped",
        lambda layers, operations: layers**operations,
        "Base and exponent are swapped.",
        "With one more layer the number must grow by the factor `operations`.",
    ),
    Mistake(
        "repetition-forbidden",
        lambda layers, operations: perm(operations, layers),
        "An operation was used up by the layer that took it. Two layers may take the same one.",
        "Is 'aa' a chain of two layers? It is: count it.",
    ),
    Mistake(
        "order-ignored",
        lambda layers, operations: comb(operations + layers - 1, layers),
        "Chains with the same operations in another order were counted once. They compute "
        "different things: pooling before a convolution is not pooling after it.",
        "Count 'ab' and 'ba' as two.",
    ),
    Mistake(
        "subsets-counted",
        lambda layers, operations: comb(operations, layers),
        "Sets of operations were counted: no repetition and no order. Chains have both.",
        "Count 'aa', 'ab' and 'ba' as three.",
    ),
    Mistake(
        "one-layer-too-few",
        lambda layers, operations: operations ** (layers - 1),
        "One layer has no choice in this count.",
        "With a single layer there are as many chains as operations.",
    ),
    Mistake(
        "shorter-chains-too",
        lambda layers, operations: sum(operations**depth for depth in range(1, layers + 1)),
        "Shorter chains were counted as well. The number of layers is given.",
        "Count only the chains that have exactly `layers` layers.",
    ),
    Mistake(
        "empty-layer",
        lambda layers, operations: (operations + 1) ** layers,
        "One choice too many per layer, as if a layer could stay empty.",
        "Each layer takes exactly one of the `operations` operations.",
    ),
)
TASK = Task(("layers", "operations"), count_chains, MISTAKES)


def _read(ask: Ask, case: Case) -> int:
    given = TASK.describe(case)
    number = expect_number(ask(*case), given=given)
    if isinstance(number, int):
        return number
    raise Diagnosis(
        given=given,
        got=f"{number!r}, a floating-point number",
        expected="an int",
        cause="A float has 53 binary digits, so large counts are no longer exact in it.",
        next_step="Use integer arithmetic: +, *, ** on whole numbers, no '/', no logarithms.",
        code="count-is-a-float",
    )


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, (1, 1))


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    judge(TASK, lambda case: _read(ask, case), [(2, 3), (1, 4)], [(3, 5), (4, 3)])


def _exactly(ask: Ask, rng: np.random.Generator) -> None:
    layers, operations = (int(number) for number in rng.integers(3, 9, size=2))
    cases = [(14, 8), (30, 7), (layers, operations)]
    judge(TASK, lambda case: _read(ask, case), cases, [(3, 5), (4, 3)])


EXERCISES = (
    Exercise(
        id="00.1",
        chapter="00_start_here",
        title="How many chains are there?",
        answer="count_chains",
        minutes=3,
        difficulty=1,
        stages=(
            Stage("a whole number", 0, _form),
            Stage("one and two layers, counted by hand", 1, _by_hand),
            Stage("long chains, exactly", 1, _exactly),
        ),
    ),
)
