"""Supernets that compute what those of `build_supernet` do, several times faster on CPUs.

    supernet = build_fast_supernet(DARTSSpace(), channels=16, cells=8, classes=10, in_channels=3,
                                   generator=torch.Generator().manual_seed(0))

The modules, their names, weights and starting values are those of the plain supernet; only the
forward pass differs, so each loads the other's state. A cell goes from source to source instead
of from edge to edge: what the edges that leave a node have in common is computed once, the rest
for all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from nas_course.errors import InvalidInput, one_of
from nas_course.models.fast_mixture import Weights, leave
from nas_course.models.fast_normalisation import as_rows
from nas_course.models.fast_skip import reduced_skip
from nas_course.models.skeleton import require_images, stack_nodes
from nas_course.models.supernet import DARTSSupernet, MixedCell, MixedOperation
from nas_course.spaces import DARTSSpace

BLOCK_BYTES = 2**23  # edges are computed together while one of their tensors is no larger


class Columns(NamedTuple):
    """Columns of pi by how the operation is computed."""

    separable: list[int]
    dilated: list[int]
    pools: list[int]
    skip: list[int]


def columns(operations: tuple[str, ...]) -> Columns:
    """Sort the operations of a DARTS space; `none` carries nothing, so no column is needed."""
    kinds = ("sep_conv", "dil_conv", ("max_pool", "avg_pool"), "skip_connect")
    return Columns(*([o for o, n in enumerate(operations) if n.startswith(k)] for k in kinds))


def run_cell(cell: MixedCell, inputs: Sequence[Tensor], stride: int, pi: Tensor) -> list[Tensor]:
    """Return the intermediate nodes of a cell, as `MixedCell.nodes` does.

    Parameters
    ----------
    cell : MixedCell
        With `MixedOperation` on every edge.
    inputs : sequence of Tensor
        (B, C, H, W), channels last.
    stride : int
        Of the edges that leave an input.
    pi : Tensor, shape (edges, operations)
    """
    template = cell.template
    nodes = dict(enumerate(inputs))
    for source in range(len(inputs) + template.nodes - 1):
        rows = [row for row, (start, _) in enumerate(template.edges) if start == source]
        edges = [cell.edges[row] for row in rows]
        x, step = nodes[source], stride if source < len(inputs) else 1
        ys = carried(x, edges, template.operations, step, pi[rows])
        for row, y in zip(rows, ys, strict=True):
            target = template.edges[row][1]
            nodes[target] = nodes[target] + y if target in nodes else y
    return [nodes[node] for node in range(len(inputs), len(nodes))]


def carried(
    x: Tensor, edges: Sequence[Any], operations: tuple[str, ...], stride: int, pi: Tensor
) -> Iterator[Tensor]:
    """Yield what each of k edges carries away from a node: images (B, C, H', W')."""
    sorts = columns(operations)
    same = [as_rows(edges[0].operations[o](x)) for o in sorts.pools]
    skips = sorts.skip if stride == 1 else []
    shared = torch.stack(same + [as_rows(x) for _ in skips])
    at_once = max(1, BLOCK_BYTES // (x.numel() * x.element_size() // stride**2))
    for start in range(0, len(edges), at_once):
        block, pi_block = edges[start : start + at_once], pi[start : start + at_once]
        weights = _convolutions(block, sorts)
        pi_convolutions = pi_block[:, sorts.separable + sorts.dilated].T
        y = leave(x, stride, weights, pi_convolutions, shared, pi_block[:, sorts.pools + skips])
        for o in sorts.skip if stride == 2 else []:
            y = y + reduced_skip(x, [edge.operations[o] for edge in block], pi_block[:, o])
        shape = (x.shape[0], x.shape[2] // stride, x.shape[3] // stride, -1)
        yield from (part.view(shape).permute(0, 3, 1, 2) for part in y.unbind(0))


def _convolutions(edges: Sequence[Any], sorts: Columns) -> Weights:
    """Put the weights of k edges side by side."""
    # by iteration: looking a layer up by its number is slow, and there are hundreds of them
    of_edges = [list(edge.operations) for edge in edges]
    separable = [[operations[o] for operations in of_edges] for o in sorts.separable]
    dilated = [[operations[o] for operations in of_edges] for o in sorts.dilated]
    first = [[half for half, _ in row] for row in separable]
    second = [[half for _, half in row] for row in separable]
    kernels = _kernels(first), _kernels(second), _kernels(dilated)
    return Weights(*kernels, _matrices(first), _matrices(second + dilated))


def _kernels(rows: Sequence[Sequence[Any]]) -> tuple[Tensor, ...]:
    return tuple(torch.cat([depthwise.weight for _, depthwise, _, _ in row]) for row in rows)


def _matrices(rows: Sequence[Sequence[Any]]) -> Tensor:
    flat = torch.stack([pointwise.weight.flatten(1) for row in rows for _, _, pointwise, _ in row])
    return flat.unflatten(0, (len(rows), -1))


class FastDARTSSupernet(DARTSSupernet):
    """The supernet of the DARTS space with a faster forward pass (see the module)."""

    def forward(self, images: Tensor, pi: Mapping[str, Tensor] | None = None) -> Tensor:
        """Return logits (batch, classes); `pi` replaces the mixing weights of the alphas."""
        pi = self.mixing_weights() if pi is None else pi
        network = self.network
        require_images(images, network.in_channels)
        _require_full_precision(images)
        images = images.contiguous(memory_format=torch.channels_last)
        older = newer = network.stem(images)
        for kind, inputs, cell in zip(network.kinds, network.inputs, network.cells, strict=True):
            stride = 2 if kind == "reduce" else 1
            nodes = run_cell(cast(MixedCell, cell), inputs(older, newer), stride, pi[kind])
            older, newer = newer, stack_nodes(nodes)
        return network.classify(newer)


def _require_full_precision(images: Tensor) -> None:
    if torch.is_autocast_enabled(images.device.type):
        raise InvalidInput(
            "precision: got automatic casting to "
            f"{torch.get_autocast_dtype(images.device.type)}; the fast supernet computes in the "
            "precision of its weights. Use precision='float32', or the plain supernet."
        )


def build_fast_supernet(
    space: DARTSSpace,
    *,
    channels: int,
    cells: int,
    classes: int,
    in_channels: int,
    generator: torch.Generator,
    alpha_scale: float = 1e-3,
) -> FastDARTSSupernet:
    """Build and initialise the fast supernet of a space.

    Parameters and errors as in `build_supernet`; so are the starting values, from the same state
    of the generator. Logits and first derivatives are equal up to rounding (float64: 1e-12
    relative); second derivatives are not available.
    """
    sizes = {"channels": channels, "cells": cells, "classes": classes, "in_channels": in_channels}
    if not isinstance(space, DARTSSpace):
        raise one_of("space of a fast supernet", space.name, (DARTSSpace.name,))
    supernet = FastDARTSSupernet(space, MixedOperation, **sizes)
    supernet.start(generator, alpha_scale)
    return supernet
