"""Checks of exercise 02.3: where reduction cells stand, and the shape after every cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_array, expect_keys
from nas_course.grading.mistakes import Mistake, Task, judge

CHAPTER = "02_search_spaces"
Case = tuple[int, int, int, int]
Skeleton = dict[str, list]


def skeleton(layers: int, channels: int, side: int, nodes: int) -> Skeleton:
    """Reductions at one and two thirds of the depth (DARTS, section 3.1)."""
    return _built(_thirds(layers), layers, channels, side, nodes)


def _thirds(layers: int) -> set[int]:
    return {layers // 3, 2 * layers // 3}


def _built(
    reductions: Iterable[int], layers: int, channels: int, side: int, nodes: int
) -> Skeleton:
    places = sorted(reductions)
    shapes = []
    for index in range(layers):
        passed = sum(place <= index for place in places)
        shapes.append([nodes * channels * 2**passed, side // 2**passed])
    return {"reductions": places, "shapes": shapes}


def _at(positions: Callable[[int], Iterable[int]]) -> Callable[..., Skeleton]:
    """Put the reductions elsewhere."""
    return lambda layers, *rest: _built(positions(layers), layers, *rest)


def _shaped(change: Callable[..., list]) -> Callable[..., Skeleton]:
    """Keep the reductions; a shape is computed from (how many passed, channels, side, nodes)."""

    def compute(layers: int, *rest: int) -> Skeleton:
        places = sorted(_thirds(layers))
        passed = [sum(place <= index for place in places) for index in range(layers)]
        return {"reductions": places, "shapes": [change(number, *rest) for number in passed]}

    return compute


def _one_late(layers: int, channels: int, side: int, nodes: int) -> Skeleton:
    late = _built([place + 1 for place in _thirds(layers)], layers, channels, side, nodes)
    return late | {"reductions": sorted(_thirds(layers))}


MISTAKES = (
    Mistake(
        "counted-from-one",
        _at(lambda n: {max(place - 1, 0) for place in _thirds(n)}),
        "The reductions stand one cell too early: cells are numbered from 0.",
        "layers // 3 is already the number of the cell.",
    ),
    Mistake(
        "one-cell-later",
        _at(lambda n: {place + 1 for place in _thirds(n)}),
        "The reductions stand one cell too late.",
        "layers // 3 is already the number of the cell.",
    ),
    Mistake(
        "every-third-cell",
        _at(lambda n: set(range(2, n, 3))),
        "Every third cell was made a reduction, as in a drawing N N R N N R N. There are never "
        "more than two, whatever the depth.",
        "The reductions are the cells layers // 3 and 2 * layers // 3.",
    ),
    Mistake(
        "thirds-rounded",
        _at(lambda n: {round(n / 3), round(2 * n / 3)}),
        "The thirds of the depth were rounded to the nearest cell.",
        "Round down: // instead of round.",
    ),
    Mistake(
        "twice-the-rounded-third",
        _at(lambda n: {n // 3, 2 * (n // 3)}),
        "The second reduction stands at twice the rounded third.",
        "First multiply, then divide: 2 * layers // 3.",
    ),
    Mistake(
        "same-cell-twice",
        lambda n, *rest: _built([n // 3, 2 * n // 3], n, *rest),
        "Both thirds are the same cell in a network of one cell. It was counted as two reductions.",
        "Keep the positions in a set.",
    ),
    Mistake(
        "second-reduction-missing",
        _at(lambda n: {n // 3}),
        "The second reduction is missing.",
        "There is one at one third and one at two thirds.",
    ),
    Mistake(
        "reduced-one-cell-late",
        _one_late,
        "The output of a reduction cell is smaller already: it reduces itself, not its successor.",
        "Change channels and side before you write down the shape of that cell.",
    ),
    Mistake(
        "nodes-not-concatenated",
        _shaped(lambda passed, c, side, nodes: [c * 2**passed, side // 2**passed]),
        "These are the channels of one node. The cell puts the outputs of all its nodes one "
        "after the other.",
        "Multiply the channels by the number of nodes.",
    ),
    Mistake(
        "stem-counted",
        _shaped(lambda passed, c, side, nodes: [3 * c * 2**passed, side // 2**passed]),
        "3 * channels is what the stem gives out. A cell has nodes * channels.",
        "Multiply the channels by the number of nodes.",
    ),
    Mistake(
        "channels-not-doubled",
        _shaped(lambda passed, c, side, nodes: [nodes * c, side // 2**passed]),
        "The channels stay the same. A reduction doubles them, so that little is lost when the "
        "picture shrinks.",
        "At each reduction: channels * 2, side // 2.",
    ),
    Mistake(
        "side-not-halved",
        _shaped(lambda passed, c, side, nodes: [nodes * c * 2**passed, side]),
        "The side of the picture stays the same. A reduction halves it.",
        "At each reduction: channels * 2, side // 2.",
    ),
    Mistake(
        "channels-quadrupled",
        _shaped(lambda passed, c, side, nodes: [nodes * c * 4**passed, side // 2**passed]),
        "The channels grow by four at a reduction, as if the number of values were to stay. They "
        "double: half of the values are given up.",
        "At each reduction: channels * 2, side // 2.",
    ),
    Mistake(
        "side-first",
        _shaped(lambda passed, c, side, nodes: [side // 2**passed, nodes * c * 2**passed]),
        "The two numbers of a shape stand the other way round.",
        "First the channels, then the side.",
    ),
)
TASK = Task(("layers", "channels", "side", "nodes"), skeleton, MISTAKES)


def _read(ask: Ask, case: Case) -> Skeleton:
    given = TASK.describe(case)
    fields = expect_keys(ask(*case), ("reductions", "shapes"), given=given)
    return {
        "reductions": sorted(_whole(fields["reductions"], "reductions", (None,), given)),
        "shapes": _whole(fields["shapes"], "shapes", (case[0], 2), given),
    }


def _whole(value: Any, name: str, shape: tuple[int | None, ...], given: str) -> list:
    value = sorted(value) if isinstance(value, set | frozenset) else value
    numbers = expect_array(value, shape, given=f"{given}; looking at `{name}`")
    if (numbers == np.rint(numbers)).all():
        return numbers.astype(int).tolist()
    raise Diagnosis(
        given=f"{given}; looking at `{name}`",
        got=numbers,
        expected="whole numbers",
        cause="Cells, channels and sides are whole numbers.",
        next_step="Divide with // instead of /.",
        code="not-whole",
    )


def _case(rng: np.random.Generator, layers: int) -> Case:
    channels, side = int(rng.integers(4, 40)), 4 * int(rng.integers(2, 17))
    return layers, channels, side, int(rng.integers(4, 7))


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, (8, 16, 32, 4))


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    probes = [_case(rng, layers) for layers in (8, 20, 11, 13, 1)]
    judge(TASK, lambda case: _read(ask, case), [(8, 16, 32, 4)], probes)


def _any_depth(ask: Ask, rng: np.random.Generator) -> None:
    depths = [int(depth) for depth in rng.permutation(np.arange(3, 21))]
    cases = [_case(rng, layers) for layers in depths]
    judge(TASK, lambda case: _read(ask, case), cases, cases)


def _one_and_two(ask: Ask, rng: np.random.Generator) -> None:
    judge(TASK, lambda case: _read(ask, case), [_case(rng, 2), _case(rng, 1)])


SKELETON = Exercise(
    id="02.3",
    chapter=CHAPTER,
    title="Where the picture shrinks",
    answer="skeleton",
    minutes=15,
    difficulty=2,
    stages=(
        Stage("positions and shapes", 0, _form),
        Stage("the eight cells of a DARTS search", 2, _by_hand),
        Stage("3 to 20 cells", 1, _any_depth),
        Stage("one and two cells", 1, _one_and_two),
    ),
)

EXERCISES = (SKELETON,)
