"""All that the edges which leave a node carry, as one differentiable function.

    y = leave(x, stride, weights, pi, shared, shared_pi)        # (k, N, C): a block for each edge

Its gradient is written by hand, for three reasons: buffers are reused in place, what several
branches have in common is computed once, and the gradients of the depthwise convolutions are those
of `fast_depthwise`. Differentiable once; for second derivatives take the plain supernet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nas_course.models.fast_depthwise import (
    Branch,
    convolve,
    input_gradient,
    kernel_gradient,
    unit_matrix,
)
from nas_course.models.fast_gradients import needed_gradients
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

PLAIN = Branch(1, 1)


class Weights(NamedTuple):
    """The weights of k edges with s separable and d dilated convolutions of C channels.

    Attributes
    ----------
    first_kernels : s tensors (k C, 1, K, K)
        The first depthwise convolutions of the separable convolutions (ReLU, depthwise, 1x1,
        normalisation, and all that again).
    second_kernels : s tensors (k C, 1, K, K)
        The second ones.
    dilated_kernels : d tensors (k C, 1, K, K)
        The depthwise convolutions of the dilated convolutions.
    first_matrices : Tensor, shape (s, k, C, C)
        The 1x1 convolutions between the halves of the separable convolutions.
    last_matrices : Tensor, shape (s + d, k, C, C)
        The 1x1 convolutions at the end, of the separable, then of the dilated convolutions.
    """

    first_kernels: tuple[Tensor, ...]
    second_kernels: tuple[Tensor, ...]
    dilated_kernels: tuple[Tensor, ...]
    first_matrices: Tensor
    last_matrices: Tensor


def leave(
    x: Tensor, stride: int, weights: Weights, pi: Tensor, shared: Tensor, shared_pi: Tensor
) -> Tensor:
    """Return what k edges carry away from a node.

        y_e = sum_o pi_oe o_e(x) + sum_f shared_pi_ef shared_f

    Parameters
    ----------
    x : Tensor, shape (B, C, H, W)
        Channels last.
    stride : int
        1 or 2; with 2, H and W are even.
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
    separable, second, dilated, *matrices = weights
    kernels = *separable, *second, *dilated
    return _Leave.apply(stride, len(separable), x, pi, shared, shared_pi, *matrices, *kernels)


class _Leave(torch.autograd.Function):
    @staticmethod
    def forward(ctx, stride, halves, x, pi, shared, shared_pi, first, last, *kernels):
        edges, counts = last.shape[1], [halves, halves, len(kernels) - 2 * halves]
        separable, second, dilated = _parted(kernels, counts)
        r = x.relu()
        r_dilated, branch = _of_dilated(r, stride)
        zs = _convolved(r, separable, Branch(stride, 1))
        inner = normalise(zs, first, pi.new_ones(halves, edges, 1))
        hs = [
            as_images(product(as_rows(z), scaled).relu_(), z)
            for z, scaled in zip(zs, inner.scaled, strict=True)
        ]
        lasts = [_centred(h, k, PLAIN) for h, k in zip(hs, second, strict=True)]
        lasts += _convolved(r_dilated, dilated, branch)
        outer = normalise(lasts, last, pi.unsqueeze(2))
        y = (shared_pi @ shared.flatten(1)).unflatten(1, shared.shape[1:])
        for z, scaled in zip(lasts, outer.scaled, strict=True):
            y.baddbmm_(edgewise(as_rows(z), edges), scaled)
        ctx.stride, ctx.edges, ctx.inner, ctx.outer = stride, edges, inner, outer
        ctx.counts = [1, 1, 1, *counts, halves, halves, len(lasts)]
        ctx.save_for_backward(r, shared, shared_pi, *kernels, *zs, *hs, *lasts)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        parts = _parted(ctx.saved_tensors, ctx.counts)
        (r,), (shared,), (shared_pi,), separable, second, dilated, zs, hs, lasts = parts
        need_x, _, need_shared, need_pi, need_first, need_last, *_ = needed_gradients(ctx)
        need_weights = need_first or need_last
        by_shared = (shared_pi.T @ g.flatten(1)).view_as(shared) if need_shared else None
        by_shared_pi = g.flatten(1) @ shared.flatten(1).T if need_pi else None
        # a copy also for one edge: the gradient that comes in may be another function's too
        g = centre(g.transpose(0, 1).clone(memory_format=torch.contiguous_format).flatten(1))
        by_last, by_column, by_z = normalise_gradient(ctx.outer, [g] * len(lasts), lasts)
        by_mixing = by_column.sum(dim=2), by_shared, by_shared_pi
        if not (need_x or need_weights):
            return None, None, None, *by_mixing, *[None] * (2 + len(separable + second + dilated))

        g_lasts = _through(ctx.outer, [g] * len(lasts), lasts, by_z)
        g_second, g_dilated = g_lasts[: len(zs)], g_lasts[len(zs) :]
        g_hs = [
            centre(as_rows(_masked(input_gradient(g_z, k, PLAIN), h)))
            for g_z, k, h in zip(g_second, second, hs, strict=True)
        ]
        by_first, _, by_z = normalise_gradient(ctx.inner, g_hs, zs)
        g_separable = _through(ctx.inner, g_hs, zs, by_z)
        by_kernels: list[Tensor | None] = [None] * len(separable + second + dilated)
        if need_weights:
            r_dilated, branch = _of_dilated(r, ctx.stride)
            copies = torch.cat([r] * ctx.edges, dim=1)
            dilated_copies = (
                torch.cat([r_dilated] * ctx.edges, dim=1) if ctx.stride == 2 else copies
            )
            by_kernels = [
                *_by_kernels([copies] * len(zs), separable, g_separable, Branch(ctx.stride, 1)),
                *_by_kernels(hs, second, g_second, PLAIN),
                *_by_kernels([dilated_copies] * len(dilated), dilated, g_dilated, branch),
            ]
        by_x = None
        if need_x:
            by_x = _by_source(r, ctx.stride, (separable, g_separable), (dilated, g_dilated))
        return None, None, by_x, *by_mixing, by_first, by_last, *by_kernels


def _parted(items: Sequence[Tensor], counts: Sequence[int]) -> list[list[Tensor]]:
    iterator = iter(items)
    return [[next(iterator) for _ in range(count)] for count in counts]


def _of_dilated(r: Tensor, stride: int) -> tuple[Tensor, Branch]:
    """Return what dilated convolutions of a stride convolve, and how.

    With dilation 2 and stride 2 they start from even pixels and go on by two: odd pixels are
    never read, and without these it is a plain convolution.
    """
    if stride == 1:
        return r, Branch(1, 2)
    return r[:, :, ::2, ::2].contiguous(memory_format=torch.channels_last), PLAIN


def _convolved(r: Tensor, kernels: Sequence[Tensor], branch: Branch) -> list[Tensor]:
    """Convolve the same input for k edges, with every one of some sets of kernels."""
    edges = kernels[0].shape[0] // r.shape[1] if kernels else 1
    copies = torch.cat([r] * edges, dim=1)
    return [_centred(copies, k, branch) for k in kernels]


def _centred(x: Tensor, kernels: Tensor, branch: Branch) -> Tensor:
    z = convolve(x, kernels, branch)
    centre(as_rows(z))
    return z


def _through(
    n: Normalised, gs: Sequence[Tensor], zs: Sequence[Tensor], by_z: Tensor
) -> list[Tensor]:
    """Return dL/dz = g M + z S of every branch, as images."""
    return [
        as_images(add_product(product(g, scaled.mT), as_rows(z), s), z)
        for g, z, scaled, s in zip(gs, zs, n.scaled, by_z, strict=True)
    ]


def _masked(g: Tensor, h: Tensor) -> Tensor:
    """Put zeros into g where h = relu(...) is zero, in place: the gradient of ReLU."""
    return torch.ops.aten.threshold_backward.grad_input(g, h, 0, grad_input=g)


def _by_kernels(
    inputs: Sequence[Tensor], kernels: Sequence[Tensor], gs: Sequence[Tensor], branch: Branch
) -> list[Tensor]:
    return [
        kernel_gradient(x, g, k.shape[-1], branch)
        for x, k, g in zip(inputs, kernels, gs, strict=True)
    ]


def _by_source(r: Tensor, stride: int, *sorts: tuple[Sequence[Tensor], Sequence[Tensor]]) -> Tensor:
    """Return dL/dx, x the input of the ReLU, from the kernels and gradients of both sorts."""
    (separable, g_separable), (dilated, g_dilated) = sorts
    by_r = _by_input(r, separable, g_separable, Branch(stride, 1))
    r_dilated, branch = _of_dilated(r, stride)
    by_dilated = _by_input(r_dilated, dilated, g_dilated, branch)
    by_r[:, :, ::stride, ::stride] += by_dilated
    return _masked(by_r, r)


def _by_input(x: Tensor, kernels: Sequence[Tensor], gs: Sequence[Tensor], branch: Branch) -> Tensor:
    """Return dL/dx, x the input of all branches and edges: a sum over both."""
    if not kernels:
        return torch.zeros_like(x)
    first, *others = (input_gradient(g, k, branch) for g, k in zip(gs, kernels, strict=True))
    for other in others:
        first += other
    edges = first.shape[1] // x.shape[1]
    # a product with unit matrices below each other: faster than the library's sum
    one = unit_matrix(x.shape[1], x.dtype).to(x.device).repeat(edges, 1)
    return as_images(as_rows(first) @ one, x)
