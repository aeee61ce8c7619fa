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
from typing import IO

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
Server = tuple[str, subprocess.Popen]  # its address
STARTS = 5  # of the server; another program may take the free port before it does

# JupyterLab's own objects tell what is so; its page shows that later, and a part of it only.
PANEL = """const panel = [...(window.jupyterapp?.shell.widgets("main") ?? [])]
  .find((widget) => widget.context?.path === path);"""
# Before, JupyterLab drops an order to run cells; after, it keeps it until the kernel can take it.
TAKES_ORDERS = f"""(path) => {{ {PANEL}
  const kernel = panel?.context.isReady && panel.sessionContext.isReady && panel.sessionContext.session?.kernel;
  return kernel?.connectionStatus === "connected" && kernel.status === "idle";
}}"""
RUN_ALL = f"""(path) => {{ {PANEL}
  jupyterapp.shell.activateById(panel.id);
  void jupyterapp.commands.execute("notebook:run-all-cells");
}}"""
COUNT_SAVES = f"""(path) => {{ {PANEL}
  panel.context.saveState.connect((_, state) => {{
    panel.saves = (panel.saves ?? 0) + state.startsWith("completed");
  }});
}}"""
SAVES = f"(path) => {{ {PANEL} return panel.saves ?? 0; }}"
SAVED = f"([path, before]) => {{ {PANEL} return panel.saves > before; }}"
# What the cells have printed, and their errors.
SAID = f"""(path) => {{ {PANEL}
  const said = [];
  for (const cell of panel.content.model.cells) {{
    for (let i = 0; i < (cell.outputs?.length ?? 0); i++) {{
      const output = cell.outputs.get(i);
      if (output.type === "error" || output.type === "stream") said.push(output.toJSON());
    }}
  }}
  return said;
}}"""


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
        """Open a notebook in a workspace of its own and wait until its kernel takes orders."""
        workspace = Path(name).stem
        page.goto(f"{self.address}/lab/workspaces/{workspace}/tree/{name}?token={TOKEN}")
        page.wait_for_function(TAKES_ORDERS, arg=name, timeout=1000 * PATIENCE)
        page.evaluate(COUNT_SAVES, name)

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

        When first asked the page may not have got everything yet.
        """
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            before = page.evaluate(SAVES, name)
            page.keyboard.press("Control+s")
            page.wait_for_function(SAVED, arg=[name, before])
            if good(cells := self.saved_cells(name)):
                return cells
            page.wait_for_timeout(1000)
        raise AssertionError(f"saved {name} for minutes in vain")

    def run_all(self, page, name: str) -> None:
        """Begin to run all cells of a notebook that is open."""
        page.evaluate(RUN_ALL, name)

    def wait_until_said(self, page, name: str, words: str, patience: float = PATIENCE) -> None:
        """Wait until a cell has printed these words.

        Raises
        ------
        AssertionError
            If it takes more than `patience` seconds, or any cell ends with an error.
        """
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            said = page.evaluate(SAID, name)
            if errors := [output for output in said if output["output_type"] == "error"]:
                raise AssertionError("\n".join(errors[0]["traceback"]))
            if any(words in "".join(output["text"]) for output in said):
                return
            page.wait_for_timeout(500)
        raise AssertionError(f"{name} never said {words!r}")


@contextlib.contextmanager
def running_lab(folder: Path, home: Path) -> Iterator[Lab]:
    """Serve `folder`; `home` gets settings, log and everything else that Jupyter writes."""
    environment = server_environment(home)
    log = home / "server.log"
    for _ in range(STARTS):
        with log.open("w") as output, served(folder, environment, output) as (address, process):
            if comes_up(f"{address}/api/status?token={TOKEN}", process):
                yield Lab(address, folder)
                return
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


@contextlib.contextmanager
def served(folder: Path, environment: dict[str, str], output: IO[str]) -> Iterator[Server]:
    """Start a server on a port that is free now; stop it at the end."""
    port = free_port()
    process = subprocess.Popen(
        server_command(port, folder), env=environment, stdout=output, stderr=output
    )
    try:
        yield f"http://127.0.0.1:{port}", process
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
        "LabApp.expose_app_in_browser": True,
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


def comes_up(address: str, process: subprocess.Popen) -> bool:
    """Wait until the server answers, or has ended."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(address, timeout=2).close()
            return True
        time.sleep(0.2)
    return False
