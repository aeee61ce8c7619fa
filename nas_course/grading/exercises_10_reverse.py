"""Check of exercise 10.4: reverse mode through training steps, and its truncation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.expect import expect_array
from nas_course.grading.mistakes import Mistake, Task, judge

CHAPTER = "10_hypergradients"
Case = tuple[Any, ...]


def _trained(
    hessians: np.ndarray, mixed: np.ndarray, w: np.ndarray, alpha: np.ndarray, xi: float
) -> np.ndarray:
    for h, b in zip(hessians, mixed, strict=True):
        w = w - xi * (h @ w - b @ alpha)
    return np.asarray(w)


def _terms(hessians: np.ndarray, mixed: np.ndarray, v: np.ndarray, xi: float) -> list[np.ndarray]:
    """Return what each step adds to the gradient, the last step first."""
    terms = []
    for h, b in zip(hessians[::-1], mixed[::-1], strict=True):
        terms.append(xi * b.T @ v)
        v = v - xi * h @ v
    return terms


def reverse_mode(
    hessians: np.ndarray,
    mixed: np.ndarray,
    start: np.ndarray,
    alpha: np.ndarray,
    xi: float,
    target: np.ndarray,
) -> np.ndarray:
    """Return the hypergradient by the last 1, 2, ..., T steps, one in a row."""
    v = _trained(hessians, mixed, start, alpha, xi) - target
    return np.cumsum(_terms(hessians, mixed, v, xi), axis=0)


def _with_terms(compute: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """Other terms (hessians, mixed, v, xi), the last step first; the rest right."""

    def estimate(h: Any, b: Any, start: Any, alpha: Any, xi: float, target: Any) -> np.ndarray:
        v = _trained(h, b, start, alpha, xi) - target
        return np.cumsum(compute(h, b, v, xi), axis=0)

    return estimate


def _with_v(compute: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """Another gradient of the validation loss; the rest right."""
    return lambda h, b, start, alpha, xi, target: np.cumsum(
        _terms(h, b, compute(h, b, start, alpha, xi, target), xi), axis=0
    )


def _products_reversed(h: np.ndarray, b: np.ndarray, v: np.ndarray, xi: float) -> list[np.ndarray]:
    """The factor of the step nearest to s is applied last, that of the last step first of all."""
    steps, terms = len(h), []
    for s in reversed(range(steps)):
        carried = v
        for u in range(s + 1, steps):
            carried = carried - xi * h[u] @ carried
        terms.append(xi * b[s].T @ carried)
    return terms


def _carried_by(factor: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """Another rule for carrying v back over a step: factor(hessians, index, v, xi)."""

    def terms(h: np.ndarray, b: np.ndarray, v: np.ndarray, xi: float) -> list[np.ndarray]:
        found = []
        for s in reversed(range(len(h))):
            found.append(xi * b[s].T @ v)
            v = factor(h, s, v, xi)
        return found

    return _with_terms(terms)


def _carried_first(h: np.ndarray, b: np.ndarray, v: np.ndarray, xi: float) -> list[np.ndarray]:
    terms = []
    for matrix, part in zip(h[::-1], b[::-1], strict=True):
        v = v - xi * matrix @ v
        terms.append(xi * part.T @ v)
    return terms


def _forwards(h: np.ndarray, b: np.ndarray, v: np.ndarray, xi: float) -> list[np.ndarray]:
    return _terms(h[::-1], b[::-1], v, xi)


def _one_array(*case: Any) -> np.ndarray:
    """What a list holds that got the same array T times, before it was complete."""
    return np.repeat(reverse_mode(*case)[-1:], len(case[0]), axis=0)


def _uphill(h: Any, b: Any, w: Any, alpha: Any, xi: float, target: Any) -> np.ndarray:
    return _trained(h, b, w, alpha, -xi) - target


MISTAKES = (
    Mistake(
        "products-reversed",
        _with_terms(_products_reversed),
        "The factors stand in the wrong order: v met the step after s first and the last step at "
        "the end. What comes out of the last step must go back through the last step first.",
        "Walk from t = T - 1 down to 0 and carry v along.",
    ),
    Mistake(
        "walked-forwards",
        _with_terms(_forwards),
        "The second loop runs from the first step to the last, too.",
        "Which step did v come out of, and which must it go back through first?",
    ),
    Mistake(
        "same-array-stored",
        _one_array,
        "All rows are equal: the full gradient. Either it is what was stored, or the list holds "
        "one array T times, which `+=` went on changing.",
        "Store a copy: `rows.append(total.copy())`, or write `total = total + ...`.",
    ),
    Mistake(
        "oldest-steps-kept",
        lambda *case: np.cumsum(
            np.diff(reverse_mode(*case), axis=0, prepend=0 * case[3][None])[::-1], axis=0
        ),
        "Row K keeps the first K steps, those with the longest products. The last steps matter "
        "most: theirs have been shrunk least.",
        "Row 0 holds the term of the last step, t = T - 1.",
    ),
    Mistake(
        "rows-turned-round",
        lambda *case: reverse_mode(*case)[::-1],
        "The rows stand in reverse: the first has all steps in it.",
        "Row K - 1 keeps K steps, so the last row is the full gradient.",
    ),
    Mistake(
        "rows-not-summed",
        lambda *case: np.diff(reverse_mode(*case), axis=0, prepend=0 * case[3][None]),
        "Each row holds the term of one step only.",
        "Keep a running sum and store it after every step.",
    ),
    Mistake(
        "sign-turned",
        lambda *case: -reverse_mode(*case),
        "The sign is wrong: the mixed derivative of the training loss is -B, and the step takes "
        "minus xi times it.",
        "dw_{t+1}/dalpha has +xi B in it.",
    ),
    Mistake(
        "step-size-forgotten",
        lambda *case: reverse_mode(*case) / case[4],
        "The factor xi before B is missing.",
        "How does w_{t+1} change with alpha when w_t is held fixed? By xi B.",
    ),
    Mistake(
        "nothing-carried-back",
        _carried_by(lambda h, s, v, xi: v),
        "v was not carried back over the steps: every step sees the gradient at the end.",
        "v = v - xi * H_t v after each step, on the way back.",
    ),
    Mistake(
        "carried-back-too-early",
        _with_terms(_carried_first),
        "v was carried over step t before the term of step t was taken. The product runs over the "
        "steps after t only.",
        "First add xi B_t' v, then v = v - xi H_t v.",
    ),
    Mistake(
        "carried-back-uphill",
        _carried_by(lambda h, s, v, xi: v + xi * h[s] @ v),
        "v was carried back with I + xi H.",
        "w_{t+1} = w_t - xi (H_t w_t - B_t alpha): the factor is I - xi H_t.",
    ),
    Mistake(
        "identity-forgotten",
        _carried_by(lambda h, s, v, xi: -xi * h[s] @ v),
        "The identity is missing in the factor of a step.",
        "dw_{t+1}/dw_t = I - xi H_t.",
    ),
    Mistake(
        "hessian-of-the-step-before",
        _carried_by(lambda h, s, v, xi: v - xi * h[max(s - 1, 0)] @ v),
        "v was carried over step t with the Hessian of step t - 1.",
        "Each step has its own H_t and B_t; use both of the same t.",
    ),
    Mistake(
        "one-hessian-for-all-steps",
        _carried_by(lambda h, s, v, xi: v - xi * h[-1] @ v),
        "All factors use the Hessian of the last step. The steps saw different batches.",
        "Use H_t of each step.",
    ),
    Mistake(
        "validation-before-training",
        _with_v(lambda h, b, start, alpha, xi, target: start - target),
        "The validation loss was differentiated at the weights of before the training.",
        "v = w_T - target: run the steps forward first.",
    ),
    Mistake(
        "one-training-step-missing",
        _with_v(lambda h, b, w, a, xi, target: _trained(h[:-1], b[:-1], w, a, xi) - target),
        "The last training step was not taken before validation.",
        "T steps, with t = 0 ... T - 1.",
    ),
    Mistake(
        "trained-uphill",
        _with_v(_uphill),
        "The weights went up the training loss.",
        "w - xi * (H_t w - B_t alpha).",
    ),
    Mistake(
        "trained-without-alpha",
        _with_v(lambda h, b, w, a, xi, target: _trained(h, b, w, 0 * a, xi) - target),
        "The training steps lack the part B_t alpha.",
        "The gradient of the training loss is H_t w - B_t alpha.",
    ),
)
NAMES = ("hessians", "mixed", "start", "alpha", "step_size", "target")
TASK = Task(NAMES, reverse_mode, MISTAKES)


def _read(ask: Ask, case: Case) -> np.ndarray:
    shape = (len(case[0]), len(case[3]))
    return expect_array(ask(*case), shape, given=TASK.describe(case))


def _case(rng: np.random.Generator, steps: int, weights: int, parameters: int) -> Case:
    roots = rng.normal(size=(steps, weights, weights))
    return (
        roots @ roots.transpose(0, 2, 1) / weights + 0.2 * np.eye(weights),
        rng.normal(size=(steps, weights, parameters)),
        rng.normal(size=weights),
        rng.normal(size=parameters),
        float(rng.uniform(0.2, 0.4)),
        rng.normal(size=weights),
    )


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _case(rng, 3, 4, 2))


def _one_step(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, 1, 1, 1), _case(rng, 1, 3, 2)]
    judge(TASK, lambda c: _read(ask, c), cases, [_case(rng, 4, 3, 2)])


def _three_steps(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, 2, 3, 2), _case(rng, 3, 3, 2)]
    judge(TASK, lambda c: _read(ask, c), cases, [_case(rng, 4, 3, 2)])


def _many_steps(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, 6, 4, 5), _case(rng, 12, 2, 1)]
    judge(TASK, lambda c: _read(ask, c), cases, [_case(rng, 4, 3, 2)])


REVERSE = Exercise(
    id="10.4",
    chapter=CHAPTER,
    title="Backwards through the training",
    answer="reverse_mode",
    minutes=30,
    difficulty=4,
    stages=(
        Stage("a row for each number of steps", 0, _form),
        Stage("one training step", 1, _one_step),
        Stage("two and three training steps", 2, _three_steps),
        Stage("many training steps", 2, _many_steps),
    ),
)

EXERCISES = (REVERSE,)
