"""The cell space of lesson 000: two inputs, four nodes, eight operations, one is `none`.

    space = EightOperationsSpace()
    cell = space.parse("sep_conv_3x3(0) none(1) | skip_connect(0) nor_conv_5x5(2) | ...")
    space.size, space.relaxed_size, space.size_with_repetition

The lesson draws the predecessors of a node with replacement. Here they differ, as in DARTS, and
nodes that carry nothing are known (`dead_nodes`): the network leaves them out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nas_course.errors import InvalidInput
from nas_course.operations import EIGHT_OPERATIONS
from nas_course.spaces.cells import CellTemplate, dense_edges
from nas_course.spaces.choices import ChoiceSpace, wrong_indices
from nas_course.spaces.nodes import (
    INPUTS,
    Cell,
    Wire,
    canonical_cell,
    cell_text,
    check_ascending,
    check_node,
    dead_nodes,
    parse_cell,
    require_nodes,
    wires_of,
)
from nas_course.spaces.pairs import PairCells, cross_nodes


@dataclass(frozen=True, slots=True)
class EightOperationsCell:
    """One cell of lesson 000.

    Attributes
    ----------
    nodes : tuple of nodes
        Each node is a pair of (operation, predecessor). Predecessors 0 and 1 are the outputs of
        the two cells before, 2 and on the nodes before. They differ and stand in ascending order.

    Raises
    ------
    InvalidInput
        If a node breaks these rules; the message names it.
    """

    nodes: Cell
    kinds: ClassVar = ("cell",)

    def __post_init__(self) -> None:
        if not self.nodes:
            raise InvalidInput("eight-operations cell: got no nodes; allowed: 1 or more.")
        for index, node in enumerate(self.nodes):
            check_node(f"node {index}", node, INPUTS + index, EIGHT_OPERATIONS)
            check_ascending(f"node {index}", node)

    def __str__(self) -> str:
        return cell_text(self.nodes)

    def wires(self, kind: str = "cell") -> list[Wire]:
        """List (source, target, operation), node by node, `none` included."""
        return wires_of(self.nodes)

    def outputs(self, kind: str = "cell") -> tuple[int, ...]:
        """Return the nodes whose concatenation is the output: all; dead ones are zeros."""
        return tuple(range(INPUTS, INPUTS + len(self.nodes)))

    def dead_nodes(self) -> tuple[int, ...]:
        """Return the nodes, numbered from 2, that are zero whatever the images are."""
        return dead_nodes(self.nodes)


def _trusted(nodes: Cell) -> EightOperationsCell:
    cell = object.__new__(EightOperationsCell)
    object.__setattr__(cell, "nodes", nodes)
    return cell


class EightOperationsSpace(ChoiceSpace):
    """All cells of `nodes` nodes: with four, 180 * 8**8 = 3,019,898,880.

    Parameters
    ----------
    nodes : int
        1 or more; the lesson has 4. Small numbers can be enumerated.
    """

    name = "eight-operations"
    operations = EIGHT_OPERATIONS

    def __init__(self, nodes: int = 4) -> None:
        if not isinstance(nodes, int) or nodes < 1:
            raise InvalidInput(f"nodes: got {nodes!r}; allowed: whole numbers from 1 on.")
        self.nodes = nodes
        self.template = CellTemplate(dense_edges(INPUTS, nodes), EIGHT_OPERATIONS)
        self.cells = {"cell": self.template}
        self._grid = PairCells(EIGHT_OPERATIONS, nodes)
        self.choices = tuple(self._grid.choices(""))

    @property
    def size(self) -> int:
        """Number of cells as texts: two different predecessors and two operations a node."""
        return self._grid.size

    @property
    def size_with_repetition(self) -> int:
        """The lesson's count, prod over nodes of (8 n)**2: 241,591,910,400 with four nodes.

        It counts ordered pairs: a node twice with its inputs exchanged, and nodes that read
        one predecessor twice. (The lesson prints 17,179,869,184 = 2**34 beside this formula.)
        """
        return math.prod(
            (len(EIGHT_OPERATIONS) * (INPUTS + node)) ** 2 for node in range(self.nodes)
        )

    @property
    def size_without_dead_nodes(self) -> int:
        """Number of cells in which every node carries something: both `none` is excluded."""
        return math.prod(
            math.comb(INPUTS + node, 2) * (len(EIGHT_OPERATIONS) ** 2 - 1)
            for node in range(self.nodes)
        )

    @property
    def relaxed_size(self) -> int:
        """One operation on every edge, none left out: 8**14 with four nodes."""
        return len(EIGHT_OPERATIONS) ** len(self.template.edges)

    def __iter__(self) -> Iterator[EightOperationsCell]:
        """Yield every cell; only for small `nodes` (1: 64, 2: 12,288, 3: 4,718,592)."""
        for nodes in itertools.product(*self._grid.triple_of):
            yield _trusted(nodes)

    def indices(self, architecture: EightOperationsCell) -> tuple[int, ...]:
        """Return, node by node: the number of its pair of predecessors, of its two operations."""
        return tuple(self._grid.indices(architecture.nodes))

    def from_indices(self, indices: Sequence[int]) -> EightOperationsCell:
        """Return the cell of these options."""
        if len(indices) != len(self.choices):
            raise wrong_indices(self.choices, indices)
        try:
            return _trusted(self._grid.cell(indices))
        except KeyError:
            raise wrong_indices(self.choices, indices) from None

    def mutate(
        self, architecture: EightOperationsCell, rng: np.random.Generator
    ) -> EightOperationsCell:
        """Change one operation or one predecessor, uniformly over the neighbours."""
        number = int(rng.integers(self._grid.neighbor_count))
        return _trusted(self._grid.neighbor(architecture.nodes, number))

    def crossover(
        self, a: EightOperationsCell, b: EightOperationsCell, rng: np.random.Generator
    ) -> EightOperationsCell:
        """Take each node from one of two parents, by a fair coin."""
        return _trusted(cross_nodes(a.nodes, b.nodes, rng))

    def neighbors(self, architecture: EightOperationsCell) -> Iterator[EightOperationsCell]:
        """Yield every cell that differs in one operation or one predecessor (68 for 4 nodes)."""
        for number in range(self._grid.neighbor_count):
            yield _trusted(self._grid.neighbor(architecture.nodes, number))

    def canonical(self, architecture: EightOperationsCell) -> Hashable:
        """Return a key that is equal exactly for cells which are one graph, renumbered.

        What carries nothing is left out: `none`, dead nodes and all that reads them.
        """
        return canonical_cell(architecture.nodes)

    def parse(self, text: str) -> EightOperationsCell:
        """Read what `str(cell)` wrote.

        Raises
        ------
        InvalidInput
            Names the token that is wrong and what is allowed in its place.
        """
        cell = EightOperationsCell(parse_cell("eight-operations cell", str(text)))
        require_nodes("eight-operations cell", cell.nodes, self.nodes, "this space")
        return cell
