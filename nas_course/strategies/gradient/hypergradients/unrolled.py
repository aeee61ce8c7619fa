"""Hypergradients that look no farther than one inner step: DARTS, first and second order."""

from __future__ import annotations

import torch

from nas_course.errors import is_finite, require
from nas_course.strategies.gradient.hypergradients.inner_step import InnerStep
from nas_course.strategies.gradient.hypergradients.problem import (
    Bilevel,
    Result,
    move,
    norm,
    outer_gradients,
    plus,
    restored,
)


class FirstOrder:
    """First-order DARTS: take the current weights for the best ones (DARTS, section 2.3, xi = 0).

    g = d L_val(w, alpha) / d alpha
    """

    def __call__(self, problem: Bilevel) -> Result:
        """Return the outer loss and its gradient by each alpha."""
        loss = problem.outer()
        gradients = torch.autograd.grad(loss, list(problem.alphas), materialize_grads=True)
        return loss.detach(), list(gradients)


class Unrolled:
    """Second-order DARTS: let the weights take one step, and differentiate through it.

        w' = w - xi (mu m + dL_train(w, alpha)/dw + beta w)
        v  = dL_val(w', alpha)/dw'
        g  = dL_val(w', alpha)/dalpha - xi (d^2 L_train(w, alpha) / dalpha dw) v

    with the mixed product by central differences at w+- = w +- epsilon v:

        (dL_train(w+, alpha)/dalpha - dL_train(w-, alpha)/dalpha) / (2 epsilon)

    Liu et al., "DARTS", ICLR 2019, equations 6 to 8. Note the parentheses round 2 epsilon:
    public implementations have divided by 2 and multiplied by epsilon. The difference is exact up
    to O(epsilon^2) for smooth losses; steps that cross kinks of ReLU or max pooling add to it
    what automatic differentiation leaves out (`tests/test_hypergradients.py` shows both).
    `ExactUnrolled` takes the product by automatic differentiation.

    Parameters
    ----------
    step : torch.optim.SGD or float
        The optimizer of the weights: gives xi (learning rate), mu (momentum), m (momentum
        buffer) and beta (weight decay). A number is xi, without the others.
    epsilon : float > 0
        Length of the difference in weight space; epsilon in the formula is this over the norm of
        v. DARTS uses 0.01.

    Raises
    ------
    InvalidInput
        If the optimizer is not plain SGD, whose step this differentiates, or epsilon is not
        above 0.
    """

    def __init__(self, step: torch.optim.SGD | float, epsilon: float = 0.01) -> None:
        holds = is_finite(epsilon) and epsilon > 0
        require("epsilon", epsilon, holds, "finite numbers above 0")
        self.step = InnerStep(step)
        self.epsilon = epsilon

    def __call__(self, problem: Bilevel) -> Result:
        """Return the outer loss at w' and the hypergradient by each alpha; w is left as it was."""
        xi, mu, beta = self.step.size, self.step.momentum, self.step.weight_decay
        weights, alphas = list(problem.weights), list(problem.alphas)
        with restored(weights) as w:
            q = torch.autograd.grad(problem.inner(), weights, materialize_grads=True)
            m = self.step.buffers(weights)
            move(weights, w, plus(plus(q, w, beta), m, mu), -xi)
            loss, direct, v = outer_gradients(problem)
            epsilon = self.epsilon / max(norm(v), 1e-12)
            move(weights, w, v, epsilon)
            ahead = torch.autograd.grad(problem.inner(), alphas, materialize_grads=True)
            move(weights, w, v, -epsilon)
            behind = torch.autograd.grad(problem.inner(), alphas, materialize_grads=True)
        mixed = [(a - b) / (2 * epsilon) for a, b in zip(ahead, behind, strict=True)]
        return loss, plus(direct, mixed, -xi)
