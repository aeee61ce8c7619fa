"""`nas-course methods`: the registry as a table or as JSON."""

from __future__ import annotations

import argparse
import json

from nas_course import methods


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nas-course methods`."""
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print name, family, parts and citation of every method."""
    rows = [_describe(method) for method in methods.all_methods()]
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        print(f"{row['name']}  ({row['family']})")
        for place, part in row["parts"].items():
            print(f"    {place}: {part}")
        print(f"    {row['citation']}")
    return 0


def _describe(method: methods.Method) -> dict:
    return {
        "name": method.name,
        "family": method.family,
        "parts": dict(method.parts),
        "citation": method.citation,
    }
