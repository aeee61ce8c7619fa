"""JupyterLab on a free port for the browser tests and benchmarks, and how to drive it."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat

BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TOKEN = "t"
PATIENCE = 600  # seconds for what a loaded machine may take long for: a server, a kernel
CELL_STARTED = r"""() => [...document.querySelectorAll(".jp-InputPrompt")].some(
  (prompt) => /\[(\*|\d+)\]/.test(prompt.innerText))"""


@dataclass(frozen=True)
class Lab:
    """A JupyterLab server for one test session."""

    address: str
    folder: Path

    def write(self, name: str, cells: list[str]) -> None:
        """Write a notebook with these code cells."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, self.folder / name)

    def open(self, page, name: str) -> None:
        """Open a notebook in a workspace of its own and wait for its kernel."""
        workspace = Path(name).stem
        page.goto(f"{self.address}/lab/workspaces/{workspace}/tree/{name}?token={TOKEN}")
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        self._wait_for_kernel(page, name)

    def _wait_for_kernel(self, page, name: str) -> None:
        """Wait until the page is connected to an idle kernel.

        JupyterLab shows a kernel as idle before it is, and then drops orders to run cells.
        """
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            kernels = self._kernels(name)
            if any(k["execution_state"] == "idle" and k["connections"] for k in kernels):
                page.wait_for_timeout(500)
                return
            page.wait_for_timeout(200)
        raise AssertionError(f"no idle kernel for {name}: {kernels}")

    def _kernels(self, name: str) -> list[dict]:
        """Ask the server for the kernels of a notebook: none before it was opened, then one."""
        with urllib.request.urlopen(f"{self.address}/api/sessions?token={TOKEN}") as answer:
            sessions = json.load(answer)
        return [session["kernel"] for session in sessions if session["path"] == name]

    def stop_cells(self, page, name: str) -> None:
        """Interrupt the kernel of a notebook, as its stop button does, until it is idle.

        An interrupt may come where Python cannot raise it, and only the running cell ends by it.
        """
        (kernel,) = self._kernels(name)
        address = f"{self.address}/api/kernels/{kernel['id']}/interrupt?token={TOKEN}"
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            urllib.request.urlopen(urllib.request.Request(address, method="POST")).close()
            for _ in range(50):
                page.wait_for_timeout(200)
                if self._kernels(name)[0]["execution_state"] == "idle":
                    return
        raise AssertionError(f"the kernel of {name} cannot be interrupted")

    def saved_cells(self, name: str) -> list[dict]:
        """Read the cells of a notebook's file."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))["cells"]

    def save_until(self, page, name: str, good: Callable[[list[dict]], object]) -> list[dict]:
        """Save by the keyboard until the cells in the file are good, and give them.

        When first asked the page may not have got everything yet; and Jupyter writes into the
        file itself, so that one may read half of it.
        """
        for _ in range(120):
            page.keyboard.press("Control+s")
            for _ in range(10):
                page.wait_for_timeout(100)
                with contextlib.suppress(json.JSONDecodeError):
                    if good(cells := self.saved_cells(name)):
                        return cells
        raise AssertionError(f"saved {name} for minutes in vain")

    def run_all(self, page) -> None:
        """Run all cells of the open notebook.

        JupyterLab drops the order while its connection to the kernel is being made, although it
        shows the kernel as idle; so it is given again until a cell is marked as running.
        """
        from playwright.sync_api import TimeoutError as PlaywrightTimeout

        for _ in range(10):
            page.get_by_role("menuitem", name="Run", exact=True).click()
            page.get_by_text("Run All Cells", exact=True).first.click()
            with contextlib.suppress(PlaywrightTimeout):
                page.wait_for_function(CELL_STARTED, timeout=20_000)
                return
        raise AssertionError("JupyterLab never started a cell")


@contextlib.contextmanager
def running_lab(folder: Path, home: Path) -> Iterator[Lab]:
    """Serve `folder`; `home` gets settings, log and everything else that Jupyter writes."""
    log = home / "server.log"
    with log.open("w") as output:
        port = free_port()
        process = subprocess.Popen(
            server_command(port, folder), env=server_environment(home), stdout=output, stderr=output
        )
        try:
            wait_until_up(f"http://127.0.0.1:{port}/api/status?token={TOKEN}", process, log)
            yield Lab(f"http://127.0.0.1:{port}", folder)
        finally:
            process.terminate()
            process.wait(PATIENCE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def server_command(port: int, folder: Path) -> list[str]:
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": folder,
        "ServerApp.open_browser": False,
        "IdentityProvider.token": TOKEN,
    }
    start = [sys.executable, "-m", "jupyterlab", "--allow-root"]
    return start + [f"--{name}={value}" for name, value in options.items()]


def server_environment(home: Path) -> dict[str, str]:
    settings = home / "settings"
    settings.mkdir()
    silent = {"fetchNews": "false", "checkForUpdates": False}
    overrides = {
        "@jupyterlab/apputils-extension:notification": silent,
        # every two minutes, which a slow machine may take for one test
        "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    }
    (settings / "overrides.json").write_text(json.dumps(overrides))
    lab_config = {"LabServerApp": {"app_settings_dir": str(settings)}}
    (home / "jupyter_server_config.json").write_text(json.dumps(lab_config))
    root = str(Path(__file__).resolve().parents[2])
    places = {"CONFIG_DIR": home, "DATA_DIR": home / "data", "RUNTIME_DIR": home / "runtime"}
    own = {f"JUPYTER_{name}": str(place) for name, place in places.items()}
    own |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "user"), "JUPYTER_PREFER_ENV_PATH": "1"}
    own |= {"JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"), "PYTHONPATH": root}
    return os.environ | own


def wait_until_up(address: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(address, timeout=2).close()
            return
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")
