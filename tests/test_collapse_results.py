"""The files behind chapter 09 belong together: settings, seeds, parts of the space, the table."""

import json
from pathlib import Path

import pytest

from nas_course import tabular
from nas_course.spaces import NASBench201Space

RESULTS = Path(__file__).resolve().parents[1] / "results"
COLLAPSE, PILOT, BIAS = (
    json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    for name in ("collapse", "collapse_pilot", "space_bias")
)


def test_the_pilot_tries_the_setting_that_was_taken_and_its_neighbours_with_other_seeds():
    assert PILOT["settings"] == COLLAPSE["settings"]
    assert PILOT["taken"] == {
        "cells": COLLAPSE["cells"],
        "alpha_rate": COLLAPSE["settings"]["alpha_learning_rate"],
        "images": COLLAPSE["images"],
        "epochs": COLLAPSE["epochs"],
    }
    variants = {tuple(row[name] for name in PILOT["taken"]) for row in PILOT["rows"]}
    assert tuple(PILOT["taken"].values()) in variants and len(variants) == 16
    assert len(PILOT["rows"]) == len(variants) * len(PILOT["seeds"])
    assert not {row["seed"] for row in PILOT["rows"]} & {row["seed"] for row in COLLAPSE["rows"]}


def test_searches_in_a_part_of_the_space_have_the_setting_of_the_collapse():
    assert BIAS["settings"] == COLLAPSE["settings"]
    assert (BIAS["images"], BIAS["epochs"]) == (COLLAPSE["images"], COLLAPSE["epochs"])
    runs = [(row["part"], row["cells"], row["seed"]) for row in BIAS["rows"]]
    assert len(set(runs)) == len(runs) == len(BIAS["parts"]) * 2 * 4


def test_in_the_whole_space_they_are_the_same_searches():
    whole = {
        (row["cells"], row["seed"]): row["architecture"]
        for row in BIAS["rows"]
        if row["part"] == "all five"
    }
    plain = {
        (row["cells"], row["seed"]): row["architecture"]
        for row in COLLAPSE["rows"]
        if row["method"] == "darts-1st" and row["cells"] in (1, 5)
    }
    assert whole == plain


@pytest.mark.parametrize("report", [PILOT, BIAS], ids=["pilot", "bias"])
def test_accuracies_are_those_of_the_table(report):
    table = tabular.load()
    for row in report["rows"]:
        cell = NASBench201Space(report.get("parts", {}).get(row.get("part")) or WHOLE).parse(
            row["architecture"]
        )
        seeds = [table.query(cell, seed).test_accuracy for seed in table.seeds(cell)]
        assert row["test_accuracy"] == pytest.approx(sum(seeds) / len(seeds), abs=1e-6)


WHOLE = NASBench201Space().operations
