"""A figure with controls: move one and the figure is drawn anew by Python.

    def draw(node, operation):
        return cell_figure(...)                      # a CourseFigure, with its summary

    FigurePanel(draw, node=IntSlider(max=3), operation=Dropdown(options=["a", "b"]))

For views that answer while the kernel rests. What must move while it trains draws in the browser
(`alpha_explorer.py`).
"""

from __future__ import annotations

import base64
import html
import threading
from collections.abc import Callable
from typing import Any

import ipywidgets
import traitlets
from ipywidgets import HTML, HBox, Layout, ValueWidget, VBox

from nas_course.errors import CourseError, InvalidInput
from nas_course.plots.figure import CourseFigure

LIVE_PLAIN_TEXT = "FigurePanel: the controls need a kernel; below is the figure they began with."
# The live panel stands in the output just before its twin. Without a kernel JupyterLab shows an
# error there, which hides while the twin is seen.
STYLE = """<style>
.jp-OutputArea:has(.nas-panel) .nas-panel-twin { display: none; }
.jp-OutputArea:has(.nas-panel-twin) .jp-OutputArea-child:has(> .jupyter-widgets):not(
  :has(.nas-panel)) { display: none; }
.nas-panel-twin { margin: 0; }
.nas-figure img { max-width: 100%; height: auto; background: #fff; }
.nas-figure figcaption { max-width: 60em; line-height: 1.4; }
</style>"""


class FigurePanel(VBox):
    """Controls above, the figure and its summary below.

    Parameters
    ----------
    draw : callable (**values) -> CourseFigure
        Called with the value of each control, by name. A `CourseError` that it raises is shown
        in place of the figure, so that a wrong entry explains itself.
    controls : ipywidgets with a value
        For example ``seed=IntSlider(...)``. A control without description is named after its
        keyword. A control that is a button calls `draw` at each click, with the number of
        clicks so far.

    Raises
    ------
    InvalidInput
        If there is no control, or one is neither a widget with a value nor a button.
    """

    def __init__(self, draw: Callable[..., CourseFigure], **controls: Any) -> None:
        if not controls:
            raise InvalidInput("controls: got none; give at least one, e.g. seed=IntSlider().")
        self.controls = controls
        self.clicks: dict[str, int] = {}
        self._draw = draw
        # JupyterLab may move a control in another thread than the one that runs the cells. What is
        # drawn last must be what the controls say last.
        self._drawing = threading.RLock()
        self._view = HTML()
        for name, control in controls.items():
            self._follow(name, control)
        row = HBox(list(controls.values()), layout=Layout(flex_flow="row wrap"))
        super().__init__([row, self._view])
        self.add_class("nas-panel")
        self.redraw()

    @property
    def values(self) -> dict[str, Any]:
        """What the controls say now, by name."""
        return {
            name: self.clicks.get(name, getattr(control, "value", None))
            for name, control in self.controls.items()
        }

    @property
    def summary(self) -> str:
        """The sentence that belongs to the figure now shown."""
        return self._summary

    def redraw(self) -> None:
        """Draw the figure for the present values."""
        with self._drawing:
            try:
                figure = self._draw(**self.values)
            except CourseError as error:
                self._summary, self._picture = str(error), b""
                self._view.value = f'{STYLE}<p role="alert">{html.escape(str(error))}</p>'
            else:
                self._summary, self._picture = figure.summary, figure.png()
                self._view.value = STYLE + self._figure_html()

    def _follow(self, name: str, control: Any) -> None:
        if isinstance(control, ipywidgets.Button):
            control.description = control.description or _words(name)
            self.clicks[name] = 0
            control.on_click(lambda _button: self._clicked(name))
        elif isinstance(control, ValueWidget | PlaySlider):
            if hasattr(control, "description"):
                control.description = control.description or _words(name)
            _show_whole_name(control)
            control.observe(lambda _change: self.redraw(), "value")
        else:
            raise InvalidInput(
                f"{name}: got {type(control).__name__}; allowed: an ipywidgets control with a "
                "value (IntSlider, Dropdown, ...) or a Button."
            )

    def _clicked(self, name: str) -> None:
        with self._drawing:
            self.clicks[name] += 1
            self.redraw()

    def _figure_html(self) -> str:
        source = base64.b64encode(self._picture).decode("ascii")
        words = html.escape(self._summary)
        return (
            f'<figure class="nas-figure" style="margin:0">'
            f'<img alt="{words}" src="data:image/png;base64,{source}">'
            f'<figcaption aria-live="polite">{words}</figcaption></figure>'
        )

    def _twin(self) -> dict[str, str]:
        """Make the bundle that stays in the notebook: picture, page and words."""
        page = f'{STYLE}<div class="nas-panel-twin">{self._figure_html()}</div>'
        picture = base64.b64encode(self._picture).decode("ascii")
        bundle = {"text/html": page, "text/plain": self._summary}
        return {**bundle, "image/png": picture} if picture else bundle

    def _ipython_display_(self) -> None:
        """Show two outputs: the live panel, and its twin, which hides while the panel is there."""
        from IPython.display import display

        display({**self._repr_mimebundle_(), "text/plain": LIVE_PLAIN_TEXT}, raw=True)
        display(self._twin(), raw=True)


class PlaySlider(HBox):
    """A slider over whole numbers with a button that plays them one after the other.

    Parameters
    ----------
    minimum, maximum : int
        Both included.
    step : int
    interval : int
        Milliseconds between two numbers while it plays.

    Attributes
    ----------
    value : int
        Where it stands.
    """

    value = traitlets.Int()

    def __init__(
        self, minimum: int, maximum: int, *, value: int | None = None, step: int = 1,
        interval: int = 300, description: str = "",
    ) -> None:  # fmt: skip
        start = minimum if value is None else value
        limits = {"min": minimum, "max": maximum, "step": step, "value": start}
        self.play = ipywidgets.Play(interval=interval, **limits)
        self.slider = ipywidgets.IntSlider(description=description, **limits)
        ipywidgets.jslink((self.play, "value"), (self.slider, "value"))
        super().__init__([self.play, self.slider], value=start)
        traitlets.link((self.slider, "value"), (self, "value"))

    @property
    def description(self) -> str:
        """The slider's name."""
        return self.slider.description

    @description.setter
    def description(self, words: str) -> None:
        self.slider.description = words


def _show_whole_name(control: Any) -> None:
    """Give the name of a control the width that it needs; ipywidgets cuts at 80 pixels."""
    look: Any = getattr(getattr(control, "slider", control), "style", None)
    if hasattr(look, "description_width") and not look.description_width:
        look.description_width = "initial"


def _words(name: str) -> str:
    return name.replace("_", " ")
