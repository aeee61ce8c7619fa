"""What the process of a graded notebook is given, and what it is not."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from grading_samples import IMPORT, RIGHT_EDGES, grader, write_notebook

from nas_course.grading import isolation, view
from nas_course.grading.limits import Limits
from nas_course.grading.process import CannotStart, NotebookProcess
from nas_course.grading.sandbox.pipe import MOST_BYTES, Pipe

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def pipe():
    incoming, outgoing = os.pipe()
    made = Pipe(incoming, outgoing)
    yield made
    for number in (incoming, outgoing):
        try:
            os.close(number)
        except OSError:
            continue


def test_message_arrives_as_it_was_sent(pipe):
    message = {"text": "ü\ud800", "numbers": [1, 2.5, None, True]}
    pipe.send(message)
    assert pipe.receive() == message


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        (MOST_BYTES + 1).to_bytes(4, "big"),
        (4).to_bytes(4, "big") + b"abcd",
        (2).to_bytes(4, "big") + b"\xff\xfe",
        (40_000).to_bytes(4, "big") + b"[" * 40_000,
        (0).to_bytes(4, "big"),
    ],
    ids=["longest", "too long", "no json", "no text", "nested", "empty"],
)
def test_nonsense_in_the_pipe_is_refused(data, pipe):
    os.write(pipe.outgoing, data)
    with pytest.raises(ValueError):
        pipe.receive()


def test_closed_pipe_is_the_end(pipe):
    os.write(pipe.outgoing, b"\0\0\0\x09only")
    os.close(pipe.outgoing)
    with pytest.raises(EOFError):
        pipe.receive()


def test_copy_of_the_package_holds_no_check(tmp_path):
    view.copy_package(tmp_path)
    there = {p.name for p in (tmp_path / "nas_course/grading").rglob("*.py")}
    known = {p.stem for p in (REPOSITORY / "nas_course/grading").glob("*.py")}
    assert there == {
        *("__init__.py", "transport.py", "answering.py", "kernel.py", "landlock.py", "linux.py"),
        *("pipe.py", "recorder.py", "seccomp.py", "serve.py", "start.py", "tree.py"),
    }
    assert any(name.startswith("exercises_") for name in known)
    text = "".join(p.read_text(encoding="utf-8") for p in tmp_path.rglob("*.py"))
    assert "Diagnosis(" not in text


def test_environment_holds_no_secret_of_the_grader(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "5e1f")
    found = view.environment(tmp_path)
    assert "5e1f" not in json.dumps(found)
    assert found["HOME"] == str(tmp_path)


def test_checkout_submissions_and_package_are_hidden(tmp_path):
    hidden = view.hidden_paths([tmp_path / "a.ipynb"])
    assert str(tmp_path.resolve()) in hidden
    assert str(REPOSITORY / "nas_course") in hidden
    assert str(REPOSITORY) in hidden


@pytest.mark.skipif(sys.platform != "linux", reason="the file tree is built on Linux only")
def test_nearest_named_folder_decides_whether_a_path_is_visible():
    from nas_course.grading.sandbox.tree import visibility

    steps = visibility(["/usr", "/work/main/.venv", "/usr/lib"], ["/work/main", "/usr/share/x"])
    assert steps == [("/usr", False), ("/usr/share/x", True), ("/work/main/.venv", False)]


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock is Linux'")
def test_folders_are_carved_around_what_is_hidden(tmp_path):
    from nas_course.grading.sandbox.linux import carved

    for name in ("a/secret", "a/open", "b"):
        (tmp_path / name).mkdir(parents=True)
    top = str(tmp_path)
    assert sorted(carved(top, [f"{top}/a/secret"])) == [f"{top}/a/open", f"{top}/b"]
    assert carved(top, ["/elsewhere"]) == [top]
    assert carved(top, [top]) == []


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux'")
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_filter_of_system_calls_jumps_only_inside_itself(machine):
    from nas_course.grading.sandbox.seccomp import _ATTRIBUTES, _instructions

    lines = _instructions(machine, _ATTRIBUTES[machine])
    jumps = [(n, line) for n, line in enumerate(lines) if line[0] in (0x15, 0x35, 0x45)]
    assert len(lines) < 256
    assert all(n + 1 + max(line[1], line[2]) < len(lines) for n, line in jumps)
    assert lines[-1] == (0x06, 0, 0, 0x7FFF0000)


def test_unknown_processor_gets_no_filter():
    if sys.platform != "linux":
        pytest.skip("seccomp is Linux'")
    from nas_course.grading.sandbox.seccomp import _instructions

    with pytest.raises(OSError, match="no list of system calls for vax"):
        _instructions("vax", ())


LOOK = """
import os, pkgutil, sys
import nas_course.grading as grading
try:
    folders = sorted(os.listdir(REPOSITORY))
except OSError:
    folders = []
seen = {
    "modules": sorted(m.name for m in pkgutil.iter_modules(grading.__path__)),
    "loaded": sorted(name for name in sys.modules if name.startswith("nas_course")),
    "folders": folders,
    "arguments": sys.argv,
}
"""


def look_around(tmp_path):
    """What a notebook's process sees, read through an exercise that accepts everything."""
    with NotebookProcess(Limits(), [tmp_path / "x.ipynb"]) as process:
        process.begin_step(200)
        source = LOOK.replace("REPOSITORY", repr(str(REPOSITORY)))
        assert process.ask({"do": "cell", "source": source})["error"] is None
        asked = {"do": "ask", "exercise": "", "name": "seen", "request": {"value": True}}
        reply = process.ask(asked)["outcome"]["value"]
        return process.isolation, dict(reply["dict"])


def test_process_of_a_notebook_holds_no_check(tmp_path):
    force, seen = look_around(tmp_path)
    assert seen["modules"] == {"list": ["answering", "sandbox", "transport"]}
    assert not any("exercises" in name or "checking" in name for name in seen["loaded"]["list"])
    assert seen["arguments"] == {"list": [""]}
    if force.get("files") == "":
        assert seen["folders"]["list"] in ([], [".venv"])


def test_nothing_is_left_after_a_process_was_closed(tmp_path):
    with NotebookProcess(Limits()) as process:
        folder = process.folder
        assert folder.exists()
    assert not folder.exists()
    assert process._process.poll() is not None
    assert not any(thread.is_alive() for thread in process._threads)


def test_process_that_cannot_start_gives_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(view, "import_paths", lambda copy: [str(tmp_path)])
    report = grader().grade(write_notebook(tmp_path / "99_samples.ipynb", (IMPORT, RIGHT_EDGES)))
    assert "did not start" in report.error
    assert "nas-course doctor" in report.error
    with pytest.raises(CannotStart):
        NotebookProcess(Limits())


def test_isolation_is_described_with_what_is_missing():
    full = dict.fromkeys(isolation._MEANING, "")
    assert isolation.warning(full) == ""
    assert "not in force" not in isolation.summary(full)
    for name in full:
        less = {**full, name: "no permission"}
        assert "(no permission)" in isolation.summary(less)
        assert "below full strength" in isolation.warning(less)
    assert "use the network" in isolation.warning({})
    assert "not offered by this operating system" in isolation.summary({})


def test_work_of_a_killed_grader_ends_with_it(tmp_path):
    if sys.platform != "linux":
        pytest.skip("other systems do not tell a process that its parent died")
    path = write_notebook(tmp_path / "99_samples.ipynb", ("import time", "time.sleep(3600)"))
    folder = tmp_path / "grading"
    folder.mkdir()
    script = "import sys; from grading_samples import *; grader(600).grade(Path(sys.argv[1]))"
    run = subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        env={**os.environ, "TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    wait_for(lambda: len(psutil.Process(run.pid).children(recursive=True)) >= 3)
    below = psutil.Process(run.pid).children(recursive=True)
    run.kill()
    run.wait()
    wait_for(lambda: not any(map(still_runs, below)))


def still_runs(process):
    """Where nobody collects the orphans of a container, they stay as zombies."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)
