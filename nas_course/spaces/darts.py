"""The DARTS cell space: a normal and a reduction cell, four nodes each, two inputs a node.

    space = DARTSSpace()
    genotype = space.sample(np.random.default_rng(0))
    space.parse(str(genotype)) == genotype           # True

Liu, Simonyan, Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, section 2.1.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nas_course.errors import InvalidInput, one_of
from nas_course.operations import DARTS_OPERATIONS
from nas_course.spaces.cells import CellTemplate, dense_edges
from nas_course.spaces.choices import Choice, ChoiceSpace, wrong_indices

INPUTS = 2
NODES = 4
Input = tuple[str, int]
Node = tuple[Input, ...]
Cell = tuple[Node, ...]
SELECTABLE = tuple(name for name in DARTS_OPERATIONS if name != "none")


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


def _trusted(normal: Cell, reduce: Cell) -> Genotype:
    """Make a genotype of cells that are known to be right, without checking them again."""
    genotype = object.__new__(Genotype)
    object.__setattr__(genotype, "normal", normal)
    object.__setattr__(genotype, "reduce", reduce)
    return genotype


def _cell_choices(kind: str) -> Iterator[Choice]:
    for node in range(NODES):
        pairs = itertools.combinations(range(INPUTS + node), 2)
        yield Choice(f"{kind} node {node} inputs", tuple(f"{a},{b}" for a, b in pairs))
        yield Choice(f"{kind} node {node} operation of the lower", SELECTABLE)
        yield Choice(f"{kind} node {node} operation of the higher", SELECTABLE)


def _nodes_by_indices(node: int) -> dict[tuple[int, ...], Node]:
    """Return what each (pair, operation, operation) of the choices of a node stands for."""
    pairs = itertools.combinations(range(INPUTS + node), 2)
    return {
        (pair, first, second): ((SELECTABLE[first], a), (SELECTABLE[second], b))
        for pair, (a, b) in enumerate(pairs)
        for first in range(len(SELECTABLE))
        for second in range(len(SELECTABLE))
    }


NODE_OF = tuple(_nodes_by_indices(node) for node in range(NODES))
INDICES_OF = tuple({node: indices for indices, node in table.items()} for table in NODE_OF)


class DARTSSpace(ChoiceSpace):
    """All genotypes: 180 choices of edges times 7**8 of operations, for each of two cells.

    A node with n predecessors picks 2 of them, so the edges of a cell can be chosen in
    C(2,2) C(3,2) C(4,2) C(5,2) = 180 ways, and 8 operations out of 7 in 7**8 ways.
    """

    name = "darts"
    operations = DARTS_OPERATIONS
    template = CellTemplate(dense_edges(INPUTS, NODES), DARTS_OPERATIONS)
    cells: ClassVar = {"normal": template, "reduce": template}
    choices = (*_cell_choices("normal"), *_cell_choices("reduce"))

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
        return _trusted(_sample_cell(rng), _sample_cell(rng))

    def indices(self, architecture: Genotype) -> tuple[int, ...]:
        """Return, node by node: the number of its pair of predecessors, of its two operations."""
        nodes = zip(INDICES_OF * 2, architecture.normal + architecture.reduce, strict=True)
        return tuple([index for table, node in nodes for index in table[node]])

    def from_indices(self, indices: Sequence[int]) -> Genotype:
        """Return the genotype of 24 indices, in the order of `choices`."""
        if len(indices) != len(self.choices):
            raise wrong_indices(self.choices, indices)
        triples = (tuple(indices[first : first + 3]) for first in range(0, len(indices), 3))
        try:
            nodes = [table[key] for table, key in zip(NODE_OF * 2, triples, strict=True)]
        except KeyError:
            raise wrong_indices(self.choices, indices) from None
        return _trusted(tuple(nodes[:NODES]), tuple(nodes[NODES:]))

    def mutate(self, architecture: Genotype, rng: np.random.Generator) -> Genotype:
        """Change one operation or one predecessor; the result is always another genotype."""
        which, number = divmod(int(rng.integers(2 * CELL_NEIGHBORS)), CELL_NEIGHBORS)
        cells = [architecture.normal, architecture.reduce]
        cells[which] = _cell_neighbor(cells[which], number)
        return _trusted(*cells)

    def crossover(self, a: Genotype, b: Genotype, rng: np.random.Generator) -> Genotype:
        """Take each node from one of two parents, by a fair coin.

        Valid by construction: a node's predecessors depend only on its position.
        """
        return _trusted(
            _cross_cells(a.normal, b.normal, rng), _cross_cells(a.reduce, b.reduce, rng)
        )

    def neighbors(self, architecture: Genotype) -> Iterator[Genotype]:
        """Yield every genotype that differs in one operation or one predecessor."""
        for number in range(CELL_NEIGHBORS):
            yield _trusted(_cell_neighbor(architecture.normal, number), architecture.reduce)
        for number in range(CELL_NEIGHBORS):
            yield _trusted(architecture.normal, _cell_neighbor(architecture.reduce, number))

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


NODE_NEIGHBORS = tuple(
    2 * (len(SELECTABLE) - 1 + INPUTS + node - 2) for node in range(NODES)
)  # either input takes another operation or another free predecessor
CELL_NEIGHBORS = sum(NODE_NEIGHBORS)


def _cell_neighbor(cell: Cell, number: int) -> Cell:
    """Return neighbour `number` of a cell, in the order of its nodes."""
    index = 0
    while number >= NODE_NEIGHBORS[index]:
        number -= NODE_NEIGHBORS[index]
        index += 1
    changed = list(cell)
    changed[index] = _node_neighbors(cell[index], INPUTS + index)[number]
    return tuple(changed)


@functools.cache  # 980 nodes in all
def _node_neighbors(node: Node, predecessors: int) -> tuple[Node, ...]:
    return tuple(_changed_nodes(node, predecessors))


def _changed_nodes(node: Node, predecessors: int) -> Iterator[Node]:
    for slot in range(2):
        (operation, source), kept = node[slot], node[1 - slot]
        for name in SELECTABLE:
            if name != operation:
                yield _sorted_node((name, source), kept)
        for other in range(predecessors):
            if other not in (source, kept[1]):
                yield _sorted_node((operation, other), kept)


def _sorted_node(*inputs: Input) -> Node:
    return tuple(sorted(inputs, key=lambda pair: pair[1]))


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
