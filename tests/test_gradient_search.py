"""The DARTS step and the discretization rule."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nas_course.errors import InvalidInput
from nas_course.models import build_supernet
from nas_course.spaces import DARTSSpace, NASBench201Space
from nas_course.strategies.gradient import (
    FirstOrder,
    GradientSearch,
    GradientSettings,
    Unrolled,
    discretize,
)

SETTINGS = GradientSettings(channels=2, cells=3, batch_size=6, alpha_learning_rate=0.05)
ORDERS = {"first": lambda optimizer: FirstOrder(), "second": Unrolled}
logits = st.integers(0, 2**32 - 1).map(
    lambda seed: torch.from_numpy(np.random.default_rng(seed).normal(size=(14, 8)) * 2)
)


def make_search(order="first", space=None, settings=SETTINGS, steps=10):
    supernet = build_supernet(
        space or DARTSSpace(),
        channels=2,
        cells=3,
        classes=3,
        in_channels=1,
        generator=torch.Generator().manual_seed(0),
    )
    return GradientSearch(supernet, ORDERS[order], settings, steps)


def batches(seed, count=1):
    generator = torch.Generator().manual_seed(seed)
    return [
        (torch.randn(6, 1, 4, 4, generator=generator), torch.arange(6) % 3)
        for _ in range(2 * count)
    ]


def snapshot(parameters):
    return [parameter.detach().clone() for parameter in parameters]


def equal(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("order", ORDERS)
def test_a_step_moves_alphas_and_weights(order):
    search = make_search(order)
    weights, alphas = snapshot(search.weights), snapshot(search.parameters)
    metrics = search.step(*batches(0))
    assert not equal(search.weights, weights) and not equal(search.parameters, alphas)
    assert set(metrics) == {
        "train_loss",
        "train_accuracy",
        "valid_loss",
        "valid_accuracy",
        "learning_rate",
    }
    assert all(np.isfinite(value) for value in metrics.values())


def test_the_alpha_step_leaves_weights_and_the_weight_step_leaves_alphas():
    search = make_search("second")
    train, valid = batches(0)
    weights = snapshot(search.weights)
    search._alpha_step(train, valid)
    assert equal(search.weights, weights)
    alphas = snapshot(search.parameters)
    search._weight_step(train)
    assert equal(search.parameters, alphas)


def test_first_order_weights_never_see_the_validation_labels_directly():
    # other validation data, alphas put back: the weight step must come out the same
    a, b = make_search(), make_search()
    train = batches(0)[0]
    a._weight_step(train)
    b._alpha_step(train, batches(5)[1])
    with torch.no_grad():
        for mine, theirs in zip(b.parameters, a.parameters, strict=True):
            mine.copy_(theirs)
    b._weight_step(train)
    assert equal(a.weights, b.weights)


@pytest.mark.parametrize("order", ORDERS)
def test_a_saved_and_loaded_search_continues_bit_for_bit(order):
    through, stopped = make_search(order), make_search(order)
    data = batches(1, count=4)
    steps = list(zip(data[::2], data[1::2], strict=True))
    for step in steps:
        through.step(*step)
    for step in steps[:2]:
        stopped.step(*step)
    resumed = make_search(order)
    resumed.load_state_dict(stopped.state_dict())
    for step in steps[2:]:
        resumed.step(*step)
    assert equal(through.weights, resumed.weights)
    assert equal(through.parameters, resumed.parameters)


@pytest.mark.parametrize(("total", "expected"), [(100, 0.5), (50, 0.005)])
def test_at_step_fifty_the_rate_depends_on_the_length_of_the_schedule(total, expected):
    settings = GradientSettings(channels=2, cells=3, minimum_learning_rate=0.0)
    search = make_search(settings=settings, steps=total)
    search.steps = 50
    search._set_learning_rate()
    rate = search.weight_optimizer.param_groups[0]["lr"] / settings.weight_learning_rate
    assert rate == pytest.approx(expected, abs=0.005)


def test_channels_last_and_bfloat16_compute_nearly_the_same_loss():
    losses = []
    for changed in ({}, {"channels_last": True}, {"precision": "bfloat16"}):
        settings = GradientSettings(channels=2, cells=3, **changed)
        losses.append(make_search(settings=settings).step(*batches(0))["train_loss"])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    assert losses[2] == pytest.approx(losses[0], rel=0.05)


@given(alpha=logits)
def test_a_genotype_never_has_none_and_two_different_predecessors(alpha):
    genotype = discretize(DARTSSpace(), {"normal": alpha, "reduce": alpha})
    for node in genotype.normal:
        assert node[0][1] < node[1][1]
        assert "none" not in (node[0][0], node[1][0])


@given(alpha=logits, shift=st.floats(-5, 5))
def test_a_constant_added_to_a_row_does_not_change_the_genotype(alpha, shift):
    space, moved = DARTSSpace(), alpha.clone()
    moved[3] += shift
    assert discretize(space, {"normal": alpha, "reduce": alpha}) == discretize(
        space, {"normal": moved, "reduce": moved}
    )


@given(alpha=logits)
def test_the_two_strongest_edges_are_kept_by_brute_force(alpha):
    space = DARTSSpace()
    pi = np.exp(alpha.numpy()) / np.exp(alpha.numpy()).sum(axis=1, keepdims=True)
    strength = {edge: pi[row, 1:].max() for row, edge in enumerate(space.template.edges)}
    genotype = discretize(space, {"normal": alpha, "reduce": alpha})
    for index, node in enumerate(genotype.normal):
        target = index + 2
        ranked = sorted(range(target), key=lambda source: -strength[source, target])
        assert {source for _, source in node} == set(ranked[:2])


def test_none_counts_in_the_denominator():
    # without `none` edge 1 would win against edge 2; a strong `none` makes it weak
    alpha = torch.zeros(14, 8)
    alpha[2, 4], alpha[3, 4], alpha[4, 4] = 1.0, 2.0, 1.5
    alpha[3, 0] = 5.0
    node = discretize(DARTSSpace(), {"normal": alpha, "reduce": alpha}).normal[1]
    assert [source for _, source in node] == [0, 2]


def test_nas_bench_201_keeps_every_edge_and_may_choose_none():
    alpha = torch.zeros(6, 5)
    alpha[:, 3] = 1.0
    alpha[2, 0] = 2.0
    cell = discretize(NASBench201Space(), {"cell": alpha})
    assert cell.operations == ("nor_conv_3x3",) * 2 + ("none",) + ("nor_conv_3x3",) * 3


def test_a_search_of_the_nas_bench_201_space_runs():
    search = make_search(space=NASBench201Space())
    search.step(*batches(0))
    assert search.architecture() in set(NASBench201Space())


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": 0},
        {"batch_size": -1},
        {"weight_learning_rate": 0.0},
        {"weight_momentum": 1.0},
        {"precision": "float16"},
    ],
)
def test_settings_outside_their_range_are_refused(wrong):
    with pytest.raises(InvalidInput, match=f"{next(iter(wrong))}: got .*allowed"):
        GradientSettings(**wrong)


def test_alphas_of_another_shape_are_refused():
    with pytest.raises(InvalidInput, match=r"shape \(3, 8\); needed.*\(14, 8\)"):
        discretize(DARTSSpace(), {"normal": torch.zeros(3, 8), "reduce": torch.zeros(14, 8)})


@pytest.mark.cuda
def test_a_step_runs_on_the_gpu():
    from nas_course.devices import resolve_device

    device = resolve_device("auto")
    supernet = build_supernet(
        DARTSSpace(),
        channels=2,
        cells=3,
        classes=3,
        in_channels=1,
        generator=torch.Generator().manual_seed(0),
    ).to(device)
    search = GradientSearch(supernet, Unrolled, SETTINGS, 10)
    moved = [(images.to(device), labels.to(device)) for images, labels in batches(0)]
    assert np.isfinite(search.step(*moved)["train_loss"])
