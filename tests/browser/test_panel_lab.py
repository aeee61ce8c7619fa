"""A panel in JupyterLab: by mouse and keyboard, and in a notebook reopened without its kernel."""

import nbformat
import pytest
from patience import expect

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


def test_it_follows_slider_and_button_and_leaves_a_picture_behind(lab, open_page):
    lab.write("panel.ipynb", [CELL])
    page = open_page()
    lab.open(page, "panel.ipynb")
    lab.run_all(page, "panel.ipynb")
    caption = page.locator(".nas-panel figcaption")
    expect(caption).to_have_text("Height 3 after 0 clicks.")
    page.locator(".nas-panel [role=slider]").press("ArrowRight")
    expect(caption).to_have_text("Height 4 after 0 clicks.")
    page.get_by_role("button", name="again").click()
    expect(caption).to_have_text("Height 4 after 1 clicks.")
    expect(page.locator(".nas-panel img")).to_have_attribute("alt", "Height 4 after 1 clicks.")
    lab.save_until(page, "panel.ipynb", lambda cells: len(cells[0]["outputs"]) == 2)
    saved = nbformat.read(lab.folder / "panel.ipynb", as_version=4)
    expect(page.locator(".nas-panel-twin")).to_have_count(1)
    expect(page.locator(".nas-panel-twin")).to_be_hidden()

    saved.metadata.pop("widgets", None)
    nbformat.write(saved, lab.folder / "later.ipynb")
    later = open_page(expected_error="model not found")
    later.goto(f"{lab.address}/lab/workspaces/later/tree/later.ipynb?token=t")
    picture = later.locator(".nas-panel-twin img")
    expect(picture).to_have_attribute("alt", "Height 3 after 0 clicks.")
    later.wait_for_function(
        "() => document.querySelector('.nas-panel-twin img')?.getBoundingClientRect().height > 300"
    )
