"""The pool of processes: no task is lost, whoever dies; and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from pathlib import Path

import parallel_tasks as tasks
import psutil
import pytest

from nas_course.errors import InvalidInput
from nas_course.parallel import ResubmittingPool, WorkerDied

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def pool():
    with ResubmittingPool(2) as shared:
        yield shared


def is_running(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def wait_until(happens, seconds=300.0):
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def test_results_come_in_the_order_of_the_questions(pool):
    assert list(pool.map(tasks.square, range(40))) == [n * n for n in range(40)]


@pytest.mark.posix
def test_tasks_whose_worker_is_killed_are_run_again_and_no_other_is(pool, tmp_path):
    futures = [pool.submit(tasks.die_the_first_time, tmp_path, n) for n in range(12)]
    assert [future.result() for future in futures] == [n * n for n in range(12)]
    starts = [len(list(tmp_path.glob(f"{n}-*"))) for n in range(12)]
    assert starts == [2 if n % 3 == 0 else 1 for n in range(12)]


@pytest.mark.posix
def test_workers_killed_from_outside_at_any_moment_lose_nothing(tmp_path):
    # Where a new worker is slow to start, all six kills may hit the same task.
    with ResubmittingPool(2, attempts=7) as pool:
        futures = [pool.submit(tasks.leave_mark, tmp_path, n) for n in range(30)]
        for kills in range(4):
            wait_until(lambda done=6 * kills + 2: sum(f.done() for f in futures) >= done)
            for pid in pool.worker_pids()[: 1 + kills % 2]:
                os.kill(pid, signal.SIGKILL)
        assert [future.result() for future in futures] == [n * n for n in range(30)]
    starts = sum(len(list(tmp_path.glob(f"{n}-*"))) for n in range(30))
    assert 30 <= starts <= 30 + 6, "a kill costs the one task that it interrupts"


@pytest.mark.posix
def test_a_task_that_always_kills_its_worker_is_named_and_the_pool_goes_on(pool):
    deadly, other = pool.submit(tasks.die_always, 13), pool.submit(tasks.square, 5)
    with pytest.raises(WorkerDied, match=r"die_always\(13\): its worker process died 3 times.*-9"):
        deadly.result()
    assert other.result() == 25 and pool.submit(tasks.square, 6).result() == 36


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        ((tasks.fail, "bad cell"), ValueError, "bad cell"),
        ((tasks.leave_with, 3), RuntimeError, r"ended by SystemExit\(3\)"),
        ((tasks.unpicklable, 1), Exception, "local object"),
        ((tasks.fail_stubbornly,), RuntimeError, "Stubborn"),
    ],
)
def test_what_a_task_raises_comes_back_with_its_place(pool, call, kind, said):
    with pytest.raises(kind, match=said) as caught:
        pool.submit(*call).result()
    notes = "".join(getattr(caught.value, "__notes__", [str(caught.value)]))
    assert "Traceback" in notes and "parallel" in notes


def test_what_cannot_be_sent_is_refused_with_advice(pool):
    with pytest.raises(InvalidInput, match=r"cannot be sent to another process.*workers=1"):
        pool.submit(lambda: 1)


def test_workers_use_one_thread_and_leave_ctrl_c_to_their_owner(pool):
    state = pool.submit(tasks.state_of_the_process).result()
    assert state == {"torch threads": 1, "ignores Ctrl-C": True, "threads": 2}


def test_each_worker_is_set_up_once_and_a_failing_set_up_is_an_error_of_the_task():
    with ResubmittingPool(1, initializer=tasks.keep, initargs=("table",)) as pool:
        assert pool.submit(tasks.kept).result() == "table"
    with (
        ResubmittingPool(1, initializer=tasks.refuse, initargs=("table",)) as pool,
        pytest.raises(OSError, match="cannot load table"),
    ):
        pool.submit(tasks.kept).result()


def test_what_waits_can_be_cancelled_and_what_runs_is_finished_on_shutdown(tmp_path):
    pool = ResubmittingPool(1)
    first = pool.submit(tasks.square, 3)
    first.result()  # the worker is up
    go_on = tmp_path / "go on"
    running, *waiting = [pool.submit(tasks.wait_for_file, go_on) for _ in range(4)]
    wait_until(running.running)
    assert waiting[0].cancel()
    waiting[-1].add_done_callback(lambda _: go_on.touch())  # so what runs outlasts what waits
    pids = pool.worker_pids()
    pool.shutdown(cancel_futures=True)
    assert running.done() and not running.cancelled()
    assert all(future.cancelled() for future in waiting)
    assert not any(is_running(pid) for pid in pids)
    with pytest.raises(RuntimeError, match="was shut down"):
        pool.submit(tasks.square, 3)


def test_an_error_or_ctrl_c_in_the_block_stops_the_workers_at_once():
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt), ResubmittingPool(1) as pool:
        futures = [pool.submit(tasks.sleep_long, 600) for _ in range(2)]
        wait_until(futures[0].running)
        wait_until(lambda: len(pool.worker_pids()) == 1)
        pids = pool.worker_pids()
        raise KeyboardInterrupt
    assert time.monotonic() - started < 300, "less than the 600 s of a task"
    with pytest.raises(CancelledError):
        futures[0].result()
    assert futures[1].cancelled() and not any(is_running(pid) for pid in pids)


@pytest.mark.parametrize(
    ("given", "said"),
    [({"workers": 0}, "workers: got 0"), ({"workers": 2, "attempts": 1.5}, "attempts: got 1.5")],
)
def test_a_wrong_size_is_refused(given, said):
    with pytest.raises(InvalidInput, match=said):
        ResubmittingPool(**given)


SCRIPT = """
import os, sys, time
from nas_course.parallel import ResubmittingPool

def cube(number):
    return number ** 3

def hold(seconds):
    time.sleep(seconds)

if __name__ == "__main__":
    pool = ResubmittingPool(2)
    print(list(pool.map(cube, range(5))), flush=True)
    if sys.argv[1:] == ["hold"]:
        futures = [pool.submit(hold, 600) for _ in range(2)]
        while len(pool.worker_pids()) < 2:
            time.sleep(0.01)
        print(*pool.worker_pids(), flush=True)
        time.sleep(600)
"""


def python(*words, **more):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    return subprocess.Popen(
        [sys.executable, *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def test_a_script_may_send_its_own_functions_and_ends_without_shutdown(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    printed, complaint = python(tmp_path / "script.py").communicate(timeout=300)
    assert (printed, complaint) == ("[0, 1, 8, 27, 64]\n", "")


def test_without_a_file_as_in_a_notebook_functions_of_modules_can_be_sent():
    line = "import parallel_tasks as t; from nas_course.parallel import ResubmittingPool as P\n"
    line += "with P(1) as pool: print(pool.submit(t.square, 7).result())"
    printed, complaint = python("-c", line).communicate(timeout=300)
    assert (printed, complaint) == ("49\n", "")


def test_a_function_of_a_notebook_cell_fails_with_a_clear_error_and_does_not_hang():
    line = "from nas_course.parallel import ResubmittingPool as P\n"
    line += "def mine(): return 1\nwith P(1) as pool: pool.submit(mine).result()"
    process = python("-c", line)
    _, complaint = process.communicate(timeout=300)
    assert process.returncode == 1 and "Can't get attribute 'mine'" in complaint


@pytest.mark.posix
@pytest.mark.parametrize("with_signal", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_owner_in_the_middle_of_a_task(tmp_path, with_signal):
    (tmp_path / "script.py").write_text(SCRIPT)
    process = python(tmp_path / "script.py", "hold")
    assert process.stdout.readline().startswith("[0, 1")
    pids = [int(word) for word in process.stdout.readline().split()]
    assert len(pids) == 2 and all(is_running(pid) for pid in pids)
    process.send_signal(with_signal)
    process.communicate(timeout=300)
    wait_until(lambda: not any(is_running(pid) for pid in pids))
