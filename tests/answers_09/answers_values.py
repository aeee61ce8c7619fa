"""Answers to 09.1: letters and numbers."""

import numpy as np

from answers_09 import right_value, wrong_values

REASONS = {
    "still_improves": "c",
    "early_gain": "a",
    "eigenvalue": "b",
    "zeros": 14,
    "darts_plus": "b",
    "r_darts": "c",
    "darts_minus": "c",
    "sdarts": "a",
    "skips_left": 2,
}
wrong_values(
    "09.1",
    REASONS,
    {
        "derived-improves": {"still_improves": "a"},
        "flatness-improves": {"still_improves": "b"},
        "all-get-worse": {"still_improves": "d"},
        "alpha-starts-larger": {"early_gain": "b"},
        "decay-spares-it": {"early_gain": "c"},
        "skips-alone-are-best": {"early_gain": "d"},
        "eigenvalue-counts-skips": {"eigenvalue": "a"},
        "eigenvalue-of-the-weights": {"eigenvalue": "c"},
        "eigenvalue-sets-the-rate": {"eigenvalue": "d"},
        "one-zero-per-column": {"zeros": 8},
        "shift-invariance-forgotten": {"zeros": 0},
        "one-zero-in-all": {"zeros": 1},
        "all-zero": {"zeros": 14 * 8},
        "the-others-counted": {"zeros": 14 * 7},
        "zeros-wrong": {"zeros": 28},
        "darts-plus-watches-the-loss": {"darts_plus": "a"},
        "darts-plus-watches-curvature": {"darts_plus": "c"},
        "darts-plus-waits-for-alphas": {"darts_plus": "d"},
        "r-darts-watches-the-loss": {"r_darts": "a"},
        "r-darts-counts-skips": {"r_darts": "b"},
        "r-darts-waits-for-alphas": {"r_darts": "d"},
        "taken-for-a-penalty": {"darts_minus": "a"},
        "candidate-removed": {"darts_minus": "b"},
        "alpha-multiplied": {"darts_minus": "d"},
        "alphas-trained-perturbed": {"sdarts": "b"},
        "images-perturbed": {"sdarts": "c"},
        "weights-perturbed": {"sdarts": "d"},
        "no-limit": {"skips_left": 8},
        "no-skips-left": {"skips_left": 0},
        "one-skip-left": {"skips_left": 1},
        "three-skips-left": {"skips_left": 3},
        "half-the-edges": {"skips_left": 4},
        "not-a-choice": {"sdarts": "random"},
        "part-not-answered": {"zeros": ...},
        "not-a-number": {"skips_left": "2"},
    },
)
right_value("09.1", "letters and numbers", REASONS)
right_value(
    "09.1",
    "numpy numbers, capitals and blanks",
    {
        key: f" {value.upper()} " if isinstance(value, str) else np.float64(value)
        for key, value in REASONS.items()
    },
)
