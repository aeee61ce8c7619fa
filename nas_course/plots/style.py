"""Colours, dashes, markers and sizes that mean the same thing in every figure and widget.

    axes.plot(epochs, weights, **line("skip_connect"))

An operation keeps its colour, dash and marker everywhere, so a reader learns them once and a
reader who cannot tell two colours apart still has the dash and the marker. The colours come from
a numerical search: at least 3:1 contrast with the page (WCAG 2.2, 1.4.11), and the operations of
one space apart by at least 0.12 in OKLab as seen with protanopia, deuteranopia and tritanopia
(Machado, Oliveira, Fernandes 2009). `tests/test_plots_style.py` computes both again.
"""

from __future__ import annotations

from typing import Any

from nas_course.errors import one_of

OPERATION_COLORS: dict[str, str] = {
    "none": "#949189",
    "skip_connect": "#ed6719",
    "max_pool_3x3": "#0c2e09",
    "avg_pool_3x3": "#2b726e",
    "sep_conv_3x3": "#2997e2",
    "sep_conv_5x5": "#303397",
    "dil_conv_3x3": "#8724e0",
    "dil_conv_5x5": "#710653",
    "nor_conv_1x1": "#463207",
    "nor_conv_3x3": "#915000",
    "nor_conv_5x5": "#710653",  # as dil_conv_5x5: no space has both
}
# The same hues for widgets on a dark page (#111111, JupyterLab's dark theme).
OPERATION_COLORS_DARK: dict[str, str] = {
    "none": "#9a9399",
    "skip_connect": "#f78b3d",
    "max_pool_3x3": "#1c7a10",
    "avg_pool_3x3": "#c6f2d3",
    "sep_conv_3x3": "#239beb",
    "sep_conv_5x5": "#97c5f7",
    "dil_conv_3x3": "#8742d9",
    "dil_conv_5x5": "#b53587",
    "nor_conv_1x1": "#fed719",
    "nor_conv_3x3": "#767218",
    "nor_conv_5x5": "#b53587",
}
# Lengths of ink and gap in multiples of the line width; empty means solid. The same numbers
# serve matplotlib's `dashes` and a canvas' `setLineDash`.
OPERATION_DASHES: dict[str, tuple[float, ...]] = {
    "none": (1, 2),
    "skip_connect": (),
    "max_pool_3x3": (6, 2),
    "avg_pool_3x3": (3, 2),
    "sep_conv_3x3": (12, 2),
    "sep_conv_5x5": (12, 2, 3, 2),
    "dil_conv_3x3": (5, 2, 1, 2),
    "dil_conv_5x5": (5, 2, 1, 2, 1, 2),
    "nor_conv_1x1": (8, 2, 8, 5),
    "nor_conv_3x3": (8, 3),
    "nor_conv_5x5": (8, 3, 2, 3),
}
OPERATION_MARKERS: dict[str, str] = {
    "none": "x",
    "skip_connect": "o",
    "max_pool_3x3": "^",
    "avg_pool_3x3": "v",
    "sep_conv_3x3": "s",
    "sep_conv_5x5": "D",
    "dil_conv_3x3": "P",
    "dil_conv_5x5": "X",
    "nor_conv_1x1": "<",
    "nor_conv_3x3": ">",
    "nor_conv_5x5": "*",
}
SHORT_NAMES: dict[str, str] = {
    "none": "none",
    "skip_connect": "skip",
    "max_pool_3x3": "max 3×3",
    "avg_pool_3x3": "avg 3×3",
    "sep_conv_3x3": "sep 3×3",
    "sep_conv_5x5": "sep 5×5",
    "dil_conv_3x3": "dil 3×3",
    "dil_conv_5x5": "dil 5×5",
    "nor_conv_1x1": "conv 1×1",
    "nor_conv_3x3": "conv 3×3",
    "nor_conv_5x5": "conv 5×5",
}
# A figure shows one family and its frame (random search; for relatives of DARTS also DARTS), so
# these must be well apart. All gradient methods differ somewhat, all black-box methods too, and by
# marker and dash as well. More methods than that no eye keeps apart by colour.
METHOD_FAMILIES: dict[str, tuple[str, ...]] = {
    "gradient": ("darts-1st", "darts-2nd", "hand-designed"),
    "robust": (
        "pc-darts", "p-darts", "darts-minus", "darts-skip-penalty", "darts-early-stop", "r-darts",
        "sdarts-rs", "sdarts-adv", "darts-pt",
    ),
    "sampled": ("gdas", "snas", "balenas-1st", "balenas-2nd"),
    "implicit": ("idarts", "hyperdarts-1", "hyperdarts-2"),
    "evolution": ("regularized-evolution", "genetic", "local-search", "epsilon-greedy", "nsga2"),
    "reinforcement learning": ("reinforce",),
    "model-based": ("bananas", "tpe", "gp"),
    "multi-fidelity": ("successive-halving", "hyperband", "asha", "bohb"),
}  # fmt: skip
# What stands beside a family in a figure.
METHOD_FRAMES: dict[str, tuple[str, ...]] = {
    name: ("random", "darts-1st") if name in ("robust", "sampled", "implicit") else ("random",)
    for name in METHOD_FAMILIES
}
METHOD_COLORS: dict[str, str] = {
    "random": "#d9621e",
    "hand-designed": "#757575",
    "darts-1st": "#1f78c8",
    "darts-2nd": "#14285f",
    "pc-darts": "#7d1223",
    "p-darts": "#7410b0",
    "darts-minus": "#49021b",
    "darts-skip-penalty": "#153c65",
    "darts-early-stop": "#23064d",
    "r-darts": "#ab2917",
    "sdarts-rs": "#c87e96",
    "sdarts-adv": "#6c0bfb",
    "darts-pt": "#905388",
    "gdas": "#a14551",
    "snas": "#570ed4",
    "balenas-1st": "#820189",
    "balenas-2nd": "#5e0e02",
    "idarts": "#3d6012",
    "hyperdarts-1": "#853886",
    "hyperdarts-2": "#502b46",
    "regularized-evolution": "#864391",
    "genetic": "#c27ab7",
    "local-search": "#510124",
    "epsilon-greedy": "#8a1104",
    "nsga2": "#3803ee",
    "reinforce": "#0d4f5a",
    "bananas": "#3e6658",
    "tpe": "#61179b",
    "gp": "#3694f3",
    "successive-halving": "#ae3e25",
    "hyperband": "#6d162e",
    "asha": "#6d31bd",
    "bohb": "#8855fe",
}
METHOD_MARKERS: dict[str, str] = {
    "random": "^",
    "hand-designed": "D",
    "darts-1st": "o",
    "darts-2nd": "s",
    "pc-darts": "s",
    "p-darts": "v",
    "darts-minus": "P",
    "darts-skip-penalty": "D",
    "darts-early-stop": "X",
    "r-darts": "*",
    "sdarts-rs": "<",
    "sdarts-adv": ">",
    "darts-pt": "p",
    "gdas": "s",
    "snas": "v",
    "balenas-1st": "P",
    "balenas-2nd": "D",
    "idarts": "s",
    "hyperdarts-1": "v",
    "hyperdarts-2": "P",
    "regularized-evolution": "o",
    "genetic": "s",
    "local-search": "v",
    "epsilon-greedy": "P",
    "nsga2": "D",
    "reinforce": "o",
    "bananas": "o",
    "tpe": "s",
    "gp": "v",
    "successive-halving": "o",
    "hyperband": "s",
    "asha": "v",
    "bohb": "P",
}
# By marker, so that the two always say the same.
METHOD_DASHES: dict[str, tuple[float, ...]] = {
    "^": (),
    "o": (),
    "s": (6, 2),
    "v": (3, 2),
    "P": (6, 2, 1, 2),
    "D": (1, 2),
    "X": (12, 2),
    "*": (12, 2, 3, 2),
    "<": (5, 2, 1, 2, 1, 2),
    ">": (8, 2, 8, 5),
    "p": (2, 1),
}

INK = "#1a1a1a"  # text and axes: 17:1 on white
MUTED = "#5f5f5f"  # second-rank text: 6.4:1 on white
GRID = "#e2e2e2"  # decoration only, carries no meaning
TRAIN_COLOR = "#d9621e"
VALID_COLOR = "#14285f"

WIDE = (9.0, 3.6)  # inches: two panels side by side
SINGLE = (6.4, 3.8)
FONT_SIZE = 10.0  # points; nothing in a figure is smaller than SMALL
SMALL = 8.0
DPI = 100


def short_name(operation: str) -> str:
    """Return the name of an operation for a tight place, `"sep 3×3"` for `"sep_conv_3x3"`.

    Raises
    ------
    InvalidInput
        If the operation has no style.
    """
    return SHORT_NAMES[known(operation)]


def known(operation: str) -> str:
    """Return `operation` if it has a style, else raise `InvalidInput` that lists those that do."""
    if operation not in OPERATION_COLORS:
        raise one_of("operation", operation, OPERATION_COLORS)
    return operation


def line(operation: str) -> dict[str, Any]:
    """Return the keywords with which `Axes.plot` draws this operation.

    Raises
    ------
    InvalidInput
        If the operation has no style.
    """
    dashes = OPERATION_DASHES[known(operation)]
    return {
        "color": OPERATION_COLORS[operation],
        "linestyle": (0, dashes) if dashes else "-",
        "marker": OPERATION_MARKERS[operation],
        "label": short_name(operation),
    }


def method_line(method: str) -> dict[str, Any]:
    """Return the keywords with which `Axes.plot` draws this search method.

    What stands in brackets behind a name, as in "reinforce (tuned)", does not change them.

    Raises
    ------
    InvalidInput
        If the method has no style.
    """
    name = method.partition(" (")[0]
    if name not in METHOD_COLORS:
        raise one_of("method", name, METHOD_COLORS)
    marker = METHOD_MARKERS[name]
    dashes = METHOD_DASHES[marker]
    return {
        "color": METHOD_COLORS[name],
        "linestyle": (0, dashes) if dashes else "-",
        "marker": marker,
        "label": method,
    }
