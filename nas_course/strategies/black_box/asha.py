"""ASHA: successive halving that promotes as soon as it can and waits for no rung.

    strategy = ASHA(NASBench201Space(), seed=0, max_epochs=9)
    questions = [strategy.ask() for _ in range(8)]  # for eight workers at once

Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020, algorithm 2.
"""

from __future__ import annotations

import bisect
import math
from typing import Any

import numpy as np

from nas_course.errors import require
from nas_course.estimation.score import Score
from nas_course.strategies.black_box.strategy import (
    Partial,
    fitness,
    generator_state,
    set_generator_state,
)
from nas_course.strategies.black_box.successive_halving import (
    Entry,
    Rung,
    require_asked,
    rung_epochs,
    rung_from_state,
    rung_state,
    rungs_between,
)


class ASHA:
    """Asynchronous successive halving: one growing set of rungs.

    To answer an ask, the rungs are searched from the top: where one of the best floor(m / eta)
    of the m scores of a rung has not been promoted, it is; where there is none, the lowest rung
    gets a new random architecture. What is promoted early is best among few, and can turn out
    not to belong to the best 1/eta: for scores in random order the wrong promotions among m
    are about sqrt(m) (section 3.3.2 of the paper); for scores that keep rising there are many
    more.

    Parameters
    ----------
    space : a search space
    seed : int
    max_epochs : int
        R, the largest budget.
    eta : float
        From 2 on.
    min_epochs : int
        The smallest budget, from 1 to `max_epochs`.

    Attributes
    ----------
    rungs : list of Rung
        From the smallest budget to the largest. They grow without limit: a rung's size is its
        number of entries so far.
    """

    name = "asha"

    def __init__(
        self, space: Any, *, seed: int, max_epochs: int, eta: float = 3, min_epochs: int = 1
    ) -> None:
        require("max_epochs", max_epochs, max_epochs >= 1, "whole numbers from 1 on")
        require("eta", eta, eta >= 2, "numbers from 2 on")
        require("min_epochs", min_epochs, 1 <= min_epochs <= max_epochs, "1 to max_epochs")
        self.space = space
        self.eta = eta
        count = rungs_between(min_epochs, max_epochs, eta)
        self.rungs = [Rung(epochs, 0) for epochs in rung_epochs(max_epochs, eta, count)]
        self._rng = np.random.default_rng(seed)
        self._index()

    def _index(self) -> None:
        """Set up what makes an ask and a tell quick, from the rungs."""
        self._waiting: dict[Partial, list[int]] = {}  # positions in the rung, oldest first
        self._ranking: list[list[tuple[float, int]]] = [[] for _ in self.rungs]  # best first
        for level, rung in enumerate(self.rungs):
            for position, entry in enumerate(rung.entries):
                if entry.score is None:
                    asked = Partial(entry.architecture, rung.epochs)
                    self._waiting.setdefault(asked, []).append(position)
                else:
                    bisect.insort(self._ranking[level], (-entry.score, position))

    def ask(self) -> Partial:
        """Promote what can be promoted, the highest rung first; else begin a new architecture."""
        for level in reversed(range(len(self.rungs) - 1)):
            entry = self._promotable(level)
            if entry is not None:
                entry.promoted = True
                return self._add(level + 1, entry.architecture)
        return self._add(0, self.space.sample(self._rng))

    def _promotable(self, level: int) -> Entry | None:
        ranking = self._ranking[level]
        for negative_score, position in ranking[: int(len(ranking) / self.eta)]:
            entry = self.rungs[level].entries[position]
            if not entry.promoted and negative_score < math.inf:
                return entry
        return None

    def _add(self, level: int, architecture: Any) -> Partial:
        rung = self.rungs[level]
        asked = Partial(architecture, rung.epochs)
        self._waiting.setdefault(asked, []).append(len(rung.entries))
        rung.entries.append(Entry(architecture))
        rung.size += 1
        return asked

    def tell(self, asked: Partial, score: Score) -> None:
        """Take a score; where the same was asked several times, for the oldest open question.

        A score told once more changes nothing.

        Raises
        ------
        InvalidInput
            If it was never asked.
        """
        waiting = self._waiting.get(asked)
        if waiting is None:
            require_asked(asked, self.rungs)
            return
        position = waiting.pop(0)
        if not waiting:
            del self._waiting[asked]
        level = next(k for k, rung in enumerate(self.rungs) if rung.epochs == asked.epochs)
        entry = self.rungs[level].entries[position]
        entry.score = fitness(score)
        bisect.insort(self._ranking[level], (-entry.score, position))

    def state_dict(self) -> dict[str, Any]:
        """Return all rungs; what was asked and not told is still waited for after loading."""
        rungs = [rung_state(rung) for rung in self.rungs]
        return {"rng": generator_state(self._rng), "rungs": rungs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        set_generator_state(self._rng, state["rng"])
        self.rungs = [rung_from_state(rung, self.space) for rung in state["rungs"]]
        self._index()
