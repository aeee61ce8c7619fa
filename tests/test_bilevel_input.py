"""What the hypergradients are given from outside: any leaves, and errors that name the cure."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from nas_course.data import load
from nas_course.errors import InvalidInput
from nas_course.strategies.gradient import GradientSettings, Parts
from nas_course.strategies.gradient.hypergradients import (
    Bilevel,
    ConjugateGradient,
    DenseImplicit,
    ExactUnrolled,
    FirstOrder,
    Neumann,
    ReverseMode,
    Unrolled,
)
from nas_course.strategies.gradient.hypernetwork import ThroughHypernetwork
from nas_course.strategies.gradient.single_level import SingleLevel
from nas_course.strategies.gradient.stopping import EigenvalueRule

ESTIMATORS = {
    "first order": FirstOrder,
    "unrolled": lambda: Unrolled(0.1),
    "exactly unrolled": lambda: ExactUnrolled(0.1),
    "reverse mode": lambda: ReverseMode(0.1, 3),
    "neumann": lambda: Neumann(0.1, 3),
    "conjugate gradient": lambda: ConjugateGradient(3),
    "dense": lambda: DenseImplicit(weight_decay=0.1),
}


def reweighting():
    """Weights of training images by a sigmoid, on logistic regression: outside of NAS."""
    digits = load("digits", train_images=40, valid_images=40, seed=0)
    model = nn.Linear(64, 10).double()
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    alpha = torch.zeros(40, dtype=torch.double, requires_grad=True)

    def loss(part, **options):
        return cross_entropy(model(part.images.flatten(1).double()), part.labels, **options)

    def inner():
        weights = sum((weight**2).sum() for weight in model.parameters())
        return (alpha.sigmoid() * loss(digits.train, reduction="none")).mean() + 0.05 * weights

    return lambda: loss(digits.valid), inner, alpha, model


@pytest.mark.parametrize("make", ESTIMATORS.values(), ids=ESTIMATORS)
def test_the_parameters_of_a_module_will_do_as_they_come(make):
    outer, inner, alpha, model = reweighting()
    loss, (gradient,) = make()(Bilevel(outer, inner, iter([alpha]), model.parameters()))
    again, (from_lists,) = make()(Bilevel(outer, inner, [alpha], list(model.parameters())))
    assert torch.equal(loss, again) and torch.equal(gradient, from_lists)


@pytest.mark.parametrize("make", [*ESTIMATORS.values(), SingleLevel], ids=[*ESTIMATORS, "single"])
def test_an_alpha_that_no_loss_touches_has_gradient_zero(make):
    outer, inner, alpha, model = reweighting()
    stranger = torch.ones(2, requires_grad=True)
    _, (_, gradient) = make()(Bilevel(outer, inner, [alpha, stranger], model.parameters()))
    assert torch.equal(gradient, torch.zeros(2))


def test_an_alpha_that_the_loss_through_a_hypernetwork_does_not_touch_has_gradient_zero():
    through, alpha = ThroughHypernetwork(), torch.ones(3, requires_grad=True)
    phi, stranger = torch.ones(4, 3, requires_grad=True), torch.ones(2, requires_grad=True)
    problem = Bilevel(
        lambda: (phi @ through.read(alpha)).square().sum(), lambda: 0, [alpha, stranger], [phi]
    )
    _, (gradient, nothing) = through(problem)
    assert torch.equal(gradient, torch.full((3,), 24.0))
    assert torch.equal(nothing, torch.zeros(2))


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (torch.ones(3, requires_grad=True), "Tensor"),
        ([], r"\[\]"),
        ([torch.ones(3)], r"\(3,\) leaf without gradient"),
        ([torch.ones(3, requires_grad=True) * 2], "result of a computation"),
        ([0.5], "float"),
    ],
)
@pytest.mark.parametrize("name", ["alphas", "weights"])
def test_what_are_no_leaves_is_refused_with_the_cure(name, bad, told):
    good = [torch.ones(3, requires_grad=True)]
    given = {"alphas": good, "weights": good, name: bad}
    with pytest.raises(InvalidInput, match=rf"{name} .*got .*{told}.*model\.parameters\(\)"):
        Bilevel(lambda: 0, lambda: 0, **given)


@pytest.mark.parametrize("make", [Unrolled, ExactUnrolled, lambda s: Neumann(s, 2)])
def test_any_real_number_is_a_step_size_and_nothing_else(make):
    outer, inner, alpha, model = reweighting()
    problem = Bilevel(outer, inner, [alpha], model.parameters())
    _, (expected,) = make(0.25)(problem)
    _, (gradient,) = make(np.float32(0.25))(problem)
    assert torch.equal(gradient, expected)
    for bad in ("0.1", None, True, -0.1, math.nan, torch.tensor(0.1)):
        with pytest.raises(InvalidInput, match="step size"):
            make(bad)


def test_an_optimizer_of_other_weights_is_refused_where_its_momentum_counts():
    outer, inner, alpha, model = reweighting()
    problem = Bilevel(outer, inner, [alpha], model.parameters())
    other = torch.optim.SGD([torch.ones(3, requires_grad=True)], lr=0.1, momentum=0.9)
    for make in (Unrolled, ExactUnrolled):
        with pytest.raises(InvalidInput, match="2 of 2 are not trained by the optimizer"):
            make(other)(problem)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("terms", lambda: Neumann(0.1, terms=2.5)),
        ("terms", lambda: Neumann(0.1, terms=True)),
        ("power_iterations", lambda: Neumann(0.1, power_iterations=-1)),
        ("growth_limit", lambda: Neumann(0.1, growth_limit=math.nan)),
        ("weight_decay", lambda: Neumann(0.1, weight_decay=math.inf)),
        ("weight_decay", lambda: DenseImplicit(weight_decay=-5.0)),
        ("weight_decay", lambda: DenseImplicit(weight_decay=math.nan)),
        ("iterations", lambda: ConjugateGradient(2.5)),
        ("damping", lambda: ConjugateGradient(damping="0.1")),
        ("steps", lambda: ReverseMode(0.1, 2.5)),
        ("kept", lambda: ReverseMode(0.1, 5, kept=2.5)),
        ("kept", lambda: ReverseMode(0.1, 5, kept=6)),
        ("epsilon", lambda: Unrolled(0.1, epsilon=0)),
        ("weight_steps", lambda: Parts(weight_steps=0)),
        ("channels", lambda: GradientSettings(channels=True)),
        ("weight_learning_rate", lambda: GradientSettings(weight_learning_rate=math.inf)),
        ("alpha_learning_rate", lambda: GradientSettings(alpha_learning_rate="x")),
        ("alpha_betas", lambda: GradientSettings(alpha_betas=[0.5, 0.9])),
        ("alpha_betas", lambda: GradientSettings(alpha_betas=(0.5, "x"))),
        ("weight_momentum", lambda: GradientSettings(weight_momentum=1)),
        ("channels_last", lambda: GradientSettings(channels_last="yes")),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(name, make):
    with pytest.raises(InvalidInput, match=f"^{name}: got .*allowed: "):
        make()


@pytest.mark.parametrize(("window", "back"), [(5, 4), (1, 1), (3, 2)])
def test_the_eigenvalue_rule_can_first_hold_at_the_measurement_it_names(window, back):
    rule = EigenvalueRule(window, back)
    rising = [2.0**place for place in range(rule.needed)]
    assert rule.before_growth(rising) == 0
    assert rule.before_growth(rising[:-1]) is None
