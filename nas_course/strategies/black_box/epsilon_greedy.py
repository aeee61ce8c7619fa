"""Epsilon-greedy hill climbing: mostly a mutation of the best, sometimes a random draw.

    strategy = EpsilonGreedy(space, seed=0, epsilon=0.1)

Tutorials show this loop as a "reinforcement learning controller". It is none: it has no policy
with parameters and no gradient (that is `Reinforce`). It is a hill climber that restarts nowhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_course.errors import require
from nas_course.estimation.score import Score
from nas_course.strategies.black_box.population import Births, Member, member_state, read_member
from nas_course.strategies.black_box.strategy import (
    Architecture,
    generator_state,
    set_generator_state,
)


class EpsilonGreedy:
    """With probability epsilon a random architecture, otherwise a mutation of the best so far.

    Parameters
    ----------
    space, seed
    epsilon : float, from 0 to 1
        Share of random architectures; 1 is random search, 0 pure hill climbing.

    Attributes
    ----------
    best : Member or None
        The best so far; of equal ones the first, None before the first tell.
    """

    name = "epsilon-greedy"

    def __init__(self, space: Any, *, seed: int, epsilon: float = 0.1) -> None:
        require("epsilon", epsilon, 0 <= epsilon <= 1, "0 to 1")
        self.space = space
        self.epsilon = epsilon
        self.best: Member | None = None
        self._rng = np.random.default_rng(seed)
        self._births = Births()

    def ask(self) -> Architecture:
        """Return a random architecture or a mutation of the best."""
        explore = self._rng.random() < self.epsilon
        if explore or self.best is None:
            return self._births.expect(self.space.sample(self._rng))
        parent = self.best.architecture
        return self._births.expect(self.space.mutate(parent, self._rng), parent)

    def tell(self, asked: Architecture, score: Score) -> None:
        """Keep it if it is better than the best."""
        member = self._births.tell(asked, score)
        if self.best is None or member.value > self.best.value:
            self.best = member

    def state_dict(self) -> dict[str, Any]:
        """Return the best, the generator and what is asked and not yet told."""
        return {
            "rng": generator_state(self._rng),
            "births": self._births.state_dict(),
            "best": None if self.best is None else member_state(self.best),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave; what was pending then may be told now."""
        set_generator_state(self._rng, state["rng"])
        self._births.load_state_dict(self.space, state["births"])
        best = state["best"]
        self.best = None if best is None else read_member(self.space, best)
