"""Check of exercise 05.2: the log-probability of token sequences under a masked policy."""

from __future__ import annotations

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_array
from nas_course.grading.mistakes import Mistake, Task, judge
from nas_course.grading.transport import Tensor

CHAPTER = "05_reinforcement_learning"
Case = tuple[np.ndarray, np.ndarray, list[int]]


def sequence_log_probability(
    logits: np.ndarray, tokens: np.ndarray, options: list[int]
) -> np.ndarray:
    """Return the sum over steps of log pi(token), shape (batch,)."""
    return _picked(logits, tokens, options).sum(axis=1)


def _masked(logits: np.ndarray, options: list[int], fill: float = -np.inf) -> np.ndarray:
    missing = np.arange(logits.shape[2]) >= np.array(options)[:, None]
    return np.where(missing, fill, logits)


def _log_softmax(logits: np.ndarray, axis: int | tuple[int, ...] = 2) -> np.ndarray:
    shifted = logits - logits.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _pick(values: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    return np.take_along_axis(values, tokens[:, :, None], axis=2)[:, :, 0]


def _picked(logits: np.ndarray, tokens: np.ndarray, options: list[int]) -> np.ndarray:
    """log pi of every token, shape (batch, steps)."""
    return _pick(_log_softmax(_masked(logits, options)), tokens)


def _next_tokens(logits: np.ndarray, tokens: np.ndarray, options: list[int]) -> np.ndarray:
    return np.asarray(_pick(_log_softmax(_masked(logits, options))[:, :-1], tokens[:, 1:]).sum(1))


MISTAKES = (
    Mistake(
        "mask-ignored",
        lambda z, a, n: _pick(_log_softmax(z), a).sum(1),
        "Options that a step does not have got a share of the probability.",
        "Set their logits to minus infinity before the softmax. A mask after it comes too late: "
        "the rest no longer sums to one.",
    ),
    Mistake(
        "masked-with-zero",
        lambda z, a, n: _pick(_log_softmax(_masked(z, n, 0.0)), a).sum(1),
        "The logits of missing options were set to 0. exp(0) is 1: they are drawn like others.",
        "Fill with minus infinity.",
    ),
    Mistake(
        "one-number-of-options",
        lambda z, a, n: _pick(_log_softmax(_masked(z, [max(n)] * len(n))), a).sum(1),
        "All steps were given as many options as the largest one.",
        "Compare the column numbers with options[t], step by step.",
    ),
    Mistake(
        "probability-not-logarithm",
        lambda z, a, n: np.exp(sequence_log_probability(z, a, n)),
        "This is the probability, not its logarithm.",
        "Sum logarithms. A product of many probabilities soon is 0 in a computer.",
    ),
    Mistake(
        "probabilities-added",
        lambda z, a, n: np.exp(_picked(z, a, n)).sum(1),
        "The probabilities of the tokens were added. Those of a sequence multiply.",
        "Take the logarithm of each first; then the sum is right.",
    ),
    Mistake(
        "mean-over-steps",
        lambda z, a, n: _picked(z, a, n).mean(1),
        "The steps were averaged. That is the log-probability per token.",
        "Sum over the steps.",
    ),
    Mistake(
        "last-step-only",
        lambda z, a, n: _picked(z, a, n)[:, -1],
        "Only the last token counts here.",
        "Sum over all steps.",
    ),
    Mistake(
        "first-step-only",
        lambda z, a, n: _picked(z, a, n)[:, 0],
        "Only the first token counts here.",
        "Sum over all steps.",
    ),
    Mistake(
        "likeliest-not-drawn",
        lambda z, a, n: _log_softmax(_masked(z, n)).max(axis=2).sum(1),
        "This is the log-probability of the likeliest tokens, not of those in `tokens`.",
        "Pick the entry of the token that was drawn (gather).",
    ),
    Mistake(
        "not-normalised",
        lambda z, a, n: _pick(z, a).sum(1),
        "These are sums of logits: no softmax.",
        "Logits are log-probabilities only up to a constant per step; log_softmax removes it.",
    ),
    Mistake(
        "softmax-over-steps",
        lambda z, a, n: _pick(_log_softmax(_masked(z, n, -1e9), axis=1), a).sum(1),
        "The softmax runs over the steps.",
        "The options of one step compete: normalise over the last dimension.",
    ),
    Mistake(
        "softmax-over-batch",
        lambda z, a, n: _pick(_log_softmax(_masked(z, n, -1e9), axis=0), a).sum(1),
        "The softmax runs over the batch.",
        "The options of one step compete: normalise over the last dimension.",
    ),
    Mistake(
        "next-token",
        _next_tokens,
        "Step t was compared with token t + 1, as in a language model. Here logits[:, t] are those "
        "from which token t was drawn.",
        "Use the same t for both.",
    ),
    Mistake(
        "sign-of-a-loss",
        lambda z, a, n: -sequence_log_probability(z, a, n),
        "The sign is turned: a log-probability is never above 0.",
        "Return log p itself; the minus belongs to a loss.",
    ),
    Mistake(
        "bits-not-nats",
        lambda z, a, n: sequence_log_probability(z, a, n) / np.log(2),
        "The logarithm has base 2.",
        "Use the natural logarithm.",
    ),
)
TASK = Task(("logits", "tokens", "options"), sequence_log_probability, MISTAKES)


def _case(rng: np.random.Generator, batch: int, options: list[int]) -> Case:
    logits = rng.normal(size=(batch, len(options), max(options))) * 2
    tokens = np.stack([rng.integers(count, size=batch) for count in options], axis=1)
    return logits, tokens, options


def _read(ask: Ask, case: Case) -> np.ndarray:
    logits, tokens, options = case
    given = TASK.describe(case)
    value = ask(Tensor(logits), Tensor(tokens), list(options))
    return expect_array(value, (len(logits),), given=given)


def _read_large(ask: Ask, case: Case) -> np.ndarray:
    try:
        return _read(ask, case)
    except Diagnosis as trouble:
        if trouble.code != "not-finite":
            raise
        raise Diagnosis(
            given=TASK.describe(case),
            got="nan or infinity",
            expected=sequence_log_probability(*case),
            cause="exp of a large logit is infinite, and exp of a very low one is 0, whose "
            "logarithm is minus infinity.",
            next_step="Use log_softmax, or subtract the largest logit and never take the "
            "logarithm of a single probability.",
            code="overflow",
        ) from trouble


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _case(rng, 4, [3, 3]))


def _equal_options(ask: Ask, rng: np.random.Generator) -> None:
    halves = np.log(np.array([[[2.0, 1.0, 1.0], [1.0, 3.0, 4.0]]]))
    cases: list[Case] = [(halves, np.array([[0, 2]]), [3, 3]), (halves, np.array([[1, 0]]), [3, 3])]
    cases.append(_case(rng, 4, [4, 4, 4]))
    judge(TASK, lambda case: _read(ask, case), cases, [_case(rng, 3, [3, 3, 3]) for _ in range(3)])


def _fewer_options(ask: Ask, rng: np.random.Generator) -> None:
    quarter = np.log(np.array([[[1.0, 3.0, 9.0, 9.0], [1.0, 1.0, 1.0, 1.0]]]))
    # the widest column is nobody's: "as many as the largest step" is not "no mask at all"
    padded, tokens, options = _case(rng, 5, [2, 4, 3, 4])
    padded = np.concatenate([padded, rng.normal(size=(5, 4, 1)) + 1], axis=2)
    cases: list[Case] = [(quarter, np.array([[1, 2]]), [2, 4]), (padded, tokens, options)]
    probes = [_case(rng, 3, [4, 2, 3]), (padded, tokens, options)]
    judge(TASK, lambda case: _read(ask, case), cases, probes)


def _large_logits(ask: Ask, rng: np.random.Generator) -> None:
    cases = []
    for options in ([3, 5], [5, 2, 4], [4] * 6):
        logits, tokens, _ = _case(rng, 6, options)
        cases.append((np.clip(logits * 700, -2000, 2000), tokens, options))
    judge(TASK, lambda case: _read_large(ask, case), cases, cases)


SEQUENCE = Exercise(
    id="05.2",
    chapter=CHAPTER,
    title="How probable is a sequence?",
    answer="sequence_log_probability",
    minutes=15,
    difficulty=2,
    stages=(
        Stage("one number per sequence", 0, _form),
        Stage("as many options at every step", 2, _equal_options),
        Stage("steps with fewer options", 1, _fewer_options),
        Stage("large logits", 1, _large_logits),
    ),
)

EXERCISES = (SEQUENCE,)
