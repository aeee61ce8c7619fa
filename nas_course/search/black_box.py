"""Run a black-box search to the end of its budget: ask, estimate, tell."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from nas_course import methods, spaces
from nas_course.errors import InvalidInput
from nas_course.estimation import Score
from nas_course.history import History
from nas_course.search.black_box_loop import BlackBoxLoop, BlackBoxPlan, budget_text
from nas_course.search.checks import (
    checked_count,
    checked_interval,
    checked_seconds,
    checked_seed,
)
from nas_course.search.evaluating import opened_evaluator
from nas_course.search.loop import SearchInterrupted
from nas_course.search.run_folder import SCORES, InMemory, RunFolder, opened
from nas_course.search.score_log import ScoreLog
from nas_course.strategies.black_box import Strategy


@dataclass(frozen=True)
class BlackBoxResult:
    """What a search found.

    Attributes
    ----------
    architecture, score
        The best value at the highest fidelity that was reached; None if no value was finite.
    history : History
        A row per answer, in the order of asking.
    note : str or None
        Why the search ended before its budget, if it did.
    strategy : Strategy
        As it was left, for views.
    """

    architecture: Any
    score: Score | None
    history: History
    note: str | None = None
    strategy: Any = field(default=None, repr=False)


def search(
    method: str | Strategy,
    estimate: Callable[..., Score],
    *,
    space: Any = "nas-bench-201",
    evaluations: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    workers: int = 1,
    executor: Executor | None = None,
    progress: bool = True,
    on_history: Callable[[History], object] | None = None,
    checkpoint_seconds: float = 30.0,
    command: str | None = None,
) -> BlackBoxResult:
    """Search an architecture by trying single ones.

    Parameters
    ----------
    method : str or Strategy
        A name of the black-box family in `nas_course.methods`, or a strategy of your own.
    estimate : callable (architecture, epochs=None) -> Score
        Pure: the same architecture gives the same score. Strategies that ask for partial
        training need its `max_epochs`. With several workers it must be possible to pickle it.
    space : str or a search space
    evaluations : int, optional
        Budget in full evaluations. A training of e epochs counts e / max_epochs; going on with
        it counts the difference if the estimate `continues`; what was asked before counts 0.
    seconds : float, optional
        Budget in seconds of estimation (`Score.cost_seconds`), counted by the same rules. The
        evaluation in which it is used up is the last.
    seed : int
        Of the strategy.
    options : mapping, optional
        Hyperparameters of the method by name; see ``methods.get(name).options()``.
    out : path, optional
        Folder to write: ``history.jsonl`` and ``scores.jsonl`` as they grow, checkpoints, and
        ``result.json`` at the end.
    resume : bool
        Go on with the run in ``out``, also with a larger budget; begin where there is none.
    workers : int
        Estimates at a time, each in a process of its own if there are several. Also with
        `executor`: how many questions are open at a time.
    executor : concurrent.futures.Executor, optional
        Where to estimate instead, for example ``Client.get_executor(pure=False)`` of Dask.
    progress : bool
        Show a bar with the time left.
    on_history : callable, optional
        Gets the history once before the first row, so that a view can subscribe.
    checkpoint_seconds : float
        Save the strategy so often. Estimates are logged at once, each as it comes.
    command : str, optional
        Kept in ``result.json``: what to type to get this result.

    Raises
    ------
    InvalidInput
        A value is not allowed, ``out`` holds a run and ``resume`` is not set, or it holds another
        run than the one asked for.
    EstimateFailed
        The estimate raised; the message names the architecture.
    CheckpointError, RunFolderBusy
        See `nas_course.storage`.
    SearchInterrupted
        Stopped by hand (Ctrl-C, the notebook's stop button).

    Notes
    -----
    Answers are told in the order of asking, with at most `workers` questions open. Strategies
    that ask independently of the answers, such as random search, give the same rows with any
    number of workers; others the same rows in every run with the same number. A search that was
    killed at any moment and resumed has the rows of one that ran through (measured seconds of
    estimates that had to be made again differ).
    """
    plan = BlackBoxPlan(
        method=method if isinstance(method, str) else method.name,
        space=spaces.get(space) if isinstance(space, str) else space,
        estimate=estimate,
        evaluations=_checked_evaluations(evaluations, seconds),
        seconds=checked_seconds(seconds),
        seed=checked_seed(seed),
        window=checked_count("workers", workers),
        options=_all_options(method, options),
    )
    strategy = _strategy(method, plan)
    with opened(out, resume=resume, save_every=checked_interval(checkpoint_seconds)) as folder:
        known = None if folder.path is None else ScoreLog(folder.path / SCORES)
        with opened_evaluator(estimate, known, plan.window, executor) as evaluator:
            loop = BlackBoxLoop(plan, strategy, evaluator)
            history = folder.start(loop)
            if not history.rows:
                folder.save(loop, history)
            if on_history is not None:
                on_history(history)
            with _explained_stop(loop, folder):
                _run(loop, history, folder, progress=progress)
        folder.finish(_report(loop, command))
    ledger = loop.ledger
    return BlackBoxResult(ledger.incumbent, ledger.incumbent_score, history, loop.note, strategy)


def _run(
    loop: BlackBoxLoop, history: History, folder: RunFolder | InMemory, *, progress: bool
) -> None:
    """Go on until the budget is used up; append rows and save on the way."""
    ledger, plan = loop.ledger, loop.plan
    by_evaluations = math.isfinite(plan.evaluations)
    total = plan.evaluations if by_evaluations else round(plan.seconds)
    unit = "evaluations" if by_evaluations else "s"
    with tqdm(total=total, disable=not progress, unit=unit, desc=plan.method) as bar:
        while (row := loop.advance()) is not None:
            history.append(row)
            if folder.path is not None:
                folder.save_if_due(loop, history)
            if progress:
                used = row["evaluations"] if by_evaluations else ledger.seconds_spent
                bar.set_postfix_str(_best_text(row["best"]), refresh=False)
                bar.update(min(int(used), total) - bar.n)


def _best_text(best: float | None) -> str:
    return "" if best is None else f"best {best:.4f}"


@contextlib.contextmanager
def _explained_stop(loop: BlackBoxLoop, folder: RunFolder | InMemory) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        where = f"evaluation {loop.steps_done} of {budget_text(loop.plan)}"
        raise SearchInterrupted(f"Stopped after {where}. {folder.how_to_resume()}") from None


def _report(loop: BlackBoxLoop, command: str | None) -> dict[str, Any]:
    """Content of result.json."""
    plan, ledger, score = loop.plan, loop.ledger, loop.ledger.incumbent_score
    limits = {"evaluations": plan.evaluations, "seconds": plan.seconds}
    return {
        "format": 1,
        "architecture": None if score is None else str(ledger.incumbent),
        "scores": None
        if score is None
        else {"value": score.value, "fidelity": score.fidelity, "measures": dict(score.measures)},
        "cost": {
            "seconds": ledger.seconds_spent,
            "evaluations": ledger.epochs_spent / ledger.unit,
            "rows": loop.steps_done,
        },
        "budget": {k: v if math.isfinite(v) else None for k, v in limits.items()},
        "note": loop.note,
        "command": command,
    } | plan.header()


def _strategy(method: str | Strategy, plan: BlackBoxPlan) -> Strategy:
    if not isinstance(method, str):
        return method
    row = _black_box_row(method)
    max_epochs = getattr(plan.estimate, "max_epochs", None)
    return row.make(plan.space, seed=plan.seed, max_epochs=max_epochs, **plan.options)


def _all_options(method: str | Strategy, options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Give the options with the defaults of those that were left out."""
    if isinstance(method, str):
        return _black_box_row(method).options() | dict(options or {})
    if options:
        raise InvalidInput(
            f"options: got {sorted(options)} beside a strategy that is made already; give them to "
            "its constructor."
        )
    return {}


def _black_box_row(name: str) -> methods.BlackBoxMethod:
    row = methods.get(name)
    if not isinstance(row, methods.BlackBoxMethod):
        raise InvalidInput(
            f"method: got {name!r}, which trains a supernet; use search_gradient({name!r}, data, "
            f"settings=...), or one of: {', '.join(methods.names('black-box'))}."
        )
    return row


def _checked_evaluations(evaluations: int | None, seconds: float | None) -> float:
    if evaluations is None and seconds is None:
        raise InvalidInput(
            "budget: got none; give evaluations (--evaluations) or seconds (--seconds)."
        )
    return math.inf if evaluations is None else checked_count("evaluations", evaluations)
