"""Answers to 08.1, 08.2, 08.5 and 08.10: choices, numbers and plans."""

import numpy as np
import torch

from answers_08 import right_value, wrong_values

PARTS = {
    "a": "space",
    "b": "strategy",
    "c": "estimation",
    "d": "space",
    "e": "strategy",
    "f": "space",
    "g": "estimation",
    "h": "estimation",
}
wrong_values(
    "08.1",
    PARTS,
    {
        "a-is-not-strategy": {"a": "strategy"},
        "b-is-not-estimation": {"b": "estimation"},
        "c-is-not-strategy": {"c": "strategy"},
        "d-is-not-strategy": {"d": "strategy"},
        "e-is-not-space": {"e": "space"},
        "f-is-not-strategy": {"f": "strategy"},
        "g-is-not-strategy": {"g": "strategy"},
        "g-is-not-space": {"g": "space"},
        "h-is-not-space": {"h": "space"},
        "h-is-not-strategy": {"h": "strategy"},
        "not-a-choice": {"a": "architecture"},
        "part-not-answered": {"b": ...},
    },
)
right_value("08.1", "the model answer", PARTS)
right_value("08.1", "capitals and blanks", {key: f" {word.title()}" for key, word in PARTS.items()})

WHY_FAST = {
    "search_factor": 500,
    "whole_factor": 307.7,
    "sharing_factor": 4000,
    "relaxation_buys": "b",
    "sharing_buys": "a",
    "numbers_per_step": 224,
    "passes_first_order": 2,
    "passes_second_order": 5,
    "not_a_price": "e",
}
wrong_values(
    "08.2",
    WHY_FAST,
    {
        "preprint-cost": {"search_factor": 1800 / 4},
        "ratio-upside-down": {"search_factor": 4 / 2000},
        "first-order-cost": {"search_factor": 2000 / 1.5},
        "evolution-cost": {"search_factor": 3150 / 4},
        "search-cost-only": {"whole_factor": 500},
        "final-training-forgotten": {"whole_factor": 2000 / 5},
        "selection-forgotten": {"whole_factor": 2000 / 5.5},
        "darts-instead-of-enas": {"sharing_factor": 500},
        "compared-with-darts": {"sharing_factor": 4 / 0.5},
        "relaxation-mistaken-for-sharing": {"relaxation_buys": "a"},
        "relaxation-saves-memory": {"relaxation_buys": "c"},
        "sharing-mistaken-for-relaxation": {"sharing_buys": "b"},
        "no-final-training": {"sharing_buys": "d"},
        "one-kind-of-cell": {"numbers_per_step": 14 * 8},
        "edges-only": {"numbers_per_step": 28},
        "none-has-no-logit": {"numbers_per_step": 2 * 14 * 7},
        "one-set-per-cell": {"numbers_per_step": 8 * 14 * 8 * 2},
        "weight-step-forgotten": {"passes_first_order": 1},
        "one-pass-forgotten": {"passes_second_order": 4},
        "finite-difference-forgotten": {"passes_second_order": 3},
        "memory-is-a-price": {"not_a_price": "a"},
        "collapse-is-a-price": {"not_a_price": "c"},
        "not-a-choice": {"not_a_price": "f"},
        "not-a-number": {"search_factor": "500"},
    },
)
right_value("08.2", "rounded by hand", {**WHY_FAST, "whole_factor": 308})
right_value(
    "08.2",
    "as numpy and torch numbers, letters in capitals",
    {
        key: value.upper() if isinstance(value, str) else np.float32(value)
        for key, value in WHY_FAST.items()
    }
    | {"sharing_factor": torch.tensor(4000)},
)

TWO_HALVES = {
    "picked_on_train": 0,
    "picked_on_valid": 10,
    "alpha_is_like": "b",
    "images_for_weights": 25_000,
    "test_images_in_search": 0,
    "worse_than_random": 2,
    "smallest_gain": 0.56,
    "why_skips_win": "b",
    "splitting_prevents_collapse": False,
    "third_part_needed": True,
}
wrong_values(
    "08.5",
    TWO_HALVES,
    {
        "validation-column-read": {"picked_on_train": 10},
        "largest-loss-picked": {"picked_on_train": 100},
        "training-column-read": {"picked_on_valid": 0},
        "alpha-is-a-weight": {"alpha_is_like": "a"},
        "whole-training-set": {"images_for_weights": 50_000},
        "test-set-split": {"images_for_weights": 30_000},
        "test-set-used": {"test_images_in_search": 10_000},
        "one-row-overlooked": {"worse_than_random": 1},
        "first-order-counted": {"worse_than_random": 3},
        "largest-gain": {"smallest_gain": 4.16 - 2.76},
        "worst-single-level": {"smallest_gain": 4.16 - 3.00},
        "best-bilevel": {"smallest_gain": 3.56 - 2.76},
        "cost-in-the-loss": {"why_skips_win": "a"},
        "splitting-cures-all": {"splitting_prevents_collapse": True},
        "validation-reported": {"third_part_needed": False},
    },
)
right_value("08.5", "the model answer", TWO_HALVES)
right_value(
    "08.5",
    "floats, and the gain with floating-point dust",
    {**TWO_HALVES, "picked_on_train": 0.0, "picked_on_valid": 10.0, "smallest_gain": 3.56 - 3.0},
)

SETTINGS = {
    "epochs": 50,
    "weight_learning_rate": 0.025,
    "minimum_learning_rate": 0.001,
    "alpha_learning_rate": 0.0003,
    "alpha_weight_decay": 0.001,
    "skip_strength": 0.0,
}
RECIPE = {"epochs": 100, "learning_rate": 0.025, "weight_decay": 0.0003, "cutout": 16}
EQUAL = {"baseline": RECIPE, "regularised": RECIPE, "random": RECIPE}
PENALISED = {**SETTINGS, "skip_strength": 0.1}
PLAN = {
    "baseline": SETTINGS,
    "regularised": PENALISED,
    "seeds": [0, 1, 2],
    "retraining": EQUAL,
    "random_cells": "c",
    "outcome": "c",
}
LESSON = {**PENALISED, "minimum_learning_rate": 0.0, "alpha_weight_decay": 0.0}
wrong_values(
    "08.10",
    PLAN,
    {
        "minimum-learning-rate-differs": {"regularised": LESSON},
        "alpha-weight-decay-differs": {"regularised": {**PENALISED, "alpha_weight_decay": 0.0}},
        "epochs-differs": {"regularised": {**PENALISED, "epochs": 25}},
        "alpha-learning-rate-differs": {"regularised": {**PENALISED, "alpha_learning_rate": 0.003}},
        "nothing-differs": {"regularised": SETTINGS},
        "baseline-penalised": {"baseline": PENALISED},
        "skips-rewarded": {"regularised": {**SETTINGS, "skip_strength": -0.1}},
        "too-few-seeds": {"seeds": [0]},
        "seed-repeated": {"seeds": [1, 1, 1]},
        "seeds-not-listed": {"seeds": 3},
        "retraining-differs": {"retraining": {**EQUAL, "regularised": {**RECIPE, "epochs": 200}}},
        "random-retrained-differently": {
            "retraining": {**EQUAL, "random": {**RECIPE, "cutout": 0}}
        },
        "no-retraining": {"retraining": {group: {**RECIPE, "epochs": 0} for group in EQUAL}},
        "recipe-not-numbers": {
            "retraining": {group: {**RECIPE, "cutout": "yes"} for group in EQUAL}
        },
        "random-cells-left-out": {"random_cells": "a"},
        "random-cells-not-matched": {"random_cells": "b"},
        "random-cells-without-skips": {"random_cells": "d"},
        "supernet-accuracy-as-outcome": {"outcome": "a"},
        "skip-count-as-outcome": {"outcome": "b"},
        "parameters-as-outcome": {"outcome": "d"},
        "best-epoch-on-test": {"outcome": "e"},
    },
)
right_value("08.10", "three seeds", PLAN)
right_value(
    "08.10",
    "other numbers, seeds as an array, stronger penalty, short retraining",
    {
        "baseline": {**SETTINGS, "epochs": 20, "alpha_weight_decay": 0.0},
        "regularised": {**PENALISED, "epochs": 20, "alpha_weight_decay": 0.0, "skip_strength": 1},
        "seeds": np.arange(10, 16),
        "retraining": {group: {**RECIPE, "epochs": 30} for group in EQUAL},
        "random_cells": "C",
        "outcome": " c ",
    },
)
