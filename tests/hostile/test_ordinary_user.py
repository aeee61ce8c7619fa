"""Notebooks are held apart as well when the one who grades is not root."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import attacks_on_machine
import attacks_on_points
import pytest
from grading_samples import HONEST, require, write_notebook

from nas_course.grading.isolation import in_force, warning

pytestmark = [
    pytest.mark.posix,
    pytest.mark.skipif(sys.platform != "linux", reason="uses Linux' own file views"),
    pytest.mark.skipif(
        hasattr(os, "geteuid") and os.geteuid() != 0,
        reason="only root can become somebody else; for others every other test is this test",
    ),
]
ATTACKS = {a.name: a for a in (*attacks_on_points.ATTACKS, *attacks_on_machine.ATTACKS)}
CHOSEN = (
    "daemon of a daemon, without environment",
    "memory of other processes",
    "connections to this machine and beyond",
    "a flood of processes",
    "full marks written to every open file",
)


@pytest.fixture
def open_folder():
    """A folder that others may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def graded_as_ordinary_user(folder, *without):
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, str(here / "as_ordinary_user.py"), str(folder), *without],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(here.parent), str(here.parents[1])])},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def class_of(folder, names):
    for number, name in enumerate(names):
        (folder / str(number)).mkdir()
        cells = ATTACKS[name].cells if name in ATTACKS else HONEST
        known = [cell.replace("PORT", "9").replace("MARKER", "") for cell in cells]
        write_notebook(folder / str(number) / "99_samples.ipynb", known)


def test_ordinary_user_grades_at_full_strength(open_folder, alone):
    require(alone.isolation, "files", "processes", "network", "user")
    class_of(open_folder, (*CHOSEN, "honest"))
    reports = graded_as_ordinary_user(open_folder)
    points = [ATTACKS[name].points for name in CHOSEN]
    assert [report["points"] for report in reports] == [*points, 6]
    assert {warning(report["isolation"]) for report in reports} == {""}


def test_ordinary_user_without_namespaces_says_what_is_missing(open_folder, alone):
    require(alone.isolation, "files", "processes", "network", "user")
    class_of(open_folder, ("a flood of processes", "honest"))
    flood, honest = graded_as_ordinary_user(open_folder, "user")
    assert flood["points"] == ATTACKS["a flood of processes"].points
    assert honest["points"] == 6
    assert in_force(honest["isolation"]) == ["landlock", "seccomp", "limits"]
    assert "Operation not permitted" in honest["isolation"]["files"]
