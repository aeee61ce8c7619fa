"""A chain as a strip of boxes: one for each layer, as tall as the layer is wide.

draw_chain(ChainSpace().sample(np.random.default_rng(0)))
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Rectangle

from nas_course.errors import InvalidInput
from nas_course.plots import style
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels
from nas_course.spaces import Chain, Layer

HALVING_NAMES = {"stride": "stride 2", "max_pool": "max 2×2", "avg_pool": "avg 2×2"}
BOX, GAP, BREAK = 0.62, 0.38, 0.9  # width of a layer, distance of two, room for a halving


@course_style
def draw_chain(chain: Chain) -> CourseFigure:
    """Draw the layers of a chain from left to right.

    Parameters
    ----------
    chain : Chain
        A value of a chain space.

    Returns
    -------
    CourseFigure
        A box for each layer: colour = operation, height and number = width in multiples of the
        network's channels, arc above = skipped around. Dashed lines: the resolution is halved.

    Raises
    ------
    InvalidInput
        If the architecture is not a chain.
    """
    if not isinstance(chain, Chain):
        raise InvalidInput(
            f"draw_chain: got a {type(chain).__name__}; allowed: a Chain. Cells: draw_cell."
        )
    widest = max(layer.width for stage in chain.stages for layer in stage)
    count = sum(map(len, chain.stages))
    length = count * (BOX + GAP) + BREAK * len(chain.halvings)
    figure = new_figure(_summary(chain), (min(12.0, max(6.0, 0.8 * length + 1.5)), 3.4))
    (axes,) = panels(figure)
    left = 0.0
    for number, stage in enumerate(chain.stages):
        if number:
            _halving(axes, left, chain.halvings[number - 1])
            left += BREAK
        for layer in stage:
            _layer(axes, left, layer, widest)
            left += BOX + GAP
    axes.set(xlim=(-GAP, left), ylim=(-0.95, 1.15), title="chain: image → layers → classifier")
    axes.axis("off")
    _legend(axes, chain)
    return figure


def _layer(axes: Axes, left: float, layer: Layer, widest: int) -> None:
    height = 0.25 + 1.15 * layer.width / widest
    color = style.OPERATION_COLORS[layer.operation]
    axes.add_patch(Rectangle((left, -height / 2), BOX, height, color=color))
    middle = left + BOX / 2
    axes.text(middle, 0, f"×{layer.width}", ha="center", va="center", color="white", weight="bold")
    _arrow(axes, (left - GAP, 0), (left, 0), style.MUTED)
    if layer.skip:
        before, after, top = left - 0.5 * GAP, left + BOX + 0.4 * GAP, height / 2 + 0.12
        color = style.OPERATION_COLORS["skip_connect"]
        axes.plot([before, before, after, after], [0, top, top, 0.1], color=color, lw=2.0)
        _arrow(axes, (after, 0.2), (after, 0.0), color)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], color: str) -> None:
    arrow = FancyArrowPatch(
        start, end, arrowstyle="-|>", mutation_scale=9, color=color, lw=1.2, shrinkA=0, shrinkB=0
    )
    axes.add_patch(arrow)


def _halving(axes: Axes, left: float, way: str) -> None:
    middle = left - GAP + BREAK / 2
    axes.plot([left - GAP, left + BREAK - GAP], [0, 0], color=style.MUTED, lw=1.2, zorder=0)
    axes.plot([middle, middle], [-0.72, 0.8], color=style.MUTED, lw=1.2, linestyle=(0, (4, 3)))
    axes.text(middle, -0.85, HALVING_NAMES[way], ha="center", va="center", size=9)


def _legend(axes: Axes, chain: Chain) -> None:
    used = {layer.operation for stage in chain.stages for layer in stage}
    names = [name for name in style.OPERATION_COLORS if name in used]
    marks = [Line2D([], [], color=style.OPERATION_COLORS[name], linewidth=7) for name in names]
    labels = [style.short_name(name) for name in names]
    if any(layer.skip for stage in chain.stages for layer in stage):
        marks.append(Line2D([], [], color=style.OPERATION_COLORS["skip_connect"], linewidth=2))
        labels.append("skipped around")
    axes.legend(marks, labels, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _summary(chain: Chain) -> str:
    stages = [", ".join(map(_layer_name, stage)) for stage in chain.stages]
    parts = [f"{stages[0]}"]
    for way, text in zip(chain.halvings, stages[1:], strict=True):
        parts.append(f"halved by {HALVING_NAMES[way]}; {text}")
    return f"A chain of {sum(map(len, chain.stages))} layers: {'; '.join(parts)}."


def _layer_name(layer: Layer) -> str:
    skipped = " with shortcut" if layer.skip else ""
    return f"{style.short_name(layer.operation)} of width {layer.width}{skipped}"
