"""Hypergradients where the exact one is known: closed forms, theorems, and what breaks them."""

import json
import math
import weakref
from operator import itemgetter
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nas_course.data import load
from nas_course.data.regression import diabetes
from nas_course.errors import InvalidInput
from nas_course.strategies.gradient.bilevel_bench import (
    bench,
    counted_passes,
    error_and_angle,
    place,
)
from nas_course.strategies.gradient.bilevel_problems import (
    QuadraticBilevel,
    RidgeBilevel,
    TinySupernet,
)
from nas_course.strategies.gradient.hypergradients import (
    Bilevel,
    ConjugateGradient,
    DenseImplicit,
    ExactUnrolled,
    FirstOrder,
    InnerGradient,
    Neumann,
    ReverseMode,
    SeriesGrows,
    Unrolled,
)

sizes = st.integers(2, 12)
seeds = st.integers(0, 1000)


def tiny_supernet():
    data = load("digits", train_images=60, valid_images=60, test_images=10, device="cpu")
    return TinySupernet(data, width=2)


PROBLEMS = {
    "quadratic": QuadraticBilevel,
    "ridge": lambda: RidgeBilevel(diabetes(seed=0), noise_features=3),
    "tiny supernet": tiny_supernet,
}


@pytest.fixture(scope="module", params=PROBLEMS)
def solved(request):
    """Each problem at its solution, with its exact hypergradient."""
    problem = PROBLEMS[request.param]()
    problem.solve()
    return problem, problem.exact()


@pytest.fixture(scope="module")
def supernet():
    """The tiny supernet away from its solution, with a used optimizer."""
    problem = tiny_supernet()
    weights = problem.bilevel.weights
    optimizer = torch.optim.SGD(weights, lr=0.3, momentum=0.9, weight_decay=0.02)
    for weight, g in zip(weights, gradients(problem.bilevel.inner, weights), strict=True):
        weight.grad = g
    optimizer.step()
    return problem, optimizer


def gradients(loss, leaves):
    return torch.autograd.grad(loss(), list(leaves))


def error(estimator, problem, exact):
    return error_and_angle(estimator(problem.bilevel)[1], exact)[0]


def same(got, expected, tolerance=1e-12):
    return error_and_angle(got, expected)[0] < tolerance


# The exact hypergradients themselves


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_exact_hypergradient_is_the_slope_of_the_solved_outer_loss(name):
    problem = PROBLEMS[name]()
    problem.solve()
    (exact,), (alpha,) = problem.exact(), problem.bilevel.alphas
    for index in (0, exact.numel() - 2):
        up, down = (slope_end(problem, alpha, index, step) for step in (1e-4, -1e-4))
        assert (up - down) / 2e-4 == pytest.approx(exact.view(-1)[index].item(), rel=1e-5)


def slope_end(problem, alpha, index, step):
    moved = alpha.detach().clone()
    alpha.data.view(-1)[index] += step
    problem.solve()
    value = problem.bilevel.outer().item()
    alpha.data.copy_(moved)
    return value


def test_the_dense_solve_agrees_with_every_exact_hypergradient(solved):
    problem, exact = solved
    assert error(DenseImplicit(), problem, exact) < 1e-12


def test_at_the_solution_the_inner_gradient_vanishes(solved):
    problem, _ = solved
    assert max(q.abs().max() for q in InnerGradient(problem.bilevel, 0.0).values()) < 1e-12


# Second derivatives


def test_products_agree_with_the_hessian_of_automatic_differentiation():
    # w_1^2 w_2 + exp(w_1) alpha: H = [[2 w_2 + alpha exp(w_1), 2 w_1], [2 w_1, 0]]
    w = torch.tensor([0.5, -1.5], dtype=torch.double, requires_grad=True)
    alpha = torch.tensor(0.7, dtype=torch.double, requires_grad=True)
    problem = Bilevel(lambda: w.sum(), lambda: w[0] ** 2 * w[1] + w[0].exp() * alpha, [alpha], [w])
    q = InnerGradient(problem, weight_decay=0.25)
    e = math.exp(0.5)
    (product,) = q.hessian_times([torch.tensor([1.0, 2.0], dtype=torch.double)])
    assert product.tolist() == pytest.approx([-3 + 0.7 * e + 0.25 + 2 * 1, 1 + 0.25 * 2])
    (mixed,) = q.mixed_times([torch.tensor([3.0, 9.0], dtype=torch.double)])
    assert mixed.item() == pytest.approx(3 * e)
    assert q.values()[0].tolist() == pytest.approx([-1.5 + 0.7 * e + 0.125, 0.25 - 0.375])


def test_a_loss_that_is_linear_has_zero_second_derivatives():
    w, alpha = (torch.ones(2, requires_grad=True) for _ in range(2))
    q = InnerGradient(Bilevel(w.sum, w.sum, [alpha], [w]), weight_decay=0.0)
    assert q.hessian_times([torch.ones(2)])[0].tolist() == [0, 0]
    assert q.mixed_times([torch.ones(2)])[0].tolist() == [0, 0]


# One step and T steps


def by_hand_at_this_point(problem, gamma):
    """Return dL_val/dalpha - gamma (d^2 L_train/dalpha dw) dL_val/dw, equation 6.3."""
    p = problem.bilevel
    v = gradients(p.outer, p.weights)
    q = torch.autograd.grad(p.inner(), list(p.weights), create_graph=True)
    product = sum((a * b).sum() for a, b in zip(q, v, strict=True))
    pairs = zip(gradients(p.outer, p.alphas), gradients(lambda: product, p.alphas), strict=True)
    return [direct - gamma * mixed for direct, mixed in pairs]


def test_zero_neumann_terms_are_the_formula_of_second_order_darts(supernet):
    problem, _ = supernet
    _, got = Neumann(0.1, terms=0)(problem.bilevel)
    assert same(got, by_hand_at_this_point(problem, 0.1))


def through_torch(problem, optimizer, steps):
    """Differentiate through `steps` steps of SGD kept in one graph."""
    group, p = optimizer.param_groups[0], problem.bilevel
    leaves = list(p.weights)
    state, w = [optimizer.state[leaf]["momentum_buffer"] for leaf in leaves], leaves
    for _ in range(steps):
        p.weights = w
        q = torch.autograd.grad(p.inner(), w, create_graph=True)
        state = [0.9 * m + g + 0.02 * x for m, g, x in zip(state, q, w, strict=True)]
        w = [x - group["lr"] * m for x, m in zip(w, state, strict=True)]
    p.weights = w
    loss = p.outer()
    p.weights = tuple(leaves)
    return loss, torch.autograd.grad(loss, list(p.alphas))


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_reverse_mode_is_automatic_differentiation_through_the_optimizer(supernet, steps):
    problem, optimizer = supernet
    loss, got = ReverseMode(optimizer, steps)(problem.bilevel)
    expected_loss, expected = through_torch(problem, optimizer, steps)
    assert loss.item() == pytest.approx(expected_loss.item(), rel=1e-12)
    assert same(got, expected)


def test_exact_unrolling_is_reverse_mode_through_one_step_and_the_limit_of_differences(supernet):
    problem, optimizer = supernet
    _, exact = ExactUnrolled(optimizer)(problem.bilevel)
    assert same(ReverseMode(optimizer, steps=1)(problem.bilevel)[1], exact)
    errors = [error(Unrolled(optimizer, epsilon), problem, exact) for epsilon in (1e-1, 1e-2)]
    assert errors[1] < 1e-4 and 50 < errors[0] / errors[1] < 200


def test_many_steps_from_the_start_reach_the_implicit_gradient():
    problem = QuadraticBilevel(conditioning=10.0)
    problem.start()
    errors = [error(ReverseMode(1.0, steps), problem, problem.exact()) for steps in (10, 400)]
    assert errors[0] > 0.1 and errors[1] < 1e-12


@given(kept=st.integers(1, 6), more=st.integers(0, 3))
def test_truncation_at_the_solution_is_neumann_with_one_product_less(kept, more):
    problem = QuadraticBilevel(weights=6)
    problem.solve()
    _, truncated = ReverseMode(0.7, kept + more, kept)(problem.bilevel)
    assert same(truncated, Neumann(0.7, terms=kept - 1)(problem.bilevel)[1], 1e-9)


def test_one_graph_is_alive_at_a_time_however_many_steps(supernet):
    problem, _ = supernet
    peaks = [peak_of_saved_tensors(ReverseMode(0.1, t), problem.bilevel) for t in (2, 6)]
    assert peaks[0] == peaks[1] > 0
    peaks = [peak_of_saved_tensors(Neumann(1e-3, k), problem.bilevel) for k in (2, 6)]
    assert peaks[0] == peaks[1] > 0


class Saved:
    """Stands for a tensor that a graph keeps."""

    def __init__(self, tensor):
        self.tensor = tensor


def peak_of_saved_tensors(estimator, problem):
    alive, peak = weakref.WeakSet(), [0]

    def pack(tensor):
        saved = Saved(tensor.detach())  # with its history it would keep itself alive
        alive.add(saved)
        peak[0] = max(peak[0], len(alive))
        return saved

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda saved: saved.tensor):
        estimator(problem)
    return peak[0]


# Neumann series


@given(seed=seeds, conditioning=st.floats(2, 200), terms=st.integers(0, 30))
def test_the_neumann_error_obeys_theorem_one(seed, conditioning, terms):
    problem = QuadraticBilevel(weights=8, conditioning=conditioning, seed=seed)
    problem.solve()
    gamma, mu = 0.9, 1 / conditioning  # L = 1
    _, (got,) = Neumann(gamma, terms)(problem.bilevel)
    difference = (got - problem.exact()[0]).norm().item()
    v = gradients(problem.bilevel.outer, problem.bilevel.weights)[0].norm().item()
    mixed = torch.linalg.matrix_norm(problem.B, 2).item()
    assert difference <= mixed * v / mu * (1 - gamma * mu) ** (terms + 1) * (1 + 1e-9)


def test_the_neumann_error_falls_by_one_minus_gamma_mu_for_each_term():
    problem = QuadraticBilevel(weights=4, conditioning=20.0)  # the other eigenvalues far above mu
    problem.solve()
    errors = [error(Neumann(1.0, k), problem, problem.exact()) for k in (120, 121)]
    assert errors[1] / errors[0] == pytest.approx(1 - 1 / 20, rel=1e-3)


def test_the_series_converges_below_twice_the_inverse_curvature_and_diverges_above():
    problem = QuadraticBilevel(conditioning=20.0)
    problem.solve()
    exact = problem.exact()
    below, above = (Neumann(x, terms=300, growth_limit=math.inf) for x in (1.9, 2.1))
    assert error(below, problem, exact) < 1e-6 and not below.stopped
    assert error(above, problem, exact) > 1e6


def test_the_guard_cuts_a_growing_series_and_says_so():
    problem = QuadraticBilevel(conditioning=20.0)
    problem.solve()
    guarded = Neumann(2.1, terms=300)
    with pytest.warns(SeriesGrows, match=r"power_iterations"):
        assert error(guarded, problem, problem.exact()) < 1
    assert guarded.stopped and guarded.norms[-1] > min(guarded.norms)
    assert len(guarded.norms) < 300


def test_power_iterations_shorten_a_step_that_is_too_long():
    problem = QuadraticBilevel(conditioning=20.0)
    problem.solve()
    guarded = Neumann(50.0, terms=300, power_iterations=10)
    assert error(guarded, problem, problem.exact()) < 1e-4 and not guarded.stopped


# Conjugate gradients


@given(seed=seeds, size=sizes)
def test_as_many_conjugate_gradient_iterations_as_weights_solve_it(seed, size):
    problem = QuadraticBilevel(weights=size, conditioning=5.0, seed=seed)
    problem.solve()
    assert error(ConjugateGradient(size), problem, problem.exact()) < 1e-7


def test_conjugate_gradient_stops_at_its_tolerance():
    problem = QuadraticBilevel()
    problem.solve()
    solver = ConjugateGradient(100, tolerance=0.1)
    solver(problem.bilevel)
    assert solver.residuals[-1] <= 0.1 < min(solver.residuals[:-1])


def test_negative_curvature_stops_both_and_damping_lets_them_go_on():
    w = torch.tensor([0.0, 0.0], dtype=torch.double, requires_grad=True)
    alpha = torch.tensor(1.0, dtype=torch.double, requires_grad=True)
    saddle = Bilevel(
        lambda: w[0] + 2 * w[1],
        lambda: w[0] ** 2 / 2 - w[1] ** 2 / 2 + alpha * w.sum(),
        [alpha],
        [w],
    )
    solver, series = ConjugateGradient(2), Neumann(0.5, terms=3)
    assert solver(saddle)[1][0].item() == 0 and solver.stopped
    with pytest.warns(SeriesGrows):
        series(saddle)
    assert series.stopped
    damped = ConjugateGradient(2, damping=3.0)
    assert damped(saddle)[1][0].item() == pytest.approx(-(1 / 4 + 2 / 2)) and not damped.stopped


# What all of them share


def estimators(step):
    return [
        FirstOrder(),
        Unrolled(step),
        ExactUnrolled(step),
        ReverseMode(step, steps=3, kept=2),
        Neumann(step, terms=2, growth_limit=math.inf),
        ConjugateGradient(3, weight_decay=0.1),
        DenseImplicit(weight_decay=0.1),
    ]


@pytest.mark.parametrize("index", range(7))
def test_weights_and_alphas_stay_bit_for_bit(supernet, index):
    problem, optimizer = supernet
    leaves = [*problem.bilevel.weights, *problem.bilevel.alphas]
    buffers = [optimizer.state[w]["momentum_buffer"] for w in problem.bilevel.weights]
    before = [t.detach().clone() for t in [*leaves, *buffers]]
    estimators(optimizer)[index](problem.bilevel)
    assert all(torch.equal(a, b) for a, b in zip([*leaves, *buffers], before, strict=True))
    assert all(leaf.grad is None for leaf in problem.bilevel.alphas)


def test_the_weights_are_put_back_even_if_a_loss_fails():
    w, alpha = (torch.ones(2, requires_grad=True) for _ in range(2))
    problem = Bilevel(lambda: 1 / 0, lambda: (w**2 * alpha).sum(), [alpha], [w])
    for estimator in (Unrolled(0.1), ReverseMode(0.1, 3)):
        with pytest.raises(ZeroDivisionError):
            estimator(problem)
        assert w.tolist() == [1, 1]


def test_without_a_step_all_are_first_order(supernet):
    problem, _ = supernet
    _, expected = FirstOrder()(problem.bilevel)
    for estimator in (*estimators(0.0)[1:5], ConjugateGradient(iterations=0)):
        assert same(estimator(problem.bilevel)[1], expected)


def test_the_weight_decay_of_the_optimizer_is_part_of_the_inner_loss(supernet):
    problem, optimizer = supernet
    p = problem.bilevel

    def decayed():
        return p.inner() + 0.02 * sum((w**2).sum() for w in p.weights) / 2

    longer = Bilevel(p.outer, decayed, p.alphas, p.weights)
    pairs = [
        (Neumann(optimizer, growth_limit=math.inf), Neumann(0.3, growth_limit=math.inf)),
        (ConjugateGradient(3, weight_decay=0.02), ConjugateGradient(3)),
        (DenseImplicit(weight_decay=0.02), DenseImplicit()),
    ]
    for given_apart, written_out in pairs:
        assert same(given_apart(p)[1], written_out(longer)[1], 1e-9)


def test_each_estimator_costs_the_passes_of_its_formula(supernet):
    problem, _ = supernet
    size = sum(w.numel() for w in problem.bilevel.weights)
    # gradients and products, in the order of estimators()
    costs = [(1, 0), (4, 0), (3, 1), (6, 3), (2, 3), (2, 4), (2, size + 1)]
    for estimator, expected in zip(estimators(0.1), costs, strict=True):
        with counted_passes() as passes:
            estimator(problem.bilevel)
        assert (passes.gradients, passes.products) == expected


@pytest.mark.parametrize(
    "make",
    [
        lambda: ReverseMode(0.1, steps=0),
        lambda: ReverseMode(0.1, steps=3, kept=4),
        lambda: Neumann(-0.1),
        lambda: Neumann(0.1, terms=-1),
        lambda: Neumann(0.1, growth_limit=0.5),
        lambda: ConjugateGradient(-1),
        lambda: ConjugateGradient(1, damping=-1.0),
        lambda: ExactUnrolled(math.nan),
        lambda: QuadraticBilevel(conditioning=0.5),
    ],
)
def test_settings_out_of_range_are_refused_with_what_is_allowed(make):
    with pytest.raises(InvalidInput, match=r"got .*; allowed: "):
        make()


def test_a_singular_or_large_hessian_is_refused_by_the_dense_reference():
    alpha, few, many = (torch.ones(n, requires_grad=True) for n in (1, 2, 2001))
    with pytest.raises(InvalidInput, match="singular"):
        flat = Bilevel(few.sum, lambda: alpha[0] * few[0] ** 2, [alpha], [few])
        DenseImplicit()(flat)
    with pytest.raises(InvalidInput, match=r"got 2001; allowed: at most 2,000"):
        DenseImplicit()(Bilevel(many.sum, lambda: (many**2).sum(), [alpha], [many]))


# The bench


@given(degrees=st.floats(1e-5, 179), scale=st.floats(0.1, 10))
def test_error_and_angle_of_a_turned_vector(degrees, scale):
    radians = math.radians(degrees)
    turned = torch.tensor([math.cos(radians), math.sin(radians)], dtype=torch.double) * scale
    error, angle = error_and_angle([turned], [torch.tensor([1.0, 0.0], dtype=torch.double)])
    assert angle == pytest.approx(degrees, rel=1e-6)
    assert error == pytest.approx(math.sqrt(1 + scale**2 - 2 * scale * math.cos(radians)), rel=1e-6)


def test_the_bench_measures_every_estimator_and_the_early_point_is_biased():
    problem = QuadraticBilevel(weights=6, conditioning=5.0)
    solved, early = (bench(problem, point, amounts=(1, 90)) for point in ("solved", "early"))
    assert len(solved) == 4 + 4 * 2
    best = {row["estimator"]: row["error"] for row in solved if row["amount"] == 90}
    assert best["reverse mode"] < 1e-6 and best["conjugate gradient"] < 1e-12
    assert best["truncated to 4"] > 0.1
    biased = {row["estimator"]: row["error"] for row in early if row["amount"] == 90}
    assert biased["reverse mode"] < 1e-6 < biased["conjugate gradient"]


def test_the_results_file_holds_what_the_bench_measures_now():
    path = Path(__file__).parents[1] / "results" / "hypergradients.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    key = itemgetter("problem", "point", "estimator", "amount")
    stored = {key(row): row for row in rows}
    for row in bench(QuadraticBilevel(), "early", amounts=(1, 8)):
        expected = stored[key(row)]
        assert row["error"] == pytest.approx(expected["error"], rel=1e-6, abs=1e-9)
        assert (row["gradients"], row["products"]) == (expected["gradients"], expected["products"])


def test_descent_on_the_regularization_lowers_the_validation_error_of_ridge():
    problem = RidgeBilevel(diabetes(seed=0))
    (alpha,) = problem.bilevel.alphas
    place(problem, "solved")
    before = problem.bilevel.outer().item()
    for _ in range(30):
        _, (g,) = ConjugateGradient(20)(problem.bilevel)
        with torch.no_grad():
            alpha -= 30 * g
        problem.solve()
    assert problem.bilevel.outer().item() < 0.99 * before
