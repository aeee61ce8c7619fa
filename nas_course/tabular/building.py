"""Building the table: every cell is trained, and a kill costs next to nothing.

One process hands out trainings and appends each finished row to a file at once, so a kill loses
what was in training and nothing else. A line that the kill cut short is dropped on the next start.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock, Timeout
from tqdm.auto import tqdm

import nas_course
from nas_course.data import ImageData
from nas_course.errors import InvalidInput
from nas_course.parallel import ResubmittingPool
from nas_course.tabular.classes import SPACE, representatives
from nas_course.tabular.protocol import Protocol, train_cell
from nas_course.tabular.rows import Row

ROWS_FILE = "rows.jsonl"
ORDER_SEED = 201
REPEATED = 420  # cells with a second and third seed
STRATA = 20  # by test accuracy of the first seed
Task = tuple[str, int]  # text of a cell, seed

_images: dict[Protocol, ImageData] = {}  # of a worker process


@dataclass(frozen=True)
class Made:
    """By what code the rows of a file were made: version of the package, commit, torch."""

    version: str
    commit: str
    torch: str


def build(out: Path, protocol: Protocol, workers: int, extra_seeds: int = 2) -> list[dict]:
    """Train what is missing in `out`, with a progress bar; return all rows.

    Parameters
    ----------
    out : Path
        A folder. Rows that it has, of the same protocol, are kept.
    protocol : Protocol
    workers : int
        Processes; each trains with one thread.
    extra_seeds : int
        Seeds after the first, for `REPEATED` cells.

    Raises
    ------
    InvalidInput
        The folder holds rows of another protocol, or another process builds in it.
    """
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / ".lock", timeout=0):
            return _build_owned(out, protocol, workers, extra_seeds)
    except Timeout as error:
        raise InvalidInput(f"{out}: another process builds here; wait for it.") from error


def _build_owned(out: Path, protocol: Protocol, workers: int, extra_seeds: int) -> list[dict]:
    log = RowLog(out / ROWS_FILE, protocol)
    cells = shuffled([str(cell) for cell in representatives()])
    with log, ResubmittingPool(workers, initializer=prepare, initargs=(protocol,)) as pool:
        train_missing(pool, log, protocol, [(text, 0) for text in cells], workers)
        chosen = stratified(log.rows, REPEATED)
        more = [(text, seed) for seed in range(1, extra_seeds + 1) for text in chosen]
        train_missing(pool, log, protocol, more, workers)
    return log.rows


def shuffled(texts: list[str]) -> list[str]:
    """Shuffle by a fixed seed, so that every beginning of the order is a uniform sample."""
    order = np.random.default_rng(ORDER_SEED).permutation(len(texts))
    return [texts[index] for index in order]


def stratified(rows: list[dict], count: int) -> list[str]:
    """Draw `count` cells, equally many from each of `STRATA` strata of first-seed accuracy."""
    first = sorted((row for row in rows if row["seed"] == 0), key=lambda row: row["cell"])
    first.sort(key=lambda row: row["test_accuracy"])
    rng = np.random.default_rng(ORDER_SEED)
    return [
        first[index]["cell"]
        for stratum in np.array_split(np.arange(len(first)), STRATA)
        for index in np.sort(rng.permutation(stratum)[: count // STRATA])
    ]


class RowLog:
    """A file of finished rows, one JSON object a line; the first line holds the protocol.

    Parameters
    ----------
    path : Path
        Continued if it exists. A line without its end, as a kill leaves it, is cut off.
    protocol : Protocol

    Raises
    ------
    InvalidInput
        The file was made with another protocol, or a line before the last is damaged.
    """

    def __init__(self, path: Path, protocol: Protocol) -> None:
        self.path = path
        self.rows: list[dict] = []
        lines = _whole_lines(path)
        if lines:
            _require_same(path, json.loads(lines[0])["protocol"], protocol)
            self.rows = [_parsed(path, number, line) for number, line in enumerate(lines[1:], 2)]
        self.done = {(row["cell"], row["seed"]) for row in self.rows}
        self.file = open(path, "ab")  # noqa: SIM115 - closed by __exit__
        if not lines:
            self._write({"protocol": protocol.describe()})

    def __enter__(self) -> RowLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def add(self, text: str, row: Row, made: Made) -> None:
        """Append a row and force it to the disk."""
        record = {"cell": text, **asdict(row), **asdict(made)}
        self._write(record)
        self.rows.append(record)
        self.done.add((text, row.seed))

    def _write(self, record: dict) -> None:
        self.file.write(json.dumps(record).encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())


def train_missing(
    pool: Executor, log: RowLog, protocol: Protocol, tasks: list[Task], workers: int
) -> None:
    """Train the tasks that the log lacks, and add each row as soon as it is there.

    The processes of the pool have called `prepare`. Only twice as many tasks as workers are
    submitted at a time, so that little is in flight.
    """
    left = iter([task for task in tasks if task not in log.done])
    made = made_by()
    running: dict[Future, Task] = {}
    done = sum(task in log.done for task in tasks)
    with tqdm(total=len(tasks), initial=done, unit="cell", smoothing=0.02) as bar:
        while True:
            running |= _submit(pool, protocol, left, 2 * workers - len(running))
            if not running:
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                text, _ = running.pop(future)
                log.add(text, future.result(), made)
                bar.update()


def prepare(protocol: Protocol) -> None:
    """Load the images once, in the process that is to train."""
    torch.set_num_threads(1)
    _images[protocol] = protocol.load()


def made_by() -> Made:
    """Describe the code that runs: "unknown" as commit where there is no git repository."""
    here = Path(nas_course.__file__).resolve().parent
    ask = ["git", "-C", str(here), "rev-parse", "HEAD"]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, check=True, timeout=10)
        commit = answer.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        commit = "unknown"
    return Made(nas_course.__version__, commit, torch.__version__)


def _submit(
    pool: Executor, protocol: Protocol, left: Iterator[Task], count: int
) -> dict[Future, Task]:
    tasks = [task for _, task in zip(range(count), left, strict=False)]
    return {pool.submit(_train, text, protocol, seed): (text, seed) for text, seed in tasks}


def _train(text: str, protocol: Protocol, seed: int) -> Row:
    return train_cell(SPACE.parse(text), protocol, seed, _images[protocol])


def _whole_lines(path: Path) -> list[bytes]:
    """Read the lines that have an end; cut the file after the last of them."""
    if not path.exists():
        return []
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        os.truncate(path, end)
    return content[:end].splitlines()


def _parsed(path: Path, number: int, line: bytes) -> dict:
    try:
        return json.loads(line)
    except ValueError as error:
        raise InvalidInput(
            f"{path}, line {number}: damaged ({error}). Remove the line; its cell is trained again."
        ) from error


def _require_same(path: Path, found: dict, protocol: Protocol) -> None:
    wanted = protocol.describe()
    different = [
        f"{name} {found.get(name)!r} instead of {wanted.get(name)!r}"
        for name in sorted({*found, *wanted})
        if found.get(name) != wanted.get(name)
    ]
    if different:
        raise InvalidInput(
            f"{path} holds rows of another protocol ({'; '.join(different)}). "
            "Choose another folder with --out."
        )
