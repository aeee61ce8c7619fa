"""The checks of chapter 12 agree with the package, and their texts with the facts."""

import re

import numpy as np
import pytest
import torch
from exercise_chapters import Chapter, code_of

from nas_course.grading.checking import check_here
from nas_course.strategies.gradient import GradientSettings
from nas_course.strategies.gradient.connection_gates import (
    HIGH,
    LOW,
    TEMPERATURE,
    hard_concrete,
    open_probability,
)
from nas_course.strategies.gradient.natural_gradient import (
    VON,
    gradient_magnitude,
    hessian_diagonal,
    implicit_penalty,
)
from nas_course.strategies.gradient.variational import VAdam

CHAPTER = Chapter("12_distributions")


def answer(name):
    return CHAPTER.model_answers()[name]


def uniform(*shape, seed=0):
    return np.random.default_rng(seed).uniform(1e-9, 1, size=shape)


# ------------------------------------------------- the package, and the claims of the notebook


@pytest.mark.parametrize("temperature", [0.1, 1.0, 10.0])
def test_operations_are_drawn_as_softmax_says_at_every_temperature(temperature):
    pi = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    u = uniform(40_000, 2, 3)
    drawn = answer("draw_operations")(np.log(pi), u)
    shares = np.stack([(drawn == k).mean(axis=0) for k in range(3)], axis=1)
    assert np.allclose(shares, pi, atol=0.01)
    soft = np.stack([answer("soft_sample")(np.log(pi), x, temperature) for x in u[:300]])
    assert (soft.argmax(axis=2) == drawn[:300]).all()


def test_soft_samples_tend_to_one_hot_and_to_even():
    logits, u = np.random.default_rng(1).normal(size=(50, 4)), uniform(50, 4)
    cold, hot = (answer("soft_sample")(logits, u, t) for t in (1e-4, 1e6))
    assert (cold.max(axis=1) > 0.99).mean() > 0.9
    assert np.allclose(hot, 0.25, atol=1e-4)


def test_the_straight_through_gradient_is_that_of_torch():
    rng = np.random.default_rng(2)
    logits, u, v = rng.normal(size=(5, 4)), uniform(5, 4), rng.normal(size=(5, 4))
    result = answer("straight_through")(logits, u, 0.7, v)
    theta = torch.tensor(logits, requires_grad=True)
    soft = ((theta - (-torch.tensor(u).log()).log()) / 0.7).softmax(dim=1)
    (gradient,) = torch.autograd.grad((soft * torch.tensor(v)).sum(), theta)
    assert np.allclose(result["gradient"], gradient)
    assert np.allclose(result["gradient"].sum(axis=1), 0)
    assert (result["forward"].argmax(axis=1) == soft.argmax(dim=1).numpy()).all()


def test_gates_and_their_probabilities_are_those_of_the_package():
    logits, u = np.random.default_rng(3).normal(size=1000) * 2, uniform(1000)
    ours = answer("hard_concrete")(logits, u, TEMPERATURE, LOW, HIGH)
    theirs = hard_concrete(torch.tensor(logits), torch.tensor(u))
    assert np.allclose(ours["gate"], theirs, atol=1e-5)
    assert np.allclose(ours["p_open"], open_probability(torch.tensor(logits)))


def test_the_probabilities_of_a_gate_are_those_of_two_hundred_thousand_draws():
    draws = answer("hard_concrete")(np.full(200_000, 0.4), uniform(200_000), 0.5, -0.4, 1.2)
    assert (draws["gate"] > 0).mean() == pytest.approx(draws["p_open"][0], abs=0.005)
    assert (draws["gate"] == 1).mean() == pytest.approx(draws["p_full"][0], abs=0.005)


def test_three_steps_of_vadam_are_those_of_the_package():
    settings = GradientSettings(alpha_learning_rate=0.05, alpha_betas=(0.5, 0.9))
    mu = torch.randn(4, generator=torch.Generator().manual_seed(1), dtype=torch.double)
    theta = mu.clone().requires_grad_()
    theirs = VAdam([theta], settings, torch.Generator().manual_seed(7), examples=20,
                   prior_precision=2.0, initial_precision=2.0)  # fmt: skip
    noise = torch.Generator().manual_seed(7)
    ours = {"mu": mu.numpy(), "m": np.zeros(4), "s": np.zeros(4), "steps": 0}
    numbers = {"N": 20, "delta": 2.0, "rate": 0.05, "beta_1": 0.5, "beta_2": 0.9}
    for steps in range(3):
        e = torch.randn(4, generator=noise, dtype=torch.double).numpy()
        new = answer("vadam_step")(ours, e, lambda x: 2 * (x - 1), numbers)
        ours = {"mu": new["mu"], "m": new["m"], "s": new["s"], "steps": steps + 1}
        theirs.step(lambda: (torch.tensor(0.0), [2 * (theta.detach() - 1)]))
    assert np.allclose(ours["mu"], theta.detach(), rtol=1e-12)


def test_both_posteriors_are_those_of_the_package_and_the_square_is_far_wider():
    rng = np.random.default_rng(4)
    h, c, steps = np.array([0.5, 2.0, 8.0]), rng.normal(size=3), 800
    noise = torch.Generator().manual_seed(5)
    e = torch.stack([torch.randn(3, generator=noise, dtype=torch.double) for _ in range(steps)])
    ours = answer("two_posteriors")(h, c, e.numpy(), 50, 1.0, 0.02)
    for name, curvature in (("newton", hessian_diagonal), ("square", gradient_magnitude)):
        theta = torch.zeros(3, dtype=torch.double, requires_grad=True)
        von = VON([theta], torch.Generator().manual_seed(5), examples=50, rate=0.02,
                  curvature=curvature)  # fmt: skip
        for _ in range(steps):
            von.step(lambda x=theta: (torch.tensor(h) * (x - torch.tensor(c)) ** 2).sum() / 2)
        assert np.allclose(ours[f"{name}_mean"], theta.detach(), rtol=1e-8)
        assert np.allclose(ours[f"{name}_sigma"], von.deviations()[0], rtol=1e-8)
    assert np.allclose(ours["newton_sigma"], (50 * h + 1) ** -0.5, rtol=1e-4)
    assert (ours["square_sigma"] > 1.5 * ours["newton_sigma"]).all()


def test_the_numbers_of_the_reasons_are_those_of_the_package():
    reasons = answer("reasons")
    added = implicit_penalty(torch.tensor([0.5, 1.0]), torch.tensor([4.0, -2.0]))
    assert reasons["added"] == pytest.approx(added.item())
    vadam = VAdam([torch.zeros(1)], GradientSettings(), torch.Generator(), examples=25_000)
    vadam.s = [torch.tensor([1e-4])]
    assert reasons["sigma"] == pytest.approx(vadam.deviations()[0].item(), rel=1e-4)


def seen(capsys, edge):
    """Numbers that `look` prints: for each temperature three shares, single, heard."""
    answer("look")(edge, 250)
    text = capsys.readouterr().out
    figures = [float(x) for x in re.findall(r"(?:shares |, |passes |operation 2: )(\d\.\d)", text)]
    return np.array(figures).reshape(3, 5)


def test_each_fault_has_the_symptom_that_the_notebook_names(capsys):
    CHAPTER.answers  # noqa: B018
    from answers_12 import answers_edge as edges

    shares = np.array([0.5, 0.3, 0.2])
    repaired = seen(capsys, answer("gdas_edge"))
    assert np.allclose(repaired[:, :3], shares, atol=0.11) and (repaired[:, 3] == 1).all()
    assert (repaired[:, 4] > 0.7).all()
    anew = seen(capsys, edges.noise_left)
    assert (anew[:, 3] < 0.7).all()
    early = seen(capsys, edges.temperature_left)
    assert early[0, 0] > 0.8 and np.ptp(early[2, :3]) < 0.2 and (early[:, 3] == 1).all()
    lost = seen(capsys, edges.gradient_left)
    assert (lost[:, 4] == 0).all() and np.allclose(lost[:, :4], repaired[:, :4])


def test_the_faulty_edge_of_the_notebook_is_told_that_nothing_is_repaired():
    report = check_here(CHAPTER.exercises["12.8"], answer("faulty_edge"))
    assert code_of(report) == "nothing-repaired" and report.points == 0
    # the symptom, and a question; the cure is in the hints
    assert report.diagnosis.next_step.endswith("?")
