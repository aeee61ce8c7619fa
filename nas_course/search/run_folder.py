"""The folder of a run: its history, checkpoints and result, and how it is resumed.

DIR/history.jsonl    grows by a line for each epoch
DIR/checkpoints/     the last states, see `nas_course.storage`
DIR/result.json      written at the end
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nas_course.data import ImageData
from nas_course.errors import InvalidInput
from nas_course.history import FILE_NAME, History
from nas_course.search.loop import GradientLoop, SearchPlan
from nas_course.storage import (
    CheckpointError,
    Generation,
    generations,
    newest_generation,
    owned,
    pack_state,
    save_generation,
    unpack_state,
    write_file,
)

STATE = "state.pt"
SAVING_SHARE = 0.02  # of the time, at most, goes into saving at the ends of short epochs
_OWN_NAMES = {FILE_NAME, "checkpoints", "result.json", "lock", "owner.json"}


class InMemory:
    """Stands for the folder of a run that is not kept."""

    def start(self, loop: GradientLoop) -> History:
        """Begin a history without a file."""
        return History(loop.plan.header())

    def save_if_due(self, loop: GradientLoop, history: History) -> None:
        """Keep nothing."""

    def save(self, loop: GradientLoop, history: History) -> None:
        """Keep nothing."""

    def finish(self, report: Mapping[str, Any]) -> None:
        """Keep nothing."""

    def how_to_resume(self) -> str:
        """Say that a stopped search is lost."""
        return "Nothing was saved, since no folder was given; give one with out= (--out)."


class RunFolder:
    """The folder of one run, owned by this process.

    Parameters
    ----------
    path : Path
        The folder.
    save_every : float
        Seconds after which the state is saved, within an epoch too.
    """

    def __init__(self, path: Path, save_every: float) -> None:
        self.path = path
        self.save_every = save_every
        self.run: dict[str, Any] = {}
        self.saved_step = -1
        self.saved_at = -float("inf")
        self.saving_took = 0.0

    @property
    def checkpoints(self) -> Path:
        """Where the saved states are."""
        return self.path / "checkpoints"

    def start(self, loop: GradientLoop) -> History:
        """Put the loop where the last saved state was and give the history up to there.

        Where nothing was saved the loop stays at its beginning and the history is empty.
        """
        self.run = {"identity": _identity(loop.plan), "environment": loop.plan.environment()}
        if not generations(self.checkpoints):
            self._require_unstarted()
            return History(loop.plan.header(), self.path / FILE_NAME)
        return newest_generation(self.checkpoints, accept=lambda saved: self._restore(saved, loop))

    def save_if_due(self, loop: GradientLoop, history: History) -> None:
        """Save after `save_every` seconds, and at the end of an epoch unless epochs are short."""
        waited = time.monotonic() - self.saved_at
        at_epoch_end = loop.step == 0
        if waited >= self.save_every or (
            at_epoch_end and self.saving_took <= SAVING_SHARE * waited
        ):
            self.save(loop, history)

    def save(self, loop: GradientLoop, history: History) -> None:
        """Save the state as a new generation, unless this step has been saved."""
        if loop.steps_done == self.saved_step:
            return
        start = time.monotonic()
        files = {STATE: pack_state(loop.state_dict()), FILE_NAME: history.to_bytes()}
        save_generation(self.checkpoints, files, self.run)
        self.saved_step, self.saved_at = loop.steps_done, time.monotonic()
        self.saving_took = self.saved_at - start

    def finish(self, report: Mapping[str, Any]) -> None:
        """Write the result."""
        write_file(self.path / "result.json", json.dumps(report, indent=1).encode() + b"\n")

    def how_to_resume(self) -> str:
        """Say how a stopped search goes on."""
        return f"Its state is in {self.path}; go on with resume=True (--resume)."

    def _require_unstarted(self) -> None:
        """Refuse to overwrite a run whose checkpoints were deleted."""
        file = self.path / FILE_NAME
        lines = file.read_bytes().count(b"\n") if file.exists() else 0
        if lines > 2 or (self.path / "result.json").exists():  # more than the header and row 0
            raise CheckpointError(
                f"{self.checkpoints}: the saved states of this run are gone, so it cannot be "
                f"resumed; its history and result are kept. Start anew in another folder (--out)."
            )

    def _restore(self, saved: Generation, loop: GradientLoop) -> History:
        """Take over a saved state; a damaged one raises `CheckpointError`."""
        _require_same_run(self.path, saved.run, self.run)
        try:
            loop.load_state_dict(unpack_state(saved.files[STATE], saved.path / STATE))
            content = saved.files[FILE_NAME]
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            reason = str(error).splitlines()[0][:120]
            raise CheckpointError(f"{saved.path}: the state does not fit ({reason}).") from error
        _warn_of_another_environment(saved.run, self.run)
        write_file(self.path / FILE_NAME, content)
        self.saved_step = loop.steps_done
        return History.reopen(self.path)


@contextlib.contextmanager
def opened(
    out: str | Path | None, *, resume: bool, save_every: float
) -> Iterator[RunFolder | InMemory]:
    """Make or reopen the folder of a run and own it until the block ends; None keeps nothing."""
    if out is None:
        yield InMemory()
        return
    path = Path(out)
    _require_usable(path, resume=resume)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"out: the folder {path} cannot be made ({error.strerror}); choose another (--out)."
        ) from error
    with owned(path):
        yield RunFolder(path, save_every)


def _require_usable(path: Path, *, resume: bool) -> None:
    present = {entry.name for entry in path.iterdir()} if path.is_dir() else set()
    if not present:
        return
    foreign = sorted(name for name in present - _OWN_NAMES if not name.startswith(".draft-"))
    if foreign:
        raise InvalidInput(
            f"out: {path} holds something else than a run ({', '.join(foreign[:3])}); "
            f"give a new or an empty folder (--out)."
        )
    if not resume:
        raise InvalidInput(
            f"out: {path} already holds a run; go on with it by resume=True (--resume), "
            f"or give another folder (--out)."
        )


def _identity(plan: SearchPlan) -> dict[str, Any]:
    """All that decides the result, as JSON gives it back; a resumed run must have the same."""
    named = {
        "method": plan.method.name,
        "space": plan.space.name,
        "data": plan.data.name,
        "data_sha256": _fingerprint(plan.data),
        "seed": plan.seed,
        "epochs": plan.epochs,
    }
    settings = {f"settings.{k}": v for k, v in dataclasses.asdict(plan.settings).items()}
    return json.loads(json.dumps(named | settings))


def _fingerprint(data: ImageData) -> str:
    """SHA-256 of the images and labels that a search sees."""
    digest = hashlib.sha256()
    for split in (data.train, data.valid):
        for tensor in (split.images, split.labels):
            digest.update(repr(tuple(tensor.shape)).encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()


def _require_same_run(path: Path, saved: dict[str, Any], asked: dict[str, Any]) -> None:
    before, now = saved.get("identity", {}), asked["identity"]
    for name in now:
        if before.get(name) != now[name]:
            raise InvalidInput(
                f"resume: the run in {path} has {name} = {before.get(name)!r}, but {now[name]!r} "
                f"was asked for. Ask for the same to go on, or give another folder (--out) for a "
                f"new run."
            )


def _warn_of_another_environment(saved: dict[str, Any], asked: dict[str, Any]) -> None:
    before, now = saved.get("environment"), asked["environment"]
    if before != now:
        warnings.warn(
            f"The saved part was computed by {before}, the rest will be by {now}: the result may "
            f"differ in the last bits from that of an uninterrupted run.",
            stacklevel=2,
        )
