"""The checks of chapters 01 to 05 pass right answers and name what is wrong with others."""

import time
from collections import Counter

import numpy as np
import pytest
import torch
from exercise_chapters import Chapter, code_of

from nas_course.build.source import read_source
from nas_course.grading.answering import respond
from nas_course.grading.checking import check_here, run_check

CHAPTERS = [
    Chapter(name)
    for name in (
        "01_what_is_nas",
        "02_search_spaces",
        "03_performance_estimation",
        "04_random_and_evolution",
        "05_reinforcement_learning",
        "09_when_darts_fails",
        "10_hypergradients",
        "12_distributions",
    )
]
OF_EXERCISE = {key: chapter for chapter in CHAPTERS for key in chapter.exercises}
EXERCISES = {key: chapter.exercises[key] for key, chapter in OF_EXERCISE.items()}
ANSWERS = [answer for chapter in CHAPTERS for answer in chapter.answers]
WRONG = [answer for answer in ANSWERS if answer.code]
RIGHT = [answer for answer in ANSWERS if not answer.code]
UNNAMED = {"values-differ", "unforeseen-form", "raised", "not-answered"}
OTHER_SEED = 20_261_122


def check_with_seed(answer, seed: int):
    return run_check(EXERCISES[answer.exercise], lambda ask: respond(answer.value, ask), seed)


@pytest.mark.parametrize("answer", WRONG, ids=str)
def test_a_wrong_answer_gets_the_diagnosis_of_its_mistake(answer):
    report = check_here(EXERCISES[answer.exercise], answer.value)
    assert code_of(report) == answer.code, str(report)
    assert report.points < report.possible
    assert report.diagnosis.cause and report.diagnosis.next_step


@pytest.mark.parametrize("answer", WRONG, ids=str)
def test_the_diagnosis_does_not_depend_on_the_random_cases(answer):
    assert code_of(check_with_seed(answer, OTHER_SEED)) == answer.code


@pytest.mark.parametrize("answer", RIGHT, ids=str)
def test_a_right_answer_scores_full_marks_whatever_the_random_cases(answer):
    for seed in range(5):
        report = check_with_seed(answer, seed)
        assert report.passed and report.points == report.possible, str(report)


@pytest.mark.parametrize("key", sorted(EXERCISES))
def test_every_exercise_has_eight_named_mistakes_and_two_right_answers(key):
    codes = {answer.code for answer in WRONG if answer.exercise == key}
    assert len(codes - UNNAMED) >= 8
    assert codes.isdisjoint(UNNAMED)
    assert Counter(answer.exercise for answer in RIGHT)[key] >= 2


# ------------------------------------------------------------------- answers of the wrong kind

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


@pytest.mark.parametrize("key", sorted(EXERCISES))
@pytest.mark.parametrize("odd", sorted(ODD_VALUES))
def test_an_answer_of_the_wrong_kind_gets_a_clear_diagnosis(key, odd):
    exercise, value = EXERCISES[key], ODD_VALUES[odd]
    is_function = callable(OF_EXERCISE[key].model_answers()[exercise.answer])
    report = check_here(exercise, (lambda *args: value) if is_function else value)
    assert not report.passed and report.points == 0
    assert code_of(report) not in ("unforeseen-form", "values-differ", None), str(report)


@pytest.mark.parametrize("key", sorted(EXERCISES))
def test_entries_of_the_wrong_kind_get_a_clear_diagnosis(key):
    exercise = EXERCISES[key]
    right = next(answer.value for answer in RIGHT if answer.exercise == key)
    for odd in (None, "text", [1], {}, float("nan"), float("inf"), -7, object()):
        for broken in _with_odd_entries(right, odd):
            report = check_here(exercise, broken)
            assert not report.passed
            assert code_of(report) != "unforeseen-form", str(report)


def _with_odd_entries(answer, odd):
    """The right answer with one entry replaced by something odd, for each entry."""
    if not callable(answer):
        yield from ({**answer, key: odd} for key in answer)
        return
    for position in range(4):
        yield lambda *args, position=position: _replaced(answer(*args), position, odd)


def _replaced(value, position, odd):
    if isinstance(value, dict):
        return {**value, sorted(value)[position % len(value)]: odd}
    if isinstance(value, str):
        return odd
    parts = list(value)
    parts[position % len(parts)] = odd
    return parts


@pytest.mark.parametrize("key", sorted(EXERCISES))
def test_the_model_answer_scores_full_marks_in_under_two_seconds(key):
    exercise = EXERCISES[key]
    start = time.process_time()
    report = check_here(exercise, OF_EXERCISE[key].model_answers()[exercise.answer])
    assert report.points == report.possible, str(report)
    assert time.process_time() - start < 2


@pytest.mark.parametrize("key", sorted(EXERCISES))
def test_the_unsolved_notebook_runs_and_scores_nothing(key):
    exercise = EXERCISES[key]
    report = check_here(exercise, OF_EXERCISE[key].model_answers(stubs=True)[exercise.answer])
    assert report.points == 0
    assert code_of(report) == "not-answered"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_the_table_of_the_notebook_states_what_the_checks_have(chapter):
    text = read_source(chapter.source).cells[0].source
    lines = [line for line in text.splitlines() if line.startswith(f"| {chapter.number}.")]
    rows = [[part.strip() for part in line.split("|")[1:-1]] for line in lines]
    for key, title, difficulty, minutes, points, _ in rows:
        exercise = EXERCISES[key]
        stated = (title, difficulty.count("●"), int(minutes), int(points))
        assert stated == (exercise.title, exercise.difficulty, exercise.minutes, exercise.points)
    assert len(rows) == len(chapter.exercises)
    assert f"{sum(ex.points for ex in chapter.exercises.values()):g} points" in text


@pytest.mark.filterwarnings("ignore")  # mutants divide by zero and average nothing
@pytest.mark.parametrize("key", sorted(EXERCISES))
def test_no_single_edit_of_a_model_answer_passes_unless_it_is_equally_right(key):
    chapter = OF_EXERCISE[key]
    count, passing = chapter.mutants_that_pass(key)
    assert count >= 5
    assert passing == {listed for listed in chapter.survivors if listed.startswith(f"{key} ")}
