"""The sentence that says what a search did to its architecture parameters.

    sentence(history, "normal")
    # "After 30 epochs the normal cell's strongest operation is skip on edge c_{k-2} → 0 ..."

`browser/numbers.js` builds the same sentence; a test holds them equal.
"""

from __future__ import annotations

import numpy as np

from nas_course import mixing
from nas_course.history import History
from nas_course.plots.names import count_inputs, leading, node_name, template_of
from nas_course.widgets.packing import operation_label

SKIP = "skip_connect"


def sentence(history: History, cell: str, row: int = -1) -> str:
    """Sum up one cell at one row: the strongest operation, skip connections, entropy.

    Strongest of those that a cell of the space can have: `none` counts in NAS-Bench-201 only.

    Parameters
    ----------
    history : History
        With at least one row.
    cell : str
        For example ``"normal"``.
    row : int
        Position in `history.rows`; -1 is the last.

    Returns
    -------
    str
        One sentence whose numbers are those of the history.

    Raises
    ------
    InvalidInput
        If the history has no such cell.
    """
    template = template_of(history, cell)
    weights = history.weights(cell)
    epoch = history.rows[row]["epoch"]
    owner = "the cell" if cell == "cell" else f"the {cell} cell"
    start = (
        f"After {_epoch_text(epoch)} {'epoch' if epoch == 1 else 'epochs'} {owner}'s strongest "
        "operation is "
    )
    if not np.isfinite(weights[row]).all():
        return f"{start}unknown: its weights are not numbers."
    best = leading(history, cell)[row]
    return start + _reading(weights[0], weights[row], best, template)


def _reading(first: np.ndarray, weights: np.ndarray, winners: np.ndarray, template: dict) -> str:
    operations, edges = template["operations"], template["edges"]
    strengths = weights[np.arange(len(edges)), winners]
    edge = int(strengths.argmax())
    inputs = count_inputs(edges)
    source, target = (node_name(node, inputs) for node in edges[edge])
    skips = sum(operations[winner] == SKIP for winner in winners)
    return (
        f"{operation_label(operations[winners[edge]])} on edge {source} → {target} "
        f"(weight {strengths[edge]:.3f}); {skips} of {len(edges)} edges prefer skip; "
        f"entropy {_change(mixing.entropy(first).mean(), mixing.entropy(weights).mean())}."
    )


def _epoch_text(epoch: float) -> str:
    return str(int(epoch)) if float(epoch).is_integer() else f"{epoch:.1f}"


def _change(first: float, last: float) -> str:
    before, now = f"{first:.2f}", f"{last:.2f}"
    if before == now:
        return f"stayed at {now}"
    return f"{'fell' if last < first else 'rose'} from {before} to {now}"


def summary(history: History) -> str:
    """Sum up all cells at the last row, a sentence each, and the eigenvalue if it was measured.

    Says so where there is no row yet.
    """
    if not history.rows:
        return "No epoch of this search has been recorded yet."
    cells = " ".join(sentence(history, cell) for cell in history.cells)
    measured = [row["eigenvalue"] for row in history.rows if row.get("eigenvalue") is not None]
    if not measured:
        return cells
    return f"{cells} The largest eigenvalue of the Hessian is {measured[-1]:.2g}."
