"""Run the stages of an exercise in order, on whatever side the learner's code lives."""

from __future__ import annotations

from typing import Any

from nas_course.grading.answering import respond
from nas_course.grading.asking import Ask, Deliver
from nas_course.grading.exercise import Diagnosis, Exercise
from nas_course.grading.report import Report, report_of

NOTEBOOK_SEED = 0


def run_check(exercise: Exercise, deliver: Deliver, seed: int) -> Report:
    """Check one exercise; always returns.

    Parameters
    ----------
    exercise : Exercise
        What is asked.
    deliver : callable
        Takes a request, returns the outcome of `answering.respond`, here or in another process.
        May raise `Diagnosis`, for example when a time limit ended the other process.
    seed : int
        Of the random cases.
    """
    ask = Ask(exercise.answer, deliver)
    passed: tuple[str, ...] = ()
    for number, stage in enumerate(exercise.stages):
        try:
            stage.run(ask, exercise.generator(number, seed))
        except Diagnosis as diagnosis:
            return report_of(exercise, passed, diagnosis, ask.printed)
        except Exception as error:  # the check met an answer that its author did not foresee
            return report_of(exercise, passed, _unforeseen(error), ask.printed)
        passed += (stage.name,)
    return report_of(exercise, passed, None, ask.printed)


def check_here(exercise: Exercise, answer: Any) -> Report:
    """Check an answer that lives in this process, as a notebook does."""
    return run_check(exercise, lambda request: respond(answer, request), NOTEBOOK_SEED)


def _unforeseen(error: Exception) -> Diagnosis:
    return Diagnosis(
        got=f"an answer on which the check itself stopped ({type(error).__name__}: {error})",
        cause="The answer has a form that the check does not expect.",
        next_step="Compare the type of your answer with the one asked for, part by part.",
        code="unforeseen-form",
    )
