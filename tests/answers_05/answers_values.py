"""Answers to 05.1: words, letters and costs."""

import numpy as np

from answers_05 import right_value, wrong_values

REASONS = {
    "uniform": "nothing",
    "epsilon_listing": "best",
    "ageing": "population",
    "controller": "distribution",
    "constant_input": "distribution",
    "state": "b",
    "action": "a",
    "reward": "c",
    "hours_per_child": 42,
    "nasnet_saves": 12.4,
    "children_for_enas": 0.286,
    "enas_shares": "b",
    "enas_keeps": "c",
}
wrong_values(
    "05.1",
    REASONS,
    {
        "uniform-best": {"uniform": "best"},
        "uniform-distribution": {"uniform": "distribution"},
        "uniform-population": {"uniform": "population"},
        "epsilon-listing-distribution": {"epsilon_listing": "distribution"},
        "epsilon-listing-nothing": {"epsilon_listing": "nothing"},
        "epsilon-listing-population": {"epsilon_listing": "population"},
        "ageing-best": {"ageing": "best"},
        "ageing-nothing": {"ageing": "nothing"},
        "ageing-distribution": {"ageing": "distribution"},
        "controller-best": {"controller": "best"},
        "controller-nothing": {"controller": "nothing"},
        "controller-population": {"controller": "population"},
        "constant-input-nothing": {"constant_input": "nothing"},
        "constant-input-best": {"constant_input": "best"},
        "constant-input-population": {"constant_input": "population"},
        "state-is-the-action": {"state": "a", "action": "b"},
        "state-is-the-reward": {"state": "c"},
        "state-is-the-weights": {"state": "d"},
        "action-is-the-state": {"action": "b"},
        "action-is-the-reward": {"action": "c"},
        "action-is-the-weights": {"action": "d"},
        "reward-is-the-action": {"reward": "a"},
        "reward-is-the-state": {"reward": "b"},
        "reward-is-the-weights": {"reward": "d"},
        "days-per-child": {"hours_per_child": 800 * 28 / 12800},
        "one-gpu-only": {"hours_per_child": 28 * 24 / 12800},
        "children-per-hour": {"hours_per_child": 12800 / (800 * 28 * 24)},
        "children-left-out": {"hours_per_child": 28 * 24},
        "hours-of-all-children": {"hours_per_child": 800 * 28 * 24},
        "five-hundred-gpus": {"nasnet_saves": 22400 / 2000},
        "turned-over": {"nasnet_saves": 1800 / 22400},
        "gpus-only": {"nasnet_saves": 800 / 450},
        "days-only": {"nasnet_saves": 28 / 4},
        "child-over-enas": {"children_for_enas": 42 / 12},
        "days-over-hours": {"children_for_enas": 0.5 / 42},
        "whole-day": {"children_for_enas": 24 / 42},
        "none-of-them": {"children_for_enas": 0},
        "enas-frozen": {"enas_shares": "a"},
        "enas-copies-rewards": {"enas_shares": "c"},
        "enas-only-shorter": {"enas_shares": "d"},
        "enas-trains-children": {"enas_keeps": "a"},
        "enas-many-children": {"enas_keeps": "b"},
        "enas-relaxes": {"enas_keeps": "d"},
        "not-a-choice": {"state": "tokens"},
        "part-not-answered": {"reward": ...},
        "not-a-number": {"nasnet_saves": "12"},
    },
)
right_value("05.1", "rounded by hand", REASONS)
right_value(
    "05.1",
    "numpy numbers, capitals and blanks",
    {
        key: f" {value.capitalize()}" if isinstance(value, str) else np.float64(value)
        for key, value in REASONS.items()
    },
)
