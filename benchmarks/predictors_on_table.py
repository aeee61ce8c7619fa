"""Measure how predictors rank the cells of the table, by encoding and number of examples.

    python benchmarks/predictors_on_table.py --out results/predictors.json

Each predictor learns the validation accuracies of n cells and is asked for held-out ones, drawn
uniformly among the table's. Beside it stand two baselines: the number of parameters, which needs
no example, and the mean of the examples, which looks at no cell.
"""

import argparse
import json
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch

from nas_course import spaces, tabular
from nas_course.estimation import spearman
from nas_course.estimation.predictors import (
    ForestPredictor,
    MeanPredictor,
    MLPEnsemble,
    RidgeEnsemble,
)
from nas_course.spaces.encodings import adjacency, paths
from nas_course.storage import write_file

SPACE = spaces.get("nas-bench-201")
ENCODINGS = {
    "one-hot": SPACE.encode,
    "adjacency": partial(adjacency, SPACE),
    "paths": partial(paths, SPACE),
}
PREDICTORS = {"ridge": RidgeEnsemble, "forest": ForestPredictor, "mlp": MLPEnsemble}
EXAMPLES = (20, 50, 100, 200, 400)


def judge(predictor, train, test, table):
    """Fit and predict; return rank correlation, mean error, and how the spread fits the errors."""
    cells = table.architectures
    started = time.process_time()
    predictor.fit([cells[row] for row in train], table.valid[train, -1].tolist())
    mean, spread = predictor.predict([cells[row] for row in test])
    errors = np.abs(mean - table.valid[test, -1])
    return {
        "spearman": spearman(mean, table.test[test]),
        "mean_absolute_error": float(errors.mean()),
        "spread_against_error": spearman(spread, errors),
        "cpu_seconds": time.process_time() - started,
    }


def candidates():
    """Yield (predictor, encoding, callable seed -> predictor)."""
    yield "mean", "none", lambda seed: MeanPredictor()
    for name, kind in PREDICTORS.items():
        for code, encode in ENCODINGS.items():
            yield name, code, partial(_make, kind, encode)


def _make(kind, encode, seed):
    return kind(encode, seed=seed)


def summary(runs):
    """Mean and standard deviation over repetitions; None where a number is not defined."""
    row = {}
    for key in runs[0]:
        values = np.array([run[key] for run in runs])
        defined = bool(np.isfinite(values).all())
        row[key] = [round(float(f(values)), 4) for f in (np.mean, np.std)] if defined else None
    return row


def measure(table, repetitions, held_out):
    orders = [np.random.default_rng(seed).permutation(len(table)) for seed in range(repetitions)]
    rows = []
    for name, code, make in candidates():
        for n in EXAMPLES:
            runs = [
                judge(make(seed), order[held_out : held_out + n], order[:held_out], table)
                for seed, order in enumerate(orders)
            ]
            rows.append({"predictor": name, "encoding": code, "examples": n, **summary(runs)})
            print(json.dumps(rows[-1]), flush=True)
    tests = [order[:held_out] for order in orders]
    counted = [spearman(table.parameters[test], table.test[test]) for test in tests]
    return rows, [round(float(f(counted)), 4) for f in (np.mean, np.std)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("results/predictors.json"))
    parser.add_argument("--table", type=Path, help="another table than the shipped one")
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--held-out", type=int, default=1000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = tabular.load(options.table) if options.table else tabular.load()
    rows, parameters = measure(table, options.repetitions, options.held_out)
    print(f"Spearman of the number of parameters: {parameters[0]:.2f}")
    stored = {
        "command": "python benchmarks/predictors_on_table.py",
        "table_complete": bool(table.complete),
        "repetitions": options.repetitions,
        "held_out": options.held_out,
        "each_number": "mean and standard deviation over the repetitions",
        "spearman_of_parameters": parameters,
        "rows": rows,
    }
    write_file(options.out, json.dumps(stored, indent=1).encode())


if __name__ == "__main__":
    main()
