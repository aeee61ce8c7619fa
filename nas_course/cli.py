"""The command `nas-course`: finds the subcommand, runs it, prints errors as one message.

A subcommand is a module with ``add_arguments(parser)`` and ``run(arguments) -> exit code``. Only
the one that was asked for is imported, so that ``nas-course --help`` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, TextIO

from nas_course import __version__
from nas_course.errors import CourseError
from nas_course.interruption import delayed_interrupt

COMMANDS = {
    "doctor": ("nas_course.doctor", "say what this machine has, and how to mend what is missing"),
    "methods": ("nas_course.search.list_command", "list the search methods"),
    "search": ("nas_course.search.command", "search an architecture"),
    "leaderboard": ("nas_course.leaderboard", "measure every strategy on the shipped table"),
    "compare": ("nas_course.comparison", "train what a search found beside its rivals"),
    "build-table": ("nas_course.tabular.building_command", "train the whole tabular benchmark"),
    "table-quality": ("nas_course.tabular.quality_command", "say what a table is worth"),
    "grade": ("nas_course.grading.command", "grade exercise notebooks"),
}
FAILED = 2  # exit code for what the user can mend
INTERRUPTED = 130  # as shells count a stop by Ctrl-C


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    program = " ".join(["nas-course", *words[:1]])
    with warnings.catch_warnings():
        warnings.showwarning = _print_warning
        said = "stopped before it began: give the same command again."
        try:
            with delayed_interrupt():  # torn imports of compiled libraries abort the process
                parser = _make_parser(words)
            arguments = parser.parse_args(words)
            arguments.words, said = words, "stopped."
            code = arguments.run(arguments)
            sys.stdout.flush()
            return code
        except CourseError as error:
            print(f"{program}: {error}", file=sys.stderr)
            return FAILED
        except KeyboardInterrupt as stop:
            print(f"{program}: {str(stop) or said}", file=sys.stderr)
            return INTERRUPTED
        except BrokenPipeError:  # the reader has enough, as in `nas-course methods | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1


def _make_parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Make the parser; arguments are filled in for the subcommand that is asked for."""
    parser = argparse.ArgumentParser(prog="nas-course", description="Neural architecture search.")
    parser.add_argument("--version", action="version", version=f"nas-course {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module_name, summary) in COMMANDS.items():
        subparser = subparsers.add_parser(
            name, help=summary, description=summary[0].upper() + summary[1:] + "."
        )
        if words and words[0] == name:
            module = importlib.import_module(module_name)
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run)
    return parser


def _print_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> Any:
    print(f"nas-course: warning: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
