"""Checks of exercise 02.5: one name for NAS-Bench-201 cells that are one cell."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.cell_keys import EDGES, MISTAKES, NONE, OPERATIONS, SKIP, Cell, canonical
from nas_course.grading.exercise import Diagnosis, Exercise, Stage, describe

CHAPTER = "02_search_spaces"

# One rule each: a dead input, another operation, a skip and the order of a sum, the order at
# node 2, a dead source, a sum of dead terms, a sum passed on.
HAND = (
    ((3, 0, 0, 0, 0, 0), (2, 0, 0, 0, 0, 0)),
    ((0, 0, 0, 2, 0, 0), (0, 0, 0, 3, 0, 0)),
    ((1, 0, 0, 2, 3, 0), (1, 0, 0, 3, 2, 0)),
    ((1, 2, 3, 0, 0, 3), (1, 3, 2, 0, 0, 3)),
    ((0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 2, 0)),
    ((0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 1)),
    ((2, 0, 0, 1, 2, 1), (2, 1, 0, 0, 2, 1)),
)
# Every mistake of `MISTAKES` gives a wrong partition of these.
TELLING: tuple[Cell, ...] = (
    (0, 0, 0, 0, 0, 0),
    (0, 0, 0, 0, 0, 1),
    (0, 0, 0, 0, 1, 0),
    (0, 0, 0, 0, 2, 0),
    (0, 1, 1, 4, 0, 1),
    (0, 4, 0, 1, 1, 1),
    (1, 0, 0, 1, 2, 0),
    (1, 0, 0, 2, 1, 0),
    (1, 0, 1, 0, 2, 1),
    (1, 0, 2, 1, 4, 1),
    (1, 0, 4, 1, 2, 1),
    (1, 1, 2, 0, 0, 1),
    (1, 1, 2, 0, 0, 2),
    (1, 1, 2, 0, 4, 1),
    (1, 1, 4, 0, 2, 1),
    (1, 2, 1, 0, 0, 2),
    (2, 0, 0, 0, 2, 1),
    (2, 0, 0, 1, 2, 1),
    (2, 0, 2, 0, 0, 1),
    (2, 0, 2, 1, 0, 1),
    (2, 1, 0, 0, 2, 1),
)


def _labels(keys: Sequence[Hashable]) -> list[int]:
    """Number the classes of equal keys, in the order in which they appear."""
    seen: dict[Hashable, int] = {}
    return [seen.setdefault(key, len(seen)) for key in keys]


def _ask_key(ask: Ask, cell: Cell) -> Hashable:
    value = ask(cell)
    try:
        return _frozen(value)
    except TypeError:
        pass
    raise Diagnosis(
        given=f"operations = {cell}",
        got=f"{describe(value)} ({type(value).__name__})",
        expected="a text, a whole number, or a tuple of such",
        cause="A key has to be something that a dict can be asked for, and that stays equal.",
        next_step="Return the text of node 3.",
        code="not-a-key",
    )


def _frozen(value: Any) -> Hashable:
    if isinstance(value, np.ndarray):
        return _frozen(value.tolist())
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    if isinstance(value, set | frozenset):
        return frozenset(map(_frozen, value))
    if isinstance(value, dict):
        return frozenset((_frozen(name), _frozen(part)) for name, part in value.items())
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise TypeError


def _compare(ask: Ask, cells: Sequence[Cell], probes: Sequence[Cell]) -> None:
    """Raise unless the keys of `cells` are equal exactly where the right ones are."""
    got = _labels([_ask_key(ask, cell) for cell in cells])
    right = _labels([canonical(cell) for cell in cells])
    if got == right:
        return
    a, b = _first_wrong_pair(got, right)
    equal = right[a] == right[b]
    code, cause, step = _explain(ask, [*cells, *probes], equal)
    raise Diagnosis(
        given=f"operations = {cells[a]}\nand operations = {cells[b]}",
        got="different keys" if equal else "equal keys",
        expected=_expected(cells[a], cells[b]),
        cause=cause,
        next_step=step,
        code=code,
    )


def _expected(a: Cell, b: Cell) -> str:
    if canonical(a) == canonical(b):
        return f"equal keys: node 3 of both is {canonical(a)}"
    return f"different keys: node 3 is {canonical(a)} and {canonical(b)}"


def _first_wrong_pair(got: Sequence[int], right: Sequence[int]) -> tuple[int, int]:
    return next(
        (a, b)
        for b in range(len(got))
        for a in range(b)
        if (got[a] == got[b]) != (right[a] == right[b])
    )


def _explain(ask: Ask, cells: Sequence[Cell], equal: bool) -> tuple[str, str, str]:
    got = _labels([_ask_key(ask, cell) for cell in cells])
    for mistake in MISTAKES:
        if got == _labels([mistake.key(cell) for cell in cells]):
            return mistake.code, mistake.cause, mistake.next_step
    step = "Write down the text of nodes 1, 2 and 3 of both cells and compare it with yours."
    if equal:
        return "one-cell-two-keys", "These two are one cell for the benchmark.", step
    return "two-cells-one-key", "These two are different cells for the benchmark.", step


def _random_cells(rng: np.random.Generator, count: int, allowed: Sequence[int]) -> list[Cell]:
    """Draw cells, and half as many that differ from one of them in one or two edges."""
    drawn = [tuple(rng.choice(allowed, size=len(EDGES)).tolist()) for _ in range(count)]
    return drawn + [_changed(rng, cell, allowed) for cell in drawn[::2]]


def _changed(rng: np.random.Generator, cell: Cell, allowed: Sequence[int]) -> Cell:
    changed = list(cell)
    for edge in rng.choice(len(EDGES), size=2, replace=False):
        changed[edge] = int(rng.choice(allowed))
    return tuple(changed)


def _few_operations(rng: np.random.Generator, count: int) -> list[Cell]:
    """Draw cells of three operations: many of them are one cell."""
    return _random_cells(rng, count, (NONE, SKIP, int(rng.integers(2, OPERATIONS))))


def _form(ask: Ask, rng: np.random.Generator) -> None:
    for cell in _random_cells(rng, 2, range(OPERATIONS)):
        if _ask_key(ask, cell) != _ask_key(ask, cell):
            raise Diagnosis(
                given=f"operations = {cell}, twice",
                got="two different keys",
                expected="equal keys",
                cause="One cell, asked for twice, has two keys: something random or remembered "
                "is in it.",
                next_step="Compute the key from the six numbers alone.",
                code="key-changes",
            )


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    probes = [*TELLING, *_few_operations(rng, 80), *_random_cells(rng, 40, range(OPERATIONS))]
    for pair in HAND:
        _compare(ask, pair, probes)


def _random(ask: Ask, rng: np.random.Generator) -> None:
    cells = [*_few_operations(rng, 80), *_random_cells(rng, 40, range(OPERATIONS)), *TELLING]
    _compare(ask, cells, ())


CANONICAL = Exercise(
    id="02.5",
    chapter=CHAPTER,
    title="One cell, one key",
    answer="key",
    minutes=25,
    difficulty=3,
    stages=(
        Stage("a key for each cell", 0, _form),
        Stage("pairs by hand", 3, _by_hand),
        Stage("hundreds of cells", 3, _random),
    ),
)

EXERCISES = (CANONICAL,)
