"""Frames a second of the alpha widget in JupyterLab while a real search trains on both cores.

    python benchmarks/widget_fps.py --seconds 60 --out results/widget_fps.json

Goal V1: at least 55. A DARTS search of one step an epoch trains in the kernel, another in a process
of its own, so both cores train; the history grows to 300 rows of 2 x 14 edges x 8 operations before
counting starts. A thread beside the search pushes live rows, 50 a second. The page counts its
animation frames: before the search, then while everything moves.
"""

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from lab_server import BROWSER_ARGUMENTS, running_lab  # noqa: E402

from nas_course.doctor import find_browser  # noqa: E402

SET_UP = """
import threading, time, torch
from nas_course.data import load
from nas_course.search import search_gradient
from nas_course.strategies.gradient import GradientSettings
from nas_course.widgets import AlphaExplorer
torch.set_num_threads(1)
data = load("digits", train_images=20, valid_images=20, test_images=20)
settings = GradientSettings(channels=2, cells=3, batch_size=20, alpha_learning_rate=0.02)
"""
OTHER_CORE = """
import sys
sys.path.insert(0, {root!r})
from nas_course.data import load
from nas_course.search import search_gradient
from nas_course.strategies.gradient import GradientSettings
data = load("digits", train_images=64, valid_images=64, test_images=60)
settings = GradientSettings(channels=4, cells=3, batch_size=16)
search_gradient("darts-1st", data, settings=settings, epochs=100_000, progress=False)
"""
SHOW = "explorer = AlphaExplorer()\nexplorer"
SEARCH = """
ended, costs, kept = threading.Event(), [], []

def push(history):
    while not ended.wait(0.02):
        row = history.rows[-1]
        began = time.perf_counter()
        history.live(row | {"epoch": row["epoch"] + 0.5})
        costs.append(time.perf_counter() - began)

def start(history):
    kept.append(history)
    explorer.watch(history)
    threading.Thread(target=push, args=(history,), daemon=True).start()

began = time.perf_counter()
try:
    search_gradient("darts-1st", data, settings=settings, epochs=1500, progress=False,
                    on_history=start)
except KeyboardInterrupt:
    ended.set()
spent = time.perf_counter() - began
costs.sort()
print("SEARCH" + " ENDED:", len(kept[0]), "rows;", round(len(costs) / spent, 1),
      "live rows a second;", round(1e6 * costs[len(costs) // 2]), "microseconds a push")
"""
ROWS = 300
# Collects the time of every animation frame for some seconds.
COUNT = """(seconds) => new Promise((done) => {
  const view = () => document.querySelector(".nas-alpha"), times = [];
  const paints = () => Number(view()?.dataset.paints || 0);
  const before = paints(), start = performance.now();
  const frame = (now) => {
    times.push(now);
    if (now - start < 1000 * seconds) requestAnimationFrame(frame);
    else done({ times, paints: paints() - before });
  };
  requestAnimationFrame(frame);
})"""


def statistics(counted: dict) -> dict[str, float]:
    """Turn frame times in ms into frames a second and the gaps between them."""
    times = counted["times"]
    gaps = sorted(later - earlier for earlier, later in pairwise(times))
    return {
        "frames_per_second": round(1000 * len(gaps) / (times[-1] - times[0]), 1),
        "gap_p95_ms": round(gaps[int(0.95 * len(gaps))], 1),
        "gap_max_ms": round(gaps[-1], 1),
        "gaps_over_100_ms": sum(gap > 100 for gap in gaps),
        "paints_per_second": round(1000 * counted["paints"] / (times[-1] - times[0]), 1),
    }


def measure(page, lab, seconds: int) -> dict:
    """Run the notebook and count frames before the search and during it."""
    lab.write("frames.ipynb", [SET_UP, SHOW, SEARCH])
    lab.open(page, "frames.ipynb")
    idle = statistics(page.evaluate(COUNT, 5))
    lab.run_all(page, "frames.ipynb")
    page.locator(".nas-choices [data-operation=skip_connect]").click(timeout=300_000)
    page.wait_for_function(
        "(n) => document.querySelector('[data-part=slider]').max >= n", arg=ROWS, timeout=600_000
    )
    training = statistics(page.evaluate(COUNT, seconds))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    rows = int(page.locator("[data-part=slider]").get_attribute("max"))
    lab.stop_cells(page, "frames.ipynb")
    said = page.locator(".jp-OutputArea-output", has_text="SEARCH ENDED").inner_text(timeout=60_000)
    return {
        "idle_page": idle,
        "while_training": training,
        "rows_drawn": rows,
        "kernel": said.strip(),
        "load_average": load,
    }


@contextlib.contextmanager
def other_core_busy():
    """Train on the second core, in a process of its own."""
    code = OTHER_CORE.format(root=str(ROOT))
    single = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", code], env=single)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as home,
        running_lab(Path(folder), Path(home)) as lab,
        sync_playwright() as playwright,
        other_core_busy(),
    ):
        browser = playwright.chromium.launch(executable_path=find_browser(), args=BROWSER_ARGUMENTS)
        page = browser.new_page(viewport={"width": 1500, "height": 1100})
        measured = measure(page, lab, arguments.seconds)
        measured["browser"] = browser.version
        browser.close()
    measured |= {"command": " ".join(["python", *sys.argv]), "cores": os.cpu_count()}
    measured["system"] = platform.platform()
    text = json.dumps(measured, indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
