"""The tabular benchmark in memory: look up what training a cell gave, singly or in bulk.

table = nas_course.tabular.load()
row = table.query("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|")
row.valid_accuracy[-1], row.test_accuracy, row.seconds
table.test[table.index(texts)]                  # many at once
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from nas_course.errors import CourseError, InvalidInput
from nas_course.spaces.nas_bench_201 import Cell201
from nas_course.tabular.classes import (
    cell_of,
    class_of_code,
    code_of,
    codes_of,
    representatives,
)
from nas_course.tabular.packing import Contents, unpack
from nas_course.tabular.rows import Row

SHIPPED = Path(__file__).with_name("table.npz")


class NotInTable(CourseError, KeyError):
    """The table has no training of this cell with this seed."""

    def __str__(self) -> str:  # KeyError would put the message in quotes
        return str(self.args[0])


class Table:
    """Trainings of NAS-Bench-201 cells, by cell and seed.

    Cells with the same canonical form are one class and share a row.

    Attributes
    ----------
    about : dict
        Protocol, versions and commits of the code that made it.
    architectures : tuple of Cell201
        One cell of each class, in the order of the columns: 6,466 if the table is complete.
    valid : array (n, epochs) float32
        Validation accuracy after every epoch, 0 to 1, seed 0. This and the next four are aligned
        with `architectures`.
    test : array (n,) float32
        Test accuracy after the last epoch.
    seconds : array (n,) float32
        Processor time of training.
    parameters, multiply_adds : arrays (n,) int64
    repeated : array (r,) int64
        Row numbers of the cells that were trained with every seed of `all_seeds`.
    repeated_valid, repeated_test : arrays (seeds, r, epochs) and (seeds, r) float32
        Their accuracies, seed 0 first.
    all_seeds : tuple of int
    """

    def __init__(self, contents: Contents) -> None:
        self.path: Path | None = None
        self._contents = contents
        self.about = contents.about
        columns, protocol = contents.columns, self.about["protocol"]
        self._valid = (columns["valid"] / protocol["valid_images"]).astype(np.float32)
        self._test = (columns["test"] / protocol["test_images"]).astype(np.float32)
        self._columns = columns
        first = columns["seed"] == 0
        self._class_of_row = columns["cell_class"][first].astype(np.int64)
        self._row_of_class = np.full(class_of_code().max() + 1, -1)
        self._row_of_class[self._class_of_row] = np.arange(len(self._class_of_row))
        cells = representatives()
        self.architectures = tuple(cells[number] for number in self._class_of_row)
        self.valid, self.test = self._valid[first], self._test[first]
        self.seconds = columns["seconds"][first]
        self.parameters = columns["parameters"][first].astype(np.int64)
        self.multiply_adds = columns["multiply_adds"][first].astype(np.int64)
        self._repeat(columns)
        pairs = zip(columns["cell_class"].tolist(), columns["seed"].tolist(), strict=True)
        self._trainings = {pair: number for number, pair in enumerate(pairs)}
        self._rows: dict[tuple[str | Cell201, int], Row] = {}
        for column in (self.valid, self.test, self.seconds, self.parameters, self.multiply_adds):
            column.setflags(write=False)  # whoever loads the same file shares this table

    def __reduce__(self) -> tuple:
        """Pickle the file's name, so that a process of a pool loads it once for all its tasks."""
        return (Table, (self._contents,)) if self.path is None else (load, (self.path,))

    def __len__(self) -> int:
        return len(self.architectures)

    def __repr__(self) -> str:
        state = "complete" if self.complete else "INCOMPLETE"
        return f"Table({len(self):,} cells, {self.about['trainings']:,} trainings, {state})"

    @property
    def complete(self) -> bool:
        """Whether every class of the space has a row."""
        return self.about["complete"]

    @property
    def epochs(self) -> int:
        """Length of the validation curves."""
        return self.valid.shape[1]

    @property
    def best_test(self) -> float:
        """Highest test accuracy of seed 0: regret is what an architecture stays below it."""
        return float(self.test.max())

    @property
    def best_valid(self) -> float:
        """Highest validation accuracy of seed 0 after the last epoch."""
        return float(self.valid[:, -1].max())

    def query(self, architecture: str | Cell201, seed: int = 0) -> Row:
        """Return the row of a cell, given as such or as text.

        Raises
        ------
        NotInTable
            This cell was not trained with this seed.
        InvalidInput
            The text names no cell of the space.
        """
        key = (architecture, seed)
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = self._make_row(architecture, seed)
        return row

    def seeds(self, architecture: str | Cell201) -> tuple[int, ...]:
        """List the seeds with which a cell was trained; empty if it was not."""
        number = self._class(architecture)
        return tuple(seed for seed in self.all_seeds if (number, seed) in self._trainings)

    def value(self, architecture: str | Cell201, epochs: int | None = None) -> float:
        """Return the validation accuracy after `epochs` epochs (all of them if None), seed 0."""
        curve = self.query(architecture).valid_accuracy
        if epochs is None:
            return curve[-1]
        if not 1 <= epochs <= len(curve):
            raise InvalidInput(f"epochs: got {epochs!r}; the curves have 1 to {len(curve)}.")
        return curve[epochs - 1]

    def index(self, architectures: Iterable[str | Cell201] | np.ndarray) -> np.ndarray:
        """Find the row numbers of many cells: (n,) int64, for indexing the columns.

        Parameters
        ----------
        architectures : iterable of texts or cells, or integer array (n, 6)
            An array holds the index of each edge's operation, as `space.indices` gives it.

        Raises
        ------
        NotInTable
            A cell was not trained; the message names the first.
        InvalidInput
            See `nas_course.tabular.classes.codes_of`.
        """
        codes = codes_of(architectures)
        rows = self._row_of_class[class_of_code()[codes]]
        if len(rows) and rows.min() < 0:
            raise self._missing(str(cell_of(int(codes[rows < 0][0]))), 0)
        return rows

    def _class(self, name: str | Cell201) -> int:
        return int(class_of_code()[code_of(name)])

    def _make_row(self, architecture: str | Cell201, seed: int) -> Row:
        training = self._trainings.get((self._class(architecture), seed))
        if training is None:
            raise self._missing(str(architecture), seed)
        columns, protocol = self._columns, self.about["protocol"]
        right = columns["valid"][training].tolist()
        return Row(
            valid_accuracy=tuple(count / protocol["valid_images"] for count in right),
            test_accuracy=int(columns["test"][training]) / protocol["test_images"],
            seconds=float(columns["seconds"][training]),
            parameters=int(columns["parameters"][training]),
            multiply_adds=int(columns["multiply_adds"][training]),
            seed=seed,
        )

    def _missing(self, text: str, seed: int) -> NotInTable:
        seeds = self.seeds(text)
        if seeds:
            listed = ", ".join(map(str, seeds))
            return NotInTable(f"{text} was trained with the seeds {listed}, not with {seed!r}.")
        return NotInTable(
            f"{text} was not trained: this table is incomplete, it holds {len(self):,} of "
            f"{self.about['classes']:,} cells. Use one of `table.architectures`."
        )

    def _repeat(self, columns: dict[str, np.ndarray]) -> None:
        """Collect the cells that have every seed."""
        seeds = np.unique(columns["seed"])
        groups = [columns["cell_class"][columns["seed"] == seed] for seed in seeds]
        common = groups[0]
        for group in groups[1:]:
            common = np.intersect1d(common, group)
        self.all_seeds = tuple(int(seed) for seed in seeds)
        self.repeated = self._row_of_class[common]
        rows = [
            np.flatnonzero((columns["seed"] == seed) & np.isin(columns["cell_class"], common))
            for seed in seeds
        ]
        self.repeated_valid = np.stack([self._valid[chosen] for chosen in rows])
        self.repeated_test = np.stack([self._test[chosen] for chosen in rows])


def load(path: str | Path | None = None) -> Table:
    """Load a table: the one that comes with the package, or a file that build-table made.

    A file is read once; later calls give the same table. Warns if the table is incomplete.

    Raises
    ------
    nas_course.tabular.packing.TableDamaged
        The file is missing or no table.
    """
    path = Path(SHIPPED if path is None else path).resolve()
    table = _load(path, path.stat().st_mtime_ns if path.exists() else 0)
    if not table.complete:
        warnings.warn(
            f"this table is incomplete: {len(table):,} of {table.about['classes']:,} cells. "
            "Others raise NotInTable; results from it are not those of the benchmark.",
            stacklevel=2,
        )
    return table


@lru_cache(maxsize=4)
def _load(path: Path, changed: int) -> Table:
    """Load a file once, unless it has changed since."""
    table = Table(unpack(path))
    table.path = path
    return table
