"""Recognise a wrong answer by comparing it with what known mistakes would have given.

TASK = Task(("alpha",), solve, (Mistake("softmax-over-edges", wrong, cause, next_step), ...))
judge(TASK, read, cases)                 # raises Diagnosis at the first case that differs
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from nas_course.grading.exercise import Diagnosis

Case = tuple[Any, ...]
SHOWN = 32  # numbers; of longer arrays only a part is written


@dataclass(frozen=True)
class Mistake:
    """A plausible error, written as the function that somebody who makes it would hand in.

    Attributes
    ----------
    code : str
        Short name of the mistake, reported with the diagnosis.
    compute : callable
        Takes a case like the learner's function and returns the wrong value in normal form.
    cause, next_step : str
        What the learner reads: what probably happened, and what to do now.
    """

    code: str
    compute: Callable[..., Any]
    cause: str
    next_step: str


@dataclass(frozen=True)
class Task:
    """What a function has to compute, and the errors that are known by name.

    Attributes
    ----------
    names : tuple of str
        Names of the arguments, as in the notebook.
    solve : callable
        Takes a case and returns the right value in normal form.
    mistakes : tuple of Mistake
        The likeliest first.
    """

    names: tuple[str, ...]
    solve: Callable[..., Any]
    mistakes: tuple[Mistake, ...]

    def describe(self, case: Case) -> str:
        """Write the arguments of a case with their names."""
        pairs = zip(self.names, case, strict=True)
        return "\n".join(f"{name} = {show(argument)}" for name, argument in pairs)


def left_over(
    faults: Mapping[str, tuple[str, str, str]],
    with_faults: Callable[[frozenset[str]], Callable[..., Any]],
) -> tuple[Mistake, ...]:
    """Name what somebody hands in who repaired only a part of a faulty program.

    Parameters
    ----------
    faults : mapping of name to (code, cause, next step)
        Three of them.
    with_faults : callable
        From the faults that are still there to the function that has them.

    Returns
    -------
    tuple of Mistake
        One for each selection of faults, the fewest first; it tells of the first of them.
    """
    selections = [s for size in (1, 2, 3) for s in combinations(faults, size)]
    mistakes = []
    for selection in selections:
        code, cause, step = faults[selection[0]]
        if len(selection) == len(faults):
            code = "nothing-repaired"
            cause = f"All three faults are still there. The first: {cause}"
        elif len(selection) == 2:
            cause = f"{cause} (One more fault is left after this one.)"
        mistakes.append(Mistake(code, with_faults(frozenset(selection)), cause, step))
    return tuple(mistakes)


UNKNOWN = Mistake(
    "values-differ",
    lambda *case: None,
    "The numbers have the right form, but they are not the ones asked for.",
    "Compute this case on paper, print your intermediate values and find the first that differs.",
)


def close(got: Any, expected: Any) -> bool:
    """Compare numbers, arrays and nested lists or dicts of them; everything else with `==`."""
    if isinstance(expected, dict):
        return (
            isinstance(got, dict)
            and got.keys() == expected.keys()
            and all(close(got[key], expected[key]) for key in expected)
        )
    exact = isinstance(expected, int) and isinstance(got, int)
    if exact or isinstance(expected, str | frozenset) or expected is None:
        return bool(got == expected)
    return _numbers_close(got, expected)


def _numbers_close(got: Any, expected: Any) -> bool:
    try:
        left, right = np.asarray(got, dtype=float), np.asarray(expected, dtype=float)
    except (TypeError, ValueError):
        return bool(got == expected)
    if left.shape != right.shape:
        return False
    return bool(np.allclose(left, right, rtol=1e-4, atol=1e-6, equal_nan=True))


def judge(
    task: Task,
    read: Callable[[Case], Any],
    cases: Iterable[Case],
    probes: Sequence[Case] = (),
) -> None:
    """Compare the learner's answers with the right ones, case by case.

    Parameters
    ----------
    task : Task
    read : callable
        Takes a case, asks the learner and returns the answer in normal form.
    cases : iterable of tuple
        The cases to be right in.
    probes : sequence of tuple
        Asked only after a case failed, to tell two mistakes apart that agree on it.

    Raises
    ------
    Diagnosis
        With the code of the mistake that explains the answers, or `values-differ`.
    """
    for case in cases:
        got, expected = read(case), task.solve(*case)
        if not close(got, expected):
            mistake = recognise(task, read, (case, got), probes)
            raise Diagnosis(
                given=task.describe(case),
                got=contrast(got, expected),
                expected=contrast(expected, got),
                cause=mistake.cause,
                next_step=mistake.next_step,
                code=mistake.code,
            )


def contrast(value: Any, other: Any) -> str:
    """Write a value where it differs from another: entries of dicts, one place of long arrays."""
    if isinstance(value, dict) and isinstance(other, dict):
        different = [key for key in value if not close(value[key], other.get(key))]
        return ", ".join(f"{key}: {contrast(value[key], other.get(key))}" for key in different)
    if isinstance(value, frozenset) and isinstance(other, frozenset):
        return show(value - other) or "nothing else"
    if isinstance(value, np.ndarray) and value.size > SHOWN and np.shape(other) == value.shape:
        wrong = ~np.isclose(value, other, rtol=1e-4, atol=1e-6)
        place = [int(index) for index in np.argwhere(wrong)[0]]
        return f"{value[tuple(place)]:.4g} at {place} (first difference of {int(wrong.sum())})"
    return show(value)


def recognise(
    task: Task,
    read: Callable[[Case], Any],
    failed: tuple[Case, Any],
    probes: Sequence[Case],
) -> Mistake:
    """Return the first mistake that reproduces the failed case, best also all probes."""
    candidates = [mistake for mistake in task.mistakes if _explains(mistake, [failed])]
    if len(candidates) < 2:
        return candidates[0] if candidates else UNKNOWN
    probed = []
    for case in probes:
        try:
            probed.append((case, read(case)))
        except Diagnosis:
            continue
    consistent = [mistake for mistake in candidates if _explains(mistake, probed)]
    return (consistent or candidates)[0]


def _explains(mistake: Mistake, answered: list[tuple[Case, Any]]) -> bool:
    with np.errstate(all="ignore"):
        return all(close(got, mistake.compute(*case)) for case, got in answered)


def show(value: Any) -> str:
    """Write a value in a line: four digits, of a long array only its shape."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {show(item)}" for key, item in value.items())
    if isinstance(value, frozenset):
        return "; ".join(str(item) for item in sorted(value, key=str))
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, np.ndarray):
        return _short(value) if value.size <= SHOWN else f"array of shape {value.shape}"
    return str(value)


def _short(array: np.ndarray) -> str:
    if array.ndim == 0:
        return f"{array.item():.4g}"
    return "[" + ", ".join(_short(part) for part in array) + "]"
