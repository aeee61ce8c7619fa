"""Answers to 01.2, 01.5 and 01.8: choices and numbers."""

import numpy as np

from answers_01 import right_value, wrong_values

LEVELS = {
    "first_layer_weights": "inner",
    "output_bias": "inner",
    "depth": "outer",
    "activation": "outer",
    "dropout": "outer",
    "learning_rate": "outer",
    "seed": "neither",
    "test_rows": "neither",
    "inner_loss": "train",
    "outer_loss": "valid",
    "kind": "c",
    "one_level": "b",
}
wrong_values(
    "01.2",
    LEVELS,
    {
        "first-layer-weights-outer": {"first_layer_weights": "outer"},
        "output-bias-outer": {"output_bias": "outer"},
        "depth-inner": {"depth": "inner"},
        "activation-inner": {"activation": "inner"},
        "dropout-inner": {"dropout": "inner"},
        "dropout-neither": {"dropout": "neither"},
        "learning-rate-inner": {"learning_rate": "inner"},
        "learning-rate-neither": {"learning_rate": "neither"},
        "seed-outer": {"seed": "outer"},
        "seed-inner": {"seed": "inner"},
        "test-rows-outer": {"test_rows": "outer"},
        "test-rows-inner": {"test_rows": "inner"},
        "inner-on-valid": {"inner_loss": "valid"},
        "inner-on-test": {"inner_loss": "test"},
        "outer-on-train": {"outer_loss": "train"},
        "outer-on-test": {"outer_loss": "test"},
        "called-nas-only": {"kind": "a"},
        "called-hpo-only": {"kind": "b"},
        "called-weight-sharing": {"kind": "d"},
        "levels-equal": {"one_level": "a"},
        "one-level-slower": {"one_level": "c"},
        "one-level-random": {"one_level": "d"},
        "not-a-choice": {"depth": "both"},
        "part-not-answered": {"activation": ...},
    },
)
right_value("01.2", "the model answer", LEVELS)
right_value("01.2", "capitals and blanks", {k: f" {v.capitalize()} " for k, v in LEVELS.items()})

BUDGETS = {
    "evolution": 500,
    "reinforcement": 50,
    "gradient": 100,
    "random_draws": 50,
    "episodes": 50,
    "mixed_epochs": 490,
    "conclusion": "c",
}
wrong_values(
    "01.5",
    BUDGETS,
    {
        "evaluations-not-epochs": {"evolution": 50},
        "one-generation": {"evolution": 100},
        "elites-not-trained-anew": {"evolution": 300},
        "episodes-not-epochs": {"reinforcement": 5},
        "population-in-rl": {"reinforcement": 500},
        "retraining-forgotten": {"gradient": 50},
        "retrained-for-ten": {"gradient": 60},
        "epochs-as-draws": {"random_draws": 500},
        "budget-of-rl": {"random_draws": 5},
        "one-population": {"random_draws": 10},
        "epochs-as-episodes": {"episodes": 500},
        "episodes-ratio": {"episodes": 10},
        "final-training-unpaid": {"mixed_epochs": 500},
        "final-training-of-fifty": {"mixed_epochs": 450},
        "old-budget": {"mixed_epochs": 50},
        "old-cost-deducted": {"mixed_epochs": 400},
        "unequal-budget-believed": {"conclusion": "a"},
        "half-believed": {"conclusion": "b"},
        "crossover-blamed": {"conclusion": "d"},
        "not-a-number": {"gradient": "100"},
    },
)
right_value("01.5", "the model answer", BUDGETS)
right_value(
    "01.5",
    "as floats and numpy numbers",
    {k: v if isinstance(v, str) else np.float64(v) for k, v in BUDGETS.items()},
)

CLAIMS = {
    "smallest": 450,
    "largest": 14_933,
    "evolution_smallest": 787.5,
    "same_trick": "enas",
    "enas_ratio": 0.333,
    "inverted_bottleneck": "b",
}
wrong_values(
    "01.8",
    CLAIMS,
    {
        "larger-of-both-figures": {"smallest": 2000 / 4},
        "divided-by-first-order": {"smallest": 1800 / 1.5},
        "enas-above": {"smallest": 0.5 / 4},
        "evolution-above": {"smallest": 3150 / 4},
        "upside-down": {"smallest": 4 / 1800},
        "second-order-below": {"largest": 22400 / 4},
        "nasnet-above": {"largest": 2000 / 1.5},
        "evolution-for-largest": {"largest": 3150 / 1.5},
        "enas-below": {"largest": 22400 / 0.5},
        "evolution-first-order": {"evolution_smallest": 3150 / 1.5},
        "rl-for-evolution": {"evolution_smallest": 450},
        "nasnet-shares-nothing": {"same_trick": "nasnet"},
        "zoph-le-share-nothing": {"same_trick": "zoph-le"},
        "ratio-turned": {"enas_ratio": 3},
        "second-order-taken": {"enas_ratio": 0.5 / 4},
        "reversed-history": {"inverted_bottleneck": "a"},
        "not-evolution": {"inverted_bottleneck": "c"},
        "not-from-theory": {"inverted_bottleneck": "d"},
    },
)
right_value("01.8", "rounded by hand", CLAIMS)
right_value("01.8", "exact", {**CLAIMS, "largest": 22400 / 1.5, "enas_ratio": 1 / 3})
