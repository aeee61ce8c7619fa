"""Run a comparison row by row into a results file that survives being killed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nas_course.comparison.protocol import HAND_DESIGNED, RANDOM, Protocol
from nas_course.data import ImageData
from nas_course.errors import InvalidInput
from nas_course.models import parameter_count
from nas_course.models.hand_designed import matched_cnn
from nas_course.results_file import read_results
from nas_course.search import search_gradient
from nas_course.search.loop import software
from nas_course.storage import make_folder, owned, write_file
from nas_course.training import evaluate, fit

KIND = "nas-course comparison"
FORMAT = 1

Row = dict[str, Any]


def compare(
    protocol: Protocol,
    *,
    out: str | Path | None = None,
    resume: bool = False,
    device: str = "auto",
    command: str | None = None,
    on_row: Callable[[Row], object] | None = None,
) -> list[Row]:
    """Train and measure every network of the protocol that has not been measured yet.

    Parameters
    ----------
    protocol : Protocol
    out : path, optional
        JSON file, rewritten whole after each network. Beside it the folder `NAME.runs` keeps
        the searches (history, checkpoints), so that a killed comparison goes on where it was.
    resume : bool
        Go on with the file in `out`, which must be of the same protocol.
    device : str
    command : str, optional
        Kept in the file: what to type to get it.
    on_row : callable, optional
        Called with each new row.

    Returns
    -------
    list of dict
        One row per network: seed, method, draw, architecture (text; null if hand-designed),
        parameters, test_accuracy and test_loss (measured once), train_accuracy (last epoch, as
        augmented), search_seconds, train_seconds.

    Raises
    ------
    InvalidInput
        `out` exists and `resume` is not set, or it holds something else.
    """
    with _opened(protocol, out, resume, command) as results:
        for seed in range(protocol.seeds):
            missing = [entry for entry in protocol.entries() if not results.has(seed, *entry)]
            if not missing:
                continue
            images = protocol.load_data(seed, device)
            for method, draw in missing:
                measured = _measure(protocol, images, seed, method, draw, results)
                row = {"seed": seed, "method": method, "draw": draw} | measured
                results.append(row, images)
                if on_row is not None:
                    on_row(row)
        return results.rows


def read(path: str | Path) -> dict[str, Any]:
    """Read a results file: its header ("command", "protocol", "sizes", ...) and its "rows".

    Raises
    ------
    InvalidInput
        There is no such file, or it is no comparison.
    """
    return read_results(path, KIND, FORMAT, made_by="nas-course compare")


class _Results:
    """The rows so far, in memory and, if there is a file, in it."""

    def __init__(self, header: dict[str, Any], rows: list[Row], path: Path | None) -> None:
        self.header, self.rows, self.path = header, rows, path

    def has(self, seed: int, method: str, draw: int) -> bool:
        return any((r["seed"], r["method"], r["draw"]) == (seed, method, draw) for r in self.rows)

    def run_folder(self, seed: int, method: str) -> Path | None:
        """Where a search keeps its state."""
        if self.path is None:
            return None
        return _runs(self.path) / f"{method}-seed-{seed}"

    def append(self, row: Row, images: ImageData) -> None:
        """Keep a row; the file on disk is the old one or the new one, never half of each."""
        self.rows.append(row)
        parts = {"train": images.train, "valid": images.valid, "test": images.test}
        self.header["sizes"] = {name: len(part) for name, part in parts.items()}
        self.header["device"] = str(images.device)
        if self.path is not None:
            content = json.dumps(self.header | {"rows": self.rows}, indent=1)
            write_file(self.path, content.encode() + b"\n")


@contextlib.contextmanager
def _opened(
    protocol: Protocol, out: str | Path | None, resume: bool, command: str | None
) -> Iterator[_Results]:
    described = json.loads(json.dumps(dataclasses.asdict(protocol)))
    header = {"kind": KIND, "format": FORMAT, "command": command, "protocol": described}
    header |= _environment()
    if out is None:
        yield _Results(header, [], None)
        return
    path = Path(out)
    runs = _runs(path)
    make_folder(runs)
    with owned(runs):
        yield _Results(header, _rows_so_far(path, described, resume), path)


def _rows_so_far(path: Path, described: dict[str, Any], resume: bool) -> list[Row]:
    if not path.exists():
        return []
    if not resume:
        raise InvalidInput(
            f"out: {path} exists already; go on with it by resume=True (--resume), or give "
            "another file (--out)."
        )
    before = read(path)
    for name, value in described.items():
        if before["protocol"].get(name) != value:
            raise InvalidInput(
                f"resume: {path} was made with {name} = {before['protocol'].get(name)!r}, but "
                f"{value!r} was asked for. Ask for the same, or give another file (--out)."
            )
    return list(before["rows"])


def _runs(path: Path) -> Path:
    return path.with_name(f"{path.stem}.runs")


def _environment() -> dict[str, Any]:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"
    return {"versions": software()["versions"], "machine": machine}


def _measure(
    protocol: Protocol,
    images: ImageData,
    seed: int,
    method: str,
    draw: int,
    results: _Results,
) -> Row:
    """Get the network of one row, train it, and measure it once on the test part."""
    generator = torch.Generator().manual_seed(seed)
    if method == HAND_DESIGNED:
        target = next(row for row in results.rows if row["seed"] == seed)
        sizes = {"classes": images.classes, "in_channels": images.in_channels}
        rival = matched_cnn(target["parameters"], **sizes, generator=generator)
        return _trained(rival, images, protocol, seed)
    if method == RANDOM:
        architecture, seconds = protocol.random_architecture(seed, draw), 0.0
    else:
        architecture, seconds = _searched(protocol, images, seed, method, results)
    network = protocol.network(architecture, images, generator)
    row = _trained(network, images, protocol, seed)
    return row | {"architecture": str(architecture), "search_seconds": seconds}


def _searched(
    protocol: Protocol, images: ImageData, seed: int, method: str, results: _Results
) -> tuple[Any, float]:
    folder = results.run_folder(seed, method)
    result = search_gradient(
        method,
        images,
        space=protocol.space,
        settings=protocol.search,
        epochs=protocol.search_epochs,
        seed=seed,
        out=folder,
        resume=folder is not None,
        progress=False,
    )
    return result.architecture, result.history.rows[-1]["seconds"]


def _trained(network: nn.Module, images: ImageData, protocol: Protocol, seed: int) -> Row:
    started = time.perf_counter()
    rows = fit(network, images.train_and_valid, protocol.recipe, seed=seed)
    seconds = time.perf_counter() - started
    measured = evaluate(network, images.test, precision=protocol.recipe.precision)
    return {
        "architecture": None,
        "parameters": parameter_count(network),
        "test_accuracy": measured["accuracy"],
        "test_loss": measured["loss"],
        "train_accuracy": rows[-1]["accuracy"],
        "search_seconds": 0.0,
        "train_seconds": seconds,
    }
