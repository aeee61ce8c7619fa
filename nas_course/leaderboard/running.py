"""Make the leaderboard: run after run, in processes, resumable, into one compact file."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from nas_course import __version__, tabular
from nas_course.errors import InvalidInput
from nas_course.history import Row
from nas_course.leaderboard.entries import Entry
from nas_course.leaderboard.measuring import POINT, Grids, measure, needs_partial_training
from nas_course.leaderboard.statistics import RIVAL, difference_of_medians, quartiles
from nas_course.parallel import ResubmittingPool
from nas_course.storage import owned, write_file

KIND = "nas-course leaderboard"
FORMAT = 1
SEEDS_OF_A_TASK = 5  # so that a kill costs little and workers are rarely spoken to


def make_leaderboard(
    entries: Sequence[Entry],
    out: str | Path,
    *,
    evaluations: int = 300,
    table: str | Path | None = None,
    workers: int = 1,
    resume: bool = False,
    progress: bool = True,
    command: str | None = None,
) -> dict[str, Any]:
    """Run every entry with every seed that is missing, and write the file.

    Parameters
    ----------
    entries : sequence of Entry
    out : path
        The JSON file. Beside it the folder ``NAME.runs`` keeps a line for each run, so that a
        killed command goes on where it was and more entries or seeds can be added.
    evaluations : int
        Budget of each run, in full evaluations; partial trainings count as their share.
    table : path, optional
        A table of your own instead of the shipped one.
    workers : int
    resume : bool
        Go on with the runs beside `out`.
    progress : bool
        Show a bar with the time left.
    command : str, optional
        Kept in the file: what to type to get it.

    Raises
    ------
    InvalidInput
        `out` has runs and `resume` is not set, or they were made under another protocol.
    """
    loaded = tabular.load(table)
    grids = Grids.for_budget(evaluations, float(loaded.seconds.mean()))
    protocol = {"evaluations": evaluations, "table": _fingerprint(loaded)}
    folder = Path(out).with_name(f"{Path(out).stem}.runs")
    folder.mkdir(parents=True, exist_ok=True)
    with owned(folder):
        _require_protocol(folder, protocol, resume)
        kept = {entry.name: _Runs(folder, entry) for entry in entries}
        tasks = [task for entry in entries for task in _tasks(entry, kept[entry.name])]
        total = sum(len(seeds) for _, seeds in tasks)
        with tqdm(total=total, disable=not progress, unit="run") as bar:
            for entry, records in _results(tasks, loaded, table, evaluations, grids, workers):
                bar.set_description(entry.name, refresh=False)
                for record in records:
                    kept[entry.name].append(record)
                bar.update(len(records))
        board = _header(loaded, evaluations, grids, command)
        board["entries"] = _summaries(entries, kept)
        write_file(Path(out), _compact(board))
    return board


def read(path: str | Path) -> dict[str, Any]:
    """Read a leaderboard: "evaluations", "grids", "floor", "entries" and how it was made.

    Raises
    ------
    InvalidInput
        There is no such file, or it is no leaderboard.
    """
    file = Path(path)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(
            f"leaderboard: {file} cannot be read ({error.strerror}); make it with "
            f"`nas-course leaderboard`."
        ) from error
    except ValueError as error:
        raise InvalidInput(f"leaderboard: {file} is damaged ({error}); make it anew.") from error
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise InvalidInput(f"leaderboard: {file} is none; name one of `nas-course leaderboard`.")
    if content.get("format") != FORMAT:
        raise InvalidInput(
            f"leaderboard: {file} has the format {content.get('format')!r}; this version reads "
            f"{FORMAT}. Make it anew with `nas-course leaderboard`."
        )
    return content


class _Runs:
    """The runs of one entry on disk: a header line with its hyperparameters, a line for each."""

    def __init__(self, folder: Path, entry: Entry) -> None:
        self.path = folder / f"{entry.name}.jsonl"
        header = {"name": entry.name, "options": json.loads(json.dumps(entry.options()))}
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
        with self.path.open("ab") as file:
            file.write(_line(record))
        self.records[record["seed"]] = record


def _line(record: Row) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def _tasks(entry: Entry, runs: _Runs) -> Iterator[tuple[Entry, list[int]]]:
    missing = [seed for seed in range(entry.seeds) if seed not in runs.records]
    for start in range(0, len(missing), SEEDS_OF_A_TASK):
        yield entry, missing[start : start + SEEDS_OF_A_TASK]


def _results(
    tasks: list[tuple[Entry, list[int]]],
    loaded: tabular.Table,
    table: str | Path | None,
    evaluations: int,
    grids: Grids,
    workers: int,
) -> Iterator[tuple[Entry, list[Row]]]:
    """Yield the records of each task as they come, computed here or in processes."""
    if workers == 1:
        for entry, seeds in tasks:
            for seed in seeds:
                yield entry, [measure(entry, seed, loaded, evaluations, grids)]
        return
    with ResubmittingPool(workers, initializer=_take_table, initargs=(table,)) as pool:
        futures = {
            pool.submit(_measure_seeds, entry, seeds, evaluations, grids): entry
            for entry, seeds in tasks
        }
        for future in as_completed(futures):
            yield futures[future], future.result()


_TAKEN: dict[str, tabular.Table] = {}


def _take_table(table: str | Path | None) -> None:
    _TAKEN["table"] = tabular.load(table)


def _measure_seeds(entry: Entry, seeds: list[int], evaluations: int, grids: Grids) -> list[Row]:
    return [measure(entry, seed, _TAKEN["table"], evaluations, grids) for seed in seeds]


def _require_protocol(folder: Path, protocol: dict[str, Any], resume: bool) -> None:
    file = folder / "protocol.json"
    if not file.exists():
        write_file(file, json.dumps(protocol).encode())
        return
    if not resume:
        raise InvalidInput(
            f"out: {folder} has runs already; go on with them by resume=True (--resume), or give "
            f"another file (--out)."
        )
    before = json.loads(file.read_bytes())
    for name, value in protocol.items():
        if before.get(name) != value:
            raise InvalidInput(
                f"resume: {folder} was made with {name} = {before.get(name)!r}, but {value!r} "
                f"was asked for. Ask for the same, or give another file (--out)."
            )


def _fingerprint(table: tabular.Table) -> str:
    digest = hashlib.sha256()
    for column in (table.valid, table.test, table.seconds, table.parameters):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()[:16]


def _header(
    table: tabular.Table, evaluations: int, grids: Grids, command: str | None
) -> dict[str, Any]:
    chosen = int(table.valid[:, -1].argmax())
    return {
        "kind": KIND,
        "format": FORMAT,
        "command": command,
        "evaluations": evaluations,
        "regret": "best test accuracy of the table minus that of the architecture with the best "
        "validation accuracy at full fidelity so far, in percentage points",
        "floor": round(POINT * (table.best_test - float(table.test[chosen])), 4),
        "table": {
            "sha256": _fingerprint(table),
            "architectures": len(table),
            "complete": table.complete,
            "best_test": table.best_test,
            "seconds_each": round(float(table.seconds.mean()), 4),
        },
        "grids": {"evaluations": grids.evaluations, "seconds": grids.seconds},
        "versions": {
            "nas_course": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def _summaries(entries: Sequence[Entry], kept: dict[str, _Runs]) -> list[dict[str, Any]]:
    rows = {
        entry.name: [kept[entry.name].records[seed] for seed in range(entry.seeds)]
        for entry in entries
    }
    rival = rows.get(RIVAL)
    return [
        _summary(entry, rows[entry.name], None if entry.name == RIVAL else rival)
        for entry in entries
    ]


def _summary(entry: Entry, runs: list[Row], rival: list[Row] | None) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "name": entry.name,
        "method": entry.method,
        "options": entry.options(),
        "tuned": sorted(entry.tuned),
        "partial_training": needs_partial_training(entry),
        "seeds": entry.seeds,
        "final": [run["final"] for run in runs],
        "final_valid": [run["final_valid"] for run in runs],
        "by_evaluations": quartiles([run["by_evaluations"] for run in runs]),
        "by_seconds": quartiles([run["by_seconds"] for run in runs]),
    }
    for name in ("seconds", "hypervolume"):
        found = quartiles([[run[name]] for run in runs])
        summary[name] = [values[0] for values in found.values()]
    if rival is not None:
        for name in ("final", "final_valid"):
            result = difference_of_medians(summary[name], [run[name] for run in rival])
            numbers = (result.difference, result.low, result.high)
            summary[f"{name}_against_random"] = [_finite(number) for number in numbers]
            summary[f"{name}_verdict"] = result.verdict
    return summary


def _finite(number: float) -> float | None:
    return round(number, 4) if math.isfinite(number) else None


def _compact(board: dict[str, Any]) -> bytes:
    """Write an entry a line: small, and still something that a person can look at."""
    entries = ",\n".join(json.dumps(e, separators=(",", ":")) for e in board["entries"])
    header = json.dumps({key: value for key, value in board.items() if key != "entries"}, indent=1)
    return f'{header[:-2]},\n "entries": [\n{entries}\n]}}\n'.encode()
