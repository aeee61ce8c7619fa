"""Check of exercise 08.11: a paired comparison of two settings over seeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_keys, expect_number
from nas_course.grading.mistakes import Mistake, Task, judge

Rows = list[dict[str, Any]]
Verdict = dict[str, Any]
FIELDS = ("seeds", "difference", "low", "high", "verdict")
T_VALUES = {
    1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262,
}  # fmt: skip
"""0.975 quantiles of Student's t by degrees of freedom (any table of the distribution)."""


def _accuracies(rows: Rows, setting: str, field: str = "accuracy") -> dict[int, float]:
    return {row["seed"]: row[field] for row in rows if row["setting"] == setting}


def _differences(rows: Rows, first: str, second: str, field: str = "accuracy") -> np.ndarray:
    """Second minus first, for the seeds that both have."""
    one, two = _accuracies(rows, first, field), _accuracies(rows, second, field)
    return np.array([two[seed] - one[seed] for seed in sorted(one.keys() & two.keys())])


def _verdict(seeds: int, difference: float, width: float) -> Verdict:
    low, high = difference - width, difference + width
    word = "better" if low > 0 else "worse" if high < 0 else "undecided"
    return {"seeds": seeds, "difference": difference, "low": low, "high": high, "verdict": word}


def _from_differences(values: np.ndarray, t_values: dict[int, float]) -> Verdict:
    error = values.std(ddof=1) / len(values) ** 0.5
    return _verdict(len(values), float(values.mean()), float(t_values[len(values) - 1] * error))


def compare_settings(rows: Rows, first: str, second: str, t_values: dict[int, float]) -> Verdict:
    """Compare two settings by the t interval of their paired differences."""
    return _from_differences(_differences(rows, first, second), t_values)


def _wrong_width(width: Callable[[np.ndarray, dict[int, float]], float]) -> Callable[..., Verdict]:
    def wrong(rows: Rows, first: str, second: str, t_values: dict[int, float]) -> Verdict:
        values = _differences(rows, first, second)
        return _verdict(len(values), float(values.mean()), float(width(values, t_values)))

    return wrong


def _error(values: np.ndarray, ddof: int = 1) -> float:
    return float(values.std(ddof=ddof) / len(values) ** 0.5)


def _by_row(rows: Rows, first: str, second: str, t_values: dict[int, float]) -> Verdict:
    one = [row["accuracy"] for row in rows if row["setting"] == first]
    two = [row["accuracy"] for row in rows if row["setting"] == second]
    pairs = list(zip(one, two, strict=False))
    return _from_differences(np.array([b - a for a, b in pairs]), t_values)


def _unpaired(rows: Rows, first: str, second: str, t_values: dict[int, float]) -> Verdict:
    values = _differences(rows, first, second)
    shared = _accuracies(rows, first).keys() & _accuracies(rows, second).keys()
    one, two = (
        np.array([_accuracies(rows, name)[seed] for seed in sorted(shared)])
        for name in (first, second)
    )
    width = t_values[len(values) - 1] * (_error(one) ** 2 + _error(two) ** 2) ** 0.5
    return _verdict(len(values), float(values.mean()), float(width))


def _all_rows(rows: Rows, first: str, second: str, t_values: dict[int, float]) -> Verdict:
    """Means over all rows of each setting, whether or not the other one has the seed."""
    right = compare_settings(rows, first, second, t_values)
    one, two = _accuracies(rows, first), _accuracies(rows, second)
    difference = float(np.mean(list(two.values())) - np.mean(list(one.values())))
    return _verdict(right["seeds"], difference, (right["high"] - right["low"]) / 2)


def _wrong_word(word: Callable[[Verdict], str]) -> Callable[..., Verdict]:
    def wrong(rows: Rows, first: str, second: str, t_values: dict[int, float]) -> Verdict:
        right = compare_settings(rows, first, second, t_values)
        return {**right, "verdict": word(right)}

    return wrong


REVERSED = {"better": "worse", "worse": "better", "undecided": "undecided"}
MISTAKES = (
    Mistake(
        "first-minus-second",
        lambda rows, first, second, t: compare_settings(rows, second, first, t),
        "The difference is first minus second.",
        "The verdict is about `second`: second minus first.",
    ),
    Mistake(
        "search-accuracy-used",
        lambda rows, first, second, t: _from_differences(
            _differences(rows, first, second, "search_accuracy"), t
        ),
        "The accuracy of the supernet during the search was compared. It says little about the "
        "derived cells, which were trained afresh.",
        "Use the field `accuracy`: test accuracy after retraining.",
    ),
    Mistake(
        "paired-by-row",
        _by_row,
        "The rows were paired in the order in which they stand. They are not sorted by seed.",
        "Look up each seed in both settings.",
    ),
    Mistake(
        "unmatched-seeds-used",
        _all_rows,
        "Seeds that only one setting has were used too. A difference needs both.",
        "Keep the seeds that both settings have.",
    ),
    Mistake(
        "not-paired",
        _unpaired,
        "The interval was computed from two separate samples. Easy and hard seeds move both "
        "settings alike; pairing removes that part of the scatter.",
        "Take the standard deviation of the differences.",
    ),
    Mistake(
        "standard-deviation-of-population",
        _wrong_width(lambda v, t: t[len(v) - 1] * _error(v, ddof=0)),
        "The standard deviation was divided by n. With a mean estimated from the same values it "
        "must be n - 1.",
        "numpy: std(ddof=1).",
    ),
    Mistake(
        "standard-error-forgotten",
        _wrong_width(lambda v, t: t[len(v) - 1] * v.std(ddof=1)),
        "The interval uses the standard deviation of one difference, not of their mean.",
        "Divide by the square root of the number of seeds.",
    ),
    Mistake(
        "divided-by-n",
        _wrong_width(lambda v, t: t[len(v) - 1] * v.std(ddof=1) / len(v)),
        "The standard deviation was divided by n instead of its square root.",
        "Standard error = standard deviation / sqrt(n).",
    ),
    Mistake(
        "degrees-of-freedom",
        _wrong_width(lambda v, t: t[len(v)] * _error(v)),
        "The quantile belongs to n degrees of freedom; one is used up by the mean.",
        "t_values[n - 1].",
    ),
    Mistake(
        "normal-quantile",
        _wrong_width(lambda v, t: 1.96 * _error(v)),
        "1.96 is for many seeds. With 3 seeds the factor is 4.3.",
        "Use t_values[n - 1].",
    ),
    Mistake(
        "quantile-forgotten",
        _wrong_width(lambda v, t: _error(v)),
        "The interval is one standard error wide on each side: about 68 per cent, not 95.",
        "Multiply by t_values[n - 1].",
    ),
    Mistake(
        "verdict-from-the-mean",
        _wrong_word(lambda right: "better" if right["difference"] > 0 else "worse"),
        "The verdict was taken from the sign of the mean difference.",
        "Say 'undecided' when the interval contains 0.",
    ),
    Mistake(
        "verdict-reversed",
        _wrong_word(lambda right: REVERSED[right["verdict"]]),
        "'better' and 'worse' are exchanged.",
        "'better' means: the accuracy of `second` is higher.",
    ),
    Mistake(
        "touching-zero-decides",
        _wrong_word(lambda right: "better" if right["low"] >= 0 else "worse"),
        "The interval touches 0, and a verdict was given: equal results are no improvement.",
        "'better' needs low > 0, 'worse' needs high < 0.",
    ),
    Mistake(
        "always-undecided",
        _wrong_word(lambda right: "undecided"),
        "The interval does not contain 0, so the rows do decide.",
        "'better' when low > 0, 'worse' when high < 0.",
    ),
)


class ComparisonTask(Task):
    """Describes the rows as a table by seed."""

    def describe(self, case: tuple[Any, ...]) -> str:
        """Write the accuracies of both settings, seed by seed."""
        rows, first, second, _ = case
        one, two = _accuracies(rows, first), _accuracies(rows, second)
        lines = [
            f"seed {seed}: {one.get(seed, 'no run')} and {two.get(seed, 'no run')}"
            for seed in sorted(one.keys() | two.keys())
        ]
        return "\n".join([f"first = {first}, second = {second}; accuracy by seed:", *lines])


COMPARISON = ComparisonTask(("rows", "first", "second", "t_values"), compare_settings, MISTAKES)


def _read(ask: Ask, case: tuple[Any, ...]) -> Verdict:
    rows, first, second, t_values = case
    given = f"{len(rows)} rows, comparing {second!r} with {first!r}"
    fields = expect_keys(ask(rows, first, second, t_values), FIELDS, given=given)
    numbers = {
        name: expect_number(fields[name], given=f"{given}; looking at `{name}`")
        for name in FIELDS[:-1]
    }
    if fields["verdict"] not in ("better", "worse", "undecided"):
        raise Diagnosis(
            given=given,
            got=fields["verdict"],
            expected="'better', 'worse' or 'undecided'",
            cause="This is none of the three verdicts.",
            next_step="Use exactly these words.",
            code="not-a-verdict",
        )
    return {**numbers, "verdict": fields["verdict"]}


def _row(setting: str, seed: int, accuracy: float, search_accuracy: float) -> dict[str, Any]:
    return {
        "setting": setting,
        "seed": seed,
        "accuracy": round(float(accuracy), 4),
        "search_accuracy": round(float(search_accuracy), 4),
    }


def _case(rng: np.random.Generator, seeds: int, gain: float, noise: float) -> tuple[Any, ...]:
    """Three settings over `seeds` seeds and one extra seed each, rows in random order."""
    difficulty = rng.normal(0.85, 0.03, size=seeds + 2)
    rows = []
    for setting, shift, extra in (("baseline", 0.0, 0), ("regularised", gain, 1), ("random", 0, 0)):
        for seed in [*range(seeds), seeds + extra]:
            noise_here = rng.normal(0, noise)
            search = difficulty[seed] + rng.normal(0, 0.03)
            rows.append(_row(setting, seed, difficulty[seed] + shift + noise_here, search))
    order = rng.permutation(len(rows))
    return [rows[i] for i in order], "baseline", "regularised", T_VALUES


def _hand_case() -> tuple[Any, ...]:
    """Differences .01, .02, .03: mean .02, standard error .01 / sqrt 3."""
    accuracies = {"baseline": (0.80, 0.90, 0.85), "regularised": (0.81, 0.92, 0.88)}
    rows = [
        _row(name, seed, values[seed], 0.7 + 0.01 * seed * (name == "baseline"))
        for name, values in accuracies.items()
        for seed in ((0, 1, 2) if name == "baseline" else (2, 0, 1))
    ]
    return rows, "baseline", "regularised", T_VALUES


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _case(rng, 4, 0.0, 0.01))


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    probes = [_case(rng, 4, 0.01, 0.01), _case(rng, 5, 0.0, 0.01)]
    judge(COMPARISON, lambda case: _read(ask, case), [_hand_case()], probes)


def _clear_cases(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, 6, gain, 0.002) for gain in (0.03, -0.03)]
    judge(COMPARISON, lambda case: _read(ask, case), cases, cases)


def _noise(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, seeds, 0.0, 0.02) for seeds in (3, 4, 8)]
    rows, first, second, t_values = _case(rng, 5, -0.01, 0.01)
    cases += [(rows, "random", second, t_values), (rows, first, first, t_values)]
    judge(COMPARISON, lambda case: _read(ask, case), cases, cases)


COMPARE_SETTINGS = Exercise(
    id="08.11",
    chapter="08_darts",
    title="Better, worse or undecided?",
    answer="compare_settings",
    minutes=20,
    difficulty=3,
    stages=(
        Stage("five fields", 1, _form),
        Stage("three seeds by hand", 1, _by_hand),
        Stage("a clear gain and a clear loss", 1, _clear_cases),
        Stage("nothing but noise", 1, _noise),
    ),
)

EXERCISES = (COMPARE_SETTINGS,)
