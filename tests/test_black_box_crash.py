"""A black-box search killed at random moments, again and again, has the rows of one that ran."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
KILLS = 12


@pytest.mark.posix
def test_a_black_box_search_killed_at_random_moments_loses_no_estimate(tmp_path):
    program = [sys.executable, str(TESTS / "crash_black_box.py"), str(KILLS), str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(TESTS.parent)}
    done = subprocess.run(
        program, env=environment, capture_output=True, text=True, timeout=1200, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    report = json.loads(done.stdout)
    print(report)
    assert report["differences"] == [] and report["kills"] >= KILLS
    assert report["twice"] <= report["kills"], "a kill costs the estimate that it interrupts"
