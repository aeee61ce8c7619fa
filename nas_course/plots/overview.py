"""A whole search on one page: all cells, entropy, skip share; the widget's still twin.

history = History.load("runs/first")
alpha_overview(history)                          # weights, their way there, entropy, skips
entropy_and_skip(history)                        # the two warning signs alone
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

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
        skip = mixing.share(weights, template["operations"], "skip_connect")
        parts.append(
            f"{cell_name(cell)}: entropy from {entropies[0]:.3f} to {entropies[-1]:.3f}, "
            f"skip share from {skip[0]:.1%} to {skip[-1]:.1%}"
        )
    return "; ".join(parts) + "."


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
        skip = mixing.share(history.weights(cell), operations, "skip_connect")
        axes.plot(epochs, skip, color=color, linestyle=dash, label=f"{cell_name(cell)}")
        axes.axhline(1 / len(operations), color=style.MUTED, linewidth=0.8, linestyle=":")
    axes.set(ylabel="mean weight of skip", title="How much do skip connections hold?")
    axes.yaxis.set_major_formatter(PERCENT)
    epoch_axis(axes)
    axes.grid(axis="y")


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
        over the edges; below, entropy and skip share of all cells.
    """
    cells = history.cells
    figure = new_figure(_overview_summary(history), (9.0, 3.1 * len(cells) + 2.2))
    axes = panels(figure, len(cells) + 1, 2, height_ratios=[3.1] * len(cells) + [2.2])
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
    axes[-1].legend(loc="upper left")
    return figure


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
        f"{', '.join(leaders)}. {_entropy_summary(history)}"
    )
