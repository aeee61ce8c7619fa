"""The runs of a leaderboard on disk, a line each, and the compact file made of them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nas_course import __version__, tabular
from nas_course.errors import InvalidInput
from nas_course.history import Row
from nas_course.search import SearchInterrupted
from nas_course.storage import append_to_file, make_folder, write_file

FORMAT = 1


class Runs:
    """The runs of one entry: a header line with its hyperparameters, a line for each run.

    Parameters
    ----------
    folder : Path
    name : str
    options : mapping
        Hyperparameters; runs with others are refused.

    Attributes
    ----------
    records : dict
        Seed -> record.

    Raises
    ------
    InvalidInput
        The file was made with other hyperparameters.
    """

    def __init__(self, folder: Path, name: str, options: Mapping[str, Any]) -> None:
        self.path = folder / f"{name}.jsonl"
        header = {"name": name, "options": json.loads(json.dumps(dict(options)))}
        lines = self.path.read_bytes().split(b"\n")[:-1] if self.path.exists() else []
        self.records = {record["seed"]: record for record in map(json.loads, lines[1:])}
        if lines and json.loads(lines[0]) != header:
            raise InvalidInput(
                f"resume: {self.path} was made with {json.loads(lines[0])['options']}, but "
                f"{header['options']} was asked for. Ask for the same, delete this file to run "
                f"the method anew, or give another --out."
            )
        content = b"".join(_line(record) for record in (header, *self.records.values()))
        write_file(self.path, content)  # without a line that was cut off

    def append(self, record: Row) -> None:
        """Add a run at once, so that a kill loses only what is in work."""
        append_to_file(self.path, _line(record))
        self.records[record["seed"]] = record

    def missing(self, seeds: int) -> list[int]:
        """List the seeds from 0 to `seeds` - 1 that have no record yet."""
        return [seed for seed in range(seeds) if seed not in self.records]


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def runs_folder(out: str | Path) -> Path:
    """Make the folder of the runs beside a results file."""
    folder = Path(out).with_name(f"{Path(out).stem}.runs")
    make_folder(folder)
    return folder


def require_protocol(folder: Path, protocol: Mapping[str, Any], resume: bool) -> None:
    """Store under which protocol a folder's runs are made; refuse to mix two.

    Raises
    ------
    InvalidInput
        The folder has runs and `resume` is not set, or they were made under another protocol.
    """
    file = folder / "protocol.json"
    wanted = json.loads(json.dumps(dict(protocol)))
    if not file.exists():
        write_file(file, json.dumps(wanted).encode())
        return
    if not resume:
        raise InvalidInput(
            f"out: {folder} has runs already; go on with them by resume=True (--resume), or give "
            f"another file (--out)."
        )
    before = json.loads(file.read_bytes())
    for name, value in wanted.items():
        if before.get(name) != value:
            raise InvalidInput(
                f"resume: {folder} was made with {name} = {before.get(name)!r}, but {value!r} "
                f"was asked for. Ask for the same, or give another file (--out)."
            )


@contextlib.contextmanager
def explained_stop(folder: Path, kept: Collection[Runs]) -> Iterator[None]:
    """Say at Ctrl-C which runs are done, and how the others are made."""
    try:
        yield
    except KeyboardInterrupt:
        done = sum(len(runs.records) for runs in kept)
        raise SearchInterrupted(
            f"Stopped with {done} runs done, which are kept in {folder}; what was under way is "
            "made anew. Go on with resume=True (--resume)."
        ) from None


def compact(board: Mapping[str, Any]) -> bytes:
    """Write an entry a line: small, and still something that a person can look at."""
    entries = ",\n".join(json.dumps(e, separators=(",", ":")) for e in board["entries"])
    header = json.dumps({key: value for key, value in board.items() if key != "entries"}, indent=1)
    return f'{header[:-2]},\n "entries": [\n{entries}\n]}}\n'.encode()


def fingerprint(table: tabular.Table) -> str:
    """Return 16 digits of the SHA-256 of a table's columns."""
    digest = hashlib.sha256()
    for column in (table.valid, table.test, table.seconds, table.parameters):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()[:16]


def made_with() -> dict[str, Any]:
    """Name versions and machine."""
    return {
        "versions": {
            "nas_course": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
