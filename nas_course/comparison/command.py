"""`nas-course compare`: a comparison from the command line, into a results file."""

from __future__ import annotations

import argparse
import dataclasses
import shlex
from pathlib import Path
from typing import Any

import torch

from nas_course.comparison.protocol import HAND_DESIGNED, PRESETS, RANDOM, Protocol
from nas_course.comparison.running import Row, compare
from nas_course.comparison.statistics import statement, table
from nas_course.errors import InvalidInput, one_of
from nas_course.spaces import SPACES

# Option -> (part of the protocol, field, type, help). Unset options keep the data set's preset.
_OPTIONS: dict[str, tuple[str, str, type, str]] = {
    "--seeds": ("protocol", "seeds", int, "how often everything is repeated, from seed 0 on"),
    "--random-cells": ("protocol", "random_cells", int, "cells drawn in each seed"),
    "--train-images": ("protocol", "train_images", int, "for the weights of the search"),
    "--valid-images": ("protocol", "valid_images", int, "for the alphas of the search"),
    "--test-images": ("protocol", "test_images", int, "touched once per network"),
    "--image-size": ("protocol", "image_size", int, "side in pixels instead of the original"),
    "--search-epochs": ("protocol", "search_epochs", int, "of the supernet"),
    "--search-channels": ("search", "channels", int, "of the supernet"),
    "--search-cells": ("search", "cells", int, "of the supernet"),
    "--search-batch-size": ("search", "batch_size", int, "of the supernet"),
    "--alpha-learning-rate": ("search", "alpha_learning_rate", float, "Adam on the alphas"),
    "--channels": ("protocol", "channels", int, "of the networks trained from scratch"),
    "--cells": ("protocol", "cells", int, "of the networks trained from scratch"),
    "--epochs": ("recipe", "epochs", int, "of training from scratch"),
    "--batch-size": ("recipe", "batch_size", int, "of training from scratch"),
    "--learning-rate": ("recipe", "learning_rate", float, "of training from scratch"),
    "--weight-decay": ("recipe", "weight_decay", float, "of training from scratch"),
    "--precision": ("recipe", "precision", str, "float32, bfloat16 or float16 (from scratch)"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nas-course compare`."""
    parser.add_argument("--data", default="digits", help=f"one of: {', '.join(PRESETS)}")
    parser.add_argument("--space", default="darts", help=f"one of: {', '.join(SPACES)}")
    parser.add_argument(
        "--methods",
        default=f"darts-1st,{RANDOM},{HAND_DESIGNED}",
        help="search methods, random, hand-designed; separated by commas",
    )
    parser.add_argument("--out", type=Path, required=True, help="results file (JSON)")
    parser.add_argument("--resume", action="store_true", help="go on with the file in --out")
    parser.add_argument(
        "--device", default="auto", help="auto, cpu, mps or a GPU by its torch name"
    )
    parser.add_argument("--threads", type=int, default=1, help="of the processor")
    parser.add_argument(
        "--channels-last",
        action="store_true",
        help="memory order (N, H, W, C), searching and from scratch: faster for larger images",
    )
    for option, (part, name, kind, text) in _OPTIONS.items():
        shown = ", ".join(str(getattr(_part(preset, part), name)) for preset in PRESETS.values())
        parser.add_argument(
            option, type=kind, default=argparse.SUPPRESS, help=f"{text} (default: {shown})"
        )


def run(arguments: argparse.Namespace) -> int:
    """Run the comparison, print each network as it comes, and the table at the end."""
    if arguments.threads < 1:
        raise InvalidInput(f"threads: got {arguments.threads}; give a whole number, 1 or more.")
    torch.set_num_threads(arguments.threads)
    protocol = make_protocol(arguments)
    words = ["nas-course", *(word for word in arguments.words if word != "--resume")]
    rows = compare(
        protocol,
        out=arguments.out,
        resume=arguments.resume,
        device=arguments.device,
        command=shlex.join(words),
        on_row=_print_row,
    )
    print(table(rows))
    for method in protocol.searchers:
        for rival in (RANDOM, HAND_DESIGNED):
            if rival in protocol.methods:
                print(statement(rows, method, rival))
    print(f"written: {arguments.out}")
    return 0


def make_protocol(arguments: argparse.Namespace) -> Protocol:
    """Take the preset of the data set and change what the options name."""
    if arguments.data not in PRESETS:
        raise one_of("data", arguments.data, PRESETS)
    preset = PRESETS[arguments.data]
    layout = {"channels_last": arguments.channels_last}
    changes: dict[str, dict[str, Any]] = {
        "protocol": {},
        "search": dict(layout),
        "recipe": dict(layout),
    }
    for option, (part, name, _, _) in _OPTIONS.items():
        given = option.removeprefix("--").replace("-", "_")
        if hasattr(arguments, given):
            changes[part][name] = getattr(arguments, given)
    return dataclasses.replace(
        preset,
        space=arguments.space,
        methods=tuple(name.strip() for name in arguments.methods.split(",")),
        search=dataclasses.replace(preset.search, **changes["search"]),
        recipe=dataclasses.replace(preset.recipe, **changes["recipe"]),
        **changes["protocol"],
    )


def _part(protocol: Protocol, name: str) -> Any:
    return protocol if name == "protocol" else getattr(protocol, name)


def _print_row(row: Row) -> None:
    accuracy, weights = f"{100 * row['test_accuracy']:.2f} %", f"{row['parameters']:,} weights"
    seconds = f"search {row['search_seconds']:.0f} s, training {row['train_seconds']:.0f} s"
    print(f"seed {row['seed']} {row['method']} {row['draw']}: {accuracy}, {weights}, {seconds}",
          flush=True)  # fmt: skip
