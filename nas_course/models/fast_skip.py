"""The skip connections of a reduction cell, for all edges that leave a node at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nas_course.errors import InvalidInput
from nas_course.models.fast_gradients import needed_gradients
from nas_course.models.fast_normalisation import as_rows, centre, normalise, normalise_gradient
from nas_course.operations import FactorizedReduce


def reduced_skip(x: Tensor, operations: Sequence[FactorizedReduce], pi: Tensor) -> Tensor:
    """Return pi_e FactorizedReduce_e(x) for k edges.

    Parameters
    ----------
    x : Tensor, shape (B, C, H, W)
        Channels last, H and W even.
    operations : k FactorizedReduce
    pi : Tensor, shape (k,)

    Returns
    -------
    Tensor, shape (k, N, C), N = B H W / 4
    """
    if x.shape[2] % 2 or x.shape[3] % 2:
        raise InvalidInput(
            f"a reduction halves height and width: got {x.shape[2]}x{x.shape[3]}; allowed: even "
            "sizes. Use images whose side is divisible by 2 for each reduction cell."
        )
    even = torch.cat([operation.even.weight for operation in operations]).flatten(1)
    odd = torch.cat([operation.odd.weight for operation in operations]).flatten(1)
    return _ReducedSkip.apply(x, torch.stack([even, odd]), pi)


class _ReducedSkip(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, matrices, pi):
        pixels = [x[:, :, start::2, start::2].relu() for start in (0, 1)]
        pixels = [r.contiguous(memory_format=torch.channels_last) for r in pixels]
        ctx.positive = [r > 0 for r in pixels]
        for r in pixels:
            centre(as_rows(r))
        half = matrices.shape[1] // len(pi)
        of_column = pi.repeat_interleave(half).expand(2, 1, -1)
        ctx.normalised = normalise(pixels, matrices.unsqueeze(1), of_column)
        parts = [
            (as_rows(r) @ scaled[0]).unflatten(1, (-1, half))
            for r, scaled in zip(pixels, ctx.normalised.scaled, strict=True)
        ]
        ctx.save_for_backward(x, *pixels)
        return torch.cat(parts, dim=2).transpose(0, 1).contiguous()

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        x, *pixels = ctx.saved_tensors
        edges, rows, _ = g.shape
        halves = [part.transpose(0, 1).reshape(rows, -1) for part in g.chunk(2, dim=2)]
        gs = [half - half.mean(dim=0) for half in halves]  # views of g if k = 1: not in place
        by_matrices, by_column, by_z = normalise_gradient(ctx.normalised, gs, pixels)
        by_pi = by_column.sum(dim=0).view(edges, -1).sum(dim=1)
        if not needed_gradients(ctx)[0]:
            return None, by_matrices.squeeze(1), by_pi
        by_x = torch.zeros_like(x, memory_format=torch.channels_last)
        for start, (gradient, r) in enumerate(zip(gs, pixels, strict=True)):
            by_r = gradient @ ctx.normalised.scaled[start, 0].T + as_rows(r) @ by_z[start, 0]
            shape = (*r.shape[:1], *r.shape[2:], -1)
            by_r = by_r.view(shape).permute(0, 3, 1, 2)
            by_x[:, :, start::2, start::2] = by_r * ctx.positive[start]
        return by_x, by_matrices.squeeze(1), by_pi
