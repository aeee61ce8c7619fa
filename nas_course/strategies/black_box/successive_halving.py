"""Successive halving: many architectures trained a little, the best trained longer.

    strategy = SuccessiveHalving(NASBench201Space(), seed=0, max_epochs=9)
    question = strategy.ask()                       # Partial(architecture, epochs=1)
    strategy.tell(question, estimate(question.architecture, question.epochs))

Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization",
AISTATS 2016; in the form with a largest budget: Li et al., "Hyperband", JMLR 2018, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nas_course.errors import InvalidInput, require
from nas_course.estimation.score import Score
from nas_course.strategies.black_box.strategy import (
    Architecture,
    Partial,
    fitness,
    generator_state,
    set_generator_state,
)


@dataclass(slots=True)
class Entry:
    """An architecture on one rung: asked, perhaps scored, perhaps promoted.

    Attributes
    ----------
    architecture : an architecture of the space
    score : float or None
        None until it is told; minus infinity if it was not a finite number.
    promoted : bool
        Whether it was chosen for the next rung.
    """

    architecture: Architecture
    score: float | None = None
    promoted: bool = False


@dataclass(slots=True)
class Rung:
    """One budget of a bracket.

    Attributes
    ----------
    epochs : int
        Each entry is trained for so many, counted from scratch.
    size : int
        How many architectures it holds when it is full.
    entries : list of Entry
        Those asked so far, in the order of the asks.
    """

    epochs: int
    size: int
    entries: list[Entry] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether all entries are there and have their scores."""
        return len(self.entries) >= self.size and not any(e.score is None for e in self.entries)


@dataclass(slots=True)
class Bracket:
    """One run of successive halving.

    Attributes
    ----------
    rungs : list of Rung
        From the smallest budget to the largest.
    waiting : list of architectures
        Promoted to the rung that is being filled and not asked yet, best first.
    level : int
        The rung that is being filled; the number of rungs once all is done.
    """

    rungs: list[Rung]
    waiting: list[Architecture] = field(default_factory=list)
    level: int = 0

    @property
    def done(self) -> bool:
        """Whether the last rung has all its scores, or nothing was fit to be promoted."""
        return self.level >= len(self.rungs)

    def can_ask(self) -> bool:
        """Say whether the current rung has room for another question now."""
        if self.done:
            return False
        rung = self.rungs[self.level]
        return bool(self.waiting) if self.level else len(rung.entries) < rung.size

    def promote(self) -> None:
        """Fill the next rung's waiting list with the best, once the current rung is complete.

        Of equal scores the one asked first on this rung goes on. Scores that are not finite
        never do, even if the next rung then stays smaller than planned.
        """
        rung = self.rungs[self.level]
        if not rung.complete:
            return
        self.level += 1
        if self.done:
            return
        following = self.rungs[self.level]
        best = promotable(rung)[: following.size]
        for entry in best:
            entry.promoted = True
        self.waiting = [entry.architecture for entry in best]
        following.size = len(best)
        if not best:
            self.level = len(self.rungs)


def promotable(rung: Rung) -> list[Entry]:
    """Return the entries with a finite score, best first, equal ones in the order of the asks."""
    scored = [e for e in rung.entries if e.score is not None and e.score > -math.inf]
    return sorted(scored, key=lambda entry: -(entry.score or 0.0))


def rung_epochs(max_epochs: int, eta: float, rungs: int) -> list[int]:
    """Return r_i = R eta^(i - s) for i = 0 .. s = rungs - 1, to the nearest whole epoch.

    Halves are rounded up. The last is R, whether or not R is a power of eta: two rungs with
    R = 8 and eta = 3 are 3 (2.67) and 8. With eta >= 2 and r_0 >= 1 the numbers grow strictly.
    """
    return [max(1, math.floor(max_epochs * eta ** (i - rungs + 1) + 0.5)) for i in range(rungs)]


def rung_sizes(architectures: int, eta: float, rungs: int) -> list[int]:
    """Return n_i = floor(n eta^-i) for i = 0 .. rungs - 1, each at least 1."""
    # the small addition keeps floor(27 / 3**3) from falling below 1 for a fractional eta
    return [max(1, math.floor(architectures * eta**-i + 1e-9)) for i in range(rungs)]


def rungs_between(min_epochs: int, max_epochs: int, eta: float) -> int:
    """Return the number of budgets from `min_epochs` to `max_epochs`: floor(log_eta(R / r)) + 1."""
    return math.floor(math.log(max_epochs / min_epochs, eta) + 1e-9) + 1


class SuccessiveHalving:
    """Brackets of successive halving, one after the other, each with new architectures.

    A bracket trains n random architectures for r epochs, keeps the best 1/eta of them for eta
    times as many epochs, and so on up to `max_epochs`. A rung is promoted when all its scores
    are told. Where a question is needed before that, because several are estimated at once, the
    next bracket is opened; so no worker waits.

    Parameters
    ----------
    space : a search space
    seed : int
        Of the generator that proposes architectures.
    max_epochs : int
        R, the largest budget, that of full training.
    eta : float
        From 2 on: 1/eta of a rung goes on.
    min_epochs : int
        The smallest budget, from 1 to `max_epochs`; rounded as in `rung_epochs`.
    architectures : int or None
        n, how many begin in each bracket. None: eta**(rungs - 1), so that one reaches R.

    Attributes
    ----------
    brackets : list of Bracket
        All of them, with architectures, scores and promotions, in the order of opening.
    """

    name = "successive-halving"

    def __init__(
        self,
        space: Any,
        *,
        seed: int,
        max_epochs: int,
        eta: float = 3,
        min_epochs: int = 1,
        architectures: int | None = None,
    ) -> None:
        require("max_epochs", max_epochs, max_epochs >= 1, "whole numbers from 1 on")
        require("eta", eta, eta >= 2, "numbers from 2 on")
        require("min_epochs", min_epochs, 1 <= min_epochs <= max_epochs, "1 to max_epochs")
        require(
            "architectures",
            architectures,
            architectures is None or architectures >= 1,
            "None, whole numbers from 1 on",
        )
        self.space = space
        self.max_epochs = max_epochs
        self.eta = eta
        self.rungs_planned = rungs_between(min_epochs, max_epochs, eta)
        self.architectures = architectures
        self.brackets: list[Bracket] = []
        self._open: list[Bracket] = []  # those that are not done, in the order of opening
        self._rng = np.random.default_rng(seed)

    def plan(self, number: int) -> list[tuple[int, int]]:
        """Return (size, epochs) of each rung of bracket `number`, counted from 0."""
        rungs = self.rungs_planned
        n = self.architectures or math.ceil(self.eta ** (rungs - 1))
        sizes, epochs = (
            rung_sizes(n, self.eta, rungs),
            rung_epochs(self.max_epochs, self.eta, rungs),
        )
        return list(zip(sizes, epochs, strict=True))

    def propose(self) -> Architecture:
        """Return an architecture for the first rung of a bracket: a random one."""
        return self.space.sample(self._rng)

    def ask(self) -> Partial:
        """Return the next training: of the oldest bracket that has one, else of a new bracket."""
        bracket = next((b for b in self._open if b.can_ask()), None)
        if bracket is None:
            bracket = Bracket([Rung(e, n) for n, e in self.plan(len(self.brackets))])
            self.brackets.append(bracket)
            self._open.append(bracket)
        rung = bracket.rungs[bracket.level]
        architecture = bracket.waiting.pop(0) if bracket.level else self.propose()
        rung.entries.append(Entry(architecture))
        return Partial(architecture, rung.epochs)

    def tell(self, asked: Partial, score: Score) -> None:
        """Take a score; where the same was asked several times, for the oldest open question.

        A score told once more changes nothing.

        Raises
        ------
        InvalidInput
            If it was never asked.
        """
        for bracket in self._open:
            for entry in _unscored(bracket, asked):
                entry.score = fitness(score)
                bracket.promote()
                self._open = [b for b in self._open if not b.done]
                return
        require_asked(asked, [rung for bracket in self.brackets for rung in bracket.rungs])

    def state_dict(self) -> dict[str, Any]:
        """Return all brackets; what was asked and not told is still waited for after loading."""
        return {
            "rng": generator_state(self._rng),
            "brackets": [
                {
                    "level": bracket.level,
                    "waiting": [str(architecture) for architecture in bracket.waiting],
                    "rungs": [rung_state(rung) for rung in bracket.rungs],
                }
                for bracket in self.brackets
            ],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        set_generator_state(self._rng, state["rng"])
        self.brackets = [
            Bracket(
                [rung_from_state(rung, self.space) for rung in bracket["rungs"]],
                [self.space.parse(text) for text in bracket["waiting"]],
                bracket["level"],
            )
            for bracket in state["brackets"]
        ]
        self._open = [bracket for bracket in self.brackets if not bracket.done]


def _unscored(bracket: Bracket, asked: Partial) -> Iterator[Entry]:
    rung = bracket.rungs[bracket.level]
    if rung.epochs == asked.epochs:
        for entry in rung.entries:
            if entry.score is None and entry.architecture == asked.architecture:
                yield entry


def require_asked(asked: Partial, rungs: list[Rung]) -> None:
    """Raise InvalidInput if none of the rungs has this question."""
    same_budget = (rung for rung in rungs if rung.epochs == asked.epochs)
    if not any(e.architecture == asked.architecture for rung in same_budget for e in rung.entries):
        raise InvalidInput(
            f"tell: got a score of {asked!r}, which was never asked; allowed: what ask() returned."
        )


def rung_state(rung: Rung) -> dict[str, Any]:
    """Return a rung as plain values, architectures as texts."""
    entries = [[str(e.architecture), e.score, e.promoted] for e in rung.entries]
    return {"epochs": rung.epochs, "size": rung.size, "entries": entries}


def rung_from_state(state: dict[str, Any], space: Any) -> Rung:
    """Return the rung that `rung_state` described."""
    entries = [
        Entry(space.parse(text), score, promoted) for text, score, promoted in state["entries"]
    ]
    return Rung(state["epochs"], state["size"], entries)
