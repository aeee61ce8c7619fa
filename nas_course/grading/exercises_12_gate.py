"""Check of exercise 12.5: the hard-concrete gate, and how often it is shut or open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_array, expect_keys
from nas_course.grading.gumbel_rules import sigmoid, uniform_noise
from nas_course.grading.mistakes import Mistake, Task, close, judge

CHAPTER = "12_distributions"
Case = tuple[np.ndarray, np.ndarray, float, float, float]
Parts = dict[str, np.ndarray]
Part = Callable[..., np.ndarray]


def _logit(u: np.ndarray) -> np.ndarray:
    return np.log(u) - np.log1p(-u)


def _gate(a: np.ndarray, u: np.ndarray, t: float, low: float, high: float) -> np.ndarray:
    return np.clip(low + (high - low) * sigmoid((_logit(u) + a) / t), 0, 1)


def _not_shut(a: np.ndarray, u: np.ndarray, t: float, low: float, high: float) -> np.ndarray:
    return sigmoid(a - t * np.log(-low / high))


def _full(a: np.ndarray, u: np.ndarray, t: float, low: float, high: float) -> np.ndarray:
    return sigmoid(a - t * np.log((1 - low) / (high - 1)))


def hard_concrete(*case: Any) -> Parts:
    """Return gates, P(gate > 0) and P(gate = 1) (Louizos et al. 2018, eq. 10 to 12)."""
    return {"gate": _gate(*case), "p_open": _not_shut(*case), "p_full": _full(*case)}


def _with(**parts: Part) -> Callable[..., Parts]:
    """The right answer with some parts computed in another way."""
    return lambda *case: hard_concrete(*case) | {n: part(*case) for n, part in parts.items()}


def _noised(inner: Callable[..., np.ndarray]) -> Callable[..., Parts]:
    """The right answer, but for what stands inside the gate's sigmoid."""

    def gate(a: np.ndarray, u: np.ndarray, t: float, low: float, high: float) -> np.ndarray:
        return np.clip(low + (high - low) * sigmoid(inner(a, u, t)), 0, 1)

    return _with(gate=gate)


DIVIDED = (
    "p_open was divided by the temperature as a whole. The logit itself is not scaled.",
    "Multiply the inequality by the temperature before you solve it for the noise.",
)
MISTAKES = (
    Mistake(
        "not-clipped",
        _with(gate=lambda a, u, t, lo, hi: lo + (hi - lo) * sigmoid((_logit(u) + a) / t)),
        "The stretched values were not cut off: some lie below 0 or above 1.",
        "min(1, max(0, ...)): the cut is what makes exact zeros and ones.",
    ),
    Mistake(
        "not-stretched",
        _with(gate=lambda a, u, t, lo, hi: sigmoid((_logit(u) + a) / t)),
        "The sigmoid was not stretched to (low, high), so no gate is ever exactly 0 or 1.",
        "low + (high - low) s, then cut off at 0 and 1.",
    ),
    Mistake(
        "stretched-by-high",
        _with(gate=lambda a, u, t, lo, hi: np.clip(lo + hi * sigmoid((_logit(u) + a) / t), 0, 1)),
        "The factor of the stretch is high; the interval from low to high is longer.",
        "low + (high - low) s.",
    ),
    Mistake(
        "temperature-on-the-logit",
        _noised(lambda a, u, t: _logit(u) + a / t),
        "Only the logit was divided by the temperature.",
        "(noise + logit) / temperature.",
    ),
    Mistake(
        "temperature-on-the-noise",
        _noised(lambda a, u, t: _logit(u) / t + a),
        "Only the noise was divided by the temperature.",
        "(noise + logit) / temperature.",
    ),
    Mistake(
        "temperature-ignored",
        _noised(lambda a, u, t: _logit(u) + a),
        "The temperature plays no role in the gate.",
        "Divide the sum of noise and logit by it.",
    ),
    Mistake(
        "gumbel-noise",
        _noised(lambda a, u, t: (a - np.log(-np.log(u))) / t),
        "The noise is Gumbel's. Between two options only the difference of two Gumbel numbers "
        "counts, and that is logistic: log u - log(1 - u).",
        "Use log u - log(1 - u).",
    ),
    Mistake(
        "half-of-the-noise",
        _noised(lambda a, u, t: (np.log(u) + a) / t),
        "The noise is log u alone, which is never positive.",
        "log u - log(1 - u).",
    ),
    Mistake(
        "noise-turned",
        _noised(lambda a, u, t: (a - _logit(u)) / t),
        "The noise has the wrong sign. The distribution is right, but these are other draws.",
        "log u - log(1 - u), added to the logit.",
    ),
    Mistake(
        "noise-ignored",
        _noised(lambda a, u, t: a / t),
        "No noise enters the gate.",
        "Add log u - log(1 - u) to the logit.",
    ),
    Mistake(
        "probability-of-the-sigmoid",
        _with(p_open=lambda a, u, t, lo, hi: sigmoid(a)),
        "p_open is the sigmoid of the logit. That is the chance of a value above one half; the "
        "stretch leaves gates open that are lower.",
        "Solve low + (high - low) s > 0 for s, then for u.",
    ),
    Mistake(
        "shift-of-the-wrong-sign",
        _with(p_open=lambda a, u, t, lo, hi: sigmoid(a + t * np.log(-lo / hi))),
        "The shift of p_open has the wrong sign: it makes an open gate rarer than a sigmoid above "
        "one half.",
        "log(-low / high) is negative; subtract it.",
    ),
    Mistake(
        "temperature-lost-in-the-probability",
        _with(p_open=lambda a, u, t, lo, hi: sigmoid(a - np.log(-lo / hi))),
        "The temperature is missing in the shift of p_open.",
        "s > s_0 means (noise + logit) > temperature * log(s_0 / (1 - s_0)).",
    ),
    Mistake(
        "probability-divided-by-temperature",
        _with(p_open=lambda a, u, t, lo, hi: sigmoid((a - np.log(-lo / hi)) / t)),
        *DIVIDED,
    ),
    Mistake(
        "probability-divided-by-temperature",
        _with(p_open=lambda a, u, t, lo, hi: sigmoid(a / t - np.log(-lo / hi))),
        *DIVIDED,
    ),
    Mistake(
        "shut-not-open",
        _with(p_open=lambda *case: 1 - _not_shut(*case)),
        "p_open is the chance of a gate that is shut.",
        "1 minus this.",
    ),
    Mistake(
        "full-is-open",
        _with(p_full=_not_shut),
        "p_full is the chance of any open gate, not of one that is exactly 1.",
        "Solve low + (high - low) s >= 1.",
    ),
    Mistake(
        "full-is-not-open",
        _with(p_full=lambda *case: 1 - _not_shut(*case)),
        "p_full is the chance of a shut gate. Between shut and full there is everything between.",
        "Solve low + (high - low) s >= 1.",
    ),
    Mistake(
        "not-full",
        _with(p_full=lambda *case: 1 - _full(*case)),
        "p_full is the chance of a gate that is not exactly 1.",
        "Which side of s_0 must s be on? Should a larger logit make a full gate more likely?",
    ),
    Mistake(
        "full-of-the-wrong-sign",
        _with(p_full=lambda a, u, t, lo, hi: sigmoid(a + t * np.log((1 - lo) / (hi - 1)))),
        "The shift of p_full has the wrong sign: a full gate must be rarer than an open one.",
        "log((1 - low) / (high - 1)) is positive here; subtract it, times the temperature.",
    ),
    Mistake(
        "full-by-symmetry",
        _with(p_full=lambda a, u, t, lo, hi: 1 - _not_shut(-a, u, t, lo, hi)),
        "p_full was taken from p_open by symmetry. The interval need not reach as far above 1 as "
        "below 0.",
        "Solve low + (high - low) s >= 1 with low and high as they are.",
    ),
    Mistake(
        "observed-not-expected",
        lambda *case: (
            hard_concrete(*case)
            | {"p_open": (_gate(*case) > 0) * 1.0, "p_full": (_gate(*case) == 1) * 1.0}
        ),
        "The probabilities look at the gate that was drawn. They must not depend on u.",
        "They are functions of the logit alone.",
    ),
)
NAMES = ("logits", "uniform", "temperature", "low", "high")
TASK = Task(NAMES, hard_concrete, MISTAKES)
KEYS = ("gate", "p_open", "p_full")
COUNTED = 0.05  # four standard errors of a share of 1,600 draws


def _case(rng: np.random.Generator, edges: int, temperature: float, stretch: float = 1.1) -> Case:
    logits = rng.normal(size=edges) * 1.5
    return logits, uniform_noise(rng, edges), temperature, 1 - stretch, stretch


def _uneven(rng: np.random.Generator, edges: int, temperature: float) -> Case:
    """An interval that reaches further below 0 than above 1."""
    return (*_case(rng, edges, temperature)[:3], -0.4, 1.2)


def _read(ask: Ask, case: Case) -> Parts:
    given = TASK.describe(case)
    parts = expect_keys(ask(*case), KEYS, given=given)
    shape = case[0].shape
    return {
        name: expect_array(parts[name], shape, given=f"{given}; looking at `{name}`")
        for name in KEYS
    }


def _probes(rng: np.random.Generator) -> list[Case]:
    return [_uneven(rng, 30, 0.5), _case(rng, 30, 2 / 3), _uneven(rng, 10, 1.7)]


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _case(rng, 4, 2 / 3))


def _only(name: str, ask: Ask, cases: list[Case], probes: list[Case]) -> None:
    """Pass when one part is right; the others help to name what is wrong with it."""
    for case in cases:
        if not close(_read(ask, case)[name], hard_concrete(*case)[name]):
            judge(TASK, lambda asked: _read(ask, asked), [case], probes)


def _gates(ask: Ask, rng: np.random.Generator) -> None:
    hand: Case = (np.array([0.0, 0.0, 9.0, -9.0]), np.array([0.5, 0.75, 0.5, 0.5]), 1.0, -0.1, 1.1)
    _only("gate", ask, [hand, _case(rng, 40, 2 / 3), _uneven(rng, 40, 0.3)], _probes(rng))


def _open(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, 6, 2 / 3), _uneven(rng, 6, 0.3)]
    with _told_if_counted("p_open", ask, cases[0]):
        _only("p_open", ask, cases, _probes(rng))


def _all(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, 6, 2 / 3), _uneven(rng, 6, 1.5), _case(rng, 40, 0.2, 1.3)]
    with _told_if_counted("p_full", ask, cases[0]):
        judge(TASK, lambda case: _read(ask, case), cases, _probes(rng))


@contextmanager
def _told_if_counted(name: str, ask: Ask, case: Case) -> Iterator[None]:
    """Say of a probability that nothing else explains that it is as near as a count comes."""
    try:
        yield
    except Diagnosis as trouble:
        got, expected = _read(ask, case)[name], hard_concrete(*case)[name]
        far = np.abs(got - expected).max()
        if trouble.code != "values-differ" or close(got, expected) or far > COUNTED:
            raise
        raise Diagnosis(
            given=TASK.describe(case),
            got=got,
            expected=expected,
            cause=f"{name} is near the probability (at most {far:.1g} away), but not equal to it, "
            "as the share of gates drawn at random would be.",
            next_step="Solve the inequality for the noise: its distribution function is exact.",
            code="counted-not-derived",
        ) from trouble


GATE = Exercise(
    id="12.5",
    chapter=CHAPTER,
    title="A gate that can be shut",
    answer="hard_concrete",
    minutes=20,
    difficulty=3,
    stages=(
        Stage("three arrays", 0, _form),
        Stage("the gate", 1, _gates),
        Stage("how often it is open", 1, _open),
        Stage("how often it is exactly 1", 2, _all),
    ),
)

EXERCISES = (GATE,)
