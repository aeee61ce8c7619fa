"""The small network around a NAS-Bench-201 cell whose training the table records.

    patches of 4x4 pixels -> linear map, normalisation -> cell -> normalisation, ReLU, average
    over the map -> linear

One cell on a 4x4 map: nothing else in the network mixes places or applies a nonlinearity before
the head, so the cell has to do the work.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, linear, pixel_unshuffle, relu

from nas_course.spaces.nas_bench_201 import EDGES, Cell201

PATCH = 4  # pixels; images of 16x16 become maps of 4x4
CONVOLUTIONS = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}
Edge = tuple[int, int, str]


def patches(images: Tensor) -> Tensor:
    """Cut images (B, C, H, W) into patches: (B, 16 C, H / 4, W / 4), channels last in memory.

    A linear map of these is a convolution of the images with kernel 4 and stride 4.
    """
    return pixel_unshuffle(images, PATCH).contiguous(memory_format=torch.channels_last)


def working_edges(cell: Cell201) -> list[Edge]:
    """List the edges (source, target, operation) on a path from input to output.

    All others, `none` among them, add zeros or compute what nobody reads: leaving them out does
    not change the function of the cell.
    """
    edges = [
        (source, target, operation)
        for (source, target), operation in zip(EDGES, cell.operations, strict=True)
        if operation != "none"
    ]
    fed = {0}
    for source, target, _ in edges:  # ordered by target
        if source in fed:
            fed.add(target)
    read = {3}
    for source, target, _ in sorted(edges, reverse=True):
        if target in read:
            read.add(source)
    return [edge for edge in edges if edge[0] in fed and edge[1] in read]


class Pointwise(nn.Conv2d):
    """A 1x1 convolution done as the matrix product that it is: twice as fast at this size."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels_in, H, W) to (B, channels_out, H, W)."""
        return linear(x.permute(0, 2, 3, 1), self.weight.flatten(1)).permute(0, 3, 1, 2)


class SharedCell(nn.Module):
    """A NAS-Bench-201 cell that computes what `DiscreteCell201` does, with less work.

    Edges that do not count are left out; edges that leave a node with the same operation share
    one pass: average pooling is done once, and k convolutions are one with k times the outputs.

    Parameters
    ----------
    cell : Cell201
    channels : int
    momentum : float
        Of the moving averages of batch normalisation.
    """

    def __init__(self, cell: Cell201, channels: int, momentum: float) -> None:
        super().__init__()
        edges = sorted(working_edges(cell), key=lambda edge: (edge[0], edge[2]))
        self.passes = [
            (source, operation, [target for _, target, _ in group])
            for (source, operation), group in groupby(edges, key=lambda edge: (edge[0], edge[2]))
        ]
        self.convolutions, self.norms = nn.ModuleDict(), nn.ModuleDict()
        for source, operation, targets in self.passes:
            if size := CONVOLUTIONS.get(operation):
                width, key = len(targets) * channels, f"{operation}~{source}"
                self.convolutions[key] = (
                    Pointwise(channels, width)
                    if size == 1
                    else nn.Conv2d(channels, width, size, padding=size // 2, bias=False)
                )
                self.norms[key] = nn.BatchNorm2d(width, momentum=momentum)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape; zeros where no path leads to the output."""
        nodes: dict[int, Tensor] = {0: x}
        rectified: dict[int, Tensor] = {}
        for source, operation, targets in self.passes:
            if operation not in CONVOLUTIONS:
                terms = [self._keep(operation, nodes[source])] * len(targets)
            else:
                if source not in rectified:
                    rectified[source] = relu(nodes[source])
                key = f"{operation}~{source}"
                out = self.norms[key](self.convolutions[key](rectified[source]))
                terms = list(out.chunk(len(targets), dim=1)) if len(targets) > 1 else [out]
            for target, term in zip(targets, terms, strict=True):
                nodes[target] = nodes[target] + term if target in nodes else term
        return nodes[3] if 3 in nodes else torch.zeros_like(x)

    def _keep(self, operation: str, x: Tensor) -> Tensor:
        if operation == "skip_connect":
            return x
        return avg_pool2d(x, 3, 1, padding=1, count_include_pad=False)


class TabularNetwork(nn.Module):
    """Linear map of patches, one cell, classifier.

    Parameters
    ----------
    cell : torch.nn.Module
        Maps (B, channels, H, W), and what `forward` gets beside the patches, to the same shape.
    channels, classes : int
    in_channels : int
        Numbers in a patch.
    make_norm : callable channels -> module
        Batch normalisation before and behind the cell.
    """

    def __init__(
        self,
        cell: nn.Module,
        *,
        channels: int,
        classes: int,
        in_channels: int,
        make_norm: Callable[[int], nn.Module],
    ) -> None:
        super().__init__()
        self.stem = Pointwise(in_channels, channels)
        self.stem_norm = make_norm(channels)
        self.cell = cell
        self.norm = make_norm(channels)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor, *extra: Tensor) -> Tensor:
        """Return logits (B, classes) of patches (B, in_channels, H, W), see `patches`."""
        x = self.cell(self.stem_norm(self.stem(x)), *extra)
        return self.classifier(avg_pool2d(relu(self.norm(x)), x.shape[2]).flatten(1))


def multiply_adds(cell: Cell201, channels: int, classes: int, in_channels: int, side: int) -> int:
    """Count the multiplications of one pass of a map of side x side patches.

    Convolutions and linear layers; pooling, normalisation and sums are left out, as usual, and
    borders count as if padded.
    """
    taps = sum(CONVOLUTIONS.get(operation, 0) ** 2 for *_, operation in working_edges(cell))
    return side**2 * channels * (in_channels + taps * channels) + channels * classes
