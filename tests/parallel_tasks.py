"""What the tests of the pool send to other processes: calls that succeed, fail, and kill."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path


def square(number):
    return number * number


def leave_mark(folder, number):
    """Leave a file for each start of the task, then take a moment."""
    count = len(list(Path(folder).glob(f"{number}-*")))
    (Path(folder) / f"{number}-{count}").write_text(str(os.getpid()))
    time.sleep(0.02)
    return number * number


def die_the_first_time(folder, number):
    """Be killed in the middle of the first try of every third number."""
    first = not list(Path(folder).glob(f"{number}-*"))
    (Path(folder) / f"{number}-{os.getpid()}").write_text("")
    if first and number % 3 == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def die_always(number):
    os.kill(os.getpid(), signal.SIGKILL)


def leave_with(code):
    sys.exit(code)


def fail(text):
    raise ValueError(text)


def unpicklable(number):
    return lambda: number


class Stubborn(Exception):
    """Pickles, but does not come back: its constructor wants two arguments."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def fail_stubbornly():
    raise Stubborn(1, 2)


def sleep_long(seconds):
    time.sleep(seconds)


def wait_for_file(path):
    """Work until somebody makes this file."""
    while not Path(path).exists():
        time.sleep(0.01)


def state_of_the_process():
    import torch

    return {
        "torch threads": torch.get_num_threads(),
        "ignores Ctrl-C": signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
        "threads": threading.active_count(),
    }


KEPT = {}


def keep(value):
    KEPT["value"] = value


def kept():
    return KEPT["value"]


def refuse(value):
    raise OSError(f"cannot load {value}")
