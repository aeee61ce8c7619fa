"""Supernets of mixed operations: all architectures of a space in one, weights shared.

    supernet = build_supernet(DARTSSpace(), channels=16, cells=8, classes=10, in_channels=3,
                              generator=torch.Generator().manual_seed(0))
    supernet(images)                        # logits of the mixture
    supernet.alphas["normal"].shape         # (14, 8): one row per edge, one column per operation

Liu et al., "DARTS", ICLR 2019, equation 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from nas_course.errors import InvalidInput, one_of
from nas_course.models.initialisation import initialise
from nas_course.models.nas_bench_201 import Skeleton201
from nas_course.models.skeleton import CellSkeleton, stack_nodes
from nas_course.operations import BatchNorm, build_operation
from nas_course.spaces import CellTemplate, DARTSSpace, NASBench201Space

MINIMUM_CELLS = 3
MakeEdge = Callable[[tuple[str, ...], int, int], nn.Module]
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
    """A cell with a mixed operation on every edge; a node is the sum of its incoming edges.

    Parameters
    ----------
    template : CellTemplate
    channels, input_stride : int
        Channels of every node; stride of the edges that leave an input of the cell.
    make_edge : callable (operations, channels, stride) -> module
        The module maps (x, row of pi) to what the edge carries: `MixedOperation`, or a relative.
    """

    def __init__(
        self,
        template: CellTemplate,
        channels: int,
        input_stride: int,
        make_edge: MakeEdge = MixedOperation,
    ) -> None:
        super().__init__()
        self.template = template
        inputs = min(target for _, target in template.edges)
        self.edges = nn.ModuleList(
            make_edge(template.operations, channels, input_stride if source < inputs else 1)
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


def softmax_mix(supernet: MixedSupernet) -> dict[str, Tensor]:
    """Return pi = softmax(alpha) over the operations of each edge, by cell kind."""
    return {kind: alpha.softmax(dim=1) for kind, alpha in supernet.alphas.items()}


class MixedSupernet(nn.Module):
    """What all mixed supernets share: architecture parameters apart from weights.

    Attributes
    ----------
    alphas : torch.nn.ParameterDict
        Logits (edges, operations) for every cell kind of the space.
    betas : torch.nn.ParameterDict
        Logits (edges,) of the edges themselves, by cell kind. Empty unless a relaxation that
        weighs edges adds them (`nas_course.strategies.gradient.Relaxation.attach`).
    relaxation : callable supernet -> dict of Tensor
        From the logits to the mixing weights pi; `softmax_mix` unless a method puts another one.
    """

    def __init__(self, space: DARTSSpace | NASBench201Space) -> None:
        super().__init__()
        self.space = space
        self.alphas = nn.ParameterDict()
        self.betas = nn.ParameterDict()
        self.relaxation: Callable[[MixedSupernet], dict[str, Tensor]] = softmax_mix

    def start(self, generator: torch.Generator, alpha_scale: float) -> None:
        """Draw the initial weights, then alphas ~ alpha_scale * N(0, 1)."""
        initialise(self, generator)
        for kind, template in self.space.cells.items():
            shape = (len(template.edges), len(template.operations))
            noise = torch.randn(shape, generator=generator)
            self.alphas[kind] = nn.Parameter(alpha_scale * noise)

    def architecture_parameters(self) -> list[nn.Parameter]:
        """Return the alphas, then the betas."""
        return [*self.alphas.values(), *self.betas.values()]

    def weights(self) -> list[nn.Parameter]:
        """Return every parameter that describes no architecture. By identity, not by name."""
        architecture = {id(parameter) for parameter in self.architecture_parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in architecture]

    def mixing_weights(self) -> dict[str, Tensor]:
        """Return pi by cell kind: (edges, operations), and what else the edges ask for."""
        return self.relaxation(self)


class DARTSCell(MixedCell):
    """The mixed DARTS cell: two inputs, four nodes, output = the nodes side by side."""

    def forward(self, older: Tensor, newer: Tensor, pi: Tensor) -> Tensor:
        """Map two (B, C, H, W) to (B, 4 C, H', W')."""
        return stack_nodes(self.nodes([older, newer], pi))


class DARTSSupernet(MixedSupernet):
    """The supernet of the DARTS space (see `build_supernet`)."""

    def __init__(self, space: DARTSSpace, make_edge: MakeEdge, **sizes: int) -> None:
        super().__init__(space)
        if sizes["cells"] < MINIMUM_CELLS:
            raise InvalidInput(
                f"cells: got {sizes['cells']}; allowed: {MINIMUM_CELLS} or more. With fewer, both "
                "reductions leave no normal cell, and its alphas would never be trained."
            )

        def make_cell(kind: str, channels: int) -> DARTSCell:
            stride = 2 if kind == "reduce" else 1
            return DARTSCell(space.cells[kind], channels, stride, make_edge)

        self.network = CellSkeleton(make_cell, affine=False, **sizes)

    def forward(self, images: Tensor, pi: Mapping[str, Tensor] | None = None) -> Tensor:
        """Return logits (batch, classes); `pi` replaces the mixing weights of the alphas."""
        *_, last = self.network.run_cells(images, self.mixing_weights() if pi is None else pi)
        return self.network.classify(last)


class Cell201(MixedCell):
    """The mixed NAS-Bench-201 cell: one input, three nodes, output = the last node."""

    def forward(self, x: Tensor, pi: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        return self.nodes([x], pi)[-1]


class Supernet201(MixedSupernet):
    """The supernet of the NAS-Bench-201 space (see `build_supernet`)."""

    def __init__(self, space: NASBench201Space, make_edge: MakeEdge, **sizes: int) -> None:
        super().__init__(space)
        self.network = Skeleton201(
            lambda channels: Cell201(space.cells["cell"], channels, 1, make_edge),
            affine=False,
            **sizes,
        )

    def forward(self, images: Tensor, pi: Mapping[str, Tensor] | None = None) -> Tensor:
        """Return logits (batch, classes); `pi` replaces the mixing weights of the alphas."""
        return self.network(images, (self.mixing_weights() if pi is None else pi)["cell"])


def build_supernet(
    space: DARTSSpace | NASBench201Space,
    *,
    channels: int,
    cells: int,
    classes: int,
    in_channels: int,
    generator: torch.Generator,
    alpha_scale: float = 1e-3,
    make_edge: MakeEdge = MixedOperation,
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
    make_edge : callable (operations, channels, stride) -> module
        What stands on every edge, see `MixedCell`.

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
        supernet = Supernet201(space, make_edge, **sizes)
    elif isinstance(space, DARTSSpace):
        supernet = DARTSSupernet(space, make_edge, **sizes)
    else:
        raise one_of("space of a mixed supernet", space.name, SUPERNET_SPACES)
    supernet.start(generator, alpha_scale)
    return supernet
