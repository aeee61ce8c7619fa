"""Checks of exercises 01.3 and 01.4: the split in three parts, and the incumbent."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_array
from nas_course.grading.mistakes import Mistake, Task, judge
from nas_course.grading.parts import read_parts

CHAPTER = "01_what_is_nas"
NAMES = ("train", "valid", "test")
SplitCase = tuple[int, int, int, int]
Split = dict[str, list[int]]


def _read_split(ask: Ask, case: SplitCase) -> Split:
    given = _given(case)
    parts = read_parts(ask(*case), NAMES, given)
    return {name: _row_numbers(parts[name], name, given) for name in NAMES}


def _given(case: SplitCase) -> str:
    count, valid, test, seed = case
    return f"count = {count}, valid = {valid}, test = {test}, seed = {seed}"


def _row_numbers(value: object, name: str, given: str) -> list[int]:
    if isinstance(value, set | frozenset):
        value = sorted(value)
    numbers = expect_array(value, (None,), given=f"{given}; looking at `{name}`")
    if (numbers == np.rint(numbers)).all():
        return numbers.astype(int).tolist()
    raise Diagnosis(
        given=given,
        got=f"{name}: {numbers}",
        expected="whole row numbers",
        cause="These are not row numbers, which are whole.",
        next_step="Return positions of rows, from 0 to count - 1.",
        code="not-row-numbers",
    )


def _complain(case: SplitCase, got: str, expected: str, code: str, cause: str, step: str) -> None:
    raise Diagnosis(
        given=_given(case), got=got, expected=expected, code=code, cause=cause, next_step=step
    )


def _check_sizes(case: SplitCase, split: Split) -> None:
    count, valid, test, _ = case
    wanted = {"train": count - valid - test, "valid": valid, "test": test}
    sizes = {name: len(rows) for name, rows in split.items()}
    if sizes == wanted:
        return
    got, expected = str(sizes), str(wanted)
    if sum(sizes.values()) == count and sorted(sizes.values()) == sorted(wanted.values()):
        _complain(
            case,
            got,
            expected,
            "parts-in-another-order",
            "The sizes are right, but the parts stand in another order.",
            "Return train, valid, test.",
        )
    if sum(sizes.values()) < count:
        _complain(
            case,
            got,
            expected,
            "rows-missing",
            "Some rows are in no part.",
            "Train gets all rows that are in neither of the other two.",
        )
    _complain(
        case,
        got,
        expected,
        "wrong-sizes",
        "The parts have other sizes than asked for.",
        "`valid` and `test` are numbers of rows; train gets the rest.",
    )


def _check_rows(case: SplitCase, split: Split) -> None:
    rows = [row for name in NAMES for row in split[name]]
    outside = [row for row in rows if not 0 <= row < case[0]]
    if outside:
        _complain(
            case,
            f"row {outside[0]}",
            f"0 to {case[0] - 1}",
            "no-such-row",
            "There is no row with this number.",
            "Rows are numbered from 0.",
        )
    for name in NAMES:
        if len(set(split[name])) < len(split[name]):
            _complain(
                case,
                f"a row twice in {name}",
                "every row once",
                "drawn-with-replacement",
                "A row was drawn twice, so another one is missing.",
                "Shuffle (rng.permutation) instead of drawing.",
            )
    if len(set(rows)) < len(rows):
        _complain(
            case,
            "a row in two parts",
            "every row in one part",
            "parts-overlap",
            "Two parts share rows: what is chosen on one is measured on itself.",
            "Cut one shuffled order at two places.",
        )


def _in_order(ask: Ask, rng: np.random.Generator) -> None:
    for count in (int(rng.integers(40, 80)), 10):
        case = (count, count // 5, count // 5 + 1, int(rng.integers(1000)))
        split = _read_split(ask, case)
        _check_sizes(case, split)
        _check_rows(case, split)


def _repeatable(ask: Ask, rng: np.random.Generator) -> None:
    case = (60, 12, 12, int(rng.integers(1000)))
    first, again = _read_split(ask, case), _read_split(ask, case)
    if any(set(first[name]) != set(again[name]) for name in NAMES):
        _complain(
            case,
            "two different splits",
            "the same split twice",
            "split-not-repeatable",
            "The same seed gave two different splits.",
            "Make the generator from the seed, inside the function.",
        )


def _shuffled(ask: Ask, rng: np.random.Generator) -> None:
    count, size, seeds = 30, 6, 60
    cases = [(count, size, size, int(seed)) for seed in rng.integers(10_000, size=seeds)]
    counts = {name: np.zeros(count) for name in NAMES}
    for case in cases:
        for name, rows in _read_split(ask, case).items():
            counts[name][rows] += 1
    _judge_frequencies(cases[0], counts, seeds)


def _judge_frequencies(case: SplitCase, counts: dict[str, np.ndarray], seeds: int) -> None:
    """Over 60 splits each row should be in valid and in test 12 times, give or take."""
    fixed = {name: set(np.flatnonzero(counts[name] == seeds).tolist()) for name in NAMES}
    never = {name: bool((counts[name] == 0).any()) for name in NAMES}
    if all(len(fixed[name]) == counts[name].sum() / seeds for name in NAMES):
        blocks = all(max(rows) - min(rows) == len(rows) - 1 for rows in fixed.values())
        code, cause = (
            ("not-shuffled", "The rows are cut in the order in which they stand in the file.")
            if blocks
            else ("same-split-for-every-seed", "Every seed gives the same split.")
        )
    elif never["valid"] or never["test"]:
        code, cause = (
            "only-a-part-shuffled",
            "Over 60 seeds some rows never get into one of the parts: not everything is shuffled.",
        )
    else:
        return
    _complain(
        case,
        "over 60 seeds: " + ", ".join(f"{name} always has {sorted(fixed[name])}" for name in NAMES),
        "any row in any part",
        code,
        cause,
        "Shuffle all rows with a generator made from the seed, then cut.",
    )


THREE_PARTS = Exercise(
    id="01.3",
    chapter=CHAPTER,
    title="Three parts, shuffled",
    answer="three_parts",
    minutes=15,
    difficulty=2,
    stages=(
        Stage("every row in one part", 1, _in_order),
        Stage("the same seed, the same split", 1, _repeatable),
        Stage("any row in any part", 2, _shuffled),
    ),
)


def incumbents(scores: Sequence[float]) -> np.ndarray:
    """Return the position of the best finite score so far, -1 before there is one."""
    return _positions(scores, math.isfinite, lambda new, best: new > best)


def _positions(
    scores: Sequence[float],
    admitted: Callable[[float], bool],
    better: Callable[[float, float], bool],
) -> np.ndarray:
    best, kept = -1, []
    for position, score in enumerate(scores):
        if admitted(score) and (best < 0 or better(score, scores[best])):
            best = position
        kept.append(best)
    return np.array(kept, dtype=float)


def _from_zero(scores: Sequence[float]) -> np.ndarray:
    best, value, kept = -1, 0.0, []
    for position, score in enumerate(scores):
        if math.isfinite(score) and score > value:
            best, value = position, score
        kept.append(best)
    return np.array(kept, dtype=float)


def _argmax_of_prefix(scores: Sequence[float]) -> np.ndarray:
    return np.array([np.argmax(scores[: end + 1]) for end in range(len(scores))], dtype=float)


def _first_stays(scores: Sequence[float]) -> np.ndarray:
    """What `new > best` gives when the first score is taken without looking at it."""
    best, kept = 0, []
    for position, score in enumerate(scores):
        best = position if score > scores[best] else best
        kept.append(best)
    return np.array(kept, dtype=float)


INCUMBENT_MISTAKES = (
    Mistake(
        "smallest-wins",
        lambda s: _positions(s, math.isfinite, lambda new, best: new < best),
        "The smallest score was kept. The larger, the better.",
        "Turn the comparison.",
    ),
    Mistake(
        "later-tie-wins",
        lambda s: _positions(s, math.isfinite, lambda new, best: new >= best),
        "Of two equal scores the later one was kept.",
        "Change the incumbent only when the new score is larger, not when it is equal.",
    ),
    Mistake(
        "starts-at-zero",
        _from_zero,
        "The first score has to beat 0, so negative scores never become the incumbent.",
        "Start with no incumbent; the first finite score is taken whatever it is.",
    ),
    Mistake(
        "nan-counts-as-largest",
        _argmax_of_prefix,
        "np.argmax treats nan as the largest number: the first diverged run wins for ever.",
        "Leave non-finite scores out (math.isfinite) before comparing.",
    ),
    Mistake(
        "first-score-unseen",
        _first_stays,
        "The first score was taken without looking: if it is nan, no later score is larger, "
        "because every comparison with nan is false.",
        "Ask math.isfinite of every score, the first one too.",
    ),
    Mistake(
        "infinity-wins",
        lambda s: _positions(s, lambda x: not math.isnan(x), lambda new, best: new > best),
        "An infinite score became the incumbent.",
        "nan is not the only one: use math.isfinite.",
    ),
    Mistake(
        "last-improvement-only",
        lambda s: np.arange(len(s), dtype=float),
        "Every new design became the incumbent, better or not.",
        "Keep the old one unless the new score is larger.",
    ),
    Mistake(
        "best-of-all-from-the-start",
        lambda s: np.full(len(s), incumbents(s)[-1]),
        "The final incumbent stands at every place: but a search does not know its future.",
        "At place k only the first k + 1 scores may be looked at.",
    ),
    Mistake(
        "zero-before-any",
        lambda s: np.maximum(incumbents(s), 0),
        "Before the first finite score there is no incumbent, but position 0 was named.",
        "Return -1 as long as there is none.",
    ),
)
INCUMBENT = Task(("scores",), incumbents, INCUMBENT_MISTAKES)


def _read_incumbents(ask: Ask, case: tuple[list[float]]) -> np.ndarray:
    given = INCUMBENT.describe(case)
    value = expect_array(ask(*case), (None,), given=given)
    if len(value) == len(case[0]):
        return _positions_only(value, case, given)
    raise Diagnosis(
        given=given,
        got=f"{len(value)} numbers",
        expected=f"{len(case[0])} numbers, one after each evaluation",
        cause="There is not one position for each evaluation.",
        next_step="Append in every round of the loop, also when the incumbent stays.",
        code="one-for-each-evaluation",
    )


def _positions_only(value: np.ndarray, case: tuple[list[float]], given: str) -> np.ndarray:
    scores = [case[0][int(k)] for k in incumbents(case[0]) if k >= 0]
    kept = value[len(value) - len(scores) :]
    if scores and np.allclose(kept, scores) and not np.allclose(value, incumbents(case[0])):
        raise Diagnosis(
            given=given,
            got=value,
            expected=incumbents(case[0]),
            cause="These are the scores of the incumbents, not their positions.",
            next_step="Keep the position, and look the score up by it.",
            code="scores-not-positions",
        )
    return value


def _plain_scores(ask: Ask, rng: np.random.Generator) -> None:
    cases = [([0.5, 0.25, 0.75, 0.75, 0.125],), ([-3.0, -2.0, -2.5, -1.0],)]
    probes = [([-1.0, -2.0, -1.0, -0.5],), ([2.0, 2.0, 1.0],), ([-4.0, -5.0],)]
    judge(INCUMBENT, lambda case: _read_incumbents(ask, case), cases, probes)


def _diverged(ask: Ask, rng: np.random.Generator) -> None:
    nan, inf = math.nan, math.inf
    cases = [([0.5, nan, 0.75],), ([nan, 0.25, 0.5],), ([inf, 1.0, 0.5, -inf, 2.0],), ([nan, nan],)]
    probes = [([nan, 0.5, inf, 0.25],), ([0.5, 0.75, nan, 1.0],), ([-inf, nan, 0.5],)]
    judge(INCUMBENT, lambda case: _read_incumbents(ask, case), cases, probes)


def _random_scores(ask: Ask, rng: np.random.Generator) -> None:
    cases = []
    for _ in range(6):
        scores = rng.integers(-9, 9, size=12) / 2
        scores[rng.random(12) < 0.3] = rng.choice([math.nan, math.inf, -math.inf])
        cases.append((scores.tolist(),))
    judge(INCUMBENT, lambda case: _read_incumbents(ask, case), cases)


INCUMBENTS = Exercise(
    id="01.4",
    chapter=CHAPTER,
    title="The best so far, when runs diverge",
    answer="incumbents",
    minutes=15,
    difficulty=2,
    stages=(
        Stage("finite scores", 1, _plain_scores),
        Stage("diverged runs", 2, _diverged),
        Stage("random scores", 1, _random_scores),
    ),
)

EXERCISES = (THREE_PARTS, INCUMBENTS)
