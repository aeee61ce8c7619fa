"""Grade whole notebooks: cells run in a process apart, every comparison is made here."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas_course.errors import CourseError, InvalidInput
from nas_course.grading.checking import run_check
from nas_course.grading.exercise import Diagnosis, Exercise
from nas_course.grading.limits import Limits, over_time
from nas_course.grading.notebook import Notebook, read_notebook
from nas_course.grading.process import NotebookProcess
from nas_course.grading.report import Report, without_points

MOST_ENDED_CELLS = 3
_MAY_BE_LEFT_OVER = ("process-limit", "memory-limit", "output-limit", "disk-limit", "forged-reply")


@dataclass(frozen=True)
class CellTrouble:
    """A cell that raised an exception, or whose process had to be ended."""

    number: int
    code: str
    text: str


@dataclass(frozen=True)
class NotebookReport:
    """All exercises of one notebook; `error` is set when the file could not be graded at all."""

    file: str
    reports: tuple[Report, ...] = ()
    troubles: tuple[CellTrouble, ...] = ()
    isolation: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None

    @property
    def points(self) -> float:
        """Points earned."""
        return sum(report.points for report in self.reports)

    @property
    def possible(self) -> float:
        """Points that can be earned."""
        return sum(report.possible for report in self.reports)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON types."""
        return {
            "file": self.file,
            "points": self.points,
            "possible": self.possible,
            "error": self.error,
            "isolation": dict(self.isolation),
            "cells": [vars(trouble) for trouble in self.troubles],
            "exercises": [report.to_dict() for report in self.reports],
        }


@dataclass(frozen=True)
class Grader:
    """How notebooks are graded.

    Parameters
    ----------
    exercises : mapping
        The known exercises by number.
    seed : int
        Of the hidden cases.
    limits : Limits
        What a notebook may use.
    without : sequence of str
        Protections to leave out, for tests.
    """

    exercises: Mapping[str, Exercise]
    seed: int
    limits: Limits = field(default_factory=Limits)
    without: Sequence[str] = ()

    def grade(self, path: Path) -> NotebookReport:
        """Grade one file; whatever it holds, a report comes back."""
        try:
            notebook = read_notebook(path)
            chosen = exercises_of(notebook, self.exercises)
            return _Session(self, notebook, chosen).grade()
        except CourseError as error:
            return NotebookReport(str(path), error=str(error))


def exercises_of(notebook: Notebook, known: Mapping[str, Exercise]) -> tuple[Exercise, ...]:
    """All exercises of the chapters that the notebook's checks or its name belong to.

    A check cell that was deleted or copied changes nothing: the whole chapter counts.
    """
    chapters = {known[number].chapter for number in notebook.checked if number in known}
    stem = notebook.path.stem
    chapters |= {exercise.chapter for exercise in known.values() if exercise.chapter == stem}
    chosen = tuple(exercise for exercise in known.values() if exercise.chapter in chapters)
    if chosen:
        return chosen
    raise InvalidInput(
        f"{notebook.path}: no exercise found; a notebook is recognised by its name "
        f"({', '.join(sorted({e.chapter for e in known.values()})) or 'none known'}) "
        'or by cells such as check("08.1", answer).'
    )


class _Session:
    """Runs one notebook, again without the cell at fault each time its process is lost."""

    def __init__(self, grader: Grader, notebook: Notebook, exercises: Sequence[Exercise]) -> None:
        self.grader = grader
        self.notebook = notebook
        self.exercises = exercises
        self.process: NotebookProcess | None = None
        self.checked_here = 0  # exercises, in the process that runs now
        self.troubles: dict[int, CellTrouble] = {}
        self.ended: dict[int, Diagnosis] = {}
        self.isolation: dict[str, str] = {}
        self.end = time.monotonic() + grader.limits.total_seconds

    def grade(self) -> NotebookReport:
        try:
            reports = tuple(self.grade_exercise(exercise) for exercise in self.exercises)
        finally:
            if self.process:
                self.process.close()
        troubles = tuple(self.troubles[number] for number in sorted(self.troubles))
        return NotebookReport(str(self.notebook.path), reports, troubles, self.isolation)

    def grade_exercise(self, exercise: Exercise) -> Report:
        """Check one exercise, once more where an earlier one may have left the cause of failing."""
        report = self.check_once(exercise)
        is_fault_of_earlier = report.diagnosis and report.diagnosis.code in _MAY_BE_LEFT_OVER
        if is_fault_of_earlier and self.checked_here > 1:
            return self.check_once(exercise)
        return report

    def check_once(self, exercise: Exercise) -> Report:
        try:
            process = self.running_process()
            process.begin_step(min(self.grader.limits.seconds, self.seconds_left()))
        except Diagnosis as diagnosis:
            return without_points(exercise, diagnosis)
        self.checked_here += 1

        def deliver(request: dict) -> dict:
            message = {"do": "ask", "exercise": exercise.id, "name": exercise.answer}
            outcome = process.ask({**message, "request": request}).get("outcome")
            if isinstance(outcome, dict) and "missing" in outcome:
                self.explain_missing(exercise.answer)
            return outcome if isinstance(outcome, dict) else {}

        report = run_check(exercise, deliver, self.grader.seed)
        if report.diagnosis and report.diagnosis.code == "forged-reply":
            process.discard()  # the next exercise gets a process in which nothing is left over
        return report

    def running_process(self) -> NotebookProcess:
        """The process with all cells run, started anew when the last one was lost."""
        if self.process and self.process.stopped is None:
            return self.process
        while len(self.ended) < MOST_ENDED_CELLS:
            self.seconds_left()
            self.process = self.start()
            if self.run_cells(self.process):
                return self.process
        raise list(self.ended.values())[-1]

    def start(self) -> NotebookProcess:
        process = NotebookProcess(
            self.grader.limits,
            [self.notebook.path],
            self.grader.without,
            ["numpy", *(["torch"] if self.notebook.needs_torch else [])],
        )
        for name, reason in process.isolation.items():  # a weaker start counts for the whole
            self.isolation[name] = self.isolation.get(name) or reason
        self.checked_here = 0
        return process

    def run_cells(self, process: NotebookProcess) -> bool:
        """Run the cells in order; False when one of them ended the process."""
        for number, source in self.notebook.cells:
            if number in self.ended:
                continue
            process.begin_step(min(self.grader.limits.cell_seconds, self.seconds_left()))
            try:
                reply = process.ask({"do": "cell", "source": source})
            except Diagnosis as diagnosis:
                self.ended[number] = diagnosis
                text = f"{diagnosis.got}; the cell was left out"
                self.troubles[number] = CellTrouble(number, diagnosis.code, text)
                return False
            self.note_error(number, reply.get("error"))
        return True

    def seconds_left(self) -> float:
        """Of the time for the whole notebook; raises Diagnosis when there is none."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise over_time(self.grader.limits.total_seconds)
        return left

    def note_error(self, number: int, error: Any) -> None:
        """Keep what a cell raised; a person at the keyboard would go on to the next cell."""
        if isinstance(error, dict):
            parts = [str(error.get(part, ""))[:300] for part in ("type", "message", "where")]
            kind, message, where = parts
            text = f"{kind}: {message}" + (f" ({where})" if where else "")
            self.troubles[number] = CellTrouble(number, "raised", text)

    def explain_missing(self, name: str) -> None:
        """Say which cell is to blame when the answer's name is not there."""
        for number, diagnosis in sorted(self.ended.items()):
            raise Diagnosis(
                got=f"no name `{name}`, because {diagnosis.got} in cell {number}",
                expected=f"a name `{name}`",
                cause=diagnosis.cause,
                next_step=diagnosis.next_step,
                code=diagnosis.code,
            )
        for number, trouble in sorted(self.troubles.items()):
            raise Diagnosis(
                got=f"no name `{name}` after the notebook ran",
                expected=f"a name `{name}`",
                cause=f"Cell {number} stopped with {trouble.text}.",
                next_step="Restart the kernel, run all cells and mend the first one that stops.",
                code="not-found",
            )
