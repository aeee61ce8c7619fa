"""Cells as graphs, after discretisation and while every edge still is a mixture.

    draw_cell(genotype, "normal")                    # the operations that were chosen
    draw_mixed_cell(history, "normal", epoch=10)     # every operation, as wide as its weight

Nodes stand on an ellipse, information flows from left to right. No three of them are in line,
so no edge ever runs through a node that it does not belong to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text

from nas_course.errors import InvalidInput
from nas_course.history import History
from nas_course.plots import style
from nas_course.plots.edges import Chosen, Placed, bends, curve, label_edges
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels
from nas_course.plots.names import (
    cell_name,
    count_inputs,
    leading,
    node_name,
    row_index,
    template_of,
)
from nas_course.spaces import Cell201, EightOperationsCell, ENASGenotype, Genotype

CellArchitecture = Genotype | Cell201 | EightOperationsCell | ENASGenotype

DARTS_PLACES: Placed = {
    0: (0.0, 0.8),
    1: (0.0, -0.8),
    2: (2.2, 1.75),
    3: (2.6, -1.75),
    4: (5.0, 1.75),
    5: (5.4, -1.75),
    6: (7.6, 0.0),
}
# With five nodes: on an ellipse, so that no chord comes near a third one.
FIVE_PLACES: Placed = {
    0: (-0.4, 0.75),
    1: (-0.4, -0.75),
    2: (2.0, 1.9),
    3: (2.6, -1.98),
    4: (4.6, 2.2),
    5: (5.6, -2.15),
    6: (7.6, 1.5),
    7: (9.2, 0.0),
}
CELL201_PLACES: Placed = {0: (0.0, 0.0), 1: (2.6, 1.6), 2: (3.8, -1.6), 3: (6.4, 0.0)}
WIDEST = 13.0  # points, for a weight of 1


def chosen_edges(architecture: CellArchitecture, cell: str) -> Chosen:
    """List (source, target, operation) of the edges that one cell keeps.

    Raises
    ------
    InvalidInput
        If the architecture is of another type, or has no such cell.
    """
    if cell in getattr(architecture, "kinds", ()):
        return architecture.wires(cell)
    raise InvalidInput(
        f"draw_cell: got cell {cell!r} of a {type(architecture).__name__}; allowed: 'normal' or "
        "'reduce' of a Genotype or ENASGenotype, 'cell' of a Cell201 or EightOperationsCell."
    )


def places_of(inputs: int, nodes: int) -> Placed:
    """Return where the nodes of a cell stand, with the output last if there are two inputs.

    Raises
    ------
    InvalidInput
        If the cell has two inputs and more than five nodes.
    """
    if inputs == 1:
        return CELL201_PLACES
    if nodes > 5:
        raise InvalidInput(f"draw_cell: got a cell of {nodes} nodes; allowed: 5 or fewer.")
    places = DARTS_PLACES if nodes <= 4 else FIVE_PLACES
    output = places[max(places)]
    return {node: places[node] for node in range(inputs + nodes)} | {inputs + nodes: output}


@course_style
def draw_cell(architecture: CellArchitecture, cell: str = "normal") -> CourseFigure:
    """Draw a discrete cell: each kept edge with the name of its operation.

    Parameters
    ----------
    architecture : Genotype, ENASGenotype, Cell201 or EightOperationsCell
    cell : str
        ``"normal"`` or ``"reduce"`` for a genotype, ``"cell"`` for the others.

    Returns
    -------
    CourseFigure
        Arrows in the colour and dash of their operation; grey: the output concatenates. Two
        operations between the same nodes are bent apart; dead nodes have no arrow to the output.
    """
    edges = chosen_edges(architecture, cell)
    inputs = edges[0][1]  # the first node; an input that is not read is a node all the same
    nodes = edges[-1][1] + 1 - inputs
    outputs = set(architecture.outputs(cell)) & _carrying(edges, inputs) if inputs == 2 else ()
    figure, axes, places = _canvas(inputs, nodes, outputs, _cell_summary(edges, cell))
    for (source, target, operation), bend in zip(edges, bends(edges), strict=True):
        dashes = style.OPERATION_DASHES[operation]
        linestyle = (0, dashes) if dashes else "-"
        color = style.OPERATION_COLORS[operation]
        ends = (places[source], places[target])
        _arrow(axes, *ends, color=color, lw=2.2, linestyle=linestyle, bend=bend)
    boxes = _draw_nodes(axes, places, inputs)
    axes.set_title(cell_name(cell))
    figure.draw_without_rendering()  # fixes the scale, so that sizes in pixels are final
    label_edges(axes, edges, places, boxes)
    return figure


def _cell_summary(edges: Chosen, cell: str) -> str:
    inputs = edges[0][1]
    nodes = []
    for node in sorted({target for _, target, _ in edges}):
        terms = [
            f"{style.short_name(operation)} of {node_name(source, inputs)}"
            for source, target, operation in edges
            if target == node
        ]
        nodes.append(f"node {node_name(node, inputs)} = {' + '.join(terms)}")
    dead = sorted({target for _, target, _ in edges} - _carrying(edges, inputs))
    names = ", ".join(node_name(node, inputs) for node in dead)
    nodes += [f"nothing reaches {names}"] if dead else []
    return f"Graph of the {cell_name(cell)}: {'; '.join(nodes)}."


def _carrying(edges: Chosen, inputs: int) -> set[int]:
    """Return the nodes that depend on the images; edges are in the order of their targets."""
    found = set(range(inputs))
    for source, target, operation in edges:
        if operation != "none" and source in found:
            found.add(target)
    return found


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
    nodes = max(target for _, target in edges) + 1 - inputs
    outputs = range(inputs, inputs + nodes) if inputs == 2 else ()
    summary = _mixed_summary(leading(history, cell)[row], operations, cell, at)
    figure, axes, places = _canvas(inputs, nodes, outputs, summary)
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


def _canvas(
    inputs: int, nodes: int, outputs: Iterable[int], summary: str
) -> tuple[CourseFigure, Axes, Placed]:
    places = places_of(inputs, nodes)
    figure = new_figure(summary, (9.0, 4.2) if inputs == 2 else (7.5, 3.8))
    (axes,) = panels(figure)
    across, up = zip(*places.values(), strict=True)
    height = max(2.15, max(up) + 0.4)
    axes.set(xlim=(min(across) - 0.6, max(across) + 0.6), ylim=(-height, height), aspect="equal")
    axes.axis("off")
    for node in outputs:
        ends = (places[node], places[max(places)])
        _arrow(axes, *ends, color="#b0b0b0", lw=1.2, linestyle="-")
    return figure, axes, places


def _arrow(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    color: str,
    lw: float,
    linestyle: object,
    bend: float = 0.0,
) -> None:
    arrow = FancyArrowPatch(
        start,
        end,
        connectionstyle=curve(bend),
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
        last = inputs == 2 and node == max(places)
        name = "output" if last else f"${node_name(node, inputs)}$"
        is_input = node < inputs
        face = "#e8e8e8" if is_input or node == max(places) else "white"
        box = {"boxstyle": "round,pad=0.45", "facecolor": face, "edgecolor": style.INK}
        texts.append(axes.text(x, y, name, ha="center", va="center", size=11, bbox=box, zorder=3))
    return texts
