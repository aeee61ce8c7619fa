"""Gradient methods on the table: regret of every seed, its cost, and how it came about.

board = leaderboard.read_gradient("results/leaderboard_gradient.json")
gradient_regret(board)
regret_by_epoch(board, ["darts-1st", "r-darts"])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from nas_course.errors import one_of
from nas_course.leaderboard.statistics import entry_of
from nas_course.plots import style
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels
from nas_course.plots.regret import PLAIN

ACCURACIES = {"final": "test", "final_valid": "validation"}
ROW = 0.31  # inches
KNOWN = {"best_by_valid": "best by validation", "most_weights": "most weights"}
RANDOM = style.METHOD_COLORS["random"]


@course_style
def gradient_regret(
    board: Mapping[str, Any], names: Sequence[str] | None = None, *, accuracy: str = "final"
) -> CourseFigure:
    """Draw the regret of the derived cells, seed by seed, beside what the searches cost.

    Parameters
    ----------
    board : mapping
        From `nas_course.leaderboard.read_gradient`.
    names : sequence of str, optional
        Entries of the board; all of them if left out.
    accuracy : "final" or "final_valid"
        Regret in test or in validation accuracy.

    Returns
    -------
    CourseFigure
        Left a dot for each seed and a bar for the mean, sorted by it; triangles are the mean of
        random search that may train for as many seconds; the band is what half of all cells
        reach. Right the processor seconds of a search.
    """
    if accuracy not in ACCURACIES:
        raise one_of("accuracy", accuracy, ACCURACIES)
    entries = sorted(_chosen(board, names), key=lambda entry: np.mean(entry[accuracy]))
    height = 1.7 + ROW * len(entries)
    figure = new_figure(_regret_summary(board, entries, accuracy), (9.0, height))
    left, right = panels(figure, 1, 2, sharey=True, width_ratios=[3, 1.3])
    _draw_frame(left, board, accuracy)
    for row, entry in enumerate(entries):
        _draw_seeds(left, row, entry, accuracy)
        _draw_cost(right, row, entry)
    left.set_yticks(range(len(entries)), [entry["name"] for entry in entries])
    left.set_xlabel(
        f"regret in {ACCURACIES[accuracy]} accuracy (points)\n△ random search for as many seconds"
    )
    left.set_xlim(left=-0.3)
    left.set_ylim(len(entries) - 0.4, -2.5)  # rows for the names of the frame
    right.set(xlabel="processor seconds of a search", xscale="log")
    right.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    right.xaxis.set_major_formatter(PLAIN)
    right.xaxis.set_minor_locator(NullLocator())
    right.tick_params(axis="y", length=0)
    for axes in (left, right):
        axes.grid(axis="x")
    return figure


@course_style
def regret_by_epoch(
    board: Mapping[str, Any], names: Sequence[str], *, accuracy: str = "final"
) -> CourseFigure:
    """Draw the regret of the cell that each method would give after every epoch.

    Parameters
    ----------
    board : mapping
        From `nas_course.leaderboard.read_gradient`.
    names : sequence of str
        Entries of the board, a few of them.
    accuracy : "final" or "final_valid"

    Returns
    -------
    CourseFigure
        A panel for each method: thin lines are seeds, the thick one is their median. A ring marks
        the epoch after which a search ended by itself. The band is what half of all cells reach.
    """
    if accuracy not in ACCURACIES:
        raise one_of("accuracy", accuracy, ACCURACIES)
    entries = _chosen(board, names)
    columns = min(3, len(entries))
    rows = -(-len(entries) // columns)
    figure = new_figure(_curves_summary(entries, accuracy), (1.0 + 2.9 * columns, 0.7 + 2.2 * rows))
    grid = panels(figure, rows, columns, sharex=True, sharey=True)
    for axes, entry in zip(grid, entries, strict=False):
        _draw_epochs(axes, board, entry, accuracy)
    for axes in grid[len(entries) :]:
        axes.set_visible(False)
    for axes in grid[max(0, len(entries) - columns) : len(entries)]:  # the lowest of each column
        axes.tick_params(labelbottom=True)
    figure.supxlabel("epoch", size=style.FONT_SIZE)
    figure.supylabel(f"regret in {ACCURACIES[accuracy]} accuracy (points)", size=style.FONT_SIZE)
    return figure


def _chosen(board: Mapping[str, Any], names: Sequence[str] | None) -> list[Mapping[str, Any]]:
    if names is None:
        return list(board["entries"])
    return [entry_of(board, name) for name in names]


def _draw_frame(axes: Axes, board: Mapping[str, Any], accuracy: str) -> None:
    """Draw half of all cells as a band with their median, and the cells known without a search."""
    chance = board["frame"]["random_cell"][accuracy]
    axes.axvspan(chance["0.25"], chance["0.75"], color=RANDOM, alpha=0.12, linewidth=0)
    axes.axvline(chance["0.5"], color=RANDOM, linewidth=1.2)
    _name_line(axes, chance["0.5"], -2.0, f"median of all cells {chance['0.5']:.2f}")
    known = sorted((board["frame"][key][accuracy], text) for key, text in KNOWN.items())
    for (value, text), y in zip(known, (-1.4, -0.8), strict=True):  # a row for each name
        axes.axvline(value, color=style.MUTED, linewidth=0.9, linestyle=":")
        _name_line(axes, value, y, f"{text} {value:.2f}")


def _name_line(axes: Axes, x: float, y: float, text: str) -> None:
    axes.annotate(
        text, (x, y), (4, 0), textcoords="offset points", size=style.SMALL, color=style.MUTED,
        va="center", bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1},
    )  # fmt: skip


def _draw_seeds(axes: Axes, row: int, entry: Mapping[str, Any], accuracy: str) -> None:
    values = np.array(entry[accuracy])
    look = style.method_line(entry["name"])
    beside = row + 0.18 * np.linspace(-1, 1, len(values))
    axes.plot(
        values, beside, linestyle="", marker=look["marker"], color=look["color"], markersize=6,
        alpha=0.8, markeredgewidth=0,
    )  # fmt: skip
    axes.plot([values.mean()] * 2, [row - 0.36, row + 0.36], color=look["color"], linewidth=2.2)
    rival = entry["random_search"][accuracy]["mean"]
    axes.plot(rival, row, marker="^", color=RANDOM, markerfacecolor="white", markersize=6)


def _draw_cost(axes: Axes, row: int, entry: Mapping[str, Any]) -> None:
    seconds = np.array(entry["table_seconds"])
    look = style.method_line(entry["name"])
    axes.plot(
        seconds, [row] * len(seconds), linestyle="", marker=look["marker"], color=look["color"],
        markersize=6, alpha=0.8, markeredgewidth=0,
    )  # fmt: skip


def _draw_epochs(
    axes: Axes, board: Mapping[str, Any], entry: Mapping[str, Any], accuracy: str
) -> None:
    curves = entry["by_epoch" if accuracy == "final" else "by_epoch_valid"]
    runs = np.array(curves["runs"])  # (seeds, epochs + 1)
    chance = board["frame"]["random_cell"][accuracy]
    epochs = np.arange(runs.shape[1])
    band = Rectangle(
        (0, chance["0.25"]), epochs[-1], chance["0.75"] - chance["0.25"], color=RANDOM, alpha=0.12,
        linewidth=0,
    )  # fmt: skip
    axes.add_patch(band)
    color = style.method_line(entry["name"])["color"]
    axes.plot(epochs, runs.T, color=color, linewidth=0.8, alpha=0.5)
    axes.plot(epochs, np.median(runs, axis=0), color=color, linewidth=2.2)
    for run, ended in zip(runs, entry["epochs"], strict=True):
        if ended < epochs[-1]:
            axes.plot(ended, run[ended], "o", color=color, markerfacecolor="white", markersize=6)
    axes.set_title(entry["name"], size=style.FONT_SIZE)
    axes.grid(axis="y")
    axes.set_xlim(0, epochs[-1])
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _regret_summary(
    board: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], accuracy: str
) -> str:
    means = ", ".join(f"{entry['name']} {np.mean(entry[accuracy]):.2f}" for entry in entries)
    chance = board["frame"]["random_cell"][accuracy]
    return (
        f"Mean regret in {ACCURACIES[accuracy]} accuracy, in points: {means}. A cell drawn by "
        f"chance: median {chance['0.5']:.2f}, half of them from {chance['0.25']:.2f} to "
        f"{chance['0.75']:.2f}."
    )


def _curves_summary(entries: Sequence[Mapping[str, Any]], accuracy: str) -> str:
    parts = []
    for entry in entries:
        curves = entry["by_epoch" if accuracy == "final" else "by_epoch_valid"]
        median = np.median(np.array(curves["runs"]), axis=0)
        best = int(median.argmin())
        parts.append(
            f"{entry['name']}: lowest median {median[best]:.2f} after epoch {best}, "
            f"{median[-1]:.2f} at the end"
        )
    return f"Regret in {ACCURACIES[accuracy]} accuracy, in points. {'; '.join(parts)}."
