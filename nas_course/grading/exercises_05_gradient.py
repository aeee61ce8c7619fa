"""Check of exercise 05.3: the policy gradient of independent choices, by hand."""

from __future__ import annotations

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.expect import expect_array
from nas_course.grading.mistakes import Mistake, Task, judge

CHAPTER = "05_reinforcement_learning"
Case = tuple[np.ndarray, np.ndarray, np.ndarray]


def policy_gradient(logits: np.ndarray, tokens: np.ndarray, advantages: np.ndarray) -> np.ndarray:
    """Return mean_i A_i (onehot - pi), shape (choices, options) (Williams 1992)."""
    return _mean(advantages, _one_hot(logits, tokens) - _softmax(logits))


def _softmax(logits: np.ndarray, axis: int | None = 1) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def _one_hot(logits: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    return np.asarray(np.eye(logits.shape[1])[tokens])


def _mean(weights: np.ndarray, score: np.ndarray) -> np.ndarray:
    return np.asarray((weights[:, None, None] * score).mean(axis=0))


def _probability(logits: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    return np.asarray(_softmax(logits)[np.arange(len(logits)), tokens].prod(axis=1))


MISTAKES = (
    Mistake(
        "summed-over-the-batch",
        lambda z, a, w: len(w) * policy_gradient(z, a, w),
        "The batch was summed. Then a larger batch makes a longer step.",
        "Take the mean over the batch.",
    ),
    Mistake(
        "averaged-over-choices-too",
        lambda z, a, w: policy_gradient(z, a, w) / len(z),
        "The sum was divided by the number of choices as well.",
        "log p(a) is a sum over choices; only the batch is averaged.",
    ),
    Mistake(
        "downhill",
        lambda z, a, w: -policy_gradient(z, a, w),
        "The direction is turned round: it leads to less reward.",
        "One-hot minus pi, times the advantage. The minus belongs to a loss.",
    ),
    Mistake(
        "probabilities-forgotten",
        lambda z, a, w: _mean(w, _one_hot(z, a)),
        "The part -pi is missing: the rows do not sum to zero.",
        "Subtract the probabilities from the one-hot rows.",
    ),
    Mistake(
        "only-the-drawn-moves",
        lambda z, a, w: _mean(w, _one_hot(z, a) * (1 - _softmax(z))),
        "Only the drawn options move. The logits of the others have a gradient too, -pi.",
        "Subtract pi everywhere, not only at the drawn option.",
    ),
    Mistake(
        "one-hot-forgotten",
        lambda z, a, w: -w.mean() * _softmax(z),
        "The part 1 at the drawn options is missing: what was drawn plays no role.",
        "One-hot of the tokens, minus pi.",
    ),
    Mistake(
        "softmax-over-choices",
        lambda z, a, w: _mean(w, _one_hot(z, a) - _softmax(z, axis=0)),
        "The softmax runs over the choices.",
        "The options of one choice compete: normalise each row.",
    ),
    Mistake(
        "one-softmax-for-all",
        lambda z, a, w: _mean(w, _one_hot(z, a) - _softmax(z, axis=None)),
        "One softmax was taken over all entries. Each choice has its own.",
        "Normalise each row.",
    ),
    Mistake(
        "logits-as-probabilities",
        lambda z, a, w: _mean(w, _one_hot(z, a) - z),
        "The logits were subtracted where the probabilities belong.",
        "Take the softmax first.",
    ),
    Mistake(
        "gradient-of-p",
        lambda z, a, w: _mean(w * _probability(z, a), _one_hot(z, a) - _softmax(z)),
        "Each sequence was weighted by its probability: this is the gradient of p, not of log p. "
        "The draws are frequent where p is large already.",
        "Leave the factor p(a) out.",
    ),
    Mistake(
        "advantages-averaged-first",
        lambda z, a, w: w.mean() * (_one_hot(z, a).mean(axis=0) - _softmax(z)),
        "The advantages were averaged before they met their sequences.",
        "Multiply each sequence's score by its own advantage, then take the mean.",
    ),
    Mistake(
        "advantages-ignored",
        lambda z, a, w: _mean(np.ones(len(w)), _one_hot(z, a) - _softmax(z)),
        "The advantages were left out: whatever was drawn is made more probable.",
        "Multiply each sequence's score by its advantage.",
    ),
    Mistake(
        "centred-again",
        lambda z, a, w: policy_gradient(z, a, w - w.mean()),
        "The mean of the advantages was subtracted: but a baseline is in them already.",
        "Take the advantages as they are.",
    ),
    Mistake(
        "size-of-the-advantage-only",
        lambda z, a, w: policy_gradient(z, a, abs(w)),
        "The sign of the advantages was dropped, so bad draws are made more likely.",
        "Without abs: below the baseline the push goes the other way.",
    ),
    Mistake(
        "weighted-mean",
        lambda z, a, w: policy_gradient(z, a, w) / w.mean(),
        "The sum was divided by the sum of the advantages. That sum may be near 0, or below it.",
        "Divide by the number of sequences.",
    ),
    Mistake(
        "logits-updated",
        lambda z, a, w: z + policy_gradient(z, a, w),
        "The gradient was added to the logits; only the gradient was asked for.",
        "Return the direction itself.",
    ),
)
TASK = Task(("logits", "tokens", "advantages"), policy_gradient, MISTAKES)


def _case(rng: np.random.Generator, batch: int, choices: int, options: int) -> Case:
    logits = rng.normal(size=(choices, options))
    return logits, rng.integers(options, size=(batch, choices)), rng.normal(size=batch)


def _read(ask: Ask, case: Case) -> np.ndarray:
    return expect_array(ask(*case), case[0].shape, given=TASK.describe(case))


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _case(rng, 6, 2, 4))


def _one_sequence(ask: Ask, rng: np.random.Generator) -> None:
    """Batches of one: what each part does, before anything is averaged."""
    half = np.log(np.array([[2.0, 1.0, 1.0], [1.0, 1.0, 8.0]]))
    cases: list[Case] = [
        (half, np.array([[0, 1]]), np.array([2.0])),
        (half, np.array([[2, 2]]), np.array([-3.0])),
    ]
    judge(TASK, lambda case: _read(ask, case), cases, _probes(rng))


def _probes(rng: np.random.Generator) -> list[Case]:
    return [_case(rng, 1, 3, 4), _case(rng, 5, 3, 4), _case(rng, 4, 2, 3)]


def _batches(ask: Ask, rng: np.random.Generator) -> None:
    logits = np.zeros((2, 2))
    tokens = np.array([[0, 0], [0, 1], [1, 1]])
    cases: list[Case] = [(logits, tokens, np.array([1.0, -2.0, 4.0])), _case(rng, 4, 2, 3)]
    judge(TASK, lambda case: _read(ask, case), cases, _probes(rng))


def _random_policies(ask: Ask, rng: np.random.Generator) -> None:
    sizes = ((1, 1, 2), (10, 6, 5), (3, 6, 4), (32, 4, 7))
    cases = [_case(rng, *size) for size in sizes]
    logits, tokens, advantages = _case(rng, 8, 3, 4)
    cases.append((logits + 1000.0, tokens, advantages))
    wide = logits.copy()
    wide[0, 0] -= 900.0
    cases.append((wide, tokens, advantages))
    judge(TASK, lambda case: _read(ask, case), cases, _probes(rng))


GRADIENT = Exercise(
    id="05.3",
    chapter=CHAPTER,
    title="The policy gradient by hand",
    answer="policy_gradient",
    minutes=20,
    difficulty=3,
    stages=(
        Stage("one number per logit", 0, _form),
        Stage("one sequence", 2, _one_sequence),
        Stage("batches", 2, _batches),
        Stage("random policies, and large logits", 1, _random_policies),
    ),
)

EXERCISES = (GRADIENT,)
