"""Check of exercise 10.3: a Neumann series that needs Hessian-vector products only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.expect import expect_array
from nas_course.grading.mistakes import Mistake, Task, judge
from nas_course.grading.smooth_losses import (
    Derivatives,
    Loss,
    derivatives,
    gradients,
    random_losses,
)
from nas_course.grading.transport import Tensor

CHAPTER = "10_hypergradients"
Case = tuple[Any, ...]
NextTerm = Callable[[Derivatives, np.ndarray, float], np.ndarray]
Row = Callable[[Derivatives, np.ndarray, float], np.ndarray]


def _next(at: Derivatives, v: np.ndarray, gamma: float) -> np.ndarray:
    return v - gamma * at.hessian @ v


def _row(at: Derivatives, p: np.ndarray, gamma: float) -> np.ndarray:
    return at.direct - gamma * at.mixed @ p


def _sums(at: Derivatives, gamma: float, terms: int, next_term: NextTerm = _next) -> list:
    """Return v_0, v_0 + v_1, ..., `terms + 1` partial sums."""
    v = p = at.v
    sums = [p]
    for _ in range(terms):
        v = next_term(at, v, gamma)
        p = p + v
        sums.append(p)
    return sums


def _series(at: Derivatives, gamma: float, terms: int, next_term: NextTerm, row: Row) -> np.ndarray:
    return np.array([row(at, p, gamma) for p in _sums(at, gamma, terms, next_term)])


def neumann(
    train: Loss, valid: Loss, weights: np.ndarray, alpha: np.ndarray, gamma: float, terms: int
) -> np.ndarray:
    """Return the estimates with 0, 1, ..., `terms` Hessian-vector products, one in a row."""
    return _series(derivatives(train, valid, weights, alpha), gamma, terms, _next, _row)


def _by(next_term: NextTerm = _next, row: Row = _row) -> Callable[..., np.ndarray]:
    return lambda train, valid, w, a, gamma, terms: _series(
        derivatives(train, valid, w, a), gamma, terms, next_term, row
    )


def _of(rows: Callable[[Derivatives, float, int], Any]) -> Callable[..., np.ndarray]:
    return lambda train, valid, w, a, gamma, terms: np.array(
        rows(derivatives(train, valid, w, a), gamma, terms)
    )


def _one_too_few(at: Derivatives, gamma: float, terms: int) -> list[np.ndarray]:
    return [at.direct, *(_row(at, p, gamma) for p in _sums(at, gamma, terms)[:-1])]


def _one_too_many(at: Derivatives, gamma: float, terms: int) -> list[np.ndarray]:
    return [_row(at, p, gamma) for p in _sums(at, gamma, terms + 1)[1:]]


def _last_term(at: Derivatives, gamma: float, terms: int) -> list[np.ndarray]:
    sums = _sums(at, gamma, terms)
    before = [np.zeros_like(at.v), *sums[:-1]]
    return [_row(at, p - q, gamma) for p, q in zip(sums, before, strict=True)]


def _mean_of_terms(at: Derivatives, gamma: float, terms: int) -> list[np.ndarray]:
    return [_row(at, p / (k + 1), gamma) for k, p in enumerate(_sums(at, gamma, terms))]


def _with(**exchange: str) -> Callable[..., np.ndarray]:
    """Take a derivative from the other loss: hessian="valid", v="train", ..."""

    def compute(train: Loss, valid: Loss, w: Any, a: Any, gamma: float, terms: int) -> np.ndarray:
        at, losses = derivatives(train, valid, w, a), {"train": train, "valid": valid}
        of_valid = derivatives(valid, valid, w, a)
        values = dict(vars(at))
        for name, loss in exchange.items():
            along_w, along_a = gradients(losses[loss], w, a)
            values[name] = {"v": along_w, "direct": along_a}.get(name, getattr(of_valid, name))
        return _series(Derivatives(**values), gamma, terms, _next, _row)

    return compute


MISTAKES = (
    Mistake(
        "one-product-too-few",
        _of(_one_too_few),
        "The rows begin one too early: row 0 is the direct part. Without any product the sum has "
        "one term already, v_0 (the formula of DARTS' second order).",
        "Row k holds p = v_0 + ... + v_k: k products, k + 1 terms.",
    ),
    Mistake(
        "one-product-too-many",
        _of(_one_too_many),
        "Row 0 has a Hessian-vector product in it already.",
        "Store the estimate first, then take the next product.",
    ),
    Mistake(
        "terms-not-summed",
        _of(_last_term),
        "Each row uses its own v_k only. The inverse is the sum of all of them.",
        "p = p + v in every round.",
    ),
    Mistake(
        "terms-averaged",
        _of(_mean_of_terms),
        "The terms were averaged.",
        "The series is a sum: do not divide by the number of terms.",
    ),
    Mistake(
        "response-added",
        _by(row=lambda at, p, gamma: at.direct + gamma * at.mixed @ p),
        "The response was added. The implicit function theorem brings a minus: more gradient of "
        "the training loss means that the weights move the other way.",
        "direct - gamma * (mixed derivative times p).",
    ),
    Mistake(
        "step-size-forgotten",
        _by(row=lambda at, p, gamma: at.direct - at.mixed @ p),
        "The factor gamma before the sum is missing: H^-1 = gamma * (sum of (I - gamma H)^k).",
        "Multiply the response by gamma.",
    ),
    Mistake(
        "step-size-forgotten-in-the-series",
        _by(next_term=lambda at, v, gamma: v - at.hessian @ v),
        "The terms were multiplied by I - H. Then the series converges only if the curvature is "
        "below 2.",
        "v = v - gamma * (H v).",
    ),
    Mistake(
        "step-size-forgotten-twice",
        _by(lambda at, v, gamma: v - at.hessian @ v, lambda at, p, gamma: at.direct - at.mixed @ p),
        "gamma plays no role at all.",
        "It stands before the sum and before every H.",
    ),
    Mistake(
        "series-with-a-plus",
        _by(next_term=lambda at, v, gamma: v + gamma * at.hessian @ v),
        "The terms were multiplied by I + gamma H, so they grow.",
        "v = v - gamma * (H v).",
    ),
    Mistake(
        "identity-forgotten",
        _by(next_term=lambda at, v, gamma: gamma * at.hessian @ v),
        "The terms were multiplied by gamma H, without the identity.",
        "v = v - gamma * (H v).",
    ),
    Mistake(
        "always-the-first-term",
        _by(next_term=lambda at, v, gamma: at.v - gamma * at.hessian @ at.v),
        "Every product was taken of v_0, so that all terms after the first are equal.",
        "The next term is made from the last one.",
    ),
    Mistake(
        "direct-part-forgotten",
        _by(row=lambda at, p, gamma: -gamma * at.mixed @ p),
        "The direct part is missing.",
        "Begin with dL_val/dalpha at fixed weights.",
    ),
    Mistake(
        "hessian-of-the-validation-loss",
        _with(hessian="valid"),
        "The Hessian is that of the validation loss. It is the training loss that decides where "
        "the weights go.",
        "Differentiate the training loss twice.",
    ),
    Mistake(
        "mixed-of-the-validation-loss",
        _with(mixed="valid"),
        "The mixed derivative is that of the validation loss.",
        "Differentiate the training gradient q by alpha.",
    ),
    Mistake(
        "training-gradient-first",
        _with(v="train"),
        "The series starts from the gradient of the training loss.",
        "v_0 is the gradient of the validation loss by the weights.",
    ),
    Mistake(
        "direct-part-of-the-training-loss",
        _with(direct="train"),
        "The direct part was taken from the training loss.",
        "dL_val/dalpha.",
    ),
)
NAMES = ("train_loss", "valid_loss", "weights", "alpha", "step_size", "products")
TASK = Task(NAMES, neumann, MISTAKES)


def _read(ask: Ask, case: Case) -> np.ndarray:
    train, valid, weights, alpha, gamma, terms = case
    sent = train.expression, valid.expression, Tensor(weights), Tensor(alpha)
    shape = (terms + 1, len(alpha))
    return expect_array(ask(*sent, gamma, terms), shape, given=TASK.describe(case))


def _case(rng: np.random.Generator, weights: int, parameters: int, terms: int) -> Case:
    losses = random_losses(rng, weights, parameters)
    start = rng.normal(size=weights), rng.normal(size=parameters)
    return (*losses, *start, float(rng.uniform(0.2, 0.4)), terms)


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _case(rng, 3, 2, 2))


def _no_product(ask: Ask, rng: np.random.Generator) -> None:
    case = _case(rng, 3, 2, 0)
    judge(TASK, lambda c: _read(ask, c), [case], [_case(rng, 3, 2, 2)])


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    """H = 2, mixed derivative -3, v = 4, direct part -4: the exact hypergradient is 2."""
    train, valid = Loss("(w.square() - 3 * w * a).sum()"), Loss("(w - a).square().sum() / 2")
    case = (train, valid, np.array([5.0]), np.array([1.0]), 0.25, 3)
    judge(TASK, lambda c: _read(ask, c), [case], [_case(rng, 3, 2, 2)])


def _random(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, 4, 3, 1), _case(rng, 3, 5, 4), _case(rng, 8, 2, 6)]
    judge(TASK, lambda c: _read(ask, c), cases, [_case(rng, 3, 2, 2)])


NEUMANN = Exercise(
    id="10.3",
    chapter=CHAPTER,
    title="An inverse without a matrix",
    answer="neumann",
    minutes=25,
    difficulty=3,
    stages=(
        Stage("a row for each number of products", 0, _form),
        Stage("no product at all", 1, _no_product),
        Stage("one weight, one parameter", 2, _by_hand),
        Stage("random losses", 2, _random),
    ),
)

EXERCISES = (NEUMANN,)
