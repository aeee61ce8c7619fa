"""Figures of chapter 09: their lines are the measurements, their sentences tell the ends."""

import json
from pathlib import Path

import numpy as np
import pytest

from nas_course import plots
from nas_course.errors import InvalidInput
from nas_course.history import History

TABLE = {"best": 0.44, "quantiles": [0.3, 0.34, 0.39, 0.4, 0.42]}


def course(skip, accuracy):
    epochs = list(range(1, len(skip) + 1))
    losses = {"valid_loss": [2.0] * len(skip), "mixture_loss": [1.5] * len(skip)}
    eigenvalue = [None, *(0.1 * epoch for epoch in epochs[1:])]
    derived = [1.5 + 0.2 * epoch for epoch in epochs]
    return {
        "epoch": epochs, "skip_share": skip, "eigenvalue": eigenvalue, "derived_loss": derived,
        "test_accuracy": accuracy, **losses,
    }  # fmt: skip


def row(method, skip, accuracy):
    return {"method": method, "test_accuracy": accuracy[-1], "course": course(skip, accuracy)}


ROWS = [
    row("darts-1st", [0.2, 0.3, 0.5], [0.4, 0.3, 0.32]),
    row("darts-1st", [0.2, 0.5, 0.7], [0.4, 0.3, 0.34]),
    row("r-darts", [0.2, 0.3], [0.4, 0.38]),
]


def line_of(axes, width):
    """Return the data of the only line of this width."""
    (line,) = [line for line in axes.lines if line.get_linewidth() == width]
    return line.get_xydata()


def test_a_collapse_is_drawn_seed_by_seed_with_their_mean():
    figure = plots.draw_collapse([row["course"] for row in ROWS[:2]], TABLE)
    skips, sharpness, _, accuracy = figure.axes
    np.testing.assert_allclose(line_of(skips, 2.4), [[1, 0.2], [2, 0.4], [3, 0.6]])
    np.testing.assert_allclose(line_of(sharpness, 2.4), [[2, 0.2], [3, 0.3]])
    np.testing.assert_allclose(line_of(accuracy, 2.4)[:, 1], [0.4, 0.3, 0.33])
    assert "from 20.0% to 60.0%" in figure.summary and "mean of 2 seeds" in figure.summary


def test_the_mean_ends_where_the_first_search_ends():
    figure = plots.draw_collapse([row["course"] for row in ROWS], TABLE)
    assert line_of(figure.axes[0], 2.4)[-1].tolist() == [2, pytest.approx(0.3667, abs=1e-3)]


def test_a_history_is_drawn_without_what_it_does_not_know():
    cells = {"cell": {"edges": [[0, 1]], "operations": ["none", "skip_connect"]}}
    history = History({"method": "darts-1st", "cells": cells, "epochs": 2})
    for epoch in range(3):
        measured = {"skip_share": 0.1 * epoch, "valid_loss": 2.0 - epoch} if epoch else {}
        history.append({"epoch": epoch, "alphas": {"cell": [[0.0, 0.0]]}, **measured})
    figure = plots.draw_collapse([plots.course_of(history)])
    assert [axes.get_ylabel() for axes in figure.axes] == ["mean mixing weight", "validation loss"]
    assert "one search" in figure.summary


def test_no_legend_covers_a_panel():
    courses = [row["course"] for row in ROWS]
    figures = (
        plots.draw_collapse(courses, TABLE),
        plots.draw_remedies(ROWS, TABLE),
        plots.draw_remedy_courses(ROWS, TABLE),
    )
    for figure in figures:
        figure.png()
        (legend,) = figure.legends
        box = legend.get_window_extent()
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
        for axes in figure.axes:
            assert axes.get_legend() is None
            assert not box.overlaps(axes.get_tightbbox())


def test_one_search_needs_no_legend():
    assert plots.draw_collapse([ROWS[0]["course"]]).legends == []


def test_nothing_to_draw_is_refused():
    with pytest.raises(InvalidInput, match="skip_share"):
        plots.draw_collapse([{"epoch": [1, 2], "skip_share": [None, None]}])


def test_remedies_show_every_seed_and_the_best_is_named_first():
    figure = plots.draw_remedies(ROWS, TABLE)
    (axes,) = figure.axes
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [line.get_xdata().tolist() for line in dots] == [[0.32, 0.34], [0.38]]
    assert "best first: r-darts 38.0%, darts-1st 33.0%" in figure.summary
    assert [label.get_text() for label in axes.get_yticklabels()] == ["darts-1st", "r-darts"]


def test_the_plain_method_stands_on_top_and_the_others_in_order_of_their_mean():
    rows = [*ROWS[:2], row("poor", [0.2], [0.31]), row("good", [0.2], [0.41])]
    (axes,) = plots.draw_remedies(rows, TABLE).axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["darts-1st", "good", "poor"]


def test_each_remedy_has_a_panel_with_the_plain_method_behind():
    figure = plots.draw_remedy_courses(ROWS, TABLE)
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == "r-darts"
    np.testing.assert_allclose(line_of(axes, 1.4)[:, 1], [0.4, 0.3, 0.33])
    assert "darts-1st 33.0%, r-darts 38.0%" in figure.summary


def test_the_gap_is_the_difference_of_two_losses():
    figure = plots.draw_gap(ROWS[:1])
    points = figure.axes[0].collections[0].get_offsets()
    np.testing.assert_allclose(points, [[0.2, 0.4], [0.3, 0.6]])
    assert "by 0.40 to 0.60 in 2 epochs of 1 searches" in figure.summary
    assert [text.get_text() for text in figure.axes[0].texts] == ["seed 0"]


def test_the_measured_file_can_be_drawn():
    file = Path(__file__).resolve().parents[1] / "results" / "collapse.json"
    report = json.loads(file.read_text(encoding="utf-8"))
    rows = [row for row in report["rows"] if row["cells"] == report["cells"]]
    for figure in (plots.draw_remedies(rows, report["table"]), plots.draw_gap(rows[:1])):
        assert len(figure.png()) < 60_000
        assert all(axes.get_xlabel() or axes.get_ylabel() for axes in figure.axes)
