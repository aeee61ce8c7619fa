"""Check of exercise 09.2: three shares of skip connections that are not the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.expect import expect_keys, expect_number
from nas_course.grading.mistakes import Mistake, Task, judge

CHAPTER = "09_when_darts_fails"
SKIP = 3
EDGES = tuple((source, target) for target in range(2, 6) for source in range(target))
KEYS = ("weight", "argmax", "derived")


def _pi(alpha: np.ndarray, axis: int = 1) -> np.ndarray:
    powers = np.exp(alpha - alpha.max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def mean_weight(alpha: np.ndarray) -> float:
    """Return the mean softmax weight of the skip connection."""
    return float(_pi(alpha)[:, SKIP].mean())


def argmax_share(alpha: np.ndarray) -> float:
    """Return the share of all edges whose largest logit is the skip connection's."""
    return float((alpha.argmax(axis=1) == SKIP).mean())


def _best(pi: np.ndarray, first: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Operation and strength of each edge; operations before `first` cannot be chosen."""
    return first + pi[:, first:].argmax(axis=1), pi[:, first:].max(axis=1)


def kept_edges(strength: np.ndarray, count: int = 2) -> list[int]:
    """Return the strongest incoming edges of every node."""
    kept: list[int] = []
    for node in range(2, 6):
        rows = [row for row, (_, target) in enumerate(EDGES) if target == node]
        kept += sorted(rows, key=lambda row: -strength[row])[:count]
    return kept


def derived_share(alpha: np.ndarray) -> float:
    """Return the share of skip connections in the derived cell."""
    best, strength = _best(_pi(alpha))
    return float((best[kept_edges(strength)] == SKIP).mean())


Choice = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def _chosen_by(choice: Choice) -> Callable[[np.ndarray], float]:
    """Derive with another rule for the operation and the strength of an edge."""

    def share(alpha: np.ndarray) -> float:
        best, strength = choice(alpha)
        return float((best[kept_edges(strength)] == SKIP).mean())

    return share


def _without_none(alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    best, strength = _best(_pi(alpha[:, 1:]), first=0)
    return 1 + best, strength


def _kept_by(keep: Callable[[np.ndarray], list[int]]) -> Callable[[np.ndarray], float]:
    """Derive with another rule for the edges that stay."""

    def share(alpha: np.ndarray) -> float:
        best, strength = _best(_pi(alpha))
        return float((best[keep(strength)] == SKIP).mean())

    return share


def _of_column(share: Callable[[np.ndarray], float], column: int) -> Callable[..., float]:
    """The same share of another operation."""

    def other(alpha: np.ndarray) -> float:
        swapped = alpha.copy()
        swapped[:, [SKIP, column]] = alpha[:, [column, SKIP]]
        return share(swapped)

    return other


AXIS = "Each row is an edge, its operations compete: softmax over dim 1."
COLUMN = '`OPERATIONS.index("skip_connect")` is 3: counting begins with `none` at 0.'
WEIGHT = Task(
    ("alpha",),
    mean_weight,
    (
        Mistake(
            "softmax-over-edges",
            lambda alpha: float(_pi(alpha, axis=0)[:, SKIP].mean()),
            "The softmax runs over the edges, so the mean is always 1/14.",
            AXIS,
        ),
        Mistake(
            "logits-averaged",
            lambda alpha: float(alpha[:, SKIP].mean()),
            "The logits were averaged, not their softmax.",
            "Take the softmax of each row first.",
        ),
        Mistake(
            "softmax-of-the-mean",
            lambda alpha: float(_pi(alpha.mean(axis=0, keepdims=True))[0, SKIP]),
            "The softmax was taken of the mean logits; the mean comes last.",
            "First the softmax of each row, then the mean of one column.",
        ),
        Mistake(
            "none-left-out-of-the-softmax",
            lambda alpha: float(_pi(alpha[:, 1:])[:, SKIP - 1].mean()),
            "The softmax was taken without `none`.",
            "`none` cannot be chosen, but it takes part in the softmax.",
        ),
        *(
            Mistake(
                "another-column",
                _of_column(mean_weight, column),
                f"This is the weight of column {column}, not of the skip connection.",
                COLUMN,
            )
            for column in (2, 4)
        ),
        Mistake(
            "summed-over-edges",
            lambda alpha: 14 * mean_weight(alpha),
            "The weights were added up: this is 14 times the mean.",
            "Take the mean over the 14 edges.",
        ),
        Mistake(
            "argmax-for-weight",
            argmax_share,
            "This is the share of edges that the skip connection wins; its weight was asked for.",
            "Average the column of pi.",
        ),
        Mistake(
            "weight-of-kept-edges",
            lambda alpha: float(_pi(alpha)[kept_edges(_best(_pi(alpha))[1]), SKIP].mean()),
            "Only the edges of the derived cell were averaged.",
            "`weight` is about all 14 edges.",
        ),
    ),
)
ARGMAX = Task(
    ("alpha",),
    argmax_share,
    (
        Mistake(
            "argmax-without-none",
            lambda alpha: float((_best(alpha)[0] == SKIP).mean()),
            "`none` was left out of this argmax, though it may be the largest.",
            "Here the argmax is over all eight columns.",
        ),
        Mistake(
            "argmax-of-kept-edges",
            lambda alpha: float(
                (alpha.argmax(axis=1)[kept_edges(_best(_pi(alpha))[1])] == SKIP).mean()
            ),
            "Only the edges of the derived cell were looked at.",
            "`argmax` is about all 14 edges: that is what is wrong with it.",
        ),
        Mistake(
            "counted-not-shared",
            lambda alpha: 14 * argmax_share(alpha),
            "This is a number of edges, not a share.",
            "Divide by 14.",
        ),
        Mistake(
            "divided-by-eight",
            lambda alpha: 14 / 8 * argmax_share(alpha),
            "The count over 14 edges was divided by 8.",
            "Divide by 14.",
        ),
        *(
            Mistake(
                "another-column-wins",
                _of_column(argmax_share, column),
                f"This counts the edges that column {column} wins.",
                COLUMN,
            )
            for column in (2, 4)
        ),
    ),
)
DERIVED = Task(
    ("alpha",),
    derived_share,
    (
        Mistake(
            "pruned-edges-counted",
            lambda alpha: float((_best(alpha)[0] == SKIP).mean()),
            "All 14 edges were counted; six of them are not in the cell.",
            "Keep the two strongest edges of each node, and look at those only.",
        ),
        Mistake(
            "none-chosen",
            _chosen_by(lambda alpha: _best(_pi(alpha), first=0)),
            "`none` was allowed as the best operation, so its edges are strong and no skip.",
            "Best and strongest among columns 1 to 7.",
        ),
        Mistake(
            "none-chosen-then-dropped",
            _chosen_by(lambda alpha: (alpha.argmax(axis=1), _best(_pi(alpha))[1])),
            "The strengths leave `none` out, but the operations do not.",
            "Take the best operation among columns 1 to 7 too.",
        ),
        Mistake(
            "strength-without-none",
            _chosen_by(_without_none),
            "The strengths come from a softmax without `none`: an edge that wants nothing looks "
            "strong.",
            "Take the softmax over all eight, then look at columns 1 to 7.",
        ),
        Mistake(
            "strength-is-a-logit",
            _chosen_by(lambda alpha: _best(alpha)),
            "The edges were compared by their logits. Rows of logits have no common scale.",
            "Compare the softmax weights.",
        ),
        Mistake(
            "best-eight-of-all",
            _kept_by(lambda strength: np.argsort(-strength, kind="stable")[:8].tolist()),
            "The eight strongest edges of the whole cell were kept.",
            "Each node keeps two of its own.",
        ),
        Mistake(
            "weakest-kept",
            _kept_by(lambda strength: kept_edges(-strength)),
            "The weakest edges were kept.",
            "Sort by falling strength.",
        ),
        Mistake(
            "first-two-kept",
            _kept_by(lambda strength: kept_edges(np.zeros(14))),
            "Each node kept its first two edges, whatever their strengths.",
            "Sort the edges of a node by strength before you take two.",
        ),
        Mistake(
            "one-edge-per-node",
            _kept_by(lambda strength: kept_edges(strength, 1)),
            "Each node kept one edge.",
            "Two edges lead into every node.",
        ),
        Mistake(
            "three-edges-per-node",
            _kept_by(lambda strength: kept_edges(strength, 3)),
            "Nodes kept three edges.",
            "Two edges lead into every node.",
        ),
        Mistake(
            "divided-by-fourteen",
            lambda alpha: 8 / 14 * derived_share(alpha),
            "The skip connections of the cell were divided by 14.",
            "The cell has 8 edges.",
        ),
        Mistake(
            "skips-counted",
            lambda alpha: 8 * derived_share(alpha),
            "This is a number of edges, not a share.",
            "Divide by 8.",
        ),
        *(
            Mistake(
                "another-operation",
                _of_column(derived_share, column),
                f"This is the share of column {column}.",
                COLUMN,
            )
            for column in (2, 4)
        ),
    ),
)


def _judge(task: Task, key: str) -> Callable[[Ask, list, list], None]:
    def read(ask: Ask, case: tuple) -> float:
        given = f"{task.describe(case)}; looking at `{key}`"
        return expect_number(expect_keys(ask(*case), KEYS, given=given)[key], given=given)

    return lambda ask, cases, probes: judge(task, lambda case: read(ask, case), cases, probes)


def _draw(rng: np.random.Generator) -> tuple[np.ndarray]:
    """Skips and `none` that often win, and rows of different scale."""
    alpha = rng.normal(size=(14, 8))
    alpha[:, SKIP] += 0.9
    alpha[:, 0] += 0.9
    return (alpha + 2 * rng.normal(size=(14, 1)),)


def _stage(task: Task, key: str) -> Callable[[Ask, np.random.Generator], None]:
    def stage(ask: Ask, rng: np.random.Generator) -> None:
        cases = [_draw(rng) for _ in range(20)]
        _judge(task, key)(ask, cases, [_draw(rng) for _ in range(8)])

    return stage


SHARES = Exercise(
    id="09.2",
    chapter=CHAPTER,
    title="Which skips count?",
    answer="skip_shares",
    minutes=15,
    difficulty=2,
    stages=(
        Stage("the mean weight", 1, _stage(WEIGHT, "weight")),
        Stage("the argmax over all edges", 1, _stage(ARGMAX, "argmax")),
        Stage("the derived cell", 2, _stage(DERIVED, "derived")),
    ),
)

EXERCISES = (SHARES,)
