"""A figure that shows itself in a notebook together with its own description.

    @course_style
    def accuracy(values):
        figure = new_figure("Accuracy rises from 12 % to 91 %.", style.SINGLE)
        (axes,) = panels(figure)
        axes.plot(values)
        return figure

Made without pyplot, so a figure never appears twice. Several threads may draw. The summary is the
alternative text of the picture, its form on a terminal, and a caption: JupyterLab gives pictures
no alternative text, but a screen reader finds the caption.
"""

from __future__ import annotations

import contextlib
import io
import re
import threading
from collections.abc import Iterator
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from nas_course.plots import style

RC: Any = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same picture on every machine
    "font.size": style.FONT_SIZE,
    "axes.titlesize": style.FONT_SIZE,
    "axes.labelsize": style.FONT_SIZE,
    "xtick.labelsize": style.SMALL,
    "ytick.labelsize": style.SMALL,
    "legend.fontsize": style.SMALL,
    "text.color": style.INK,
    "axes.edgecolor": style.MUTED,
    "axes.labelcolor": style.INK,
    "xtick.color": style.INK,
    "ytick.color": style.INK,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "grid.color": style.GRID,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "mathtext.fontset": "dejavusans",
}

# matplotlib's settings are one dictionary for the whole process, and JupyterLab moves sliders in a
# thread of its own while a cell draws in another: so figures are drawn one after the other.
# (A reader's own figure, begun at the same moment in another thread, would take this style too.)
_DRAWING = threading.RLock()


@contextlib.contextmanager
def _styled() -> Iterator[None]:
    with _DRAWING, matplotlib.rc_context(RC):
        yield


# Decorator: within it, every text and axis gets the course's style, whatever the reader has set.
course_style = _styled()
COLORS = 128  # in a PNG; more would only refine the edges of letters


class CourseFigure(Figure):
    """A matplotlib figure with a text summary.

    Attributes
    ----------
    summary : str
        One or two sentences that say what the picture shows, with its main numbers.
    """

    summary: str = ""

    def png(self) -> bytes:
        """Return the picture as PNG, `style.DPI` pixels an inch, with the summary inside.

        Notebooks with their pictures are kept under version control, so the file is made three
        times smaller by `few_colors`.
        """
        canvas = FigureCanvasAgg(self)
        with _styled():
            canvas.draw()
        picture = np.asarray(canvas.buffer_rgba())[:, :, :3]  # the page is opaque
        description = PngInfo()
        description.add_itxt("Description", self.summary)
        buffer = io.BytesIO()
        few_colors(picture).save(buffer, "PNG", optimize=True, pnginfo=description)
        return buffer.getvalue()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        picture: dict[str, Any] = {"image/png": self.png(), "text/plain": self.summary}
        display(picture, metadata={"image/png": {"alt": self.summary}}, raw=True)
        words = re.sub(r"c_\{k-[12]\}", r"$\g<0>$", self.summary)  # nodes as mathematics
        caption = {"text/markdown": f"*{words}*", "text/plain": self.summary}
        display(caption, raw=True)


def few_colors(picture: np.ndarray) -> Image.Image:
    """Reduce a drawing to 128 colours: all of the palette, exactly, and its own most frequent.

    The usual algorithms merge rare colours, and the thin line of one operation is rare.

    Parameters
    ----------
    picture : uint8 array (height, width, 3)
        Red, green, blue.
    """
    colors = [*style.OPERATION_COLORS.values(), *style.METHOD_COLORS.values()]
    fixed = np.array([list(bytes.fromhex(color[1:])) for color in colors])
    codes = picture.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32)
    used, positions, counts = np.unique(codes, return_inverse=True, return_counts=True)
    pixels = np.stack([used >> 16, used >> 8 & 255, used & 255], axis=1).astype(float)
    frequent = pixels[np.argsort(-counts, kind="stable")[: COLORS - len(fixed)]]
    palette = np.concatenate([fixed, frequent])
    # |p - q|^2 without |p|^2, which is the same for every colour q of the palette
    distances = (palette**2).sum(axis=1) - 2 * pixels @ palette.T
    nearest = distances.argmin(axis=1).astype(np.uint8)
    reduced = Image.fromarray(nearest[positions].reshape(picture.shape[:2]), mode="P")
    reduced.putpalette(palette.astype(np.uint8).tobytes())
    return reduced


def new_figure(summary: str, size: tuple[float, float]) -> CourseFigure:
    """Make an empty figure of `size` inches whose parts are arranged without overlap."""
    figure = CourseFigure(figsize=size, dpi=style.DPI, layout="constrained")
    FigureCanvasAgg(figure)
    figure.summary = summary
    figure.set_label(summary)
    return figure


def panels(figure: CourseFigure, rows: int = 1, columns: int = 1, **layout: Any) -> list[Axes]:
    """Divide a figure into axes; returned row by row."""
    return list(figure.subplots(rows, columns, squeeze=False, **layout).flat)
