"""Ctrl-C that waits: what must not be torn is finished first; a second one stops at once.

with delayed_interrupt() as interruption:
    while not (search.is_over or interruption.asked):
        search.step()
    save(search)
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType


@dataclass
class Interruption:
    """Whether Ctrl-C was pressed."""

    asked: bool = False


@contextlib.contextmanager
def delayed_interrupt() -> Iterator[Interruption]:
    """Note the first Ctrl-C instead of raising it, until the block ends.

    So a step is never torn, and its result is not lost: the block looks at `asked` between two
    steps, saves and ends. Then `KeyboardInterrupt` is raised here, as for every interruption. A
    second Ctrl-C raises it at once, wherever the block is.

    Where Ctrl-C means something else than `KeyboardInterrupt` (another thread than the main one,
    a handler of the program's own, interrupts that are ignored), that stays as it is.
    """
    interruption = Interruption()
    in_main = threading.current_thread() is threading.main_thread()
    if not (in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler):
        yield interruption
        return

    def note(number: int, frame: FrameType | None) -> None:
        if interruption.asked:
            signal.default_int_handler(number, frame)
        interruption.asked = True

    signal.signal(signal.SIGINT, note)
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if interruption.asked:
        raise KeyboardInterrupt
