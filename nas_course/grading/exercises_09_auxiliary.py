"""Check of exercise 09.3: the mixture of DARTS-, with a path whose weight decays."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_array
from nas_course.grading.mistakes import Mistake, Task, judge

CHAPTER = "09_when_darts_fails"
Case = tuple[np.ndarray, np.ndarray, np.ndarray, int, int]


def _pi(alpha: np.ndarray) -> np.ndarray:
    powers = np.exp(alpha - alpha.max())
    return np.asarray(powers / powers.sum())


def auxiliary_mixture(
    x: np.ndarray, outputs: np.ndarray, alpha: np.ndarray, step: int, steps: int
) -> np.ndarray:
    """Return (1 - t / T) x + sum_o pi_o o(x)."""
    return np.asarray((1 - step / steps) * x + _pi(alpha) @ outputs)


def _with_beta(beta: Callable[[int, int], float]) -> Callable[..., Any]:
    """The mixture with another schedule."""

    def mixture(
        x: np.ndarray, outputs: np.ndarray, alpha: np.ndarray, t: int, total: int
    ) -> object:
        return beta(t, total) * x + _pi(alpha) @ outputs

    return mixture


def _inside(x: np.ndarray, outputs: np.ndarray, alpha: np.ndarray, t: int, total: int) -> object:
    weights = _pi(np.array([1 - t / total, *alpha]))
    return weights[0] * x + weights[1:] @ outputs


def _is_skip(x: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    return np.array([np.array_equal(row, x) for row in outputs])


def _skip_scaled(
    x: np.ndarray, outputs: np.ndarray, alpha: np.ndarray, t: int, total: int
) -> object:
    factor = np.where(_is_skip(x, outputs), 1 - t / total, 1.0)
    return (factor * _pi(alpha)) @ outputs


def _skip_replaced(
    x: np.ndarray, outputs: np.ndarray, alpha: np.ndarray, t: int, total: int
) -> object:
    return (1 - t / total) * x + np.where(_is_skip(x, outputs), 0.0, _pi(alpha)) @ outputs


def _penalty(x: np.ndarray, outputs: np.ndarray, alpha: np.ndarray, t: int, total: int) -> object:
    pi = _pi(alpha)
    return pi @ outputs + (1 - t / total) * pi[_is_skip(x, outputs)].sum()


def _last_reached(t: int, total: int) -> float:
    return 1 - t / (total - 1) if total > 1 else 1.0


OUTSIDE = "Add beta times x to the mixture; beta is no logit and no mixing weight."
LINEAR = "beta = 1 - step / steps: 1 in the first step, 1 / steps in the last."
MISTAKES = (
    Mistake(
        "beta-never-decays",
        _with_beta(lambda t, total: 1.0),
        "The auxiliary path keeps the weight 1: the derived cell would do without what the "
        "supernet leant on.",
        LINEAR,
    ),
    Mistake(
        "beta-grows",
        _with_beta(lambda t, total: t / total),
        "beta grows from 0 to 1.",
        LINEAR,
    ),
    Mistake(
        "zero-in-the-last-step",
        _with_beta(_last_reached),
        "beta is 0 in the last step already: t was divided by T - 1.",
        LINEAR,
    ),
    Mistake(
        "steps-counted-from-one",
        _with_beta(lambda t, total: 1 - (t + 1) / total),
        "beta is one step ahead.",
        "t is 0 in the first step.",
    ),
    Mistake(
        "cosine-schedule",
        _with_beta(lambda t, total: (1 + math.cos(math.pi * t / total)) / 2),
        "beta falls as a cosine. (The paper tries that too.) Here it is linear.",
        LINEAR,
    ),
    Mistake(
        "no-auxiliary-path",
        _with_beta(lambda t, total: 0.0),
        "This is the mixture of DARTS, without the second path.",
        OUTSIDE,
    ),
    Mistake(
        "beta-in-the-softmax",
        _inside,
        "beta was put into the softmax as another logit, so it competes with the candidates and "
        "never reaches 0.",
        OUTSIDE,
    ),
    Mistake(
        "skip-candidate-scaled",
        _skip_scaled,
        "beta scales the weight of the skip connection that is a candidate.",
        OUTSIDE,
    ),
    Mistake(
        "skip-candidate-replaced",
        _skip_replaced,
        "The auxiliary path took the place of the candidate, which then could not be chosen.",
        "Keep all terms of the mixture.",
    ),
    Mistake(
        "taken-for-a-penalty",
        _penalty,
        "A number was added that depends on the skip connection's weight, as a regularisation "
        "term would be. DARTS- has none.",
        OUTSIDE,
    ),
    Mistake(
        "convex-combination",
        lambda x, outputs, alpha, t, total: (
            (1 - t / total) * x + t / total * (_pi(alpha) @ outputs)
        ),
        "The mixture was scaled by 1 - beta. In the first step no candidate would be there.",
        "The mixture keeps its full weight.",
    ),
    Mistake(
        "normalised-together",
        lambda x, outputs, alpha, t, total: (
            auxiliary_mixture(x, outputs, alpha, t, total) / (2 - t / total)
        ),
        "The sum was divided by 1 + beta.",
        "The weights of both paths together are 1 + beta; leave it so.",
    ),
    Mistake(
        "softmax-forgotten",
        lambda x, outputs, alpha, t, total: (1 - t / total) * x + alpha @ outputs,
        "The alphas were used as weights.",
        "Their softmax is.",
    ),
    Mistake(
        "auxiliary-path-alone",
        lambda x, outputs, alpha, t, total: (1 - t / total) * x,
        "The mixture is missing.",
        "Add both paths.",
    ),
)
TASK = Task(("x", "outputs", "alpha", "step", "steps"), auxiliary_mixture, MISTAKES)


def _read(ask: Ask, case: Case) -> np.ndarray:
    given = TASK.describe(case)
    try:
        return expect_array(ask(*case), case[0].shape, given=given)
    except Diagnosis as trouble:
        if trouble.code != "not-finite":
            raise
        raise Diagnosis(
            given=given,
            got=trouble.got,
            code="overflow",
            cause="The exponential of a large logit is infinite for a computer.",
            next_step="Subtract the largest alpha before you take the exponentials.",
        ) from trouble


def _case(rng: np.random.Generator, operations: int, step: int, steps: int) -> Case:
    x, outputs = rng.normal(size=4), rng.normal(size=(operations, 4))
    outputs[rng.integers(operations)] = x
    return x, outputs, rng.normal(size=operations), step, steps


def _judge(ask: Ask, cases: list[Case], rng: np.random.Generator) -> None:
    probes = [_case(rng, 5, step, 8) for step in (1, 3, 6)]
    judge(TASK, lambda case: _read(ask, case), cases, probes)


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    x = np.array([1.0, 2.0])
    outputs = np.array([[1.0, 2.0], [4.0, -2.0], [0.0, 0.0]])
    _judge(ask, [(x, outputs, np.log([2.0, 1.0, 1.0]), 1, 4)], rng)


def _schedule(ask: Ask, rng: np.random.Generator) -> None:
    _judge(ask, [_case(rng, 5, step, 10) for step in (0, 1, 4, 5, 9)], rng)


def _random_edges(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, operations, 7, 20) for operations in (1, 2, 8)]
    cases.append(_case(rng, 3, 0, 1))
    x, outputs, alpha, step, steps = _case(rng, 6, 3, 9)
    cases += [(x, outputs, alpha + shift, step, steps) for shift in (1000.0, -1000.0)]
    wide = alpha.copy()
    wide[0] -= 1000.0
    _judge(ask, [*cases, (x, outputs, wide, step, steps)], rng)


AUXILIARY = Exercise(
    id="09.3",
    chapter=CHAPTER,
    title="A second path for the skip",
    answer="auxiliary_mixture",
    minutes=15,
    difficulty=2,
    stages=(
        Stage("an edge by hand", 1, _by_hand),
        Stage("the whole search", 2, _schedule),
        Stage("random edges, and large logits", 1, _random_edges),
    ),
)

EXERCISES = (AUXILIARY,)
