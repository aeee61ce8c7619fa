"""A mixed supernet in the network of the table: gradient search with a known answer.

method = replace(methods.get("darts-1st"), make_supernet=tabular_supernet)
data = search_data(Protocol())
found = search_gradient(method, data, space="nas-bench-201", settings=settings, epochs=25)
tabular.load().query(found.architecture).test_accuracy
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from nas_course.data import ImageData
from nas_course.errors import one_of
from nas_course.models.skeleton import require_images, require_positive
from nas_course.models.supernet import Cell201, MakeEdge, MixedOperation, MixedSupernet
from nas_course.spaces import DARTSSpace, NASBench201Space
from nas_course.tabular.network import PATCH, TabularNetwork, patches
from nas_course.tabular.protocol import Protocol


class CellStack(nn.ModuleList):
    """Cells in sequence, all with the same mixing weights."""

    def forward(self, x: Tensor, pi: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        for cell in self:
            x = cell(x, pi)
        return x


class TabularSupernet(MixedSupernet):
    """Mixed cells in place of the cell of `TabularNetwork` (see `tabular_supernet`)."""

    def __init__(
        self,
        space: NASBench201Space,
        make_edge: MakeEdge,
        *,
        channels: int,
        cells: int,
        classes: int,
        in_channels: int,
    ) -> None:
        super().__init__(space)
        self.in_channels = in_channels
        self.network = TabularNetwork(
            CellStack(Cell201(space.cells["cell"], channels, 1, make_edge) for _ in range(cells)),
            channels=channels,
            classes=classes,
            in_channels=PATCH**2 * in_channels,
            make_norm=partial(nn.BatchNorm2d, track_running_stats=False),
        )

    def forward(self, images: Tensor, pi: Mapping[str, Tensor] | None = None) -> Tensor:
        """Return logits (batch, classes); `pi` replaces the mixing weights of the alphas."""
        require_images(images, self.in_channels)
        mixing = self.mixing_weights() if pi is None else pi
        return self.network(patches(images), mixing["cell"])


def tabular_supernet(
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
    """Build the supernet of the table's network: the `make_supernet` of a method's row.

    With one cell and one-hot mixing weights it computes what `TabularNetwork` computes with batch
    statistics, but for pooling, which every mixed edge normalises
    (`nas_course.models.supernet`). Unlike a network of the table it gets whole images and cuts
    them into patches itself.

    Parameters
    ----------
    space : NASBench201Space
    channels, classes, in_channels : int
        Channels of the cell; classes and channels of the images, whose side must be divisible
        by 4.
    cells : int
        In sequence. The table's networks have one; P-DARTS searches with more in its later stages.
    generator, alpha_scale, make_edge
        See `nas_course.models.build_supernet`.

    Raises
    ------
    InvalidInput
        If the space is another one or a size is below 1.
    """
    if not isinstance(space, NASBench201Space):
        raise one_of("space of the table's supernet", space.name, [NASBench201Space.name])
    sizes = {"channels": channels, "cells": cells, "classes": classes, "in_channels": in_channels}
    require_positive(**sizes)
    supernet = TabularSupernet(space, make_edge, **sizes)
    supernet.start(generator, alpha_scale)
    return supernet


def search_data(protocol: Protocol, device: str = "cpu") -> ImageData:
    """Load the images on which the table's networks were trained and compared, uncut.

    A search trains weights on the same `train_images` and alphas on the same `valid_images` as
    the table. As there, nothing is augmented: the name of these data is "table".

    Raises
    ------
    nas_course.data.DataNotFound
        The images are not on this machine; the message names every way to get them.
    """
    return replace(protocol.images(device), name="table")
