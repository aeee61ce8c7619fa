"""The DARTS cell space: a normal and a reduction cell, four nodes each, two inputs a node.

    space = DARTSSpace()
    genotype = space.sample(np.random.default_rng(0))
    space.parse(str(genotype)) == genotype           # True

Liu, Simonyan, Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, section 2.1.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nas_course.operations import DARTS_OPERATIONS
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
    parse_cells,
    require_nodes,
    wires_of,
)
from nas_course.spaces.pairs import PairCells, cross_nodes

NODES = 4
KINDS = ("normal", "reduce")
SELECTABLE = tuple(name for name in DARTS_OPERATIONS if name != "none")
CELLS = PairCells(SELECTABLE, NODES)


@dataclass(frozen=True, slots=True)
class Genotype:
    """A discrete DARTS architecture.

    Attributes
    ----------
    normal, reduce : tuple of 4 nodes
        Each node is a pair of (operation, predecessor). Predecessors 0 and 1 are the outputs of
        the two cells before, 2 to 4 the intermediate nodes before. The two predecessors of a
        node differ and stand in ascending order; the operation is never `none`.

    Raises
    ------
    InvalidInput
        If a node breaks these rules; the message names it.
    """

    normal: Cell
    reduce: Cell
    kinds: ClassVar = KINDS

    def __post_init__(self) -> None:
        for kind in KINDS:
            cell = getattr(self, kind)
            require_nodes(f"{kind} cell", cell, NODES, "a DARTS cell")
            for index, node in enumerate(cell):
                where = f"{kind} cell, node {index}"
                check_node(where, node, INPUTS + index, SELECTABLE)
                check_ascending(where, node)

    def __str__(self) -> str:
        return f"normal: {cell_text(self.normal)}; reduce: {cell_text(self.reduce)}"

    def wires(self, kind: str) -> list[Wire]:
        """List (source, target, operation) of one cell, node by node."""
        return wires_of(getattr(self, kind))

    def outputs(self, kind: str) -> tuple[int, ...]:
        """Return the nodes whose concatenation is the output of a cell: all four."""
        return tuple(range(INPUTS, INPUTS + NODES))


def _trusted(normal: Cell, reduce: Cell) -> Genotype:
    """Make a genotype of cells that are known to be right, without checking them again."""
    genotype = object.__new__(Genotype)
    object.__setattr__(genotype, "normal", normal)
    object.__setattr__(genotype, "reduce", reduce)
    return genotype


class DARTSSpace(ChoiceSpace):
    """All genotypes: 180 choices of edges times 7**8 of operations, for each of two cells.

    A node with n predecessors picks 2 of them, so the edges of a cell can be chosen in
    C(2,2) C(3,2) C(4,2) C(5,2) = 180 ways, and 8 operations out of 7 in 7**8 ways.
    """

    name = "darts"
    operations = DARTS_OPERATIONS
    template = CellTemplate(dense_edges(INPUTS, NODES), DARTS_OPERATIONS)
    cells: ClassVar = {"normal": template, "reduce": template}
    choices = (*CELLS.choices("normal "), *CELLS.choices("reduce "))

    @property
    def cell_size(self) -> int:
        """Number of cells: 180 * 7**8 = 1,037,664,180."""
        return CELLS.size

    @property
    def size(self) -> int:
        """Number of genotypes (pairs of cells), about 1.08e18. Renamings are counted apart."""
        return self.cell_size**2

    def indices(self, architecture: Genotype) -> tuple[int, ...]:
        """Return, node by node: the number of its pair of predecessors, of its two operations."""
        return (*CELLS.indices(architecture.normal), *CELLS.indices(architecture.reduce))

    def from_indices(self, indices: Sequence[int]) -> Genotype:
        """Return the genotype of 24 indices, in the order of `choices`."""
        if len(indices) != len(self.choices):
            raise wrong_indices(self.choices, indices)
        half = len(self.choices) // 2
        try:
            return _trusted(CELLS.cell(indices[:half]), CELLS.cell(indices[half:]))
        except KeyError:
            raise wrong_indices(self.choices, indices) from None

    def sample(self, rng: np.random.Generator) -> Genotype:
        """Draw a genotype, uniformly over all of `size`."""
        return _trusted(CELLS.sample(rng), CELLS.sample(rng))

    def mutate(self, architecture: Genotype, rng: np.random.Generator) -> Genotype:
        """Change one operation or one predecessor; the result is always another genotype."""
        which, number = divmod(int(rng.integers(2 * CELLS.neighbor_count)), CELLS.neighbor_count)
        cells = [architecture.normal, architecture.reduce]
        cells[which] = CELLS.neighbor(cells[which], number)
        return _trusted(*cells)

    def crossover(self, a: Genotype, b: Genotype, rng: np.random.Generator) -> Genotype:
        """Take each node from one of two parents, by a fair coin.

        Valid by construction: a node's predecessors depend only on its position.
        """
        return _trusted(cross_nodes(a.normal, b.normal, rng), cross_nodes(a.reduce, b.reduce, rng))

    def neighbors(self, architecture: Genotype) -> Iterator[Genotype]:
        """Yield the 120 genotypes that differ in one operation or one predecessor."""
        for number in range(CELLS.neighbor_count):
            yield _trusted(CELLS.neighbor(architecture.normal, number), architecture.reduce)
        for number in range(CELLS.neighbor_count):
            yield _trusted(architecture.normal, CELLS.neighbor(architecture.reduce, number))

    def encode(self, architecture: Genotype) -> np.ndarray:
        """Return the one-hot code: 2 cells x 14 edges x 8 operations, flattened (224 numbers).

        An edge that is not kept has a one at `none`.
        """
        return np.concatenate(
            [self._encode_cell(architecture.normal), self._encode_cell(architecture.reduce)]
        )

    def _encode_cell(self, cell: Cell) -> np.ndarray:
        code = np.zeros((len(self.template.edges), len(self.operations)))
        code[:, self.operations.index("none")] = 1
        for source, target, operation in wires_of(cell):
            row = self.template.edges.index((source, target))
            code[row] = 0
            code[row, self.operations.index(operation)] = 1
        return code.ravel()

    def canonical(self, architecture: Genotype) -> Hashable:
        """Return a key that is equal exactly for genotypes whose cells are one graph, renumbered.

        The output may be permuted along with the weights that read it.
        """
        return canonical_cell(architecture.normal), canonical_cell(architecture.reduce)

    def parse(self, text: str) -> Genotype:
        """Read what `str(genotype)` wrote.

        Raises
        ------
        InvalidInput
            Names the token that is wrong and what is allowed in its place.
        """
        return Genotype(*parse_cells("genotype", text, KINDS))
