"""Depthwise convolutions and their two gradients, several times faster on CPUs.

    y = convolve(x, kernels, Branch(stride=1, dilation=2))       # x: (B, C, H, W), channels last
    input_gradient(g, kernels, branch)                           # g = dL/dy
    kernel_gradient(image_rows(x), g, 3, branch)

The library runs a depthwise convolution quickly forwards, but its two gradients up to fifty times
slower, above all with 5x5 kernels and with dilation. Here the gradient by the input is a library
convolution *forward*, with the kernel turned by 180 degrees, and the gradient by the kernel is one
matrix product for every row of the kernel.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import conv2d


class Branch(NamedTuple):
    """Stride and dilation of a depthwise convolution, each 1 or 2."""

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
    if branch == (2, 2):  # taps two apart, starting from even pixels: odd pixels are never read
        return convolve(_even_pixels(x), kernels, Branch(1, 1))
    stride, dilation = branch
    padding = dilation * (kernels.shape[-1] // 2)
    y = conv2d(x, kernels, None, stride, padding, dilation, groups=len(kernels))
    return y.contiguous(memory_format=torch.channels_last)


def input_gradient(g: Tensor, kernels: Tensor, branch: Branch) -> Tensor:
    """Return dL/dx (B, C, H, W) of `convolve` from g = dL/dy (B, C, H / stride, W / stride).

        dx[i] = sum_u g[(i + p - d u) / s] kernel[u]     where the division leaves no rest

    which is the convolution of g, spread out with zeros if s = 2, with the turned kernel.
    """
    turned = kernels.flip(2, 3)
    if branch == (2, 2):
        return _spread(convolve(g, turned, Branch(1, 1)))
    return convolve(_spread(g) if branch.stride == 2 else g, turned, Branch(1, branch.dilation))


def kernel_gradient(rows_x: Tensor, g: Tensor, size: int, branch: Branch) -> Tensor:
    """Return dL/dkernels (k C, 1, K, K) of `convolve` from g = dL/dy.

        dkernel[c, u, v] = sum_{b, h, w} x[b, c, s h + d u - p, s w + d v - p] g[b, c, h, w]

    For one channel and one kernel row u, let X be the rows s h + d u - p of all images, a matrix
    (h b, W), and G those of g, (h b, W / s). Then D = X^T G holds every product of two columns,
    and tap v is the sum of D along the diagonal x_column = s g_column + d v - p.

    Parameters
    ----------
    rows_x : Tensor, shape (C, H, B, W)
        `image_rows` of the input. With fewer channels than g, all k edges have the same input.
    g : Tensor, shape (B, k C, H / stride, W / stride)
    size : int
        K, the width of the kernels.
    branch : Branch
    """
    rows_g = image_rows(g)
    channels, height, _, columns = rows_g.shape
    products = g.new_zeros(size, channels // len(rows_x), len(rows_x), rows_x.shape[3], columns)
    for u in range(size):
        shift = branch.dilation * (u - size // 2)
        first = max(0, -(shift // branch.stride))
        end = min(height, (rows_x.shape[1] - 1 - shift) // branch.stride + 1)
        if first < end:
            begin = branch.stride * first + shift
            rows = slice(begin, begin + branch.stride * (end - first - 1) + 1, branch.stride)
            left = rows_x[:, rows].flatten(1, 2).transpose(1, 2)
            right = rows_g[:, first:end].flatten(1, 2).unflatten(0, (-1, len(rows_x)))
            for edge, out in enumerate(products[u]):
                torch.bmm(left, right[edge], out=out)
    diagonals = _diagonals(size, rows_x.shape[3], branch).to(g)
    taps = products.flatten(3) @ diagonals  # (K, k, C, K)
    return taps.flatten(1, 2).transpose(0, 1).unsqueeze(1)


def image_rows(x: Tensor) -> Tensor:
    """Sort images (B, C, H, W), channels last, by channel and row: (C, H, B, W)."""
    batch, channels, height, width = x.shape
    # two copies, a coarse one and a plain transposition: in one the library is several times slower
    rows = x.permute(2, 0, 3, 1).reshape(-1, channels).t().contiguous()
    return rows.view(channels, height, batch, width)


@lru_cache(maxsize=64)
def _diagonals(size: int, width: int, branch: Branch) -> Tensor:
    """Return the 0/1 matrix (W W / s, K) that sums the diagonals, see `kernel_gradient`."""
    x_column = torch.arange(width)[:, None, None]
    g_column = torch.arange(width // branch.stride)[None, :, None]
    tap = torch.arange(size)[None, None, :]
    on_diagonal = x_column == branch.stride * g_column + branch.dilation * (tap - size // 2)
    return on_diagonal.flatten(0, 1).float()


def _even_pixels(x: Tensor) -> Tensor:
    return x[:, :, ::2, ::2].contiguous(memory_format=torch.channels_last)


def _spread(g: Tensor) -> Tensor:
    """Put zeros between the pixels: (B, C, H, W) to (B, C, 2 H, 2 W)."""
    batch, channels, height, width = g.shape
    spread = g.new_zeros(batch, 2 * height, 2 * width, channels).permute(0, 3, 1, 2)
    spread[:, :, ::2, ::2] = g
    return spread
