"""1x1 convolution, batch normalisation and mixing weight as one matrix product.

If the input z of a 1x1 convolution W has mean zero over the batch, then so has W z, and the batch
normalisation (without scale and shift) of W z, times a mixing weight pi, is

    pi BN(W z) = M z        M = pi diag(r) W        r = 1 / sqrt(diag(W cov(z) W^T) + eps)

so W z is never stored, and no pass over it is needed. Everything here is for the k edges that
leave a node at once: z is a matrix (N, k C), N = batch x height x width, with the channels of the
first edge in the first C columns, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

EPS = 1e-5  # of torch.nn.BatchNorm2d
NARROW = 64  # a product with a block-diagonal matrix is faster below: 16-lane arithmetic units


class Normalised(NamedTuple):
    """What `normalise` found for b branches of k edges."""

    scaled: Tensor  # M^T: (b, k, C, D)
    matrices: Tensor  # W: (b, k, D, C)
    by_covariance: Tensor  # W cov(z): (b, k, D, C)
    inverse: Tensor  # r: (b, k, D)
    pi: Tensor  # (b, k, 1) or (b, k, D)
    pixels: int  # N


def normalise(zs: Sequence[Tensor], matrices: Tensor, pi: Tensor) -> Normalised:
    """Return M of the module's docstring for b branches.

    Parameters
    ----------
    zs : b tensors (B, k C, H, W)
        Channels last; every channel with mean zero.
    matrices : Tensor, shape (b, k, D, C)
        W of every branch and edge.
    pi : Tensor, shape (b, k, 1) or (b, k, D)
    """
    count, edges, _, channels = matrices.shape
    products = matrices.new_empty(count, edges, channels, channels)
    pixels = 1
    for z, out in zip(zs, products, strict=True):
        rows = edgewise(as_rows(z), edges)
        torch.bmm(rows.transpose(1, 2), rows, out=out)
        pixels = rows.shape[1]
    by_covariance = (matrices @ products).div_(pixels)
    inverse = (by_covariance * matrices).sum(dim=3).add_(EPS).rsqrt_()
    scaled = ((pi * inverse).unsqueeze(3) * matrices).transpose(2, 3)
    return Normalised(scaled, matrices, by_covariance, inverse, pi, pixels)


def normalise_gradient(
    n: Normalised, gs: Sequence[Tensor], zs: Sequence[Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Return dL/dW (b, k, D, C), dL/dpi (b, k, D), S (b, k, C, C) so that dL/dz = g M + z S.

    Each g is dL/d(M z) as a matrix (N, k D), each column with mean zero. With v = 1 / r^2:

        dL/d(pi r) = diag(g^T z W^T)          dL/dv = -1/2 r^3 pi dL/d(pi r)
        dL/dW = pi r g^T z + 2 dL/dv W cov    S = 2/N W^T diag(dL/dv) W
    """
    edges = n.matrices.shape[1]
    by_m = torch.empty_like(n.matrices)
    for g, z, out in zip(gs, zs, by_m, strict=True):
        torch.bmm(edgewise(g, edges).transpose(1, 2), edgewise(as_rows(z), edges), out=out)
    by_scale = (by_m * n.matrices).sum(dim=3)
    by_variance = (-0.5 * n.inverse**3 * n.pi * by_scale).unsqueeze(3)
    by_matrices = (n.pi * n.inverse).unsqueeze(3) * by_m + 2 * by_variance * n.by_covariance
    by_z = (2 / n.pixels) * n.matrices.transpose(2, 3) @ (by_variance * n.matrices)
    return by_matrices, by_scale * n.inverse, by_z


def edgewise(z: Tensor, edges: int) -> Tensor:
    """View (N, k C) as (k, N, C)."""
    return z.view(z.shape[0], edges, -1).transpose(0, 1)


def product(z: Tensor, matrices: Tensor) -> Tensor:
    """Multiply the C columns of every edge of z (N, k C) with its own matrix of (k, C, C)."""
    if z.shape[1] < NARROW:
        return z @ _block_diagonal(matrices)
    out, edges = torch.empty_like(z), matrices.shape[0]
    torch.bmm(edgewise(z, edges), matrices, out=edgewise(out, edges))
    return out


def add_product(out: Tensor, z: Tensor, matrices: Tensor) -> Tensor:
    """Add `product(z, matrices)` to `out`, in place."""
    if z.shape[1] < NARROW:
        return out.addmm_(z, _block_diagonal(matrices))
    edges = matrices.shape[0]
    edgewise(out, edges).baddbmm_(edgewise(z, edges), matrices)
    return out


def _block_diagonal(matrices: Tensor) -> Tensor:
    edges, channels, _ = matrices.shape
    whole = matrices.new_zeros(edges, channels, edges, channels)
    whole.diagonal(dim1=0, dim2=2).copy_(matrices.permute(1, 2, 0))
    return whole.view(edges * channels, edges * channels)


def as_rows(images: Tensor) -> Tensor:
    """View images (B, C, H, W), channels last in memory, as a matrix (B H W, C)."""
    return images.permute(0, 2, 3, 1).reshape(-1, images.shape[1])


def as_images(rows: Tensor, like: Tensor) -> Tensor:
    """View a matrix (B H W, C) as images of batch, height and width of `like`."""
    batch, _, height, width = like.shape
    return rows.view(batch, height, width, -1).permute(0, 3, 1, 2)


def centre(rows: Tensor) -> Tensor:
    """Subtract the mean of every column, in place."""
    return rows.sub_(rows.mean(dim=0))
