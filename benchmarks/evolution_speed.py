"""Measure how many architectures a second the evolution loop proposes and takes back.

    python benchmarks/evolution_speed.py --out results/evolution_speed.json

The score is constant, so the time is that of ask and tell alone, on NAS-Bench-201 cells. CPU
seconds of this process are counted, not wall time. If the loop is linear, a run of 200,000 is as
fast per architecture as one of 10,000. Each length is run several times: the fastest run is the
one that other processes on the machine disturbed least, and the median is given beside it.
"""

import argparse
import json
import os
import platform
import statistics
import time
from pathlib import Path

from nas_course.estimation import Score
from nas_course.spaces import NASBench201Space
from nas_course.storage import write_file
from nas_course.strategies.black_box import GeneticAlgorithm, RegularizedEvolution

LENGTHS = {10_000: 5, 50_000: 3, 200_000: 2}  # architectures: runs
WARM_UP = 2_000
SCORE = Score(0.5, 0.0, "constant")


def architectures_per_second(make, count):
    """Run a fresh strategy and return its speed in architectures per CPU second."""
    strategy = make(NASBench201Space(), seed=0)
    advance(strategy, WARM_UP)
    start = time.process_time()
    advance(strategy, count)
    return count / (time.process_time() - start)


def advance(strategy, count):
    for _ in range(count):
        strategy.tell(strategy.ask(), SCORE)


def row(make, count, runs):
    speeds = [architectures_per_second(make, count) for _ in range(runs)]
    return {
        "strategy": make.name,
        "architectures": count,
        "runs": runs,
        "fastest_per_cpu_second": round(max(speeds)),
        "median_per_cpu_second": round(statistics.median(speeds)),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    rows = []
    for make in (RegularizedEvolution, GeneticAlgorithm):
        for count, runs in LENGTHS.items():
            rows.append(row(make, count, runs))
            print(json.dumps(rows[-1]), flush=True)
    report = {
        "command": f"python benchmarks/evolution_speed.py --out {out.as_posix()}",
        "rows": rows,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
    write_file(out, json.dumps(report, indent=1).encode() + b"\n")


if __name__ == "__main__":
    main()
