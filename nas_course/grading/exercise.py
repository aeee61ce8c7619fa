"""An exercise, its stages, and the diagnosis that a failed stage raises."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_course.errors import InvalidInput

if TYPE_CHECKING:
    from nas_course.grading.asking import Ask


@dataclass(frozen=True)
class Stage:
    """One step of a check: `run(ask, rng)` returns when right and raises `Diagnosis` when wrong.

    Parameters
    ----------
    name : str
        What is looked at, for example ``"shape"`` or ``"one edge by hand"``.
    points : float
        Earned when this stage passes.
    run : callable
        Takes `Ask` (calls the learner's object) and a `numpy.random.Generator` of its own.
    """

    name: str
    points: float
    run: Callable[[Ask, np.random.Generator], None]


@dataclass(frozen=True)
class Exercise:
    """A question with its check.

    Parameters
    ----------
    id : str
        For example ``"08.1"``.
    chapter : str
        For example ``"08_darts"``.
    title : str
        One line.
    answer : str
        The name in the learner's notebook that holds the function or value.
    stages : tuple of Stage
        Run in order; the first failure ends the check.
    minutes, difficulty : int
        Time to expect; 1 (easy) to 5.
    reasons : tuple of str
        Why the answer is right: shown once it is, never before.
    """

    id: str
    chapter: str
    title: str
    answer: str
    stages: tuple[Stage, ...]
    minutes: int = 5
    difficulty: int = 1
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.answer.isidentifier():
            raise InvalidInput(
                f"exercise {self.id}: answer must be a name in the notebook, got {self.answer!r}"
            )
        if not self.stages or any(stage.points < 0 for stage in self.stages):
            raise InvalidInput(f"exercise {self.id}: needs stages with points of 0 or more")

    @property
    def points(self) -> float:
        """The most that can be earned."""
        return sum(stage.points for stage in self.stages)

    def generator(self, stage: int, seed: int) -> np.random.Generator:
        """The random numbers of one stage: the same for everybody who is given the same seed."""
        return np.random.default_rng([seed, zlib.crc32(self.id.encode()), stage])


class Diagnosis(Exception):
    """Why a stage failed, in the five parts that a learner needs.

    Parameters
    ----------
    given, got, expected : object
        What the learner's code received, what it returned, what is right. Any value; text is shown
        as it is, other values through `describe`. ``None`` leaves the line out.
    cause : str
        The likely mistake, one sentence.
    next_step : str
        What to look at or try, one sentence.
    code : str
        Short name of the mistake, such as ``"softmax-over-edges"``.
    """

    def __init__(
        self,
        *,
        cause: str,
        next_step: str,
        code: str,
        given: Any = None,
        got: Any = None,
        expected: Any = None,
    ) -> None:
        super().__init__(cause)
        self.given = None if given is None else describe(given)
        self.got = None if got is None else describe(got)
        self.expected = None if expected is None else describe(expected)
        self.cause = cause
        self.next_step = next_step
        self.code = code


def describe(value: Any, limit: int = 600) -> str:
    """Write a plain value for a learner: arrays short and rounded, long texts cut."""
    text = value if isinstance(value, str) else _written(value)
    return text if len(text) <= limit else f"{text[:limit]} ... ({len(text)} characters)"


def _written(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, np.ndarray):
        numbers = np.array2string(value, precision=4, threshold=24, edgeitems=3, separator=", ")
        return f"array of shape {value.shape}: {numbers}" if value.size > 1 else numbers
    if isinstance(value, (list, tuple)):
        left, right = "[]" if isinstance(value, list) else "()"
        return left + ", ".join(_item(part) for part in value) + right
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_item(part)}" for key, part in value.items()) + "}"
    array = getattr(value, "array", None)
    if isinstance(array, np.ndarray):
        return f"tensor of shape {array.shape}: {_written(array).split(': ')[-1]}"
    if hasattr(value, "source"):
        return str(getattr(value, "shown", None) or value.source)
    if hasattr(value, "target"):
        return f"{value.target.partition(':')[2]}({_arguments(value.kwargs)})"
    return str(value.text) if hasattr(value, "text") else repr(value)


def _item(part: Any) -> str:
    return repr(part) if isinstance(part, str) else _written(part)


def _arguments(kwargs: Any) -> str:
    return ", ".join(f"{name}={_item(value)}" for name, value in kwargs.items())
