"""Ctrl-C: the step under way is finished and saved, the message says how to go on, code 130."""
# ruff: noqa: F811  (fixtures are imported, then named as arguments)

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from faults import CountedOs, fail_with
from small_search import (  # noqa: F401
    EPOCHS,
    STEPS,
    Watched,
    assert_same,
    data,
    reference,
    run,
)

from nas_course import cli, storage
from nas_course.history import History
from nas_course.search import SearchInterrupted
from nas_course.storage import generations, read_generation, unpack_state

ROOT = Path(__file__).resolve().parents[1]
SMALL = "--space nas-bench-201 --device cpu --channels 2 --cells 1 --batch-size 8 --quiet"
SMALL += " --train-images 16 --valid-images 16"


def saved_state(out):
    return unpack_state(read_generation(generations(out / "checkpoints")[0]).files["state.pt"])


def interrupted(data, out, at, presses=1, **more):
    """Press Ctrl-C so many times within step number ``at`` (from 0); return the message."""
    steps = iter(range(10**6))

    def press(strategy, train, valid):
        if next(steps) == at:
            for _ in range(presses):
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(SearchInterrupted) as caught:
        run(data, Watched(press), out=out, **more)
    return str(caught.value)


@pytest.mark.parametrize("at", range(EPOCHS * STEPS))
def test_nothing_that_was_computed_is_lost(data, reference, tmp_path, at):
    said = interrupted(data, tmp_path, at)
    state = saved_state(tmp_path)
    assert STEPS * state["epoch"] + state["step"] == at + 1, "with the step of the Ctrl-C"
    assert f"epoch {(at + 1) // STEPS + 1} of 3, step {(at + 1) % STEPS} of 3" in said
    assert str(tmp_path) in said and "resume=True (--resume)" in said
    assert History.load(tmp_path).rows[-1]["step"] == at + 1
    assert_same(run(data, out=tmp_path, resume=True), reference)


def test_a_second_ctrl_c_stops_within_the_step(data, reference, tmp_path):
    interrupted(data, tmp_path, at=4, presses=2, checkpoint_seconds=0.0)
    assert saved_state(tmp_path)["epoch"] == 1 and saved_state(tmp_path)["step"] == 1
    assert_same(run(data, out=tmp_path, resume=True), reference)


def test_afterwards_ctrl_c_means_what_it_meant_before(data, tmp_path):
    before = signal.getsignal(signal.SIGINT)
    assert before is signal.default_int_handler
    interrupted(data, tmp_path / "one", at=1)
    run(data, out=tmp_path / "two")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_handler_of_the_program_is_left_alone(data, reference):
    heard = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        steps = iter(range(10**6))
        press = Watched(lambda *given: next(steps) == 2 and signal.raise_signal(signal.SIGINT))
        assert_same(run(data, press), reference)
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]


def test_a_search_in_another_thread_is_not_touched(data, reference):
    found = []
    thread = threading.Thread(target=lambda: found.append(run(data)))
    thread.start()
    thread.join()
    assert_same(found[0], reference)


def test_a_loop_over_searches_ends_at_ctrl_c_in_the_last_step_of_one(data, tmp_path):
    interrupted(data, tmp_path, at=EPOCHS * STEPS - 1)
    assert saved_state(tmp_path)["epoch"] == EPOCHS


def start_command(words, ready):
    """Start the command; there is the file ``ready`` from when Python has read its first lines."""
    program = (
        f"import pathlib, sys; from nas_course import cli; pathlib.Path({str(ready)!r}).touch()"
    )
    program += "; sys.exit(cli.main())"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not ready.exists():
        time.sleep(0.01)
    ready.unlink()
    return process


@pytest.mark.posix
def test_the_command_can_be_stopped_at_any_moment(tmp_path):
    """From the first import on, there is a message instead of a traceback."""
    rng = random.Random(0)
    line = f"search p-darts {SMALL} --epochs 100000 --resume --out {tmp_path / 'run'}"
    for longest in (1.0, 4.0, 10.0):
        process = start_command(line.split(), tmp_path / "ready")
        time.sleep(rng.uniform(0.0, longest))
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=300)
        assert process.returncode == 130, complaint
        assert complaint.startswith("nas-course search: ") and complaint.count("\n") == 1
        assert "go on with resume=True (--resume)" in complaint or "same command" in complaint


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("method", ["p-darts", "darts-pt", "hyperdarts-1", "balenas-1st"])
def test_a_disk_that_refuses_is_one_message_and_the_search_goes_on_later(
    method, code, tmp_path, monkeypatch, capsys
):
    words = f"search {method} {SMALL} --epochs 2 --checkpoint-seconds 0 --out"
    assert cli.main([*words.split(), str(tmp_path / "through")]) == 0
    healthy = storage.os
    total = 0
    for at in (15, 40, 70):  # while the owner, a state, a later state is written
        monkeypatch.setattr(storage, "os", CountedOs(at, fail_with(code)))
        capsys.readouterr()
        assert cli.main([*words.split(), str(tmp_path / "run"), "--resume"]) in (0, 2)
        complaint = capsys.readouterr().err
        if complaint:
            total += 1
            assert os.strerror(code) in complaint and "--resume" in complaint
            assert "Traceback" not in complaint
    assert total, "no save was refused"
    monkeypatch.setattr(storage, "os", healthy)
    assert cli.main([*words.split(), str(tmp_path / "run"), "--resume"]) == 0
    rows = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in History.load(out).rows]
        for out in (tmp_path / "run", tmp_path / "through")
    ]
    assert rows[0] == rows[1]
