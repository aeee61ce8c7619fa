"""SDARTS: perturbed mixing weights stay in the ball and on the simplex, and flatten the loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_course.data import load
from nas_course.errors import InvalidInput
from nas_course.methods.gradient_stages import ROWS
from nas_course.spaces import NASBench201Space
from nas_course.strategies.gradient import GradientSettings, Moment
from nas_course.strategies.gradient.sharpness import (
    AdversarialSmoothing,
    RandomSmoothing,
    moved,
    to_simplex,
    uniform_noise,
)

METHODS = {row.name: row for row in ROWS if row.name.startswith("sdarts")}
seeds = st.integers(0, 2**32 - 1)
radii = st.floats(0.001, 0.5)


def moment(seed=0, progress=1.0):
    return Moment(progress, "weights", torch.Generator().manual_seed(seed))


def point(seed, edges=6, operations=5, spread=1.0):
    logits = spread * np.random.default_rng(seed).normal(size=(edges, operations))
    return {"cell": torch.from_numpy(logits).softmax(dim=1)}


def quadratic(seed, size=30):
    """Give a random loss with curvature of either sign, as a function of pi."""
    rng = np.random.default_rng(seed)
    matrix, slope = torch.from_numpy(rng.normal(size=(size, size))), rng.normal(size=size)

    def loss(pi):
        x = pi["cell"].reshape(-1)
        return x @ (matrix + matrix.T) @ x / 2 + torch.from_numpy(slope) @ x

    return loss


@given(seed=seeds, eps=radii)
def test_the_noise_is_in_the_ball(seed, eps):
    delta = uniform_noise(point(seed), eps, moment(seed).generator)["cell"]
    assert delta.abs().max() <= eps and delta.abs().max() > eps / 10


@given(seed=seeds, eps=radii)
@settings(max_examples=40, deadline=None)
def test_every_step_of_the_ascent_stays_in_the_ball(seed, eps):
    pi, loss = point(seed), quadratic(seed)
    perturbation = AdversarialSmoothing(first=eps, last=eps)
    delta = uniform_noise(pi, eps, moment(seed).generator)
    for _ in range(perturbation.steps):
        delta = perturbation._ascend(pi, delta, loss, eps)
        assert delta["cell"].abs().max() <= eps * (1 + 1e-12)


def far(pi, found):
    return (found["cell"] - pi["cell"]).abs().max().item()


def bound(eps, operations):
    """Return how far the docstring lets a weight move; 1e-12 is for rounding."""
    return min(1.0, (operations - 1) * max(eps, 1e-7)) + 1e-12


@settings(max_examples=200)
@given(
    seed=seeds,
    eps=st.floats(0, 1),
    operations=st.integers(2, 8),
    spread=st.sampled_from([0.3, 3.0, 30.0]),
    extreme=st.booleans(),
)
def test_put_back_on_the_simplex_a_weight_has_moved_by_n_minus_1_eps_at_most(
    seed, eps, operations, spread, extreme
):
    pi = point(seed, edges=20, operations=operations, spread=spread)
    delta = uniform_noise(pi, eps, moment(seed).generator)
    if extreme:  # the corners of the ball, where the largest moves are
        delta = {"cell": eps * delta["cell"].sign()}
    assert far(pi, moved(pi, delta)) <= bound(eps, operations)


@pytest.mark.parametrize("operations", [2, 5, 8])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 1.0])
def test_no_smaller_bound_holds(operations, share):
    eps = share / (operations - 1)
    pi = torch.full((1, operations), eps, dtype=torch.float64)
    pi[0, 0] = 1 - (operations - 1) * eps
    delta = torch.full_like(pi, -eps)
    delta[0, 0] = eps
    found = moved({"cell": pi}, {"cell": delta})
    assert far({"cell": pi}, found) == pytest.approx(share, abs=1e-5)
    assert found["cell"][0, 0].item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("kind", [RandomSmoothing, AdversarialSmoothing])
@settings(max_examples=40, deadline=None)
@given(seed=seeds, eps=radii, spread=st.sampled_from([0.3, 3.0]))
def test_the_point_that_is_used_is_within_the_bound(kind, seed, eps, spread):
    pi = point(seed, spread=spread)
    found = kind(first=eps, last=eps).perturb(None, pi, quadratic(seed), moment(seed))
    assert far(pi, found) <= bound(eps, 5)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("steps", [1, 3])
def test_the_ascent_is_the_one_of_the_docstring(seed, steps):
    eps, raw = 0.15, quadratic(seed)
    pi, twin = point(seed), moment(seed).generator
    delta = (eps * (2 * torch.rand(6, 5, generator=twin) - 1)).double()  # drawn in float32

    def put_back(x):
        return x.clamp(min=1e-7) / x.clamp(min=1e-7).sum(dim=1, keepdim=True)

    def normalised(x):
        return raw({"cell": x / x.sum(dim=1, keepdim=True)})

    for _ in range(steps):
        p = put_back(pi["cell"] + delta)
        g = torch.autograd.functional.jacobian(normalised, p)
        delta = (p + 2 * eps / steps * g.sign() - pi["cell"]).clamp(-eps, eps)
    worst = put_back(pi["cell"] + delta)
    perturbation = AdversarialSmoothing(steps=steps, first=eps, last=eps)
    found = perturbation.perturb(None, pi, raw, moment(seed))["cell"]
    assert raw({"cell": worst}) > raw(pi), "so that it is used"
    torch.testing.assert_close(found, worst, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", [RandomSmoothing, AdversarialSmoothing])
@settings(max_examples=40, deadline=None)
@given(seed=seeds, eps=radii)
def test_perturbed_weights_lie_on_the_simplex(kind, seed, eps):
    pi = point(seed)
    found = kind(first=eps, last=eps).perturb(None, pi, quadratic(seed), moment(seed))["cell"]
    assert (found >= 0).all() and torch.allclose(found.sum(dim=1), torch.ones(6).double())
    assert not found.requires_grad


@settings(max_examples=40, deadline=None)
@given(seed=seeds, eps=radii)
def test_the_adversary_never_returns_a_smaller_loss_and_pi_itself_if_it_found_none_larger(
    seed, eps
):
    pi, loss = point(seed), quadratic(seed)
    found = AdversarialSmoothing(first=eps, last=eps).perturb(None, pi, loss, moment(seed))
    assert loss(found) > loss(pi) or torch.equal(found["cell"], pi["cell"])


def test_where_pi_is_the_worst_point_the_adversary_leaves_it():
    pi = point(1)
    found = AdversarialSmoothing().perturb(
        None, pi, lambda other: -((other["cell"] - pi["cell"]) ** 2).sum(), moment()
    )
    assert torch.equal(found["cell"], pi["cell"])


@pytest.mark.parametrize("seed", range(5))
def test_on_two_operations_the_adversary_is_near_the_worst_of_the_whole_ball(seed):
    pi, eps = point(seed, edges=1, operations=2), 0.2
    centre = np.random.default_rng(seed).uniform()

    def loss(other):
        return ((other["cell"][0, 0] - centre) ** 2).sum()

    found = AdversarialSmoothing(first=eps, last=eps).perturb(None, pi, loss, moment(seed))
    grid = torch.linspace(-eps, eps, 81, dtype=torch.float64)
    corners = torch.cartesian_prod(grid, grid)
    reachable = [loss(moved(pi, {"cell": delta[None]})).item() for delta in corners]
    assert loss(found).item() >= 0.95 * max(reachable)


def test_the_mean_loss_is_the_loss_plus_a_sixth_of_eps_squared_times_the_trace():
    # f(pi / sum pi) is a loss that `to_simplex` does not change, so the expansion is exact in it
    pi, raw = point(3, edges=2, operations=3, spread=0.3), quadratic(3, size=6)
    eps = 0.02

    def loss(weights):
        return raw({"cell": to_simplex(weights)})

    hessian = torch.autograd.functional.hessian(loss, pi["cell"]).reshape(6, 6)
    perturbation, generator = RandomSmoothing(first=eps, last=eps), moment(0).generator
    draws = []
    for _ in range(4000):
        delta = uniform_noise(pi, eps, generator)
        mirrored = {"cell": -delta["cell"]}  # the odd terms cancel in the pair
        draws.append((raw(moved(pi, delta)) + raw(moved(pi, mirrored))).item() / 2)
    rise, error = np.mean(draws) - raw(pi).item(), np.std(draws) / np.sqrt(len(draws))
    assert perturbation.radius(0.5) == eps
    assert rise == pytest.approx(eps**2 / 6 * hessian.trace().item(), abs=4 * error + 3 * eps**4)
    assert abs(rise) > 8 * error, "the curvature shows above the noise"


def test_the_radius_grows_linearly():
    radii = [RandomSmoothing().radius(progress) for progress in (0, 0.5, 1)]
    assert radii == pytest.approx([0.03, 0.165, 0.3])


def test_a_row_without_positive_weights_becomes_uniform():
    rows = torch.tensor([[-1.0, -2.0, 0.0], [0.5, -1.0, 1.5]])
    expected = torch.tensor([[1 / 3] * 3, [0.25, 0.0, 0.75]])
    torch.testing.assert_close(to_simplex(rows), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", METHODS)
def test_the_weights_train_under_the_perturbation_and_the_alphas_do_not(name):
    data = load("digits", train_images=12, valid_images=12, test_images=10, device="cpu")
    chosen = GradientSettings(channels=2, cells=1, batch_size=12, alpha_learning_rate=0.05)
    train, valid = (data.train.images, data.train.labels), (data.valid.images, data.valid.labels)
    results = []
    for last in (0.0, 0.3):
        row = METHODS[name].with_options(first=last, last=last)
        search = row.build(NASBench201Space(), data, chosen, 0, 4)
        results.append((search.step(train, valid), search))
    (still, calm), (shaken, rough) = results
    assert shaken["valid_loss"] == still["valid_loss"]
    assert torch.equal(calm.alphas()["cell"], rough.alphas()["cell"])
    assert shaken["train_loss"] != still["train_loss"]
    if name == "sdarts-adv":
        assert shaken["train_loss"] > still["train_loss"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sdarts-rs", {"first": -0.1}),
        ("sdarts-rs", {"last": 1.5}),
        ("sdarts-adv", {"steps": 0}),
    ],
)
def test_options_outside_their_range_are_refused(name, options):
    (option,) = options
    with pytest.raises(InvalidInput, match=f"{option}: got .*allowed"):
        METHODS[name].with_options(**options)
