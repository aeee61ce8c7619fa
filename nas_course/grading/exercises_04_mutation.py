"""Check of exercise 04.3: mutations that always change something, all neighbours alike."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_array
from nas_course.grading.transport import Expression

CHAPTER = "04_random_and_evolution"
CELL_OPTIONS = (5,) * 6
MANY = 2400
Mutation = tuple[tuple[int, ...], tuple[int, ...], int, int]  # cell, options, count, seed


def _given(case: Mutation) -> str:
    cell, options, count, seed = case
    return (
        f"cell = {cell}\noptions = {options}\ncount = {count}\nrng = np.random.default_rng({seed})"
    )


def _complain(
    case: Mutation, got: str, expected: str, code: str, cause: str, step: str
) -> NoReturn:
    raise Diagnosis(
        given=_given(case), got=got, expected=expected, code=code, cause=cause, next_step=step
    )


def _read(ask: Ask, case: Mutation) -> np.ndarray:
    """Ask for mutants; returns whole numbers (count, choices)."""
    cell, options, count, seed = case
    generator = Expression(f"np.random.default_rng({seed})")
    value = ask(cell, options, count, generator)
    mutants = expect_array(value, (count, len(cell)), given=_given(case))
    if (mutants == np.rint(mutants)).all():
        return mutants.astype(int)
    _complain(
        case,
        f"{mutants[0]}",
        "whole numbers",
        "not-options",
        "An option is a whole number.",
        "Draw whole numbers: rng.integers.",
    )


def _check_mutants(case: Mutation, mutants: np.ndarray) -> None:
    """Every mutant is a neighbour: legal, and different in exactly one choice."""
    cell, options = case[:2]
    illegal = ((mutants < 0) | (mutants >= np.array(options))).any(axis=1)
    if illegal.any():
        _complain(
            case,
            f"{tuple(mutants[illegal][0].tolist())}",
            "options from 0 to options[i] - 1 at choice i",
            "illegal-option",
            "A mutant has an option that does not exist in this space.",
            "Ask `options` how many there are at each choice.",
        )
    changes = (mutants != np.array(cell)).sum(axis=1)
    if (changes > 1).any():
        _too_many_changes(case, mutants, changes)
    if (changes == 0).any():
        _complain(
            case,
            f"{(changes == 0).sum()} of {len(mutants)} mutants equal to the cell",
            "each different in one choice",
            "nothing-changed",
            "Some mutations change nothing: the new option may be the old one.",
            "Draw among the other options only, at a choice that has others.",
        )


def _too_many_changes(case: Mutation, mutants: np.ndarray, changes: np.ndarray) -> NoReturn:
    steps = (np.diff(mutants, axis=0) != 0).sum(axis=1)
    if changes[0] <= 1 and (steps <= 1).all():
        _complain(
            case,
            f"mutant {len(changes) - 1} differs in {changes[-1]} choices",
            "each different in one choice",
            "walks-away",
            "Every mutant starts from the one before, so they walk away from the cell.",
            "Start each mutant from a fresh copy of `cell`.",
        )
    if (mutants == mutants[0]).all():
        _complain(
            case,
            f"{len(mutants)} times the same, different in {changes[0]} choices",
            "each different in one choice",
            "one-list-for-all",
            "All mutants are one list, which was changed again and again.",
            "Make the copy of `cell` inside the loop.",
        )
    _complain(
        case,
        f"{tuple(mutants[changes > 1][0].tolist())}",
        "a cell that differs in one choice",
        "several-changed",
        "A mutant differs in more than one choice.",
        "Change one choice, and copy the others.",
    )


def _check_frequencies(case: Mutation, mutants: np.ndarray) -> None:
    """Each neighbour comes as often as the others, give or take what chance allows."""
    cell, options = case[:2]
    counts = _counts(cell, options, mutants)
    mean = len(mutants) / sum(len(row) for row in counts)
    _check_reached(case, counts)
    chi_square = sum((count - mean) ** 2 / mean for row in counts for count in row.values())
    degrees = sum(len(row) for row in counts) - 1
    if chi_square < degrees + 10 * (2 * degrees) ** 0.5:
        return
    totals = np.array([sum(row.values()) for row in counts if row])
    uneven = len(set(options)) > 1 and np.abs(totals / totals.mean() - 1).max() < 0.2
    if uneven:
        _complain(
            case,
            f"each of {len(totals)} choices about {totals.mean():.0f} times",
            "each neighbour equally often: choices with more options more often",
            "choices-equally-often",
            "Each choice is as likely as the others, so the neighbours are not: one with two "
            "options has one neighbour only.",
            "Draw a choice in proportion to options[i] - 1, or draw from a list of all neighbours.",
        )
    _complain(
        case,
        f"between {min(n for row in counts for n in row.values())} and "
        f"{max(n for row in counts for n in row.values())} times each neighbour",
        f"about {mean:.0f} times each",
        "neighbours-not-alike",
        "Some neighbours come more often than others, by more than chance.",
        "Count how often each choice changes, and then which option it gets.",
    )


def _counts(
    cell: tuple[int, ...], options: tuple[int, ...], mutants: np.ndarray
) -> list[dict[int, int]]:
    """For each choice, how often it got each of its other options."""
    return [
        {
            option: int((mutants[:, place] == option).sum())
            for option in range(number)
            if option != cell[place]
        }
        for place, number in enumerate(options)
    ]


def _check_reached(case: Mutation, counts: list[dict[int, int]]) -> None:
    every = [count for row in counts for count in row.values()]
    if max(every) == case[2]:
        _complain(
            case,
            f"{case[2]} times the same mutant",
            f"{len(every)} different neighbours",
            "one-mutant-repeated",
            "One mutant was drawn, and repeated: they are not independent.",
            "Draw anew for each of the `count` mutants.",
        )
    still = [place for place, row in enumerate(counts) if row and not any(row.values())]
    if still:
        _complain(
            case,
            f"no mutant that differs at choice {still[0]}",
            "mutants at every choice that has options",
            "choice-never-mutates",
            "A choice is never mutated: the search cannot leave the option that is there.",
            "rng.integers(n) draws from 0 to n - 1: the upper end is not drawn.",
        )
    missed = [(place, o) for place, row in enumerate(counts) for o, n in row.items() if not n]
    if missed:
        place, option = missed[0]
        _complain(
            case,
            f"option {option} never at choice {place}",
            "every other option at every choice",
            "option-never-reached",
            "Some neighbours are never drawn.",
            "Every option but the present one must be possible, below it and above it.",
        )


def _case(rng: np.random.Generator, options: tuple[int, ...], count: int) -> Mutation:
    cell = tuple(int(rng.integers(number)) for number in options)
    return cell, options, count, int(rng.integers(10_000))


def _few(ask: Ask, rng: np.random.Generator) -> None:
    for options in (CELL_OPTIONS, (2, 3, 1, 4)):
        case = _case(rng, options, 60)
        _check_mutants(case, _read(ask, case))


def _from_the_generator(ask: Ask, rng: np.random.Generator) -> None:
    """The same generator gives the same mutants, another one others."""
    case = _case(rng, CELL_OPTIONS, 60)
    first, again = _read(ask, case), _read(ask, case)
    other = _read(ask, (*case[:3], case[3] + 1))
    if (first != again).any():
        _complain(
            case,
            "two different lists from two generators with the same seed",
            "the same list twice",
            "not-repeatable",
            "The mutants do not come from `rng`, so nobody can repeat the search.",
            "Draw with the `rng` that is passed in, not with `random` or a new generator.",
        )
    if (first == other).all() and not (first == first[0]).all():
        _complain(
            case,
            f"the same list with seed {case[3] + 1}",
            "another list",
            "rng-ignored",
            "Generators with different seeds give the same mutants: `rng` is not used.",
            "Draw with the `rng` that is passed in.",
        )


def _cells(ask: Ask, rng: np.random.Generator) -> None:
    case = _case(rng, CELL_OPTIONS, MANY)
    mutants = _read(ask, case)
    _check_mutants(case, mutants)
    _check_frequencies(case, mutants)


def _other_spaces(ask: Ask, rng: np.random.Generator) -> None:
    for options in ((2, 5, 3, 1, 6), (1, 3, 8)):
        case = _case(rng, options, MANY)
        mutants = _read(ask, case)
        _check_mutants(case, mutants)
        _check_frequencies(case, mutants)


MUTANTS = Exercise(
    id="04.3",
    chapter=CHAPTER,
    title="A mutation that mutates",
    answer="mutants",
    minutes=20,
    difficulty=2,
    stages=(
        Stage("neighbours", 1, _few),
        Stage("drawn with the generator", 1, _from_the_generator),
        Stage("24 neighbours, equally often", 2, _cells),
        Stage("choices of different sizes", 1, _other_spaces),
    ),
)

EXERCISES = (MUTANTS,)
