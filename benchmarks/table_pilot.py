"""Compare protocols for the tabular benchmark: cost of a cell, and what its rank is worth.

    python benchmarks/table_pilot.py --out results/table_pilot.json --published nasbench201.csv.gz

Every protocol trains the same uniformly drawn cells with the same two seeds. It should rank them
alike with both seeds, and like the published accuracies after 200 epochs (columns `arch` and
`c10_test_200` of the file, which does not come with the package). Run again, it goes on where it
was stopped.
"""

import argparse
import contextlib
import csv
import gzip
import json
import platform
from dataclasses import replace
from pathlib import Path
from time import process_time

import numpy as np
import torch
from scipy.stats import spearmanr

from nas_course.spaces import NASBench201Space
from nas_course.storage import write_file
from nas_course.tabular.protocol import Protocol, train_cell

CHOSEN = Protocol()
VARIANTS = {  # all visit as many images as the chosen protocol
    "chosen": {},
    "long warm-up": {"warm_up": 0.15},
    "3 long epochs": {"epochs": 3, "train_images": 7680},
    "8x8 map, 16 channels": {"image_size": 32, "channels": 16},
    "bfloat16": {},
    "batches of 128": {"batch_size": 128, "learning_rate": 0.2},
}
SEEDS = (0, 1)


def measure(protocol, cells, precision):
    """Train all cells with both seeds; return their accuracies and processor seconds."""
    images = protocol.load()
    started = process_time()
    with precision:
        rows = [[train_cell(cell, protocol, seed, images) for cell in cells] for seed in SEEDS]
    total = (process_time() - started) / (len(SEEDS) * len(cells))
    seconds = np.mean([[row.seconds for row in line] for line in rows])
    curves = np.array([[row.valid_accuracy for row in line] for line in rows])
    tests = np.array([[row.test_accuracy for row in line] for line in rows])
    return curves, tests, {"training_seconds": float(seconds), "all_seconds": total}


def summary(curves, tests, published):
    """Rank correlations (Spearman) and the spread of the accuracies."""
    found = {
        "two_seeds_valid": rank(curves[0, :, -1], curves[1, :, -1]),
        "two_seeds_test": rank(*tests),
        "epochs_with_last": [rank(epoch, curves[0, :, -1]) for epoch in curves[0].T],
        "worst_median_best": [float(f(tests)) for f in (np.min, np.median, np.max)],
        "sd_of_seeds": float(np.sqrt(tests.var(axis=0, ddof=1).mean())),
        "sd_between_cells": float(tests.mean(axis=0).std(ddof=1)),
    }
    if published is not None:
        found["published"] = [rank(line, published) for line in tests]
    return found


def rank(a, b):
    return float(spearmanr(a, b).statistic)


def read_published(path, cells):
    if path is None:
        return None
    with gzip.open(path, "rt", encoding="utf-8") as file:
        values = {row["arch"]: float(row["c10_test_200"]) for row in csv.DictReader(file)}
    return np.array([values[str(cell)] for cell in cells])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--published", type=Path, default=None)
    parser.add_argument("--cells", type=int, default=24)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    space, rng = NASBench201Space(), np.random.default_rng(1)
    cells = [space.sample(rng) for _ in range(arguments.cells)]
    published = read_published(arguments.published, cells)
    report = {
        "command": f"python benchmarks/table_pilot.py --out {arguments.out} --published FILE",
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "cells": len(cells),
        "protocol": CHOSEN.describe(),
        "variants": {},
    }
    if arguments.out.exists():
        report["variants"] = json.loads(arguments.out.read_text(encoding="utf-8"))["variants"]
    for name, changes in VARIANTS.items():
        if name in report["variants"]:
            continue
        half = torch.autocast("cpu", torch.bfloat16)
        precision = half if name == "bfloat16" else contextlib.nullcontext()
        curves, tests, cost = measure(replace(CHOSEN, **changes), cells, precision)
        found = {"changes": changes, **cost, **summary(curves, tests, published)}
        report["variants"][name] = found
        write_file(arguments.out, json.dumps(report, indent=1).encode())
        print(name, json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
