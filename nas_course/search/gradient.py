"""Run a gradient search to the end of its budget, with history, progress and checkpoints."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from nas_course import methods, spaces
from nas_course.data import ImageData
from nas_course.errors import InvalidInput
from nas_course.history import History
from nas_course.interruption import Interruption, delayed_interrupt
from nas_course.models import MixedSupernet, parameter_count
from nas_course.search.checks import checked_interval, checked_seconds, checked_seed
from nas_course.search.loop import (
    METRICS,
    GradientLoop,
    GradientMethod,
    SearchInterrupted,
    SearchPlan,
)
from nas_course.search.run_folder import InMemory, RunFolder, opened
from nas_course.spaces import Cell201, DARTSSpace, Genotype, NASBench201Space
from nas_course.strategies.gradient import GradientSettings

SCHEDULE_EPOCHS = 50  # of the learning rate where only seconds are given; DARTS, section 3.1
LIVE_SECONDS = 0.05  # between two epochs, views are told at most so often


@dataclass(frozen=True)
class SearchResult:
    """What a search found: the architecture, how it came there, and the trained supernet."""

    architecture: Genotype | Cell201
    history: History
    supernet: MixedSupernet


def search_gradient(
    method: str | GradientMethod,
    data: ImageData,
    *,
    settings: GradientSettings,
    space: str | DARTSSpace | NASBench201Space = "darts",
    epochs: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
    on_history: Callable[[History], object] | None = None,
    checkpoint_seconds: float = 30.0,
    command: str | None = None,
) -> SearchResult:
    """Search an architecture by gradients.

    Parameters
    ----------
    method : str or GradientMethod
        A name from `nas_course.methods`, or a row of your own.
    data : ImageData
        ``train`` trains the weights, ``valid`` the alphas; ``test`` is not touched.
    settings : GradientSettings
        Sizes of the supernet and hyperparameters.
    space : str or a search space
        "darts" or "nas-bench-201"; see `nas_course.spaces.get` for a part of the latter.
    epochs : int, optional
        Length of the search and of its learning-rate schedule. 50 where only seconds are given.
    seconds : float, optional
        Stop after the step in which so much search time is over, at the latest when the epochs
        are. Up to there the search is the same as one without this limit; where it stops is not
        repeatable.
    seed : int
        Of the initial weights and alphas, the order of the images and their augmentation.
    out : path, optional
        Folder to write: ``history.jsonl`` as it grows, checkpoints, ``result.json`` at the end.
    resume : bool
        Go on from the last checkpoint in ``out``; begin where there is none. So one cell can be
        run again and again until the search is done.
    progress : bool
        Show a bar with the time left.
    on_history : callable, optional
        Gets the history once before the first step, so that a view can subscribe.
    checkpoint_seconds : float
        Save so often within an epoch. At the end of an epoch the state is saved too, unless that
        would take more than 2 % of the time.
    command : str, optional
        Kept in ``result.json``: what to type to get this result.

    Raises
    ------
    InvalidInput
        A value is not allowed, ``out`` holds a run and ``resume`` is not set, or it holds another
        run than the one asked for.
    CheckpointError, RunFolderBusy
        See `nas_course.storage`.
    SearchDiverged
        A loss is not finite.
    SearchInterrupted
        Stopped by hand (Ctrl-C, the notebook's stop button): after the step under way, whose
        state is saved in ``out``. Stopped twice: at once, with the last saved state.
    """
    plan = SearchPlan(
        method=_gradient_method(method),
        space=spaces.get(space) if isinstance(space, str) else space,
        data=data,
        settings=settings,
        epochs=_checked_epochs(epochs, seconds),
        seconds=checked_seconds(seconds),
        seed=checked_seed(seed),
    )
    save_every = checked_interval(checkpoint_seconds)
    loop = GradientLoop(plan)
    with (
        opened(out, resume=resume, save_every=save_every) as folder,
        _explained_stop(loop, folder),
    ):
        history = folder.start(loop)
        if not history.rows:
            history.append(loop.row())
            folder.save(loop, history)
        if on_history is not None:
            on_history(history)
        with delayed_interrupt() as interruption:
            _run(loop, history, folder, interruption, progress=progress)
        folder.finish(_report(loop, history, command))
    return SearchResult(loop.strategy.architecture(), history, loop.strategy.supernet)


def _gradient_method(method: str | GradientMethod) -> GradientMethod:
    found = methods.get(method) if isinstance(method, str) else method
    if isinstance(found, methods.BlackBoxMethod):
        raise InvalidInput(
            f"method: got {method!r}, which tries single architectures and trains no supernet; "
            f"use nas_course.search.search({method!r}, estimate, evaluations=...)."
        )
    return found


def _run(
    loop: GradientLoop,
    history: History,
    folder: RunFolder | InMemory,
    interruption: Interruption,
    *,
    progress: bool,
) -> None:
    """Step until the budget is used up or somebody interrupts; append rows and save."""
    total = loop.plan.epochs * loop.steps
    bar = tqdm(total=total, initial=loop.steps_done, disable=not progress, unit="step")
    bar.set_description(loop.plan.method.name)
    told = time.monotonic()
    with bar:
        while not (loop.is_over or interruption.asked):
            loop.advance()
            bar.update()
            if time.monotonic() - told >= LIVE_SECONDS and loop.step < loop.steps:
                _show(bar, loop, history)
                told = time.monotonic()
            if loop.step == loop.steps:
                history.append(loop.finish_epoch())
            folder.save_if_due(loop, history)
    folder.save(loop, history)
    if loop.step:  # stopped within an epoch; a resumed run drops this row again
        history.append(loop.row())


def _show(bar: tqdm, loop: GradientLoop, history: History) -> None:
    kind = "valid" if loop.counts["valid_accuracy"] else "train"
    accuracy = loop.sums[f"{kind}_accuracy"] / loop.counts[f"{kind}_accuracy"]
    text = f"epoch {loop.epoch + 1}/{loop.plan.epochs}, {kind} accuracy {accuracy:.3f}"
    bar.set_postfix_str(text, refresh=False)
    if history.has_listeners:
        history.live(loop.row())


@contextlib.contextmanager
def _explained_stop(loop: GradientLoop, folder: RunFolder | InMemory) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        where = f"epoch {loop.epoch + 1} of {loop.plan.epochs}, step {loop.step} of {loop.steps}"
        raise SearchInterrupted(f"Stopped in {where}. {folder.how_to_resume()}") from None


def _report(loop: GradientLoop, history: History, command: str | None) -> dict[str, Any]:
    """Content of result.json."""
    plan, last = loop.plan, history.rows[-1]
    parts = {"train": plan.data.train, "valid": plan.data.valid}
    return {
        "format": 1,
        "method": plan.method.name,
        "space": plan.space.name,
        "data": {"name": plan.data.name, "image_size": plan.data.image_size}
        | {name: len(part) for name, part in parts.items()},
        "seed": plan.seed,
        "architecture": last["architecture"],
        "scores": {name: last[name] for name in METRICS},
        "cost": {
            "seconds": last["seconds"],
            "steps": loop.steps_done,
            "epochs": last["epoch"],
            "supernet_parameters": parameter_count(loop.strategy.supernet),
        },
        "budget": {
            "epochs": plan.epochs,
            "seconds": None if math.isinf(plan.seconds) else plan.seconds,
        },
        "settings": dataclasses.asdict(plan.settings),
        "options": plan.method.options(),
        "command": command,
    } | plan.environment()


def _checked_epochs(epochs: int | None, seconds: float | None) -> int:
    if epochs is None and seconds is None:
        raise InvalidInput("budget: got none; give epochs (--epochs) or seconds (--seconds).")
    if epochs is None:
        return SCHEDULE_EPOCHS
    if type(epochs) is not int or epochs < 1:
        raise InvalidInput(f"epochs: got {epochs!r}; allowed: whole numbers from 1 on.")
    return epochs
