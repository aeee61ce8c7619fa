"""Train the whole mixed space on the diabetes data: the ground truth that searches are judged by.

    python benchmarks/mixed_space.py --out results/mixed_space.npz

Each of the 3,600 designs is trained once (some ten minutes of one core), then a sample of 40 with
five seeds each. Run again, it goes on where it was stopped.
"""

import argparse
import io
import itertools
import time
from pathlib import Path

import numpy as np
import torch

from nas_course.data import regression
from nas_course.estimation.mixed_table import deal, stored
from nas_course.estimation.regression import (
    mean_squared_error,
    mean_squared_errors,
    r_squared,
    train,
    train_alike,
)
from nas_course.spaces import MixedDesign, MixedSpace
from nas_course.spaces.mixed import OPTIONS
from nas_course.storage import write_file

SPACE = MixedSpace()
DEALS = 20
NOISE_DESIGNS, NOISE_SEEDS = 40, 5
SAVE_SECONDS = 20


def empty_table(data):
    """The arrays of a table in which nothing is trained yet."""
    deals = [deal(data, number) for number in range(DEALS)]
    noise = np.random.default_rng(0).choice(SPACE.size, NOISE_DESIGNS, replace=False)
    return {
        "trained": np.zeros(SPACE.size, dtype=bool),
        "valid": np.zeros((DEALS, SPACE.size), dtype=np.uint16),
        "test": np.zeros((DEALS, SPACE.size), dtype=np.uint16),
        "valid_variance": np.array([d.valid.targets.var(unbiased=False).item() for d in deals]),
        "test_variance": np.array([d.test.targets.var(unbiased=False).item() for d in deals]),
        "seconds": np.zeros(SPACE.size, dtype=np.float32),
        "noise_designs": noise,
        "noise_test_r2": np.full((NOISE_DESIGNS, NOISE_SEEDS), np.nan, dtype=np.float32),
    }


def groups():
    """Designs that differ only in activation and dropout, narrow networks first."""
    names = ("width", "depth", "learning_rate", "optimizer")
    for values in itertools.product(*(OPTIONS[name] for name in names)):
        given = dict(zip(names, values, strict=True))
        yield [
            MixedDesign(**given, activation=activation, dropout=dropout)
            for activation in OPTIONS["activation"]
            for dropout in OPTIONS["dropout"]
        ]


def train_group(table, designs, data):
    """Train the designs of a group and write their errors in the table."""
    positions = [SPACE.position(design) for design in designs]
    started = time.process_time()
    stack = train_alike(designs, data.train, seed=0)
    table["seconds"][positions] = (time.process_time() - started) / len(designs)
    for number in range(DEALS):
        dealt = deal(data, number)
        for part in ("valid", "test"):
            errors = mean_squared_errors(stack, getattr(dealt, part))
            table[part][number, positions] = stored(errors.numpy())
    table["trained"][positions] = True


def train_noise_row(table, row, data):
    """Train one design of the sample with every seed."""
    design = list(SPACE)[table["noise_designs"][row]]
    for seed in range(NOISE_SEEDS):
        network = train(design, data.train, seed=seed)
        r2 = r_squared(mean_squared_error(network, data.test), data.test)
        table["noise_test_r2"][row, seed] = r2


def build_table(out):
    """Train what the file lacks; it is written every 20 seconds."""
    data = regression.diabetes(seed=0)
    table = dict(np.load(out)) if out.exists() else empty_table(data)
    table["command"] = np.array(f"python benchmarks/mixed_space.py --out {out.as_posix()}")
    tasks = [
        (train_group, designs)
        for designs in groups()
        if not table["trained"][SPACE.position(designs[0])]
    ]
    rows = np.flatnonzero(np.isnan(table["noise_test_r2"]).any(axis=1))
    tasks += [(train_noise_row, row) for row in rows]
    saved = time.monotonic()
    for done, (work, item) in enumerate(tasks, start=1):
        work(table, item, data)
        if time.monotonic() - saved > SAVE_SECONDS or done == len(tasks):
            write_npz(out, table)
            saved = time.monotonic()
            print(f"{done} of {len(tasks)}, {time.process_time():.0f} CPU seconds", flush=True)


def write_npz(out, table):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **table)
    write_file(out, buffer.getvalue())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    torch.set_num_threads(1)
    build_table(parser.parse_args().out)


if __name__ == "__main__":
    main()
