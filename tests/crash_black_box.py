"""Kill a black-box search at random moments, resume it until it is done, and compare every row.

    python tests/crash_black_box.py 12 FOLDER

prints a report as JSON. Children are forked from a parent that has torch imported.
"""

from __future__ import annotations

import json
import random
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from faults import fork, kill_after, wait
from outcomes import differences, outcome
from small_black_box import Counted, run

EVALUATIONS = 30


def work(folder: Path, out: str) -> None:
    """Run or resume the search; every estimate leaves a line, and the state is saved often."""
    estimate = Counted(file=folder / f"calls-{out}", pause=0.02)
    given: dict[str, Any] = {"evaluations": EVALUATIONS, "checkpoint_seconds": 0.01}
    run(estimate=estimate, out=folder / out, resume=True, **given)


def main() -> None:
    """Kill until there were enough kills, over as many runs as that takes."""
    torch.set_num_threads(1)
    kills, folder = int(sys.argv[1]), Path(sys.argv[2])
    rng, done, runs, twice = random.Random(0), 0, 0, 0
    found: list[str] = []
    assert wait(fork(lambda: work(folder, "through"))) == 0
    expected = outcome(folder / "through")["history"]
    while done < kills:
        out = f"run-{runs}"
        code = -signal.SIGKILL
        while code == -signal.SIGKILL:
            child = fork(lambda name=out: work(folder, name))
            code = kill_after(child, rng.uniform(0.0, 0.25)) if done < kills else wait(child)
            done += code == -signal.SIGKILL
        assert code == 0
        # the estimate's file differs, so its description in the header's identity may, not a row
        found += differences(outcome(folder / out)["history"][1:], expected[1:])
        calls = (folder / f"calls-{out}").read_text().splitlines()
        twice += len(calls) - len(set(calls))
        runs += 1
    print(json.dumps({"kills": done, "runs": runs, "differences": found, "twice": twice}))


if __name__ == "__main__":
    main()
