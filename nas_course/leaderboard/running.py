"""Make the leaderboard: run after run, in processes, resumable, into one compact file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from nas_course import tabular
from nas_course.history import Row
from nas_course.leaderboard.entries import Entry
from nas_course.leaderboard.measuring import POINT, Grids, measure, needs_partial_training
from nas_course.leaderboard.records import (
    FORMAT,
    Runs,
    compact,
    explained_stop,
    fingerprint,
    made_with,
    require_protocol,
    runs_folder,
)
from nas_course.leaderboard.statistics import RIVAL, difference_of_medians, quartiles
from nas_course.parallel import ResubmittingPool
from nas_course.results_file import read_results
from nas_course.storage import owned, write_file

KIND = "nas-course leaderboard"
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
    protocol = {"evaluations": evaluations, "table": fingerprint(loaded)}
    folder = runs_folder(out)
    with owned(folder):
        require_protocol(folder, protocol, resume)
        kept = {entry.name: Runs(folder, entry.name, entry.options()) for entry in entries}
        tasks = [task for entry in entries for task in _tasks(entry, kept[entry.name])]
        total = sum(len(seeds) for _, seeds in tasks)
        bar = tqdm(total=total, disable=not progress, unit="run")
        with explained_stop(folder, kept.values()), bar:
            for entry, records in _results(tasks, loaded, table, evaluations, grids, workers):
                bar.set_description(entry.name, refresh=False)
                for record in records:
                    kept[entry.name].append(record)
                bar.update(len(records))
        board = _header(loaded, evaluations, grids, command)
        board["entries"] = _summaries(entries, kept)
        write_file(Path(out), compact(board))
    return board


def read(path: str | Path) -> dict[str, Any]:
    """Read a leaderboard: "evaluations", "grids", "floor", "entries" and how it was made.

    Raises
    ------
    InvalidInput
        There is no such file, or it is no leaderboard.
    """
    return read_results(path, KIND, FORMAT, made_by=KIND)


def _tasks(entry: Entry, runs: Runs) -> Iterator[tuple[Entry, list[int]]]:
    missing = runs.missing(entry.seeds)
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
            "sha256": fingerprint(table),
            "architectures": len(table),
            "complete": table.complete,
            "best_test": table.best_test,
            "seconds_each": round(float(table.seconds.mean()), 4),
        },
        "grids": {"evaluations": grids.evaluations, "seconds": grids.seconds},
    } | made_with()


def _summaries(entries: Sequence[Entry], kept: dict[str, Runs]) -> list[dict[str, Any]]:
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
