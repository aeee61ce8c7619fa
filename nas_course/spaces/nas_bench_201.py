"""The NAS-Bench-201 cell space: four nodes, six edges, five operations, 15,625 cells.

    space = NASBench201Space()
    cell = space.parse("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|")
    small = NASBench201Space(("skip_connect", "nor_conv_3x3"))       # 64 of the cells

Dong, Yang, "NAS-Bench-201: Extending the Scope of Reproducible NAS", ICLR 2020, section 2.1.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from nas_course.errors import InvalidInput, one_of
from nas_course.operations import NAS_BENCH_201_OPERATIONS
from nas_course.spaces.cells import CellTemplate, dense_edges
from nas_course.spaces.choices import Choice, ChoiceSpace, wrong_indices
from nas_course.spaces.nodes import Wire

EDGES = dense_edges(1, 3)
NAME = "nas-bench-201"


@dataclass(frozen=True, slots=True)
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
    kinds: ClassVar = ("cell",)

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

    def wires(self, kind: str = "cell") -> list[Wire]:
        """List (source, target, operation) of the six edges, `none` included."""
        return [(*edge, name) for edge, name in zip(EDGES, self.operations, strict=True)]

    def outputs(self, kind: str = "cell") -> tuple[int, ...]:
        """Return the node that is the output: the last one."""
        return (3,)


def _trusted(operations: tuple[str, ...]) -> Cell201:
    """Make a cell of operations that are known to be right: a tenth of the checked time."""
    cell = object.__new__(Cell201)
    object.__setattr__(cell, "operations", operations)
    return cell


class _ByOperation(dict[str, Any]):
    """What a space knows of each of its operations; asked for another one it says which it has."""

    def __missing__(self, operation: str) -> Any:
        raise one_of("operation of this space", operation, self)


class NASBench201Space(ChoiceSpace):
    """All 5**6 = 15,625 cells; 6,466 of them up to isomorphism (see `canonical`).

    With fewer operations it is a part of that space, whose cells are cells of the whole too: one
    table scores all of them.

    Parameters
    ----------
    operations : sequence of str, optional
        Two or more of the five, each once: what an edge may have, in the order of the columns of
        an array of architecture parameters. All of them if left out.

    Attributes
    ----------
    name : str
        "nas-bench-201", or with the operations behind it, as `nas_course.spaces.get` reads it:
        "nas-bench-201:skip_connect,nor_conv_3x3".

    Raises
    ------
    InvalidInput
        If an operation is unknown or stands twice, or fewer than two are given.
    """

    name = NAME

    def __init__(self, operations: Sequence[str] = NAS_BENCH_201_OPERATIONS) -> None:
        self.operations = _checked(operations)
        if self.operations != NAS_BENCH_201_OPERATIONS:
            self.name = f"{NAME}:{','.join(self.operations)}"
        identity = "skip_connect" if "skip_connect" in self.operations else None
        self.cells = {"cell": CellTemplate(EDGES, self.operations, identity)}
        self.choices = tuple(Choice(f"edge {a}-{b}", self.operations) for a, b in EDGES)
        self._operation_of = dict(enumerate(self.operations))
        self._index_of = _ByOperation({name: k for k, name in self._operation_of.items()})
        # The operations that can take the place of each one, in their order.
        self._others = _ByOperation(
            {name: tuple(o for o in self.operations if o != name) for name in self.operations}
        )

    @property
    def size(self) -> int:
        """Number of cells as texts: 15,625 with all operations."""
        return len(self.operations) ** len(EDGES)

    def __iter__(self) -> Iterator[Cell201]:
        """Yield every cell, in lexicographic order of the operations."""
        for operations in itertools.product(self.operations, repeat=len(EDGES)):
            yield _trusted(operations)

    def indices(self, architecture: Cell201) -> tuple[int, ...]:
        """Return the index of the operation of each edge."""
        index_of = self._index_of
        return tuple([index_of[name] for name in architecture.operations])

    def from_indices(self, indices: Sequence[int]) -> Cell201:
        """Return the cell whose edges have the operations of these indices."""
        try:
            operations = tuple([self._operation_of[index] for index in indices])
        except KeyError:
            raise wrong_indices(self.choices, indices) from None
        if len(operations) != len(EDGES):
            raise wrong_indices(self.choices, indices)
        return _trusted(operations)

    def sample(self, rng: np.random.Generator) -> Cell201:
        """Draw a cell, uniformly over the texts (not over the classes of equal cells)."""
        operation_of = self._operation_of
        indices = rng.integers(len(operation_of), size=len(EDGES)).tolist()
        return _trusted(tuple([operation_of[index] for index in indices]))

    def mutate(self, architecture: Cell201, rng: np.random.Generator) -> Cell201:
        """Change one operation; the result is always another cell."""
        others = len(self.operations) - 1
        row, other = divmod(int(rng.integers(len(EDGES) * others)), others)
        operations = list(architecture.operations)
        operations[row] = self._others[operations[row]][other]
        return _trusted(tuple(operations))

    def crossover(self, a: Cell201, b: Cell201, rng: np.random.Generator) -> Cell201:
        """Take the operation of each edge from one of two parents, by a fair coin."""
        coins = rng.integers(2, size=len(EDGES)).tolist()
        pairs = zip(a.operations, b.operations, strict=True)
        return _trusted(tuple([pair[coin] for pair, coin in zip(pairs, coins, strict=True)]))

    def neighbors(self, architecture: Cell201) -> Iterator[Cell201]:
        """Yield the cells that differ in one operation: 24 with all operations."""
        chosen = architecture.operations
        for row, operation in enumerate(chosen):
            for other in self._others[operation]:
                yield _trusted((*chosen[:row], other, *chosen[row + 1 :]))

    def encode(self, architecture: Cell201) -> np.ndarray:
        """Return the one-hot code: 6 edges x operations, flattened (30 numbers with all five)."""
        code = np.zeros((len(EDGES), len(self.operations)))
        for row, operation in enumerate(architecture.operations):
            code[row, self._index_of[operation]] = 1
        return code.ravel()

    def canonical(self, architecture: Cell201) -> Hashable:
        """Return the benchmark's own key of a cell up to isomorphism: 6,466 different ones.

        An edge `none`, or from a node that is `none` alone, is written "#"; `skip_connect` passes
        its source on; the order of a sum does not matter. Letter for letter the benchmark's
        string (`to_unique_str` of its code), with its limits: dead terms stay in a sum, and
        sums passed on by a skip connection are not merged. Without them 4,930 functions are
        left (`tests/test_spaces.py` counts both).
        """
        return _canonical(architecture.operations)

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
                for operation in _parse_node(target, node, self.operations)
            )
        )


def _checked(operations: Sequence[str]) -> tuple[str, ...]:
    if isinstance(operations, str):
        operations = [operations]  # a tuple of one name that lost its comma
    for name in operations:
        if name not in NAS_BENCH_201_OPERATIONS:
            raise one_of("operations", name, NAS_BENCH_201_OPERATIONS)
    if len(set(operations)) < max(2, len(operations)):
        raise InvalidInput(
            f"operations: got {', '.join(operations) or 'none'}; allowed: two or more of "
            f"{', '.join(NAS_BENCH_201_OPERATIONS)}, each once."
        )
    return tuple(operations)


@functools.cache  # at most 15,625 entries
def _canonical(operations: tuple[str, ...]) -> str:
    computed = {0: "0"}
    for target in (1, 2, 3):
        terms = [
            _term(operation, computed[source])
            for (source, end), operation in zip(EDGES, operations, strict=True)
            if end == target
        ]
        computed[target] = "+".join(sorted(terms))
    return computed[3]


def _term(operation: str, source: str) -> str:
    if operation == "none" or source == "#":
        return "#"
    return source if operation == "skip_connect" else f"({source})@{operation}"


def _parse_node(target: int, text: str, operations: tuple[str, ...]) -> list[str]:
    tokens = text.strip().strip("|").split("|")
    if len(tokens) != target:
        raise InvalidInput(
            f"node {target}: got {len(tokens)} input(s) in {text!r}; it has {target}, "
            "written '|op~0|...|'."
        )
    return [_parse_token(target, source, token, operations) for source, token in enumerate(tokens)]


def _parse_token(target: int, source: int, token: str, operations: tuple[str, ...]) -> str:
    operation, tilde, index = token.partition("~")
    if not tilde or index != str(source):
        raise InvalidInput(
            f"node {target}, input {source}: got {token!r}; expected operation~{source}, "
            f"for example 'nor_conv_3x3~{source}'."
        )
    if operation not in operations:
        raise one_of(f"edge {source}-{target}", operation, operations)
    return operation
