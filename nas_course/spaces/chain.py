"""The macro space of chains: how many layers, which, how wide, skipped, halved where.

    space = ChainSpace(stages=3, layers=3)
    space.parse("nor_conv_3x3*1 sep_conv_5x5*2+skip | max_pool: nor_conv_3x3*4 | stride: ...")

A chain has stages with the resolution halved in between; each stage has one to `layers` layers.
So the depths say where the network is halved. Choices of layers that are not there decide
nothing: the space is conditional.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from nas_course.errors import InvalidInput, one_of
from nas_course.operations import CHAIN_OPERATIONS
from nas_course.spaces.choices import Choice, ChoiceSpace, wrong_indices

WIDTHS = (1, 2, 4)
# The first layer takes every second pixel, or 2x2 pooling comes before it.
HALVINGS = ("stride", "max_pool", "avg_pool")
SKIPS = ("no", "yes")


class Layer(NamedTuple):
    """One layer of a chain: operation(x), plus x itself where it is skipped around."""

    operation: str
    width: int  # output channels, in multiples of the network's `channels`
    skip: bool

    def __str__(self) -> str:
        return f"{self.operation}*{self.width}{'+skip' if self.skip else ''}"


Stage = tuple[Layer, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """One architecture of a chain space.

    Attributes
    ----------
    stages : tuple of tuple of Layer
        At least one stage, and one layer in each.
    halvings : tuple of str
        How the resolution is halved before the second stage, the third and so on: one of
        `HALVINGS` each.

    Raises
    ------
    InvalidInput
        If a stage is empty, or an operation, width or halving is not allowed.
    """

    stages: tuple[Stage, ...]
    halvings: tuple[str, ...]
    kinds: ClassVar = ()

    def __post_init__(self) -> None:
        if not self.stages or len(self.halvings) != len(self.stages) - 1:
            raise InvalidInput(
                f"chain: got {len(self.stages)} stages and {len(self.halvings)} halvings; "
                "allowed: 1 or more stages with one halving between each two."
            )
        for halving in self.halvings:
            if halving not in HALVINGS:
                raise one_of("halving", halving, HALVINGS)
        for number, stage in enumerate(self.stages, start=1):
            _check_stage(number, stage)

    def __str__(self) -> str:
        first, *later = (" ".join(map(str, stage)) for stage in self.stages)
        parts = [f"{way}: {text}" for way, text in zip(self.halvings, later, strict=True)]
        return " | ".join([first, *parts])


def _check_stage(number: int, stage: Stage) -> None:
    if not stage:
        raise InvalidInput(f"stage {number}: got no layers; each stage has 1 or more.")
    for layer in stage:
        if layer.operation not in CHAIN_OPERATIONS:
            raise one_of(f"stage {number}, operation", layer.operation, CHAIN_OPERATIONS)
        if not isinstance(layer.width, int) or layer.width < 1:
            raise InvalidInput(
                f"stage {number}, width: got {layer.width!r}; allowed: whole numbers from 1 on."
            )


def _trusted(stages: tuple[Stage, ...], halvings: tuple[str, ...]) -> Chain:
    chain = object.__new__(Chain)
    object.__setattr__(chain, "stages", stages)
    object.__setattr__(chain, "halvings", halvings)
    return chain


class ChainSpace(ChoiceSpace):
    """All chains within bounds.

    With k = operations x widths x 2 kinds of layer, a stage can be filled in k + k**2 + ... +
    k**layers ways, and each halving in 3. The bounds below give k = 24 and 2.70e13 chains.

    Parameters
    ----------
    stages, layers : int
        Number of stages, largest number of layers in one; 1 or more.
    operations : tuple of str
        Out of `CHAIN_OPERATIONS`.
    widths : tuple of int
        Channels of a layer in multiples of the network's `channels`.

    Raises
    ------
    InvalidInput
        If a bound leaves nothing to choose from, or an operation is unknown.
    """

    name = "chain"

    def __init__(
        self,
        stages: int = 3,
        layers: int = 3,
        operations: tuple[str, ...] = CHAIN_OPERATIONS,
        widths: tuple[int, ...] = WIDTHS,
    ) -> None:
        _check_bounds(stages, layers, operations, widths)
        self.stages, self.layers = stages, layers
        self.operations, self.widths = tuple(operations), tuple(widths)
        self.kinds_of_layer = tuple(
            Layer(*parts)
            for parts in itertools.product(self.operations, self.widths, (False, True))
        )
        self.choices = tuple(itertools.chain(*map(self._stage_choices, range(stages))))
        depths = [row for row, c in enumerate(self.choices) if c.name.endswith("depth")]
        self._depth_rows = {row: stage for stage, row in enumerate(depths)}

    def _stage_choices(self, stage: int) -> Iterator[Choice]:
        if stage:
            yield Choice(f"stage {stage} halving", HALVINGS)
        yield Choice(f"stage {stage} depth", tuple(str(d + 1) for d in range(self.layers)))
        for layer in range(self.layers):
            where = f"stage {stage} layer {layer}"
            yield Choice(f"{where} operation", self.operations)
            yield Choice(f"{where} width", tuple(map(str, self.widths)))
            yield Choice(f"{where} skip", SKIPS)

    @property
    def size(self) -> int:
        """Number of chains: every text is another network, so also of distinct ones."""
        kinds = len(self.kinds_of_layer)
        stage = sum(kinds**depth for depth in range(1, self.layers + 1))
        return stage**self.stages * len(HALVINGS) ** (self.stages - 1)

    def __iter__(self) -> Iterator[Chain]:
        """Yield every chain; only for tight bounds."""
        depths = range(1, self.layers + 1)
        stages = [s for d in depths for s in itertools.product(self.kinds_of_layer, repeat=d)]
        ways = itertools.product(HALVINGS, repeat=self.stages - 1)
        for halvings, filled in itertools.product(
            ways, itertools.product(stages, repeat=self.stages)
        ):
            yield _trusted(filled, halvings)

    def indices(self, architecture: Chain) -> tuple[int, ...]:
        """Return the option of each choice; 0 at layers that are not there."""
        found: list[int] = []
        for number, stage in enumerate(architecture.stages):
            if number:
                found.append(HALVINGS.index(architecture.halvings[number - 1]))
            found.append(len(stage) - 1)
            for layer in stage:
                found += (self.operations.index(layer.operation), self.widths.index(layer.width))
                found.append(int(layer.skip))
            found += [0] * (3 * (self.layers - len(stage)))
        return tuple(found)

    def from_indices(self, indices: Sequence[int]) -> Chain:
        """Return the chain of these options; those of layers beyond a depth are ignored."""
        if len(indices) != len(self.choices) or any(
            not 0 <= index < len(choice.options)
            for index, choice in zip(indices, self.choices, strict=True)
        ):
            raise wrong_indices(self.choices, indices)
        stages, halvings, first = [], [], 0
        for number in range(self.stages):
            if number:
                halvings.append(HALVINGS[indices[first]])
                first += 1
            stages.append(self._stage(indices[first : first + 1 + 3 * self.layers]))
            first += 1 + 3 * self.layers
        return _trusted(tuple(stages), tuple(halvings))

    def _stage(self, indices: Sequence[int]) -> Stage:
        starts = range(1, 1 + 3 * (indices[0] + 1), 3)
        return tuple(
            Layer(self.operations[indices[k]], self.widths[indices[k + 1]], bool(indices[k + 2]))
            for k in starts
        )

    def active(self, architecture: Chain) -> tuple[bool, ...]:
        """Say of each choice whether it decides anything: layers beyond a depth do not."""
        found: list[bool] = []
        for number, stage in enumerate(architecture.stages):
            fixed = 1 if number == 0 else 2  # the depth; the halving before it
            found += [True] * (fixed + 3 * len(stage)) + [False] * (3 * (self.layers - len(stage)))
        return tuple(found)

    def sample(self, rng: np.random.Generator) -> Chain:
        """Draw every choice by a fair die: depths are uniform, so chains are not.

        A short chain is far likelier than one of the many long ones (see `probability`);
        uniformly over chains, 96 % of the stages would have the largest depth.
        """
        return super().sample(rng)

    def probability(self, architecture: Chain) -> float:
        """Return the probability with which `sample` draws this chain.

        1 / layers for each depth, 1 / k for each layer, 1 / 3 for each halving.
        """
        layers = sum(map(len, architecture.stages))
        return 1 / (
            self.layers**self.stages
            * len(self.kinds_of_layer) ** layers
            * len(HALVINGS) ** (self.stages - 1)
        )

    def mutate(self, architecture: Chain, rng: np.random.Generator) -> Chain:
        """Change one active choice, drawn uniformly; the result is always another chain.

        A depth changes by one: the last layer goes, or one of a random kind comes. So it is not
        uniform over `neighbors`, most of which have a layer more.
        """
        rows = self._changeable(architecture)
        row = rows[rng.integers(len(rows))]
        if row not in self._depth_rows:
            options = len(self.choices[row].options)
            return self._with_option(architecture, row, int(rng.integers(1, options)))
        number = self._depth_rows[row]
        stage = architecture.stages[number]
        ways = [way for way in (_shorter(stage), self._longer(stage)) if way]
        way = ways[rng.integers(len(ways))]
        return _with_stage(architecture, number, way[rng.integers(len(way))])

    def neighbors(self, architecture: Chain) -> Iterator[Chain]:
        """Yield every chain with one other option, one layer less or one more at a stage's end."""
        for row in self._changeable(architecture):
            if row in self._depth_rows:
                number = self._depth_rows[row]
                stage = architecture.stages[number]
                for other in _shorter(stage) + self._longer(stage):
                    yield _with_stage(architecture, number, other)
            else:
                for step in range(1, len(self.choices[row].options)):
                    yield self._with_option(architecture, row, step)

    def _changeable(self, architecture: Chain) -> list[int]:
        return [
            row
            for row, active in enumerate(self.active(architecture))
            if active and len(self.choices[row].options) > 1
        ]

    def _with_option(self, architecture: Chain, row: int, step: int) -> Chain:
        indices = list(self.indices(architecture))
        indices[row] = (indices[row] + step) % len(self.choices[row].options)
        return self.from_indices(indices)

    def _longer(self, stage: Stage) -> list[Stage]:
        if len(stage) == self.layers:
            return []
        return [(*stage, layer) for layer in self.kinds_of_layer]

    def canonical(self, architecture: Chain) -> Hashable:
        """Return the text: it holds only what is there, and no two chains are one network."""
        return str(architecture)

    def parse(self, text: str) -> Chain:
        """Read what `str(chain)` wrote, within the bounds of this space.

        Raises
        ------
        InvalidInput
            Names the token that is wrong and what is allowed in its place.
        """
        parts = str(text).split("|")
        if len(parts) != self.stages:
            raise InvalidInput(
                f"chain: got {len(parts)} stage(s) separated by '|' in {text!r}; "
                f"this space has {self.stages}."
            )
        first = self._parse_stage(1, parts[0])
        later = [part.partition(":") for part in parts[1:]]
        stages = [self._parse_stage(n, body) for n, (_, _, body) in enumerate(later, start=2)]
        return Chain((first, *stages), tuple(way.strip() for way, _, _ in later))

    def _parse_stage(self, number: int, text: str) -> Stage:
        where = f"stage {number}"
        layers = tuple(_parse_layer(where, token) for token in text.split())
        if not 1 <= len(layers) <= self.layers:
            raise InvalidInput(
                f"{where}: got {len(layers)} layers in {text.strip()!r}; allowed: 1 to "
                f"{self.layers}."
            )
        for layer in layers:
            if layer.operation not in self.operations:
                raise one_of(f"{where}, operation", layer.operation, self.operations)
            if layer.width not in self.widths:
                raise one_of(f"{where}, width", layer.width, self.widths)
        return layers


def _shorter(stage: Stage) -> list[Stage]:
    return [stage[:-1]] if len(stage) > 1 else []


def _with_stage(chain: Chain, number: int, stage: Stage) -> Chain:
    stages = (*chain.stages[:number], stage, *chain.stages[number + 1 :])
    return _trusted(stages, chain.halvings)


def _parse_layer(where: str, token: str) -> Layer:
    match = re.fullmatch(r"(\w+)\*(\d+)(\+skip)?", token)
    if match is None:
        raise InvalidInput(
            f"{where}: got {token!r}; expected operation*width or operation*width+skip, "
            "for example 'nor_conv_3x3*2+skip'."
        )
    return Layer(match[1], int(match[2]), match[3] is not None)


def _check_bounds(
    stages: int, layers: int, operations: Sequence[str], widths: Sequence[int]
) -> None:
    for name, value in {"stages": stages, "layers": layers}.items():
        if not isinstance(value, int) or value < 1:
            raise InvalidInput(f"{name}: got {value!r}; allowed: whole numbers from 1 on.")
    for operation in operations:
        if operation not in CHAIN_OPERATIONS:
            raise one_of("operations", operation, CHAIN_OPERATIONS)
    for name, options in {"operations": operations, "widths": widths}.items():
        if not options or len(set(options)) != len(options):
            raise InvalidInput(f"{name}: got {options!r}; give 1 or more, each once.")
    for width in widths:
        if not isinstance(width, int) or width < 1:
            raise InvalidInput(f"widths: got {width!r}; allowed: whole numbers from 1 on.")
