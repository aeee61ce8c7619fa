"""What a network costs to run: the multiply-adds of one image's forward pass, counted."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def multiply_adds(network: nn.Module, image_shape: tuple[int, int, int]) -> int:
    """Count the multiplications (each with its addition) of one image's forward pass.

    Convolutions and matrix products are counted as they run, grouped and dilated ones too, in
    evaluation mode (so without auxiliary head). Normalisation, pooling, activations and sums of
    feature maps are not, as is usual: a k x k convolution from C to D channels in g groups counts
    k k C D / g for each output pixel. Papers write FLOPs for this number or for twice of it.

    Parameters
    ----------
    network : torch.nn.Module
        Maps images (B, C, H, W) to logits. Neither its weights nor its mode change.
    image_shape : tuple (C, H, W)
    """
    from torch.utils.flop_counter import FlopCounterMode  # loads a compiler, so only on use

    modes = {module: module.training for module in network.modules()}
    device = next((weight.device for weight in network.parameters()), torch.device("cpu"))
    network.eval()
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, *image_shape, device=device))
    for module, was_training in modes.items():
        module.training = was_training
    return counter.get_total_flops() // 2  # torch counts a multiply-add as two operations
