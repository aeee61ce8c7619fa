"""VON, the variational online Newton method: what VAdam approximates, with Hessians.

von = VON([theta], torch.Generator().manual_seed(0), examples=50, rate=0.05)
von.step(lambda: ((theta - 1) ** 2).sum())       # theta holds the mean; von.deviations() sigma
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from nas_course.errors import InvalidInput
from nas_course.strategies.gradient.variational import check_precisions, sampled

Curvature = Callable[[Sequence[Tensor], Sequence[Tensor]], list[Tensor]]


def hessian_diagonal(gradients: Sequence[Tensor], parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return d^2 loss / d theta_j^2, exact, by one backward pass for each number in theta.

    Parameters
    ----------
    gradients : sequence of Tensor
        Of the loss, with their graph (`create_graph=True`).
    parameters : sequence of Tensor
    """
    diagonals = []
    for gradient, parameter in zip(gradients, parameters, strict=True):
        if not gradient.requires_grad:  # a linear loss has no curvature
            diagonals.append(torch.zeros_like(parameter))
            continue
        rows = [
            torch.autograd.grad(entry, parameter, retain_graph=True)[0].reshape(-1)[j]
            for j, entry in enumerate(gradient.reshape(-1))
        ]
        diagonals.append(torch.stack(rows).reshape(parameter.shape))
    return diagonals


def gradient_magnitude(gradients: Sequence[Tensor], parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return g^2 in place of the curvature (thesis, equations 5.14 and 5.22).

    It estimates the curvature (as a generalized Gauss-Newton matrix) only if g is the gradient of
    a single example. For the mean over a batch it is far too small, and vanishes at the minimum
    but for the noise of theta: s settles near the root of s (s + delta / N) = h^2 / N instead of
    at h (`tests/test_variational.py`). The mean is the same, sigma is too wide.
    """
    return [gradient.detach().square() for gradient in gradients]


def implicit_penalty(deviations: Tensor, curvature: Tensor) -> Tensor:
    """Return what noise on theta adds to a loss: sum_j sigma_j^2 H_jj / 2.

        E[L(mu + sigma e)] = L(mu) + sum_j sigma_j^2 H_jj / 2 + O(sigma^3),   e ~ N(0, 1)

    Thesis, equation 5.18 (there for equal sigma). Exact for a quadratic loss. It is a trace, so
    directions of negative curvature are rewarded.

    Parameters
    ----------
    deviations, curvature : Tensor, equal shapes
        sigma and the diagonal of the Hessian at mu.
    """
    return (deviations.square() * curvature).sum() / 2


class VON:
    """Natural-gradient variational inference with the curvature of a differentiable loss.

        theta ~ N(mu, 1 / (N (s + d))),   g = gradient of the loss at theta,   d = delta / N
        s  <- (1 - rate) s + rate diag(Hessian at theta)
        mu <- mu - rate (g + d mu) / (s + d)                  with the new s

    Thesis, equations 5.12 and 5.13. It is the Bayesian learning rule (5.11) for a diagonal
    Gaussian: 1 / sigma^2 moves towards the expected Hessian of the negative log-posterior, and
    the step of the mean is preconditioned by sigma^2.

    Parameters
    ----------
    parameters : list of Tensor
        Leaves that require gradients; they hold mu, and theta while the loss is computed.
    generator : torch.Generator
        Of the draws, on the CPU.
    examples : int
        N: of how many examples the loss is the mean.
    rate : float in (0, 1]
    prior_precision, initial_precision : float
        delta, and the precision of the first draw.
    curvature : callable (gradients, parameters) -> list of Tensor
        `hessian_diagonal` or `gradient_magnitude`.
    """

    def __init__(
        self,
        parameters: list[Tensor],
        generator: torch.Generator,
        *,
        examples: int,
        rate: float,
        prior_precision: float = 1.0,
        initial_precision: float = 1.0,
        curvature: Curvature = hessian_diagonal,
    ) -> None:
        if examples < 1 or not 0 < rate <= 1:
            raise InvalidInput(
                f"examples, rate: got {examples} and {rate}; allowed: examples of 1 or more, "
                "a rate above 0 and up to 1."
            )
        check_precisions(prior_precision, initial_precision)
        self.parameters, self.generator = parameters, generator
        self.examples, self.rate, self.curvature = examples, rate, curvature
        self.d = prior_precision / examples
        begin = initial_precision / examples - self.d
        self.s = [torch.full_like(parameter, begin) for parameter in parameters]

    def deviations(self) -> list[Tensor]:
        """Return sigma = 1 / sqrt(N (s + d)), shaped like each parameter."""
        return [(self.examples * (s + self.d)).rsqrt() for s in self.s]

    def step(self, loss: Callable[[], Tensor]) -> Tensor:
        """Update mu and s by one draw; return the loss at the draw.

        Parameters
        ----------
        loss : callable -> scalar Tensor
            The mean loss at the values that the parameters hold, differentiable twice.

        Raises
        ------
        InvalidInput
            If the averaged curvature makes a precision negative: the loss is not convex there.
        """
        with sampled(self.parameters, self.deviations(), self.generator):
            value = loss()
            gradients = torch.autograd.grad(value, self.parameters, create_graph=True)
            curvature = self.curvature(gradients, self.parameters)
        self._update(gradients, curvature)
        return value.detach()

    @torch.no_grad()
    def _update(self, gradients: Sequence[Tensor], curvature: Sequence[Tensor]) -> None:
        for s, h in zip(self.s, curvature, strict=True):
            s.mul_(1 - self.rate).add_(h, alpha=self.rate)
        if any((s + self.d <= 0).any() for s in self.s):
            lowest = min(s.min().item() for s in self.s)
            raise InvalidInput(
                f"curvature: its running mean fell to {lowest:.3g}, below -delta / N = "
                f"{-self.d:.3g}, so that a variance would be negative. VON needs a loss that is "
                "convex on average; gradient_magnitude is never negative."
            )
        for mu, g, s in zip(self.parameters, gradients, self.s, strict=True):
            mu.sub_(self.rate * (g + self.d * mu) / (s + self.d))
