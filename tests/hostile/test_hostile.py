"""Hostile notebooks get no unearned point, are told why, and leave no trace for the next one."""

import os
import socket
import sys

import attacks_on_machine
import attacks_on_points
import pytest
from grading_samples import (
    CANARY,
    CHAPTER,
    HONEST,
    POINTS,
    Watch,
    as_bytes,
    codes,
    grader,
    write_notebook,
)

from nas_course.grading.command import as_text
from nas_course.grading.limits import MEGABYTE

pytestmark = [
    pytest.mark.posix,
    pytest.mark.skipif(sys.platform != "linux", reason="attacks are written for Linux"),
]
SECONDS = 3.0
ATTACKS = (*attacks_on_points.ATTACKS, *attacks_on_machine.ATTACKS)


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> bytes:
    """The report of the honest notebook when nobody was there before it."""
    path = write_notebook(tmp_path_factory.mktemp("alone") / f"{CHAPTER}.ipynb", HONEST)
    report = grader().grade(path)
    assert report.points == POINTS
    return as_bytes(report)


@pytest.fixture
def class_folder(tmp_path, monkeypatch):
    """A folder of submissions, a listener on this machine, and a watch over processes."""
    neighbour = write_notebook(tmp_path / f"{CHAPTER}.ipynb", HONEST)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield neighbour, listener, Watch(tmp_path, monkeypatch)


def hostile_notebook(attack, neighbour, listener, marker):
    """Fill in what only this run knows: files to attack, the port, a mark for processes."""
    targets = repr([str(neighbour), __file__, os.path.expanduser("~/.profile")])
    known = {"TARGETS": targets, "PORT": str(listener.getsockname()[1]), "MARKER": marker}
    cells = []
    for source in attack.cells:
        for name, value in known.items():
            source = source.replace(name, value)
        cells.append(source)
    folder = neighbour.parent / "hostile"
    folder.mkdir()
    return write_notebook(folder / neighbour.name, cells)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name.replace(" ", "-"))
def test_hostile_notebook_earns_nothing_and_hurts_nobody(attack, class_folder, alone):
    neighbour, listener, watch = class_folder
    before, marker = neighbour.read_bytes(), f"marker-{os.getpid()}-{id(attack)}"
    notebook = hostile_notebook(attack, neighbour, listener, marker)
    report = grader(SECONDS, memory=400 * MEGABYTE).grade(notebook)

    assert report.error is None
    assert codes(report) == {"99.1": attack.weights, "99.2": attack.edges}
    assert report.points == attack.points
    assert [trouble.code for trouble in report.troubles] == list(attack.stopped)
    assert watch.leftovers(marker) == []
    assert neighbour.read_bytes() == before
    assert is_harmless(report)
    assert as_bytes(grader().grade(neighbour)) == alone


def is_harmless(report) -> bool:
    """No hidden text but the diagnosis' own, nothing that steers a terminal or a page."""
    shown = as_text(report)
    pages = "".join(part._repr_html_() for part in report.reports)
    told = [part.diagnosis.got or "" for part in report.reports if part.diagnosis]
    steering = [ch for ch in shown if ord(ch) < 32 and ch != "\n"]
    return not steering and "<script" not in pages and CANARY not in "".join(told)


def test_table_covers_the_families_with_distinct_names():
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 20
