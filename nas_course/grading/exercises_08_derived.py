"""Check of exercise 08.7: deriving a cell from the architecture parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage, describe
from nas_course.grading.expect import expect_number
from nas_course.grading.mistakes import Mistake, Task, judge
from nas_course.grading.transport import Architecture, Tensor
from nas_course.operations import DARTS_OPERATIONS

INPUTS = 2
Edge = tuple[int, int]


class KeptEdge(NamedTuple):
    """An edge of the derived cell."""

    node: int
    source: int
    operation: str

    def __str__(self) -> str:
        return f"node {self.node}: {self.operation} from {self.source}"


Kept = frozenset[KeptEdge]

LESSON_OPERATIONS = ("skip_connect", "sep_conv_3x3", "avg_pool_3x3", "none")


def _edges(nodes: int) -> list[Edge]:
    return [(source, node) for node in range(INPUTS, INPUTS + nodes) for source in range(node)]


def _softmax(logits: np.ndarray, axis: int = -1) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def _selectable(operations: tuple[str, ...]) -> list[int]:
    return [column for column, name in enumerate(operations) if name != "none"]


def _derive(
    scores: np.ndarray,
    columns: np.ndarray,
    edges: list[Edge],
    operations: tuple[str, ...],
) -> Kept:
    """Keep the two edges with the highest score at each node, with the operation `columns[e]`."""
    kept = set()
    for node in {target for _, target in edges}:
        rows = [row for row, (_, target) in enumerate(edges) if target == node]
        for row in sorted(rows, key=lambda row: -scores[row])[:2]:
            kept.add(KeptEdge(node, edges[row][0], operations[columns[row]]))
    return frozenset(kept)


def _best(alpha: np.ndarray, operations: tuple[str, ...]) -> np.ndarray:
    selectable = np.array(_selectable(operations))
    return selectable[alpha[:, selectable].argmax(axis=1)]


def derive_cell(alpha: np.ndarray, edges: list[Edge], operations: tuple[str, ...]) -> Kept:
    """Derive a cell: two strongest edges per node, best operation but `none` (DARTS, 2.4)."""
    strengths = _softmax(alpha)[:, _selectable(operations)].max(axis=1)
    return _derive(strengths, _best(alpha, operations), edges, operations)


def _scored_by(score: Callable[[np.ndarray, list[int]], np.ndarray]) -> Callable[..., Kept]:
    """The right operations on edges ranked by another score."""

    def wrong(alpha: np.ndarray, edges: list[Edge], operations: tuple[str, ...]) -> Kept:
        scores = score(alpha, _selectable(operations))
        return _derive(scores, _best(alpha, operations), edges, operations)

    return wrong


def _none_wins(alpha: np.ndarray, edges: list[Edge], operations: tuple[str, ...]) -> Kept:
    return _derive(_softmax(alpha).max(axis=1), alpha.argmax(axis=1), edges, operations)


def _global_edges(alpha: np.ndarray, edges: list[Edge], operations: tuple[str, ...]) -> Kept:
    strengths = _softmax(alpha)[:, _selectable(operations)].max(axis=1)
    columns = _best(alpha, operations)
    best = np.argsort(-strengths)[: 2 * len({target for _, target in edges})]
    return frozenset(KeptEdge(edges[r][1], edges[r][0], operations[columns[r]]) for r in best)


def _positions_of_others(alpha: np.ndarray, edges: list[Edge], operations: tuple[str, ...]) -> Kept:
    """The column counted after `none` was cut out: operations shifted by one."""
    columns = alpha[:, _selectable(operations)].argmax(axis=1)
    strengths = _softmax(alpha)[:, _selectable(operations)].max(axis=1)
    return _derive(strengths, columns, edges, operations)


def _first_column_is_none(
    alpha: np.ndarray, edges: list[Edge], operations: tuple[str, ...]
) -> Kept:
    columns = 1 + alpha[:, 1:].argmax(axis=1)
    return _derive(_softmax(alpha)[:, 1:].max(axis=1), columns, edges, operations)


def _all_edges(alpha: np.ndarray, edges: list[Edge], operations: tuple[str, ...]) -> Kept:
    columns = _best(alpha, operations)
    return frozenset(KeptEdge(t, s, operations[columns[row]]) for row, (s, t) in enumerate(edges))


def _first_edges(alpha: np.ndarray, edges: list[Edge], operations: tuple[str, ...]) -> Kept:
    return _derive(-np.arange(len(alpha)), _best(alpha, operations), edges, operations)


def _sorted_edges(alpha: np.ndarray, edges: list[Edge], operations: tuple[str, ...]) -> Kept:
    """Row e of alpha taken for the e-th edge in the usual order, whatever `edges` says."""
    nodes = len({target for _, target in edges})
    return derive_cell(alpha, _edges(nodes), operations)


DERIVE_MISTAKES = (
    Mistake(
        "none-selected",
        _none_wins,
        "The operation was chosen by argmax over all columns, so `none` can win an edge.",
        "Leave the column of `none` out when you look for the best operation.",
    ),
    Mistake(
        "edges-by-raw-logits",
        _scored_by(lambda a, s: a[:, s].max(axis=1)),
        "The edges were ranked by their logits. Logits of two edges are not comparable: adding a "
        "constant to a row changes nothing in the supernet.",
        "Rank edges by mixing weights: softmax of each row first.",
    ),
    Mistake(
        "none-not-in-denominator",
        _scored_by(lambda a, s: _softmax(a[:, s]).max(axis=1)),
        "`none` was cut out before the softmax. Then an edge that wants to be absent looks as "
        "strong as the others.",
        "Softmax over all operations first; then leave out the column of `none`.",
    ),
    Mistake(
        "none-counts-as-strength",
        _scored_by(lambda a, s: _softmax(a).max(axis=1)),
        "The strength of an edge was its largest weight of all, `none` included: an edge with a "
        "strong `none` was kept.",
        "Strength = largest weight among the operations other than `none`.",
    ),
    Mistake(
        "strength-is-one-minus-none",
        _scored_by(lambda a, s: _softmax(a)[:, s].sum(axis=1)),
        "The weights of all operations but `none` were added. The rule takes the largest one.",
        "Use max instead of sum.",
    ),
    Mistake(
        "softmax-over-edges",
        _scored_by(lambda a, s: _softmax(a, axis=0)[:, s].max(axis=1)),
        "The softmax runs over the edges, not over the operations of one edge.",
        "Softmax along the last axis.",
    ),
    Mistake(
        "weakest-edges-kept",
        _scored_by(lambda a, s: -_softmax(a)[:, s].max(axis=1)),
        "The two weakest edges were kept: the sort runs upwards.",
        "Sort by descending strength.",
    ),
    Mistake(
        "edges-not-ranked",
        _first_edges,
        "Each node kept its first two edges, whatever their strength.",
        "Sort the edges that end in the node by strength, then take two.",
    ),
    Mistake(
        "edges-of-whole-cell-ranked",
        _global_edges,
        "The strongest edges of the whole cell were kept. Then a node may have none at all.",
        "Make the choice node by node: two edges for each.",
    ),
    Mistake(
        "operation-index-shifted",
        _positions_of_others,
        "The operation was looked up with an index that was counted without `none`.",
        "Map the index back to the full list of operations.",
    ),
    Mistake(
        "none-assumed-first",
        _first_column_is_none,
        "The first column was taken for `none`. Its place depends on the list of operations.",
        "Find it: operations.index('none').",
    ),
    Mistake(
        "edge-order-assumed",
        _sorted_edges,
        "Row e of alpha belongs to edges[e]; another order was assumed.",
        "Read source and target of each row from `edges`.",
    ),
    Mistake(
        "all-edges-kept",
        _all_edges,
        "All edges were kept. A node of the derived cell has two inputs.",
        "Keep two edges per node.",
    ),
)


class DerivingTask(Task):
    """Describes a small cell by its mixing weights."""

    def describe(self, case: tuple[Any, ...]) -> str:
        """Write the weights of each edge, or the size of a larger cell."""
        alpha, edges, operations = case
        if len(edges) > 5:
            return f"{len(edges)} edges, {len(operations)} operations"
        rows = [
            f"{source} -> {target}: " + ", ".join(f"{weight:.2f}" for weight in weights)
            for (source, target), weights in zip(edges, _softmax(alpha), strict=True)
        ]
        head = "edges with the softmax of their logits, for " + ", ".join(operations)
        return "\n".join([head, *rows])


DERIVE = DerivingTask(("alpha", "edges", "operations"), derive_cell, DERIVE_MISTAKES)


def _trouble(given: str, got: Any, expected: str, cause: str, code: str) -> Diagnosis:
    return Diagnosis(
        given=given,
        got=got,
        expected=expected,
        cause=cause,
        next_step="Return a list with one entry per node; each entry is a list of two pairs "
        "(operation name, predecessor).",
        code=code,
    )


def _read_cell(ask: Ask, case: tuple[Any, ...]) -> Kept:
    alpha, edges, operations = case
    given = DERIVE.describe(case)
    value = ask(Tensor(alpha), edges, list(operations))
    nodes = len({target for _, target in edges})
    if isinstance(value, Architecture | dict | str) or not isinstance(value, list | tuple):
        form = f"a list of {nodes} nodes"
        raise _trouble(given, value, form, "The result is not a list of nodes.", "not-a-cell")
    if len(value) != nodes:
        cause = "There must be one entry per intermediate node, in the order of the nodes."
        got = f"{len(value)} entries: {describe(value)}"
        raise _trouble(given, got, f"{nodes} entries", cause, "wrong-number-of-nodes")
    kept = [_read_node(given, value, INPUTS + i, operations) for i in range(nodes)]
    return frozenset().union(*kept)


def _read_node(given: str, cell: Any, node: int, operations: tuple[str, ...]) -> Kept:
    pairs = cell[node - INPUTS]
    if not isinstance(pairs, list | tuple) or any(
        not isinstance(pair, list | tuple) or len(pair) != 2 for pair in pairs
    ):
        cause = f"Node {node} is not a list of pairs."
        raise _trouble(given, pairs, "two (operation, predecessor) pairs", cause, "not-pairs")
    triples = [_read_pair(given, node, pair, operations) for pair in pairs]
    sources = [source for _, source, _ in triples]
    if len(sources) != len(set(sources)):
        cause = (
            f"Node {node} takes the same predecessor twice: the best (edge, operation) pairs were "
            "chosen, and two of them lie on one edge. Choose edges first, then their operations."
        )
        expected = "two different predecessors"
        raise _trouble(given, pairs, expected, cause, "same-predecessor-twice")
    return frozenset(triples)


def _read_pair(given: str, node: int, pair: Any, operations: tuple[str, ...]) -> KeptEdge:
    name, source = pair
    if isinstance(source, str) and not isinstance(name, str):
        cause = "The pair is the wrong way round."
        raise _trouble(given, pair, "(operation, predecessor)", cause, "pair-reversed")
    if not isinstance(name, str) or name not in operations:
        cause = "The first part of a pair must be the name of an operation, not its number."
        expected = f"one of {', '.join(operations)}"
        raise _trouble(given, pair, expected, cause, "not-an-operation-name")
    source = int(expect_number(source, given=given, whole=True))
    if not 0 <= source < node:
        cause = f"Node {node} can only read from nodes 0 to {node - 1}."
        raise _trouble(given, pair, f"0 to {node - 1}", cause, "impossible-predecessor")
    return KeptEdge(node, source, name)


def _cell_case(
    rng: np.random.Generator, nodes: int, operations: tuple[str, ...], shift: float = 1.0
) -> tuple[Any, ...]:
    """Random logits; `none` is strong on half of the edges; rows are shifted by constants."""
    edges = _edges(nodes)
    alpha = rng.normal(size=(len(edges), len(operations))) + rng.normal(size=len(operations))
    alpha[:, operations.index("none")] += rng.choice([0.0, 3.0], size=len(edges))
    return alpha + shift * rng.normal(size=(len(edges), 1)), edges, operations


def _hand_case() -> tuple[Any, ...]:
    """Node 3 has three edges: of weights .5, .45 and, beside a strong `none`, .3."""
    weights = [
        [0.5, 0.2, 0.2, 0.1],
        [0.1, 0.1, 0.3, 0.5],
        [0.1, 0.5, 0.25, 0.15],
        [0.3, 0.1, 0.02, 0.58],
        [0.45, 0.35, 0.1, 0.1],
    ]
    alpha = np.log(np.array(weights)) + np.array([[0.0], [0.0], [0.0], [3.0], [-2.0]])
    return alpha, _edges(2), LESSON_OPERATIONS


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read_cell(ask, _cell_case(rng, 3, LESSON_OPERATIONS))


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    probes = [_cell_case(rng, 4, ops) for ops in (LESSON_OPERATIONS, DARTS_OPERATIONS) * 6]
    judge(DERIVE, lambda case: _read_cell(ask, case), [_hand_case()], probes)


def _shifts(ask: Ask, rng: np.random.Generator) -> None:
    """Adding a constant to a row must not change the cell; small cells first, they are shown."""
    cases = [_cell_case(rng, 2, LESSON_OPERATIONS, shift=30.0) for _ in range(4)]
    cases += [_cell_case(rng, 4, DARTS_OPERATIONS, shift=30.0) for _ in range(4)]
    judge(DERIVE, lambda case: _read_cell(ask, case), cases, cases)


def _reordered(
    rng: np.random.Generator, alpha: np.ndarray, edges: list[Edge], operations: tuple[str, ...]
) -> tuple[Any, ...]:
    """The same cell with its edges listed in another order."""
    order = rng.permutation(len(edges))
    return alpha[order], [edges[i] for i in order], operations


def _random(ask: Ask, rng: np.random.Generator) -> None:
    both = (DARTS_OPERATIONS, LESSON_OPERATIONS)
    cases = [_cell_case(rng, nodes, ops) for nodes in (2, 4) for ops in both * 4]
    cases += [_reordered(rng, *_cell_case(rng, 4, DARTS_OPERATIONS)) for _ in range(3)]
    judge(DERIVE, lambda case: _read_cell(ask, case), cases, cases)


DERIVE_CELL = Exercise(
    id="08.7",
    chapter="08_darts",
    title="From mixing weights to a cell",
    answer="derive_cell",
    minutes=25,
    difficulty=3,
    stages=(
        Stage("a list of nodes with two inputs each", 1, _form),
        Stage("a cell of two nodes by hand", 2, _by_hand),
        Stage("shifted logits", 1, _shifts),
        Stage("random cells and operation sets", 1, _random),
    ),
)

EXERCISES = (DERIVE_CELL,)
