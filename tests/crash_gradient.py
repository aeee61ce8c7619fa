"""Kill every gradient method at random moments, resume it, and compare every bit.

    python tests/crash_gradient.py 2 FOLDER

prints a report for each method of the registry as JSON: the campaign of crash_parent.py, with two
kills for each method on the NAS-Bench-201 space.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from crash_parent import Campaign

from nas_course import methods


def main() -> None:
    """Print {method: report}."""
    torch.set_num_threads(1)
    kills, folder, *names = sys.argv[1:]
    reports = {}
    for name in names or methods.names("gradient"):
        start = time.monotonic()
        campaign = Campaign(f"{name}/nas-bench-201", int(kills), Path(folder, name))
        reports[name] = campaign.report() | {"seconds": round(time.monotonic() - start, 1)}
    print(json.dumps(reports))


if __name__ == "__main__":
    main()
