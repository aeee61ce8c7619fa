"""Check of exercise 03.5: a funnel of two stages, with three faults to be found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage, describe
from nas_course.grading.expect import expect_keys, expect_number
from nas_course.grading.funnel_rules import MISTAKES, STOP_STEP, Accuracies, Found, funnel
from nas_course.grading.mistakes import Task, judge
from nas_course.grading.transport import Expression

CHAPTER = "03_performance_estimation"
FIELDS = ("best", "valid", "reported", "epochs")
REPEATS = 8
Case = tuple[list[str], int, float, Accuracies]

# The same as `funnel_rules.measure_with`, for the learner's process.
MEASURE = (
    "(lambda parts, opened: lambda cell, epochs, part: (opened.append(cell) if part == 'test' "
    "else None, parts[part][cell][epochs] + (part == 'test' and len(opened) > 1))[1])({parts}, [])"
)


class FunnelTask(Task):
    """Writes the accuracies as a table."""

    def describe(self, case: tuple[Any, ...]) -> str:
        """Write the arguments; the accuracies of each cell in a line."""
        cells, keep, floor, parts = case
        rows = [
            f"{cell}: valid {_row(parts['valid'][cell])}, test {_row(parts['test'][cell])}"
            for cell in cells
        ]
        head = f"keep = {keep}, floor = {floor:g}; accuracies after 1, 5, 50 epochs"
        return "\n".join([head, *rows])


def _row(accuracies: Mapping[int, float]) -> str:
    return " ".join(f"{value:g}" for value in accuracies.values())


FUNNEL = FunnelTask(("cells", "keep", "floor", "accuracies"), funnel, MISTAKES)


def _read(ask: Ask, case: Case) -> Found:
    cells, keep, floor, parts = case
    given = FUNNEL.describe(case)
    fields = expect_keys(
        ask(cells, keep, floor, Expression(MEASURE.format(parts=repr(parts)))), FIELDS, given=given
    )
    if not isinstance(fields["best"], str) or fields["best"] not in cells:
        raise Diagnosis(
            given=given,
            got=f"best = {describe(fields['best'])}",
            expected="one of the cells",
            cause="The winner is not a cell of the list.",
            next_step="Keep the accuracies in a dict by cell, and return the key.",
            code="not-a-cell",
        )
    numbers = {
        name: float(expect_number(fields[name], given=f"{given}; looking at `{name}`"))
        for name in FIELDS[1:3]
    }
    epochs = expect_number(fields["epochs"], given=f"{given}; looking at `epochs`", whole=True)
    return {"best": fields["best"], **numbers, "epochs": int(epochs)}


def _same_each_time(ask: Ask, rng: np.random.Generator) -> None:
    case = _drawn(rng, 8, 3)
    found = [describe(_read_loosely(ask, case)) for _ in range(REPEATS)]
    if len(set(found)) > 1:
        raise Diagnosis(
            given=f"{FUNNEL.describe(case)}\n{REPEATS} times the same",
            got="; ".join(sorted(set(found))[:3]),
            expected="the same result each time",
            cause="Cells were given up by chance, not because of anything that was measured.",
            next_step=STOP_STEP,
            code="given-up-by-chance",
        )


def _read_loosely(ask: Ask, case: Case) -> Found:
    """Read a result without judging it."""
    cells, keep, floor, parts = case
    measure = Expression(MEASURE.format(parts=repr(parts)))
    return expect_keys(ask(cells, keep, floor, measure), FIELDS, given=FUNNEL.describe(case))


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    cases = [
        _case(2, 0.125, "2 4 6 2 5 3 | 3 5 5 3 3 4 | 2 3 7 1 2 6 | 4 2 4 4 2 4"),
        _case(2, 0.25, "3 4 4 2 5 3 | 1 7 7 2 3 5 | 2 5 3 1 4 4 | 3 3 7 2 2 7 | 4 6 5 3 1 4"),
    ]
    judge(FUNNEL, lambda case: _read(ask, case), cases, _several(rng, 12))


def _floor_and_ties(ask: Ask, rng: np.random.Generator) -> None:
    cases = [
        _case(1, 0.375, "3 5 6 2 1 5 | 2 7 8 4 3 7 | 3 5 7 4 4 6"),
        _case(2, 0.0, "1 5 6 2 1 5 | 2 6 6 4 3 7 | 3 5 7 4 4 6"),
        _case(5, 0.25, "1 5 6 2 1 5 | 2 6 6 4 3 7 | 3 5 5 4 4 6"),
    ]
    judge(FUNNEL, lambda case: _read(ask, case), cases, _several(rng, 12))


def _random(ask: Ask, rng: np.random.Generator) -> None:
    judge(FUNNEL, lambda case: _read(ask, case), _several(rng, 12))


def _case(keep: int, floor: float, rows: str) -> Case:
    """Rows of six eighths: valid after 1, 5, 50 epochs, test after 1, 5, 50 epochs."""
    table = [[int(number) / 8 for number in row.split()] for row in rows.split("|")]
    return _from_table(keep, floor, table, [f"{number}" * 6 for number in range(len(table))])


def _from_table(keep: int, floor: float, table: list[list[float]], cells: list[str]) -> Case:
    parts = {
        part: {
            cell: dict(zip((1, 5, 50), row[start : start + 3], strict=True))
            for cell, row in zip(cells, table, strict=True)
        }
        for part, start in (("valid", 0), ("test", 3))
    }
    return cells, keep, floor, parts


def _drawn(rng: np.random.Generator, count: int, keep: int) -> Case:
    """Accuracies in 64ths; the short training is sometimes the better one; one cell stays."""
    table = rng.integers(8, 56, size=(count, 6)) / 64
    table[:, [1, 4]] += 0.25
    table[rng.integers(count), 0] = 1.0
    floor = float(rng.integers(20, 40) / 64)
    numbers = rng.permutation(5**6)[:count]
    cells = ["".join(str(number // 5**place % 5) for place in range(6)) for number in numbers]
    return _from_table(keep, floor, table.tolist(), cells)


def _several(rng: np.random.Generator, count: int) -> list[Case]:
    return [_drawn(rng, int(rng.integers(5, 10)), int(rng.integers(2, 4))) for _ in range(count)]


FAULTY_FUNNEL = Exercise(
    id="03.5",
    chapter=CHAPTER,
    title="Three faults in a funnel",
    answer="funnel",
    minutes=20,
    difficulty=4,
    stages=(
        Stage("the same each time", 1, _same_each_time),
        Stage("two funnels by hand", 2, _by_hand),
        Stage("the floor, and equal accuracies", 1, _floor_and_ties),
        Stage("random funnels", 1, _random),
    ),
)

EXERCISES = (FAULTY_FUNNEL,)
