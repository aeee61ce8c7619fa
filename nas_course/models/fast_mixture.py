"""All that the edges which leave a node carry, as one differentiable function.

    y = leave(x, plan, weights, pi, shared, shared_pi)        # (k, N, C): one block for each edge

Its gradient is written by hand, for three reasons: buffers are reused in place, what several
branches have in common is computed once, and the gradients of the depthwise convolutions are those
of `fast_depthwise`. Differentiable once; for second derivatives take the plain supernet.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nas_course.models.fast_depthwise import (
    Branch,
    convolve,
    image_rows,
    input_gradient,
    kernel_gradient,
)
from nas_course.models.fast_normalisation import (
    Normalised,
    add_product,
    as_images,
    as_rows,
    centre,
    edgewise,
    normalise,
    normalise_gradient,
    product,
)

SECOND = Branch(1, 1)  # the second half of a separable convolution


class Plan(NamedTuple):
    """Which convolutions stand on the edges.

    Attributes
    ----------
    separable, dilated : tuple of Branch
        The first depthwise convolution of every separable convolution (ReLU, depthwise, 1x1, BN,
        and all that again), and the only one of every dilated convolution.
    """

    separable: tuple[Branch, ...]
    dilated: tuple[Branch, ...]


class Weights(NamedTuple):
    """The weights of k edges with s separable and d dilated convolutions of C channels.

    Attributes
    ----------
    first_kernels : s + d tensors (k C, 1, K, K)
        Depthwise; those of the separable convolutions, then those of the dilated ones.
    second_kernels : s tensors (k C, 1, K, K)
    first_matrices : Tensor, shape (s, k, C, C)
        The 1x1 convolutions between the halves of the separable convolutions.
    last_matrices : Tensor, shape (s + d, k, C, C)
        The 1x1 convolutions at the end.
    """

    first_kernels: tuple[Tensor, ...]
    second_kernels: tuple[Tensor, ...]
    first_matrices: Tensor
    last_matrices: Tensor


def leave(
    x: Tensor, plan: Plan, weights: Weights, pi: Tensor, shared: Tensor, shared_pi: Tensor
) -> Tensor:
    """Return what k edges carry away from a node.

        y_e = sum_o pi_oe o_e(x) + sum_f shared_pi_ef shared_f

    Parameters
    ----------
    x : Tensor, shape (B, C, H, W)
        Channels last.
    plan : Plan
    weights : Weights
    pi : Tensor, shape (s + d, k)
        Mixing weights of the separable and the dilated convolutions.
    shared : Tensor, shape (f, N, C)
        What is the same on all edges: the outputs of operations without weights.
    shared_pi : Tensor, shape (k, f)

    Returns
    -------
    Tensor, shape (k, N, C), N = B H' W'
    """
    matrices = weights.first_matrices, weights.last_matrices
    kernels = *weights.first_kernels, *weights.second_kernels
    return _Leave.apply(x, plan, pi, shared, shared_pi, *matrices, *kernels)


class _Leave(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, plan, pi, shared, shared_pi, first_matrices, last_matrices, *kernels):
        halves, edges = len(plan.separable), last_matrices.shape[1]
        branches = plan.separable + plan.dilated
        first, second = kernels[: len(branches)], kernels[len(branches) :]
        r = x.relu()
        copies = torch.cat([r] * edges, dim=1)
        zs = [_centred(copies, k, b) for k, b in zip(first, branches, strict=True)]
        zs, dilated = zs[:halves], zs[halves:]
        inner = normalise(zs, first_matrices, pi.new_ones(halves, edges, 1))
        hs = [
            as_images(product(as_rows(z), scaled).relu_(), z)
            for z, scaled in zip(zs, inner.scaled, strict=True)
        ]
        lasts = [_centred(h, k, SECOND) for h, k in zip(hs, second, strict=True)] + dilated
        outer = normalise(lasts, last_matrices, pi.unsqueeze(2))
        y = (shared_pi @ shared.flatten(1)).unflatten(1, shared.shape[1:])
        for z, scaled in zip(lasts, outer.scaled, strict=True):
            y.baddbmm_(edgewise(as_rows(z), edges), scaled)
        ctx.branches, ctx.inner, ctx.outer = branches, inner, outer
        ctx.counts = [1, 1, 1, len(first), len(second), len(zs), len(hs), len(lasts)]
        ctx.save_for_backward(r, shared, shared_pi, *first, *second, *zs, *hs, *lasts)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        saved = iter(ctx.saved_tensors)
        [r], [shared], [shared_pi], first, second, zs, hs, lasts = (
            [next(saved) for _ in range(count)] for count in ctx.counts
        )
        need_x, _, _, need_shared, _, need_weights, *_ = ctx.needs_input_grad
        by_shared = (shared_pi.T @ g.flatten(1)).view_as(shared) if need_shared else None
        by_shared_pi = g.flatten(1) @ shared.flatten(1).T
        g = centre(g.transpose(0, 1).flatten(1))
        by_last, by_column, by_z = normalise_gradient(ctx.outer, [g] * len(lasts), lasts)
        by_pi = by_column.sum(dim=2)
        if not (need_x or need_weights):
            return None, None, by_pi, None, by_shared_pi, *[None] * (2 + len(first + second))

        g_lasts = _through(ctx.outer, [g] * len(lasts), lasts, by_z)
        g_hs = [
            centre(as_rows(input_gradient(g_z, k, SECOND).mul_(h > 0)))
            for g_z, k, h in zip(g_lasts, second, hs, strict=False)
        ]
        by_first, _, by_z = normalise_gradient(ctx.inner, g_hs, zs)
        g_firsts = _through(ctx.inner, g_hs, zs, by_z) + g_lasts[len(zs) :]
        by_x, by_kernels = None, [None] * len(first + second)
        if need_weights:
            rows = image_rows(r)
            by_kernels = [
                kernel_gradient(rows, g_z, k.shape[3], b)
                for g_z, k, b in zip(g_firsts, first, ctx.branches, strict=True)
            ] + [
                kernel_gradient(image_rows(h), g_z, k.shape[3], SECOND)
                for g_z, k, h in zip(g_lasts, second, hs, strict=False)
            ]
        if need_x:
            by_copies = sum_of(
                input_gradient(g_z, k, b)
                for g_z, k, b in zip(g_firsts, first, ctx.branches, strict=True)
            )
            by_x = _sum_of_edges(by_copies, r.shape[1]).mul_(r > 0)
        return by_x, None, by_pi, by_shared, by_shared_pi, by_first, by_last, *by_kernels


def _centred(x: Tensor, kernels: Tensor, branch: Branch) -> Tensor:
    z = convolve(x, kernels, branch)
    centre(as_rows(z))
    return z


def _through(n: Normalised, gs: list[Tensor], zs: list[Tensor], by_z: Tensor) -> list[Tensor]:
    """Return dL/dz = g M + z S of every branch, as images."""
    return [
        as_images(add_product(product(g, scaled.mT), as_rows(z), s), z)
        for g, z, scaled, s in zip(gs, zs, n.scaled, by_z, strict=True)
    ]


def sum_of(images: Iterable[Tensor]) -> Tensor:
    """Add up, in place in the first."""
    first, *others = images
    for other in others:
        first += other
    return first


def _sum_of_edges(images: Tensor, channels: int) -> Tensor:
    """Add up the k blocks of C channels: (B, k C, H, W) to (B, C, H, W)."""
    rows = as_rows(images)
    # a product with k unit matrices side by side: three times faster than the library's sum
    one = torch.eye(channels, dtype=rows.dtype, device=rows.device)
    return as_images(rows @ one.repeat(rows.shape[1] // channels, 1), images)
