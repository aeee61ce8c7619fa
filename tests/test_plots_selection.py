"""Figures of chapter 01: their sentences say what the data say, their lines are the data."""

import numpy as np
import pytest

from nas_course import plots
from nas_course.data import regression
from nas_course.estimation.regression import mean_squared_error, train
from nas_course.spaces import MixedDesign

DESIGN = MixedDesign(3, 64, "tanh", 0.01, "adam", 0.2)


def test_the_design_card_has_a_box_for_every_layer_and_says_the_place():
    figure = plots.draw_design(DESIGN, weights=9_089, score=0.44, rank=812, designs=3_600)
    assert len(figure.axes[0].patches) == 1 + DESIGN.depth + 1
    assert str(DESIGN) in figure.summary and "place 812 of 3,600" in figure.summary


def test_the_winners_curse_follows_the_best_by_validation():
    valid = np.array([[0.1, 0.5, 0.3], [0.2, 0.1, 0.6]])
    test = np.array([[0.2, 0.3, 0.9], [0.4, 0.8, 0.5]])
    figure = plots.draw_winners_curse(valid, test)
    chosen_by, reported = figure.axes[0].lines
    assert chosen_by.get_ydata() == pytest.approx([0.15, 0.35, 0.55])
    assert reported.get_ydata() == pytest.approx([0.3, 0.35, 0.4])
    assert "by 0.150" in figure.summary


def test_searches_are_drawn_by_their_medians():
    tests = {"random": np.array([[0.1, 0.2], [0.3, 0.4], [0.2, 0.9]])}
    figure = plots.draw_searches(np.array([5, 10]), tests, limits={"least squares": 0.5})
    assert figure.axes[0].lines[0].get_ydata() == pytest.approx([0.2, 0.4])
    assert "random 0.400" in figure.summary


def test_the_sentence_of_a_fit_is_its_validation_error():
    data = regression.split_shuffled("sine", *regression.sine(50, 0.1, seed=0), seed=0)
    network = train(DESIGN, data.train, seed=0, epochs=2)
    figure = plots.draw_fits({"shuffled": (data, network)})
    assert f"{mean_squared_error(network, data.valid):.2f}" in figure.summary
