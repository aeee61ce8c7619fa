"""Check of exercise 10.2: the hypergradient of a quadratic bilevel problem in closed form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.mistakes import Mistake, Task, judge
from nas_course.grading.parts import read_arrays

CHAPTER = "10_hypergradients"
Case = tuple[np.ndarray, ...]
Parts = dict[str, np.ndarray]


def closed_form(
    hessian: np.ndarray,
    mixed: np.ndarray,
    direct: np.ndarray,
    target: np.ndarray,
    alpha: np.ndarray,
) -> Parts:
    """Return w* = H^-1 B alpha, -D'r and B'H^-1 r with r = w* - D alpha - t, and their sum."""
    weights = np.linalg.solve(hessian, mixed @ alpha)
    residual = weights - direct @ alpha - target
    return _parts(weights, -direct.T @ residual, mixed.T @ np.linalg.solve(hessian, residual))


def _parts(weights: np.ndarray, direct: np.ndarray, response: np.ndarray) -> Parts:
    return {
        "weights": weights,
        "direct": direct,
        "response": response,
        "gradient": direct + response,
    }


def _changed(change: Callable[[Parts], dict[str, np.ndarray]]) -> Callable[..., Parts]:
    """The right answer with some entries replaced."""

    def compute(*case: Any) -> Parts:
        right = closed_form(*case)
        return {**right, **change(right)}

    return compute


def _from(
    weights: Callable[..., np.ndarray] | None = None,
    residual: Callable[..., np.ndarray] | None = None,
    response: Callable[..., np.ndarray] | None = None,
) -> Callable[..., Parts]:
    """The closed form with one of its three lines replaced by a function of H, B, D, t, alpha."""

    def compute(h: Any, b: Any, d: Any, t: Any, a: Any) -> Parts:
        w = weights(h, b, d, t, a) if weights else np.linalg.solve(h, b @ a)
        r = residual(w, d, t, a) if residual else w - d @ a - t
        along = response(h, b, r) if response else b.T @ np.linalg.solve(h, r)
        return _parts(w, -d.T @ r, along)

    return compute


MISTAKES = (
    Mistake(
        "direct-left-out-of-the-sum",
        _changed(lambda p: {"gradient": p["response"]}),
        "The gradient is the response alone. Here alpha enters the validation loss itself, so the "
        "direct part is not zero.",
        "gradient = direct + response.",
    ),
    Mistake(
        "direct-called-zero",
        _changed(lambda p: {"direct": 0 * p["direct"], "gradient": p["response"]}),
        "The direct part was taken to be zero. That holds for a weight decay, not for parameters "
        "that the validation loss contains.",
        "Differentiate L_val(w, alpha) by alpha while w is held fixed.",
    ),
    Mistake(
        "response-left-out-of-the-sum",
        _changed(lambda p: {"gradient": p["direct"]}),
        "The gradient is the direct part alone: this is first order.",
        "gradient = direct + response.",
    ),
    Mistake(
        "direct-sign",
        _changed(lambda p: {"direct": -p["direct"], "gradient": p["response"] - p["direct"]}),
        "The direct part has the wrong sign: D alpha stands with a minus in the residual.",
        "d(w - D alpha - t)/dalpha = -D at fixed w.",
    ),
    Mistake(
        "response-sign",
        _changed(lambda p: {"response": -p["response"], "gradient": p["direct"] - p["response"]}),
        "The response has the wrong sign. In general it is minus H^-1 times the mixed derivative, "
        "but here the mixed derivative is -B itself.",
        "w* = H^-1 B alpha, so dw*/dalpha = H^-1 B.",
    ),
    Mistake(
        "inverse-forgotten-in-the-response",
        _from(response=lambda h, b, r: b.T @ r),
        "The response lacks the inverse of H: this would be one step of size 1.",
        "dw*/dalpha = H^-1 B; its transpose times r.",
    ),
    Mistake(
        "inverse-forgotten-in-the-weights",
        _from(weights=lambda h, b, d, t, a: b @ a),
        "The best weights lack the inverse of H.",
        "Set the gradient of the training loss, H w - B alpha, to zero and solve for w.",
    ),
    Mistake(
        "inverse-forgotten-everywhere",
        _from(weights=lambda h, b, d, t, a: b @ a, response=lambda h, b, r: b.T @ r),
        "H plays no role.",
        "H w* = B alpha: solve it.",
    ),
    Mistake(
        "reciprocals-for-the-inverse",
        _from(
            weights=lambda h, b, d, t, a: (1 / h) @ (b @ a),
            response=lambda h, b, r: b.T @ ((1 / h) @ r),
        ),
        "1 / H takes the reciprocal of every entry. That is not the inverse of a matrix.",
        "np.linalg.solve(H, x) gives H^-1 x.",
    ),
    Mistake(
        "multiplied-by-the-hessian",
        _from(
            weights=lambda h, b, d, t, a: h @ (b @ a),
            response=lambda h, b, r: b.T @ (h @ r),
        ),
        "H was multiplied where it should be inverted.",
        "np.linalg.solve(H, x) gives H^-1 x.",
    ),
    Mistake(
        "multiplied-by-the-hessian",
        _from(response=lambda h, b, r: b.T @ (h @ r)),
        "In the response H was multiplied where it should be inverted.",
        "np.linalg.solve(H, x) gives H^-1 x.",
    ),
    Mistake(
        "diagonal-only",
        _from(
            weights=lambda h, b, d, t, a: (b @ a) / np.diag(h),
            response=lambda h, b, r: b.T @ (r / np.diag(h)),
        ),
        "Only the diagonal of H was used: the weights would not know of each other.",
        "Solve with the whole matrix.",
    ),
    Mistake(
        "weights-of-the-validation-loss",
        _from(weights=lambda h, b, d, t, a: d @ a + t),
        "These are the best weights for the validation loss. The weights see training data only.",
        "w* minimises L_train.",
    ),
    Mistake(
        "residual-without-alpha",
        _from(residual=lambda w, d, t, a: w - t),
        "The residual lacks D alpha.",
        "r = w* - D alpha - t, at the best weights and the given alpha.",
    ),
    Mistake(
        "residual-plus-target",
        _from(residual=lambda w, d, t, a: w - d @ a + t),
        "The target was added to the residual.",
        "r = w* - D alpha - t.",
    ),
    Mistake(
        "factor-two",
        _changed(lambda p: {**{name: 2 * p[name] for name in p}, "weights": p["weights"]}),
        "Everything is twice too long: the square is halved in L_val.",
        "The derivative of |r|^2 / 2 by r is r.",
    ),
)
NAMES = ("hessian", "mixed", "direct", "target", "alpha")
TASK = Task(NAMES, closed_form, MISTAKES)


def _read(ask: Ask, case: Case) -> Parts:
    weights, parameters = case[1].shape
    shapes = {name: (parameters,) for name in ("direct", "response", "gradient")}
    return read_arrays(ask(*case), {"weights": (weights,), **shapes}, TASK.describe(case))


def _case(rng: np.random.Generator, weights: int, parameters: int) -> Case:
    root = rng.normal(size=(weights, weights))
    return (
        root @ root.T / weights + 0.5 * np.eye(weights),
        rng.normal(size=(weights, parameters)),
        rng.normal(size=(weights, parameters)),
        rng.normal(size=weights),
        rng.normal(size=parameters),
    )


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _case(rng, 3, 2))


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    one = np.ones((1, 1))
    case = (2 * one, 6 * one, one, np.array([1.0]), np.array([2.0]))
    judge(TASK, lambda c: _read(ask, c), [case], [_case(rng, 3, 2), _case(rng, 2, 4)])


def _random(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, 3, 2), _case(rng, 5, 3), _case(rng, 2, 6), _case(rng, 20, 1)]
    judge(TASK, lambda c: _read(ask, c), cases, [_case(rng, 4, 4)])


CLOSED_FORM = Exercise(
    id="10.2",
    chapter=CHAPTER,
    title="The exact hypergradient",
    answer="closed_form",
    minutes=20,
    difficulty=2,
    stages=(
        Stage("four arrays", 0, _form),
        Stage("one weight, one parameter", 2, _by_hand),
        Stage("random problems", 2, _random),
    ),
)

EXERCISES = (CLOSED_FORM,)
