"""Models: from an architecture to a torch module, and supernets that hold a whole space."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from nas_course.errors import InvalidInput
from nas_course.models.cell_network import CellNetwork, EightOperationsNetwork, ENASNetwork
from nas_course.models.chain import ChainNetwork
from nas_course.models.cost import multiply_adds
from nas_course.models.initialisation import initialise, parameter_count
from nas_course.models.nas_bench_201 import network_201
from nas_course.models.supernet import MixedSupernet, build_supernet
from nas_course.spaces import Cell201, Chain, EightOperationsCell, ENASGenotype, Genotype

Architecture = Genotype | Cell201 | EightOperationsCell | ENASGenotype | Chain
# The networks of two-input cells can have an auxiliary head, the others cannot.
TWO_INPUT_NETWORKS: dict[type, Callable[..., nn.Module]] = {
    Genotype: CellNetwork,
    ENASGenotype: ENASNetwork,
    EightOperationsCell: EightOperationsNetwork,
}
OTHER_NETWORKS: dict[type, Callable[..., nn.Module]] = {
    Cell201: network_201,
    Chain: ChainNetwork,
}


def build_network(
    architecture: Architecture,
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
    architecture : Genotype, Cell201, EightOperationsCell, ENASGenotype or Chain
    channels, cells, classes, in_channels : int
        Sizes as in `build_supernet`. `cells` is the number of all cells for cells with two
        inputs, of those in each stage for NAS-Bench-201; a chain repeats each stage so often.
    generator : torch.Generator
        On the CPU; fixes the initial weights.
    auxiliary : bool
        Add an auxiliary head (networks of cells with two inputs only).

    Raises
    ------
    InvalidInput
        If the architecture is of another type, or a size is not allowed.
    """
    sizes = {"channels": channels, "cells": cells, "classes": classes, "in_channels": in_channels}
    kind: Any = type(architecture)
    if kind in TWO_INPUT_NETWORKS:
        network = TWO_INPUT_NETWORKS[kind](architecture, auxiliary=auxiliary, **sizes)
    elif kind in OTHER_NETWORKS and not auxiliary:
        network = OTHER_NETWORKS[kind](architecture, **sizes)
    else:
        raise _not_built(kind.__name__, auxiliary)
    initialise(network, generator)
    return network


def _not_built(name: str, auxiliary: bool) -> InvalidInput:
    with_head = " or a ".join(kind.__name__ for kind in TWO_INPUT_NETWORKS)
    without = " or a ".join(kind.__name__ for kind in OTHER_NETWORKS)
    return InvalidInput(
        f"architecture: got {name} (auxiliary={auxiliary}); allowed: a {with_head}; a {without} "
        "without auxiliary head. Make one with space.parse(text)."
    )


__all__ = [
    "Architecture",
    "CellNetwork",
    "ChainNetwork",
    "ENASNetwork",
    "EightOperationsNetwork",
    "MixedSupernet",
    "build_network",
    "build_supernet",
    "initialise",
    "multiply_adds",
    "parameter_count",
]
