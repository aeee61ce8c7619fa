"""What other settings of `benchmarks/collapse.py` would have given: how its collapse was found.

    NAS_COURSE_DATA=DIR python benchmarks/collapse_pilot.py --out results/collapse_pilot.json

The setting of collapse.py was looked for: a collapse was wanted, to see what remedies do. The
first pilots were not kept. This program tries the same choices again, with seeds that collapse.py
does not use: how many cells in a row and which rate of the alphas, each with each, then numbers of
images and of epochs around the setting that was taken. It shows of how much of the neighbourhood
the collapse is typical. Nothing but skips, losses and the table's accuracy is measured, so that a
search is cheap. Run again, it goes on where it was stopped. A quarter of an hour of one processor
core.
"""

import argparse
import dataclasses
import itertools
import json
import platform
import sys
import time
from pathlib import Path

import torch
from collapse import CELLS, EPOCHS, IMAGES, SEEDS, SETTINGS, accuracy, rounded, rows_so_far
from tqdm import tqdm

from nas_course import data, methods, tabular
from nas_course.search import search_gradient
from nas_course.storage import write_file
from nas_course.strategies.gradient.stopping import WatchSkips
from nas_course.tabular.supernet import tabular_supernet

METHOD = "darts-1st"
PILOT_SEEDS = (100, 101, 102)
RATE = SETTINGS.alpha_learning_rate
COLUMNS = ("epoch", "train_loss", "valid_loss", "skip_share", "skips")


def variants():
    """List (cells, alpha rate, images, epochs); the setting of collapse.py is among them."""
    grid = itertools.product((1, 3, CELLS), (0.0003, 0.003, RATE, 0.03))
    around = [(CELLS, RATE, images, EPOCHS) for images in (IMAGES // 2, 2 * IMAGES)]
    longer = [(cells, RATE, IMAGES, 2 * EPOCHS) for cells in (1, CELLS)]
    return [(cells, rate, IMAGES, EPOCHS) for cells, rate in grid] + around + longer


def measure(variant, seed, images, table):
    """Search once with plain DARTS; return how the skips and the derived cells went."""
    cells, rate, _, epochs = variant
    plain = methods.get(METHOD)

    def make_parts(**options):
        parts = plain.make_parts(**options)
        return dataclasses.replace(parts, make_schedules=(*parts.make_schedules, WatchSkips))

    started = time.process_time()
    result = search_gradient(
        dataclasses.replace(plain, make_supernet=tabular_supernet, make_parts=make_parts),
        images,
        settings=dataclasses.replace(SETTINGS, cells=cells, alpha_learning_rate=rate),
        space="nas-bench-201",
        epochs=epochs,
        seed=seed,
        progress=False,
    )
    rows = result.history.rows[1:]
    course = {name: [rounded(row.get(name)) for row in rows] for name in COLUMNS}
    course["test_accuracy"] = [accuracy(table, row["architecture"]) for row in rows]
    return {
        "seconds": round(time.process_time() - started, 1),
        "steps": result.history.rows[-1]["step"],
        "architecture": str(result.architecture),
        "test_accuracy": accuracy(table, result.architecture),
        "course": course,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    table = tabular.load()
    report = {
        "command": f"python benchmarks/collapse_pilot.py --out {out.as_posix()}",
        "versions": {"python": platform.python_version(), "torch": str(torch.__version__)},
        "method": METHOD,
        "taken": {"cells": CELLS, "alpha_rate": RATE, "images": IMAGES, "epochs": EPOCHS},
        "taken_seeds": list(range(SEEDS)),
        "seeds": list(PILOT_SEEDS),
        "settings": dataclasses.asdict(SETTINGS),
    }
    report["rows"] = rows_so_far(out, report)
    plan = list(itertools.product(PILOT_SEEDS, variants()))
    for seed, variant in tqdm(plan, unit="search", file=sys.stderr):
        names = ("cells", "alpha_rate", "images", "epochs")
        row = dict(zip(names, variant, strict=True)) | {"seed": seed}
        if any(row.items() <= done.items() for done in report["rows"]):
            continue
        images = data.load(
            "cifar10",
            train_images=variant[2],
            valid_images=variant[2],
            test_images=100,
            image_size=16,
        )
        report["rows"].append(row | measure(variant, seed, images, table))
        write_file(out, json.dumps(report).encode() + b"\n")


if __name__ == "__main__":
    main()
