"""The official NATS-Bench file, read by its own API, behind the interface of our table.

    table = nats_bench.open_table("NATS-tss-v1_0-3ffb9-simple", dataset="cifar100")
    table.query("|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|").test_accuracy

The file (1.7 GB packed) and the API are not part of this package. Dong, Liu, Musial, Gabrys,
"NATS-Bench: Benchmarking NAS Algorithms for Architecture Topology and Size", TPAMI 2021.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from nas_course.errors import CourseError, InvalidInput, one_of
from nas_course.spaces.nas_bench_201 import Cell201
from nas_course.tabular.classes import SPACE, cell_of, code_of, codes_of
from nas_course.tabular.rows import Row
from nas_course.tabular.table import NotInTable

# Our name of a data set -> theirs for the training whose validation curve is read.
DATASETS = {"cifar10": "cifar10-valid", "cifar100": "cifar100", "ImageNet16-120": "ImageNet16-120"}
SCHEDULES = (12, 200)
OFFICIAL_SEEDS = (777, 888, 999)  # here seeds 0, 1 and 2, as in the shipped table
HOW_TO_GET = (
    "Install the API with `pip install nats_bench`, fetch NATS-tss-v1_0-3ffb9-simple.tar (link in "
    "the README of github.com/D-X-Y/NATS-Bench), unpack it and give the folder."
)


class NatsBenchMissing(CourseError, ImportError):
    """The API or the file of NATS-Bench is not on this machine."""


def open_table(folder: str | Path, dataset: str = "cifar10", epochs: int = 200) -> NatsBenchTable:
    """Open the unpacked file of the topology space.

    Parameters
    ----------
    folder : str or Path
        NATS-tss-v1_0-3ffb9-simple; each cell is read from it when it is asked for.
    dataset : str
        "cifar10", "cifar100" or "ImageNet16-120".
    epochs : int
        12 or 200: two trainings with schedules of their own.

    Raises
    ------
    NatsBenchMissing
        The API or the folder is not there; the message says how to get them.
    """
    try:
        import nats_bench
    except ImportError as error:
        raise NatsBenchMissing(f"the package nats_bench is not installed. {HOW_TO_GET}") from error
    if not Path(folder).is_dir():
        raise NatsBenchMissing(f"{folder} is no folder. {HOW_TO_GET}")
    api = nats_bench.create(str(folder), "tss", fast_mode=True, verbose=False)
    return NatsBenchTable(api, dataset, epochs)


class NatsBenchTable:
    """NATS-Bench with the methods and columns of `nas_course.tabular.Table`.

    Here every cell has a row of its own, also those of one class.

    Parameters
    ----------
    api : nats_bench.NATStopology
        From ``nats_bench.create(..., "tss")``.
    dataset, epochs
        As in :func:`open_table`.

    Attributes
    ----------
    architectures : tuple of Cell201
        In the order of the file; the columns are aligned with it.
    complete : bool
        Whether the file names all 15,625 cells.
    """

    def __init__(self, api: Any, dataset: str = "cifar10", epochs: int = 200) -> None:
        if dataset not in DATASETS:
            raise one_of("dataset", dataset, DATASETS)
        if epochs not in SCHEDULES:
            raise InvalidInput(f"epochs: got {epochs!r}; NATS-Bench has 12 and 200.")
        self._api, self._dataset, self.epochs = api, dataset, epochs
        self._schedule = f"{epochs:02d}"
        self.architectures = tuple(SPACE.parse(api.arch(number)) for number in range(len(api)))
        self._row_of_code = np.full(SPACE.size, -1)
        self._row_of_code[codes_of(self.architectures)] = np.arange(len(api))
        self.complete = len(api) == SPACE.size
        self._rows: dict[tuple[int, int], Row] = {}

    def __len__(self) -> int:
        return len(self.architectures)

    def __repr__(self) -> str:
        return f"NatsBenchTable({self._dataset}, {self.epochs} epochs, {len(self):,} cells)"

    def index(self, architectures: Iterable[str | Cell201] | np.ndarray) -> np.ndarray:
        """Find the row numbers of many cells, as `Table.index` does."""
        codes = codes_of(architectures)
        rows = self._row_of_code[codes]
        if len(rows) and rows.min() < 0:
            raise _missing(str(cell_of(int(codes[rows < 0][0]))))
        return rows

    def seeds(self, architecture: str | Cell201) -> tuple[int, ...]:
        """List the seeds of a cell's trainings: 0, 1, 2 stand for their 777, 888, 999."""
        trainings = self._trainings(self._row(architecture))
        return tuple(place for place, seed in enumerate(OFFICIAL_SEEDS) if seed in trainings)

    def query(self, architecture: str | Cell201, seed: int = 0) -> Row:
        """Return the row of a cell, as `Table.query` does.

        The test accuracy on CIFAR-10 is the mean over trainings with both halves of the
        training set, which have no validation curve of their own, as in the paper.
        """
        key = (self._row(architecture), seed)
        if key not in self._rows:
            self._rows[key] = self._make_row(*key, str(architecture))
        return self._rows[key]

    def value(self, architecture: str | Cell201, epochs: int | None = None) -> float:
        """Return the validation accuracy after `epochs` epochs (all of them if None)."""
        curve = self.query(architecture).valid_accuracy
        if epochs is None:
            return curve[-1]
        if not 1 <= epochs <= len(curve):
            raise InvalidInput(f"epochs: got {epochs!r}; the curves have 1 to {len(curve)}.")
        return curve[epochs - 1]

    @cached_property
    def valid(self) -> np.ndarray:
        """Validation accuracies (n, epochs) float32 of seed 0; it takes minutes to read."""
        return np.array([row.valid_accuracy for row in self._all_rows], dtype=np.float32)

    @cached_property
    def test(self) -> np.ndarray:
        """Test accuracies (n,) float32."""
        return np.array([row.test_accuracy for row in self._all_rows], dtype=np.float32)

    @cached_property
    def seconds(self) -> np.ndarray:
        """Seconds of training (n,) float32, on the GPU of the authors."""
        return np.array([row.seconds for row in self._all_rows], dtype=np.float32)

    @cached_property
    def parameters(self) -> np.ndarray:
        """Weights (n,) int64."""
        return np.array([row.parameters for row in self._all_rows])

    @cached_property
    def multiply_adds(self) -> np.ndarray:
        """Multiplications of one image's pass (n,) int64; the file calls them FLOPs."""
        return np.array([row.multiply_adds for row in self._all_rows])

    @property
    def best_test(self) -> float:
        """Highest test accuracy."""
        return float(self.test.max())

    @property
    def best_valid(self) -> float:
        """Highest validation accuracy after the last epoch."""
        return float(self.valid[:, -1].max())

    @cached_property
    def _all_rows(self) -> list[Row]:
        return [self.query(cell) for cell in self.architectures]

    def _row(self, architecture: str | Cell201) -> int:
        row = int(self._row_of_code[code_of(architecture)])
        if row < 0:
            raise _missing(str(architecture))
        return row

    def _trainings(self, row: int) -> dict[int, Any]:
        return self._api.query_by_index(row, DATASETS[self._dataset], self._schedule)

    def _make_row(self, row: int, seed: int, text: str) -> Row:
        if seed not in self.seeds(text):
            listed = ", ".join(map(str, self.seeds(text)))
            raise NotInTable(f"{text} was trained with the seeds {listed}, not with {seed!r}.")
        training = self._trainings(row)[OFFICIAL_SEEDS[seed]]
        curve = [training.get_eval("x-valid", epoch)["accuracy"] for epoch in range(self.epochs)]
        costs = self._api.get_cost_info(row, DATASETS[self._dataset], self._schedule)
        return Row(
            valid_accuracy=tuple(percent / 100 for percent in curve),
            test_accuracy=self._test_percent(row, training) / 100,
            seconds=training.get_train()["all_time"],
            parameters=round(costs["params"] * 1e6),
            multiply_adds=round(costs["flops"] * 1e6),
            seed=seed,
        )

    def _test_percent(self, row: int, training: Any) -> float:
        if self._dataset != "cifar10":
            return training.get_eval("x-test")["accuracy"]
        whole = self._api.query_by_index(row, "cifar10", self._schedule)
        return float(np.mean([each.get_eval("ori-test")["accuracy"] for each in whole.values()]))


def _missing(text: str) -> NotInTable:
    return NotInTable(f"{text} is not in this file of NATS-Bench; is it the topology space?")
