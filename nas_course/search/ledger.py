"""The books of a black-box search: what was asked, what it cost, and what is best so far."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from nas_course.errors import InvalidInput
from nas_course.estimation import Score
from nas_course.strategies.black_box import Partial

REPEATS = 1000  # so many known architectures in a row, and the strategy has run dry


@dataclass(slots=True)
class Question:
    """One ask of the strategy and its place in the books.

    Attributes
    ----------
    asked : architecture or Partial
        As the strategy asked, to be told back.
    architecture : an architecture of the space
    epochs : int or None
        None asks for full fidelity.
    key : hashable
        The same for architectures that are the same network.
    cached : bool
        Whether it was asked before, so that it costs nothing.
    evaluations : float
        Budget used up to here, this one included, in full evaluations.
    """

    asked: Any
    architecture: Any
    epochs: int | None
    key: Hashable
    cached: bool = False
    evaluations: float = 0.0


class Ledger:
    """Counts in the order of asking, so that one worker and many come to the same numbers.

    A question about a network that was asked at the same epochs before is answered from the
    books and costs nothing. If training continues (`continues`), more epochs of a network cost
    the difference; else each fidelity is paid for from scratch.

    Parameters
    ----------
    space : a search space
        Its `canonical` says which architectures are the same network.
    estimate : an estimate
        Its `max_epochs` (where partial training is possible) and `continues` are looked at.
    evaluations, seconds : float
        The budget: full evaluations, and seconds of estimation; infinity where there is none.
    """

    def __init__(self, space: Any, estimate: Any, evaluations: float, seconds: float) -> None:
        self.canonical = space.canonical
        self.max_epochs: int | None = getattr(estimate, "max_epochs", None)
        self.continues: bool = getattr(estimate, "continues", False)
        self.unit = self.max_epochs or 1  # epochs of one full evaluation
        self.budget_epochs = evaluations * self.unit
        self.budget_seconds = seconds
        self.epochs_spent = 0
        self.seconds_spent = 0.0
        self.repeats = 0  # known architectures in a row
        self.best: tuple[int, float] | None = None  # epochs and value
        self.incumbent: Any = None
        self.incumbent_score: Score | None = None
        self._asked: dict[Hashable, int] = {}  # network -> most epochs asked for
        self._scores: dict[tuple[Hashable, int], Score | None] = {}
        self._paid: dict[Hashable, float] = {}  # network -> seconds of its longest training

    @property
    def may_ask(self) -> bool:
        """Whether the budget has room for another question."""
        return (
            self.epochs_spent < self.budget_epochs
            and self.seconds_spent < self.budget_seconds
            and self.repeats < REPEATS
        )

    @property
    def out_of_seconds(self) -> bool:
        """Whether the answers so far used up the seconds."""
        return self.seconds_spent >= self.budget_seconds

    def enter(self, asked: Any) -> Question:
        """Book a question in: is it known, and what will it cost?"""
        if isinstance(asked, Partial):
            question = self._partial(asked)
        else:
            question = Question(asked, asked, None, self.canonical(asked))
        epochs = question.epochs or self.unit
        question.cached = (question.key, epochs) in self._scores
        self.repeats = self.repeats + 1 if question.cached else 0
        if not question.cached:
            self._scores[question.key, epochs] = None
            self.epochs_spent += self._epochs_to_pay(question.key, epochs)
        question.evaluations = self.epochs_spent / self.unit
        return question

    def known(self, question: Question) -> Score | None:
        """Give the score from the books if the question was answered before."""
        return self._scores[question.key, question.epochs or self.unit]

    def settle(self, question: Question, score: Score) -> float:
        """Book the answer; give the seconds that it is charged. In the order of asking."""
        epochs = question.epochs or self.unit
        charged = 0.0
        if not question.cached:
            self._scores[question.key, epochs] = score
            charged = self._seconds_to_pay(question.key, score.cost_seconds)
            self.seconds_spent += charged
        if math.isfinite(score.value) and (self.best is None or (epochs, score.value) > self.best):
            self.best = epochs, score.value
            self.incumbent, self.incumbent_score = question.architecture, score
        return charged

    def _partial(self, asked: Partial) -> Question:
        if self.max_epochs is None:
            raise InvalidInput(
                f"estimate: the strategy asked for {asked.epochs} epochs of training, but the "
                "estimate has no max_epochs; give one that can train partly."
            )
        if not 1 <= asked.epochs <= self.max_epochs:
            raise InvalidInput(
                f"estimate: the strategy asked for {asked.epochs} epochs; allowed: 1 to "
                f"{self.max_epochs}. Make the strategy with max_epochs={self.max_epochs}."
            )
        epochs = asked.epochs if asked.epochs < self.max_epochs else None
        return Question(asked, asked.architecture, epochs, self.canonical(asked.architecture))

    def _epochs_to_pay(self, key: Hashable, epochs: int) -> int:
        before = self._asked.get(key, 0)
        self._asked[key] = max(before, epochs)
        return max(0, epochs - before) if self.continues else epochs

    def _seconds_to_pay(self, key: Hashable, cost: float) -> float:
        if not self.continues:
            return cost
        before = self._paid.get(key, 0.0)
        self._paid[key] = max(before, cost)
        return max(0.0, cost - before)
