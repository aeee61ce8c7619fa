"""One graded notebook's process, seen from the grader: start it, ask it, watch it, end it."""

from __future__ import annotations

import contextlib
import os
import queue
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from nas_course.errors import CourseError
from nas_course.grading import family, view
from nas_course.grading import limits as stop
from nas_course.grading.exercise import Diagnosis
from nas_course.grading.limits import Limits
from nas_course.grading.report import visible
from nas_course.grading.sandbox.pipe import Pipe

_EVERY = 0.2  # seconds between two looks at the notebook's processes
_KEEP_OUTPUT = 4_096


class CannotStart(CourseError):
    """The notebook's process did not come up; nothing of the learner's ran."""


class NotebookProcess:
    """A Python process apart, which runs cells and answers requests.

    Parameters
    ----------
    limits : Limits
        What it may use.
    notebooks : sequence of Path
        Submissions; their folders are hidden from it.
    without : sequence of str
        Protections to leave out, for tests.
    modules : sequence of str
        Imported before time is counted.
    """

    def __init__(
        self,
        limits: Limits,
        notebooks: Sequence[Path] = (),
        without: Sequence[str] = (),
        modules: Sequence[str] = ("numpy",),
    ) -> None:
        self.limits = limits
        self.isolation: dict[str, str] = {}
        self.stopped: Diagnosis | None = None
        self._number = 0
        self._events: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=8)
        # One reply is read for each message sent; what nobody asked for stays in the pipe, unread.
        self._expected = threading.Semaphore(2)  # the report on isolation, and readiness
        self._outgoing: queue.SimpleQueue[dict | None] = queue.SimpleQueue()
        self._output = b""
        self._printed = 0
        self._seconds_allowed = self._processor_seconds_allowed = limits.start_seconds
        self._deadline = time.monotonic() + limits.start_seconds
        self._closed = threading.Event()
        self.folder = Path(tempfile.mkdtemp(prefix="nas-course-grade-")).resolve()
        try:
            self._start(notebooks, without, modules)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> NotebookProcess:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    # ------------------------------------------------------------------------------- starting

    def _start(
        self, notebooks: Sequence[Path], without: Sequence[str], modules: Sequence[str]
    ) -> None:
        work, copy = self.folder / "work", self.folder / "view"
        for folder in (work, self.folder / "root"):
            folder.mkdir()
        self.folder.chmod(0o755)
        view.copy_package(copy)
        script = copy / "nas_course/grading/sandbox/start.py"
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=work,
            env=view.environment(work),
            start_new_session=True,
        )
        assert self._process.stdin and self._process.stdout
        self._pipe = Pipe(self._process.stdout.fileno(), self._process.stdin.fileno())
        tasks = (self._write, self._read, self._drain, self._wait, self._watch)
        self._threads = [threading.Thread(target=task, daemon=True) for task in tasks]
        for thread in self._threads:
            thread.start()
        self._outgoing.put(self._settings(copy, work, notebooks, without, modules))
        hello = self._next(self.limits.start_seconds)
        self.isolation = {str(k): str(v) for k, v in hello.get("isolation", {}).items()}
        self._next(self.limits.start_seconds)

    def _settings(
        self,
        copy: Path,
        work: Path,
        notebooks: Sequence[Path],
        without: Sequence[str],
        modules: Sequence[str],
    ) -> dict:
        paths = view.import_paths(copy)
        return {
            "session": str(self.folder),
            "work": str(work),
            "paths": paths,
            "prefix": sys.prefix,
            "readable": view.readable_paths(paths[1:]),
            "hidden": view.hidden_paths(notebooks),
            "limits": self.limits.for_sandbox(),
            "without": list(without),
            "modules": list(modules),
        }

    def _next(self, seconds: float) -> dict:
        try:
            kind, content = self._events.get(timeout=seconds)
        except queue.Empty:
            kind, content = "silence", None
        if kind == "reply" and isinstance(content, dict):
            return content
        self._closed.wait(0.2)  # let the last output arrive
        said = visible(self._output.decode("utf-8", "replace")).strip().splitlines()
        raise CannotStart(
            "the notebook's process did not start"
            + (f": {said[-1]}" if said else f" ({kind}: {content})")
            + ". Run `nas-course doctor`, then try again."
        )

    # --------------------------------------------------------------------------------- asking

    def ask(self, message: dict) -> dict:
        """Send one message and return the reply, which must come before the step's time is over.

        Raises
        ------
        Diagnosis
            When the process ended, went over a limit or answered nonsense; it is gone then.
        """
        if self.stopped is not None:
            raise self.stopped
        self._number += 1
        self._outgoing.put({**message, "id": self._number})
        self._expected.release()
        reply = self._reply(self._deadline - time.monotonic())
        if reply.get("id") != self._number or self._has_more_to_read():
            self._stop(stop.broken_connection())
        return reply

    def discard(self) -> None:
        """End the process because it sent what no honest process sends."""
        self.stopped = stop.broken_connection()
        self.close()

    def _has_more_to_read(self) -> bool:
        """True when something stands in the pipe that nobody asked for."""
        if os.name == "nt":  # a pipe cannot be asked there; the next reply will not fit instead
            return False
        return bool(select.select([self._pipe.incoming], [], [], 0)[0])

    def begin_step(self, seconds: float) -> None:
        """From now on so many seconds of wall time and of processor time may be used."""
        self._seconds_allowed = seconds
        self._deadline = time.monotonic() + seconds
        self._processor_seconds_allowed = self._usage().processor_seconds + seconds

    def _reply(self, seconds: float) -> dict:
        try:
            kind, content = self._events.get(timeout=max(0.0, seconds))
        except queue.Empty:
            self._stop(stop.over_time(self._seconds_allowed))
        if kind == "reply" and isinstance(content, dict):
            return content
        if kind == "closed":  # mostly because the process ends; then say how it ended
            kind, content = self._ending(20.0)
        if kind == "limit":
            self._stop(content)
        self._stop(stop.ended(content) if kind == "ended" else stop.broken_connection())

    def _ending(self, seconds: float) -> tuple[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                kind, content = self._events.get(timeout=0.05)
                if kind in ("limit", "ended"):
                    return kind, content
        return "closed", None

    def _stop(self, diagnosis: Diagnosis) -> NoReturn:
        self.stopped = diagnosis
        self.close()
        raise diagnosis

    # ------------------------------------------------------------------------ threads, watching

    def _write(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while (message := self._outgoing.get()) is not None:
                self._pipe.send(message)

    def _read(self) -> None:
        try:
            while self._expected.acquire() and not self._closed.is_set():
                self._put("reply", self._pipe.receive())
        except EOFError:
            self._put("closed", None)
        except (OSError, ValueError):
            self._put("nonsense", None)

    def _drain(self) -> None:
        assert self._process.stderr
        with contextlib.suppress(OSError, ValueError):
            while part := os.read(self._process.stderr.fileno(), 65_536):
                self._output = (self._output + part)[-_KEEP_OUTPUT:]
                self._printed += len(part)
                if self._printed > self.limits.output:
                    self._exceed(stop.over_output(self.limits))
                    return

    def _wait(self) -> None:
        self._put("ended", self._process.wait())

    def _watch(self) -> None:
        while not self._closed.wait(_EVERY):
            used = self._usage()
            if used.tasks >= self.limits.processes:
                self._exceed(stop.over_processes(self.limits))
            elif used.memory > self.limits.memory:
                self._exceed(stop.over_memory(self.limits))
            elif used.processor_seconds > self._processor_seconds_allowed:
                self._exceed(stop.over_time(self._seconds_allowed, "used processor time of"))
            elif self.isolation.get("files") and family.holds_more(
                self.folder / "work", self.limits.disk, self.limits.files
            ):
                self._exceed(stop.over_disk(self.limits))

    def _usage(self) -> family.Usage:
        return family.usage(self._process.pid, exact_above=self.limits.memory)

    def _exceed(self, diagnosis: Diagnosis) -> None:
        self._put("limit", diagnosis)
        self._end_processes()

    def _put(self, kind: str, content: Any) -> None:
        """Queue an event; a flood of them waits, until the process is closed."""
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                self._events.put((kind, content), timeout=0.1)
                return

    # --------------------------------------------------------------------------------- ending

    def _end_processes(self) -> None:
        """End the notebook's processes; the topmost goes last, as it is given the orphans."""
        family.end_below(self._process.pid)
        self._process.kill()
        self._process.wait()
        if self.isolation.get("processes", "not known"):
            family.end_with_variable("TMPDIR", str(self.folder / "work"))

    def close(self) -> None:
        """End every process of the notebook and remove its files."""
        if hasattr(self, "_threads"):
            self._end_processes()
            self._closed.set()
            self._outgoing.put(None)
            self._expected.release()
            for thread in self._threads:
                thread.join(timeout=5.0)
            # A descriptor that a thread still waits on stays open: its number must not be reused.
            if not any(thread.is_alive() for thread in self._threads):
                self._close_streams()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _close_streams(self) -> None:
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError):
                if stream:
                    stream.close()
