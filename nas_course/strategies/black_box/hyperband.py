"""Hyperband: successive halving at several trades of many against long trainings.

    strategy = Hyperband(NASBench201Space(), seed=0, max_epochs=9)
    strategy.plan(0)                                # [(9, 1), (3, 3), (1, 9)]
    strategy.plan(1)                                # [(5, 3), (1, 9)]

Li et al., "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization", JMLR 2018.
"""

from __future__ import annotations

import math
from typing import Any

from nas_course.strategies.black_box.successive_halving import (
    SuccessiveHalving,
    rung_epochs,
    rung_sizes,
)


class Hyperband(SuccessiveHalving):
    """Brackets s = s_max, s_max - 1, .., 0 of about the same total budget, then anew.

    A short training may mislead: an architecture that learns slowly is thrown out. How much, one
    cannot know beforehand, so Hyperband tries all degrees: bracket s begins with
    n = ceil((s_max + 1) / (s + 1) * eta^s) architectures at R eta^-s epochs, and bracket 0 is
    random search with full training (algorithm 1 of the paper). It costs at most a factor of
    s_max + 1 against the best bracket.

    Parameters
    ----------
    space : a search space
    seed : int
    max_epochs : int
        R, the largest budget.
    eta : float
        From 2 on.
    min_epochs : int
        s_max = floor(log_eta(R / min_epochs)).
    """

    name = "hyperband"

    def __init__(
        self, space: Any, *, seed: int, max_epochs: int, eta: float = 3, min_epochs: int = 1
    ) -> None:
        super().__init__(space, seed=seed, max_epochs=max_epochs, eta=eta, min_epochs=min_epochs)

    def plan(self, number: int) -> list[tuple[int, int]]:
        """Return (n_i, r_i) of each rung of bracket `number`, counted from 0 (s = s_max)."""
        s_max = self.rungs_planned - 1
        s = s_max - number % (s_max + 1)
        n = math.ceil((s_max + 1) / (s + 1) * self.eta**s - 1e-9)
        sizes = rung_sizes(n, self.eta, s + 1)
        return list(zip(sizes, rung_epochs(self.max_epochs, self.eta, s + 1), strict=True))
