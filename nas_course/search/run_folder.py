"""The folder of a run: its history, checkpoints and result, and how it is resumed.

DIR/history.jsonl    grows by a line for each epoch or evaluation
DIR/scores.jsonl     every estimate as it comes, where single architectures are tried
DIR/checkpoints/     the last states, see `nas_course.storage`
DIR/result.json      written at the end
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from nas_course.history import FILE_NAME, History
from nas_course.search.folder import owned_folder, require_same_run, warn_of_another_environment
from nas_course.storage import (
    CheckpointError,
    Generation,
    generations,
    newest_generation,
    pack_state,
    save_generation,
    unpack_state,
    write_file,
)

STATE = "state.pt"
SAVING_SHARE = 0.02  # of the time, at most, goes into saving at the ends of short epochs
SCORES = "scores.jsonl"
_OWN_NAMES = {FILE_NAME, SCORES, "checkpoints", "result.json", "lock", "owner.json"}


class Plan(Protocol):
    """What is asked for."""

    def header(self) -> dict[str, Any]:
        """First line of the history."""

    def identity(self) -> dict[str, Any]:
        """All that decides the result, as JSON gives it back; a resumed run must have the same."""

    def environment(self) -> dict[str, Any]:
        """What the bits of the result depend on besides the plan."""


class Loop(Protocol):
    """A search in progress, of any family."""

    @property
    def plan(self) -> Plan:
        """What was asked for."""

    @property
    def steps_done(self) -> int:
        """Grows with every change of the state."""

    @property
    def may_save(self) -> bool:
        """Whether a state saved now leads to the same search, whatever the budget."""

    @property
    def at_row_end(self) -> bool:
        """Whether a long row was just finished, after which saving is worth while."""

    def state_dict(self) -> dict[str, Any]:
        """Everything the next step depends on."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Be where `state_dict` was called."""


class InMemory:
    """Stands for the folder of a run that is not kept."""

    path = None

    def start(self, loop: Loop) -> History:
        """Begin a history without a file."""
        return History(loop.plan.header())

    def save_if_due(self, loop: Loop, history: History) -> None:
        """Keep nothing."""

    def save(self, loop: Loop, history: History) -> None:
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

    def start(self, loop: Loop) -> History:
        """Put the loop where the last saved state was and give the history up to there.

        Where nothing was saved the loop stays at its beginning and the history is empty.
        """
        self.run = {"identity": loop.plan.identity(), "environment": loop.plan.environment()}
        if not generations(self.checkpoints):
            self._require_unstarted()
            return History(loop.plan.header(), self.path / FILE_NAME)
        return newest_generation(self.checkpoints, accept=lambda saved: self._restore(saved, loop))

    def save_if_due(self, loop: Loop, history: History) -> None:
        """Save after `save_every` seconds, and at the end of an epoch unless epochs are short."""
        waited = time.monotonic() - self.saved_at
        cheap = self.saving_took <= SAVING_SHARE * waited
        if loop.may_save and (waited >= self.save_every or (loop.at_row_end and cheap)):
            self.save(loop, history)

    def save(self, loop: Loop, history: History) -> None:
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

    def _restore(self, saved: Generation, loop: Loop) -> History:
        """Take over a saved state; a damaged one raises `CheckpointError`."""
        require_same_run(self.path, saved.run, self.run)
        try:
            loop.load_state_dict(unpack_state(saved.files[STATE], saved.path / STATE))
            content = saved.files[FILE_NAME]
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            reason = str(error).splitlines()[0][:120]
            raise CheckpointError(f"{saved.path}: the state does not fit ({reason}).") from error
        warn_of_another_environment(saved.run, self.run)
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
    with owned_folder(out, _OWN_NAMES, resume=resume) as path:
        yield RunFolder(path, save_every)
