"""Networks and supernets: counts of the paper, shapes, equivalences, drop-path."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_course.errors import InvalidInput
from nas_course.models import build_network, build_supernet, parameter_count
from nas_course.models.cell_network import drop_path
from nas_course.models.skeleton import reduction_positions
from nas_course.models.supernet import MixedOperation
from nas_course.operations import DARTS_OPERATIONS
from nas_course.spaces import DARTSSpace, NASBench201Space

SMALL = {"channels": 4, "cells": 3, "classes": 10, "in_channels": 1}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def supernet(space=None, **sizes):
    return build_supernet(space or DARTSSpace(), **{**SMALL, **sizes}, generator=generator())


def test_the_supernet_of_the_paper_has_its_1930618_weights():
    network = supernet(channels=16, cells=8, in_channels=3)
    assert sum(weight.numel() for weight in network.weights()) == 1_930_618
    assert [alpha.shape for alpha in network.alphas.values()] == [(14, 8), (14, 8)]
    assert parameter_count(network) == 1_930_618 + 2 * 112


def test_kernels_inside_the_cells_follow_the_closed_form():
    network = supernet(channels=16, cells=8, in_channels=3)
    counts = {"normal": 0, "reduce": 0}
    for kind, cell in zip(network.network.kinds, network.network.cells, strict=True):
        counts[kind] += parameter_count(cell)
    assert counts == {"normal": 1_223_040, "reduce": 608_128}


@pytest.mark.parametrize(
    ("cells", "positions"), [(3, {1, 2}), (5, {1, 3}), (8, {2, 5}), (20, {6, 13})]
)
def test_reductions_stand_at_one_third_and_two_thirds(cells, positions):
    assert reduction_positions(cells) == positions


@pytest.mark.parametrize("cells", range(3, 9))
def test_a_supernet_of_any_depth_runs(cells):
    assert supernet(cells=cells)(torch.randn(2, 1, 8, 8)).shape == (2, 10)


def test_mixing_weights_sum_to_one_and_ignore_a_constant():
    network = supernet()
    before = network.mixing_weights()["normal"]
    with torch.no_grad():
        network.alphas["normal"] += 3.0
    assert torch.allclose(before.sum(dim=1), torch.ones(14))
    assert torch.allclose(network.mixing_weights()["normal"], before, atol=1e-6)


def test_a_one_hot_mixture_is_the_single_operation():
    mixed = MixedOperation(DARTS_OPERATIONS, 4, 1)
    x = torch.randn(2, 4, 8, 8)
    for index, operation in enumerate(mixed.operations):
        pi = torch.nn.functional.one_hot(torch.tensor(index), 8).float()
        assert torch.allclose(mixed(x, pi), operation(x), atol=1e-6)


def test_weights_and_alphas_are_told_apart_by_identity():
    network = supernet()
    alphas = {id(alpha) for alpha in network.alphas.values()}
    assert not alphas & {id(weight) for weight in network.weights()}
    assert len(alphas) + len(network.weights()) == len(list(network.parameters()))


def test_the_same_generator_gives_the_same_supernet():
    a, b = supernet(), supernet()
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


def test_scaling_a_kernel_leaves_the_logits_of_the_supernet():
    network, x = supernet().double(), torch.randn(4, 1, 8, 8, dtype=torch.double)
    before = network(x)
    with torch.no_grad():
        network.network.cells[0].edges[0].operations[4][1][2].weight *= 7.0
    # equal up to the epsilon inside batch normalisation
    assert torch.allclose(network(x), before, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("space", [DARTSSpace(), NASBench201Space()], ids=lambda s: s.name)
@settings(max_examples=5)
@given(seed=st.integers(0, 1000))
def test_every_architecture_becomes_a_network(space, seed):
    architecture = space.sample(np.random.default_rng(seed))
    network = build_network(architecture, **SMALL, generator=generator())
    assert network(torch.randn(2, 1, 8, 8)).shape == (2, 10)


def genotype(seed=0):
    return DARTSSpace().sample(np.random.default_rng(seed))


def test_the_auxiliary_head_speaks_in_training_only():
    network = build_network(genotype(), **SMALL, generator=generator(), auxiliary=True)
    x = torch.randn(2, 1, 8, 8)
    assert [logits.shape for logits in network(x)] == [(2, 10), (2, 10)]
    assert network.eval()(x).shape == (2, 10)


def test_drop_path_keeps_the_expectation_and_drops_whole_samples():
    x = torch.ones(4000, 2, 3, 3)
    y = drop_path(x, 0.25, generator())
    per_sample = y.flatten(1)
    assert per_sample.unique().tolist() == [0.0, pytest.approx(4 / 3)]
    assert (per_sample == per_sample[:, :1]).all()
    assert abs(y.mean().item() - 1) < 5 * np.sqrt(0.75 * 0.25 / 4000) / 0.75


def test_drop_path_acts_in_training_and_never_in_evaluation():
    network = build_network(genotype(), **SMALL, generator=generator())
    x = torch.randn(8, 1, 8, 8)
    plain = network(x)
    network.drop_path_probability = 0.5
    network.use_generator(generator(1))
    assert not torch.allclose(network(x), plain)
    network.eval()
    dropped = network(x)
    network.drop_path_probability = 0.0
    assert torch.equal(network(x), dropped)


def test_images_of_an_odd_side_are_refused():
    with pytest.raises(InvalidInput, match="got 7x7"):
        supernet()(torch.randn(2, 1, 7, 7))


def test_images_with_other_channels_are_refused():
    with pytest.raises(InvalidInput, match=r"got shape \(2, 3, 8, 8\).*in_channels"):
        supernet()(torch.randn(2, 3, 8, 8))


@pytest.mark.parametrize("wrong", [{"cells": 0}, {"cells": 2}, {"channels": -4}, {"classes": 0}])
def test_sizes_that_cannot_be_are_refused(wrong):
    with pytest.raises(InvalidInput, match=r"got .*allowed"):
        supernet(**wrong)


def test_only_architectures_become_networks():
    with pytest.raises(InvalidInput, match="got str"):
        build_network("sep_conv_3x3", **SMALL, generator=generator())
