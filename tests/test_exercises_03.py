"""The checks of chapter 03 pass right answers and name what is wrong with others."""

import time
from collections import Counter
from pathlib import Path

import answers_03
import numpy as np
import pytest
import torch
from answers_08.mutants import mutants

from nas_course.build.source import read_source, without_solutions
from nas_course.estimation.funnel import funnel
from nas_course.estimation.ranking import kendall
from nas_course.estimation.score import Score
from nas_course.estimation.stopping import MedianRule, replay
from nas_course.grading import exercises
from nas_course.grading.answering import MISSING, respond
from nas_course.grading.checking import check_here, run_check
from nas_course.grading.exercises_03_funnel import MEASURE
from nas_course.grading.funnel_rules import measure_with
from nas_course.strategies.black_box.successive_halving import SuccessiveHalving, promotable

SOURCE = (
    Path(__file__).resolve().parents[1] / "source" / "exercises" / "03_performance_estimation.py"
)
EXERCISES = {
    key: ex for key, ex in exercises().items() if ex.chapter == "03_performance_estimation"
}
ANSWERS = answers_03.BOOK.read(answers_03)
WRONG = [answer for answer in ANSWERS if answer.code]
RIGHT = [answer for answer in ANSWERS if not answer.code]
UNNAMED = {"values-differ", "unforeseen-form", "raised", "not-answered"}
OTHER_SEEDS = (1, 20_261_122)


def code_of(report) -> str | None:
    return report.diagnosis.code if report.diagnosis else None


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
    codes = [code_of(check_with_seed(answer, seed)) for seed in OTHER_SEEDS]
    assert codes == [answer.code] * len(OTHER_SEEDS)


@pytest.mark.parametrize("answer", RIGHT, ids=str)
def test_a_right_answer_scores_full_marks_whatever_the_random_cases(answer):
    for seed in range(12):
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
    is_function = callable(_model_answers()[exercise.answer])
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
    parts = list(value)
    parts[position % len(parts)] = odd
    return parts


# ----------------------------------------------------------------- the notebook and its mutants


def _cells(stubs: bool = False) -> list[str]:
    notebook = read_source(SOURCE)
    if stubs:
        notebook = without_solutions(notebook, SOURCE)
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


_SPACES: dict[bool, dict] = {}


def _model_answers(stubs: bool = False) -> dict:
    if stubs not in _SPACES:
        space: dict = {}
        for cell in _cells(stubs):
            exec(compile(cell, "notebook", "exec"), space)
        _SPACES[stubs] = space
    return _SPACES[stubs]


@pytest.mark.parametrize("key", sorted(EXERCISES))
def test_the_model_answer_scores_full_marks_in_under_two_seconds(key):
    exercise = EXERCISES[key]
    start = time.process_time()
    report = check_here(exercise, _model_answers()[exercise.answer])
    assert report.points == report.possible, str(report)
    assert time.process_time() - start < 2


@pytest.mark.parametrize("key", sorted(EXERCISES))
def test_the_unsolved_notebook_runs_and_scores_nothing(key):
    exercise = EXERCISES[key]
    report = check_here(exercise, _model_answers(stubs=True)[exercise.answer])
    assert report.points == 0
    assert code_of(report) == "not-answered"


def test_the_table_of_the_notebook_states_what_the_checks_have():
    text = read_source(SOURCE).cells[0].source
    lines = [line for line in text.splitlines() if line.startswith("| 03.")]
    rows = [[part.strip() for part in line.split("|")[1:-1]] for line in lines]
    for key, title, difficulty, minutes, points, _ in rows:
        exercise = EXERCISES[key]
        stated = (title, difficulty.count("●"), int(minutes), int(points))
        assert stated == (exercise.title, exercise.difficulty, exercise.minutes, exercise.points)
    assert len(rows) == len(EXERCISES)
    assert f"{sum(exercise.points for exercise in EXERCISES.values()):g} points" in text


SURVIVORS: dict[str, str] = {}


def _mutants_that_pass(key: str) -> tuple[int, set[str]]:
    exercise = EXERCISES[key]
    source = next(cell for cell in _cells() if _defines(cell, exercise.answer))
    count, passing = 0, set()
    for mutant in mutants(source):
        count += 1
        space = dict(_model_answers())
        del space[exercise.answer]
        try:
            exec(compile(mutant.source, "mutant", "exec"), space)
        except Exception:
            continue
        if check_here(exercise, space.get(exercise.answer, MISSING)).passed:
            passing.add(f"{key} {mutant.after}")
    return count, passing


def _defines(cell: str, name: str) -> bool:
    return cell.startswith((f"def {name}(", f"{name} = "))


@pytest.mark.filterwarnings("ignore")  # mutants divide by zero and average nothing
@pytest.mark.parametrize("key", sorted(EXERCISES))
def test_no_single_edit_of_a_model_answer_passes_unless_it_is_equally_right(key):
    count, passing = _mutants_that_pass(key)
    assert count >= 5
    assert passing == {listed for listed in SURVIVORS if listed.startswith(f"{key} ")}


# ---------------------------------------------------------- the same as the course's own code


def _learning_curves(rng, networks, epochs):
    return rng.random((networks, 1)) * np.linspace(0.2, 1, epochs) + rng.random((networks, epochs))


def test_kendall_is_that_of_the_course():
    rng, tau = np.random.default_rng(0), _model_answers()["kendall_tau_b"]
    for _ in range(50):
        first, second = rng.integers(4, size=(2, 8)).tolist()
        assert tau(first, second)["tau"] == pytest.approx(kendall(first, second), nan_ok=True)


class Numbered:
    """A space whose k-th sample is the number k."""

    def __init__(self):
        self.drawn = -1

    def sample(self, rng):
        self.drawn += 1
        return self.drawn


@pytest.mark.parametrize(("count", "eta", "rungs", "epochs"), [(9, 3, 3, 9), (11, 2, 3, 12)])
def test_halving_is_that_of_the_course(count, eta, rungs, epochs):
    curves = _learning_curves(np.random.default_rng(count), count, epochs)
    curves[::3, epochs // 2 :] = np.nan
    first = epochs // eta ** (rungs - 1)
    strategy = SuccessiveHalving(
        Numbered(), seed=0, max_epochs=epochs, eta=eta, min_epochs=first, architectures=count
    )
    bracket = None
    while bracket is None or not bracket.done:
        question = strategy.ask()
        bracket = bracket or strategy.brackets[0]
        value = curves[question.architecture, question.epochs - 1]
        strategy.tell(question, Score(float(value), 0.0, "curve"))
    found = _model_answers()["successive_halving"](curves, eta, rungs)
    on = [sorted(entry.architecture for entry in rung.entries) for rung in bracket.rungs]
    assert [sorted(part) for part in found["networks"]] == on
    assert found["epochs"] == [rung.epochs for rung in bracket.rungs]
    assert found["winner"] == promotable(bracket.rungs[-1])[0].architecture


def test_median_stopping_is_that_of_the_course():
    curves = _learning_curves(np.random.default_rng(0), 200, 9)
    for warmup, needed in ((1, 5), (3, 2)):
        epochs = replay(MedianRule(warmup, needed), curves)
        assert _model_answers()["median_stopping"](curves, warmup, needed) == epochs.tolist()
        assert 9 * len(curves) > epochs.sum()


def test_the_funnel_is_that_of_the_course():
    space = _model_answers()
    valid, test = space["VALID"], space["TEST"]
    cells = [cell for cell in valid if valid[cell][1] >= 0.2]
    found = funnel(
        lambda cell: Score(valid[cell][5], 5.0, "5 epochs"),
        lambda cell: Score(valid[cell][50], 50.0, "50 epochs"),
        cells,
        keep=2,
    )
    mine = space["funnel"](list(valid), 2, 0.2, space["measure_with"](valid, test))
    assert (mine["best"], mine["valid"]) == (found.best, found.score.value)
    assert mine["epochs"] == found.cost_seconds + len(valid) - len(cells)
    assert mine["reported"] == test[found.best][50]


def test_the_broken_funnel_goes_wrong_on_the_example_of_the_text():
    space, results = _model_answers(), set()
    for _ in range(40):
        measure = space["measure_with"](space["VALID"], space["TEST"])
        try:
            results.add(space["broken_funnel"](list(space["VALID"]), 2, 0.2, measure)["best"])
        except ValueError:  # everybody was given up
            continue
    assert len(results) > 1


def test_the_measure_of_the_checks_is_that_of_the_notebook():
    parts = {"valid": {"a": {1: 0.5, 5: 0.25, 50: 0.75}}, "test": {"a": {1: 0.0, 5: 0.5, 50: 1.0}}}
    measures = [
        eval(MEASURE.format(parts=repr(parts))),
        measure_with(parts),
        _model_answers()["measure_with"](parts["valid"], parts["test"]),
    ]
    for asked in (("a", 5, "test"), ("a", 50, "valid"), ("a", 5, "test"), ("a", 1, "test")):
        assert len({float(measure(*asked)) for measure in measures}) == 1
