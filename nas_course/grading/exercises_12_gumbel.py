"""Check of exercise 12.2: drawing operations by the Gumbel-max trick."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.expect import expect_array
from nas_course.grading.gumbel_rules import gumbel, softmax, uniform_noise
from nas_course.grading.mistakes import Mistake, Task, judge

CHAPTER = "12_distributions"
Case = tuple[np.ndarray, np.ndarray]


def draw_operations(logits: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Return argmax(logits + Gumbel noise) over operations, shape (draws, edges)."""
    return np.asarray((logits + gumbel(uniform)).argmax(axis=2), dtype=float)


def _noised(noise: Callable[[np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda z, u: np.asarray((z + noise(u)).argmax(axis=2), dtype=float)


def _inverse_distribution(z: np.ndarray, u: np.ndarray) -> np.ndarray:
    bounds = softmax(z).cumsum(axis=1)
    return np.asarray((u[:, :, :1] > bounds).sum(axis=2).clip(max=z.shape[1] - 1), dtype=float)


MISTAKES = (
    Mistake(
        "noise-ignored",
        _noised(lambda u: np.zeros_like(u)),
        "Every draw is the operation with the largest logit: no noise enters.",
        "Add Gumbel noise to the logits before the argmax.",
    ),
    Mistake(
        "logits-ignored",
        lambda z, u: np.asarray(u.argmax(axis=2), dtype=float),
        "The largest noise wins, whatever the logits are.",
        "Add the noise to the logits.",
    ),
    Mistake(
        "sign-of-the-noise",
        _noised(lambda u: np.log(-np.log(u))),
        "The noise is log(-log u), without the minus in front. Its distribution leans the other "
        "way, and the frequencies are no softmax any more.",
        "g = -log(-log u).",
    ),
    Mistake(
        "one-logarithm",
        _noised(lambda u: -np.log(u)),
        "The noise is -log u: exponential, not Gumbel.",
        "Take the logarithm twice: g = -log(-log u).",
    ),
    Mistake(
        "logistic-noise",
        _noised(lambda u: np.log(u) - np.log1p(-u)),
        "The noise is log u - log(1 - u), which is logistic. It belongs to a choice between two.",
        "g = -log(-log u), one for each operation.",
    ),
    Mistake(
        "uniform-added",
        _noised(lambda u: u),
        "The uniform numbers were added as they are.",
        "Transform them: g = -log(-log u).",
    ),
    Mistake(
        "one-minus-u",
        _noised(lambda u: gumbel(1 - u)),
        "u was replaced by 1 - u. The distribution is right, but these are other draws.",
        "Use u itself, so that your draws can be compared.",
    ),
    Mistake(
        "noise-on-probabilities",
        lambda z, u: np.asarray((softmax(z) + gumbel(u)).argmax(axis=2), dtype=float),
        "The noise was added to probabilities. They differ by less than 1, the noise by much more.",
        "Add it to the logits (or to the logarithms of the probabilities).",
    ),
    Mistake(
        "noise-multiplied",
        lambda z, u: np.asarray((z * gumbel(u)).argmax(axis=2), dtype=float),
        "Logits and noise were multiplied.",
        "Add them.",
    ),
    Mistake(
        "smallest-taken",
        lambda z, u: np.asarray((z + gumbel(u)).argmin(axis=2), dtype=float),
        "The smallest sum was taken.",
        "argmax.",
    ),
    Mistake(
        "inverse-distribution",
        _inverse_distribution,
        "One uniform number per edge was looked up in the cumulative probabilities. That draws "
        "from the same distribution, but nothing in it can be softened into a gradient.",
        "Give every operation its own noise, and take the argmax of the sums.",
    ),
    Mistake(
        "other-logarithm",
        _noised(lambda u: -np.log2(-np.log2(u))),
        "The logarithms have base 2. That noise is spread more widely.",
        "Use the natural logarithm.",
    ),
    Mistake(
        "one-noise-for-all-edges",
        lambda z, u: draw_operations(z, np.broadcast_to(u[:, :1], u.shape)),
        "All edges of a draw got the noise of the first edge, so their choices hang together.",
        "uniform[d, e] belongs to edge e.",
    ),
    Mistake(
        "one-draw-for-all",
        lambda z, u: draw_operations(z, np.broadcast_to(u[:1], u.shape)),
        "All draws got the noise of the first one.",
        "uniform[d] belongs to draw d.",
    ),
    Mistake(
        "counted-from-one",
        lambda z, u: draw_operations(z, u) + 1,
        "The operations were counted from 1.",
        "Count from 0.",
    ),
)
TASK = Task(("logits", "uniform"), draw_operations, MISTAKES)


def _case(rng: np.random.Generator, draws: int, edges: int, operations: int) -> Case:
    return rng.normal(size=(edges, operations)), uniform_noise(rng, draws, edges, operations)


def _read(ask: Ask, case: Case) -> np.ndarray:
    logits, uniform = case
    return expect_array(ask(*case), (len(uniform), len(logits)), given=TASK.describe(case))


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _case(rng, 5, 3, 4))


def _one_edge(ask: Ask, rng: np.random.Generator) -> None:
    """Noise so strong, then so weak, that the winner can be told by eye; then many draws."""
    even = np.zeros((1, 3))
    cases: list[Case] = [
        (even, np.array([[[0.1, 0.9, 0.5]], [[0.8, 0.2, 0.3]]])),
        (np.array([[2.0, 0.0, 0.0]]), np.array([[[0.1, 0.9, 0.5]], [[0.2, 0.4, 0.97]]])),
        _case(rng, 200, 1, 4),
    ]
    judge(TASK, lambda case: _read(ask, case), cases, _probes(rng))


def _probes(rng: np.random.Generator) -> list[Case]:
    return [_case(rng, 200, 3, 4), _case(rng, 300, 2, 5)]


def _edges(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, 100, 6, 5), _case(rng, 50, 14, 8), _case(rng, 1, 2, 3)]
    judge(TASK, lambda case: _read(ask, case), cases, _probes(rng))


def _large(ask: Ask, rng: np.random.Generator) -> None:
    logits, uniform = _case(rng, 100, 4, 5)
    cases = [(logits + 1000.0, uniform), (logits - 1000.0, uniform), (logits * 400, uniform)]
    judge(TASK, lambda case: _read(ask, case), cases, _probes(rng))


GUMBEL = Exercise(
    id="12.2",
    chapter=CHAPTER,
    title="Draw operations with Gumbel noise",
    answer="draw_operations",
    minutes=15,
    difficulty=2,
    stages=(
        Stage("one number per draw and edge", 0, _form),
        Stage("one edge", 2, _one_edge),
        Stage("many edges", 1, _edges),
        Stage("large logits", 1, _large),
    ),
)

EXERCISES = (GUMBEL,)
