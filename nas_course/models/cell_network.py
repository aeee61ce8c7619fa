"""The network of a DARTS genotype, with drop-path and an optional auxiliary head.

    network = CellNetwork(genotype, channels=36, cells=20, classes=10, in_channels=3)
    logits = network(images)

Liu et al., "DARTS", ICLR 2019, section 3.2 and appendix A.2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nas_course.models.skeleton import CellSkeleton, reduction_positions, stack_nodes
from nas_course.operations import build_operation
from nas_course.spaces import Genotype


def drop_path(x: Tensor, probability: float, generator: torch.Generator | None) -> Tensor:
    """Set whole samples of `x` to zero, scale the others by 1 / (1 - probability).

    The expectation stays the same (Larsson et al., "FractalNet", ICLR 2017).

    Parameters
    ----------
    x : Tensor, shape (batch, channels, H, W)
    probability : float in [0, 1)
    generator : torch.Generator or None
        On the device of `x`; None draws from torch's default generator.
    """
    shape = (x.shape[0], 1, 1, 1)
    kept = torch.rand(shape, generator=generator, device=x.device) >= probability
    return x * kept.to(x.dtype) / (1 - probability)


class DiscreteCell(nn.Module):
    """A cell of a genotype: each node sums two operations, the output is all nodes."""

    def __init__(self, nodes: tuple, channels: int, input_stride: int) -> None:
        super().__init__()
        self.sources = [source for node in nodes for _, source in node]
        self.operations = nn.ModuleList(
            build_operation(name, channels, input_stride if source < 2 else 1, affine=True)
            for node in nodes
            for name, source in node
        )
        self.generator: torch.Generator | None = None

    def forward(self, older: Tensor, newer: Tensor, drop_probability: float) -> Tensor:
        """Map two (B, C, H, W) to (B, 4 C, H', W')."""
        states = [older, newer]
        for first in range(0, len(self.operations), 2):
            a, b = (self._edge(states, row, drop_probability) for row in (first, first + 1))
            states.append(a + b)
        return stack_nodes(states[2:])

    def _edge(self, states: list[Tensor], row: int, drop_probability: float) -> Tensor:
        operation = self.operations[row]
        x = operation(states[self.sources[row]])
        # the identity is never dropped: it is what carries the signal when the others are
        if drop_probability > 0 and self.training and not isinstance(operation, nn.Identity):
            return drop_path(x, drop_probability, self.generator)
        return x


class AuxiliaryHead(nn.Sequential):
    """A second classifier two thirds up the network, trained along with the first.

    DARTS averages 5x5 windows of an 8x8 map to 2x2; here the map is averaged to 2x2 whatever
    its size is, so that small images have a head too. It needs a map of at least 2x2.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Conv2d(channels, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.BatchNorm2d(768),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(768, classes),
        )


class CellNetwork(nn.Module):
    """The network of a genotype.

    Parameters
    ----------
    genotype : Genotype
    channels, cells, classes, in_channels : int
        As in `CellSkeleton`; DARTS trains 36 channels and 20 cells on CIFAR-10.
    auxiliary : bool
        Add an auxiliary head after the second reduction. Then, in training mode, `forward`
        returns (logits, auxiliary logits).

    Attributes
    ----------
    drop_path_probability : float in [0, 1)
        Probability that an edge is dropped for a sample, in training mode. Set by the training
        loop, which raises it linearly.

    Raises
    ------
    InvalidInput
        If a size is below 1.
    """

    def __init__(
        self,
        genotype: Genotype,
        *,
        channels: int,
        cells: int,
        classes: int,
        in_channels: int,
        auxiliary: bool = False,
    ) -> None:
        super().__init__()
        self.genotype = genotype
        self.drop_path_probability = 0.0
        self.network = CellSkeleton(
            self._make_cell,
            channels=channels,
            cells=cells,
            classes=classes,
            in_channels=in_channels,
            affine=True,
        )
        self.auxiliary_position = max(reduction_positions(cells))
        self.auxiliary: nn.Module | None = None
        if auxiliary:
            reductions = len(reduction_positions(cells))
            self.auxiliary = AuxiliaryHead(4 * channels * 2**reductions, classes)

    def _make_cell(self, kind: str, channels: int) -> DiscreteCell:
        return DiscreteCell(getattr(self.genotype, kind), channels, 2 if kind == "reduce" else 1)

    def use_generator(self, generator: torch.Generator) -> None:
        """Let drop-path draw from `generator`, which lives on the device of the network."""
        for cell in self.network.cells:
            cell.generator = generator  # type: ignore[assignment]

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Return logits (batch, classes), with those of the auxiliary head when it trains."""
        probability = dict.fromkeys(("normal", "reduce"), self.drop_path_probability)
        outputs = list(self.network.run_cells(images, probability))
        logits = self.network.classify(outputs[-1])
        if self.auxiliary is None or not self.training:
            return logits
        return logits, self.auxiliary(outputs[self.auxiliary_position])
