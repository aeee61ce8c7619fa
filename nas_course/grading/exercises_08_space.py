"""Checks of exercises 08.3 and 08.4: the size of the cell space and the mixed operation."""

from __future__ import annotations

from math import comb, prod
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_array, expect_keys, expect_number
from nas_course.grading.mistakes import Mistake, Task, judge
from nas_course.grading.transport import Tensor

INPUTS = 2
Counts = dict[str, int]


def count_cells(nodes: int, operations: int) -> Counts:
    """Count relaxed cells, derived cells, and pairs of derived cells (DARTS, section 2.1)."""
    edges = sum(INPUTS + node for node in range(nodes))
    kept = prod(comb(INPUTS + node, 2) for node in range(nodes)) * (operations - 1) ** (2 * nodes)
    return {"relaxed": operations**edges, "kept": kept, "pair": kept**2}


def _counts(edges: int, topologies: int, choices: int, nodes: int, operations: int) -> Counts:
    kept = topologies * choices ** (2 * nodes)
    return {"relaxed": operations**edges, "kept": kept, "pair": kept**2}


def _edges(nodes: int) -> int:
    return sum(INPUTS + node for node in range(nodes))


def _pairs(nodes: int) -> int:
    return prod(comb(INPUTS + node, 2) for node in range(nodes))


COUNT_MISTAKES = (
    Mistake(
        "inputs-forgotten",
        lambda n, k: _counts(
            n * (n - 1) // 2, prod(max(comb(i, 2), 1) for i in range(n)), k - 1, n, k
        ),
        "Only the edges between intermediate nodes were counted; the two input nodes of the cell "
        "send edges too.",
        "Draw the cell for nodes = 1: the node has two predecessors, so there are two edges.",
    ),
    Mistake(
        "edges-without-inputs",
        lambda n, k: _counts(n * (n - 1) // 2, _pairs(n), k - 1, n, k),
        "`relaxed` counts only the edges between intermediate nodes.",
        "The i-th intermediate node has 2 + i predecessors: sum them.",
    ),
    Mistake(
        "none-can-be-chosen",
        lambda n, k: _counts(_edges(n), _pairs(n), k, n, k),
        "`none` was counted as an operation that a kept edge can carry. The rule never selects it.",
        "A kept edge has one choice fewer than the supernet's edge.",
    ),
    Mistake(
        "none-left-out-of-the-supernet",
        lambda n, k: {**count_cells(n, k), "relaxed": (k - 1) ** _edges(n)},
        "`none` was left out of the relaxed count, but in the supernet it has a weight like every "
        "other operation.",
        "Use all operations for `relaxed`, one fewer for `kept`.",
    ),
    Mistake(
        "ordered-predecessors",
        lambda n, k: _counts(_edges(n), prod((2 + i) * (1 + i) for i in range(n)), k - 1, n, k),
        "The two predecessors of a node were counted in order; (0, 1) and (1, 0) are one node, "
        "because its two inputs are added.",
        "Use the number of subsets of size 2 (math.comb).",
    ),
    Mistake(
        "predecessors-with-repetition",
        lambda n, k: _counts(_edges(n), prod((2 + i) ** 2 for i in range(n)), k - 1, n, k),
        "The same predecessor was allowed twice. DARTS keeps two different edges.",
        "Use the number of subsets of size 2 (math.comb).",
    ),
    Mistake(
        "lesson-count",
        lambda n, k: _counts(_edges(n), prod((2 + i) ** 2 for i in range(n)), k, n, k),
        "This is the product of ((2 + i) * operations)**2: predecessors with repetition, and "
        "`none` selectable. For 4 nodes and 8 operations it gives 241,591,910,400.",
        "Choose two different predecessors (math.comb), and leave `none` out on kept edges.",
    ),
    Mistake(
        "operations-on-all-edges",
        lambda n, k: _counts_with(n, k, _pairs(n) * (k - 1) ** _edges(n)),
        "Operations were chosen for all edges, but a derived cell has only two edges per node.",
        "The number of operations to choose is 2 * nodes.",
    ),
    Mistake(
        "one-operation-per-node",
        lambda n, k: _counts_with(n, k, _pairs(n) * (k - 1) ** n),
        "One operation per node was counted; each of a node's two kept edges has its own.",
        "The number of operations to choose is 2 * nodes.",
    ),
    Mistake(
        "topologies-added",
        lambda n, k: _counts_with(
            n, k, sum(comb(INPUTS + i, 2) for i in range(n)) * (k - 1) ** (2 * n)
        ),
        "The choices of the nodes were added. They are independent, so they multiply.",
        "Take the product over the nodes.",
    ),
    Mistake(
        "topologies-forgotten",
        lambda n, k: _counts_with(n, k, (k - 1) ** (2 * n)),
        "Only the operations were counted; which two edges a node keeps is a choice as well.",
        "Multiply by C(2 + i, 2) for every node i.",
    ),
    Mistake(
        "pair-doubled",
        lambda n, k: {**count_cells(n, k), "pair": 2 * count_cells(n, k)["kept"]},
        "`pair` is twice `kept`. Every normal cell can go with every reduction cell.",
        "Independent choices multiply: square `kept`.",
    ),
)


def _counts_with(nodes: int, operations: int, kept: int) -> Counts:
    return {**count_cells(nodes, operations), "kept": kept, "pair": kept**2}


COUNT = Task(("nodes", "operations"), count_cells, COUNT_MISTAKES)


def _read_counts(ask: Ask, case: tuple[int, int]) -> Counts:
    given = COUNT.describe(case)
    fields = expect_keys(ask(*case), ("relaxed", "kept", "pair"), given=given)
    return {key: _whole_number(key, value, given) for key, value in fields.items()}


def _whole_number(key: str, value: Any, given: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = expect_number(value, given=f"{given}; looking at `{key}`")
    raise Diagnosis(
        given=given,
        got=f"{key} = {number!r}, a floating-point number",
        expected=f"{key} as an int",
        cause="A float has 53 binary digits; counts like 1.08e18 are no longer exact in it.",
        next_step="Use integer arithmetic throughout: math.comb, math.prod, **, and no '/'.",
        code="count-is-a-float",
    )


def _count_form(ask: Ask, rng: np.random.Generator) -> None:
    _read_counts(ask, (1, 3))


def _count_by_hand(ask: Ask, rng: np.random.Generator) -> None:
    probes = [(2, 4), (3, 5)]
    judge(COUNT, lambda case: _read_counts(ask, case), [(1, 3), (2, 3)], probes)


def _count_darts(ask: Ask, rng: np.random.Generator) -> None:
    cases = [(4, 8), (3, 5), (2, 2)]
    judge(COUNT, lambda case: _read_counts(ask, case), cases, [(5, 6)])


COUNT_CELLS = Exercise(
    id="08.3",
    chapter="08_darts",
    title="How many cells are there?",
    answer="count_cells",
    minutes=10,
    difficulty=2,
    stages=(
        Stage("three whole numbers", 0, _count_form),
        Stage("one and two nodes, counted by hand", 2, _count_by_hand),
        Stage("the DARTS cell and other sizes, exactly", 1, _count_darts),
    ),
)


def softmax(logits: np.ndarray, axis: int = -1) -> np.ndarray:
    """Return exp(logits) / sum(exp(logits)) along one axis."""
    shifted = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return shifted / shifted.sum(axis=axis, keepdims=True)


def _mix(weights: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Add the outputs (edges, operations, images, features) of one edge, weighted."""
    return np.einsum("eo,eoif->eif", weights, outputs)


def mix_operations(alpha: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Return the mixed operation of every edge (DARTS, equation 2)."""
    return _mix(softmax(alpha), outputs)


MIX_MISTAKES = (
    Mistake(
        "softmax-over-edges",
        lambda a, o: _mix(softmax(a, axis=0), o),
        "The softmax runs over the edges (axis 0): the operations of one edge do not sum to 1.",
        "The operations of one edge compete with each other: they stand in one row, on the last "
        "axis.",
    ),
    Mistake(
        "softmax-over-everything",
        lambda a, o: _mix(softmax(a.reshape(-1), axis=0).reshape(a.shape), o),
        "One softmax runs over all edges and operations together.",
        "Each edge needs a softmax of its own: give the axis.",
    ),
    Mistake(
        "softmax-twice",
        lambda a, o: _mix(softmax(softmax(a)), o),
        "The softmax was applied twice; the second one makes the weights almost equal.",
        "alpha are logits. Apply softmax once, then multiply.",
    ),
    Mistake(
        "logits-as-weights",
        lambda a, o: _mix(a, o),
        "The logits themselves were used as weights; they may be negative and do not sum to 1.",
        "Turn each row of alpha into positive numbers with sum 1 first.",
    ),
    Mistake(
        "log-softmax",
        lambda a, o: _mix(np.log(softmax(a)), o),
        "These are log-probabilities as weights.",
        "Use softmax, not log_softmax.",
    ),
    Mistake(
        "sigmoid-weights",
        lambda a, o: _mix(1 / (1 + np.exp(-a)), o),
        "A sigmoid of each logit was used: then the operations do not compete, and the weights of "
        "an edge do not sum to 1.",
        "Use a softmax over the operations of each edge.",
    ),
    Mistake(
        "weights-ignored",
        lambda a, o: o.mean(axis=1),
        "All operations have the same weight; alpha plays no role.",
        "Multiply each operation's output with its weight before adding.",
    ),
    Mistake(
        "hard-choice",
        lambda a, o: o[np.arange(len(a)), a.argmax(axis=1)],
        "Only the strongest operation was used. That is the derived cell, not the relaxation: "
        "no gradient would reach the other operations.",
        "Add all outputs, each with its weight.",
    ),
    Mistake(
        "not-normalised",
        lambda a, o: _mix(np.exp(a), o),
        "exp(alpha) was not divided by its sum: the weights of an edge do not sum to 1.",
        "Divide each row by its own sum.",
    ),
    Mistake(
        "divided-by-operations",
        lambda a, o: _mix(softmax(a), o) / a.shape[1],
        "The weighted sum was divided by the number of operations once more (a mean).",
        "The weights already sum to 1: take the sum, not the mean.",
    ),
)

MIX = Task(("alpha", "outputs"), mix_operations, MIX_MISTAKES)


def _read_mix(ask: Ask, case: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    alpha, outputs = case
    edges, _, images, features = outputs.shape
    given = f"alpha of shape {alpha.shape}, outputs of shape {outputs.shape}"
    value = ask(Tensor(alpha), Tensor(outputs))
    try:
        return expect_array(value, (edges, images, features), given=given)
    except Diagnosis as problem:
        if problem.code != "not-finite" or np.abs(alpha).max() < 100:
            raise
    raise Diagnosis(
        given=MIX.describe(case),
        got="nan or infinity",
        expected=MIX.solve(*case),
        cause="exp of a large logit is infinite, and infinity / infinity is not a number.",
        next_step="Subtract the largest logit of each row first; torch.softmax does so itself.",
        code="softmax-overflows",
    )


def _mix_case(rng: np.random.Generator, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=shape[:2]), rng.normal(size=shape)


def _mix_form(ask: Ask, rng: np.random.Generator) -> None:
    _read_mix(ask, _mix_case(rng, 5, 3, 2, 4))


def _mix_by_hand(ask: Ask, rng: np.random.Generator) -> None:
    alpha = np.log(np.array([[1.0, 3.0], [1.0, 1.0]]))  # weights 1/4 and 3/4; 1/2 and 1/2
    outputs = np.array([[[[4.0]], [[8.0]]], [[[2.0]], [[6.0]]]])
    probes = [_mix_case(rng, 3, 4, 2, 2)]
    judge(MIX, lambda case: _read_mix(ask, case), [(alpha, outputs)], probes)


def _mix_limits(ask: Ask, rng: np.random.Generator) -> None:
    _, outputs = _mix_case(rng, 3, 4, 2, 2)
    one_hot = np.zeros((3, 4))
    one_hot[[0, 1, 2], [1, 3, 0]] = 1000.0
    shifted = rng.normal(size=(3, 4)) + np.array([[-1000.0], [0.0], [1000.0]])
    cases = [(one_hot, outputs), (shifted, outputs)]
    judge(MIX, lambda case: _read_mix(ask, case), cases)


def _mix_random(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_mix_case(rng, *shape) for shape in ((14, 8, 2, 3), (3, 3, 3, 3), (1, 5, 4, 1))]
    judge(MIX, lambda case: _read_mix(ask, case), cases)


MIXED_OPERATION = Exercise(
    id="08.4",
    chapter="08_darts",
    title="The mixed operation",
    answer="mix_operations",
    minutes=15,
    difficulty=2,
    stages=(
        Stage("shape", 1, _mix_form),
        Stage("two edges by hand", 1, _mix_by_hand),
        Stage("one-hot limit and shifted logits", 1, _mix_limits),
        Stage("random supernets", 1, _mix_random),
    ),
)

EXERCISES = (COUNT_CELLS, MIXED_OPERATION)
