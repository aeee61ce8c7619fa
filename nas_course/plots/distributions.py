"""How a number is spread in several groups: a line for each, from the worst to the best.

draw_spread({"all": accuracies, "without convolutions": some})
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nas_course.errors import InvalidInput
from nas_course.plots import style
from nas_course.plots.alphas import PERCENT
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels

QUANTILES = (0, 0.25, 0.5, 0.75, 1)


@course_style
def draw_spread(
    groups: Mapping[str, np.ndarray], *, label: str = "accuracy", lowest: float | None = None
) -> CourseFigure:
    """Draw each group as a row: thin from minimum to maximum, thick over the middle half.

    Parameters
    ----------
    groups : mapping of name to values (n,)
        From top to bottom; 0 to 1, written as per cent.
    label : str
        What the numbers are.
    lowest : float or None
        Left end of the axis; smaller values are drawn to its edge.

    Raises
    ------
    InvalidInput
        If there is no group, or one is empty.
    """
    empty = [name for name, values in groups.items() if not len(values)]
    if empty or not groups:
        raise InvalidInput(f"groups: got {empty or 'none'} without values; give each 1 or more.")
    figure = new_figure(_summary(groups, label), (8.0, 0.42 * len(groups) + 1.0))
    (axes,) = panels(figure)
    for row, values in enumerate(groups.values()):
        least, low, middle, high, most = np.quantile(values, QUANTILES)
        axes.plot([least, most], [row, row], color=style.MUTED, lw=1.2)
        axes.plot([low, high], [row, row], color=style.VALID_COLOR, lw=9, solid_capstyle="butt")
        axes.plot([middle, middle], [row - 0.3, row + 0.3], color="white", lw=2)
        axes.plot(most, row, marker="|", color=style.INK, markersize=10)
    names = [f"{name} ({len(values):,})" for name, values in groups.items()]
    axes.set_yticks(range(len(groups)), names)
    axes.set(ylim=(len(groups) - 0.5, -0.5), xlabel=f"{label}: all, middle half, median")
    axes.set_xlim(left=lowest)
    axes.xaxis.set_major_formatter(PERCENT)
    axes.grid(axis="x")
    return figure


def _summary(groups: Mapping[str, np.ndarray], label: str) -> str:
    rows = []
    for name, values in groups.items():
        least, _, middle, _, most = np.quantile(values, QUANTILES)
        rows.append(f"{name} {100 * least:.1f} to {100 * most:.1f} %, median {100 * middle:.1f} %")
    return f"Spread of the {label} in {len(groups)} groups: {'; '.join(rows)}."
