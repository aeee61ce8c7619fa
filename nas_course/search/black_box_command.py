"""`nas-course search` for the black-box family: an estimate, its options, the strategy's."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from nas_course import data, methods
from nas_course.errors import InvalidInput, one_of
from nas_course.estimation import KeptTraining, NetworkBuilder, TrainingEstimate
from nas_course.estimation.table import TableEstimate
from nas_course.search.black_box import BlackBoxResult, search
from nas_course.search.gradient_command import given_settings
from nas_course.search.options import read_options
from nas_course.training import Recipe

ESTIMATES = ("table", "training")
# What the networks of `--estimate training` are, unless options say otherwise. Digits are small.
TRAINING: dict[str, dict[str, int]] = {
    "digits": {"channels": 4, "batch_size": 32, "train_epochs": 10},
    "fashion-mnist": {"channels": 8, "batch_size": 64, "train_epochs": 10},
    "cifar10": {"channels": 8, "batch_size": 64, "train_epochs": 10},
}
CELLS = {"nas-bench-201": 1}  # a stage; all other spaces: CELLS_ELSEWHERE in the whole network
CELLS_ELSEWHERE = 3
_SHARED = (
    "channels",
    "cells",
    "batch_size",
    "precision",
    "channels_last",
)  # with the gradient methods


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of methods that try single architectures."""
    group = parser.add_argument_group("single architectures (black-box methods)")
    group.add_argument("--estimate", help=f"one of: {', '.join(ESTIMATES)} (table)")
    group.add_argument("--table", type=Path, help="a table of your own instead of the shipped one")
    group.add_argument("--workers", type=int, help="estimates at a time, in processes (1)")
    group.add_argument(
        "--estimate-seed", type=int, help="which training of an architecture is meant (0)"
    )
    group.add_argument(
        "--train-epochs",
        type=int,
        help="of each network with --estimate training; its sizes are --channels and --cells",
    )


def run(method: methods.BlackBoxMethod, arguments: argparse.Namespace, command: str) -> int:
    """Run the search and print what it found."""
    if arguments.epochs is not None:
        raise InvalidInput(
            f"epochs: got {arguments.epochs}, but {method.name} tries single architectures and "
            f"counts evaluations; give --evaluations or --seconds instead (--train-epochs is the "
            f"length of each training)."
        )
    options = read_options(method, arguments.set or [])
    result = search(
        method.name,
        _make_estimate(method, arguments),
        space=arguments.space or "nas-bench-201",
        evaluations=arguments.evaluations,
        seconds=arguments.seconds,
        seed=arguments.seed,
        options=options,
        out=arguments.out,
        resume=arguments.resume,
        workers=_workers(arguments),
        progress=not arguments.quiet,
        checkpoint_seconds=arguments.checkpoint_seconds,
        command=command,
    )
    _print_result(result, arguments.out)
    return 0


def _workers(arguments: argparse.Namespace) -> int:
    return 1 if arguments.workers is None else arguments.workers


def _make_estimate(method: methods.BlackBoxMethod, arguments: argparse.Namespace) -> Any:
    name = arguments.estimate or "table"
    if name not in ESTIMATES:
        raise one_of("estimate", name, ESTIMATES)
    if name == "table":
        return _table_estimate(method, arguments)
    return _training_estimate(method, arguments)


def _table_estimate(method: methods.BlackBoxMethod, arguments: argparse.Namespace) -> TableEstimate:
    """Take the table; whatever says how to train is refused, since nothing is trained."""
    training = ("data", "train_images", "valid_images", "image_size", "train_epochs")
    given = {name: getattr(arguments, name) for name in training} | given_settings(arguments)
    for name, value in given.items():
        if value is not None:
            raise InvalidInput(
                f"{name}: got {value!r}, but the table's networks are trained already; leave it "
                f"out, or train anew with --estimate training."
            )
    from nas_course import tabular  # here, because reading it takes a moment

    return TableEstimate(tabular.load(arguments.table), seed=arguments.estimate_seed or 0)


def _training_estimate(method: methods.BlackBoxMethod, arguments: argparse.Namespace) -> Any:
    """Train every network; where partial training is asked for, go on from what was trained."""
    data_name = arguments.data or "digits"
    if data_name not in TRAINING:
        raise one_of("data", data_name, TRAINING)
    sizes = _sizes(method, data_name, arguments)
    recipe = Recipe(
        epochs=sizes["train_epochs"],
        batch_size=sizes["batch_size"],
        precision=sizes.get("precision", "float32"),
        channels_last=sizes.get("channels_last", False),
        augment=data.augmentation_for(data_name),
    )
    images = data.load(
        data_name,
        seed=arguments.data_seed,
        train_images=arguments.train_images,
        valid_images=arguments.valid_images,
        image_size=arguments.image_size,
        device=arguments.device,
    )
    build = NetworkBuilder.fitting(images, channels=sizes["channels"], cells=sizes["cells"])
    estimate = TrainingEstimate(images, recipe, build, seed=arguments.estimate_seed or 0)
    # several processes each keep networks of their own, so going on cannot be counted on
    return KeptTraining(estimate) if method.partial and _workers(arguments) == 1 else estimate


def _sizes(
    method: methods.BlackBoxMethod, data_name: str, arguments: argparse.Namespace
) -> dict[str, Any]:
    """Take the sizes for these data and change what was given."""
    settings = given_settings(arguments)
    for name in settings:
        if name not in _SHARED:
            allowed = ", ".join("--" + shared.replace("_", "-") for shared in _SHARED)
            raise InvalidInput(
                f"{name}: got {settings[name]!r}, which is for gradient methods; {method.name} "
                f"takes {allowed}, --train-epochs and --set."
            )
    if arguments.table is not None:
        raise InvalidInput(f"table: got {str(arguments.table)!r}; leave it out when training.")
    whole_space = (arguments.space or "nas-bench-201").partition(":")[0]
    sizes = {"cells": CELLS.get(whole_space, CELLS_ELSEWHERE)}
    sizes |= TRAINING[data_name] | settings
    if arguments.train_epochs is not None:
        sizes["train_epochs"] = arguments.train_epochs
    return sizes


def _print_result(result: BlackBoxResult, out: Path) -> None:
    rows = result.history.rows
    last = rows[-1]
    print(f"architecture: {result.architecture}")
    if result.score is not None:
        print(f"validation accuracy: {result.score.value:.4f} ({result.score.fidelity})")
    made = sum(not row["cached"] for row in rows)
    print(
        f"cost: {last['evaluations']:g} full evaluations in {made} estimates, "
        f"{last['seconds']:.1f} s; {len(rows) - made} repeated architectures were free"
    )
    if result.note is not None:
        print(f"note: {result.note}")
    print(f"written: {out / 'history.jsonl'}, {out / 'result.json'}")
