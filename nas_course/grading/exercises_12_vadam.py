"""Check of exercise 12.6: one step of VAdam, with every letter in its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_array, expect_keys
from nas_course.grading.mistakes import Mistake, Task, close, judge
from nas_course.grading.transport import Expression

CHAPTER = "12_distributions"
KEYS = ("theta", "m", "s", "mu")
Parts = dict[str, np.ndarray]
State = dict[str, Any]


@dataclass(frozen=True)
class Gradient:
    """The gradient of a quadratic loss, as text and as a function."""

    curvature: np.ndarray
    target: np.ndarray

    def __call__(self, theta: np.ndarray) -> np.ndarray:
        """Return the gradient at a point."""
        return self.curvature * (theta - self.target)

    def __str__(self) -> str:
        return f"theta -> {np.round(self.curvature, 3)} * (theta - {np.round(self.target, 3)})"

    def sent(self) -> Expression:
        """What the learner's process evaluates."""
        h, c = self.curvature.tolist(), self.target.tolist()
        return Expression(
            f"lambda theta: np.array({h}) * (np.asarray(theta) - np.array({c}))", str(self)
        )


Case = tuple[State, np.ndarray, Gradient, dict[str, float]]


@dataclass
class Numbers:
    """All that a step computes with; a mistake changes some of it on the way."""

    mu: np.ndarray
    m: np.ndarray
    s: np.ndarray
    t: int
    e: np.ndarray
    n: float
    delta: float
    rate: float
    beta_1: float
    beta_2: float

    @property
    def d(self) -> float:
        """The precision of the prior for each example."""
        return self.delta / self.n


Rule = Callable[[Numbers], Any]
PointRule = Callable[[Numbers, np.ndarray], Any]


def _numbers(case: Any) -> Numbers:
    state, noise, _, settings = case
    mu, m, s = (np.asarray(state[name], dtype=float) for name in ("mu", "m", "s"))
    numbers = {"n" if name == "N" else name: value for name, value in settings.items()}
    return Numbers(mu, m, s, state["steps"] + 1, noise, **numbers)


def _sigma(x: Numbers) -> np.ndarray:
    return np.asarray(1 / np.sqrt(x.n * x.s + x.delta))


def _denominator(x: Numbers) -> np.ndarray:
    return np.asarray(np.sqrt(x.s / (1 - x.beta_2**x.t)) + x.d)


def _step(
    *case: Any,
    sigma: Rule = _sigma,
    at_mean: bool = False,
    pull: PointRule = lambda x, theta: x.d * x.mu,
    square: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda g, pulled: g * g,
    numerator: Rule = lambda x: x.m / (1 - x.beta_1**x.t),
    denominator: Rule = _denominator,
    begin: PointRule = lambda x, theta: x.mu,
    sign: int = -1,
) -> Parts:
    """One step, with its parts exchangeable."""
    x = _numbers(case)
    theta = x.mu + sigma(x) * x.e
    g = case[2](x.mu if at_mean else theta)
    pulled = g + pull(x, theta)
    x.m = x.beta_1 * x.m + (1 - x.beta_1) * pulled
    x.s = x.beta_2 * x.s + (1 - x.beta_2) * square(g, pulled)
    mu = begin(x, theta) + sign * x.rate * numerator(x) / denominator(x)
    return {"theta": theta, "m": x.m, "s": x.s, "mu": mu}


def vadam_step(*case: Any) -> Parts:
    """Return theta, m, s and mu after one step (Khan et al. 2018, figure 1)."""
    return _step(*case)


def _by(**parts: Any) -> Callable[..., Parts]:
    return lambda *case: _step(*case, **parts)


def _corrected(x: Numbers) -> np.ndarray:
    s = x.s / (1 - x.beta_2**x.t)
    return np.asarray(1 / np.sqrt(x.n * s + x.delta))


def _betas_exchanged(*case: Any) -> Parts:
    settings = case[3] | {"beta_1": case[3]["beta_2"], "beta_2": case[3]["beta_1"]}
    return _step(*case[:3], settings)


def _one_step_less(x: Numbers, beta: float) -> float:
    return 1 - beta ** (x.t - 1)


ONE_STEP_LESS = (
    "The corrections use the number of steps before this one.",
    "t = steps + 1: m and s have this gradient in them already.",
)
MISTAKES = (
    Mistake(
        "root-of-sigma-forgotten",
        _by(sigma=lambda x: 1 / (x.n * x.s + x.delta)),
        "1 / (N s + delta) is the variance; it was used as the standard deviation.",
        "Take the square root.",
    ),
    Mistake(
        "root-of-s-in-the-precision",
        _by(sigma=lambda x: 1 / np.sqrt(x.n * np.sqrt(x.s) + x.delta)),
        "The precision has the root of s. The root belongs to the step of the mean only.",
        "sigma = 1 / sqrt(N s + delta).",
    ),
    Mistake(
        "n-missing-in-the-precision",
        _by(sigma=lambda x: 1 / np.sqrt(x.s + x.delta)),
        "N is missing in the precision: s is the curvature of the mean loss of one example.",
        "N s + delta.",
    ),
    Mistake(
        "delta-missing-in-the-precision",
        _by(sigma=lambda x: 1 / np.sqrt(x.n * x.s)),
        "The prior's precision delta is missing.",
        "N s + delta.",
    ),
    Mistake(
        "corrected-s-in-the-precision",
        _by(sigma=_corrected),
        "The precision was computed with the bias-corrected s.",
        "Take s as it is. Before the first gradient s is 0, and sigma is that of the prior.",
    ),
    Mistake(
        "noise-times-the-root",
        _by(sigma=lambda x: np.sqrt(x.n * x.s + x.delta)),
        "The noise was multiplied by the root of the precision. Where the loss curves much the "
        "posterior would be wide.",
        "theta = mu + noise / sqrt(N s + delta).",
    ),
    Mistake(
        "delta-divided-in-the-precision",
        _by(sigma=lambda x: 1 / np.sqrt(x.n * x.s + x.d)),
        "delta was divided by N in the precision of theta, too.",
        "N s + delta: which of the three places of delta have N below it?",
    ),
    Mistake(
        "noise-ignored",
        _by(sigma=lambda x: 0 * x.s),
        "theta is the mean: no noise enters.",
        "theta = mu + noise / sqrt(N s + delta).",
    ),
    Mistake(
        "gradient-at-the-mean",
        _by(at_mean=True),
        "The gradient was taken at mu. Then the noise has no effect on anything.",
        "gradient(theta).",
    ),
    Mistake(
        "prior-forgotten",
        _by(pull=lambda x, theta: 0.0),
        "The pull of the prior, (delta / N) mu, is missing in m.",
        "g + (delta / N) mu.",
    ),
    Mistake(
        "prior-not-divided",
        _by(pull=lambda x, theta: x.delta * x.mu),
        "The prior pulls with delta. Against the mean loss of N examples it has delta / N.",
        "g + (delta / N) mu.",
    ),
    Mistake(
        "prior-pulls-the-sample",
        _by(pull=lambda x, theta: x.d * theta),
        "The prior pulls at theta.",
        "g + (delta / N) mu: at the mean.",
    ),
    Mistake(
        "prior-in-the-square",
        _by(square=lambda g, pulled: pulled * pulled),
        "The pull of the prior was squared into s.",
        "s takes the square of g alone; delta has its own place in the precision.",
    ),
    Mistake(
        "not-squared",
        _by(square=lambda g, pulled: np.abs(g)),
        "s follows the size of the gradient, not its square.",
        "g * g.",
    ),
    Mistake(
        "m-not-corrected",
        _by(numerator=lambda x: x.m),
        "m was not corrected: at the start it is too small, since it begins at 0.",
        "m / (1 - beta_1 ** t) with t = steps + 1.",
    ),
    Mistake(
        "s-not-corrected",
        _by(denominator=lambda x: np.sqrt(x.s) + x.d),
        "s was not corrected in the step of the mean: it is too small at first, the step too long.",
        "s / (1 - beta_2 ** t) under the root.",
    ),
    Mistake(
        "nothing-corrected",
        _by(numerator=lambda x: x.m, denominator=lambda x: np.sqrt(x.s) + x.d),
        "Neither m nor s was corrected. Both begin at 0 and are too small at first, each by a "
        "factor of its own.",
        "m / (1 - beta_1 ** t) and s / (1 - beta_2 ** t), in the last line only.",
    ),
    Mistake(
        "one-step-less",
        _by(
            numerator=lambda x: x.m / _one_step_less(x, x.beta_1),
            denominator=lambda x: np.sqrt(x.s / _one_step_less(x, x.beta_2)) + x.d,
        ),
        *ONE_STEP_LESS,
    ),
    Mistake(
        "no-root",
        _by(denominator=lambda x: x.s / (1 - x.beta_2**x.t) + x.d),
        "The root is missing in the step of the mean, as in equation 5.16 of the thesis: the steps "
        "grow like 1 / g when the gradient becomes small.",
        "sqrt(s_hat) + delta / N.",
    ),
    Mistake(
        "delta-not-divided",
        _by(denominator=lambda x: np.sqrt(x.s / (1 - x.beta_2**x.t)) + x.delta),
        "delta stands in the denominator as it is.",
        "sqrt(s_hat) + delta / N.",
    ),
    Mistake(
        "delta-under-the-root",
        _by(denominator=lambda x: np.sqrt(x.s / (1 - x.beta_2**x.t) + x.d)),
        "delta / N was added under the root.",
        "sqrt(s_hat) + delta / N.",
    ),
    Mistake(
        "adam-denominator",
        _by(denominator=lambda x: np.sqrt(x.s / (1 - x.beta_2**x.t)) + 1e-8),
        "The denominator is Adam's; in VAdam the prior takes the place of the small number.",
        "sqrt(s_hat) + delta / N.",
    ),
    Mistake(
        "sample-kept",
        _by(begin=lambda x, theta: theta),
        "The step starts from theta: the noise stays in the mean.",
        "The sample is thrown away after the gradient; update mu.",
    ),
    Mistake(
        "uphill",
        _by(sign=1),
        "The mean goes up the loss.",
        "mu - rate * ...",
    ),
    Mistake(
        "betas-exchanged",
        _betas_exchanged,
        "beta_1 and beta_2 are exchanged.",
        "beta_1 belongs to m, beta_2 to s.",
    ),
)
NAMES = ("state", "noise", "gradient", "settings")
TASK = Task(NAMES, vadam_step, MISTAKES)


def _case(rng: np.random.Generator, size: int, steps: int) -> Case:
    state = {
        "mu": rng.normal(size=size),
        "m": rng.normal(size=size) if steps else np.zeros(size),
        "s": rng.uniform(0.1, 2.0, size=size) if steps else np.zeros(size),
        "steps": steps,
    }
    slope = Gradient(rng.uniform(0.5, 3.0, size=size), rng.normal(size=size))
    names = {"N": 20.0, "delta": 3.0, "rate": 0.1, "beta_1": 0.5, "beta_2": 0.9}
    return state, rng.normal(size=size), slope, names


def _read(ask: Ask, case: Case) -> Parts:
    state, noise, slope, settings = case
    given = TASK.describe(case)
    parts = expect_keys(ask(dict(state), noise, slope.sent(), dict(settings)), KEYS, given=given)
    return {name: _array(parts[name], name, case) for name in KEYS}


def _array(value: Any, name: str, case: Case) -> np.ndarray:
    """Read one part; nan in mu alone, in the first step, is a division by 1 - beta ** 0."""
    state, noise, _, _ = case
    given = f"{TASK.describe(case)}; looking at `{name}`"
    try:
        return expect_array(value, noise.shape, given=given)
    except Diagnosis as trouble:
        if trouble.code != "not-finite" or name != "mu" or state["steps"] > 0:
            raise
        cause, step = ONE_STEP_LESS
        raise Diagnosis(
            given=given,
            got=trouble.got,
            expected=vadam_step(*case)["mu"],
            cause=f"{cause} That is 0 here, and 1 - beta ** 0 is 0, too.",
            next_step=step,
            code="one-step-less",
        ) from trouble


def _only(names: tuple[str, ...], ask: Ask, cases: list[Case], probes: list[Case]) -> None:
    """Pass when these parts are right; the others help to name what is wrong with them."""
    for case in cases:
        got, right = _read(ask, case), vadam_step(*case)
        if not all(close(got[name], right[name]) for name in names):
            judge(TASK, lambda asked: _read(ask, asked), [case], probes)


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _case(rng, 4, 2))


def _sample(ask: Ask, rng: np.random.Generator) -> None:
    _only(("theta",), ask, [_case(rng, 3, 0), _case(rng, 4, 3)], [_case(rng, 4, 5)])


def _moments(ask: Ask, rng: np.random.Generator) -> None:
    _only(("m", "s"), ask, [_case(rng, 3, 0), _case(rng, 4, 3)], [_case(rng, 4, 5)])


def _means(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, 3, 4), _case(rng, 3, 0), _case(rng, 10, 30)]
    judge(TASK, lambda case: _read(ask, case), cases, [_case(rng, 4, 5), _case(rng, 4, 2)])


VADAM = Exercise(
    id="12.6",
    chapter=CHAPTER,
    title="One step of VAdam",
    answer="vadam_step",
    minutes=25,
    difficulty=4,
    stages=(
        Stage("four arrays", 0, _form),
        Stage("the sample", 1, _sample),
        Stage("the moments", 2, _moments),
        Stage("the mean", 2, _means),
    ),
)

EXERCISES = (VADAM,)
