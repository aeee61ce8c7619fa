"""Watch gradient searches collapse on the NAS-Bench-201 space, and measure what the remedies do.

    NAS_COURSE_DATA=DIR python benchmarks/collapse.py --out results/collapse.json

Every method gets the same images, the same number of steps and the same seeds. After each epoch
the shipped table says how good the derived cell is; beside it stand the skip share, the largest
eigenvalue of the Hessian of the validation loss, and that loss before and after discretization.
First-order DARTS is also run at other depths of the supernet. Run again, it goes on where it was
stopped.

The setting was looked for: a collapse was wanted, to see what remedies do. `collapse_pilot.py`
tries the neighbouring ones with other seeds, and the rows of the other depths show how much of it
is the choice.
"""

import argparse
import dataclasses
import json
import platform
import time
from pathlib import Path

import numpy as np
import torch

from nas_course import data, methods, tabular
from nas_course.errors import InvalidInput
from nas_course.search import search_gradient
from nas_course.storage import write_file
from nas_course.strategies.gradient import GradientSettings, Schedule
from nas_course.strategies.gradient.curvature import WatchCurvature, one_hot
from nas_course.strategies.gradient.stopping import WatchSkips
from nas_course.tabular.supernet import tabular_supernet

IMAGES, EPOCHS, SEEDS, CELLS = 512, 20, 4, 5  # images: for the weights, and as many for the alphas
OTHER_DEPTHS = (1, 3)
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)  # of the accuracies of cells drawn uniformly
SETTINGS = GradientSettings(
    channels=16,
    cells=CELLS,
    batch_size=32,
    weight_learning_rate=0.05,
    alpha_learning_rate=0.015,
    engine="plain",
)
MEASURED = {"images": 64, "products": 10}
METHODS = (
    "darts-1st",
    "darts-skip-penalty",
    "darts-early-stop",
    "r-darts",
    "darts-minus",
    "sdarts-rs",
    "pc-darts",
    "p-darts",
    "darts-pt",
    "sdarts-adv",
    "darts-2nd",
)
COLUMNS = (
    "epoch",
    "train_loss",
    "valid_loss",
    "skip_share",
    "skips",
    "eigenvalue",
    "mixture_loss",
    "derived_loss",
)


class WatchGap(Schedule):
    """Add the validation loss of the mixture and of the derived cell, with the same weights."""

    def after_epoch(self, search):
        """Measure both, if the mixing weights have a column for each operation and no more."""
        space, supernet = search.supernet.space, search.supernet
        batch = search.data.valid.images[:256], search.data.valid.labels[:256]
        if supernet.mixing_weights()["cell"].shape[1] != len(space.operations):
            return {}
        with torch.no_grad():
            mixture = search.loss(batch).item()
            derived = search.loss(batch, one_hot(space, search.architecture())).item()
        return {"mixture_loss": mixture, "derived_loss": derived}


def watched(name):
    """Return a row of the registry in the table's network, with what this program records."""
    row = dataclasses.replace(methods.get(name), make_supernet=tabular_supernet)
    watchers = [WatchSkips, WatchGap]
    if name == "r-darts":
        row = row.with_options(**MEASURED)  # it measures the eigenvalue itself
    else:
        watchers.append(lambda: WatchCurvature(**MEASURED))

    def make_parts(**options):
        parts = methods.get(name).make_parts(**options)
        schedules = (*parts.make_schedules, *watchers)
        return dataclasses.replace(parts, make_schedules=schedules)

    return dataclasses.replace(row, make_parts=make_parts)


def measure(method, cells, seed, images, table):
    """Search once; return the course of the search and the place of its cell in the table."""
    started = time.process_time()
    result = search_gradient(
        watched(method),
        images,
        settings=dataclasses.replace(SETTINGS, cells=cells),
        space="nas-bench-201",
        epochs=EPOCHS,
        seed=seed,
        progress=False,
    )
    seconds = time.process_time() - started
    rows = result.history.rows[1:]
    course = {name: [rounded(row.get(name)) for row in rows] for name in COLUMNS}
    course["architecture"] = [row["architecture"] for row in rows]
    course["test_accuracy"] = [accuracy(table, row["architecture"]) for row in rows]
    return {
        "seconds_with_measuring": round(seconds, 1),
        "steps": result.history.rows[-1]["step"],
        "architecture": str(result.architecture),
        "test_accuracy": accuracy(table, result.architecture),
        "course": course,
    }


def accuracy(table, architecture):
    """Test accuracy of a cell in the table, mean over its trainings."""
    seeds = table.seeds(architecture)
    values = [table.query(architecture, seed).test_accuracy for seed in seeds]
    return round(sum(values) / len(values), 6)


def rounded(value):
    return value if value is None else float(f"{value:.5g}")


def plans():
    """Yield (method, cells, seed), all methods of a seed before the next seed."""
    for seed in range(SEEDS):
        for method in METHODS[:-2]:
            yield method, CELLS, seed
        for cells in OTHER_DEPTHS:
            yield METHODS[0], cells, seed
    for method in METHODS[-2:]:  # the dear ones last
        for seed in range(SEEDS):
            yield method, CELLS, seed


def place(row):
    """Order of the rows in the file, whenever they were made."""
    return row["cells"] != CELLS, METHODS.index(row["method"]), row["cells"], row["seed"]


def accuracies_of_all(table):
    """Test accuracies of all 15,625 cells, those of equal function one by one."""
    indices = np.stack(np.unravel_index(np.arange(5**6), (5,) * 6), axis=1)
    return np.sort(table.test[table.index(indices)])


def rows_so_far(out, header):
    """Return the rows of an earlier run that was set up alike."""
    if not out.exists():
        return []
    before = json.loads(out.read_text(encoding="utf-8"))
    for name, value in json.loads(json.dumps(header)).items():
        if name != "command" and before.get(name) != value:
            raise InvalidInput(
                f"{out} was made with {name} = {before.get(name)!r}, but this program has "
                f"{value!r}. Give another --out, or delete that file."
            )
    return before["rows"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    table = tabular.load()
    images = data.load(
        "cifar10", train_images=IMAGES, valid_images=IMAGES, test_images=100, image_size=16
    )
    report = {
        "command": f"python benchmarks/collapse.py --out {out.as_posix()}",
        "versions": {"python": platform.python_version(), "torch": str(torch.__version__)},
        "images": IMAGES,
        "epochs": EPOCHS,
        "cells": CELLS,
        "settings": dataclasses.asdict(SETTINGS),
        "measured": MEASURED,
        "table": {
            "best": table.best_test,
            "quantiles": np.quantile(accuracies_of_all(table), QUANTILES).round(6).tolist(),
        },
    }
    report["rows"] = rows_so_far(out, report)
    for method, cells, seed in plans():
        row = {"method": method, "cells": cells, "seed": seed}
        if any(row.items() <= done.items() for done in report["rows"]):
            continue
        report["rows"].append(row | measure(method, cells, seed, images, table))
        report["rows"].sort(key=place)
        write_file(out, json.dumps(report).encode() + b"\n")
        print(method, cells, seed, flush=True)


if __name__ == "__main__":
    main()
