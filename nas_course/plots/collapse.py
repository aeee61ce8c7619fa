"""How a gradient search collapses: skips, curvature, loss and accuracy over its epochs.

draw_collapse([course_of(history)])                      # one search, as it was recorded
draw_collapse([row["course"] for row in rows], table)    # several seeds, scored by the table
draw_remedies(rows, table)                               # where each method ends
draw_remedy_courses(rows, table)                         # and how it gets there
draw_gap(rows)                                           # what discretization costs

`rows` and `table` are those of `results/collapse.json` (`benchmarks/collapse.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from nas_course.errors import InvalidInput
from nas_course.history import History
from nas_course.plots import style
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels

Course = Mapping[str, Sequence[Any]]
Rows = Sequence[Mapping[str, Any]]

PERCENT = FuncFormatter(lambda value, position: f"{100 * value:.3g} %")
SHOWN = {  # column -> title, label of its axis
    "skip_share": ("Weight of the skip connections", "mean mixing weight"),
    "eigenvalue": ("Sharpness of the validation loss", "largest eigenvalue"),
    "valid_loss": ("The mixture itself", "validation loss"),
    "test_accuracy": ("The derived cell, trained alone", "test accuracy"),
}
SHARES = ("skip_share", "test_accuracy")
COLOR = style.VALID_COLOR
PLAIN = style.TRAIN_COLOR  # what a remedy is compared with
ACROSS = 5  # panels in a row
MEDIAN = 2  # place of the median in the table's quantiles: 5, 25, 50, 75, 95 %


def course_of(history: History) -> dict[str, list[Any]]:
    """Return the columns of a search, an entry per finished epoch; None where not measured."""
    rows = history.rows[1:]
    return {name: [row.get(name) for row in rows] for name in ("epoch", *SHOWN)}


@course_style
def draw_collapse(
    courses: Sequence[Course], table: Mapping[str, Any] | None = None
) -> CourseFigure:
    """Draw skip share, largest eigenvalue, validation loss and, if known, derived accuracy.

    Parameters
    ----------
    courses : sequence of mapping
        One per seed: a list per column, an entry per epoch, None where nothing was measured.
    table : mapping, optional
        With ``quantiles`` of the accuracies of random cells, drawn behind the accuracy.

    Returns
    -------
    CourseFigure
        A thin line per seed, a thick one for their mean where all are still running; below them
        what the lines are.
    """
    shown = [name for name in SHOWN if any(_measured(course, name).size for course in courses)]
    if not shown:
        raise InvalidInput(
            f"courses: got none with values; each needs one of the columns {', '.join(SHOWN)}."
        )
    rows = 2 if len(shown) == 4 else 1
    columns = len(shown) // rows
    figure = new_figure(_collapse_summary(courses, shown), (8.2, 2.4 * rows + 0.3))
    for name, axis in zip(shown, panels(figure, rows, columns), strict=True):
        if name == "test_accuracy" and table is not None:
            _draw_random_cells(axis, table["quantiles"])
        _draw_seeds(axis, courses, name, COLOR)
        title, label = SHOWN[name]
        axis.set(title=title, ylabel=label)
        _epochs(axis, name)
    handles = _seed_handles(COLOR) if len(courses) > 1 else []
    if "test_accuracy" in shown and table is not None:
        handles += _frame_handles(table["quantiles"])
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


def _seed_handles(color: str) -> list[Artist]:
    """What the lines of `_draw_seeds` are, for a legend."""
    seed = Line2D([], [], color=color, linewidth=0.8, alpha=0.6, marker="o", markersize=3.5)
    seed.set_label("one seed")
    return [seed, Line2D([], [], color=color, linewidth=2.4, label="mean of the seeds")]


def _frame_handles(quantiles: Sequence[float]) -> list[Artist]:
    """What the frame of random cells is, for a legend."""
    band = Patch(color=style.GRID, alpha=0.5, linewidth=0, label="random cells, 5 to 95 %")
    return [band, _median_handle(quantiles[MEDIAN])]


def _median_handle(median: float) -> Line2D:
    label = f"median random cell, {100 * median:.1f} %"
    return Line2D([], [], color=style.MUTED, linewidth=1, linestyle=":", label=label)


def _measured(course: Course, name: str) -> np.ndarray:
    """Return (n, 2): epoch and value, where there is a value."""
    pairs = zip(course["epoch"], course.get(name) or [], strict=False)
    return np.array([pair for pair in pairs if pair[1] is not None], dtype=float).reshape(-1, 2)


def _mean(courses: Sequence[Course], name: str) -> np.ndarray:
    """Return (n, 2): epoch and mean over the seeds, for the epochs that all of them have."""
    found = [_measured(course, name) for course in courses]
    common = sorted(set.intersection(*(set(points[:, 0]) for points in found)))
    values = [[dict(points)[epoch] for epoch in common] for points in found]
    return np.stack([common, np.mean(values, axis=0)], axis=1) if common else np.empty((0, 2))


def _draw_seeds(axes: Axes, courses: Sequence[Course], name: str, color: str) -> None:
    several = len(courses) > 1
    for course in courses:
        points = _measured(course, name)
        axes.plot(*points.T, color=color, linewidth=0.8 if several else 2, alpha=0.6)
        axes.plot(*points[-1:].T, "o", color=color, markersize=3.5)
    if several:
        axes.plot(*_mean(courses, name).T, color=color, linewidth=2.4)


def _draw_random_cells(axes: Axes, quantiles: Sequence[float]) -> None:
    low, _, median, _, high = quantiles
    axes.axhspan(low, high, color=style.GRID, alpha=0.5, linewidth=0)
    axes.axhline(median, color=style.MUTED, linewidth=1, linestyle=":")


def _epochs(axes: Axes, name: str) -> None:
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    if name in SHARES:
        axes.yaxis.set_major_formatter(PERCENT)
    axes.grid(axis="y")


def _collapse_summary(courses: Sequence[Course], shown: Sequence[str]) -> str:
    parts = []
    for name in shown:
        points = [_measured(course, name) for course in courses]
        first, last = (np.mean([values[place, 1] for values in points]) for place in (0, -1))
        shape = "{:.1%}" if name in SHARES else "{:.2f}"
        parts.append(f"{SHOWN[name][1]} from {shape.format(first)} to {shape.format(last)}")
    seeds = f"mean of {len(courses)} seeds" if len(courses) > 1 else "one search"
    return f"First to last epoch, {seeds}: {'; '.join(parts)}."


def methods_of(rows: Rows) -> list[str]:
    """Return the methods in the order in which they appear."""
    return list(dict.fromkeys(row["method"] for row in rows))


@course_style
def draw_remedies(rows: Rows, table: Mapping[str, Any]) -> CourseFigure:
    """Draw the accuracy of the cells that each method derived: a point per seed, a bar: mean.

    The plain method stands on top, the others below it, best mean first.

    Parameters
    ----------
    rows : sequence of mapping
        With ``method``, ``test_accuracy`` and ``seed``; the first method is the plain one.
    table : mapping
        With ``quantiles`` of the accuracies of random cells and ``best``.
    """
    plain, *others = methods_of(rows)
    values = {
        method: np.array([row["test_accuracy"] for row in rows if row["method"] == method])
        for method in (plain, *others)
    }
    methods = [plain, *sorted(others, key=lambda method: -values[method].mean())]
    figure = new_figure(_remedies_summary(values, table), (7.0, 0.3 * len(methods) + 1.1))
    (axes,) = panels(figure)
    low, _, median, _, high = table["quantiles"]
    axes.axvspan(low, high, color=style.GRID, alpha=0.5, linewidth=0)
    axes.axvline(median, color=style.MUTED, linewidth=1, linestyle=":")
    best = axes.axvline(
        table["best"], color=style.INK, linewidth=1, linestyle="--", label="best cell"
    )
    for place, method in enumerate(methods):
        color = PLAIN if place == 0 else COLOR
        axes.plot(values[method], np.full(len(values[method]), place), "o", color=color, alpha=0.65)
        axes.plot([values[method].mean()] * 2, [place - 0.3, place + 0.3], color=color, linewidth=3)
    axes.set_yticks(range(len(methods)), methods)
    axes.set(
        xlabel="test accuracy of the derived cell in the table", ylim=(len(methods) - 0.4, -0.6)
    )
    axes.xaxis.set_major_formatter(PERCENT)
    dot = Line2D([], [], color=COLOR, alpha=0.65, marker="o", linestyle="", label="one seed")
    bar = Line2D([], [], color=COLOR, marker="|", markeredgewidth=3, markersize=9, linestyle="")
    bar.set_label("mean")
    handles = [dot, bar, *_frame_handles(table["quantiles"]), best]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, columnspacing=1.2)
    return figure


def _remedies_summary(values: Mapping[str, np.ndarray], table: Mapping[str, Any]) -> str:
    ordered = sorted(values, key=lambda method: -values[method].mean())
    words = ", ".join(f"{method} {values[method].mean():.1%}" for method in ordered)
    return (
        f"Mean test accuracy of the derived cells, best first: {words}. Median of random cells "
        f"{table['quantiles'][MEDIAN]:.1%}, best cell {table['best']:.1%}."
    )


@course_style
def draw_remedy_courses(
    rows: Rows, table: Mapping[str, Any], column: str = "test_accuracy"
) -> CourseFigure:
    """Draw one column over the epochs, a panel per remedy; in each the plain method's mean.

    Parameters
    ----------
    rows : sequence of mapping
        With ``method`` and ``course``; the first method is the plain one.
    table : mapping
        With ``quantiles`` and ``best``. Of accuracies their median is drawn, and what lies more
        than two points below the lowest quantile is cut off.
    column : str
        "skip_share", "eigenvalue", "valid_loss" or "test_accuracy".
    """
    plain, *remedies = methods_of(rows)
    courses = {m: [r["course"] for r in rows if r["method"] == m] for m in (plain, *remedies)}
    height = -(-len(remedies) // ACROSS)
    figure = new_figure(_courses_summary(courses, column), (8.4, 1.8 * height + 0.6))
    axes = panels(figure, height, ACROSS, sharex=True, sharey=True)
    for place, (method, axis) in enumerate(zip(remedies, axes, strict=False)):
        if column == "test_accuracy":
            low, _, median, _, _ = table["quantiles"]
            axis.axhline(median, color=style.MUTED, linewidth=1, linestyle=":")
            axis.set_ylim(low - 0.02, table["best"])
        axis.plot(*_mean(courses[plain], column).T, color=PLAIN, linewidth=1.4, linestyle="--")
        _draw_seeds(axis, courses[method], column, COLOR)
        axis.set_title(method)
        _epochs(axis, column)
        axis.label_outer()
        if place + ACROSS >= len(remedies):  # nothing stands below it
            axis.tick_params(labelbottom=True)
            axis.set_xlabel("epoch")
    for axis in axes[len(remedies) :]:
        axis.remove()
    figure.supylabel(SHOWN[column][1], size=style.FONT_SIZE)
    behind = Line2D([], [], color=PLAIN, linewidth=1.4, linestyle="--", label=f"mean of {plain}")
    handles = [*_seed_handles(COLOR), behind]
    if column == "test_accuracy":
        handles.append(_median_handle(table["quantiles"][MEDIAN]))
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


def _courses_summary(courses: Mapping[str, Sequence[Course]], column: str) -> str:
    shape = "{:.1%}" if column in SHARES else "{:.2f}"
    ends = {
        method: np.mean([_measured(course, column)[-1, 1] for course in runs])
        for method, runs in courses.items()
    }
    words = ", ".join(f"{method} {shape.format(value)}" for method, value in ends.items())
    plain = next(iter(courses))
    return (
        f"{SHOWN[column][1].capitalize()} over the epochs, thin lines: seeds, thick: their mean up "
        f"to where the first of them stops, dashed: {plain}. At the end: {words}."
    )


@course_style
def draw_gap(rows: Rows) -> CourseFigure:
    """Draw what discretization costs in validation loss against the largest eigenvalue.

    A point per epoch; a line joins those of one search, and its seed stands at the last one.

    Parameters
    ----------
    rows : sequence of mapping
        Whose ``course`` has ``eigenvalue``, ``mixture_loss`` and ``derived_loss``.
    """
    points = np.concatenate([_gaps(row["course"]) for row in rows])
    figure = new_figure(
        f"Discretization raises the validation loss by {points[:, 1].min():.2f} to "
        f"{points[:, 1].max():.2f} in {len(points)} epochs of {len(rows)} searches, whose largest "
        f"eigenvalue lies between {points[:, 0].min():.2f} and {points[:, 0].max():.2f}.",
        (6.0, 3.4),
    )
    (axes,) = panels(figure)
    for number, row in enumerate(rows):
        path = _gaps(row["course"])[:, :2]
        axes.plot(*path.T, color=style.MUTED, linewidth=0.7)
        axes.annotate(
            f"seed {row.get('seed', number)}", path[-1], (0, 6), textcoords="offset points",
            ha="center", size=style.SMALL, color=style.MUTED,
        )  # fmt: skip
    axes.margins(x=0.06)
    drawn = axes.scatter(
        points[:, 0], points[:, 1], c=points[:, 2], cmap="viridis_r", s=22, zorder=2
    )
    figure.colorbar(drawn, ax=axes, label="epoch", ticks=MaxNLocator(integer=True, nbins=6))
    axes.set(xlabel="largest eigenvalue", ylabel="loss of the derived cell − loss of the mixture")
    axes.axhline(0, color=style.MUTED, linewidth=0.8)
    axes.grid(axis="y")
    return figure


def _gaps(course: Course) -> np.ndarray:
    """Return (n, 3): eigenvalue, derived minus mixture loss, epoch."""
    names = ("eigenvalue", "derived_loss", "mixture_loss", "epoch")
    rows = [row for row in zip(*(course[name] for name in names), strict=True) if None not in row]
    values = np.array(rows, dtype=float).reshape(-1, 4)
    return np.stack([values[:, 0], values[:, 1] - values[:, 2], values[:, 3]], axis=1)
