"""`nas-course search METHOD`: one search from the command line, into a folder."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

import torch

from nas_course import methods
from nas_course.errors import InvalidInput
from nas_course.search import black_box_command, gradient_command
from nas_course.search.gradient import SCHEDULE_EPOCHS
from nas_course.search.loop import SearchInterrupted
from nas_course.spaces import SPACES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nas-course search`."""
    families = "; ".join(
        f"{family}: {', '.join(methods.names(family))}" for family in methods.FAMILIES
    )
    parser.add_argument("method", help=f"one of: {families}")
    parser.add_argument(
        "--space",
        help=f"one of: {', '.join(SPACES)} (gradient methods: darts; black-box: nas-bench-201), "
        "or a part of one: nas-bench-201:skip_connect,nor_conv_3x3",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of all that the search draws by chance (0)"
    )
    parser.add_argument(
        "--set",
        action="append",
        metavar="NAME=VALUE",
        help="a hyperparameter of the method, as often as wanted; an unknown name lists them",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for history and result")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    _add_budget(parser.add_argument_group("budget (at least one)"))
    _add_data(parser.add_argument_group("data"))
    _add_machine(parser.add_argument_group("machine"))
    gradient_command.add_arguments(parser)
    black_box_command.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the search and print what it found."""
    try:
        return _run(arguments)
    except SearchInterrupted:
        raise
    except KeyboardInterrupt:  # while images are loaded or the supernet is built
        raise SearchInterrupted(
            f"Stopped; nothing is lost. Give the same command again, with --resume if there is a "
            f"run in {arguments.out}."
        ) from None


def _run(arguments: argparse.Namespace) -> int:
    method = methods.get(arguments.method)
    if arguments.threads < 1:
        raise InvalidInput(f"threads: got {arguments.threads}; allowed: whole numbers from 1 on.")
    torch.set_num_threads(arguments.threads)
    command = _command(arguments.words)
    if isinstance(method, methods.BlackBoxMethod):
        return black_box_command.run(method, arguments, command)
    return gradient_command.run(method, arguments, command)


def _add_budget(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--epochs", type=int, help="gradient methods: length of the search and of its schedule"
    )
    group.add_argument(
        "--seconds",
        type=float,
        help=f"stop after so much time; gradient methods: the schedule is that of --epochs, or of "
        f"{SCHEDULE_EPOCHS}; black-box: seconds of estimation, as the estimate counts them",
    )
    group.add_argument("--evaluations", type=int, help="black-box methods: so many full estimates")


def _add_data(group: argparse._ArgumentGroup) -> None:
    names = ", ".join(gradient_command.SIZES)
    group.add_argument("--data", help=f"one of: {names} (digits); not for the table")
    group.add_argument("--train-images", type=int, help="so many instead of all")
    group.add_argument("--valid-images", type=int, help="so many instead of all")
    group.add_argument("--image-size", type=int, help="side in pixels instead of the original")
    group.add_argument("--data-seed", type=int, default=0, help="of the split of the data (0)")


def _add_machine(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--device", default="auto", help="auto, cpu, mps or a GPU by its torch name (auto)"
    )
    group.add_argument("--threads", type=int, default=1, help="of the processor (1)")
    group.add_argument(
        "--channels-last",
        action="store_true",
        default=argparse.SUPPRESS,
        help="memory order for tensor cores",
    )
    group.add_argument(
        "--checkpoint-seconds", type=float, default=30.0, help="save so often within an epoch (30)"
    )
    group.add_argument("--quiet", action="store_true", help="no progress bar")


def _command(words: Sequence[str]) -> str:
    """Return what to type for this result; whether the run was resumed makes no difference."""
    return shlex.join(["nas-course", *(word for word in words if word != "--resume")])
