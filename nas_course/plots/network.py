"""A whole network as a strip of cells.

draw_network(cells=8, channels=16)               # N N R N N R N N
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from nas_course.errors import InvalidInput
from nas_course.models.skeleton import reduction_positions
from nas_course.plots import style
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels


@course_style
def draw_network(cells: int, channels: int) -> CourseFigure:
    """Draw the strip of cells: stem, normal (N) and reduction (R) cells, pooling, classifier.

    Parameters
    ----------
    cells : int
        Number of cells, at least 1.
    channels : int
        Channels of the first cells; each reduction doubles them.

    Returns
    -------
    CourseFigure
        One box per stage with the channels of its nodes below.
    """
    if cells < 1 or channels < 1:
        raise InvalidInput(
            f"draw_network: got {cells} cells with {channels} channels; allowed: 1 or more of each."
        )
    reductions = reduction_positions(cells)
    letters = ["R" if position in reductions else "N" for position in range(cells)]
    widths = [channels * 2 ** letters[: position + 1].count("R") for position in range(cells)]
    summary = (
        f"A network of {cells} cells: stem, {' '.join(letters)}, global average pooling, linear "
        f"classifier. Channels grow from {widths[0]} to {widths[-1]}; each reduction cell (R) "
        "halves the resolution and doubles the channels."
    )
    figure = new_figure(summary, (max(6.0, 0.55 * (cells + 5)), 1.5))
    (axes,) = panels(figure)
    _draw_strip(axes, letters, widths)
    return figure


def _draw_strip(axes: Axes, letters: list[str], widths: list[int]) -> None:
    names = ["image", "stem", *letters, "pool", "linear"]
    below = ["", "", *map(str, widths), "", ""]
    lengths = [1.0 if len(name) == 1 else 1.6 for name in names]
    left = 0.0
    for name, channels, length in zip(names, below, lengths, strict=True):
        face = {"N": "#dbe9f8", "R": "#14285f"}.get(name, "#eeeeee")
        height = 0.62 if name == "R" else 0.9
        frame = FancyBboxPatch(
            (left, -height / 2),
            length - 0.28,
            height,
            boxstyle="round,pad=0.02",
            facecolor=face,
            edgecolor=style.INK,
        )
        axes.add_patch(frame)
        middle = left + (length - 0.28) / 2
        ink = "white" if name == "R" else style.INK
        axes.text(middle, 0, name, ha="center", va="center", color=ink, size=10)
        axes.text(middle, -0.75, channels, ha="center", va="center", size=style.SMALL)
        if left:
            axes.annotate("", (left - 0.02, 0), (left - 0.26, 0), arrowprops={"arrowstyle": "->"})
        left += length
    axes.text(-0.1, -0.75, "channels", size=style.SMALL, va="center")
    axes.set(xlim=(-0.2, left), ylim=(-1.0, 0.6))
    axes.axis("off")
