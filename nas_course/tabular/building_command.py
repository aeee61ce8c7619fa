"""`nas-course build-table`: train every cell of the space and pack the table."""

from __future__ import annotations

import argparse
from pathlib import Path

from nas_course.tabular.building import build
from nas_course.tabular.protocol import Protocol


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nas-course build-table`."""
    parser.add_argument(
        "--out", type=Path, default=Path("table"), help="folder of the rows (default: table)"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    parser.add_argument(
        "--extra-seeds", type=int, default=2, help="further seeds of some cells (default: 2)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Train what is missing; a run that was stopped goes on where it was."""
    build(arguments.out, Protocol(), arguments.workers, arguments.extra_seeds)
    return 0
