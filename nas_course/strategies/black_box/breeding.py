"""How children are made: tournaments, crossover and mutation on any space's choices.

    mother, father = (tournament(population, 2, rng, value_of) for _ in range(2))
    child = Variation(space).child(mother.architecture, father.architecture, rng)

Every space is a product of choices of which every assignment is valid (`space.choices`), so a
child that takes each choice from one of its parents is valid wherever the parents are cut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from nas_course.errors import one_of, require
from nas_course.spaces.choices import one_point, uniform
from nas_course.strategies.black_box.strategy import Architecture

T = TypeVar("T")
CROSSOVERS = {"one-point": one_point, "uniform": uniform}
MUTATIONS = ("per-choice", "at-least-one")


def tournament(
    candidates: Sequence[T], size: int, rng: np.random.Generator, key: Callable[[T], Any]
) -> T:
    """Return the best of `size` candidates drawn with replacement.

    Of N different candidates the one of rank r (1 is the best) wins with probability
    ((N - r + 1)^k - (N - r)^k) / N^k, k = `size`. Of equal ones the first drawn wins.
    """
    count = len(candidates)
    # scaled uniform numbers: a fifth of the time of rng.integers, and biased by 1e-16 at most
    return max([candidates[int(u * count)] for u in rng.random(size).tolist()], key=key)


class Variation:
    """Crossover, then mutation.

    Parameters
    ----------
    space : ChoiceSpace
    crossover : "one-point" or "uniform"
        See `nas_course.spaces.choices`.
    crossover_rate : float, from 0 to 1
        Share of the children that have two parents; the others begin as copies of the first.
    mutation_rate : float, from 0 to 1
        Probability with which each choice gets another of its options.
    mutation : "per-choice" or "at-least-one"
        "at-least-one" lets the space mutate a child that the rate has left unchanged.
    """

    def __init__(
        self,
        space: Any,
        *,
        crossover: str = "one-point",
        crossover_rate: float = 1.0,
        mutation_rate: float = 0.1,
        mutation: str = "per-choice",
    ) -> None:
        if crossover not in CROSSOVERS:
            raise one_of("crossover", crossover, CROSSOVERS)
        if mutation not in MUTATIONS:
            raise one_of("mutation", mutation, MUTATIONS)
        for name, rate in (("crossover_rate", crossover_rate), ("mutation_rate", mutation_rate)):
            require(name, rate, 0 <= rate <= 1, "0 to 1")
        self.space = space
        self.cross = CROSSOVERS[crossover]
        self.crossover_rate = crossover_rate
        self.mutation_rate = mutation_rate
        self.mutation = mutation
        self._options = [len(choice.options) for choice in space.choices]

    def child(self, a: Architecture, b: Architecture, rng: np.random.Generator) -> Architecture:
        """Return a child of `a` and `b`."""
        crossed = self.cross(self.space, a, b, rng) if rng.random() < self.crossover_rate else a
        mutant = self.mutate(crossed, rng)
        if self.mutation == "at-least-one" and mutant == crossed:
            return self.space.mutate(crossed, rng)
        return mutant

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """Give each choice, with probability `mutation_rate`, another of its options."""
        coins = rng.random(len(self._options)).tolist()
        changing = [place for place, coin in enumerate(coins) if coin < self.mutation_rate]
        if not changing:
            return architecture
        indices = list(self.space.indices(architecture))
        for place in changing:
            indices[place] = _another(indices[place], self._options[place], rng)
        return self.space.from_indices(indices)


def _another(option: int, options: int, rng: np.random.Generator) -> int:
    """Draw uniformly one of the other options; the same where there is no other."""
    if options == 1:
        return option
    step = 1 + int(rng.random() * (options - 1))
    return (option + step) % options
