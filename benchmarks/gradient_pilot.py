"""Which settings the leaderboard of the gradient methods uses, and what others would have given.

    python benchmarks/gradient_pilot.py --json results/gradient_pilot.json

Searches with first-order DARTS on the images of the table, with a seed that the board does not
use. What decides is the supernet's validation accuracy in the last epoch; the regret of the
derived cell stands beside it and decides nothing. Needs the images of CIFAR-10. Takes two
processor minutes.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import torch

from nas_course import tabular
from nas_course.leaderboard.gradient_measuring import SETTINGS, Bench, GradientEntry, measure
from nas_course.leaderboard.records import made_with

METHOD, SEED = "darts-1st", 100
CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"weight_learning_rate": 0.025},
    {"weight_learning_rate": 0.2},
    {"alpha_learning_rate": 0.01},
    {"channels_last": False},
)
KEPT = ("architecture", "final", "final_valid", "by_epoch", "supernet_valid", "seconds", "passes")


def main(words: list[str] | None = None) -> None:
    """Measure every change and print the rows, or write them."""
    words = sys.argv[1:] if words is None else words
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    given = parser.parse_args(words)
    torch.set_num_threads(1)
    bench = Bench.load(tabular.load())
    rows = [_measured(bench, change) for change in CHANGES]
    command = shlex.join(["python", "benchmarks/gradient_pilot.py", *words])
    about = {"command": command, "method": METHOD, "seed": SEED, "epochs": bench.epochs}
    about["settings"] = dataclasses.asdict(SETTINGS)
    if given.json:
        given.json.write_text(json.dumps(about | {"rows": rows} | made_with(), indent=1) + "\n")


def _measured(bench: Bench, change: dict[str, Any]) -> dict[str, Any]:
    settings = dataclasses.replace(bench.settings, **change)
    record = measure(GradientEntry(METHOD), SEED, dataclasses.replace(bench, settings=settings))
    print(
        f"{change or 'as used'}: supernet {record['supernet_valid'][-1]:.4f}, "
        f"{record['seconds']:.1f} s, regret {record['final']:.2f}",
        flush=True,
    )
    return {"change": change} | {name: record[name] for name in KEPT}


if __name__ == "__main__":
    main()
