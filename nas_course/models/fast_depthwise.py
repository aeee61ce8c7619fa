"""Depthwise convolutions and their two gradients, several times faster on CPUs.

    y = convolve(x, kernels, Branch(stride=1, dilation=2))       # x: (B, C, H, W), channels last
    input_gradient(g, kernels, branch)                           # g = dL/dy
    kernel_gradient(x, g, 3, branch)

The library is quicker at a depthwise convolution forwards than at its two gradients, above all
with 5x5 kernels and with dilation. Here the gradient by the input is a library convolution
*forward*, with the kernel turned by 180 degrees, and the gradient by the kernel is put together
from gradients by kernels of three columns, for which the library has a quick way.
`benchmarks/supernet_step.py` measures what all of it gives.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad


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
    # only the shape of x matters for this gradient
    x = torch.empty(shape, dtype=g.dtype, device=g.device, memory_format=torch.channels_last)
    padding = kernels.shape[-1] // 2
    dx = _gradients(g, x, kernels, (2, 2), (padding, padding), [True, False, False])[0]
    return dx.contiguous(memory_format=torch.channels_last)


def kernel_gradient(x: Tensor, g: Tensor, size: int, branch: Branch) -> Tensor:
    """Return dL/dkernels (C, 1, K, K) of `convolve` from g = dL/dy.

        dkernel[c, u, v] = sum_{b, h, w} x[b, c, s h + d u - p, s w + d v - p] g[b, c, h, w]

    The library's quick way is for kernels of three columns, without dilation, and no higher than
    the image: it gets such ones, and zeros below a low image. Dilated rows are taken together
    with those between them; columns that lie apart are those of an image in which they are
    neighbours (see `_columns_apart`). Taps that only meet the padding are zero.

    Parameters
    ----------
    x : Tensor, shape (B, C, H, W)
        Channels last.
    g : Tensor, shape (B, C, H / stride, W / stride)
        Channels last.
    size : int
        K, the width of the kernels: 3 or 5.
    branch : Branch
    """
    dilation, middle = branch.dilation, size // 2
    reach = min(middle, (x.shape[2] - 1) // dilation)
    taps = g.new_zeros(g.shape[1], size, size)
    rows = taps[:, middle - reach : middle + reach + 1]
    height, width = 2 * reach * dilation + 1, x.shape[3]
    missing = -(-max(0, height - x.shape[2]) // branch.stride)
    x, g = _extended(x, branch.stride * missing, 0), _extended(g, missing, 0)
    if branch.stride == 2:
        _fill_of_stride_2(rows, x, g, height)
        return taps.unsqueeze(1)
    for step in range(1, middle + 1):
        if step == 1 or step * dilation < width:
            found = _three_columns(x, g, height, step * dilation)
            rows[:, :, middle - step : middle + step + 1 : step] = found[:, ::dilation]
    return taps.unsqueeze(1)


def _three_columns(x: Tensor, g: Tensor, height: int, apart: int) -> Tensor:
    """Return the taps (C, height, 3) of columns -apart, 0, and apart from the middle."""
    x, g = (_columns_apart(_extended(t, 0, -t.shape[3] % apart), apart) for t in (x, g))
    return _taps(x, g, height, (1, 1)).unflatten(0, (apart, -1)).sum(dim=0)


def _fill_of_stride_2(rows: Tensor, x: Tensor, g: Tensor, height: int) -> None:
    """Fill in the taps (C, height, K), K up to 5, of a convolution with stride 2."""
    # even and odd columns of x as further channels: only rows are left to jump over
    found = _taps(_columns_apart(x, 2), torch.cat([g, g], dim=1), height, (2, 1))
    of_even, of_odd = found.chunk(2)
    size = rows.shape[2]
    for column in range(size):
        apart = column - size // 2
        rows[:, :, column] = (of_odd if apart % 2 else of_even)[:, :, apart // 2 + 1]


def _extended(images: Tensor, rows: int, columns: int) -> Tensor:
    """Put rows of zeros below and columns of zeros to the right."""
    return pad(images, (0, columns, 0, rows)) if rows or columns else images


def _columns_apart(images: Tensor, apart: int) -> Tensor:
    """View columns `apart` from each other as neighbours: (B, apart C, H, W / apart).

    With the channels last in memory this is a view: the columns between are further channels.
    """
    batch, channels, height, width = images.shape
    columns = images.permute(0, 2, 3, 1).reshape(batch, height, width // apart, apart * channels)
    return columns.permute(0, 3, 1, 2)


def _taps(x: Tensor, g: Tensor, height: int, stride: tuple[int, int]) -> Tensor:
    """Return the gradient (C, height, 3) by kernels of three columns."""
    kernels = g.new_empty(g.shape[1], 1, height, 3)  # only their shape matters
    padding = (height // 2, 1)
    return _gradients(g, x, kernels, stride, padding, [False, True, False])[1].squeeze(1)


def _gradients(
    g: Tensor,
    x: Tensor,
    kernels: Tensor,
    stride: tuple[int, int],
    padding: tuple[int, int],
    wanted: list[bool],
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the library's gradients by input, kernels and bias of a depthwise convolution."""
    return torch.ops.aten.convolution_backward(
        g,
        x,
        kernels,
        None,
        stride,
        padding,
        (1, 1),
        False,
        (0, 0),
        kernels.shape[0],
        wanted,
    )


@lru_cache(maxsize=64)
def unit_matrix(size: int, dtype: torch.dtype) -> Tensor:
    """Return the unit matrix, the same tensor each time: do not change it."""
    return torch.eye(size, dtype=dtype)
