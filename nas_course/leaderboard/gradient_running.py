"""The leaderboard of the gradient methods: run after run, resumable, into one file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from nas_course import tabular
from nas_course.errors import InvalidInput
from nas_course.history import Row
from nas_course.leaderboard.gradient_measuring import (
    EPOCHS,
    SETTINGS,
    Bench,
    GradientEntry,
    measure,
)
from nas_course.leaderboard.random_cells import RandomCells, difference_to_mean, frame
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
from nas_course.leaderboard.statistics import Difference, quartiles
from nas_course.parallel import ResubmittingPool
from nas_course.results_file import read_results
from nas_course.storage import owned, write_file
from nas_course.strategies.gradient import GradientSettings

KIND = "nas-course leaderboard of gradient methods"
COMMAND = "nas-course leaderboard --family gradient"
# In the file a list with one value for each seed.
PER_SEED = (
    "architecture", "test_accuracy", "valid_accuracy", "final", "final_valid", "seconds",
    "table_seconds", "weight_steps", "alpha_steps", "passes", "epochs", "diverged",
    "supernet_valid", "path", "columns",
)  # fmt: skip


def gradient_entries(
    names: Sequence[str],
    seeds: int,
    *,
    variants: Sequence[tuple[str, Mapping[str, Any]]] = (),
    seeds_of: Mapping[str, int] | None = None,
) -> list[GradientEntry]:
    """Make the list of those who take part: methods as they come, then with other options.

    Parameters
    ----------
    names : sequence of str
        Of the gradient family.
    seeds : int
        From 2 on.
    variants : sequence of (method, options)
    seeds_of : mapping, optional
        Method -> another number of seeds, of its variants too.

    Raises
    ------
    InvalidInput
        A name, an option or a number is not allowed.
    """
    given = {} if seeds_of is None else dict(seeds_of)
    for count in (seeds, *given.values()):
        if type(count) is not int or count < 2:
            raise InvalidInput(f"seeds: got {count!r}; allowed: whole numbers from 2 on.")
    wanted: list[tuple[str, Mapping[str, Any]]] = [(name, {}) for name in dict.fromkeys(names)]
    listed = [
        GradientEntry(name, dict(options), given.get(name, seeds))
        for name, options in (*wanted, *variants)
    ]
    for entry in (*listed, *(GradientEntry(name) for name in given)):
        entry.row()  # refuses what is not allowed
    return listed


def make_gradient_leaderboard(
    entries: Sequence[GradientEntry],
    out: str | Path,
    *,
    epochs: int = EPOCHS,
    settings: GradientSettings = SETTINGS,
    table: str | Path | None = None,
    workers: int = 1,
    resume: bool = False,
    progress: bool = True,
    command: str | None = None,
) -> dict[str, Any]:
    """Run every entry with every seed that is missing, and write the file after each.

    Parameters
    ----------
    entries : sequence of GradientEntry
    out : path
        The JSON file. Beside it the folder ``NAME.runs`` keeps a line for each run, so that a
        killed command goes on where it was and more entries or seeds can be added.
    epochs : int
        Length of every search: all take as many steps of the weights.
    settings : GradientSettings
        Of every search; the channels are those of the table's networks.
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
        `out` has runs and `resume` is not set, or they were made under another protocol, or the
        table has gaps.
    nas_course.data.DataNotFound
        The images of the table's protocol are not on this machine.
    """
    bench = Bench.load(tabular.load(table), settings, epochs)
    protocol = {
        "epochs": epochs,
        "settings": dataclasses.asdict(bench.settings),
        "table": fingerprint(bench.table),
    }
    folder = runs_folder(out)
    with owned(folder):
        require_protocol(folder, protocol, resume)
        kept = {entry.name: Runs(folder, entry.name, entry.row().options()) for entry in entries}
        tasks = [(e, seed) for e in entries for seed in kept[e.name].missing(e.seeds)]
        tasks.sort(key=lambda task: task[1])  # all methods with seed 0 first
        header = _header(bench, protocol, command)
        bar = tqdm(total=len(tasks), disable=not progress, unit="run")
        with explained_stop(folder, kept.values()), bar:
            for entry, record in _results(tasks, bench, table, workers):
                kept[entry.name].append(record)
                bar.set_description(f"{entry.name}, seed {record['seed']}", refresh=False)
                bar.update()
                _write(out, header, _summaries(entries, kept, bench))
        return _write(out, header, _summaries(entries, kept, bench))


def _write(
    out: str | Path, header: Mapping[str, Any], summaries: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    board = {**header, "entries": list(summaries)}
    write_file(Path(out), compact(board))
    return board


def read_gradient(path: str | Path) -> dict[str, Any]:
    """Read a leaderboard of gradient methods: "frame", "entries" and how it was made.

    Raises
    ------
    InvalidInput
        There is no such file, or it is something else.
    """
    return read_results(path, KIND, FORMAT, made_by=COMMAND)


def _results(
    tasks: Sequence[tuple[GradientEntry, int]],
    bench: Bench,
    table: str | Path | None,
    workers: int,
) -> Iterator[tuple[GradientEntry, Row]]:
    """Yield each run as it comes, computed here or in processes."""
    if workers == 1:
        for entry, seed in tasks:
            yield entry, measure(entry, seed, bench)
        return
    with ResubmittingPool(
        workers, initializer=_take_bench, initargs=(table, bench.settings, bench.epochs)
    ) as pool:
        futures = {pool.submit(_measure, entry, seed): entry for entry, seed in tasks}
        for future in as_completed(futures):
            yield futures[future], future.result()


_TAKEN: dict[str, Bench] = {}


def _take_bench(table: str | Path | None, settings: GradientSettings, epochs: int) -> None:
    _TAKEN["bench"] = Bench.load(tabular.load(table), settings, epochs)


def _measure(entry: GradientEntry, seed: int) -> Row:
    return measure(entry, seed, _TAKEN["bench"])


def _header(bench: Bench, protocol: Mapping[str, Any], command: str | None) -> dict[str, Any]:
    table = bench.table
    return {
        "kind": KIND,
        "format": FORMAT,
        "command": command,
        "regret": "best test accuracy of the table minus that of the architecture that the search "
        "derives, in percentage points; final_valid: the same in validation accuracy",
        **protocol,
        "table": {
            "sha256": fingerprint(table),
            "architectures": len(table),
            "best_test": table.best_test,
            "best_valid": table.best_valid,
            "seconds_each": round(float(table.seconds.mean()), 4),
        },
        "frame": frame(table),
    } | made_with()


def _summaries(
    entries: Sequence[GradientEntry], kept: Mapping[str, Runs], bench: Bench
) -> list[dict[str, Any]]:
    """Summarise the entries that have at least two runs."""
    cells = RandomCells(bench.table)
    found = ((entry, kept[entry.name].records) for entry in entries)
    return [
        _summary(entry, [records[seed] for seed in sorted(records)], cells, bench.epochs)
        for entry, records in found
        if len(records) > 1
    ]


def _summary(
    entry: GradientEntry, runs: Sequence[Row], cells: RandomCells, epochs: int
) -> dict[str, Any]:
    row = entry.row()
    summary: dict[str, Any] = {
        "name": entry.name,
        "method": entry.method,
        "options": row.options(),
        "changed": sorted(entry.options),
        "parts": dict(row.parts),
        "citation": row.citation,
        "seeds": [run["seed"] for run in runs],
    }
    summary |= {name: [run[name] for run in runs] for name in PER_SEED}
    for name in ("by_epoch", "by_epoch_valid"):
        curves = [_to_the_end(run[name], epochs) for run in runs]
        summary[name] = {"runs": curves} | quartiles(curves)
    budget = float(np.median(summary["table_seconds"]))
    summary["beats_random_cells"] = cells.beaten(summary["final"])
    summary["random_search"] = {"seconds": round(budget, 3)} | cells.search(budget)
    rivals = {"random_cell": cells.spread(), "random_search": summary["random_search"]}
    for rival, spreads in rivals.items():
        for name in ("final", "final_valid"):
            compared = difference_to_mean(summary[name], spreads[name]["mean"])
            summary[f"{name}_against_{rival}"] = _plain(compared)
    return summary


def _to_the_end(curve: Sequence[float], epochs: int) -> list[float]:
    """Hold the answer of a search that ended early: it does not change any more."""
    return [*curve, *[curve[-1]] * (epochs + 1 - len(curve))]


def _plain(compared: Difference) -> dict[str, Any]:
    numbers = {name: round(v, 4) for name, v in dataclasses.asdict(compared).items()}
    return numbers | {"verdict": compared.verdict}
