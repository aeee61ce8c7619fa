"""A small estimate for tests of black-box searches: pure, quick, and easy to send elsewhere."""

from __future__ import annotations

import math
import os
import signal
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

from nas_course.estimation import Score
from nas_course.search import search

EPOCHS = 9


@dataclass(frozen=True)
class SmallEstimate:
    """Additive over the edges of a NAS-Bench-201 cell, with a learning curve of nine epochs."""

    continues: bool = True
    max_epochs: int = EPOCHS

    def __call__(self, architecture, epochs=None):
        last = self.max_epochs if epochs is None else epochs
        parts = [number(f"{edge} {name}") for edge, name in enumerate(architecture.operations)]
        quality = sum(parts) / len(parts)
        speed = 1 + 4 * number(str(architecture))
        curve = tuple(quality * (1 - math.exp(-speed * e / EPOCHS)) for e in range(1, last + 1))
        measures = {"parameters": 10 * sum(part > 0.5 for part in parts)}
        seconds = last * (1 + number(f"cost of {architecture}"))
        return Score(curve[-1], seconds, f"{last} epochs", curve, measures)


@dataclass(frozen=True)
class Counted(SmallEstimate):
    """Leaves a line in a file for each call, after a moment."""

    file: Path = Path()
    pause: float = 0.0

    def __call__(self, architecture, epochs=None):
        time.sleep(self.pause * number(f"pause {architecture}"))
        with self.file.open("a") as file:
            file.write(f"{architecture} {epochs}\n")
        return super().__call__(architecture, epochs)


@dataclass(frozen=True)
class Deadly(Counted):
    """Kills its process in the middle of the first call for every eighth architecture."""

    def __call__(self, architecture, epochs=None):
        mark = self.file.with_name(f"{zlib.crc32(str(architecture).encode()):x}")
        if zlib.crc32(str(architecture).encode()) % 8 == 0 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(architecture, epochs)


def number(text):
    """A number from 0 to 1 that a text always has."""
    return zlib.crc32(text.encode()) % 1000 / 999


def run(method="regularized-evolution", estimate=None, **changes):
    """Search with a small population for a few evaluations, without a bar."""
    options = {"population_size": 4, "sample_size": 2}
    given = {"evaluations": 15, "progress": False}
    if method == "regularized-evolution":
        given["options"] = options
    return search(method, estimate or SmallEstimate(), **given | changes)
