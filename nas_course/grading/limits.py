"""How much a graded notebook may use, and what the learner reads when it used more."""

from __future__ import annotations

import signal
from dataclasses import asdict, dataclass

from nas_course.errors import InvalidInput
from nas_course.grading.exercise import Diagnosis

MEGABYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, times in seconds.

    `seconds` holds for the check of each exercise and `cell_seconds` for each cell, once as wall
    time and once as processor time summed over all processes. `memory`, `processes` (threads count
    too), `disk` and `files` hold for the notebook as a whole, `file` and `open_files` for one file
    or process.
    """

    seconds: float = 20.0
    cell_seconds: float = 120.0
    memory: int = 2_048 * MEGABYTE
    processes: int = 64
    file: int = 10 * MEGABYTE
    disk: int = 100 * MEGABYTE
    files: int = 2_000
    open_files: int = 256
    output: int = MEGABYTE
    start_seconds: float = 120.0
    # torch alone maps 0.75 GiB of private memory when it is imported (measured, 2.14 on Linux).
    memory_at_start: int = 1_024 * MEGABYTE

    def __post_init__(self) -> None:
        for name in ("seconds", "cell_seconds"):
            value = getattr(self, name)
            if not 0 < value < 86_400:
                raise InvalidInput(f"{name}: must be above 0 and below a day, got {value:g}")

    @property
    def total_seconds(self) -> float:
        """For the whole notebook, restarts included."""
        return 10 * self.seconds + 4 * self.cell_seconds

    def for_sandbox(self) -> dict:
        """What the isolated process needs to know."""
        processor = int(self.total_seconds + self.start_seconds)
        return {**asdict(self), "processor_seconds": processor}


def over_time(seconds: float, what: str = "ran") -> Diagnosis:
    """Wall or processor time."""
    return Diagnosis(
        got=f"it {what} more than {seconds:g} s and was ended",
        expected=f"an answer within {seconds:g} s",
        cause="A loop does not end, or the computation is far larger than needed.",
        next_step="Try a smaller input and look at the condition that ends each loop.",
        code="time-limit",
    )


def over_memory(limits: Limits) -> Diagnosis:
    """Memory of all processes together."""
    return Diagnosis(
        got=f"more than {limits.memory // MEGABYTE} MB of memory were used",
        expected="a computation that fits",
        cause="A list or tensor grows without end, or is far larger than needed.",
        next_step="Look for what grows in each turn of a loop.",
        code="memory-limit",
    )


def over_processes(limits: Limits) -> Diagnosis:
    """Processes and threads."""
    return Diagnosis(
        got=f"{limits.processes} processes or threads and more were started",
        expected="one process",
        cause="The notebook starts new processes in a loop.",
        next_step="No exercise needs processes of its own; remove them.",
        code="process-limit",
    )


def over_output(limits: Limits) -> Diagnosis:
    """Everything printed, by all processes."""
    return Diagnosis(
        got=f"more than {limits.output // 1024} KB were printed",
        expected="little printing",
        cause="The notebook prints in a loop that runs very often or never ends.",
        next_step="Remove the `print` or look at the condition that ends the loop.",
        code="output-limit",
    )


def over_disk(limits: Limits) -> Diagnosis:
    """Files written; only where no disk of limited size could be given to the notebook."""
    return Diagnosis(
        got=f"more than {limits.disk // MEGABYTE} MB or {limits.files} files were written",
        expected="few small files",
        cause="The notebook writes files in a loop.",
        next_step="No exercise needs large files; remove them.",
        code="disk-limit",
    )


def ended(code: int) -> Diagnosis:
    """The process is gone without having answered; `code` as a shell would say it."""
    if code - 128 == getattr(signal, "SIGXCPU", None):
        return over_time(0, "used up all its processor time,")
    how = f"with exit code {code}"
    if code > 128:
        how = f"by signal {code - 128} ({_name(code - 128)})"
    return Diagnosis(
        got=f"the notebook's process ended {how}",
        expected="a process that goes on to answer",
        cause="The code ended Python itself (`os._exit`, `kill`) or crashed it.",
        next_step="Remove what ends the process; return from the function instead.",
        code="process-ended",
    )


def broken_connection() -> Diagnosis:
    """The pipe to the grader was closed or written to by the learner's code."""
    return Diagnosis(
        got="the connection to the grader was closed or disturbed",
        expected="one answer",
        cause="The notebook's code closed or wrote to files that it did not open.",
        next_step="Return the answer from the function; leave file descriptors alone.",
        code="forged-reply",
    )


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
