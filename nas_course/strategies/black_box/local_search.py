"""Local search: look at the neighbours, move to a better one, else start anew.

    strategy = LocalSearch(space, seed=0, move="best")

White, Nolen, Savani, "Exploring the Loss Landscape in Neural Architecture Search", UAI 2021
(first as "Local Search is State of the Art for NAS Benchmarks"), arXiv:2005.02960, algorithm 1.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from nas_course.errors import one_of
from nas_course.estimation.score import Score
from nas_course.strategies.black_box.population import Births, Member, member_state, read_member
from nas_course.strategies.black_box.strategy import (
    Architecture,
    generator_state,
    set_generator_state,
)

MOVES = ("best", "first")


class LocalSearch:
    """Hill climbing over `space.neighbors`, with random restarts.

    The neighbours of the current architecture are asked in random order. `move="best"`, as in
    the paper's algorithm, waits for all of them and goes to the best; `move="first"` goes to the
    first that is better. If none is, the current one is a local optimum, and the search starts
    anew at a random architecture. Asks while the last neighbours are still being estimated
    return random architectures, the starting points of later restarts.

    Parameters
    ----------
    space, seed
    move : "best" or "first"

    Attributes
    ----------
    current : Member or None
        Where the search stands; None while a starting point is awaited.
    restarts : int
        Number of local optima found so far.
    """

    name = "local-search"

    def __init__(self, space: Any, *, seed: int, move: str = "best") -> None:
        if move not in MOVES:
            raise one_of("move", move, MOVES)
        self.space = space
        self.move = move
        self.current: Member | None = None
        self.restarts = 0
        self._unasked: list[Architecture] = []
        self._awaited: set[Architecture] = set()
        self._best_neighbor: Member | None = None
        self._starts: deque[Member] = deque()
        self._rng = np.random.default_rng(seed)
        self._births = Births()

    def ask(self) -> Architecture:
        """Return the next neighbour, or a starting point if there is none to ask."""
        if self.current is None or not self._unasked:
            return self._births.expect(self.space.sample(self._rng))
        neighbor = self._unasked.pop()
        self._awaited.add(neighbor)
        return self._births.expect(neighbor, self.current.architecture)

    def tell(self, asked: Architecture, score: Score) -> None:
        """Judge a neighbour or keep a starting point; then move if it is time."""
        member = self._births.tell(asked, score)
        self._awaited.discard(asked)
        if member.parents:
            self._judge(member)
        else:
            self._starts.append(member)
        if self.current is not None and not self._unasked and not self._awaited:
            self._leave()
        if self.current is None and self._starts:
            self._go_to(self._starts.popleft())

    def _judge(self, neighbor: Member) -> None:
        """Note it if it is better than the current one and all neighbours told before.

        With `move="first"` it may be a late neighbour of an earlier place: if it is better than
        the current place, it is worth a move all the same.
        """
        better_than = self._best_neighbor or self.current
        if better_than is None or neighbor.value <= better_than.value:
            return
        if self.move == "first":
            self._go_to(neighbor)
        else:
            self._best_neighbor = neighbor

    def _leave(self) -> None:
        """All neighbours are told: go to the best, or give the place up as a local optimum."""
        if self._best_neighbor is not None:
            self._go_to(self._best_neighbor)
            return
        self.current = None
        self.restarts += 1

    def _go_to(self, member: Member) -> None:
        self.current = member
        self._best_neighbor = None
        self._awaited = set()
        neighbors = list(self.space.neighbors(member.architecture))
        order = self._rng.permutation(len(neighbors)).tolist()
        self._unasked = [neighbors[index] for index in order]

    def state_dict(self) -> dict[str, Any]:
        """Return the place, its neighbours, later starting points and the generator."""
        return {
            "rng": generator_state(self._rng),
            "births": self._births.state_dict(),
            "current": _optional_state(self.current),
            "best_neighbor": _optional_state(self._best_neighbor),
            "restarts": self.restarts,
            "unasked": [str(neighbor) for neighbor in self._unasked],
            "awaited": sorted(str(neighbor) for neighbor in self._awaited),
            "starts": [member_state(member) for member in self._starts],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave; what was pending then may be told now."""
        set_generator_state(self._rng, state["rng"])
        self._births.load_state_dict(self.space, state["births"])
        self.current = _read_optional(self.space, state["current"])
        self._best_neighbor = _read_optional(self.space, state["best_neighbor"])
        self.restarts = state["restarts"]
        self._unasked = [self.space.parse(text) for text in state["unasked"]]
        self._awaited = {self.space.parse(text) for text in state["awaited"]}
        self._starts = deque(read_member(self.space, member) for member in state["starts"])


def _optional_state(member: Member | None) -> list | None:
    return None if member is None else member_state(member)


def _read_optional(space: Any, state: list | None) -> Member | None:
    return None if state is None else read_member(space, state)
