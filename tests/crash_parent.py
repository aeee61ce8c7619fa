"""Kill a search at random moments, resume it until it is done, and compare every bit.

    python tests/crash_parent.py darts-1st/nas-bench-201 25 FOLDER

prints a report as JSON. A process of its own, so that children are forked from a parent that has
torch imported but has never run anything in parallel; a fork then takes milliseconds.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # optimizers import it at their first step: a second in every child
from faults import CountedOs, SlowOs, die_before, fork, kill_after, wait
from outcomes import differences, outcome

from nas_course import methods, storage
from nas_course.data import ImageData, load
from nas_course.search import search_gradient
from nas_course.strategies.gradient import GradientSettings

EPOCHS, STEPS_OF_AN_EPOCH = 4, 3
CELLS = {"darts": 3, "nas-bench-201": 1}


class Counted:
    """A method that leaves a byte in a file at the beginning of every step."""

    def __init__(self, name: str, file: Path) -> None:
        self.name, self.file = name, file
        self.options = methods.get(name).options

    def build(self, *arguments: Any) -> Any:
        strategy = methods.get(self.name).build(*arguments)
        real = strategy.step

        def step(*batches: Any) -> dict[str, float]:
            with self.file.open("ab") as file:
                file.write(b".")
            return real(*batches)

        strategy.step = step
        return strategy


def run(name: str, data: ImageData, out: Path, checkpoint_seconds: float) -> None:
    """Run or resume the search in ``out`` to its end."""
    method, space = name.split("/")
    search_gradient(
        Counted(method, out.with_suffix(".steps")),
        data,
        space=space,
        settings=GradientSettings(
            channels=4, cells=CELLS[space], batch_size=4, alpha_learning_rate=0.05
        ),
        epochs=EPOCHS,
        out=out,
        resume=True,
        progress=False,
        checkpoint_seconds=checkpoint_seconds,
    )


def run_slowly(name: str, data: ImageData, out: Path) -> None:
    """Save after every step, and take long for it."""
    storage.os = SlowOs(seconds=0.02)
    run(name, data, out, 0.0)


def run_to_a_save(name: str, data: ImageData, out: Path, disk_step: int) -> None:
    """Save after every step, and be killed at that step on the disk, where half is written."""
    storage.os = CountedOs(disk_step, die_before)
    run(name, data, out, 0.0)


class Campaign:
    """Kills until there are enough, over as many runs as that takes."""

    def __init__(self, name: str, kills: int, folder: Path) -> None:
        self.name, self.wanted, self.folder = name, kills, folder
        self.data = load("digits", train_images=12, valid_images=12, device="cpu")
        self.rng = random.Random(name)
        self.kills = self.in_save = self.runs = self.failures = 0
        self.patience = 0.5  # seconds a child may live at most; follows the speed of the machine
        self.differences: list[str] = []
        self.steps_begun = 0

    def report(self) -> dict[str, Any]:
        """Run the campaign."""
        reference = self.folder / "reference"
        assert wait(fork(lambda: run(self.name, self.data, reference, 1000.0))) == 0
        expected = outcome(reference)
        while not self._enough():
            out = self.folder / f"run-{self.runs}"
            self._kill_until_done(out)
            self.differences += differences(outcome(out), expected)
            self.steps_begun += out.with_suffix(".steps").stat().st_size
            self.runs += 1
        return {
            "kills": self.kills,
            "in_save": self.in_save,
            "runs": self.runs,
            "failures": self.failures,
            "steps_begun": self.steps_begun,
            "steps_needed": self.runs * EPOCHS * STEPS_OF_AN_EPOCH,
            "differences": self.differences,
        }

    def _enough(self) -> bool:
        """Tell whether there were enough kills, and by luck enough of them inside a save."""
        in_save = self.in_save >= self.wanted // 12 or self.kills >= 3 * self.wanted
        return self.kills >= self.wanted and in_save

    def _kill_until_done(self, out: Path) -> None:
        code = -signal.SIGKILL
        while code == -signal.SIGKILL:
            before = self._progress(out)
            code = self._one_child(out)
            self.kills += code == -signal.SIGKILL
            self.in_save += any((out / "checkpoints").glob(".draft-*"))
            gained = self._progress(out) - before
            self.patience *= 1.25 if gained == 0 else 0.8 if gained > 2 else 1.0
        if code != 0:  # its traceback is on stderr
            self.failures += 1
            raise SystemExit(f"a resumed search failed in {out}")

    def _one_child(self, out: Path) -> int:
        """Let a child search, and kill it: at any time, in a slow save, or at a step of a save."""
        if self._enough():
            return wait(fork(lambda: run(self.name, self.data, out, 0.0)))
        if self.kills % 4 == 3:
            disk_step = self.rng.randrange(1, 80)
            return wait(fork(lambda: run_to_a_save(self.name, self.data, out, disk_step)))
        work = run_slowly if self.kills % 4 == 1 else partial(run, checkpoint_seconds=0.0)
        child = fork(lambda: work(self.name, self.data, out))
        return kill_after(child, self.rng.uniform(0.0, self.patience))

    def _progress(self, out: Path) -> int:
        paths = storage.generations(out / "checkpoints")
        return int(paths[0].name.split("-")[1]) if paths else 0


def main() -> None:
    """Print the report of one campaign."""
    torch.set_num_threads(1)
    name, kills, folder = sys.argv[1:]
    start = time.monotonic()
    report = Campaign(name, int(kills), Path(folder)).report()
    print(json.dumps(report | {"seconds": round(time.monotonic() - start, 1), "pid": os.getpid()}))


if __name__ == "__main__":
    main()
