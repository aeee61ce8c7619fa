"""`nas-course table-quality`: print what a table is worth."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from nas_course.tabular.quality import fidelities, noise, plausibility, speed, with_published
from nas_course.tabular.table import SHIPPED, Table, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nas-course table-quality`."""
    parser.add_argument("--table", type=Path, default=SHIPPED, help="default: the shipped table")
    parser.add_argument(
        "--published",
        type=Path,
        help="CSV of published accuracies (columns arch, c10_test_200) to correlate with",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print one line for each finding."""
    table = load(arguments.table)
    size = arguments.table.stat().st_size / 1e6
    print(f"{table!r}, {size:.2f} MB, {table.epochs} epochs")
    for line in _lines(table, arguments.published):
        print(line)
    return 0


def _lines(table: Table, published: Path | None) -> Iterator[str]:
    if len(table.all_seeds) > 2 and len(table.repeated) > 2:
        found = noise(table)
        yield f"{found.pop('cells')} cells with {found.pop('seeds')} seeds (mean over the pairs):"
        yield from (f"  {name:18} {value:.3f}" for name, value in found.items())
    for name, value in plausibility(table).items():
        yield f"{name:18} {value}"
    shown = " ".join(f"{value:.2f}" for value in fidelities(table))
    yield f"Spearman of the validation accuracy after each epoch with the last: {shown}"
    if published is not None:
        for name, value in with_published(table, published).items():
            yield f"published {name:12} {value:,.3f}"
    for name, value in speed(table).items():
        yield f"look-ups a second  {name:12} {value:,.0f}"
