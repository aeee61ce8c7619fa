"""The checks of chapter 08 pass right answers and name what is wrong with others."""

import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from answers_08 import Answer, all_answers
from answers_08.mutants import mutants

from nas_course.build.source import read_source, without_solutions
from nas_course.grading import exercises
from nas_course.grading.answering import MISSING, respond
from nas_course.grading.checking import check_here, run_check
from nas_course.grading.exercises_08_frequency import binomial_range
from nas_course.strategies.gradient.small_problems import MixedRegression, QuadraticProblem

SOURCE = Path(__file__).resolve().parents[1] / "source" / "exercises" / "08_darts.py"
EXERCISES = {key: ex for key, ex in exercises().items() if ex.chapter == "08_darts"}
ANSWERS = all_answers()
WRONG = [answer for answer in ANSWERS if answer.code]
RIGHT = [answer for answer in ANSWERS if not answer.code]
UNNAMED = {"values-differ", "unforeseen-form", "raised", "not-answered"}
OTHER_SEEDS = (1, 20_261_121)


def named(answer: Answer) -> str:
    return f"{answer.exercise}-{answer.label}".replace(" ", "-")


def code_of(report) -> str | None:
    return report.diagnosis.code if report.diagnosis else None


def check_with_seed(answer: Answer, seed: int):
    return run_check(EXERCISES[answer.exercise], lambda ask: respond(answer.value, ask), seed)


@pytest.mark.parametrize("answer", WRONG, ids=named)
def test_a_wrong_answer_gets_the_diagnosis_of_its_mistake(answer):
    report = check_here(EXERCISES[answer.exercise], answer.value)
    assert code_of(report) == answer.code, str(report)
    assert report.points < report.possible
    assert report.diagnosis.cause and report.diagnosis.next_step


@pytest.mark.parametrize("answer", WRONG, ids=named)
def test_the_diagnosis_does_not_depend_on_the_random_cases(answer):
    codes = [code_of(check_with_seed(answer, seed)) for seed in OTHER_SEEDS]
    assert codes == [answer.code] * len(OTHER_SEEDS)


@pytest.mark.parametrize("answer", RIGHT, ids=named)
def test_a_right_answer_scores_full_marks_whatever_the_random_cases(answer):
    for seed in range(12):
        report = check_with_seed(answer, seed)
        assert report.passed and report.points == report.possible, str(report)


@pytest.mark.parametrize("key", sorted(EXERCISES))
def test_every_exercise_has_eight_named_mistakes_and_two_right_answers(key):
    codes = {answer.code for answer in WRONG if answer.exercise == key}
    assert len(codes - UNNAMED) >= 8
    assert codes.isdisjoint(UNNAMED - {"not-answered"})
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
    "flat array": np.arange(6.0),
    "nan array": np.full((14, 8), np.nan),
    "0-d tensor": torch.tensor(1.5),
    "true": True,
    "a set": {1, 2},
    "an object": object(),
    "a module": torch.nn.Linear(2, 2),
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
    for odd in (None, "text", [1], {}, float("nan"), float("inf"), -1, object()):
        for broken in _with_odd_entries(right, odd):
            report = check_here(exercise, broken)
            assert not report.passed
            assert code_of(report) != "unforeseen-form", str(report)


def _with_odd_entries(answer, odd):
    """The right answer with one entry replaced by something odd, for each entry."""
    if not callable(answer):
        yield from ({**answer, key: odd} for key in answer)
        return
    for position in range(6):
        yield lambda *args, position=position: _replaced(answer(*args), position, odd)


def _replaced(value, position, odd):
    if isinstance(value, dict):
        return {**value, sorted(value)[position % len(value)]: odd}
    parts = list(value)
    parts[position % len(parts)] = odd
    return parts


def test_an_exception_of_the_learner_is_reported_with_its_line():
    report = check_here(EXERCISES["08.3"], lambda nodes, operations: 1 / (nodes - nodes))
    assert code_of(report) == "raised"
    assert "ZeroDivisionError" in str(report)


# ----------------------------------------------------------------- the notebook and its mutants


def _cells(stubs: bool = False) -> list[str]:
    notebook = read_source(SOURCE)
    if stubs:
        notebook = without_solutions(notebook, SOURCE)
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def _run(cells: list[str]) -> dict:
    """Run code cells as a notebook would, but not the experiment, which trains a network."""
    space: dict = {}
    for cell in cells:
        if "def small_search" not in cell:
            exec(compile(cell, "notebook", "exec"), space)
    return space


_SPACES: dict[bool, dict] = {}


def _model_answers(stubs: bool = False) -> dict:
    if stubs not in _SPACES:
        _SPACES[stubs] = _run(_cells(stubs))
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


def test_the_points_in_the_notebook_are_those_of_the_checks():
    for cell in read_source(SOURCE).cells:
        nbgrader = cell.metadata.get("nbgrader", {})
        if nbgrader.get("grade"):
            key = cell.source.split('"')[1]
            assert nbgrader["points"] == EXERCISES[key].points
            assert EXERCISES[key].answer in cell.source


def test_the_table_of_the_notebook_states_what_the_checks_have():
    text = read_source(SOURCE).cells[0].source
    lines = [line for line in text.splitlines() if line.startswith("| 08.")]
    rows = [[part.strip() for part in line.split("|")[1:-1]] for line in lines]
    for key, title, difficulty, minutes, points, _ in rows:
        exercise = EXERCISES[key]
        stated = (title, difficulty.count("●"), int(minutes), int(points))
        assert stated == (exercise.title, exercise.difficulty, exercise.minutes, exercise.points)
    assert len(rows) == len(EXERCISES)


def test_ridge_on_forty_digits_picks_the_strengths_that_the_check_expects():
    space = _model_answers()
    losses = np.array([space["ridge_losses"](s, space["digits"]) for s in space["STRENGTHS"]])
    assert losses.argmin(axis=0).tolist() == [0, 3]  # strengths 0 and 10
    assert np.sort(losses, axis=0)[1, 1] > 1.05 * losses[:, 1].min()  # not by a hair


def test_chance_leaves_the_range_in_as_many_tables_as_the_text_says():
    counts = np.random.default_rng(0).multinomial(40, [1 / 7] * 7, size=100_000)
    low, high = binomial_range(40, 1 / 7)
    share = ((counts < low) | (counts > high)).any(axis=1).mean()
    assert share == pytest.approx(0.23, abs=0.01)
    assert "23 % of such tables" in SOURCE.read_text(encoding="utf-8")


SURVIVORS = {
    "08.2 why_fast = {'search_factor': 2001 / 4,": "0.05 % off: the check allows 1 %",
    "08.2 why_fast = {'search_factor': 1999 / 4,": "0.05 % off: the check allows 1 %",
    "08.2 'whole_factor': 2001 / (4 + 1 + 1.5),": "0.05 % off: the check allows 1 %",
    "08.2 'whole_factor': 1999 / (4 + 1 + 1.5),": "0.05 % off: the check allows 1 %",
    "08.2 'sharing_factor': 2001 / 0.5,": "0.05 % off: the check allows 1 %",
    "08.2 'sharing_factor': 1999 / 0.5,": "0.05 % off: the check allows 1 %",
    "08.7 for node in {target for _, target in edges}:": "a set of small ints is walked in "
    "ascending order, so sorting it changes nothing",
    "08.7 weights = torch.log_softmax(alpha, dim=1)": "the logarithm keeps the order of weights, "
    "and only their order is used",
    "08.7 kept = sorted(rows, key=lambda row: strengths[row], reverse=True)[:2]": "0-d tensors "
    "compare like the floats in them",
    "08.8 for epoch in range(len(winners) - 5):": "winners and weights have the same length",
    "08.8 'stable_from': [first_stable_epoch(edge) for edge in range(winners.shape[1])]}": "the "
    "same number of edges",
    "08.10 'skip_strength': 1.1},": "any positive strength is a plan",
    "08.10 'seeds': [-1, 1, 2, 3, 4],": "any five different seeds will do",
    "08.10 'seeds': [0, 1, 2, 3, 5],": "any five different seeds will do",
    "08.12 low, high = ((cumulative < bound).sum() for bound in (0.025, 0.975))": "numpy integers "
    "are taken too",
    "08.12 likely = [math.comb(n, k) * p ** k * (1 - p) ** (n - k) for k in range(n + 2)]": "the "
    "extra probability is comb(n, n + 1) = 0",
    "08.12 likely = [math.comb(n, k) * p ** k * (1 - p) ** (n - k) for k in range(n + 0)]": "the "
    "last probability lies above both bounds, its absence is counted alike",
    "08.12 low, high = (int((cumulative <= bound).sum()) for bound in (0.025, 0.975))": "the sums "
    "have denominators 7^n or 2^n and never equal 1/40 or 39/40",
}


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
    assert count >= 10
    assert passing == {listed for listed in SURVIVORS if listed.startswith(f"{key} ")}


# ------------------------------------------------------------------------- the small problems


def _finite_difference(function, at, distance=1e-6):
    steps = np.eye(len(at)) * distance
    return np.array([(function(at + s) - function(at - s)) / (2 * distance) for s in steps])


def _quadratic():
    rng = np.random.default_rng(3)
    root = rng.normal(size=(4, 4))
    return QuadraticProblem(
        root @ root.T, rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), rng.normal(size=4)
    )


def test_the_unrolled_gradient_of_the_quadratic_problem_is_a_finite_difference():
    problem, rng = _quadratic(), np.random.default_rng(4)
    weights, alpha = rng.normal(size=4), rng.normal(size=3)

    def loss_after_the_step(a):
        ahead = weights - 0.2 * problem.train_gradients(weights, a)[0]
        return 0.5 * ((ahead - problem.direct @ a - problem.target) ** 2).sum()

    exact = problem.unrolled_gradient(weights, alpha, 0.2)
    assert np.allclose(exact, _finite_difference(loss_after_the_step, alpha), atol=1e-6)
    answer = _model_answers()["darts_iteration"](problem, weights, alpha, 0.2, 0.1)
    assert np.allclose(exact, answer[0], atol=1e-8)


def test_the_gradients_of_the_mixed_regression_agree_with_automatic_differentiation():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(9, 4)), rng.normal(size=9)
    problem = MixedRegression(x, y, x[::-1], y[::-1])
    weights = torch.tensor(rng.normal(size=4), requires_grad=True)
    alpha = torch.tensor(rng.normal(size=4), requires_grad=True)
    prediction = torch.tanh(weights * torch.tensor(x)) @ alpha.softmax(0)
    loss = ((prediction - torch.tensor(y)) ** 2).mean() / 2
    expected = torch.autograd.grad(loss, (weights, alpha))
    got = problem.train_gradients(weights.detach().numpy(), alpha.detach().numpy())
    for ours, autograd in zip(got, expected, strict=True):
        assert np.allclose(ours, autograd.numpy(), atol=1e-12)
