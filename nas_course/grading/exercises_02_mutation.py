"""Checks of exercise 02.6: a mutation of a cell that had hidden faults."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.node_cells import (
    INPUTS,
    Cell,
    ascending,
    draw_cell,
    neighbors,
    read_cell,
)
from nas_course.grading.transport import Expression

CHAPTER = "02_search_spaces"
OPERATIONS = 3
DRAWS = 60
SPREAD_DRAWS = 450  # node, slot, kind and option by fair dice: misses one of 18 in 1e-7 cases


def _mutate(ask: Ask, cell: Cell, operations: int, seed: int) -> tuple[Cell, str]:
    generator = f"np.random.default_rng({seed})"
    given = f"cell = {cell}\noperations = {operations}\nrng = {generator}"
    return read_cell(ask(cell, operations, Expression(generator)), len(cell), given), given


def _complain(given: str, child: Cell, expected: str, code: str, cause: str, step: str) -> None:
    raise Diagnosis(
        given=given, got=child, expected=expected, code=code, cause=cause, next_step=step
    )


def _check_range(given: str, child: Cell) -> None:
    for position, ((_, a), (_, b)) in enumerate(child):
        if not 0 <= min(a, b) <= max(a, b) < INPUTS + position:
            _complain(
                given,
                child,
                f"predecessors from 0 to {INPUTS + position - 1} at position {position}",
                "no-such-predecessor",
                f"The node at position {position} has the number {INPUTS + position}; it reads "
                "itself, a later node or nothing that exists.",
                "The predecessors of the node at position i are range(i + 2).",
            )


def _check_different(given: str, child: Cell) -> None:
    for position, ((_, a), (_, b)) in enumerate(child):
        if a == b:
            _complain(
                given,
                child,
                f"two different predecessors in the node at position {position}",
                "same-predecessor-twice",
                f"The node at position {position} reads predecessor {a} twice: the new "
                "predecessor was drawn without looking at the one that is kept.",
                "Draw from the predecessors that the node does not read yet.",
            )


def _check_operations(given: str, child: Cell) -> None:
    if not all(0 <= operation < OPERATIONS for node in child for operation, _ in node):
        _complain(
            given,
            child,
            f"operations from 0 to {OPERATIONS - 1}",
            "no-such-operation",
            "An operation has a number that does not exist.",
            "rng.integers(n) draws from 0 to n - 1.",
        )


def _check_order(given: str, child: Cell) -> None:
    if any(node != ascending(node) for node in child):
        _complain(
            given,
            child,
            "the smaller predecessor first in every node",
            "not-ascending",
            "A node has its predecessors in descending order, so one cell has two names and a "
            "search evaluates it twice.",
            "Sort the two inputs of the changed node by predecessor.",
        )


def _legal(ask: Ask, rng: np.random.Generator) -> None:
    first = int(rng.integers(10_000))
    drawn = [
        _mutate(ask, draw_cell(rng, 3, OPERATIONS), OPERATIONS, seed)
        for seed in range(first, first + DRAWS)
    ]
    # one rule after the other, so that chance does not decide which is reported
    for check in (_check_range, _check_different, _check_operations, _check_order):
        for child, given in drawn:
            check(given, child)


def _one_change(ask: Ask, rng: np.random.Generator) -> None:
    first = int(rng.integers(10_000))
    for seed in range(first, first + DRAWS):
        cell = draw_cell(rng, int(rng.integers(1, 5)), 2)
        child, given = _mutate(ask, cell, 2, seed)
        if child == cell:
            _complain(
                given,
                child,
                "another cell",
                "nothing-changed",
                "The child is its parent: what was there already has been drawn again. A search "
                "would pay for a cell that it knows.",
                "Draw from the options without the present one. The first node has no other "
                "predecessor to move to: change an operation there.",
            )
        if child not in neighbors(cell, 2):
            _complain(
                given,
                child,
                "a cell that differs in one operation or one predecessor",
                "more-than-one-change",
                "More than one choice has changed.",
                "Change the operation or the predecessor of one input of one node. When you "
                "sort, each operation goes along with its predecessor.",
            )
    _check_generator(ask, rng)


def _check_generator(ask: Ask, rng: np.random.Generator) -> None:
    cell = draw_cell(rng, 4, 5)
    for seed in range(12):
        child, given = _mutate(ask, cell, 5, seed)
        again, _ = _mutate(ask, cell, 5, seed)
        if child != again:
            _complain(
                given,
                again,
                f"{child}, as at the first call",
                "own-randomness",
                "Twice the same generator, and two different children: the randomness comes from "
                "somewhere else.",
                "Draw everything from `rng`.",
            )


Test = Callable[[Cell, Cell], bool]


def _changed_places(cell: Cell, child: Cell) -> list[int]:
    return [place for place, pair in enumerate(zip(cell, child, strict=True)) if pair[0] != pair[1]]


def _sources(cell: Cell) -> list[list[int]]:
    return [sorted(source for _, source in node) for node in cell]


def _new_source(cell: Cell, child: Cell) -> tuple[int, int] | None:
    """Position of a moved input and where it reads now; None if no input was moved."""
    for position, (before, after) in enumerate(zip(_sources(cell), _sources(child), strict=True)):
        if before != after:
            return position, next(iter(set(after) - set(before)))
    return None


def _last_source(cell: Cell, child: Cell) -> bool:
    moved = _new_source(cell, child)
    return moved is not None and moved[1] == INPUTS + moved[0] - 1


def _changed_slot(cell: Cell, child: Cell) -> int:
    """Return which input of the parent is not in the child."""
    place = _changed_places(cell, child)[0]
    return 0 if cell[place][0] not in child[place] else 1


MISSING: tuple[tuple[str, Test, str, str], ...] = (
    (
        "operations-never-change",
        lambda cell, child: _sources(cell) == _sources(child),
        "No operation ever changes.",
        "Choose by a coin whether the operation or the predecessor changes.",
    ),
    (
        "predecessors-never-change",
        lambda cell, child: _sources(cell) != _sources(child),
        "No input ever moves to another predecessor.",
        "Choose by a coin whether the operation or the predecessor changes.",
    ),
    (
        "last-predecessor-never",
        _last_source,
        "No input ever moves to the last predecessor of its node: the node before it. Long "
        "chains cannot come out.",
        "The predecessors of the node at position i are 0 to i + 1: range(i + 2).",
    ),
    (
        "first-node-never",
        lambda cell, child: _changed_places(cell, child) == [0],
        "The first node never changes. It has only two predecessors, but operations as well.",
        "Where no other predecessor is free, change an operation.",
    ),
    (
        "last-node-never",
        lambda cell, child: _changed_places(cell, child) == [len(cell) - 1],
        "The last node never changes.",
        "rng.integers(n) draws from 0 to n - 1.",
    ),
    (
        "lower-input-never",
        lambda cell, child: _changed_slot(cell, child) == 0,
        "The lower input of a node never changes.",
        "Draw the slot too: rng.integers(2).",
    ),
    (
        "higher-input-never",
        lambda cell, child: _changed_slot(cell, child) == 1,
        "The higher input of a node never changes.",
        "Draw the slot too: rng.integers(2).",
    ),
    (
        "operation-zero-never",
        lambda cell, child: _counted(child, 0) > _counted(cell, 0),
        "No input ever gets operation 0. Here it is an operation like the others.",
        "Draw from all of range(operations) but the present one.",
    ),
    (
        "last-operation-never",
        lambda cell, child: _counted(child, OPERATIONS - 1) > _counted(cell, OPERATIONS - 1),
        "No input ever gets the last operation.",
        "rng.integers(n) draws from 0 to n - 1.",
    ),
)


def _counted(cell: Cell, operation: int) -> int:
    return sum(name == operation for node in cell for name, _ in node)


def _everything(ask: Ask, rng: np.random.Generator) -> None:
    cell: Cell = (((1, 0), (1, 1)), ((1, 0), (1, 1)), ((1, 0), (1, 1)))
    first = int(rng.integers(10_000))
    every = neighbors(cell, OPERATIONS)
    children: set[Cell] = set()
    for seed in range(first, first + SPREAD_DRAWS):
        children.add(_mutate(ask, cell, OPERATIONS, seed)[0])
        if children >= every:
            return
    missing = every - children
    code, cause, step = _explain(cell, every, missing)
    raise Diagnosis(
        given=f"cell = {cell}\noperations = {OPERATIONS}\n{SPREAD_DRAWS} generators",
        got=f"{len(children)} different children",
        expected=f"all {len(every)} neighbours; never seen: {min(missing)}",
        cause=cause,
        next_step=step,
        code=code,
    )


def _explain(cell: Cell, every: frozenset[Cell], missing: frozenset[Cell]) -> tuple[str, str, str]:
    if len(every) - len(missing) < 2:
        return (
            "always-the-same-child",
            "Whatever the generator, the same child comes out.",
            "Draw the node, the slot and the change from `rng`.",
        )
    for code, test, cause, step in MISSING:
        if missing == {child for child in every if test(cell, child)}:
            return code, cause, step
    return (
        "some-neighbor-never",
        "Some neighbours never come out, so a search may not reach parts of the space.",
        "List all neighbours of this cell (02.4) and see which ones your code cannot draw.",
    )


MUTATION = Exercise(
    id="02.6",
    chapter=CHAPTER,
    title="A mutation that looks right",
    answer="mutate",
    minutes=20,
    difficulty=3,
    stages=(
        Stage("the child is a cell", 2, _legal),
        Stage("one choice has changed", 2, _one_change),
        Stage("every neighbour can come out", 1, _everything),
    ),
    reasons=(
        "A predecessor drawn from all may be the one that is kept, or the one that was there: draw "
        "from those that are free.",
        "integers(1 + position) never draws the node just before, and integers(operations) may "
        "draw what is there already.",
        "Nothing of this raises an error: only counting the children shows it.",
    ),
)

EXERCISES = (MUTATION,)
