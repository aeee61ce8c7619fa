"""A class of two submissions, one of them hostile, and what may not happen to the other."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest
from grading_samples import CHAPTER, HONEST, POINTS, Watch, as_bytes, grader, write_notebook


@dataclass
class ClassRoom:
    """The neighbour's notebook, a gradebook, a listener on this machine, a watch over processes."""

    neighbour: Path
    gradebook: Path
    listener: socket.socket
    watch: Watch
    marker: str

    def hostile_notebook(self, attack) -> Path:
        """Write the attack, with what only this run knows filled in."""
        known = {
            "TARGETS": repr([str(self.neighbour), str(self.gradebook)]),
            "PORT": str(self.listener.getsockname()[1]),
            "MARKER": self.marker,
        }
        cells = []
        for source in attack.cells:
            for name, value in known.items():
                source = source.replace(name, value)
            cells.append(source)
        folder = self.neighbour.parent / "hostile"
        folder.mkdir()
        return write_notebook(folder / self.neighbour.name, cells)

    def state(self) -> tuple[bytes, bytes]:
        return self.neighbour.read_bytes(), self.gradebook.read_bytes()

    def was_reached(self) -> bool:
        """True when somebody connected to the listener."""
        self.listener.setblocking(False)
        try:
            self.listener.accept()
        except BlockingIOError:
            return False
        return True


@pytest.fixture
def class_room(tmp_path, monkeypatch):
    tmp_path.chmod(0o755)
    neighbour = write_notebook(tmp_path / f"{CHAPTER}.ipynb", HONEST)
    gradebook = tmp_path / "gradebook.db"
    gradebook.write_text("neighbour: 6", encoding="utf-8")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        marker = f"marker-{os.getpid()}-{tmp_path.name}"
        yield ClassRoom(neighbour, gradebook, listener, Watch(tmp_path, monkeypatch), marker)


@pytest.fixture(scope="session")
def alone(tmp_path_factory):
    """The report of the honest notebook when nobody was there before it."""
    path = write_notebook(tmp_path_factory.mktemp("alone") / f"{CHAPTER}.ipynb", HONEST)
    report = grader().grade(path)
    assert report.points == POINTS
    return report


@pytest.fixture(scope="session")
def alone_as_bytes(alone) -> bytes:
    return as_bytes(alone)
