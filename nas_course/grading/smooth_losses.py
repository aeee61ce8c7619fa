"""Smooth losses of weights and alphas that a check can send and differentiate.

train, valid = random_losses(rng, weights=4, parameters=3)
ask(train.expression, valid.expression, ...)          # the learner gets functions of (w, alpha)
at = derivatives(train, valid, w, alpha)              # at.hessian, at.mixed, ... as arrays
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.autograd.functional import hessian

from nas_course.grading.transport import Expression

TRAIN = "(torch.tanh(X @ w) - y).square().mean() / 2 + ((G @ a).exp() * torch.cos(w / 2)).mean()"
VALID = "(Z @ w - z - E @ a).square().mean() / 2"
DIGITS = 3  # what is sent is written out in the source


@dataclass(frozen=True, eq=False)
class Loss:
    """A function of (w, alpha), both double tensors with one axis, that returns a scalar tensor.

    Attributes
    ----------
    body : str
        A Python expression in w, a, torch and the names of `arrays`.
    arrays : mapping
        The constants, with three digits at most after the point.
    """

    body: str
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    @cached_property
    def source(self) -> str:
        """The function as an expression of Python."""
        constants = "".join(
            f", {name}=torch.tensor({array.tolist()}, dtype=torch.double)"
            for name, array in self.arrays.items()
        )
        return f"lambda w, a{constants}: {self.body}"

    @property
    def expression(self) -> Expression:
        """The function as it is sent to the learner."""
        return Expression(self.source, f"w, a -> {self}")

    @cached_property
    def function(self) -> Callable[[Tensor, Tensor], Tensor]:
        """The function as the check calls it."""
        constants = {name: torch.tensor(array) for name, array in self.arrays.items()}
        code = compile(self.body, "loss", "eval")
        return lambda w, a: eval(code, {"torch": torch, "w": w, "a": a, **constants})

    def __str__(self) -> str:
        sizes = [f"{name} {array.shape}" for name, array in self.arrays.items()]
        return f"{self.body}{' with ' if sizes else ''}{', '.join(sizes)}"


def random_losses(
    rng: np.random.Generator, weights: int, parameters: int, far: float = 1.0
) -> tuple[Loss, Loss]:
    """Return a training loss that is curved in both, and a validation loss that sees alpha too.

    `far` is how far the targets of the validation loss lie, so how long its gradients are.
    """
    examples = 6

    def draw(*shape: int, scale: float = 1.0) -> np.ndarray:
        return np.asarray((scale * rng.normal(size=shape)).round(DIGITS))

    train = {"X": draw(examples, weights), "y": draw(examples)}
    train["G"] = draw(weights, parameters, scale=0.3)
    valid = {"Z": draw(examples, weights), "z": draw(examples, scale=far)}
    valid["E"] = draw(examples, parameters)
    return Loss(TRAIN, train), Loss(VALID, valid)


@dataclass(frozen=True)
class Derivatives:
    """First derivatives of the validation loss and second derivatives of a training loss.

    Attributes
    ----------
    direct, v : array
        dL_val/dalpha (parameters,) and dL_val/dw (weights,).
    hessian : array (weights, weights)
        d^2 L_train / dw dw.
    mixed : array (parameters, weights)
        d^2 L_train / dalpha dw.
    """

    direct: np.ndarray
    v: np.ndarray
    hessian: np.ndarray
    mixed: np.ndarray


def gradients(loss: Loss, w: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return dL/dw and dL/dalpha."""
    return _gradients(loss, tuple(w), tuple(alpha))


def derivatives(train: Loss, valid: Loss, w: np.ndarray, alpha: np.ndarray) -> Derivatives:
    """Return all derivatives at one point; the second ones as full matrices."""
    return _derivatives(train, valid, tuple(w), tuple(alpha))


# The mistakes of an exercise all ask for the derivatives at the same few points.


@lru_cache(maxsize=64)
def _gradients(loss: Loss, *at: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    leaves = [torch.tensor(values, dtype=torch.double, requires_grad=True) for values in at]
    found = torch.autograd.grad(loss.function(*leaves), leaves, materialize_grads=True)
    return found[0].numpy(), found[1].numpy()


@lru_cache(maxsize=64)
def _derivatives(train: Loss, valid: Loss, *at: tuple[float, ...]) -> Derivatives:
    v, direct = _gradients(valid, *at)
    leaves = tuple(torch.tensor(values, dtype=torch.double) for values in at)
    blocks = hessian(train.function, leaves)
    return Derivatives(direct, v, blocks[0][0].numpy(), blocks[1][0].numpy())
