"""Random search: every architecture drawn afresh; the first baseline of every comparison.

    strategy = RandomSearch(space, seed=0)

Li, Talwalkar, "Random Search and Reproducibility for Neural Architecture Search", UAI 2019.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_course.estimation.score import Score
from nas_course.strategies.black_box.strategy import (
    Architecture,
    generator_state,
    set_generator_state,
)


class RandomSearch:
    """Draws from the space, as `space.sample` does, and learns nothing from the scores.

    Architectures may repeat; the search loop answers repeated ones from its cache, uncharged.
    """

    name = "random"

    def __init__(self, space: Any, *, seed: int) -> None:
        self.space = space
        self._rng = np.random.default_rng(seed)

    def ask(self) -> Architecture:
        """Return a random architecture."""
        return self.space.sample(self._rng)

    def tell(self, asked: Architecture, score: Score) -> None:
        """Do nothing: random search forgets."""

    def state_dict(self) -> dict[str, Any]:
        """Return the generator's state."""
        return {"rng": generator_state(self._rng)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        set_generator_state(self._rng, state["rng"])
