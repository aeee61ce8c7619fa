"""A whole search on one page: cells, entropy, skips, curvature; the widget's still twin.

history = History.load("runs/first")
alpha_overview(history)                          # weights, their way there, entropy, skips
entropy_and_skip(history)                        # the two warning signs alone
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from nas_course import mixing
from nas_course.history import History
from nas_course.plots import style
from nas_course.plots.alphas import PERCENT, draw_curves, draw_heat, epoch_axis, legend_beside
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels
from nas_course.plots.names import cell_name, leading


@course_style
def entropy_and_skip(history: History) -> CourseFigure:
    """Draw how decided the search is, and how much weight skip connections hold.

    Parameters
    ----------
    history : History
        Of a search with architecture parameters.

    Returns
    -------
    CourseFigure
        Left: entropy per cell, mean over edges with the range between edges shaded. Right: mean
        weight of `skip_connect`; dotted: its share if all operations were equal.
    """
    figure = new_figure(_entropy_summary(history), style.WIDE)
    left, right = panels(figure, 1, 2)
    _draw_entropy(left, history)
    _draw_skip(right, history)
    left.legend(loc="lower left")
    right.legend(loc="upper left")
    return figure


def _entropy_summary(history: History) -> str:
    parts = []
    for cell, template in history.cells.items():
        weights = history.weights(cell)
        entropies = mixing.entropy(weights).mean(axis=1)
        skip = _skip_share(weights, template["operations"])
        parts.append(
            f"{cell_name(cell)}: entropy from {entropies[0]:.3f} to {entropies[-1]:.3f}, "
            f"skip share from {skip[0]:.1%} to {skip[-1]:.1%}"
        )
    return "; ".join(parts) + "."


def _skip_share(weights: np.ndarray, operations: Sequence[str]) -> np.ndarray:
    """Mean weight of the skip connection, (rows,); 0 in a space that has none."""
    if "skip_connect" not in operations:
        return np.zeros(len(weights))
    return mixing.share(weights, operations, "skip_connect")


EIGENVALUE_DASHES = (0, (1, 2, 6, 2))  # as in the live view
CELL_LINES = {"normal": ("#14285f", "-"), "reduce": ("#d9621e", "--"), "cell": ("#14285f", "-")}


def _draw_entropy(axes: Axes, history: History) -> None:
    epochs = history.column("epoch")
    for cell in history.cells:
        color, dash = CELL_LINES[cell]
        values = mixing.entropy(history.weights(cell))
        axes.plot(
            epochs, values.mean(axis=1), color=color, linestyle=dash, label=f"{cell_name(cell)}"
        )
        axes.fill_between(
            epochs, values.min(axis=1), values.max(axis=1), color=color, alpha=0.15, linewidth=0
        )
    axes.set(ylabel="entropy (1 = undecided)", title="How undecided are the edges?")
    epoch_axis(axes)
    axes.grid(axis="y")


def _draw_skip(axes: Axes, history: History) -> None:
    epochs = history.column("epoch")
    for cell, template in history.cells.items():
        color, dash = CELL_LINES[cell]
        operations = template["operations"]
        skip = _skip_share(history.weights(cell), operations)
        axes.plot(epochs, skip, color=color, linestyle=dash, label=f"{cell_name(cell)}")
        axes.axhline(1 / len(operations), color=style.MUTED, linewidth=0.8, linestyle=":")
    axes.set(ylabel="mean weight of skip", title="How much do skip connections hold?")
    axes.yaxis.set_major_formatter(PERCENT)
    epoch_axis(axes)
    axes.grid(axis="y")


def _eigenvalues(history: History) -> np.ndarray:
    """Return (rows,): the last measured largest eigenvalue; nan before the first."""
    found, last = [], np.nan
    for row in history.rows:
        last = last if row.get("eigenvalue") is None else row["eigenvalue"]
        found.append(last)
    return np.array(found, dtype=float)


def _draw_eigenvalue(axes: Axes, history: History) -> None:
    """Draw the largest eigenvalue as a share of its maximum, on an axis of its own at the right.

    As in the live view: it has another unit than the weights, and between two measurements the
    last one stands. Nothing is drawn where none is above 0.
    """
    values = _eigenvalues(history)
    if not (values > 0).any():
        return
    top = np.nanmax(values)
    right = axes.twinx()
    right.plot(
        history.column("epoch"), values / top, color=style.MUTED, linestyle=EIGENVALUE_DASHES,
        label=f"largest eigenvalue: {values[-1]:.2g} of at most {top:.2g}",
    )  # fmt: skip
    right.set(ylabel="eigenvalue,\nshare of its maximum", ylim=(min(0, np.nanmin(values) / top), 1))
    right.yaxis.set_major_formatter(PERCENT)
    right.spines["right"].set_visible(True)
    right.tick_params(length=3)


@course_style
def alpha_overview(history: History) -> CourseFigure:
    """Draw the whole search on one page, as the still picture of the interactive view.

    Parameters
    ----------
    history : History
        Of a search with architecture parameters.

    Returns
    -------
    CourseFigure
        For each cell the final mixing weights and, beside them, each operation's mean weight
        over the edges; below, entropy and skip share of all cells and, where the search measured
        it, the largest eigenvalue of the Hessian of the validation loss.
    """
    cells = history.cells
    figure = new_figure(_overview_summary(history), (8.4, 2.8 * len(cells) + 2.2))
    axes = panels(figure, len(cells) + 1, 2, height_ratios=[2.8] * len(cells) + [2.1])
    for number, (cell, template) in enumerate(cells.items()):
        heat, curves = axes[2 * number], axes[2 * number + 1]
        weights = history.weights(cell)
        image = draw_heat(heat, weights[-1], template, leading(history, cell)[-1])
        heat.set_title(f"{cell_name(cell)}, epoch {history.rows[-1]['epoch']:g}")
        bar = figure.colorbar(image, ax=heat, label="mixing weight")
        bar.ax.yaxis.set_major_formatter(PERCENT)
        draw_curves(curves, history.column("epoch"), weights.mean(axis=1), template["operations"])
        curves.set(ylabel="mean weight", title=f"{cell_name(cell)}, mean over its edges")
        legend_beside(curves)
    _draw_entropy(axes[-2], history)
    _draw_skip(axes[-1], history)
    _draw_eigenvalue(axes[-1], history)
    lines = [line for part in figure.axes[2 * len(cells) :] for line in part.lines]
    figure.legend(handles=_named_once(lines), loc="outside lower right", ncols=3)
    return figure


def _named_once(lines: Sequence[Line2D]) -> list[Line2D]:
    """Keep a line of each name; names of matplotlib's own begin with an underscore."""
    named = {str(line.get_label()): line for line in reversed(lines)}
    return [line for name, line in reversed(named.items()) if not name.startswith("_")]


def _overview_summary(history: History) -> str:
    header = history.header
    leaders = []
    for cell, template in history.cells.items():
        operations = template["operations"]
        best = leading(history, cell)[-1]
        counts = np.bincount(best, minlength=len(operations))
        top = int(counts.argmax())
        name = style.short_name(operations[top])
        leaders.append(
            f"{name} leads on {counts[top]} of {len(best)} edges of the {cell_name(cell)}"
        )
    return (
        f"{header.get('method')} on {header.get('data')}, epoch {history.rows[-1]['epoch']:g}: "
        f"{', '.join(leaders)}. {_entropy_summary(history)}{_eigenvalue_summary(history)}"
    )


def _eigenvalue_summary(history: History) -> str:
    values = _eigenvalues(history)
    values = values[np.isfinite(values)]
    if not (values > 0).any():
        return ""
    return (
        f" The largest eigenvalue is {values[0]:.2g} at first, {values.max():.2g} at most and "
        f"{values[-1]:.2g} in the end."
    )
