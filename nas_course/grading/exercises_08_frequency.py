"""Check of exercise 08.12: how often each operation is kept, against chance."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_keys, expect_number
from nas_course.grading.mistakes import Mistake, Task, judge
from nas_course.grading.transport import Tensor
from nas_course.operations import DARTS_OPERATIONS

SMALL_OPERATIONS = ("skip_connect", "sep_conv_3x3", "none")
FIELDS = ("counts", "expected", "low", "high", "verdicts")
Frequency = dict[str, Any]


def binomial_range(trials: int, chance: float) -> tuple[int, int]:
    """Return the smallest counts with cumulative probability of at least 0.025 and 0.975."""
    below, low, high = 0.0, None, trials
    for count in range(trials + 1):
        below += comb(trials, count) * chance**count * (1 - chance) ** (trials - count)
        if low is None and below >= 0.025:
            low = count
        if below >= 0.975:
            high = count
            break
    return low or 0, high


def _judge_counts(counts: dict[str, float], trials: int, chance: float) -> Frequency:
    """Compare the counts with what `trials` equally likely choices would give."""
    low, high = binomial_range(trials, chance)
    return _report(counts, trials * chance, low, high)


def _report(counts: dict[str, float], expected: float, low: float, high: float) -> Frequency:
    verdicts = {
        name: "more" if count > high else "less" if count < low else "chance"
        for name, count in counts.items()
    }
    return {"counts": counts, "expected": expected, "low": low, "high": high, "verdicts": verdicts}


def _names(operations: tuple[str, ...]) -> list[str]:
    return [name for name in operations if name != "none"]


def _count(columns: np.ndarray, operations: tuple[str, ...]) -> dict[str, float]:
    """How often the column of each operation but `none` occurs."""
    return {name: int((columns == operations.index(name)).sum()) for name in _names(operations)}


def _best(alphas: np.ndarray, operations: tuple[str, ...]) -> np.ndarray:
    """Column of the best operation other than `none`, per run and edge."""
    hidden = alphas.copy()
    hidden[..., operations.index("none")] = -np.inf
    return hidden.argmax(axis=-1)


def operation_frequency(
    alphas: np.ndarray, kept: np.ndarray, operations: tuple[str, ...]
) -> Frequency:
    """Count the operations of the kept edges and compare with equally likely choices."""
    counts = _count(_best(alphas, operations)[kept], operations)
    return _judge_counts(counts, int(kept.sum()), 1 / len(_names(operations)))


def _with_counts(alphas: Any, kept: Any, operations: Any, counts: dict[str, float]) -> Frequency:
    return _judge_counts(counts, int(kept.sum()), 1 / len(_names(operations)))


def _normal_range(alphas: Any, kept: Any, operations: Any) -> Frequency:
    trials, chance = int(kept.sum()), 1 / len(_names(operations))
    mean, width = trials * chance, 1.96 * (trials * chance * (1 - chance)) ** 0.5
    counts = operation_frequency(alphas, kept, operations)["counts"]
    return _report(counts, mean, mean - width, mean + width)


def _soft_counts(alphas: Any, kept: Any, operations: Any) -> Frequency:
    powers = np.exp(alphas - alphas.max(axis=-1, keepdims=True))
    weights = (powers / powers.sum(axis=-1, keepdims=True))[kept].sum(axis=0)
    counts = {name: float(weights[operations.index(name)]) for name in _names(operations)}
    return _with_counts(alphas, kept, operations, counts)


def _by_expectation(alphas: Any, kept: Any, operations: Any) -> Frequency:
    right = operation_frequency(alphas, kept, operations)
    mean = right["expected"]
    verdicts = {
        name: "more" if count > mean else "less" if count < mean else "chance"
        for name, count in right["counts"].items()
    }
    return {**right, "verdicts": verdicts}


def _bounds_excluded(alphas: Any, kept: Any, operations: Any) -> Frequency:
    right = operation_frequency(alphas, kept, operations)
    verdicts = {
        name: "more" if count >= right["high"] else "less" if count <= right["low"] else "chance"
        for name, count in right["counts"].items()
    }
    return {**right, "verdicts": verdicts}


def _shares(alphas: Any, kept: Any, operations: Any) -> Frequency:
    right = operation_frequency(alphas, kept, operations)
    trials = int(kept.sum())
    counts = {name: count / trials for name, count in right["counts"].items()}
    return {**right, "counts": counts, "verdicts": right["verdicts"]}


MISTAKES = (
    Mistake(
        "pruned-edges-counted",
        lambda a, k, o: _judge_counts(_count(_best(a, o), o), k.size, 1 / len(_names(o))),
        "All edges were counted. Those that the derived cell does not keep are not part of it.",
        "Select with `kept` before you count: alphas[kept] has one row per kept edge.",
    ),
    Mistake(
        "pruned-edges-counted",
        lambda a, k, o: _with_counts(a, k, o, _count(_best(a, o), o)),
        "The counts include edges that the derived cell does not keep.",
        "Select with `kept` before you count: alphas[kept] has one row per kept edge.",
    ),
    Mistake(
        "trials-are-all-edges",
        lambda a, k, o: _judge_counts(_count(_best(a, o)[k], o), k.size, 1 / len(_names(o))),
        "The counts are right, but the expectation is for all edges instead of the kept ones.",
        "The number of trials is the number of kept edges, kept.sum().",
    ),
    Mistake(
        "none-can-win",
        lambda a, k, o: _with_counts(a, k, o, _count(a.argmax(axis=-1)[k], o)),
        "On some kept edges `none` won the argmax, so these edges are counted for nobody.",
        "A kept edge carries its best operation other than `none`.",
    ),
    Mistake(
        "chance-includes-none",
        lambda a, k, o: _judge_counts(_count(_best(a, o)[k], o), int(k.sum()), 1 / len(o)),
        "The chance of one operation was taken as 1 / all operations, with `none` among them; but "
        "`none` is never selected.",
        "Divide by the number of operations that can be selected.",
    ),
    Mistake(
        "kept-inverted",
        lambda a, k, o: _judge_counts(
            _count(_best(a, o)[~k], o), int((~k).sum()), 1 / len(_names(o))
        ),
        "The edges that were thrown away were counted.",
        "kept is True for the edges of the derived cell.",
    ),
    Mistake(
        "one-run-only",
        lambda a, k, o: operation_frequency(a[:1], k[:1], o),
        "Only the first run was counted.",
        "alphas and kept hold one row per search run: add the counts of all runs.",
    ),
    Mistake(
        "interval-for-one-run",
        lambda a, k, o: {
            **_report(
                _count(_best(a, o)[k], o),
                k[0].sum() / len(_names(o)),
                *binomial_range(int(k[0].sum()), 1 / len(_names(o))),
            )
        },
        "Counts of all runs are compared with the expectation for one run.",
        "The number of trials is the number of kept edges of all runs together.",
    ),
    Mistake(
        "normal-approximation",
        _normal_range,
        "The range is mean +- 1.96 standard deviations. With few trials the binomial is skewed, "
        "and counts are whole numbers.",
        "Add up the binomial probabilities until they reach 0.025 and 0.975.",
    ),
    Mistake(
        "verdict-by-expectation",
        _by_expectation,
        "Every count above the expectation was called 'more'. Chance alone scatters around it.",
        "Compare with low and high, not with the expectation.",
    ),
    Mistake(
        "bounds-excluded",
        _bounds_excluded,
        "Counts equal to low or high belong to what chance gives.",
        "'more' needs count > high, 'less' needs count < low.",
    ),
    Mistake(
        "weights-instead-of-choices",
        _soft_counts,
        "Mixing weights were added up. The derived cell carries one operation on each edge.",
        "Take the best operation of each kept edge and count edges.",
    ),
    Mistake(
        "shares-instead-of-counts",
        _shares,
        "The counts were divided by their number.",
        "Return whole counts; `expected`, `low` and `high` are counts too.",
    ),
)

FREQUENCY = Task(("alphas", "kept", "operations"), operation_frequency, MISTAKES)


def _read(ask: Ask, case: tuple[Any, ...]) -> Frequency:
    alphas, kept, operations = case
    runs, edges = kept.shape
    given = (
        f"{runs} runs, {edges} edges, {int(kept.sum())} of them kept; {len(operations)} operations"
    )
    value = ask(Tensor(alphas), Tensor(kept), list(operations))
    fields = expect_keys(value, FIELDS, given=given)
    counts = _read_table(fields["counts"], operations, given, "counts")
    verdicts = _read_table(fields["verdicts"], operations, given, "verdicts")
    numbers = {
        name: expect_number(fields[name], given=f"{given}; looking at `{name}`")
        for name in ("expected", "low", "high")
    }
    return {
        "counts": {
            name: expect_number(count, given=f"{given}; looking at the count of {name}")
            for name, count in counts.items()
        },
        **numbers,
        "verdicts": {name: _verdict(word, given) for name, word in verdicts.items()},
    }


def _read_table(value: Any, operations: tuple[str, ...], given: str, name: str) -> dict[str, Any]:
    if isinstance(value, dict) and "none" in value:
        raise Diagnosis(
            given=given,
            got=f"{name} with an entry for `none`",
            expected=f"{name} of the {len(_names(operations))} operations that can be kept",
            cause="`none` is never selected, so its count is 0 by rule and says nothing.",
            next_step="Leave `none` out of the dict.",
            code="none-in-counts",
        )
    return expect_keys(value, _names(operations), given=f"{given}; looking at `{name}`")


def _verdict(word: Any, given: str) -> str:
    if isinstance(word, str) and word in ("more", "less", "chance"):
        return word
    raise Diagnosis(
        given=given,
        got=word,
        expected="'more', 'less' or 'chance'",
        cause="This is none of the three verdicts.",
        next_step="Use exactly these words.",
        code="not-a-verdict",
    )


def _random_kept(rng: np.random.Generator, runs: int, nodes: int) -> np.ndarray:
    kept = [
        np.isin(np.arange(2 + node), rng.choice(2 + node, size=2, replace=False))
        for _ in range(runs)
        for node in range(nodes)
    ]
    return np.concatenate(kept).reshape(runs, -1)


def _frequency_case(
    rng: np.random.Generator, runs: int, operations: tuple[str, ...], pull: float
) -> tuple[Any, ...]:
    """Random logits; `pull` favours the last operation but one, as a real search might."""
    kept = _random_kept(rng, runs, 4)
    alphas = rng.normal(size=(runs, 14, len(operations)))
    alphas[..., -2] += pull
    alphas[..., operations.index("none")] += 1.0
    return alphas, kept, operations


def _hand_case() -> tuple[Any, ...]:
    """Two runs of a one-node cell: both edges kept, `none` strong, skip, sep, sep, sep."""
    alphas = np.array([[[2.0, 1.0, 3.0], [0.0, 1.0, 2.0]], [[0.0, 1.0, 2.0], [1.0, 2.0, 0.0]]])
    return alphas, np.ones((2, 2), dtype=bool), SMALL_OPERATIONS


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _frequency_case(rng, 2, DARTS_OPERATIONS, 0.0))


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    probes = [_frequency_case(rng, 3, DARTS_OPERATIONS, 1.0)]
    judge(FREQUENCY, lambda case: _read(ask, case), [_hand_case()], probes)


def _no_preference(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_frequency_case(rng, runs, DARTS_OPERATIONS, 0.0) for runs in (1, 5)]
    judge(
        FREQUENCY,
        lambda case: _read(ask, case),
        cases,
        [_frequency_case(rng, 3, DARTS_OPERATIONS, 1)],
    )


def _preference(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_frequency_case(rng, 5, ops, 1.5) for ops in (DARTS_OPERATIONS, SMALL_OPERATIONS) * 4]
    judge(FREQUENCY, lambda case: _read(ask, case), cases)


OPERATION_FREQUENCY = Exercise(
    id="08.12",
    chapter="08_darts",
    title="Which operations does the search prefer?",
    answer="operation_frequency",
    minutes=25,
    difficulty=3,
    stages=(
        Stage("five fields", 1, _form),
        Stage("four edges by hand", 1, _by_hand),
        Stage("searches without preference", 2, _no_preference),
        Stage("searches with a preference", 1, _preference),
    ),
)

EXERCISES = (OPERATION_FREQUENCY,)
