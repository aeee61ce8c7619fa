"""Search the mixed space with every strategy at equal budget, on many seeds.

    python benchmarks/mixed_space_search.py --out results/mixed_space_search.json

Reads results/mixed_space.npz. A search sees validation scores only. Recorded is what its choice
reaches on the test part, in the table and trained anew with other seeds. Search seed s uses deal
s mod 20 of the rows that do not train. The gradient search trains a relaxed network for as many
epochs as the others spend, minus those of training its choice.
"""

import argparse
import json
import platform
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import mse_loss

from nas_course.data import regression
from nas_course.estimation.mixed_table import MixedTable, deal
from nas_course.estimation.regression import (
    EPOCHS,
    mean_squared_error,
    r_squared,
    train,
)
from nas_course.models.mlp import RelaxedMLP
from nas_course.search import search
from nas_course.spaces import MixedDesign, MixedSpace
from nas_course.storage import write_file
from nas_course.strategies.black_box import (
    GeneticAlgorithm,
    RandomSearch,
    RegularizedEvolution,
    Reinforce,
)

TABLE = Path("results/mixed_space.npz")
SPACE = MixedSpace()
GRID = (5, 10, 20, 50, 100)  # evaluations at which the incumbent is judged
SEEDS = 100
ARTICLE_BUDGET = 50  # evaluations: the most that the article gave to any of its searches
FRESH_SEEDS = (1, 2)  # the table was trained with seed 0
FRESH_SEARCHES = 10  # searches whose choice is trained anew
GRADIENT_SEEDS = 6
# What the article's gradient search cannot choose stands fixed: its own values.
FIXED = MixedDesign(5, 32, "relu", 0.001, "adam", 0.0)


def strategies(seed):
    """All untuned: the population is the article's, the rest are the package's defaults."""
    return {
        "random": RandomSearch(SPACE, seed=seed),
        "genetic": GeneticAlgorithm(SPACE, seed=seed, population_size=10, crossover="uniform"),
        "regularized-evolution": RegularizedEvolution(
            SPACE, seed=seed, population_size=10, sample_size=5
        ),
        "reinforce": Reinforce(SPACE, seed=seed),
    }


def choices_on_grid(strategy, table, number):
    """Positions of the incumbent after each number of evaluations in GRID."""
    result = search(
        strategy, table.estimate(number), space=SPACE, evaluations=GRID[-1], progress=False
    )
    best, value, chosen = None, -1.0, []
    rows = [row for row in result.history.rows if not row["cached"]]
    for count, row in enumerate(rows, start=1):
        if row["value"] > value:
            best, value = SPACE.position(SPACE.parse(row["architecture"])), row["value"]
        if count in GRID:
            chosen.append(best)
    return chosen + [best] * (len(GRID) - len(chosen))


def black_box(name, table):
    """Scores of the choices of every seed: arrays (SEEDS, len(GRID)), as lists."""
    chosen = np.array(
        [
            choices_on_grid(strategies(seed)[name], table, seed % len(table.valid))
            for seed in range(SEEDS)
        ]
    )
    deals = np.arange(SEEDS)[:, None] % len(table.valid)
    return {
        "chosen": chosen.tolist(),
        "valid": table.valid[deals, chosen].round(4).tolist(),
        "test": table.test[deals, chosen].round(4).tolist(),
    }


def fresh(chosen, data):
    """Train choices anew and measure them on the test parts of their searches."""
    designs, networks, values = list(SPACE), {}, []
    for seed, position in enumerate(chosen):
        if position not in networks:
            networks[position] = [
                train(designs[position], data.train, seed=number) for number in FRESH_SEEDS
            ]
        test = deal(data, seed % 20).test
        errors = [mean_squared_error(network, test) for network in networks[position]]
        values.append(float(np.mean([r_squared(error, test) for error in errors])))
    return values


def relaxed_search(data, seed):
    """Train the mixture: weights on train, alphas on valid, in turn, first order (DARTS).

    An epoch is one step on all rows, as in the article. Its rate of the alphas, 0.001, would move
    them by 0.5 at most; here it is 0.02, and they start at 0.001 times a normal number.
    """
    relaxed = RelaxedMLP(data.features, FIXED.width, torch.Generator().manual_seed(seed))
    weights = torch.optim.Adam(relaxed.weights(), lr=0.01)
    alphas = torch.optim.Adam(relaxed.alphas.values(), lr=0.02)
    for _ in range(ARTICLE_BUDGET * EPOCHS - EPOCHS):
        for optimizer, rows in ((weights, data.train), (alphas, data.valid)):
            relaxed.zero_grad()
            mse_loss(relaxed(rows.inputs), rows.targets).backward()
            optimizer.step()
    return relaxed


def gradient(table, data):
    """What the relaxed search chooses, looked up with the article's learning rate and with 0.01."""
    rows = []
    for seed in range(GRADIENT_SEEDS):
        relaxed = relaxed_search(deal(data, seed), seed)
        depth, activation = relaxed.choice()
        row = {"seed": seed, "depth": depth, "activation": activation}
        for name, alpha in relaxed.alphas.items():
            row[f"{name}_weights"] = alpha.softmax(0).detach().numpy().round(3).tolist()
        for rate in (0.001, 0.01):
            design = replace(FIXED, depth=depth, activation=activation, learning_rate=rate)
            row[f"test_at_{rate}"] = round(float(table.test[seed, SPACE.position(design)]), 4)
        rows.append(row)
    return rows


def linear(data):
    """R² of least squares on the ten features, per deal: what no network is needed for."""
    values = []
    for number in range(20):
        dealt = deal(data, number)
        a, b = (torch.cat([p.inputs, torch.ones(len(p), 1)], 1) for p in (dealt.train, dealt.test))
        coefficients = torch.linalg.lstsq(a, dealt.train.targets[:, None]).solution
        error = mse_loss((b @ coefficients).squeeze(1), dealt.test.targets).item()
        values.append(round(r_squared(error, dealt.test), 4))
    return values


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    table, data = MixedTable.read(TABLE), regression.diabetes(seed=0)
    report = {
        "command": f"python benchmarks/mixed_space_search.py --out {out.as_posix()}",
        "versions": {"python": platform.python_version(), "torch": str(torch.__version__)},
        "grid": GRID,
        "article_budget": ARTICLE_BUDGET,
        "linear_test": linear(data),
        "best_test": table.test.max(axis=1).round(4).tolist(),
        "strategies": {},
    }
    for name in strategies(0):
        found = black_box(name, table)
        at_budget = [row[GRID.index(ARTICLE_BUDGET)] for row in found["chosen"]]
        found["fresh_test"] = [round(v, 4) for v in fresh(at_budget[:FRESH_SEARCHES], data)]
        report["strategies"][name] = found
        print(name, np.median(found["test"], axis=0), np.mean(found["fresh_test"]), flush=True)
    report["gradient"] = gradient(table, data)
    write_file(out, json.dumps(report).encode() + b"\n")


if __name__ == "__main__":
    main()
