"""Check of exercise 10.6: an iDARTS iteration in which three faults have to be found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.mistakes import Mistake, Task, close, judge, left_over
from nas_course.grading.parts import read_arrays
from nas_course.grading.smooth_losses import Derivatives, derivatives, gradients, random_losses
from nas_course.grading.transport import Tensor

CHAPTER = "10_hypergradients"
NEAR_ZERO = 0.1
Case = tuple[Any, ...]
Iteration = dict[str, np.ndarray]


def _train(case: Case, alpha: np.ndarray | None = None, steps: int | None = None) -> np.ndarray:
    """The weights after the inner steps of plain gradient descent."""
    train, _, weights, old, rate, _, inner_steps, _ = case
    for _ in range(inner_steps if steps is None else steps):
        weights = weights - rate * gradients(train, weights, old if alpha is None else alpha)[0]
    return np.asarray(weights)


def _sum_of_terms(at: Derivatives, rate: float, terms: int) -> tuple[np.ndarray, np.ndarray]:
    """Return p = v_0 + ... + v_K and v_K."""
    v = p = at.v
    for _ in range(terms):
        v = v - rate * at.hessian @ v
        p = p + v
    return p, v


@dataclass(frozen=True)
class Variant:
    """One iteration of iDARTS with its parts exchangeable.

    Attributes
    ----------
    trained : callable case -> array
        The weights at which the hypergradient is taken.
    scale : callable epsilon -> float
        What the difference quotient is multiplied with.
    left_at : callable (epsilon, p, v_K) -> array
        How far from where they were the weights are put back.
    series : callable (derivatives, rate, terms) -> (p, v_K)
    sign : float
        Before the response.
    epsilon_of : callable length -> float, optional
        Take a real difference with this epsilon for vectors of this length; None: its limit.
    """

    trained: Callable[[Case], np.ndarray] = _train
    scale: Callable[[float], float] = lambda epsilon: 1.0
    left_at: Callable[[float, np.ndarray, np.ndarray], Any] = lambda epsilon, p, v: 0.0
    series: Callable[[Derivatives, float, int], tuple[np.ndarray, np.ndarray]] = _sum_of_terms
    sign: float = -1.0
    epsilon_of: Callable[[float], float] | None = None

    def __call__(self, *case: Any) -> Iteration:
        """Return the weights and alpha after the iteration."""
        train, valid, _, alpha, rate, alpha_rate, _, terms = case
        weights = self.trained(case)
        at = derivatives(train, valid, weights, alpha)
        p, v = self.series(at, rate, terms)
        length = float(np.linalg.norm(p))
        epsilon, product = 0.01 / length, at.mixed @ p
        if self.epsilon_of:
            far = self.epsilon_of(length)
            plus, minus = (gradients(train, weights + s * far * p, alpha)[1] for s in (1, -1))
            product = (plus - minus) / (2 * far)
        gradient = at.direct + self.sign * rate * self.scale(epsilon) * product
        return {
            "weights": weights + self.left_at(epsilon, p, v),
            "alpha": alpha - alpha_rate * gradient,
        }


idarts_iteration = Variant()

FAULTS: dict[str, tuple[dict[str, Any], tuple[str, str, str]]] = {
    "copy": (
        {"trained": lambda case: case[2]},
        (
            "copied-optimizer-steps",
            "The weights are nearly those that went in, however many training steps are asked for.",
            "Print w after each pass of the first loop. What did that step change, if not w?",
        ),
    ),
    "parentheses": (
        {"scale": lambda epsilon: epsilon**2},
        (
            "multiplied-by-epsilon",
            "alpha moves nearly as if only the direct part were there: the response is far too "
            "small.",
            "How large is `mixed` here, and how large the product that 10.3 computes exactly?",
        ),
    ),
    "restore": (
        {"left_at": lambda epsilon, p, v: epsilon * (v - p)},
        (
            "weights-not-put-back",
            "The weights that come back are a little off those that the training left.",
            "w is moved three times after the training. By which vectors, and what do they add up "
            "to?",
        ),
    ),
}


def _with_faults(faults: frozenset[str]) -> Variant:
    changes: dict[str, Any] = {}
    for fault in faults:
        changes |= FAULTS[fault][0]
    return Variant(**changes)


def _left_at(direction: float) -> Callable[..., Iteration]:
    return Variant(left_at=lambda epsilon, p, v: direction * epsilon * p)


def _last_term(at: Derivatives, rate: float, terms: int) -> tuple[np.ndarray, np.ndarray]:
    _, v = _sum_of_terms(at, rate, terms)
    return v, v


def _one_too_many(at: Derivatives, rate: float, terms: int) -> tuple[np.ndarray, np.ndarray]:
    return _sum_of_terms(at, rate, terms + 1)


def _trained_again(*case: Any) -> Iteration:
    """Alpha first, then the training steps: at the new alpha."""
    moved = Variant(trained=lambda c: c[2])(*case)["alpha"]
    return {"weights": _train(case, moved), "alpha": moved}


MISTAKES = (
    *left_over({name: text for name, (_, text) in FAULTS.items()}, _with_faults),
    Mistake(
        "weights-left-at-minus",
        _left_at(-1.0),
        "The weights were left at w - epsilon p.",
        "Put them back after the second gradient.",
    ),
    Mistake(
        "weights-left-at-plus",
        _left_at(1.0),
        "The weights were left at w + epsilon p.",
        "Put them back after the second gradient: how far is the way from there?",
    ),
    Mistake(
        "divided-by-one-epsilon",
        Variant(scale=lambda epsilon: 2.0),
        "The response is twice as long as it should be.",
        "How far apart are the two points at which the gradients were taken?",
    ),
    Mistake(
        "difference-not-divided",
        Variant(scale=lambda epsilon: 2 * epsilon),
        "The difference of two gradients was used as it is, and not made a slope.",
        "How far apart are the two points at which the gradients were taken?",
    ),
    Mistake(
        "epsilon-not-scaled",
        Variant(epsilon_of=lambda length: 0.01),
        "epsilon = 0.01 was used whatever the length of p: with a long p the two points lie far "
        "apart, where the loss is no longer straight.",
        "epsilon = 0.01 / p.norm(); that line was right.",
    ),
    Mistake(
        "epsilon-times-length",
        Variant(epsilon_of=lambda length: 0.01 * length),
        "epsilon was multiplied with the length of p: the longer p, the further apart the points.",
        "epsilon = 0.01 / p.norm(); that line was right.",
    ),
    Mistake(
        "epsilon-too-large",
        Variant(epsilon_of=lambda length: 1 / length),
        "The two points lie a length of 1 away, where the loss is no longer straight.",
        "epsilon = 0.01 / p.norm(); that line was right.",
    ),
    Mistake(
        "response-added",
        Variant(sign=1.0),
        "The response was added.",
        "direct - learning_rate * mixed; that line was right.",
    ),
    Mistake(
        "last-term-only",
        Variant(series=_last_term),
        "Only the last term of the series was used.",
        "p is the sum of all terms; these lines were right.",
    ),
    Mistake(
        "one-product-too-many",
        Variant(series=_one_too_many),
        "There is one Hessian-vector product too many.",
        "`products` of them; these lines were right.",
    ),
    Mistake(
        "one-training-step-missing",
        Variant(trained=lambda case: _train(case, steps=case[6] - 1)),
        "One of the training steps is missing.",
        "`inner_steps` steps, then the hypergradient.",
    ),
    Mistake(
        "one-training-step-only",
        Variant(trained=lambda case: _train(case, steps=1)),
        "The weights took one training step, however many were asked for.",
        "Each pass through the loop must start from the weights of the last one.",
    ),
    Mistake(
        "trained-after-alpha",
        _trained_again,
        "alpha moved before the weights were trained.",
        "First the training steps at the old alpha, then the hypergradient at the trained weights.",
    ),
    Mistake(
        "look-ahead-thrown-away",
        lambda *case: {**idarts_iteration(*case), "weights": case[2]},
        "The weights of before the training came back. In iDARTS the training steps are real.",
        "Return the trained weights.",
    ),
)
NAMES = (
    "train_loss",
    "valid_loss",
    "weights",
    "alpha",
    "learning_rate",
    "alpha_rate",
    "inner_steps",
    "products",
)
TASK = Task(NAMES, idarts_iteration, MISTAKES)


def _read(ask: Ask, case: Case) -> Iteration:
    train, valid, weights, alpha, *rest = case
    tensors = Tensor(weights), Tensor(alpha)
    value = ask(train.expression, valid.expression, *tensors, *rest)
    shapes = {"weights": weights.shape, "alpha": alpha.shape}
    return read_arrays(value, shapes, TASK.describe(case))


def _case(
    rng: np.random.Generator,
    sizes: tuple[int, int],
    steps: int,
    terms: int,
    far: float = 1.0,
    alpha_rate: float = 2.0,
) -> Case:
    """No new alpha is near 0: a difference quotient has too large a relative error there."""
    while True:
        start = rng.normal(size=sizes[0]), rng.normal(size=sizes[1])
        losses = random_losses(rng, *sizes, far=far)
        case = (*losses, *start, 0.3, alpha_rate, steps, terms)
        if np.abs(idarts_iteration(*case)["alpha"]).min() > NEAR_ZERO:
            return case


def _far_case(rng: np.random.Generator) -> Case:
    """Validation targets so far away that p is long and the choice of epsilon shows."""
    return _case(rng, (4, 3), 2, 2, far=400.0, alpha_rate=0.005)


def _probes(rng: np.random.Generator) -> list[Case]:
    return [_case(rng, (4, 3), 3, 2), _far_case(rng)]


def _trains(ask: Ask, rng: np.random.Generator) -> None:
    """Pass when the weights have moved about right: what is left at epsilon comes later."""
    for case in (_case(rng, (4, 3), 1, 0), _case(rng, (3, 2), 4, 1)):
        got, right = _read(ask, case), idarts_iteration(*case)
        if not np.allclose(got["weights"], right["weights"], atol=0.03):
            judge(TASK, lambda asked: _read(ask, asked), [case], _probes(rng))


def _moves_alpha(ask: Ask, rng: np.random.Generator) -> None:
    for case in (_case(rng, (4, 3), 2, 0), _far_case(rng)):
        got, right = _read(ask, case), idarts_iteration(*case)
        if not close(got["alpha"], right["alpha"]):
            judge(TASK, lambda asked: _read(ask, asked), [case], _probes(rng))


def _puts_back(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, (6, 2), 1, 3), _case(rng, (3, 5), 3, 1)]
    judge(TASK, lambda c: _read(ask, c), cases, _probes(rng))


LOOP = Exercise(
    id="10.6",
    chapter=CHAPTER,
    title="Three faults in one iteration",
    answer="idarts_iteration",
    minutes=30,
    difficulty=4,
    stages=(
        Stage("the weights are trained", 1, _trains),
        Stage("alpha moves as it should", 2, _moves_alpha),
        Stage("the weights are put back", 2, _puts_back),
    ),
    reasons=(
        "A deep copy of an optimizer owns copies of the weights, and steps those.",
        "(plus - minus) / 2 * epsilon multiplies by epsilon, since Python works from left to "
        "right. Public code has had this error for years.",
        "The weights were moved along p, but back along v, the last term of the series by then. "
        "Copying them is exact where adding and subtracting rounds.",
    ),
)

EXERCISES = (LOOP,)
