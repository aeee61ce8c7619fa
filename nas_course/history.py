"""The record of a search, row by row, saved as it grows, read live or from a file.

Use::

    history = History.load("runs/first")          # a run folder, or its history.jsonl
    history.weights("normal")[-1]                 # (edges, operations) mixing weights at the end
    history.column("value")                       # of each evaluation, where they are counted
    stop = history.subscribe(lambda row, stored: print(row["epoch"]))
"""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nas_course.errors import CourseError, InvalidInput, one_of

FORMAT = 1
FILE_NAME = "history.jsonl"
COUNTERS = ("epoch", "evaluation")  # what a row may be counted by

Row = dict[str, Any]
Listener = Callable[[Row, bool], None]


class HistoryError(CourseError):
    """A history file that cannot be read; the message names file, line and remedy."""


class History:
    """Rows of one search, in order of their epoch or evaluation.

    Parameters
    ----------
    header : mapping
        What was run: ``method``, ``space``, ``data``, ``seed``, ``epochs``, ``versions`` and
        ``cells``, which maps a cell's name to its ``edges`` and ``operations``. ``counts`` names
        the number that every row has and that only grows: "epoch" (where it is left out) or
        "evaluation". ``kind`` and ``format`` are added.
    path : Path, optional
        File to start. An existing file of that name is replaced. Without it rows stay in memory.
    """

    def __init__(self, header: Mapping[str, Any], path: str | Path | None = None) -> None:
        self.header: dict[str, Any] = {"kind": "header", "format": FORMAT} | _plain(dict(header))
        self.counts: str = self.header.get("counts", COUNTERS[0])
        if self.counts not in COUNTERS:
            raise one_of("counts", self.counts, COUNTERS)
        self.rows: list[Row] = []
        self.path = None if path is None else Path(path)
        self._listeners: list[Listener] = []
        if self.path is not None:
            _write_header(self.path, self.header)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        method, data = self.header.get("method"), self.header.get("data")
        return f"<History of {method} on {data}: {len(self)} rows>"

    @classmethod
    def load(cls, path: str | Path) -> History:
        """Read a history file, or the one in a run folder, also while a search is writing it.

        A last line that was cut off by a crash is left out. Rows appended to what comes back stay
        in memory; to go on writing the file, see `reopen`.

        Raises
        ------
        HistoryError
            The file is missing, is not a history, is of a newer format, or has a damaged line.
        """
        file = Path(path)
        file = file / FILE_NAME if file.is_dir() else file
        lines = _read_lines(file)
        header = _parse_header(file, lines)
        history = cls(header)
        history.rows = _parse_rows(file, lines, history.counts, history.cells)
        return history

    @classmethod
    def reopen(cls, path: str | Path) -> History:
        """Read a history file and go on writing it. The file must end with a whole line."""
        history, file = cls.load(path), Path(path)
        history.path = file / FILE_NAME if file.is_dir() else file
        return history

    @property
    def cells(self) -> dict[str, dict[str, Any]]:
        """Cell name -> ``edges`` (pairs of source and target node) and ``operations`` (names)."""
        return self.header.get("cells", {})

    @property
    def has_listeners(self) -> bool:
        """Whether anybody would hear a live row."""
        return bool(self._listeners)

    def to_bytes(self) -> bytes:
        """Give the content of the file: header and all rows."""
        return b"".join(_line(record) for record in (self.header, *self.rows))

    def append(self, row: Mapping[str, Any]) -> None:
        """Store a row: one line on disk, safe against power loss, then tell the listeners.

        Tensors and arrays become lists, and numbers that are not finite become null.
        """
        plain = _plain(dict(row))
        _check_row(plain, self.counts, self.cells)
        if self.rows and plain[self.counts] <= self.rows[-1][self.counts]:
            last = self.rows[-1][self.counts]
            raise InvalidInput(
                f"{self.counts}: got {plain[self.counts]}; allowed: above {last}, the last row's."
            )
        if self.path is not None:
            _append_line(self.path, plain)
        self.rows.append(plain)
        self._notify(plain, stored=True)

    def live(self, row: Mapping[str, Any]) -> None:
        """Show a row to the listeners without storing it, as between two epochs."""
        if self._listeners:
            self._notify(_plain(dict(row)), stored=False)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener(row, stored)`` for every row to come; the result ends that.

        A listener that raises is dropped with a warning: a broken view must not end a search.
        """
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def alphas(self, cell: str) -> np.ndarray:
        """Architecture parameters (logits) of one cell; shape (rows, edges, operations)."""
        if cell not in self.cells:
            raise one_of("cell", cell, self.cells)
        edges, operations = (len(self.cells[cell][part]) for part in ("edges", "operations"))
        values = [row["alphas"][cell] for row in self.rows]
        return np.array(values, dtype=float).reshape(len(self), edges, operations)

    def weights(self, cell: str) -> np.ndarray:
        """Mixing weights of one cell: the softmax of `alphas` over operations, same shape."""
        alphas = self.alphas(cell)
        exponentials = np.exp(alphas - alphas.max(axis=-1, keepdims=True))
        return exponentials / exponentials.sum(axis=-1, keepdims=True)

    def column(self, name: str) -> np.ndarray:
        """One number per row, shape (rows,); nan where a row has none."""
        known = {key for row in self.rows for key in row}
        if self.rows and name not in known:
            raise one_of("column", name, sorted(known))
        values = [row.get(name) for row in self.rows]
        return np.array([math.nan if value is None else value for value in values], dtype=float)

    def _notify(self, row: Row, *, stored: bool) -> None:
        for listener in list(self._listeners):
            try:
                listener(row, stored)
            except Exception as error:
                self._listeners.remove(listener)
                warnings.warn(
                    f"A view of the search failed and was dropped: {error!r}", stacklevel=3
                )


_PLAIN_TYPES = frozenset({str, int, bool, type(None)})


def _plain(value: Any) -> Any:
    """Turn tensors, arrays and numpy numbers into what JSON can hold; not finite becomes None."""
    if type(value) in _PLAIN_TYPES:  # nearly all of a row, and a search may add 20,000 a second
        return value
    if type(value) is float:
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.float32):
        return _plain(float(str(value)))  # the shortest decimal that gives this float32 back
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value]
    if hasattr(value, "detach"):  # a torch tensor; torch itself is not needed to read a history
        return _plain(value.detach().cpu().numpy()[()])
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _line(record: Row) -> bytes:
    return json.dumps(record, allow_nan=False, separators=(",", ":")).encode("utf-8") + b"\n"


def _write_header(path: Path, header: Row) -> None:
    """Start the file whole, by a rename: a reader never sees one without a header."""
    draft = path.with_name(f".draft-{path.name}")
    draft.unlink(missing_ok=True)
    _append_line(draft, header)
    os.replace(draft, path)


def _append_line(path: Path, record: Row) -> None:
    try:
        with path.open("ab") as file:
            file.write(_line(record))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise HistoryError(
            f"{path}: the history could not be written ({error.strerror or error}). Mend the cause "
            f"(disk full? rights?), then go on with --resume."
        ) from error


def _read_lines(file: Path) -> list[str]:
    """Split a file into its lines; without the last one if that was cut off."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise HistoryError(
            f"{file}: no history could be read ({error.strerror}). Give the folder that a search "
            f"wrote with --out, or its {FILE_NAME}."
        ) from error
    lines = text.split("\n")
    last = lines.pop()
    return [*lines, last] if last and _is_json(last) else lines


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _parse_line(file: Path, number: int, line: str) -> Row:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise HistoryError(
            f"{file}, line {number}: expected one JSON object, got {line[:40]!r}. The file was "
            f"damaged or edited; resume the search (--resume) to write it anew from its checkpoint."
        )
    return record


def _parse_header(file: Path, lines: list[str]) -> Row:
    header = _parse_line(file, 1, lines[0]) if lines else {}
    if header.get("kind") != "header":
        raise HistoryError(
            f"{file}, line 1: this is not a search history (no header line). Give the folder that "
            f"a search wrote with --out, or its {FILE_NAME}."
        )
    if header.get("format") != FORMAT:
        raise HistoryError(
            f"{file}, line 1: history format {header.get('format')!r}; this version of nas-course "
            f"reads format {FORMAT}. Use the version that wrote it: {header.get('versions')}."
        )
    if header.get("counts", COUNTERS[0]) not in COUNTERS:
        raise HistoryError(
            f"{file}, line 1: 'counts' is {header.get('counts')!r}; allowed: {COUNTERS}. The file "
            f"was damaged or edited; resume the search (--resume) to write it anew."
        )
    if not _cells_are_whole(header.get("cells", {})):
        raise HistoryError(
            f"{file}, line 1: 'cells' must give edges and operations for each cell. The file was "
            f"damaged or edited; resume the search (--resume) to write it anew."
        )
    return header


def _cells_are_whole(cells: Any) -> bool:
    return isinstance(cells, dict) and all(
        isinstance(cell, dict)
        and isinstance(cell.get("edges"), list)
        and isinstance(cell.get("operations"), list)
        for cell in cells.values()
    )


def _parse_rows(file: Path, lines: list[str], counts: str, cells: dict[str, Any]) -> list[Row]:
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        row = _parse_line(file, number, line)
        try:
            _check_row(row, counts, cells)
        except InvalidInput as error:
            raise HistoryError(
                f"{file}, line {number}: {error} The file was damaged or edited; resume the search "
                f"(--resume) to write it anew from its checkpoint."
            ) from error
        rows.append(row)
    return rows


def _check_row(row: Row, counts: str, cells: dict[str, Any]) -> None:
    number = row.get(counts)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise InvalidInput(f"{counts}: got {number!r}; allowed: a number.")
    if not cells:
        return
    alphas = row.get("alphas", {})
    for name, cell in cells.items():
        expected = (len(cell["edges"]), len(cell["operations"]))
        given = _shape(alphas.get(name) if isinstance(alphas, dict) else None)
        if given != expected:
            raise InvalidInput(f"alphas[{name!r}]: got shape {given}; allowed: {expected}.")


def _shape(values: Any) -> tuple[int, ...] | None:
    """Shape of a nested list of numbers (None stands for a number that was not finite)."""
    try:
        return np.array(values, dtype=float).shape if values is not None else None
    except (TypeError, ValueError):
        return None
