"""`nas-course search` for the gradient family: a supernet, its sizes and optimizers."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from nas_course import data, methods
from nas_course.errors import InvalidInput, one_of
from nas_course.search.gradient import SearchResult, search_gradient
from nas_course.search.options import read_options
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
    """Add an option for each field of `GradientSettings`; unset ones keep their default."""
    group = parser.add_argument_group("supernet and optimizers (gradient methods)")
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


def run(method: methods.GradientMethod, arguments: argparse.Namespace, command: str) -> int:
    """Run the search and print what it found."""
    _refuse_black_box_options(method, arguments)
    method = method.with_options(**read_options(method, arguments.set or []))
    name = arguments.data or "digits"
    if name not in SIZES:
        raise one_of("data", name, SIZES)
    settings = _make_settings(arguments, name)
    images = data.load(
        name,
        seed=arguments.data_seed,
        train_images=arguments.train_images,
        valid_images=arguments.valid_images,
        image_size=arguments.image_size,
        device=arguments.device,
    )
    result = search_gradient(
        method,
        images,
        space=arguments.space or "darts",
        settings=settings,
        epochs=arguments.epochs,
        seconds=arguments.seconds,
        seed=arguments.seed,
        out=arguments.out,
        resume=arguments.resume,
        progress=not arguments.quiet,
        checkpoint_seconds=arguments.checkpoint_seconds,
        command=command,
    )
    _print_result(result, arguments.out)
    return 0


def given_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of `GradientSettings` that were given on the command line."""
    names = [field.name for field in dataclasses.fields(GradientSettings)]
    return {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}


def _make_settings(arguments: argparse.Namespace, data_name: str) -> GradientSettings:
    given = given_settings(arguments)
    if "alpha_betas" in given:
        given["alpha_betas"] = tuple(given["alpha_betas"])
    return GradientSettings(**SIZES[data_name] | given)


def _refuse_black_box_options(
    method: methods.GradientMethod, arguments: argparse.Namespace
) -> None:
    if arguments.evaluations is not None:
        raise InvalidInput(
            f"evaluations: got {arguments.evaluations}, but {method.name} trains one supernet and "
            f"counts epochs; give --epochs or --seconds instead."
        )
    for name in ("estimate", "workers", "train_epochs", "estimate_seed", "table"):
        if (given := getattr(arguments, name)) is not None:
            raise InvalidInput(
                f"{name}: got {given!r}, which is for methods that try single architectures, but "
                f"{method.name} trains one supernet; leave --{name.replace('_', '-')} out."
            )


def _print_result(result: SearchResult, out: Path) -> None:
    last = result.history.rows[-1]
    print(f"architecture: {result.architecture}")
    if last["valid_accuracy"] is not None:
        print(f"validation accuracy of the supernet: {last['valid_accuracy']:.4f}")
    print(f"cost: {last['seconds']:.1f} s, {last['step']} steps, {last['epoch']:g} epochs")
    print(f"written: {out / 'history.jsonl'}, {out / 'result.json'}")
