"""The step that trains the weights, as the estimators differentiate it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nas_course.errors import InvalidInput, is_finite


@dataclass(frozen=True)
class InnerStep:
    """One step of SGD: m <- mu m + dL_train/dw + beta w, then w <- w - xi m.

    Parameters
    ----------
    source : float or torch.optim.SGD
        A number is xi, from 0 on, without momentum and weight decay. An optimizer gives, each time
        anew, xi (learning rate), mu (momentum), m (momentum buffer) and beta (weight decay). It is
        read, never stepped.

    Raises
    ------
    InvalidInput
        If the number is negative or not finite, or the optimizer is not plain SGD; when used, if
        the optimizer does not train the weights of the problem.
    """

    source: float | torch.optim.SGD

    def __post_init__(self) -> None:
        if isinstance(self.source, torch.optim.Optimizer):
            _check_plain(self.source)
        elif not (is_finite(self.source) and self.source >= 0):
            raise InvalidInput(
                f"step size: got {self.source!r}; allowed: a finite number from 0 on, or the "
                "torch.optim.SGD whose learning rate is to be taken."
            )

    @property
    def size(self) -> float:
        """xi, now."""
        return self._read("lr", self.source)

    @property
    def momentum(self) -> float:
        """mu, from 0 to below 1."""
        return self._read("momentum", 0.0)

    @property
    def weight_decay(self) -> float:
        """beta, from 0 on."""
        return self._read("weight_decay", 0.0)

    def buffers(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """Return m, one tensor per weight; zero before the first step."""
        if not isinstance(self.source, torch.optim.SGD):
            return [torch.zeros_like(weight) for weight in weights]
        trained = {id(parameter) for parameter in self.source.param_groups[0]["params"]}
        strangers = sum(id(weight) not in trained for weight in weights)
        if strangers:
            raise InvalidInput(
                f"weights: {strangers} of {len(weights)} are not trained by the optimizer that "
                "stands for the inner step; give the torch.optim.SGD of these weights, or a number."
            )
        state = self.source.state
        found = [state.get(weight, {}).get("momentum_buffer") for weight in weights]
        return [
            torch.zeros_like(weight) if buffer is None else buffer
            for weight, buffer in zip(weights, found, strict=True)
        ]

    def _read(self, name: str, otherwise: float | torch.optim.SGD) -> float:
        if isinstance(self.source, torch.optim.SGD):
            return float(self.source.param_groups[0][name])
        return float(otherwise)  # type: ignore[arg-type]


def _check_plain(optimizer: torch.optim.Optimizer) -> None:
    group = optimizer.param_groups[0]
    plain = isinstance(optimizer, torch.optim.SGD) and not (
        group["nesterov"] or group["dampening"] or group["maximize"]
    )
    if not plain or len(optimizer.param_groups) != 1:
        raise InvalidInput(
            "The inner step is one of SGD with momentum and weight decay: got "
            f"{type(optimizer).__name__} with {len(optimizer.param_groups)} group(s); allowed: "
            "torch.optim.SGD with one group, without nesterov, dampening or maximize."
        )
