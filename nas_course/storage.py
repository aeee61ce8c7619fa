"""The state of a run on disk: whole generations, checked by checksum, one owner at a time.

A generation is written into a folder of its own, synced, and appears by one rename; so a reader or
a crash sees the old one or the new one, never a mixture. Use::

    with owned(folder):                                # RunFolderBusy if another process has it
        save_generation(folder, {"state.pt": pack_state(state)}, run={"method": "darts-1st"})
    state = newest_generation(                         # damaged ones are skipped with a warning
        folder, accept=lambda generation: unpack_state(generation.files["state.pt"])
    )
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import io
import json
import os
import re
import socket
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import filelock

from nas_course.errors import CourseError, InvalidInput

FORMAT = 1
KIND = "nas-course checkpoint"
MANIFEST = "manifest.json"
KEPT_GENERATIONS = 3

_NAME = re.compile(r"generation-(\d{8})")
_LEFTOVER = re.compile(r"\.(draft|old)-.*")
_START_ANEW = "start anew in another folder (another --out), or delete this one."

T = TypeVar("T")


class CheckpointError(CourseError):
    """A saved state that cannot be written or read; the message names file and remedy."""


class RunFolderBusy(CourseError):
    """Another process is working in the run folder."""


@dataclass(frozen=True)
class Generation:
    """One saved state: its number (from 1), what it belongs to, and the content of its files."""

    number: int
    run: dict[str, Any]
    files: dict[str, bytes]
    path: Path


@contextlib.contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Own a run folder until the block ends or the process dies (the kernel holds the lock).

    Raises
    ------
    RunFolderBusy
        At once, with the owner's process id and start time.
    """
    lock = filelock.FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise RunFolderBusy(
            f"{folder}: another search is working in this folder ({_describe_owner(folder)}). "
            f"Wait for it, stop it, or choose another folder with --out."
        ) from None
    except OSError as error:
        raise CheckpointError(
            f"{folder}: this folder cannot be written ({error.strerror or error}); mend its "
            f"rights, or choose another with --out."
        ) from error
    try:
        started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        owner = {"pid": os.getpid(), "host": socket.gethostname(), "started": started}
        write_file(folder / "owner.json", json.dumps(owner).encode())
        yield
    finally:
        lock.release()


def _describe_owner(folder: Path) -> str:
    try:
        owner = json.loads((folder / "owner.json").read_bytes())
        return f"process {owner['pid']} on {owner['host']}, started {owner['started']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "process unknown"


def write_file(path: Path, content: bytes) -> None:
    """Replace a file by one rename: a reader or a crash sees the old content or the new.

    Raises
    ------
    CheckpointError
        The disk refused.
    """
    draft = path.with_name(f".draft-{path.name}")
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)
        _write_new(draft, content)
        os.replace(draft, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _not_written(path, error) from error


def append_to_file(path: Path, content: bytes) -> None:
    """Add to the end of a file, down to the disk; a crash may leave a part of it there.

    Raises
    ------
    CheckpointError
        The disk refused.
    """
    try:
        with path.open("ab") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _not_written(path, error) from error


def make_folder(path: Path) -> None:
    """Make a folder that results go to, and those above it, where they are missing.

    Raises
    ------
    InvalidInput
        It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"out: the folder {path} cannot be made ({error.strerror}); choose another (--out)."
        ) from error


def save_generation(
    folder: Path, files: Mapping[str, bytes], run: Mapping[str, Any], keep: int = KEPT_GENERATIONS
) -> Path:
    """Write the next generation and remove all but the newest ``keep``.

    Parameters
    ----------
    folder : Path
        Where generations stand, one folder each; made if missing.
    files : mapping
        File name -> content.
    run : mapping
        What the state belongs to, as JSON values; given back by `newest_generation`.

    Raises
    ------
    CheckpointError
        The disk refused. Earlier generations are whole.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        _remove_leftovers(folder)
        final = _write_generation(folder, files, run)
    except OSError as error:
        with contextlib.suppress(OSError):
            _remove_leftovers(folder)
        raise CheckpointError(
            f"{folder}: the state could not be saved ({error.strerror or error}). Earlier states "
            f"are whole: mend the cause (disk full? rights?), then go on with --resume."
        ) from error
    with contextlib.suppress(OSError):  # an old generation that stays costs only space
        _remove_old(folder, keep)
    return final


def newest_generation(folder: Path, accept: Callable[[Generation], T]) -> T:
    """Give what ``accept`` makes of the newest generation that is whole.

    ``accept`` may raise `CheckpointError` too; then the generation before it is tried. Each one
    that is passed over is named in a warning.

    Raises
    ------
    CheckpointError
        There is none.
    """
    failures: dict[Path, CheckpointError] = {}
    while path := next((p for p in generations(folder) if p not in failures), None):
        try:
            return accept(read_generation(path))
        except CheckpointError as error:
            failures[path] = error
            if path.exists():  # else the run that owns the folder has replaced it meanwhile
                warnings.warn(f"{error} Trying the state saved before it.", stacklevel=2)
    reasons = "".join(f"\n  {error}" for error in failures.values())
    raise CheckpointError(f"{folder}: no saved state can be read; {_START_ANEW}{reasons}")


def generations(folder: Path) -> list[Path]:
    """Folders of the generations, newest first, whether whole or damaged."""
    if not folder.is_dir():
        return []
    return sorted((p for p in folder.iterdir() if _NAME.fullmatch(p.name)), reverse=True)


def read_generation(path: Path) -> Generation:
    """Read one generation and compare every file with its checksum."""
    manifest = _read_manifest(path)
    try:
        sums = {name: (entry["size"], entry["sha256"]) for name, entry in manifest["files"].items()}
        files = {name: _read_checked(path / name, *sums[name]) for name in sums}
        return Generation(manifest["number"], dict(manifest["run"]), files, path)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path / MANIFEST, f"an entry is missing or wrong: {error}") from error


def _read_checked(file: Path, size: int, sha256: str) -> bytes:
    content = _read(file)
    if len(content) != size:
        raise _damaged(file, f"{len(content)} bytes instead of {size}")
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _damaged(file, "its checksum differs")
    return content


def pack_state(state: Mapping[str, Any]) -> bytes:
    """Turn nested dicts of tensors, numbers and text into the bytes of a ``torch.save`` file."""
    import torch

    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    return buffer.getvalue()


def unpack_state(content: bytes, name: str | Path = "state.pt") -> dict[str, Any]:
    """Undo `pack_state`; with ``weights_only``, so that a forged file cannot run code."""
    import torch

    try:
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling garbage raises nearly anything
        reason = str(error).splitlines()[0][:80] if str(error) else type(error).__name__
        raise _damaged(Path(name), f"torch cannot load it: {reason}") from error


def _write_generation(folder: Path, files: Mapping[str, bytes], run: Mapping[str, Any]) -> Path:
    number = max((_number(path) for path in generations(folder)), default=0) + 1
    draft, final = folder / f".draft-{number:08d}", folder / f"generation-{number:08d}"
    os.mkdir(draft)
    for name, content in files.items():
        _write_new(draft / name, content)
    _write_new(draft / MANIFEST, _make_manifest(number, files, run))
    _sync_folder(draft)
    os.rename(draft, final)
    _sync_folder(folder)
    return final


def _make_manifest(number: int, files: Mapping[str, bytes], run: Mapping[str, Any]) -> bytes:
    sums = {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    }
    body = {"kind": KIND, "format": FORMAT, "number": number, "run": dict(run), "files": sums}
    return json.dumps(body | {"sha256": _checksum(body)}, indent=1).encode()


def _checksum(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _read_manifest(path: Path) -> dict[str, Any]:
    file = path / MANIFEST
    try:
        body = json.loads(_read(file))
        stated = body.pop("sha256", None)
    except (ValueError, RecursionError, AttributeError, TypeError):
        raise _damaged(file, "it is not the manifest of a state") from None
    if body.get("kind") != KIND:
        raise _damaged(file, "it is not the manifest of a state")
    if body.get("format") != FORMAT:
        raise CheckpointError(
            f"{file}: checkpoint format {body.get('format')!r}, but this version of nas-course "
            f"reads format {FORMAT}; go on with the version that wrote it, or {_START_ANEW}"
        )
    if stated != _checksum(body):
        raise _damaged(file, "its checksum differs")
    if body.get("number") != _number(path):
        raise _damaged(file, f"it belongs to generation {body.get('number')}")
    return body


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise _damaged(file, error.strerror or str(error)) from error


def _not_written(file: Path, error: OSError) -> CheckpointError:
    return CheckpointError(
        f"{file}: this file could not be written ({error.strerror or error}). Mend the cause "
        f"(disk full? rights?), then go on with --resume."
    )


def _damaged(file: Path, reason: str) -> CheckpointError:
    return CheckpointError(f"{file}: this saved state is damaged ({reason}).")


def _number(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    return int(match.group(1)) if match else -1


def _write_new(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet, down to the disk."""
    binary = getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | binary, 0o666)
    try:
        rest = memoryview(content)
        while rest:  # one call may write less than it was given
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can (Windows cannot)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_leftovers(folder: Path) -> None:
    for path in folder.iterdir():
        if _LEFTOVER.fullmatch(path.name):
            _remove_tree(path)


def _remove_old(folder: Path, keep: int) -> None:
    for path in generations(folder)[keep:]:
        old = path.with_name(f".old-{path.name}")
        os.rename(path, old)  # it disappears at once for readers, whatever happens next
        _remove_tree(old)


def _remove_tree(path: Path) -> None:
    if not path.is_dir():
        os.unlink(path)
        return
    for entry in path.iterdir():
        os.unlink(entry)
    os.rmdir(path)
