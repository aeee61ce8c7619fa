"""Regularized evolution: mutate the best of a sample; the oldest dies, not the worst.

    strategy = RegularizedEvolution(space, seed=0, population_size=100, sample_size=25)

Real, Aggarwal, Huang, Le, "Regularized Evolution for Image Classifier Architecture Search",
AAAI 2019, arXiv:1802.01548, algorithm 1.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from nas_course.errors import require
from nas_course.estimation.score import Score
from nas_course.strategies.black_box.breeding import tournament
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


class RegularizedEvolution:
    """The paper's aging evolution; there is no crossover.

    Until `population_size` scores are told, architectures are random. From then on each ask
    returns a mutation of the best of `sample_size` members, drawn with replacement; each tell
    appends the new member, and the oldest drops out. So an architecture that scored well by luck
    dies like all others: only what scores well again, in its children, stays.

    Parameters
    ----------
    space, seed
    population_size : int, from 1 on
        P; the paper's 100 is meant for 20,000 evaluations.
    sample_size : int, from 1 on
        S; the larger, the greedier. 1 is a random walk of the population.

    Attributes
    ----------
    population : deque of Member
        The oldest first.
    """

    name = "regularized-evolution"

    def __init__(
        self, space: Any, *, seed: int, population_size: int = 100, sample_size: int = 25
    ) -> None:
        require("population_size", population_size, population_size >= 1, "1 or more")
        require("sample_size", sample_size, sample_size >= 1, "1 or more")
        self.space = space
        self.population_size = population_size
        self.sample_size = sample_size
        # a deque of bounded length drops its oldest entry when a new one is appended
        self.population: deque[Member] = deque(maxlen=population_size)
        self._rng = np.random.default_rng(seed)
        self._births = Births()

    def ask(self) -> Architecture:
        """Return a random architecture while the population grows, then a mutation."""
        if len(self.population) < self.population_size:
            return self._births.expect(self.space.sample(self._rng))
        parent = tournament(self.population, self.sample_size, self._rng, value_of).architecture
        return self._births.expect(self.space.mutate(parent, self._rng), parent)

    def tell(self, asked: Architecture, score: Score) -> None:
        """Let it be born; when the population is full, the oldest dies."""
        self.population.append(self._births.tell(asked, score))

    def state_dict(self) -> dict[str, Any]:
        """Return the population, the generator and what is asked and not yet told."""
        return {
            "rng": generator_state(self._rng),
            "births": self._births.state_dict(),
            "population": [member_state(member) for member in self.population],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave; what was pending then may be told now."""
        set_generator_state(self._rng, state["rng"])
        self._births.load_state_dict(self.space, state["births"])
        members = [read_member(self.space, member) for member in state["population"]]
        self.population = deque(members, maxlen=self.population_size)
