"""The exercises of a chapter with their notebook, answers and mutants, as the tests need them.

chapter = Chapter("02_search_spaces")
chapter.model_answers()["key"]              # what the notebook's solutions define
"""

from __future__ import annotations

import contextlib
import importlib
import io
from functools import cached_property
from pathlib import Path
from typing import Any

from answer_book import Answer
from answers_08.mutants import mutants

from nas_course.build.source import read_source, without_solutions
from nas_course.grading import exercises
from nas_course.grading.answering import MISSING
from nas_course.grading.checking import check_here

SOURCES = Path(__file__).resolve().parents[1] / "source" / "exercises"


class Chapter:
    """The exercises of one chapter.

    Parameters
    ----------
    name : str
        For example "02_search_spaces"; its answers are in the package `answers_02`, with the
        mutants that may pass, and why, in its SURVIVORS.
    left_out : str, optional
        Cells with this text are not run: they train a network.
    """

    def __init__(self, name: str, left_out: str | None = None) -> None:
        self.name, self.left_out = name, left_out
        self.number = name[:2]
        self.source = SOURCES / f"{name}.py"
        self.exercises = {key: ex for key, ex in exercises().items() if ex.chapter == name}
        self._spaces: dict[bool, dict[str, Any]] = {}

    @cached_property
    def answers(self) -> list[Answer]:
        package = importlib.import_module(f"answers_{self.number}")
        return package.BOOK.read(package)

    @cached_property
    def survivors(self) -> dict[str, str]:
        return importlib.import_module(f"answers_{self.number}").SURVIVORS

    def cells(self, stubs: bool = False) -> list[str]:
        """Return the code cells, with solutions or with the stubs that learners get."""
        notebook = read_source(self.source)
        if stubs:
            notebook = without_solutions(notebook, self.source)
        return [cell.source for cell in notebook.cells if cell.cell_type == "code"]

    def model_answers(self, stubs: bool = False) -> dict[str, Any]:
        """Return what the notebook defines when its cells have run."""
        if stubs not in self._spaces:
            space: dict[str, Any] = {}
            with contextlib.redirect_stdout(io.StringIO()):
                for cell in self.cells(stubs):
                    if self.left_out is not None and self.left_out in cell:
                        continue
                    exec(compile(cell, "notebook", "exec"), space)
            self._spaces[stubs] = space
        return self._spaces[stubs]

    def mutants_that_pass(self, key: str) -> tuple[int, set[str]]:
        """Return the number of single edits of a model answer, and those with full marks."""
        exercise = self.exercises[key]
        starts = (f"def {exercise.answer}(", f"{exercise.answer} = ")
        source = next(cell for cell in self.cells() if cell.startswith(starts))
        count, passing = 0, set()
        for mutant in mutants(source):
            count += 1
            space = dict(self.model_answers())
            del space[exercise.answer]
            try:
                exec(compile(mutant.source, "mutant", "exec"), space)
            except Exception:
                continue
            if check_here(exercise, space.get(exercise.answer, MISSING)).passed:
                passing.add(f"{key} {mutant.after}")
        return count, passing


def code_of(report) -> str | None:
    return report.diagnosis.code if report.diagnosis else None
