"""The network around DARTS cells: stem, preprocessing, cells, reductions, classifier.

    stem -> N N R N N R N N -> global average pooling -> linear          (8 cells)

The same skeleton carries the supernet (mixed cells) and the derived network (discrete cells).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

from nas_course.errors import InvalidInput
from nas_course.operations import FactorizedReduce, ReLUConvBN
from nas_course.spaces.darts import NODES

MakeCell = Callable[[str, int], nn.Module]
STEM_MULTIPLIER = 3


def reduction_positions(cells: int) -> set[int]:
    """Return the indices of the reduction cells: one third and two thirds of the depth."""
    return {cells // 3, 2 * cells // 3}


class CellInputs(nn.Module):
    """Bring the outputs of the two cells before to the channels and resolution of this cell.

    Parameters
    ----------
    channels_before : tuple of (int, int)
        Channels of the cell before the last, and of the last cell.
    channels : int
        Channels of this cell.
    after_reduction : bool
        The last cell halved the resolution, so the one before it must be halved here.
    affine : bool
        Whether batch normalisation is learned.
    """

    def __init__(
        self, channels_before: tuple[int, int], channels: int, after_reduction: bool, affine: bool
    ) -> None:
        super().__init__()
        older, newer = channels_before
        self.older: nn.Module
        if after_reduction:
            self.older = FactorizedReduce(older, channels, affine)
        else:
            self.older = ReLUConvBN(older, channels, 1, 1, affine)
        self.newer = ReLUConvBN(newer, channels, 1, 1, affine)

    def forward(self, older: Tensor, newer: Tensor) -> tuple[Tensor, Tensor]:
        """Return both inputs as (batch, channels, H, W) of one resolution."""
        return self.older(older), self.newer(newer)


class CellSkeleton(nn.Module):
    """Stem, cells with their input preprocessing, pooling, classifier.

    Parameters
    ----------
    make_cell : callable (kind, channels) -> module
        `kind` is "normal" or "reduce". The module maps two (B, C, H, W) to
        (B, multiplier C, H', W'), H' = H / 2 for "reduce".
    channels : int
        Channels of the first cells; doubled by each reduction. The stem has three times as many.
    cells, classes, in_channels : int
        Number of cells, of classes, and of image channels; each at least 1.
    affine : bool
        Whether the batch normalisation of the preprocessing is learned.
    multiplier : int
        Channels of a cell's output in multiples of its own: in DARTS the number of its nodes.

    Raises
    ------
    InvalidInput
        If a number is below 1, or, in `forward`, if the images have the wrong shape.
    """

    def __init__(
        self,
        make_cell: MakeCell,
        *,
        channels: int,
        cells: int,
        classes: int,
        in_channels: int,
        affine: bool,
        multiplier: int = NODES,
    ) -> None:
        super().__init__()
        require_positive(channels=channels, cells=cells, classes=classes, in_channels=in_channels)
        self.in_channels = in_channels
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, STEM_MULTIPLIER * channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(STEM_MULTIPLIER * channels, track_running_stats=affine),
        )
        self.kinds = [
            "reduce" if index in reduction_positions(cells) else "normal" for index in range(cells)
        ]
        self.inputs = nn.ModuleList()
        self.cells = nn.ModuleList()
        before = (STEM_MULTIPLIER * channels, STEM_MULTIPLIER * channels)
        after_reduction = False
        for kind in self.kinds:
            channels = channels * 2 if kind == "reduce" else channels
            self.inputs.append(CellInputs(before, channels, after_reduction, affine))
            self.cells.append(make_cell(kind, channels))
            before, after_reduction = (before[1], multiplier * channels), kind == "reduce"
        self.features = before[1]
        self.classifier = nn.Linear(self.features, classes)

    def run_cells(self, images: Tensor, extra: Mapping[str, Tensor | float]) -> Iterator[Tensor]:
        """Yield the output of every cell.

        Parameters
        ----------
        images : Tensor, shape (batch, in_channels, H, W)
            H and W divisible by 4 (by 2 with one reduction).
        extra : mapping
            What a cell of each kind gets beside its two inputs.
        """
        require_images(images, self.in_channels)
        older = newer = self.stem(images)
        for kind, inputs, cell in zip(self.kinds, self.inputs, self.cells, strict=True):
            older, newer = newer, cell(*inputs(older, newer), extra[kind])
            yield newer

    def classify(self, features: Tensor) -> Tensor:
        """Average (batch, features, H, W) over the image and return logits (batch, classes)."""
        return self.classifier(features.mean(dim=(2, 3)))


def require_positive(**sizes: int) -> None:
    """Raise `InvalidInput` naming the first size that is not a whole number from 1 on."""
    for name, size in sizes.items():
        if not isinstance(size, int) or size < 1:
            raise InvalidInput(f"{name}: got {size!r}; allowed: whole numbers from 1 on.")


def require_images(images: Tensor, in_channels: int) -> None:
    """Raise `InvalidInput` unless `images` has the shape (batch, in_channels, H, W)."""
    if images.dim() != 4 or images.shape[1] != in_channels:
        raise InvalidInput(
            f"images: got shape {tuple(images.shape)}; this network was built for "
            f"(batch, {in_channels}, height, width). Build it with in_channels= of your data."
        )


def stack_nodes(nodes: list[Tensor]) -> Tensor:
    """Concatenate the intermediate nodes along the channels: the output of a DARTS cell."""
    return torch.cat(nodes, dim=1)
