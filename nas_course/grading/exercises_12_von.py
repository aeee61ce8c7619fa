"""Check of exercise 12.7: two posteriors of a quadratic, by curvature and by g squared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.expect import expect_array, expect_keys
from nas_course.grading.mistakes import Mistake, Task, close, judge

CHAPTER = "12_distributions"
NEWTON, SQUARE = ("newton_mean", "newton_sigma"), ("square_mean", "square_sigma")
KEYS = (*NEWTON, *SQUARE)
Case = tuple[np.ndarray, np.ndarray, np.ndarray, float, float, float]
Parts = dict[str, np.ndarray]


@dataclass(frozen=True)
class Point:
    """One moment of a run, as the rules below see it."""

    mu: np.ndarray
    s: np.ndarray
    theta: np.ndarray
    g: np.ndarray
    h: np.ndarray
    n: float
    d: float
    rate: float


Rule = Callable[[Point], np.ndarray]


def _sigma(p: Point) -> np.ndarray:
    return np.asarray(1 / np.sqrt(p.n * (p.s + p.d)))


def _followed(p: Point, k: np.ndarray) -> np.ndarray:
    return np.asarray((1 - p.rate) * p.s + p.rate * k)


def _moved(p: Point) -> np.ndarray:
    return np.asarray(p.mu - p.rate * (p.g + p.d * p.mu) / (p.s + p.d))


def _run(
    case: Any,
    k: Rule,
    sigma: Rule = _sigma,
    follow: Callable[[Point, np.ndarray], np.ndarray] = _followed,
    move: Rule = _moved,
    old_s: bool = False,
    draw: Rule | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and sigma after all steps of one run, with its parts exchangeable."""
    h, c, noise, n, delta, rate = case
    mu, s, d = np.zeros_like(h), np.zeros_like(h), delta / n
    for e in noise:
        before = Point(mu, s, mu, mu, h, n, d, rate)
        theta = mu + (draw or sigma)(before) * e
        now = Point(mu, s, theta, h * (theta - c), h, n, d, rate)
        s = follow(now, k(now))
        mu = move(now if old_s else Point(mu, s, theta, now.g, h, n, d, rate))
    return mu, sigma(Point(mu, s, mu, mu, h, n, d, rate))


def _curvature(p: Point) -> np.ndarray:
    return p.h


def _square(p: Point) -> np.ndarray:
    return p.g * p.g


def _both(*case: Any, newton: Rule = _curvature, square: Rule = _square, **parts: Any) -> Parts:
    runs = (*_run(case, newton, **parts), *_run(case, square, **parts))
    return dict(zip(KEYS, runs, strict=True))


def two_posteriors(*case: Any) -> Parts:
    """Return mean and sigma of VON with the Hessian and with g squared (thesis, 5.12, 5.14)."""
    return _both(*case)


def _by(**parts: Any) -> Callable[..., Parts]:
    return lambda *case: _both(*case, **parts)


def _exchanged(*case: Any) -> Parts:
    right = two_posteriors(*case)
    return dict(zip(KEYS, [right[name] for name in (*SQUARE, *NEWTON)], strict=True))


def _sigma_of_the_last_step(*case: Any) -> Parts:
    """What the last theta was drawn with: the s of before that step."""
    before = two_posteriors(*case[:2], case[2][:-1], *case[3:])
    right = two_posteriors(*case)
    return {name: (before if name.endswith("sigma") else right)[name] for name in KEYS}


DIVIDED_TWICE = (
    "delta / N was added to N s. Outside the parenthesis it is delta.",
    "N (s + delta / N) = N s + delta.",
)
MISTAKES = (
    Mistake(
        "sigma-of-the-last-step",
        _sigma_of_the_last_step,
        "This is the sigma with which the last sample was drawn.",
        "Compute it once more after the loop, from the final s.",
    ),
    Mistake(
        "old-s-in-the-step",
        _by(old_s=True),
        "The mean was moved with the s of before this step.",
        "First update s, then divide by the new s + delta / N.",
    ),
    Mistake(
        "noise-ignored",
        _by(draw=lambda p: 0 * p.s),
        "The gradient was taken at the mean: no noise enters.",
        "theta = mu + sigma * noise[t]; gradient at theta.",
    ),
    Mistake(
        "noise-of-fixed-size",
        _by(draw=lambda p: np.ones_like(p.s)),
        "The noise was added without sigma.",
        "theta = mu + noise[t] / sqrt(N (s + delta / N)).",
    ),
    Mistake(
        "prior-forgotten",
        _by(move=lambda p: p.mu - p.rate * p.g / (p.s + p.d)),
        "The pull of the prior is missing in the step of the mean.",
        "g + (delta / N) mu.",
    ),
    Mistake(
        "prior-not-divided",
        _by(move=lambda p: p.mu - p.rate * (p.g + p.n * p.d * p.mu) / (p.s + p.d)),
        "The prior pulls with delta; for the mean loss of N examples it is delta / N.",
        "g + (delta / N) mu.",
    ),
    Mistake(
        "prior-pulls-the-sample",
        _by(move=lambda p: p.mu - p.rate * (p.g + p.d * p.theta) / (p.s + p.d)),
        "The prior pulls at theta.",
        "g + (delta / N) mu: at the mean.",
    ),
    Mistake(
        "prior-missing-below",
        _by(move=lambda p: p.mu - p.rate * (p.g + p.d * p.mu) / p.s),
        "delta / N is missing below the fraction.",
        "Divide by s + delta / N.",
    ),
    Mistake(
        "root-below",
        _by(move=lambda p: p.mu - p.rate * (p.g + p.d * p.mu) / (np.sqrt(p.s) + p.d)),
        "The root of s stands below the fraction, as in Adam. Newton divides by the curvature.",
        "Divide by s + delta / N.",
    ),
    Mistake(
        "rate-forgotten",
        _by(move=lambda p: p.mu - (p.g + p.d * p.mu) / (p.s + p.d)),
        "The mean takes the whole step: the rate is missing.",
        "Multiply the step by the rate.",
    ),
    Mistake(
        "sample-kept",
        _by(move=lambda p: p.theta - p.rate * (p.g + p.d * p.mu) / (p.s + p.d)),
        "The step starts from theta: the noise stays in the mean.",
        "Update mu.",
    ),
    Mistake(
        "uphill",
        _by(move=lambda p: p.mu + p.rate * (p.g + p.d * p.mu) / (p.s + p.d)),
        "The mean goes up the loss.",
        "mu - rate * ...",
    ),
    Mistake(
        "not-averaged",
        _by(follow=lambda p, k: k),
        "s is replaced in every step. One square of a gradient says little.",
        "(1 - rate) s + rate * the new value.",
    ),
    Mistake(
        "added-up",
        _by(follow=lambda p, k: p.s + p.rate * k),
        "s is added up and grows for ever.",
        "(1 - rate) s + rate * the new value.",
    ),
    Mistake(
        "weights-exchanged",
        _by(follow=lambda p, k: p.rate * p.s + (1 - p.rate) * k),
        "rate and 1 - rate are exchanged.",
        "The new value has the weight rate.",
    ),
    Mistake(
        "not-squared",
        _by(square=lambda p: np.abs(p.g)),
        "The second run follows the size of the gradient, not its square.",
        "g * g.",
    ),
    Mistake(
        "prior-in-the-square",
        _by(square=lambda p: (p.g + p.d * p.mu) ** 2),
        "The pull of the prior was squared too.",
        "The square of g alone.",
    ),
    Mistake(
        "square-times-n",
        _by(square=lambda p: p.n * p.g * p.g),
        "The square was multiplied by N: then s would stand for the whole sum. A repair, but not "
        "the method's.",
        "g * g.",
    ),
    Mistake(
        "one-run-for-both",
        _by(square=_curvature),
        "Both runs use the curvature.",
        "The second run must not look at `curvature` but through the gradient.",
    ),
    Mistake(
        "runs-exchanged",
        _exchanged,
        "The two runs are exchanged.",
        "newton: the curvature. square: g * g.",
    ),
    Mistake(
        "n-missing-in-sigma",
        _by(sigma=lambda p: 1 / np.sqrt(p.s + p.d)),
        "N is missing in sigma: s + delta / N is the precision for one example.",
        "sigma = 1 / sqrt(N (s + delta / N)).",
    ),
    Mistake(
        "root-of-sigma-forgotten",
        _by(sigma=lambda p: 1 / (p.n * (p.s + p.d))),
        "This is the variance.",
        "Take the root.",
    ),
    Mistake(
        "delta-divided-twice",
        _by(sigma=lambda p: 1 / np.sqrt(p.n * p.s + p.d)),
        *DIVIDED_TWICE,
    ),
    Mistake(
        "delta-divided-twice",
        _by(draw=lambda p: 1 / np.sqrt(p.n * p.s + p.d)),
        *DIVIDED_TWICE,
    ),
)
NAMES = ("curvature", "target", "noise", "N", "delta", "rate")
TASK = Task(NAMES, two_posteriors, MISTAKES)


def _case(rng: np.random.Generator, size: int, steps: int) -> Case:
    h, c = rng.uniform(0.5, 2.0, size=size), rng.uniform(1.0, 2.0, size=size)
    return h, c, rng.normal(size=(steps, size)), 20.0, 2.0, 0.1


def _read(ask: Ask, case: Case) -> Parts:
    given = TASK.describe(case)
    parts = expect_keys(ask(*case), KEYS, given=given)
    return {
        name: expect_array(parts[name], case[0].shape, given=f"{given}; looking at `{name}`")
        for name in KEYS
    }


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _case(rng, 4, 3))


def _newton(ask: Ask, rng: np.random.Generator) -> None:
    """Only the run with the curvature has to be right."""
    for case in (_case(rng, 2, 1), _case(rng, 3, 6)):
        got, right = _read(ask, case), two_posteriors(*case)
        if not all(close(got[name], right[name]) for name in NEWTON):
            judge(TASK, lambda asked: _read(ask, asked), [case], [_case(rng, 3, 4)])


def _all(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, 2, 1), _case(rng, 3, 6), _case(rng, 4, 40)]
    judge(TASK, lambda case: _read(ask, case), cases, [_case(rng, 3, 4)])


VON = Exercise(
    id="12.7",
    chapter=CHAPTER,
    title="Two posteriors of one loss",
    answer="two_posteriors",
    minutes=25,
    difficulty=4,
    stages=(
        Stage("four arrays", 0, _form),
        Stage("with the curvature", 3, _newton),
        Stage("with the square of the gradient", 2, _all),
    ),
)

EXERCISES = (VON,)
