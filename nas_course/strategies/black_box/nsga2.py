"""NSGA-II: evolution towards a whole Pareto front of two or three objectives.

    strategy = NSGA2(space, seed=0, objectives=("value", "-parameters"))
    ...
    strategy.front()                             # the members that no other dominates

Deb, Pratap, Agarwal, Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II",
IEEE Transactions on Evolutionary Computation 6(2), 2002.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from nas_course.errors import InvalidInput, one_of, require
from nas_course.estimation.score import Score
from nas_course.strategies.black_box.breeding import Variation, tournament
from nas_course.strategies.black_box.pareto import crowding_distances, nondominated_fronts
from nas_course.strategies.black_box.population import Births, Member, member_state, read_member
from nas_course.strategies.black_box.strategy import (
    Architecture,
    generator_state,
    set_generator_state,
)


class Ranked(NamedTuple):
    """A member with what its selection depends on.

    Attributes
    ----------
    member : Member
    objectives : tuple of float
        All to be maximised.
    rank : int
        Of its front, 0 for the best.
    crowding : float
        The larger, the lonelier within its front.
    """

    member: Member
    objectives: tuple[float, ...]
    rank: int = 0
    crowding: float = math.inf


def crowded_order(ranked: Ranked) -> tuple[int, float]:
    """Return the key of the crowded comparison: lower rank first, then larger distance."""
    return -ranked.rank, ranked.crowding


def measure(score: Score, objectives: Sequence[str]) -> tuple[float, ...]:
    """Return the objectives of a score, all to be maximised.

    "value" is the score's value, any other name one of its measures; "-" before a name means
    that it is to be small. If the value or one of them is not finite, all become minus infinity.

    Raises
    ------
    InvalidInput
        If the score has no such measure; the message lists those it has.
    """
    known = {"value": score.value, **score.measures}
    values = []
    for objective in objectives:
        name = objective.removeprefix("-")
        if name not in known:
            raise one_of("objective", name, known)
        values.append(-known[name] if objective.startswith("-") else known[name])
    if not all(map(math.isfinite, (score.value, *values))):
        return (-math.inf,) * len(values)
    return tuple(values)


def rank(pool: Iterable[Ranked]) -> list[Ranked]:
    """Return the members with their ranks and crowding distances, the best first."""
    pool = list(pool)
    points = np.array([ranked.objectives for ranked in pool])
    result = []
    for number, front in enumerate(nondominated_fronts(points)):
        distances = crowding_distances(points[front]).tolist()
        members = [
            pool[row]._replace(rank=number, crowding=distance)
            for row, distance in zip(front, distances, strict=True)
        ]
        result += sorted(members, key=crowded_order, reverse=True)
    return result


class NSGA2:
    """Parents and as many children compete; the best fronts go on, the last one thinned out.

    The first generation is random. Parents are chosen by binary tournaments of the crowded
    comparison. When `population_size` children have been told, the next population is the first
    `population_size` of both, by front and then by crowding distance. In a small space many
    children equal a member; of equal architectures one stays, as a set of points has no copies.
    More asks than a generation has places are legal: the surplus counts for the next generation.

    Parameters
    ----------
    space, seed
    objectives : sequence of two or three str
        "value" or the name of a measure of the scores, with "-" before it if it is to be small.
    population_size : int, from 2 on
    crossover, crossover_rate, mutation
        See `Variation`; the paper's are 0.9 and a cut at one point.
    mutation_rate : float or None
        None is the paper's 1 / number of choices.

    Attributes
    ----------
    ranked : list of Ranked
        The population, the best first; empty during the first generation.
    offspring : list of Ranked
        What has been told since, not yet ranked.
    generation : int
        Number of complete generations.
    """

    name = "nsga2"

    def __init__(
        self,
        space: Any,
        *,
        seed: int,
        objectives: Sequence[str] = ("value", "-parameters"),
        population_size: int = 100,
        crossover: str = "one-point",
        crossover_rate: float = 0.9,
        mutation_rate: float | None = None,
        mutation: str = "per-choice",
    ) -> None:
        require("population_size", population_size, population_size >= 2, "2 or more")
        if isinstance(objectives, str) or len(set(objectives)) not in (2, 3):
            raise InvalidInput(
                f"objectives: got {objectives!r}; allowed: two or three different names."
            )
        self.space = space
        self.objectives = tuple(objectives)
        self.population_size = population_size
        self.variation = Variation(
            space,
            crossover=crossover,
            crossover_rate=crossover_rate,
            mutation_rate=1 / len(space.choices) if mutation_rate is None else mutation_rate,
            mutation=mutation,
        )
        self.ranked: list[Ranked] = []
        self.offspring: list[Ranked] = []
        self.generation = 0
        self._rng = np.random.default_rng(seed)
        self._births = Births()

    @property
    def population(self) -> list[Member]:
        """The last complete generation, the best front first."""
        return [ranked.member for ranked in self.ranked]

    def front(self) -> list[Ranked]:
        """Return those of the population and the offspring that none of them dominates."""
        everyone = _without_copies(self.ranked + self.offspring)
        return [ranked for ranked in rank(everyone) if ranked.rank == 0] if everyone else []

    def ask(self) -> Architecture:
        """Return a random architecture in the first generation, then a child of two parents."""
        if not self.ranked:
            return self._births.expect(self.space.sample(self._rng))
        a, b = (
            tournament(self.ranked, 2, self._rng, crowded_order).member.architecture
            for _ in range(2)
        )
        return self._births.expect(self.variation.child(a, b, self._rng), a, b)

    def tell(self, asked: Architecture, score: Score) -> None:
        """Let it be born; the last one of a generation starts the selection."""
        objectives = measure(score, self.objectives)
        self.offspring.append(Ranked(self._births.tell(asked, score), objectives))
        if len(self.offspring) == self.population_size:
            survivors = rank(_without_copies(self.ranked + self.offspring))[: self.population_size]
            self.ranked, self.offspring = survivors, []
            self.generation += 1

    def state_dict(self) -> dict[str, Any]:
        """Return both generations, the generator and what is asked and not yet told."""
        return {
            "rng": generator_state(self._rng),
            "births": self._births.state_dict(),
            "ranked": [_ranked_state(ranked) for ranked in self.ranked],
            "offspring": [_ranked_state(ranked) for ranked in self.offspring],
            "generation": self.generation,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave; what was pending then may be told now."""
        set_generator_state(self._rng, state["rng"])
        self._births.load_state_dict(self.space, state["births"])
        self.ranked = [_read_ranked(self.space, ranked) for ranked in state["ranked"]]
        self.offspring = [_read_ranked(self.space, ranked) for ranked in state["offspring"]]
        self.generation = state["generation"]


def _without_copies(pool: Iterable[Ranked]) -> list[Ranked]:
    """Keep the first of equal architectures."""
    first: dict[Architecture, Ranked] = {}
    for ranked in pool:
        first.setdefault(ranked.member.architecture, ranked)
    return list(first.values())


def _ranked_state(ranked: Ranked) -> list:
    return [member_state(ranked.member), list(ranked.objectives), ranked.rank, ranked.crowding]


def _read_ranked(space: Any, state: list) -> Ranked:
    member, objectives, rank_, crowding = state
    return Ranked(read_member(space, member), tuple(objectives), rank_, crowding)
