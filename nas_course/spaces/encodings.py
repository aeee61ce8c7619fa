"""Encodings of cells beside one-hot: which node reads which, and the paths through them.

    adjacency(space, architecture)                  # edges x operations, flattened
    paths(space, architecture, longest=2)           # one number for each possible path

White, Neiswanger, Savani, "BANANAS", AAAI 2021 (arXiv 1910.11858), section 4, for the paths. For
every space with cells: `space.cells`, `architecture.wires(kind)`, `architecture.outputs(kind)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nas_course.errors import InvalidInput
from nas_course.spaces.cells import CellTemplate

Path = tuple[int, tuple[str, ...]]  # the input where it begins, the operations on the way


def adjacency(space: Any, architecture: Any) -> np.ndarray:
    """Count, for each pair of nodes and each operation, how often the later reads the earlier so.

    Parameters
    ----------
    space : a space with cells
    architecture : one of its values

    Returns
    -------
    ndarray, shape (sum over cells of edges * (operations without none),)
        0 or 1, or 2 where a node reads another twice with one operation. Unlike the one-hot code
        of the choices it does not depend on the order in which a node's inputs are written.
    """
    return np.concatenate(
        [
            _cell_adjacency(template, architecture.wires(kind))
            for kind, template in _cells(space).items()
        ]
    )


def _cell_adjacency(template: CellTemplate, wires: Sequence[tuple[int, int, str]]) -> np.ndarray:
    operations = _without_none(template)
    code = np.zeros((len(template.edges), len(operations)))
    for source, target, operation in wires:
        if operation != "none":
            code[template.edges.index((source, target)), operations.index(operation)] += 1
    return code.ravel()


def paths(space: Any, architecture: Any, longest: int | None = None) -> np.ndarray:
    """Mark which of all possible paths from an input to the output the cells contain.

    A path is the sequence of its operations; `none` ends it. Where a skip connection is exactly
    the identity (NAS-Bench-201) it is no step. The code forgets the numbers of the nodes, so
    equal graphs have equal codes; different ones may share one (where paths branch is lost).

    Parameters
    ----------
    space : a space with cells
    architecture : one of its values
    longest : int or None
        Truncate: leave out paths of more operations. BANANAS keeps the shortest, which are the
        likeliest in random cells. None keeps all.

    Returns
    -------
    ndarray of 0 and 1, shape (path_count(space, longest),)
        By cell, input and length, then in the order of the operations.
    """
    return np.concatenate(
        [
            _cell_paths(template, architecture.wires(kind), architecture.outputs(kind), longest)
            for kind, template in _cells(space).items()
        ]
    )


def path_count(space: Any, longest: int | None = None) -> int:
    """Return how many paths are possible: the length of the path encoding.

    With q operations, i inputs and n nodes a cell has i * (q + q**2 + ... + q**n), and i more
    where the path without operations is possible.
    """
    return sum(
        template.inputs * _path_count(template, _limit(template, longest))
        for template in _cells(space).values()
    )


def _path_count(template: CellTemplate, longest: int) -> int:
    steps = len(_steps(template))
    return sum(steps**length for length in range(_shortest(template), longest + 1))


def _cell_paths(
    template: CellTemplate,
    wires: Sequence[tuple[int, int, str]],
    outputs: Sequence[int],
    longest: int | None,
) -> np.ndarray:
    limit = _limit(template, longest)
    width = _path_count(template, limit)
    code = np.zeros(template.inputs * width)
    reaching = _paths_to_nodes(template, wires)
    for start, operations in set().union(*(reaching[node] for node in outputs)):
        if len(operations) <= limit:
            code[start * width + _place(template, operations)] = 1
    return code


def _paths_to_nodes(
    template: CellTemplate, wires: Sequence[tuple[int, int, str]]
) -> list[set[Path]]:
    """Return the paths that end in each node; wires are in the order of their targets."""
    found: list[set[Path]] = [{(node, ())} for node in range(template.inputs)]
    found += [set() for _ in range(template.nodes)]
    for source, target, operation in wires:
        if operation != "none":
            step = () if operation == template.identity else (operation,)
            found[target] |= {(start, (*way, *step)) for start, way in found[source]}
    return found


def _place(template: CellTemplate, operations: Sequence[str]) -> int:
    """Return the place of a path: all shorter ones come first, then it counts in base q."""
    steps = _steps(template)
    place = 0
    for operation in operations:
        place = place * len(steps) + steps.index(operation)
    return _path_count(template, len(operations) - 1) + place


def _shortest(template: CellTemplate) -> int:
    return 1 if template.identity is None else 0


def _limit(template: CellTemplate, longest: int | None) -> int:
    if longest is None:
        return template.nodes
    if not isinstance(longest, int) or longest < 1:
        raise InvalidInput(f"longest: got {longest!r}; allowed: None or whole numbers from 1 on.")
    return min(longest, template.nodes)


def _without_none(template: CellTemplate) -> list[str]:
    return [name for name in template.operations if name != "none"]


def _steps(template: CellTemplate) -> list[str]:
    return [name for name in _without_none(template) if name != template.identity]


def _cells(space: Any) -> dict[str, CellTemplate]:
    cells = getattr(space, "cells", None)
    if not cells:
        raise InvalidInput(
            f"space: got {space.name!r}, which has no cells; use space.encode(architecture)."
        )
    return cells
