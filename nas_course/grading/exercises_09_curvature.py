"""Check of exercise 09.5: power iteration from products with the Hessian."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_number
from nas_course.grading.mistakes import Mistake, Task, judge
from nas_course.grading.transport import Expression, Tensor

CHAPTER = "09_when_darts_fails"
Case = tuple[np.ndarray, np.ndarray, int]


def _unit(v: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(v)
    return v / length if length else v


def _directions(matrix: np.ndarray, start: np.ndarray, steps: int) -> np.ndarray:
    v = _unit(start)
    for _ in range(steps):
        v = _unit(matrix @ v)
    return v


def dominant_eigenvalue(matrix: np.ndarray, start: np.ndarray, steps: int) -> float:
    """Return the Rayleigh quotient after so many steps of power iteration."""
    v = _directions(matrix, start, steps)
    return float(v @ matrix @ v)


def _steps_changed(change: Callable[[int], int]) -> Callable[..., float]:
    return lambda matrix, start, steps: dominant_eigenvalue(matrix, start, change(steps))


def _length(matrix: np.ndarray, start: np.ndarray, steps: int) -> float:
    return float(np.linalg.norm(matrix @ _directions(matrix, start, steps)))


def _unnormalised(matrix: np.ndarray, start: np.ndarray, steps: int) -> float:
    v = np.linalg.matrix_power(matrix, steps) @ start
    return float(v @ matrix @ v)


def _start_kept(matrix: np.ndarray, start: np.ndarray, steps: int) -> float:
    return dominant_eigenvalue(matrix, start, steps) * (float(start @ start) if not steps else 1)


def _largest_entry(matrix: np.ndarray, start: np.ndarray, steps: int) -> float:
    v = start / abs(start).max()
    for _ in range(steps):
        w = matrix @ v
        v = w / (abs(w).max() or 1.0)
    return float(v @ matrix @ v)


def _between_ends(matrix: np.ndarray, start: np.ndarray, steps: int) -> float:
    """The start where the last vector belongs, on one side of the quotient."""
    return float(_unit(start) @ matrix @ _directions(matrix, start, steps))


def _eigenvalues(matrix: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.eigvalsh(matrix))


def _by_size(matrix: np.ndarray, start: np.ndarray, steps: int) -> float:
    values = _eigenvalues(matrix)
    return float(values[abs(values).argmax()])


QUOTIENT = "In the end v @ product(v), with the last v, of length 1."
LOOP = "range(steps) rounds, each with one product and one division; then the quotient."
MISTAKES = (
    Mistake(
        "sign-lost",
        _length,
        "The length of Hv was returned. It is never negative; an eigenvalue may be.",
        QUOTIENT,
    ),
    Mistake(
        "sign-lost",
        lambda *case: abs(dominant_eigenvalue(*case)),
        "The size was returned. The loss may bend downwards: then the eigenvalue is negative.",
        QUOTIENT,
    ),
    Mistake(
        "one-step-short",
        _steps_changed(lambda steps: max(steps - 1, 0)),
        "One step is missing: the quotient is that of the vector before the last.",
        LOOP,
    ),
    Mistake("one-step-more", _steps_changed(lambda steps: steps + 1), "One step too many.", LOOP),
    Mistake(
        "no-iteration",
        _steps_changed(lambda steps: 0),
        "This is the quotient of the start: the loop changes nothing that is used.",
        "Put the divided product into v, in every round.",
    ),
    Mistake(
        "one-step-only",
        _steps_changed(lambda steps: min(steps, 1)),
        "This is the quotient after one step.",
        "Multiply the latest v, not the start.",
    ),
    Mistake(
        "never-normalised",
        _unnormalised,
        "No vector was divided by its length, so the quotient grows with every step.",
        "Divide by the length in every round.",
    ),
    Mistake(
        "start-not-normalised",
        _start_kept,
        "The start has not the length 1, which shows when there are no steps.",
        "Divide the start by its length, before the loop.",
    ),
    Mistake(
        "divided-by-the-largest-entry",
        _largest_entry,
        "The vectors were divided by their largest entry: their length is not 1, and the "
        "quotient is too large.",
        "Divide by the norm.",
    ),
    Mistake(
        "start-in-the-quotient",
        _between_ends,
        "One side of the quotient is the start, the other the last vector.",
        QUOTIENT,
    ),
    Mistake(
        "square-of-the-matrix",
        lambda matrix, start, steps: dominant_eigenvalue(matrix @ matrix, start, steps),
        "Two products were taken where one belongs: this belongs to the square of H.",
        LOOP,
    ),
    Mistake(
        "exact-eigenvalue",
        _by_size,
        "This is the exact eigenvalue. Fine, but after K steps it is not reached yet, and the "
        "whole Hessian is more than products give.",
        LOOP,
    ),
    Mistake(
        "largest-not-dominant",
        lambda matrix, start, steps: float(_eigenvalues(matrix).max()),
        "This is the largest eigenvalue; the dominant one is largest in size.",
        LOOP,
    ),
    Mistake(
        "trace",
        lambda matrix, start, steps: float(np.trace(matrix)),
        "This is the trace: the sum of all eigenvalues.",
        LOOP,
    ),
)
TASK = Task(("H, of which product(v) = H @ v", "start", "steps"), dominant_eigenvalue, MISTAKES)


def _read(ask: Ask, case: Case) -> float:
    matrix, start, steps = case
    given = TASK.describe(case)
    product = Expression(f"lambda v: torch.tensor({matrix.tolist()}, dtype=torch.float64) @ v")
    value = ask(product, Tensor(start), steps)
    if isinstance(value, float) and not np.isfinite(value):
        is_zero = not matrix.any()
        raise Diagnosis(
            given=given,
            got=value,
            expected=dominant_eigenvalue(*case),
            code="zero-divided" if is_zero else "overflow",
            cause="A zero vector was divided by its length, which is 0."
            if is_zero
            else "Without a division in every step the entries become infinite, or all 0.",
            next_step="If the norm of the product is 0, return 0."
            if is_zero
            else "Divide by the norm in every round.",
        )
    return expect_number(value, given=given)


def _hessian(rng: np.random.Generator, values: list[float]) -> np.ndarray:
    basis, _ = np.linalg.qr(rng.normal(size=(len(values), len(values))))
    return np.asarray(basis @ np.diag(values) @ basis.T)


def _case(rng: np.random.Generator, values: list[float], steps: int) -> Case:
    return _hessian(rng, values), 3 * rng.normal(size=len(values)), steps


def _probes(rng: np.random.Generator) -> list[Case]:
    return [_case(rng, [-3.0, 2.0, 1.0, 0.5], steps) for steps in (0, 1, 2, 5)]


def _judge(ask: Ask, cases: list[Case], rng: np.random.Generator) -> None:
    judge(TASK, lambda case: _read(ask, case), cases, _probes(rng))


def _depends(ask: Ask, rng: np.random.Generator) -> None:
    """Refuse one number for all."""
    matrix, start, steps = _case(rng, [4.0, 2.0, 1.0], 3)
    got = [_read(ask, (scale * matrix, start, steps)) for scale in (1, 2)]
    if got[0] == got[1]:
        raise Diagnosis(
            given="H, then 2 H, with the same start and steps",
            got=f"{got[0]:.4g} both times",
            cause="The answer does not depend on `product`.",
            next_step="Call `product`, and return what you compute from it.",
            code="always-the-same",
        )


def _two_by_two(ask: Ask, rng: np.random.Generator) -> None:
    matrix = np.array([[2.0, 0.0], [0.0, 1.0]])
    _judge(ask, [(matrix, np.array([3.0, 4.0]), steps) for steps in (1, 2)], rng)


def _few_steps(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, [4.0, 2.0, -1.0, 0.3, 0.0], steps) for steps in (0, 1, 2, 3, 6)]
    _judge(ask, cases, rng)


def _downwards(ask: Ask, rng: np.random.Generator) -> None:
    """More steps, a dominant curvature of either sign, and large and small scales."""
    cases = [
        _case(rng, [-5.0, 3.0, 1.0], 4),
        _case(rng, [-5.0, 3.0, 1.0], 60),
        _case(rng, [1e6, 2e5, -1e5, 0.0], 200),
        _case(rng, [-1e-4, 5e-5, 0.0], 200),
        (np.zeros((3, 3)), np.ones(3), 2),
    ]
    _judge(ask, cases, rng)


CURVATURE = Exercise(
    id="09.5",
    chapter=CHAPTER,
    title="The sharpest direction",
    answer="dominant_eigenvalue",
    minutes=20,
    difficulty=3,
    stages=(
        Stage("a number that depends on H", 0, _depends),
        Stage("two alphas", 1, _two_by_two),
        Stage("a few steps", 2, _few_steps),
        Stage("downwards, many steps, all scales", 1, _downwards),
    ),
)

EXERCISES = (CURVATURE,)
