"""Checks of exercises 01.6 and 01.7: reporting a winner, and the push of a reward."""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.expect import expect_array, expect_keys, expect_number
from nas_course.grading.mistakes import Mistake, Task, judge

CHAPTER = "01_what_is_nas"
FIELDS = ("chosen", "reported", "optimism", "regret")
Report = dict[str, float]


def choose_and_report(valid: np.ndarray, test: np.ndarray) -> Report:
    """Choose by validation, report on test."""
    return _report(valid, test, int(valid.argmax()))


def _report(valid: np.ndarray, test: np.ndarray, chosen: int) -> Report:
    reported = float(test[chosen])
    return {
        "chosen": chosen,
        "reported": reported,
        "optimism": float(valid[chosen]) - reported,
        "regret": float(test.max()) - reported,
    }


def _with(**changes: Any) -> Any:
    """A report with some fields computed otherwise, from valid, test and the right report."""

    def compute(valid: np.ndarray, test: np.ndarray) -> Report:
        right = choose_and_report(valid, test)
        return right | {name: float(change(valid, test, right)) for name, change in changes.items()}

    return compute


CHOICE_MISTAKES = (
    Mistake(
        "chosen-by-test",
        lambda v, t: _report(v, t, int(t.argmax())),
        "The design was chosen by its test score. Then the reported score was used to choose, "
        "and flatters.",
        "The choice may look at `valid` only.",
    ),
    Mistake(
        "chosen-by-both",
        lambda v, t: _report(v, t, int((v + t).argmax())),
        "The design was chosen by validation and test together.",
        "The choice may look at `valid` only.",
    ),
    Mistake(
        "worst-chosen",
        lambda v, t: _report(v, t, int(v.argmin())),
        "The design with the smallest validation score was chosen.",
        "The larger, the better: argmax.",
    ),
    Mistake(
        "validation-reported",
        _with(
            reported=lambda v, t, r: v[r["chosen"]],
            optimism=lambda v, t, r: 0.0,
            regret=lambda v, t, r: t.max() - v[r["chosen"]],
        ),
        "The validation score was reported: the very number that made us choose.",
        "Report test[chosen].",
    ),
    Mistake(
        "validation-reported",
        _with(reported=lambda v, t, r: v[r["chosen"]]),
        "The validation score was reported: the very number that made us choose.",
        "Report test[chosen].",
    ),
    Mistake(
        "best-test-reported",
        _with(reported=lambda v, t, r: t.max()),
        "The best test score of all was reported. It belongs to another design.",
        "Report the test score of the design that was chosen.",
    ),
    Mistake(
        "optimism-turned",
        _with(optimism=lambda v, t, r: -r["optimism"]),
        "The optimism has the wrong sign: it says how much too good the validation score is.",
        "valid[chosen] - test[chosen].",
    ),
    Mistake(
        "optimism-without-sign",
        _with(optimism=lambda v, t, r: abs(r["optimism"])),
        "The sign of the optimism was dropped. Bad luck on the validation part makes it negative.",
        "Take the plain difference, without abs.",
    ),
    Mistake(
        "optimism-of-all",
        _with(optimism=lambda v, t, r: (v - t).mean()),
        "This is the mean difference over all designs; the winner's is larger, since it was "
        "chosen for it.",
        "Take the difference for the chosen design.",
    ),
    Mistake(
        "regret-on-validation",
        _with(regret=lambda v, t, r: v.max() - r["reported"]),
        "The regret was measured against the best validation score.",
        "Regret compares test scores: the best of them, and the reported one.",
    ),
    Mistake(
        "regret-always-zero",
        _with(regret=lambda v, t, r: 0.0),
        "The regret is zero at every choice.",
        "Compare test[chosen] with the best of `test`.",
    ),
    Mistake(
        "regret-turned",
        _with(regret=lambda v, t, r: -r["regret"]),
        "The regret has the wrong sign; it cannot be negative.",
        "Best test score minus reported one.",
    ),
)
CHOICE = Task(("valid", "test"), choose_and_report, CHOICE_MISTAKES)


def _read_report(ask: Ask, case: tuple[np.ndarray, np.ndarray]) -> Report:
    given = CHOICE.describe(case)
    fields = expect_keys(ask(*case), FIELDS, given=given)
    numbers = {
        name: expect_number(fields[name], given=f"{given}; looking at `{name}`")
        for name in FIELDS[1:]
    }
    chosen = expect_number(fields["chosen"], given=f"{given}; looking at `chosen`", whole=True)
    return {"chosen": int(chosen), **numbers}


def _scores(*values: float) -> np.ndarray:
    return np.array(values)


def _small_choices(ask: Ask, rng: np.random.Generator) -> None:
    cases = [
        (_scores(0.4, 0.9, 0.6), _scores(0.5, 0.6, 0.7)),
        (_scores(0.7, 0.2, 0.5, 0.1), _scores(0.8, 0.3, 0.2, 0.95)),
    ]
    probes = [(rng.random(7), rng.random(7)) for _ in range(3)]
    judge(CHOICE, lambda case: _read_report(ask, case), cases, probes)


def _many_choices(ask: Ask, rng: np.random.Generator) -> None:
    cases = [(rng.normal(size=n), rng.normal(size=n)) for n in (1, 5, 30, 200)]
    judge(CHOICE, lambda case: _read_report(ask, case), cases, cases)


CHOOSE_AND_REPORT = Exercise(
    id="01.6",
    chapter=CHAPTER,
    title="Choose here, report there",
    answer="choose_and_report",
    minutes=15,
    difficulty=2,
    stages=(
        Stage("three and four designs", 2, _small_choices),
        Stage("many designs", 2, _many_choices),
    ),
)

PushCase = tuple[np.ndarray, int, float, float]


def push(p: np.ndarray, chosen: int, reward: float, baseline: float) -> np.ndarray:
    """Return (R - b) grad log p_c with respect to the logits (Williams 1992)."""
    return (reward - baseline) * (_one_hot(p, chosen) - p)


def _one_hot(p: np.ndarray, chosen: int) -> np.ndarray:
    return np.eye(len(p))[chosen]


PUSH_MISTAKES = (
    Mistake(
        "baseline-ignored",
        lambda p, c, r, b: r * (_one_hot(p, c) - p),
        "The baseline was left out: this is R grad log p.",
        "Multiply by (reward - baseline).",
    ),
    Mistake(
        "baseline-added",
        lambda p, c, r, b: (r + b) * (_one_hot(p, c) - p),
        "The baseline was added.",
        "Multiply by (reward - baseline).",
    ),
    Mistake(
        "pushed-the-other-way",
        lambda p, c, r, b: -push(p, c, r, b),
        "The direction is turned round: a good draw becomes less likely.",
        "1 at the chosen option, minus p, times (reward - baseline). A loss would need the minus; "
        "a direction of ascent does not.",
    ),
    Mistake(
        "only-the-chosen-moves",
        lambda p, c, r, b: (r - b) * _one_hot(p, c) * (1 - p),
        "Only the chosen option moves. The logits of the others have a gradient too, -p.",
        "Subtract p everywhere, then add 1 at the chosen option.",
    ),
    Mistake(
        "probabilities-forgotten",
        lambda p, c, r, b: (r - b) * _one_hot(p, c),
        "The part -p is missing: the numbers do not sum to zero.",
        "Subtract p everywhere, then add 1 at the chosen option.",
    ),
    Mistake(
        "one-forgotten",
        lambda p, c, r, b: -(r - b) * p,
        "The 1 at the chosen option is missing: every option gets the same sign.",
        "Add 1 at the chosen position before multiplying.",
    ),
    Mistake(
        "gradient-of-p",
        lambda p, c, r, b: (r - b) * p[c] * (_one_hot(p, c) - p),
        "This is the gradient of p, not of log p: a factor p[chosen] too many. Rare options "
        "would hardly learn.",
        "Do not multiply by p[chosen].",
    ),
    Mistake(
        "gradient-of-probabilities",
        lambda p, c, r, b: (r - b) * _one_hot(p, c) / p,
        "This is the derivative of log p by the probabilities, not by the logits.",
        "Go through the softmax: 1 at the chosen option, minus p.",
    ),
    Mistake(
        "size-of-the-advantage-only",
        lambda p, c, r, b: abs(r - b) * (_one_hot(p, c) - p),
        "The sign of (reward - baseline) was dropped, so a bad draw is made more likely.",
        "Without abs: below the baseline the push goes the other way.",
    ),
    Mistake(
        "probabilities-changed",
        lambda p, c, r, b: p + push(p, c, r, b),
        "The direction was added to the probabilities. It belongs to the logits, and only the "
        "direction was asked for.",
        "Return the direction itself.",
    ),
)
PUSH = Task(("probabilities", "chosen", "reward", "baseline"), push, PUSH_MISTAKES)


def _read_push(ask: Ask, case: PushCase) -> np.ndarray:
    return expect_array(ask(*case), (len(case[0]),), given=PUSH.describe(case))


def _push_case(rng: np.random.Generator, options: int) -> PushCase:
    p = rng.dirichlet(np.ones(options))
    return p, int(rng.integers(options)), float(rng.normal()), float(rng.normal())


def _push_form(ask: Ask, rng: np.random.Generator) -> None:
    _read_push(ask, _push_case(rng, 5))


def _push_by_hand(ask: Ask, rng: np.random.Generator) -> None:
    probes = [_push_case(rng, 4) for _ in range(3)]
    half = _scores(0.5, 0.25, 0.25)
    cases = [(half, 0, -2.0, 0.0), (half, 2, -1.0, -3.0), (half, 1, -4.0, -3.0)]
    judge(PUSH, lambda case: _read_push(ask, case), cases, probes)


def _push_random(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_push_case(rng, options) for options in (2, 3, 5, 8)]
    judge(PUSH, lambda case: _read_push(ask, case), cases)


PUSH_OF_A_REWARD = Exercise(
    id="01.7",
    chapter=CHAPTER,
    title="Which way does a reward push?",
    answer="push",
    minutes=20,
    difficulty=3,
    stages=(
        Stage("one number per option", 0, _push_form),
        Stage("three draws by hand", 2, _push_by_hand),
        Stage("random policies", 2, _push_random),
    ),
)

EXERCISES = (CHOOSE_AND_REPORT, PUSH_OF_A_REWARD)
