"""The two-stage funnel: score many architectures cheaply, train only the best in full.

found = funnel(Proxy(epochs=3).of(full), full, architectures, keep=5)
found.best, found.score.value, found.cost_seconds
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nas_course.errors import InvalidInput
from nas_course.estimation.score import Score

Estimate = Callable[[Any], Score]


@dataclass(frozen=True)
class Funnel:
    """What a funnel found.

    Attributes
    ----------
    best : architecture
        The finalist with the highest full score.
    score : Score
        Its full score.
    cheap : tuple of Score
        One for each architecture, in the order in which they were given.
    finalists : tuple of (architecture, Score)
        Those that were trained in full, the best cheap score first.
    cost_seconds : float
        Of both stages together.
    """

    best: Any
    score: Score
    cheap: tuple[Score, ...]
    finalists: tuple[tuple[Any, Score], ...]
    cost_seconds: float


def funnel(cheap: Estimate, full: Estimate, architectures: Sequence[Any], keep: int) -> Funnel:
    """Estimate all architectures cheaply and the best `keep` of them in full.

    How many of the truly best get through, :func:`nas_course.estimation.ranking.recall` tells:
    measure it on a sample that was trained in full. Equal cheap scores keep their order.

    Raises
    ------
    InvalidInput
        `keep` is not from 1 to the number of architectures.
    """
    if isinstance(keep, bool) or not isinstance(keep, int) or not 1 <= keep <= len(architectures):
        raise InvalidInput(
            f"keep: got {keep!r}; give a whole number from 1 to {len(architectures)}, the number "
            "of architectures."
        )
    first = tuple(cheap(architecture) for architecture in architectures)
    order = sorted(range(len(first)), key=lambda i: -first[i].value)[:keep]
    finalists = tuple((architectures[i], full(architectures[i])) for i in order)
    best, score = max(finalists, key=lambda finalist: finalist[1].value)
    spent = sum(s.cost_seconds for s in first) + sum(s.cost_seconds for _, s in finalists)
    return Funnel(best, score, first, finalists, spent)
