"""Check of exercise 08.6: one iteration of second-order DARTS on a small bilevel problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.mistakes import Mistake, Task, judge
from nas_course.grading.parts import read_arrays
from nas_course.grading.transport import Build
from nas_course.strategies.gradient.small_problems import MixedRegression, QuadraticProblem

Problem = QuadraticProblem | MixedRegression
Iteration = dict[str, np.ndarray]


def _ahead(problem: Problem, w: np.ndarray, a: np.ndarray, xi: float) -> np.ndarray:
    """The weights after one training step: w' = w - xi dL_train/dw."""
    return w - xi * problem.train_gradients(w, a)[0]


def _product(problem: Problem, w: np.ndarray, a: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Mixed second derivative of L_train times v, by central differences (DARTS, eq. 8)."""
    epsilon = 0.01 / np.linalg.norm(v)
    plus = problem.train_gradients(w + epsilon * v, a)[1]
    minus = problem.train_gradients(w - epsilon * v, a)[1]
    return (plus - minus) / (2 * epsilon)


def _gradient(problem: Problem, w: np.ndarray, a: np.ndarray, xi: float) -> np.ndarray:
    """Gradient of the validation loss after the unrolled step (DARTS, eq. 7)."""
    v, along_alpha = problem.valid_gradients(_ahead(problem, w, a, xi), a)
    return along_alpha - xi * _product(problem, w, a, v)


def _finish(
    problem: Problem, w: np.ndarray, a: np.ndarray, xi: float, rate: float, gradient: np.ndarray
) -> Iteration:
    """Step alpha along the gradient, then the original weights at the new alpha."""
    alpha = a - rate * gradient
    return {"gradient": gradient, "alpha": alpha, "weights": _ahead(problem, w, alpha, xi)}


def darts_iteration(
    problem: Problem, weights: np.ndarray, alpha: np.ndarray, step_size: float, alpha_rate: float
) -> Iteration:
    """Do one iteration: the architecture step, then the weight step."""
    gradient = _gradient(problem, weights, alpha, step_size)
    return _finish(problem, weights, alpha, step_size, alpha_rate, gradient)


def _wrong_gradient(compute: Callable[..., np.ndarray]) -> Callable[..., Iteration]:
    """Finish an iteration rightly after a gradient that was computed wrongly."""
    return lambda p, w, a, xi, rate: _finish(p, w, a, xi, rate, compute(p, w, a, xi))


def _wrong_product(compute: Callable[..., np.ndarray]) -> Callable[..., Iteration]:
    """The right formula with a wrong Hessian-vector product."""

    def gradient(p: Problem, w: np.ndarray, a: np.ndarray, xi: float) -> np.ndarray:
        v, along_alpha = p.valid_gradients(_ahead(p, w, a, xi), a)
        return along_alpha - xi * compute(p, w, a, v)

    return _wrong_gradient(gradient)


def _wrong_weights(compute: Callable[..., np.ndarray]) -> Callable[..., Iteration]:
    """The right architecture step with a wrong weight step: compute(p, w, a, new_alpha, xi)."""

    def iteration(p: Problem, w: np.ndarray, a: np.ndarray, xi: float, rate: float) -> Iteration:
        right = darts_iteration(p, w, a, xi, rate)
        return {**right, "weights": compute(p, w, a, right["alpha"], xi)}

    return iteration


def _product_with(epsilon_of: Callable[[np.ndarray], float]) -> Callable[..., np.ndarray]:
    def product(p: Problem, w: np.ndarray, a: np.ndarray, v: np.ndarray) -> np.ndarray:
        epsilon = epsilon_of(v)
        plus, minus = (p.train_gradients(w + s * epsilon * v, a)[1] for s in (1, -1))
        return (plus - minus) / (2 * epsilon)

    return product


def _valid_product(p: Problem, w: np.ndarray, a: np.ndarray, v: np.ndarray) -> np.ndarray:
    epsilon = 0.01 / np.linalg.norm(v)
    plus, minus = (p.valid_gradients(w + s * epsilon * v, a)[1] for s in (1, -1))
    return (plus - minus) / (2 * epsilon)


def _epsilon(v: np.ndarray) -> float:
    return 0.01 / float(np.linalg.norm(v))


def _left_at(sign: int) -> Callable[..., np.ndarray]:
    """The weight step of somebody who leaves the weights at w + sign * epsilon * v."""

    def weights(p: Problem, w: np.ndarray, a: np.ndarray, new: np.ndarray, xi: float) -> Any:
        v = p.valid_gradients(_ahead(p, w, a, xi), a)[0]
        return _ahead(p, w + sign * _epsilon(v) * v, new, xi)

    return weights


GRADIENT_MISTAKES = (
    Mistake(
        "second-term-missing",
        _wrong_gradient(lambda p, w, a, xi: p.valid_gradients(_ahead(p, w, a, xi), a)[1]),
        "Only the direct term was computed, at w'. alpha also acts through the weights: it changes "
        "where the training step goes.",
        "Subtract step_size times the Hessian-vector product.",
    ),
    Mistake(
        "first-order-only",
        _wrong_gradient(lambda p, w, a, xi: p.valid_gradients(w, a)[1]),
        "This is first-order DARTS: the gradient at the current weights w, without unrolling.",
        "Take the training step w' = w - step_size * dL_train/dw first.",
    ),
    Mistake(
        "second-term-sign",
        _wrong_gradient(
            lambda p, w, a, xi: (
                2 * p.valid_gradients(_ahead(p, w, a, xi), a)[1] - _gradient(p, w, a, xi)
            )
        ),
        "The second term was added. w' contains -step_size * dL_train/dw, so it is subtracted.",
        "Check the sign; also check the order: plus minus minus, not the other way round.",
    ),
    Mistake(
        "step-size-missing",
        _wrong_gradient(
            lambda p, w, a, xi: (
                p.valid_gradients(_ahead(p, w, a, xi), a)[1]
                - _product(p, w, a, p.valid_gradients(_ahead(p, w, a, xi), a)[0])
            )
        ),
        "The Hessian-vector product was subtracted without the factor step_size.",
        "Differentiate w' = w - step_size * dL_train/dw with respect to alpha: the factor stays.",
    ),
    Mistake(
        "multiplied-by-epsilon",
        _wrong_product(lambda p, w, a, v: _product(p, w, a, v) * _epsilon(v) ** 2),
        "(plus - minus) / 2 * epsilon multiplies by epsilon: Python works from left to right. "
        "Two public implementations had this error.",
        "Write (plus - minus) / (2 * epsilon).",
    ),
    Mistake(
        "difference-not-divided",
        _wrong_product(lambda p, w, a, v: _product(p, w, a, v) * 2 * _epsilon(v)),
        "The difference of the two gradients was not divided by 2 * epsilon.",
        "A derivative is a difference divided by the distance of the two points.",
    ),
    Mistake(
        "divided-by-one-epsilon",
        _wrong_product(lambda p, w, a, v: _product(p, w, a, v) * 2),
        "The two points are 2 * epsilon apart, but the difference was divided by epsilon.",
        "Divide by 2 * epsilon.",
    ),
    Mistake(
        "epsilon-not-scaled",
        _wrong_product(_product_with(lambda v: 0.01)),
        "epsilon = 0.01 was used without dividing by the length of v: with a long v the two points "
        "lie far apart, where the loss is no longer straight.",
        "epsilon = 0.01 / np.linalg.norm(v).",
    ),
    Mistake(
        "epsilon-times-length",
        _wrong_product(_product_with(lambda v: 0.01 * float(np.linalg.norm(v)))),
        "epsilon was multiplied with the length of v: the points move further apart the longer v.",
        "epsilon = 0.01 / np.linalg.norm(v).",
    ),
    Mistake(
        "product-of-validation-loss",
        _wrong_product(_valid_product),
        "The second derivative was taken from the validation loss. It is the training loss that "
        "moves the weights.",
        "Use train_gradients at w + epsilon v and w - epsilon v.",
    ),
    Mistake(
        "validation-at-old-weights",
        _wrong_gradient(
            lambda p, w, a, xi: (
                p.valid_gradients(w, a)[1] - xi * _product(p, w, a, p.valid_gradients(w, a)[0])
            )
        ),
        "The validation gradients were taken at w instead of w'.",
        "Both v and the direct term belong to the weights after the training step.",
    ),
    Mistake(
        "direct-term-at-old-weights",
        _wrong_gradient(
            lambda p, w, a, xi: (
                p.valid_gradients(w, a)[1]
                + _gradient(p, w, a, xi)
                - p.valid_gradients(_ahead(p, w, a, xi), a)[1]
            )
        ),
        "The direct term was taken at w, the vector v at w'.",
        "valid_gradients(w', alpha) returns both: v and the direct term.",
    ),
    Mistake(
        "perturbed-around-unrolled-weights",
        _wrong_gradient(
            lambda p, w, a, xi: (
                p.valid_gradients(_ahead(p, w, a, xi), a)[1]
                - xi
                * _product(p, _ahead(p, w, a, xi), a, p.valid_gradients(_ahead(p, w, a, xi), a)[0])
            )
        ),
        "The two perturbed points lie around w'. The second derivative is needed at w, where the "
        "training step started.",
        "w_plus = w + epsilon * v, w_minus = w - epsilon * v.",
    ),
)

STEP_MISTAKES = (
    Mistake(
        "unrolled-uphill",
        lambda p, w, a, xi, rate: _finish(p, w, a, xi, rate, _uphill_gradient(p, w, a, xi)),
        "w' was computed with a plus sign: a step that increases the training loss.",
        "w' = w - step_size * dL_train/dw.",
    ),
    Mistake(
        "alpha-uphill",
        lambda p, w, a, xi, rate: _finish(
            p, w, a + 2 * rate * _gradient(p, w, a, xi), xi, rate, _gradient(p, w, a, xi)
        ),
        "alpha moved along the gradient: the validation loss would grow.",
        "alpha - alpha_rate * gradient.",
    ),
    Mistake(
        "alpha-step-with-weight-rate",
        lambda p, w, a, xi, rate: _finish(p, w, a, xi, xi, _gradient(p, w, a, xi)),
        "alpha moved with the step size of the weights.",
        "alpha has a learning rate of its own: alpha_rate.",
    ),
    Mistake(
        "weights-left-at-minus",
        _wrong_weights(_left_at(-1)),
        "The weight step started at w - epsilon v: the weights were not put back after the finite "
        "difference, so they drift at every architecture step.",
        "Work on copies (w + epsilon * v makes a new array; += changes the old one).",
    ),
    Mistake(
        "weights-left-at-plus",
        _wrong_weights(_left_at(1)),
        "The weight step started at w + epsilon v: the weights were not put back.",
        "Work on copies (w + epsilon * v makes a new array; += changes the old one).",
    ),
    Mistake(
        "weights-step-from-unrolled",
        _wrong_weights(lambda p, w, a, new, xi: _ahead(p, _ahead(p, w, a, xi), new, xi)),
        "The weight step started at w'. The unrolled weights are only a look ahead.",
        "Throw w' away and step from the original weights.",
    ),
    Mistake(
        "weights-step-with-old-alpha",
        _wrong_weights(lambda p, w, a, new, xi: _ahead(p, w, a, xi)),
        "The weight step used the old alpha (its result is w').",
        "Compute the training gradient again, at the new alpha.",
    ),
    Mistake(
        "weights-step-on-validation",
        _wrong_weights(lambda p, w, a, new, xi: w - xi * p.valid_gradients(w, new)[0]),
        "The weights were trained on the validation loss.",
        "Weights follow the training loss, alpha the validation loss.",
    ),
    Mistake(
        "weights-not-stepped",
        _wrong_weights(lambda p, w, a, new, xi: w),
        "The weights came back unchanged.",
        "After the architecture step comes the weight step at the new alpha.",
    ),
    Mistake(
        "weights-uphill",
        _wrong_weights(lambda p, w, a, new, xi: 2 * w - _ahead(p, w, new, xi)),
        "The weight step goes uphill.",
        "weights - step_size * dL_train/dw.",
    ),
)


def _uphill_gradient(p: Problem, w: np.ndarray, a: np.ndarray, xi: float) -> np.ndarray:
    v, along_alpha = p.valid_gradients(_ahead(p, w, a, -xi), a)
    return along_alpha - xi * _product(p, w, a, v)


ITERATION = Task(
    ("problem", "weights", "alpha", "step_size", "alpha_rate"),
    darts_iteration,
    GRADIENT_MISTAKES + STEP_MISTAKES,
)


def _read(ask: Ask, case: tuple[Any, ...]) -> Iteration:
    problem, weights, alpha, step_size, alpha_rate = case
    name = type(problem).__name__
    build = Build(f"nas_course.strategies.gradient.small_problems:{name}", vars(problem))
    given = f"a {name} with {len(weights)} weights and {len(alpha)} architecture parameters"
    value = ask(build, weights, alpha, step_size, alpha_rate)
    shapes = {"gradient": alpha.shape, "alpha": alpha.shape, "weights": weights.shape}
    return read_arrays(value, shapes, given)


def _quadratic(rng: np.random.Generator, weights: int, parameters: int) -> tuple[Any, ...]:
    root = rng.normal(size=(weights, weights))
    problem = QuadraticProblem(
        hessian=root @ root.T / weights + np.eye(weights),
        mixed=rng.normal(size=(weights, parameters)),
        direct=rng.normal(size=(weights, parameters)),
        target=rng.normal(size=weights),
    )
    start = rng.normal(size=weights), rng.normal(size=parameters)
    return problem, *start, float(rng.uniform(0.1, 0.4)), float(rng.uniform(0.5, 0.9))


def _regression(rng: np.random.Generator, operations: int) -> tuple[Any, ...]:
    """Targets far from what can be reached, so that v is long and the choice of epsilon shows."""
    problem = MixedRegression(
        train_inputs=rng.normal(size=(12, operations)),
        train_targets=rng.normal(size=12),
        valid_inputs=rng.normal(size=(12, operations)),
        valid_targets=600 * rng.normal(size=12) + 400,
    )
    start = rng.normal(size=operations), rng.normal(size=operations)
    return problem, *start, 0.3, 0.005


def _scalar(step_size: float) -> tuple[Any, ...]:
    one = np.array([[1.0]])
    problem = QuadraticProblem(2 * one, 3 * one, one, np.array([0.5]))
    return problem, np.array([1.0]), np.array([1.0]), step_size, 0.5


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _quadratic(rng, 3, 2))


def _first_order(ask: Ask, rng: np.random.Generator) -> None:
    case = _quadratic(rng, 2, 3)
    judge(ITERATION, lambda c: _read(ask, c), [(*case[:3], 0.0, case[4])], [_quadratic(rng, 2, 3)])


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    probes = [_quadratic(rng, 3, 2), _regression(rng, 4)]
    judge(ITERATION, lambda c: _read(ask, c), [_scalar(0.1)], probes)


def _random(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_quadratic(rng, 4, 3), _quadratic(rng, 2, 5)]
    judge(ITERATION, lambda c: _read(ask, c), cases, [_regression(rng, 4)])


def _curved(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_regression(rng, operations) for operations in (5, 3, 4, 8, 6)]
    judge(ITERATION, lambda c: _read(ask, c), cases)


DARTS_ITERATION = Exercise(
    id="08.6",
    chapter="08_darts",
    title="Second-order DARTS, one iteration",
    answer="darts_iteration",
    minutes=35,
    difficulty=4,
    stages=(
        Stage("three arrays of the right shape", 1, _form),
        Stage("step size 0 is first order", 1, _first_order),
        Stage("one weight, one parameter, by hand", 2, _by_hand),
        Stage("random quadratic problems", 1, _random),
        Stage("a curved loss: the right epsilon", 1, _curved),
    ),
)

EXERCISES = (DARTS_ITERATION,)
