"""Networks of the ENAS, eight-operation and chain spaces: shapes, gradients, counts of weights."""

import numpy as np
import pytest
import torch

from nas_course.errors import InvalidInput
from nas_course.models import build_network, build_supernet, parameter_count
from nas_course.operations import ReLUConvBN
from nas_course.spaces import ChainSpace, EightOperationsSpace, ENASMicroSpace

SMALL = {"channels": 4, "cells": 3, "classes": 10, "in_channels": 1}
SPACES = [EightOperationsSpace(), ENASMicroSpace(), ChainSpace()]
each_space = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)


def build(architecture, **sizes):
    generator = torch.Generator().manual_seed(0)
    return build_network(architecture, **{**SMALL, **sizes}, generator=generator)


def images(side=8, batch=2):
    return torch.randn(batch, 1, side, side, generator=torch.Generator().manual_seed(1))


@each_space
@pytest.mark.parametrize("side", [8, 16])
def test_every_sampled_architecture_gives_logits(space, side):
    rng = np.random.default_rng(side)
    for _ in range(4):
        assert build(space.sample(rng))(images(side)).shape == (2, 10)


def without_gradient(network):
    network(images(batch=4)).logsumexp(dim=1).sum().backward()
    return [name for name, weight in network.named_parameters() if weight.grad is None]


@each_space
def test_gradients_reach_every_weight(space):
    rng = np.random.default_rng(3)
    tried = 0
    while tried < 4:
        architecture = space.sample(rng)
        if not reads_both_inputs(architecture):
            continue  # then whole cells are bypassed; the next test is about these
        tried += 1
        assert without_gradient(build(architecture)) == []


def reads_both_inputs(architecture):
    network = build(architecture)
    cells = getattr(getattr(network, "network", None), "cells", ())
    return all(cell.reads(0) and cell.reads(1) for cell in cells)


def test_only_bypassed_cells_are_without_gradient():
    node = "sep_conv_3x3(0) skip_connect(0)"
    text = " | ".join([node] * 5)
    genotype = ENASMicroSpace().parse(f"normal: {text}; reduce: {text}")
    # cell 2 reads cell 0 and nobody reads cell 1; the stem is read by cells 0 and 1
    network = build(genotype)
    names = {name for name, _ in network.named_parameters()}
    bypassed = {name for name in names if name.startswith(("network.inputs.1", "network.cells.1"))}
    assert set(without_gradient(network)) == bypassed != set()
    assert not any("newer" in name for name in names)


def test_a_dead_cell_gives_the_same_logits_for_all_images():
    cell = EightOperationsSpace(2).parse("none(0) none(1) | none(0) sep_conv_3x3(2)")
    network = build(cell)
    assert cell.dead_nodes() == (2, 3)
    logits = network(torch.cat([images(), 5 * images()]))
    assert torch.equal(logits, network.network.classifier.bias.expand(4, 10))
    assert len(list(network.network.cells.parameters())) == 0


def test_dead_nodes_are_zeros_beside_the_live_ones():
    living = EightOperationsSpace(1).parse("sep_conv_3x3(0) skip_connect(1)")
    text = f"{living} | none(0) none(2) | none(1) nor_conv_5x5(3)"
    cell = build(EightOperationsSpace(3).parse(text)).network.cells[0]
    output = cell(torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8), 0.0)
    assert output.shape == (2, 12, 8, 8)
    assert output[:, 4:].abs().max() == 0 < output[:, :4].abs().max()
    assert parameter_count(cell) == parameter_count(build(living).network.cells[0])


def test_the_output_of_an_enas_cell_is_its_loose_ends_through_a_1x1_convolution():
    genotype = ENASMicroSpace().sample(np.random.default_rng(5))
    network = build(genotype)
    for kind, cell in zip(network.network.kinds, network.network.cells, strict=True):
        merge = cell.merge
        assert isinstance(merge, ReLUConvBN)
        assert merge[1].in_channels == len(genotype.outputs(kind)) * cell.channels
        assert merge[1].out_channels == cell.channels


def test_networks_of_two_input_cells_can_have_an_auxiliary_head():
    for space in SPACES[:2]:
        architecture = space.sample(np.random.default_rng(0))
        network = build_network(
            architecture, **SMALL, generator=torch.Generator().manual_seed(0), auxiliary=True
        )
        assert [logits.shape for logits in network(images())] == [(2, 10), (2, 10)]


def test_a_chain_has_no_auxiliary_head():
    with pytest.raises(InvalidInput, match=r"got Chain \(auxiliary=True\)"):
        build_network(
            ChainSpace().sample(np.random.default_rng(0)),
            **SMALL,
            generator=torch.Generator().manual_seed(0),
            auxiliary=True,
        )


def chain_weights(chain, channels, classes, in_channels):
    """Count by formula: stem, layers with batch normalisation, shortcuts, classifier."""
    count, width = 9 * in_channels * channels + 2 * channels, channels
    for layer in [layer for stage in chain.stages for layer in stage]:
        new, k = channels * layer.width, int(layer.operation[-1])
        if layer.operation.startswith("nor"):
            count += width * new * k**2 + 2 * new
        else:
            count += 2 * width * k**2 + width**2 + width * new + 2 * width + 2 * new
        count += width * new if layer.skip and width != new else 0
        width = new
    return count + (width + 1) * classes


@pytest.mark.parametrize("seed", range(8))
def test_weights_of_a_chain_follow_the_formula(seed):
    chain = ChainSpace().sample(np.random.default_rng(seed))
    network = build(chain, cells=1, in_channels=3)
    assert parameter_count(network) == chain_weights(chain, 4, 10, 3)


def test_a_chain_repeats_its_stages():
    chain = ChainSpace(stages=2, layers=1).parse("nor_conv_3x3*1 | stride: sep_conv_3x3*2")
    # of the second stage's first layer only the first copy changes the width
    longer = parameter_count(build(chain, cells=2)) - parameter_count(build(chain, cells=1))
    assert longer == (4 * 4 * 9 + 2 * 4) + (2 * 8 * 9 + 2 * 8 * 8 + 4 * 8)


def test_every_way_of_halving_halves():
    for way in ("stride", "max_pool", "avg_pool"):
        chain = ChainSpace(2, 1).parse(f"nor_conv_3x3*1 | {way}: nor_conv_3x3*2+skip")
        network = build(chain)
        assert network.layers(images()).shape == (2, 8, 4, 4)


def test_a_side_that_cannot_be_halved_is_refused():
    chain = ChainSpace().sample(np.random.default_rng(0))
    with pytest.raises(InvalidInput, match=r"got 6x6.*divisible by 4"):
        build(chain)(images(6))


def test_a_space_without_mixed_supernet_is_refused():
    with pytest.raises(InvalidInput, match=r"got 'chain'; allowed: 'darts', 'nas-bench-201'"):
        build_supernet(ChainSpace(), **SMALL, generator=torch.Generator().manual_seed(0))
