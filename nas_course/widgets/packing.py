"""What a view needs of a history as plain data: header for the browser, rows as float32.

    header = browser_header(history.header)
    pack_row(row, header)                # COLUMNS, then the logits of each cell, flattened

`browser/store.js` reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from nas_course.errors import InvalidInput
from nas_course.plots import style
from nas_course.plots.names import count_inputs, excluded_in, node_name

COLUMNS = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "valid_loss",
    "valid_accuracy",
    "learning_rate",
    "seconds",
    "eigenvalue",  # where a search measures it (WatchCurvature)
)
KEPT_EDGES = {"darts": 2}  # into each node of the derived cell; other spaces keep all
DESCRIBED = ("method", "space", "data", "seed", "epochs")


def browser_header(header: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a search for the browser: what was run, and each cell's edges and names.

    Parameters
    ----------
    header : mapping
        `History.header`.

    Returns
    -------
    dict
        ``cells`` maps a name to ``edges`` (pairs), ``operations``, ``labels`` (what the view calls
        them), ``selectable`` (whether a derived cell can have them), ``nodes`` (names), ``inputs``
        (how many of the nodes), ``kept`` (edges into each node of the derived cell, None: all)
        and ``output`` (whether an own output node joins the intermediate ones).
    """
    kept = KEPT_EDGES.get(header.get("space", ""))
    excluded = excluded_in(header.get("space"))
    cells = {name: _cell(cell, kept, excluded) for name, cell in header.get("cells", {}).items()}
    return {key: header[key] for key in DESCRIBED if key in header} | {"cells": cells}


def _cell(cell: Mapping[str, Any], kept: int | None, excluded: Sequence[str]) -> dict[str, Any]:
    edges = [list(edge) for edge in cell["edges"]]
    inputs = count_inputs(edges)
    count = 1 + max((node for edge in edges for node in edge), default=-1)
    return {
        "edges": edges,
        "operations": list(cell["operations"]),
        "labels": [operation_label(name) for name in cell["operations"]],
        "selectable": [name not in excluded for name in cell["operations"]],
        "nodes": [node_name(node, inputs) for node in range(count)],
        "inputs": inputs,
        "kept": kept,
        "output": inputs == 2,
    }


def operation_label(name: str) -> str:
    """Return what a view calls an operation: its short name, or its own if it has none."""
    return style.SHORT_NAMES.get(name, name)


def pack_row(row: Mapping[str, Any], header: Mapping[str, Any]) -> np.ndarray:
    """Turn a row of a history into one array; shape (len(COLUMNS) + all logits,), float32.

    A number that is missing becomes nan.

    Raises
    ------
    InvalidInput
        If the row has no epoch, or the logits of a cell are missing or of another shape.
    """
    numbers = [np.array([_number(row.get(name)) for name in COLUMNS])]
    if np.isnan(numbers[0][0]):
        raise InvalidInput(f"epoch: got {row.get('epoch')!r}; allowed: a finite number.")
    alphas = row.get("alphas") or {}
    for name, cell in header["cells"].items():
        numbers.append(_logits(name, alphas.get(name), cell))
    return np.concatenate(numbers).astype("<f4")


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else np.nan


def _logits(name: str, values: Any, cell: Mapping[str, Any]) -> np.ndarray:
    expected = (len(cell["edges"]), len(cell["operations"]))
    try:
        logits = np.array(values, dtype=float)
    except (TypeError, ValueError):
        logits = np.array(np.nan)
    if logits.shape != expected:
        given = "nothing" if values is None else f"shape {logits.shape}"
        raise InvalidInput(
            f"alphas[{name!r}]: got {given}; expected {expected[0]} edges x {expected[1]} "
            "operations, as in the header of the history."
        )
    return logits.ravel()


def pack_rows(rows: Iterable[np.ndarray]) -> bytes:
    """Join packed rows into one message."""
    return b"".join(row.tobytes() for row in rows)


def palette() -> dict[str, dict[str, Any]]:
    """Give the browser the colours, dashes and markers of `plots.style`, by operation."""
    return {
        name: {
            "light": color,
            "dark": style.OPERATION_COLORS_DARK[name],
            "dash": list(style.OPERATION_DASHES[name]),
            "marker": style.OPERATION_MARKERS[name],
        }
        for name, color in style.OPERATION_COLORS.items()
    }
