"""How far from the best: regret of search methods along their budget, and at its end.

board = leaderboard.read("results/leaderboard.json")
regret_curves(board, ["random", "regularized-evolution"])
regret_curves(board, against="seconds")
final_regret(board)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from nas_course.errors import one_of
from nas_course.leaderboard import difference_of_medians
from nas_course.leaderboard.statistics import entry_of, numbers
from nas_course.plots import style
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels

AXES = {
    "evaluations": "full evaluations",
    "seconds": "simulated training time (seconds)",
}
PLAIN = FuncFormatter(lambda value, position: f"{value:g}")
TUNED_DASHES = (0, (4, 2))
LABEL_HEIGHT = 0.062  # of the axes: a line of small text


@course_style
def regret_curves(
    board: Mapping[str, Any],
    names: Sequence[str] | None = None,
    *,
    against: str = "evaluations",
) -> CourseFigure:
    """Draw the median regret of methods against their budget, with bands between the quartiles.

    Parameters
    ----------
    board : mapping
        From `nas_course.leaderboard.read`.
    names : sequence of str, optional
        Entries of the board; all of them if left out.
    against : "evaluations" or "seconds"

    Returns
    -------
    CourseFigure
        Both axes logarithmic. A curve begins where half of the runs have an incumbent.
    """
    if against not in AXES:
        raise one_of("against", against, AXES)
    entries = _chosen(board, names)
    figure = new_figure(_curves_summary(board, entries), (8.0, 4.6))
    (axes,) = panels(figure)
    grid = np.array(board["grids"][against])
    for entry in entries:
        _draw_curve(axes, grid, entry, against, band=len(entries) <= 5)
    axes.set(xscale="log", yscale="log", xlabel=AXES[against])
    axes.set_ylabel("regret in test accuracy (points)")
    if board["floor"] > 0:
        axes.axhline(board["floor"], color=style.MUTED, linewidth=0.8, linestyle=":")
        axes.annotate(
            "best by validation", (grid[0], board["floor"]), (2, 2), size=style.SMALL,
            textcoords="offset points", color=style.MUTED,
        )  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PLAIN)
        axis.set_minor_formatter(NullFormatter())
    axes.grid(axis="y")
    axes.set_xlim(grid[0], grid[-1])
    _label_curves(axes, grid, entries, against)
    return figure


@course_style
def final_regret(
    board: Mapping[str, Any], names: Sequence[str] | None = None, *, rival: str = "random"
) -> CourseFigure:
    """Draw the regret at the end of the budget: a dot per run, the median, sorted by it.

    Parameters
    ----------
    board : mapping
        From `nas_course.leaderboard.read`.
    names : sequence of str, optional
        Entries of the board; all of them if left out.
    rival : str
        The entry that the right panel compares with.

    Returns
    -------
    CourseFigure
        Left the runs, with bars for the median and lines between the quartiles; right the
        difference of the medians to the rival, with its 95 % bootstrap interval.
    """
    entries = sorted(_chosen(board, names), key=lambda e: np.median(numbers(e["final"])))
    figure = new_figure(_final_summary(board, entries, rival), (9.0, 1.2 + 0.34 * len(entries)))
    left, right = panels(figure, 1, 2, sharey=True, width_ratios=[3, 2])
    theirs = entry_of(board, rival)["final"]
    for height, entry in enumerate(entries):
        _draw_runs(left, height, entry)
        if entry["name"] != rival:
            _draw_difference(right, height, entry, theirs)
    left.set_yticks(range(len(entries)), [entry["name"] for entry in entries])
    left.set(xlabel="regret in test accuracy (points)", ylim=(len(entries) - 0.5, -0.5))
    left.set_xlim(left=0)
    right.axvline(0, color=style.MUTED, linewidth=0.8)
    right.set(xlabel=f"difference of medians to {rival}\n(points; below 0 is better)")
    for axes in (left, right):
        axes.grid(axis="x")
    right.tick_params(axis="y", length=0)
    return figure


def _chosen(board: Mapping[str, Any], names: Sequence[str] | None) -> list[Mapping[str, Any]]:
    if names is None:
        return list(board["entries"])
    return [entry_of(board, name) for name in names]


def _look(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Colour of the method, dashed where it was tuned."""
    return {
        "color": style.METHOD_COLORS.get(entry["method"], style.INK),
        "linestyle": TUNED_DASHES if entry["tuned"] else "-",
    }


def _draw_curve(
    axes: Axes, grid: np.ndarray, entry: Mapping[str, Any], against: str, *, band: bool
) -> None:
    curves = {
        name: np.array([np.nan if v is None else v for v in values])
        for name, values in entry[f"by_{against}"].items()
    }
    look = _look(entry)
    if band:
        axes.fill_between(
            grid, curves["lower"], curves["upper"], color=look["color"], alpha=0.15, linewidth=0
        )
    axes.plot(grid, curves["median"], linewidth=1.8, **look)


def _label_curves(
    axes: Axes, grid: np.ndarray, entries: Sequence[Mapping[str, Any]], against: str
) -> None:
    """Write each name beside the end of its curve, moved apart, with a thin line to it."""
    ends = []
    for entry in entries:
        medians = entry[f"by_{against}"]["median"]
        known = [(x, v) for x, v in zip(grid.tolist(), medians, strict=True) if v is not None]
        if known:
            ends.append((*known[-1], entry))
    low, high = np.log(axes.get_ylim())
    order = sorted(ends, key=lambda end: end[1])
    places = _spread([(np.log(max(y, 1e-9)) - low) / (high - low) for _, y, _ in order])
    for (x, y, entry), place in zip(order, places, strict=True):
        color = _look(entry)["color"]
        axes.annotate(
            entry["name"], (x, y), (1.03, place), textcoords="axes fraction", color=color,
            size=style.SMALL, va="center", annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.6, "shrinkB": 0,
                        "relpos": (0, 0.5)},
        )  # fmt: skip


def _spread(heights: Sequence[float]) -> np.ndarray:
    """Move ascending heights apart, by least squares, so that labels do not overlap."""
    placed = np.array(heights, dtype=float)
    for _ in range(200):
        gaps = np.diff(placed)
        short = np.clip(LABEL_HEIGHT - gaps, 0, None) / 2
        if not short.any():
            break
        placed[:-1] -= short
        placed[1:] += short
    return placed - max(0.0, placed.max(initial=0.0) - 1.0)


def _draw_runs(axes: Axes, height: int, entry: Mapping[str, Any]) -> None:
    values = numbers(entry["final"])
    shown = values[np.isfinite(values)]
    spread = height + 0.3 * np.sin(2.4 * np.arange(len(shown)))  # beside each other, repeatable
    color = _look(entry)["color"]
    axes.plot(shown, spread, ".", color=color, alpha=0.35, markersize=4, markeredgewidth=0)
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75])
    axes.plot([lower, upper], [height] * 2, color=color, linewidth=1.5)
    axes.plot([median] * 2, [height - 0.36, height + 0.36], color=color, linewidth=2.8)


def _draw_difference(
    axes: Axes, height: int, entry: Mapping[str, Any], theirs: Sequence[float]
) -> None:
    result = difference_of_medians(entry["final"], theirs)
    color = _look(entry)["color"]
    axes.plot([result.low, result.high], [height] * 2, color=color, linewidth=2)
    filled = color if result.verdict != "undecided" else "white"
    axes.plot(result.difference, height, "o", color=color, markerfacecolor=filled, markersize=7)


def _curves_summary(board: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> str:
    parts = [f"{entry['name']} {np.median(numbers(entry['final'])):.2f}" for entry in entries]
    return (
        f"Median regret in test accuracy after {board['evaluations']} evaluations, in points: "
        f"{', '.join(parts)}."
    )


def _final_summary(
    board: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], rival: str
) -> str:
    theirs = entry_of(board, rival)["final"]
    verdicts: dict[str, list[str]] = {"better": [], "worse": [], "undecided": []}
    for entry in entries:
        if entry["name"] != rival:
            verdict = difference_of_medians(entry["final"], theirs).verdict
            verdicts[verdict].append(entry["name"])
    told = "; ".join(f"{key}: {', '.join(value)}" for key, value in verdicts.items() if value)
    return (
        f"Final regret after {board['evaluations']} evaluations. Median of {rival}: "
        f"{np.median(numbers(theirs)):.2f} points. Against it, {told or 'nothing to compare'}."
    )
