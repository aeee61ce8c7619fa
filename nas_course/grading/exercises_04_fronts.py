"""Check of exercise 04.7: the front of each cell when accuracy and size both count."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_array
from nas_course.grading.mistakes import Mistake, Task, judge

CHAPTER = "04_random_and_evolution"
Dominates = Callable[[np.ndarray, np.ndarray], np.ndarray]
FrontCase = tuple[np.ndarray, np.ndarray]


def _points(accuracy: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    return np.stack([accuracy, -np.asarray(parameters, dtype=float)], axis=1)


def _dominates(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.logical_and((one >= other).all(axis=-1), (one > other).any(axis=-1))


def _strictly(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.asarray((one > other).all(axis=-1))


def fronts(accuracy: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """Number the fronts of Deb et al. 2002, section III-A, from 0."""
    return _peel(_points(accuracy, parameters))


def _peel(points: np.ndarray, dominates: Dominates = _dominates) -> np.ndarray:
    beats = dominates(points[:, None], points[None, :])
    found, number = np.full(len(points), -1.0), 0
    while (found < 0).any():
        left = found < 0
        found[left & ~beats[left].any(axis=0)] = number
        number += 1
    return found


def _beaten_by(points: np.ndarray) -> np.ndarray:
    return _dominates(points[:, None], points[None, :]).sum(axis=0).astype(float)


def _first_only(accuracy: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    return (_beaten_by(_points(accuracy, parameters)) > 0).astype(float)


def _dense_rank(values: np.ndarray) -> np.ndarray:
    return np.unique(values, return_inverse=True)[1].astype(float)


def _peel_while_looking(accuracy: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """A cell is taken away as soon as it has its number, before the others are looked at."""
    points = _points(accuracy, parameters)
    found, number = np.full(len(points), -1.0), 0
    while (found < 0).any():
        for place in range(len(points)):
            left = points[found < 0]
            if found[place] < 0 and not _dominates(left, points[place]).any():
                found[place] = number
        number += 1
    return found


def _one_point_each(accuracy: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """Cells that are equal in both were counted as beating those that come later."""
    points = _points(accuracy, parameters)
    found, number = np.full(len(points), -1.0), 0
    while (found < 0).any():
        left = np.flatnonzero(found < 0)
        _, first = np.unique(points[left], axis=0, return_index=True)
        chosen = left[np.sort(first)]
        beaten = _dominates(points[chosen][:, None], points[chosen][None, :]).any(axis=0)
        found[chosen[~beaten]] = number
        number += 1
    return found


MISTAKES = (
    Mistake(
        "fewer-accuracy-better",
        lambda a, p: _peel(-_points(a, p)),
        "Both aims are turned: small accuracy and many parameters were preferred.",
        "Accuracy: the larger, the better. Parameters: the fewer, the better.",
    ),
    Mistake(
        "more-parameters-better",
        lambda a, p: _peel(np.stack([a, p], axis=1)),
        "Many parameters were preferred.",
        "The fewer parameters, the better: parameters[i] <= parameters[j].",
    ),
    Mistake(
        "less-accuracy-better",
        lambda a, p: _peel(-np.stack([a, p], axis=1)),
        "A small accuracy was preferred.",
        "The larger the accuracy, the better: accuracy[i] >= accuracy[j].",
    ),
    Mistake(
        "accuracy-only",
        lambda a, p: _dense_rank(-a),
        "The cells are ranked by accuracy: the parameters do not count.",
        "Cell i dominates j only if it is at least as good in both.",
    ),
    Mistake(
        "parameters-only",
        lambda a, p: _dense_rank(p),
        "The cells are ranked by the parameters: the accuracy does not count.",
        "Cell i dominates j only if it is at least as good in both.",
    ),
    Mistake(
        "counted-from-one",
        lambda a, p: fronts(a, p) + 1,
        "The fronts are counted from 1.",
        "The best front has number 0.",
    ),
    Mistake(
        "better-in-both-required",
        lambda a, p: _peel(_points(a, p), _strictly),
        "A cell was taken to dominate only if it is better in both.",
        "At least as good in both, and better in one of them.",
    ),
    Mistake(
        "how-many-dominate",
        lambda a, p: _beaten_by(_points(a, p)),
        "This is how many cells dominate each one. Several of them may be in one front.",
        "Take the front away as a whole, then look again.",
    ),
    Mistake(
        "two-fronts-only",
        _first_only,
        "All cells that are dominated by anybody are in front 1.",
        "Take front 0 away and look again: those that are dominated now are in a later front.",
    ),
    Mistake(
        "turned-numbers",
        lambda a, p: fronts(a, p).max() - fronts(a, p),
        "The numbers run the other way: the worst front has 0.",
        "The front that nobody dominates has number 0.",
    ),
    Mistake(
        "taken-away-too-early",
        _peel_while_looking,
        "A cell was taken away as soon as it got its number; then a cell that it dominates got "
        "the same number.",
        "Find the whole front first, then number it.",
    ),
    Mistake(
        "equal-cells-apart",
        _one_point_each,
        "Two cells that are equal in both got different fronts.",
        "Equal cells do not dominate each other.",
    ),
)
FRONTS = Task(("accuracy", "parameters"), fronts, MISTAKES)


def _read(ask: Ask, case: FrontCase) -> np.ndarray:
    given = FRONTS.describe(case)
    answer = ask(*case)
    if isinstance(answer, list | tuple) and any(isinstance(p, list | tuple) for p in answer):
        raise Diagnosis(
            given=given,
            got=answer,
            expected=f"{len(case[0])} numbers, one for each cell",
            cause="These are lists of cells, one for each front.",
            next_step="Turn it round: for each cell, the number of the front that it is in.",
            code="lists-of-cells",
        )
    value = expect_array(answer, (None,), given=given)
    if len(value) == len(case[0]):
        return value
    raise Diagnosis(
        given=given,
        got=f"{len(value)} numbers",
        expected=f"{len(case[0])} numbers, one for each cell",
        cause="There is not one number for each cell.",
        next_step="Return the number of the front of each cell, in the order given.",
        code="one-for-each-cell",
    )


def _case(*cells: tuple[float, int]) -> FrontCase:
    accuracy, parameters = zip(*cells, strict=True)
    return np.array(accuracy), np.array(parameters)


def _drawn(rng: np.random.Generator, cells: int, levels: int) -> FrontCase:
    return rng.integers(levels, size=cells) / levels, rng.integers(1, levels + 1, size=cells) * 10


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    cases = [
        _case((0.5, 10), (0.75, 30), (0.625, 40), (0.25, 20)),
        _case((0.25, 40), (0.5, 30), (0.75, 20), (0.375, 10), (0.625, 50)),
    ]
    probes = [_case((0.1, 50), (0.9, 10), (0.5, 60), (0.8, 5), (0.7, 20), (0.6, 30))]
    judge(FRONTS, lambda case: _read(ask, case), cases, [*probes, _drawn(rng, 20, 40)])


def _equal_values(ask: Ask, rng: np.random.Generator) -> None:
    cases = [
        _case((0.5, 20), (0.5, 10), (0.75, 20), (0.25, 10)),
        _case((0.5, 20), (0.75, 30), (0.5, 20), (0.25, 40)),
        _case((0.5, 10), (0.5, 10), (0.25, 20), (0.125, 30)),
    ]
    judge(FRONTS, lambda case: _read(ask, case), cases, [_drawn(rng, 20, 5)])


def _random_cells(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_drawn(rng, *shape) for shape in ((1, 3), (12, 4), (30, 6), (60, 50))]
    judge(FRONTS, lambda case: _read(ask, case), cases)


FRONT_OF_EACH = Exercise(
    id="04.7",
    chapter=CHAPTER,
    title="Fronts",
    answer="fronts",
    minutes=20,
    difficulty=4,
    stages=(
        Stage("cells by hand", 2, _by_hand),
        Stage("equal values", 1, _equal_values),
        Stage("random cells", 1, _random_cells),
    ),
)

EXERCISES = (FRONT_OF_EACH,)
