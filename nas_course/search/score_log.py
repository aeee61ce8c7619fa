"""Every estimate of a run as it comes, a line each: what was computed is never lost."""

from __future__ import annotations

import json
import math
import warnings
import zlib
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

from nas_course.estimation import Score
from nas_course.storage import append_to_file, write_file

Name = tuple[str, int | None]  # text of the architecture, epochs (None: full fidelity)


class ScoreLog(MutableMapping[Name, Score]):
    """Scores by architecture and epochs, in a file that only grows.

    A line is the checksum (CRC-32) of a score and the score; one that was cut off by a crash or
    damaged is left out, and its estimate is made again.

    Parameters
    ----------
    path : Path
        The file; read if it is there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        read = [_read(line) for line in lines]
        self._scores = dict(record for record in read if record is not None)
        if damaged := read.count(None):
            if damaged > 1 or read[-1] is not None:
                warnings.warn(
                    f"{path}: {damaged} of {len(read)} lines are damaged; these estimates are "
                    "made again.",
                    stacklevel=2,
                )
            content = b"".join(_line(*record) for record in self._scores.items())
            write_file(path, content)

    def __setitem__(self, name: Name, score: Score) -> None:
        """Add a score, down to the disk."""
        append_to_file(self.path, _line(name, score))
        self._scores[name] = score

    def __getitem__(self, name: Name) -> Score:
        return self._scores[name]

    def __contains__(self, name: object) -> bool:
        return name in self._scores

    def __iter__(self) -> Iterator[Name]:
        return iter(self._scores)

    def __len__(self) -> int:
        return len(self._scores)

    def __delitem__(self, name: Name) -> None:
        raise TypeError("a score that was computed is not taken back")


def _line(name: Name, score: Score) -> bytes:
    record = {
        "architecture": name[0],
        "epochs": name[1],
        "value": _number(score.value),
        "cost_seconds": _number(score.cost_seconds),
        "fidelity": score.fidelity,
        "curve": [_number(value) for value in score.curve],
        "measures": {key: _number(value) for key, value in score.measures.items()},
    }
    text = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _read(line: bytes) -> tuple[Name, Score] | None:
    """Undo `_line`; None if the line is not whole."""
    sum_, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or sum_ != b"%08x" % zlib.crc32(text):
        return None
    record = json.loads(text)
    score = Score(
        value=_value(record["value"]),
        cost_seconds=_value(record["cost_seconds"]),
        fidelity=record["fidelity"],
        curve=tuple(_value(value) for value in record["curve"]),
        measures={key: _value(value) for key, value in record["measures"].items()},
    )
    return (record["architecture"], record["epochs"]), score


def _number(value: Any) -> int | float | str:
    """Make a number one that JSON has: infinite and undefined ones become text."""
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float) and not math.isfinite(plain):
        return str(plain)
    return plain


def _value(stored: int | float | str) -> Any:
    return float(stored) if isinstance(stored, str) else stored
