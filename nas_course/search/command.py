"""`nas-course search METHOD`: one search from the command line, into a folder."""

from __future__ import annotations

import argparse
import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from nas_course import data, methods
from nas_course.errors import InvalidInput, one_of
from nas_course.search.gradient import SCHEDULE_EPOCHS, SearchResult, search_gradient
from nas_course.spaces import SPACES
from nas_course.strategies.gradient import GradientSettings

# Digits are 8x8 and few: a small supernet fits them and trains on a laptop, in so few steps that
# Adam's rate on the alphas must be larger to move them at all. The others get the paper's values.
SIZES: dict[str, dict[str, Any]] = {
    "digits": {"channels": 4, "cells": 3, "batch_size": 32, "alpha_learning_rate": 0.02},
    "fashion-mnist": {},
    "cifar10": {},
}
_NOT_OPTIONS = ("alpha_betas", "channels_last")  # a pair and a switch: added by hand


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nas-course search`."""
    names = ", ".join(method.name for method in methods.all_methods())
    parser.add_argument("method", help=f"one of: {names}")
    parser.add_argument("--data", default="digits", help=f"one of: {', '.join(SIZES)} (digits)")
    parser.add_argument("--space", default="darts", help=f"one of: {', '.join(SPACES)} (darts)")
    parser.add_argument(
        "--seed", type=int, default=0, help="of weights, alphas and the order of images (0)"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for history and result")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    _add_budget(parser.add_argument_group("budget (at least one)"))
    _add_data(parser.add_argument_group("data"))
    _add_machine(parser.add_argument_group("machine"))
    _add_settings(parser.add_argument_group("supernet and optimizers"))


def run(arguments: argparse.Namespace) -> int:
    """Run the search and print what it found."""
    method = methods.get(arguments.method)
    _refuse_evaluations(method, arguments.evaluations)
    if arguments.data not in SIZES:
        raise one_of("data", arguments.data, SIZES)
    if arguments.threads < 1:
        raise InvalidInput(f"threads: got {arguments.threads}; allowed: whole numbers from 1 on.")
    torch.set_num_threads(arguments.threads)
    settings = _make_settings(arguments)
    result = search_gradient(
        method,
        _load(arguments),
        space=arguments.space,
        settings=settings,
        epochs=arguments.epochs,
        seconds=arguments.seconds,
        seed=arguments.seed,
        out=arguments.out,
        resume=arguments.resume,
        progress=not arguments.quiet,
        checkpoint_seconds=arguments.checkpoint_seconds,
        command=_command(arguments.words),
    )
    _print_result(result, arguments.out)
    return 0


def _add_budget(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--epochs", type=int, help="length of the search and of its schedule")
    group.add_argument(
        "--seconds",
        type=float,
        help=f"stop after so much time; the schedule is that of --epochs, or of {SCHEDULE_EPOCHS}",
    )
    group.add_argument("--evaluations", type=int, help="for methods that try single architectures")


def _add_data(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--train-images", type=int, help="so many instead of all")
    group.add_argument("--valid-images", type=int, help="so many instead of all")
    group.add_argument("--image-size", type=int, help="side in pixels instead of the original")
    group.add_argument("--data-seed", type=int, default=0, help="of the split of the data (0)")


def _add_machine(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--device", default="auto", help="auto, cpu, mps or a GPU by its torch name (auto)"
    )
    group.add_argument("--threads", type=int, default=1, help="of the processor (1)")
    group.add_argument("--channels-last", action="store_true", help="memory order for tensor cores")
    group.add_argument(
        "--checkpoint-seconds", type=float, default=30.0, help="save so often within an epoch (30)"
    )
    group.add_argument("--quiet", action="store_true", help="no progress bar")


def _add_settings(group: argparse._ArgumentGroup) -> None:
    """Add an option for each field of `GradientSettings`; unset ones keep their default."""
    for field in dataclasses.fields(GradientSettings):
        if field.name in _NOT_OPTIONS:
            continue
        own = [
            f"; {sizes[field.name]} for {name}"
            for name, sizes in SIZES.items()
            if field.name in sizes
        ]
        group.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=type(field.default),
            default=argparse.SUPPRESS,
            help=f"({field.default}{''.join(own)})",
        )
    group.add_argument(
        "--alpha-betas", type=float, nargs=2, default=argparse.SUPPRESS, help="(0.5 0.999)"
    )


def _make_settings(arguments: argparse.Namespace) -> GradientSettings:
    names = [field.name for field in dataclasses.fields(GradientSettings)]
    given = {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}
    if "alpha_betas" in given:
        given["alpha_betas"] = tuple(given["alpha_betas"])
    return GradientSettings(**SIZES[arguments.data] | given)


def _load(arguments: argparse.Namespace) -> data.ImageData:
    return data.load(
        arguments.data,
        seed=arguments.data_seed,
        train_images=arguments.train_images,
        valid_images=arguments.valid_images,
        image_size=arguments.image_size,
        device=arguments.device,
    )


def _refuse_evaluations(method: methods.Method, evaluations: int | None) -> None:
    if evaluations is not None:
        raise InvalidInput(
            f"evaluations: got {evaluations}, but {method.name} trains one supernet and counts "
            f"epochs; give --epochs or --seconds instead."
        )


def _command(words: Sequence[str]) -> str:
    """Return what to type for this result; whether the run was resumed makes no difference."""
    return shlex.join(["nas-course", *(word for word in words if word != "--resume")])


def _print_result(result: SearchResult, out: Path) -> None:
    last = result.history.rows[-1]
    print(f"architecture: {result.architecture}")
    print(f"validation accuracy of the supernet: {last['valid_accuracy']:.4f}")
    print(f"cost: {last['seconds']:.1f} s, {last['step']} steps, {last['epoch']:g} epochs")
    print(f"written: {out / 'history.jsonl'}, {out / 'result.json'}")
