"""A pool of processes that loses no task when a worker dies: it is run again.

Use::

    with ResubmittingPool(workers=2) as pool:
        scores = list(pool.map(estimate, architectures))

`concurrent.futures.ProcessPoolExecutor` and loky give up the whole queue when one worker is
killed, as by a system short of memory. Here each worker has a pipe of its own and one task at a
time, so a death costs one task's time: a new worker takes its place and starts that task anew.
Tasks must therefore be pure: running one twice must do no harm.
"""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from nas_course.errors import CourseError, InvalidInput

ATTEMPTS = 3  # a task whose worker died so often is given up
ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_NAME_LENGTH = 160  # characters of a task's description

_spawn = multiprocessing.get_context("spawn")


class WorkerDied(CourseError):
    """A task killed its worker every time that it was tried; the message names the task."""


@dataclass
class _Task:
    """A call on its way: what a worker needs of it, and the future of whoever asked."""

    payload: bytes
    name: str
    future: Future = field(default_factory=Future)


class ResubmittingPool(Executor):
    """Run calls in spawned processes, one thread of arithmetic in each.

    Parameters
    ----------
    workers : int
        Number of processes, from 1 on. Each starts with its first task.
    initializer : callable, optional
        Called with `initargs` in each process before its first task, as to load what all tasks
        need. What it raises becomes the error of the task.
    initargs : tuple
    attempts : int
        How often a task is started before it is given up because its workers died.

    Notes
    -----
    Functions and arguments are pickled: define them in a module or in the running script, not in
    a notebook cell. A script must create the pool under ``if __name__ == "__main__":``, because
    each process imports the script again. Workers ignore Ctrl-C, which is for the program that
    owns the pool, and end with it even if it is killed. Leaving the ``with`` block by an error or
    by Ctrl-C stops the workers at once; leaving it in peace waits for what was submitted.
    """

    def __init__(
        self,
        workers: int,
        *,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        attempts: int = ATTEMPTS,
    ) -> None:
        for name, value in {"workers": workers, "attempts": attempts}.items():
            if type(value) is not int or value < 1:
                raise InvalidInput(f"{name}: got {value!r}; allowed: whole numbers from 1 on.")
        self.workers = workers
        self.attempts = attempts
        self._setup = _pickled((initializer, initargs), "the pool's initializer")
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._stopped = threading.Event()
        self._processes: dict[int, multiprocessing.process.BaseProcess] = {}
        self._threads = [
            threading.Thread(target=self._serve, args=(slot,), daemon=True, name=f"pool-{slot}")
            for slot in range(workers)
        ]
        for thread in self._threads:
            thread.start()
        atexit.register(self.stop)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Queue ``fn(*args, **kwargs)``; the future gives its result or its exception.

        Raises
        ------
        InvalidInput
            The call cannot be sent to another process.
        RuntimeError
            The pool was shut down.
        """
        name = _describe(fn, args, kwargs)
        task = _Task(_pickled((fn, args, kwargs), name), name)
        with self._lock:
            if self._closed:
                raise RuntimeError("the pool was shut down; make a new one")
            self._tasks.put(task)
        return task.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks, and end the workers when those taken are done.

        Parameters
        ----------
        wait : bool
            Return only when all workers have ended.
        cancel_futures : bool
            Cancel what has not been started.
        """
        with self._lock:
            if cancel_futures:
                self._cancel_queued()
            if not self._closed:
                self._closed = True
                for _ in self._threads:
                    self._tasks.put(None)
        if wait:
            for thread in self._threads:
                thread.join()
            atexit.unregister(self.stop)

    def stop(self) -> None:
        """End the workers at once; what was not finished is cancelled."""
        self._stopped.set()
        with self._lock:
            for process in self._processes.values():
                process.kill()
        self.shutdown(wait=True, cancel_futures=True)

    def worker_pids(self) -> list[int]:
        """Process ids of the workers that live now."""
        with self._lock:
            living = [process for process in self._processes.values() if process.is_alive()]
        return [process.pid for process in living if process.pid is not None]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.shutdown(wait=True)
        else:
            self.stop()

    def _cancel_queued(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                task = self._tasks.get_nowait()
                if task is not None:
                    task.future.cancel()
                else:  # the end mark of a worker
                    self._tasks.put(None)
                    return

    def _serve(self, slot: int) -> None:
        """Thread of one worker: give it task after task, replace it when it dies."""
        worker: _Worker | None = None
        while (task := self._tasks.get()) is not None:
            if not task.future.set_running_or_notify_cancel():
                continue
            worker = self._run(task, worker, slot)
        if worker is not None:
            worker.close()

    def _run(self, task: _Task, worker: _Worker | None, slot: int) -> _Worker | None:
        """Run a task to its end, in as many workers as that takes; the last one goes on."""
        code: int | None = None
        for _ in range(self.attempts):
            if worker is None or not worker.process.is_alive():
                try:
                    worker = self._started(slot)
                except CancelledError as error:
                    task.future.set_exception(error)
                    return None
            answer = worker.call(task.payload)
            if answer is not None:
                _settle(task.future, answer)
                return worker
            code, worker = worker.close(), None
        task.future.set_exception(
            WorkerDied(
                f"{task.name}: its worker process died {self.attempts} times (exit code {code}; "
                "-9 is a kill from outside, often for want of memory). Use fewer workers or less "
                "memory; a script must start the pool under `if __name__ == '__main__':`."
            )
        )
        return None

    def _started(self, slot: int) -> _Worker:
        """Start a worker, unless the pool was stopped meanwhile."""
        with self._lock:
            if self._stopped.is_set():
                raise CancelledError("the pool was stopped")
            worker = _Worker(self._setup)
            self._processes[slot] = worker.process
            return worker


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, setup: bytes) -> None:
        self.connection, theirs = _spawn.Pipe()
        self.process = _spawn.Process(target=_work, args=(theirs, setup), daemon=True)
        self.process.start()
        theirs.close()  # so that reading ends when the process does

    def call(self, payload: bytes) -> bytes | None:
        """Send a call and wait for its answer; None if the process died."""
        try:
            self.connection.send_bytes(payload)
            return self.connection.recv_bytes()
        except (EOFError, OSError):
            return None

    def close(self) -> int | None:
        """End the process, which is idle or dead, and give its exit code."""
        self.connection.close()
        self.process.join()
        return self.process.exitcode


def _pickled(call: tuple[Any, ...], name: str) -> bytes:
    try:
        return pickle.dumps(call)
    except Exception as error:  # pickle raises nearly anything
        raise InvalidInput(
            f"{name}: this cannot be sent to another process ({error}). Use functions and classes "
            "of a module instead of lambdas and inner functions, or workers=1."
        ) from error


def _describe(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    given = [str(value) for value in args]
    given += [f"{name}={value}" for name, value in kwargs.items()]
    text = f"{getattr(fn, '__qualname__', fn)}({', '.join(given)})"
    return text if len(text) <= _NAME_LENGTH else f"{text[:_NAME_LENGTH]}..."


def _settle(future: Future, answer: bytes) -> None:
    """Give the future what the worker sent."""
    try:
        result, error = pickle.loads(answer)
    except Exception as problem:
        problem.add_note("The answer of a worker could not be read in this process.")
        result, error = None, problem
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


# In the worker process.


def _work(connection: Connection, setup: bytes) -> None:
    """Answer calls until the owner closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _use_one_thread()
    ready = False
    with contextlib.suppress(EOFError, OSError):
        while True:
            payload = connection.recv_bytes()
            if not ready:
                answer = _answer(setup)
                ready = pickle.loads(answer)[1] is None
                if not ready:
                    connection.send_bytes(answer)
                    continue
            connection.send_bytes(_answer(payload))


def _end_with_parent() -> None:
    """Leave no process behind when the owner is killed, even in the middle of a task."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _use_one_thread() -> None:
    """Keep libraries to one thread each: two on a busy two-core machine were ten times slower."""
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    if "torch" in sys.modules:  # the running script imported it already
        sys.modules["torch"].set_num_threads(1)


def _answer(payload: bytes) -> bytes:
    """Make the call and pack its result, or what it raised, with the traceback as a note."""
    try:
        fn, args, *more = pickle.loads(payload)
        result = None if fn is None else fn(*args, **(more[0] if more else {}))
        return pickle.dumps((result, None))
    except BaseException as error:
        return _packed_error(error)


def _packed_error(error: BaseException) -> bytes:
    told = error if isinstance(error, Exception) else RuntimeError(f"the task ended by {error!r}")
    told.add_note(f"In the worker process:\n{traceback.format_exc()}")
    try:
        packed = pickle.dumps((None, told))
        pickle.loads(packed)  # an exception may pickle and yet not come back
        return packed
    except Exception:
        return pickle.dumps((None, RuntimeError(f"{error!r}\n{traceback.format_exc()}")))
