"""Supernets of mixed operations: all architectures of a space in one, weights shared.

    supernet = build_supernet(DARTSSpace(), channels=16, cells=8, classes=10, in_channels=3,
                              generator=torch.Generator().manual_seed(0))
    supernet(images)                        # logits of the mixture
    supernet.alphas["normal"].shape         # (14, 8): one row per edge, one column per operation

Liu et al., "DARTS", ICLR 2019, equation 2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nas_course.errors import InvalidInput, one_of
from nas_course.models.initialisation import initialise
from nas_course.models.nas_bench_201 import Skeleton201
from nas_course.models.skeleton import CellSkeleton, stack_nodes
from nas_course.operations import BatchNorm, build_operation
from nas_course.spaces import CellTemplate, DARTSSpace, NASBench201Space

MINIMUM_CELLS = 3
SUPERNET_SPACES = (DARTSSpace.name, NASBench201Space.name)


class MixedOperation(nn.Module):
    """All operations of one edge, summed with mixing weights: sum_o pi_o * o(x)."""

    def __init__(self, operations: tuple[str, ...], channels: int, stride: int) -> None:
        super().__init__()
        self.operations = nn.ModuleList(_candidate(name, channels, stride) for name in operations)

    def forward(self, x: Tensor, pi: Tensor) -> Tensor:
        """Mix.

        Parameters
        ----------
        x : Tensor, shape (batch, channels, H, W)
        pi : Tensor, shape (operations,)
            The mixing weights of this edge.
        """
        return sum(
            weight * operation(x) for weight, operation in zip(pi, self.operations, strict=True)
        )


def _candidate(name: str, channels: int, stride: int) -> nn.Module:
    operation = build_operation(name, channels, stride, affine=False)
    if "pool" not in name:
        return operation
    # a pooled map has another scale than a normalised one; mixed, that would act like a weight
    return nn.Sequential(operation, BatchNorm(channels, affine=False))


class MixedCell(nn.Module):
    """A cell with a mixed operation on every edge; a node is the sum of its incoming edges."""

    def __init__(self, template: CellTemplate, channels: int, input_stride: int) -> None:
        super().__init__()
        self.template = template
        inputs = min(target for _, target in template.edges)
        self.edges = nn.ModuleList(
            MixedOperation(template.operations, channels, input_stride if source < inputs else 1)
            for source, _ in template.edges
        )

    def nodes(self, states: list[Tensor], pi: Tensor) -> list[Tensor]:
        """Return the intermediate nodes, each (batch, channels, H', W').

        Parameters
        ----------
        states : list of Tensor
            The inputs of the cell.
        pi : Tensor, shape (edges, operations)
            Mixing weights, a row for each edge of the template.
        """
        states, inputs = list(states), len(states)
        for target in range(inputs, 1 + self.template.edges[-1][1]):
            rows = self.template.incoming(target)
            sources = [self.template.edges[row][0] for row in rows]
            states.append(
                sum(
                    self.edges[row](states[j], pi[row])
                    for row, j in zip(rows, sources, strict=True)
                )
            )
        return states[inputs:]


class MixedSupernet(nn.Module):
    """What all mixed supernets share: alphas apart from weights, and their softmax.

    Attributes
    ----------
    alphas : torch.nn.ParameterDict
        Logits (edges, operations) for every cell kind of the space.
    """

    def __init__(self, space: DARTSSpace | NASBench201Space) -> None:
        super().__init__()
        self.space = space
        self.alphas = nn.ParameterDict()

    def start(self, generator: torch.Generator, alpha_scale: float) -> None:
        """Draw the initial weights, then alphas ~ alpha_scale * N(0, 1)."""
        initialise(self, generator)
        for kind, template in self.space.cells.items():
            shape = (len(template.edges), len(template.operations))
            noise = torch.randn(shape, generator=generator)
            self.alphas[kind] = nn.Parameter(alpha_scale * noise)

    def weights(self) -> list[nn.Parameter]:
        """Return every parameter that is not an alpha. By identity, not by name."""
        alphas = {id(alpha) for alpha in self.alphas.values()}
        return [parameter for parameter in self.parameters() if id(parameter) not in alphas]

    def mixing_weights(self) -> dict[str, Tensor]:
        """Return pi = softmax(alpha) over the operations of each edge, by cell kind."""
        return {kind: alpha.softmax(dim=1) for kind, alpha in self.alphas.items()}


class DARTSCell(MixedCell):
    """The mixed DARTS cell: two inputs, four nodes, output = the nodes side by side."""

    def forward(self, older: Tensor, newer: Tensor, pi: Tensor) -> Tensor:
        """Map two (B, C, H, W) to (B, 4 C, H', W')."""
        return stack_nodes(self.nodes([older, newer], pi))


class DARTSSupernet(MixedSupernet):
    """The supernet of the DARTS space (see `build_supernet`)."""

    def __init__(self, space: DARTSSpace, **sizes: int) -> None:
        super().__init__(space)
        if sizes["cells"] < MINIMUM_CELLS:
            raise InvalidInput(
                f"cells: got {sizes['cells']}; allowed: {MINIMUM_CELLS} or more. With fewer, both "
                "reductions leave no normal cell, and its alphas would never be trained."
            )
        self.network = CellSkeleton(self._make_cell, affine=False, **sizes)

    def _make_cell(self, kind: str, channels: int) -> DARTSCell:
        return DARTSCell(self.space.cells[kind], channels, 2 if kind == "reduce" else 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes)."""
        *_, last = self.network.run_cells(images, self.mixing_weights())
        return self.network.classify(last)


class Cell201(MixedCell):
    """The mixed NAS-Bench-201 cell: one input, three nodes, output = the last node."""

    def forward(self, x: Tensor, pi: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        return self.nodes([x], pi)[-1]


class Supernet201(MixedSupernet):
    """The supernet of the NAS-Bench-201 space (see `build_supernet`)."""

    def __init__(self, space: NASBench201Space, **sizes: int) -> None:
        super().__init__(space)
        self.network = Skeleton201(
            lambda channels: Cell201(space.cells["cell"], channels, 1), affine=False, **sizes
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes)."""
        return self.network(images, self.mixing_weights()["cell"])


def build_supernet(
    space: DARTSSpace | NASBench201Space,
    *,
    channels: int,
    cells: int,
    classes: int,
    in_channels: int,
    generator: torch.Generator,
    alpha_scale: float = 1e-3,
) -> MixedSupernet:
    """Build and initialise the mixed supernet of a space.

    Parameters
    ----------
    space : DARTSSpace or NASBench201Space
    channels : int
        Channels of the first cells; doubled at each of the two reductions.
    cells : int
        DARTS: all cells of the network. NAS-Bench-201: cells in each of the three stages.
    classes, in_channels : int
        Classes of the data and channels of its images.
    generator : torch.Generator
        On the CPU; weights are drawn first, then alphas.
    alpha_scale : float
        Standard deviation of the initial alphas (DARTS: 1e-3, nearly uniform mixing).

    Returns
    -------
    MixedSupernet
        With 8 cells, 16 channels, 10 classes and 3 image channels on the DARTS space it has
        1,930,618 weights and 2 x 112 alphas.

    Raises
    ------
    InvalidInput
        If a size is below 1, a DARTS supernet has fewer than 3 cells, or the space has no
        mixed supernet.
    """
    sizes = {"channels": channels, "cells": cells, "classes": classes, "in_channels": in_channels}
    supernet: MixedSupernet
    if isinstance(space, NASBench201Space):
        supernet = Supernet201(space, **sizes)
    elif isinstance(space, DARTSSpace):
        supernet = DARTSSupernet(space, **sizes)
    else:
        raise one_of("space of a mixed supernet", space.name, SUPERNET_SPACES)
    supernet.start(generator, alpha_scale)
    return supernet
