"""Check of exercise 12.3: a soft sample at a temperature, and its limits."""

from __future__ import annotations

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_array
from nas_course.grading.gumbel_rules import gumbel, one_hot, softmax, uniform_noise
from nas_course.grading.mistakes import Mistake, Task, judge

CHAPTER = "12_distributions"
Case = tuple[np.ndarray, np.ndarray, float]


def soft_sample(logits: np.ndarray, uniform: np.ndarray, temperature: float) -> np.ndarray:
    """Return softmax((logits + g) / temperature) for each edge (Jang et al. 2017, eq. 2)."""
    return softmax((logits + gumbel(uniform)) / temperature)


def _divided_afterwards(z: np.ndarray, u: np.ndarray, t: float) -> np.ndarray:
    return softmax(z + gumbel(u)) / t


MISTAKES = (
    Mistake(
        "temperature-before-noise",
        lambda z, u, t: softmax(z / t + gumbel(u)),
        "Only the logits were divided by the temperature; the noise was added afterwards. Then a "
        "low temperature silences the noise instead of sharpening the sample.",
        "Add first, then divide the sum.",
    ),
    Mistake(
        "temperature-on-the-noise",
        lambda z, u, t: softmax(z + gumbel(u) / t),
        "Only the noise was divided by the temperature.",
        "Divide the sum of logits and noise.",
    ),
    Mistake(
        "multiplied-by-temperature",
        lambda z, u, t: softmax((z + gumbel(u)) * t),
        "The sum was multiplied by the temperature, so that hot is sharp and cold is flat.",
        "Divide.",
    ),
    Mistake(
        "temperature-ignored",
        lambda z, u, t: softmax(z + gumbel(u)),
        "The temperature plays no role.",
        "Divide the sum by it before the softmax.",
    ),
    Mistake(
        "divided-after-the-softmax",
        _divided_afterwards,
        "The softmax was divided by the temperature: the rows no longer sum to 1.",
        "Divide inside, before the softmax.",
    ),
    Mistake(
        "noise-ignored",
        lambda z, u, t: softmax(z / t),
        "No noise enters: this is a softmax with a temperature, not a sample.",
        "Add -log(-log u) to the logits.",
    ),
    Mistake(
        "uniform-added",
        lambda z, u, t: softmax((z + u) / t),
        "The uniform numbers were added as they are.",
        "Transform them: g = -log(-log u).",
    ),
    Mistake(
        "sign-of-the-noise",
        lambda z, u, t: softmax((z - gumbel(u)) / t),
        "The noise has the wrong sign.",
        "g = -log(-log u), with both minus signs.",
    ),
    Mistake(
        "noise-on-probabilities",
        lambda z, u, t: softmax((softmax(z) + gumbel(u)) / t),
        "The noise was added to probabilities.",
        "Add it to the logits (or to the logarithms of the probabilities).",
    ),
    Mistake(
        "hard-sample",
        lambda z, u, t: one_hot(z + gumbel(u)),
        "This is the hard sample: 1 for the winner. That is the limit of temperature 0 only.",
        "Softmax instead of argmax.",
    ),
    Mistake(
        "softmax-over-edges",
        lambda z, u, t: softmax((z + gumbel(u)) / t, axis=0),
        "The softmax runs over the edges.",
        "The operations of one edge compete: each row sums to 1.",
    ),
    Mistake(
        "one-softmax-for-all",
        lambda z, u, t: softmax(((z + gumbel(u)) / t).ravel()).reshape(z.shape),
        "One softmax was taken over all entries.",
        "Each row sums to 1.",
    ),
    Mistake(
        "root-of-the-temperature",
        lambda z, u, t: softmax((z + gumbel(u)) / np.sqrt(t)),
        "The sum was divided by the root of the temperature.",
        "Divide by the temperature itself.",
    ),
)
TASK = Task(("logits", "uniform", "temperature"), soft_sample, MISTAKES)


def _case(rng: np.random.Generator, edges: int, operations: int, temperature: float) -> Case:
    noise = uniform_noise(rng, edges, operations)
    return rng.normal(size=(edges, operations)), noise, temperature


def _read(ask: Ask, case: Case) -> np.ndarray:
    try:
        return expect_array(ask(*case), case[0].shape, given=TASK.describe(case))
    except Diagnosis as trouble:
        if trouble.code != "not-finite":
            raise
        raise Diagnosis(
            given=TASK.describe(case),
            got="nan or infinity",
            expected=soft_sample(*case),
            cause="exp of a large number is infinite. At a low temperature every logit is large.",
            next_step="Subtract the largest entry of each row before exp; the softmax stays.",
            code="overflow",
        ) from trouble


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _case(rng, 3, 4, 1.0))


def _temperature_one(ask: Ask, rng: np.random.Generator) -> None:
    u = np.array([[np.exp(-1.0), np.exp(-0.5)]])  # g = 0 and log 2: the sample is 1/3, 2/3
    hand: Case = (np.zeros((1, 2)), u, 1.0)
    cases = [hand, _case(rng, 2, 2, 1.0), _case(rng, 4, 3, 1.0)]
    judge(TASK, lambda case: _read(ask, case), cases, _probes(rng))


def _probes(rng: np.random.Generator) -> list[Case]:
    return [_case(rng, 3, 5, 0.6), _case(rng, 2, 4, 2.5)]


def _temperatures(ask: Ask, rng: np.random.Generator) -> None:
    sizes = ((1, 2, 0.5), (2, 2, 3.0), (6, 5, 0.5), (6, 5, 1.3))
    cases = [_case(rng, *size) for size in sizes]
    judge(TASK, lambda case: _read(ask, case), cases, _probes(rng))


def _limits(ask: Ask, rng: np.random.Generator) -> None:
    """Nearly one-hot, nearly even, and logits that overflow a plain exp."""
    sizes = ((1, 2, 1e-4), (1, 2, 1e6), (4, 5, 1e-4), (4, 5, 1e6))
    cases = [_case(rng, *size) for size in sizes]
    logits, uniform, _ = _case(rng, 1, 3, 1.0)
    cases.append((logits + 2000.0, uniform, 1.5))
    judge(TASK, lambda case: _read(ask, case), cases, _probes(rng))


SOFT = Exercise(
    id="12.3",
    chapter=CHAPTER,
    title="A soft sample and its limits",
    answer="soft_sample",
    minutes=15,
    difficulty=2,
    stages=(
        Stage("one number per operation", 0, _form),
        Stage("temperature 1", 1, _temperature_one),
        Stage("other temperatures", 2, _temperatures),
        Stage("very cold, very hot, large logits", 1, _limits),
    ),
)

EXERCISES = (SOFT,)
