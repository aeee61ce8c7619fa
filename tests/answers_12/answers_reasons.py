"""Answers to 12.1: what is random, and what for."""

import numpy as np

from answers_12 import right_value, wrong_values

REASONS = {
    "darts": "nothing",
    "gdas": "one-hot",
    "snas": "mixture",
    "balenas": "logits",
    "frequency": "b",
    "sharp": "c",
    "sigma": 0.5345,
    "too_wide": "a",
    "added": -0.5,
    "favours": "a",
}
wrong_values(
    "12.1",
    REASONS,
    {
        "darts-one-hot": {"darts": "one-hot"},
        "darts-mixture": {"darts": "mixture"},
        "darts-logits": {"darts": "logits"},
        "gdas-nothing": {"gdas": "nothing"},
        "gdas-mixture": {"gdas": "mixture"},
        "gdas-logits": {"gdas": "logits"},
        "snas-nothing": {"snas": "nothing"},
        "snas-one-hot": {"snas": "one-hot"},
        "snas-logits": {"snas": "logits"},
        "balenas-nothing": {"balenas": "nothing"},
        "balenas-one-hot": {"balenas": "one-hot"},
        "balenas-mixture": {"balenas": "mixture"},
        "frequency-depends": {"frequency": "a"},
        "frequency-cold": {"frequency": "c"},
        "frequency-hot": {"frequency": "d"},
        "sharp-flat": {"sharp": "a"},
        "sharp-certain": {"sharp": "b"},
        "sharp-softmax": {"sharp": "d"},
        "sigma-is-variance": {"sigma": 1 / 3.5},
        "sigma-without-prior": {"sigma": 2.5**-0.5},
        "sigma-root-of-s": {"sigma": (25000 * 0.01 + 1) ** -0.5},
        "sigma-turned-over": {"sigma": 3.5**0.5},
        "sigma-of-the-prior": {"sigma": 1},
        "sigma-wrong": {"sigma": 12.0},
        "wide-by-forgetting": {"too_wide": "b"},
        "wide-by-prior": {"too_wide": "c"},
        "wide-by-correction": {"too_wide": "d"},
        "half-forgotten": {"added": 0.25 * 4 - 2},
        "sigma-not-squared": {"added": (0.5 * 4 - 2) / 2},
        "absolute-values": {"added": (0.25 * 4 + 2) / 2},
        "sign-turned": {"added": 0.5},
        "halved-twice": {"added": -0.25},
        "favours-small-alphas": {"favours": "b"},
        "favours-depth": {"favours": "c"},
        "favours-nothing": {"favours": "d"},
        "not-a-choice": {"gdas": "hard"},
        "part-not-answered": {"balenas": ...},
        "not-a-number": {"sigma": "0.53"},
    },
)
right_value("12.1", "rounded by hand", REASONS)
right_value(
    "12.1",
    "numpy numbers, capitals and blanks",
    {
        key: f" {value.capitalize()}" if isinstance(value, str) else np.float64(value)
        for key, value in REASONS.items()
    },
)
