"""Cells of nodes that read two predecessors, as the exercises write and read them.

cell = (((2, 0), (1, 1)), ((0, 0), (2, 2)))    # a node: two (operation, predecessor)
read_cell(value, nodes, given)          # from tuples, lists, arrays or tensors
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_course.grading.exercise import Diagnosis
from nas_course.grading.expect import expect_array

INPUTS = 2
Input = tuple[int, int]  # number of the operation, predecessor
Node = tuple[Input, Input]
Cell = tuple[Node, ...]


def draw_cell(rng: np.random.Generator, nodes: int, operations: int) -> Cell:
    """Draw a cell, every choice by a fair die."""
    return tuple(_draw_node(rng, INPUTS + node, operations) for node in range(nodes))


def _draw_node(rng: np.random.Generator, predecessors: int, operations: int) -> Node:
    first, second = sorted(rng.choice(predecessors, size=2, replace=False).tolist())
    names = rng.integers(operations, size=2).tolist()
    return (names[0], first), (names[1], second)


def ascending(node: Node) -> Node:
    """Write the input with the smaller predecessor first."""
    first, second = sorted(node, key=lambda pair: pair[1])
    return first, second


def replaced(cell: Cell, position: int, slot: int, new: Input) -> Cell:
    """Put another input at a place of a node; the order in the node is left as it is."""
    node = list(cell[position])
    node[slot] = new
    return (*cell[:position], (node[0], node[1]), *cell[position + 1 :])


def sorted_cell(cell: Cell) -> Cell:
    """Write every node ascending."""
    return tuple(ascending(node) for node in cell)


def neighbors(cell: Cell, operations: int) -> frozenset[Cell]:
    """Return the cells that differ in one operation or one predecessor."""
    found = set()
    for position, node in enumerate(cell):
        for slot in range(2):
            (operation, source), (_, kept) = node[slot], node[1 - slot]
            changed = [(other, source) for other in range(operations) if other != operation]
            free = set(range(INPUTS + position)) - {source, kept}
            changed += [(operation, other) for other in sorted(free)]
            found |= {sorted_cell(replaced(cell, position, slot, new)) for new in changed}
    return frozenset(found)


def read_cells(value: Any, nodes: int, given: str) -> list[Cell]:
    """Return a collection of cells in normal form, as it stands; `Diagnosis` if it is none."""
    if isinstance(value, set | frozenset):
        value = list(value)
    numbers = expect_array(value, (None, nodes, 2, 2), given=given)
    return [_plain(cell, given) for cell in numbers]


def read_cell(value: Any, nodes: int, given: str) -> Cell:
    """Return one cell in normal form, as it stands; `Diagnosis` if it is none."""
    return _plain(expect_array(value, (nodes, 2, 2), given=given), given)


def _plain(numbers: np.ndarray, given: str) -> Cell:
    if (numbers != np.rint(numbers)).any():
        raise Diagnosis(
            given=given,
            got=numbers,
            expected="whole numbers",
            cause="Operations and predecessors are whole numbers.",
            next_step="Write an input as (number of the operation, predecessor).",
            code="not-whole",
        )
    plain = numbers.astype(int).tolist()
    return tuple(((a[0], a[1]), (b[0], b[1])) for a, b in plain)
