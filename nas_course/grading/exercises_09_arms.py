"""Check of exercise 09.8: a comparison whose arms differ in the price alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.expect import expect_keys, expect_number
from nas_course.grading.mistakes import Mistake, Task, judge, left_over
from nas_course.grading.transport import Expression

CHAPTER = "09_when_darts_fails"
KEYS = ("baseline", "treated", "difference", "error")
Settings = dict[str, float]


@dataclass(frozen=True)
class Search:
    """An accuracy: what each setting adds, the luck of the seed, and a little of its own."""

    effects: dict[str, float]

    def __call__(self, settings: Settings, seed: int) -> float:
        """Return the accuracy of one run."""
        added = sum(effect * settings.get(name, 0.0) for name, effect in self.effects.items())
        own = math.sin(5.1 * seed + 40 * settings.get("skip_price", 0.0))
        return 90 + added + math.sin(12.9 * seed) + 0.3 * own

    def __str__(self) -> str:
        parts = [f"{effect:+g} * {name}" for name, effect in self.effects.items()]
        return f"90 {' '.join(parts)} + luck of the seed (a setting that is missing counts 0)"

    def sent(self) -> Expression:
        """What the learner's process evaluates."""
        return Expression(SOURCE.format(effects=self.effects), str(self))


Case = tuple[Search, Settings, float, list[int]]
Outcome = dict[str, float]
Arms = tuple[np.ndarray, np.ndarray]


SOURCE = (
    "lambda settings, seed: 90 + sum(effect * settings.get(name, 0.0) for name, effect in "
    "{effects!r}.items()) + math.sin(12.9 * seed) + 0.3 * "
    "math.sin(5.1 * seed + 40 * settings.get('skip_price', 0.0))"
)


def _run(search: Search, settings: Settings, seeds: list[int]) -> np.ndarray:
    return np.array([search(settings, seed) for seed in seeds])


def _arms(case: Case, faults: frozenset[str] = frozenset()) -> Arms:
    search, settings, price, seeds = case
    kept = {"epochs": settings["epochs"]} if "settings" in faults else settings
    others = list(range(len(seeds))) if "seeds" in faults else seeds
    treated = _run(search, {**kept, "skip_price": price}, others)
    return _run(search, settings, seeds), treated


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / math.sqrt(len(values)))


def _summary(arms: Arms) -> Outcome:
    baseline, treated = arms
    return {
        "baseline": float(baseline.mean()),
        "treated": float(treated.mean()),
        "difference": float((treated - baseline).mean()),
        "error": _standard_error(treated - baseline),
    }


def fair_comparison(*case: Any) -> Outcome:
    """Return both means, the mean paired difference and its standard error."""
    return _summary(_arms(case))


def _with_faults(faults: frozenset[str]) -> Callable[..., Outcome]:
    """The comparison with some of the three faults left in it."""

    def outcome(*case: Any) -> Outcome:
        baseline, treated = _arms(case, faults)
        found = _summary((baseline, treated))
        if "best" in faults:
            best = float(treated.max())
            found |= {"treated": best, "difference": best - found["baseline"]}
        return found

    return outcome


FAULTS = {
    "settings": (
        "arms-confounded",
        "The treated arm is off by what other settings than the price do to the accuracy.",
        "Print the settings of both arms below each other. In how many entries do they differ?",
    ),
    "seeds": (
        "other-seeds",
        "Luck does not cancel between the arms: without any effect of the price they would still "
        "differ.",
        "Which run of the treated arm is the partner of the first one of the baseline?",
    ),
    "best": (
        "best-of-many",
        "The treated arm looks better than its runs are on average.",
        "If all runs differed by luck alone, would `treated` and `baseline` come out alike?",
    ),
}


def _changed(change: Callable[[np.ndarray, np.ndarray], Outcome]) -> Callable[..., Outcome]:
    """A mistake in what is made of the right runs."""
    return lambda *case: fair_comparison(*case) | change(*_arms(case))


def _stripped(*case: Any) -> Outcome:
    search, settings, price, seeds = case
    return fair_comparison(search, {"epochs": settings["epochs"]}, price, seeds)


def _without(name: str) -> Callable[..., Outcome]:
    """The treated arm lacks one of the settings."""

    def outcome(search: Search, settings: Settings, price: float, seeds: list[int]) -> Outcome:
        kept = {key: value for key, value in settings.items() if key != name}
        treated = _run(search, {**kept, "skip_price": price}, seeds)
        return _summary((_run(search, settings, seeds), treated))

    return outcome


def _both_treated(*case: Any) -> Outcome:
    _, treated = _arms(case)
    return _summary((treated, treated))


def _price_forgotten(*case: Any) -> Outcome:
    baseline, _ = _arms(case)
    return _summary((baseline, baseline))


def _best_of_both(*case: Any) -> Outcome:
    baseline, treated = _arms(case)
    best = {"baseline": float(baseline.max()), "treated": float(treated.max())}
    return fair_comparison(*case) | best | {"difference": best["treated"] - best["baseline"]}


def _range_seeds(*case: Any) -> Outcome:
    search, settings, price, seeds = case
    return fair_comparison(search, settings, price, list(range(len(seeds))))


def _first_seed(*case: Any) -> Outcome:
    search, settings, price, seeds = case
    arms = _arms((search, settings, price, seeds[:1]))
    means = {"baseline": float(arms[0][0]), "treated": float(arms[1][0])}
    return fair_comparison(*case) | means | {"difference": means["treated"] - means["baseline"]}


ERROR = "The standard deviation of the paired differences (ddof=1) over the root of their number."
LEFT_OUT = (
    "The treated arm still lacks one of the settings, and is off by what that one does.",
    "Will your function keep a setting that you do not know of today?",
)
MISTAKES = (
    *left_over(FAULTS, _with_faults),
    Mistake("setting-left-out", _without("alpha_weight_decay"), *LEFT_OUT),
    Mistake("setting-left-out", _without("minimum_rate"), *LEFT_OUT),
    Mistake(
        "both-arms-stripped",
        _stripped,
        "Now both arms run without the settings. The arms are equal, but it is not the search "
        "that was asked about.",
        "Both arms keep all settings.",
    ),
    Mistake(
        "price-in-both-arms",
        _both_treated,
        "Both arms have the price: the settings of the baseline were changed too.",
        "Make a new dict for the treated arm.",
    ),
    Mistake(
        "price-forgotten",
        _price_forgotten,
        "No arm has the price.",
        'Set "skip_price" in the treated arm.',
    ),
    Mistake(
        "seeds-replaced-in-both",
        _range_seeds,
        "Both arms run with the seeds 0, 1, 2 and so on.",
        "Take the given seeds.",
    ),
    Mistake(
        "one-seed-only",
        _first_seed,
        "Only the first seed was looked at.",
        "The mean over all seeds.",
    ),
    Mistake(
        "best-of-both",
        _best_of_both,
        "The best run of each arm is compared. That is fair, but it measures luck.",
        "The mean of each arm.",
    ),
    Mistake(
        "difference-turned",
        _changed(lambda baseline, treated: {"difference": float((baseline - treated).mean())}),
        "The sign of the difference is turned.",
        "Treated minus baseline.",
    ),
    Mistake(
        "error-unpaired",
        _changed(
            lambda baseline, treated: {
                "error": math.hypot(_standard_error(baseline), _standard_error(treated))
            }
        ),
        "This is the error of two independent arms. They share their seeds, and most of the luck.",
        ERROR,
    ),
    Mistake(
        "error-of-one-arm",
        _changed(lambda baseline, treated: {"error": _standard_error(treated)}),
        "This is the error of one arm's mean.",
        ERROR,
    ),
    Mistake(
        "deviation-not-error",
        _changed(lambda baseline, treated: {"error": float((treated - baseline).std(ddof=1))}),
        "This is the standard deviation of the differences, not the error of their mean.",
        ERROR,
    ),
    Mistake(
        "divided-by-n",
        _changed(
            lambda baseline, treated: {
                "error": float((treated - baseline).std(ddof=1) / len(baseline))
            }
        ),
        "The standard deviation was divided by n, not by its root.",
        ERROR,
    ),
    Mistake(
        "deviation-with-n",
        _changed(
            lambda baseline, treated: {
                "error": float((treated - baseline).std() / math.sqrt(len(baseline)))
            }
        ),
        "The standard deviation has n in its denominator; few runs then look surer than they are.",
        ERROR,
    ),
)
NAMES = ("search", "settings", "price", "seeds")
TASK = Task(NAMES, fair_comparison, MISTAKES)


def _read(ask: Ask, case: Case) -> Outcome:
    search, settings, price, seeds = case
    given = TASK.describe(case)
    value = ask(search.sent(), dict(settings), price, list(seeds))
    fields = expect_keys(value, KEYS, given=given)
    return {
        key: float(expect_number(fields[key], given=f"{given}; looking at `{key}`")) for key in KEYS
    }


def _case(rng: np.random.Generator, seeds: int) -> Case:
    effects = {
        "alpha_weight_decay": round(rng.uniform(-900, -500), 1),
        "minimum_rate": round(rng.uniform(-900, -500), 1),
        "skip_price": round(rng.uniform(1, 5), 2),
    }
    settings = {"epochs": 50, "alpha_weight_decay": 1e-3, "minimum_rate": 1e-3}
    drawn = rng.choice(np.arange(20, 99), size=seeds, replace=False).tolist()
    return Search(effects), settings, round(rng.uniform(0.1, 0.9), 2), drawn


def _means(ask: Ask, cases: list[Case], keys: tuple[str, ...], probes: list[Case]) -> None:
    """Pass when these entries are right; the others help to name what is wrong with them."""
    for case in cases:
        got, right = _read(ask, case), fair_comparison(*case)
        if not all(math.isclose(got[key], right[key], rel_tol=1e-4, abs_tol=1e-6) for key in keys):
            judge(TASK, lambda asked: _read(ask, asked), [case], probes)


def _arms_stage(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, 4), _case(rng, 7)]
    _means(ask, cases, ("baseline", "treated"), [_case(rng, 5)])


def _difference_stage(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, seeds) for seeds in (2, 4, 10)]
    _means(ask, cases, ("difference",), [_case(rng, 5)])


def _error_stage(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, seeds) for seeds in (2, 3, 12)]
    judge(TASK, lambda case: _read(ask, case), cases, [_case(rng, 5)])


ARMS = Exercise(
    id="09.8",
    chapter=CHAPTER,
    title="Two arms that differ in one thing",
    answer="fair_comparison",
    minutes=25,
    difficulty=4,
    stages=(
        Stage("both arms", 3, _arms_stage),
        Stage("the difference", 1, _difference_stage),
        Stage("its error", 1, _error_stage),
    ),
    reasons=(
        "Whoever copies all settings and changes one key has changed one thing.",
        "With the same seeds the luck of a seed is in both arms, and not in their difference.",
        "The best of some runs is better than their mean, whatever was done to them.",
    ),
)

EXERCISES = (ARMS,)
