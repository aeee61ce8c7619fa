"""Answers to the exercises of chapter 08, as learners write them: wrong ones and right ones.

@wrong("08.4", "softmax-over-edges")          # must fail with this diagnosis
def mix_operations(alpha, outputs): ...

@right("08.4")                                # must score full marks
def mix_operations(alpha, outputs): ...
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """An answer and what the check must say about it; `code` is None when it is right."""

    exercise: str
    label: str
    value: Any
    code: str | None = None


ANSWERS: list[Answer] = []


def wrong(exercise: str, code: str) -> Callable[[Any], Any]:
    """Register a wrong answer under the code of its mistake."""

    def register(function: Any) -> Any:
        ANSWERS.append(Answer(exercise, code, function, code))
        return function

    return register


def right(exercise: str) -> Callable[[Any], Any]:
    """Register a right answer under the first line of its docstring."""

    def register(function: Any) -> Any:
        ANSWERS.append(Answer(exercise, function.__doc__.splitlines()[0], function))
        return function

    return register


def wrong_values(exercise: str, answer: dict, changes: dict[str, dict]) -> None:
    """Register copies of a right dict, each with some entries changed, by the code expected."""
    for code, change in changes.items():
        ANSWERS.append(Answer(exercise, code, {**answer, **change}, code))


def right_value(exercise: str, label: str, answer: Any) -> None:
    """Register a plain right answer."""
    ANSWERS.append(Answer(exercise, label, answer))


def all_answers() -> list[Answer]:
    """Import every module of this package and return what they registered."""
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("answers_"):
            importlib.import_module(f"{__name__}.{module.name}")
    return list(ANSWERS)
