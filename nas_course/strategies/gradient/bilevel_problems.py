"""Bilevel problems whose hypergradient is known exactly, to judge its estimators by.

    problem = QuadraticBilevel(conditioning=100.0)
    problem.solve()                                     # w = w*(alpha)
    Neumann(problem.step_size, terms=5)(problem.bilevel)[1], problem.exact()

All of them in double precision. `start()` puts the weights where training would begin, `solve()`
where it would end.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, cross_entropy, softplus

from nas_course.data import ImageData
from nas_course.data.regression import RegressionData
from nas_course.errors import InvalidInput
from nas_course.strategies.gradient.hypergradients import Bilevel, DenseImplicit, InnerGradient
from nas_course.strategies.gradient.hypergradients.implicit import dense_hessian


class KnownBilevel:
    """What the problems share: leaves, a start, a solution and the exact hypergradient.

    Attributes
    ----------
    name : str
    bilevel : Bilevel
        Its leaves hold the current point.
    """

    name: str
    bilevel: Bilevel
    _start: list[Tensor]

    def start(self) -> None:
        """Put the weights at their start."""
        self._put(self._start)

    def solve(self) -> None:
        """Put the weights at w*(alpha) for the alphas of this moment."""
        raise NotImplementedError

    def exact(self) -> list[Tensor]:
        """Return the hypergradient at (w*(alpha), alpha), wherever the weights stand now."""
        raise NotImplementedError

    def hessian(self) -> Tensor:
        """Return d^2 L_train / dw^2 at the current point, shape (weights, weights)."""
        return dense_hessian(self.bilevel, InnerGradient(self.bilevel, 0.0))

    def curvatures(self) -> tuple[float, float]:
        """Return the smallest and the largest eigenvalue of the Hessian at the current point."""
        values = torch.linalg.eigvalsh(self.hessian())
        return values[0].item(), values[-1].item()

    @property
    def step_size(self) -> float:
        """1 / L with L the largest curvature at the current point: the longest safe step."""
        return 1 / self.curvatures()[1]

    def _put(self, values: list[Tensor]) -> None:
        with torch.no_grad():
            for weight, value in zip(self.bilevel.weights, values, strict=True):
                weight.copy_(value)


class QuadraticBilevel(KnownBilevel):
    """Two quadratics: every derivative is a matrix product, nothing is approximate.

        L_train = w' H w / 2 - w' B alpha,   L_val = |w - c|^2 / 2 + rho |alpha|^2 / 2
        w* = H^-1 B alpha,                   g = rho alpha + B' H^-1 (w* - c)

    Parameters
    ----------
    weights, parameters : int
        Sizes of w and alpha.
    conditioning : float from 1 on
        Largest over smallest eigenvalue of H; they lie between 1 / conditioning and 1, evenly in
        their logarithm.
    rho : float
        Pulls alpha to zero: the part of g that needs no weights.
    seed : int
        Of H's eigenvectors, B, c, alpha and the start.
    """

    def __init__(
        self,
        weights: int = 20,
        parameters: int = 5,
        conditioning: float = 100.0,
        rho: float = 0.1,
        seed: int = 0,
    ) -> None:
        if conditioning < 1:
            raise InvalidInput(f"conditioning: got {conditioning}; allowed: 1 or more.")
        self.name = "quadratic"
        self.rho = rho
        draw = _drawer(seed)
        vectors, _ = torch.linalg.qr(draw(weights, weights))
        self.H = vectors @ torch.diag(
            torch.logspace(0, -1, weights, base=conditioning, dtype=torch.double)
        )
        self.H = self.H @ vectors.T
        self.B, self.c = draw(weights, parameters), draw(weights)
        self._start = [draw(weights)]
        w, alpha = _leaf(self._start[0]), _leaf(draw(parameters))
        self.bilevel = Bilevel(
            lambda: ((w - self.c) ** 2).sum() / 2 + rho * (alpha**2).sum() / 2,
            lambda: w @ self.H @ w / 2 - w @ self.B @ alpha,
            [alpha],
            [w],
        )

    def solve(self) -> None:
        """Put the weights at w* = H^-1 B alpha."""
        self._put([self._solution()])

    def exact(self) -> list[Tensor]:
        """Return rho alpha + B' H^-1 (w* - c)."""
        alpha = self.bilevel.alphas[0].detach()
        x = torch.linalg.solve(self.H, self._solution() - self.c)
        return [self.rho * alpha + self.B.T @ x]

    def _solution(self) -> Tensor:
        return torch.linalg.solve(self.H, self.B @ self.bilevel.alphas[0].detach())


class RidgeBilevel(KnownBilevel):
    """Ridge regression with a regularization of its own for every feature.

        L_train = |X w - y|^2 / (2 n) + sum_j exp(alpha_j) w_j^2 / 2,  L_val = |Z w - z|^2 / (2 m)
        H = X'X / n + diag(exp(alpha)),  w* = H^-1 X'y / n
        g_j = -exp(alpha_j) w*_j [H^-1 Z'(Z w* - z) / m]_j

    Many hyperparameters, learnt by gradient descent on the validation loss; alpha does not enter
    that loss itself, so that first order sees nothing. Features without use get a large
    exp(alpha_j). Bengio, "Gradient-Based Optimization of Hyperparameters", Neural Computation 2000.

    Parameters
    ----------
    data : RegressionData
        Its train and valid parts.
    noise_features : int
        Columns of noise, standard normal, put beside the real ones.
    log_decay : float
        The alpha of every feature at the start.
    seed : int
        Of the noise.

    Attributes
    ----------
    test : (inputs, targets)
        The part that neither level sees.
    """

    def __init__(
        self,
        data: RegressionData,
        noise_features: int = 10,
        log_decay: float = -2.0,
        seed: int = 0,
    ) -> None:
        self.name = "ridge"
        draw = _drawer(seed)
        self.X, self.Z = (
            torch.cat([part.inputs.double(), draw(len(part), noise_features)], dim=1)
            for part in (data.train, data.valid)
        )
        self.test = (
            torch.cat([data.test.inputs.double(), draw(len(data.test), noise_features)], dim=1),
            data.test.targets.double(),
        )
        self.y, self.z = data.train.targets.double(), data.valid.targets.double()
        features = self.X.shape[1]
        self._start = [torch.zeros(features, dtype=torch.double)]
        w = _leaf(self._start[0])
        alpha = _leaf(torch.full((features,), log_decay, dtype=torch.double))
        self.bilevel = Bilevel(
            lambda: ((self.Z @ w - self.z) ** 2).mean() / 2,
            lambda: ((self.X @ w - self.y) ** 2).mean() / 2 + (alpha.exp() * w**2).sum() / 2,
            [alpha],
            [w],
        )

    def solve(self) -> None:
        """Put the weights at w* = H^-1 X'y / n."""
        self._put([self._solution()])

    def exact(self) -> list[Tensor]:
        """Return -exp(alpha) w* H^-1 Z'(Z w* - z) / m, feature by feature."""
        w = self._solution()
        v = self.Z.T @ (self.Z @ w - self.z) / len(self.z)
        x = torch.linalg.solve(self._hessian(), v)
        return [-self.bilevel.alphas[0].detach().exp() * w * x]

    def test_error(self) -> float:
        """Return the mean squared error of the present weights on the test part."""
        inputs, targets = self.test
        return ((inputs @ self.bilevel.weights[0].detach() - targets) ** 2).mean().item()

    def _solution(self) -> Tensor:
        return torch.linalg.solve(self._hessian(), self.X.T @ self.y / len(self.y))

    def _hessian(self) -> Tensor:
        decay = torch.diag(self.bilevel.alphas[0].detach().exp())
        return self.X.T @ self.X / len(self.y) + decay


class TinySupernet(KnownBilevel):
    """A supernet so small and smooth that its training can be solved to the last digit.

    Digits shrunk to 4 x 4 pixels. One node with two inputs, the left and the right half of the
    image x_e; on each edge a mixture of four operations that give the scores of the classes:

        scores = sum_e sum_o softmax(alpha_e)_o o(x_e),
        none: 0,  linear: x W_1,  tanh: tanh(x W_2) V,  softplus: softplus(x W_3) V

    with V fixed. L_val is the cross-entropy; L_train has `weight_decay` |w|^2 / 2 beside it.

    Parameters
    ----------
    data : ImageData
        Images of 8 x 8 pixels.
    width : int
        Columns of W_2 and W_3.
    weight_decay : float above 0
        Without it the minimum would not be unique.
    seed : int
        Of the start, alpha and V.
    """

    operations = ("none", "linear", "tanh", "softplus")

    def __init__(
        self, data: ImageData, width: int = 4, weight_decay: float = 0.01, seed: int = 0
    ) -> None:
        self.name = "tiny supernet"
        draw = _drawer(seed)
        shapes = [(8, data.classes), (8, width), (8, width)] * 2
        self._start = [draw(*shape) / math.sqrt(8) for shape in shapes]
        self.V = draw(width, data.classes)
        weights = [_leaf(value) for value in self._start]
        self.alpha = _leaf(0.3 * draw(2, len(self.operations)))
        train, valid = ((_halves(part.images), part.labels) for part in (data.train, data.valid))

        def inner() -> Tensor:
            decay = torch.stack([(w**2).sum() for w in self.bilevel.weights]).sum() / 2
            return cross_entropy(self.scores(train[0]), train[1]) + weight_decay * decay

        self.bilevel = Bilevel(
            lambda: cross_entropy(self.scores(valid[0]), valid[1]), inner, [self.alpha], weights
        )

    def scores(self, halves: Tensor) -> Tensor:
        """Return (N, classes) for pixels (2, N, 8)."""
        w = self.bilevel.weights
        total = torch.zeros((), dtype=torch.double)
        for x, pi, (linear, tanh, soft) in zip(
            halves, self.alpha.softmax(1), (w[:3], w[3:]), strict=True
        ):
            curved = pi[2] * torch.tanh(x @ tanh) + pi[3] * softplus(x @ soft)  # (N, width)
            total = total + pi[1] * x @ linear + curved @ self.V
        return total

    def solve(self) -> None:
        """Train by L-BFGS from where the weights stand, then by Newton's method to the end."""
        weights = list(self.bilevel.weights)
        optimizer = torch.optim.LBFGS(
            weights, max_iter=2000, tolerance_grad=1e-7, line_search_fn="strong_wolfe"
        )

        def closure() -> Tensor:
            loss = self.bilevel.inner()
            for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
                weight.grad = gradient
            return loss

        optimizer.step(closure)
        optimizer.zero_grad()
        self.polish()

    def polish(self, steps: int = 3) -> None:
        """Take Newton steps: near the minimum each doubles the number of right digits."""
        weights = self.bilevel.weights
        for _ in range(steps):
            q = InnerGradient(self.bilevel, 0.0)
            gradient = torch.cat([part.reshape(-1) for part in q.values()])
            step = torch.linalg.solve(dense_hessian(self.bilevel, q), gradient)
            parts = step.split([weight.numel() for weight in weights])
            self._put([w - p.view_as(w) for w, p in zip(weights, parts, strict=True)])

    def exact(self) -> list[Tensor]:
        """Return the dense implicit hypergradient at the minimum, and put the weights back."""
        before = [weight.detach().clone() for weight in self.bilevel.weights]
        self.start()
        self.solve()
        _, gradients = DenseImplicit()(self.bilevel)
        self._put(before)
        return gradients


def _drawer(seed: int):
    generator = torch.Generator().manual_seed(seed)
    return lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.double)


def _leaf(value: Tensor) -> Tensor:
    return value.clone().requires_grad_()


def _halves(images: Tensor) -> Tensor:
    """(N, 1, 8, 8) -> (2, N, 8): averaged two by two, left and right half, in double precision."""
    small = avg_pool2d(images.double(), 2)  # (N, 1, 4, 4)
    return torch.stack([half.flatten(1) for half in small.split(2, dim=3)])
