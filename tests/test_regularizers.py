"""Regularizers of the alphas, and the hard-concrete gates on connections."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_course import methods
from nas_course.errors import InvalidInput
from nas_course.methods.gradient_regularized import ROWS
from nas_course.models import build_supernet
from nas_course.search import search_gradient
from nas_course.spaces import DARTSSpace, NASBench201Space
from nas_course.strategies.gradient import AdamOptimizer, GradientSettings, Moment, Parts
from nas_course.strategies.gradient.connection_gates import (
    ConnectionGates,
    connection_logits,
    discretize_gated,
    hard_concrete,
    mean_gate,
    open_probability,
)
from nas_course.strategies.gradient.regularizers import (
    DepthAware,
    Entropy,
    SkipPenalty,
    consecutive_edges,
    expected_depth,
)
from nas_course.strategies.gradient.variational import VAdam

TEMPLATE = DARTSSpace.template
SKIP = TEMPLATE.operations.index("skip_connect")
DECISIVE = GradientSettings(alpha_learning_rate=0.05, alpha_weight_decay=0.0)
seeds = st.integers(0, 2**31)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def supernet_of(space, scale=1.0, seed=0):
    cells = 1 if isinstance(space, NASBench201Space) else 3
    return build_supernet(space, channels=1, cells=cells, classes=2, in_channels=1,
                          generator=generator(seed), alpha_scale=scale)  # fmt: skip


@pytest.fixture(scope="module")
def darts():
    """Build one DARTS supernet; tests set the alphas anew."""
    return supernet_of(DARTSSpace())


def with_alphas(supernet, seed, scale=1.0):
    with torch.no_grad():
        for alpha in supernet.alphas.values():
            alpha.copy_(scale * torch.randn(alpha.shape, generator=generator(seed)))
    return supernet


def gradients(term, supernet):
    return torch.autograd.grad(term, list(supernet.alphas.values()))


# ---------------------------------------------------------------- skips and entropy


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_the_skip_penalty_pushes_skip_down_and_every_other_operation_up(darts, seed):
    with_alphas(darts, seed)
    for alpha, gradient in zip(
        darts.alphas.values(), gradients(SkipPenalty(0.1)(darts, 0.0), darts), strict=True
    ):
        assert (gradient[:, SKIP] > 0).all()  # descent goes against the gradient
        assert (np.delete(gradient.numpy(), SKIP, axis=1) < 0).all()
        p = alpha.detach().softmax(1)
        delta = torch.eye(8)[SKIP]
        assert torch.allclose(gradient, 0.1 * p[:, [SKIP]] * (delta - p), atol=1e-8)


def test_the_penalty_of_even_darts_alphas_is_the_number_of_edges_over_eight(darts):
    with_alphas(darts, 0, scale=0.0)
    assert SkipPenalty(0.1)(darts, 0.0).item() == pytest.approx(0.1 * 28 / 8)
    assert SkipPenalty(0.0)(darts, 0.0).item() == 0


def test_descending_the_penalty_alone_lowers_every_skip_share(darts):
    with_alphas(darts, 1)
    parameters = list(darts.alphas.values())
    adam = AdamOptimizer(parameters, DECISIVE, generator())
    shares = []
    for _ in range(20):
        shares.append(torch.stack([p.detach().softmax(1)[:, SKIP] for p in parameters]))
        term = SkipPenalty(1.0)(darts, 0.0)
        adam.step(lambda term=term: (term.detach(), list(torch.autograd.grad(term, parameters))))
    assert all((after < before).all() for before, after in pairwise(shares))


def test_the_entropy_of_even_operations_is_the_logarithm_of_their_number():
    for space, operations in ((DARTSSpace(), 8), (NASBench201Space(), 5)):
        supernet = with_alphas(supernet_of(space), 0, scale=0.0)
        assert Entropy(2.0)(supernet, 0.0).item() == pytest.approx(2 * math.log(operations))
        with torch.no_grad():
            for alpha in supernet.alphas.values():
                alpha[:, 2] = 200.0  # decided: 0, and no nan from 0 log 0
        assert Entropy(2.0)(supernet, 0.0).item() == pytest.approx(0.0, abs=1e-6)
        assert all(
            torch.isfinite(g).all() for g in gradients(Entropy(1.0)(supernet, 0.0), supernet)
        )


@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_a_step_down_the_entropy_raises_the_largest_share_of_an_edge(darts, seed):
    with_alphas(darts, seed)
    moved = gradients(Entropy(1.0)(darts, 0.0), darts)
    for alpha, gradient in zip(darts.alphas.values(), moved, strict=True):
        before = alpha.detach().softmax(1).max(1).values
        after = (alpha.detach() - 1e-2 * gradient).softmax(1).max(1).values
        assert (after >= before - 1e-7).all() and (after > before).any()


def test_a_row_with_the_entropy_searches_and_its_sign_opens_or_closes_the_edges(digits):
    row = replace(
        methods.get("darts-1st"),
        name="darts-entropy",
        make_parts=lambda *, weight=1.0: Parts(regularizers=(Entropy(weight),)),
    )
    budget = {"space": "nas-bench-201", "epochs": 4, "progress": False}
    sizes = GradientSettings(channels=2, cells=1, batch_size=12, alpha_learning_rate=0.05)
    left = [
        search_gradient(row.with_options(weight=w), digits, settings=sizes, **budget).supernet
        for w in (-3.0, 0.0, 3.0)
    ]
    open_, plain, closed = (Entropy(1.0)(supernet, 1.0).item() for supernet in left)
    assert open_ > plain + 0.01 and closed < plain - 0.01


@pytest.mark.parametrize("part", [SkipPenalty, DepthAware, Entropy])
def test_a_weight_that_is_no_number_is_refused(part):
    with pytest.raises(InvalidInput, match=f"{part.__name__}: got nan; allowed: finite"):
        part(math.nan)
    with pytest.raises(InvalidInput, match="weight of SkipPenalty: got -1; allowed"):
        ROWS[0].with_options(weight=-1)


# ---------------------------------------------------------------- gates


@pytest.mark.parametrize("logit", [-2.5, -0.5, 0.0, 1.7])
def test_the_chance_of_an_open_gate_is_that_of_a_million_draws(logit):
    logits = torch.full((10**6,), logit, dtype=torch.float64)
    gates = hard_concrete(logits, torch.rand(10**6, generator=generator(), dtype=torch.float64))
    assert gates.min() >= 0 and gates.max() <= 1
    open_share = (gates > 0).double().mean()
    assert abs(open_share - open_probability(logits[:1])[0]) < 0.002
    # stretched evenly on both sides: as often at 1 as the gate of -logit is at 0
    assert abs((gates == 1).double().mean() - 1 + open_probability(-logits[:1])[0]) < 0.002


def test_zero_and_one_as_uniform_numbers_give_finite_gradients():
    logits = torch.zeros(3, requires_grad=True)
    gates = hard_concrete(logits, torch.tensor([0.0, 0.5, 1.0]))
    assert gates.tolist() == [0.0, 0.5, 1.0]
    (gradient,) = torch.autograd.grad(gates.sum(), logits)
    assert torch.isfinite(gradient).all() and gradient[1] > 0


def test_a_large_none_logit_closes_the_gate(darts):
    alpha = torch.zeros(14, 8)
    alpha[3, 0], alpha[4, 0] = 5.0, -5.0
    gates = mean_gate(connection_logits(alpha, TEMPLATE))
    assert gates[3] == 0 and gates[4] == 1 and gates[0] == pytest.approx(0.5)


def test_gated_rows_sum_to_one_and_the_operations_share_the_gate_by_softmax(darts):
    with_alphas(darts, 4)
    pi = ConnectionGates()(darts)
    for kind, alpha in darts.alphas.items():
        assert torch.allclose(pi[kind].sum(1), torch.ones(14))
        gate = 1 - pi[kind][:, 0]
        shares = pi[kind][:, 1:] / gate[:, None].clamp_min(1e-12)
        is_open = gate > 0
        assert torch.allclose(shares[is_open], alpha[:, 1:].softmax(1)[is_open], atol=1e-5)
        assert is_open.sum() > 3


def test_noise_stays_for_a_phase_is_drawn_anew_and_spares_the_weights(darts):
    with_alphas(darts, 0, scale=1e-3)
    gates, source = ConnectionGates(), generator(2)
    plain = gates(darts)["normal"]
    gates.draw(darts, Moment(0.0, "alphas", source))
    first, again = gates(darts)["normal"], gates(darts)["normal"]
    assert torch.equal(first, again) and not torch.equal(first, plain)
    gates.draw(darts, Moment(0.0, "weights", source))
    assert torch.equal(gates(darts)["normal"], plain)
    gates.draw(darts, Moment(0.1, "alphas", source))
    assert not torch.equal(gates(darts)["normal"], first)


def test_the_validation_loss_reaches_gates_and_operations_alike(darts):
    with_alphas(darts, 0, scale=1e-3)
    darts.relaxation = ConnectionGates()
    loss = darts(torch.randn(4, 1, 4, 4, generator=generator()))[:, 0].square().mean()
    for gradient in gradients(loss, darts):
        assert gradient[:, 0].abs().min() > 0 and gradient[:, 4].abs().min() > 0


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_gated_discretization_keeps_the_two_edges_most_worth_by_brute_force(darts, seed):
    with_alphas(darts, seed, scale=2.0)
    genotype = discretize_gated(darts)
    alpha = darts.alphas["normal"].detach().double().numpy()
    shares = np.exp(alpha[:, 1:]) / np.exp(alpha[:, 1:]).sum(1, keepdims=True)
    chance = 1 / (1 + np.exp(alpha[:, 0] + 2 / 3 * math.log(0.1 / 1.1)))
    worth = {edge: chance[row] * shares[row].max() for row, edge in enumerate(TEMPLATE.edges)}
    for index, node in enumerate(genotype.normal):
        target = index + 2
        ranked = sorted(range(target), key=lambda source: -worth[source, target])
        assert {source for _, source in node} == set(ranked[:2])
        for name, source in node:
            row = TEMPLATE.edges.index((source, target))
            assert name == TEMPLATE.operations[1 + shares[row].argmax()]


# ---------------------------------------------------------------- depth


def test_the_consecutive_edges_of_a_darts_cell_are_four():
    chosen = [TEMPLATE.edges[row] for row in consecutive_edges(TEMPLATE)]
    assert chosen == [(1, 2), (2, 3), (3, 4), (4, 5)]


def depth(cell):
    """Count the nodes that take the node before them (thesis, equation 5.19)."""
    return sum(any(source == i + 1 for _, source in node) for i, node in enumerate(cell))


@pytest.mark.parametrize("optimizer", [AdamOptimizer, VAdam])
def test_with_no_validation_gradient_the_reward_opens_consecutive_gates_and_no_others(
    darts, optimizer
):
    with_alphas(darts, 5)
    parameters = list(darts.alphas.values())
    options = {"examples": 10**8} if optimizer is VAdam else {}
    mover = optimizer(parameters, DECISIVE, generator(), **options)
    reward, history = DepthAware(0.05), []
    start = [p.detach().clone() for p in parameters]

    def closure():
        term = reward(darts, 0.0)
        return term.detach(), list(torch.autograd.grad(term, parameters))

    for _ in range(60):
        history.append([expected_depth(p.detach(), TEMPLATE).item() for p in parameters])
        mover.step(closure)
    assert (np.diff(history, axis=0) > 0).all()
    for before, after in zip(start, parameters, strict=True):
        is_gate = torch.zeros_like(after, dtype=torch.bool)
        is_gate[consecutive_edges(TEMPLATE), 0] = True
        assert (after < before)[is_gate].all()
        assert (after.abs() <= before.abs())[~is_gate].all()  # at most drawn back by the prior
    genotype = discretize_gated(darts)
    assert depth(genotype.normal) >= 3 and depth(genotype.reduce) >= 3


def test_nas_bench_201_has_no_gates_and_no_reward():
    supernet = supernet_of(NASBench201Space())
    gates = ConnectionGates()
    gates.draw(supernet, Moment(0.0, "alphas", generator()))
    assert torch.equal(gates(supernet)["cell"], supernet.alphas["cell"].softmax(1))
    assert DepthAware(0.05)(supernet, 0.0).item() == 0
    assert len(discretize_gated(supernet).operations) == 6
