"""Passes of a search step that ask for no gradient they do not use.

    with only(alphas, of=[*alphas, *weights]):
        loss = supernet_loss()                # nothing is kept for the gradients of the weights

`torch.autograd.grad(loss, alphas)` leaves out what it can, but a function with a gradient written
by hand sees only which of its inputs require one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import Tensor


@contextmanager
def only(wanted: Iterable[Tensor], of: Iterable[Tensor]) -> Iterator[None]:
    """Let `wanted`, and no other of the leaves `of`, require gradients inside the block."""
    chosen = {id(tensor) for tensor in wanted}
    before = [(tensor, tensor.requires_grad) for tensor in of]
    for tensor, _ in before:
        tensor.requires_grad_(id(tensor) in chosen)
    try:
        yield
    finally:
        for tensor, required in before:
            tensor.requires_grad_(required)
