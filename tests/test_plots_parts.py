"""The figure of parts of a space: bands are quantiles, marks the cells that were found."""

import numpy as np
import pytest

from nas_course import plots
from nas_course.errors import InvalidInput

ACCURACIES = {"wide": np.linspace(0.30, 0.40, 101), "narrow": np.linspace(0.41, 0.42, 11)}
FOUND = {
    "shallow": {"wide": [0.39, 0.35], "narrow": [0.41]},
    "deep": {"wide": [0.1], "narrow": [0.42]},
}
CHANCE = {name: {"wide": 0.38, "narrow": 0.415} for name in FOUND}


def marks(axes, marker):
    """Every (accuracy, row) that is drawn with this marker."""
    lines = [line for line in axes.lines if line.get_marker() == marker]
    return [tuple(point) for line in lines for point in line.get_xydata()]


def test_a_part_is_drawn_by_its_quantiles_median_and_best():
    (axes,) = plots.draw_parts(ACCURACIES, FOUND, CHANCE).axes
    edges = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches[:2]]
    np.testing.assert_allclose(edges, [(0.305, 0.395), (0.325, 0.375)])
    np.testing.assert_allclose(marks(axes, "D"), [(0.40, 0), (0.42, 1)])
    medians = [line.get_xdata() for line in axes.lines if line.get_linestyle() == "-"]
    np.testing.assert_allclose([m for m in medians if len(m) == 2], [[0.35] * 2, [0.415] * 2])
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["wide\n101 cells", "narrow\n11 cells"]


def test_every_seed_has_a_mark_and_one_too_low_stands_at_the_edge():
    (axes,) = plots.draw_parts(ACCURACIES, FOUND, CHANCE).axes
    np.testing.assert_allclose(marks(axes, "o"), [(0.39, -0.2), (0.35, -0.2), (0.41, 0.8)])
    np.testing.assert_allclose(marks(axes, "<"), [(0.28, 0.2)])
    np.testing.assert_allclose(marks(axes, "X"), [(0.42, 1.2)])
    assert len(marks(axes, "^")) == 4


def test_the_sentence_gives_median_best_and_found():
    figure = plots.draw_parts(ACCURACIES, {"shallow": FOUND["shallow"]}, CHANCE)
    assert "wide 35.0, 40.0, 37.0; narrow 41.5, 42.0, 41.0." in figure.summary
    assert len(figure.png()) < 60_000


def test_more_searches_than_the_rows_hold_are_refused():
    with pytest.raises(InvalidInput, match="got 3 searches"):
        plots.draw_parts(ACCURACIES, {name: {} for name in "abc"}, CHANCE)
