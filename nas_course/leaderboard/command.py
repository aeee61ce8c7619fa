"""`nas-course leaderboard`: every strategy on the table, into a results file."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

import torch

from nas_course import methods
from nas_course.errors import InvalidInput
from nas_course.leaderboard.entries import entries
from nas_course.leaderboard.running import make_leaderboard
from nas_course.leaderboard.statistics import RIVAL, statement, table_text
from nas_course.search.options import read_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nas-course leaderboard`."""
    names = ",".join(methods.names("black-box"))
    parser.add_argument("--methods", default=names, help=f"separated by commas ({names})")
    parser.add_argument("--seeds", type=int, default=200, help="runs of each method (200)")
    parser.add_argument(
        "--seeds-of",
        action="append",
        default=[],
        metavar="METHOD=SEEDS",
        help="another number of runs for one method, as often as wanted",
    )
    parser.add_argument(
        "--tuned",
        action="append",
        default=[],
        metavar="METHOD:NAME=VALUE,...",
        help="run a method also with hyperparameters that were tuned on this table",
    )
    parser.add_argument("--evaluations", type=int, default=300, help="budget of a run (300)")
    parser.add_argument("--table", type=Path, help="a table of your own instead of the shipped one")
    parser.add_argument("--workers", type=int, default=1, help="runs at a time, in processes (1)")
    parser.add_argument("--out", type=Path, required=True, help="results file (JSON)")
    parser.add_argument("--resume", action="store_true", help="go on with the runs beside --out")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(arguments: argparse.Namespace) -> int:
    """Run what is missing, and print the table and a sentence for each method."""
    listed = entries(
        [name.strip() for name in arguments.methods.split(",") if name.strip()],
        arguments.seeds,
        tuned=dict(_read_tuned(text) for text in arguments.tuned),
        seeds_of=dict(_read_seeds(text) for text in arguments.seeds_of),
    )
    torch.set_num_threads(1)  # two threads on a busy machine made the controller ten times slower
    words = ["nas-course", *(word for word in arguments.words if word != "--resume")]
    board = make_leaderboard(
        listed,
        arguments.out,
        evaluations=arguments.evaluations,
        table=arguments.table,
        workers=arguments.workers,
        resume=arguments.resume,
        progress=not arguments.quiet,
        command=shlex.join(words),
    )
    print(table_text(board))
    for entry in listed:
        if RIVAL in [other.name for other in listed] and entry.name != RIVAL:
            print(statement(board, entry.name))
    print(f"written: {arguments.out}")
    return 0


def _read_tuned(text: str) -> tuple[str, dict[str, Any]]:
    name, colon, options = text.partition(":")
    method = methods.get(name.strip())
    if not colon or not isinstance(method, methods.BlackBoxMethod):
        raise InvalidInput(
            f"tuned: got {text!r}; write it as --tuned method:name=value,name=value with one of: "
            f"{', '.join(methods.names('black-box'))}."
        )
    return method.name, read_options(method, options.split(","))


def _read_seeds(text: str) -> tuple[str, int]:
    name, _, count = text.partition("=")
    if not count.strip().isdigit():
        raise InvalidInput(f"seeds-of: got {text!r}; write it as --seeds-of method=100.")
    return name.strip(), int(count)
