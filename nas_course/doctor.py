"""`nas-course doctor`: what the course finds on this machine, and the cure for each fault.

    for finding in doctor.examine():
        print(finding)

Nothing heavy is imported before it is examined, so that the doctor can still speak when torch or
Jupyter is broken.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from packaging.requirements import Requirement

OLDEST_PYTHON = (3, 11)
ROOM = 1e9  # bytes: all data sets unpacked, some runs, and room for notebooks
INSTALL = (
    "run `python course.py setup`; if that does not help, delete the folder .venv first. "
    "In an environment of your own: `pip install -e .` in the course's folder"
)
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
    "microsoft-edge",
)
BROWSER_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)


@dataclass(frozen=True)
class Finding:
    """One line of the doctor: ``status`` is "OK", "FAIL" or "note" (optional, and not there)."""

    name: str
    status: str
    found: str
    fix: str = ""

    def __str__(self) -> str:
        line = f"{self.status:<5} {self.name:<14} {self.found}"
        purpose = "to mend it" if self.status == "FAIL" else "if you want it"
        return f"{line}\n{'':<21}{purpose}: {self.fix}" if self.fix else line


# ------------------------------------------------------------------------------- the checks


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Finding:
    """Look at Python's version."""
    found = f"{'.'.join(map(str, version))} ({sys.executable})"
    if version >= OLDEST_PYTHON:
        return Finding("Python", "OK", found)
    wanted = ".".join(map(str, OLDEST_PYTHON))
    return Finding("Python", "FAIL", found, f"install Python {wanted} or newer and start with it")


def check_packages(requirements: Iterable[str] | None = None) -> Finding:
    """Look whether each required package is installed in a version that will do."""
    if requirements is None:
        requirements = importlib.metadata.requires("nas_course") or []
    needed = [Requirement(text) for text in requirements]
    needed = [item for item in needed if item.marker is None or item.marker.evaluate({"extra": ""})]
    problems = [text for text in map(_complaint, needed) if text]
    if problems:
        return Finding("packages", "FAIL", "; ".join(problems), INSTALL)
    return Finding("packages", "OK", f"all {len(needed)} that the course needs")


def _complaint(needed: Requirement) -> str | None:
    """Say what is wrong with an installed package; None if nothing is."""
    try:
        version = importlib.metadata.version(needed.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{needed.name} is not installed"
    if needed.specifier.contains(version, prereleases=True):
        return None
    return f"{needed.name} is {version}, needed is {needed.specifier}"


def check_torch() -> Finding:
    """Import torch and torchvision, and compute something with each."""
    import torch
    import torchvision

    # torchvision's own operators are missing where its build does not fit torch's.
    boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.1]])
    kept = torchvision.ops.nms(boxes, torch.tensor([0.9, 0.8]), 0.5)
    if kept.tolist() != [0]:
        return Finding("torch", "FAIL", f"torchvision.ops.nms gave {kept.tolist()}", INSTALL)
    threads = torch.get_num_threads()
    found = f"{torch.__version__}, torchvision {torchvision.__version__}, {threads} threads"
    return Finding("torch", "OK", found)


def check_device() -> Finding:
    """Compute a small product on the device that "auto" means here."""
    import torch

    from nas_course.devices import available_devices, resolve_device

    device = resolve_device("auto")
    ones = torch.ones(8, 8, device=device)
    product = float((ones @ ones).sum())
    found = f"auto is {device}; available: {', '.join(available_devices())}"
    if product != 512.0:
        advice = "choose another one by --device, and report this with the driver's version"
        return Finding("device", "FAIL", f"{found}; 8x8 ones squared sum to {product}", advice)
    return Finding("device", "OK", found)


def check_digits() -> Finding:
    """Load the data set that the chapters use when nothing else is chosen."""
    from nas_course.data import load

    data = load("digits", device="cpu")
    found = f"{sum(len(part) for part in (data.train, data.valid, data.test))} images"
    return Finding("digits", "OK", found)


def check_larger_data() -> list[Finding]:
    """Look for the data sets that are optional; one finding for each."""
    from nas_course.data import available

    chosen = os.environ.get("NAS_COURSE_DATA")
    missing = "FAIL" if chosen and not Path(chosen).expanduser().is_dir() else "note"
    findings = []
    for name, data in available().items():
        if name != "digits" and data.found:
            findings.append(Finding(name, "OK", data.where))
        elif name != "digits":
            findings.append(Finding(name, missing, "not here (optional)", data.how))
    return findings


def check_kernel() -> Finding:
    """Look which Python JupyterLab would start for the notebooks."""
    import jupyterlab
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    found = f"JupyterLab {jupyterlab.__version__}"
    try:
        kernel = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Finding("Jupyter", "FAIL", f"{found}, but no kernel named python3", INSTALL)
    program = kernel.argv[0]
    # jupyter_client itself replaces these two names by the Python that it runs in.
    if (
        program in ("python", "python3")
        or Path(program).resolve() == Path(sys.executable).resolve()
    ):
        return Finding("Jupyter", "OK", f"{found}, kernel of this environment")
    advice = f"open Lab with `python course.py`, or remove {kernel.resource_dir}"
    return Finding("Jupyter", "FAIL", f"{found}, but the notebooks would run in {program}", advice)


def check_widgets(folders: Iterable[str] | None = None) -> Finding:
    """Import the widget packages and look for their halves in JupyterLab."""
    import anywidget
    import ipywidgets
    from jupyter_core.paths import jupyter_path

    folders = jupyter_path("labextensions") if folders is None else folders
    wanted = ("@jupyter-widgets/jupyterlab-manager", "anywidget")
    missing = [
        name
        for name in wanted
        if not any((Path(folder) / name / "package.json").is_file() for folder in folders)
    ]
    found = f"ipywidgets {ipywidgets.__version__}, anywidget {anywidget.__version__}"
    if missing:
        lacking = f"{found}, but JupyterLab lacks {' and '.join(missing)}"
        return Finding("widgets", "FAIL", lacking, INSTALL)
    return Finding("widgets", "OK", found)


def check_folder(folder: Path | None = None) -> Finding:
    """Write a file in the folder where notebooks and runs would be saved."""
    folder = Path.cwd() if folder is None else folder
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(b"a line")
    except OSError as error:
        advice = "go to a folder of your own, such as a copy of the course in your home folder"
        return Finding("folder", "FAIL", f"cannot write in {folder}: {error.strerror}", advice)
    return Finding("folder", "OK", f"can write in {folder}")


def check_disk(folder: Path | None = None, room: float = ROOM) -> Finding:
    """Compare the free space with ``room`` bytes."""
    folder = Path.cwd() if folder is None else folder
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:.1f} GB free"
    if free >= room:
        return Finding("disk", "OK", found)
    return Finding("disk", "FAIL", found, f"free {room / 1e9:.1f} GB on the disk of {folder}")


def find_browser() -> str | None:
    """Find a browser of Chromium's family; the variable CHROMIUM names one that lies elsewhere."""
    if chosen := os.environ.get("CHROMIUM"):
        return shutil.which(chosen)
    on_path = (shutil.which(name) for name in BROWSERS)
    in_place = (place for place in BROWSER_PLACES if Path(place).is_file())
    return next((path for path in (*on_path, *in_place) if path), None)


def check_browser() -> Finding:
    """Look for a browser that the browser tests can drive; learners may use any."""
    if browser := find_browser():
        return Finding("browser tests", "OK", browser)
    advice = "install Chromium, or set CHROMIUM to the program's path"
    return Finding("browser tests", "note", "no Chromium found; only the tests want one", advice)


def check_nbgrader() -> Finding:
    """Look for nbgrader, which instructors may want."""
    try:
        return Finding("nbgrader", "OK", importlib.metadata.version("nbgrader"))
    except importlib.metadata.PackageNotFoundError:
        advice = '`pip install -e ".[grading]"` in the course\'s environment'
        return Finding("nbgrader", "note", "not here; only instructors may want it", advice)


# ------------------------------------------------------------------------------- the report

CHECKS: dict[str, Callable[[], Finding | list[Finding]]] = {
    "Python": check_python,
    "packages": check_packages,
    "torch": check_torch,
    "device": check_device,
    "digits": check_digits,
    "larger data": check_larger_data,
    "Jupyter": check_kernel,
    "widgets": check_widgets,
    "folder": check_folder,
    "disk": check_disk,
    "browser tests": check_browser,
    "nbgrader": check_nbgrader,
}


def examine() -> list[Finding]:
    """Run every check; one that breaks down is a FAIL with the reason."""
    findings: list[Finding] = []
    for name, check in CHECKS.items():
        try:
            result = check()
        except Exception as error:  # a broken package can raise anything while it is imported
            first_line = f"{type(error).__name__}: {error}".splitlines()[0]
            result = Finding(name, "FAIL", first_line, INSTALL)
        findings += result if isinstance(result, list) else [result]
    return findings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nas-course doctor`."""
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; return 1 if something is wrong, else 0."""
    findings = examine()
    failed = [finding.name for finding in findings if finding.status == "FAIL"]
    if arguments.json:
        report = {"ok": not failed, "findings": [asdict(finding) for finding in findings]}
        print(json.dumps(report, indent=2))
    else:
        print(*findings, sep="\n")
        print(f"\nTo mend: {', '.join(failed)}." if failed else "\nEverything needed is here.")
    return 1 if failed else 0
