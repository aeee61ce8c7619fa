"""A process and all below it: how much they use, and how to end them."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import NamedTuple

import psutil


class Usage(NamedTuple):
    """Sums over a family of processes; `tasks` counts threads, `memory` is in bytes."""

    memory: int
    processor_seconds: float
    tasks: int


def members(top: int) -> list[psutil.Process]:
    """The process with this number, if it is still there, and all below it."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(top)
        return [process, *process.children(recursive=True)]
    return []


def usage(top: int, exact_above: int) -> Usage:
    """Measure a family.

    Memory that forked processes share is counted for each of them, unless the sum is more than
    `exact_above`: then it is divided among them, which takes longer to find out.
    """
    memory, processor, tasks = 0, 0.0, 0
    found = members(top)
    for process in found:
        with contextlib.suppress(psutil.Error), process.oneshot():
            memory += process.memory_info().rss
            processor += sum(process.cpu_times()[:4])  # own and reaped children's
            tasks += process.num_threads()
    if memory > exact_above:
        memory = sum(map(_unshared_memory, found))
    return Usage(memory, processor, tasks)


def _unshared_memory(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        found = process.memory_full_info()
        return getattr(found, "pss", found.uss)
    return 0


def holds_more(folder: Path, size: int, files: int) -> bool:
    """True when a folder holds more bytes or files than this; stops counting there."""
    found = count = 0
    for place, _, names in os.walk(folder):
        for name in names:
            count += 1
            with contextlib.suppress(OSError):
                found += os.lstat(os.path.join(place, name)).st_size
            if count > files or found > size:
                return True
    return False


def end_below(top: int, seconds: float = 5.0) -> None:
    """Kill all below a process until none is left that runs; gives up after some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        below = [process for process in members(top)[1:] if _is_running(process)]
        for process in below:
            with contextlib.suppress(psutil.Error):
                process.kill()
        if not below:
            return
        time.sleep(0.02)


def end_with_variable(name: str, value: str) -> None:
    """Kill every process with this environment variable: some may have left their family."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(name) == value:
                process.kill()


def _is_running(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
