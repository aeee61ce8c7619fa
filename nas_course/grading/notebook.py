"""Read the code cells of a submitted notebook, trusting nothing about the file."""

from __future__ import annotations

import json
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from nas_course.errors import InvalidInput

MOST_BYTES = 50 * 2**20
MOST_CELLS = 5_000
_CHECK = re.compile(r"""\bcheck\(\s*["']([^"']{1,40})["']""")

_TORCH = re.compile(r"\btorch|\bnas_course(\.(?!grading)| import)")


@dataclass(frozen=True)
class Notebook:
    """Code cells as (number in the notebook from 1, source), and the exercises they check."""

    path: Path
    cells: tuple[tuple[int, str], ...]

    @property
    def checked(self) -> set[str]:
        """The numbers that the notebook passes to `check`."""
        return {number for _, source in self.cells for number in _CHECK.findall(source)}

    @property
    def needs_torch(self) -> bool:
        """True when the notebook, or a part of the course that it imports, will load torch."""
        return any(_TORCH.search(source) for _, source in self.cells)


def read_notebook(path: Path) -> Notebook:
    """Read a notebook of format 4.

    Raises
    ------
    InvalidInput
        One line: which file, what is wrong with it, how to mend it.
    """
    content = _parsed(path, _bytes(path))
    version = content.get("nbformat")
    if version != 4:
        given = version if isinstance(version, int) else "not given"
        raise _refused(path, f"notebook format {given}, only 4 is read", "save it with JupyterLab")
    cells = content.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise _refused(path, "no list of cells", "save it with JupyterLab")
    if len(cells) > MOST_CELLS:
        raise _refused(path, f"{len(cells)} cells, at most {MOST_CELLS}", "remove surplus cells")
    code = [(n, cell) for n, cell in enumerate(cells, 1) if cell.get("cell_type") == "code"]
    return Notebook(path, tuple((number, _source(path, number, cell)) for number, cell in code))


def _bytes(path: Path) -> bytes:
    try:
        refuse_unless_notebook_file(path)
        return path.read_bytes()
    except FileNotFoundError:
        raise _refused(path, "no such file", "check the name") from None
    except OSError as error:
        raise _refused(path, error.strerror or "cannot be read", "check its permissions") from None


def refuse_unless_notebook_file(path: Path) -> None:
    """Raise InvalidInput for links, folders, pipes and very large files, without opening them."""
    if "\0" in str(path):
        raise _refused(path, "a name with a null character", "check the name")
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise _refused(path, "a symbolic link", "give the notebook itself")
    if not stat.S_ISREG(found.st_mode):
        raise _refused(path, "not a regular file", "give a file ending in .ipynb")
    if found.st_size > MOST_BYTES:
        size = f"{found.st_size / 2**20:.0f} MB, at most {MOST_BYTES // 2**20} MB"
        raise _refused(path, size, "clear all outputs and save it again")


def _parsed(path: Path, data: bytes) -> dict:
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 text (byte {error.start})"
    except json.JSONDecodeError as error:
        reason = f"not a notebook: {error.msg} at line {error.lineno}, column {error.colno}"
    except RecursionError:
        reason = "nested too deeply"
    except ValueError:  # an integer of thousands of digits
        reason = "not a notebook: a number that is too long"
    else:
        if isinstance(content, dict):
            return content
        reason = "not a notebook: its content is no JSON object"
    raise _refused(path, reason, "open and save it with JupyterLab, or hand in a fresh copy")


def _source(path: Path, number: int, cell: dict) -> str:
    source = cell.get("source", "")
    parts = source if isinstance(source, list) else [source]
    if all(isinstance(part, str) for part in parts):
        return "".join(parts)
    raise _refused(path, f"cell {number} has a source that is no text", "save it with JupyterLab")


def _refused(path: Path, reason: str, remedy: str) -> InvalidInput:
    name = str(path)
    shown = name if len(name) <= 160 else f"...{name[-150:]}"
    return InvalidInput(f"{shown}: {reason}; {remedy}.")
