"""Two small exercises, their honest notebook and the means to grade notebooks in tests."""

import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.expect import expect_array, expect_close, expect_equal
from nas_course.grading.grader import Grader
from nas_course.grading.limits import Limits

CANARY = "canary-5e1f-a77c"  # stands for whatever a hidden test must not leak
CHAPTER = "99_samples"
POINTS = 6
PATIENCE = 200.0  # seconds that nothing honest needs, on however slow a machine


def softmax(values):
    weights = np.exp(values - np.max(values))
    return weights / weights.sum()


def _length(ask, rng):
    values = rng.normal(size=5).tolist()
    expect_array(ask(values), (5,))


def _by_hand(ask, rng):
    close(ask([0.0, 0.0]), [0.5, 0.5], "not-normalised")


def _random_cases(ask, rng):
    for size in rng.integers(2, 9, size=4):
        values = rng.normal(size=size)
        close(ask(values.tolist()), softmax(values), "other-weights")


def close(got, expected, code):
    expect_close(got, expected, code=code, cause=f"Other weights. {CANARY}", next_step="Divide.")


def _count(ask, rng):
    expect_equal(ask.value(), 14, code="not-14", cause="Other count.", next_step="Count again.")


WEIGHTS = Exercise(
    "99.1",
    CHAPTER,
    "Mixing weights",
    "weights",
    (Stage("length", 1, _length), Stage("by hand", 1, _by_hand), Stage("random", 2, _random_cases)),
)
EDGES = Exercise("99.2", CHAPTER, "Edges of a cell", "edges", (Stage("count", 2, _count),))
EXERCISES = {exercise.id: exercise for exercise in (WEIGHTS, EDGES)}

RIGHT_WEIGHTS = """
import math
def weights(values):
    powers = [math.exp(value) for value in values]
    return [power / sum(powers) for power in powers]
"""
RIGHT_EDGES = "edges = 2 + 3 + 4 + 5"
IMPORT = "from nas_course.grading import check"
CHECKS = ('check("99.1", weights)', 'check("99.2", edges)')
HONEST = (IMPORT, RIGHT_WEIGHTS, CHECKS[0], RIGHT_EDGES, CHECKS[1])


def write_notebook(path: Path, cells, **fields) -> Path:
    """Write a notebook of code cells; `fields` replace parts of the file."""
    content = {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(cells)
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "x", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps({**content, **fields}), encoding="utf-8")
    return path


def grader(seconds=PATIENCE, without=(), **limits) -> Grader:
    return Grader(
        EXERCISES, 12345, Limits(seconds=seconds, cell_seconds=seconds, **limits), without
    )


def seconds_for(attack) -> float:
    """Few where time must run out; elsewhere another limit must be met before."""
    expected = (attack.weights, attack.edges, *attack.stopped)
    return 5.0 if "time-limit" in expected else PATIENCE


def as_bytes(report) -> bytes:
    """A report without the name of its file."""
    return json.dumps({**report.to_dict(), "file": ""}, sort_keys=True).encode()


def codes(report) -> dict:
    return {part.exercise: part.diagnosis and part.diagnosis.code for part in report.reports}


def require(isolation, *protections) -> None:
    """Skip where the machine lacks one of these protections; but in CI fail."""
    lacking = {name: isolation.get(name) for name in protections if isolation.get(name) != ""}
    if lacking and os.environ.get("CI"):
        pytest.fail(f"CI must have these protections: {lacking}", pytrace=False)
    if lacking:
        pytest.skip(f"not offered by this machine: {lacking}")


class Watch:
    """Sends the graders' folders below `folder`, so that every process of theirs is recognised."""

    def __init__(self, folder: Path, monkeypatch) -> None:
        self.folder = folder / "grading"
        self.folder.mkdir()
        self.folder.chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", str(self.folder))

    def leftovers(self, marker: str) -> list:
        """Processes and folders that do not go away."""
        end = time.monotonic() + 30.0
        while (found := self._now(marker)) and time.monotonic() < end:
            time.sleep(0.05)
        return found

    def _now(self, marker: str) -> list:
        own = {os.getpid(), os.getppid()}
        found = []
        for process in psutil.process_iter(["pid", "cmdline", "environ"]):
            told = f"{process.info['cmdline']} {process.info['environ']}"
            if process.info["pid"] not in own and (str(self.folder) in told or marker in told):
                found.append(process)
        return found + list(self.folder.iterdir())
