"""A genetic algorithm by generations: tournament, crossover, mutation, elitism.

    strategy = GeneticAlgorithm(space, seed=0, population_size=20, crossover="one-point")

Goldberg, "Genetic Algorithms in Search, Optimization and Machine Learning", 1989, chapters 1, 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_course.errors import one_of, require
from nas_course.estimation.score import Score
from nas_course.strategies.black_box.breeding import Variation, tournament
from nas_course.strategies.black_box.population import (
    Births,
    Member,
    member_state,
    read_member,
    value_of,
)
from nas_course.strategies.black_box.strategy import (
    Architecture,
    generator_state,
    set_generator_state,
)

PARENTS = ("independent", "distinct")


class GeneticAlgorithm:
    """Generations of `population_size` members, the first one random.

    A generation is complete when `population_size - elites` children have been told; they and
    the `elites` best of the generation before are the next one. An elite keeps the score that it
    was told once, so with at least one elite the best of the population never falls. More asks
    than a generation has places are legal: the surplus counts for the next generation.

    Parameters
    ----------
    space, seed
    population_size : int, from 2 on
    tournament_size : int, from 1 on
        The larger, the greedier; 1 selects parents at random.
    crossover, crossover_rate, mutation_rate, mutation
        See `Variation`.
    elites : int, from 0 to population_size - 1
    parents : "independent" or "distinct"
        Two independent tournaments may choose the same parent twice; "distinct" holds the second
        among the members that differ from the first parent, if there are any.

    Attributes
    ----------
    population : list of Member
        The last complete generation, the best first; empty during the first.
    offspring : list of Member
        What has been told of the next one, in order of birth.
    generation : int
        Number of complete generations.
    """

    name = "genetic"

    def __init__(
        self,
        space: Any,
        *,
        seed: int,
        population_size: int = 20,
        tournament_size: int = 2,
        crossover: str = "one-point",
        crossover_rate: float = 1.0,
        mutation_rate: float = 0.1,
        mutation: str = "per-choice",
        elites: int = 1,
        parents: str = "independent",
    ) -> None:
        require("population_size", population_size, population_size >= 2, "2 or more")
        require("tournament_size", tournament_size, tournament_size >= 1, "1 or more")
        require("elites", elites, 0 <= elites < population_size, "0 to population_size - 1")
        if parents not in PARENTS:
            raise one_of("parents", parents, PARENTS)
        self.space = space
        self.population_size = population_size
        self.tournament_size = tournament_size
        self.elites = elites
        self.parents = parents
        self.variation = Variation(
            space,
            crossover=crossover,
            crossover_rate=crossover_rate,
            mutation_rate=mutation_rate,
            mutation=mutation,
        )
        self.population: list[Member] = []
        self.offspring: list[Member] = []
        self.generation = 0
        self._rng = np.random.default_rng(seed)
        self._births = Births()

    def ask(self) -> Architecture:
        """Return a random architecture in the first generation, then a child of two parents."""
        if not self.population:
            return self._births.expect(self.space.sample(self._rng))
        a, b = self._select_parents()
        return self._births.expect(self.variation.child(a, b, self._rng), a, b)

    def tell(self, asked: Architecture, score: Score) -> None:
        """Let it be born; the last one of a generation completes it."""
        self.offspring.append(self._births.tell(asked, score))
        kept = self.population[: self.elites]
        if len(kept) + len(self.offspring) == self.population_size:
            # sorting is stable and elites stand first: of equal members the elder stays an elite
            self.population = sorted(kept + self.offspring, key=value_of, reverse=True)
            self.offspring = []
            self.generation += 1

    def _select_parents(self) -> tuple[Architecture, Architecture]:
        first = tournament(self.population, self.tournament_size, self._rng, value_of).architecture
        candidates = self.population
        if self.parents == "distinct":
            others = [member for member in candidates if member.architecture != first]
            candidates = others or candidates
        second = tournament(candidates, self.tournament_size, self._rng, value_of).architecture
        return first, second

    def state_dict(self) -> dict[str, Any]:
        """Return both generations, the generator and what is asked and not yet told."""
        return {
            "rng": generator_state(self._rng),
            "births": self._births.state_dict(),
            "population": [member_state(member) for member in self.population],
            "offspring": [member_state(member) for member in self.offspring],
            "generation": self.generation,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave; what was pending then may be told now."""
        set_generator_state(self._rng, state["rng"])
        self._births.load_state_dict(self.space, state["births"])
        self.population = [read_member(self.space, member) for member in state["population"]]
        self.offspring = [read_member(self.space, member) for member in state["offspring"]]
        self.generation = state["generation"]
