"""Two bilevel problems small enough to be checked by hand, with gradients in closed form.

    problem = QuadraticProblem(hessian=[[2.0]], mixed=[[3.0]], direct=[[1.0]], target=[0.0])
    along_weights, along_alpha = problem.train_gradients(weights, alpha)
    problem.unrolled_gradient(weights, alpha, step_size=0.1)       # exact, to compare with

Both have the interface that an architecture step needs: the gradients of a training loss and of
a validation loss with respect to weights w and architecture parameters alpha.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Gradients = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class QuadraticProblem:
    """Both losses are quadratic, so that every derivative is a matrix product.

        L_train(w, alpha) = w' H w / 2 - w' B alpha
        L_valid(w, alpha) = |w - D alpha - t|^2 / 2

    Attributes
    ----------
    hessian : array (weights, weights)
        H, symmetric: the curvature of the training loss.
    mixed : array (weights, parameters)
        B: how alpha moves the best weights.
    direct : array (weights, parameters)
        D: how alpha enters the validation loss itself.
    target : array (weights,)
        t: where the validation loss wants the weights at alpha = 0.
    """

    hessian: Any
    mixed: Any
    direct: Any
    target: Any

    def train_gradients(self, weights: np.ndarray, alpha: np.ndarray) -> Gradients:
        """Gradients of the training loss with respect to weights and to alpha."""
        w, a = np.asarray(weights, dtype=float), np.asarray(alpha, dtype=float)
        mixed = np.asarray(self.mixed)
        return np.asarray(self.hessian) @ w - mixed @ a, -mixed.T @ w

    def valid_gradients(self, weights: np.ndarray, alpha: np.ndarray) -> Gradients:
        """Gradients of the validation loss with respect to weights and to alpha."""
        w, a = np.asarray(weights, dtype=float), np.asarray(alpha, dtype=float)
        direct = np.asarray(self.direct)
        residual = w - direct @ a - np.asarray(self.target)
        return residual, -direct.T @ residual

    def unrolled_gradient(
        self, weights: np.ndarray, alpha: np.ndarray, step_size: float
    ) -> np.ndarray:
        """Gradient of L_valid(w - step_size dL_train/dw, alpha) along alpha (DARTS, eq. 7).

        The mixed second derivative of the training loss is -B', hence the plus sign.
        """
        ahead = np.asarray(weights) - step_size * self.train_gradients(weights, alpha)[0]
        v, along_alpha = self.valid_gradients(ahead, alpha)
        return along_alpha + step_size * np.asarray(self.mixed).T @ v


@dataclass(frozen=True)
class MixedRegression:
    """One mixed operation that fits numbers: curved in the weights, like a real supernet.

        prediction = sum_o softmax(alpha)_o tanh(w_o x_o),   L = mean (prediction - y)^2 / 2

    Attributes
    ----------
    train_inputs, valid_inputs : array (examples, operations)
        x: column o is what operation o reads.
    train_targets, valid_targets : array (examples,)
        y.
    """

    train_inputs: Any
    train_targets: Any
    valid_inputs: Any
    valid_targets: Any

    def train_gradients(self, weights: np.ndarray, alpha: np.ndarray) -> Gradients:
        """Gradients of the training loss with respect to weights and to alpha."""
        return _regression_gradients(weights, alpha, self.train_inputs, self.train_targets)

    def valid_gradients(self, weights: np.ndarray, alpha: np.ndarray) -> Gradients:
        """Gradients of the validation loss with respect to weights and to alpha."""
        return _regression_gradients(weights, alpha, self.valid_inputs, self.valid_targets)


def _regression_gradients(weights: Any, alpha: Any, inputs: Any, targets: Any) -> Gradients:
    """Chain rule; the softmax contributes p_o (o(x) - prediction) for each operation o."""
    x, y = np.asarray(inputs, dtype=float), np.asarray(targets, dtype=float)
    powers = np.exp(np.asarray(alpha, dtype=float) - np.max(alpha))
    p = powers / powers.sum()
    outputs = np.tanh(np.asarray(weights, dtype=float) * x)  # (examples, operations)
    prediction = outputs @ p
    error = (prediction - y)[:, None]
    along_weights = (error * p * (1 - outputs**2) * x).mean(axis=0)
    along_alpha = (error * p * (outputs - prediction[:, None])).mean(axis=0)
    return along_weights, along_alpha
