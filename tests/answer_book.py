"""Answers to exercises as learners write them, and what a check must say about each.

BOOK = AnswerBook()

@BOOK.wrong("01.4", "starts-at-zero")         # must fail with this diagnosis
def incumbents(scores): ...

@BOOK.right("01.4")                           # must score full marks
def incumbents(scores): ...
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Answer:
    """An answer; `code` is that of the diagnosis that it deserves, None when it is right."""

    exercise: str
    label: str
    value: Any
    code: str | None = None

    def __str__(self) -> str:
        return f"{self.exercise}-{self.label}".replace(" ", "-")


@dataclass
class AnswerBook:
    """The answers to the exercises of one chapter."""

    answers: list[Answer] = field(default_factory=list)

    def wrong(self, exercise: str, code: str) -> Callable[[Any], Any]:
        """Register a wrong answer under the code of its mistake."""

        def register(function: Any) -> Any:
            self.answers.append(Answer(exercise, code, function, code))
            return function

        return register

    def right(self, exercise: str) -> Callable[[Any], Any]:
        """Register a right answer under the first line of its docstring."""

        def register(function: Any) -> Any:
            self.answers.append(Answer(exercise, function.__doc__.splitlines()[0], function))
            return function

        return register

    def wrong_values(self, exercise: str, answer: dict, changes: dict[str, dict]) -> None:
        """Register copies of a right dict, each with some entries changed, by their codes."""
        for code, change in changes.items():
            self.answers.append(Answer(exercise, code, {**answer, **change}, code))

    def right_value(self, exercise: str, label: str, answer: Any) -> None:
        """Register a plain right answer."""
        self.answers.append(Answer(exercise, label, answer))

    def read(self, package: ModuleType) -> list[Answer]:
        """Import every module `answers_...` of a package, which registers, and return all."""
        for module in pkgutil.iter_modules(package.__path__):
            if module.name.startswith("answers_"):
                importlib.import_module(f"{package.__name__}.{module.name}")
        return list(self.answers)
