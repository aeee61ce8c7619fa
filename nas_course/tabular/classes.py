"""The 15,625 cells as numbers, and the 6,466 classes of equal cells that a table has rows for."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache

import numpy as np

from nas_course.spaces.nas_bench_201 import Cell201, NASBench201Space

SPACE = NASBench201Space()
BASE, EDGES = len(SPACE.operations), len(SPACE.choices)
PLACES = BASE ** np.arange(EDGES - 1, -1, -1)  # the first edge counts most


@cache
def class_of_code() -> np.ndarray:
    """Return the class of every cell by its code: (15,625,) int16.

    The code of a cell is its place in lexicographic order, `indices @ PLACES`; classes are
    numbered by their first cell.
    """
    numbers: dict[Hashable, int] = {}
    classes = [numbers.setdefault(SPACE.canonical(cell), len(numbers)) for cell in SPACE]
    return np.array(classes, dtype=np.int16)


def representatives() -> tuple[Cell201, ...]:
    """Return the first cell of every class in lexicographic order."""
    _, codes = np.unique(class_of_code(), return_index=True)
    return tuple(SPACE.from_indices(indices) for indices in indices_of(codes).tolist())


def indices_of(codes: np.ndarray) -> np.ndarray:
    """Return the operation index of each edge: (n, 6) of codes (n,)."""
    return np.asarray(codes)[:, None] // PLACES % BASE
