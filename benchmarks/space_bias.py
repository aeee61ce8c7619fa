"""What a search can find where only some of the operations are offered: the bias of a space.

    NAS_COURSE_DATA=DIR python benchmarks/space_bias.py --out results/space_bias.json

First-order DARTS in parts of NAS-Bench-201 that keep some of its five operations, with images,
settings and seeds of `benchmarks/collapse.py`, in a supernet of one cell and in its deep one. The
shipped table scores every cell of every part, so that beside a derived cell stand the best, the
median, and what random search finds in the same part when it may train for as many seconds. Two
of the parts are those on which Zela et al. (ICLR 2020) saw DARTS fail, as far as these operations
allow: S2 offers a convolution or a skip, S3 also nothing. Run again, it goes on where it was
stopped. Ten minutes of one processor core.
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
from collapse import CELLS, EPOCHS, IMAGES, SEEDS, SETTINGS, accuracy, rows_so_far
from tqdm import tqdm

from nas_course import data, methods, tabular
from nas_course.leaderboard.gradient_measuring import Bench
from nas_course.search import search_gradient
from nas_course.spaces import NASBench201Space
from nas_course.storage import write_file
from nas_course.tabular.supernet import tabular_supernet

METHOD = "darts-1st"
DEPTHS = (1, CELLS)
PARTS = {
    "all five": ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"),
    "nothing to learn": ("none", "skip_connect", "avg_pool_3x3"),
    "no 3×3 convolution": ("none", "skip_connect", "nor_conv_1x1", "avg_pool_3x3"),
    "3×3, skip or none (S3)": ("none", "skip_connect", "nor_conv_3x3"),
    "3×3 or skip (S2)": ("skip_connect", "nor_conv_3x3"),
    "convolutions only": ("nor_conv_1x1", "nor_conv_3x3"),
}


def measure(part, cells, seed, images, bench):
    """Search in a part; return the derived cell and the cost in seconds of the table's machine."""
    row = dataclasses.replace(methods.get(METHOD), make_supernet=tabular_supernet)
    before = bench.reference_seconds()
    started = time.process_time()
    result = search_gradient(
        row,
        images,
        settings=dataclasses.replace(SETTINGS, cells=cells),
        space=NASBench201Space(PARTS[part]),
        epochs=EPOCHS,
        seed=seed,
        progress=False,
    )
    seconds = time.process_time() - started
    reference = (before + bench.reference_seconds()) / 2
    speed = float(bench.table.seconds[bench.reference_row]) / reference
    return {
        "architecture": str(result.architecture),
        "test_accuracy": accuracy(bench.table, result.architecture),
        "by_epoch": [accuracy(bench.table, row["architecture"]) for row in result.history.rows],
        "valid_loss": result.history.rows[-1]["valid_loss"],
        "seconds": round(seconds, 1),
        "table_seconds": round(seconds * speed, 1),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    bench = Bench.load(tabular.load())  # says how fast this machine is, as the leaderboard does
    images = data.load(
        "cifar10", train_images=IMAGES, valid_images=IMAGES, test_images=100, image_size=16
    )
    report = {
        "command": f"python benchmarks/space_bias.py --out {out.as_posix()}",
        "versions": {"python": platform.python_version(), "torch": str(torch.__version__)},
        "method": METHOD,
        "images": IMAGES,
        "epochs": EPOCHS,
        "settings": dataclasses.asdict(SETTINGS),
        "parts": PARTS,
    }
    report["rows"] = rows_so_far(out, report)
    plan = list(itertools.product(range(SEEDS), DEPTHS, PARTS))
    for seed, cells, part in tqdm(plan, unit="search", file=sys.stderr):
        row = {"part": part, "cells": cells, "seed": seed}
        if any(row.items() <= done.items() for done in report["rows"]):
            continue
        report["rows"].append(row | measure(part, cells, seed, images, bench))
        write_file(out, json.dumps(report).encode() + b"\n")


if __name__ == "__main__":
    main()
