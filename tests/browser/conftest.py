"""What the browser tests share: Chromium, pages that must stay silent, a JupyterLab server."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest

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
SERVER_SECONDS = 180


@pytest.fixture(scope="session")
def chromium(chromium_path):
    """A running Chromium that draws in software, as on a machine without a GPU."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=BROWSER_ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page, and what must not happen on it."""

    page: object
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def note_error(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def note_request(self, request):
        if not request.url.startswith(
            ("http://127.0.0.1", "ws://127.0.0.1", "file:", "data:", "blob:")
        ):
            self.strangers.append(request.url)


@pytest.fixture
def open_page(chromium):
    """Open pages; at the end none of them may have logged an error or asked a foreign server."""
    with contextlib.ExitStack() as stack:
        opened = []

        def open_one(**context_options):
            options = {"viewport": {"width": 1100, "height": 1000}} | context_options
            context = stack.enter_context(contextlib.closing(chromium.new_context(**options)))
            watched = Watched(context.new_page())
            watched.page.on("console", watched.note_error)
            watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
            watched.page.on("request", watched.note_request)
            opened.append(watched)
            return watched.page

        yield open_one
        for watched in opened:
            assert watched.errors == []
            assert watched.strangers == []


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
        page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=120_000)
        page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").first.wait_for(
            timeout=120_000
        )

    def run_all(self, page) -> None:
        """Run all cells of the open notebook."""
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).first.click()


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """JupyterLab on a free port, with settings of its own and no news from the network."""
    folder, home = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")
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
            process.wait(30)


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
    overrides = {"@jupyterlab/apputils-extension:notification": silent}
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
    deadline = time.monotonic() + SERVER_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(address, timeout=2).close()
            return
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")
