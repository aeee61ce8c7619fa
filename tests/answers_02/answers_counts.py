"""Answers to 02.1: numbers and a letter."""

import numpy as np

from answers_02 import right_value, wrong_values

COUNTS = {
    "edges": 5,
    "all_edges": 243,
    "with_repetition": 2916,
    "distinct": 48,
    "written": 4,
    "repeats": 0.8,
    "formula": 241_591_910_400,
    "all_edges_meaning": "b",
}
wrong_values(
    "02.1",
    COUNTS,
    {
        "inputs-joined": {"edges": 6},
        "kept-edges-only": {"edges": 4},
        "inputs-not-counted": {"edges": 1},
        "last-node-only": {"edges": 3},
        "base-and-exponent-swapped": {"all_edges": 5**3},
        "choices-added": {"all_edges": 5 * 3},
        "none-left-out": {"all_edges": 2**5},
        "four-edges": {"all_edges": 3**4},
        "six-edges": {"all_edges": 3**6},
        "one-input-a-node": {"with_repetition": 6 * 9},
        "nodes-added": {"with_repetition": 6**2 + 9**2},
        "none-left-out-of-pairs": {"with_repetition": 4**2 * 6**2},
        "drawn-without-repetition": {"with_repetition": 2 * 1 * 3 * 2 * 3**4},
        "operations-forgotten": {"with_repetition": 2**2 * 3**2},
        "predecessors-forgotten": {"with_repetition": 3**4},
        "same-predecessors-everywhere": {"with_repetition": 6**2 * 6**2},
        "none-selectable": {"distinct": 3 * 3**4},
        "ordered-predecessors": {"distinct": 2 * 6 * 2**4},
        "repeated-predecessors": {"distinct": 2**2 * 3**2 * 2**4},
        "topologies-forgotten": {"distinct": 2**4},
        "operations-left-out": {"distinct": 3},
        "one-operation-a-node": {"distinct": 3 * 2**2},
        "topologies-added": {"distinct": (1 + 3) * 2**4},
        "one-node-turned": {"written": 2},
        "order-believed": {"written": 1},
        "too-many-orders": {"written": 2**4},
        "counts-divided": {"written": 2916 / 48},
        "complement-taken": {"repeats": 0.2},
        "probabilities-added": {"repeats": 1 / 2 + 1 / 3 + 1 / 4 + 1 / 5},
        "all-nodes-repeat": {"repeats": 1 / 120},
        "first-node-only": {"repeats": 1 / 2},
        "two-nodes-only": {"repeats": 2 / 3},
        "mean-over-nodes": {"repeats": (1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 4},
        "print-believed": {"formula": 17_179_869_184},
        "not-squared": {"formula": 16 * 24 * 32 * 40},
        "other-count": {"formula": 8**14},
        "pairs-of-cells": {"all_edges_meaning": "a"},
        "derived-cells": {"all_edges_meaning": "c"},
        "trained-networks": {"all_edges_meaning": "d"},
        "edges-wrong": {"edges": 17},
        "not-a-number": {"edges": "5"},
        "not-a-choice": {"all_edges_meaning": "e"},
        "part-not-answered": {"repeats": ...},
    },
)
right_value("02.1", "the model answer", COUNTS)
right_value(
    "02.1",
    "as floats and numpy numbers, a capital",
    {k: " B " if isinstance(v, str) else np.float64(v) for k, v in COUNTS.items()},
)
