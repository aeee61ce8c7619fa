"""Score a design of the mixed space: train its network on a regression, measure R².

estimate = RegressionEstimate(regression.diabetes(seed=0))
estimate(space.parse("depth=1 width=64 ... dropout=0.2")).value
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from nas_course.data.regression import RegressionData, Rows
from nas_course.data.splits import epoch_order
from nas_course.errors import InvalidInput
from nas_course.estimation.score import Score
from nas_course.estimation.training import require_epochs
from nas_course.models.initialisation import parameter_count
from nas_course.models.mlp import MLP, StackedMLP
from nas_course.spaces.mixed import MixedDesign

OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
}
EPOCHS = 10
BATCH_SIZE = 32


def train_by_epochs(design: MixedDesign, rows: Rows, *, seed: int) -> Iterator[MLP]:
    """Train the design's network on minibatches of 32 rows, and hand it out after each epoch.

    Who stops asking stops the training. The learning rate is constant and nothing else depends on
    the number of epochs, so the first epochs of a long training are a short one.

    Parameters
    ----------
    design : MixedDesign
    rows : Rows
    seed : int
        Initial weights and dropout from one generator, order of the rows from another.
    """
    generator = torch.Generator().manual_seed(seed)
    features = rows.inputs.shape[1]
    network = MLP(
        features, design.depth, design.width, design.activation, design.dropout, generator
    )
    for _ in _epochs(network, design, rows, seed):
        yield network


def _epochs(network: nn.Module, design: MixedDesign, rows: Rows, seed: int) -> Iterator[None]:
    """Train a network, or a stack of them, epoch by epoch without end."""
    optimizer = OPTIMIZERS[design.optimizer](network.parameters(), lr=design.learning_rate)
    order = torch.Generator().manual_seed(seed)
    while True:
        network.train()
        for batch in epoch_order(len(rows), order).split(BATCH_SIZE):
            optimizer.zero_grad()
            prediction, targets = network(rows.inputs[batch]), rows.targets[batch]
            # the sum over a stack's networks: each gets the gradient of its own error
            ((prediction - targets) ** 2).mean(dim=-1).sum().backward()
            optimizer.step()
        yield


def train_alike(
    designs: Sequence[MixedDesign], rows: Rows, *, seed: int, epochs: int = EPOCHS
) -> StackedMLP:
    """Train designs that differ only in activation and dropout, all at once.

    To rounding, each becomes the network that :func:`train` makes of it.

    Raises
    ------
    InvalidInput
        Two designs differ in something else.
    """
    first = designs[0]
    for design in designs:
        alike = replace(design, activation=first.activation, dropout=first.dropout)
        if alike != first:
            raise InvalidInput(
                f"train_alike: got {first} beside {design}; allowed: designs that differ only in "
                "activation and dropout. Train the others one by one, with train."
            )
    stack = StackedMLP(
        rows.inputs.shape[1],
        first.depth,
        first.width,
        [design.activation for design in designs],
        [design.dropout for design in designs],
        torch.Generator().manual_seed(seed),
    )
    training = _epochs(stack, first, rows, seed)
    for _ in range(epochs):
        next(training)
    return stack


@torch.no_grad()
def mean_squared_errors(stack: StackedMLP, rows: Rows) -> Tensor:
    """Measure each network of a stack: (networks,), infinity where it diverged."""
    stack.eval()
    errors = ((stack(rows.inputs) - rows.targets) ** 2).mean(dim=1)
    stack.train()
    return errors.nan_to_num(nan=math.inf, posinf=math.inf)


def train(design: MixedDesign, rows: Rows, *, seed: int, epochs: int = EPOCHS) -> MLP:
    """Train the design's network for some epochs, from scratch."""
    training = train_by_epochs(design, rows, seed=seed)
    return [next(training) for _ in range(epochs)][-1]


@torch.no_grad()
def mean_squared_error(network: nn.Module, rows: Rows) -> float:
    """Measure a network on rows, dropout off; infinity if it diverged."""
    was_training = network.training
    network.eval()
    error = mse_loss(network(rows.inputs), rows.targets).item()
    network.train(was_training)
    return error if math.isfinite(error) else math.inf


def r_squared(error: float, rows: Rows) -> float:
    """Turn a mean squared error into a score from 0 to 1.

        R² = max(0, 1 - error / variance of the targets)

    0 is the best constant prediction. What is worse than that is 0 as well: by how much a run
    diverged says nothing about its design, and no strategy should be ruled by it.
    """
    return max(0.0, 1 - error / rows.targets.var(unbiased=False).item())


@dataclass(frozen=True)
class RegressionEstimate:
    """Score a design by R² on the validation part, its network trained from scratch.

    Pure: same design, seed and epochs, same score, in any process. The test part is not touched.

    Attributes
    ----------
    data : RegressionData
    seed : int
        Initial weights, dropout, order of rows; alike for all designs.
    max_epochs : int
        Epochs of a full training.
    continues : bool
        False: nothing is kept, each call trains from scratch.
    """

    data: RegressionData
    seed: int = 0
    max_epochs: int = EPOCHS
    continues: ClassVar[bool] = False

    def __call__(self, architecture: MixedDesign, epochs: int | None = None) -> Score:
        """Train for `epochs` epochs (None: all) and measure after each.

        Raises
        ------
        InvalidInput
            `epochs` is not a whole number from 1 to `max_epochs`.
        """
        wanted = require_epochs(epochs, self.max_epochs)
        started = time.perf_counter()
        training, errors = train_by_epochs(architecture, self.data.train, seed=self.seed), []
        for _ in range(wanted):
            network = next(training)
            errors.append(mean_squared_error(network, self.data.valid))
        curve = tuple(r_squared(error, self.data.valid) for error in errors)
        return Score(
            value=curve[-1],
            cost_seconds=time.perf_counter() - started,
            fidelity=f"{wanted} epochs on {len(self.data.train)} rows of {self.data.name}",
            curve=curve,
            measures={"parameters": parameter_count(network), "valid_mse": errors[-1]},
        )
