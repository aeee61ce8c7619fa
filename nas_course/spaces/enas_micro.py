"""The ENAS micro space: two cells of five nodes each, whose loose ends are concatenated.

    space = ENASMicroSpace()
    genotype = space.sample(np.random.default_rng(0))
    genotype.outputs("normal")                      # the nodes that no other node reads

Pham, Guan, Zoph, Le, Dean, "Efficient Neural Architecture Search via Parameter Sharing", ICML
2018, section 2.4: of B = 7 nodes two are the inputs of the cell.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from nas_course.errors import InvalidInput
from nas_course.operations import ENAS_OPERATIONS
from nas_course.spaces.cells import CellTemplate, dense_edges
from nas_course.spaces.choices import Choice, ChoiceSpace, wrong_indices
from nas_course.spaces.nodes import (
    INPUTS,
    Cell,
    Wire,
    canonical_cell,
    cell_text,
    check_node,
    parse_cells,
    require_nodes,
    wires_of,
)

KINDS = ("normal", "reduce")
OPERATION_OF = dict(enumerate(ENAS_OPERATIONS))
INDEX_OF = {name: index for index, name in enumerate(ENAS_OPERATIONS)}


@dataclass(frozen=True, slots=True)
class ENASGenotype:
    """A discrete ENAS micro architecture.

    Attributes
    ----------
    normal, reduce : tuple of nodes
        Each node is a pair of (operation, predecessor), in the order in which a controller
        chose them; a node may read one predecessor twice. Both cells have equally many nodes.

    Raises
    ------
    InvalidInput
        If a node breaks these rules; the message names it.
    """

    normal: Cell
    reduce: Cell
    kinds: ClassVar = KINDS

    def __post_init__(self) -> None:
        if not self.normal:
            raise InvalidInput("normal cell: got no nodes; allowed: 1 or more.")
        require_nodes("reduce cell", self.reduce, len(self.normal), "the normal cell")
        for kind in KINDS:
            for index, node in enumerate(getattr(self, kind)):
                check_node(f"{kind} cell, node {index}", node, INPUTS + index, ENAS_OPERATIONS)

    def __str__(self) -> str:
        return f"normal: {cell_text(self.normal)}; reduce: {cell_text(self.reduce)}"

    def wires(self, kind: str) -> list[Wire]:
        """List (source, target, operation) of one cell, node by node."""
        return wires_of(getattr(self, kind))

    def outputs(self, kind: str) -> tuple[int, ...]:
        """Return the loose ends of a cell, nodes that no node reads: they are concatenated."""
        cell = getattr(self, kind)
        read = {source for node in cell for _, source in node}
        return tuple(node for node in range(INPUTS, INPUTS + len(cell)) if node not in read)


def _trusted(normal: Cell, reduce: Cell) -> ENASGenotype:
    genotype = object.__new__(ENASGenotype)
    object.__setattr__(genotype, "normal", normal)
    object.__setattr__(genotype, "reduce", reduce)
    return genotype


class ENASMicroSpace(ChoiceSpace):
    """All pairs of cells: with five nodes (720 * 5**5)**2 = 5.06e12 each, 2.56e25 pairs.

    A node with n predecessors chooses 2 of them with repetition and 2 of 5 operations, in
    (5 n)**2 ways. Sampling is uniform over these texts; a cell whose two inputs of a node differ
    is drawn in two orders, so it is twice as likely as one whose inputs are equal.

    Parameters
    ----------
    nodes : int
        Computing nodes of a cell, 1 or more; the paper has 5.
    """

    name = "enas-micro"
    operations = ENAS_OPERATIONS

    def __init__(self, nodes: int = 5) -> None:
        if not isinstance(nodes, int) or nodes < 1:
            raise InvalidInput(f"nodes: got {nodes!r}; allowed: whole numbers from 1 on.")
        self.nodes = nodes
        template = CellTemplate(dense_edges(INPUTS, nodes), ENAS_OPERATIONS)
        self.cells = {"normal": template, "reduce": template}
        self.choices = tuple(itertools.chain(*(_cell_choices(kind, nodes) for kind in KINDS)))
        self._values: list[dict[int, Any]] = len(KINDS) * [
            table
            for node in range(nodes)
            for table in (dict(enumerate(range(INPUTS + node))), OPERATION_OF) * 2
        ]

    @property
    def cell_size(self) -> int:
        """Number of texts of one cell: prod over nodes of (5 n)**2."""
        return math.isqrt(self.size)

    @property
    def unordered_cell_size(self) -> int:
        """Number of cells when the order of a node's inputs is ignored: prod of m (m + 1) / 2.

        m = 5 n is the number of inputs that a node with n predecessors can choose from.
        Nodes are still numbered; `canonical` forgets that too.
        """
        return math.prod(
            math.comb(len(ENAS_OPERATIONS) * (INPUTS + node) + 1, 2) for node in range(self.nodes)
        )

    def __iter__(self) -> Iterator[ENASGenotype]:
        """Yield every genotype; only for one node (10,000)."""
        for indices in itertools.product(*(range(len(c.options)) for c in self.choices)):
            yield self.from_indices(indices)

    def indices(self, architecture: ENASGenotype) -> tuple[int, ...]:
        """Return, input by input: its predecessor, the number of its operation."""
        nodes = architecture.normal + architecture.reduce
        return tuple(
            [
                index
                for node in nodes
                for operation, source in node
                for index in (source, INDEX_OF[operation])
            ]
        )

    def from_indices(self, indices: Sequence[int]) -> ENASGenotype:
        """Return the genotype of these options, in the order of `choices`."""
        if len(indices) != len(self.choices):
            raise wrong_indices(self.choices, indices)
        try:
            values: list[Any] = [table[i] for table, i in zip(self._values, indices, strict=True)]
        except KeyError:
            raise wrong_indices(self.choices, indices) from None
        starts = range(0, len(values), 4)
        nodes = [((values[k + 1], values[k]), (values[k + 3], values[k + 2])) for k in starts]
        return _trusted(tuple(nodes[: self.nodes]), tuple(nodes[self.nodes :]))

    def canonical(self, architecture: ENASGenotype) -> Hashable:
        """Return a key that is equal exactly for genotypes whose cells are one graph, renumbered.

        The order of the two inputs of a node does not matter, nor that of the loose ends.
        """
        return canonical_cell(architecture.normal), canonical_cell(architecture.reduce)

    def parse(self, text: str) -> ENASGenotype:
        """Read what `str(genotype)` wrote.

        Raises
        ------
        InvalidInput
            Names the token that is wrong and what is allowed in its place.
        """
        genotype = ENASGenotype(*parse_cells("genotype", text, KINDS))
        require_nodes("normal cell", genotype.normal, self.nodes, "this space")
        return genotype


def _cell_choices(kind: str, nodes: int) -> Iterator[Choice]:
    for node, place in itertools.product(range(nodes), ("first", "second")):
        sources = tuple(str(source) for source in range(INPUTS + node))
        yield Choice(f"{kind} node {node} {place} input", sources)
        yield Choice(f"{kind} node {node} {place} operation", ENAS_OPERATIONS)
