"""The checks of chapter 10 agree with the package, and their texts with the facts."""

import re

import numpy as np
import pytest
import torch
from exercise_chapters import Chapter, code_of

from nas_course.grading.checking import check_here
from nas_course.grading.smooth_losses import derivatives, gradients, random_losses
from nas_course.strategies.gradient import Bilevel
from nas_course.strategies.gradient.hypergradients import Neumann
from nas_course.strategies.gradient.hypernetwork import ThroughHypernetwork
from nas_course.strategies.gradient.hypernetwork_response import LinearHypernetwork

CHAPTER = Chapter("10_hypergradients")
EXERCISES = CHAPTER.exercises


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def answer(name):
    return CHAPTER.model_answers()[name]


def positive(rng, size):
    root = rng.normal(size=(size, size))
    return root @ root.T / size + 0.5 * np.eye(size)


# ------------------------------------------------- the package, and the claims of the notebook


def test_the_closed_form_is_the_slope_of_the_best_weights_loss(rng):
    h, b, d, t = positive(rng, 4), rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), np.ones(4)
    alpha = rng.normal(size=3)

    def value(a):
        return np.sum((np.linalg.solve(h, b @ a) - d @ a - t) ** 2) / 2

    steps = 1e-6 * np.eye(3)
    slope = [(value(alpha + s) - value(alpha - s)) / 2e-6 for s in steps]
    assert np.allclose(answer("closed_form")(h, b, d, t, alpha)[-1], slope, rtol=1e-6)


def test_the_derivatives_that_checks_use_are_slopes(rng):
    train, valid = random_losses(rng, 4, 3)
    w, a = rng.normal(size=4), rng.normal(size=3)
    at = derivatives(train, valid, w, a)
    along_w = [
        gradients(train, w + s, a)[0] - gradients(train, w - s, a)[0] for s in np.eye(4) / 1e5
    ]
    along_a = [
        gradients(train, w, a + s)[0] - gradients(train, w, a - s)[0] for s in np.eye(3) / 1e5
    ]
    assert np.allclose(at.hessian, np.array(along_w) * 5e4, atol=1e-6)
    assert np.allclose(at.mixed, np.array(along_a) * 5e4, atol=1e-6)
    assert np.allclose(at.v, gradients(valid, w, a)[0])


def test_the_neumann_rows_are_the_estimates_of_the_package(rng):
    train, valid = (loss.function for loss in random_losses(rng, 4, 3))
    w, a = torch.tensor(rng.normal(size=4)), torch.tensor(rng.normal(size=3))
    rows = answer("neumann")(train, valid, w, a, 0.2, 3)
    leaf_w, leaf_a = w.clone().requires_grad_(), a.clone().requires_grad_()
    problem = Bilevel(
        lambda: valid(leaf_w, leaf_a), lambda: train(leaf_w, leaf_a), [leaf_a], [leaf_w]
    )
    for terms, row in enumerate(rows):
        (ours,) = Neumann(0.2, terms, growth_limit=np.inf)(problem)[1]
        assert torch.allclose(row, ours, rtol=1e-9)


def test_k_steps_back_from_a_solution_are_k_minus_one_products(rng):
    h, b, alpha, target = positive(rng, 4), rng.normal(size=(4, 3)), np.ones(3), np.ones(4)
    solution = np.linalg.solve(h, b @ alpha)
    truncated = answer("reverse_mode")(
        np.array([h] * 5), np.array([b] * 5), solution, alpha, 0.2, target
    )
    H, B, t = (torch.tensor(array) for array in (h, b, target))
    products = answer("neumann")(
        lambda w, a: w @ H @ w / 2 - w @ B @ a,
        lambda w, a: (w - t).square().sum() / 2 + 0 * a.sum(),
        torch.tensor(solution),
        torch.tensor(alpha),
        0.2,
        4,
    )
    assert np.allclose(truncated, products, rtol=1e-9)


def test_the_hypernetwork_iteration_is_that_of_the_package(rng):
    train, valid = (loss.function for loss in random_losses(rng, 4, 3))
    matrix, bias, alpha = (torch.tensor(rng.normal(size=s)) for s in ((4, 3), (4,), (3,)))
    direct, response, new, taught, moved = answer("hypernetwork_iteration")(
        train, valid, matrix, bias, alpha, 0.1, 0.5
    )
    network, leaf = LinearHypernetwork(matrix.clone(), bias.clone()), alpha.clone().requires_grad_()
    for part, ours in (("direct", direct), ("response", response), ("total", direct + response)):
        through = ThroughHypernetwork(part)
        weights = [network.bias.clone().requires_grad_()]  # no part needs them
        outer = Bilevel(lambda t=through: valid(network(t.read(leaf)), leaf), None, [leaf], weights)
        assert torch.allclose(through(outer)[1][0], ours, rtol=1e-9)
    network.learn(train, new, 0.1)
    assert torch.allclose(network.matrix, taught) and torch.allclose(network.bias, moved)
    assert torch.linalg.matrix_rank(taught - matrix, atol=1e-9) == 1


def ends_at(capsys, iteration) -> tuple[float, float]:
    """Distances from 1 that `follow` prints: of the weights, of the alphas."""
    answer("follow")(iteration)
    weights, alphas = re.findall(r"\d+\.\d+", capsys.readouterr().out)[-2:]
    return float(weights), float(alphas)


def test_each_fault_has_the_symptom_that_the_notebook_names(capsys):
    left = {a.value.__name__: a.value for a in CHAPTER.answers if a.exercise == "10.6"}
    assert ends_at(capsys, answer("idarts_iteration")) == (0, 0)
    weights, alphas = ends_at(capsys, left["copy_left"])
    assert weights == 1 and alphas > 10
    assert min(ends_at(capsys, left["parentheses_left"])) > 0.99
    weights, alphas = ends_at(capsys, left["restore_left"])
    assert 0.001 < weights < 0.01 and alphas < 0.01
    weights, alphas = ends_at(capsys, answer("faulty_iteration"))
    assert weights < 0.01 and alphas > 0.9  # trained by what is left over, on the validation loss


def test_weights_moved_back_along_p_are_right_up_to_rounding_and_copied_ones_to_the_bit(rng):
    """Both are full answers (10.6); the notebook says how they differ."""
    train, valid = (loss.function for loss in random_losses(rng, 40, 3))
    case = (train, valid, *(torch.tensor(rng.normal(size=n)) for n in (40, 3)), 0.3, 0.5)
    right = {a.value.__name__: a.value for a in CHAPTER.answers if a.exercise == "10.6"}
    # what is trained does not depend on how many terms the series has
    plain, copied = (answer("idarts_iteration")(*case, 2, terms)["weights"] for terms in (0, 3))
    assert torch.equal(copied, plain)
    trained = right["with_copies"](*case, 2, 0)["weights"]
    moved = right["moved_back_along_p"](*case, 2, 3)["weights"]
    assert not torch.equal(moved, trained)
    assert torch.allclose(moved, trained, rtol=0, atol=1e-14)


def test_the_faulty_iteration_of_the_notebook_is_told_that_nothing_is_repaired():
    report = check_here(EXERCISES["10.6"], answer("faulty_iteration"))
    assert code_of(report) == "nothing-repaired" and report.points == 0
    # the symptom, and a question; the cure is in the hints
    assert report.diagnosis.next_step.endswith("?")
