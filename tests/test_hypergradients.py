"""The hypergradients: against automatic differentiation, differences, and a closed form."""

import copy

import pytest
import torch
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from nas_course.errors import InvalidInput
from nas_course.models import build_supernet
from nas_course.spaces import DARTSSpace
from nas_course.strategies.gradient import Bilevel, ExactUnrolled, FirstOrder, Unrolled


class Case:
    """A tiny supernet in float64 with momentum in its optimizer, and two batches."""

    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        self.network = build_supernet(
            DARTSSpace(),
            channels=2,
            cells=3,
            classes=3,
            in_channels=1,
            generator=generator,
            alpha_scale=0.5,
        ).double()
        self.train, self.valid = (
            (torch.randn(16, 1, 8, 8, generator=generator).double(), torch.arange(16) % 3)
            for _ in range(2)
        )
        self.weights = self.network.weights()
        self.alphas = list(self.network.alphas.values())
        self.optimizer = torch.optim.SGD(self.weights, lr=0.05, momentum=0.9, weight_decay=3e-4)
        for weight, g in zip(self.weights, self.gradients(self.train), strict=True):
            weight.grad = g
        self.optimizer.step()

    def loss(self, batch):
        return cross_entropy(self.network(batch[0]), batch[1])

    def gradients(self, batch):
        return torch.autograd.grad(self.loss(batch), self.weights)

    def problem(self):
        return Bilevel(
            lambda: self.loss(self.valid), lambda: self.loss(self.train), self.alphas, self.weights
        )

    def outer_after_inner_step(self, alphas):
        """L_val(w'(alpha), alpha) as one differentiable function of the alphas."""
        names = {id(p): name for name, p in self.network.named_parameters()}
        state = {names[id(p)]: p for p in self.weights}
        state |= {names[id(p)]: a for p, a in zip(self.alphas, alphas, strict=True)}

        def loss(parameters, batch):
            return cross_entropy(functional_call(self.network, parameters, batch[0]), batch[1])

        gradients = torch.autograd.grad(loss(state, self.train), self.weights, create_graph=True)
        for weight, g in zip(self.weights, gradients, strict=True):
            buffer = self.optimizer.state[weight]["momentum_buffer"]
            step = 0.9 * buffer + g + 3e-4 * weight
            state[names[id(weight)]] = weight - 0.05 * step
        return loss(state, self.valid)


@pytest.fixture(scope="module")
def case():
    return Case()


@pytest.fixture(scope="module")
def smooth_case():
    smooth = Case()
    make_smooth(smooth.network)
    return smooth


def make_smooth(module):
    """Replace the operations with kinks, across which a difference is no derivative."""
    for name, child in module.named_children():
        if isinstance(child, torch.nn.ReLU):
            setattr(module, name, torch.nn.Softplus())
        elif isinstance(child, torch.nn.MaxPool2d):
            setattr(module, name, torch.nn.AvgPool2d(3, child.stride, 1))
        else:
            make_smooth(child)


def relative_error(got, expected):
    got, expected = (torch.cat([g.flatten() for g in gs]) for gs in (got, expected))
    return ((got - expected).norm() / expected.norm()).item()


def test_first_order_is_the_plain_gradient_of_the_validation_loss(case):
    _, got = FirstOrder()(case.problem())
    expected = torch.autograd.grad(case.loss(case.valid), case.alphas)
    assert relative_error(got, expected) == 0


def exact_hypergradient(case):
    return torch.autograd.grad(case.outer_after_inner_step(case.alphas), case.alphas)


def test_unrolled_agrees_with_differentiation_through_the_inner_step(case):
    # short enough a difference to cross none of the kinks of ReLU and max pooling
    _, got = Unrolled(case.optimizer, epsilon=1e-6)(case.problem())
    exact = exact_hypergradient(case)
    assert relative_error(got, exact) < 1e-7
    assert relative_error(FirstOrder()(case.problem())[1], exact) > 0.1


def test_exact_unrolling_needs_no_difference_on_a_network_with_kinks(case):
    loss, got = ExactUnrolled(case.optimizer)(case.problem())
    assert relative_error(got, exact_hypergradient(case)) < 1e-12
    assert loss.item() == pytest.approx(case.outer_after_inner_step(case.alphas).item(), rel=1e-12)


def test_on_a_smooth_network_the_error_falls_with_the_square_of_epsilon(smooth_case):
    exact = exact_hypergradient(smooth_case)
    errors = [
        relative_error(Unrolled(smooth_case.optimizer, epsilon)(smooth_case.problem())[1], exact)
        for epsilon in (1e-2, 1e-3)
    ]
    assert errors[0] < 1e-3
    assert 50 < errors[0] / errors[1] < 200


def test_the_exact_gradient_agrees_with_central_differences(case):
    exact = exact_hypergradient(case)
    for row, column in ((0, 4), (5, 3), (13, 7)):
        values = []
        for sign in (1, -1):
            moved = [alpha.detach().clone() for alpha in case.alphas]
            moved[0][row, column] += sign * 1e-5
            values.append(case.outer_after_inner_step(moved).item())
        difference = (values[0] - values[1]) / 2e-5
        assert difference == pytest.approx(exact[0][row, column].item(), rel=1e-4, abs=1e-8)


def test_unrolled_leaves_weights_and_momentum_as_they_were(case):
    before = [w.detach().clone() for w in case.weights]
    state = copy.deepcopy(case.optimizer.state_dict())
    Unrolled(case.optimizer)(case.problem())
    assert all(torch.equal(w, b) for w, b in zip(case.weights, before, strict=True))
    after = case.optimizer.state_dict()
    assert all(
        torch.equal(after["state"][k]["momentum_buffer"], state["state"][k]["momentum_buffer"])
        for k in state["state"]
    )


def test_unrolled_with_zero_learning_rate_equals_first_order(case):
    optimizer = torch.optim.SGD(case.weights, lr=0.0, momentum=0.9)
    _, got = Unrolled(optimizer)(case.problem())
    assert relative_error(got, FirstOrder()(case.problem())[1]) < 1e-12


def test_the_supernets_hypergradient_is_orthogonal_to_constants(case):
    # adding a constant to a row of logits changes nothing, so the gradient along it is zero
    for make in (FirstOrder, lambda: Unrolled(case.optimizer)):
        _, gradients = make()(case.problem())
        assert max(g.sum(dim=1).abs().max().item() for g in gradients) < 1e-12


def test_unrolled_on_a_quadratic_has_the_closed_form():
    # L_train = |w - a|^2 / 2, L_val = |w - t|^2 / 2  =>  g = xi (w' - t),  w' = w - xi (w - a)
    w = torch.tensor([1.0, -2.0], dtype=torch.double, requires_grad=True)
    a = torch.tensor([0.5, 3.0], dtype=torch.double, requires_grad=True)
    t, xi = torch.tensor([2.0, 2.0], dtype=torch.double), 0.1
    problem = Bilevel(
        lambda: ((w - t) ** 2).sum() / 2 + 0 * a.sum(), lambda: ((w - a) ** 2).sum() / 2, [a], [w]
    )
    loss, (gradient,) = Unrolled(torch.optim.SGD([w], lr=xi))(problem)
    stepped = w - xi * (w - a)
    assert torch.allclose(gradient, xi * (stepped - t), atol=1e-9)
    assert loss.item() == pytest.approx(((stepped - t) ** 2).sum().item() / 2)


def test_unrolled_refuses_an_optimizer_whose_step_it_does_not_know():
    parameter = torch.zeros(1, requires_grad=True)
    for optimizer in (
        torch.optim.Adam([parameter]),
        torch.optim.SGD([parameter], lr=0.1, momentum=0.9, nesterov=True),
    ):
        with pytest.raises(InvalidInput, match=r"allowed: torch.optim.SGD"):
            Unrolled(optimizer)
