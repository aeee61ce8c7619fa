"""Check of exercise 12.4: a straight-through sample, forward and backward, by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.expect import expect_array, expect_keys
from nas_course.grading.gumbel_rules import gumbel, one_hot, softmax, uniform_noise
from nas_course.grading.mistakes import Mistake, Task, close, judge

CHAPTER = "12_distributions"
Case = tuple[np.ndarray, np.ndarray, float, np.ndarray]
Parts = dict[str, np.ndarray]
Backward = Callable[[np.ndarray, np.ndarray, np.ndarray, float], np.ndarray]


def _through_softmax(y: np.ndarray, z: np.ndarray, v: np.ndarray, t: float) -> np.ndarray:
    """y (v - sum y v) / t: the softmax's Jacobian, applied to v."""
    return y * (v - (y * v).sum(axis=1, keepdims=True)) / t


def straight_through(
    logits: np.ndarray, uniform: np.ndarray, temperature: float, upstream: np.ndarray
) -> Parts:
    """Return the one-hot sample and the gradient of the soft one."""
    return _with(_through_softmax)(logits, uniform, temperature, upstream)


def _with(backward: Backward) -> Callable[..., Parts]:
    """The right forward value with another gradient; it gets soft and hard sample, v, t."""

    def compute(a: np.ndarray, u: np.ndarray, t: float, v: np.ndarray) -> Parts:
        noisy = a + gumbel(u)
        y, z = softmax(noisy / t), one_hot(noisy)
        return {"forward": z, "gradient": backward(y, z, v, t)}

    return compute


def _soft_forward(a: np.ndarray, u: np.ndarray, t: float, v: np.ndarray) -> Parts:
    soft = softmax((a + gumbel(u)) / t)
    return {**straight_through(a, u, t, v), "forward": soft}


def _forward_without_noise(a: np.ndarray, u: np.ndarray, t: float, v: np.ndarray) -> Parts:
    return {**straight_through(a, u, t, v), "forward": one_hot(a)}


def _without_noise(a: np.ndarray, u: np.ndarray, t: float, v: np.ndarray) -> Parts:
    y = softmax(a / t)
    return {**straight_through(a, u, t, v), "gradient": _through_softmax(y, y, v, t)}


def _noise_left_out(a: np.ndarray, u: np.ndarray, t: float, v: np.ndarray) -> Parts:
    return straight_through(a, np.full_like(u, 0.5), t, v)


def _temperature_first(a: np.ndarray, u: np.ndarray, t: float, v: np.ndarray) -> Parts:
    noisy = a / t + gumbel(u)
    y = softmax(noisy)
    return {"forward": one_hot(noisy), "gradient": _through_softmax(y, y, v, t)}


def _over_edges(a: np.ndarray, u: np.ndarray, t: float, v: np.ndarray) -> Parts:
    y = softmax((a + gumbel(u)) / t, axis=0)
    gradient = y * (v - (y * v).sum(axis=0)) / t
    return {**straight_through(a, u, t, v), "gradient": gradient}


MISTAKES = (
    Mistake(
        "soft-forward",
        _soft_forward,
        "The forward value is the soft sample. The network would compute all operations, mixed.",
        "Forward: 1 for the winner, 0 for the rest. Only the gradient is the soft one's.",
    ),
    Mistake(
        "forward-without-noise",
        _forward_without_noise,
        "The winner is the largest logit: the argmax was taken without the noise.",
        "Forward and backward use the same noisy logits.",
    ),
    Mistake(
        "gradient-of-the-argmax",
        _with(lambda y, z, v, t: np.zeros_like(v)),
        "The gradient is 0. That is what an argmax has nearly everywhere, and why the soft sample "
        "stands in for it on the way back.",
        "Use the derivative of softmax((logits + g) / temperature).",
    ),
    Mistake(
        "temperature-lost",
        _with(lambda y, z, v, t: _through_softmax(y, z, v, 1.0)),
        "The factor 1 / temperature of the inner derivative is missing.",
        "d softmax(x / t) / dx = (Jacobian at x / t) / t.",
    ),
    Mistake(
        "times-temperature",
        _with(lambda y, z, v, t: t * _through_softmax(y, z, v, 1.0)),
        "The inner derivative is 1 / temperature; here it was multiplied.",
        "Divide by the temperature.",
    ),
    Mistake(
        "not-centred",
        _with(lambda y, z, v, t: y * v / t),
        "Only the diagonal part y v is there. If one operation gains, the others lose.",
        "Subtract sum_j y_j v_j before multiplying by y; each row then sums to 0.",
    ),
    Mistake(
        "centred-by-the-winner",
        _with(lambda y, z, v, t: y * (v - (z * v).sum(axis=1, keepdims=True)) / t),
        "The upstream gradient of the winner was subtracted, as if the hard sample stood in the "
        "sum.",
        "On the way back it is the soft sample everywhere: do your rows sum to 0?",
    ),
    Mistake(
        "not-weighted",
        _with(lambda y, z, v, t: (v - (y * v).sum(axis=1, keepdims=True)) / t),
        "The factor y of each operation is missing.",
        "y_k (v_k - sum_j y_j v_j) / temperature.",
    ),
    Mistake(
        "plain-mean",
        _with(lambda y, z, v, t: y * (v - v.mean(axis=1, keepdims=True)) / t),
        "The plain mean of the upstream gradient was subtracted, not the one weighted by y.",
        "sum_j y_j v_j.",
    ),
    Mistake(
        "passed-on-unchanged",
        _with(lambda y, z, v, t: v.copy()),
        "The upstream gradient was passed on as it is, as if the sample were the logits.",
        "It must go back through the softmax and the division by the temperature.",
    ),
    Mistake(
        "diagonal-only",
        _with(lambda y, z, v, t: y * (1 - y) * v / t),
        "Only the diagonal y (1 - y) of the Jacobian was used.",
        "Every operation's sample depends on every logit of its edge.",
    ),
    Mistake(
        "only-the-winner",
        _with(lambda y, z, v, t: z * _through_softmax(y, z, v, t)),
        "Only the drawn operations get a gradient.",
        "The soft sample depends on all logits.",
    ),
    Mistake(
        "only-the-winner-is-heard",
        _with(lambda y, z, v, t: _through_softmax(y, z, z * v, t)),
        "The upstream gradient of the operations that were not drawn was dropped.",
        "Use all entries of upstream, as if the soft sample had been the value.",
    ),
    Mistake(
        "jacobian-at-the-hard-sample",
        _with(lambda y, z, v, t: (z * v - y * (z * v).sum(axis=1, keepdims=True)) / t),
        "Hard and soft sample are mixed inside the Jacobian.",
        "Take y, the soft sample, everywhere in the gradient.",
    ),
    Mistake(
        "sign-turned",
        _with(lambda y, z, v, t: -_through_softmax(y, z, v, t)),
        "The gradient has the wrong sign.",
        "Return dL/dlogits itself; the minus belongs to the step of the optimizer.",
    ),
    Mistake(
        "gradient-without-noise",
        _without_noise,
        "The gradient was computed from softmax(logits / temperature), without the noise.",
        "Forward and backward use the same noisy logits.",
    ),
    Mistake(
        "noise-ignored",
        _noise_left_out,
        "No noise enters: the winner is always the largest logit.",
        "Add -log(-log u) to the logits.",
    ),
    Mistake(
        "temperature-before-noise",
        _temperature_first,
        "The logits were divided by the temperature before the noise was added.",
        "(logits + g) / temperature. Then the winner does not depend on the temperature.",
    ),
    Mistake(
        "softmax-over-edges",
        _over_edges,
        "The soft sample behind the gradient was normalised over the edges.",
        "The operations of one edge compete: each row of y sums to 1.",
    ),
)
NAMES = ("logits", "uniform", "temperature", "upstream")
TASK = Task(NAMES, straight_through, MISTAKES)


def _case(rng: np.random.Generator, edges: int, operations: int, temperature: float) -> Case:
    shape = (edges, operations)
    return rng.normal(size=shape), uniform_noise(rng, *shape), temperature, rng.normal(size=shape)


def _read(ask: Ask, case: Case) -> Parts:
    given = TASK.describe(case)
    parts = expect_keys(ask(*case), ("forward", "gradient"), given=given)
    return {
        name: expect_array(part, case[0].shape, given=f"{given}; looking at `{name}`")
        for name, part in parts.items()
    }


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _case(rng, 3, 4, 1.0))


def _probes(rng: np.random.Generator) -> list[Case]:
    return [_case(rng, 4, 5, 0.7), _case(rng, 3, 4, 2.0)]


def _forward(ask: Ask, rng: np.random.Generator) -> None:
    """Only the forward value has to be right."""
    small = [_case(rng, 1, 2, 0.5) for _ in range(3)]
    for case in (*small, _case(rng, 6, 5, 0.5), _case(rng, 14, 8, 3.0)):
        if not close(_read(ask, case)["forward"], straight_through(*case)["forward"]):
            judge(TASK, lambda asked: _read(ask, asked), [case], _probes(rng))


def _temperature_one(ask: Ask, rng: np.random.Generator) -> None:
    u = np.array([[np.exp(-1.0), np.exp(-0.5)]])  # the soft sample is 1/3, 2/3
    hand: Case = (np.zeros((1, 2)), u, 1.0, np.array([[9.0, 0.0]]))
    cases = [hand, _case(rng, 2, 2, 1.0), _case(rng, 4, 3, 1.0)]
    judge(TASK, lambda case: _read(ask, case), cases, _probes(rng))


def _temperatures(ask: Ask, rng: np.random.Generator) -> None:
    sizes = ((1, 2, 0.4), (2, 2, 2.5), (5, 4, 0.4), (5, 4, 2.5))
    cases = [_case(rng, *size) for size in sizes]
    logits, uniform, temperature, upstream = _case(rng, 1, 3, 0.3)
    far_apart = np.array([[900.0, 0.0, -900.0]])
    cases += [(z, uniform, temperature, upstream) for z in (logits + 500.0, far_apart)]
    judge(TASK, lambda case: _read(ask, case), cases, _probes(rng))


STRAIGHT = Exercise(
    id="12.4",
    chapter=CHAPTER,
    title="Hard forward, soft backward",
    answer="straight_through",
    minutes=20,
    difficulty=3,
    stages=(
        Stage("two arrays", 0, _form),
        Stage("forward", 1, _forward),
        Stage("backward at temperature 1", 2, _temperature_one),
        Stage("backward at other temperatures", 2, _temperatures),
    ),
)

EXERCISES = (STRAIGHT,)
