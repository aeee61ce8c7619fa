"""Check of exercise 10.5: one iteration with a linear hypernetwork, both parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.mistakes import Mistake, Task, judge
from nas_course.grading.parts import read_arrays
from nas_course.grading.smooth_losses import Loss, gradients, random_losses
from nas_course.grading.transport import Tensor

CHAPTER = "10_hypergradients"
Case = tuple[Any, ...]
Iteration = dict[str, np.ndarray]
Teach = Callable[..., tuple[np.ndarray, np.ndarray]]


def _parts(case: Case) -> Iteration:
    """Return the direct part and the response at the old alpha."""
    _, valid, matrix, bias, alpha, _, _ = case
    v, direct = gradients(valid, matrix @ alpha + bias, alpha)
    return {"direct": direct, "response": matrix.T @ v}


def _teach(case: Case, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One step of the hypernetwork down the training loss, at an alpha."""
    train, _, matrix, bias, _, rate, _ = case
    g = gradients(train, matrix @ alpha + bias, alpha)[0]
    return matrix - rate * np.outer(g, alpha), bias - rate * g


def _iteration(case: Case, parts: Iteration, alpha: np.ndarray, teach: Teach = _teach) -> Iteration:
    matrix, bias = teach(case, alpha)
    return {**parts, "alpha": alpha, "matrix": matrix, "bias": bias}


def _moved(case: Case, gradient: np.ndarray) -> np.ndarray:
    return np.asarray(case[4] - case[6] * gradient)


def hypernetwork_iteration(*case: Any) -> Iteration:
    """Move alpha by the total hypergradient, then teach w = W alpha + b at the new alpha."""
    parts = _parts(case)
    return _iteration(case, parts, _moved(case, parts["direct"] + parts["response"]))


def _along(gradient: Callable[[Iteration], np.ndarray]) -> Callable[..., Iteration]:
    """Right parts, but alpha moves along something else."""

    def compute(*case: Any) -> Iteration:
        parts = _parts(case)
        return _iteration(case, parts, _moved(case, gradient(parts)))

    return compute


def _with_parts(change: Callable[[Case, Iteration], Iteration]) -> Callable[..., Iteration]:
    """Wrong parts, from which everything else follows."""

    def compute(*case: Any) -> Iteration:
        parts = change(case, _parts(case))
        return _iteration(case, parts, _moved(case, parts["direct"] + parts["response"]))

    return compute


def _taught(teach: Teach) -> Callable[..., Iteration]:
    """The right step of alpha, then a wrong step of the hypernetwork."""

    def compute(*case: Any) -> Iteration:
        parts = _parts(case)
        alpha = _moved(case, parts["direct"] + parts["response"])
        return _iteration(case, parts, alpha, teach)

    return compute


def _not_transposed(case: Case, parts: Iteration) -> Iteration:
    matrix, bias, alpha = case[2:5]
    square = matrix if matrix.shape[0] == matrix.shape[1] else matrix.T
    v = gradients(case[1], matrix @ alpha + bias, alpha)[0]
    return {**parts, "response": square @ v}


def _of_training(case: Case, parts: Iteration) -> Iteration:
    swapped = (case[1], case[0], *case[2:])
    return _parts(swapped)


def _without_alpha(case: Case, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    _, bias = _teach(case, alpha)
    return case[2] + (bias - case[3])[:, None], bias


def _old_weights(case: Case, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    train, _, matrix, bias, old, rate, _ = case
    g = gradients(train, matrix @ old + bias, alpha)[0]
    return matrix - rate * np.outer(g, alpha), bias - rate * g


def _uphill(case: Case, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    matrix, bias = _teach(case, alpha)
    return 2 * case[2] - matrix, 2 * case[3] - bias


def _on_validation(case: Case, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return _teach((case[1], *case[1:]), alpha)


MISTAKES = (
    Mistake(
        "direct-part-zero",
        _with_parts(lambda case, p: {**p, "direct": 0 * p["direct"]}),
        "The direct part was taken to be zero, as the report on hyperDARTS does. But alpha enters "
        "the validation loss itself, not only through the weights.",
        "Differentiate valid_loss(w, alpha) by its second argument, at fixed w.",
    ),
    Mistake(
        "alpha-moved-by-the-response-only",
        _along(lambda p: p["response"]),
        "alpha moved along the response only.",
        "Its gradient is the sum: direct + response.",
    ),
    Mistake(
        "alpha-moved-by-the-direct-part-only",
        _along(lambda p: p["direct"]),
        "alpha moved along the direct part only: that is first-order DARTS.",
        "Its gradient is the sum: direct + response.",
    ),
    Mistake(
        "response-counted-twice",
        _with_parts(lambda case, p: {**p, "direct": p["direct"] + p["response"]}),
        "The direct part is the whole gradient already: w was part of the graph, so automatic "
        "differentiation went through the hypernetwork too.",
        "Detach w (or make it a leaf) before you differentiate by alpha.",
    ),
    Mistake(
        "matrix-not-transposed",
        _with_parts(_not_transposed),
        "The response is W v instead of W'v. With as many weights as parameters nobody notices.",
        "A gradient goes back through the transposed Jacobian.",
    ),
    Mistake(
        "response-subtracted",
        _with_parts(lambda case, p: {**p, "response": -p["response"]}),
        "The response has the wrong sign. The minus of the implicit function theorem has no place "
        "here: the hypernetwork is differentiated as it stands.",
        "response = W' dL_val/dw.",
    ),
    Mistake(
        "parts-of-the-training-loss",
        _with_parts(_of_training),
        "The two parts were computed from the training loss.",
        "alpha is judged by valid_loss.",
    ),
    Mistake(
        "alpha-uphill",
        _along(lambda p: -p["direct"] - p["response"]),
        "alpha moved along the gradient: the validation loss grows.",
        "alpha - alpha_rate * gradient.",
    ),
    Mistake(
        "rates-exchanged",
        lambda *case: hypernetwork_iteration(*case[:5], case[6], case[5]),
        "The two learning rates were exchanged.",
        "learning_rate is for matrix and bias, alpha_rate for alpha.",
    ),
    Mistake(
        "taught-at-the-old-alpha",
        _taught(lambda case, alpha: _teach(case, case[4])),
        "The hypernetwork was taught at the old alpha.",
        "Move alpha first; then generate the weights at the new alpha and train them there.",
    ),
    Mistake(
        "weights-not-generated-again",
        _taught(_old_weights),
        "The weights of the old alpha were used again: W alpha + b has changed with alpha.",
        "Generate the weights anew at the new alpha.",
    ),
    Mistake(
        "only-the-bias-learns",
        _taught(lambda case, alpha: (case[2], _teach(case, alpha)[1])),
        "The matrix did not move.",
        "w = W alpha + b: the gradient by W is the outer product of g and alpha.",
    ),
    Mistake(
        "only-the-matrix-learns",
        _taught(lambda case, alpha: (_teach(case, alpha)[0], case[3])),
        "The bias did not move.",
        "w = W alpha + b: the gradient by b is g itself.",
    ),
    Mistake(
        "matrix-step-without-alpha",
        _taught(_without_alpha),
        "Every column of the matrix moved by g: the factor alpha is missing.",
        "dw_i/dW_ij = alpha_j.",
    ),
    Mistake(
        "taught-uphill",
        _taught(_uphill),
        "The hypernetwork went up the training loss.",
        "matrix - learning_rate * gradient, and so for the bias.",
    ),
    Mistake(
        "taught-on-validation",
        _taught(_on_validation),
        "The hypernetwork was taught with the validation loss. Then the weights have seen what "
        "alpha is judged by.",
        "Its loss is train_loss.",
    ),
)
NAMES = ("train_loss", "valid_loss", "matrix", "bias", "alpha", "learning_rate", "alpha_rate")
TASK = Task(NAMES, hypernetwork_iteration, MISTAKES)


def _read(ask: Ask, case: Case) -> Iteration:
    train, valid, matrix, bias, alpha, rate, alpha_rate = case
    tensors = [Tensor(array) for array in (matrix, bias, alpha)]
    value = ask(train.expression, valid.expression, *tensors, rate, alpha_rate)
    small = {name: alpha.shape for name in ("direct", "response", "alpha")}
    shapes = {**small, "matrix": matrix.shape, "bias": bias.shape}
    return read_arrays(value, shapes, TASK.describe(case))


def _judge_parts(ask: Ask, cases: list[Case], probes: list[Case]) -> None:
    """Pass when both parts are right; what follows helps only to name what is wrong."""
    for case in cases:
        got, right = _read(ask, case), hypernetwork_iteration(*case)
        if any(not np.allclose(got[k], right[k], rtol=1e-4) for k in ("direct", "response")):
            judge(TASK, lambda asked: _read(ask, asked), [case], probes)


def _case(rng: np.random.Generator, weights: int, parameters: int) -> Case:
    matrix, bias = rng.normal(size=(weights, parameters)), rng.normal(size=weights)
    rates = float(rng.uniform(0.1, 0.3)), float(rng.uniform(0.5, 0.9))
    alpha = rng.normal(size=parameters)
    return (*random_losses(rng, weights, parameters), matrix / 2, bias, alpha, *rates)


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _case(rng, 4, 2))


def _two_parts(ask: Ask, rng: np.random.Generator) -> None:
    """By hand: w = 2 * 1 + 1 = 3, so that v = 2, the response is 4 and the direct part -2."""
    train, valid = Loss("(w - 3 * a).square().sum() / 2"), Loss("(w - a).square().sum() / 2")
    one = np.ones(1)
    by_hand = (train, valid, np.array([[2.0]]), one, one, 0.1, 0.5)
    cases: list[Case] = [by_hand, _case(rng, 4, 2), _case(rng, 3, 3)]
    _judge_parts(ask, cases, [_case(rng, 3, 3), _case(rng, 4, 3)])


def _whole(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, 4, 2), _case(rng, 2, 5), _case(rng, 3, 3)]
    judge(TASK, lambda c: _read(ask, c), cases, [_case(rng, 4, 3)])


HYPERNETWORK = Exercise(
    id="10.5",
    chapter=CHAPTER,
    title="One iteration of hyperDARTS",
    answer="hypernetwork_iteration",
    minutes=25,
    difficulty=3,
    stages=(
        Stage("five arrays", 0, _form),
        Stage("direct part and response", 3, _two_parts),
        Stage("both steps", 2, _whole),
    ),
)

EXERCISES = (HYPERNETWORK,)
