"""What a mutation changed: marked on the drawn architecture, and in words.

draw_change(before, after, "cell")              # draw_cell(after, "cell"), new edges on a band
change_words(before, after)                     # "node 3: none of 0 became conv 3×3 of 0"
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from matplotlib.patches import Rectangle

from nas_course.errors import InvalidInput
from nas_course.plots import style
from nas_course.plots.cells import chosen_edges, draw_cell, places_of
from nas_course.plots.chains import BOX, BREAK, GAP, draw_chain
from nas_course.plots.edges import Chosen, bends, points_on
from nas_course.plots.figure import CourseFigure, course_style
from nas_course.plots.names import node_name
from nas_course.spaces import Chain

BAND = "#ffd84d"  # behind an edge; the words say the same, so no reader depends on it


def new_edges(before: Any, after: Any, cell: str) -> Chosen:
    """List the edges (source, target, operation) of `after` that `before` does not have."""
    added = Counter(chosen_edges(after, cell)) - Counter(chosen_edges(before, cell))
    return [edge for edge in chosen_edges(after, cell) if edge in added]


@course_style
def draw_change(before: Any, after: Any, cell: str = "normal") -> CourseFigure:
    """Draw an architecture with what it has and an earlier one has not on a yellow band.

    Parameters
    ----------
    before, after : two cell architectures, or two chains
        Of one space.
    cell : str
        Which cell to draw, as in `draw_cell`; not used for chains.

    Returns
    -------
    CourseFigure
        Its summary ends with what changed, in all cells.

    Raises
    ------
    InvalidInput
        If the two are not of one type.
    """
    if type(before) is not type(after):
        raise InvalidInput(
            f"draw_change: got a {type(before).__name__} and a {type(after).__name__}; "
            "allowed: two architectures of one space."
        )
    if isinstance(after, Chain):
        figure = _marked_chain(before, after)
    else:
        figure = _marked_cell(before, after, cell)
    figure.summary += f" Changed: {change_words(before, after)}."
    return figure


def _marked_cell(before: Any, after: Any, cell: str) -> CourseFigure:
    figure = draw_cell(after, cell)
    (axes,) = figure.axes
    edges = chosen_edges(after, cell)
    inputs = edges[0][1]
    places = places_of(inputs, edges[-1][1] + 1 - inputs)
    new = new_edges(before, after, cell)
    for edge, bend in zip(edges, bends(edges), strict=True):
        if edge in new:
            ends = np.array(places[edge[0]]), np.array(places[edge[1]])
            line = points_on(*ends, bend, np.linspace(0.06, 0.94, 40))
            axes.plot(*line.T, color=BAND, lw=14, solid_capstyle="round", zorder=0.5)
    return figure


def _marked_chain(before: Chain, after: Chain) -> CourseFigure:
    figure = draw_chain(after)
    (axes,) = figure.axes
    left = 0.0
    for number, stage in enumerate(after.stages):
        if number:
            if after.halvings[number - 1] != before.halvings[number - 1]:
                _band(axes, left - GAP + 0.15, BREAK - 0.3)
            left += BREAK
        for place, layer in enumerate(stage):
            if layer not in before.stages[number][place : place + 1]:
                _band(axes, left - 0.12, BOX + 0.24)
            left += BOX + GAP
    return figure


def _band(axes: Any, left: float, width: float) -> None:
    axes.add_patch(Rectangle((left, -0.95), width, 2.0, color=BAND, zorder=0))


def change_words(before: Any, after: Any) -> str:
    """Say what became what; "nothing" if the two are equal."""
    if isinstance(after, Chain):
        changes = _chain_changes(before, after)
    else:
        changes = [words for kind in after.kinds for words in _cell_changes(before, after, kind)]
    return "; ".join(changes) or "nothing"


def _cell_changes(before: Any, after: Any, kind: str) -> list[str]:
    old, new = Counter(chosen_edges(before, kind)), Counter(chosen_edges(after, kind))
    inputs = chosen_edges(after, kind)[0][1]
    where = "" if kind == "cell" else f"{kind} cell, "
    gone, come = list((old - new).elements()), list((new - old).elements())
    return [
        f"{where}node {node_name(target, inputs)}: {_term(left, inputs)} became "
        f"{_term(entered, inputs)}"
        for target in sorted({edge[1] for edge in come})
        for left, entered in zip(
            [edge for edge in gone if edge[1] == target],
            [edge for edge in come if edge[1] == target],
            strict=True,
        )
    ]


def _term(edge: tuple[int, int, str], inputs: int) -> str:
    source, _, operation = edge
    return f"{style.short_name(operation)} of {node_name(source, inputs)}"


def _chain_changes(before: Chain, after: Chain) -> list[str]:
    found = [
        f"halving {number}: {old} became {new}"
        for number, (old, new) in enumerate(zip(before.halvings, after.halvings, strict=True), 1)
        if old != new
    ]
    for number, (old, new) in enumerate(zip(before.stages, after.stages, strict=True), 1):
        for place in range(max(len(old), len(new))):
            left, entered = (str(*stage[place : place + 1]) or "no layer" for stage in (old, new))
            if left != entered:
                found.append(f"stage {number}, layer {place + 1}: {left} became {entered}")
    return found
