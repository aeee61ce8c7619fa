"""Parts of a space: what all of their cells are worth, and what searches found in them.

draw_parts({"all five": accuracies}, {"DARTS": {"all five": [0.40, 0.41]}}, {"DARTS": {...}})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from nas_course.errors import InvalidInput
from nas_course.plots import style
from nas_course.plots.alphas import PERCENT
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels

CELLS = "#bdbdbd"  # the middle half of them; the marks on it carry the meaning
CHANCE = "random search, same cost"
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
SEED: dict[str, Any] = {"ms": 6, "alpha": 0.75, "markeredgewidth": 0}
# Colour, marker and place in the row of each search.
SEARCHES = ((style.VALID_COLOR, "o", -0.2), (style.TRAIN_COLOR, "X", 0.2))


@course_style
def draw_parts(
    accuracies: Mapping[str, np.ndarray],
    derived: Mapping[str, Mapping[str, Sequence[float]]],
    by_chance: Mapping[str, Mapping[str, float]],
    lowest: float = 0.28,
) -> CourseFigure:
    """Draw, a row for each part of a space, all of its cells and those that searches found.

    Parameters
    ----------
    accuracies : mapping of part to array (cells,)
        Accuracy of every cell of the part, 0 to 1.
    derived : mapping of search to mapping of part to sequence of float
        Accuracies of the cells that a search found there, one a seed; two searches at most.
    by_chance : mapping of search to mapping of part to float
        What random search finds there at the cost of that search, on average.
    lowest : float
        Where the axis begins; bands go on to the left of it.

    Returns
    -------
    CourseFigure
        Grey: 5 to 95 % and, darker, the middle half of the cells, a line at the median and a
        diamond at the best; filled marks are seeds, at the left edge with a "<" where they are
        lower, hollow triangles random search.

    Raises
    ------
    InvalidInput
        For more than two searches.
    """
    if len(derived) > len(SEARCHES):
        raise InvalidInput(f"derived: got {len(derived)} searches; allowed: at most 2.")
    figure = new_figure(_summary(accuracies, derived), (7.0, 0.42 * len(accuracies) + 1.2))
    (axes,) = panels(figure)
    for row, (part, values) in enumerate(accuracies.items()):
        _draw_cells(axes, row, values)
        for (name, found), (color, marker, beside) in zip(derived.items(), SEARCHES, strict=False):
            for accuracy in found[part]:
                mark, place = (marker, accuracy) if accuracy >= lowest else ("<", lowest)
                axes.plot(place, row + beside, mark, color=color, clip_on=False, **SEED)
            axes.plot(by_chance[name][part], row + beside, "^", color=color, mfc="white", ms=6)
    labels = [f"{part}\n{len(values):,} cells" for part, values in accuracies.items()]
    axes.set_yticks(range(len(labels)), labels)
    best = max(float(np.max(values)) for values in accuracies.values())
    axes.set(ylim=(len(labels) - 0.5, -0.5), xlim=(lowest, best + 0.005))
    axes.set_xlabel(f"test accuracy in the table (◂ below {100 * lowest:g} %)")
    axes.xaxis.set_major_formatter(PERCENT)
    figure.legend(handles=_handles(list(derived)), loc="outside lower center", ncols=3)
    return figure


def _draw_cells(axes: Axes, row: int, values: np.ndarray) -> None:
    lowest, low, median, high, highest = np.quantile(values, QUANTILES)
    axes.barh(row, highest - lowest, left=lowest, height=0.8, color=style.GRID, linewidth=0)
    axes.barh(row, high - low, left=low, height=0.8, color=CELLS, linewidth=0)
    axes.plot([median, median], [row - 0.4, row + 0.4], color=style.INK, linewidth=1.6)
    axes.plot(np.max(values), row, "D", color=style.INK, ms=5)


def _handles(searches: Sequence[str]) -> list[Artist]:
    seeds = [
        Line2D([], [], color=color, marker=marker, ls="", alpha=0.75, label=name)
        for name, (color, marker, _) in zip(searches, SEARCHES, strict=False)
    ]
    return [
        Patch(color=CELLS, linewidth=0, label="cells: middle half (pale: 5 to 95 %)"),
        Line2D([], [], color=style.INK, marker="|", ls="", ms=10, mew=1.6, label="median cell"),
        Line2D([], [], color=style.INK, marker="D", ls="", ms=5, label="best cell"),
        *seeds,
        Line2D([], [], color=style.MUTED, marker="^", mfc="white", ls="", label=CHANCE),
    ]


def _summary(
    accuracies: Mapping[str, np.ndarray], derived: Mapping[str, Mapping[str, Sequence[float]]]
) -> str:
    parts = []
    for part, values in accuracies.items():
        means = " / ".join(f"{100 * np.mean(found[part]):.1f}" for found in derived.values())
        parts.append(f"{part} {100 * np.median(values):.1f}, {100 * np.max(values):.1f}, {means}")
    what = f"median and best cell, mean of {' / '.join(derived)}"
    return f"Test accuracy in %, by part: {what}: {'; '.join(parts)}."
