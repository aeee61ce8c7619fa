"""Break a save at any of its steps: errors, short writes, and SIGKILL in a forked child."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Any

STEPS = ("makedirs", "mkdir", "open", "write", "fsync", "close", "rename", "replace", "unlink")
STEPS = (*STEPS, "rmdir")


class CountedOs:
    """Stand in for the ``os`` module: counts the calls that touch the disk, and breaks one.

    ``fault(name, real, arguments)`` is called instead of step number ``at`` (from 1).
    """

    def __init__(self, at: int = 0, fault: Callable[..., Any] | None = None) -> None:
        self.at, self.fault, self.log = at, fault, []

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        return self._wrap(name, real) if name in STEPS else real

    def _wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **more: Any) -> Any:
            self.log.append((name, arguments))
            if len(self.log) == self.at and self.fault is not None:
                return self.fault(name, lambda: real(*arguments, **more), arguments)
            return real(*arguments, **more)

        return step


class SlowOs(CountedOs):
    """Makes every step of a save take so many seconds, so that kills land inside of saves."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def _wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **more: Any) -> Any:
            time.sleep(self.seconds)
            return real(*arguments, **more)

        return step


def fail_with(code: int) -> Callable[..., Any]:
    """Make the step raise that OS error, after half of the bytes where it is a write."""

    def fault(name: str, real: Callable[[], Any], arguments: tuple[Any, ...]) -> Any:
        if name == "write":
            os.write(arguments[0], arguments[1][: len(arguments[1]) // 2])
        if name == "close":
            real()  # the descriptor is gone even when close reports an error
        raise OSError(code, os.strerror(code))

    return fault


def write_half(name: str, real: Callable[[], Any], arguments: tuple[Any, ...]) -> Any:
    """Make a write take only half of its bytes; other steps as they are."""
    if name != "write":
        return real()
    return os.write(arguments[0], arguments[1][: max(1, len(arguments[1]) // 2)])


def die_before(name: str, real: Callable[[], Any], arguments: tuple[Any, ...]) -> Any:
    """Kill the process instead of the step; half of the bytes of a write are on the disk."""
    if name == "write":
        os.write(arguments[0], arguments[1][: len(arguments[1]) // 2])
    os.kill(os.getpid(), signal.SIGKILL)


def die_after(name: str, real: Callable[[], Any], arguments: tuple[Any, ...]) -> Any:
    """Kill the process right after the step."""
    real()
    os.kill(os.getpid(), signal.SIGKILL)


def fork(work: Callable[[], Any]) -> int:
    """Run ``work`` in a forked child and give its process id; it exits 0, or 1 if work raised."""
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the parent has idle threads
        child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def wait(child: int) -> int:
    """Wait for a child: its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_after(child: int, seconds: float) -> int:
    """Give the child that long, then SIGKILL; its exit code if it was faster."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(min(0.002, max(0.0, deadline - time.monotonic())))
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    return wait(child)
