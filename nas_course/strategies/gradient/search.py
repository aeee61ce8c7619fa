"""The step of a gradient search: alphas on validation data, then weights on training data.

    search = GradientSearch(supernet, Unrolled, settings, steps_total=1000)
    metrics = search.step(train_batch, valid_batch)
    search.architecture()

Liu et al., "DARTS", ICLR 2019, algorithm 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from nas_course.devices import autocast
from nas_course.errors import InvalidInput
from nas_course.models import MixedSupernet
from nas_course.spaces import Cell201, Genotype
from nas_course.strategies.gradient.discretization import discretize
from nas_course.strategies.gradient.hypergradients import Bilevel

Batch = tuple[Tensor, Tensor]
Hypergradient = Callable[[Bilevel], tuple[Tensor, list[Tensor]]]


@dataclass(frozen=True)
class GradientSettings:
    """The hyperparameters of a gradient search; the defaults are those of the paper.

    Attributes
    ----------
    channels, cells : int
        Size of the supernet.
    batch_size : int
        Images in a training batch and in a validation batch.
    weight_learning_rate, minimum_learning_rate : float
        SGD on the weights, cosine from the first to the second over the whole search.
    weight_momentum, weight_decay, gradient_clip : float
        Of SGD on the weights; the gradient's norm is clipped.
    alpha_learning_rate, alpha_betas, alpha_weight_decay : float, (float, float), float
        Of Adam on the alphas. Adam moves an alpha by at most about the learning rate per step:
        with few steps the paper's 3e-4 leaves the alphas where they began.
    alpha_scale : float
        Standard deviation of the initial alphas.
    precision : "float32" or "bfloat16"
        Of the forward pass.
    channels_last : bool
        Memory order of the images and weights.

    Raises
    ------
    InvalidInput
        If a value is outside its range; the message names it.
    """

    channels: int = 16
    cells: int = 8
    batch_size: int = 64
    weight_learning_rate: float = 0.025
    minimum_learning_rate: float = 0.001
    weight_momentum: float = 0.9
    weight_decay: float = 3e-4
    gradient_clip: float = 5.0
    alpha_learning_rate: float = 3e-4
    alpha_betas: tuple[float, float] = (0.5, 0.999)
    alpha_weight_decay: float = 1e-3
    alpha_scale: float = 1e-3
    precision: str = "float32"
    channels_last: bool = False

    def __post_init__(self) -> None:
        for name in ("channels", "cells", "batch_size"):
            self._require(
                name,
                isinstance(getattr(self, name), int) and getattr(self, name) >= 1,
                "whole numbers from 1 on",
            )
        for name in ("weight_learning_rate", "alpha_learning_rate", "gradient_clip"):
            self._require(name, getattr(self, name) > 0, "numbers above 0")
        for name in ("minimum_learning_rate", "weight_decay", "alpha_weight_decay", "alpha_scale"):
            self._require(name, getattr(self, name) >= 0, "numbers from 0 on")
        self._require("weight_momentum", 0 <= self.weight_momentum < 1, "0 to below 1")
        # two losses would need two loss scales; bfloat16 has the range to do without
        self._require(
            "precision",
            self.precision in ("float32", "bfloat16"),
            "'float32', 'bfloat16' (float16 is for training from scratch)",
        )

    def _require(self, name: str, holds: bool, allowed: str) -> None:
        if not holds:
            raise InvalidInput(f"{name}: got {getattr(self, name)!r}; allowed: {allowed}.")


class GradientSearch:
    """A supernet, its two optimizers and a hypergradient, advanced one step at a time.

    Parameters
    ----------
    supernet : MixedSupernet
        Already on its device.
    make_hypergradient : callable SGD -> (callable Bilevel -> (loss, gradients))
        Gets the optimizer of the weights, since `Unrolled` differentiates its step; first order
        is `lambda optimizer: FirstOrder()`.
    settings : GradientSettings
    steps_total : int
        Length of the cosine schedule in steps, at least 1.
    """

    def __init__(
        self,
        supernet: MixedSupernet,
        make_hypergradient: Callable[[torch.optim.SGD], Hypergradient],
        settings: GradientSettings,
        steps_total: int,
    ) -> None:
        if steps_total < 1:
            raise InvalidInput(f"steps_total: got {steps_total}; allowed: 1 or more.")
        if settings.channels_last:
            supernet.to(memory_format=torch.channels_last)
        self.supernet = supernet
        self.settings = settings
        self.steps_total = steps_total
        self.steps = 0
        self.weights = supernet.weights()
        self.parameters = list(supernet.alphas.values())
        self.weight_optimizer = torch.optim.SGD(
            self.weights,
            lr=settings.weight_learning_rate,
            momentum=settings.weight_momentum,
            weight_decay=settings.weight_decay,
        )
        self.alpha_optimizer = torch.optim.Adam(
            self.parameters,
            lr=settings.alpha_learning_rate,
            betas=settings.alpha_betas,
            weight_decay=settings.alpha_weight_decay,
        )
        self.hypergradient = make_hypergradient(self.weight_optimizer)

    def step(self, train_batch: Batch, valid_batch: Batch) -> dict[str, float]:
        """Update the alphas on `valid_batch`, then the weights on `train_batch`.

        Parameters
        ----------
        train_batch, valid_batch : (images, labels)
            Images (batch, channels, H, W), labels (batch,) of int64, on the supernet's device.

        Returns
        -------
        dict
            train_loss, train_accuracy, valid_loss, valid_accuracy (both before their update;
            for the unrolled hypergradient the validation figures are those at w'),
            learning_rate. Accuracies from 0 to 1.
        """
        self._set_learning_rate()
        valid_loss, valid_accuracy = self._alpha_step(train_batch, valid_batch)
        train_loss, train_accuracy = self._weight_step(train_batch)
        self.steps += 1
        return {
            "train_loss": train_loss,
            "train_accuracy": train_accuracy,
            "valid_loss": valid_loss,
            "valid_accuracy": valid_accuracy,
            "learning_rate": self.weight_optimizer.param_groups[0]["lr"],
        }

    def architecture(self) -> Genotype | Cell201:
        """Return the architecture that the alphas stand for now."""
        return discretize(self.supernet.space, self.alphas())

    def alphas(self) -> dict[str, Tensor]:
        """Return copies of the logits (edges, operations) on the CPU, by cell kind."""
        return {
            kind: alpha.detach().float().cpu().clone()
            for kind, alpha in self.supernet.alphas.items()
        }

    def state_dict(self) -> dict:
        """Return everything that the next step depends on, as tensors and plain values."""
        return {
            "supernet": self.supernet.state_dict(),
            "weight_optimizer": self.weight_optimizer.state_dict(),
            "alpha_optimizer": self.alpha_optimizer.state_dict(),
            "steps": self.steps,
            "steps_total": self.steps_total,
        }

    def load_state_dict(self, state: dict) -> None:
        """Continue from what `state_dict` gave, bit for bit on the same machine."""
        self.supernet.load_state_dict(state["supernet"])
        self.weight_optimizer.load_state_dict(state["weight_optimizer"])
        self.alpha_optimizer.load_state_dict(state["alpha_optimizer"])
        self.steps, self.steps_total = state["steps"], state["steps_total"]

    def _set_learning_rate(self) -> None:
        """Cosine: lr(t) = lr_min + (lr_0 - lr_min) (1 + cos(pi t / T)) / 2."""
        low, high = self.settings.minimum_learning_rate, self.settings.weight_learning_rate
        share = min(self.steps / self.steps_total, 1.0)
        rate = low + (high - low) * (1 + math.cos(math.pi * share)) / 2
        self.weight_optimizer.param_groups[0]["lr"] = rate

    def _alpha_step(self, train_batch: Batch, valid_batch: Batch) -> tuple[float, float]:
        seen: list[Tensor] = []
        problem = Bilevel(
            outer=lambda: self._loss(valid_batch, seen),
            inner=lambda: self._loss(train_batch, []),
            alphas=self.parameters,
            weights=self.weights,
        )
        loss, gradients = self.hypergradient(problem)
        for alpha, gradient in zip(self.parameters, gradients, strict=True):
            alpha.grad = gradient
        self.alpha_optimizer.step()
        self.alpha_optimizer.zero_grad()
        return loss.item(), _accuracy(seen[0], valid_batch[1])

    def _weight_step(self, train_batch: Batch) -> tuple[float, float]:
        seen: list[Tensor] = []
        loss = self._loss(train_batch, seen)
        # only the weights: gradients of the alphas are neither needed nor kept
        gradients = torch.autograd.grad(loss, self.weights)
        for weight, gradient in zip(self.weights, gradients, strict=True):
            weight.grad = gradient
        torch.nn.utils.clip_grad_norm_(self.weights, self.settings.gradient_clip)
        self.weight_optimizer.step()
        self.weight_optimizer.zero_grad()
        return loss.item(), _accuracy(seen[0], train_batch[1])

    def _loss(self, batch: Batch, seen: list[Tensor]) -> Tensor:
        images, labels = batch
        if self.settings.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        with autocast(images.device, self.settings.precision):
            logits = self.supernet(images)
        seen.append(logits.detach())
        return cross_entropy(logits.float() if logits.dtype == torch.bfloat16 else logits, labels)


def _accuracy(logits: Tensor, labels: Tensor) -> float:
    return (logits.argmax(dim=1) == labels).float().mean().item()
