"""Zero-cost proxies: their defining equations, what they conserve, and that they touch nothing."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, relu

from nas_course import models, spaces
from nas_course.errors import InvalidInput
from nas_course.estimation.training import NetworkBuilder
from nas_course.estimation.zero_cost import (
    PROXIES,
    ZeroCostEstimate,
    gradient_norm,
    grasp,
    jacobian_covariance,
    naswot,
    relu_kernel,
    snip,
    synaptic_flow,
    synflow,
)

SPACE = spaces.NASBench201Space()
CELL = SPACE.parse(
    "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|"
)
DISCONNECTED = SPACE.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def batch():
    images = torch.randn(12, 3, 8, 8, generator=generator())
    return images, torch.arange(12) % 4


def network_of(cell, seed=0):
    sizes = {"channels": 4, "cells": 1, "classes": 4, "in_channels": 3}
    return models.build_network(cell, **sizes, generator=generator(seed))


def chain(seed=0):
    """A network without normalisation and without branches, in float64."""
    network = nn.Sequential(
        nn.Conv2d(3, 5, 3, padding=1, bias=False),
        nn.ReLU(),
        nn.Conv2d(5, 6, 3, bias=False),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(6 * 36, 4, bias=False),
    )
    models.initialise(network, generator(seed))
    return network.double()


class FunctionalReLU(nn.Module):
    """A network that calls torch's functions instead of holding modules for its ReLUs."""

    def __init__(self, layers):
        super().__init__()
        self.first, self.second, self.last = layers

    def forward(self, images):
        x = relu(self.first(images))
        return self.last(self.second(x).relu().flatten(1))


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_leaves_the_network_as_it_was(name, batch):
    network = network_of(CELL).eval()
    network.stages.train()
    network.classifier.weight.grad = torch.ones_like(network.classifier.weight)
    before = copy.deepcopy(network.state_dict())
    modes = [module.training for module in network.modules()]
    random_state = torch.get_rng_state()
    PROXIES[name](network, *batch)
    after = network.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert modes == [module.training for module in network.modules()]
    gradients = {key: weight.grad for key, weight in network.named_parameters()}
    assert gradients.pop("classifier.weight").eq(1).all()
    assert set(gradients.values()) == {None}
    assert torch.equal(random_state, torch.get_rng_state())


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_is_the_same_for_the_same_network(name, batch):
    first, second = (PROXIES[name](network_of(CELL), *batch) for _ in range(2))
    assert first == second and math.isfinite(first)


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_ranks_a_cell_that_passes_nothing_on_below_one_that_does(name, batch):
    assert not math.isnan(PROXIES[name](network_of(DISCONNECTED), *batch))
    if name != "grasp":  # whose scores may be of either sign
        assert PROXIES[name](network_of(DISCONNECTED), *batch) < PROXIES[name](
            network_of(CELL), *batch
        )


def test_gradient_norm_is_the_sum_of_the_layers_gradient_norms(batch):
    images, labels = batch
    network = chain().float()
    cross_entropy(network(images), labels).backward()
    by_hand = sum(weight.grad.pow(2).sum().sqrt() for weight in network.parameters())
    assert gradient_norm(network, images, labels) == pytest.approx(float(by_hand), rel=1e-5)


def test_gradient_norm_of_a_linear_classifier_follows_the_formula(batch):
    images, labels = batch
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 4))
    models.initialise(network, generator())
    x = images.flatten(1)
    error = network(images).softmax(1) - nn.functional.one_hot(labels, 4)
    by_hand = (error.T @ x / len(x)).norm()
    assert gradient_norm(network, images, labels) == pytest.approx(float(by_hand), rel=1e-5)


def rescaled(network, factor):
    """The same function: one layer's weights times `factor`, the next one's divided by it."""
    other = copy.deepcopy(network)
    with torch.no_grad():
        other[0].weight *= factor
        other[2].weight /= factor
    return other


def test_snip_does_not_change_when_a_factor_moves_from_one_layer_to_the_next(batch):
    images, labels = batch[0].double(), batch[1]
    original = chain()
    moved = rescaled(original, 7.0)
    assert snip(moved, images, labels) == pytest.approx(snip(original, images, labels), rel=1e-9)
    assert gradient_norm(moved, images, labels) != pytest.approx(
        gradient_norm(original, images, labels), rel=0.1
    )


def test_snip_is_the_derivative_by_switches_in_front_of_the_weights(batch):
    images, labels = batch[0].double(), batch[1]
    network = chain()
    switches = {
        name: torch.ones_like(weight, requires_grad=True)
        for name, weight in network.named_parameters()
    }
    switched = {name: switches[name] * weight for name, weight in network.named_parameters()}
    loss = cross_entropy(torch.func.functional_call(network, switched, images), labels)
    derivatives = torch.autograd.grad(loss, list(switches.values()))
    by_hand = sum(float(derivative.abs().sum()) for derivative in derivatives)
    assert snip(network, images, labels) == pytest.approx(by_hand, rel=1e-9)


def test_grasp_is_minus_the_weights_times_the_hessian_times_the_gradient(batch):
    images, labels = batch[0][:, :, :2, :2].double(), batch[1]
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 3, bias=False), nn.ReLU())
    network.append(nn.Linear(3, 4, bias=False)).double()
    models.initialise(network, generator(1))
    names, weights = zip(*network.named_parameters(), strict=True)
    sizes = [weight.numel() for weight in weights]

    def loss(vector):
        parts = [
            part.view_as(weight) for part, weight in zip(vector.split(sizes), weights, strict=True)
        ]
        named = dict(zip(names, parts, strict=True))
        return cross_entropy(torch.func.functional_call(network, named, images), labels)

    theta = torch.cat([weight.detach().flatten() for weight in weights])
    hessian = torch.autograd.functional.hessian(loss, theta)
    gradient = torch.autograd.functional.jacobian(loss, theta)
    by_hand = float(-theta @ hessian @ gradient)
    assert grasp(network, images, labels) == pytest.approx(by_hand, rel=1e-9)


def test_grasp_is_how_the_gradient_would_shrink_if_all_weights_shrank(batch):
    images, labels = batch[0].double(), batch[1]
    network, step = chain(), 1e-5

    def squared_gradient(scale):
        scaled = copy.deepcopy(network)
        with torch.no_grad():
            for weight in scaled.parameters():
                weight *= scale
        cross_entropy(scaled(images), labels).backward()
        return sum(float(weight.grad.pow(2).sum()) for weight in scaled.parameters())

    # d/dδ |g(θ + δ)|² = 2 H g, so along δ = -θ it is 2 (-θ H g)
    slope = (squared_gradient(1 - step) - squared_gradient(1 + step)) / (2 * step)
    assert grasp(network, images, labels) == pytest.approx(slope / 2, rel=1e-4)


def test_synaptic_flow_is_conserved_from_layer_to_layer():
    sums = list(synaptic_flow(chain(), (3, 8, 8)).values())
    assert len(sums) == 3
    assert sums == pytest.approx([sums[0]] * 3, rel=1e-12)


def test_synaptic_flow_of_a_cell_network_is_conserved_where_all_paths_meet():
    sums = synaptic_flow(network_of(CELL), (3, 8, 8))
    assert sums["stem.0"] == pytest.approx(sums["classifier"], rel=1e-12)
    into_reduction = [name for name in sums if name.startswith("reductions.0.shortcut")]
    before_join = ["reductions.0.convolutions.0.1", *into_reduction]
    joined = sum(sums[name] for name in before_join)
    assert joined == pytest.approx(sums["stem.0"], rel=1e-12)


def test_synaptic_flow_of_linear_layers_is_the_product_of_their_absolute_values():
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 5, bias=False), nn.ReLU())
    network.append(nn.Linear(5, 4, bias=False))
    models.initialise(network, generator())
    first, last = (layer.weight.detach().double().abs() for layer in (network[1], network[3]))
    product = float((last @ first).sum())
    assert list(synaptic_flow(network, (3, 2, 2)).values()) == pytest.approx([product] * 2)


def test_synflow_sees_neither_the_images_nor_the_signs_of_the_weights(batch):
    images, labels = batch
    network = network_of(CELL)
    flipped = copy.deepcopy(network)
    with torch.no_grad():
        for weight in flipped.parameters():
            weight.neg_()
    assert synflow(network, images, labels) == synflow(flipped, images + 5, labels)


def test_naswot_kernel_counts_the_relus_on_which_two_images_agree(batch):
    images = batch[0].double()
    network = chain()
    first = network[0](images) > 0
    second = network[2](network[1](network[0](images))) > 0
    codes = torch.cat([first.flatten(1), second.flatten(1)], dim=1)
    by_hand = (codes[:, None] == codes[None]).sum(dim=2)
    kernel = relu_kernel(network, images)
    assert torch.equal(kernel, by_hand.double())
    assert (kernel.diagonal() == codes.shape[1]).all()


def test_naswot_of_two_identical_images_is_minus_infinity(batch):
    images, labels = batch
    twins = torch.cat([images[:1], images[:-1]])
    kernel = relu_kernel(chain().float(), twins)
    assert torch.equal(kernel[0], kernel[1])
    assert naswot(chain().float(), twins, labels) == -math.inf
    assert math.isfinite(naswot(chain().float(), images, labels))


def test_naswot_sees_relus_that_are_functions(batch):
    images, labels = batch[0].double(), batch[1]
    modules = chain()
    functions = FunctionalReLU([modules[0], modules[2], modules[5]])
    assert naswot(functions, images, labels) == naswot(modules, images, labels)


def test_naswot_of_a_network_without_relu_is_an_error(batch):
    with pytest.raises(InvalidInput, match="computes no ReLU"):
        naswot(nn.Sequential(nn.Flatten(), nn.Linear(192, 4)), *batch)


def test_jacobian_covariance_is_greatest_for_unrelated_jacobians():
    images, labels = torch.randn(6, 1, 1, 6, generator=generator()), torch.zeros(6, dtype=int)

    class OwnWeights(nn.Module):
        """Image n has the weights of row n, so that the Jacobian is known."""

        def __init__(self, rows):
            super().__init__()
            self.rows = nn.Parameter(rows)

        def forward(self, images):
            return (images.flatten(1) * self.rows).sum(1, keepdim=True)

    # columns of zero mean that are orthogonal: no correlation, all eigenvalues are 1
    unrelated = (
        torch.linalg.qr(
            torch.cat([torch.ones(8, 1), torch.randn(8, 6, generator=generator())], dim=1)
        )
        .Q[:, 1:]
        .T
    )
    network = OwnWeights(unrelated)
    wide = torch.randn(6, 1, 1, 8, generator=generator())
    best = -6 * (math.log1p(1e-5) + 1 / (1 + 1e-5))
    assert jacobian_covariance(network, wide, labels) == pytest.approx(best, abs=1e-4)
    alike = OwnWeights(torch.arange(6.0).repeat(6, 1))
    assert jacobian_covariance(alike, images, labels) < -1e5


def test_the_estimate_is_pure_and_says_what_it_is(digits):
    build = NetworkBuilder.fitting(digits, channels=4, cells=1)
    estimate = ZeroCostEstimate("snip", digits, build, seed=3, batch_size=16)
    first = estimate(CELL)
    torch.manual_seed(5)
    estimate(DISCONNECTED)
    assert estimate(CELL) == first
    assert first != ZeroCostEstimate("snip", digits, build, seed=4, batch_size=16)(CELL)
    assert first.fidelity == "snip of the untrained network on 16 images"
    assert first.cost_seconds > 0 and first.measures["parameters"] > 0


def test_the_estimate_refuses_what_it_cannot_do(digits):
    build = NetworkBuilder.fitting(digits, channels=4, cells=1)
    with pytest.raises(InvalidInput, match="synflow"):
        ZeroCostEstimate("sinflow", digits, build)
    with pytest.raises(InvalidInput, match="batch_size: got 1; allowed: 2 to 60"):
        ZeroCostEstimate("snip", digits, build, batch_size=1)
    with pytest.raises(InvalidInput, match="trains nothing"):
        ZeroCostEstimate("snip", digits, build, batch_size=16)(CELL, epochs=3)
