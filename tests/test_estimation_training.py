"""Estimation by training: pure, honest about its cost, and blind to the test part."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from nas_course import data, models, spaces
from nas_course.errors import InvalidInput
from nas_course.estimation import KeptTraining, NetworkBuilder, Score, TrainingEstimate
from nas_course.training import Recipe, evaluate, fit


@pytest.fixture(scope="module")
def digits():
    return data.load("digits", train_images=120, valid_images=100, device="cpu")


def build(architecture, generator):
    sizes = {"channels": 4, "cells": 2, "classes": 10, "in_channels": 1}
    return models.build_network(architecture, **sizes, generator=generator)


def sampled(count):
    rng = np.random.default_rng(0)
    return [spaces.DARTSSpace().sample(rng) for _ in range(count)]


RECIPE = Recipe(epochs=3, batch_size=24, learning_rate=0.05)


def test_the_same_architecture_gets_the_same_score_in_any_order(digits):
    first, second = sampled(2)
    estimate = TrainingEstimate(digits, RECIPE, build, seed=1)
    scores = {architecture: estimate(architecture) for architecture in (first, second)}
    torch.manual_seed(99)
    assert {a: estimate(a) for a in (second, first)} == scores
    assert scores[first] != scores[second]


def test_another_seed_gives_another_score(digits):
    (architecture,) = sampled(1)
    values = {TrainingEstimate(digits, RECIPE, build, seed)(architecture) for seed in range(2)}
    assert len(values) == 2


def test_a_score_says_what_it_cost_and_how_it_came_about(digits):
    score = TrainingEstimate(digits, RECIPE, build)(sampled(1)[0])
    assert 0 < score.value <= 1
    assert score.cost_seconds > 0
    assert score.fidelity == "3 epochs on 120 images"
    assert len(score.curve) == 3 and score.curve[-1] > score.curve[0]


def test_the_estimate_never_looks_at_the_test_part(digits):
    poisoned = replace(
        digits, test=data.Split(digits.test.images * math.nan, digits.test.labels * 0)
    )
    (architecture,) = sampled(1)
    honest = TrainingEstimate(digits, RECIPE, build)(architecture)
    assert TrainingEstimate(poisoned, RECIPE, build)(architecture) == honest


def test_equal_scores_may_have_taken_different_times():
    assert Score(0.5, 1.0, "x") == Score(0.5, 2.0, "x") != Score(0.6, 1.0, "x")


def test_the_curve_is_what_shorter_trainings_of_the_same_schedule_score(digits):
    estimate = TrainingEstimate(digits, RECIPE, build)
    (architecture,) = sampled(1)
    full = estimate(architecture)
    assert full.curve[-1] == full.value and estimate.max_epochs == 3
    for epochs in (1, 2, 3):
        part = estimate(architecture, epochs)
        assert part.value == full.curve[epochs - 1] and part.curve == full.curve[:epochs]
    assert estimate(architecture, 2).fidelity == "2 of 3 epochs on 120 images"


def test_looking_at_the_validation_part_between_epochs_changes_no_training(digits):
    (architecture,) = sampled(1)
    network = build(architecture, torch.Generator().manual_seed(0))
    fit(network, digits.train, RECIPE, seed=0)
    score = TrainingEstimate(digits, RECIPE, build)(architecture)
    assert score.value == evaluate(network, digits.valid)["accuracy"]


@pytest.mark.parametrize("epochs", [0, 4, 1.5, True, "2"])
def test_a_number_of_epochs_outside_the_schedule_is_refused(digits, epochs):
    with pytest.raises(InvalidInput, match="from 1 to 3"):
        TrainingEstimate(digits, RECIPE, build)(sampled(1)[0], epochs)


def test_asking_no_further_stops_the_training(digits):
    stages = TrainingEstimate(digits, replace(RECIPE, epochs=10_000), build).stages(sampled(1)[0])
    first, second = next(stages), next(stages)
    assert second.curve[:1] == first.curve and second.cost_seconds > first.cost_seconds


def test_a_pickled_estimate_gives_the_same_score(digits):
    builder = NetworkBuilder.fitting(digits, channels=4, cells=2)
    estimate = TrainingEstimate(digits, replace(RECIPE, epochs=1), builder)
    (architecture,) = sampled(1)
    copy = pickle.loads(pickle.dumps(estimate))
    assert copy(architecture) == estimate(architecture)
    assert pickle.loads(pickle.dumps(copy(architecture))) == copy(architecture)


def test_the_score_measures_parameters_and_multiply_adds(digits):
    (architecture,) = sampled(1)
    network = build(architecture, torch.Generator())
    measures = TrainingEstimate(digits, replace(RECIPE, epochs=1), build)(architecture).measures
    assert measures["parameters"] == sum(p.numel() for p in network.parameters())
    assert measures["multiply_adds"] == multiply_adds_by_hooks(network, (1, 8, 8))


def multiply_adds_by_hooks(network, shape):
    """Count from the shapes of the layers' outputs, independently of torch's counter."""
    counted = []

    def conv(layer, _, output):
        per_pixel = layer.weight[0].numel() * layer.out_channels
        counted.append(per_pixel * output.shape[2] * output.shape[3])

    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(conv)
        elif isinstance(layer, torch.nn.Linear):
            layer.register_forward_hook(lambda layer, *_: counted.append(layer.weight.numel()))
    with torch.no_grad():
        network.eval()(torch.zeros(1, *shape))
    return sum(counted)


def test_multiply_adds_of_known_layers_and_the_mode_stays():
    grouped = torch.nn.Conv2d(8, 12, 3, padding=1, groups=4)  # 5 x 5 pixels, 2 channels a group
    assert models.multiply_adds(grouped, (8, 5, 5)) == 25 * 12 * 2 * 9
    network = torch.nn.Sequential(grouped, torch.nn.BatchNorm2d(12).eval(), torch.nn.Flatten())
    statistics = network[1].running_mean.clone()
    models.multiply_adds(network, (8, 5, 5))
    assert [m.training for m in network.modules()] == [True, True, False, True]
    assert network[1].running_mean.equal(statistics)
    assert models.multiply_adds(torch.nn.AvgPool2d(2), (1, 4, 4)) == 0


def test_kept_training_gives_the_same_scores_and_trains_only_what_is_missing(digits):
    plain = TrainingEstimate(digits, RECIPE, build)
    built = []

    def counting(architecture, generator):
        built.append(architecture)
        return build(architecture, generator)

    kept = KeptTraining(replace(plain, build=counting), keep=2)
    first, second, third = sampled(3)
    asked = [(first, 1), (second, 2), (first, 3), (first, 2), (second, None)]
    assert [kept(a, e) for a, e in asked] == [plain(a, e) for a, e in asked]
    assert built == [first, second]
    kept(third, 1)  # only two are kept: `first` goes
    assert kept(first, 1) == plain(first, 1) and built == [first, second, third, first]


def test_kept_training_starts_anew_after_a_break_and_in_another_process(digits):
    fails = iter([True, False])

    class Breaks(TrainingEstimate):
        def stages(self, architecture):
            for score in super().stages(architecture):
                yield score
                if next(fails, False):
                    raise KeyboardInterrupt

    (architecture,) = sampled(1)
    builder = NetworkBuilder.fitting(digits, channels=4, cells=2)
    kept = KeptTraining(Breaks(digits, RECIPE, builder))
    with pytest.raises(KeyboardInterrupt):
        kept(architecture, 2)
    honest = KeptTraining(TrainingEstimate(digits, RECIPE, builder))
    assert kept(architecture, 2) == honest(architecture, 2)
    assert pickle.loads(pickle.dumps(honest))(architecture, 2) == honest(architecture, 2)
