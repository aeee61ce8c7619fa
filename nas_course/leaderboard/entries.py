"""Who takes part: a method with its hyperparameters, as they come or tuned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nas_course import methods
from nas_course.errors import InvalidInput, one_of

TUNED = " (tuned)"


@dataclass(frozen=True)
class Entry:
    """One line of the leaderboard.

    Attributes
    ----------
    method : str
        A name of the black-box family.
    tuned : mapping
        Hyperparameters that were chosen on this table; empty if the method runs as it comes.
    seeds : int
        It runs with the seeds 0 to seeds - 1.
    """

    method: str
    tuned: Mapping[str, Any] = field(default_factory=dict)
    seeds: int = 200

    @property
    def name(self) -> str:
        """The method's name, with a mark if it was tuned."""
        return self.method + (TUNED if self.tuned else "")

    def options(self) -> dict[str, Any]:
        """All hyperparameters."""
        row = methods.get(self.method)
        return (row.options() if isinstance(row, methods.BlackBoxMethod) else {}) | dict(self.tuned)


def entries(
    names: Sequence[str],
    seeds: int,
    *,
    tuned: Mapping[str, Mapping[str, Any]] | None = None,
    seeds_of: Mapping[str, int] | None = None,
) -> list[Entry]:
    """Make the list of those who take part: methods as they come, and tuned ones after them.

    Parameters
    ----------
    names : sequence of str
        Methods that run as they come.
    seeds : int
        From 2 on.
    tuned : mapping, optional
        Method -> hyperparameters that were chosen on this table.
    seeds_of : mapping, optional
        Method -> another number of seeds, for the slow ones.

    Raises
    ------
    InvalidInput
        A name or a number is not allowed.
    """
    tuned, seeds_of = tuned or {}, seeds_of or {}
    known = methods.names("black-box")
    for name in (*names, *tuned, *seeds_of):
        if name not in known:
            raise one_of("methods", name, known)
    for count in (seeds, *seeds_of.values()):
        if type(count) is not int or count < 2:
            raise InvalidInput(f"seeds: got {count!r}; allowed: whole numbers from 2 on.")
    listed = [Entry(name, {}, seeds_of.get(name, seeds)) for name in dict.fromkeys(names)]
    return listed + [
        Entry(name, dict(options), seeds_of.get(name, seeds)) for name, options in tuned.items()
    ]
