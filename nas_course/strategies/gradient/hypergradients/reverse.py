"""Reverse mode: let the weights take T steps, then go back through them one by one."""

from __future__ import annotations

import torch

from nas_course.errors import InvalidInput, require_whole
from nas_course.strategies.gradient.hypergradients.inner_step import InnerStep
from nas_course.strategies.gradient.hypergradients.problem import (
    Bilevel,
    InnerGradient,
    Result,
    move,
    outer_gradients,
    plus,
    restored,
)


class ReverseMode:
    """Differentiate through T inner steps, or through the last K of them.

        q_t     = dL_train(w_t, alpha)/dw + beta w_t,     t = 0 .. T-1
        m_{t+1} = mu m_t + q_t
        w_{t+1} = w_t - xi m_{t+1}
        v_T     = dL_val(w_T, alpha)/dw,   u_{T+1} = 0,   g = dL_val(w_T, alpha)/dalpha

    and back, for t = T-1 down to T-K:

        u_{t+1} = mu u_{t+2} - xi v_{t+1}
        g       = g + (d^2 L_train(w_t, alpha) / dalpha dw) u_{t+1}
        v_t     = v_{t+1} + (d^2 L_train(w_t, alpha) / dw^2 + beta) u_{t+1}

    Franceschi et al., "Forward and Reverse Gradient-Based Hyperparameter Optimization", ICML 2017,
    equations 7 and 8; truncated: Shaban et al., "Truncated Back-propagation for Bilevel
    Optimization", AISTATS 2019. The weights w_t are stored, not their graphs: each is built again
    on the way back, so that memory is that of one graph and K copies of the weights.

    Parameters
    ----------
    step : torch.optim.SGD or float
        The inner step: its learning rate xi, momentum mu with buffer m_0, weight decay beta; a
        number is xi, without the others.
    steps : int from 1 on
        T.
    kept : int from 1 to T, or None
        K; None: all T.

    Raises
    ------
    InvalidInput
        If one of them is outside its range.
    """

    def __init__(self, step: torch.optim.SGD | float, steps: int, kept: int | None = None) -> None:
        require_whole("steps", steps, least=1)
        require_whole("kept", steps if kept is None else kept, least=1)
        if kept is not None and kept > steps:
            raise InvalidInput(f"kept: got {kept}; allowed: 1 to steps = {steps}, or None for all.")
        self.step = InnerStep(step)
        self.steps = steps
        self.kept = steps if kept is None else kept

    def __call__(self, problem: Bilevel) -> Result:
        """Return the outer loss at w_T and the hypergradient by each alpha; w is left as it was."""
        with restored(problem.weights):
            path = self._walk(problem)
            loss, gradients, v = outer_gradients(problem)
            return loss, self._back(problem, path, gradients, v)

    def _walk(self, problem: Bilevel) -> list[list[torch.Tensor]]:
        """Move the weights to w_T; return w_{T-K} .. w_{T-1}."""
        xi, mu, beta = self.step.size, self.step.momentum, self.step.weight_decay
        weights = list(problem.weights)
        m = self.step.buffers(weights)
        path = []
        for t in range(self.steps):
            w = [weight.detach().clone() for weight in weights]
            if t >= self.steps - self.kept:
                path.append(w)
            q = torch.autograd.grad(problem.inner(), weights, materialize_grads=True)
            m = plus(plus(q, w, beta), m, mu)
            move(weights, w, m, -xi)
        return path

    def _back(
        self,
        problem: Bilevel,
        path: list[list[torch.Tensor]],
        gradients: list[torch.Tensor],
        v: list[torch.Tensor],
    ) -> list[torch.Tensor]:
        xi, mu, beta = self.step.size, self.step.momentum, self.step.weight_decay
        u = [torch.zeros_like(part) for part in v]
        for number, w in enumerate(reversed(path), 1):
            move(problem.weights, w, w, 0.0)
            q = InnerGradient(problem, beta)
            u = [mu * late - xi * part for late, part in zip(u, v, strict=True)]
            gradients = plus(gradients, q.mixed_times(u))
            if number < len(path):  # v before the first step is not asked for
                v = plus(v, q.hessian_times(u))
            del q  # its graph, before the next one is built
        return gradients


class ExactUnrolled(ReverseMode):
    """Second-order DARTS without differences: the mixed product by automatic differentiation.

        w' = w - xi (mu m + dL_train(w, alpha)/dw + beta w)
        g  = dL_val(w', alpha)/dalpha - xi (d^2 L_train(w, alpha) / dalpha dw) dL_val(w', alpha)/dw'

    Liu et al., "DARTS", ICLR 2019, equation 7, of which `Unrolled` is an approximation. It is
    reverse mode through a single step.

    Parameters
    ----------
    step : torch.optim.SGD or float
        As for `ReverseMode`.
    """

    def __init__(self, step: torch.optim.SGD | float) -> None:
        super().__init__(step, steps=1)
