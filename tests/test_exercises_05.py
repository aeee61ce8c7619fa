"""The checks of chapter 05 agree with the package, and their texts with the facts."""

import re

import numpy as np
import pytest
import torch
from exercise_chapters import Chapter, code_of

from nas_course.grading.checking import check_here
from nas_course.strategies.black_box import controller as package
from nas_course.strategies.black_box.controller import Controller
from nas_course.strategies.black_box.reinforce import MovingBaseline

CHAPTER = Chapter("05_reinforcement_learning")
EXERCISES = CHAPTER.exercises


# ------------------------------------------------- the package, and the claims of the notebook


def test_the_log_probability_is_that_of_the_package():
    controller = Controller([3, 2, 4], 8, torch.Generator().manual_seed(0))
    tokens, log_pi = controller.sample(6, np.random.default_rng(0))
    logits = log_pi.double() + torch.randn(6, 3, 1, dtype=torch.double)
    ours = CHAPTER.model_answers()["sequence_log_probability"](logits, tokens, [3, 2, 4])
    assert torch.allclose(ours.float(), package.sequence_log_probability(log_pi, tokens), atol=1e-5)


def test_the_policy_gradient_is_that_of_the_expected_reward():
    """All nine sequences, each as often as it is drawn in the mean."""
    rng = np.random.default_rng(0)
    logits, rewards = rng.normal(size=(2, 3)), rng.normal(size=9)
    theta = torch.tensor(logits, requires_grad=True)
    p = (theta.softmax(1)[0][:, None] * theta.softmax(1)[1][None, :]).ravel()
    (exact,) = torch.autograd.grad((p * torch.tensor(rewards)).sum(), theta)
    tokens = np.array([(i, j) for i in range(3) for j in range(3)])
    for baseline in (0.0, 5.0):
        weights = 9 * p.detach().numpy() * (rewards - baseline)
        estimate = CHAPTER.model_answers()["policy_gradient"](logits, tokens, weights)
        assert np.allclose(estimate, exact, atol=1e-12)


def test_the_advantages_are_those_of_the_package():
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=size) for size in (10, 3, 10, 1, 7)] + [np.full(3, 0.1)] * 2
    baseline = MovingBaseline(0.9)
    for ours, batch in zip(
        CHAPTER.model_answers()["standardised_advantages"](batches, 0.9), batches, strict=True
    ):
        assert np.allclose(ours, baseline.advantages(batch), atol=1e-9)


def test_the_mean_of_three_times_a_tenth_is_not_a_tenth():
    assert np.full(3, 0.1).mean() != 0.1


def test_the_entropy_is_the_mean_of_the_package_over_all_paths():
    rng = np.random.default_rng(0)
    tables = [rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(4), size=3)]
    paths = np.array([(i, j) for i in range(3) for j in range(4)])
    p = np.array([tables[0][i] * tables[1][i, j] for i, j in paths])
    log_pi = torch.full((12, 2, 4), -1e9, dtype=torch.double)
    log_pi[:, 0, :3] = torch.tensor(np.log(tables[0]))
    log_pi[:, 1] = torch.tensor(np.log(tables[1][paths[:, 0]]))
    mean = (torch.tensor(p) * package.path_entropy(log_pi)).sum().item()
    answer = CHAPTER.model_answers()["policy_entropy"](tables)
    assert answer["entropy"] == pytest.approx(mean) == pytest.approx(-(p * np.log(p)).sum())
    assert answer["independent"] > answer["entropy"]


def _outcome(capsys, update) -> tuple[float, float]:
    """Last mean reward and baseline that `learn` prints."""
    CHAPTER.model_answers()["learn"](update)
    _, last, baseline = re.findall(r"-?\d+\.\d+", capsys.readouterr().out)[-3:]
    return float(last), float(baseline)


def test_each_fault_has_the_symptom_that_the_notebook_names(capsys):
    at_chance = 2 / 3
    updates = {
        answer.value.__name__: answer.value
        for answer in CHAPTER.answers
        if answer.exercise == "05.6"
    }
    last, baseline = _outcome(capsys, CHAPTER.model_answers()["reinforce_update"])
    assert last > 1.4 and abs(baseline - last) < 0.2
    assert _outcome(capsys, updates["sign_left"])[0] < 0.4
    assert _outcome(capsys, updates["feedback_left"])[0] == pytest.approx(at_chance, abs=0.15)
    last, baseline = _outcome(capsys, updates["graph_left"])
    assert last > 1.4 and 2.6 < baseline < 3.0
    last, baseline = _outcome(capsys, CHAPTER.model_answers()["faulty_update"])
    assert last < 1 and baseline < -10


def test_the_budget_of_enas_pays_for_less_than_a_third_of_a_child():
    assert CHAPTER.model_answers()["reasons"]["children_for_enas"] < 1 / 3


def test_the_faulty_update_of_the_notebook_is_told_that_nothing_is_repaired():
    report = check_here(EXERCISES["05.6"], CHAPTER.model_answers()["faulty_update"])
    assert code_of(report) == "nothing-repaired" and report.points == 0
