"""A panel in JupyterLab: by mouse and keyboard, and in a notebook reopened without its kernel."""

import nbformat
import pytest

pytestmark = pytest.mark.browser

CELL = """
from ipywidgets import Button, IntSlider
from nas_course.plots import style
from nas_course.plots.figure import new_figure
from nas_course.widgets import FigurePanel

def draw(height, again):
    return new_figure(f"Height {height} after {again} clicks.", style.SINGLE)

FigurePanel(draw, height=IntSlider(value=3, max=10), again=Button())
"""
CAPTION = ".nas-panel figcaption"


def wait_for_caption(page, words):
    page.wait_for_function(
        "([place, words]) => document.querySelector(place)?.innerText === words",
        arg=[CAPTION, words],
    )


def test_it_follows_slider_and_button_and_leaves_a_picture_behind(lab, open_page):
    lab.write("panel.ipynb", [CELL])
    page = open_page()
    lab.open(page, "panel.ipynb")
    lab.run_all(page)
    wait_for_caption(page, "Height 3 after 0 clicks.")
    page.locator(".nas-panel [role=slider]").press("ArrowRight")
    wait_for_caption(page, "Height 4 after 0 clicks.")
    page.get_by_role("button", name="again").click()
    wait_for_caption(page, "Height 4 after 1 clicks.")
    assert page.locator(".nas-panel img").get_attribute("alt") == "Height 4 after 1 clicks."
    lab.save_until(page, "panel.ipynb", lambda cells: len(cells[0]["outputs"]) == 2)
    saved = nbformat.read(lab.folder / "panel.ipynb", as_version=4)
    assert page.locator(".nas-panel-twin").is_hidden()

    saved.metadata.pop("widgets", None)
    nbformat.write(saved, lab.folder / "later.ipynb")
    later = open_page(expected_error="model not found")
    later.goto(f"{lab.address}/lab/workspaces/later/tree/later.ipynb?token=t")
    later.locator(".nas-panel-twin img").wait_for()
    assert later.locator(".nas-panel-twin img").get_attribute("alt") == "Height 3 after 0 clicks."
    later.wait_for_function(
        "() => document.querySelector('.nas-panel-twin img')?.getBoundingClientRect().height > 300"
    )
