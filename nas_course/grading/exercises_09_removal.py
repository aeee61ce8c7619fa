"""Check of exercise 09.6: the operation whose removal costs most accuracy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.expect import expect_array
from nas_course.grading.mistakes import Mistake, Task, judge
from nas_course.grading.transport import Expression

CHAPTER = "09_when_darts_fails"
Accuracy = tuple[np.ndarray, np.ndarray]
Case = tuple[Accuracy, np.ndarray, list[int]]
Trial = Callable[[np.ndarray, int, int], np.ndarray]
Pick = Callable[[list[float]], int]
Decide = Callable[[np.ndarray, int, int], None]


def _accuracy(worth: Accuracy, pi: np.ndarray) -> float:
    """What each weight is worth, and each pair of weights."""
    single, pairs = worth
    x = pi.reshape(-1)
    return float(single @ x + x @ pairs @ x)


def _without(pi: np.ndarray, edge: int, operation: int) -> np.ndarray:
    trial = pi.copy()
    trial[edge, operation] = 0
    return trial


def _one_hot(pi: np.ndarray, edge: int, operation: int) -> None:
    pi[edge] = 0
    pi[edge, operation] = 1


def _argmin(scores: list[float]) -> int:
    return int(np.argmin(scores))


def _argmax(scores: list[float]) -> int:
    return int(np.argmax(scores))


def _by(
    trial: Trial = _without,
    pick: Pick = _argmin,
    decide: Decide = _one_hot,
    order: Callable[[list[int]], list[int]] = list,
) -> Callable[..., np.ndarray]:
    """The selection, of which single parts may be others."""

    def choose(worth: Accuracy, pi: np.ndarray, edges: list[int]) -> np.ndarray:
        current, chosen = pi.copy(), np.zeros(len(pi))
        for edge in order(edges):
            scores = [_accuracy(worth, trial(current, edge, o)) for o in range(pi.shape[1])]
            chosen[edge] = pick(scores)
            decide(current, edge, int(chosen[edge]))
        return chosen

    return choose


choose_by_removal = _by()


def _renormalised(pi: np.ndarray, edge: int, operation: int) -> np.ndarray:
    trial = _without(pi, edge, operation)
    trial[edge] /= trial[edge].sum()
    return trial


def _alone(pi: np.ndarray, edge: int, operation: int) -> np.ndarray:
    trial = pi.copy()
    _one_hot(trial, edge, operation)
    return trial


def _alone_unscaled(pi: np.ndarray, edge: int, operation: int) -> np.ndarray:
    trial = pi.copy()
    trial[edge] = np.where(np.arange(pi.shape[1]) == operation, pi[edge], 0)
    return trial


def _piling_up(worth: Accuracy, pi: np.ndarray, edges: list[int]) -> np.ndarray:
    """Trials without a copy: what was removed once stays removed."""
    current, chosen = pi.copy(), np.zeros(len(pi))
    for edge in edges:
        scores = []
        for operation in range(pi.shape[1]):
            current[edge, operation] = 0
            scores.append(_accuracy(worth, current))
        chosen[edge] = _argmin(scores)
        _one_hot(current, edge, int(chosen[edge]))
    return chosen


def _keep_weight(pi: np.ndarray, edge: int, operation: int) -> None:
    weight = pi[edge, operation]
    pi[edge] = 0
    pi[edge, operation] = weight


def _remove(pi: np.ndarray, edge: int, operation: int) -> None:
    pi[edge, operation] = 0


def _nothing(pi: np.ndarray, edge: int, operation: int) -> None:
    """Leave the edge undecided."""


def _in_order(worth: Accuracy, pi: np.ndarray, edges: list[int]) -> np.ndarray:
    return choose_by_removal(worth, pi, edges)[edges]


DECIDE = "pi[edge] becomes one-hot: 1 at the chosen operation, 0 elsewhere."
MISTAKES = (
    Mistake(
        "largest-weight",
        lambda worth, pi, edges: pi.argmax(axis=1),
        "On each edge the largest weight was taken. No supernet was asked.",
        "Ask `accuracy` about every operation of every edge.",
    ),
    Mistake(
        "missed-least",
        _by(pick=_argmax),
        "The operation was taken whose removal leaves the best accuracy: the one missed least.",
        "Take the smallest of the accuracies without each operation.",
    ),
    Mistake(
        "best-alone",
        _by(trial=_alone, pick=_argmax),
        "The operations were tried alone on their edge, and the best one taken.",
        "In a trial one operation is missing and all others stay.",
    ),
    Mistake(
        "best-alone",
        _by(trial=_alone_unscaled, pick=_argmax),
        "The operations were tried alone on their edge, and the best one taken.",
        "In a trial one operation is missing and all others stay.",
    ),
    Mistake(
        "edges-never-decided",
        _by(decide=_nothing),
        "Later trials see the edge as it was: all decisions were taken from the first pi.",
        DECIDE,
    ),
    Mistake(
        "order-ignored",
        _by(order=sorted),
        "The edges were decided from 0 on, not in the given order.",
        "Loop over `order`.",
    ),
    Mistake(
        "order-turned-round",
        _by(order=lambda edges: edges[::-1]),
        "The edges were decided in the order turned round.",
        "Loop over `order` from its first entry.",
    ),
    Mistake(
        "listed-in-the-order-of-decision",
        _in_order,
        "The choices are right, but they stand in the order in which they were made.",
        "Entry e of the list belongs to edge e.",
    ),
    Mistake(
        "normalised-again",
        _by(trial=_renormalised),
        "The weights that are left were normalised again in the trials, so the others become "
        "louder.",
        "Set one weight to 0 and leave the others.",
    ),
    Mistake(
        "removals-pile-up",
        _piling_up,
        "What was removed in one trial is still missing in the next.",
        "Copy pi for every trial.",
    ),
    Mistake(
        "weight-kept",
        _by(decide=_keep_weight),
        "The decided edge carries its operation with the old weight, not with 1.",
        DECIDE,
    ),
    Mistake(
        "needed-operation-removed",
        _by(decide=_remove),
        "The operation that was chosen was taken away, and the others stay.",
        DECIDE,
    ),
)
TASK = Task(("accuracy", "pi", "order"), choose_by_removal, MISTAKES)


class _Described(Task):
    """The same task; of `accuracy` only what it is, since its numbers are many."""

    def describe(self, case: tuple) -> str:
        worth, pi, order = case
        return f"accuracy(pi) = {_accuracy(worth, pi):.4g}\npi = {pi.tolist()}\norder = {order}"


DESCRIBED = _Described(TASK.names, TASK.solve, TASK.mistakes)


def _read(ask: Ask, case: Case) -> np.ndarray:
    (single, pairs), pi, order = case
    accuracy = Expression(
        f"lambda pi: float(np.array({single.tolist()}) @ np.asarray(pi).reshape(-1) + "
        f"np.asarray(pi).reshape(-1) @ np.array({pairs.tolist()}) @ np.asarray(pi).reshape(-1))"
    )
    given = DESCRIBED.describe(case)
    return expect_array(ask(accuracy, pi, list(order)), (len(pi),), given=given)


def _case(rng: np.random.Generator, edges: int, operations: int) -> Case:
    size = edges * operations
    pi = rng.dirichlet(np.ones(operations), size=edges).round(3)
    worth = rng.normal(size=size).round(2), (1.5 * rng.normal(size=(size, size))).round(2)
    return worth, pi, rng.permutation(edges).tolist()


def _judge(ask: Ask, cases: list[Case], rng: np.random.Generator) -> None:
    probes = [_case(rng, 4, 3) for _ in range(8)]
    judge(DESCRIBED, lambda case: _read(ask, case), cases, probes)


def _one_edge(ask: Ask, rng: np.random.Generator) -> None:
    none = np.zeros((3, 3))
    quiet_but_needed: Case = ((np.array([0.1, 3.0, 0.2]), none), np.array([[0.5, 0.2, 0.3]]), [0])
    _judge(ask, [quiet_but_needed, *(_case(rng, 1, 4) for _ in range(4))], rng)


def _several(ask: Ask, rng: np.random.Generator) -> None:
    sizes = ((2, 3), (3, 2), (4, 3), (5, 3), (3, 5), (6, 4))
    _judge(ask, [_case(rng, *size) for size in sizes], rng)


REMOVAL = Exercise(
    id="09.6",
    chapter=CHAPTER,
    title="Missed most",
    answer="choose_by_removal",
    minutes=20,
    difficulty=3,
    stages=(
        Stage("one edge", 2, _one_edge),
        Stage("edges that depend on each other", 2, _several),
    ),
)

EXERCISES = (REMOVAL,)
