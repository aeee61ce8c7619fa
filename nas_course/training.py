"""The one training loop: every estimate, baseline and retraining goes through it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from tqdm.auto import tqdm

from nas_course.data import Augmentation, Split, epoch_order
from nas_course.devices import PRECISIONS, autocast, grad_scaler, synchronize
from nas_course.errors import CourseError, InvalidInput, one_of


class TrainingDiverged(CourseError, ArithmeticError):
    """The loss became infinite or not a number."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. Networks that are to be compared get the same recipe.

    Stochastic gradient descent with momentum, as in DARTS: with the clipped gradient g of the
    loss, v <- momentum v + g + weight_decay w and w <- w - learning_rate v.

    Attributes
    ----------
    epochs, batch_size : int
        Batches of an epoch have at most `batch_size` images and differ by one image at most.
    learning_rate, minimum_learning_rate : float
        The rate falls from the first to the second along a cosine, step by step.
    momentum, weight_decay : float
    gradient_clip : float or None
        Largest norm of the gradient of all weights together; None does not clip.
    drop_path : float
        Probability at the end of training that a path is dropped; it rises linearly from 0.
    auxiliary_weight : float
        Weight of the auxiliary head's loss, for networks that have such a head.
    precision : str
        "float32", "bfloat16" or "float16" (see :func:`nas_course.devices.autocast`).
    channels_last : bool
        Store images as (N, H, W, C), which GPUs convolve faster in 16 bits.
    augment : Augmentation or None
        What is done to the training images of every batch.
    """

    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 0.025
    minimum_learning_rate: float = 0.0
    momentum: float = 0.9
    weight_decay: float = 3e-4
    gradient_clip: float | None = 5.0
    drop_path: float = 0.0
    auxiliary_weight: float = 0.4
    precision: str = "float32"
    channels_last: bool = False
    augment: Augmentation | None = None

    def __post_init__(self) -> None:
        _require_whole("epochs", self.epochs, 1)
        _require_whole("batch_size", self.batch_size, 2)
        _require_within("learning_rate", self.learning_rate, 1e-12, math.inf)
        _require_within("minimum_learning_rate", self.minimum_learning_rate, 0, self.learning_rate)
        _require_within("momentum", self.momentum, 0, 1)
        _require_within("weight_decay", self.weight_decay, 0, math.inf)
        _require_within("drop_path", self.drop_path, 0, 0.99)
        _require_within("auxiliary_weight", self.auxiliary_weight, 0, math.inf)
        if self.gradient_clip is not None:
            _require_within("gradient_clip", self.gradient_clip, 1e-12, math.inf)
        if self.precision not in PRECISIONS:
            raise one_of("precision", self.precision, PRECISIONS)


def fit(
    model: nn.Module, split: Split, recipe: Recipe, *, seed: int, progress: bool = False
) -> list[dict[str, float]]:
    """Train a network in place on the images' device.

    The seed decides the order of the images, their augmentation and the dropped paths; on the
    processor the same seed gives the same weights, bit by bit.

    Parameters
    ----------
    model : torch.nn.Module
        Maps images (B, C, H, W) to logits (B, classes), or in training to a pair of logits and
        auxiliary logits. If it has `drop_path_probability`, the loop sets it for each epoch; if
        it has `use_generator`, it gets a generator for what it draws.
    split : Split
    recipe : Recipe
    seed : int
    progress : bool
        Show a progress bar.

    Returns
    -------
    list of dict
        One row per epoch: epoch (from 1), loss and accuracy (0 to 1) on the training images as
        they were augmented, learning_rate at the end of the epoch, seconds since the start.

    Raises
    ------
    TrainingDiverged
        The loss is not finite; the message names the epoch and the learning rate.
    InvalidInput
        The images do not fit the network, or it has fewer outputs than there are classes.
    """
    rows = epoch_by_epoch(model, split, recipe, seed=seed)
    return list(tqdm(rows, total=recipe.epochs, disable=not progress, unit="epoch", leave=False))


def epoch_by_epoch(
    model: nn.Module, split: Split, recipe: Recipe, *, seed: int
) -> Iterator[dict[str, float]]:
    """Train like :func:`fit`, but hand out each epoch's row as soon as the epoch is over.

    Between two rows the network may be evaluated; whoever asks for no further row has stopped
    the training there, in the middle of its full-length schedule:

        for row in epoch_by_epoch(model, split, recipe, seed=0):
            if evaluate(model, valid)["accuracy"] > 0.9:
                break
    """
    loop = _Loop(model, split, recipe, seed)
    for number in range(1, recipe.epochs + 1):
        yield loop.epoch(number)


@torch.no_grad()
def evaluate(
    model: nn.Module, split: Split, batch_size: int = 256, precision: str = "float32"
) -> dict[str, float]:
    """Measure accuracy (0 to 1) and mean cross-entropy on images as they are, in batches.

    The network is switched to evaluation for this and afterwards to what it was before.
    """
    was_training, device = model.training, split.images.device
    model.to(device).eval()
    correct, loss = torch.zeros((), device=device), torch.zeros((), device=device)
    batches = zip(split.images.split(batch_size), split.labels.split(batch_size), strict=True)
    for images, labels in batches:
        with autocast(device, precision):
            logits = model(images)
        correct += (logits.argmax(1) == labels).sum()
        loss += cross_entropy(logits.float(), labels, reduction="sum")
    model.train(was_training)
    return {"accuracy": correct.item() / len(split), "loss": loss.item() / len(split)}


def cosine(step: int, steps: int, start: float, end: float) -> float:
    """Learning rate after `step` of `steps` steps: from `start` down to `end` along a cosine.

    end + (start - end) (1 + cos(pi step / steps)) / 2   (Loshchilov and Hutter 2017, equation 5)
    """
    return end + (start - end) * (1 + math.cos(math.pi * step / steps)) / 2


class _Loop:
    """A training in progress: the network, its optimizer, its generators and its clock."""

    def __init__(self, model: nn.Module, split: Split, recipe: Recipe, seed: int) -> None:
        self.model, self.split, self.recipe = model, split, recipe
        self.device = split.images.device
        self.layout = torch.channels_last if recipe.channels_last else torch.contiguous_format
        model.to(self.device).to(memory_format=self.layout)
        self.optimizer = torch.optim.SGD(
            model.parameters(),
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
        )
        self.scaler = grad_scaler(self.device, recipe.precision)
        self.generator = torch.Generator().manual_seed(seed)
        if use_generator := getattr(model, "use_generator", None):
            drawn = int(torch.randint(2**62, (), generator=self.generator))
            use_generator(torch.Generator(self.device).manual_seed(drawn))
        self.classes = int(split.labels.max()) + 1
        self.steps = math.ceil(len(split) / recipe.batch_size)  # of an epoch
        self.started = time.perf_counter()

    def epoch(self, number: int) -> dict[str, float]:
        """Visit every image once; return the epoch's row."""
        self.model.train()
        if hasattr(self.model, "drop_path_probability"):
            probability = self.recipe.drop_path * (number - 1) / self.recipe.epochs
            # plain assignment would be a type error: to mypy a Module's attributes are tensors
            setattr(self.model, "drop_path_probability", probability)  # noqa: B010
        loss, correct = torch.zeros((), device=self.device), torch.zeros((), device=self.device)
        order = epoch_order(len(self.split), self.generator).to(self.device)
        for index, chosen in enumerate(order.tensor_split(self.steps)):
            self._set_rate((number - 1) * self.steps + index)
            step_loss, step_correct = self._step(self._images(chosen), self.split.labels[chosen])
            loss += step_loss * len(chosen)  # stays on the device: no waiting within an epoch
            correct += step_correct
        return self._row(number, loss, correct)

    def _images(self, chosen: Tensor) -> Tensor:
        images = self.split.images[chosen]
        if self.recipe.augment is not None:
            images = self.recipe.augment(images, self.generator)
        return images.contiguous(memory_format=self.layout)

    def _step(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Take one step of gradient descent; return the loss and the number of right answers."""
        with autocast(self.device, self.recipe.precision):
            output = self.model(images)
        logits, *auxiliary = output if isinstance(output, tuple) else (output,)
        _require_outputs(logits.shape[1], self.classes)
        loss = total = cross_entropy(logits.float(), labels)
        for head in auxiliary:
            total = total + self.recipe.auxiliary_weight * cross_entropy(head.float(), labels)
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(total).backward()
        if self.recipe.gradient_clip is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.gradient_clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss.detach(), (logits.detach().argmax(1) == labels).sum()

    def _set_rate(self, step: int) -> None:
        recipe, last = self.recipe, self.recipe.epochs * self.steps
        rate = cosine(step, last, recipe.learning_rate, recipe.minimum_learning_rate)
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def _row(self, number: int, loss: Tensor, correct: Tensor) -> dict[str, float]:
        rate = self.optimizer.param_groups[0]["lr"]
        mean_loss = loss.item() / len(self.split)
        if not math.isfinite(mean_loss):
            raise TrainingDiverged(
                f"training: the loss became {mean_loss} in epoch {number} of {self.recipe.epochs} "
                f"at the learning rate {rate:.4g}. Lower learning_rate"
                + (" or set gradient_clip." if self.recipe.gradient_clip is None else ".")
            )
        synchronize(self.device)
        return {
            "epoch": number,
            "loss": mean_loss,
            "accuracy": correct.item() / len(self.split),
            "learning_rate": rate,
            "seconds": time.perf_counter() - self.started,
        }


def _require_outputs(outputs: int, classes: int) -> None:
    if outputs < classes:
        raise InvalidInput(
            f"model: it has {outputs} outputs, but the labels go up to {classes - 1}; "
            f"build it with classes={classes}."
        )


def _require_whole(name: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidInput(f"{name}: got {value!r}; give a whole number, {least} or more.")


def _require_within(name: str, value: float, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InvalidInput(f"{name}: got {value!r}; give a number from {low:g} to {high:g}.")
