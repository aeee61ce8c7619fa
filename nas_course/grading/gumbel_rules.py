"""What the checks of chapter 12 share: Gumbel noise, softmax, one-hot rows."""

from __future__ import annotations

import numpy as np


def softmax(logits: np.ndarray, axis: int = -1) -> np.ndarray:
    """Return exp(x) / sum exp(x), safe for large logits."""
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def gumbel(uniform: np.ndarray) -> np.ndarray:
    """Return -log(-log u): standard Gumbel noise if u is uniform on (0, 1)."""
    return np.asarray(-np.log(-np.log(uniform)))


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x)), safe for large arguments of either sign."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -x)))


def one_hot(scores: np.ndarray) -> np.ndarray:
    """Return 1 at the largest entry of each row, else 0."""
    return np.asarray(np.eye(scores.shape[-1])[scores.argmax(axis=-1)])


def uniform_noise(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return numbers strictly between 0 and 1."""
    return rng.uniform(1e-6, 1 - 1e-6, size=shape)
