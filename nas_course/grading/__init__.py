"""Graded exercises: `check("08.1", answer)` in a notebook, `nas-course grade` for files."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import Any

from nas_course.errors import InvalidInput, one_of
from nas_course.grading.checking import check_here
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.report import Report
from nas_course.grading.transport import Architecture, Build, Expression, Tensor

__all__ = [
    "Architecture",
    "Build",
    "Diagnosis",
    "Exercise",
    "Expression",
    "Report",
    "Stage",
    "Tensor",
    "check",
    "exercises",
]


def check(exercise: str, answer: Any) -> Report:
    """Check the learner's answer and explain the result.

    Parameters
    ----------
    exercise : str
        The number of the exercise, such as ``"08.1"``.
    answer : object
        The learner's own function or value.

    Returns
    -------
    Report
        Displays itself in a notebook; its `repr` is the points, for nbgrader. Comes back whatever
        the learner's code does, except that an endless loop must be interrupted by hand.
    """
    known = exercises()
    if exercise not in known:
        raise one_of("exercise", exercise, known)
    return check_here(known[exercise], answer)


@functools.cache
def exercises() -> dict[str, Exercise]:
    """All exercises by number, from the modules ``nas_course.grading.exercises_*``."""
    found: dict[str, Exercise] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("exercises_"):
            continue
        for exercise in importlib.import_module(f"{__name__}.{module.name}").EXERCISES:
            if exercise.id in found:
                raise InvalidInput(f"two exercises have the number {exercise.id!r}")
            found[exercise.id] = exercise
    return dict(sorted(found.items(), key=lambda item: _numbers(item[0])))


def _numbers(exercise: str) -> list[tuple[bool, int, str]]:
    """Sort key that puts "08.2" before "08.10"."""
    return [(not p.isdigit(), int(p) if p.isdigit() else 0, p) for p in exercise.split(".")]
