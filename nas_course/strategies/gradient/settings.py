"""The hyperparameters that all gradient searches share."""

from __future__ import annotations

from dataclasses import dataclass

from nas_course.errors import is_finite, require, require_from_zero, require_whole


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
    engine : "auto", "plain" or "fast"
        How the supernet is computed: edge by edge, as the chapters build it, or the same function
        with work shared between edges (`nas_course.models.fast_supernet`). "auto" is fast on a
        processor in float32, where space and method allow it.

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
    engine: str = "auto"

    def __post_init__(self) -> None:
        for name in ("channels", "cells", "batch_size"):
            require_whole(name, getattr(self, name), least=1)
        for name in ("weight_learning_rate", "alpha_learning_rate", "gradient_clip"):
            value = getattr(self, name)
            self._require(name, is_finite(value) and value > 0, "finite numbers above 0")
        for name in ("minimum_learning_rate", "weight_decay", "alpha_weight_decay", "alpha_scale"):
            require_from_zero(name, getattr(self, name))
        self._require(
            "minimum_learning_rate",
            self.minimum_learning_rate <= self.weight_learning_rate,
            f"at most the weight_learning_rate, {self.weight_learning_rate!r}, where it starts",
        )
        self._require(
            "alpha_betas",
            isinstance(self.alpha_betas, tuple)
            and len(self.alpha_betas) == 2
            and all(_is_decay(beta) for beta in self.alpha_betas),
            "a tuple of two numbers from 0 to below 1",
        )
        self._require("weight_momentum", _is_decay(self.weight_momentum), "0 to below 1")
        # two losses would need two loss scales; bfloat16 has the range to do without
        self._require(
            "precision",
            self.precision in ("float32", "bfloat16"),
            "'float32', 'bfloat16' (float16 is for training from scratch)",
        )
        self._require("channels_last", isinstance(self.channels_last, bool), "True, False")
        self._require("engine", self.engine in ("auto", "plain", "fast"), "'auto', 'plain', 'fast'")

    def _require(self, name: str, holds: bool, allowed: str) -> None:
        require(name, getattr(self, name), holds, allowed)


def _is_decay(value: object) -> bool:
    """Return whether `value` can be the decay of a moving mean."""
    return is_finite(value) and 0 <= value < 1  # type: ignore[operator]
