"""What is compared, on which data, and how every network is trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from nas_course import data, methods, spaces
from nas_course.data import ImageData, augmentation_for
from nas_course.errors import InvalidInput, one_of
from nas_course.models import build_network
from nas_course.spaces import Cell201, Genotype
from nas_course.strategies.gradient import GradientSettings
from nas_course.training import Recipe

RANDOM = "random"
HAND_DESIGNED = "hand-designed"


@dataclass(frozen=True)
class Protocol:
    """A comparison, fully described: together with the seeds it decides every number.

    For each seed s = 0, 1, ... the data are split anew; each gradient method searches on the
    train and validation parts; its cell, `random_cells` cells drawn from the same space and a
    hand-designed network within 10 % of the weights of the first method's are trained from
    scratch by one recipe on the train and validation parts together; then, once, each network
    is measured on the test part. Nothing is chosen by the test part.

    Attributes
    ----------
    data : str
        Name of the data set; `train_images`, `valid_images`, `test_images` and `image_size` as
        in :func:`nas_course.data.load`.
    methods : tuple of str
        Gradient methods by their registry names, "random", "hand-designed".
    seeds, random_cells : int
    space : str
    search : GradientSettings
        Of the supernet; `search_epochs` is the length of its training.
    recipe : Recipe
        Of every network that is trained from scratch. `channels` and `cells` are the size of
        the networks made of cells.
    """

    data: str
    search: GradientSettings
    recipe: Recipe
    search_epochs: int
    channels: int
    cells: int
    methods: tuple[str, ...] = ("darts-1st", RANDOM, HAND_DESIGNED)
    seeds: int = 3
    random_cells: int = 3
    space: str = "darts"
    train_images: int | None = None
    valid_images: int | None = None
    test_images: int | None = None
    image_size: int | None = None

    def __post_init__(self) -> None:
        known = [*methods.names("gradient"), RANDOM, HAND_DESIGNED]
        for name in self.methods:
            if name not in known:
                raise one_of("methods", name, known)
        for name in ("seeds", "random_cells", "search_epochs", "channels", "cells"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InvalidInput(f"{name}: got {value!r}; give a whole number, 1 or more.")
        if not self.searchers and RANDOM not in self.methods:
            raise InvalidInput(
                f"methods: got {list(self.methods)}; the hand-designed network takes its size "
                "from a cell network, so name a search method or 'random' as well."
            )

    @property
    def searchers(self) -> tuple[str, ...]:
        """The methods that search, in their order."""
        return tuple(name for name in self.methods if name not in (RANDOM, HAND_DESIGNED))

    def entries(self) -> list[tuple[str, int]]:
        """List (method, draw) in the order of training; what is matched comes last."""
        draws = self.random_cells if RANDOM in self.methods else 0
        entries = [(name, 0) for name in self.searchers]
        entries += [(RANDOM, draw) for draw in range(draws)]
        return entries + [(HAND_DESIGNED, 0)] * (HAND_DESIGNED in self.methods)

    def load_data(self, seed: int, device: str) -> ImageData:
        """Load the data as split for this seed."""
        return data.load(
            self.data,
            seed=seed,
            train_images=self.train_images,
            valid_images=self.valid_images,
            test_images=self.test_images,
            image_size=self.image_size,
            device=device,
        )

    def random_architecture(self, seed: int, draw: int) -> Genotype | Cell201:
        """Draw a cell: each seed and draw has a generator of its own."""
        return spaces.get(self.space).sample(np.random.default_rng([seed, draw]))

    def network(
        self, architecture: Genotype | Cell201, images: ImageData, generator: torch.Generator
    ) -> nn.Module:
        """Build the network of an architecture, as large as the protocol says."""
        return build_network(
            architecture,
            channels=self.channels,
            cells=self.cells,
            classes=images.classes,
            in_channels=images.in_channels,
            generator=generator,
        )


PRESETS = {
    "digits": Protocol(
        data="digits",
        # Short training on few images: there random cells differ by more than the chance of their
        # seeds explains. With 20 epochs they no longer do (results/digits_spread.json).
        train_images=100,
        valid_images=100,
        seeds=5,
        # Adam moves an alpha by at most about its rate per step: few steps need a larger one.
        search=GradientSettings(channels=4, cells=3, batch_size=32, alpha_learning_rate=0.02),
        search_epochs=20,
        channels=4,
        cells=3,
        recipe=Recipe(
            epochs=8, batch_size=32, learning_rate=0.05, augment=augmentation_for("digits")
        ),
    ),
    # As the paper searches; its final networks (36 channels, 20 cells, 600 epochs) need a GPU
    # for days, so that the default is the size of the supernet, trained for 50 epochs.
    "fashion-mnist": Protocol(
        data="fashion-mnist",
        search=GradientSettings(channels=16, cells=8),
        search_epochs=50,
        channels=16,
        cells=8,
        recipe=Recipe(epochs=50, augment=augmentation_for("fashion-mnist")),
    ),
    "cifar10": Protocol(
        data="cifar10",
        search=GradientSettings(channels=16, cells=8),
        search_epochs=50,
        channels=16,
        cells=8,
        recipe=Recipe(epochs=50, augment=augmentation_for("cifar10")),
    ),
}
