"""`nas-course build-table`: train every cell of the space and pack the table."""

from __future__ import annotations

import argparse
from pathlib import Path

from nas_course.tabular.building import REPEATED, ROWS_FILE, RowLog, build
from nas_course.tabular.packing import pack, save
from nas_course.tabular.protocol import Protocol

TABLE_FILE = "table.npz"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nas-course build-table`."""
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("table"),
        help=f"folder of {ROWS_FILE} and {TABLE_FILE}; what it has is kept (default: table)",
    )
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    parser.add_argument(
        "--extra-seeds",
        type=int,
        default=2,
        help=f"further seeds of {REPEATED} cells (default: 2)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Train what is missing; pack what there is, also after Ctrl-C."""
    protocol = Protocol()
    try:
        build(arguments.out, protocol, arguments.workers, arguments.extra_seeds)
    finally:
        print(pack_folder(arguments.out, protocol))
    return 0


def pack_folder(out: Path, protocol: Protocol) -> str:
    """Pack the rows of a folder into its table; say how many there are."""
    with RowLog(out / ROWS_FILE, protocol) as log:
        rows = log.rows
    if not rows:
        return f"{out}: no cell is trained yet."
    content = pack(rows, protocol.describe())
    save(out / TABLE_FILE, content)
    return f"{out / TABLE_FILE}: {len(rows):,} trainings, {len(content) / 1e6:.2f} MB"
