"""How well networks learn: curves of one run, and fair comparisons of many runs.

    learning_curves(history)                         # loss and accuracy of a search
    draw_comparison(rows)                            # a point per seed, the mean per method
    accuracy_against_size(rows)                      # is it the architecture or the size?

A row of a comparison is a mapping with `method`, `test_accuracy` (0 to 1) and, for the last
figure, `parameters`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from nas_course.errors import InvalidInput
from nas_course.history import History
from nas_course.plots import style
from nas_course.plots.alphas import PERCENT, epoch_axis
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels

Rows = Sequence[Mapping[str, Any]]
THOUSANDS = FuncFormatter(lambda value, position: f"{value / 1000:.4g} k")
OTHER_METHOD = ("#1a1a1a", "v")


@course_style
def learning_curves(history: History) -> CourseFigure:
    """Draw loss and accuracy of the supernet over the epochs, on both parts of the data.

    Parameters
    ----------
    history : History
        With columns `train_loss`, `valid_loss`, `train_accuracy`, `valid_accuracy`.

    Returns
    -------
    CourseFigure
        Left the losses, right the accuracies; dashed is the search-validation part.
    """
    accuracy = history.column("valid_accuracy")
    measured = accuracy[np.isfinite(accuracy)]
    if measured.size == 0:
        raise InvalidInput(
            "learning_curves: got a history without any trained epoch; allowed: one with at least "
            "one row after epoch 0. Let the search run for an epoch first."
        )
    summary = (
        f"{history.header.get('method')} on {history.header.get('data')}: accuracy of the supernet "
        f"on the search-validation part goes from {measured[0]:.1%} to {measured[-1]:.1%}."
    )
    figure = new_figure(summary, style.WIDE)
    left, right = panels(figure, 1, 2)
    _draw_pair(left, history, "loss", "loss (cross-entropy)")
    _draw_pair(right, history, "accuracy", "accuracy")
    right.yaxis.set_major_formatter(PERCENT)
    right.legend(loc="lower right")
    return figure


def _draw_pair(axes: Axes, history: History, quantity: str, label: str) -> None:
    epochs = history.column("epoch")
    train, valid = history.column(f"train_{quantity}"), history.column(f"valid_{quantity}")
    axes.plot(epochs, train, color=style.TRAIN_COLOR, marker=".", label="training part")
    axes.plot(
        epochs, valid, color=style.VALID_COLOR, marker=".", linestyle="--", label="validation part"
    )
    axes.set_ylabel(label)
    axes.grid(axis="y")
    epoch_axis(axes)


@course_style
def draw_comparison(rows: Rows) -> CourseFigure:
    """Draw the test accuracy of every run, a row of points per method, and each mean.

    Parameters
    ----------
    rows : sequence of mappings
        Each with `method` (text) and `test_accuracy` (0 to 1), one per seed and network.

    Returns
    -------
    CourseFigure
        A point per run; a vertical bar marks the mean, the number of runs stands in the label.
    """
    methods = _by_method(rows, "test_accuracy")
    figure = new_figure(_comparison_summary(methods), (7.0, 1.2 + 0.55 * len(methods)))
    (axes,) = panels(figure)
    for height, (method, values) in enumerate(methods.items()):
        color, marker = _method_style(method)
        axes.plot(values, _spread(height, len(values)), marker, color=color, alpha=0.75)
        axes.plot([values.mean()] * 2, [height - 0.33, height + 0.33], color=color, linewidth=2.5)
    labels = [f"{method} (n = {len(values)})" for method, values in methods.items()]
    axes.set_yticks(range(len(methods)), labels, size=style.FONT_SIZE)
    axes.set(xlabel="test accuracy; bar: mean", ylim=(len(methods) - 0.4, -0.6))
    axes.xaxis.set_major_formatter(PERCENT)
    axes.grid(axis="x")
    return figure


def _spread(height: float, count: int) -> np.ndarray:
    """Vertical places of the points of one method: beside each other, not on top."""
    return height + (np.linspace(-0.18, 0.18, count) if count > 1 else np.zeros(count))


def _comparison_summary(methods: Mapping[str, np.ndarray]) -> str:
    parts = [
        f"{method} {values.mean():.1%} (from {values.min():.1%} to {values.max():.1%}, "
        f"n = {len(values)})"
        for method, values in methods.items()
    ]
    return f"Mean test accuracy: {'; '.join(parts)}."


@course_style
def accuracy_against_size(rows: Rows) -> CourseFigure:
    """Draw test accuracy against the number of weights, a point per run.

    Parameters
    ----------
    rows : sequence of mappings
        Each with `method`, `test_accuracy` (0 to 1) and `parameters`.

    Returns
    -------
    CourseFigure
        If points of one method lie above those of another at equal size, size is not the cause.
    """
    methods = _by_method(rows, "test_accuracy")
    sizes = _by_method(rows, "parameters")
    figure = new_figure(_size_summary(methods, sizes), style.SINGLE)
    (axes,) = panels(figure)
    for method, values in methods.items():
        color, marker = _method_style(method)
        axes.plot(sizes[method], values, marker, color=color, alpha=0.75, label=method)
    axes.set(xlabel="number of weights", ylabel="test accuracy")
    axes.xaxis.set_major_formatter(THOUSANDS)
    axes.yaxis.set_major_formatter(PERCENT)
    axes.grid()
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _size_summary(methods: Mapping[str, np.ndarray], sizes: Mapping[str, np.ndarray]) -> str:
    parts = [
        f"{method} {values.mean():.1%} with {sizes[method].mean():,.0f} weights"
        for method, values in methods.items()
    ]
    return f"Mean test accuracy and mean size: {'; '.join(parts)}."


def _by_method(rows: Rows, column: str) -> dict[str, np.ndarray]:
    """Collect one column per method, methods in the order of their first row."""
    if not rows:
        raise InvalidInput("comparison: got no rows; allowed: at least one run.")
    for number, row in enumerate(rows):
        missing = {"method", column} - set(row)
        if missing:
            raise InvalidInput(
                f"comparison, row {number}: got {sorted(row)}; {sorted(missing)} is missing. "
                "Give each run its method and its result."
            )
    collected: dict[str, list[float]] = {}
    for row in rows:
        collected.setdefault(row["method"], []).append(float(row[column]))
    return {method: np.array(values) for method, values in collected.items()}


def _method_style(method: str) -> tuple[str, str]:
    default_color, default_marker = OTHER_METHOD
    return (
        style.METHOD_COLORS.get(method, default_color),
        style.METHOD_MARKERS.get(method, default_marker),
    )
