"""Measure look-ups in the shipped table, beside a dictionary of plain floats as the fastest way.

    python benchmarks/table_queries.py --out results/table_queries.json

Processor seconds, best of three, 100,000 look-ups of uniformly drawn cells.
"""

import argparse
import json
import platform
from pathlib import Path
from time import process_time

import numpy as np

from nas_course import tabular
from nas_course.storage import write_file
from nas_course.tabular.quality import QUERIES, speed


def dictionary_speed(table):
    """Look-ups a second in {text: test accuracy}: nothing in Python answers faster one by one."""
    texts = [str(cell) for cell in table.architectures]
    plain = dict(zip(texts, table.test.tolist(), strict=True))
    draws = np.random.default_rng(0).integers(len(texts), size=QUERIES)
    asked = [texts[draw] for draw in draws]
    best = min(timed(lambda: [plain[text] for text in asked]) for _ in range(3))
    return QUERIES / best


def timed(action):
    started = process_time()
    action()
    return process_time() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", type=Path, default=None)
    arguments = parser.parse_args()
    started = process_time()
    table = tabular.load(arguments.table)
    loading = process_time() - started
    found = speed(table)
    plain = dictionary_speed(table)
    report = {
        "command": f"python benchmarks/table_queries.py --out {arguments.out}",
        "python": platform.python_version(),
        "loading_seconds": loading,
        "queries_a_second": found | {"plain_dictionary": plain},
        "ratio_to_dictionary": {name: value / plain for name, value in found.items()},
    }
    write_file(arguments.out, json.dumps(report, indent=1).encode())
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
