"""The 15,625 cells as numbers, and the 6,466 classes of equal ones: the rows of a table."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable
from functools import cache

import numpy as np

from nas_course.errors import InvalidInput
from nas_course.spaces.nas_bench_201 import Cell201, NASBench201Space

SPACE = NASBench201Space()
BASE, EDGE_COUNT = len(SPACE.operations), len(SPACE.choices)
PLACES = BASE ** np.arange(EDGE_COUNT - 1, -1, -1)  # the first edge counts most


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


def cell_of(code: int) -> Cell201:
    """Return the cell of a code."""
    return SPACE.from_indices(indices_of(np.array([code]))[0].tolist())


def codes_of(architectures: Iterable[str | Cell201] | np.ndarray) -> np.ndarray:
    """Return the codes of many cells: (n,) int64.

    Parameters
    ----------
    architectures : iterable of texts or cells, or integer array (n, 6)
        An array holds the index of each edge's operation, as `space.indices` gives it.

    Raises
    ------
    InvalidInput
        A text names no cell, or an array has another shape or numbers outside 0 to 4.
    """
    if isinstance(architectures, np.ndarray) and architectures.dtype.kind in "iu":
        return _codes_of_indices(architectures)
    names = list(architectures)
    known = _code_of_name()
    try:
        return np.fromiter(map(known.__getitem__, names), np.int64, len(names))
    except (KeyError, TypeError):  # a text with blanks, or no cell at all
        return np.array([code_of(name) for name in names], dtype=np.int64)


def code_of(name: str | Cell201) -> int:
    """Return the code of one cell, given as such or as text."""
    if not isinstance(name, str | Cell201):
        raise InvalidInput(f"architecture: got {name!r}; give a cell's text or a Cell201.")
    code = _code_of_name().get(name)
    return _code_of_name()[SPACE.parse(str(name))] if code is None else code


@cache
def _code_of_name() -> dict[str | Cell201, int]:
    """Code of every cell by its text and by itself."""
    cells = list(SPACE)
    texts = map(str, cells)
    return dict(
        zip(itertools.chain(texts, cells), itertools.cycle(range(len(cells))), strict=False)
    )


def _codes_of_indices(indices: np.ndarray) -> np.ndarray:
    if indices.ndim != 2 or indices.shape[1] != EDGE_COUNT:
        raise InvalidInput(
            f"architectures: the array has the shape {indices.shape}; give (n, {EDGE_COUNT})."
        )
    if indices.size and not 0 <= indices.min() <= indices.max() < BASE:
        raise InvalidInput(
            f"architectures: the numbers are {indices.min()} to {indices.max()}; "
            f"an edge has the operations 0 to {BASE - 1}."
        )
    return indices @ PLACES
