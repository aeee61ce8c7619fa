"""Check of exercise 08.9: a penalty on skip connections and its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.mistakes import Mistake, Task, judge
from nas_course.grading.parts import read_arrays
from nas_course.grading.transport import Tensor

Penalty = dict[str, Any]


def _softmax(logits: np.ndarray, axis: int = -1) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def _penalty(value: Any, gradient: np.ndarray) -> Penalty:
    return {"penalty": float(value), "gradient": gradient}


def _delta(alpha: np.ndarray, skip: int) -> np.ndarray:
    return np.eye(alpha.shape[1])[skip]


def skip_penalty(alpha: np.ndarray, skip: int, strength: float) -> Penalty:
    """Return rho sum_e p_skip and its gradient rho p_skip (delta_k,skip - p_k)."""
    p = _softmax(alpha)
    chosen = p[:, [skip]]
    return _penalty(strength * chosen.sum(), strength * chosen * (_delta(alpha, skip) - p))


def _wrong_gradient(compute: Callable[..., np.ndarray]) -> Callable[..., Penalty]:
    return lambda a, k, r: {**skip_penalty(a, k, r), "gradient": compute(a, k, r)}


def _scaled(factor: Callable[[np.ndarray], float]) -> Callable[..., Penalty]:
    def wrong(a: np.ndarray, k: int, r: float) -> Penalty:
        right = skip_penalty(a, k, r)
        return _penalty(right["penalty"] * factor(a), right["gradient"] * factor(a))

    return wrong


def _over_edges(a: np.ndarray, k: int, r: float) -> Penalty:
    p = _softmax(a, axis=0)
    column = p[:, k]
    gradient = np.zeros_like(a)
    gradient[:, k] = column - column * column.sum()
    return _penalty(r * column.sum(), r * gradient)


def _log_penalty(a: np.ndarray, k: int, r: float) -> Penalty:
    p = _softmax(a)
    return _penalty(r * np.log(p[:, k]).sum(), r * (_delta(a, k) - p))


def _square_penalty(a: np.ndarray, k: int, r: float) -> Penalty:
    p = _softmax(a)
    chosen = p[:, [k]]
    return _penalty(r * (chosen**2).sum(), 2 * r * chosen**2 * (_delta(a, k) - p))


MISTAKES = (
    Mistake(
        "mean-instead-of-sum",
        _scaled(lambda a: 1 / len(a)),
        "The skip weights were averaged over the edges. The exercise asks for the sum: 28 edges at "
        "1/5 each make 5.6.",
        "Use sum; then `strength` has the meaning of the text.",
    ),
    Mistake(
        "penalty-on-logits",
        lambda a, k, r: _penalty(r * a[:, k].sum(), r * np.tile(_delta(a, k), (len(a), 1))),
        "The logits were penalised. They can fall without end, and adding a constant to a row "
        "would change the penalty although the supernet stays the same.",
        "Penalise the mixing weight: softmax first.",
    ),
    Mistake(
        "softmax-over-edges",
        _over_edges,
        "The softmax runs over the edges, so the skip weights always sum to 1.",
        "Softmax over the operations of each edge.",
    ),
    Mistake(
        "log-of-weight",
        _log_penalty,
        "The logarithm of the skip weight was penalised; its gradient never fades.",
        "Penalise the weight itself.",
    ),
    Mistake(
        "square-of-weight",
        _square_penalty,
        "The square of the skip weight was penalised.",
        "Penalise the weight itself.",
    ),
    Mistake(
        "strength-forgotten",
        lambda a, k, r: skip_penalty(a, k, 1.0),
        "`strength` was not used.",
        "Multiply the sum by `strength`; the gradient too.",
    ),
    Mistake(
        "gradient-without-strength",
        _wrong_gradient(lambda a, k, r: skip_penalty(a, k, 1.0)["gradient"]),
        "The penalty has the factor `strength`, its gradient has not.",
        "Multiply the gradient by `strength` as well.",
    ),
    Mistake(
        "gradient-sign",
        _wrong_gradient(lambda a, k, r: -skip_penalty(a, k, r)["gradient"]),
        "The gradient has the wrong sign: raising the skip logit raises the penalty.",
        "Check with a finite difference: (penalty(alpha + h) - penalty(alpha)) / h.",
    ),
    Mistake(
        "gradient-only-at-skip",
        _wrong_gradient(lambda a, k, r: skip_penalty(a, k, r)["gradient"] * _delta(a, k)),
        "Only the skip logits have a gradient. Raising any other logit lowers the skip weight too.",
        "Each row must sum to 0: fill in the other operations, -p_skip * p_k.",
    ),
    Mistake(
        "jacobian-of-independent-weights",
        _wrong_gradient(lambda a, k, r: r * _softmax(a) * (1 - _softmax(a)) * _delta(a, k)),
        "p (1 - p) at the skip column only: the softmax also couples the other logits.",
        "Each row must sum to 0: fill in the other operations, -p_skip * p_k.",
    ),
    Mistake(
        "gradient-with-respect-to-weights",
        _wrong_gradient(lambda a, k, r: r * np.tile(_delta(a, k), (len(a), 1))),
        "This is the derivative with respect to the mixing weights, not the logits.",
        "Go through the softmax: dp_skip/dalpha_k = p_skip (delta - p_k).",
    ),
    Mistake(
        "factor-p-missing",
        _wrong_gradient(lambda a, k, r: r * (_delta(a, k) - _softmax(a))),
        "The factor p_skip is missing (this would be the gradient of log p_skip).",
        "Multiply each row by its p_skip.",
    ),
    Mistake(
        "strength-squared",
        lambda a, k, r: {
            "penalty": skip_penalty(a, k, r)["penalty"],
            "gradient": r * skip_penalty(a, k, r)["gradient"],
        },
        "The gradient has the factor `strength` twice.",
        "Multiply by `strength` once.",
    ),
)

PENALTY = Task(("alpha", "skip", "strength"), skip_penalty, MISTAKES)


def _read(ask: Ask, case: tuple[np.ndarray, int, float]) -> Penalty:
    alpha, skip, strength = case
    given = f"alpha of shape {alpha.shape}, skip = {skip}, strength = {strength:g}"
    value = ask(Tensor(alpha), skip, strength)
    parts = read_arrays(value, {"penalty": (), "gradient": alpha.shape}, given)
    return _penalty(parts["penalty"], parts["gradient"])


def _case(rng: np.random.Generator, edges: int, operations: int) -> tuple[np.ndarray, int, float]:
    alpha = rng.normal(size=(edges, operations))
    return alpha, int(rng.integers(operations)), float(rng.uniform(0.05, 2.0))


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _case(rng, 5, 3))


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    """28 even edges: 5.6 rho; then one edge with weights 1/2, 1/4, 1/4."""
    even = np.zeros((28, 5)), 3, 0.1
    one_edge = np.log(np.array([[2.0, 1.0, 1.0]])), 0, 2.0
    probes = [_case(rng, 4, 6), _case(rng, 3, 5)]
    judge(PENALTY, lambda case: _read(ask, case), [even, one_edge], probes)


def _saturated(ask: Ask, rng: np.random.Generator) -> None:
    """The gradient fades on decided edges, and a constant added to a row changes nothing."""
    decided = np.zeros((2, 4))
    decided[0, 1] = decided[1, 2] = 60.0
    alpha, skip, strength = _case(rng, 3, 4)
    shifted = alpha + np.array([[500.0], [0.0], [-500.0]])
    cases = [(decided, 1, 1.0), (shifted, skip, strength)]
    judge(PENALTY, lambda case: _read(ask, case), cases)


def _random(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, *shape) for shape in ((28, 8), (6, 5), (1, 2))]
    judge(PENALTY, lambda case: _read(ask, case), cases)


SKIP_PENALTY = Exercise(
    id="08.9",
    chapter="08_darts",
    title="A price for skip connections",
    answer="skip_penalty",
    minutes=20,
    difficulty=3,
    stages=(
        Stage("one number and one array", 1, _form),
        Stage("even edges, and one edge by hand", 1, _by_hand),
        Stage("decided edges and shifted logits", 1, _saturated),
        Stage("random cells", 1, _random),
    ),
)

EXERCISES = (SKIP_PENALTY,)
