"""`nas-course leaderboard`: every method of a family on the table, into a results file."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

import torch

from nas_course import methods
from nas_course.errors import InvalidInput, one_of
from nas_course.leaderboard.entries import entries
from nas_course.leaderboard.gradient_measuring import EPOCHS
from nas_course.leaderboard.gradient_running import gradient_entries, make_gradient_leaderboard
from nas_course.leaderboard.gradient_statistics import (
    claims_table,
    gradient_statement,
    gradient_table,
    verdicts_text,
)
from nas_course.leaderboard.running import make_leaderboard
from nas_course.leaderboard.statistics import RIVAL, statement, table_text
from nas_course.search.options import read_options

BLACK_BOX_SEEDS, GRADIENT_SEEDS = 200, 4
EVALUATIONS = 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nas-course leaderboard`."""
    parser.add_argument(
        "--family", default="black-box", help=f"one of: {', '.join(methods.FAMILIES)} (black-box)"
    )
    parser.add_argument("--methods", help="separated by commas (all of the family)")
    parser.add_argument(
        "--seeds",
        type=int,
        help=f"runs of each method ({BLACK_BOX_SEEDS}; gradient: {GRADIENT_SEEDS})",
    )
    parser.add_argument(
        "--seeds-of",
        action="append",
        default=[],
        metavar="METHOD=SEEDS",
        help="another number of runs for one method, as often as wanted",
    )
    parser.add_argument("--table", type=Path, help="a table of your own instead of the shipped one")
    parser.add_argument("--workers", type=int, default=1, help="runs at a time, in processes (1)")
    parser.add_argument("--out", type=Path, required=True, help="results file (JSON)")
    parser.add_argument("--resume", action="store_true", help="go on with the runs beside --out")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    black_box = parser.add_argument_group("black-box methods")
    black_box.add_argument(
        "--tuned",
        action="append",
        metavar="METHOD:NAME=VALUE,...",
        help="run a method also with hyperparameters that were tuned on this table",
    )
    black_box.add_argument("--evaluations", type=int, help=f"budget of a run ({EVALUATIONS})")
    gradient = parser.add_argument_group("gradient methods (need the images of CIFAR-10)")
    gradient.add_argument(
        "--variant",
        action="append",
        metavar="METHOD:NAME=VALUE,...",
        help="run a method also with other hyperparameters",
    )
    gradient.add_argument("--epochs", type=int, help=f"length of a search ({EPOCHS})")


def run(arguments: argparse.Namespace) -> int:
    """Run what is missing, and print the table and a sentence for each method."""
    if arguments.family not in methods.FAMILIES:
        raise one_of("family", arguments.family, methods.FAMILIES)
    torch.set_num_threads(1)  # two threads on a busy machine made the controller ten times slower
    run_family = _run_gradient if arguments.family == "gradient" else _run_black_box
    run_family(arguments, _given(arguments))
    print(f"written: {arguments.out}")
    return 0


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments that both families share."""
    words = ["nas-course", *(word for word in arguments.words if word != "--resume")]
    return {
        "table": arguments.table,
        "workers": arguments.workers,
        "resume": arguments.resume,
        "progress": not arguments.quiet,
        "command": shlex.join(words),
    }


def _run_black_box(arguments: argparse.Namespace, given: dict[str, Any]) -> None:
    _refuse(arguments, "gradient", ("variant", "epochs"))
    listed = entries(
        _names(arguments),
        BLACK_BOX_SEEDS if arguments.seeds is None else arguments.seeds,
        tuned=dict(_read_tuned(text) for text in arguments.tuned or []),
        seeds_of=dict(_read_seeds(text) for text in arguments.seeds_of),
    )
    evaluations = EVALUATIONS if arguments.evaluations is None else arguments.evaluations
    board = make_leaderboard(listed, arguments.out, evaluations=evaluations, **given)
    print(table_text(board))
    for entry in listed:
        if RIVAL in [other.name for other in listed] and entry.name != RIVAL:
            print(statement(board, entry.name))


def _run_gradient(arguments: argparse.Namespace, given: dict[str, Any]) -> None:
    _refuse(arguments, "black-box", ("tuned", "evaluations"))
    listed = gradient_entries(
        _names(arguments),
        GRADIENT_SEEDS if arguments.seeds is None else arguments.seeds,
        variants=[_read_variant(text) for text in arguments.variant or []],
        seeds_of=dict(_read_seeds(text) for text in arguments.seeds_of),
    )
    epochs = EPOCHS if arguments.epochs is None else arguments.epochs
    board = make_gradient_leaderboard(listed, arguments.out, epochs=epochs, **given)
    print(gradient_table(board))
    for entry in listed:
        print(gradient_statement(board, entry.name))
    print(verdicts_text(board))
    print(claims_table(board))


def _names(arguments: argparse.Namespace) -> list[str]:
    if arguments.methods is None:
        return methods.names(arguments.family)
    return [name.strip() for name in arguments.methods.split(",") if name.strip()]


def _refuse(arguments: argparse.Namespace, family: str, names: tuple[str, ...]) -> None:
    """Refuse options that say nothing about the family that was asked for."""
    for name in names:
        if (value := getattr(arguments, name)) is not None:
            raise InvalidInput(
                f"{name}: got {value!r}, which is for the {family} family; leave --{name} out, or "
                f"give --family {family}."
            )


def _read_variant(text: str) -> tuple[str, dict[str, Any]]:
    name, colon, options = text.partition(":")
    method = methods.get(name.strip())
    if not colon or isinstance(method, methods.BlackBoxMethod):
        raise InvalidInput(
            f"variant: got {text!r}; write it as --variant method:name=value,name=value with one "
            f"of: {', '.join(methods.names('gradient'))}."
        )
    return method.name, read_options(method, options.split(","))


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
