"""Initial weights from an explicit generator, so that a seed fixes them everywhere."""

from __future__ import annotations

import math

import torch
from torch import nn


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw the weights of all convolutions and linear layers anew, in place.

    The distribution is torch's own default, U(-b, b) with b = 1 / sqrt(fan_in), for weights and
    biases. Batch normalisation starts at scale 1 and shift 0 and needs no draw.

    Parameters
    ----------
    module : torch.nn.Module
        Its layers are visited in the order in which they were registered.
    generator : torch.Generator
        On the CPU; move the module to its device afterwards, so that all devices start equal.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
            if layer.bias is not None:
                bound = 1 / math.sqrt(layer.weight[0].numel())
                nn.init.uniform_(layer.bias, -bound, bound, generator=generator)


def parameter_count(module: nn.Module) -> int:
    """Return the number of weights of a module (every parameter, alphas included)."""
    return sum(parameter.numel() for parameter in module.parameters())
