"""Run a notebook with this Python and store outputs that mean the same tomorrow."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from pathlib import Path

from nbformat import NotebookNode, from_dict

from nas_course.build.notebooks import code_digest, notebook_text, read_notebook, write_text
from nas_course.build.source import BuildError

PNG_BYTES = 60_000
NOTEBOOK_BYTES = 400_000
CELL_SECONDS = 600
# On a busy machine the defaults of nbclient (60 and 4) lose a kernel, or the output of a cell.
START_SECONDS = 300
OUTPUT_SECONDS = 60
ANSI_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def execute(path: Path, *, seconds: int = CELL_SECONDS) -> list[str]:
    """Run a notebook in its own folder with this Python and store cleaned outputs.

    Parameters
    ----------
    path : pathlib.Path
        Notebook to run; rewritten only when every cell ran and the result is small enough.
    seconds : int
        Limit for one cell.

    Returns
    -------
    list of str
        What the cells wrote to stderr, which is not stored.

    Raises
    ------
    BuildError
        If a cell fails or takes too long, a picture has over 60 kB or the notebook over 400 kB.
    """
    notebook = read_notebook(path)
    metadata = dict(notebook.metadata)
    run(notebook, path.parent, seconds=seconds)
    messages = [message for cell in notebook.cells for message in _clean(cell) if message]
    # The kernel wrote its version into the metadata: every Python would give another file.
    notebook.metadata = from_dict({**metadata, "nas_course": {"executed": code_digest(notebook)}})
    text = notebook_text(notebook)
    _check_sizes(notebook, text, path)
    write_text(path, text)
    return messages


def run(notebook: NotebookNode, folder: Path, *, seconds: int = CELL_SECONDS) -> None:
    """Run a notebook in place, in ``folder``, with this interpreter and no global kernelspec."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    # Without folders to search, "python3" can only mean the ipykernel of this interpreter.
    specs = KernelSpecManager(kernel_dirs=[])
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs),
        timeout=seconds,
        startup_timeout=START_SECONDS,
        iopub_timeout=OUTPUT_SECONDS,
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
        record_timing=False,
    )
    try:
        client.execute(cleanup_kc=True, env=kernel_environment(), stderr=subprocess.DEVNULL)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        uncoloured = ANSI_COLOUR.sub("", str(error))
        raise BuildError(f"{folder.name}: a cell failed or never ended.\n{uncoloured}") from error


def kernel_environment() -> dict[str, str]:
    """Return the variables for a kernel whose outputs are stored or compared.

    Figures go into the notebook whatever the caller's matplotlib draws on, and sums have one
    order on any number of cores.
    """
    inherited = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}
    return {**inherited, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def is_progress(output: NotebookNode) -> bool:
    """Tell whether an output is stderr or a progress bar, either of which ends with the run."""
    bar = re.match(r"\s*\d+%\|", output.get("data", {}).get("text/plain", ""))
    return output.get("name") == "stderr" or bar is not None


def _clean(cell: NotebookNode) -> list[str]:
    """Drop what differs from run to run or is dead in a stored notebook; return the stderr."""
    if cell.cell_type != "code":
        return []
    kept: list[NotebookNode] = []
    messages = []
    for output in cell.outputs:
        if is_progress(output):
            messages.append(output.get("text", ""))
        elif output.output_type == "stream" and kept and kept[-1].output_type == "stream":
            kept[-1].text += output.text
        else:
            # A reopened notebook has no widget model: the figure beside it is what can be seen.
            output.get("data", {}).pop(WIDGET_VIEW, None)
            kept.append(output)
    cell.outputs = kept
    return messages


def _check_sizes(notebook: NotebookNode, text: str, path: Path) -> None:
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            size = len(base64.b64decode(output.get("data", {}).get("image/png", "")))
            if size > PNG_BYTES:
                raise BuildError(
                    f"{path}, cell {number}: picture of {size:,} bytes; allowed: {PNG_BYTES:,}. "
                    "Draw it smaller or with fewer dots per inch."
                )
    if (size := len(text.encode())) > NOTEBOOK_BYTES:
        raise BuildError(f"{path}: {size:,} bytes; allowed: {NOTEBOOK_BYTES:,}. Show less.")
