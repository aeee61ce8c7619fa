"""A figure with controls: drawn anew at each change, explained where it cannot be drawn."""

import re
import threading

import pytest
from IPython.core.interactiveshell import InteractiveShell
from ipywidgets import Button, Dropdown, HBox, IntSlider

from nas_course.errors import InvalidInput
from nas_course.plots import style
from nas_course.plots.figure import new_figure, panels
from nas_course.widgets import FigurePanel, PlaySlider
from nas_course.widgets.alpha_explorer import STYLE_SHEET
from nas_course.widgets.panel import STYLE


def draw(height, **others):
    if height > 8:
        raise InvalidInput(f"height: got {height}; allowed: up to 8 <metres>.")
    figure = new_figure(f"A line of height {height}; {others}.", style.SINGLE)
    (axes,) = panels(figure)
    axes.plot([0, height])
    return figure


def test_it_draws_what_the_controls_say_at_first_and_after_each_change():
    slider = IntSlider(value=2, max=10)
    panel = FigurePanel(draw, height=slider)
    assert panel.summary.startswith("A line of height 2;")
    before = panel.children[-1].value
    slider.value = 5
    assert panel.summary.startswith("A line of height 5;")
    assert panel.children[-1].value != before
    assert 'alt="A line of height 5; {}."' in panel.children[-1].value


def test_a_button_counts_its_clicks():
    button = Button()
    panel = FigurePanel(draw, height=IntSlider(value=1), draw_again=button)
    assert button.description == "draw again"
    button.click()
    button.click()
    assert panel.values == {"height": 1, "draw_again": 2}
    assert "{'draw_again': 2}" in panel.summary


def test_a_wrong_entry_explains_itself_and_the_next_right_one_draws():
    slider = IntSlider(value=2, max=10)
    panel = FigurePanel(draw, height=slider)
    slider.value = 9
    assert panel.summary == "height: got 9; allowed: up to 8 <metres>."
    assert 'role="alert"' in panel.children[-1].value
    assert "&lt;metres&gt;" in panel.children[-1].value
    assert "image/png" not in panel._twin()
    slider.value = 8
    assert panel.summary.startswith("A line of height 8;")


def test_other_exceptions_are_bugs_and_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        FigurePanel(lambda n: 1 // n, n=IntSlider())


def test_what_is_no_control_is_refused():
    with pytest.raises(InvalidInput, match="got none"):
        FigurePanel(draw)
    with pytest.raises(InvalidInput, match=r"height: got HBox; allowed: an ipywidgets control"):
        FigurePanel(draw, height=HBox())


def test_without_a_kernel_the_notebook_keeps_picture_words_and_page(monkeypatch):
    shown = []
    monkeypatch.setattr(
        "IPython.display.display", lambda bundle, metadata=None, raw=False: shown.append(bundle)
    )
    InteractiveShell.instance()
    FigurePanel(draw, height=Dropdown(options=[3, 4]))._ipython_display_()
    live, twin = shown
    assert live["text/plain"].startswith("FigurePanel: the controls need a kernel")
    assert twin["text/plain"] == "A line of height 3; {}."
    assert "image/png" in twin
    assert 'class="nas-panel-twin"' in twin["text/html"]


def test_what_two_threads_leave_is_what_the_controls_say_last():
    slider = IntSlider(value=0, max=8)
    panel = FigurePanel(draw, height=slider)
    first_draws, may_go_on = threading.Event(), threading.Event()

    def wait(height, **others):
        if height == 1:
            first_draws.set()
            may_go_on.wait(timeout=60)
        return draw(height, **others)

    panel._draw = wait
    threads = [threading.Thread(target=setattr, args=(slider, "value", n)) for n in (1, 2)]
    threads[0].start()
    assert first_draws.wait(timeout=60)
    threads[1].start()  # the slow figure of 1 is still on its way
    threads[1].join(timeout=0.5)  # it ends here only where the two do not wait for each other
    may_go_on.set()
    for thread in threads:
        thread.join()
    assert slider.value == 2
    assert panel.summary == "A line of height 2; {}."


def test_the_name_of_a_control_is_shown_whole_unless_its_width_is_set():
    wide, set_before = IntSlider(), IntSlider(style={"description_width": "9em"})
    film = PlaySlider(1, 3)
    FigurePanel(draw, height=wide, conditioning=set_before, number_of_the_step=film)
    widths = [control.style.description_width for control in (wide, set_before, film.slider)]
    assert widths == ["initial", "9em", "initial"]


def test_the_style_of_the_alpha_view_does_not_reach_a_panel_on_the_same_page():
    def classes(css):
        return set(re.findall(r"[.](nas-[a-z-]+)", css))

    own = classes(STYLE) | set(FigurePanel(draw, height=IntSlider())._dom_classes)
    assert {"nas-panel", "nas-panel-twin", "nas-figure"} <= own
    assert own & classes(STYLE_SHEET) == set()


def test_a_play_slider_moves_with_its_slider_and_is_named_after_its_keyword():
    film = PlaySlider(1, 9, step=2, interval=100)
    panel = FigurePanel(draw, height=film)
    assert film.description == "height"
    film.slider.value = 5
    assert (film.value, panel.values["height"]) == (5, 5)
    assert panel.summary.startswith("A line of height 5;")
    assert (film.play.min, film.play.max, film.play.step, film.play.interval) == (1, 9, 2, 100)
