"""Measure how zero-cost proxies rank the cells of the table, beside counting parameters.

    python benchmarks/zero_cost_on_table.py --out results/zero_cost.json

Cells are drawn uniformly among the table's (each stands for all that are the same network). Each
proxy sees the untrained network of the table's protocol, with the weights that training started
from, and one batch of training images; it is compared with the test accuracy in the table. The
images are those of the protocol (CIFAR-10).
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from nas_course import tabular
from nas_course.estimation import bootstrap, kendall, spearman
from nas_course.estimation.zero_cost import BASELINES, PROXIES
from nas_course.storage import write_file
from nas_course.tabular.protocol import Protocol, build

SEED = 0
DRAWS = 1000
BASELINE = BASELINES[0]


def score(cells, protocol, data, batch):
    """Return {proxy: (values, CPU seconds)}, arrays with one number for each cell."""
    images, labels = data.train.images[:batch], data.train.labels[:batch]
    found = {name: ([], []) for name in PROXIES}
    for cell in cells:
        network = build(cell, protocol, data, SEED)
        for name, proxy in PROXIES.items():
            started = time.process_time()
            found[name][0].append(float(proxy(network, images, labels)))
            found[name][1].append(time.process_time() - started)
    return {name: tuple(map(np.array, pair)) for name, pair in found.items()}


def ranked(values):
    """Put what is minus infinity just below everything else, as ranking asks for."""
    least = values[np.isfinite(values)].min()
    return np.where(np.isfinite(values), values, least - 1)


def interval(measured):
    return [round(number, 4) for number in (measured.value, measured.low, measured.high)]


def lead_over(values, baseline, truth, rng):
    """Spearman of the proxy less that of the baseline, on the same cells; bootstrap interval."""
    pair = np.arange(len(truth))

    def difference(rows, _):
        rows = rows.astype(int)
        return spearman(values[rows], truth[rows]) - spearman(baseline[rows], truth[rows])

    return bootstrap(difference, pair, pair, rng, resamples=DRAWS)


def measure(name, found, truth):
    rng = np.random.default_rng(SEED)
    values = ranked(found[name][0])
    lead = lead_over(values, ranked(found[BASELINE][0]), truth, rng)
    return {
        "spearman": interval(bootstrap(spearman, values, truth, rng, resamples=DRAWS)),
        "kendall": interval(bootstrap(kendall, values, truth, rng, resamples=DRAWS)),
        "spearman_less_that_of_parameters": interval(lead),
        "beats_parameters": name != BASELINE and lead.low > 0,
        "cpu_seconds_median": round(float(np.median(found[name][1])), 5),
        "infinite": int((~np.isfinite(found[name][0])).sum()),
    }


def report(results):
    for name, row in results.items():
        low, high = row["spearman"][1:]
        print(
            f"{name:20} Spearman {row['spearman'][0]:.2f} [{low:.2f}, {high:.2f}]  "
            f"Kendall {row['kendall'][0]:.2f}  {1000 * row['cpu_seconds_median']:.1f} ms"
        )
    beaten = [n for n, row in results.items() if n not in BASELINES and not row["beats_parameters"]]
    print(f"no better than counting parameters: {', '.join(beaten) or 'none of them'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("results/zero_cost.json"))
    parser.add_argument("--table", type=Path, help="another table than the shipped one")
    parser.add_argument("--cells", type=int, default=500)
    parser.add_argument("--batch", type=int, default=64)
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = tabular.load(options.table) if options.table else tabular.load()
    protocol = Protocol()
    count = min(options.cells, len(table))
    rows = np.random.default_rng(SEED).choice(len(table), size=count, replace=False)
    cells, truth = [table.architectures[row] for row in rows], table.test[rows].astype(float)
    found = score(cells, protocol, protocol.load(), options.batch)
    results = {name: measure(name, found, truth) for name in PROXIES}
    report(results)
    stored = {
        "command": "python benchmarks/zero_cost_on_table.py",
        "table_complete": bool(table.complete),
        "cells": count,
        "batch": options.batch,
        "against": "test accuracy, seed 0",
        "interval": f"95 %, bootstrap over cells, {DRAWS} draws",
        "proxies": results,
        "values": {name: [float(v) for v in ranked(found[name][0])] for name in PROXIES},
        "test_accuracy": [round(float(value), 5) for value in truth],
        "architectures": [str(cell) for cell in cells],
    }
    write_file(options.out, json.dumps(stored, indent=1).encode())


if __name__ == "__main__":
    main()
