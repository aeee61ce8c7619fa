"""Hypergradients: the derivative of the validation loss by the architecture parameters.

    problem = Bilevel(outer=valid_loss, inner=train_loss, alphas=[alpha], weights=weights)
    loss, gradients = FirstOrder()(problem)

The problem is bilevel: minimise L_val(w*(alpha), alpha) over alpha, where w*(alpha) minimises
L_train(w, alpha) over w. Nothing here knows about architectures, so any such problem will do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nas_course.errors import InvalidInput

Loss = Callable[[], Tensor]


@dataclass(frozen=True)
class Bilevel:
    """A bilevel problem at its current point.

    Attributes
    ----------
    outer : callable -> scalar Tensor
        L_val(w, alpha) at the values that `weights` and `alphas` hold when it is called.
    inner : callable -> scalar Tensor
        L_train(w, alpha), likewise.
    alphas, weights : sequence of Tensor
        Leaves that require gradients.
    """

    outer: Loss
    inner: Loss
    alphas: Sequence[Tensor]
    weights: Sequence[Tensor]


class FirstOrder:
    """First-order DARTS: take the current weights for the best ones (DARTS, section 2.3, xi = 0).

    g = d L_val(w, alpha) / d alpha
    """

    def __call__(self, problem: Bilevel) -> tuple[Tensor, list[Tensor]]:
        """Return the outer loss and its gradient by each alpha."""
        loss = problem.outer()
        return loss.detach(), list(torch.autograd.grad(loss, problem.alphas))


class Unrolled:
    """Second-order DARTS: let the weights take one step, and differentiate through it.

        w' = w - xi (mu m + dL_train(w, alpha)/dw + beta w)
        v  = dL_val(w', alpha)/dw'
        g  = dL_val(w', alpha)/dalpha - xi (d^2 L_train(w, alpha) / dalpha dw) v

    with the Hessian-vector product by central differences at w+- = w +- epsilon v:

        (dL_train(w+, alpha)/dalpha - dL_train(w-, alpha)/dalpha) / (2 epsilon)

    Liu et al., "DARTS", ICLR 2019, equations 6 to 8. Note the parentheses round 2 epsilon:
    public implementations have divided by 2 and multiplied by epsilon. The difference is exact up
    to O(epsilon^2) for smooth losses; steps that cross kinks of ReLU or max pooling add to it
    what automatic differentiation leaves out (`tests/test_hypergradients.py` shows both).

    Parameters
    ----------
    optimizer : torch.optim.SGD
        The optimizer of the weights: gives xi (learning rate), mu (momentum), m (momentum
        buffer) and beta (weight decay). It is read, never stepped.
    epsilon : float > 0
        Length of the difference in weight space; epsilon in the formula is this over the norm of
        v. DARTS uses 0.01.

    Raises
    ------
    InvalidInput
        If the optimizer is not plain SGD, whose step this differentiates.
    """

    def __init__(self, optimizer: torch.optim.SGD, epsilon: float = 0.01) -> None:
        group = optimizer.param_groups[0]
        plain = isinstance(optimizer, torch.optim.SGD) and not (
            group["nesterov"] or group["dampening"] or group["maximize"]
        )
        if not plain or len(optimizer.param_groups) != 1:
            raise InvalidInput(
                "Unrolled differentiates one step of SGD with momentum and weight decay: got "
                f"{type(optimizer).__name__} with {len(optimizer.param_groups)} group(s); allowed: "
                "torch.optim.SGD with one group, without nesterov, dampening or maximize."
            )
        self.optimizer = optimizer
        self.epsilon = epsilon

    def __call__(self, problem: Bilevel) -> tuple[Tensor, list[Tensor]]:
        """Return the outer loss at w' and the hypergradient by each alpha; w is left as it was."""
        weights = list(problem.weights)
        start = [weight.detach().clone() for weight in weights]
        xi = self.optimizer.param_groups[0]["lr"]
        _move(weights, start, self._directions(problem, weights), -xi)
        loss, direct, v = _outer_gradients(problem)
        epsilon = self.epsilon / torch.linalg.vector_norm(_flatten(v)).clamp_min(1e-12).item()
        _move(weights, start, v, epsilon)
        plus = torch.autograd.grad(problem.inner(), problem.alphas)
        _move(weights, start, v, -epsilon)
        minus = torch.autograd.grad(problem.inner(), problem.alphas)
        _move(weights, start, v, 0.0)
        gradients = [
            g - xi * (p - n) / (2 * epsilon) for g, p, n in zip(direct, plus, minus, strict=True)
        ]
        return loss, gradients

    def _directions(self, problem: Bilevel, weights: list[Tensor]) -> list[Tensor]:
        """Return mu m + dL_train/dw + beta w, the direction of the next SGD step."""
        group = self.optimizer.param_groups[0]
        gradients = torch.autograd.grad(problem.inner(), weights)
        directions = []
        for weight, gradient in zip(weights, gradients, strict=True):
            direction = gradient + group["weight_decay"] * weight.detach()
            buffer = self.optimizer.state.get(weight, {}).get("momentum_buffer")
            if buffer is not None:
                direction = direction + group["momentum"] * buffer
            directions.append(direction)
        return directions


def _outer_gradients(problem: Bilevel) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    loss = problem.outer()
    parameters = [*problem.alphas, *problem.weights]
    gradients = list(torch.autograd.grad(loss, parameters))
    return loss.detach(), gradients[: len(problem.alphas)], gradients[len(problem.alphas) :]


@torch.no_grad()
def _move(weights: list[Tensor], start: list[Tensor], by: list[Tensor], scale: float) -> None:
    """Set w = start + scale * by, in place. Always from the saved start: no rounding piles up."""
    for weight, origin, direction in zip(weights, start, by, strict=True):
        torch.add(origin, direction, alpha=scale, out=weight.data)


def _flatten(tensors: list[Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])
