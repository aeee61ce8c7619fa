"""The deterministic part of a black-box search: ask, answer, tell, and all of its state."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nas_course.history import Row
from nas_course.search.evaluating import Evaluator
from nas_course.search.identity import describe
from nas_course.search.ledger import REPEATS, Ledger, Question
from nas_course.search.loop import software
from nas_course.strategies.black_box import Finished, Partial, Strategy

NOTHING_NEW = f"The strategy asked {REPEATS} times in a row for what was known already."
NOTHING_LEFT = "The strategy had nothing more to ask."


@dataclass(frozen=True)
class BlackBoxPlan:
    """What is asked for: everything that decides the result, and the budget."""

    method: str
    space: Any
    estimate: Any
    evaluations: float
    seconds: float
    seed: int
    window: int
    options: Mapping[str, Any] = field(default_factory=dict)

    def header(self) -> dict[str, Any]:
        """First line of the history."""
        return self._named() | {
            "counts": "evaluation",
            "estimate": type(self.estimate).__qualname__,
            "options": dict(self.options),
        } | self.environment()  # fmt: skip

    def identity(self) -> dict[str, Any]:
        """All that decides the result; the budget does not, so a longer one goes on."""
        options = {f"option {name}": value for name, value in self.options.items()}
        named = self._named() | options | {"estimate": describe(self.estimate)}
        return json.loads(json.dumps(named, default=str))

    def environment(self) -> dict[str, Any]:
        """What the bits of the result depend on besides the plan."""
        return software()

    def _named(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "space": self.space.name,
            "seed": self.seed,
            "workers": self.window,
        }


class BlackBoxLoop:
    """A search in progress: the strategy, the books, and what is asked and not told yet.

    At most `window` questions are open. The answers are told in the order of asking, whenever
    they come. So the strategy sees the same in every run with the same window; a strategy whose
    questions do not depend on the answers asks the same with any window.
    """

    def __init__(self, plan: BlackBoxPlan, strategy: Strategy, evaluator: Evaluator) -> None:
        self.plan = plan
        self.strategy = strategy
        self.evaluator = evaluator
        self.ledger = Ledger(plan.space, plan.estimate, plan.evaluations, plan.seconds)
        self.open: deque[Question] = deque()
        self.told: list[Question] = []
        self.note: str | None = None

    @property
    def steps_done(self) -> int:
        """Answers told so far, which is the number of rows."""
        return len(self.told)

    @property
    def may_save(self) -> bool:
        """Not when the budget has stopped the asking: a larger one would have asked on."""
        return self.ledger.may_ask

    @property
    def at_row_end(self) -> bool:
        """Rows are short: only time decides when to save."""
        return False

    def advance(self) -> Row | None:
        """Ask as long as the window has room, tell the oldest answer; None at the end."""
        if self.ledger.out_of_seconds:
            return None
        self._ask()
        if not self.open:
            if self.ledger.repeats >= REPEATS:
                self.note = NOTHING_NEW
            return None
        question = self.open[0]
        score = self._answer(question)
        self.open.popleft()
        charged = self.ledger.settle(question, score)
        self.strategy.tell(question.asked, score)
        self.told.append(question)
        return {
            "evaluation": len(self.told),
            "architecture": str(question.architecture),
            "epochs": question.epochs,
            "value": score.value,
            "best": self.ledger.best[1] if self.ledger.best else None,
            "cost_seconds": charged,
            "seconds": self.ledger.seconds_spent,
            "evaluations": question.evaluations,
            "measures": score.measures,
            "cached": question.cached,
        }

    def state_dict(self) -> dict[str, Any]:
        """What was asked, in order; how much of it was told; and the strategy."""
        asked = [*self.told, *self.open]
        return {
            "strategy": self.strategy.state_dict(),
            "asked": [_as_asked(question.asked) for question in asked],
            "told": len(self.told),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Be where `state_dict` was called; scores come from the evaluator's log."""
        self.strategy.load_state_dict(state["strategy"])
        for at, (text, epochs) in enumerate(state["asked"]):
            architecture = self.plan.space.parse(text)
            asked = architecture if epochs is None else Partial(architecture, epochs)
            question = self.ledger.enter(asked)
            if at < state["told"]:
                self.ledger.settle(question, self._answer(question))
                self.told.append(question)
            else:
                self._open(question)

    def _ask(self) -> None:
        while len(self.open) < self.plan.window and self.ledger.may_ask:
            try:
                asked = self.strategy.ask()
            except Finished:
                if not self.open:
                    self.note = NOTHING_LEFT
                return
            self._open(self.ledger.enter(asked))

    def _open(self, question: Question) -> None:
        self.open.append(question)
        if not question.cached:
            self.evaluator.start(question)

    def _answer(self, question: Question) -> Any:
        score = self.ledger.known(question) if question.cached else None
        return score or self.evaluator.score(question, len(self.told) + 1)


def _as_asked(asked: Any) -> list[Any]:
    if isinstance(asked, Partial):
        return [str(asked.architecture), asked.epochs]
    return [str(asked), None]


def budget_text(plan: BlackBoxPlan) -> str:
    """Say how far a search goes, for messages."""
    parts = []
    if math.isfinite(plan.evaluations):
        parts.append(f"{plan.evaluations:g} evaluations")
    if math.isfinite(plan.seconds):
        parts.append(f"{plan.seconds:g} seconds")
    return " or ".join(parts)
