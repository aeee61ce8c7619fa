"""Kill `nas-course search METHOD --space SPACE` at random moments, go on, and compare every bit.

    python tests/crash_command.py darts FOLDER                      what the tests do
    python tests/crash_command.py darts FOLDER --installed          the rare campaign
    python tests/crash_command.py darts FOLDER p-darts darts-pt     only these

prints a report for each gradient method as JSON. A search is killed in each of its phases (the
stages of P-DARTS, for example), while it starts, and while it takes up a saved state. Processes
are forked from one that has torch imported, and enter the command line by its `main`; or, with
--installed, they are the command that a user types. Forked ones take their time for every step on
the disk, so that kills land inside of saves.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # optimizers import it at their first step: a second in every child
from faults import SlowOs, fork, wait
from outcomes import differences, outcome

import nas_course.search.command  # noqa: F401  (as torch: once, not in every child)
from nas_course import cli, methods, storage
from nas_course.data import load
from nas_course.strategies.gradient import GradientSearch

EPOCHS, STEPS = 3, 2  # of a search, of an epoch
SMALL = f"--epochs {EPOCHS} --channels 2 --batch-size 4 --train-images 8 --valid-images 8"
SMALL += " --alpha-learning-rate 0.05 --seed 6 --device cpu --quiet"
CELLS = {"darts": 3, "nas-bench-201": 1}
# So that schedules do within six steps what they are for, and cost little.
OWN = {
    "darts-early-stop": "--set limit=1 --set start=0.3",
    "r-darts": "--seed 2 --set window=1 --set back=1 --set ratio=1 --set start=0.2 --set images=6 "
    "--set products=3",  # with this seed the eigenvalue grows on both spaces
    "darts-pt": "--set images=6",
    "sdarts-adv": "--set steps=2",
    "idarts": "--set weight_steps=2",
    "pc-darts": "--channels 4",  # of which it takes a quarter
}
STARTING, RESUMING = "starting", "resuming"
MOST_RUNS = 40  # of a method; on a busy machine kills meant for a short phase come too late
EXPECTED_WARNING = "nas-course: warning: The terms of the Neumann series grow"  # of iDARTS

Start = Callable[[list[str], Path], int]


def command(method: str, space: str, out: Path, *more: str) -> list[str]:
    """Give the words after `nas-course`."""
    line = f"search {method} --space {space} --cells {CELLS[space]} {SMALL}"
    return [*f"{line} {OWN.get(method, '')}".split(), "--out", str(out), *more]


def phases(method: str, steps: int) -> dict[str, range]:
    """Name the parts of a search of so many steps that are worth a kill of their own.

    A kill belongs to the phase that has the number of saved steps: the step after it was in work.
    """
    total = EPOCHS * STEPS
    if method == "p-darts":
        first, second = -(-total // 3), -(-2 * total // 3)
        bounds = {"stage 1": 0, "stage 2": first, "stage 3": second}
    elif method == "darts-pt":
        bounds = {"search": 0, "selection": round(0.6 * total)}
    elif method == "pc-darts":
        bounds = {"warm-up": 0, "after the warm-up": -(-3 * total // 10)}
    elif method in ("r-darts", "darts-early-stop"):
        bounds = {"before the stop": 0, "at the stop": steps - 1, "after the stop": steps}
    else:
        bounds = {"first half": 0, "second half": total // 2}
    ends = [*list(bounds.values())[1:], steps + 1]
    return {
        name: range(first, end) for (name, first), end in zip(bounds.items(), ends, strict=True)
    }


def forked(words: list[str], errors: Path) -> int:
    """Start the command in a child of this process; give its process id."""

    def work() -> None:
        _write_to(errors)
        storage.os = SlowOs(seconds=0.005)
        _count_steps(errors.with_name("steps"))
        assert cli.main(words) == 0

    return fork(work)


def installed(words: list[str], errors: Path) -> int:
    """Start the command as a user does; give its process id."""
    program = str(Path(sys.executable).with_name("nas-course"))
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    files = [
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, str(errors), append, 0o666),
    ]
    return os.posix_spawn(program, [program, *words], os.environ, file_actions=files)


def _write_to(errors: Path) -> None:
    """Send what this process prints to nowhere, and what it complains of to a file."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)


def _count_steps(file: Path) -> None:
    """Leave a byte in a file at the beginning of every step of a search."""
    real = GradientSearch.step

    def step(search: GradientSearch, *batches: Any) -> Any:
        with file.open("ab") as counted:
            counted.write(b".")
        return real(search, *batches)

    GradientSearch.step = step


def saved_steps(out: Path) -> int:
    """Give the steps of the newest saved state, which is saved after every step; -1 if none."""
    paths = storage.generations(out / "checkpoints")
    return int(paths[0].name.split("-")[1]) - 1 if paths else -1


@dataclass
class Campaign:
    """One method on one space: runs that are killed until every phase has had its kill."""

    method: str
    space: str
    folder: Path
    start: Start
    landed: dict[str, int] = field(default_factory=dict)
    runs: int = 0
    in_save: int = 0
    patience: float = 1.0  # less when kills come too late: the machine has slowed down
    differences: list[str] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """Run the campaign."""
        self.folder.mkdir(parents=True)
        self.rng = random.Random(f"{self.method}/{self.space}")
        self.errors = self.folder / "errors"
        self._run_through()
        self.phases = phases(self.method, self.steps)
        self.landed = dict.fromkeys([STARTING, RESUMING, *self.phases], 0)
        while not all(self.landed.values()) and self.runs < MOST_RUNS:
            out = self.folder / f"run-{self.runs}"
            self.runs += 1
            self._kill_until_done(out)
            self.differences += differences(_result(out), self.expected)
        return {
            "kills": sum(self.landed.values()),
            "landed": self.landed,
            "in_save": self.in_save,
            "runs": self.runs,
            "differences": self.differences,
            "complaints": list(self._complaints()),
            "steps": self.steps,
            "steps_asked": EPOCHS * STEPS,
            "steps_begun": self._steps_begun(),
            "architecture": self.expected["result"]["architecture"],
        }

    def _run_through(self) -> None:
        """Run the search uninterrupted, without a saved state between its start and its end."""
        out = self.folder / "through"
        began = time.monotonic()
        words = command(self.method, self.space, out, "--checkpoint-seconds", "1000")
        child = self.start(words, self.errors)
        while saved_steps(out) < 0 and not _over(child):
            time.sleep(0.002)
        self.starting_takes = time.monotonic() - began
        _require(wait(child), self.errors)
        self.step_takes = (time.monotonic() - began - self.starting_takes) / (EPOCHS * STEPS)
        self.expected = _result(out)
        self.steps = self.expected["result"]["cost"]["steps"]
        self.errors.with_name("steps").unlink(missing_ok=True)  # only those of killed runs count

    def _kill_until_done(self, out: Path) -> None:
        """Kill the run for every phase that had no kill yet and still lies ahead; let it end."""
        words = command(self.method, self.space, out, "--checkpoint-seconds", "0", "--resume")
        while phase := self._next_phase(saved_steps(out)):
            child = self.start(words, self.errors)
            if not self._killed(child, out, phase):
                return
        _require(wait(self.start(words, self.errors)), self.errors)

    def _next_phase(self, before: int) -> str | None:
        for phase, kills in self.landed.items():
            ahead = {STARTING: before < 0, RESUMING: before >= 0}.get(phase)
            if ahead is None:
                ahead = self.phases[phase].stop > before + 1
            if ahead and not kills:
                return phase
        return None

    def _killed(self, child: int, out: Path, phase: str) -> bool:
        """Kill the child in that phase, or as near as it goes; False if it had ended."""
        before, window = saved_steps(out), self.phases.get(phase)
        rest = self.starting_takes
        if window is not None:
            step = self.rng.randrange(max(window.start, before + 1), window.stop)
            while saved_steps(out) < step and not _over(child):
                time.sleep(0.001)
            # in work is the step after it; at the end it is what comes after all steps
            rest = self.step_takes if step < self.steps else 0.0
        deadline = time.monotonic() + self.rng.uniform(0.0, rest * self.patience)
        while time.monotonic() < deadline and not _over(child):
            time.sleep(0.001)
        os.kill(child, signal.SIGKILL)  # does nothing to one that has ended
        if (code := wait(child)) != -signal.SIGKILL:
            _require(code, self.errors)
            self.patience *= 0.8
            return False
        self._note(before, saved_steps(out), phase)
        self.in_save += any((out / "checkpoints").glob(".draft-*"))
        return True

    def _note(self, before: int, after: int, meant: str) -> None:
        if after == before:
            phase = STARTING if before < 0 else RESUMING
        else:
            phase = next(name for name, window in self.phases.items() if after in window)
        self.landed[phase] += 1
        self.patience *= 1.0 if phase == meant else 0.8

    def _complaints(self) -> Iterator[str]:
        for line in self.errors.read_text().splitlines():
            if line and not line.startswith(EXPECTED_WARNING):
                yield line

    def _steps_begun(self) -> int | None:
        counted = self.errors.with_name("steps")
        return counted.stat().st_size if counted.exists() else None


def _result(out: Path) -> dict[str, Any]:
    """Give all that a search leaves behind but the command, in which the folder differs."""
    found = outcome(out)
    del found["result"]["command"]
    return found


def _over(child: int) -> bool:
    """Whether a child has ended; it can still be waited for."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _require(code: int, errors: Path) -> None:
    if code != 0:
        raise SystemExit(f"a search ended with {code}:\n{errors.read_text()[-4000:]}")


def main() -> None:
    """Print {method: report}."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("space", choices=CELLS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("methods", nargs="*", default=methods.names("gradient"))
    parser.add_argument("--installed", action="store_true")
    given = parser.parse_intermixed_args()
    load("digits", device="cpu")  # imports what reads them
    reports = {}
    for method in given.methods:
        began, start = os.times(), installed if given.installed else forked
        report = Campaign(method, given.space, given.folder / method, start).report()
        report["cpu_seconds"] = round(os.times().children_user - began.children_user, 1)
        reports[method] = report
        print(f"{given.space} {method}: {report}", file=sys.stderr)
    print(json.dumps(reports))


if __name__ == "__main__":
    main()
