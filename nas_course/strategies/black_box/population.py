"""Members of a population, with what a view needs: fitness, time of birth, parents.

member = Member(architecture, value=0.71, born=12, parents=(mother, father))
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

from nas_course.estimation.score import Score
from nas_course.strategies.black_box.strategy import Architecture, fitness


class Member(NamedTuple):
    """An architecture whose score was told.

    Attributes
    ----------
    architecture : an architecture of the space
    value : float
        Its fitness, to be maximised; minus infinity where the score was not finite.
    born : int
        It was the so-manieth score that was told, from 1. The smaller, the older.
    parents : tuple of architectures
        What it was made of: none (drawn at random), one (mutation) or two (crossover).
    """

    architecture: Architecture
    value: float
    born: int
    parents: tuple[Architecture, ...] = ()

    @property
    def parent(self) -> Architecture | None:
        """The first parent, or None if it was drawn at random."""
        return self.parents[0] if self.parents else None


value_of: Callable[[Member], float] = attrgetter("value")


def member_state(member: Member) -> list:
    """Return a member as plain values: text, value, born, texts of the parents."""
    parents = [str(parent) for parent in member.parents]
    return [str(member.architecture), member.value, member.born, parents]


def read_member(space: Any, state: list) -> Member:
    """Undo `member_state`."""
    text, value, born, parents = state
    return Member(space.parse(text), value, born, tuple(map(space.parse, parents)))


class Births:
    """Turns what was asked into members when it is told: remembers parents, counts births.

    Attributes
    ----------
    told : int
        Number of scores so far.
    """

    def __init__(self) -> None:
        self.told = 0
        self._expected: dict[Architecture, list[tuple[Architecture, ...]]] = {}

    def expect(self, architecture: Architecture, *parents: Architecture) -> Architecture:
        """Remember the parents of what is being asked, and return it."""
        self._expected.setdefault(architecture, []).append(parents)
        return architecture

    def tell(self, architecture: Architecture, score: Score) -> Member:
        """Return the new member.

        Something asked twice has two entries; since both get the same score, it does not matter
        which is told first. Something that was never asked has no parents.
        """
        self.told += 1
        return Member(architecture, fitness(score), self.told, self._parents(architecture))

    def _parents(self, architecture: Architecture) -> tuple[Architecture, ...]:
        entries = self._expected.get(architecture)
        if entries is None:
            return ()
        parents = entries.pop()
        if not entries:
            del self._expected[architecture]
        return parents

    def state_dict(self) -> dict[str, Any]:
        """Return the count and what is asked and not yet told, as plain values."""
        expected = [
            [str(architecture), [[str(parent) for parent in parents] for parents in entries]]
            for architecture, entries in self._expected.items()
        ]
        return {"told": self.told, "expected": expected}

    def load_state_dict(self, space: Any, state: dict[str, Any]) -> None:
        """Undo `state_dict`: what was pending then may be told now."""
        self.told = state["told"]
        self._expected = {
            space.parse(text): [tuple(map(space.parse, parents)) for parents in entries]
            for text, entries in state["expected"]
        }
