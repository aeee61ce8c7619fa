"""What every black-box strategy is: asked for an architecture, told its score.

    strategy = RandomSearch(NASBench201Space(), seed=0)
    for _ in range(300):
        architecture = strategy.ask()
        strategy.tell(architecture, estimate(architecture))

Several asks before a tell are legal, the tells may come in any order, and the same architecture
may be asked again before it is told. So the estimates can run in parallel.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from nas_course.estimation.score import Score

Architecture = Any  # an immutable, hashable value of a space; `str(a)` and `space.parse` round-trip


@dataclass(frozen=True, slots=True)
class Partial:
    """A question for less than full fidelity: train this architecture for so many epochs.

    Attributes
    ----------
    architecture : an architecture of the strategy's space
    epochs : int
        Counted from scratch, at least 1.
    """

    architecture: Architecture
    epochs: int


class Finished(Exception):
    """Raised by `ask` when the strategy has nothing more to ask."""


class Strategy(Protocol):
    """What the search loop needs of a strategy.

    Made as ``XStrategy(space, seed=0, **hyperparameters)``; it draws from a generator of its own
    and never estimates anything itself.
    """

    name: str

    def ask(self) -> Architecture | Partial:
        """Return what to estimate next.

        Raises
        ------
        Finished
            There is nothing more to ask.
        """

    def tell(self, asked: Architecture | Partial, score: Score) -> None:
        """Take the score of something that `ask` returned."""

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next asks depend on: plain values, lists, dicts and tensors.

        Architectures stand as texts. `torch.load(..., weights_only=True)` reads it back.
        """

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave: the next asks are those of the uninterrupted run."""


def fitness(score: Score) -> float:
    """Return the value to be maximised; minus infinity where the score is not a finite number.

    A network that diverged scores NaN, and a NaN among sorted numbers leaves their order
    undefined: every comparison with it is false.
    """
    return score.value if math.isfinite(score.value) else -math.inf


def generator_state(rng: np.random.Generator) -> dict[str, Any]:
    """Return the state of a generator as a dict of names and whole numbers."""
    return copy.deepcopy(dict(rng.bit_generator.state))


def set_generator_state(rng: np.random.Generator, state: dict[str, Any]) -> None:
    """Let `rng` go on from what `generator_state` gave."""
    rng.bit_generator.state = state
