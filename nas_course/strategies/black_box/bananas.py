"""BANANAS: Bayesian optimisation with an ensemble of small networks as its model.

    strategy = Bananas(space, seed=0)

White, Neiswanger, Savani, "BANANAS: Bayesian Optimization with Neural Architectures for Neural
Architecture Search", AAAI 2021.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import numpy as np

from nas_course.errors import require
from nas_course.estimation.predictors import MLPEnsemble
from nas_course.estimation.score import Score
from nas_course.spaces.encodings import path_count, paths
from nas_course.strategies.black_box.strategy import (
    Architecture,
    fitness,
    generator_state,
    set_generator_state,
)

MOST_PATHS = 500
TRIES = 50  # random draws for something new, before a space counts as used up


def path_encoding(space: Any) -> Callable[[Architecture], np.ndarray]:
    """Return the path encoding of a space of cells, `space.encode` for any other.

    Paths are cut where there would be more than `MOST_PATHS`: longer ones are rare in random
    cells (the paper's section 4). All 40 of NAS-Bench-201 stay; of DARTS' 11,200 the 224 with at
    most two operations.
    """
    if not getattr(space, "cells", None):
        return space.encode
    longest, whole = 1, path_count(space)
    while path_count(space, longest) < whole and path_count(space, longest + 1) <= MOST_PATHS:
        longest += 1
    return partial(paths, space, longest=longest)


class Bananas:
    """The paper's algorithm 1: fit the ensemble, propose the best of the best's mutations.

    First `initial` random architectures. Then, for every `batch` asks, an ensemble is fitted to
    all scores that were told; the best architectures are mutated to `candidates` new ones; for
    each of these a value is drawn from the normal distribution that the ensemble predicts
    (independent Thompson sampling), and those with the largest draws are asked.

    Kept from the paper: 10 initial and 10 in a batch, 5 networks trained on the mean absolute
    error, mutations of the best 5, independent Thompson sampling. Different: the networks are
    smaller (2 x 32 units instead of 10 x 20, 150 steps instead of 150 epochs), which makes 300
    evaluations affordable on a laptop; nothing is asked twice, not even under another name
    (`space.canonical`), until the space is used up.

    Parameters
    ----------
    space, seed
    initial, batch : int, from 1 on
    candidates : int, at least `batch`
        How many mutations the acquisition function chooses from.
    parents : int, from 1 on
        How many of the best are mutated, the best first, until there are enough candidates.
    encode : callable architecture -> array, or None
        What the networks see; None for the paper's path encoding, see :func:`path_encoding`.
    members, width, hidden_layers, steps : int, from 1 on
        Of the ensemble, see :class:`nas_course.estimation.predictors.MLPEnsemble`.
    """

    name = "bananas"

    def __init__(
        self,
        space: Any,
        *,
        seed: int,
        initial: int = 10,
        batch: int = 10,
        candidates: int = 100,
        parents: int = 5,
        encode: Callable[[Architecture], np.ndarray] | None = None,
        members: int = 5,
        width: int = 32,
        hidden_layers: int = 2,
        steps: int = 150,
    ) -> None:
        require("initial", initial, initial >= 1, "1 or more")
        require("batch", batch, batch >= 1, "1 or more")
        require("candidates", candidates, candidates >= batch, f"batch ({batch}) or more")
        require("parents", parents, parents >= 1, "1 or more")
        self.space, self.initial, self.batch = space, initial, batch
        self.candidates, self.parents = candidates, parents
        self._network = {
            "members": members, "width": width, "hidden_layers": hidden_layers, "steps": steps
        }  # fmt: skip
        self._encode = cache(encode or path_encoding(space))
        self._rng = np.random.default_rng(seed)
        self._asked: list[Architecture] = []
        self._known: set[Any] = set()  # canonical forms of what was asked
        self._told: list[tuple[Architecture, float]] = []
        self._queue: deque[Architecture] = deque()

    def ask(self) -> Architecture:
        """Return the next of the batch, after fitting a new ensemble where it has ended."""
        if len(self._asked) >= self.initial and not self._queue and self._finite():
            self._queue.extend(self._propose())
        architecture = self._queue.popleft() if self._queue else self._random()
        self._asked.append(architecture)
        self._known.add(self.space.canonical(architecture))
        return architecture

    def tell(self, asked: Architecture, score: Score) -> None:
        """Remember the score for the next fit."""
        self._told.append((asked, fitness(score)))

    def _finite(self) -> list[tuple[Architecture, float]]:
        return [(architecture, value) for architecture, value in self._told if value > -math.inf]

    def _propose(self) -> list[Architecture]:
        """Return the next batch, the most promising first; empty if nothing new is near."""
        candidates = list(self._candidates())
        if not candidates:
            return []
        mean, spread = self._fitted().predict(candidates)
        drawn = self._rng.normal(mean, spread)
        return [candidates[index] for index in np.argsort(-drawn, kind="stable")[: self.batch]]

    def _fitted(self) -> MLPEnsemble:
        # a training that diverged says: this one is bad, as bad as the worst that did not
        worst = min(value for _, value in self._finite())
        architectures, values = zip(*self._told, strict=True)
        seed = int(self._rng.integers(2**31))
        ensemble = MLPEnsemble(self._encode, seed=seed, **self._network)
        ensemble.fit(architectures, np.maximum(values, worst).tolist())
        return ensemble

    def _candidates(self) -> Iterator[Architecture]:
        """Yield new mutations of the best, at most `candidates`; each function once."""
        best = sorted(self._finite(), key=lambda pair: -pair[1])
        seen, count = set(self._known), 0
        for parent in list(dict.fromkeys(architecture for architecture, _ in best))[: self.parents]:
            for _ in range(self.candidates):
                mutation = self.space.mutate(parent, self._rng)
                key = self.space.canonical(mutation)
                if key not in seen and count < self.candidates:
                    seen.add(key)
                    count += 1
                    yield mutation

    def _random(self) -> Architecture:
        for _ in range(TRIES):
            architecture = self.space.sample(self._rng)
            if self.space.canonical(architecture) not in self._known:
                break
        return architecture

    def state_dict(self) -> dict[str, Any]:
        """Return what was asked and told, the rest of the batch, and the generator.

        The ensemble is not part of it: each is fitted anew, from what was told.
        """
        return {
            "rng": generator_state(self._rng),
            "asked": [str(architecture) for architecture in self._asked],
            "told": [[str(architecture), value] for architecture, value in self._told],
            "queue": [str(architecture) for architecture in self._queue],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave; what was pending then may be told now."""
        read = self.space.parse
        set_generator_state(self._rng, state["rng"])
        self._asked = [read(text) for text in state["asked"]]
        self._known = {self.space.canonical(architecture) for architecture in self._asked}
        self._told = [(read(text), value) for text, value in state["told"]]
        self._queue = deque(read(text) for text in state["queue"])
