"""The NAS-Bench-201 cell space: four nodes, six edges, five operations, 15,625 cells.

    space = NASBench201Space()
    cell = space.parse("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|")

Dong, Yang, "NAS-Bench-201: Extending the Scope of Reproducible NAS", ICLR 2020, section 2.1.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from nas_course.errors import InvalidInput, one_of
from nas_course.operations import NAS_BENCH_201_OPERATIONS
from nas_course.spaces.cells import CellTemplate, dense_edges

EDGES = dense_edges(1, 3)


@dataclass(frozen=True)
class Cell201:
    """One NAS-Bench-201 cell.

    Attributes
    ----------
    operations : tuple of 6 str
        The operation of edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3. Node 0 is the input, node 3 the
        output; a node is the sum of its incoming edges.

    Raises
    ------
    InvalidInput
        If there are not six operations, or one is unknown.
    """

    operations: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.operations) != len(EDGES):
            raise InvalidInput(
                f"NAS-Bench-201 cell: got {len(self.operations)} operations; it has 6 edges."
            )
        for (source, target), operation in zip(EDGES, self.operations, strict=True):
            if operation not in NAS_BENCH_201_OPERATIONS:
                raise one_of(f"edge {source}-{target}", operation, NAS_BENCH_201_OPERATIONS)

    def __str__(self) -> str:
        nodes = []
        for target in (1, 2, 3):
            terms = [
                f"{operation}~{source}"
                for (source, end), operation in zip(EDGES, self.operations, strict=True)
                if end == target
            ]
            nodes.append("|" + "|".join(terms) + "|")
        return "+".join(nodes)


class NASBench201Space:
    """All 5**6 = 15,625 cells; 6,466 of them up to isomorphism (see `canonical`)."""

    name = "nas-bench-201"
    operations = NAS_BENCH_201_OPERATIONS
    cells: ClassVar = {"cell": CellTemplate(EDGES, NAS_BENCH_201_OPERATIONS)}

    @property
    def size(self) -> int:
        """Number of cells as texts: 15,625."""
        return len(self.operations) ** len(EDGES)

    def __iter__(self) -> Iterator[Cell201]:
        """Yield every cell, in lexicographic order of the operations."""
        for operations in itertools.product(self.operations, repeat=len(EDGES)):
            yield Cell201(operations)

    def sample(self, rng: np.random.Generator) -> Cell201:
        """Draw a cell, uniformly over the 15,625 texts (not over the 6,466 classes)."""
        indices = rng.integers(len(self.operations), size=len(EDGES))
        return Cell201(tuple(self.operations[index] for index in indices))

    def mutate(self, architecture: Cell201, rng: np.random.Generator) -> Cell201:
        """Change one operation; the result is always another cell."""
        neighbors = list(self.neighbors(architecture))
        return neighbors[rng.integers(len(neighbors))]

    def crossover(self, a: Cell201, b: Cell201, rng: np.random.Generator) -> Cell201:
        """Take the operation of each edge from one of two parents, by a fair coin."""
        coins = rng.integers(2, size=len(EDGES))
        pairs = zip(a.operations, b.operations, strict=True)
        return Cell201(tuple(pair[coin] for pair, coin in zip(pairs, coins, strict=True)))

    def neighbors(self, architecture: Cell201) -> Iterator[Cell201]:
        """Yield the 24 cells that differ in one operation."""
        chosen = architecture.operations
        for row, operation in itertools.product(range(len(EDGES)), self.operations):
            if operation != chosen[row]:
                changed = (*chosen[:row], operation, *chosen[row + 1 :])
                yield replace(architecture, operations=changed)

    def encode(self, architecture: Cell201) -> np.ndarray:
        """Return the one-hot code: 6 edges x 5 operations, flattened (30 numbers)."""
        code = np.zeros((len(EDGES), len(self.operations)))
        for row, operation in enumerate(architecture.operations):
            code[row, self.operations.index(operation)] = 1
        return code.ravel()

    def canonical(self, architecture: Cell201) -> Hashable:
        """Return the benchmark's own key of a cell up to isomorphism: 6,466 different ones.

        An edge `none`, or from a node that is `none` alone, is written "#"; `skip_connect` passes
        its source on; the order of a sum does not matter. Letter for letter the benchmark's
        string (`to_unique_str` of its code), with its limits: dead terms stay in a sum, and
        sums passed on by a skip connection are not merged. Without them 4,930 functions are
        left (`tests/test_spaces.py` counts both).
        """
        computed = {0: "0"}
        for target in (1, 2, 3):
            terms = [
                _term(operation, computed[source])
                for (source, end), operation in zip(EDGES, architecture.operations, strict=True)
                if end == target
            ]
            computed[target] = "+".join(sorted(terms))
        return computed[3]

    def parse(self, text: str) -> Cell201:
        """Read the benchmark's own text form.

        Raises
        ------
        InvalidInput
            Names the token that is wrong and what is allowed in its place.
        """
        nodes = str(text).strip().split("+")
        if len(nodes) != 3:
            raise InvalidInput(
                f"NAS-Bench-201 cell: got {len(nodes)} node(s) separated by '+' in {text!r}; "
                "allowed: '|op~0|+|op~0|op~1|+|op~0|op~1|op~2|'."
            )
        return Cell201(
            tuple(
                operation
                for target, node in enumerate(nodes, start=1)
                for operation in _parse_node(target, node)
            )
        )


def _term(operation: str, source: str) -> str:
    if operation == "none" or source == "#":
        return "#"
    return source if operation == "skip_connect" else f"({source})@{operation}"


def _parse_node(target: int, text: str) -> list[str]:
    tokens = text.strip().strip("|").split("|")
    if len(tokens) != target:
        raise InvalidInput(
            f"node {target}: got {len(tokens)} input(s) in {text!r}; it has {target}, "
            "written '|op~0|...|'."
        )
    return [_parse_token(target, source, token) for source, token in enumerate(tokens)]


def _parse_token(target: int, source: int, token: str) -> str:
    operation, tilde, index = token.partition("~")
    if not tilde or index != str(source):
        raise InvalidInput(
            f"node {target}, input {source}: got {token!r}; expected operation~{source}, "
            f"for example 'nor_conv_3x3~{source}'."
        )
    if operation not in NAS_BENCH_201_OPERATIONS:
        raise one_of(f"edge {source}-{target}", operation, NAS_BENCH_201_OPERATIONS)
    return operation
