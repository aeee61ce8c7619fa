"""A search that is killed at random moments, again and again, ends with the same bits.

Goal R1 of specs/reliability-visual.md: 100 kills for each change, several of them inside a save.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest
from killed_commands import TESTS, environment
from outcomes import differences, outcome

from nas_course.history import FILE_NAME

pytestmark = pytest.mark.posix

# Most kills on the small space, where a step takes a tenth of the time.
KILLS = {
    "darts-1st/nas-bench-201": 40,
    "darts-2nd/nas-bench-201": 30,
    "darts-1st/darts": 18,
    "darts-2nd/darts": 12,
}


def test_there_are_a_hundred_kills():
    assert sum(KILLS.values()) == 100


@pytest.mark.slow
@pytest.mark.parametrize("case", KILLS)
def test_a_search_killed_at_random_moments_ends_with_the_same_bits(case, tmp_path):
    program = [sys.executable, str(TESTS / "crash_parent.py"), case, str(KILLS[case]), tmp_path]
    done = subprocess.run(
        program, env=environment(), capture_output=True, text=True, timeout=3000, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    report = json.loads(done.stdout)
    print(f"R1 {case}: {report}")
    assert report["differences"] == []
    assert report["kills"] >= KILLS[case] and report["runs"] >= 1
    assert report["in_save"] >= KILLS[case] // 12
    # R4: saved after every step, a kill costs the step it interrupts and no more
    assert report["steps_begun"] <= report["steps_needed"] + report["kills"]


def command(out, *more):
    words = ["search", "darts-1st", "--space", "nas-bench-201", "--device", "cpu", "--seed", "3"]
    words += ["--channels", "2", "--cells", "1", "--train-images", "64", "--valid-images", "64"]
    words += ["--batch-size", "8", "--epochs", "20", "--quiet", "--out", str(out), *more]
    return [sys.executable, "-m", "nas_course.cli", *words]


def kill_after_rows(out, rows, *more):
    """Start the command, wait until the history has so many lines, and kill it there."""
    process = subprocess.Popen(command(out, *more), env=environment(), stdout=subprocess.PIPE)
    file = out / FILE_NAME
    while not (file.exists() and file.read_bytes().count(b"\n") >= rows):
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.005)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_a_killed_command_is_resumed_to_the_same_bits(tmp_path):
    through = subprocess.Popen(
        command(tmp_path / "through"), env=environment(), stdout=subprocess.PIPE
    )
    out = tmp_path / "killed"
    kill_after_rows(out, 3)  # of 22 lines: a slow test must come before the end
    kill_after_rows(out, 6, "--resume")
    kill_after_rows(out, 10, "--resume")
    done = subprocess.run(command(out, "--resume"), env=environment(), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    through.communicate()
    ours, theirs = outcome(out), outcome(tmp_path / "through")
    ours["result"].pop("command"), theirs["result"].pop("command")  # the folder differs
    assert differences(ours, theirs) == []


def test_the_comparison_sees_one_changed_bit():
    import torch

    state = {"a": [1, {"b": torch.tensor([1.0, 2.0])}], "seconds": 1.0}
    other = {"a": [1, {"b": torch.tensor([1.0, 2.0000002])}], "seconds": 2.0}
    assert differences(state, other) == ["/a/1/b"]
    assert differences({"a": 1}, {"a": 1, "b": 2}) == [""]
    assert differences({"a": [1]}, {"a": [1, 2]}) == ["/a"]
    assert differences({"a": 1}, {"a": 1.0}) == ["/a"]
