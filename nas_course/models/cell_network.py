"""The networks of two-input cells (DARTS, ENAS, eight operations), with drop-path.

    network = CellNetwork(genotype, channels=36, cells=20, classes=10, in_channels=3)
    logits = network(images)

Liu et al., "DARTS", ICLR 2019, section 3.2 and appendix A.2.
"""

from __future__ import annotations

import itertools
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

from nas_course.models.skeleton import CellSkeleton, reduction_positions, stack_nodes
from nas_course.operations import ReLUConvBN, build_operation
from nas_course.spaces import EightOperationsCell, ENASGenotype
from nas_course.spaces.nodes import INPUTS, Cell, live_cell


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


STRIDES = {"normal": 1, "reduce": 2}


class DiscreteCell(nn.Module):
    """A cell with two inputs: each node sums its operations, the output is some of the nodes.

    What carries nothing is not built: operations `none`, and all that read a dead node.

    Parameters
    ----------
    cell : tuple of nodes
        As in `nas_course.spaces.nodes`.
    outputs : tuple of int
        The nodes that are concatenated. A dead one among them is a map of zeros.
    channels, input_stride : int
        Channels of each node; stride of the operations that read the inputs of the cell.
    merge : torch.nn.Module or None
        Applied to the concatenated nodes.
    """

    def __init__(
        self,
        cell: Cell,
        outputs: tuple[int, ...],
        channels: int,
        input_stride: int,
        merge: nn.Module | None = None,
    ) -> None:
        super().__init__()
        live, rows = live_cell(cell), itertools.count()
        self.nodes = [[(next(rows), source) for _, source in node] for node in live]
        self.outputs, self.channels, self.stride = outputs, channels, input_stride
        self.operations = nn.ModuleList(
            build_operation(name, channels, input_stride if source < INPUTS else 1, affine=True)
            for node in live
            for name, source in node
        )
        self.merge = nn.Identity() if merge is None else merge
        self.generator: torch.Generator | None = None

    def reads(self, source: int) -> bool:
        """Say whether some node reads this input of the cell, 0 or 1."""
        return any(source == read for node in self.nodes for _, read in node)

    def forward(self, older: Tensor, newer: Tensor, drop_probability: float) -> Tensor:
        """Map two (B, C, H, W) to (B, outputs C, H', W'), then through `merge`."""
        states = [older, newer]
        for node in self.nodes:
            terms = [self._edge(states[source], row, drop_probability) for row, source in node]
            states.append(reduce(torch.add, terms) if terms else self._zeros(newer))
        return self.merge(stack_nodes([states[node] for node in self.outputs]))

    def _edge(self, x: Tensor, row: int, drop_probability: float) -> Tensor:
        operation = self.operations[row]
        x = operation(x)
        # the identity is never dropped: it is what carries the signal when the others are
        if drop_probability > 0 and self.training and not isinstance(operation, nn.Identity):
            return drop_path(x, drop_probability, self.generator)
        return x

    def _zeros(self, x: Tensor) -> Tensor:
        batch, _, height, width = x[:, :, :: self.stride, :: self.stride].shape
        return x.new_zeros(batch, self.channels, height, width)


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
    """The network of a DARTS genotype; those of other two-input cells are derived from it.

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
        genotype: Any,
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
            multiplier=self.multiplier,
        )
        self.auxiliary_position = max(reduction_positions(cells))
        self.auxiliary: nn.Module | None = None
        if auxiliary:
            reductions = len(reduction_positions(cells))
            self.auxiliary = AuxiliaryHead(self.multiplier * channels * 2**reductions, classes)

    @property
    def multiplier(self) -> int:
        """Channels of a cell's output in multiples of those of its nodes."""
        return len(self.genotype.normal)

    def _make_cell(self, kind: str, channels: int) -> DiscreteCell:
        cell, outputs = getattr(self.genotype, kind), self.genotype.outputs(kind)
        return DiscreteCell(cell, outputs, channels, STRIDES[kind])

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


class ENASNetwork(CellNetwork):
    """The network of an ENAS genotype: a 1x1 convolution brings the loose ends to one width.

    Parameters as in `CellNetwork`. (The released ENAS code slices one shared kernel by the loose
    ends; a stand-alone network needs only the rows that are used, which is this convolution.)
    """

    def __init__(self, genotype: ENASGenotype, **settings: Any) -> None:
        super().__init__(genotype, **settings)
        drop_unread_inputs(self.network)

    @property
    def multiplier(self) -> int:
        """The merged loose ends have the width of one node."""
        return 1

    def _make_cell(self, kind: str, channels: int) -> DiscreteCell:
        cell, outputs = getattr(self.genotype, kind), self.genotype.outputs(kind)
        merge = ReLUConvBN(len(outputs) * channels, channels, 1, 1, affine=True)
        return DiscreteCell(cell, outputs, channels, STRIDES[kind], merge)


class EightOperationsNetwork(CellNetwork):
    """The network of a cell of lesson 000, which is normal and reduction cell alike.

    Parameters as in `CellNetwork`. Where the resolution is halved, the operations that read the
    inputs of the cell have stride 2; every cell has weights of its own.
    """

    def __init__(self, genotype: EightOperationsCell, **settings: Any) -> None:
        super().__init__(genotype, **settings)
        drop_unread_inputs(self.network)

    @property
    def multiplier(self) -> int:
        """All nodes are the output, dead ones as zeros."""
        return len(self.genotype.nodes)

    def _make_cell(self, kind: str, channels: int) -> DiscreteCell:
        outputs = self.genotype.outputs("cell")
        return DiscreteCell(self.genotype.nodes, outputs, channels, STRIDES[kind])


def drop_unread_inputs(skeleton: CellSkeleton) -> None:
    """Remove the preprocessing of inputs that no node of a cell reads, in place.

    It would only add weights that no gradient ever reaches.
    """
    for inputs, cell in zip(skeleton.inputs, skeleton.cells, strict=True):
        if not cell.reads(0):  # type: ignore[operator]
            inputs.older = nn.Identity()
        if not cell.reads(1):  # type: ignore[operator]
            inputs.newer = nn.Identity()
