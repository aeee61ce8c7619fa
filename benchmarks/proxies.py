"""Measure what proxies save and how they rank NAS-Bench-201 cells, and what a funnel keeps.

    python benchmarks/proxies.py --out results/proxies_digits.json                  # some minutes
    python benchmarks/proxies.py --data cifar10 --image-size 16 --images 4000 \\
        --channels 16 --epochs 20 --cells-sampled 100 --device auto --out FILE       # GPU: an hour

Every proxy is compared with the full training of the same random cells under another seed; the
first row is the full training itself under the proxies' seed, above which no proxy can be
expected. Run again, it goes on where it was stopped.
"""

import argparse
import json
import platform
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from nas_course import data, spaces
from nas_course.estimation import NetworkBuilder, Proxy, TrainingEstimate
from nas_course.estimation.proxies import Observation, observe, quality
from nas_course.estimation.ranking import recall, regret
from nas_course.storage import write_file
from nas_course.training import Recipe


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", choices=data.NAMES, default="digits")
    parser.add_argument("--image-size", type=int)
    parser.add_argument("--images", type=int, default=300, help="that train")
    parser.add_argument("--valid-images", type=int, default=600)
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--cells-sampled", type=int, default=50)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def full_estimate(given):
    images = data.load(
        given.data,
        train_images=given.images,
        valid_images=given.valid_images,
        image_size=given.image_size,
        device=given.device,
    )
    recipe = Recipe(
        epochs=given.epochs,
        batch_size=given.batch_size,
        learning_rate=0.05,
        augment=data.augmentation_for(given.data),
    )
    builder = NetworkBuilder.fitting(images, channels=given.channels, cells=1)
    return TrainingEstimate(images, recipe, builder)


def proxies(full):
    """Each reduction alone, and two combinations; a third, a quarter or a half of the full size."""
    images, epochs = len(full.data.train), full.max_epochs
    channels, side = full.build.channels, full.data.image_size
    return [
        Proxy(),
        Proxy(images=images // 3),
        Proxy(epochs=epochs // 3),
        Proxy(first_epochs=epochs // 3),
        Proxy(first_epochs=2 * epochs // 3),
        Proxy(channels=channels // 2),
        Proxy(channels=channels // 4),
        Proxy(side=side // 2),
        Proxy(images=images // 2, epochs=epochs // 2),
        Proxy(epochs=epochs // 3, channels=channels // 2, side=side // 2),
    ]


def sampled(count):
    """Distinct cells: no two compute the same function."""
    space, rng, found = spaces.NASBench201Space(), np.random.default_rng(0), {}
    while len(found) < count:
        cell = space.sample(rng)
        found.setdefault(space.canonical(cell), cell)
    return list(found.values())


def summarise(name, cheap, full, k):
    """The row of a proxy, with what a funnel that keeps 2 k finds."""
    rng = np.random.default_rng(0)
    row = asdict(quality(name, cheap, full, rng, k))
    keep, true = 2 * k, np.array(full.values)
    finalists = np.argsort(-np.array(cheap.values), kind="stable")[:keep]
    total = len(true) * cheap.seconds + keep * full.seconds
    return row | {
        "seconds": cheap.seconds,
        "multiply_adds": cheap.multiply_adds,
        "regret_of_the_first": regret(cheap.values, true),
        "funnel": {
            "keep": keep,
            "recall_of_the_top": recall(cheap.values, true, keep, k),
            "regret": float(true.max() - true[finalists].max()),
            "cost_share": total / (len(true) * full.seconds),
        },
    }


def read(out, protocol):
    """Observations of an earlier run under the same protocol."""
    if not out.exists():
        return {}
    report = json.loads(out.read_text(encoding="utf-8"))
    if report["protocol"] != protocol:
        raise SystemExit(f"{out} was measured with other options; delete it or name another file.")
    return {
        name: Observation(tuple(row["values"]), row["seconds"], row["multiply_adds"])
        for name, row in report["observations"].items()
    }


def main():
    given = arguments()
    torch.set_num_threads(1)
    protocol = {key: value for key, value in vars(given).items() if key != "out"}
    seen, full, cells = (
        read(given.out, protocol),
        full_estimate(given),
        sampled(given.cells_sampled),
    )
    plans = [("reference", Proxy(), 0)] + [(proxy.name, proxy, 1) for proxy in proxies(full)]
    for name, proxy, seed in plans:
        if name in seen:
            continue
        seen[name] = observe(proxy, full, cells, seed)
        k = max(1, len(cells) // 10)
        report = {
            "command": f"python benchmarks/proxies.py --out {given.out.as_posix()}",
            "versions": {"python": platform.python_version(), "torch": str(torch.__version__)},
            "protocol": protocol,
            "cells": [str(cell) for cell in cells],
            "rows": [summarise(n, o, seen["reference"], k) for n, o in list(seen.items())[1:]],
            "observations": {n: asdict(o) for n, o in seen.items()},
        }
        given.out.parent.mkdir(parents=True, exist_ok=True)
        write_file(given.out, json.dumps(report, indent=1).encode() + b"\n")
        print(f"{name}: {seen[name].seconds:.2f} s a cell", flush=True)
    for row in report["rows"]:
        tau = row["kendall"]
        print(
            f"{row['name']:<45}{row['speed_up']:6.1f} x  {row['fewer_multiply_adds']:6.1f} x  "
            f"tau {tau['value']:.2f} [{tau['low']:.2f}, {tau['high']:.2f}]"
        )


if __name__ == "__main__":
    main()
