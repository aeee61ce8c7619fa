"""The alpha widget: watch the architecture parameters of a search move, while it trains.

    explorer = AlphaExplorer()                               # show it in one cell ...
    search_gradient("darts-1st", data, on_history=explorer.watch, ...)      # ... search in the next
    AlphaExplorer.from_file("runs/first")                    # or look at a search that is over

All logic runs in the browser (`browser/*.js`), so the view answers while the kernel is busy.
Python only pushes rows: stored ones by number, live ones to replace each other.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from nas_course.errors import InvalidInput
from nas_course.history import History, Row
from nas_course.widgets.packing import browser_header, pack_row, palette
from nas_course.widgets.readings import summary
from nas_course.widgets.static import static_twin

BROWSER = Path(__file__).parent / "browser"
PARTS = (
    "numbers",
    "store",
    "canvas",
    "curves",
    "heat_map",
    "cell_graph",
    "traces",
    "page",
    "prediction",
    "words",
    "controls",
    "explorer",
)
MODULE = "\n".join((BROWSER / f"{part}.js").read_text(encoding="utf-8") for part in PARTS)
STYLE_SHEET = (BROWSER / "alpha_explorer.css").read_text(encoding="utf-8")
LIVE_PLAIN_TEXT = "AlphaExplorer: the live view needs a kernel; below is what it showed last."
LIVE_INTERVAL = 0.02  # seconds between two live rows that are sent: 50 a second
STATE_INTERVAL = 2.0  # seconds between two copies of all rows for views that come late


class AlphaExplorer(anywidget.AnyWidget):
    """An interactive view of the architecture parameters of one search.

    Parameters
    ----------
    history : History, optional
        Shown at once and followed while it grows. Without one, call `watch` later.
    view : dict, optional
        Where to start, as read from `explorer.view`: ``cell``, ``edge``, ``epoch``, ``morph``.

    Attributes
    ----------
    predictions : dict
        The learner's guesses: ``"normal/3"`` (cell/edge) -> ``{"operation", "epoch"}``.
    view : dict
        Where the learner last looked.
    problem : str
        What is wrong with the last row that came; empty if nothing.
    """

    _esm = MODULE
    _css = STYLE_SHEET

    key = traitlets.Unicode().tag(sync=True)
    palette = traitlets.Dict().tag(sync=True)
    header = traitlets.Dict().tag(sync=True)
    rows = traitlets.Bytes().tag(sync=True, to_json=lambda _, widget: widget._all_rows())
    problem = traitlets.Unicode().tag(sync=True)
    predictions = traitlets.Dict().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)

    def __init__(self, history: History | None = None, **traits: Any) -> None:
        self.history: History | None = None
        self._packed: list[bytes] = []
        self._unsubscribe: Callable[[], None] = lambda: None
        self._sent_live = self._sent_state = -float("inf")
        self._twin_display: Any = None
        super().__init__(key=uuid.uuid4().hex, palette=palette(), **traits)
        self.on_msg(self._answer)
        if history is not None:
            self.watch(history)

    @classmethod
    def from_file(cls, path: str | Path, **traits: Any) -> AlphaExplorer:
        """Show the history in a run folder or file.

        Raises
        ------
        HistoryError
            If there is none, or it cannot be read.
        """
        return cls(History.load(path), **traits)

    def watch(self, history: History) -> None:
        """Show this history from now on, and follow it while it grows.

        Raises
        ------
        InvalidInput
            If the history has no cells, as that of a search without architecture parameters.
        """
        if not history.cells:
            raise InvalidInput(
                f"history: {history!r} has no cells; an AlphaExplorer shows searches with "
                "architecture parameters (see `nas-course methods`, family gradient)."
            )
        self._unsubscribe()
        header = browser_header(history.header)
        self._packed = [pack_row(row, header).tobytes() for row in history.rows]
        self.history = history
        with self.hold_sync():
            self.header, self.problem = header, ""
        self._send_all_rows()
        self._unsubscribe = history.subscribe(self._receive)
        if len(history.rows) > 1:
            self._refresh_twin()

    def summary(self) -> str:
        """Say in a sentence per cell what the search did so far."""
        if self.history is None:
            return "No search is being watched yet."
        return summary(self.history)

    def _all_rows(self) -> bytes:
        return b"".join(self._packed)

    def _send_all_rows(self) -> None:
        self._sent_state = time.monotonic()
        self.send_state("rows")

    def _receive(self, row: Row, stored: bool) -> None:
        """Pass a row on. A bad row becomes a message in the view: it must not end a search."""
        try:
            packed = pack_row(row, self.header)
        except InvalidInput as error:
            self.problem = f"Epoch {row.get('epoch')!r} cannot be shown. {error}"
            return
        if stored:
            self._send_stored(packed.tobytes(), row)
        else:
            self._send_live(packed.tobytes())

    def _send_live(self, packed: bytes) -> None:
        now = time.monotonic()
        if now - self._sent_live >= LIVE_INTERVAL:
            self._sent_live = now
            self.send({"kind": "live"}, [packed])

    def _send_stored(self, packed: bytes, row: Row) -> None:
        self._packed.append(packed)
        self.send({"kind": "rows", "start": len(self._packed) - 1}, [packed])
        finished = _ends(row, self.header)
        if finished or time.monotonic() - self._sent_state >= STATE_INTERVAL:
            self._send_all_rows()
        if finished:
            self._refresh_twin()

    def _answer(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        if content.get("kind") == "resend":
            self._send_all_rows()

    def _twin(self) -> dict[str, str]:
        return static_twin(self.history, MODULE, STYLE_SHEET)

    def _refresh_twin(self) -> None:
        """Replace the twin that was shown before or during the search by the present one."""
        if self._twin_display is not None:
            self._twin_display.update(self._twin(), raw=True)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        live, metadata = super()._repr_mimebundle_() or ({}, {})
        return {**live, **self._twin()}, metadata

    def _ipython_display_(self) -> None:
        """Show two outputs: the live view, and its twin, which hides while the view is there.

        In one bundle the view would win also where it cannot run: a notebook reopened without
        its kernel would show "model not found" instead of the picture.
        """
        from IPython.display import display

        live, metadata = super()._repr_mimebundle_() or ({}, {})
        display({**live, "text/plain": LIVE_PLAIN_TEXT}, metadata=metadata, raw=True)
        self._twin_display = display(self._twin(), raw=True, display_id=True)


def _ends(row: Row, header: dict[str, Any]) -> bool:
    """Whether a stored row is the last: of the last epoch, or of one that a time limit cut."""
    return row["epoch"] >= header.get("epochs", float("inf")) or row["epoch"] % 1 != 0
