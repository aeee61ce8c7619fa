"""Cells whose nodes sum two operations of two different predecessors: choices, neighbours.

    grid = PairCells(("sep_conv_3x3", "skip_connect"), nodes=4)
    grid.size                                       # 180 * 2**8 cells

What the DARTS space and the eight-operation space have in common.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from nas_course.spaces.choices import Choice
from nas_course.spaces.nodes import INPUTS, Cell, Node

Triple = tuple[int, int, int]  # number of the pair of predecessors, of the two operations


class PairCells:
    """All cells of `nodes` nodes that each read two different predecessors.

    Parameters
    ----------
    operations : tuple of str
        What can be applied to a predecessor.
    nodes : int
        At least 1.
    """

    def __init__(self, operations: tuple[str, ...], nodes: int) -> None:
        self.operations = operations
        self.nodes = nodes
        self.node_of = [self._nodes_by_triple(node) for node in range(nodes)]
        self.triple_of = [{n: triple for triple, n in table.items()} for table in self.node_of]
        # either input takes another operation or another free predecessor
        self.node_neighbors = [2 * (len(operations) - 1 + node) for node in range(nodes)]
        self.neighbor_count = sum(self.node_neighbors)

    @property
    def size(self) -> int:
        """Number of cells: C(2, 2) C(3, 2) ... pairs, and an operation for each input."""
        pairs = math.prod(math.comb(INPUTS + node, 2) for node in range(self.nodes))
        return pairs * len(self.operations) ** (2 * self.nodes)

    def choices(self, prefix: str) -> list[Choice]:
        """Return three choices a node: its pair of predecessors, and its two operations."""
        return [
            choice
            for node in range(self.nodes)
            for choice in (
                Choice(f"{prefix}node {node} inputs", tuple(f"{a},{b}" for a, b in _pairs(node))),
                Choice(f"{prefix}node {node} operation of the lower", self.operations),
                Choice(f"{prefix}node {node} operation of the higher", self.operations),
            )
        ]

    def indices(self, cell: Cell) -> list[int]:
        """Return the number of each option, in the order of `choices`."""
        tables = zip(self.triple_of, cell, strict=True)
        return [index for table, node in tables for index in table[node]]

    def cell(self, indices: Sequence[int]) -> Cell:
        """Return the cell of these options.

        Raises
        ------
        KeyError
            If an index is out of range.
        """
        starts = range(0, 3 * self.nodes, 3)
        return tuple(
            [
                table[tuple(indices[first : first + 3])]  # type: ignore[index]
                for table, first in zip(self.node_of, starts, strict=True)
            ]
        )

    def sample(self, rng: np.random.Generator) -> Cell:
        """Draw a cell, uniformly over all of `size`."""
        nodes = []
        for index in range(self.nodes):
            sources = sorted(rng.choice(INPUTS + index, size=2, replace=False).tolist())
            names = [(self.operations[rng.integers(len(self.operations))], s) for s in sources]
            nodes.append(tuple(names))
        return tuple(nodes)

    def neighbor(self, cell: Cell, number: int) -> Cell:
        """Return the cell that differs in one operation or predecessor, by its number."""
        index = 0
        while number >= self.node_neighbors[index]:
            number -= self.node_neighbors[index]
            index += 1
        changed = list(cell)
        changed[index] = _node_neighbors(cell[index], INPUTS + index, self.operations)[number]
        return tuple(changed)

    def _nodes_by_triple(self, node: int) -> dict[Triple, Node]:
        count = range(len(self.operations))
        return {
            (pair, first, second): ((self.operations[first], a), (self.operations[second], b))
            for pair, (a, b) in enumerate(_pairs(node))
            for first, second in itertools.product(count, count)
        }


def cross_nodes(a: Cell, b: Cell, rng: np.random.Generator) -> Cell:
    """Take each node from one of two cells, by a fair coin."""
    return tuple(pair[rng.integers(2)] for pair in zip(a, b, strict=True))


def _pairs(node: int) -> Iterator[tuple[int, int]]:
    return itertools.combinations(range(INPUTS + node), 2)


@cache  # a node has at most C(5, 2) * 8**2 = 640 values
def _node_neighbors(node: Node, predecessors: int, operations: tuple[str, ...]) -> tuple[Node, ...]:
    return tuple(_changed_nodes(node, predecessors, operations))


def _changed_nodes(node: Node, predecessors: int, operations: tuple[str, ...]) -> Iterator[Node]:
    for slot in range(2):
        (operation, source), kept = node[slot], node[1 - slot]
        for name in operations:
            if name != operation:
                yield _sorted_node((name, source), kept)
        for other in range(predecessors):
            if other not in (source, kept[1]):
                yield _sorted_node((operation, other), kept)


def _sorted_node(*inputs: tuple[str, int]) -> Node:
    return tuple(sorted(inputs, key=lambda pair: pair[1]))
