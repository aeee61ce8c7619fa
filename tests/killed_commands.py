"""What tests of killed `nas-course search` commands share: the campaign, what it must say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent


def environment() -> dict[str, str]:
    """Give the environment in which a program imports the package of this tree."""
    paths = [str(TESTS.parent), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def reports_of(space: str, folder: Path) -> dict[str, Any]:
    """Kill every gradient method on a space, see crash_command.py; give {method: report}."""
    program = [sys.executable, str(TESTS / "crash_command.py"), space, str(folder)]
    done = subprocess.run(
        program, env=environment(), capture_output=True, text=True, timeout=3000, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def require_the_same_bits(report: dict[str, Any]) -> None:
    """Fail unless every phase had its kill, and nothing but the clock differs in the end."""
    print(report)
    assert report["differences"] == [] and report["complaints"] == []
    assert all(report["landed"].values()), "a phase in which nothing was killed"
    # saved after every step: a kill costs the step that it interrupts and no more
    assert report["steps_begun"] <= report["steps"] * report["runs"] + report["kills"]
    if any("stop" in phase for phase in report["landed"]):
        assert report["steps"] < report["steps_asked"], "the method did not end early"
