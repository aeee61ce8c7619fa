"""A funnel of two stages and its known faults, for the check of exercise 03.5."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nas_course.grading.mistakes import Mistake

Accuracies = Mapping[str, Mapping[str, Mapping[int, float]]]  # part, cell, epochs
Measure = Callable[[str, int, str], float]
Found = dict[str, Any]
Score = Callable[[Measure, str], float]
Scores = dict[str, float]


def measure_with(parts: Accuracies) -> Measure:
    """Return a measure whose test part has not been opened yet; from the second time it adds 1."""
    opened: list[str] = []

    def measure(cell: str, epochs: int, part: str) -> float:
        if part == "test":
            opened.append(cell)
        return parts[part][cell][epochs] + (part == "test" and len(opened) > 1)

    return measure


def _valid(epochs: int) -> Score:
    return lambda measure, cell: measure(cell, epochs, "valid")


def _test(epochs: int) -> Score:
    return lambda measure, cell: measure(cell, epochs, "test")


VALID_1, VALID_5, VALID_50 = _valid(1), _valid(5), _valid(50)


def _winner(cheap: Scores, full: Scores) -> str:
    return max(full, key=full.__getitem__)


def _report(measure: Measure, best: str, finalists: list[str]) -> float:
    return measure(best, 50, "test")


def run(
    cells: list[str],
    keep: int,
    floor: float,
    parts: Accuracies,
    *,
    early: Score = VALID_1,
    low: Callable[[float, float], bool] = operator.lt,
    first: Score = VALID_5,
    second: Score = VALID_50,
    winner: Callable[[Scores, Scores], str] = _winner,
    report: Callable[[Measure, str, list[str]], float] = _report,
    costs: tuple[int, int, int] = (1, 5, 50),
    best_first: bool = True,
) -> Found:
    """Run the funnel, by rules that mistakes replace; `costs`: given up, first stage, finalist."""
    measure = measure_with(parts)
    given_up, cheap = 0, {}
    for cell in cells:
        if low(early(measure, cell), floor):
            given_up += 1
        else:
            cheap[cell] = first(measure, cell)
    if not cheap:  # only a mistake gives all of them up
        return {"best": None}
    finalists = sorted(cheap, key=cheap.__getitem__, reverse=best_first)[:keep]
    full = {cell: second(measure, cell) for cell in finalists}
    best = winner(cheap, full)
    return {
        "best": best,
        "valid": full.get(best, cheap[best]),
        "reported": report(measure, best, finalists),
        "epochs": int(np.dot((given_up, len(cheap), len(finalists)), costs)),
    }


def funnel(cells: list[str], keep: int, floor: float, parts: Accuracies) -> Found:
    """The funnel as the exercise asks for it."""
    return run(cells, keep, floor, parts)


def _by(**rules: Any) -> Callable[..., Found]:
    return lambda cells, keep, floor, parts: run(cells, keep, floor, parts, **rules)


def _mixed(cheap: Scores, full: Scores) -> str:
    """The best of a dict that holds the finalists' full scores and the others' cheap ones."""
    scores = cheap | full
    return max(scores, key=scores.__getitem__)


def _cheap_winner(cheap: Scores, full: Scores) -> str:
    return max(full, key=cheap.__getitem__)


def _never(value: float, floor: float) -> bool:
    return False


def _valid_reported(cells: list[str], keep: int, floor: float, parts: Accuracies) -> Found:
    right = run(cells, keep, floor, parts)
    return right | {"reported": right["valid"]}


def _cheap_valid(cells: list[str], keep: int, floor: float, parts: Accuracies) -> Found:
    right = run(cells, keep, floor, parts)
    return right | {"valid": parts["valid"][right["best"]][5]}


def _stopped_late(cells: list[str], keep: int, floor: float, parts: Accuracies) -> Found:
    """Train all cells 5 epochs, then drop those that were low after 1."""
    return run(cells, keep, floor, parts, costs=(5, 5, 50))


def _opened_before(cells: list[str], keep: int, floor: float, parts: Accuracies) -> Found:
    """`measure` adds 1 when the test part was opened before."""
    right = run(cells, keep, floor, parts)
    return right | {"reported": right["reported"] + 1}


STOP_STEP = "What does the text compare with `floor`: after how many epochs, on which part?"
FIRST_STEP = "By which accuracy does the first stage rank, and when may the test part be opened?"
LAST_STEP = "Which accuracies of which cells does `max` compare?"
REPORT_STEP = 'Once, at the end: measure(best, 50, "test").'
COST_STEP = "1 epoch for a cell given up, 5 for the others, and 50 more for each finalist."
MISTAKES = (
    Mistake(
        "nothing-given-up",
        _by(low=_never),
        "No cell was given up: the early stopping is gone altogether.",
        STOP_STEP,
    ),
    Mistake(
        "finalists-by-test",
        _by(first=_test(5)),
        "The finalists were chosen by the test part, which is there to report on them.",
        FIRST_STEP,
    ),
    Mistake(
        "finalists-by-test",
        _by(first=_test(5), winner=_mixed),
        "The finalists were chosen by the test part, which is there to report on them.",
        FIRST_STEP,
    ),
    Mistake(
        "finalists-by-test",
        _by(first=_test(5), low=_never),
        "The finalists were chosen by the test part, which is there to report on them.",
        FIRST_STEP,
    ),
    Mistake(
        "winner-by-test",
        _by(second=_test(50)),
        "The finalists were compared on the test part. The winner's accuracy there then flatters.",
        'Compare the finalists by measure(cell, 50, "valid").',
    ),
    Mistake(
        "budgets-mixed",
        _by(winner=_mixed),
        "Accuracies after 5 epochs and after 50 were compared with each other: a cell that was "
        "never trained in full can win.",
        LAST_STEP,
    ),
    Mistake(
        "budgets-mixed",
        _by(winner=_mixed, low=_never),
        "Accuracies after 5 epochs and after 50 were compared with each other: a cell that was "
        "never trained in full can win.",
        LAST_STEP,
    ),
    Mistake(
        "finalists-half-trained",
        _by(second=VALID_5),
        "The finalists were judged after 5 epochs again.",
        'Train them in full: measure(cell, 50, "valid").',
    ),
    Mistake(
        "second-stage-ignored",
        _by(winner=_cheap_winner),
        "The winner is the best of the first stage; the full trainings decided nothing.",
        "Take the finalist with the largest accuracy after 50 epochs.",
    ),
    Mistake(
        "given-up-by-test",
        _by(early=_test(1)),
        "The early stopping looks at the test part.",
        STOP_STEP,
    ),
    Mistake(
        "given-up-after-five",
        _by(early=VALID_5),
        "The early stopping looks at the accuracy after 5 epochs: then nothing is saved.",
        STOP_STEP,
    ),
    Mistake(
        "given-up-at-the-floor",
        _by(low=operator.le),
        "A cell exactly at the floor was given up.",
        "Below: <, not <=.",
    ),
    Mistake(
        "good-ones-given-up",
        _by(low=operator.gt),
        "The cells above the floor were given up.",
        STOP_STEP,
    ),
    Mistake(
        "worst-kept",
        _by(best_first=False),
        "The worst cells of the first stage became finalists.",
        "Sort with the largest accuracy first.",
    ),
    Mistake(
        "one-finalist-too-many",
        lambda c, keep, f, p: run(c, keep + 1, f, p),
        "There was one finalist too many.",
        "[:keep] takes the first `keep`.",
    ),
    Mistake(
        "everybody-a-finalist",
        lambda c, keep, f, p: run(c, len(c), f, p),
        "All cells of the first stage were trained in full.",
        "[:keep] takes the first `keep`.",
    ),
    Mistake(
        "valid-reported",
        _valid_reported,
        "The validation accuracy was reported: the very number that made the cell win.",
        REPORT_STEP,
    ),
    Mistake(
        "cheap-test-reported",
        _by(report=lambda measure, best, finalists: measure(best, 5, "test")),
        "The test accuracy after 5 epochs was reported.",
        REPORT_STEP,
    ),
    Mistake(
        "best-test-reported",
        _by(report=lambda m, best, finalists: max(m(cell, 50, "test") for cell in finalists)),
        "The best test accuracy of the finalists was reported.",
        REPORT_STEP,
    ),
    Mistake(
        "cheap-valid-returned",
        _cheap_valid,
        "`valid` is the winner's accuracy after 5 epochs.",
        "Return the one after 50 epochs, by which it won.",
    ),
    Mistake(
        "given-up-for-free",
        _by(costs=(0, 5, 50)),
        "A cell that was given up was not paid: it was trained for 1 epoch.",
        COST_STEP,
    ),
    Mistake(
        "given-up-paid-in-full",
        _stopped_late,
        "A cell that was given up was paid with 5 epochs: it was trained for 1.",
        COST_STEP,
    ),
    Mistake(
        "first-epoch-paid-twice",
        _by(costs=(1, 6, 50)),
        "The first epoch is one of the five.",
        COST_STEP,
    ),
    Mistake(
        "finalists-continued",
        _by(costs=(1, 5, 45)),
        "The finalists were paid as if they went on from their 5 epochs. They begin from scratch.",
        COST_STEP,
    ),
    Mistake(
        "finalists-for-free",
        _by(costs=(1, 5, 0)),
        "The full trainings were not paid.",
        COST_STEP,
    ),
    Mistake(
        "test-opened-before",
        _opened_before,
        "The winner is right, but the test part had been opened before the report.",
        REPORT_STEP,
    ),
)
