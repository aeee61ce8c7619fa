"""What the mixing weights of a search say: entropy, skip share, winners, when decided.

    weights = history.weights("normal")              # (rows, edges, operations)
    entropy(weights)[-1].mean()                      # 1.0 while nothing is decided

Weights come as arrays whose last axis is the operations and sums to one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas_course.errors import one_of


def entropy(weights: np.ndarray) -> np.ndarray:
    """Entropy of each mixture, from 0 (one operation has all) to 1 (all are equal).

    H = -sum_o p_o log p_o / log K, for the K operations o of an edge.

    Parameters
    ----------
    weights : array (..., operations)
        Mixing weights p.

    Returns
    -------
    array (...)
        Entropies; 0 log 0 counts as 0.
    """
    p = np.asarray(weights, dtype=float)
    logarithms = np.log(p, out=np.zeros_like(p), where=p > 0)
    # + 0.0 turns the -0.0 of a decided edge into 0.0
    return -(p * logarithms).sum(axis=-1) / np.log(p.shape[-1]) + 0.0


def share(weights: np.ndarray, operations: Sequence[str], operation: str) -> np.ndarray:
    """Mean weight of one operation over the edges.

    Parameters
    ----------
    weights : array (..., edges, operations)
        Mixing weights.
    operations : sequence of str
        Names along the last axis.
    operation : str
        For example ``"skip_connect"``.

    Returns
    -------
    array (...)
        Between 0 and 1; 1 / K for untouched weights.
    """
    if operation not in operations:
        raise one_of("operation", operation, operations)
    return np.asarray(weights)[..., list(operations).index(operation)].mean(axis=-1)


def winners(
    weights: np.ndarray, operations: Sequence[str], excluded: Sequence[str] = ("none",)
) -> np.ndarray:
    """Index of the strongest operation of each edge among those that may be selected.

    DARTS never selects `none` (section 2.4); NAS-Bench-201 may (then nothing is excluded).

    Parameters
    ----------
    weights : array (..., edges, operations)
        Mixing weights.
    operations : sequence of str
        Names along the last axis.
    excluded : sequence of str
        Operations that cannot be selected.

    Returns
    -------
    integer array (..., edges)
        Positions in `operations`.
    """
    allowed = np.array([name not in excluded for name in operations])
    return np.where(allowed, weights, -np.inf).argmax(axis=-1)


def margin(weights: np.ndarray, operations: Sequence[str]) -> np.ndarray:
    """Lead of each edge's winner over the second, `none` left out; shape (..., edges).

    A lead near zero means that discretisation there was close to tossing a coin.
    """
    allowed = [index for index, name in enumerate(operations) if name != "none"]
    ranked = np.sort(np.asarray(weights)[..., allowed], axis=-1)
    return ranked[..., -1] - ranked[..., -2]


def last_change(winner: np.ndarray) -> np.ndarray:
    """First row from which each edge keeps its winner to the end.

    Parameters
    ----------
    winner : integer array (rows, edges)
        Result of `winners` over a whole history.

    Returns
    -------
    integer array (edges,)
        0 where the winner never changed, rows - 1 where it changed in the last row.
    """
    changed = winner[1:] != winner[:-1]
    rows = np.arange(1, len(winner))[:, None]
    return np.where(changed, rows, 0).max(axis=0, initial=0)
