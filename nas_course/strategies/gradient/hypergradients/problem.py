"""A bilevel problem at its current point, and the derivatives that every estimator needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from nas_course.errors import InvalidInput

Loss = Callable[[], Tensor]
Result = tuple[Tensor, list[Tensor]]  # outer loss, one gradient per alpha


class Bilevel:
    """A bilevel problem at its current point.

        Bilevel(valid_loss, train_loss, alphas=[log_decay], weights=model.parameters())

    Parameters
    ----------
    outer : callable -> scalar Tensor
        L_val(w, alpha) at the values that `weights` and `alphas` hold when it is called.
    inner : callable -> scalar Tensor
        L_train(w, alpha), likewise. Within one estimate it must stay the same function (one
        batch), and be twice differentiable where second derivatives are wanted.
    alphas, weights : iterable of Tensor
        Leaves that require gradients, at least one of each; kept as tuples. One that a loss does
        not touch has gradient zero in it.

    Raises
    ------
    InvalidInput
        If `alphas` or `weights` is a single tensor, is empty, or holds anything else than leaves
        that require gradients.
    """

    def __init__(
        self, outer: Loss, inner: Loss, alphas: Iterable[Tensor], weights: Iterable[Tensor]
    ) -> None:
        self.outer, self.inner = outer, inner
        self.alphas = _leaves("alphas", alphas)
        self.weights = _leaves("weights", weights)


def _leaves(name: str, given: Iterable[Tensor]) -> tuple[Tensor, ...]:
    # a tensor can be iterated over, but its rows are no leaves
    tensors = () if isinstance(given, Tensor) else tuple(given)
    found = type(given).__name__ if isinstance(given, Tensor) else [_told(t) for t in tensors]
    if not tensors or not all(_is_leaf(tensor) for tensor in tensors):
        raise InvalidInput(
            f"{name} of a bilevel problem: got {found}; allowed: a list of one or more leaf "
            "tensors that require gradients, for example list(model.parameters()) or "
            "[torch.zeros(3, requires_grad=True)]."
        )
    return tensors


def _is_leaf(tensor: object) -> bool:
    return isinstance(tensor, Tensor) and tensor.is_leaf and tensor.requires_grad


def _told(tensor: object) -> str:
    if not isinstance(tensor, Tensor):
        return type(tensor).__name__
    sort = "leaf" if tensor.is_leaf else "result of a computation"
    return f"{tuple(tensor.shape)} {sort}{'' if tensor.requires_grad else ' without gradient'}"


class InnerGradient:
    """The inner gradient q = dL/dw of L = L_train + beta |w|^2 / 2, kept differentiable.

    One graph serves any number of products with second derivatives; no matrix is ever formed.

    Parameters
    ----------
    problem : Bilevel
    weight_decay : float
        beta, so that the inner loss is the one that SGD with weight decay descends.
    """

    def __init__(self, problem: Bilevel, weight_decay: float) -> None:
        self._problem, self._weight_decay = problem, weight_decay
        # without beta w: its derivatives are written out below
        self._q = torch.autograd.grad(
            problem.inner(), list(problem.weights), create_graph=True, materialize_grads=True
        )

    def values(self) -> list[Tensor]:
        """Return q, one tensor per weight."""
        beta = self._weight_decay
        weights = self._problem.weights
        return [q.detach() + beta * w.detach() for q, w in zip(self._q, weights, strict=True)]

    def hessian_times(self, v: Sequence[Tensor]) -> list[Tensor]:
        """Return (d^2 L / dw dw) v, one tensor per weight."""
        products = self._vector_jacobian(self._problem.weights, v)
        return [hv + self._weight_decay * part for hv, part in zip(products, v, strict=True)]

    def hessian(self) -> Tensor:
        """Return d^2 L / dw dw as a matrix (n, n), for n weights in all: n products at once."""
        weights = list(self._problem.weights)
        sizes = [weight.numel() for weight in weights]
        eye = torch.eye(sum(sizes), dtype=weights[0].dtype, device=weights[0].device)
        rows = [
            part.reshape(len(eye), *weight.shape)
            for part, weight in zip(eye.split(sizes, dim=1), weights, strict=True)
        ]
        products = self._vector_jacobian(weights, rows, is_grads_batched=True)
        matrix = torch.cat([part.reshape(len(eye), -1) for part in products], dim=1)
        return matrix + self._weight_decay * eye

    def mixed_times(self, v: Sequence[Tensor]) -> list[Tensor]:
        """Return (d^2 L / dalpha dw) v, one tensor per alpha."""
        return self._vector_jacobian(self._problem.alphas, v)

    def _vector_jacobian(
        self, by: Sequence[Tensor], v: Sequence[Tensor], **options: bool
    ) -> list[Tensor]:
        pairs = [(q, part) for q, part in zip(self._q, v, strict=True) if q.requires_grad]
        if not pairs:  # the loss is linear
            return [torch.zeros_like(leaf) for leaf in by]
        outputs, parts = zip(*pairs, strict=True)
        options |= {"retain_graph": True, "materialize_grads": True}
        return list(torch.autograd.grad(outputs, list(by), parts, **options))


def outer_gradients(problem: Bilevel) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Return L_val, dL_val/dalpha (one per alpha) and dL_val/dw (one per weight)."""
    loss = problem.outer()
    parameters = [*problem.alphas, *problem.weights]
    gradients = list(torch.autograd.grad(loss, parameters, materialize_grads=True))
    return loss.detach(), gradients[: len(problem.alphas)], gradients[len(problem.alphas) :]


@contextmanager
def restored(weights: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Give copies of the weights, and copy them back at the end, bit for bit, also after errors."""
    start = [weight.detach().clone() for weight in weights]
    try:
        yield start
    finally:
        for weight, origin in zip(weights, start, strict=True):
            weight.data.copy_(origin)


@torch.no_grad()
def move(
    weights: Sequence[Tensor], start: Sequence[Tensor], by: Sequence[Tensor], scale: float
) -> None:
    """Set w = start + scale * by, in place. Always from the saved start: no rounding piles up."""
    for weight, origin, direction in zip(weights, start, by, strict=True):
        torch.add(origin, direction, alpha=scale, out=weight.data)


def plus(a: Sequence[Tensor], b: Sequence[Tensor], scale: float = 1.0) -> list[Tensor]:
    """Return a + scale * b, tensor by tensor."""
    return [torch.add(x, y, alpha=scale) for x, y in zip(a, b, strict=True)]


def dot(a: Sequence[Tensor], b: Sequence[Tensor]) -> float:
    """Return the inner product of two lists of tensors."""
    return float(sum((x * y).sum() for x, y in zip(a, b, strict=True)))


def norm(v: Sequence[Tensor]) -> float:
    """Return the Euclidean norm of a list of tensors."""
    return float(torch.linalg.vector_norm(torch.cat([part.reshape(-1) for part in v])))
