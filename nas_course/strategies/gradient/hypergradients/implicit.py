"""Implicit hypergradients: what the inner solution does, not how it was reached.

Where dL/dw = 0, with L = L_train + beta |w|^2 / 2, the implicit function theorem gives

    dL_val/dalpha - (d^2 L / dalpha dw) H^-1 dL_val/dw,     H = d^2 L / dw^2

(Zhang et al., "iDARTS", ICML 2021, lemma 5). The estimators differ in how they apply H^-1. At
weights that are not the solution all of them are biased, however well they solve.
"""

from __future__ import annotations

import math
import warnings

import torch
from torch import Tensor

from nas_course.errors import InvalidInput, require, require_from_zero, require_whole
from nas_course.strategies.gradient.hypergradients.inner_step import InnerStep
from nas_course.strategies.gradient.hypergradients.problem import (
    Bilevel,
    InnerGradient,
    Result,
    dot,
    norm,
    outer_gradients,
    plus,
)

DENSE_WEIGHTS = 2_000  # their Hessian takes 32 MB in double precision
SAFETY = 0.9  # of the step size 1 / curvature


class SeriesGrows(UserWarning):
    """A Neumann series was cut because its terms grew."""


class Neumann:
    """iDARTS: H^-1 as a geometric series of K + 1 terms, with K Hessian-vector products.

        v_0 = dL_val(w, alpha)/dw,   v_k = v_{k-1} - gamma H v_{k-1}
        p   = v_0 + v_1 + ... + v_K                    (gamma p tends to H^-1 v_0)
        g   = dL_val(w, alpha)/dalpha - gamma (d^2 L / dalpha dw) p

    Zhang et al., "iDARTS", ICML 2021, equations 6.8 and 6.9 of Zhang's thesis: the outer loss on
    one validation batch, all products on the batch of `problem.inner`, at the real weights. K = 0
    is the formula of DARTS' second order at that point (6.3); K terms of truncated reverse mode
    are K - 1 products here (the thesis is off by one).

    The series converges if 0 < gamma H < 2. Otherwise ||v_k|| grows, and the sum ends before the
    term that has grown: `norms` keeps ||v_0||, ||v_1||, ... of the last call, the refused term
    included, `stopped` says whether there was one, and a `SeriesGrows` warning is given.

    Parameters
    ----------
    step : torch.optim.SGD or float
        gamma: the optimizer's current learning rate, or a number.
    terms : int from 0 on
        K, the number of Hessian-vector products.
    weight_decay : float from 0 on, or None
        beta in the inner loss; None: that of the optimizer (0 for a number).
    power_iterations : int from 0 on
        If not 0: gamma is at most 0.9 / (curvature that so many power iterations from v_0 find),
        for as many more products.
    growth_limit : float from 1 on, or infinity
        A term is refused if it is longer than this many times the shortest before it.

    Raises
    ------
    InvalidInput
        If one of them is outside its range.
    """

    def __init__(
        self,
        step: torch.optim.SGD | float,
        terms: int = 2,
        *,
        weight_decay: float | None = None,
        power_iterations: int = 0,
        growth_limit: float = 1.0,
    ) -> None:
        require_whole("terms", terms, least=0)
        require_whole("power_iterations", power_iterations, least=0)
        require("growth_limit", growth_limit, growth_limit >= 1, "1 or more, or math.inf")
        self.step = InnerStep(step)
        self.terms = terms
        self.weight_decay = self.step.weight_decay if weight_decay is None else weight_decay
        require_from_zero("weight_decay", self.weight_decay)
        self.power_iterations = power_iterations
        self.growth_limit = growth_limit
        self.norms: list[float] = []
        self.stopped = False

    def __call__(self, problem: Bilevel) -> Result:
        """Return the outer loss and the hypergradient by each alpha."""
        loss, direct, v = outer_gradients(problem)
        q = InnerGradient(problem, self.weight_decay)
        gamma = self._step_size(q, v)
        p = self._series(q, v, gamma)
        return loss, plus(direct, q.mixed_times(p), -gamma)

    def _series(self, q: InnerGradient, v: list[Tensor], gamma: float) -> list[Tensor]:
        p, self.norms, self.stopped = v, [norm(v)], False
        for _ in range(self.terms):
            v = plus(v, q.hessian_times(v), -gamma)
            self.norms.append(norm(v))
            # written so that a norm that is not a number is refused too; 1e-6: rounding
            allowed = self.growth_limit * min(self.norms[:-1]) * (1 + 1e-6)
            if not self.norms[-1] <= allowed:
                self._stop()
                break
            p = plus(p, v)
        return p

    def _stop(self) -> None:
        self.stopped = True
        warnings.warn(  # always the same words: Python shows it once, not at every step
            "The terms of the Neumann series grow: gamma is above 2 / curvature, or the curvature "
            "is negative. The sum ends there; take a smaller step, fewer terms, more weight decay "
            "or power_iterations=10.",
            SeriesGrows,
            stacklevel=4,
        )

    def _step_size(self, q: InnerGradient, v: list[Tensor]) -> float:
        """Return gamma, shortened to 0.9 / curvature where power iterations are wanted.

        They start from v_0: curvature that its Krylov space does not see, the series does not
        meet either.
        """
        gamma, curvature = self.step.size, 0.0
        for _ in range(self.power_iterations):
            length = norm(v)
            if length == 0:
                break
            v = q.hessian_times([part / length for part in v])
            curvature = norm(v)
        return min(gamma, SAFETY / curvature) if curvature > 0 else gamma


class ConjugateGradient:
    """Solve (H + damping) x = dL_val/dw by conjugate gradients.

        g = dL_val(w, alpha)/dalpha - (d^2 L / dalpha dw) x

    Pedregosa, "Hyperparameter optimization with approximate gradient", ICML 2016; Hestenes and
    Stiefel 1952. Each iteration costs one Hessian-vector product. With n weights n iterations give
    the exact solution, but for rounding. Of a direction with negative curvature no solution is
    known: the iteration ends before it, and `stopped` is True.

    Parameters
    ----------
    iterations : int from 0 on
        At most so many; 0 is first order.
    tolerance : float from 0 on
        End when the residual is this small a part of the right side.
    damping : float from 0 on
        Added to H; biases the result, and makes an indefinite H positive if large enough.
    weight_decay : float from 0 on
        beta in the inner loss.

    Attributes
    ----------
    residuals : list of float
        Of the last call: ||r_k|| / ||r_0||.
    """

    def __init__(
        self,
        iterations: int = 10,
        tolerance: float = 0.0,
        damping: float = 0.0,
        *,
        weight_decay: float = 0.0,
    ) -> None:
        require_whole("iterations", iterations, least=0)
        for name, value in (
            ("tolerance", tolerance),
            ("damping", damping),
            ("weight_decay", weight_decay),
        ):
            require_from_zero(name, value)
        self.iterations = iterations
        self.tolerance = tolerance
        self.damping = damping
        self.weight_decay = weight_decay
        self.residuals: list[float] = []
        self.stopped = False

    def __call__(self, problem: Bilevel) -> Result:
        """Return the outer loss and the hypergradient by each alpha."""
        loss, direct, v = outer_gradients(problem)
        q = InnerGradient(problem, self.weight_decay)
        return loss, plus(direct, q.mixed_times(self._solve(q, v)), -1.0)

    def _solve(self, q: InnerGradient, v: list[Tensor]) -> list[Tensor]:
        x, r, d = [torch.zeros_like(part) for part in v], v, v
        squared = start = dot(r, r)
        self.residuals, self.stopped = [1.0], False
        for _ in range(self.iterations):
            if squared <= max(self.tolerance, 1e-15) ** 2 * start:
                break
            Hd = plus(q.hessian_times(d), d, self.damping)
            curvature = dot(d, Hd)
            if not curvature > 0:
                self.stopped = True
                break
            length = squared / curvature
            x, r = plus(x, d, length), plus(r, Hd, -length)
            before, squared = squared, dot(r, r)
            d = plus(r, d, squared / before)
            self.residuals.append(math.sqrt(squared / start))
        return x


class DenseImplicit:
    """The exact implicit hypergradient, with the Hessian formed and solved.

        g = dL_val(w, alpha)/dalpha - (d^2 L / dalpha dw) H^-1 dL_val/dw

    Zhang et al., "iDARTS", ICML 2021, lemma 5. A reference for small problems: n weights take n
    Hessian-vector products and n^2 numbers.

    Parameters
    ----------
    weight_decay : float from 0 on
        beta in the inner loss.

    Raises
    ------
    InvalidInput
        If `weight_decay` is outside its range; when called, if there are more than 2,000 weights
        or the Hessian is singular.
    """

    def __init__(self, *, weight_decay: float = 0.0) -> None:
        require_from_zero("weight_decay", weight_decay)
        self.weight_decay = weight_decay

    def __call__(self, problem: Bilevel) -> Result:
        """Return the outer loss and the hypergradient by each alpha."""
        loss, direct, v = outer_gradients(problem)
        q = InnerGradient(problem, self.weight_decay)
        try:
            x = torch.linalg.solve(dense_hessian(problem, q), _flat(v))
        except torch.linalg.LinAlgError:
            raise InvalidInput(
                "weights: the inner Hessian is singular here, so the inner solution is not "
                "unique; add weight_decay."
            ) from None
        return loss, plus(direct, q.mixed_times(_like(x, problem.weights)), -1.0)


def dense_hessian(problem: Bilevel, q: InnerGradient) -> Tensor:
    """Return H, shape (n, n), for n <= 2,000 weights."""
    count = sum(weight.numel() for weight in problem.weights)
    allowed = f"at most {DENSE_WEIGHTS:,} for a dense Hessian; use ConjugateGradient"
    require("number of weights", count, count <= DENSE_WEIGHTS, allowed)
    return q.hessian()


def _flat(tensors: list[Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def _like(vector: Tensor, tensors: object) -> list[Tensor]:
    shapes = list(tensors)  # type: ignore[call-overload]
    parts = vector.split([tensor.numel() for tensor in shapes])
    return [part.view_as(tensor) for part, tensor in zip(parts, shapes, strict=True)]
