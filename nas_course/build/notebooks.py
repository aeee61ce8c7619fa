"""Keep the notebooks equal to their sources, without losing outputs that are still valid."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from nas_course.build.folding import fold_takeaways
from nas_course.build.source import BuildError, digest, read_source, without_solutions

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Product:
    """One notebook to make: its script, its path, and what is done to the text on the way.

    Attributes
    ----------
    source, path : Path
    stripped : bool
        Whether the solutions are taken out.
    folded : bool
        Whether what to take away from an exercise is closed.
    """

    source: Path
    path: Path
    stripped: bool = False
    folded: bool = False

    @property
    def name(self) -> str:
        """Folder and file name without ending, such as ``chapters/08_darts``."""
        return f"{self.path.parent.name}/{self.path.stem}"

    def notebook(self) -> NotebookNode:
        """Return the notebook as the source says it should be, without outputs."""
        notebook = read_source(self.source)
        if self.folded:
            fold_takeaways(notebook)
        return without_solutions(notebook, self.source) if self.stripped else notebook


def products(root: Path = REPOSITORY) -> list[Product]:
    """List every notebook that the scripts under ``root/source`` ask for."""
    if not (root / "source").is_dir():
        raise BuildError(f"{root} has no folder source/: run this in a clone of the repository.")
    listed = []
    for source in sorted((root / "source" / "chapters").glob("*.py")):
        listed.append(Product(source, root / "chapters" / f"{source.stem}.ipynb"))
    for source in sorted((root / "source" / "exercises").glob("*.py")):
        name = f"{source.stem}.ipynb"
        listed.append(Product(source, root / "solutions" / name, folded=True))
        listed.append(Product(source, root / "exercises" / name, stripped=True, folded=True))
    return listed


def build(root: Path = REPOSITORY) -> list[Path]:
    """Write every notebook whose text changes and return the paths written."""
    written = []
    for product in products(root):
        text = _rebuilt_text(product)
        if not product.path.exists() or product.path.read_text("utf-8") != text:
            write_text(product.path, text)
            written.append(product.path)
    return written


def check(root: Path = REPOSITORY) -> list[str]:
    """Return one message for each notebook that is missing, superfluous, changed or outdated."""
    planned = products(root)
    problems = [problem for product in planned if (problem := _problem(product))]
    expected = {product.path for product in planned}
    for folder in ("chapters", "exercises", "solutions"):
        for path in sorted((root / folder).glob("*.ipynb")):
            if path not in expected:
                problems.append(f"{folder}/{path.name} has no source: write it, or delete this.")
    return problems


def _problem(product: Product) -> str | None:
    if not product.path.exists():
        return f"{product.name} is missing: run python -m nas_course.build"
    expected, found = product.notebook(), read_notebook(product.path)
    difference = list(difflib.unified_diff(_lines(found), _lines(expected), "found", "source", n=1))
    if difference:
        return f"{product.name} differs from its source: run python -m nas_course.build\n" + (
            "\n".join(line.rstrip("\n") for line in difference[:30])
        )
    if _rebuilt_text(product) != product.path.read_text("utf-8"):
        return f"{product.name} was edited or saved by hand: run python -m nas_course.build"
    if not product.stripped and _executed(found) != code_digest(found):
        return f"{product.name} has outputs of other code, or none: " + (
            f"run python -m nas_course.build --execute {product.name}"
        )
    return None


def _lines(notebook: NotebookNode) -> list[str]:
    """Everything the source decides, as lines of text to compare."""
    lines = []
    for cell in notebook.cells:
        metadata = json.dumps(cell.metadata, sort_keys=True)
        lines += [f"[{cell.cell_type} {cell.get('id')} {metadata}]", *cell.source.split("\n")]
    return lines


def _rebuilt_text(product: Product) -> str:
    notebook = product.notebook()
    if product.path.exists() and not product.stripped:
        _keep_outputs(notebook, read_notebook(product.path))
    return notebook_text(notebook)


def _keep_outputs(notebook: NotebookNode, earlier: NotebookNode) -> None:
    """Take over the outputs of cells with the same id and code."""
    known = {(cell.get("id"), cell.source): cell for cell in earlier.cells}
    for cell in notebook.cells:
        same = known.get((cell.id, cell.source))
        if cell.cell_type == "code" and same is not None and same.cell_type == "code":
            cell.outputs, cell.execution_count = same.outputs, same.execution_count
    if _executed(earlier):
        notebook.metadata["nas_course"] = {"executed": _executed(earlier)}


def _executed(notebook: NotebookNode) -> str | None:
    """Digest of the code that made the stored outputs."""
    return notebook.metadata.get("nas_course", {}).get("executed")


def code_digest(notebook: NotebookNode) -> str:
    """Return a short fingerprint of all code cells, to tell which code made the outputs."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return digest(json.dumps(code))[:16]


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook that should be there and valid."""
    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, nbformat.reader.NotJSONError) as error:
        raise BuildError(f"{path} is not a notebook ({error}): delete it and build.") from error


def notebook_text(notebook: NotebookNode) -> str:
    """Return the exact content of the file, after checking the notebook's format."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write with the same line ends on every system."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
