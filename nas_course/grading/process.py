"""One graded notebook's process, seen from the grader: start it, ask it, watch it, end it."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import psutil

from nas_course.errors import CourseError
from nas_course.grading import limits as stop
from nas_course.grading import view
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
        self._events: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=64)
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
        reply = self._reply(self._deadline - time.monotonic())
        if reply.get("id") != self._number:
            self._stop(stop.broken_connection())
        return reply

    def discard(self) -> None:
        """End the process because something stands in the pipe that nobody asked for."""
        self.stopped = stop.broken_connection()
        self.close()

    @property
    def is_quiet(self) -> bool:
        """True while it is usable and has sent nothing but replies."""
        return self.stopped is None and self._events.empty()

    def begin_step(self, seconds: float) -> None:
        """From now on so many seconds of wall time and of processor time may be used."""
        self._seconds_allowed = seconds
        self._deadline = time.monotonic() + seconds
        self._processor_seconds_allowed = self._usage()[1] + seconds

    def _reply(self, seconds: float) -> dict:
        try:
            kind, content = self._events.get(timeout=max(0.0, seconds))
        except queue.Empty:
            self._stop(stop.over_time(self._seconds_allowed))
        if kind == "reply" and isinstance(content, dict):
            return content
        if kind == "closed":  # mostly because the process ends; then say how it ended
            kind, content = self._ending(5.0)
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
            while True:
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
            memory, processor, tasks = self._usage()
            if tasks >= self.limits.processes:
                self._exceed(stop.over_processes(self.limits))
            elif memory > self.limits.memory:
                self._exceed(stop.over_memory(self.limits))
            elif processor > self._processor_seconds_allowed:
                self._exceed(stop.over_time(self._seconds_allowed, "used processor time of"))
            elif self.isolation.get("files") and self._disk_is_full():
                self._exceed(stop.over_disk(self.limits))

    def _exceed(self, diagnosis: Diagnosis) -> None:
        self._put("limit", diagnosis)
        self._end_processes()

    def _put(self, kind: str, content: Any) -> None:
        """Queue an event; a flood of them waits, until the process is closed."""
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                self._events.put((kind, content), timeout=0.1)
                return

    def _usage(self) -> tuple[int, float, int]:
        """Memory in bytes, processor time in seconds and tasks, over all of its processes."""
        memory, processor, tasks = 0, 0.0, 0
        processes = self._descendants()
        for process in processes:
            with contextlib.suppress(psutil.Error), process.oneshot():
                memory += process.memory_info().rss
                times = process.cpu_times()
                processor += sum(times[:4])  # own and reaped children's, user and system
                tasks += process.num_threads()
        if memory > self.limits.memory:
            memory = sum(map(_unshared_memory, processes))
        return memory, processor, tasks

    def _disk_is_full(self) -> bool:
        size = count = 0
        for folder, _, names in os.walk(self.folder / "work"):
            for name in names:
                count += 1
                with contextlib.suppress(OSError):
                    size += os.lstat(os.path.join(folder, name)).st_size
                if count > self.limits.files or size > self.limits.disk:
                    return True
        return False

    # --------------------------------------------------------------------------------- ending

    def _descendants(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            top = psutil.Process(self._process.pid)
            return [top, *top.children(recursive=True)]
        return []

    def _end_processes(self) -> None:
        """Kill from the bottom; the topmost process goes last, as it is given the orphans."""
        deadline = time.monotonic() + 5.0
        while time.monotonic() < deadline:
            found = self._descendants()
            below = [p for p in found[1:] if _is_running(p)]
            for process in below:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            if not below:
                break
            time.sleep(0.02)
        self._process.kill()
        self._process.wait()
        self._end_escaped()

    def _end_escaped(self) -> None:
        """Kill those with our folder in their environment, where no namespace holds them."""
        if not self.isolation.get("processes", "not known"):
            return
        marker = str(self.folder / "work")
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.pid != os.getpid() and process.environ().get("TMPDIR") == marker:
                    process.kill()

    def close(self) -> None:
        """End every process of the notebook and remove its files."""
        if hasattr(self, "_threads"):
            self._end_processes()
            self._closed.set()
            self._outgoing.put(None)
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


def _is_running(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _unshared_memory(process: psutil.Process) -> int:
    """Bytes, where a page that forked processes share is divided among them; slow to find out."""
    with contextlib.suppress(psutil.Error):
        found = process.memory_full_info()
        return getattr(found, "pss", found.uss)
    return 0
