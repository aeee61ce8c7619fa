"""Turn a percent-format script into cells, and a solution into an exercise.

A guiding comment stands before the region and is kept; the region becomes ``...``::

    def mixing_weights(alpha):                size = (
        # Which axis holds one edge?              ### BEGIN SOLUTION
        ### BEGIN SOLUTION                        14
        return torch.softmax(alpha, dim=-1)       ### END SOLUTION
        ### END SOLUTION                      )
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from nas_course.errors import CourseError, one_of

CELL_METADATA = ("tags", "nbgrader", "nas_course", "jupyter")
HIDDEN = {"outputs_hidden": True}  # JupyterLab shows the output of the cell after a click
MARKER = re.compile(r"\b(BEGIN|END) (SOLUTION|HIDDEN TESTS)\b")
REGION = re.compile(
    r"^(?P<indent>[ \t]*)### BEGIN (?P<kind>SOLUTION|HIDDEN TESTS)[ \t]*\n"
    r".*?^[ \t]*### END (?P=kind)[ \t]*$\n?",
    re.MULTILINE | re.DOTALL,
)
NBGRADER_DEFAULTS = {"grade": False, "solution": False, "task": False, "schema_version": 3}


class BuildError(CourseError):
    """A source file or a notebook that does not follow the rules."""


def read_source(path: Path) -> NotebookNode:
    """Read a percent-format script as a notebook with checked metadata and stable cell ids."""
    text = path.read_text(encoding="utf-8")
    if not text.startswith("# %%"):
        raise BuildError(f"{path}: got {text[:30]!r} at the start; the first line must be '# %%'.")
    parsed = _jupytext().reads(text, fmt="py:percent")
    cells = [_cell(cell, f"{path}, cell {number}") for number, cell in enumerate(parsed.cells, 1)]
    _name_cells(cells, path)
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.nbformat_minor = 5
    notebook.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def _jupytext() -> Any:
    try:
        import jupytext
    except ImportError as error:
        raise BuildError(
            "Building notebooks needs jupytext, which is not installed. "
            'Install the developer\'s packages: python -m pip install -e ".[test]"'
        ) from error
    return jupytext


def _cell(parsed: NotebookNode, where: str) -> NotebookNode:
    """Copy what we allow from a parsed cell; ``where`` names it in errors."""
    metadata = {k: v for k, v in parsed.metadata.items() if k != "lines_to_next_cell"}
    for key in metadata:
        if key not in CELL_METADATA:
            raise one_of(f"{where}: cell metadata", key, CELL_METADATA)
    if metadata.get("jupyter", HIDDEN) != HIDDEN:
        raise one_of(f"{where}: cell metadata jupyter", metadata["jupyter"], [HIDDEN])
    if not parsed.source.strip():
        raise BuildError(f"{where} is empty: delete its marker.")
    if parsed.cell_type not in ("code", "markdown"):
        raise one_of(f"{where}: cell type", parsed.cell_type, ("code", "markdown"))
    if "nbgrader" in metadata:
        metadata["nbgrader"] = _nbgrader(metadata["nbgrader"], where)
    _check_markers(parsed.source, metadata, where)
    if parsed.cell_type == "markdown":
        return nbformat.v4.new_markdown_cell(parsed.source, metadata=metadata)
    _check_python(parsed.source, where)
    return nbformat.v4.new_code_cell(parsed.source, metadata=metadata)


def _nbgrader(given: dict[str, Any], where: str) -> dict[str, Any]:
    """Fill in nbgrader's other keys, so that an author writes only what differs."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", given.get("grade_id", "")):
        raise BuildError(
            f"{where}: got grade_id {given.get('grade_id')!r}; allowed: "
            "1 to 64 letters, digits, '-' and '_', since it also names the cell."
        )
    filled = {**NBGRADER_DEFAULTS, "locked": given.get("grade", False), **given}
    if filled["grade"] and not filled.get("points", 0) > 0:
        raise BuildError(f"{where}: a cell with grade true needs points above 0.")
    return filled


def _check_python(source: str, where: str) -> None:
    try:
        ast.parse(source)
    except SyntaxError as error:
        raise BuildError(f"{where} is not Python: {error.msg} in line {error.lineno}.") from error


def _check_markers(source: str, metadata: dict[str, Any], where: str) -> None:
    """Refuse solution regions that nbgrader would read in another way than we do."""
    if stray := MARKER.search(REGION.sub("", source)):
        raise BuildError(
            f"{where}: '{stray[0]}' has no partner. Allowed: lines '### BEGIN SOLUTION' and "
            "'### END SOLUTION' (or HIDDEN TESTS) in pairs, not nested."
        )
    regions = {found["kind"] for found in REGION.finditer(source)}
    is_solution = metadata.get("nbgrader", {}).get("solution", False)
    if is_solution != ("SOLUTION" in regions):
        raise BuildError(
            f'{where}: a solution region and nbgrader\'s "solution": true go together; '
            f"here region: {'SOLUTION' in regions}, metadata: {is_solution}."
        )


def _name_cells(cells: Iterable[NotebookNode], path: Path) -> None:
    """Give each cell its grade_id, or a hash of its text, as id: new cells leave others alone."""
    taken: set[str] = set()
    for cell in cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in taken:
            raise BuildError(f"{path}: grade_id {name!r} is used twice; give each cell its own.")
        if name is None:
            name = _unused(digest(cell.cell_type + cell.source)[:8], taken)
        taken.add(name)
        cell["id"] = name


def _unused(name: str, taken: set[str]) -> str:
    """Number the second and later of several equal cells."""
    copies = (name if n == 0 else f"{name}-{n}" for n in range(len(taken) + 1))
    return next(copy for copy in copies if copy not in taken)


def digest(text: str) -> str:
    """Return the SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def without_solutions(notebook: NotebookNode, source: Path) -> NotebookNode:
    """Replace solutions by ``...`` and drop hidden tests, as nbgrader does; ids stay the same."""
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "code" and REGION.search(cell.source):
            cell.source = REGION.sub(_stub, cell.source + "\n").rstrip("\n")
            _check_python(cell.source, f"{source}, cell {number} without its solution")
    return notebook


def _stub(region: re.Match[str]) -> str:
    return f"{region['indent']}...\n" if region["kind"] == "SOLUTION" else ""
