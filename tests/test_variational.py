"""Variational inference over the alphas: VAdam, VON, and the rows of BaLeNAS."""

import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_search import SETTINGS, assert_same, data, run  # noqa: F401

from nas_course.errors import InvalidInput
from nas_course.methods.gradient_bayesian import ROWS
from nas_course.models import build_supernet
from nas_course.search import search_gradient
from nas_course.spaces import DARTSSpace, NASBench201Space
from nas_course.strategies.gradient import (
    Bilevel,
    FirstOrder,
    GradientSearch,
    GradientSettings,
    Unrolled,
)
from nas_course.strategies.gradient.natural_gradient import (
    VON,
    gradient_magnitude,
    hessian_diagonal,
    implicit_penalty,
)
from nas_course.strategies.gradient.variational import VAdam, sampled

FAST = GradientSettings(alpha_learning_rate=0.05)
H = torch.tensor([0.5, 2.0, 8.0], dtype=torch.float64)
C = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def quadratic(theta):
    return 0.5 * (H * (theta - C) ** 2).sum()


def zeros():
    return torch.zeros(3, dtype=torch.float64, requires_grad=True)


def closure_of(theta, loss=quadratic):
    def closure():
        value = loss(theta)
        return value.detach(), list(torch.autograd.grad(value, [theta]))

    return closure


class Noiseless(VAdam):
    """VAdam whose draws are all the mean."""

    def deviations(self):
        return [torch.zeros_like(s) for s in super().deviations()]


# ---------------------------------------------------------------- VAdam


def test_without_noise_and_without_prior_vadam_walks_as_adam_does():
    ours, theirs = zeros(), zeros()
    exact = {"examples": 50, "prior_precision": 0.0, "initial_precision": 1e-30}
    vadam = Noiseless([ours], FAST, generator(), **exact)
    adam = torch.optim.Adam([theirs], lr=0.05, betas=FAST.alpha_betas, eps=0.0)
    for _ in range(100):
        vadam.step(closure_of(ours))
        adam.zero_grad()
        quadratic(theirs).backward()
        adam.step()
    assert torch.allclose(ours, theirs, rtol=1e-10)


def test_two_steps_of_vadam_are_those_worked_by_hand():
    """N = 3, delta = 3/2, so d = 1/2; beta = (1/2, 3/4), rate 7/10; gradients 2, then 3.

    s_0 = (13/2 - 3/2) / 3 = 5/3, mu_0 = 1.

    t = 1:  m = (2 + 1/2) / 2 = 5/4,                  m_hat = (5/4) / (1/2) = 5/2
            s = 3/4 * 5/3 + 4/4 = 9/4,                s_hat = (9/4) / (1/4) = 9
            mu = 1 - 7/10 * (5/2) / (3 + 1/2) = 1/2,  precision 3 * 9/4 + 3/2 = 33/4
    t = 2:  m = 5/8 + (3 + 1/4) / 2 = 9/4,            m_hat = (9/4) / (3/4) = 3
            s = 3/4 * 9/4 + 9/4 = 63/16,              s_hat = (63/16) / (7/16) = 9
            mu = 1/2 - 7/10 * 3 / (3 + 1/2) = -1/10,  precision 3 * 63/16 + 3/2 = 213/16
    """
    theta = torch.ones(1, dtype=torch.float64, requires_grad=True)
    chosen = GradientSettings(alpha_learning_rate=0.7, alpha_betas=(0.5, 0.75))
    believed = {"examples": 3, "prior_precision": 1.5, "initial_precision": 6.5}
    vadam, twin = VAdam([theta], chosen, generator(4), **believed), generator(4)
    by_hand = [
        # gradient, precision and mean of the draw; m, s, mu after it
        (2.0, 13 / 2, 1.0, 5 / 4, 9 / 4, 1 / 2),
        (3.0, 33 / 4, 1 / 2, 9 / 4, 63 / 16, -1 / 10),
    ]
    for gradient, precision, mean, m, s, mu in by_hand:
        drawn = []

        def closure(gradient=gradient, drawn=drawn):
            drawn.append(theta.item())
            return torch.tensor(0.0), [torch.tensor([gradient], dtype=torch.float64)]

        e = torch.randn(1, generator=twin, dtype=torch.float64).item()
        vadam.step(closure)
        assert drawn == pytest.approx([mean + e / math.sqrt(precision)], rel=1e-12)
        assert (vadam.m[0].item(), vadam.s[0].item()) == pytest.approx((m, s), rel=1e-12)
        assert theta.item() == pytest.approx(mu, rel=1e-12)
    assert vadam.deviations()[0].item() == pytest.approx((213 / 16) ** -0.5, rel=1e-12)


def test_the_closure_sees_a_sample_and_afterwards_the_mean_is_back_bit_for_bit():
    theta = torch.randn(50, generator=generator(1)).requires_grad_()
    start, seen = theta.detach().clone(), []
    vadam = VAdam([theta], FAST, generator(), examples=10, samples=3)
    zero = torch.zeros(50)

    def closure():
        seen.append(theta.detach().clone())
        return torch.tensor(1.0), [zero]

    with sampled([theta], vadam.deviations(), generator()):
        assert not torch.equal(theta, start)
    assert torch.equal(theta, start)
    vadam.delta = 0.0  # no gradient, no prior: the update itself is 0 / 0, so watch it alone
    vadam.s = [torch.ones(50)]
    vadam.step(closure)
    assert torch.equal(theta, start)
    assert len({tuple(sample.tolist()) for sample in seen}) == 3


def test_a_closure_that_raises_leaves_the_mean_and_no_trace():
    theta = torch.randn(50, generator=generator(1)).requires_grad_()
    start = theta.detach().clone()
    vadam = VAdam([theta], FAST, generator(), examples=10)

    def broken():
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError):
        vadam.step(broken)
    assert torch.equal(theta, start)
    assert vadam.steps == 0 and not vadam.m[0].any()


def test_draws_have_the_deviation_one_over_the_root_of_n_s_plus_delta():
    theta = torch.zeros(20_000, requires_grad=True)
    vadam = VAdam([theta], FAST, generator(), examples=100, prior_precision=2.0,
                  initial_precision=2.0)  # fmt: skip
    vadam.s = [torch.full_like(theta, 0.07)]
    with sampled([theta], vadam.deviations(), generator(3)):
        spread = theta.std().item()
    assert spread == pytest.approx(1 / 3, rel=0.02)  # 100 * 0.07 + 2 = 9


def test_gradients_and_their_squares_are_averaged_over_the_draws():
    theta, seen = zeros(), []
    vadam = VAdam([theta], FAST, generator(), examples=5, samples=4)
    inner = closure_of(theta)

    def closure():
        loss, gradients = inner()
        seen.append((loss, gradients[0]))
        return loss, gradients

    loss = vadam.step(closure)
    g = torch.stack([gradient for _, gradient in seen])
    beta_1, beta_2 = FAST.alpha_betas
    assert torch.allclose(vadam.m[0], (1 - beta_1) * g.mean(0))
    assert torch.allclose(vadam.s[0], (1 - beta_2) * (g**2).mean(0))
    assert loss == pytest.approx(torch.stack([value for value, _ in seen]).mean())


def test_with_zero_gradients_s_decays_and_sigma_returns_to_the_prior():
    theta = zeros()
    vadam = VAdam([theta], FAST, generator(), examples=10, prior_precision=4.0,
                  initial_precision=100.0)  # fmt: skip
    before = vadam.s[0].clone()
    vadam.step(lambda: (torch.tensor(0.0), [torch.zeros(3, dtype=torch.float64)]))
    assert torch.allclose(vadam.s[0], before * FAST.alpha_betas[1], rtol=1e-12)
    vadam.s = [torch.zeros(3, dtype=torch.float64)]
    assert torch.allclose(vadam.deviations()[0], torch.full_like(theta, 0.5))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), scale=st.floats(1e-6, 1e3))
def test_s_is_never_negative_and_larger_gradients_make_a_narrower_posterior(seed, scale):
    widths = []
    for factor in (1.0, 3.0):
        theta = zeros()
        vadam = VAdam([theta], FAST, generator(), examples=1000)
        g = factor * scale * torch.randn(3, generator=generator(seed), dtype=torch.float64)
        for _ in range(3):
            vadam.step(lambda g=g: (torch.tensor(0.0), [g]))
        assert (vadam.s[0] >= 0).all()
        widths.append(vadam.deviations()[0])
    assert (widths[1] <= widths[0]).all()


def test_vadam_finds_the_minimum_and_its_posterior_narrows_where_the_loss_is_curved():
    theta = zeros()
    vadam = VAdam([theta], FAST, generator(), examples=10_000)
    means = []
    for _ in range(3000):
        vadam.step(closure_of(theta))
        means.append(theta.detach().clone())
    assert torch.allclose(torch.stack(means[1000:]).mean(0), C, atol=0.05)
    sigma = vadam.deviations()[0]
    assert sigma[0] > sigma[1] > sigma[2]


def test_a_saved_vadam_continues_bit_for_bit():
    a, b = zeros(), zeros()
    through, stopped = (VAdam([x], FAST, generator(), examples=20) for x in (a, b))
    for _ in range(6):
        through.step(closure_of(a))
    for _ in range(3):
        stopped.step(closure_of(b))
    c, continued = b.detach().clone().requires_grad_(), generator()
    continued.set_state(stopped.generator.get_state())
    resumed = VAdam([c], FAST, continued)
    resumed.load_state_dict(stopped.state_dict())
    for _ in range(3):
        resumed.step(closure_of(c))
    assert torch.equal(a, c)


@pytest.mark.parametrize(
    "wrong",
    [
        {"samples": 0},
        {"examples": 0},
        {"prior_precision": -1.0},
        {"prior_precision": 2.0, "initial_precision": 1.0},
        {"prior_precision": 0.0, "initial_precision": 0.0},
    ],
)
def test_values_that_would_make_a_variance_negative_or_nothing_are_refused(wrong):
    with pytest.raises(InvalidInput, match=f"{next(iter(wrong))}.*got .*allowed"):
        VAdam([zeros()], FAST, generator(), **wrong)
    with pytest.raises(InvalidInput, match=r"got .*allowed"):
        ROWS[0].with_options(**wrong)


def test_without_the_number_of_examples_the_first_step_says_what_to_give():
    theta = zeros()
    with pytest.raises(InvalidInput, match="give examples="):
        VAdam([theta], FAST, generator()).step(closure_of(theta))


# ---------------------------------------------------------------- VON and the thesis' equations


def run_von(curvature, steps=2000, rate=0.02):
    theta = zeros()
    von = VON([theta], generator(), examples=50, rate=rate, curvature=curvature)
    means, s = [], []
    for _ in range(steps):
        von.step(lambda: quadratic(theta))
        means.append(theta.detach().clone())
        s.append(von.s[0].clone())
    half = steps // 2
    return von, torch.stack(means[half:]).mean(0), torch.stack(s[half:]).mean(0)


def test_von_recovers_the_posterior_of_a_quadratic():
    von, mean, s = run_von(hessian_diagonal)
    d = 1 / 50
    assert torch.allclose(s, H, rtol=1e-6)
    assert torch.allclose(mean, H * C / (H + d), atol=0.03)
    assert torch.allclose(von.deviations()[0], (50 * (H + d)).rsqrt(), rtol=1e-6)


def test_the_gradient_magnitude_finds_the_mean_but_a_far_too_wide_posterior():
    von, mean, s = run_von(gradient_magnitude, steps=5000)
    d = 1 / 50
    assert torch.allclose(mean, H * C / (H + d), atol=0.06)
    settled = (-d + (d**2 + 4 * H**2 / 50).sqrt()) / 2  # root of s (s + d) = h^2 / N
    assert torch.allclose(s, settled, rtol=0.25)
    assert (von.deviations()[0] > 1.5 * (50 * (H + d)).rsqrt()).all()


def test_a_step_of_von_is_the_bayesian_learning_rule_in_natural_parameters():
    # equation 5.11 with lambda = (mu / sigma^2, -1 / (2 sigma^2)), written out independently
    theta = torch.tensor([0.3, -0.2, 0.9], dtype=torch.float64, requires_grad=True)
    von = VON([theta], generator(5), examples=50, rate=0.1, initial_precision=30.0)
    mu, precision = theta.detach().clone(), von.deviations()[0] ** -2
    noise = torch.randn(3, generator=generator(5), dtype=torch.float64)
    draw = mu + precision.rsqrt() * noise
    gradient, curvature = 50 * H * (draw - C) + mu, 50 * H + 1  # of N loss + delta |theta|^2 / 2
    along_mean = gradient - curvature * mu
    first = (1 - 0.1) * precision * mu - 0.1 * along_mean
    second = (1 - 0.1) * (-precision / 2) - 0.1 * curvature / 2
    von.step(lambda: quadratic(theta))
    assert torch.allclose(von.deviations()[0] ** -2, -2 * second, rtol=1e-12)
    assert torch.allclose(theta, -first / (2 * second), rtol=1e-12)


def test_the_diagonal_of_the_hessian_is_the_dense_one():
    theta = torch.randn(4, generator=generator(2), dtype=torch.float64).requires_grad_()

    def loss(x):
        return (x.prod() + (x**3).sum() * x[0]).sin()

    gradients = torch.autograd.grad(loss(theta), [theta], create_graph=True)
    dense = torch.autograd.functional.hessian(loss, theta.detach())
    assert torch.allclose(hessian_diagonal(gradients, [theta])[0], dense.diagonal())
    flat = torch.autograd.grad(theta.sum(), [theta], create_graph=True)
    assert not hessian_diagonal(flat, [theta])[0].any()


def test_von_refuses_a_loss_that_curves_downwards():
    theta = zeros()
    von = VON([theta], generator(), examples=50, rate=0.5)
    with pytest.raises(InvalidInput, match="convex on average"):
        for _ in range(3):
            von.step(lambda: -quadratic(theta))


@pytest.mark.parametrize("signs", [(1, 1, 1), (1, -1, -1)])
def test_noise_adds_half_the_trace_of_sigma_squared_times_the_hessian(signs):
    h = H * torch.tensor(signs)
    mu = torch.tensor([0.2, 0.4, -1.0], dtype=torch.float64)
    sigma = torch.tensor([0.5, 0.1, 1.0], dtype=torch.float64)

    def loss(theta):
        return 0.5 * (h * (theta - C) ** 2).sum(-1)

    draws = mu + sigma * torch.randn(10**6, 3, generator=generator(), dtype=torch.float64)
    losses = loss(draws)
    error = losses.std() / 1000
    assert abs(losses.mean() - loss(mu) - implicit_penalty(sigma, h)) < 3 * error
    assert (implicit_penalty(sigma, h) > 0) == (signs == (1, 1, 1))


# ---------------------------------------------------------------- in a search


@pytest.mark.parametrize("make", [lambda optimizer: FirstOrder(), Unrolled])
def test_every_pass_of_a_hypergradient_is_at_the_same_sample(make):
    alpha, w = zeros(), torch.ones(3, dtype=torch.float64, requires_grad=True)
    seen = []

    def loss():
        seen.append(alpha.detach().clone())
        return ((w * alpha.sigmoid() - C) ** 2).sum()

    hypergradient = make(torch.optim.SGD([w], lr=0.1, momentum=0.9))
    vadam = VAdam([alpha], FAST, generator(), examples=10)
    vadam.step(lambda: hypergradient(Bilevel(loss, loss, [alpha], [w])))
    assert all(torch.equal(values, seen[0]) for values in seen)
    assert not torch.equal(seen[0], torch.zeros_like(alpha))
    assert len(seen) == (1 if make is not Unrolled else 4)


def search_of(row, space, cells):
    parts = row.make_parts(**{"examples": 30} | dict(row.fixed))
    supernet = build_supernet(space, channels=2, cells=cells, classes=3, in_channels=1,
                              generator=generator())  # fmt: skip
    return GradientSearch(supernet, parts, SETTINGS, 10)


def batches(count):
    noise = generator(1)
    pairs = [(torch.randn(6, 1, 4, 4, generator=noise), torch.arange(6) % 3) for _ in range(count)]
    return list(zip(pairs, pairs[::-1], strict=True))


@pytest.mark.parametrize(
    ("row", "space", "cells"),
    [(ROWS[0], DARTSSpace(), 3), (ROWS[1], NASBench201Space(), 1)],
    ids=["1st darts", "2nd nas-bench-201"],
)
def test_a_stopped_search_continues_bit_for_bit(row, space, cells):
    through, stopped, resumed = (search_of(row, space, cells) for _ in range(3))
    steps = batches(2)
    for step in steps:
        through.step(*step)
    stopped.step(*steps[0])
    resumed.load_state_dict(stopped.state_dict())
    for step in steps[1:]:
        resumed.step(*step)
    for name in ("weights", "parameters"):
        pairs = zip(getattr(through, name), getattr(resumed, name), strict=True)
        assert all(torch.equal(x, y) for x, y in pairs)


def test_the_history_holds_the_widths_of_the_posterior_and_n_is_the_validation_part(data):  # noqa: F811
    options = {"space": "nas-bench-201", "settings": SETTINGS, "epochs": 2, "progress": False}
    result = search_gradient(ROWS[0], data, **options)
    first, *others = [row.get("sigma") for row in result.history.rows]
    assert first is None
    for sigma in others:
        assert len(sigma["cell"]) == 6 and all(len(row) == 5 for row in sigma["cell"])
        assert all(0 < value <= 1 for row in sigma["cell"] for value in row)
    wide, narrow = others[-1], widths_with(10**9, data, options)
    assert math.prod(narrow["cell"][0][1:]) < math.prod(wide["cell"][0][1:])
    told = widths_with(len(data.valid), data, options)
    assert told == wide


def widths_with(examples, images, options):
    row = ROWS[0].with_options(examples=examples)
    return search_gradient(row, images, **options).history.rows[-1]["sigma"]


def test_on_nas_bench_201_gates_and_depth_change_nothing(data):  # noqa: F811
    go = partial(run, data, epochs=1)
    assert_same(go(ROWS[0]), go(ROWS[0].with_options(depth_weight=0.0)))
