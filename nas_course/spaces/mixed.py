"""A mixed space of 3,600 designs: an MLP and how it is trained, joint HPO and NAS.

    space = MixedSpace()
    design = space.parse(
        "depth=3 width=64 activation=tanh learning_rate=0.01 optimizer=adam dropout=0.2"
    )

The space of a tutorial article on NAS (chapter 01 takes it apart). Only depth, width and activation
say which network it is: 75 architectures. Learning rate, optimizer and dropout say how it is
trained, which is hyperparameter optimization (HPO): 48 settings.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from operator import attrgetter
from typing import Any

import numpy as np

from nas_course.errors import InvalidInput, one_of
from nas_course.spaces.choices import Choice, ChoiceSpace, uniform, wrong_indices

OPTIONS: dict[str, tuple[Any, ...]] = {
    "depth": (1, 2, 3, 4, 5),
    "width": (32, 64, 128, 256, 512),
    "activation": ("relu", "leaky_relu", "tanh"),
    "learning_rate": (0.1, 0.01, 0.001, 0.0001),
    "optimizer": ("adam", "sgd", "rmsprop"),
    "dropout": (0.0, 0.2, 0.4, 0.6),
}
NAMES = tuple(OPTIONS)
ARCHITECTURE = ("depth", "width", "activation")  # the rest is how it is trained
VALUES = tuple(OPTIONS.values())
READ = attrgetter(*NAMES)
INDEX = tuple({value: index for index, value in enumerate(values)} for values in VALUES)
RANGES = tuple(range(len(values)) for values in VALUES)
# Choice and option of the k-th step a mutation can take: the option is moved on by 1, 2, ...
STEPS = tuple((row, step) for row, values in enumerate(VALUES) for step in range(1, len(values)))


@dataclass(frozen=True, slots=True)
class MixedDesign:
    """One MLP and how it is trained.

    Attributes
    ----------
    depth : int
        Hidden layers, 1 to 5.
    width : int
        Units of every hidden layer: 32, 64, 128, 256 or 512.
    activation : str
        After every hidden layer: relu, leaky_relu (slope 0.01) or tanh.
    learning_rate : float
        0.1, 0.01, 0.001 or 0.0001, constant during training.
    optimizer : str
        adam, sgd or rmsprop, with torch's defaults (sgd without momentum).
    dropout : float
        Probability with which a hidden unit is dropped in training: 0, 0.2, 0.4 or 0.6.

    Raises
    ------
    InvalidInput
        If a value is not one of these.
    """

    depth: int
    width: int
    activation: str
    learning_rate: float
    optimizer: str
    dropout: float

    def __post_init__(self) -> None:
        for index, name, value in zip(INDEX, NAMES, READ(self), strict=True):
            if value not in index or isinstance(value, bool):
                raise one_of(name, value, OPTIONS[name])

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in zip(NAMES, READ(self), strict=True))


class MixedSpace(ChoiceSpace):
    """All 5 * 5 * 3 * 4 * 3 * 4 = 3,600 designs. All are different computations."""

    name = "mixed"
    choices = tuple(
        Choice(name, tuple(str(value) for value in values)) for name, values in OPTIONS.items()
    )

    @property
    def size(self) -> int:
        """Number of designs: 3,600."""
        return prod(map(len, VALUES))

    @property
    def architectures(self) -> int:
        """Number of networks among them, training apart: 5 depths * 5 widths * 3 = 75."""
        return prod(len(OPTIONS[name]) for name in ARCHITECTURE)

    def __iter__(self) -> Iterator[MixedDesign]:
        """Yield every design; depth changes slowest, dropout fastest."""
        for values in itertools.product(*VALUES):
            yield MixedDesign(*values)

    def indices(self, architecture: MixedDesign) -> tuple[int, ...]:
        """Return the option of each choice, six numbers from 0."""
        return tuple(map(dict.__getitem__, INDEX, READ(architecture)))

    def from_indices(self, indices: Sequence[int]) -> MixedDesign:
        """Return the design with these options, one index per choice.

        Raises
        ------
        InvalidInput
            If there are not six, or one is out of range.
        """
        right = len(indices) == len(VALUES) and all(map(range.__contains__, RANGES, indices))
        if not right:
            raise wrong_indices(self.choices, indices)
        return MixedDesign(*map(tuple.__getitem__, VALUES, indices))

    def position(self, architecture: MixedDesign) -> int:
        """Return the place of a design in the order of iteration, from 0 to 3,599."""
        return int(np.ravel_multi_index(self.indices(architecture), [len(v) for v in VALUES]))

    def sample(self, rng: np.random.Generator) -> MixedDesign:
        """Draw a design, uniformly over all 3,600."""
        number, indices = int(rng.integers(self.size)), []
        for values in reversed(VALUES):
            number, index = divmod(number, len(values))
            indices.append(index)
        return self.from_indices(indices[::-1])

    def mutate(self, architecture: MixedDesign, rng: np.random.Generator) -> MixedDesign:
        """Change one choice: uniformly one of the 18 neighbours, so never the same design."""
        return self._moved(list(self.indices(architecture)), *STEPS[rng.integers(len(STEPS))])

    def neighbors(self, architecture: MixedDesign) -> Iterator[MixedDesign]:
        """Yield the 18 designs that differ in one choice."""
        for row, step in STEPS:
            yield self._moved(list(self.indices(architecture)), row, step)

    def _moved(self, indices: list[int], row: int, step: int) -> MixedDesign:
        indices[row] = (indices[row] + step) % len(VALUES[row])
        return self.from_indices(indices)

    def crossover(self, a: MixedDesign, b: MixedDesign, rng: np.random.Generator) -> MixedDesign:
        """Take each value from one of two parents, by a fair coin."""
        return uniform(self, a, b, rng)

    def encode(self, architecture: MixedDesign) -> np.ndarray:
        """Return the one-hot code of the six choices, 5 + 5 + 3 + 4 + 3 + 4 = 24 numbers."""
        codes = [
            np.eye(len(values))[index]
            for values, index in zip(VALUES, self.indices(architecture), strict=True)
        ]
        return np.concatenate(codes)

    def canonical(self, architecture: MixedDesign) -> str:
        """Return the text form: no two designs are the same computation."""
        return str(architecture)

    def parse(self, text: str) -> MixedDesign:
        """Read the text form, `name=value` six times, in any order.

        Raises
        ------
        InvalidInput
            Names what is missing, unknown or not allowed, and the options.
        """
        tokens = [token.partition("=") for token in str(text).split()]
        names = [name for name, _, _ in tokens]
        for name in names:
            if name not in OPTIONS:
                raise one_of("mixed design, name", name, NAMES)
        if sorted(names) != sorted(NAMES):
            raise InvalidInput(
                f"mixed design: got the names {names} in {text!r}; "
                f"give each of {', '.join(NAMES)} once, written name=value."
            )
        return MixedDesign(**{name: _value(name, word) for name, _, word in tokens})


def _value(name: str, word: str) -> Any:
    """Return the option of this name that is written so: 0.1 and 1e-1 are one number."""
    for option in OPTIONS[name]:
        if word == str(option) or (not isinstance(option, str) and _number(word) == option):
            return option
    raise one_of(name, word, OPTIONS[name])


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
