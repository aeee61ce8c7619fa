"""What the checks of every exercise must hold: named mistakes, full marks, clear diagnoses.

Each function takes a chapter (see exercise_chapters.py) and raises `AssertionError`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from answer_book import Answer
from exercise_chapters import Chapter, code_of

from nas_course.build.source import read_source
from nas_course.grading.answering import respond
from nas_course.grading.checking import check_here, run_check

# Codes of diagnoses that name no mistake.
UNNAMED = {"values-differ", "unforeseen-form", "raised", "not-answered"}
# Answers of the wrong kind.
ODD_VALUES = {
    "text": "0.5",
    "number": 7,
    "nan": float("nan"),
    "none inside": [None, None],
    "nested text": {"a": ["b", {"c": "d"}]},
    "empty list": [],
    "ragged": [[1.0], [2.0, 3.0]],
    "nan array": np.full((14, 8), np.nan),
    "0-d tensor": torch.tensor(1.5),
    "true": True,
    "a set": {1, 2},
    "an object": object(),
}
ODD_ENTRIES = (None, "text", [1], {}, float("nan"), float("inf"), object())


def checked_with(chapter: Chapter, answer: Answer, seed: int) -> Any:
    """Return the report on an answer with the random cases of a seed."""
    exercise = chapter.exercises[answer.exercise]
    return run_check(exercise, lambda ask: respond(answer.value, ask), seed)


def mistake_is_named(chapter: Chapter, answer: Answer) -> None:
    report = check_here(chapter.exercises[answer.exercise], answer.value)
    assert code_of(report) == answer.code, str(report)
    assert report.points < report.possible
    assert report.diagnosis.cause and report.diagnosis.next_step


def mistake_is_named_in_other_cases(chapter: Chapter, answer: Answer, seeds: Iterable[int]) -> None:
    for seed in seeds:
        assert code_of(checked_with(chapter, answer, seed)) == answer.code


def gets_full_marks(chapter: Chapter, answer: Answer, seeds: Iterable[int]) -> None:
    for seed in seeds:
        report = checked_with(chapter, answer, seed)
        assert report.passed and report.points == report.possible, str(report)


def has_eight_named_mistakes_and_two_right_answers(
    chapter: Chapter, key: str, *, may_be_unnamed: Iterable[str] = ()
) -> None:
    codes = {answer.code for answer in chapter.answers if answer.exercise == key and answer.code}
    right = Counter(answer.exercise for answer in chapter.answers if not answer.code)
    assert len(codes - UNNAMED) >= 8
    assert codes.isdisjoint(UNNAMED - {*may_be_unnamed})
    assert right[key] >= 2


def wrong_kind_is_diagnosed(chapter: Chapter, key: str, value: object) -> None:
    exercise = chapter.exercises[key]
    is_function = callable(chapter.model_answers()[exercise.answer])
    report = check_here(exercise, (lambda *args: value) if is_function else value)
    assert not report.passed and report.points == 0
    assert code_of(report) not in ("unforeseen-form", "values-differ", None), str(report)


def wrong_entries_are_diagnosed(
    chapter: Chapter, key: str, odd_entries: Iterable[object], positions: int
) -> None:
    """Replace each entry of an answer; of what a function returns, the first so many."""
    exercise = chapter.exercises[key]
    right = next(a.value for a in chapter.answers if a.exercise == key and not a.code)
    for odd in odd_entries:
        for broken in _with_odd_entries(right, odd, positions):
            report = check_here(exercise, broken)
            assert not report.passed
            assert code_of(report) != "unforeseen-form", str(report)


def _with_odd_entries(answer: Any, odd: object, positions: int) -> Iterator[Any]:
    """Give the right answer with one entry replaced by something odd, for each entry."""
    if not callable(answer):
        yield from ({**answer, key: odd} for key in answer)
        return
    for position in range(positions):
        yield _returning_odd(answer, odd, position)


def _returning_odd(answer: Callable[..., Any], odd: object, position: int) -> Callable[..., Any]:
    return lambda *args: _replaced(answer(*args), position, odd)


def _replaced(value: Any, position: int, odd: object) -> Any:
    if isinstance(value, dict):
        return {**value, sorted(value)[position % len(value)]: odd}
    if isinstance(value, str):
        return odd
    parts = list(value)
    parts[position % len(parts)] = odd
    return parts


def model_answer_gets_full_marks_in_under_two_seconds(chapter: Chapter, key: str) -> None:
    exercise = chapter.exercises[key]
    start = time.process_time()
    report = check_here(exercise, chapter.model_answers()[exercise.answer])
    assert report.points == report.possible, str(report)
    assert time.process_time() - start < 2


def unsolved_notebook_scores_nothing(chapter: Chapter, key: str) -> None:
    exercise = chapter.exercises[key]
    report = check_here(exercise, chapter.model_answers(stubs=True)[exercise.answer])
    assert report.points == 0
    assert code_of(report) == "not-answered"


def table_of_the_notebook_is_true(chapter: Chapter) -> None:
    text = read_source(chapter.source).cells[0].source
    lines = [line for line in text.splitlines() if line.startswith(f"| {chapter.number}.")]
    rows = [[part.strip() for part in line.split("|")[1:-1]] for line in lines]
    for key, title, difficulty, minutes, points, _ in rows:
        exercise = chapter.exercises[key]
        stated = (title, difficulty.count("●"), int(minutes), int(points))
        assert stated == (exercise.title, exercise.difficulty, exercise.minutes, exercise.points)
    assert len(rows) == len(chapter.exercises)
    assert f"{sum(ex.points for ex in chapter.exercises.values()):g} points" in text


def only_equally_right_edits_pass(chapter: Chapter, key: str, at_least: int) -> None:
    """Compare the single edits of a model answer that pass with those that the chapter lists."""
    count, passing = chapter.mutants_that_pass(key)
    assert count >= at_least
    assert passing == {listed for listed in chapter.survivors if listed.startswith(f"{key} ")}
