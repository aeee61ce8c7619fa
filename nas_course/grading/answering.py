"""The learner's side of a check: call or read their object, say plainly what happened.

Used in the notebook's process and in the grader's separate process alike, so that a check meets
the same answers in both. Every outcome is a JSON tree with one key.
"""

from __future__ import annotations

import contextlib
import io
import linecache
import sys
import sysconfig
from pathlib import Path
from types import TracebackType
from typing import Any

from nas_course.grading.transport import Unsendable, decode_for_learner, encode

MOST_MESSAGE = 1_000
MOST_PRINTED = 1_000_000
MISSING = object()
_PACKAGE = str(Path(__file__).parent.parent)
_NOT_THE_LEARNERS = (_PACKAGE, *(str(folder) for folder in sysconfig.get_paths().values()))


def respond(answer: Any, request: dict) -> dict:
    """Do what the check asks with the learner's object.

    Parameters
    ----------
    answer : object
        What the learner's name holds, or `MISSING`.
    request : dict
        ``{"value": ...}`` to read it, or ``{"args": tree, "kwargs": tree}`` to call it.

    Returns
    -------
    dict
        One of ``value``, ``raised``, ``unsendable``, ``uncallable``, ``missing``, ``overflowed``,
        and ``printed``.
    """
    printed = _Printed()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        outcome = _outcome(answer, request)
    if printed.count > MOST_PRINTED:
        outcome = {"overflowed": True}
    return {**outcome, "printed": printed.tail}


class _Printed(io.TextIOBase):
    """Keeps the end of what is printed and refuses to take more than a megabyte."""

    def __init__(self) -> None:
        self.tail = ""
        self.count = 0

    def write(self, text: str) -> int:
        self.count += len(text)
        if self.count > MOST_PRINTED:
            raise OSError(f"more than {MOST_PRINTED:,} characters printed")
        self.tail = (self.tail + text)[-2 * MOST_MESSAGE :]
        return len(text)


def _outcome(answer: Any, request: dict) -> dict:
    if answer is MISSING:
        return {"missing": True}
    if "value" in request or answer is None or answer is ...:
        return _sent(answer)
    if not callable(answer):
        return {"uncallable": type(answer).__name__}
    args, kwargs = decode_for_learner(request["args"]), decode_for_learner(request["kwargs"])
    try:
        result = answer(*args, **kwargs)
    # SystemExit and KeyboardInterrupt too: a check always comes back with a report.
    except BaseException as error:
        return {"raised": raised(error)}
    return _sent(result)


def _sent(value: Any) -> dict:
    try:
        return {"value": encode(value)}
    except Unsendable as refusal:
        return {"unsendable": str(refusal)}
    except BaseException as error:  # the learner's object may raise from its own methods
        return {"raised": raised(error)}


def raised(error: BaseException) -> dict:
    """Type, message and the learner's line of an exception, as text of limited length."""
    try:
        message = str(error)[:MOST_MESSAGE]
    except BaseException:
        message = "(its message cannot be shown)"
    kind = type(error).__name__[:MOST_MESSAGE]
    return {"type": kind, "message": message, "where": _where(error.__traceback__)}


def _where(trace: TracebackType | None) -> str:
    """The deepest line that the learner wrote, as ``line 3: return weights / total``."""
    found = ""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not name.startswith(_NOT_THE_LEARNERS) and not name.startswith("<frozen"):
            source = linecache.getline(name, trace.tb_lineno, trace.tb_frame.f_globals).strip()
            found = f"line {trace.tb_lineno}: {source}" if source else f"line {trace.tb_lineno}"
        trace = trace.tb_next
    return found[:MOST_MESSAGE]


def flush_output() -> None:
    """Push out what the learner's code printed, so that its count is complete."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
