"""The checks of chapter 08 pass right answers and name what is wrong with others."""

import exercise_promises as promises
import numpy as np
import pytest
import torch
from exercise_chapters import Chapter, code_of

from nas_course.build.source import read_source
from nas_course.grading.checking import check_here
from nas_course.grading.exercises_08_frequency import binomial_range
from nas_course.strategies.gradient.small_problems import MixedRegression, QuadraticProblem

CHAPTER = Chapter("08_darts", left_out="def small_search")
SOURCE, EXERCISES = CHAPTER.source, CHAPTER.exercises
WRONG = [answer for answer in CHAPTER.answers if answer.code]
RIGHT = [answer for answer in CHAPTER.answers if not answer.code]
OTHER_SEEDS = (1, 20_261_121)
ODD_VALUES = promises.ODD_VALUES | {
    "flat array": np.arange(6.0),
    "a module": torch.nn.Linear(2, 2),
}

every_exercise = pytest.mark.parametrize("key", sorted(EXERCISES))


@pytest.mark.parametrize("answer", WRONG, ids=str)
def test_a_wrong_answer_gets_the_diagnosis_of_its_mistake(answer):
    promises.mistake_is_named(CHAPTER, answer)


@pytest.mark.parametrize("answer", WRONG, ids=str)
def test_the_diagnosis_does_not_depend_on_the_random_cases(answer):
    promises.mistake_is_named_in_other_cases(CHAPTER, answer, OTHER_SEEDS)


@pytest.mark.parametrize("answer", RIGHT, ids=str)
def test_a_right_answer_scores_full_marks_whatever_the_random_cases(answer):
    promises.gets_full_marks(CHAPTER, answer, range(12))


@every_exercise
def test_every_exercise_has_eight_named_mistakes_and_two_right_answers(key):
    promises.has_eight_named_mistakes_and_two_right_answers(
        CHAPTER, key, may_be_unnamed=["not-answered"]
    )


@every_exercise
@pytest.mark.parametrize("odd", sorted(ODD_VALUES))
def test_an_answer_of_the_wrong_kind_gets_a_clear_diagnosis(key, odd):
    promises.wrong_kind_is_diagnosed(CHAPTER, key, ODD_VALUES[odd])


@every_exercise
def test_entries_of_the_wrong_kind_get_a_clear_diagnosis(key):
    odd = (*promises.ODD_ENTRIES, -1)
    promises.wrong_entries_are_diagnosed(CHAPTER, key, odd, positions=6)


def test_an_exception_of_the_learner_is_reported_with_its_line():
    report = check_here(EXERCISES["08.3"], lambda nodes, operations: 1 / (nodes - nodes))
    assert code_of(report) == "raised"
    assert "ZeroDivisionError" in str(report)


@every_exercise
def test_the_model_answer_scores_full_marks_in_under_two_seconds(key):
    promises.model_answer_gets_full_marks_in_under_two_seconds(CHAPTER, key)


@every_exercise
def test_the_unsolved_notebook_runs_and_scores_nothing(key):
    promises.unsolved_notebook_scores_nothing(CHAPTER, key)


def test_the_points_in_the_notebook_are_those_of_the_checks():
    for cell in read_source(SOURCE).cells:
        nbgrader = cell.metadata.get("nbgrader", {})
        if nbgrader.get("grade"):
            key = cell.source.split('"')[1]
            assert nbgrader["points"] == EXERCISES[key].points
            assert EXERCISES[key].answer in cell.source


def test_the_table_of_the_notebook_states_what_the_checks_have():
    promises.table_of_the_notebook_is_true(CHAPTER)


@pytest.mark.filterwarnings("ignore")  # mutants divide by zero and average nothing
@every_exercise
def test_no_single_edit_of_a_model_answer_passes_unless_it_is_equally_right(key):
    promises.only_equally_right_edits_pass(CHAPTER, key, at_least=10)


# -------------------------------------------------------------------------- claims of the texts


def test_ridge_on_forty_digits_picks_the_strengths_that_the_check_expects():
    space = CHAPTER.model_answers()
    losses = np.array([space["ridge_losses"](s, space["digits"]) for s in space["STRENGTHS"]])
    assert losses.argmin(axis=0).tolist() == [0, 3]  # strengths 0 and 10
    assert np.sort(losses, axis=0)[1, 1] > 1.05 * losses[:, 1].min()  # not by a hair


def test_chance_leaves_the_range_in_as_many_tables_as_the_text_says():
    counts = np.random.default_rng(0).multinomial(40, [1 / 7] * 7, size=100_000)
    low, high = binomial_range(40, 1 / 7)
    share = ((counts < low) | (counts > high)).any(axis=1).mean()
    assert share == pytest.approx(0.23, abs=0.01)
    assert "23 % of such tables" in SOURCE.read_text(encoding="utf-8")


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
    answer = CHAPTER.model_answers()["darts_iteration"](problem, weights, alpha, 0.2, 0.1)
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
