"""Edges of a drawn graph: bent apart where two join the same nodes, and their labels."""

from __future__ import annotations

from collections import Counter

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from nas_course.plots import style

Placed = dict[int, tuple[float, float]]
Chosen = list[tuple[int, int, str]]

BEND = 0.16  # height of an arc in parts of its chord, doubled
# Where along an edge a label may stand, best first: the middle, then ever nearer to the ends.
LABEL_PARTS = (0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7, 0.26, 0.74)
AIR = 7  # pixels around a text: its frame and a little distance


def bends(edges: Chosen) -> list[float]:
    """Return how far each edge is bent: 0, or to either side where two join the same nodes."""
    many, seen = Counter(edge[:2] for edge in edges), Counter[tuple[int, int]]()
    found = []
    for edge in edges:
        found.append(0.0 if many[edge[:2]] == 1 else BEND * (-1) ** seen[edge[:2]])
        seen[edge[:2]] += 1
    return found


def curve(bend: float) -> str:
    """Return the connection style with which matplotlib draws a bent edge."""
    return f"arc3,rad={bend}"


def points_on(start: np.ndarray, end: np.ndarray, bend: float, parts: np.ndarray) -> np.ndarray:
    """Return points on an edge at these parts of its way, shape (parts, 2).

    The quadratic Bezier curve of matplotlib's `arc3`: its control point stands beside the middle
    by `bend` times the chord, turned to the right.
    """
    along = end - start
    control = (start + end) / 2 + bend * np.array([along[1], -along[0]])
    t = np.asarray(parts)[:, None]
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end


def label_edges(axes: Axes, edges: Chosen, places: Placed, nodes: list[Text]) -> None:
    """Write each operation's name on its edge, at the spot that covers least of the rest."""
    taken = [text.get_window_extent().padded(AIR) for text in nodes]
    lines = [
        points_on(np.array(places[source]), np.array(places[target]), bend, np.linspace(0, 1, 60))
        for (source, target, _), bend in zip(edges, bends(edges), strict=True)
    ]
    pixels = [axes.transData.transform(line) for line in lines]
    for number, (source, target, operation) in enumerate(edges):
        others = np.concatenate(
            [line for row, line in enumerate(pixels) if row != number] or [np.empty((0, 2))]
        )
        label = _label(axes, operation)
        ends = np.array(places[source]), np.array(places[target])
        spots = points_on(*ends, bends(edges)[number], np.array(LABEL_PARTS))
        label.set_position(min(spots, key=lambda spot: _covered(label, spot, taken, others)))
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


def _covered(label: Text, spot: np.ndarray, taken: list[Bbox], lines: np.ndarray) -> float:
    """Measure how bad a spot is: pixels of other texts covered, then points of other edges."""
    label.set_position(tuple(spot))
    box = label.get_window_extent().padded(AIR)
    shared = [Bbox.intersection(box, other) for other in taken]
    texts = sum(area.width * area.height for area in shared if area is not None)
    inside = (lines > (box.x0, box.y0)) & (lines < (box.x1, box.y1))
    return 1e3 * texts + inside.all(axis=1).sum()
