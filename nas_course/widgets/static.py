"""The static twin: what a notebook shows without a kernel, on paper, to a screen reader.

    twin = static_twin(history, module, css)     # mime bundle: image/png, text/html, text/plain

The HTML is a figure with a sentence. Where scripts may run it also carries the browser module of
the live view and thinned rows, and turns interactive when it comes into sight. Beside a live view
it hides itself.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from pathlib import Path
from typing import Any

import numpy as np

from nas_course.history import History
from nas_course.plots.figure import new_figure
from nas_course.plots.overview import alpha_overview
from nas_course.widgets.packing import browser_header, pack_row, pack_rows, palette
from nas_course.widgets.readings import summary

PLAIN_TEXT = "AlphaExplorer: picture and summary of the architecture parameters"
WAITING = "AlphaExplorer waits for a search; run it and this becomes its picture."
ROW_BUDGET = 120_000  # bytes of rows in the page, so that a twin stays below 350 kB

SHIM = (Path(__file__).parent / "browser" / "twin.js").read_text(encoding="utf-8")

# The live view lies in the output just before; without a kernel JupyterLab shows an error there.
STYLE = """
.jp-OutputArea:has(.nas-alpha:not(.nas-twin *)) .nas-twin { display: none; }
.jp-OutputArea:has(.nas-twin) .jp-OutputArea-child:has(> .jupyter-widgets):not(:has(.nas-alpha)) {
  display: none;
}
.nas-twin { margin: 0; }
.nas-twin img { max-width: 100%; background: #fff; }
"""


def static_twin(history: History | None, module: str, css: str) -> dict[str, str]:
    """Make the mime bundle of the static twin.

    Parameters
    ----------
    history : History or None
        None or no rows yet: the twin says that it waits.
    module : str
        The browser module (JavaScript) of the live view.
    css : str
        Its style sheet.

    Returns
    -------
    dict
        ``image/png`` (base64), ``text/html`` and ``text/plain``. The plain text is always the
        same, so that comparing a notebook's outputs compares nothing that was measured.
    """
    picture = base64.b64encode(figure_png(history)).decode("ascii")
    if history is None or not history.rows:
        page = f'<p class="nas-twin">{html.escape(WAITING)}</p><style>{STYLE}</style>'
    else:
        page = twin_html(history, picture, module, css)
    return {"image/png": picture, "text/html": page, "text/plain": PLAIN_TEXT}


def figure_png(history: History | None) -> bytes:
    """Draw the overview of a history as PNG; before its first row a line of text."""
    if history is not None and history.rows:
        return alpha_overview(history).png()
    figure = new_figure(WAITING, (6.4, 0.6))
    figure.text(0.01, 0.5, WAITING, va="center")
    return figure.png()


def twin_html(history: History, picture: str, module: str, css: str) -> str:
    """Write the figure, its sentence and the script; the same history gives the same text.

    Parameters
    ----------
    history : History
    picture : str
        PNG in base64.
    module, css : str
        As in `static_twin`.
    """
    words = html.escape(summary(history))
    rows, note = _thinned(history)
    data = base64.b64encode(rows).decode("ascii")
    identity = "nas-twin-" + hashlib.sha256(data.encode()).hexdigest()[:12]
    constants = {"ID": identity, "ROWS": data, "STATE": _state(history), "MODULE": module}
    script = "\n".join(f"const {name} = {_literal(value)};" for name, value in constants.items())
    return (
        f'<figure class="nas-twin" id="{identity}">\n'
        f'<img alt="{words}" src="data:image/png;base64,{picture}">\n'
        f"<figcaption>{words}{note}</figcaption>\n</figure>\n"
        f"<style>{STYLE}{css}</style>\n"
        f'<script type="module">\n{script}\n{SHIM}</script>'
    )


def _state(history: History) -> dict[str, Any]:
    return {
        "key": "twin",
        "header": browser_header(history.header),
        "palette": palette(),
        "predictions": {},
        "problem": "",
        "view": {},
    }


def _thinned(history: History) -> tuple[bytes, str]:
    """Pack evenly chosen rows, first and last among them, as many as the budget allows."""
    header = browser_header(history.header)
    size = pack_row(history.rows[0], header).nbytes
    most = max(2, ROW_BUDGET // size)
    count = len(history.rows)
    chosen = np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
    note = "" if len(chosen) == count else f" (shown here: {len(chosen)} of {count} rows)"
    return pack_rows(pack_row(history.rows[row], header) for row in chosen), note


def _literal(value: Any) -> str:
    """Write a value as JavaScript that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=False).replace("</", "<\\/").replace("<!--", "<\\!--")
