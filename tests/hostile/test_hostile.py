"""Hostile notebooks get no unearned point, are told why, and leave no trace for the next one."""

import sys

import attacks_on_machine
import attacks_on_points
import pytest
from grading_samples import CANARY, as_bytes, codes, grader, require, seconds_for

from nas_course.grading.command import as_text
from nas_course.grading.limits import MEGABYTE

pytestmark = [
    pytest.mark.posix,
    pytest.mark.skipif(sys.platform != "linux", reason="attacks are written for Linux"),
]
ATTACKS = (*attacks_on_points.ATTACKS, *attacks_on_machine.ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name.replace(" ", "-"))
def test_hostile_notebook_earns_nothing_and_hurts_nobody(attack, class_room, alone, alone_as_bytes):
    require(alone.isolation, *attack.needs)
    before = class_room.state()
    notebook = class_room.hostile_notebook(attack)
    report = grader(seconds_for(attack), memory=400 * MEGABYTE).grade(notebook)

    assert report.error is None
    assert codes(report) == {"99.1": attack.weights, "99.2": attack.edges}
    assert report.points == attack.points
    assert [trouble.code for trouble in report.troubles] == list(attack.stopped)
    assert class_room.watch.leftovers(class_room.marker) == []
    assert class_room.state() == before
    assert not class_room.was_reached()
    assert is_harmless(report)
    assert as_bytes(grader().grade(class_room.neighbour)) == alone_as_bytes


def is_harmless(report) -> bool:
    """No hidden text but the diagnosis' own, nothing that steers a terminal or a page."""
    shown = as_text(report)
    pages = "".join(part._repr_html_() for part in report.reports)
    told = [part.diagnosis.got or "" for part in report.reports if part.diagnosis]
    steering = [ch for ch in shown if ord(ch) < 32 and ch != "\n"]
    return not steering and "<script" not in pages and CANARY not in "".join(told)


def test_table_has_twenty_attacks_and_more_with_distinct_names():
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 20
