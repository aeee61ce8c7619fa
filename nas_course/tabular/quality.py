"""What the table is worth: noise between seeds, plausibility, speed of look-ups."""

from __future__ import annotations

import csv
import gzip
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kendalltau, spearmanr

from nas_course.errors import InvalidInput
from nas_course.tabular.classes import SPACE
from nas_course.tabular.network import working_edges
from nas_course.tabular.table import Table

TOP = 0.1
PUBLISHED_COLUMN = "c10_test_200"
QUERIES = 100_000


def noise(table: Table) -> dict[str, float]:
    """Compare the seeds of the cells that were trained with all of them.

    Returns
    -------
    dict
        Rank correlations of two seeds, averaged over the pairs of seeds, of test and validation
        accuracy, over all repeated cells and over the `TOP` part (`..._top`); standard deviations
        of test accuracy, in points: of seeds (root mean variance), of cells (of their means).

    Raises
    ------
    InvalidInput
        The table has fewer than three seeds or three repeated cells.
    """
    if len(table.all_seeds) < 3 or len(table.repeated) < 3:
        raise InvalidInput(
            f"noise: {len(table.repeated)} cells have the seeds {table.all_seeds}; three cells "
            "with three seeds are needed. Go on with build-table."
        )
    test, valid = table.repeated_test, table.repeated_valid[:, :, -1]
    points = 100 * test.astype(np.float64)
    return {
        "cells": test.shape[1],
        "seeds": test.shape[0],
        "spearman_test": _agreement(test, _spearman),
        "kendall_test": _agreement(test, _kendall),
        "spearman_valid": _agreement(valid, _spearman),
        "kendall_valid": _agreement(valid, _kendall),
        "spearman_test_top": _agreement_of_top(test, _spearman),
        "kendall_test_top": _agreement_of_top(test, _kendall),
        "spearman_valid_top": _agreement_of_top(valid, _spearman),
        "sd_seeds": float(np.sqrt(points.var(axis=0, ddof=1).mean())),
        "sd_cells": float(points.mean(axis=0).std(ddof=1)),
    }


def plausibility(table: Table) -> dict[str, Any]:
    """Name the best, the median and the worst cell, and look at the disconnected ones."""
    order = np.argsort(table.test, kind="stable")
    picked = {"worst": order[0], "median": order[len(order) // 2], "best": order[-1]}
    dead = np.array([not working_edges(cell) for cell in table.architectures])
    return {
        **{name: (str(table.architectures[i]), float(table.test[i])) for name, i in picked.items()},
        "disconnected": int(dead.sum()),
        "disconnected_test": sorted({float(value) for value in table.test[dead]}),
        "worst_connected": float(table.test[~dead].min()),
    }


def fidelities(table: Table) -> list[float]:
    """Spearman correlation of validation accuracy after each epoch with the last one's."""
    return [_spearman(column, table.valid[:, -1]) for column in table.valid.T]


def with_published(table: Table, path: Path) -> dict[str, float]:
    """Correlate with published accuracies: a (gzipped) CSV file with the columns `arch` and
    `c10_test_200`, the test accuracy on CIFAR-10 after 200 epochs of full-size training.

    Returns
    -------
    dict
        Spearman and Kendall over all cells of the file, where cells of a class share a row, and
        over the part `TOP` with the highest published accuracy.
    """
    texts, published = read_published(path)
    ours = table.test[table.index(texts)]
    best = published >= np.quantile(published, 1 - TOP)
    return {
        "cells": len(texts),
        "spearman": _spearman(ours, published),
        "kendall": _kendall(ours, published),
        "spearman_top": _spearman(ours[best], published[best]),
    }


def read_published(path: Path) -> tuple[list[str], np.ndarray]:
    """Read the texts of the cells and their accuracies (percent)."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        accuracies = np.array([float(row[PUBLISHED_COLUMN]) for row in rows])
        return [row["arch"] for row in rows], accuracies
    except (OSError, KeyError, ValueError) as error:
        raise InvalidInput(
            f"{path}: cannot be read as a table with the columns arch and {PUBLISHED_COLUMN} "
            f"({error!r})."
        ) from error


def speed(table: Table) -> dict[str, float]:
    """Measure look-ups in a processor second: of one row each, of many texts, of many codes."""
    draws = np.random.default_rng(0).integers(len(table), size=QUERIES)
    cells = [table.architectures[draw] for draw in draws]
    texts = [str(cell) for cell in cells]
    codes = np.array([SPACE.indices(cell) for cell in cells])

    def one_by_one() -> None:
        for text in texts:
            table.query(text)

    actions: dict[str, Callable[[], object]] = {
        "one_by_one": one_by_one,
        "bulk_texts": lambda: table.test[table.index(texts)],
        "bulk_codes": lambda: table.test[table.index(codes)],
    }
    return {name: QUERIES / _processor_seconds(action) for name, action in actions.items()}


def _processor_seconds(action: Callable[[], object]) -> float:
    """Least of three repetitions: what disturbs only makes slower."""
    taken = []
    for _ in range(3):
        started = time.process_time()
        action()
        taken.append(time.process_time() - started)
    return max(min(taken), 1e-9)


def _agreement(values: np.ndarray, correlation: Callable) -> float:
    pairs = itertools.combinations(values, 2)
    return float(np.mean([correlation(a, b) for a, b in pairs]))


def _agreement_of_top(values: np.ndarray, correlation: Callable) -> float:
    """Correlate two seeds over the cells that are best by the other seeds.

    Chosen by the same two seeds, the top would consist of those that luck favoured twice.
    """
    count = round(TOP * values.shape[1])
    found = []
    for pair in itertools.combinations(range(len(values)), 2):
        others = [seed for seed in range(len(values)) if seed not in pair]
        top = np.argsort(values[others].mean(axis=0))[-count:]
        found.append(correlation(*values[list(pair)][:, top]))
    return float(np.mean(found))


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    return float(spearmanr(a, b).statistic)


def _kendall(a: np.ndarray, b: np.ndarray) -> float:
    return float(kendalltau(a, b).statistic)
