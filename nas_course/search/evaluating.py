"""Getting the scores of a black-box search: here, in other processes, or from the log."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, MutableMapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any

from nas_course.errors import CourseError
from nas_course.estimation import Score
from nas_course.parallel import ResubmittingPool
from nas_course.search.ledger import Question

Known = MutableMapping[tuple[str, int | None], Score]  # (text of the architecture, epochs)


class EstimateFailed(CourseError):
    """An estimate raised; the message names the architecture."""


class Evaluator:
    """Scores in this process, one when it is wanted.

    Parameters
    ----------
    estimate : callable (architecture, epochs) -> Score
    known : mapping, optional
        Scores by text and epochs: they are not computed again, and new ones are put in.
    """

    def __init__(self, estimate: Any, known: Known | None = None) -> None:
        self.estimate = estimate
        self.known = known

    def start(self, question: Question) -> None:
        """Begin with the question, where that can be done beforehand."""

    def score(self, question: Question, number: int) -> Score:
        """Give the answer to question `number`.

        Raises
        ------
        EstimateFailed
            The estimate raised an exception; it is the cause.
        """
        if self.known is None:
            return self._compute(question, number)
        name = str(question.architecture), question.epochs
        if name not in self.known:
            self.known[name] = self._compute(question, number)
        return self.known[name]

    def _compute(self, question: Question, number: int) -> Score:
        try:
            return _estimated(self.estimate, question.architecture, question.epochs)
        except Exception as error:
            raise _failure(question, number, error) from error


class ParallelEvaluator(Evaluator):
    """Scores from an executor; what is finished early is kept at once.

    Parameters
    ----------
    estimate, known
        As for `Evaluator`.
    executor : concurrent.futures.Executor
    sent : bool
        Whether its processes have the estimate already (see `processes`).
    """

    def __init__(
        self, estimate: Any, known: Known | None, executor: Executor, sent: bool = False
    ) -> None:
        self.kept: Known = {} if known is None else known
        super().__init__(estimate, self.kept)
        self.executor = executor
        self.sent = sent
        self.running: dict[Future, tuple[str, int | None]] = {}

    def start(self, question: Question) -> None:
        """Send the question off, unless it is known or on its way."""
        name = str(question.architecture), question.epochs
        if name in self.kept or name in self.running.values():
            return
        self.running[self._submit(question.architecture, question.epochs)] = name

    def _compute(self, question: Question, number: int) -> Score:
        self.start(question)
        name = str(question.architecture), question.epochs
        (future,) = (own for own, asked in self.running.items() if asked == name)
        while not future.done():
            under_way = {future} | {own for own in self.running if not own.done()}
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            self._keep(done - {future})
        self.running.pop(future)
        try:
            return future.result()
        except Exception as error:
            self.keep_finished()
            raise _failure(question, number, error) from error

    def keep_finished(self) -> None:
        """Keep the scores that have come, as before giving up."""
        self._keep({future for future in self.running if future.done()})

    def cancel(self) -> None:
        """Call off what has not been started."""
        for future in self.running:
            future.cancel()

    def _submit(self, architecture: Any, epochs: int | None) -> Future:
        if self.sent:
            return self.executor.submit(_estimated_there, architecture, epochs)
        return self.executor.submit(_estimated, self.estimate, architecture, epochs)

    def _keep(self, done: set[Future]) -> None:
        for future in done:
            if not future.cancelled() and future.exception() is None:
                name = self.running.pop(future)
                self.kept[name] = future.result()


@contextlib.contextmanager
def opened_evaluator(
    estimate: Any, known: Known | None, workers: int, executor: Executor | None
) -> Iterator[Evaluator]:
    """Give the evaluator for so many workers, or for the executor, until the block ends."""
    if executor is not None:
        evaluator = ParallelEvaluator(estimate, known, executor)
        with _kept_when_stopped(evaluator):
            yield evaluator
    elif workers > 1:
        with ResubmittingPool(workers, initializer=_take, initargs=(estimate,)) as pool:
            evaluator = ParallelEvaluator(estimate, known, pool, sent=True)
            with _kept_when_stopped(evaluator):
                yield evaluator
            pool.stop()  # what is still running is beyond the budget
    else:
        yield Evaluator(estimate, known)


@contextlib.contextmanager
def _kept_when_stopped(evaluator: ParallelEvaluator) -> Iterator[None]:
    try:
        yield
    finally:
        evaluator.keep_finished()
        evaluator.cancel()


def _failure(question: Question, number: int, error: Exception) -> EstimateFailed:
    what = "" if question.epochs is None else f" at {question.epochs} epochs"
    return EstimateFailed(
        f"evaluation {number}: the estimate of {question.architecture}{what} failed with "
        f"{type(error).__name__}: {error}. What was computed before is kept."
    )


def _estimated(estimate: Any, architecture: Any, epochs: int | None) -> Score:
    """Ask the estimate; one without partial fidelity is not given any epochs."""
    return estimate(architecture) if epochs is None else estimate(architecture, epochs)


# In a worker process: the estimate is sent once, since it may hold a whole data set.
_TAKEN: dict[str, Any] = {}


def _take(estimate: Any) -> None:
    _TAKEN["estimate"] = estimate


def _estimated_there(architecture: Any, epochs: int | None) -> Score:
    return _estimated(_TAKEN["estimate"], architecture, epochs)
