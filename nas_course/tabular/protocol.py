"""How every cell of the table is trained: the protocol, and the function that follows it.

`benchmarks/table_pilot.py` compares it with its rivals (`results/table_pilot.json`): a protocol
of less than one processor second a cell should rank cells alike in two seeds and like the
published accuracies after 200 epochs. The map is small (4x4 places, 32 channels) because nearly
all time goes into convolutions and passes over memory, and an 8x8 map with 16 channels has as many
multiply-adds but twice the numbers to move. Nothing but the cell mixes places, so the cell has to
do the work. Nine short epochs instead of few long ones give halving its fidelities; the warm-up
is short so that the first of them says something. The rate ends at zero and all seeds share their
images, which keeps the noise low; much of what is left is the finite test part, so it is large.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, replace
from functools import partial

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from nas_course import data
from nas_course.data import ImageData, Split, epoch_order
from nas_course.models.initialisation import initialise, parameter_count
from nas_course.spaces.nas_bench_201 import Cell201
from nas_course.tabular.network import SharedCell, TabularNetwork, multiply_adds, patches
from nas_course.tabular.rows import Row

EVALUATION_BATCH = 500


@dataclass(frozen=True)
class Protocol:
    """Data, network and training of the table; stored in its file.

    Attributes
    ----------
    data : str
    data_seed : int
        Decides the three parts, alike for all cells and seeds.
    image_size, train_images, valid_images, test_images : int
    channels, epochs, batch_size : int
    learning_rate, warm_up : float
        The rate rises in a line during the first `warm_up` (a part of all steps) to
        `learning_rate` and then falls to zero along a cosine.
    momentum, weight_decay : float
        Of stochastic gradient descent with Nesterov's momentum; only weights of convolutions and
        of the classifier decay.
    norm_momentum : float
        Of the moving averages of batch normalisation.
    version : int
        Goes up when `train_cell` changes what it computes.
    """

    data: str = "cifar10"
    data_seed: int = 0
    image_size: int = 16
    train_images: int = 2560
    valid_images: int = 2500
    test_images: int = 8000
    channels: int = 32
    epochs: int = 9
    batch_size: int = 256
    learning_rate: float = 0.3
    warm_up: float = 0.04
    momentum: float = 0.9
    weight_decay: float = 5e-4
    norm_momentum: float = 0.3
    version: int = 1

    def images(self, device: str = "cpu") -> ImageData:
        """Load the images, whole.

        Raises
        ------
        nas_course.data.DataNotFound
            They are not on this machine; the message names every way to get them.
        """
        return data.load(
            self.data,
            seed=self.data_seed,
            train_images=self.train_images,
            valid_images=self.valid_images,
            test_images=self.test_images,
            image_size=self.image_size,
            device=device,
        )

    def load(self) -> ImageData:
        """Load the images, on the processor, cut into patches as the network takes them."""
        return cut(self.images())

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of a step, counted from 0, out of `steps`."""
        warm = int(self.warm_up * steps)
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        return self.learning_rate * (1 + math.cos(math.pi * (step - warm) / (steps - warm))) / 2

    def describe(self) -> dict[str, str | int | float]:
        """Return the protocol as plain values, for a file."""
        return asdict(self)


def cut(images: ImageData) -> ImageData:
    """Cut the images of all three parts into patches."""
    train, valid, test = (
        Split(patches(part.images), part.labels)
        for part in (images.train, images.valid, images.test)
    )
    return replace(images, train=train, valid=valid, test=test)


def build(cell: Cell201, protocol: Protocol, images: ImageData, seed: int) -> TabularNetwork:
    """Return the cell's network with weights drawn by `seed`."""
    network = TabularNetwork(
        SharedCell(cell, protocol.channels, protocol.norm_momentum),
        channels=protocol.channels,
        classes=images.classes,
        in_channels=images.in_channels,
        make_norm=partial(nn.BatchNorm2d, momentum=protocol.norm_momentum),
    )
    initialise(network, torch.Generator().manual_seed(seed))
    return network.to(memory_format=torch.channels_last)


def train_cell(cell: Cell201, protocol: Protocol, seed: int, images: ImageData) -> Row:
    """Train the network of one cell and measure it. Pure: equal arguments give equal accuracies.

    Parameters
    ----------
    cell : Cell201
    protocol : Protocol
    seed : int
        Decides initial weights and order of the images.
    images : ImageData
        From `Protocol.load`.

    Returns
    -------
    Row
        Seconds are measured, so they differ from run to run.
    """
    network = build(cell, protocol, images, seed)
    optimizer = torch.optim.SGD(
        _decay_groups(network, protocol.weight_decay),
        lr=protocol.learning_rate,
        momentum=protocol.momentum,
        nesterov=True,
        foreach=True,
    )
    generator = torch.Generator().manual_seed(seed)
    seconds, curve = 0.0, []
    for epoch in range(protocol.epochs):
        started = time.process_time()
        _train_epoch(network, optimizer, images.train, protocol, epoch, generator)
        seconds += time.process_time() - started
        curve.append(accuracy(network, images.valid))
    return Row(
        valid_accuracy=tuple(curve),
        test_accuracy=accuracy(network, images.test),
        seconds=seconds,
        parameters=parameter_count(network),
        multiply_adds=multiply_adds(
            cell, protocol.channels, images.classes, images.in_channels, images.image_size
        ),
        seed=seed,
    )


@torch.inference_mode()
def accuracy(network: nn.Module, part: Split) -> float:
    """Share of right answers (0 to 1) with the moving averages of batch normalisation."""
    network.eval()
    batches = part.images.split(EVALUATION_BATCH)
    answers = [network(batch).argmax(1) for batch in batches]
    return int((torch.cat(answers) == part.labels).sum()) / len(part)


def _train_epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    part: Split,
    protocol: Protocol,
    epoch: int,
    generator: torch.Generator,
) -> None:
    """Visit every image once, in whole batches: what is left over after the last has its turn
    in another epoch.
    """
    network.train()
    rows = part.images.permute(0, 2, 3, 1)  # no copy: channels are last in memory
    batches = len(part) // protocol.batch_size
    order = epoch_order(len(part), generator)[: batches * protocol.batch_size]
    for index, chosen in enumerate(order.split(protocol.batch_size)):
        rate = protocol.rate(epoch * batches + index, protocol.epochs * batches)
        for group in optimizer.param_groups:
            group["lr"] = rate
        logits = network(rows[chosen].permute(0, 3, 1, 2))
        optimizer.zero_grad()
        cross_entropy(logits, part.labels[chosen]).backward()
        optimizer.step()


def _decay_groups(network: nn.Module, weight_decay: float) -> list[dict]:
    """Normalisation's scales and shifts and the biases do not decay."""
    weights = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in network.parameters() if parameter.ndim == 1]
    return [
        {"params": weights, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
