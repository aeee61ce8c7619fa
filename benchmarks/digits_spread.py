"""Measure on digits where random cells differ by more than the seeds of their training do.

    python benchmarks/digits_spread.py --out results/digits_spread.json

For each setting, the same random DARTS cells are trained from scratch with the same seeds, and
the variance of the test accuracy is split in two: between cells and within a cell (seeds). Then
the same for cells of one operation throughout, which lie at the edges of the space. Run again,
it goes on where it was stopped.
"""

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np
import torch

from nas_course import data, models, spaces
from nas_course.storage import write_file
from nas_course.training import Recipe, evaluate, fit

SETTINGS = (  # training images, cells, channels, epochs
    (200, 3, 4, 5),
    (200, 3, 4, 8),
    (400, 3, 4, 4),
    (700, 3, 4, 3),
    (200, 3, 4, 20),
)
CHOSEN = (200, 3, 4, 8)
ONE_OPERATION = ("max_pool_3x3", "skip_connect", "sep_conv_3x3", "dil_conv_5x5")
RANDOM_CELLS, SEEDS = 8, 3


def random_genotypes():
    rng = np.random.default_rng(0)
    return [spaces.DARTSSpace().sample(rng) for _ in range(RANDOM_CELLS)]


def one_operation_genotypes():
    cells = [((op, 0), (op, 1)) for op in ONE_OPERATION]
    return [spaces.Genotype(normal=(node,) * 4, reduce=(node,) * 4) for node in cells]


def accuracy(genotype, digits, recipe, cells, channels, seed):
    network = models.build_network(
        genotype,
        channels=channels,
        cells=cells,
        classes=digits.classes,
        in_channels=digits.in_channels,
        generator=torch.Generator().manual_seed(seed),
    )
    fit(network, digits.train, recipe, seed=seed)
    return evaluate(network, digits.test)["accuracy"]


def measure(genotypes, images, cells, channels, epochs):
    """Train every cell with every seed; return the accuracies and their variance components."""
    digits = data.load("digits", train_images=images, device="cpu")
    recipe = Recipe(
        epochs=epochs, batch_size=32, learning_rate=0.05, augment=data.augmentation_for("digits")
    )
    started = time.process_time()
    table = np.array(
        [[accuracy(g, digits, recipe, cells, channels, s) for s in range(SEEDS)] for g in genotypes]
    )
    cpu = (time.process_time() - started) / table.size
    return components(table) | {"cpu_seconds": cpu, "accuracies": table.tolist()}


def components(table):
    """One-way analysis of variance: rows are cells, columns are repetitions.

    within^2 = mean square within rows; between^2 = (mean square between - within^2) / columns,
    not below 0; f is the ratio of the two mean squares.
    """
    columns = table.shape[1]
    within = table.var(axis=1, ddof=1).mean()
    between = table.mean(axis=1).var(ddof=1) * columns
    return {
        "mean": float(table.mean()),
        "sd_between_cells": float(max(0.0, (between - within) / columns) ** 0.5),
        "sd_of_seeds": float(within**0.5),
        "f": float(between / within),
        "cell_means": table.mean(axis=1).tolist(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    report = {
        "command": f"python benchmarks/digits_spread.py --out {out.as_posix()}",
        "versions": {"python": platform.python_version(), "torch": str(torch.__version__)},
        "seeds": SEEDS,
        "one_operation": ONE_OPERATION,
        "rows": json.loads(out.read_text(encoding="utf-8"))["rows"] if out.exists() else [],
    }
    plans = [("one operation", one_operation_genotypes(), CHOSEN)]
    plans += [("random", random_genotypes(), setting) for setting in SETTINGS]
    for kind, genotypes, setting in plans:
        names = ("images", "cells", "channels", "epochs")
        row = {"genotypes": kind} | dict(zip(names, setting, strict=True))
        if any(row.items() <= done.items() for done in report["rows"]):
            continue
        report["rows"].append(row | measure(genotypes, *setting))
        write_file(out, json.dumps(report, indent=1).encode() + b"\n")
        print(json.dumps(report["rows"][-1]), flush=True)


if __name__ == "__main__":
    main()
