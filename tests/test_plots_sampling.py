"""Figures of chapter 12: samples, estimates and beliefs are drawn as they are and said as drawn."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm

from nas_course import plots
from nas_course.errors import InvalidInput
from nas_course.history import History
from nas_course.plots.sampling import strongest_chances
from nas_course.spaces import DARTSSpace, NASBench201Space

EDGE = {"skip_connect": 1.0, "nor_conv_3x3": 0.4, "avg_pool_3x3": -0.2}
ERRORS = {
    "soft": {0.1: (0.03, 1.3), 1.0: (0.19, 0.25), 10.0: (0.27, 0.01)},
    "score function": {math.inf: (0.0, 0.25)},
}


def make_history(space):
    """Two epochs of a search with sigma, and a row before it began."""
    cells = {
        name: {"edges": [list(edge) for edge in cell.edges], "operations": list(cell.operations)}
        for name, cell in space.cells.items()
    }
    history = History({"method": "balenas-1st", "space": space.name, "cells": cells})
    for epoch in range(3):
        rng = np.random.default_rng(epoch)
        drawn = {name: rng.normal(size=(len(c.edges), len(c.operations)))
                 for name, c in space.cells.items()}  # fmt: skip
        sigma = {name: (0.5 + np.abs(values) / 4).tolist() for name, values in drawn.items()}
        history.append({"epoch": epoch, "alphas": drawn} | ({"sigma": sigma} if epoch else {}))
    return history


@pytest.mark.parametrize("temperature", [0.05, 1.0, 20.0])
def test_gumbel_samples_are_counted_and_drawn_inside_the_triangle(temperature):
    figure = plots.draw_gumbel(EDGE, temperature)
    triangle, bars = figure.axes
    _, *clouds = triangle.lines
    points = np.vstack([line.get_xydata() for line in clouds])
    assert len(points) == 400
    assert (points[:, 1] >= -1e-9).all() and (
        points[:, 1] <= np.sqrt(3) * points[:, 0] + 1e-9
    ).all()
    heights = np.array([bar.get_height() for bar in bars.patches]).reshape(3, 3)
    softmax = torch.tensor(list(EDGE.values())).softmax(0).numpy()
    assert heights.sum(axis=1) == pytest.approx([1, 1, 1])
    assert heights[0] == pytest.approx(softmax)
    assert heights[1] == pytest.approx([len(line.get_xydata()) / 400 for line in clouds])
    assert f"skip {heights[1][0]:.0%} (softmax 54%)" in figure.summary


def test_the_largest_operation_is_the_same_at_every_temperature():
    cold, hot = (plots.draw_gumbel(EDGE, temperature) for temperature in (10**-1.5, 10.0))
    assert "at temperature 0.0316:" in cold.summary
    counts = [
        [len(line.get_xydata()) for line in figure.axes[0].lines[1:]] for figure in (cold, hot)
    ]
    assert counts[0] == counts[1]
    assert len(plots.draw_gumbel(EDGE, 1.0).axes[0].lines) == 4


@pytest.mark.parametrize(("logits", "temperature"), [({"none": 0.0}, 1.0), (EDGE, 0.0)])
def test_a_triangle_needs_three_operations_and_a_temperature(logits, temperature):
    with pytest.raises(InvalidInput, match="three operations"):
        plots.draw_gumbel(logits, temperature)


def test_estimates_are_drawn_with_bias_left_and_noise_right():
    figure = plots.draw_estimates(0.3, ERRORS)
    left, right = figure.axes
    assert left.lines[0].get_xdata() == pytest.approx([0.1, 1, 10])
    assert left.lines[0].get_ydata() == pytest.approx([0.03, 0.19, 0.27])
    assert right.lines[0].get_ydata() == pytest.approx([1.3, 0.25, 0.01])
    assert right.lines[1].get_xydata() == pytest.approx(np.array([[0.1, 0.25], [10, 0.25]]))
    assert left.lines[2].get_ydata() == pytest.approx([0.3, 0.3])
    assert "soft goes from bias 0.27 and noise 0.01 at temperature 10" in figure.summary
    assert "score function has bias 0.00 and noise 0.25" in figure.summary
    assert left.get_xlabel() == "temperature" and right.get_ylabel() == "noise of one estimate"


def test_more_estimates_than_looks_are_refused():
    with pytest.raises(InvalidInput, match="got 5 estimates; allowed: 1 to 4"):
        plots.draw_estimates(1.0, {str(number): {1.0: (1, 1)} for number in range(5)})


@pytest.mark.parametrize("space", [NASBench201Space(), DARTSSpace()])
def test_the_posterior_of_an_edge_is_that_of_its_row(space):
    history = make_history(space)
    kind, edge = next(iter(history.cells)), (0, 2)
    number = [tuple(e) for e in history.cells[kind]["edges"]].index(edge)
    figure = plots.draw_posterior(history, kind, edge, epoch=1)
    left, right = figure.axes
    later = plots.draw_posterior(history, kind, edge, epoch=2).axes[1]
    assert [len(axes.lines[0].get_xdata()) for axes in (right, later)] == [1, 2]
    assert right.get_xlim() == later.get_xlim()
    mean = np.array(history.rows[1]["alphas"][kind][number])
    sigma = np.array(history.rows[1]["sigma"][kind][number])
    wide, narrow, points = (left.lines[part:-1:3] for part in range(3))
    assert [line.get_xdata()[0] for line in points] == pytest.approx(mean)
    assert [np.ptp(line.get_xdata()) for line in wide] == pytest.approx(4 * sigma)
    assert [np.ptp(line.get_xdata()) for line in narrow] == pytest.approx(2 * sigma)
    chances = np.array([line.get_ydata() for line in right.lines[:-1]])
    assert chances.sum(axis=0) == pytest.approx([1])
    if space.name == "darts":
        assert (chances[0] == 0).all()  # none is never chosen
    assert f"{mean.max():.2f}" in figure.summary and f"{chances[:, 0].max():.0%}" in figure.summary
    assert "epoch 2" in plots.draw_posterior(history, kind, edge).summary


@pytest.mark.parametrize("epoch", [0, 7])
def test_epochs_without_a_posterior_are_refused(epoch):
    with pytest.raises(InvalidInput, match=r"allowed: \[1, 2\].*balenas-1st"):
        plots.draw_posterior(make_history(NASBench201Space()), "cell", (0, 1), epoch)


def test_the_chance_to_be_strongest_of_two_is_a_normal_probability():
    chances = strongest_chances(np.array([0.3, 0.0]), np.array([0.4, 0.3]), ["a", "b"])
    assert chances[0] == pytest.approx(norm.cdf(0.3 / 0.5), abs=0.02)
