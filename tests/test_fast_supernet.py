"""The fast supernet computes what the plain one does: in float64, up to rounding."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from nas_course.errors import InvalidInput
from nas_course.models import build_supernet, fast_gradients, fast_mixture, fast_supernet
from nas_course.models.fast_depthwise import (
    Branch,
    convolve,
    input_gradient,
    kernel_gradient,
)
from nas_course.models.fast_skip import reduced_skip
from nas_course.models.fast_supernet import build_fast_supernet
from nas_course.operations import FactorizedReduce
from nas_course.spaces import DARTSSpace, EightOperationsSpace
from nas_course.strategies.gradient import GradientSearch, GradientSettings, Unrolled

SIZES = {"channels": 4, "cells": 4, "classes": 5, "in_channels": 2, "alpha_scale": 1.5}
TOLERANCE = 1e-12  # relative to the largest entry of a tensor


@pytest.fixture(autouse=True)
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def built(build, seed=1, **changes):
    generator = torch.Generator().manual_seed(seed)
    return build(DARTSSpace(), generator=generator, **{**SIZES, **changes})


def pair(**changes):
    return built(build_supernet, **changes), built(build_fast_supernet, **changes)


def batch(seed=0, side=8):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(3, 2, side, side, generator=generator)
    return images, torch.randint(5, (3,), generator=generator)


def difference(ours, theirs):
    return ((ours - theirs).abs().max() / theirs.abs().max().clamp_min(1e-300)).item()


def gradients(supernet, wanted, side=8):
    images, labels = batch(side=side)
    logits = supernet(images)
    loss = cross_entropy(logits, labels)
    return logits, torch.autograd.grad(loss, wanted(supernet), allow_unused=True)


WANTED = {
    "weights": lambda supernet: supernet.weights(),
    "alphas": lambda supernet: supernet.architecture_parameters(),
    "both": lambda supernet: list(supernet.parameters()),
}


@pytest.mark.parametrize("wanted", WANTED)
@pytest.mark.parametrize("block_bytes", [1, 10**9], ids=["edge by edge", "all edges at once"])
def test_logits_and_all_gradients_equal_those_of_the_plain_supernet(
    monkeypatch, wanted, block_bytes
):
    monkeypatch.setattr(fast_supernet, "BLOCK_BYTES", block_bytes)
    plain, fast = pair()
    logits, expected = gradients(plain, WANTED[wanted])
    ours, found = gradients(fast, WANTED[wanted])
    assert difference(ours, logits) <= TOLERANCE
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        assert difference(one, other) <= TOLERANCE


def test_images_whose_reduced_sides_are_odd_give_the_same_gradients():
    plain, fast = pair()
    _, expected = gradients(plain, WANTED["both"], side=12)
    _, found = gradients(fast, WANTED["both"], side=12)
    for one, other in zip(found, expected, strict=True):
        assert difference(one, other) <= TOLERANCE


@pytest.mark.parametrize("edges", [1, 2])
def test_a_reduced_skip_leaves_the_gradient_that_comes_in_as_it_is(edges):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 4, 4, 4, generator=generator).requires_grad_()
    operations = [FactorizedReduce(4, 4, affine=False) for _ in range(edges)]
    y = reduced_skip(x.to(memory_format=torch.channels_last), operations, torch.ones(edges))
    g = torch.randn(y.shape, generator=generator)
    before = g.clone()
    y.backward(g)
    assert torch.equal(g, before)


def test_a_second_order_step_equals_the_plain_one_after_a_step_with_momentum():
    alphas, weights = [], []
    for supernet in pair(cells=3):
        settings = GradientSettings(channels=4, cells=3, weight_learning_rate=0.1)
        search = GradientSearch(supernet, Unrolled, settings, steps_total=4)
        search.step(batch(1), batch(2))
        search.step(batch(3), batch(4))
        alphas.append(supernet.architecture_parameters())
        weights.append(supernet.weights())
    for ours, theirs in zip(alphas[1] + weights[1], alphas[0] + weights[0], strict=True):
        assert difference(ours, theirs) <= 1e-10  # Adam divides by gradients near zero


def test_both_start_from_the_same_values_and_load_each_other():
    plain, fast = pair()
    assert_same(plain.state_dict(), fast.state_dict())
    other = built(build_fast_supernet, seed=2)
    other.load_state_dict(plain.state_dict())
    back = built(build_supernet, seed=3)
    back.load_state_dict(other.state_dict())
    assert_same(plain.state_dict(), back.state_dict())


def assert_same(one, other):
    assert list(one) == list(other)
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("branch", [Branch(1, 1), Branch(1, 2), Branch(2, 1)])
@pytest.mark.parametrize("side", [1, 2, 4, 8, 5, 9])
def test_gradients_of_depthwise_convolutions_equal_those_of_the_library(size, branch, side):
    generator = torch.Generator().manual_seed(size)
    stride, dilation = branch
    side += side % stride  # stride 2 takes even sides only
    x = torch.randn(2, 3, side, side, generator=generator).requires_grad_()
    kernels = torch.randn(6, 1, size, size, generator=generator).requires_grad_()
    padding = dilation * (size // 2)
    copies = torch.cat([x, x], dim=1)
    y = torch.nn.functional.conv2d(copies, kernels, None, stride, padding, dilation, groups=6)
    g = torch.randn(y.shape, generator=generator)
    by_copies, by_kernels = torch.autograd.grad(y, (copies, kernels), g)
    with torch.no_grad():
        last = [tensor.contiguous(memory_format=torch.channels_last) for tensor in (x, copies, g)]
        assert difference(convolve(last[1], kernels, branch), y) <= TOLERANCE
        assert difference(input_gradient(last[2], kernels, branch), by_copies) <= TOLERANCE
        ours = kernel_gradient(last[1], last[2], size, branch)
        assert difference(ours, by_kernels) <= TOLERANCE


@pytest.mark.parametrize("wanted", ["weights", "alphas"])
def test_parameters_that_require_no_gradient_change_nothing_for_the_others(wanted):
    chosen = WANTED[wanted]
    _, expected = gradients(built(build_fast_supernet), chosen)
    fast = built(build_fast_supernet).requires_grad_(False)
    for parameter in chosen(fast):
        parameter.requires_grad_(True)
    _, found = gradients(fast, chosen)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_gradients_that_nobody_asks_for_are_not_computed(monkeypatch):
    calls = []
    monkeypatch.setattr(
        fast_mixture, "kernel_gradient", lambda *given: calls.append(1) or kernel_gradient(*given)
    )
    gradients(built(build_fast_supernet), WANTED["alphas"])
    assert calls == []
    gradients(built(build_fast_supernet), WANTED["weights"])
    # six depthwise convolutions for each of the five sources of four cells
    assert len(calls) == 6 * 5 * 4


def test_backward_without_a_list_of_parameters_gives_all_gradients():
    fast, (images, labels) = built(build_fast_supernet), batch()
    cross_entropy(fast(images), labels).backward()
    _, expected = gradients(built(build_fast_supernet), WANTED["both"])
    for parameter, gradient in zip(fast.parameters(), expected, strict=True):
        assert torch.equal(parameter.grad, gradient)


def test_wrong_spaces_images_and_precisions_are_refused_with_advice():
    with pytest.raises(InvalidInput, match="space of a fast supernet"):
        build_fast_supernet(
            EightOperationsSpace(), generator=torch.Generator(), **SIZES | {"alpha_scale": 1.0}
        )
    fast = built(build_fast_supernet)
    with pytest.raises(InvalidInput, match=r"in_channels="):
        fast(torch.zeros(1, 3, 8, 8))
    with pytest.raises(InvalidInput, match="even"):
        fast(torch.zeros(1, 2, 7, 7))
    with (
        pytest.raises(InvalidInput, match="precision='float32'"),
        torch.autocast("cpu", torch.bfloat16),
    ):
        fast(torch.zeros(1, 2, 8, 8))


@pytest.mark.parametrize("wanted", WANTED)
def test_a_library_that_does_not_say_what_it_needs_gets_the_same_gradients(monkeypatch, wanted):
    monkeypatch.setattr(fast_gradients, "_will_execute", lambda node: True)
    plain, fast = pair()
    _, expected = gradients(plain, WANTED[wanted])
    _, found = gradients(fast, WANTED[wanted])
    for one, other in zip(found, expected, strict=True):
        if other is not None and other.abs().max() > 0:
            assert difference(one, other) <= TOLERANCE
