"""The alpha widget in real JupyterLab: it answers while a real search keeps the kernel busy."""

import json
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SET_UP = """
from nas_course.data import load
from nas_course.search import search_gradient
from nas_course.strategies.gradient import GradientSettings
from nas_course.widgets import AlphaExplorer

data = load("digits", train_images=64, valid_images=64, test_images=60)
settings = GradientSettings(channels=2, cells=3, batch_size=32, alpha_learning_rate=0.02)
"""
SHOW = "explorer = AlphaExplorer()\nexplorer"
SEARCH = """
result = search_gradient("darts-1st", data, settings=settings, epochs=200, seconds=20,
                         progress=False, on_history=explorer.watch)
print("SEARCH" + " ENDED")
"""
CHAPTER = Path(__file__).resolve().parents[2] / "chapters" / "08_darts.ipynb"
ENDED = "() => document.body.innerText.includes('SEARCH ENDED')"


def part(page, name):
    return page.locator(f".nas-alpha >> nth=0 >> [data-part={name}]")


def is_busy(page):
    status = page.locator(".jp-Notebook-ExecutionIndicator").first.get_attribute("data-status")
    return status == "busy"


def paints(page):
    return int(page.locator(".nas-alpha").first.get_attribute("data-paints"))


def wait_for_rows(page, count):
    page.wait_for_function(
        "(n) => Number(document.querySelector('[data-part=slider]').max) >= n",
        arg=count,
        timeout=120_000,
    )


def predict(page):
    page.locator(".nas-choices [data-operation=skip_connect]").first.click(timeout=120_000)


@pytest.fixture
def searching(lab, open_page):
    """A notebook in which a search has just begun and the learner has predicted."""
    page = open_page(viewport={"width": 1500, "height": 1000})
    lab.write("live.ipynb", [SET_UP, SHOW, SEARCH])
    lab.open(page, "live.ipynb")
    lab.run_all(page)
    predict(page)
    wait_for_rows(page, 3)
    return page


def test_the_view_answers_while_the_kernel_trains(searching, lab):
    page = searching
    assert is_busy(page)
    part(page, "slider").press("Home")
    page.wait_for_function(
        "() => document.querySelector('[data-part=epoch]').innerText === 'epoch 0'"
    )
    part(page, "slider").press("ArrowRight")
    page.wait_for_function(
        "() => document.querySelector('[data-part=epoch]').innerText === 'epoch 1'"
    )
    assert "skip_connect" in part(page, "verdict").inner_text()
    drag_to_the_middle(page)
    part(page, "derive").click()
    page.wait_for_function("() => document.querySelector('[data-part=morph]').value === '100'")
    assert is_busy(page), "all of this must happen while the search runs"
    rows = int(part(page, "slider").get_attribute("max"))
    wait_for_rows(page, rows + 2)
    assert is_busy(page), "rows must arrive while the search runs"
    page.wait_for_function(ENDED, timeout=120_000)
    assert "After" in part(page, "summary").inner_text()


def drag_to_the_middle(page):
    box = part(page, "slider").bounding_box()
    y = box["y"] + box["height"] / 2
    before = paints(page)
    page.mouse.move(box["x"] + 4, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, y, steps=6)
    page.mouse.up()
    page.wait_for_function(
        "(n) => Number(document.querySelector('.nas-alpha').dataset.paints) > n", arg=before
    )


def test_keys_pressed_in_the_view_do_not_command_the_notebook(searching):
    page = searching
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    part(page, "heat").focus()
    for key in ("a", "b", "x", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    assert part(page, "edge").input_value() == "2"
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells
    page.wait_for_function(ENDED, timeout=120_000)


def test_a_page_opened_late_shows_the_whole_search(lab, open_page):
    page = open_page(viewport={"width": 1500, "height": 1000})
    lab.write("late.ipynb", [SET_UP, SHOW, SEARCH.replace("seconds=20", "seconds=4")])
    lab.open(page, "late.ipynb")
    lab.run_all(page)
    page.wait_for_function(ENDED, timeout=180_000)
    predict(page)
    rows = part(page, "slider").get_attribute("max")
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1500)
    page.reload()
    page.locator(".nas-alpha[data-paints]").wait_for(timeout=120_000)
    wait_for_rows(page, int(rows))
    assert part(page, "slider").get_attribute("max") == rows
    assert "Your guess skip_connect" in part(page, "verdict").inner_text()


def test_what_is_saved_carries_the_finished_search_and_opens_without_a_kernel(lab, open_page):
    page = open_page(viewport={"width": 1500, "height": 1000})
    lab.write("saved.ipynb", [SET_UP, SHOW, SEARCH.replace("seconds=20", "seconds=4")])
    lab.open(page, "saved.ipynb")
    lab.run_all(page)
    page.wait_for_function(ENDED, timeout=180_000)
    page.wait_for_timeout(1500)
    assert page.locator(".nas-twin").is_hidden(), "beside the live view the twin hides"
    page.locator(".jp-Notebook").click(position={"x": 5, "y": 5})
    page.keyboard.press("Control+s")
    page.wait_for_timeout(2000)
    notebook = json.loads((lab.folder / "saved.ipynb").read_text(encoding="utf-8"))
    twin = notebook["cells"][1]["outputs"][1]["data"]
    assert {"image/png", "text/html", "text/plain"} <= set(twin)
    assert "After" in "".join(twin["text/html"])
    # The same file under another name: no kernel knows its widgets, and nobody has trusted it.
    (lab.folder / "foreign.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    lab.open(page, "foreign.ipynb")
    page.locator("figure.nas-twin img").wait_for(timeout=60_000)
    assert page.locator("figure.nas-twin img").bounding_box()["height"] > 200
    assert page.get_by_text("model not found").count() == 0


@pytest.mark.skipif(not CHAPTER.exists(), reason="chapters/08_darts.ipynb is not built yet")
def test_the_chapter_runs_and_its_view_answers_while_the_kernel_is_busy(lab, open_page):
    page = open_page(viewport={"width": 1500, "height": 1000})
    (lab.folder / "08_darts.ipynb").write_bytes(CHAPTER.read_bytes())
    lab.open(page, "08_darts.ipynb")
    lab.run_all(page)
    predict(page)
    wait_for_rows(page, 2)
    part(page, "slider").press("Home")
    page.wait_for_function(
        "() => document.querySelector('[data-part=epoch]').innerText === 'epoch 0'"
    )
    before = paints(page)
    part(page, "slider").press("ArrowRight")
    page.wait_for_function(
        "(n) => Number(document.querySelector('.nas-alpha').dataset.paints) > n", arg=before
    )
    assert is_busy(page)
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").first.wait_for(
        timeout=600_000
    )
    assert (
        page.locator(
            ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']"
        ).count()
        == 0
    )
