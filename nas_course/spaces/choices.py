"""A space as a product of choices: what controllers emit, samplers draw, crossovers cut.

    space = NASBench201Space()
    space.choices[0]                                # Choice("edge 0-1", ("none", ...))
    indices = space.indices(cell)                   # (3, 0, 1, 0, 0, 4), one option for each
    space.from_indices(indices) == cell             # True

Every assignment of options is a valid architecture, so a method that knows nothing of cells or
layers can propose one.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np

from nas_course.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision of an architecture.

    Attributes
    ----------
    name : str
        For example ``"edge 0-1"``; unique within a space.
    options : tuple of str
        What can be chosen, at least one.
    """

    name: str
    options: tuple[str, ...]


class ChoiceSpace(ABC):
    """What a space promises, and what follows from its choices alone.

    The methods that are not abstract are right for a space where every assignment is another
    architecture; a space where some choices decide only at times replaces them.

    Attributes
    ----------
    name : str
        In the registry `nas_course.spaces.SPACES`.
    choices : tuple of Choice
        Always the same number in the same order.
    """

    name: str
    choices: tuple[Choice, ...]

    @abstractmethod
    def indices(self, architecture: Any) -> tuple[int, ...]:
        """Return the number of the option taken at each choice, 0 where it is not active."""

    @abstractmethod
    def from_indices(self, indices: Sequence[int]) -> Any:
        """Return the architecture of these options; those of inactive choices are ignored.

        Raises
        ------
        InvalidInput
            If there is not one index for each choice, or one is out of range.
        """

    @abstractmethod
    def canonical(self, architecture: Any) -> Hashable:
        """Return a key that is equal for architectures which are one network, renamed."""

    @abstractmethod
    def parse(self, text: str) -> Any:
        """Read what `str(architecture)` wrote; `InvalidInput` names the token that is wrong."""

    def active(self, architecture: Any) -> tuple[bool, ...]:
        """Say of each choice whether it decides anything, given the others."""
        return (True,) * len(self.choices)

    @property
    def size(self) -> int:
        """Number of architectures: the product of the numbers of options."""
        return math.prod(len(choice.options) for choice in self.choices)

    def sample(self, rng: np.random.Generator) -> Any:
        """Draw an architecture, uniformly over all of `size`: every choice by a fair die."""
        return self.from_indices(rng.integers(self._option_counts).tolist())

    def mutate(self, architecture: Any, rng: np.random.Generator) -> Any:
        """Change one choice: one of the neighbours, each with the same probability."""
        return self._neighbor(self.indices(architecture), int(rng.integers(self._steps[-1])))

    def crossover(self, a: Any, b: Any, rng: np.random.Generator) -> Any:
        """Take each choice from one of two parents, by a fair coin."""
        return uniform(self, a, b, rng)

    def neighbors(self, architecture: Any) -> Iterator[Any]:
        """Yield every architecture that differs in one choice."""
        indices = self.indices(architecture)
        return (self._neighbor(indices, number) for number in range(self._steps[-1]))

    def encode(self, architecture: Any) -> np.ndarray:
        """Return the one-hot code: a number for each option of each choice.

        Zeros at the options of a choice that is not active.
        """
        code = np.zeros(int(self._option_counts.sum()))
        ones = np.array(self.indices(architecture)) + self._first_options
        code[ones[list(self.active(architecture))]] = 1
        return code

    def _neighbor(self, indices: tuple[int, ...], number: int) -> Any:
        row = bisect_right(self._steps, number)
        other = number - self._steps[row - 1] if row else number
        changed = list(indices)
        changed[row] = other + (other >= indices[row])  # the options without the one there is
        return self.from_indices(changed)

    @cached_property
    def _option_counts(self) -> np.ndarray:
        return np.array([len(choice.options) for choice in self.choices])

    @cached_property
    def _first_options(self) -> np.ndarray:
        return np.cumsum(self._option_counts) - self._option_counts

    @cached_property
    def _steps(self) -> list[int]:
        """Number of neighbours that differ in the first choice, in the first two, and so on."""
        return list(accumulate(len(choice.options) - 1 for choice in self.choices))


def wrong_indices(choices: Sequence[Choice], indices: Sequence[int]) -> InvalidInput:
    """Make the error for indices that no architecture has; the caller raises it."""
    if len(indices) != len(choices):
        return InvalidInput(
            f"indices: got {len(indices)} numbers; there are {len(choices)} choices, give one each."
        )
    wrong = next(
        pair for pair in zip(choices, indices, strict=True) if pair[1] not in options_of(pair[0])
    )
    return InvalidInput(
        f"indices: got {wrong[1]!r} for {wrong[0].name!r}; allowed: whole numbers from 0 to "
        f"{len(wrong[0].options) - 1}."
    )


def options_of(choice: Choice) -> range:
    """Return the numbers of its options."""
    return range(len(choice.options))


def one_point(space: ChoiceSpace, a: Any, b: Any, rng: np.random.Generator) -> Any:
    """Take the choices of `a` up to a point drawn uniformly, those of `b` from there on.

    Holland 1975. At least one choice comes from each parent. Where a choice is active in one
    parent only, the child has it from that one.
    """
    point = int(rng.integers(1, len(space.choices)))
    return _cross(space, a, b, [index >= point for index in range(len(space.choices))])


def uniform(space: ChoiceSpace, a: Any, b: Any, rng: np.random.Generator) -> Any:
    """Take each choice from one of two parents, by a fair coin (Syswerda 1989).

    Where a choice is active in one parent only, the child has it from that one.
    """
    return _cross(space, a, b, rng.integers(2, size=len(space.choices)).tolist())


def _cross(space: ChoiceSpace, a: Any, b: Any, from_b: Sequence[int | bool]) -> Any:
    mine, yours = space.indices(a), space.indices(b)
    active_a, active_b = space.active(a), space.active(b)
    return space.from_indices(
        [
            yours[k] if active_b[k] and (second or not active_a[k]) else mine[k]
            for k, second in enumerate(from_b)
        ]
    )
