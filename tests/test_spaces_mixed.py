"""The mixed space: sizes, round trips, moves; its networks, and training them one or many."""

import pickle
from collections import Counter
from dataclasses import astuple, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nas_course.data import regression
from nas_course.errors import InvalidInput
from nas_course.estimation.regression import (
    RegressionEstimate,
    mean_squared_error,
    mean_squared_errors,
    r_squared,
    train,
    train_alike,
)
from nas_course.models import parameter_count
from nas_course.models.mlp import MLP, GeneratedDropout, RelaxedMLP
from nas_course.spaces import MixedDesign, MixedSpace
from nas_course.spaces.mixed import OPTIONS

SPACE = MixedSpace()
DESIGNS = list(SPACE)
DATA = regression.diabetes(seed=0)
designs = st.sampled_from(DESIGNS)
seeds = st.integers(0, 2**32 - 1)
SMALL = MixedDesign(2, 32, "tanh", 0.01, "adam", 0.2)


def differences(a, b):
    return sum(one != other for one, other in zip(astuple(a), astuple(b), strict=True))


def test_the_space_has_3600_different_designs_of_75_architectures():
    assert len(set(DESIGNS)) == SPACE.size == 3_600
    architectures = {(d.depth, d.width, d.activation) for d in DESIGNS}
    assert len(architectures) == SPACE.architectures == 75
    assert len({SPACE.canonical(design) for design in DESIGNS}) == 3_600


def test_every_assignment_of_options_is_a_design_and_comes_back():
    for position, design in enumerate(DESIGNS):
        assert SPACE.from_indices(SPACE.indices(design)) == design
        assert SPACE.position(design) == position
        assert SPACE.parse(str(design)) == design


def test_options_of_choices_are_the_texts_of_the_values():
    for choice, values in zip(SPACE.choices, OPTIONS.values(), strict=True):
        assert choice.options == tuple(str(value) for value in values)


@given(designs)
def test_neighbours_are_the_18_designs_with_one_other_value(design):
    expected = {other for other in DESIGNS if differences(design, other) == 1}
    found = list(SPACE.neighbors(design))
    assert len(found) == len(set(found)) == 18 and set(found) == expected


@given(designs, seeds)
def test_a_mutation_always_changes_exactly_one_value(design, seed):
    assert differences(design, SPACE.mutate(design, np.random.default_rng(seed))) == 1


@given(designs, designs, seeds)
def test_a_child_has_each_value_from_a_parent(a, b, seed):
    child = SPACE.crossover(a, b, np.random.default_rng(seed))
    for one, two, value in zip(astuple(a), astuple(b), astuple(child), strict=True):
        assert value in (one, two)


def test_samples_are_uniform():
    rng = np.random.default_rng(0)
    counts = Counter(SPACE.position(SPACE.sample(rng)) for _ in range(36_000))
    observed = np.array([counts[position] for position in range(3_600)])
    chi_squared = ((observed - 10) ** 2 / 10).sum()
    assert abs(chi_squared - 3_599) < 4 * np.sqrt(2 * 3_599)  # within four deviations


def test_codes_are_one_hot_and_differ():
    codes = np.array([SPACE.encode(design) for design in DESIGNS])
    assert codes.shape == (3_600, 24) and (codes.sum(axis=1) == 6).all()
    assert len(np.unique(codes, axis=0)) == 3_600


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "depth"),
        (str(SMALL).replace("depth=2", "depth=6"), "'6'"),
        (str(SMALL).replace("tanh", "relu6"), "relu"),
        (str(SMALL).replace("width=32 ", ""), "width"),
        (f"{SMALL} depth=2", "depth"),
        (f"{SMALL} momentum=0.9", "momentum"),
        (str(SMALL).replace("0.01", "fast"), "learning_rate"),
    ],
)
def test_a_wrong_text_is_refused_by_the_name_of_what_is_wrong(text, named):
    with pytest.raises(InvalidInput, match=named):
        SPACE.parse(text)


def test_numbers_may_be_written_otherwise_and_in_any_order():
    words = str(SMALL).replace("0.01", "1e-2").split()
    assert SPACE.parse(" ".join(reversed(words))) == SMALL


@pytest.mark.parametrize("indices", [(0,) * 5, (0, 0, 0, 0, 0, 4), (-1, 0, 0, 0, 0, 0)])
def test_indices_of_no_design_are_refused(indices):
    with pytest.raises(InvalidInput, match="indices"):
        SPACE.from_indices(indices)


@pytest.mark.parametrize("change", [{"depth": 6}, {"depth": True}, {"optimizer": "adamw"}])
def test_a_design_outside_the_space_cannot_be_made(change):
    with pytest.raises(InvalidInput, match=next(iter(change))):
        replace(SMALL, **change)


# ------------------------------------------------------------------------------- the networks


def network(design, seed=0, inputs=10):
    generator = torch.Generator().manual_seed(seed)
    return MLP(inputs, design.depth, design.width, design.activation, design.dropout, generator)


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_the_number_of_weights_follows_from_depth_and_width(depth):
    design = replace(SMALL, depth=depth, width=64)
    expected = (10 * 64 + 64) + (depth - 1) * (64 * 64 + 64) + (64 + 1)
    assert parameter_count(network(design)) == expected


def test_dropout_keeps_the_mean_and_leaves_evaluation_alone():
    layer, ones = GeneratedDropout(0.4, torch.Generator().manual_seed(0)), torch.ones(100, 100)
    dropped = layer(ones)
    assert dropped.mean().item() == pytest.approx(1, abs=0.03)
    assert (dropped == 0).float().mean().item() == pytest.approx(0.4, abs=0.02)
    assert torch.equal(layer.eval()(ones), ones)


@pytest.mark.parametrize("activation", OPTIONS["activation"])
@pytest.mark.parametrize("depth", OPTIONS["depth"])
def test_a_corner_of_the_relaxed_network_is_the_mlp_of_that_depth_and_activation(depth, activation):
    relaxed = RelaxedMLP(10, 32, torch.Generator().manual_seed(1))
    plain = network(replace(SMALL, depth=depth, activation=activation), seed=2).eval()
    linears = [layer for layer in plain.hidden if isinstance(layer, nn.Linear)]
    for mine, theirs in zip(linears, relaxed.layers, strict=False):
        mine.load_state_dict(theirs.state_dict())
    plain.head.load_state_dict(relaxed.head.state_dict())
    with torch.no_grad():
        relaxed.alphas["depth"][OPTIONS["depth"].index(depth)] = 1e4
        relaxed.alphas["activation"][OPTIONS["activation"].index(activation)] = 1e4
    rows = DATA.valid.inputs
    assert relaxed.choice() == (depth, activation)
    assert torch.allclose(relaxed(rows), plain(rows), atol=1e-6)


def test_weights_of_the_relaxed_network_are_all_but_the_eight_alphas():
    relaxed = RelaxedMLP(10, 32, torch.Generator().manual_seed(1))
    count = sum(weight.numel() for weight in relaxed.weights())
    assert parameter_count(relaxed) - count == 5 + 3
    deepest = replace(SMALL, depth=5)
    assert count == parameter_count(network(deepest))


# -------------------------------------------------------------------- the data and the estimate


def test_the_three_parts_hold_every_patient_once_and_train_is_standardised():
    parts = (DATA.train, DATA.valid, DATA.test)
    assert [len(part) for part in parts] == [265, 89, 88]
    rows = torch.cat([torch.cat([p.inputs, p.targets[:, None]], dim=1) for p in parts])
    assert len(torch.unique(rows, dim=0)) == 442
    assert DATA.train.inputs.mean(0).abs().max() < 1e-5
    assert torch.allclose(DATA.train.targets.std(unbiased=False), torch.ones(()), atol=1e-5)


def test_a_sorted_file_cut_in_order_asks_for_extrapolation():
    inputs, targets = regression.sine(200, 0.1, seed=0)
    cut = regression.split_in_order("sine", inputs, targets)
    mixed = regression.split_shuffled("sine", inputs, targets, seed=0)
    assert cut.valid.inputs.min() > cut.train.inputs.max()
    assert mixed.valid.inputs.min() < mixed.train.inputs.max()


def test_rows_and_targets_that_do_not_fit_are_refused():
    with pytest.raises(InvalidInput, match="shape"):
        regression.split_shuffled("broken", np.zeros((10, 2)), np.zeros(9), seed=0)


@pytest.mark.parametrize("optimizer", OPTIONS["optimizer"])
def test_a_stack_trains_each_network_as_if_it_were_alone(optimizer):
    first = MixedDesign(3, 32, "relu", 0.001, optimizer, 0.0)
    alike = [
        replace(first, activation=activation, dropout=dropout)
        for activation in OPTIONS["activation"]
        for dropout in OPTIONS["dropout"]
    ]
    stack = train_alike(alike, DATA.train, seed=3, epochs=3)
    errors = mean_squared_errors(stack, DATA.valid)
    for design, error in zip(alike, errors, strict=True):
        alone = train(design, DATA.train, seed=3, epochs=3)
        assert error.item() == pytest.approx(mean_squared_error(alone, DATA.valid), abs=1e-5)


def test_designs_that_differ_in_their_training_do_not_stack():
    with pytest.raises(InvalidInput, match="learning_rate"):
        train_alike([SMALL, replace(SMALL, learning_rate=0.1)], DATA.train, seed=0)


def test_training_agrees_with_plain_torch_written_out():
    design = replace(SMALL, dropout=0.0)
    plain = network(design, seed=5)
    optimizer = torch.optim.Adam(plain.parameters(), lr=0.01)
    order = torch.Generator().manual_seed(5)
    for _ in range(2):
        for batch in torch.randperm(265, generator=order).split(32):
            optimizer.zero_grad()
            difference = plain(DATA.train.inputs[batch]) - DATA.train.targets[batch]
            (difference**2).mean().backward()
            optimizer.step()
    trained = train(design, DATA.train, seed=5, epochs=2)
    for mine, theirs in zip(plain.parameters(), trained.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-6)


def test_the_estimate_is_pure_picklable_and_early_scores_are_those_on_the_way():
    estimate = pickle.loads(pickle.dumps(RegressionEstimate(DATA, seed=1, max_epochs=4)))
    whole, early = estimate(SMALL), estimate(SMALL, epochs=2)
    assert estimate(SMALL) == whole
    assert early.curve == whole.curve[:2] and early.value == early.curve[-1]
    expected = mean_squared_error(train(SMALL, DATA.train, seed=1, epochs=4), DATA.valid)
    assert whole.measures["valid_mse"] == pytest.approx(expected)
    assert whole.value == pytest.approx(1 - expected / DATA.valid.targets.var(unbiased=False))


def test_a_diverged_run_scores_zero_and_says_infinity():
    wild = MixedDesign(5, 512, "relu", 0.1, "sgd", 0.0)
    rows = regression.Rows(DATA.train.inputs * 1e6, DATA.train.targets)
    error = mean_squared_error(train(wild, rows, seed=0, epochs=1), DATA.valid)
    assert error == float("inf") and r_squared(error, DATA.valid) == 0


@pytest.mark.parametrize("epochs", [0, 11, 1.5, True])
def test_epochs_outside_the_schedule_are_refused(epochs):
    with pytest.raises(InvalidInput, match="epochs"):
        RegressionEstimate(DATA)(SMALL, epochs=epochs)


def test_the_best_constant_prediction_scores_zero():
    variance = DATA.valid.targets.var(unbiased=False).item()
    assert r_squared(variance, DATA.valid) == pytest.approx(0, abs=1e-6)
    assert r_squared(0.0, DATA.valid) == 1
