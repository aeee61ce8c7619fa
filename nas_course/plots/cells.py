"""Cells as graphs, after discretisation and while every edge still is a mixture.

    draw_cell(genotype, "normal")                    # the operations that were chosen
    draw_mixed_cell(history, "normal", epoch=10)     # every operation, as wide as its weight

Nodes stand on an ellipse, information flows from left to right. No three of them are in line,
so no edge ever runs through a node that it does not belong to.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from nas_course.errors import InvalidInput
from nas_course.history import History
from nas_course.plots import style
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels
from nas_course.plots.names import (
    cell_name,
    count_inputs,
    leading,
    node_name,
    row_index,
    template_of,
)
from nas_course.spaces import Cell201, DARTSSpace, Genotype, NASBench201Space

Placed = dict[int, tuple[float, float]]
Chosen = list[tuple[int, int, str]]

DARTS_PLACES: Placed = {
    0: (0.0, 0.8),
    1: (0.0, -0.8),
    2: (2.2, 1.75),
    3: (2.6, -1.75),
    4: (5.0, 1.75),
    5: (5.4, -1.75),
    6: (7.6, 0.0),
}
CELL201_PLACES: Placed = {0: (0.0, 0.0), 1: (2.6, 1.6), 2: (3.8, -1.6), 3: (6.4, 0.0)}
OUTPUT = 6  # the concatenation of a DARTS cell's nodes
WIDEST = 13.0  # points, for a weight of 1


def chosen_edges(architecture: Genotype | Cell201, cell: str) -> Chosen:
    """List (source, target, operation) of the edges that one cell keeps.

    Raises
    ------
    InvalidInput
        If the architecture is of another type, or has no such cell.
    """
    if isinstance(architecture, Genotype) and cell in DARTSSpace.cells:
        nodes = enumerate(getattr(architecture, cell), start=2)
        return [(source, node, name) for node, pair in nodes for name, source in pair]
    if isinstance(architecture, Cell201) and cell in NASBench201Space.cells:
        edges = NASBench201Space.cells[cell].edges
        return [(*edge, name) for edge, name in zip(edges, architecture.operations, strict=True)]
    raise InvalidInput(
        f"draw_cell: got cell {cell!r} of a {type(architecture).__name__}; allowed: 'normal' or "
        "'reduce' of a Genotype, 'cell' of a Cell201."
    )


@course_style
def draw_cell(architecture: Genotype | Cell201, cell: str = "normal") -> CourseFigure:
    """Draw a discrete cell: each kept edge with the name of its operation.

    Parameters
    ----------
    architecture : Genotype or Cell201
        A value of the DARTS space or of the NAS-Bench-201 space.
    cell : str
        ``"normal"`` or ``"reduce"`` for a genotype, ``"cell"`` for a NAS-Bench-201 cell.

    Returns
    -------
    CourseFigure
        Arrows in the colour and dash of their operation; grey: the output concatenates.
    """
    edges = chosen_edges(architecture, cell)
    inputs = count_inputs([edge[:2] for edge in edges])
    figure, axes, places = _canvas(inputs, _cell_summary(edges, cell))
    for source, target, operation in edges:
        dashes = style.OPERATION_DASHES[operation]
        linestyle = (0, dashes) if dashes else "-"
        color = style.OPERATION_COLORS[operation]
        _arrow(axes, places[source], places[target], color=color, lw=2.2, linestyle=linestyle)
    boxes = _draw_nodes(axes, places, inputs)
    axes.set_title(cell_name(cell))
    figure.draw_without_rendering()  # fixes the scale, so that sizes in pixels are final
    _label_edges(axes, edges, places, boxes)
    return figure


def _cell_summary(edges: Chosen, cell: str) -> str:
    inputs = count_inputs([edge[:2] for edge in edges])
    nodes = []
    for node in sorted({target for _, target, _ in edges}):
        terms = [
            f"{style.short_name(operation)} of {node_name(source, inputs)}"
            for source, target, operation in edges
            if target == node
        ]
        nodes.append(f"node {node_name(node, inputs)} = {' + '.join(terms)}")
    return f"Graph of the {cell_name(cell)}: {'; '.join(nodes)}."


@course_style
def draw_mixed_cell(history: History, cell: str, epoch: float = -1) -> CourseFigure:
    """Draw a relaxed cell: every edge as a bundle of its operations, as wide as their weights.

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
        All edges of the cell; a strand's width is its mixing weight, the legend names colours.
    """
    template = template_of(history, cell)
    row = row_index(history, epoch)
    weights = history.weights(cell)[row]
    edges, operations = template["edges"], template["operations"]
    at = history.rows[row]["epoch"]
    inputs = count_inputs(edges)
    figure, axes, places = _canvas(
        inputs, _mixed_summary(leading(history, cell)[row], operations, cell, at)
    )
    axes.set_title(f"{cell_name(cell)} at epoch {at:g}: width = mixing weight")
    _color_legend(axes, operations)
    figure.draw_without_rendering()  # the legend takes room, which fixes the scale
    for (source, target), mixture in zip(edges, weights, strict=True):
        _strands(axes, places[source], places[target], mixture, operations)
    _draw_nodes(axes, places, inputs)
    return figure


def _color_legend(axes: Axes, operations: Sequence[str]) -> None:
    colors = [style.OPERATION_COLORS[style.known(name)] for name in operations]
    swatches = [Line2D([], [], color=color, linewidth=5) for color in colors]
    names = [style.short_name(name) for name in operations]
    axes.legend(swatches, names, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _mixed_summary(best: np.ndarray, operations: Sequence[str], cell: str, epoch: float) -> str:
    counts = np.bincount(best, minlength=len(operations))
    leaders = [
        f"{style.short_name(operations[number])} on {counts[number]}"
        for number in np.argsort(-counts, kind="stable")
        if counts[number]
    ]
    return (
        f"Graph of the mixed {cell_name(cell)} at epoch {epoch:g}: each of the {len(best)} "
        f"edges is a bundle of {len(operations)} operations; leading: {', '.join(leaders)}."
    )


def _strands(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    mixture: np.ndarray,
    operations: Sequence[str],
) -> None:
    """Draw one line per operation, side by side, centred on the straight edge."""
    from_point, to_point = np.array(start), np.array(end)
    along = to_point - from_point
    across = np.array([-along[1], along[0]]) / np.linalg.norm(along)
    pixels_per_unit = axes.transData.transform((1, 0)) - axes.transData.transform((0, 0))
    points_per_unit = pixels_per_unit[0] * 72 / style.DPI
    widths = WIDEST * mixture
    centres = np.cumsum(widths) - widths / 2 - widths.sum() / 2
    for operation, width, centre in zip(operations, widths, centres, strict=True):
        shift = across * centre / points_per_unit
        ends = np.stack([from_point + shift, to_point + shift])
        color = style.OPERATION_COLORS[style.known(operation)]
        axes.plot(*ends.T, color=color, lw=width, solid_capstyle="butt", zorder=1)


def _canvas(inputs: int, summary: str) -> tuple[CourseFigure, Axes, Placed]:
    places = DARTS_PLACES if inputs == 2 else CELL201_PLACES
    figure = new_figure(summary, (9.0, 4.2) if inputs == 2 else (7.5, 3.8))
    (axes,) = panels(figure)
    across = [x for x, _ in places.values()]
    axes.set(xlim=(min(across) - 0.6, max(across) + 0.6), ylim=(-2.15, 2.15), aspect="equal")
    axes.axis("off")
    if inputs == 2:
        for node in range(2, OUTPUT):
            _arrow(axes, places[node], places[OUTPUT], color="#b0b0b0", lw=1.2, linestyle="-")
    return figure, axes, places


def _arrow(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    color: str,
    lw: float,
    linestyle: object,
) -> None:
    arrow = FancyArrowPatch(
        start,
        end,
        arrowstyle="-|>",
        mutation_scale=13,
        color=color,
        lw=lw,
        linestyle=linestyle,
        shrinkA=14,
        shrinkB=16,
        zorder=1,
    )
    axes.add_patch(arrow)


def _draw_nodes(axes: Axes, places: Placed, inputs: int) -> list[Text]:
    texts = []
    for node, (x, y) in places.items():
        last = inputs == 2 and node == OUTPUT
        name = "output" if last else f"${node_name(node, inputs)}$"
        is_input = node < inputs
        face = "#e8e8e8" if is_input or node == max(places) else "white"
        box = {"boxstyle": "round,pad=0.45", "facecolor": face, "edgecolor": style.INK}
        texts.append(axes.text(x, y, name, ha="center", va="center", size=11, bbox=box, zorder=3))
    return texts


# Where along an edge a label may stand, best first: the middle, then ever nearer to the ends.
LABEL_PARTS = (0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7, 0.26, 0.74)
AIR = 7  # pixels around a text: its frame and a little distance


def _label_edges(axes: Axes, edges: Chosen, places: Placed, nodes: list[Text]) -> None:
    """Write each operation's name on its edge, at the spot that covers least of the rest."""
    taken = [text.get_window_extent().padded(AIR) for text in nodes]
    for source, target, operation in edges:
        start, end = np.array(places[source]), np.array(places[target])
        others = [edge for edge in edges if edge[:2] != (source, target)]
        lines = _pixels_on(axes, others, places)
        label = _label(axes, operation)
        spots = [tuple(start + part * (end - start)) for part in LABEL_PARTS]
        label.set_position(min(spots, key=lambda spot: _covered(label, spot, taken, lines)))
        taken.append(label.get_window_extent().padded(AIR))


def _label(axes: Axes, operation: str) -> Text:
    frame = {
        "boxstyle": "round,pad=0.2",
        "facecolor": "white",
        "edgecolor": style.OPERATION_COLORS[operation],
        "linewidth": 1.2,
    }
    name = style.short_name(operation)
    return axes.text(0, 0, name, ha="center", va="center", size=9, bbox=frame, zorder=2)


def _pixels_on(axes: Axes, edges: Chosen, places: Placed) -> np.ndarray:
    """Return 60 points on each edge in pixels, shape (60 * edges, 2)."""
    parts = np.linspace(0, 1, 60)[:, None]
    points = [(1 - parts) * places[source] + parts * places[target] for source, target, _ in edges]
    return axes.transData.transform(np.concatenate(points))


def _covered(label: Text, spot: tuple[float, float], taken: list[Bbox], lines: np.ndarray) -> float:
    """Measure how bad a spot is: pixels of other texts covered, then points of other edges."""
    label.set_position(spot)
    box = label.get_window_extent().padded(AIR)
    shared = [Bbox.intersection(box, other) for other in taken]
    texts = sum(area.width * area.height for area in shared if area is not None)
    inside = (lines > (box.x0, box.y0)) & (lines < (box.x1, box.y1))
    return 1e3 * texts + inside.all(axis=1).sum()
