"""A look at the data: some images of a data set with their classes.

draw_images(data.train, data.class_names, count=12)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas_course.data import Split
from nas_course.errors import InvalidInput
from nas_course.plots import style
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels

COLUMNS = 6


@course_style
def draw_images(split: Split, class_names: Sequence[str], count: int = 12) -> CourseFigure:
    """Draw the first images of a part of a data set.

    Parameters
    ----------
    split : Split
        Images (N, channels, height, width), 1 or 3 channels, and labels (N,).
    class_names : sequence of str
        Name of each label.
    count : int
        How many, from 1 to the number of images.

    Returns
    -------
    CourseFigure
        Rows of images, each from its darkest to its brightest value, the class above it.
    """
    if not 1 <= count <= len(split):
        raise InvalidInput(
            f"draw_images: got count {count}; allowed: 1 to {len(split)}, as many as there are."
        )
    names = [str(class_names[label]) for label in split.labels[:count].tolist()]
    side = split.images.shape[-1]
    rows = -(-count // COLUMNS)
    summary = f"{count} images of {side}x{side} pixels; their classes: {', '.join(names)}."
    figure = new_figure(summary, (min(count, COLUMNS) * 1.15, rows * 1.35))
    axes = panels(figure, rows, min(count, COLUMNS))
    for place, image, name in zip(axes, split.images.cpu().numpy(), names, strict=False):
        place.imshow(_displayable(image), cmap="gray")
        place.set_title(name, size=style.SMALL, loc="center")
    for place in axes:
        place.axis("off")
    return figure


def _displayable(image: np.ndarray) -> np.ndarray:
    """Return (height, width, channels), stretched to 0..1: normalised data has no fixed range."""
    low, high = image.min(), image.max()
    return ((image - low) / max(high - low, 1e-9)).transpose(1, 2, 0)
