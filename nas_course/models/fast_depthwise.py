"""Depthwise convolutions and their two gradients, several times faster on CPUs.

    y = convolve(x, kernels, Branch(stride=1, dilation=2))       # x: (B, C, H, W), channels last
    input_gradient(g, kernels, branch)                           # g = dL/dy
    kernel_gradient(Rows(x), g, 3, branch)

The library runs a depthwise convolution quickly forwards, but its two gradients far more
slowly, above all with 5x5 kernels and with dilation. Here the gradient by the input is a library
convolution *forward*, with the kernel turned by 180 degrees, and the gradient by the kernel is one
matrix product for every row of the kernel.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import conv2d

TRANSPOSED = 16  # channels in one product of `by_channel`


class Branch(NamedTuple):
    """Stride and dilation of a depthwise convolution: one of them is 1, the other 1 or 2."""

    stride: int
    dilation: int


def convolve(x: Tensor, kernels: Tensor, branch: Branch) -> Tensor:
    """Convolve every channel with its own kernel: y[c] = x[c] * kernels[c].

    Parameters
    ----------
    x : Tensor, shape (B, C, H, W)
        Channels last in memory. With stride 2, H and W are even.
    kernels : Tensor, shape (C, 1, K, K), K odd
    branch : Branch

    Returns
    -------
    Tensor, shape (B, C, H / stride, W / stride)
        By the library's forward; not differentiable, see the two gradients below.
    """
    stride, dilation = branch
    padding = dilation * (kernels.shape[-1] // 2)
    y = conv2d(x, kernels, None, stride, padding, dilation, groups=kernels.shape[0])
    return y.contiguous(memory_format=torch.channels_last)


def input_gradient(g: Tensor, kernels: Tensor, branch: Branch) -> Tensor:
    """Return dL/dx (B, C, H, W) of `convolve` from g = dL/dy (B, C, H / stride, W / stride).

        dx[i] = sum_u g[(i + p - d u) / s] kernel[u]     where the division leaves no rest

    which for s = 1 is the convolution of g with the turned kernel. For s = 2 the library is fast.
    """
    if branch.stride == 1:
        return convolve(g, kernels.flip(2, 3), branch)
    shape = (*g.shape[:2], 2 * g.shape[2], 2 * g.shape[3])
    x = torch.empty(shape, dtype=g.dtype, device=g.device, memory_format=torch.channels_last)
    dx, _, _ = torch.ops.aten.convolution_backward(
        g,
        x,  # only its shape matters for this gradient
        kernels,
        None,
        [2, 2],
        [kernels.shape[-1] // 2] * 2,
        [1, 1],
        False,
        [0, 0],
        kernels.shape[0],
        [True, False, False],
    )
    return dx.contiguous(memory_format=torch.channels_last)


def kernel_gradient(x: Rows, g: Tensor, size: int, branch: Branch) -> Tensor:
    """Return dL/dkernels (k C, 1, K, K) of `convolve` from g = dL/dy.

        dkernel[c, u, v] = sum_{b, h, w} x[b, c, s h + d u - p, s w + d v - p] g[b, c, h, w]

    For one channel and one kernel row u, let X be the rows s h + d u - p of all images, a matrix
    (b h, W), and G those of g, (b h, W / s). Then D = X^T G holds every product of two columns,
    and tap v is the sum of D along the diagonal x_column = s g_column + d v - p.

    Parameters
    ----------
    x : Rows
        Of the input. With fewer channels than g, all k edges have the same input.
    g : Tensor, shape (B, k C, H / stride, W / stride)
    size : int
        K, the width of the kernels.
    branch : Branch
    """
    channels, _, height, width = x.shape
    rows_g = by_channel(g).flatten(1, 2).unflatten(0, (-1, channels))
    products = g.new_zeros(size, *rows_g.shape[:2], width, g.shape[3])
    for u in range(size):
        shift = branch.dilation * (u - size // 2)
        if abs(shift) < height:  # otherwise all these rows are padding
            left = x.shifted(shift, branch.stride).mT
            for right, out in zip(rows_g, products[u], strict=True):
                torch.bmm(left, right, out=out)
    taps = products.flatten(3) @ _diagonals(size, width, branch, g.dtype).to(g.device)
    # (K, k, C, K)
    return taps.flatten(1, 2).transpose(0, 1).unsqueeze(1)


class Rows:
    """The rows of images (B, C, H, W), channels last, and those some way above or below them."""

    def __init__(self, x: Tensor) -> None:
        self._rows = by_channel(x)
        self.shape = self._rows.shape  # (C, B, H, W)
        self._shifted = {(0, 1): self._rows.flatten(1, 2)}

    def shifted(self, shift: int, stride: int) -> Tensor:
        """Return rows `stride` h + `shift` of all images, (C, B H / stride, W); made only once.

        Beyond the image are zeros.
        """
        if (shift, stride) not in self._shifted:
            channels, batch, height, width = self.shape
            rows = self._rows.new_empty(channels, batch, height // stride, width)
            first = max(0, -(shift // stride))
            end = (height - 1 - max(0, shift)) // stride + 1
            inside = self._rows[:, :, stride * first + shift :: stride]
            rows[:, :, :first] = 0
            rows[:, :, first:end] = inside[:, :, : end - first]
            rows[:, :, end:] = 0
            self._shifted[shift, stride] = rows.flatten(1, 2)
        return self._shifted[shift, stride]


def by_channel(x: Tensor) -> Tensor:
    """Put the channels of images (B, C, H, W), channels last, first: (C, B, H, W)."""
    batch, channels, height, width = x.shape
    columns = x.permute(0, 2, 3, 1).reshape(-1, channels).T
    block = math.gcd(channels, TRANSPOSED)
    # a product with unit matrices: faster than the library's transposition
    one = unit_matrix(block, x.dtype).to(x.device).expand(channels // block, block, block)
    return torch.bmm(one, columns.unflatten(0, (-1, block))).view(channels, batch, height, width)


@lru_cache(maxsize=64)
def unit_matrix(size: int, dtype: torch.dtype) -> Tensor:
    """Return the unit matrix, the same tensor each time: do not change it."""
    return torch.eye(size, dtype=dtype)


@lru_cache(maxsize=64)
def _diagonals(size: int, width: int, branch: Branch, dtype: torch.dtype) -> Tensor:
    """Return the 0/1 matrix (W W / s, K) that sums the diagonals, see `kernel_gradient`."""
    x_column = torch.arange(width)[:, None, None]
    g_column = torch.arange(width // branch.stride)[None, :, None]
    tap = torch.arange(size)[None, None, :]
    on_diagonal = x_column == branch.stride * g_column + branch.dilation * (tap - size // 2)
    return on_diagonal.flatten(0, 1).to(dtype)
