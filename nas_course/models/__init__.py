"""Models: from an architecture to a torch module, and supernets that hold a whole space."""

from __future__ import annotations

import torch
from torch import nn

from nas_course.errors import InvalidInput
from nas_course.models.cell_network import CellNetwork
from nas_course.models.cost import multiply_adds
from nas_course.models.initialisation import initialise, parameter_count
from nas_course.models.nas_bench_201 import network_201
from nas_course.models.supernet import MixedSupernet, build_supernet
from nas_course.spaces import Cell201, Genotype


def build_network(
    architecture: Genotype | Cell201,
    *,
    channels: int,
    cells: int,
    classes: int,
    in_channels: int,
    generator: torch.Generator,
    auxiliary: bool = False,
) -> nn.Module:
    """Build the stand-alone network of an architecture, with fresh weights.

    Parameters
    ----------
    architecture : Genotype or Cell201
    channels, cells, classes, in_channels : int
        Sizes as in `build_supernet`.
    generator : torch.Generator
        On the CPU; fixes the initial weights.
    auxiliary : bool
        Add an auxiliary head (DARTS networks only).

    Raises
    ------
    InvalidInput
        If the architecture is of another type, or a size is not allowed.
    """
    sizes = {"channels": channels, "cells": cells, "classes": classes, "in_channels": in_channels}
    network: nn.Module
    if isinstance(architecture, Genotype):
        network = CellNetwork(architecture, auxiliary=auxiliary, **sizes)
    elif isinstance(architecture, Cell201) and not auxiliary:
        network = network_201(architecture, **sizes)
    else:
        raise InvalidInput(
            f"architecture: got {type(architecture).__name__} (auxiliary={auxiliary}); allowed: "
            "a Genotype, or a Cell201 without auxiliary head. Make one with space.parse(text)."
        )
    initialise(network, generator)
    return network


__all__ = [
    "CellNetwork",
    "MixedSupernet",
    "build_network",
    "build_supernet",
    "initialise",
    "multiply_adds",
    "parameter_count",
]
