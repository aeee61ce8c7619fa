"""Questions answered by a letter, a word or a number, with a reason for each wrong one.

QUESTIONS = (Question("passes", 2, wrong={1: ("forgot-weights", "The weights ...")}), ...)
Stage("costs", 1, ask_questions("costs", all_keys, QUESTIONS))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis
from nas_course.grading.expect import expect_choice, expect_keys, expect_number

Wrong = tuple[str, str]
"""Code of a mistake, and what probably happened."""


@dataclass(frozen=True)
class Question:
    """One entry of an answer dict.

    Attributes
    ----------
    key : str
        The entry's name in the learner's dict.
    answer : float, bool or str
        A float is compared within one per cent, an int exactly.
    hint : str
        The next step when the answer is wrong.
    wrong : mapping
        Known wrong answers, each with its code and cause.
    allowed : tuple
        All choices; empty when a number is asked for.
    """

    key: str
    answer: float | bool | str
    hint: str
    wrong: Mapping[Any, Wrong] = field(default_factory=dict)
    allowed: tuple[Any, ...] = ()

    def check(self, value: Any, given: str) -> None:
        """Raise the diagnosis that belongs to a wrong value."""
        value = self._read(value, f"{given}[{self.key!r}]")
        if _same(value, self.answer):
            return
        code, cause = self._explain(value)
        raise Diagnosis(
            given=f"{given}[{self.key!r}]",
            got=value,
            cause=cause,
            next_step=self.hint,
            code=code,
        )

    def _read(self, value: Any, given: str) -> Any:
        if not self.allowed:
            return expect_number(value, given=given)
        plain = value.strip().lower() if isinstance(value, str) else value
        return expect_choice(plain, self.allowed, given=given)

    def _explain(self, value: Any) -> Wrong:
        for wrong, explanation in self.wrong.items():
            if _same(value, wrong):
                return explanation
        return f"{self.key.replace('_', '-')}-wrong", "This is not the answer that follows."


def _same(value: Any, answer: Any) -> bool:
    if isinstance(answer, bool | str) or isinstance(value, bool | str):
        return bool(value == answer)
    tolerance = 1e-9 if isinstance(answer, int) else 0.01
    return bool(np.isclose(value, answer, rtol=tolerance, atol=1e-9))


def ask_questions(
    name: str, keys: tuple[str, ...], questions: tuple[Question, ...]
) -> Callable[[Ask, np.random.Generator], None]:
    """Return the stage that checks `questions`, which are part of a dict with the keys `keys`."""

    def stage(ask: Ask, rng: np.random.Generator) -> None:
        answers = ask.value()
        if not isinstance(answers, dict) or set(answers) != set(keys):
            expect_keys(answers, keys, given=name)
        for question in questions:
            question.check(_filled_in(answers, question.key, name), name)

    return stage


def _filled_in(answers: dict[str, Any], key: str, given: str) -> Any:
    """Return the entry; the entries of later stages may still be empty."""
    if answers[key] is not ... and answers[key] is not None:
        return answers[key]
    raise Diagnosis(
        given=f"{given}[{key!r}]",
        cause="This part is not answered yet.",
        next_step="Replace the `...` of this entry.",
        code="part-not-answered",
    )
