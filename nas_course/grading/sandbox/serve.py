"""Run a notebook's cells as IPython does, then let the grader call what they defined."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from nas_course.grading.answering import MISSING, flush_output, raised, respond
from nas_course.grading.sandbox import recorder
from nas_course.grading.sandbox.pipe import Pipe


def serve(pipe: Pipe, modules: list[str]) -> None:
    """Answer the grader's messages until it closes the pipe.

    Parameters
    ----------
    pipe : Pipe
        To and from the grader.
    modules : list of str
        Imported before the first cell, so that their loading does not count as the learner's time.
    """
    shell = make_shell()
    for name in modules:
        importlib.import_module(name)
    pipe.send({"id": 0, "ready": True})
    actions = {"cell": run_cell, "ask": ask}
    while True:
        try:
            message = pipe.receive()
        except EOFError:
            return
        reply = actions[message["do"]](shell, message)
        flush_output()
        pipe.send({"id": message["id"], **reply})


def make_shell() -> Any:
    """An IPython shell without terminal, history file, window or colours."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class NotebookShell(InteractiveShell):
        def enable_gui(self, gui: str | None = None) -> None:
            """`%matplotlib` of any kind draws to nowhere."""

        system = InteractiveShell.system_raw  # `!command` without a terminal of its own

    settings = Config()
    settings.HistoryManager.enabled = False
    settings.InteractiveShell.colors = "nocolor"
    shell = NotebookShell.instance(config=settings)
    sys.modules["__main__"] = shell.user_module
    return shell


def run_cell(shell: Any, message: dict) -> dict:
    """Run one cell; an exception in it is reported and the next cells may go on."""
    try:
        result = shell.run_cell(message["source"], store_history=True)
        error = result.error_before_exec or result.error_in_exec
    except BaseException as escaped:  # a cell can replace parts of the shell itself
        error = escaped
    return {"error": raised(error) if isinstance(error, BaseException) else None}


def ask(shell: Any, message: dict) -> dict:
    """Call or read the learner's answer; its name counts, else what the check cell was given."""
    recorded = recorder.RECORDED.get(message["exercise"], MISSING)
    answer = shell.user_ns.get(message["name"], recorded)
    return {"outcome": respond(answer, message["request"])}
