"""Read an answer that has several named parts, handed in as a tuple, a list or a dict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nas_course.grading.exercise import Diagnosis, describe
from nas_course.grading.expect import expect_array

Shape = tuple[int | None, ...]


def read_parts(value: Any, names: tuple[str, ...], given: str) -> dict[str, Any]:
    """Return the parts by name; a sequence is read in the order of `names`."""
    if isinstance(value, dict) and set(value) == set(names):
        return value
    if isinstance(value, list | tuple) and len(value) == len(names):
        return dict(zip(names, value, strict=True))
    raise Diagnosis(
        given=given,
        got=f"{describe(value)} ({type(value).__name__})",
        expected=f"{len(names)} parts: {', '.join(names)}",
        cause="The answer does not consist of the parts asked for.",
        next_step=f"End with `return {', '.join(names)}`, or return a dict with these keys.",
        code="wrong-parts",
    )


def read_arrays(value: Any, shapes: Mapping[str, Shape], given: str) -> dict[str, np.ndarray]:
    """Return the parts as float arrays of the shapes asked for."""
    parts = read_parts(value, tuple(shapes), given)
    return {
        name: expect_array(parts[name], shape, given=f"{given}; looking at `{name}`")
        for name, shape in shapes.items()
    }
