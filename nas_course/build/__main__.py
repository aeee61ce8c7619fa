"""The command ``python -m nas_course.build``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from nas_course import build as package
from nas_course.build.execution import execute
from nas_course.build.notebooks import REPOSITORY, Product, build, check, products
from nas_course.errors import CourseError, one_of


def _chosen(names: Sequence[str], root: Path) -> list[Product]:
    """Notebooks with outputs that are meant by names such as 08_darts or chapters/08_darts."""
    runnable = [product for product in products(root) if not product.stripped]
    allowed = {name for product in runnable for name in (product.name, product.path.stem)}
    for name in names:
        if name not in allowed:
            raise one_of("notebook to execute", name, sorted(allowed))
    if not names:
        return runnable
    return [product for product in runnable if {product.name, product.path.stem} & set(names)]


def main(arguments: Sequence[str] | None = None, root: Path = REPOSITORY) -> int:
    """Run the command; the exit status is 0, 1 for differences, 2 for an error."""
    parser = argparse.ArgumentParser(prog="python -m nas_course.build", description=package.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="write nothing, list differences")
    choice.add_argument("--execute", nargs="*", metavar="NAME", help="run these, or all")
    options = parser.parse_args(arguments)
    try:
        if options.check:
            return _report(check(root))
        for path in build(root):
            print(f"wrote {path.relative_to(root)}")
        if options.execute is not None:
            return _execute_all(_chosen(options.execute, root))
    except CourseError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _report(problems: Sequence[str]) -> int:
    print("\n".join(problems) if problems else "Every notebook is what its source says.")
    return 1 if problems else 0


def _execute_all(chosen: Sequence[Product]) -> int:
    """Run one after the other; a failure leaves that notebook as it was and the rest goes on."""
    failed = []
    for product in chosen:
        print(f"running {product.name}", flush=True)
        try:
            messages = execute(product.path)
        except CourseError as error:
            print(error, file=sys.stderr)
            failed.append(product.name)
        else:
            for message in messages:
                print(f"  stderr, not stored: {message.rstrip()}")
    if failed:
        print(f"not executed: {', '.join(failed)}", file=sys.stderr)
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
