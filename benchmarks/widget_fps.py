"""Frames a second of the alpha widget in JupyterLab while a real search trains on both cores.

    python benchmarks/widget_fps.py --seconds 60 --out results/widget_fps.json

Goal V1: at least 55. A DARTS search (one step an epoch, so its history grows to hundreds of rows)
trains in the kernel with two threads; a thread beside it pushes live rows, 50 a second. The page
counts its animation frames: before the search, then while it trains and everything moves.
"""

import argparse
import json
import os
import platform
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
torch.set_num_threads(2)
data = load("digits", train_images=64, valid_images=64, test_images=60)
settings = GradientSettings(channels=4, cells=4, batch_size=64, alpha_learning_rate=0.02)
"""
SHOW = "explorer = AlphaExplorer()\nexplorer"
SEARCH = """
ended, pushed, costs = threading.Event(), [0], []

def push(history):
    while not ended.wait(0.02):
        row = history.rows[-1]
        began = time.perf_counter()
        history.live(row | {{"epoch": row["epoch"] + 0.5}})
        costs.append(time.perf_counter() - began)
        pushed[0] += 1

def start(history):
    explorer.watch(history)
    threading.Thread(target=push, args=(history,), daemon=True).start()

began = time.perf_counter()
result = search_gradient("darts-1st", data, settings=settings, epochs=600, seconds={seconds},
                         progress=False, on_history=start)
ended.set()
spent = time.perf_counter() - began
costs.sort()
print("SEARCH" + " ENDED", len(result.history), "rows", pushed[0] / spent, "pushes/s",
      1e6 * costs[len(costs) // 2], "us a push")
"""
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
    warm_up = 10
    lab.write("frames.ipynb", [SET_UP, SHOW, SEARCH.format(seconds=seconds + warm_up + 10)])
    lab.open(page, "frames.ipynb")
    idle = statistics(page.evaluate(COUNT, 5))
    lab.run_all(page)
    page.locator(".nas-choices [data-operation=skip_connect]").click(timeout=300_000)
    page.wait_for_timeout(1000 * warm_up)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    training = statistics(page.evaluate(COUNT, seconds))
    rows = int(page.locator("[data-part=slider]").get_attribute("max"))
    page.wait_for_function(
        "() => document.body.innerText.includes('SEARCH ENDED')", timeout=300_000
    )
    said = page.locator(".jp-OutputArea-output", has_text="SEARCH ENDED").inner_text()
    return {
        "idle_page": idle,
        "while_training": training,
        "rows_drawn": rows,
        "kernel": said.strip(),
        "load_average": load,
    }


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
