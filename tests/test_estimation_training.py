"""Estimation by training: pure, honest about its cost, and blind to the test part."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from nas_course import data, models, spaces
from nas_course.estimation import Score, TrainingEstimate
from nas_course.training import Recipe


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
