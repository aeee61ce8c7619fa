"""Checks of exercise 02.2: the parameters of three kinds of convolution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.expect import expect_keys, expect_number
from nas_course.grading.mistakes import Mistake, Task, judge

CHAPTER = "02_search_spaces"
FIELDS = ("convolution", "separable", "dilated")
Case = tuple[int, int, int, bool]
Counts = dict[str, int]


def parameters(c_in: int, c_out: int, kernel: int, affine: bool) -> Counts:
    """Count as `nas_course.operations` builds them (DARTS, section 3.1)."""
    norm = 2 if affine else 0
    return _counted(c_in, c_out, kernel, norm * c_in, norm * c_out)


def _counted(c_in: int, c_out: int, kernel: int, norm_in: int, norm_out: int) -> Counts:
    depthwise = c_in * kernel**2
    return {
        "convolution": c_in * c_out * kernel**2 + norm_out,
        "separable": 2 * depthwise + c_in * c_in + norm_in + c_in * c_out + norm_out,
        "dilated": depthwise + c_in * c_out + norm_out,
    }


def _with_norm(each: Callable[[bool], int]) -> Callable[..., Counts]:
    """Count with another number of parameters for a channel that is normalised."""
    return lambda i, o, k, affine: _counted(i, o, k, each(affine) * i, each(affine) * o)


def _with(**changes: Callable[..., int]) -> Callable[..., Counts]:
    """Change some of the counts; each change takes c_in, c_out, kernel and 2 or 0."""

    def compute(i: int, o: int, k: int, affine: bool) -> Counts:
        norm = 2 if affine else 0
        changed = {name: change(i, o, k, norm) for name, change in changes.items()}
        return parameters(i, o, k, affine) | changed

    return compute


def _dilated(i: int, o: int, k: int, n: int) -> int:
    return i * k * k + i * o + n * o


MISTAKES = (
    Mistake(
        "separable-once",
        _with(separable=_dilated),
        "The pair of depthwise and 1x1 convolution was counted once. DARTS applies it twice.",
        "Add the first half: depthwise, 1x1 from C_in to C_in, normalisation of C_in channels.",
    ),
    Mistake(
        "halves-alike",
        _with(separable=lambda i, o, k, n: 2 * _dilated(i, o, k, n)),
        "Both halves were counted as going from C_in to C_out. The second gets what the first "
        "returns.",
        "The first half stays at C_in channels, the second goes from C_in to C_out.",
    ),
    Mistake(
        "widened-in-the-first-half",
        _with(separable=lambda i, o, k, n: _dilated(i, o, k, n) + _dilated(o, o, k, n)),
        "The first half goes to C_out channels here. In DARTS it stays at C_in, which is cheaper "
        "when C_out is larger.",
        "The first half: C_in to C_in. The second: C_in to C_out.",
    ),
    Mistake(
        "inner-norm-forgotten",
        _with(separable=lambda i, o, k, n: parameters(i, o, k, False)["separable"] + n * o),
        "The normalisation in the middle of the separable convolution is missing.",
        "Each half ends with a normalisation: the first of C_in channels.",
    ),
    Mistake(
        "depthwise-mixes-channels",
        _with(
            separable=lambda i, o, k, n: 2 * (i * k) ** 2 + i * i + i * o + n * (i + o),
            dilated=lambda i, o, k, n: (i * k) ** 2 + i * o + n * o,
        ),
        "The depthwise convolution was counted like an ordinary one. It has one K x K filter for "
        "each channel and mixes none.",
        "A depthwise convolution has C_in * K**2 weights (groups = C_in).",
    ),
    Mistake(
        "pointwise-forgotten",
        _with(
            separable=lambda i, o, k, n: 2 * i * k * k + n * (i + o),
            dilated=lambda i, o, k, n: i * k * k + n * o,
        ),
        "The 1x1 convolutions are missing: they are what mixes the channels.",
        "A 1x1 convolution from A to B channels has A * B weights.",
    ),
    Mistake(
        "dilation-costs",
        _with(dilated=lambda i, o, k, n: _dilated(i, o, 2 * k - 1, n)),
        "The dilated kernel was counted with the field that it sees, 2K - 1. Between its weights "
        "are gaps, not weights.",
        "Dilation changes the field, not the number of weights.",
    ),
    Mistake(
        "bias-counted",
        lambda i, o, k, a: {
            "convolution": parameters(i, o, k, a)["convolution"] + o,
            "separable": parameters(i, o, k, a)["separable"] + 3 * i + o,
            "dilated": parameters(i, o, k, a)["dilated"] + i + o,
        },
        "Biases were counted. The normalisation that follows would remove them, so they are off.",
        "In torch: bias=False for every convolution.",
    ),
    Mistake(
        "norm-forgotten",
        _with_norm(lambda affine: 0),
        "The normalisation has parameters when `affine` is true.",
        "Add 2 for each channel that is normalised: scale and shift.",
    ),
    Mistake(
        "norm-always-counted",
        _with_norm(lambda affine: 2),
        "The normalisation was counted although `affine` is false, as it is in a supernet.",
        "Add scale and shift only if `affine`.",
    ),
    Mistake(
        "one-number-a-channel",
        _with_norm(int),
        "The normalisation was counted with one number for each channel.",
        "There is a scale and a shift: two.",
    ),
    Mistake(
        "statistics-counted",
        _with_norm(lambda affine: 4 if affine else 2),
        "The running mean and variance were counted. They are buffers; no gradient changes them.",
        "Count scale and shift only.",
    ),
    Mistake(
        "statistics-counted",
        _with_norm(lambda affine: 4 * affine),
        "The running mean and variance were counted. They are buffers; no gradient changes them.",
        "Count scale and shift only.",
    ),
    Mistake(
        "kernel-not-squared",
        lambda i, o, k, a: {
            "convolution": parameters(i, o, k, a)["convolution"] - i * o * k * (k - 1),
            "separable": parameters(i, o, k, a)["separable"] - 2 * i * k * (k - 1),
            "dilated": parameters(i, o, k, a)["dilated"] - i * k * (k - 1),
        },
        "A kernel has K rows and K columns.",
        "Use K**2.",
    ),
)
TASK = Task(("channels_in", "channels_out", "kernel", "affine"), parameters, MISTAKES)


def _read(ask: Ask, case: Case) -> Counts:
    given = TASK.describe(case)
    fields = expect_keys(ask(*case), FIELDS, given=given)
    return {name: _whole(name, fields[name], given) for name in FIELDS}


def _whole(name: str, value: Any, given: str) -> int:
    return int(expect_number(value, given=f"{given}; looking at `{name}`", whole=True))


def _case(rng: np.random.Generator, affine: bool) -> Case:
    c_in, more = int(rng.integers(4, 40)), int(rng.integers(1, 40))
    return c_in, c_in + more, int(rng.choice([3, 5, 7])), affine


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _case(rng, False))


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    cases = [(2, 5, 3, False), (2, 5, 3, True)]
    judge(TASK, lambda case: _read(ask, case), cases, [_case(rng, True), _case(rng, False)])


def _random(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, affine) for affine in (True, False, True)]
    narrowing = (*(int(c) for c in rng.permutation([48, 12])), 3, True)
    equal = (16, 16, 5, False)
    judge(TASK, lambda case: _read(ask, case), [*cases, narrowing, equal], cases)


PARAMETERS = Exercise(
    id="02.2",
    chapter=CHAPTER,
    title="What a convolution costs",
    answer="parameters",
    minutes=15,
    difficulty=2,
    stages=(
        Stage("three whole numbers", 0, _form),
        Stage("two channels in, five out", 2, _by_hand),
        Stage("wide and narrow", 2, _random),
    ),
)

EXERCISES = (PARAMETERS,)
