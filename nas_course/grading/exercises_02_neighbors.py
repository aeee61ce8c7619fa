"""Checks of exercise 02.4: all cells that differ from a cell in one choice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.mistakes import Mistake, Task, judge
from nas_course.grading.node_cells import (
    INPUTS,
    Cell,
    Input,
    draw_cell,
    neighbors,
    read_cells,
    replaced,
    sorted_cell,
)

CHAPTER = "02_search_spaces"
Case = tuple[Cell, int]
Cells = frozenset[Cell]
Places = Iterator[tuple[int, int, Input, int]]  # node, slot, its input, predecessor that is kept


def _places(cell: Cell) -> Places:
    for position, node in enumerate(cell):
        for slot in range(2):
            yield position, slot, node[slot], node[1 - slot][1]


def _other_operations(cell: Cell, numbers: range) -> Cells:
    return frozenset(
        replaced(cell, position, slot, (other, source))
        for position, slot, (operation, source), _ in _places(cell)
        for other in numbers
        if other != operation
    )


def _moved(cell: Cell, free: Callable[[int, int, int], set[int]]) -> list[Cell]:
    """Move each input to the predecessors that `free` allows, nodes left in their order."""
    return [
        replaced(cell, position, slot, (operation, other))
        for position, slot, (operation, source), kept in _places(cell)
        for other in free(position, source, kept)
    ]


def _free(position: int, source: int, kept: int) -> set[int]:
    return set(range(INPUTS + position)) - {source, kept}


def _with_moves(free: Callable[[int, int, int], set[int]]) -> Callable[[Cell, int], Cells]:
    """Allow other predecessors than the right ones."""

    def compute(cell: Cell, operations: int) -> Cells:
        moves = frozenset(map(sorted_cell, _moved(cell, free)))
        return _other_operations(cell, range(operations)) | moves

    return compute


def _not_sorted(cell: Cell, operations: int) -> Cells:
    return _other_operations(cell, range(operations)) | frozenset(_moved(cell, _free))


def _operations_left_behind(cell: Cell, operations: int) -> Cells:
    moves = frozenset(
        tuple(
            ((a[0], min(a[1], b[1])), (b[0], max(a[1], b[1])))  # only the predecessors are sorted
            for a, b in moved
        )
        for moved in _moved(cell, _free)
    )
    return _other_operations(cell, range(operations)) | moves


def _whole_node(cell: Cell, operations: int) -> Cells:
    found = set()
    for position in range(len(cell)):
        for a, b in product(range(INPUTS + position), repeat=2):
            for first, second in product(range(operations), repeat=2):
                if a < b:
                    node = ((first, a), (second, b))
                    found.add((*cell[:position], node, *cell[position + 1 :]))
    return frozenset(found - {cell})


def _one_slot(slot: int) -> Callable[[Cell, int], Cells]:
    """Change the lower or the higher input only."""

    def compute(cell: Cell, operations: int) -> Cells:
        found = set()
        for position, place, (operation, source), kept in _places(cell):
            if place == slot:
                new = [(other, source) for other in range(operations) if other != operation]
                new += [(operation, other) for other in _free(position, source, kept)]
                found |= {sorted_cell(replaced(cell, position, slot, each)) for each in new}
        return frozenset(found)

    return compute


MISTAKES = (
    Mistake(
        "cell-itself-listed",
        lambda cell, k: neighbors(cell, k) | {cell},
        "The cell itself is in the list. It differs from itself in no choice.",
        "Skip the operation and the predecessor that the input has already.",
    ),
    Mistake(
        "operations-only",
        lambda cell, k: _other_operations(cell, range(k)),
        "Only operations were changed. Which node an input comes from is a choice as well.",
        "Move each input to every predecessor that the node does not read yet.",
    ),
    Mistake(
        "predecessors-only",
        lambda cell, k: frozenset(map(sorted_cell, _moved(cell, _free))),
        "Only predecessors were changed.",
        "Give each input every other operation as well.",
    ),
    Mistake(
        "same-predecessor-twice",
        _with_moves(lambda position, source, kept: set(range(INPUTS + position)) - {source}),
        "Some node reads one predecessor twice: the input was moved to where the other one is.",
        "Leave out both predecessors that the node reads already.",
    ),
    Mistake(
        "not-ascending",
        _not_sorted,
        "A moved input stayed in its place, so the predecessors of a node are not in ascending "
        "order. One cell would have two names.",
        "Sort the two inputs of the node by predecessor.",
    ),
    Mistake(
        "operation-left-behind",
        _operations_left_behind,
        "The predecessors were sorted, but their operations stayed where they were: two inputs "
        "exchanged operations, so more than one choice changed.",
        "Sort the pairs (operation, predecessor), not the predecessors alone.",
    ),
    Mistake(
        "reads-itself",
        _with_moves(lambda position, source, kept: _free(position + 1, source, kept)),
        "A node reads itself. The node at position i has the number i + 2, and its predecessors "
        "are those below.",
        "Use range(i + 2).",
    ),
    Mistake(
        "last-predecessor-missed",
        _with_moves(lambda position, source, kept: _free(position - 1, source, kept)),
        "No input is moved to the last predecessor of its node.",
        "The node at position i reads 0 to i + 1: range(i + 2).",
    ),
    Mistake(
        "inputs-of-the-cell-missed",
        _with_moves(lambda position, source, kept: _free(position, source, kept) - {0, 1}),
        "No input is moved to 0 or 1, the two inputs of the cell.",
        "The predecessors of the node at position i are 0 to i + 1.",
    ),
    Mistake(
        "operation-zero-left-out",
        lambda cell, k: (
            _other_operations(cell, range(1, k)) | frozenset(map(sorted_cell, _moved(cell, _free)))
        ),
        "Operation 0 is never chosen. Here all numbers are operations that may be chosen.",
        "Use range(operations).",
    ),
    Mistake(
        "no-such-operation",
        lambda cell, k: neighbors(cell, k + 1),
        "An operation has a number that does not exist.",
        "They are numbered from 0 to operations - 1.",
    ),
    Mistake(
        "whole-node-changed",
        _whole_node,
        "Cells are listed in which one node has changed altogether: more than one choice.",
        "Change one operation or one predecessor, nothing else.",
    ),
    Mistake(
        "lower-input-only",
        _one_slot(0),
        "Only the lower input of each node was changed.",
        "Do the same for both inputs.",
    ),
    Mistake(
        "higher-input-only",
        _one_slot(1),
        "Only the higher input of each node was changed.",
        "Do the same for both inputs.",
    ),
    Mistake(
        "last-node-forgotten",
        lambda cell, k: frozenset(
            other for other in neighbors(cell, k) if other[-1] == cell[-1] and len(cell) > 1
        ),
        "The last node is never changed.",
        "Let the loop go over all nodes.",
    ),
)
TASK = Task(("cell", "operations"), neighbors, MISTAKES)


def _read(ask: Ask, case: Case) -> Cells:
    given = TASK.describe(case)
    cells = read_cells(ask(*case), len(case[0]), given)
    twice = next((cell for cell in cells if cells.count(cell) > 1), None)
    if twice is not None and frozenset(cells) == neighbors(*case):
        raise Diagnosis(
            given=given,
            got=f"{twice}, {cells.count(twice)} times",
            expected="every neighbour once",
            cause="The right cells, but some stand in the list more than once.",
            next_step="Go over each change once; a set removes what is left.",
            code="listed-twice",
        )
    return frozenset(cells)


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, (draw_cell(rng, 2, 3), 3))


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    cells = [(((0, 0), (1, 1)),), (((1, 0), (0, 1)), ((0, 0), (1, 1)))]
    probes = [(draw_cell(rng, 4, 3), 3) for _ in range(4)]
    judge(TASK, lambda case: _read(ask, case), [(cell, 2) for cell in cells], probes)


def _random(ask: Ask, rng: np.random.Generator) -> None:
    cases = [(draw_cell(rng, nodes, k), k) for nodes, k in ((3, 3), (4, 4), (4, 7), (5, 2))]
    cases += [(draw_cell(rng, 4, 2), 2) for _ in range(8)]
    judge(TASK, lambda case: _read(ask, case), cases, cases)


def _few(ask: Ask, rng: np.random.Generator) -> None:
    cases = [(draw_cell(rng, nodes, 1), 1) for nodes in (2, 4)]
    judge(TASK, lambda case: _read(ask, case), cases, cases)


NEIGHBORS = Exercise(
    id="02.4",
    chapter=CHAPTER,
    title="All neighbours of a cell",
    answer="neighbors",
    minutes=20,
    difficulty=3,
    stages=(
        Stage("a list of cells", 0, _form),
        Stage("one node, two nodes", 2, _by_hand),
        Stage("random cells", 2, _random),
        Stage("only one operation", 1, _few),
    ),
)

EXERCISES = (NEIGHBORS,)
