"""`nas-course methods`: the registry as a table or as JSON."""

from __future__ import annotations

import argparse
import json
from typing import Any

from nas_course import methods

COUNTED = {
    "gradient": "one supernet is trained; the budget is in epochs",
    "black-box": "single architectures are tried; the budget is in evaluations",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nas-course methods`."""
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print name, family, parts and citation of every method."""
    rows = [_describe(method) for method in methods.all_methods()]
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return 0
    for family in methods.FAMILIES:
        print(f"{family} methods ({COUNTED[family]})\n")
        for row in rows:
            if row["family"] == family:
                _print_row(row)
    return 0


def _print_row(row: dict) -> None:
    """Print a method: its name, what stands in each place of its family's table, its source."""
    print(row["name"])
    for place, part in row["parts"].items():
        print(f"    {place}: {part}")
    if row["options"]:
        options = ", ".join(f"{name}={value}" for name, value in row["options"].items())
        print(f"    options: {options}")
    print(f"    {row['citation']}\n")


def _describe(method: methods.Method) -> dict:
    return {
        "name": method.name,
        "family": method.family,
        "parts": dict(method.parts),
        "options": _plain(method.options()),
        "citation": method.citation,
    }


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Write tuples as --set takes them, separated by commas."""
    return {
        name: ",".join(map(str, value)) if isinstance(value, tuple) else value
        for name, value in options.items()
    }
