"""Measure the steps of a DARTS search with the plain and with the fast supernet.

    python benchmarks/supernet_step.py --json                            # some minutes
    python benchmarks/supernet_step.py --settings classroom --rounds 5 --json
    python benchmarks/supernet_step.py --out results/supernet_step.json

Both run the same `GradientSearch` on the same random batches, in turns in one process. Times are
medians of CPU seconds; `ratio` is plain time over fast time. Peak memory is that of a process of
its own, above what it had after importing torch; there `ratio` is fast over plain. `iteration` is
the alpha step of first order with the weight step after it. `threads` compares the wall time of
one fast iteration with one and with two threads. For Linux and macOS.
"""

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import torch

AFTER_IMPORT = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

from nas_course.models import build_supernet  # noqa: E402
from nas_course.models.fast_supernet import build_fast_supernet  # noqa: E402
from nas_course.spaces import DARTSSpace  # noqa: E402
from nas_course.storage import write_file  # noqa: E402
from nas_course.strategies.gradient import (  # noqa: E402
    FirstOrder,
    GradientSearch,
    GradientSettings,
    Unrolled,
)

SETTINGS = {
    "classroom": {"channels": 8, "cells": 4, "side": 16, "batch": 64},
    "paper": {"channels": 16, "cells": 8, "side": 32, "batch": 16},
}
BUILD = {"plain": build_supernet, "fast": build_fast_supernet}
CLASSES = 10
MEMORY_STEPS = {"": "iteration", "_second_order": "second_order_alpha_step"}
STEPS = ("weight_step", "first_order_alpha_step", "second_order_alpha_step", "iteration")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--rounds", type=int, default=3, help="after one that is not counted")
    parser.add_argument("--threads", action="store_true", help="compare one and two threads too")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--memory-of", nargs=3, metavar=("SETTING", "ENGINE", "STEP"))
    return parser.parse_args()


def search_of(setting, engine):
    """Return a search at its beginning, and a training and a validation batch."""
    size = SETTINGS[setting]
    generator = torch.Generator().manual_seed(0)
    supernet = BUILD[engine](
        DARTSSpace(),
        channels=size["channels"],
        cells=size["cells"],
        classes=CLASSES,
        in_channels=3,
        generator=generator,
    )
    given = GradientSettings(
        channels=size["channels"], cells=size["cells"], batch_size=size["batch"]
    )
    shape = (size["batch"], 3, size["side"], size["side"])
    batches = [
        (
            torch.randn(shape, generator=generator),
            torch.randint(CLASSES, shape[:1], generator=generator),
        )
        for _ in range(2)
    ]
    return GradientSearch(supernet, lambda _: FirstOrder(), given, steps_total=1000), *batches


def one_round(search, train, valid, clock):
    """Time every step once: seconds by name."""
    times = [clock()]
    search._alpha_step(train, valid)
    times.append(clock())
    search._weight_step(train)
    times.append(clock())
    first_order, search.hypergradient = search.hypergradient, Unrolled(search.weight_optimizer)
    search._alpha_step(train, valid)
    times.append(clock())
    search.hypergradient = first_order
    alpha, weight, second = (end - start for start, end in pairwise(times))
    return dict(zip(STEPS, (weight, alpha, second, alpha + weight), strict=True))


def times_of(setting, rounds):
    """Return the medians of both engines, measured in turns, and their ratios."""
    searches = {engine: search_of(setting, engine) for engine in BUILD}
    samples = {engine: [] for engine in BUILD}
    for number in range(rounds + 1):
        for engine, search in searches.items():
            sample = one_round(*search, clock=time.process_time)
            if number:
                samples[engine].append(sample)
    table = {}
    for step in STEPS:
        row = {
            engine: statistics.median(sample[step] for sample in samples[engine])
            for engine in BUILD
        }
        table[step] = row | {"ratio": row["plain"] / row["fast"]}
    return table


def print_memory(setting, engine, step):
    """Print the peak memory of two steps, in MiB above that after the import of torch."""
    search, train, valid = search_of(setting, engine)
    if step == "second_order_alpha_step":
        search.hypergradient = Unrolled(search.weight_optimizer)
    for _ in range(2):
        search.step(train, valid)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - AFTER_IMPORT
    print(peak / (2**20 if sys.platform == "darwin" else 2**10))


def memory_of(setting, step):
    """Return the peak memory of both engines, each measured in a process of its own."""
    row = {}
    for engine in BUILD:
        command = [sys.executable, __file__, "--memory-of", setting, engine, step]
        row[engine] = float(subprocess.run(command, check=True, capture_output=True).stdout)
    return row | {"ratio": row["fast"] / row["plain"]}


def threads_of(setting, rounds):
    """Return the wall seconds of one fast iteration with one and with two threads."""
    search = search_of(setting, "fast")
    row = {}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        samples = [one_round(*search, clock=time.perf_counter) for _ in range(rounds + 1)][1:]
        row[str(threads)] = min(sample["iteration"] for sample in samples)
    torch.set_num_threads(1)
    return row


def measure(given):
    result = {
        "torch": torch.__version__,
        "machine": platform.machine(),
        "processor": torch.backends.cpu.get_cpu_capability(),
        "units": {"steps": "CPU seconds", "memory": "MiB", "wall_of_iteration": "seconds"},
    }
    # memory first: a process begins with the peak of the one that starts it, which grows later
    for setting in given.settings:
        result[setting] = {"size": SETTINGS[setting], "rounds": given.rounds} | {
            f"peak_memory{name}": memory_of(setting, step) for name, step in MEMORY_STEPS.items()
        }
    for setting in given.settings:
        result[setting] |= times_of(setting, given.rounds)
        if given.threads:
            result[setting]["wall_of_iteration"] = threads_of(setting, given.rounds)
        print(f"{setting} measured", file=sys.stderr, flush=True)
    return result


def main():
    given = arguments()
    torch.set_num_threads(1)
    if given.memory_of:
        return print_memory(*given.memory_of)
    result = measure(given)
    if given.out:
        before = json.loads(given.out.read_text()) if given.out.exists() else {}
        result = before | result  # settings that were not measured now stay
        write_file(given.out, (json.dumps(result, indent=1) + "\n").encode())
    if given.json:
        print(json.dumps(result, indent=1))
        return
    for setting in given.settings:
        for name, row in result[setting].items():
            if isinstance(row, dict) and "ratio" in row:
                print(f"{setting}.{name}.ratio {row['ratio']:.2f}")


if __name__ == "__main__":
    main()
