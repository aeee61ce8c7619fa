"""The folder of a run, whatever the family: who may work there, and with which run."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from nas_course.errors import InvalidInput
from nas_course.storage import make_folder, owned


@contextlib.contextmanager
def owned_folder(out: str | Path, own_names: Collection[str], *, resume: bool) -> Iterator[Path]:
    """Make or reopen the folder of a run and own it until the block ends.

    Parameters
    ----------
    out : path
    own_names : collection of str
        What a run of this kind writes there; anything else is somebody else's.
    resume : bool
        Whether a run that is there may be gone on with.

    Raises
    ------
    InvalidInput
        The folder cannot be made, or holds what must not be touched.
    RunFolderBusy
        Another process is working in it.
    """
    path = Path(out)
    _require_usable(path, own_names, resume=resume)
    make_folder(path)
    with owned(path):
        yield path


def _require_usable(path: Path, own_names: Collection[str], *, resume: bool) -> None:
    present = {entry.name for entry in path.iterdir()} if path.is_dir() else set()
    if not present:
        return
    foreign = sorted(name for name in present - {*own_names} if not name.startswith(".draft-"))
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


def require_same_run(path: Path, saved: dict[str, Any], asked: dict[str, Any]) -> None:
    """Refuse to go on with a run whose "identity" differs from what is asked for."""
    before, now = saved.get("identity", {}), asked["identity"]
    for name in now:
        if before.get(name) != now[name]:
            raise InvalidInput(
                f"resume: the run in {path} has {name} = {before.get(name)!r}, but {now[name]!r} "
                f"was asked for. Ask for the same to go on, or give another folder (--out) for a "
                f"new run."
            )


def warn_of_another_environment(saved: dict[str, Any], asked: dict[str, Any]) -> None:
    """Warn if the "environment" that the bits depend on differs."""
    before, now = saved.get("environment"), asked["environment"]
    if before != now:
        warnings.warn(
            f"The saved part was computed by {before}, the rest will be by {now}: the result may "
            f"differ in the last bits from that of an uninterrupted run.",
            stacklevel=2,
        )
