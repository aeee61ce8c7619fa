"""The file of a table: finished rows packed into one NumPy archive, and read back.

Accuracies are stored as counts of right answers, so they are exact and small.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nas_course.errors import CourseError
from nas_course.tabular.classes import SPACE, class_of_code, representatives

FORMAT = 1


class TableDamaged(CourseError):
    """A file that is no table, or not a whole one."""


@dataclass(frozen=True)
class Contents:
    """What a table's file holds.

    Attributes
    ----------
    about : dict
        Protocol, versions and commits of the code, `complete`, number of `trainings`.
    columns : dict of arrays, one entry for each training
        `cell_class` (index of the class), `seed`, `valid` (n, epochs) and `test` (counts of right
        answers), `seconds`, `parameters`, `multiply_adds`; sorted by seed, then class.
    """

    about: dict[str, Any]
    columns: dict[str, np.ndarray]


def pack(rows: Sequence[Mapping[str, Any]], protocol: Mapping[str, Any]) -> bytes:
    """Pack rows of `nas_course.tabular.building` into the bytes of a table's file.

    Parameters
    ----------
    rows : sequence of mappings
        With the cell's text under `cell`, the fields of `Row`, and `version`, `commit`, `torch`.
    protocol : mapping
        From `Protocol.describe`.
    """
    index = {str(cell): number for number, cell in enumerate(representatives())}
    ordered = sorted(rows, key=lambda row: (row["seed"], index[row["cell"]]))
    valid = np.array([row["valid_accuracy"] for row in ordered]) * protocol["valid_images"]
    test = np.array([row["test_accuracy"] for row in ordered]) * protocol["test_images"]
    columns = {
        "cell_class": np.array([index[row["cell"]] for row in ordered], dtype=np.uint16),
        "seed": np.array([row["seed"] for row in ordered], dtype=np.uint16),
        "valid": np.rint(valid).astype(np.uint16),
        "test": np.rint(test).astype(np.uint16),
        "seconds": np.array([row["seconds"] for row in ordered], dtype=np.float32),
        "parameters": np.array([row["parameters"] for row in ordered], dtype=np.uint32),
        "multiply_adds": np.array([row["multiply_adds"] for row in ordered], dtype=np.uint32),
    }
    about = {
        "format": FORMAT,
        "space": SPACE.name,
        "classes": len(index),
        "complete": int((columns["seed"] == 0).sum()) == len(index),
        "trainings": len(ordered),
        "protocol": dict(protocol),
        "made": sorted({(row["version"], row["commit"], row["torch"]) for row in ordered}),
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, about=np.array(json.dumps(about)), **columns)
    return buffer.getvalue()


def save(path: Path, content: bytes) -> None:
    """Replace a table's file by one rename: a reader sees the old table or the new."""
    draft = path.with_name(f".draft-{path.name}")
    draft.write_bytes(content)
    os.replace(draft, path)


def unpack(path: Path) -> Contents:
    """Read a table's file.

    Raises
    ------
    TableDamaged
        The file is missing, is no table, is of another format, or contradicts itself.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            columns = {name: file[name] for name in file.files if name != "about"}
    except FileNotFoundError as error:
        raise TableDamaged(f"{path}: there is no such file; make it with build-table.") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise TableDamaged(f"{path} is no table of this package, or damaged: {error}") from error
    _require_whole(path, about, columns)
    return Contents(about, columns)


def _require_whole(path: Path, about: dict[str, Any], columns: dict[str, np.ndarray]) -> None:
    expected = {"cell_class", "seed", "valid", "test", "seconds", "parameters", "multiply_adds"}
    lengths = {len(column) for column in columns.values()}
    if about.get("format") != FORMAT or set(columns) != expected or lengths != {about["trainings"]}:
        raise TableDamaged(
            f"{path}: format {about.get('format')!r} with the columns {sorted(columns)} of the "
            f"lengths {sorted(lengths)}; this version reads format {FORMAT}. Build it anew."
        )
    if columns["cell_class"].max(initial=0) > class_of_code().max():
        raise TableDamaged(f"{path}: names a class that the space does not have. Build it anew.")
