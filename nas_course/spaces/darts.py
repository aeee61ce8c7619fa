"""The DARTS cell space: a normal and a reduction cell, four nodes each, two inputs a node.

    space = DARTSSpace()
    genotype = space.sample(np.random.default_rng(0))
    space.parse(str(genotype)) == genotype           # True

Liu, Simonyan, Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, section 2.1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from nas_course.errors import InvalidInput, one_of
from nas_course.operations import DARTS_OPERATIONS
from nas_course.spaces.cells import CellTemplate, dense_edges

INPUTS = 2
NODES = 4
Choice = tuple[str, int]
Node = tuple[Choice, ...]
Cell = tuple[Node, ...]
SELECTABLE = tuple(name for name in DARTS_OPERATIONS if name != "none")


@dataclass(frozen=True)
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

    def __post_init__(self) -> None:
        for name in ("normal", "reduce"):
            _check_cell(name, getattr(self, name))

    def __str__(self) -> str:
        return f"normal: {_cell_text(self.normal)}; reduce: {_cell_text(self.reduce)}"


def _cell_text(cell: Cell) -> str:
    return " | ".join(
        " ".join(f"{operation}({source})" for operation, source in node) for node in cell
    )


def _check_cell(name: str, cell: Cell) -> None:
    if len(cell) != NODES:
        raise InvalidInput(f"{name} cell: got {len(cell)} nodes; a DARTS cell has {NODES}.")
    for index, node in enumerate(cell):
        _check_node(f"{name} cell, node {index}", node, INPUTS + index)


def _check_node(where: str, node: Node, predecessors: int) -> None:
    if len(node) != 2:
        raise InvalidInput(f"{where}: got {len(node)} inputs; each node has exactly 2.")
    for operation, source in node:
        if operation not in SELECTABLE:
            raise one_of(f"{where}, operation", operation, SELECTABLE)
        if source not in range(predecessors):
            raise one_of(f"{where}, predecessor", source, range(predecessors))
    first, second = node[0][1], node[1][1]
    if first >= second:
        raise InvalidInput(
            f"{where}: got predecessors {first} and {second}; allowed: two different ones in "
            "ascending order. Sort the pair by predecessor."
        )


class DARTSSpace:
    """All genotypes: 180 choices of edges times 7**8 of operations, for each of two cells.

    A node with n predecessors picks 2 of them, so the edges of a cell can be chosen in
    C(2,2) C(3,2) C(4,2) C(5,2) = 180 ways, and 8 operations out of 7 in 7**8 ways.
    """

    name = "darts"
    operations = DARTS_OPERATIONS
    template = CellTemplate(dense_edges(INPUTS, NODES), DARTS_OPERATIONS)
    cells: ClassVar = {"normal": template, "reduce": template}

    @property
    def cell_size(self) -> int:
        """Number of cells: 180 * 7**8 = 1,037,664,180."""
        edges = math.prod(math.comb(INPUTS + node, 2) for node in range(NODES))
        return edges * len(SELECTABLE) ** (2 * NODES)

    @property
    def size(self) -> int:
        """Number of genotypes (pairs of cells), about 1.08e18. Renamings are counted apart."""
        return self.cell_size**2

    def sample(self, rng: np.random.Generator) -> Genotype:
        """Draw a genotype, uniformly over all of `size`."""
        return Genotype(_sample_cell(rng), _sample_cell(rng))

    def mutate(self, architecture: Genotype, rng: np.random.Generator) -> Genotype:
        """Change one operation or one predecessor; the result is always another genotype."""
        neighbors = list(self.neighbors(architecture))
        return neighbors[rng.integers(len(neighbors))]

    def crossover(self, a: Genotype, b: Genotype, rng: np.random.Generator) -> Genotype:
        """Take each node from one of two parents, by a fair coin.

        Valid by construction: a node's predecessors depend only on its position.
        """
        return Genotype(
            _cross_cells(a.normal, b.normal, rng), _cross_cells(a.reduce, b.reduce, rng)
        )

    def neighbors(self, architecture: Genotype) -> Iterator[Genotype]:
        """Yield every genotype that differs in one operation or one predecessor."""
        for name in self.cells:
            cell = getattr(architecture, name)
            for index, node in enumerate(cell):
                for other in _node_neighbors(node, INPUTS + index):
                    changed = (*cell[:index], other, *cell[index + 1 :])
                    yield replace(architecture, **{name: changed})

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
        for index, node in enumerate(cell):
            for operation, source in node:
                row = self.template.edges.index((source, INPUTS + index))
                code[row] = 0
                code[row, self.operations.index(operation)] = 1
        return code.ravel()

    def canonical(self, architecture: Genotype) -> Hashable:
        """Return a key that is equal for genotypes which compute the same function.

        Intermediate nodes may be numbered in another order. A node is written as what it
        computes from the cell's inputs, and a cell as the sorted list of its nodes, since the
        concatenated output may be permuted along with the weights that read it.
        """
        return _canonical_cell(architecture.normal), _canonical_cell(architecture.reduce)

    def parse(self, text: str) -> Genotype:
        """Read what `str(genotype)` wrote.

        Raises
        ------
        InvalidInput
            Names the token that is wrong and what is allowed in its place.
        """
        parts = [part.strip() for part in str(text).split(";")]
        if len(parts) != 2:
            raise InvalidInput(
                f"genotype: got {len(parts)} part(s) separated by ';' in {text!r}; "
                "allowed: 'normal: ...; reduce: ...'."
            )
        return Genotype(_parse_cell("normal", parts[0]), _parse_cell("reduce", parts[1]))


def _sample_cell(rng: np.random.Generator) -> Cell:
    nodes = []
    for index in range(NODES):
        sources = sorted(rng.choice(INPUTS + index, size=2, replace=False).tolist())
        nodes.append(tuple((SELECTABLE[rng.integers(len(SELECTABLE))], s) for s in sources))
    return tuple(nodes)


def _cross_cells(a: Cell, b: Cell, rng: np.random.Generator) -> Cell:
    return tuple(pair[rng.integers(2)] for pair in zip(a, b, strict=True))


def _node_neighbors(node: Node, predecessors: int) -> Iterator[Node]:
    for slot in range(2):
        (operation, source), kept = node[slot], node[1 - slot]
        for name in SELECTABLE:
            if name != operation:
                yield _sorted_node((name, source), kept)
        for other in range(predecessors):
            if other not in (source, kept[1]):
                yield _sorted_node((operation, other), kept)


def _sorted_node(*choices: Choice) -> Node:
    return tuple(sorted(choices, key=lambda choice: choice[1]))


def _canonical_cell(cell: Cell) -> tuple[str, ...]:
    computed = ["a", "b"]
    for node in cell:
        terms = sorted(f"{operation}({computed[source]})" for operation, source in node)
        computed.append("+".join(terms))
    return tuple(sorted(computed[INPUTS:]))


def _parse_cell(name: str, text: str) -> Cell:
    label, colon, body = text.partition(":")
    if label.strip() != name or not colon:
        raise InvalidInput(f"genotype: got {text!r}; expected a part that begins with '{name}:'.")
    nodes = body.split("|")
    if len(nodes) != NODES:
        raise InvalidInput(
            f"{name} cell: got {len(nodes)} nodes separated by '|' in {body.strip()!r}; "
            f"a DARTS cell has {NODES}."
        )
    return tuple(
        _parse_node(f"{name} cell, node {index}", node) for index, node in enumerate(nodes)
    )


def _parse_node(where: str, text: str) -> Node:
    choices = []
    for token in text.split():
        match = re.fullmatch(r"(\w+)\((\d+)\)", token)
        if match is None:
            raise InvalidInput(
                f"{where}: got {token!r}; expected operation(predecessor), "
                "for example 'sep_conv_3x3(0)'."
            )
        choices.append((match[1], int(match[2])))
    return tuple(choices)
