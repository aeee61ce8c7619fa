"""What a linear hypernetwork learns about the best response, on problems of a few numbers.

    hypernetwork = LinearHypernetwork.drawn(weights=6, parameters=3, generator=generator)
    learn_response(hypernetwork, train_loss, alpha, sigma=0.3, steps=4000,
                   learning_rate=0.1, generator=generator)
    hypernetwork(alpha), hypernetwork.matrix     # close to w*(alpha) and dw*/dalpha

With sigma = 0 the first is learned and the second is not. A training loss is any function of
(weights, alpha) that returns a scalar.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from nas_course.strategies.gradient.hypergradients import Bilevel
from nas_course.strategies.gradient.hypernetwork import ThroughHypernetwork

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass
class LinearHypernetwork:
    """w = W alpha + b, taught in place by plain gradient descent.

    Attributes
    ----------
    matrix : Tensor, shape (weights, parameters)
        W, which is also the Jacobian dw/dalpha.
    bias : Tensor, shape (weights,)
        b.
    """

    matrix: Tensor
    bias: Tensor

    @classmethod
    def drawn(cls, weights: int, parameters: int, generator: torch.Generator) -> LinearHypernetwork:
        """Draw both uniformly within 1 / sqrt(parameters), in float64, as torch's layers begin."""
        bound = 1 / math.sqrt(parameters)
        shape = (weights, parameters + 1)
        both = bound * (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1)
        return cls(both[:, 1:].clone(), both[:, 0].clone())

    def __call__(self, alpha: Tensor) -> Tensor:
        """Return the weights, shape (weights,), at architecture parameters (parameters,)."""
        return self.matrix @ alpha + self.bias

    def learn(self, train_loss: Loss, alpha: Tensor, learning_rate: float) -> None:
        """Take one step down the training loss at one alpha.

            g = dL_train(w, alpha)/dw at w = W alpha + b
            W <- W - learning_rate g alpha',   b <- b - learning_rate g

        The step of W has rank one, along alpha: about other directions of alpha nothing is
        learned. The weights move by -learning_rate (1 + |alpha|^2) g.
        """
        weights = self(alpha).detach().requires_grad_()
        (g,) = torch.autograd.grad(train_loss(weights, alpha), weights)
        self.matrix -= learning_rate * torch.outer(g, alpha)
        self.bias -= learning_rate * g


def learn_response(
    hypernetwork: LinearHypernetwork,
    train_loss: Loss,
    alpha: Tensor,
    *,
    sigma: float,
    steps: int,
    learning_rate: float,
    generator: torch.Generator,
) -> None:
    """Teach a hypernetwork, in place, round one alpha: each step at alpha + sigma * N(0, 1).

    Parameters
    ----------
    hypernetwork : LinearHypernetwork
    train_loss : callable (weights, alpha) -> scalar Tensor
        For the step to be stable, learning_rate (1 + |alpha|^2) below 2 / its curvature.
    alpha : Tensor, shape (parameters,)
        Without gradient.
    sigma : float >= 0
        0 teaches at `alpha` only.
    steps : int
    learning_rate : float > 0
    generator : torch.Generator
    """
    for _ in range(steps):
        hypernetwork.learn(train_loss, _near(alpha, sigma, generator), learning_rate)


def descend_through_hypernetwork(
    hypernetwork: LinearHypernetwork,
    train_loss: Loss,
    valid_loss: Loss,
    alpha: Tensor,
    *,
    sigma: float,
    steps: int,
    learning_rate: float,
    alpha_learning_rate: float,
    generator: torch.Generator,
    part: str = "total",
) -> Tensor:
    """Alternate a step of alpha through the hypernetwork and a step of the hypernetwork.

    hyperDARTS' loop on a problem of a few numbers, with plain gradient descent for both.

    Parameters
    ----------
    hypernetwork : LinearHypernetwork
        Taught in place.
    train_loss, valid_loss : callable (weights, alpha) -> scalar Tensor
    alpha : Tensor, shape (parameters,)
        Where alpha begins; not changed.
    sigma, steps, learning_rate, generator
        See `learn_response`.
    alpha_learning_rate : float > 0
    part : "total", "direct" or "response"
        See `ThroughHypernetwork`.

    Returns
    -------
    Tensor, shape (parameters,)
        Where alpha ended.
    """
    through = ThroughHypernetwork(part)
    alpha = alpha.clone().requires_grad_()
    # leaves of their own on the same memory, so that the hypernetwork's stay without gradient
    phi = [part.detach().requires_grad_() for part in (hypernetwork.matrix, hypernetwork.bias)]
    problem = Bilevel(
        outer=lambda: valid_loss(hypernetwork(through.read(alpha)), alpha),
        inner=lambda: train_loss(hypernetwork(alpha), alpha),
        alphas=[alpha],
        weights=phi,
    )
    for _ in range(steps):
        _, (gradient,) = through(problem)
        with torch.no_grad():
            alpha -= alpha_learning_rate * gradient
        near = _near(alpha.detach(), sigma, generator)
        hypernetwork.learn(train_loss, near, learning_rate)
    return alpha.detach()


def _near(alpha: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    if not sigma:
        return alpha
    return alpha + sigma * torch.randn(alpha.shape, generator=generator, dtype=alpha.dtype)
