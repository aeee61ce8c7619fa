"""Check of exercise 12.8: a sampled edge in which three faults have to be found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.expect import expect_array, expect_keys
from nas_course.grading.gumbel_rules import uniform_noise
from nas_course.grading.mistakes import Mistake, Task, close, judge, left_over
from nas_course.grading.transport import Tensor

CHAPTER = "12_distributions"
KEYS = ("value", "gradient")
Case = tuple[np.ndarray, np.ndarray, np.ndarray, float, np.ndarray]
Parts = dict[str, np.ndarray]
Gate = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Noisy = Callable[[torch.Tensor, torch.Tensor, float], torch.Tensor]


def _gumbel(uniform: torch.Tensor) -> torch.Tensor:
    return -torch.log(-torch.log(uniform))


def _sharpened(logits: torch.Tensor, uniform: torch.Tensor, t: float) -> torch.Tensor:
    return (logits + _gumbel(uniform)) / t


def _straight(hard: torch.Tensor, soft: torch.Tensor) -> torch.Tensor:
    return hard - soft.detach() + soft


def _winner_only(hard: torch.Tensor, soft: torch.Tensor) -> torch.Tensor:
    return hard * (1 + soft - soft.detach())


def _edge(
    case: Any,
    gate: Gate = _straight,
    noisy: Noisy = _sharpened,
    row: Callable[[int], int] = lambda number: 0,
) -> Parts:
    """The edge, with its parts exchangeable."""
    outputs, logits, draws, temperature, upstream = case
    theta = torch.tensor(logits, requires_grad=True)
    value = torch.zeros(len(upstream), dtype=torch.double)
    for number, output in enumerate(torch.tensor(outputs)):
        soft = noisy(theta, torch.tensor(draws[row(number)]), temperature).softmax(dim=0)
        hard = torch.nn.functional.one_hot(soft.argmax(), len(soft)).to(soft)
        value = value + gate(hard, soft)[number] * output
    (gradient,) = torch.autograd.grad((value * torch.tensor(upstream)).sum(), theta)
    return {"value": value.detach().numpy(), "gradient": gradient.numpy()}


def gdas_edge(*case: Any) -> Parts:
    """Return the value of the drawn operation and the straight-through gradient."""
    return _edge(case)


def _before_the_noise(logits: torch.Tensor, uniform: torch.Tensor, t: float) -> torch.Tensor:
    return logits / t + _gumbel(uniform)


def _with_faults(faults: frozenset[str]) -> Callable[..., Parts]:
    """The edge with some of the three faults left in it."""
    gate = _winner_only if "gradient" in faults else _straight
    noisy = _before_the_noise if "temperature" in faults else _sharpened
    row = (lambda number: number) if "noise" in faults else (lambda number: 0)
    return lambda *case: _edge(case, gate, noisy, row)


FAULTS = {
    "noise": (
        "noise-drawn-anew",
        "The value is not what one of the operations gives: for these draws none of them passes "
        "the edge, or several do, or the wrong one.",
        "Print `hard` in every round of the loop. How many operations win, in all?",
    ),
    "temperature": (
        "temperature-before-noise",
        "The temperature decides which operation passes: when it is low, the largest logit always "
        "does; when it is high, the logits hardly matter.",
        "Who wins with these draws at temperature 1, and in 12.3 at any other temperature?",
    ),
    "gradient": (
        "gradient-lost",
        "The value is right. But the gradient is the same whatever the operations would have "
        "given that were not drawn.",
        "What is the derivative of a gate by its `soft` when its `hard` is 0?",
    ),
}


def _by(**parts: Any) -> Callable[..., Parts]:
    return lambda *case: _edge(case, **parts)


MISTAKES = (
    *left_over(FAULTS, _with_faults),
    Mistake(
        "soft-mixture",
        _by(gate=lambda hard, soft: soft),
        "The value is the soft mixture of all operations, not the drawn one.",
        "Which value must the gate of an operation have that was not drawn?",
    ),
    Mistake(
        "hard-and-soft-added",
        _by(gate=lambda hard, soft: hard + soft),
        "The gates are hard + soft: their values no longer are 0 and 1.",
        "What has to be taken away in front, without its gradient?",
    ),
    Mistake(
        "gradient-turned",
        _by(gate=lambda hard, soft: hard + soft.detach() - soft),
        "The value is right, but the gradient has the wrong sign.",
        "With which sign does the part that is not detached enter the gate?",
    ),
    Mistake(
        "noise-ignored",
        _by(noisy=lambda a, u, t: a / t),
        "The noise is gone: the largest logit always wins.",
        "Add the Gumbel noise.",
    ),
    Mistake(
        "sign-of-the-noise",
        _by(noisy=lambda a, u, t: (a - _gumbel(u)) / t),
        "The noise has the wrong sign. That line was right.",
        "-log(-log u).",
    ),
    Mistake(
        "temperature-lost",
        _by(noisy=lambda a, u, t: a + _gumbel(u)),
        "The temperature is gone.",
        "Where does the formula of 12.3 have it?",
    ),
    Mistake(
        "temperature-multiplied",
        _by(noisy=lambda a, u, t: (a + _gumbel(u)) * t),
        "The sum is multiplied by the temperature.",
        "Should a cold sample be sharp or even?",
    ),
    Mistake(
        "temperature-on-the-noise",
        _by(noisy=lambda a, u, t: a + _gumbel(u) / t),
        "Only the noise is divided by the temperature.",
        "Compare the line with the formula of 12.3.",
    ),
    Mistake(
        "another-row",
        _by(row=lambda number: -1),
        "One row of noise is used, but the last one of draws.",
        "The generator gives its rows in their order: which one does the first draw take?",
    ),
    Mistake(
        "one-number-each",
        lambda *case: _edge((*case[:2], np.diag(case[2])[None], *case[3:])),
        "Operation o got the o-th number of the o-th row: one sample, but put together from many.",
        "How many fresh draws does one decision need, and how many numbers has a draw?",
    ),
)
NAMES = ("outputs", "logits", "draws", "temperature", "upstream")
TASK = Task(NAMES, gdas_edge, MISTAKES)


def _case(rng: np.random.Generator, operations: int, temperature: float, features: int = 3) -> Case:
    outputs, upstream = rng.normal(size=(operations, features)), rng.normal(size=features)
    return outputs, rng.normal(size=operations), _draws(rng, operations), temperature, upstream


def _draws(rng: np.random.Generator, operations: int) -> np.ndarray:
    """Noise in which row r lets operation r + 1 win: whoever mixes rows up is seen."""
    draws = uniform_noise(rng, operations, operations) * 0.5
    for row in range(operations):
        draws[row, (row + 1) % operations] = 0.995
    return draws


def _overruled(rng: np.random.Generator, temperature: float) -> Case:
    """At temperature 1 the noise wins against the logits; divided first, a cold logit wins."""
    outputs, _, draws, _, upstream = _case(rng, 4, temperature)
    return outputs, np.array([1.0, 0.0, 0.2, -0.5]), draws, temperature, upstream


def _read(ask: Ask, case: Case) -> Parts:
    outputs, logits, draws, temperature, upstream = case
    given = TASK.describe(case)
    tensors = (Tensor(outputs), Tensor(logits), Tensor(draws))
    parts = expect_keys(ask(*tensors, temperature, Tensor(upstream)), KEYS, given=given)
    shapes = {"value": upstream.shape, "gradient": logits.shape}
    return {
        name: expect_array(parts[name], shape, given=f"{given}; looking at `{name}`")
        for name, shape in shapes.items()
    }


def _probes(rng: np.random.Generator) -> list[Case]:
    return [_overruled(rng, 0.05), _case(rng, 4, 0.5), _case(rng, 5, 2.0)]


def _values(ask: Ask, cases: list[Case], probes: list[Case]) -> None:
    """Pass when the values are right; the gradients help only to name what is wrong."""
    for case in cases:
        if not close(_read(ask, case)["value"], gdas_edge(*case)["value"]):
            judge(TASK, lambda asked: _read(ask, asked), [case], probes)


def _one_wins(ask: Ask, rng: np.random.Generator) -> None:
    _values(ask, [_case(rng, 3, 1.0), _case(rng, 5, 1.0, 7)], _probes(rng))


def _temperatures(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_overruled(rng, 0.05), _overruled(rng, 5.0), _case(rng, 6, 0.2)]
    _values(ask, cases, _probes(rng))


def _gradients(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, 4, 1.0), _case(rng, 5, 0.7), _overruled(rng, 3.0)]
    judge(TASK, lambda case: _read(ask, case), cases, _probes(rng))


EDGE = Exercise(
    id="12.8",
    chapter=CHAPTER,
    title="Three faults on one edge",
    answer="gdas_edge",
    minutes=25,
    difficulty=4,
    stages=(
        Stage("one operation wins", 1, _one_wins),
        Stage("whatever the temperature", 2, _temperatures),
        Stage("the gradient", 2, _gradients),
    ),
    reasons=(
        "One decision needs one draw: each operation looked at a sample of its own.",
        "Divided before the noise is added, the logits drown it when it is cold.",
        "hard - soft.detach() + soft is hard in front and soft behind, for every operation; "
        "hard * (...) has a derivative for the drawn one only.",
    ),
)

EXERCISES = (EDGE,)
