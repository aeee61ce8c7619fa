"""With one protection switched off the others hold, points stay safe, and the report says so."""

import sys

import attacks_on_machine
import attacks_on_points
import pytest
from grading_samples import HONEST, POINTS, codes, grader, require, seconds_for, write_notebook

from nas_course.grading.command import as_text
from nas_course.grading.isolation import in_force

pytestmark = [
    pytest.mark.posix,
    pytest.mark.skipif(sys.platform != "linux", reason="these protections are Linux'"),
]
ATTACKS = {a.name: a for a in (*attacks_on_points.ATTACKS, *attacks_on_machine.ATTACKS)}
ALL = ("files", "processes", "network", "messages", "user", "landlock", "seccomp", "limits")

# Each with attacks that the switched-off protection would have met first.
ONE_OFF = (
    ("files", "neighbours' files, links and parent folders"),
    ("files", "tests looked for on the disk"),
    ("processes", "daemon of a daemon, without environment"),
    ("processes", "memory of other processes"),
    ("network", "connections to this machine and beyond"),
    ("user", "a flood of processes"),
    ("landlock", "neighbours' files, links and parent folders"),
    ("landlock", "connections to this machine and beyond"),
    ("seccomp", "connections to this machine and beyond"),
    ("seccomp", "memory of other processes"),
    ("limits", "a flood of processes"),
)
WITHOUT_ANY = (
    "object equal to everything",
    "full marks written to every open file",
    "process ended in the function",
    "endless loop that ignores signals",
    "endless printing",
    "a flood of processes",
    "daemon of a daemon, without environment",
)


@pytest.mark.parametrize(("off", "name"), ONE_OFF)
def test_one_protection_less_changes_no_point_and_is_reported(off, name, class_room, alone):
    require(alone.isolation, *ALL)
    attack, before = ATTACKS[name], class_room.state()
    report = grader(seconds_for(attack), [off]).grade(class_room.hostile_notebook(attack))

    assert report.error is None
    assert codes(report) == {"99.1": attack.weights, "99.2": attack.edges}
    assert report.points == attack.points
    assert off not in in_force(report.isolation)
    assert "(switched off)" in as_text(report)
    assert "below full strength" in as_text(report)
    assert class_room.watch.leftovers(class_room.marker) == []
    assert class_room.state() == before
    assert not class_room.was_reached()


@pytest.mark.parametrize("name", WITHOUT_ANY)
def test_points_are_safe_without_any_protection(name, class_room):
    attack = ATTACKS[name]
    report = grader(seconds_for(attack), ALL).grade(class_room.hostile_notebook(attack))

    assert codes(report) == {"99.1": attack.weights, "99.2": attack.edges}
    assert report.points == attack.points
    assert in_force(report.isolation) == []
    assert "read your files and the course's checks" in as_text(report)
    assert class_room.watch.leftovers(class_room.marker) == []


def test_honest_work_gets_full_marks_without_any_protection(tmp_path):
    report = grader(without=ALL).grade(write_notebook(tmp_path / "99_samples.ipynb", HONEST))
    assert report.points == POINTS


def test_full_strength_is_reported_without_warning(alone):
    require(alone.isolation, *ALL)
    assert set(in_force(alone.isolation)) == set(ALL)
    assert "warning" not in as_text(alone)
    assert "own file tree" in as_text(alone)
