"""Answers to 04.1: probabilities, ranks, bills."""

import math

import numpy as np

from answers_04 import right_value, wrong_values

BILL = {
    "missed": 0.364,
    "draws": 299,
    "rank": 10,
    "rank_twice": 5,
    "evolution": 70,
    "genetic": 191,
    "last_random": 40,
    "fair": "b",
}
wrong_values(
    "04.1",
    BILL,
    {
        "found-not-missed": {"missed": 1 - 0.98**50},
        "chances-added": {"missed": 1 - 50 * 0.02},
        "one-draw-only": {"missed": 0.98},
        "share-of-twenty": {"missed": 0.8**50},
        "missed-wrong": {"missed": 0.5},
        "rounded-down": {"draws": math.floor(math.log(0.05) / math.log(0.99))},
        "chances-summed": {"draws": 95},
        "one-in-a-hundred": {"draws": 100},
        "sides-swapped": {"draws": math.ceil(math.log(0.95) / math.log(0.99))},
        "one-per-cent-error": {"draws": math.ceil(math.log(0.01) / math.log(0.99))},
        "draws-wrong": {"draws": math.log(0.05) / math.log(0.99)},
        "number-of-better-ones": {"rank": (999 - 99) / (99 + 1)},
        "ones-forgotten": {"rank": 999 / 99},
        "rank-of-one-draw": {"rank": (999 + 1) / (1 + 1)},
        "best-found": {"rank": 1},
        "share-not-rank": {"rank": (99 + 1) / (999 + 1)},
        "draws-do-not-help": {"rank_twice": 10},
        "rank-doubled": {"rank_twice": 20},
        "halved-twice": {"rank_twice": 2.5},
        "population-times-generations": {"evolution": 20 * 50},
        "start-unpaid": {"evolution": 50},
        "children-unpaid": {"evolution": 20},
        "elite-in-aging-evolution": {"evolution": 69},
        "elites-trained-again": {"genetic": 20 * 10},
        "elite-at-the-start": {"genetic": 10 * 19},
        "one-generation-too-many": {"genetic": 20 + 10 * 19},
        "one-child-a-generation": {"genetic": 20 + 9},
        "birth-not-death": {"last_random": 20},
        "first-not-last": {"last_random": 21},
        "one-too-early": {"last_random": 39},
        "one-too-late": {"last_random": 41},
        "never-dead": {"last_random": 70},
        "start-given-away": {"fair": "a"},
        "random-search-favoured": {"fair": "c"},
        "one-seed-believed": {"fair": "d"},
        "not-a-choice": {"fair": "e"},
        "not-a-number": {"genetic": "191"},
        "part-not-answered": {"evolution": ...},
    },
)
wrong_values(
    "04.1",
    BILL,
    {
        "start-unpaid": {"genetic": 9 * 19},
        "ones-forgotten": {"rank_twice": 999 / 199},
        "population-times-generations": {"evolution": 20 + 20 * 50},
    },
)
right_value("04.1", "rounded by hand", BILL)
right_value(
    "04.1",
    "numpy numbers, a capital letter",
    {
        "missed": np.power(0.98, 50),
        "draws": np.ceil(np.log(0.05) / np.log(0.99)),
        "rank": np.float64(1000 / 100),
        "rank_twice": 5.0,
        "evolution": np.int64(70),
        "genetic": 1 + 19 * 10,
        "last_random": 2 * 20,
        "fair": "B",
    },
)
