"""The plainest and most expensive estimate: train the architecture's network and measure."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from nas_course.data import ImageData
from nas_course.errors import InvalidInput
from nas_course.estimation.score import Score
from nas_course.models import build_network, multiply_adds, parameter_count
from nas_course.training import Recipe, epoch_by_epoch, evaluate

Build = Callable[[Any, torch.Generator], nn.Module]


@dataclass(frozen=True)
class NetworkBuilder:
    """Build an architecture's network in fixed sizes; unlike a lambda, it can be pickled.

    Attributes
    ----------
    channels, cells, classes, in_channels : int
        See :func:`nas_course.models.build_network`.
    """

    channels: int
    cells: int
    classes: int
    in_channels: int

    @classmethod
    def fitting(cls, data: ImageData, *, channels: int, cells: int) -> NetworkBuilder:
        """Take the number of classes and of colour channels from the data."""
        return cls(channels, cells, data.classes, data.in_channels)

    def __call__(self, architecture: Any, generator: torch.Generator) -> nn.Module:
        """Build the network with weights drawn from the generator."""
        return build_network(
            architecture,
            channels=self.channels,
            cells=self.cells,
            classes=self.classes,
            in_channels=self.in_channels,
            generator=generator,
        )


@dataclass(frozen=True)
class TrainingEstimate:
    """Score an architecture by the validation accuracy of its network, trained from scratch.

        estimate = TrainingEstimate(data, recipe, NetworkBuilder.fitting(data, channels=8, cells=1))
        estimate(architecture).value
        estimate(architecture, epochs=5)       # the first 5 epochs of the same long schedule

    Pure: the same architecture, seed and number of epochs give the same score, in whatever order
    and in whatever process they are asked for. The test part is not touched.

    Attributes
    ----------
    data : ImageData
    recipe : Recipe
        Its epochs are the full schedule, over which the learning rate falls.
    build : callable (architecture, torch.Generator) -> module
        Makes the network with weights drawn from the generator: a :class:`NetworkBuilder`, or a
        function of your own (defined in a module, if other processes are to receive it).
    seed : int
        Decides initial weights, order of images and augmentation, alike for all architectures.
    continues : bool
        False: nothing is kept, so each call trains from scratch. :class:`KeptTraining` goes on.
    """

    data: ImageData
    recipe: Recipe
    build: Build
    seed: int = 0
    continues: ClassVar[bool] = False

    @property
    def max_epochs(self) -> int:
        """Epochs of the full schedule."""
        return self.recipe.epochs

    def __call__(self, architecture: Any, epochs: int | None = None) -> Score:
        """Train for the first `epochs` epochs of the schedule (None: all of it) and measure.

        Raises
        ------
        InvalidInput
            `epochs` is not a whole number from 1 to `max_epochs`.
        """
        wanted = require_epochs(epochs, self.max_epochs)
        stages = self.stages(architecture)
        return [next(stages) for _ in range(wanted)][-1]

    def stages(self, architecture: Any) -> Generator[Score, None, None]:
        """Train, and hand out the score after each epoch; who stops asking stops the training.

        The curve holds the validation accuracies, measured after each epoch: what early stopping
        and extrapolation look at. That takes the forward pass of the validation part per epoch.
        """
        started = time.perf_counter()
        network = self.build(architecture, torch.Generator().manual_seed(self.seed))
        measures = self._measures(network.to(self.data.device))
        curve: tuple[float, ...] = ()
        for _ in epoch_by_epoch(network, self.data.train, self.recipe, seed=self.seed):
            valid = evaluate(network, self.data.valid, precision=self.recipe.precision)
            curve += (valid["accuracy"],)
            seconds = time.perf_counter() - started
            yield Score(curve[-1], seconds, self._fidelity(len(curve)), curve, measures)

    def _measures(self, network: nn.Module) -> dict[str, float]:
        channels, height, width = self.data.train.images.shape[1:]
        return {
            "parameters": parameter_count(network),
            "multiply_adds": multiply_adds(network, (channels, height, width)),
        }

    def _fidelity(self, epochs: int) -> str:
        whole = epochs == self.max_epochs
        trained = f"{epochs} epochs" if whole else f"{epochs} of {self.max_epochs} epochs"
        return f"{trained} on {len(self.data.train):,} images"


def require_epochs(epochs: int | None, max_epochs: int) -> int:
    """Return the number of epochs that is meant; None stands for all of them.

    Raises
    ------
    InvalidInput
        It is not a whole number from 1 to `max_epochs`.
    """
    if epochs is None:
        return max_epochs
    if isinstance(epochs, bool) or not isinstance(epochs, int) or not 1 <= epochs <= max_epochs:
        raise InvalidInput(
            f"epochs: got {epochs!r}; give a whole number from 1 to {max_epochs}, the length of "
            "the full schedule, or None for all of it."
        )
    return epochs
