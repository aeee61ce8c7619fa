"""The network around NAS-Bench-201 cells, and the network of one such cell.

    stem -> cells -> reduction -> cells -> reduction -> cells -> average pooling -> linear

Dong, Yang, "NAS-Bench-201", ICLR 2020, section 2.1 and figure 1: 16 channels, 5 cells a stage.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from nas_course.errors import InvalidInput
from nas_course.models.skeleton import require_images, require_positive
from nas_course.operations import BatchNorm, ReLUConvBN, build_operation
from nas_course.spaces.nas_bench_201 import EDGES, Cell201

STAGES = 3


class ResidualReduction(nn.Module):
    """Halve the resolution and double the channels: two 3x3 convolutions and a shortcut."""

    def __init__(self, channels_in: int, channels_out: int, affine: bool) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            ReLUConvBN(channels_in, channels_out, 3, 2, affine),
            ReLUConvBN(channels_out, channels_out, 3, 1, affine),
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2), nn.Conv2d(channels_in, channels_out, 1, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, channels_out, H / 2, W / 2)."""
        height, width = x.shape[2:]
        if height % 2 or width % 2:
            raise InvalidInput(
                f"a reduction halves height and width: got {height}x{width}; allowed: even sizes. "
                "Use images whose side is divisible by 4 (there are two reductions)."
            )
        return self.shortcut(x) + self.convolutions(x)


class Skeleton201(nn.Module):
    """Stem, three stages of equal cells, two reductions, classifier.

    Parameters
    ----------
    make_cell : callable channels -> module
        The module maps (B, C, H, W), and what `forward` gets beside the images, to (B, C, H, W).
    channels, cells, classes, in_channels : int
        Channels of the first stage, cells in each stage, classes, image channels; at least 1.
    affine : bool
        Whether batch normalisation is learned (off in a supernet).

    Raises
    ------
    InvalidInput
        If a size is below 1, or, in `forward`, if the images have the wrong shape.
    """

    def __init__(
        self,
        make_cell: Callable[[int], nn.Module],
        *,
        channels: int,
        cells: int,
        classes: int,
        in_channels: int,
        affine: bool,
    ) -> None:
        super().__init__()
        require_positive(channels=channels, cells=cells, classes=classes, in_channels=in_channels)
        self.in_channels = in_channels
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels, track_running_stats=affine),
        )
        self.reductions = nn.ModuleList()
        self.stages = nn.ModuleList()
        for stage in range(STAGES):
            width = channels * 2**stage
            if stage:
                self.reductions.append(ResidualReduction(width // 2, width, affine))
            self.stages.append(nn.ModuleList(make_cell(width) for _ in range(cells)))
        self.head = nn.Sequential(BatchNorm(width, affine), nn.ReLU())
        self.classifier = nn.Linear(width, classes)

    def forward(self, images: Tensor, *extra: Tensor) -> Tensor:
        """Return logits (batch, classes); `extra` is handed to every cell."""
        require_images(images, self.in_channels)
        x = self.stem(images)
        for index, stage in enumerate(self.stages):
            if index:
                x = self.reductions[index - 1](x)
            for cell in stage.children():
                x = cell(x, *extra)
        return self.classifier(self.head(x).mean(dim=(2, 3)))


class DiscreteCell201(nn.Module):
    """One NAS-Bench-201 cell as a module."""

    def __init__(self, cell: Cell201, channels: int) -> None:
        super().__init__()
        self.operations = nn.ModuleList(
            build_operation(name, channels, 1, affine=True) for name in cell.operations
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        nodes = [x]
        for target in (1, 2, 3):
            terms = [
                operation(nodes[source])
                for (source, end), operation in zip(EDGES, self.operations, strict=True)
                if end == target
            ]
            nodes.append(torch.stack(terms).sum(dim=0))
        return nodes[-1]


def network_201(cell: Cell201, **sizes: int) -> Skeleton201:
    """Return the network of one cell; sizes as in `Skeleton201`."""
    return Skeleton201(lambda channels: DiscreteCell201(cell, channels), affine=True, **sizes)
