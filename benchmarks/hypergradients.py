"""Measure every hypergradient against the exact one on three problems where that is known.

    python benchmarks/hypergradients.py --out results/hypergradients.json

Also what one estimate costs on a real supernet (digits, DARTS space), where nobody knows the exact
one: processor seconds in turns, so that a busy machine slows all of them alike. About a minute.
"""

import argparse
import json
import os
import platform
import statistics
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from nas_course.data import load
from nas_course.data.regression import diabetes
from nas_course.models import build_supernet
from nas_course.spaces import DARTSSpace
from nas_course.storage import write_file
from nas_course.strategies.gradient.bilevel_bench import (
    POINTS,
    SINGLE,
    bench,
    counted_passes,
    cpu_seconds,
    place,
)
from nas_course.strategies.gradient.bilevel_problems import (
    QuadraticBilevel,
    RidgeBilevel,
    TinySupernet,
)
from nas_course.strategies.gradient.hypergradients import (
    Bilevel,
    ConjugateGradient,
    Neumann,
    ReverseMode,
)

LEARNING_RATE = 0.025
ROUNDS = 3
ON_SUPERNET = {
    **{name: SINGLE[name](LEARNING_RATE) for name in list(SINGLE)[:3]},  # not the dense Hessian
    "Neumann, K = 0": Neumann(LEARNING_RATE, terms=0),
    "Neumann, K = 2": Neumann(LEARNING_RATE, terms=2, growth_limit=float("inf")),
    "reverse mode, T = 2": ReverseMode(LEARNING_RATE, steps=2),
    "conjugate gradient, 2": ConjugateGradient(iterations=2, damping=1.0),
}


def images():
    return load("digits", train_images=200, valid_images=200, test_images=100, device="cpu")


def real_problem(data):
    """Return the problem of chapter 08's second-order step: 32 images a batch, 4 channels."""
    supernet = build_supernet(
        DARTSSpace(),
        channels=4,
        cells=3,
        classes=data.classes,
        in_channels=data.in_channels,
        generator=torch.Generator().manual_seed(0),
    )

    def loss(part):
        return cross_entropy(supernet(part.images[:32]), part.labels[:32])

    alphas = list(supernet.alphas.values())
    return Bilevel(lambda: loss(data.valid), lambda: loss(data.train), alphas, supernet.weights())


def supernet_costs(problem):
    """Rows with the passes and the median seconds of an estimate, in turns."""
    seconds = {name: [] for name in ON_SUPERNET}
    for _ in range(ROUNDS):
        for name, estimator in ON_SUPERNET.items():
            seconds[name].append(cpu_seconds(estimator, problem))
    rows = []
    for name, estimator in ON_SUPERNET.items():
        with counted_passes() as passes:
            estimator(problem)
        rows.append({"estimator": name, **vars(passes)})
        rows[-1]["cpu_seconds"] = statistics.median(seconds[name])
        rows[-1]["over_first_order"] = rows[-1]["cpu_seconds"] / rows[0]["cpu_seconds"]
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    data = images()
    problems = [QuadraticBilevel(), RidgeBilevel(diabetes(seed=0)), TinySupernet(data)]
    rows, described = [], []
    for problem in problems:
        place(problem, "solved")
        low, high = problem.curvatures()
        weights = sum(w.numel() for w in problem.bilevel.weights)
        described.append({"problem": problem.name, "weights": weights, "curvatures": [low, high]})
        print(json.dumps(described[-1]), flush=True)
        for point in POINTS:
            rows += bench(problem, point)
    report = {
        "command": f"python benchmarks/hypergradients.py --out {out.as_posix()}",
        "problems": described,
        "rows": rows,
        "supernet": supernet_costs(real_problem(data)),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cores": os.cpu_count(),
        "system": platform.platform(),
    }
    write_file(out, json.dumps(report, indent=1).encode() + b"\n")


if __name__ == "__main__":
    main()
