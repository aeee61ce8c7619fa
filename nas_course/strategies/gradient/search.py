"""The step of a gradient search: alphas on validation data, then weights on training data.

    parts = Parts(make_hypergradient=Unrolled)
    search = GradientSearch(supernet, parts, settings, steps_total=1000)
    metrics = search.step(train_batch, valid_batch)
    search.architecture()

Liu et al., "DARTS", ICLR 2019, algorithm 1; what other papers change in it are the parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nas_course.data import ImageData
from nas_course.devices import autocast
from nas_course.errors import require_whole
from nas_course.models import MixedSupernet
from nas_course.spaces import Cell201, Genotype
from nas_course.strategies.gradient.hypergradients import Bilevel
from nas_course.strategies.gradient.parts import (
    ALPHAS,
    WEIGHTS,
    Batch,
    Hypergradient,
    Mixing,
    Moment,
    Parts,
)
from nas_course.strategies.gradient.settings import GradientSettings

Metrics = dict[str, float | None]


class GradientSearch:
    """A supernet, its two optimizers and the parts of a method, advanced one step at a time.

    Parameters
    ----------
    supernet : MixedSupernet
        Already on its device.
    parts : Parts, or callable SGD -> hypergradient
        The callable stands for first-order DARTS with that hypergradient.
    settings : GradientSettings
    steps_total : int
        Length of the cosine schedule in steps, at least 1.
    seed : int
        Of what the parts draw while they search.
    data : ImageData, optional
        For schedules that measure on the validation part.
    make_supernet : callable (**changes) -> MixedSupernet, optional
        For schedules that begin with a fresh supernet: gives one like the first but for the
        changed arguments of `build_supernet`.

    Attributes
    ----------
    weights, parameters : list of Parameter
        Of the supernet: what training data and what validation data move.
    steps : int
        Steps taken so far.
    generator : torch.Generator
        Part of the state.
    rate_span : (int, int), optional
        First step and end of the cosine of the learning rate; None for the whole search.
        Schedules with stages set it, also when they load their state.

    Raises
    ------
    InvalidInput
        If `steps_total` is no whole number from 1 on.
    """

    def __init__(
        self,
        supernet: MixedSupernet,
        parts: Parts | Callable[[torch.optim.SGD], Hypergradient],
        settings: GradientSettings,
        steps_total: int,
        *,
        seed: int = 0,
        data: ImageData | None = None,
        make_supernet: Callable[..., MixedSupernet] | None = None,
    ) -> None:
        require_whole("steps_total", steps_total, least=1)
        self.parts = parts if isinstance(parts, Parts) else Parts(make_hypergradient=parts)
        self.settings = settings
        self.steps_total = steps_total
        self.steps = 0
        self.data = data
        self.make_supernet = make_supernet
        self.rate_span: tuple[int, int] | None = None
        self.generator = torch.Generator().manual_seed(seed)
        self.relaxation = self.parts.make_relaxation()
        self.perturbation = self.parts.make_perturbation and self.parts.make_perturbation()
        self.schedules = [make() for make in self.parts.make_schedules]
        self.replace_supernet(supernet)
        for schedule in self.schedules:
            schedule.begin(self)

    def replace_supernet(self, supernet: MixedSupernet) -> None:
        """Go on with another supernet, with optimizers that begin anew."""
        if self.settings.channels_last:
            supernet.to(memory_format=torch.channels_last)
        supernet.relaxation = self.relaxation
        self.relaxation.attach(supernet, self.generator)
        self.supernet = supernet
        self.weights = supernet.weights()
        self.parameters = supernet.architecture_parameters()
        self.weight_optimizer = torch.optim.SGD(
            self.weights,
            lr=self.settings.weight_learning_rate,
            momentum=self.settings.weight_momentum,
            weight_decay=self.settings.weight_decay,
        )
        self.alpha_optimizer = self.parts.make_alpha_optimizer(
            self.parameters, self.settings, self.generator
        )
        self.hypergradient = self.parts.make_hypergradient(self.weight_optimizer)

    @property
    def progress(self) -> float:
        """Share of the steps that are taken, from 0 to 1."""
        return min(self.steps / self.steps_total, 1.0)

    @property
    def stopped(self) -> bool:
        """Whether a schedule ends the search."""
        return any(schedule.stopped for schedule in self.schedules)

    def step(self, train_batch: Batch, valid_batch: Batch) -> Metrics:
        """Update the alphas on `valid_batch`, then the weights on `train_batch`.

        Parameters
        ----------
        train_batch, valid_batch : (images, labels)
            Images (batch, channels, H, W), labels (batch,) of int64, on the supernet's device.

        Returns
        -------
        dict
            train_loss, train_accuracy, valid_loss, valid_accuracy, each before its update and
            without what regularizers add; learning_rate. Accuracies from 0 to 1. The validation
            figures are None in a step that leaves the alphas alone.

            They are figures of the networks that the updates looked at, which are not always
            that of w and alpha: the validation figures of an unrolled hypergradient are those at
            w', of BaLeNAS at the sampled theta and gates (the first, of several theta); both
            losses of GDAS and SNAS are at one sample of the mixing weights, each at its own; the
            train_loss of SDARTS is at the perturbed mixing weights; both losses of P-DARTS are
            under dropout. Methods are not to be compared by the levels of these figures.
        """
        for schedule in self.schedules:
            schedule.before_step(self, train_batch, valid_batch)
        self._set_learning_rate()
        valid_loss, valid_accuracy = None, None
        if self._trains_alphas():
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

    def end_epoch(self) -> dict[str, Any]:
        """Tell the schedules that an epoch is over; return what they add to its row."""
        columns: dict[str, Any] = {}
        for schedule in self.schedules:
            columns |= schedule.after_epoch(self)
        return columns

    def architecture(self) -> Genotype | Cell201:
        """Return the architecture that the search stands for now."""
        for schedule in self.schedules:
            decided = schedule.architecture(self)
            if decided is not None:
                return decided
        return self.parts.discretize(self.supernet)

    def alphas(self) -> dict[str, Tensor]:
        """Return copies of the logits (edges, operations) on the CPU, by cell kind."""
        return {
            kind: alpha.detach().float().cpu().clone()
            for kind, alpha in self.supernet.alphas.items()
        }

    def loss(self, batch: Batch, pi: Mixing | None = None) -> Tensor:
        """Return the cross-entropy of a batch under mixing weights, by default the present ones."""
        return self._loss(batch, [], pi)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the next step depends on, as tensors and plain values."""
        return {
            "supernet": self.supernet.state_dict(),
            "weight_optimizer": self.weight_optimizer.state_dict(),
            "alpha_optimizer": self.alpha_optimizer.state_dict(),
            "schedules": [schedule.state_dict() for schedule in self.schedules],
            "relaxation": self.relaxation.state_dict(),
            "generator": self.generator.get_state(),
            "steps": self.steps,
            "steps_total": self.steps_total,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what `state_dict` gave, bit for bit on the same machine."""
        self.steps, self.steps_total = state["steps"], state["steps_total"]
        for schedule, own in zip(self.schedules, state["schedules"], strict=True):
            schedule.load_state_dict(own, self)
        self.supernet.load_state_dict(state["supernet"])
        self.weight_optimizer.load_state_dict(state["weight_optimizer"])
        self.alpha_optimizer.load_state_dict(state["alpha_optimizer"])
        self.relaxation.load_state_dict(state["relaxation"], self.supernet)
        self.generator.set_state(state["generator"])

    def _set_learning_rate(self) -> None:
        """Cosine: lr(t) = lr_min + (lr_0 - lr_min) (1 + cos(pi t / T)) / 2."""
        low, high = self.settings.minimum_learning_rate, self.settings.weight_learning_rate
        first, end = self.rate_span or (0, self.steps_total)
        share = min((self.steps - first) / (end - first), 1.0)
        rate = low + (high - low) * (1 + math.cos(math.pi * share)) / 2
        self.weight_optimizer.param_groups[0]["lr"] = rate

    def _trains_alphas(self) -> bool:
        due = self.steps % self.parts.weight_steps == 0
        return due and all(schedule.trains_alphas(self) for schedule in self.schedules)

    def _alpha_step(self, train_batch: Batch, valid_batch: Batch) -> tuple[float, float]:
        self.relaxation.draw(self.supernet, self._moment(ALPHAS))
        seen: list[Tensor] = []
        problem = Bilevel(
            outer=lambda: self._outer_loss(valid_batch, seen),
            inner=lambda: self.loss(train_batch),
            alphas=self.parameters,
            weights=self.weights,
        )
        self.alpha_optimizer.step(lambda: self.hypergradient(problem))
        loss = cross_entropy(seen[0], valid_batch[1])  # without what regularizers add
        return loss.item(), _accuracy(seen[0], valid_batch[1])

    def _outer_loss(self, batch: Batch, seen: list[Tensor]) -> Tensor:
        loss = self._loss(batch, seen)
        for regularizer in self.parts.regularizers:
            loss = loss + regularizer(self.supernet, self.progress)
        return loss

    def _weight_step(self, train_batch: Batch) -> tuple[float, float]:
        self.relaxation.draw(self.supernet, self._moment(WEIGHTS))
        seen: list[Tensor] = []
        loss = self._loss(train_batch, seen, self._perturbed(train_batch))
        # only the weights: gradients of the alphas are neither needed nor kept. Weights that took
        # no part (operations that were not drawn) have none, and stay as they are.
        gradients = torch.autograd.grad(loss, self.weights, allow_unused=True)
        for weight, gradient in zip(self.weights, gradients, strict=True):
            weight.grad = gradient
        nn.utils.clip_grad_norm_(self.weights, self.settings.gradient_clip)
        self.weight_optimizer.step()
        self.weight_optimizer.zero_grad()
        return loss.item(), _accuracy(seen[0], train_batch[1])

    def _perturbed(self, train_batch: Batch) -> Mixing | None:
        if self.perturbation is None:
            return None
        pi = {kind: weights.detach() for kind, weights in self.supernet.mixing_weights().items()}
        return self.perturbation.perturb(
            self.supernet, pi, lambda other: self.loss(train_batch, other), self._moment(WEIGHTS)
        )

    def _moment(self, phase: str) -> Moment:
        return Moment(self.progress, phase, self.generator)

    def _loss(self, batch: Batch, seen: list[Tensor], pi: Mixing | None = None) -> Tensor:
        images, labels = batch
        if self.settings.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        with autocast(images.device, self.settings.precision):
            logits = self.supernet(images, pi)
        logits = logits.float() if logits.dtype == torch.bfloat16 else logits
        seen.append(logits.detach())
        return cross_entropy(logits, labels)


def _accuracy(logits: Tensor, labels: Tensor) -> float:
    return (logits.argmax(dim=1) == labels).float().mean().item()
