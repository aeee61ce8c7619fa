"""How the architecture parameters of a cell move: curves, heat map, bars, leaders.

history = History.load("runs/first")
alpha_curves(history, "normal", (0, 2))          # the 8 mixing weights of one edge
alpha_heatmap(history, "normal", epoch=10)       # all 14 edges at once
alpha_overview(history)                          # both cells on one page
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from nas_course import mixing
from nas_course.history import History
from nas_course.plots import style
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels
from nas_course.plots.names import (
    Edge,
    cell_name,
    count_inputs,
    edge_index,
    edge_name,
    leading,
    node_name,
    row_index,
    template_of,
)

HEAT = "Blues"  # light to dark, one hue: order survives every colour deficiency and a copier
PERCENT = FuncFormatter(lambda value, position: f"{100 * value:.3g} %")


@course_style
def alpha_curves(history: History, cell: str, edge: Edge) -> CourseFigure:
    """Draw the mixing weights of one edge over the epochs, one line per operation.

    Parameters
    ----------
    history : History
        Of a search with architecture parameters.
    cell : str
        For example ``"normal"``.
    edge : (source, target)
        Numbers of the nodes, inputs first.

    Returns
    -------
    CourseFigure
        Epochs to the right, mixing weights in percent upwards; dotted: all operations equal.
    """
    number = edge_index(history, cell, edge)
    template = template_of(history, cell)
    operations = template["operations"]
    weights = history.weights(cell)[:, number]
    name = edge_name(edge, count_inputs(template["edges"]))
    figure = new_figure(_curves_summary(weights, operations, cell, edge, template), style.SINGLE)
    (axes,) = panels(figure)
    draw_curves(axes, history.column("epoch"), weights, operations)
    axes.set_title(f"{cell_name(cell)}, edge {name}")
    axes.set_ylabel("mixing weight")
    legend_beside(axes)
    return figure


def _curves_summary(
    weights: np.ndarray, operations: Sequence[str], cell: str, edge: Edge, template: dict
) -> str:
    best = int(weights[-1].argmax())
    source, target = (node_name(node, count_inputs(template["edges"])) for node in edge)
    return (
        f"Mixing weights of the edge from {source} to {target} of the {cell_name(cell)}: "
        f"{style.short_name(operations[best])} ends strongest with {weights[-1, best]:.1%}, "
        f"against {1 / len(operations):.1%} if all {len(operations)} operations were equal."
    )


def draw_curves(
    axes: Axes, epochs: np.ndarray, weights: np.ndarray, operations: Sequence[str]
) -> None:
    """Draw one line per operation into `axes`; `weights` has shape (rows, operations)."""
    every = max(1, len(epochs) // 6)
    for number, operation in enumerate(operations):
        axes.plot(
            epochs, weights[:, number], **style.line(operation), markevery=every, markersize=4.5
        )
    axes.axhline(1 / len(operations), color=style.MUTED, linewidth=0.8, linestyle=":")
    epoch_axis(axes)
    low, high = _scale(weights, len(operations))
    edge = 0.05 * (high - low)
    axes.set_ylim(low - edge, high + edge)
    axes.yaxis.set_major_formatter(PERCENT)
    axes.grid(axis="y")


@course_style
def alpha_heatmap(history: History, cell: str, epoch: float = -1) -> CourseFigure:
    """Draw all mixing weights of a cell: a row per edge, a column per operation.

    Parameters
    ----------
    history : History
        Of a search with architecture parameters.
    cell : str
        For example ``"normal"``.
    epoch : number
        A stored epoch; -1 is the last.

    Returns
    -------
    CourseFigure
        Weights in percent; a frame marks the strongest operation that may be selected.
    """
    template = template_of(history, cell)
    row = row_index(history, epoch)
    weights = history.weights(cell)[row]
    summary = _heat_summary(weights, template, cell, history.rows[row]["epoch"])
    height = 1.5 + 0.27 * len(weights)
    figure = new_figure(summary, (6.4, height))
    (axes,) = panels(figure)
    image = draw_heat(axes, weights, template, leading(history, cell)[row])
    _write_percent(axes, weights)
    axes.set_title(
        f"{cell_name(cell)}, mixing weights in % at epoch {history.rows[row]['epoch']:g}"
    )
    bar = figure.colorbar(image, ax=axes, label="mixing weight", shrink=0.8)
    bar.ax.yaxis.set_major_formatter(PERCENT)
    return figure


def _heat_summary(weights: np.ndarray, template: dict, cell: str, epoch: float) -> str:
    edge, operation = np.unravel_index(weights.argmax(), weights.shape)
    inputs = count_inputs(template["edges"])
    source, target = (node_name(node, inputs) for node in template["edges"][edge])
    name = style.short_name(template["operations"][operation])
    return (
        f"Mixing weights of the {cell_name(cell)} at epoch {epoch:g}, {len(weights)} edges by "
        f"{weights.shape[1]} operations: the largest is {weights.max():.1%} for {name} on the "
        f"edge from {source} to {target}, the smallest {weights.min():.1%}."
    )


def draw_heat(
    axes: Axes, weights: np.ndarray, template: dict[str, Any], best: np.ndarray
) -> AxesImage:
    """Draw a heat map into `axes`, operations `best` framed; returns it for a colour bar."""
    operations, edges = template["operations"], template["edges"]
    low, high = _scale(weights, len(operations))
    image = axes.imshow(weights, cmap=HEAT, aspect="auto", vmin=low, vmax=high)
    axes.set_xticks(range(len(operations)), [style.short_name(name) for name in operations])
    axes.tick_params(axis="x", rotation=35)
    edge_axis(axes, edges)
    for row, column in enumerate(best):
        field = (column - 0.47, row - 0.45)
        axes.add_patch(Rectangle(field, 0.94, 0.9, fill=False, edgecolor=style.INK, linewidth=1.4))
    return image


def _scale(weights: np.ndarray, operations: int) -> tuple[float, float]:
    """Limits that show the spread, but never blow up differences below 10 % of an equal share."""
    equal = 1 / operations
    return min(weights.min(), 0.9 * equal), max(weights.max(), 1.1 * equal)


def _write_percent(axes: Axes, weights: np.ndarray) -> None:
    low, high = _scale(weights, weights.shape[1])
    dark = weights > low + 0.55 * (high - low)
    for (row, column), value in np.ndenumerate(weights):
        color = "white" if dark[row, column] else style.INK
        axes.text(
            column,
            row,
            f"{100 * value:.1f}",
            color=color,
            ha="center",
            va="center",
            size=style.SMALL,
        )


@course_style
def weight_bars(history: History, cell: str, epoch: float = -1) -> CourseFigure:
    """Draw how each edge of a cell divides its weight: one stacked bar per edge.

    Parameters
    ----------
    history, cell, epoch
        As in `alpha_heatmap`.

    Returns
    -------
    CourseFigure
        Bars that add up to 100 %, one colour per operation.
    """
    template = template_of(history, cell)
    row = row_index(history, epoch)
    weights = history.weights(cell)[row]
    at = history.rows[row]["epoch"]
    summary = _heat_summary(weights, template, cell, at)
    figure = new_figure(summary, (6.4, 1.5 + 0.24 * len(weights)))
    (axes,) = panels(figure)
    left = np.zeros(len(weights))
    for number, operation in enumerate(template["operations"]):
        color = style.OPERATION_COLORS[style.known(operation)]
        label = style.short_name(operation)
        axes.barh(
            range(len(weights)),
            weights[:, number],
            left=left,
            color=color,
            label=label,
            edgecolor="white",
        )
        left += weights[:, number]
    edge_axis(axes, template["edges"])
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of the mixture", title=f"{cell_name(cell)}, epoch {at:g}")
    axes.xaxis.set_major_formatter(PERCENT)
    legend_beside(axes)
    return figure


@course_style
def winner_timeline(history: History, cell: str) -> CourseFigure:
    """Draw which operation leads on each edge at each epoch.

    Parameters
    ----------
    history : History
        Of a search with architecture parameters.
    cell : str
        For example ``"normal"``.

    Returns
    -------
    CourseFigure
        A row per edge, a column per stored epoch, the colour of the leading operation.
    """
    template = template_of(history, cell)
    operations, edges = template["operations"], template["edges"]
    best = leading(history, cell)
    settled = mixing.last_change(best)
    summary = (
        f"Leading operation of each edge of the {cell_name(cell)} over the epochs: "
        f"{int((settled == 0).sum())} of {len(edges)} edges never changed their leader, the last "
        f"change came in epoch {history.rows[settled.max()]['epoch']:g}."
    )
    figure = new_figure(summary, (6.4, 1.5 + 0.24 * len(edges)))
    (axes,) = panels(figure)
    _draw_winners(axes, history.column("epoch"), best, operations)
    edge_axis(axes, edges)
    axes.invert_yaxis()
    axes.set_title(f"{cell_name(cell)}: the leading operation")
    legend_beside(axes)
    return figure


def _draw_winners(
    axes: Axes, epochs: np.ndarray, best: np.ndarray, operations: Sequence[str]
) -> None:
    colors = [style.OPERATION_COLORS[style.known(name)] for name in operations]
    borders = np.concatenate([epochs[:1] - 0.5, (epochs[1:] + epochs[:-1]) / 2, epochs[-1:] + 0.5])
    axes.pcolormesh(
        borders,
        np.arange(best.shape[1] + 1) - 0.5,
        best.T,
        cmap=ListedColormap(colors),
        vmin=-0.5,
        vmax=len(operations) - 0.5,
        edgecolor="white",
        linewidth=0.8,
    )
    # the letter of the legend's marker is the second channel beside colour
    for number in np.unique(best):
        column, row = np.nonzero(best == number)
        axes.plot(
            epochs[column],
            row,
            linestyle="",
            marker=style.OPERATION_MARKERS[operations[number]],
            color=colors[number],
            markeredgecolor="white",
            markersize=6,
            label=style.short_name(operations[number]),
        )
    epoch_axis(axes)


def edge_axis(axes: Axes, edges: Sequence[Sequence[int]]) -> None:
    """Label the rows of a picture with the names of the edges."""
    inputs = count_inputs(edges)
    axes.set_yticks(range(len(edges)), [edge_name(edge, inputs) for edge in edges])


def epoch_axis(axes: Axes) -> None:
    """Label the horizontal axis; ticks at whole epochs only."""
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))


def legend_beside(axes: Axes) -> None:
    """Put the legend to the right of the picture, where it hides nothing."""
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), handlelength=3.5, markerscale=1.3)
