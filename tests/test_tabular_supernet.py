"""The supernet around the table's network: one-hot it is that network, and every method fits."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nas_course import data
from nas_course.errors import InvalidInput
from nas_course.models.initialisation import initialise
from nas_course.models.nas_bench_201 import DiscreteCell201
from nas_course.operations import NAS_BENCH_201_OPERATIONS, BatchNorm
from nas_course.spaces import DARTSSpace, NASBench201Space
from nas_course.spaces.nas_bench_201 import Cell201
from nas_course.tabular.network import SharedCell, TabularNetwork, patches
from nas_course.tabular.protocol import Protocol
from nas_course.tabular.supernet import search_data, tabular_supernet

SPACE = NASBench201Space()
SIZES = {"channels": 4, "classes": 3, "in_channels": 1}
CELLS = st.lists(st.sampled_from(NAS_BENCH_201_OPERATIONS), min_size=6, max_size=6).map(
    lambda names: Cell201(tuple(names))
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def make(**changes):
    return tabular_supernet(SPACE, **{**SIZES, "cells": 1, "generator": seeded(), **changes})


def one_hot(cell):
    chosen = torch.tensor([NAS_BENCH_201_OPERATIONS.index(name) for name in cell.operations])
    return {"cell": nn.functional.one_hot(chosen, len(NAS_BENCH_201_OPERATIONS)).double()}


def images(batch=6, side=16):
    return torch.randn(batch, 1, side, side, generator=seeded(1), dtype=torch.float64)


def standing_alone(supernet, cell):
    """The table's network of a cell, with the supernet's weights, its pools normalised."""
    inner = DiscreteCell201(cell, SIZES["channels"])
    for number, name in enumerate(cell.operations):
        if name == "avg_pool_3x3":
            norm = BatchNorm(SIZES["channels"], affine=False)
            inner.operations[number] = nn.Sequential(inner.operations[number], norm)
    network = around(inner)
    weights = supernet.network.state_dict()
    for name in network.state_dict():
        if name.startswith("cell.operations.") and name.endswith("1.weight"):
            edge, rest = name.removeprefix("cell.operations.").split(".", 1)
            chosen = NAS_BENCH_201_OPERATIONS.index(cell.operations[int(edge)])
            weights[name] = weights[f"cell.0.edges.{edge}.operations.{chosen}.{rest}"]
    network.load_state_dict(weights, strict=False)
    return network


def around(cell):
    network = TabularNetwork(
        cell, channels=4, classes=3, in_channels=16, make_norm=partial(nn.BatchNorm2d)
    )
    return network.double().train()


@settings(max_examples=25, deadline=None)
@given(CELLS)
def test_with_one_hot_mixing_weights_it_is_the_network_of_that_cell(cell):
    supernet = make().double()
    initialise(supernet, seeded(3))
    expected = standing_alone(supernet, cell)(patches(images()))
    torch.testing.assert_close(supernet(images(), one_hot(cell)), expected, rtol=1e-10, atol=1e-12)


def test_without_pools_it_is_the_shared_cell_of_the_table_too():
    text = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
    cell, supernet = SPACE.parse(text), make().double()
    shared = around(SharedCell(cell, 4, 0.1))
    ours = supernet.network
    weights = {k: v for k, v in ours.state_dict().items() if not k.startswith("cell.")}

    def kernel(edge):
        chosen = NAS_BENCH_201_OPERATIONS.index(cell.operations[edge])
        return ours.cell[0].edges[edge].operations[chosen][1].weight.detach()

    # edges in the order 0-1, 0-2, 1-2, 0-3, 1-3, 2-3; equal convolutions of a node share a pass
    weights["cell.convolutions.nor_conv_3x3~0.weight"] = torch.cat([kernel(0), kernel(1)])
    weights["cell.convolutions.nor_conv_1x1~1.weight"] = kernel(2)
    weights["cell.convolutions.nor_conv_3x3~2.weight"] = kernel(5)
    missing = shared.load_state_dict(weights, strict=False).missing_keys
    assert not [name for name in missing if "convolutions" in name]
    got = supernet(images(), one_hot(cell))
    torch.testing.assert_close(got, shared(patches(images())), rtol=1e-10, atol=1e-12)


def test_batches_are_normalised_by_their_own_statistics_and_leave_no_trace():
    supernet = make().double()
    before = {name: value.clone() for name, value in supernet.state_dict().items()}
    trained = supernet(images())
    assert torch.equal(trained, supernet.eval()(images()))
    assert all(torch.equal(value, before[name]) for name, value in supernet.state_dict().items())


def test_the_edges_can_be_others_and_get_their_rows():
    seen = []

    class Edge(nn.Module):
        def __init__(self, operations, channels, stride):
            super().__init__()
            assert (operations, channels, stride) == (NAS_BENCH_201_OPERATIONS, 4, 1)

        def forward(self, x, row):
            seen.append(row.tolist())
            return row.sum() * x

    supernet = make(make_edge=Edge)
    pi = torch.arange(30.0).reshape(6, 5)
    supernet(images().float(), {"cell": pi})
    assert sorted(seen) == pi.tolist()
    assert [tuple(alpha.shape) for alpha in supernet.alphas.values()] == [(6, 5)]


def test_cells_in_sequence_share_their_mixing_weights():
    one, two = make().double(), make(cells=2).double()
    two.load_state_dict(one.state_dict(), strict=False)
    assert len(two.architecture_parameters()) == 1
    skip = one_hot(SPACE.parse("|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"))
    pool = one_hot(SPACE.parse("|none~0|+|none~0|none~1|+|avg_pool_3x3~0|none~1|none~2|"))
    torch.testing.assert_close(two(images(), skip), one(images(), skip))
    assert not torch.allclose(two(images(), pool), one(images(), pool))


def test_what_does_not_fit_is_refused():
    with pytest.raises(InvalidInput, match="space of the table's supernet: got 'darts'"):
        tabular_supernet(DARTSSpace(), cells=1, generator=seeded(), **SIZES)
    with pytest.raises(InvalidInput, match="channels: got 0"):
        make(channels=0)
    with pytest.raises(InvalidInput, match="this network was built for"):
        make()(torch.zeros(2, 3, 16, 16))


def test_the_search_gets_the_images_of_the_table_whole_and_as_they_are():
    protocol = Protocol(
        data="digits", image_size=8, train_images=60, valid_images=50, test_images=20
    )
    loaded, cut = search_data(protocol), protocol.load()
    for part in ("train", "valid", "test"):
        whole, pieces = getattr(loaded, part), getattr(cut, part)
        assert torch.equal(patches(whole.images), pieces.images)
        assert torch.equal(whole.labels, pieces.labels)
    assert data.augmentation_for(loaded.name) == data.Augmentation()
