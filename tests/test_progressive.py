"""P-DARTS: stages of growing depth and shrinking choice, and the limit on skip connections."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nas_course.data import load
from nas_course.errors import InvalidInput
from nas_course.methods.gradient_stages import ROWS
from nas_course.models.supernet import MixedOperation
from nas_course.operations import DARTS_OPERATIONS
from nas_course.spaces import DARTSSpace, NASBench201Space
from nas_course.strategies.gradient import GradientSearch, GradientSettings, Parts, discretize
from nas_course.strategies.gradient.progressive import (
    ProgressiveEdge,
    ProgressiveStages,
    stage_depths,
    strongest,
)
from nas_course.strategies.gradient.skip_limit import limit_skips, skip_rows

P_DARTS = next(row for row in ROWS if row.name == "p-darts")
SETTINGS = GradientSettings(channels=2, cells=1, batch_size=6, alpha_learning_rate=0.05)
STEPS = 15  # five in a stage, two of them without alphas
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def data():
    return load("digits", train_images=12, valid_images=12, test_images=10, device="cpu")


def make(data, row=P_DARTS, space=None, cells=1, steps=STEPS):
    chosen = GradientSettings(channels=2, cells=cells, batch_size=6, alpha_learning_rate=0.05)
    return row.build(space or NASBench201Space(), data, chosen, 3, steps)


def advance(search, data, steps):
    """Take steps; give what each step returned and the stage it was in."""
    train, valid = (
        (data.train.images[:6], data.train.labels[:6]),
        (
            data.valid.images[:6],
            data.valid.labels[:6],
        ),
    )
    rows = []
    for _ in range(steps):
        metrics = search.step(train, valid)
        rows.append(metrics | {"stage": search.schedules[0].stage})
    return rows


def test_with_the_papers_size_the_stages_have_the_papers_depth():
    assert stage_depths(5, (8, 5, 3)) == [5, 11, 17]


@given(cells=st.integers(1, 30), kept=st.sampled_from([(8, 5, 3), (5, 4, 3)]))
def test_every_stage_is_at_least_as_deep_as_the_one_before(cells, kept):
    depths = stage_depths(cells, kept)
    assert depths[0] == cells and depths == sorted(depths)


def test_three_stages_share_the_steps_and_each_begins_with_the_full_rate_and_still_alphas(data):
    rows = advance(make(data), data, STEPS)
    assert [row["stage"] for row in rows] == [0] * 5 + [1] * 5 + [2] * 5
    assert [row["valid_loss"] is None for row in rows] == 3 * ([True] * 2 + [False] * 3)
    rates = np.reshape([row["learning_rate"] for row in rows], (3, 5))
    assert np.allclose(rates[:, 0], SETTINGS.weight_learning_rate)
    assert (np.diff(rates, axis=1) < 0).all() and np.allclose(rates, rates[0])


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_a_search_of_a_few_steps_still_ends_with_an_architecture(data, steps):
    search = make(data, steps=steps)
    advance(search, data, steps)
    assert search.architecture() in set(NASBench201Space())


@pytest.mark.parametrize(
    ("space", "cells", "counts", "depths"),
    [(NASBench201Space(), 1, (5, 4, 3), (3, 6, 6)), (DARTSSpace(), 3, (8, 5, 3), (3, 7, 10))],
)
def test_a_stage_keeps_the_largest_of_what_the_one_before_it_kept(
    data, space, cells, counts, depths
):
    search = make(data, space=space, cells=cells, steps=9)
    stages = search.schedules[0]
    for stage, (count, depth) in enumerate(zip(counts, depths, strict=True)):
        before = {kind: mask.clone() for kind, mask in stages.kept.items()}
        alphas = search.alphas()
        advance(search, data, 3)
        assert stages.stage == stage
        for kind, mask in stages.kept.items():
            assert (mask.sum(dim=1) == count).all()
            assert not (mask & ~before[kind]).any(), "what was dropped never comes back"
            lost, kept = alphas[kind].where(before[kind] & ~mask, -math.inf), alphas[kind]
            smallest_kept = kept.where(mask, math.inf).amin(dim=1)
            assert (lost.amax(dim=1) <= smallest_kept).all()
        edges = [m for m in search.supernet.modules() if isinstance(m, ProgressiveEdge)]
        assert len(edges) == depth * len(next(iter(stages.kept.values())))
        assert all(len(edge.operations) == count for edge in edges)


def test_dropped_operations_have_no_weight_in_the_mix_and_small_logits_in_the_history(data):
    search = make(data)
    advance(search, data, STEPS)
    kept = search.schedules[0].kept["cell"]
    pi, alphas = search.supernet.mixing_weights()["cell"], search.alphas()["cell"]
    assert (pi[~kept] == 0).all() and torch.allclose(pi.sum(dim=1), torch.ones(6))
    assert alphas.shape == (6, 5) and (alphas[~kept] < -900).all()
    assert torch.isfinite(alphas).all() and (alphas[kept].abs() < 5).all()


def test_an_edge_with_dropped_operations_is_the_mixed_operation_without_them():
    torch.manual_seed(0)
    edge, full = (kind(DARTS_OPERATIONS, 4, 1) for kind in (ProgressiveEdge, MixedOperation))
    full.load_state_dict(edge.state_dict())
    x, pi = torch.randn(3, 4, 6, 6), torch.rand(8).softmax(0)
    edge.keep([1, 3, 6])
    masked = pi * torch.tensor([0, 1, 0, 1, 0, 0, 1, 0])
    torch.testing.assert_close(edge(x, pi), full(x, masked))
    assert len(list(edge.parameters())) < len(list(full.parameters()))


def test_dropout_on_the_skip_keeps_its_mean_and_spares_the_other_operations():
    edge = ProgressiveEdge(("skip_connect", "avg_pool_3x3"), 1, 1)
    x, skip, pool = torch.ones(1, 1, 300, 300), torch.tensor([1.0, 0]), torch.tensor([0, 1.0])
    without = edge(x, pool)
    edge.dropout, edge.noise = 0.4, torch.Generator().manual_seed(0)
    dropped = edge(x, skip)
    assert dropped.unique().tolist() == pytest.approx([0.0, 1 / 0.6])
    # standard error of the mean of 90,000 pixels: sqrt(0.4 / 0.6) / 300
    assert dropped.mean().item() == pytest.approx(1, abs=4 * math.sqrt(0.4 / 0.6) / 300)
    assert torch.equal(edge(x, pool), without)


def test_the_dropout_falls_begins_anew_with_the_alphas_and_rests_outside_of_steps(data):
    search = make(data)
    advance(search, data, 6)
    rates = [search.schedules[0].dropout_rate(search)]
    for _ in range(4):
        advance(search, data, 1)
        rates.append(search.schedules[0].dropout_rate(search))
    # 5 steps in the stage; the alphas wait for two of them, then meet the full rate
    falling = [0.4 * math.exp(-t) for t in range(4)]
    assert rates == pytest.approx([0.4 * 4 / 5, *falling])
    columns = search.end_epoch()
    assert columns == {"stage": 2, "cells": 2}
    images = data.valid.images[:6]
    assert torch.equal(search.supernet(images), search.supernet(images))


def test_in_the_steps_of_a_search_the_skips_are_dropped_out_at_the_rate_of_the_stage(
    data, monkeypatch
):
    shares = []  # of a step: how much of what the skips carry is zero, and how much came in
    carry = ProgressiveEdge._carried

    def watched(edge, operation, x):
        out = carry(edge, operation, x)
        if isinstance(operation, nn.Identity):
            shares.append(((out == 0) & (x != 0)).sum() / (x != 0).sum())
        return out

    monkeypatch.setattr(ProgressiveEdge, "_carried", watched)
    search, lost = make(data), []
    for _ in range(STEPS):
        advance(search, data, 1)
        lost.append(torch.stack(shares).mean().item())
        shares.clear()
    falling = [math.exp(-t) for t in range(3)]  # as the alphas move; before them in a line
    expected = [first * rate for first in (0.0, 0.4, 0.7) for rate in (1, 0.8, *falling)]
    assert lost[:5] == [0.0] * 5
    assert lost == pytest.approx(expected, abs=0.03)


def test_dropout_on_the_skips_changes_what_a_search_learns_once_its_rate_is_above_0(data):
    dropped, whole = make(data), make(data, P_DARTS.with_options(dropout=(0.0, 0.0, 0.0)))
    with_dropout, without = (
        [row["train_loss"] for row in advance(search, data, 6)] for search in (dropped, whole)
    )
    assert with_dropout[:5] == without[:5], "the first stage has none"
    # the same weights begin the second stage on the same images: only the dropout differs
    assert with_dropout[5] != without[5]


@given(seed=seeds, count=st.integers(1, 4))
def test_the_strongest_are_those_of_a_sorted_list(seed, count):
    rng = np.random.default_rng(seed)
    alpha, among = torch.from_numpy(rng.normal(size=(6, 8))), torch.ones(6, 8, dtype=torch.bool)
    for row in range(6):
        among[row, rng.choice(8, size=8 - rng.integers(0, 5), replace=False)] = False
        among[row, rng.choice(8, size=4, replace=False)] = True
    chosen = strongest(alpha, among, count)
    for row in range(6):
        allowed = sorted(np.flatnonzero(among[row]), key=lambda o: -alpha[row, o].item())
        assert set(np.flatnonzero(chosen[row])) == set(allowed[:count])


def skip_heavy(seed, edges, operations):
    alpha = torch.from_numpy(np.random.default_rng(seed).normal(size=(edges, operations)))
    alpha[:, 1 if operations == 5 else 3] += 1.5
    return alpha


def capped_by_hand(alpha, most):
    """The paper's words on probabilities: set the smallest chosen skip to 0, choose again."""
    p, space = alpha.softmax(dim=1).numpy().copy(), DARTSSpace()
    while True:
        best = {row: p[row, 1:].argmax() + 1 for row in range(14)}
        chosen = []
        for target in range(2, 6):
            rows = space.template.incoming(target)
            chosen += sorted(rows, key=lambda row: -p[row, best[row]])[:2]
        skips = [row for row in chosen if best[row] == 3]
        if len(skips) <= most:
            return {(space.template.edges[row], int(best[row])) for row in chosen}
        p[min(skips, key=lambda row: p[row, 3]), 3] = 0.0


@settings(max_examples=60)
@given(seed=seeds, most=st.integers(0, 3))
def test_no_cell_has_more_skips_than_allowed_and_the_rest_is_chosen_as_by_hand(seed, most):
    space, alpha = DARTSSpace(), skip_heavy(seed, 14, 8)
    genotype = limit_skips(space, {"normal": alpha, "reduce": alpha}, most)
    found = {
        ((source, target), DARTS_OPERATIONS.index(name))
        for target, node in enumerate(genotype.normal, start=2)
        for name, source in node
    }
    assert len(skip_rows(genotype, "normal", space.template)) <= most
    assert found == capped_by_hand(alpha, most)
    assert genotype.reduce == discretize(space, {"normal": alpha, "reduce": alpha}).reduce


@given(seed=seeds)
def test_on_nas_bench_201_the_weakest_skips_give_way_to_the_next_best_operation(seed):
    space, alpha = NASBench201Space(), skip_heavy(seed, 6, 5)
    free, limited = discretize(space, {"cell": alpha}), limit_skips(space, {"cell": alpha}, 2)
    rows = skip_rows(free, "cell", space.cells["cell"])
    strength = alpha.softmax(dim=1)[:, 1]
    stay = set(sorted(rows, key=lambda row: -strength[row].item())[:2])
    for row, (before, after) in enumerate(zip(free.operations, limited.operations, strict=True)):
        second = space.operations[alpha[row].topk(2).indices[1]]
        assert after == (before if row not in rows or row in stay else second)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"warm_up": 1.0}, "warm_up: got 1.0"),
        ({"dropout": (0.1, 0.2)}, "dropout: got"),
        ({"dropout": (0.1, 0.2, 1.0)}, "dropout: got"),
        ({"skips": -1}, "skips: got -1"),
    ],
)
def test_options_outside_their_range_are_refused(options, named):
    with pytest.raises(InvalidInput, match=f"{named}.*allowed"):
        P_DARTS.with_options(**options)


def test_a_search_that_cannot_make_supernets_is_told_what_to_give(data):
    plain = make(data).supernet
    with pytest.raises(InvalidInput, match="make_supernet="):
        GradientSearch(plain, Parts(make_schedules=(ProgressiveStages,)), SETTINGS, STEPS)
