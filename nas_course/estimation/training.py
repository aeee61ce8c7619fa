"""The plainest and most expensive estimate: train the architecture's network and measure."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from nas_course.data import ImageData
from nas_course.estimation.score import Score
from nas_course.training import Recipe, evaluate, fit

Build = Callable[[Any, torch.Generator], nn.Module]


@dataclass(frozen=True)
class TrainingEstimate:
    """Score an architecture by the validation accuracy of its network, trained from scratch.

        estimate = TrainingEstimate(data, recipe, build, seed=0)
        estimate(architecture).value

    Pure: the same architecture and seed give the same score, in whatever order and in whatever
    process they are asked for. The test part is not touched.

    Attributes
    ----------
    data : ImageData
    recipe : Recipe
    build : callable (architecture, torch.Generator) -> module
        Makes the network with weights drawn from the generator, for example
        ``lambda a, g: build_network(a, channels=8, cells=5, classes=10, in_channels=1,
        generator=g)``.
    seed : int
        Decides initial weights, order of images and augmentation, alike for all architectures.
    """

    data: ImageData
    recipe: Recipe
    build: Build
    seed: int = 0

    def __call__(self, architecture: Any) -> Score:
        """Train and measure."""
        started = time.perf_counter()
        network = self.build(architecture, torch.Generator().manual_seed(self.seed))
        rows = fit(network, self.data.train, self.recipe, seed=self.seed)
        measured = evaluate(network, self.data.valid, precision=self.recipe.precision)
        return Score(
            value=measured["accuracy"],
            cost_seconds=time.perf_counter() - started,
            fidelity=f"{self.recipe.epochs} epochs on {len(self.data.train):,} images",
            curve=tuple(row["accuracy"] for row in rows),
        )
