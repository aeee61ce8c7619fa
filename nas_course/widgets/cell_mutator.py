"""Sample an architecture, mutate it, go back: drawn, with words on what changed.

    CellMutator(table=nas_course.tabular.load())

Each step tells the text form, what the mutation changed, how many neighbours there are, whether it
still is the same network in other words, and what the network costs; for NAS-Bench-201 also what
the table measured.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import torch
from ipywidgets import Button, Dropdown

from nas_course import spaces
from nas_course.models import build_network, parameter_count
from nas_course.plots.changes import change_words, draw_change
from nas_course.plots.figure import CourseFigure
from nas_course.tabular import Table
from nas_course.widgets.panel import FigurePanel

SHOWN = ("nas-bench-201", "darts", "eight-operations", "enas-micro", "chain")
SIZES: dict[str, Any] = {"channels": 16, "cells": 5, "classes": 10, "in_channels": 3}


class Walk:
    """A path through a space, one step after the other, that can be taken back.

    Parameters
    ----------
    space : a search space
    rng : numpy.random.Generator
        Decides every sample and mutation.

    Attributes
    ----------
    path : list of architectures
        From the first sample to the present one; a new sample begins a new path.
    """

    def __init__(self, space: Any, rng: np.random.Generator) -> None:
        self.space = space
        self._rng = rng
        self.sample()

    def sample(self) -> None:
        """Begin anew with a random architecture."""
        self.path = [self.space.sample(self._rng)]

    def mutate(self) -> None:
        """Go on to a random neighbour."""
        self.path.append(self.space.mutate(self.path[-1], self._rng))

    def undo(self) -> None:
        """Go one step back; at the beginning there is none."""
        if len(self.path) > 1:
            self.path.pop()

    @property
    def present(self) -> Any:
        """The architecture where the walk stands."""
        return self.path[-1]

    @property
    def before(self) -> Any:
        """The one a step before, or the present one at the beginning."""
        return self.path[-2] if len(self.path) > 1 else self.path[-1]

    def same_network(self) -> int | None:
        """Return the last earlier step (0 is the sample) with the same network, or None."""
        keys = [self.space.canonical(architecture) for architecture in self.path]
        earlier = [step for step, key in enumerate(keys[:-1]) if key == keys[-1]]
        return earlier[-1] if earlier else None


class CellMutator(FigurePanel):
    """Buttons to sample, mutate and undo; the architecture with the change marked.

    Parameters
    ----------
    table : Table or None
        Whose accuracies of NAS-Bench-201 cells to show.
    seed : int
        Decides the walk: the same clicks give the same architectures.
    """

    def __init__(self, table: Table | None = None, seed: int = 0) -> None:
        self._table = table
        self._seed = seed
        self._seen: dict[str, int] = {}
        self.walk = self._enter(SHOWN[0])
        super().__init__(
            self._step,
            space=Dropdown(options=SHOWN),
            sample=Button(),
            mutate=Button(),
            undo=Button(),
        )

    def _enter(self, name: str) -> Walk:
        return Walk(spaces.get(name), np.random.default_rng(self._seed))

    def _step(self, space: str, **clicks: int) -> CourseFigure:
        """Take the step that was asked for and draw where the walk stands."""
        if space != self.walk.space.name:
            self.walk = self._enter(space)
        for button, count in clicks.items():
            if count > self._seen.get(button, 0):
                getattr(self.walk, button)()
        self._seen = clicks
        figure = draw_change(self.walk.before, self.walk.present, shown_cell(self.walk))
        figure.summary = " ".join([*walk_words(self.walk), *self._measured()])
        return figure

    def _measured(self) -> list[str]:
        if self._table is None or self.walk.space.name != "nas-bench-201":
            return []
        row = self._table.query(self.walk.present)
        return [f"The table: validation accuracy {row.valid_accuracy[-1]:.1%}."]


def shown_cell(walk: Walk) -> str:
    """Return the kind of cell that changed last, or the first kind; "" for a chain."""
    kinds = walk.present.kinds
    changed = [kind for kind in kinds if walk.before.wires(kind) != walk.present.wires(kind)]
    return (*changed, *kinds, "")[0]


def walk_words(walk: Walk) -> list[str]:
    """Say in sentences where a walk stands."""
    space, architecture = walk.space, walk.present
    step = len(walk.path) - 1
    words = [f"{space.name}, {f'mutation {step}' if step else 'a sample'}: {architecture}."]
    if step:
        words.append(f"Changed: {change_words(walk.before, architecture)}.")
        words.append(_sameness(walk.same_network(), step))
    unused = ""
    if space.name == "nas-bench-201":
        count = texts_by_network()[space.canonical(architecture)]
        words.append(f"{count:,} of the 15,625 texts mean this network.")
        unused = ", those of unused operations included"  # other networks leave these out
    neighbors = sum(1 for _ in space.neighbors(architecture))
    weights = parameter_count(_network(architecture))
    words.append(f"It has {neighbors} neighbours. As a small network: {weights:,} weights{unused}.")
    return words


def _sameness(earlier: int | None, step: int) -> str:
    if earlier is None:
        return "A network that was not met before on this walk."
    return f"The same network as {_step_name(earlier, step)}, in other words."


def _step_name(earlier: int, step: int) -> str:
    if earlier == step - 1:
        return "before the mutation"
    return f"after mutation {earlier}" if earlier else "at the beginning"


def _network(architecture: Any) -> torch.nn.Module:
    return build_network(architecture, generator=torch.Generator().manual_seed(0), **SIZES)


@cache
def texts_by_network() -> Counter:
    """Count how many of the 15,625 texts of NAS-Bench-201 mean each network."""
    space = spaces.NASBench201Space()
    return Counter(space.canonical(cell) for cell in space)
