"""What figures and sentences call the nodes, edges, cells and epochs of a history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nas_course import mixing
from nas_course.errors import one_of
from nas_course.history import History

Edge = tuple[int, int]


def node_name(node: int, inputs: int) -> str:
    """Name a node as the papers do: with two inputs 0 is `c_{k-2}`, 1 is `c_{k-1}`, 2 is `0`."""
    if inputs == 2:
        return ("c_{k-2}", "c_{k-1}")[node] if node < 2 else str(node - 2)
    return str(node)


def edge_name(edge: Sequence[int], inputs: int) -> str:
    """Name an edge in matplotlib's mathematical text, `$c_{k-2}$ → 0`."""
    source, target = (node_name(node, inputs) for node in edge)
    return f"${source}$ → ${target}$"


def count_inputs(edges: Sequence[Sequence[int]]) -> int:
    """Return the number of nodes into which no edge leads."""
    targets = {target for _, target in edges}
    return len({source for source, _ in edges} - targets)


def cell_name(cell: str) -> str:
    """Name a cell in a sentence: `normal cell`, but not `cell cell`."""
    return cell if cell == "cell" else f"{cell} cell"


def edge_index(history: History, cell: str, edge: Edge) -> int:
    """Return the row of `edge` in the arrays of `cell`.

    Raises
    ------
    InvalidInput
        If the history has no such cell, or the cell no such edge.
    """
    edges = [tuple(pair) for pair in template_of(history, cell)["edges"]]
    if tuple(edge) not in edges:
        raise one_of(f"edge of the {cell_name(cell)}", edge, edges)
    return edges.index(tuple(edge))


def row_index(history: History, epoch: float) -> int:
    """Return the row stored for `epoch`; the last one for -1.

    Raises
    ------
    InvalidInput
        If no row was stored for that epoch.
    """
    epochs = [row["epoch"] for row in history.rows]
    if epoch == -1 and epochs:
        return len(epochs) - 1
    if epoch not in epochs:
        raise one_of("epoch", epoch, epochs)
    return epochs.index(epoch)


def excluded_operations(history: History) -> tuple[str, ...]:
    """Return the operations that no cell of the search can have; in NAS-Bench-201 there is none."""
    return excluded_in(history.header.get("space"))


def excluded_in(space: Any) -> tuple[str, ...]:
    """Return the operations that no cell of the space of this name can have.

    A part of NAS-Bench-201 has its operations behind its name (`nas_course.spaces.get`).
    """
    whole = str(space).partition(":")[0]
    return () if whole == "nas-bench-201" else ("none",)


def leading(history: History, cell: str) -> np.ndarray:
    """Return the index of the strongest selectable operation, shape (rows, edges).

    `none` can be selected in the NAS-Bench-201 space only: its cell has no choice of edges.
    """
    excluded = excluded_operations(history)
    operations = template_of(history, cell)["operations"]
    return mixing.winners(history.weights(cell), operations, excluded)


def template_of(history: History, cell: str) -> dict[str, Any]:
    """Return the edges and operations of a cell; `InvalidInput` names the cells there are."""
    if cell not in history.cells:
        raise one_of("cell", cell, history.cells)
    return history.cells[cell]
