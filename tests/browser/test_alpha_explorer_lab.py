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
# Runs until it is interrupted, so that the kernel is busy as long as a test wants.
SEARCH = """
try:
    search_gradient("darts-1st", data, settings=settings, epochs=100_000, progress=False,
                    on_history=explorer.watch)
except KeyboardInterrupt:
    pass
"""
SHORT_SEARCH = """
search_gradient("darts-1st", data, settings=settings, epochs=3, progress=False,
                on_history=explorer.watch)
print("SEARCH" + " ENDED")
"""
CHAPTER = Path(__file__).resolve().parents[2] / "chapters" / "08_darts.ipynb"
# A cell after the chapter's own, so that the kernel is busy until the test has seen what it wants.
STAY_BUSY = """
import time
from pathlib import Path
while not Path("go on").exists():
    time.sleep(0.1)
"""
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
        "(n) => Number(document.querySelector('[data-part=slider]:enabled')?.max) >= n",
        arg=count,
        timeout=600_000,
    )


def predict(page):
    page.locator(".nas-choices [data-operation=skip_connect]").first.click(timeout=600_000)


def wait_for_epoch(page, text):
    page.wait_for_function(
        "(t) => document.querySelector('[data-part=epoch]')?.innerText === t", arg=text
    )


@pytest.fixture
def searching(lab, open_page):
    """A notebook in which a search has just begun and the learner has predicted."""
    page = open_page(viewport={"width": 1500, "height": 1000})
    lab.write("live.ipynb", [SET_UP, SHOW, SEARCH])
    lab.open(page, "live.ipynb")
    lab.run_all(page)
    predict(page)
    wait_for_rows(page, 3)
    yield page
    lab.stop_cells(page, "live.ipynb")


def test_the_view_answers_while_the_kernel_trains(searching):
    page = searching
    part(page, "slider").press("Home")
    wait_for_epoch(page, "epoch 0")
    part(page, "slider").press("ArrowRight")
    wait_for_epoch(page, "epoch 1")
    assert "Your guess skip" in part(page, "verdict").inner_text()
    drag_to_the_middle(page)
    part(page, "derive").click()
    page.wait_for_function("() => document.querySelector('[data-part=morph]').value === '100'")
    rows = int(part(page, "slider").get_attribute("max"))
    wait_for_rows(page, rows + 2)
    assert "After" in part(page, "summary").inner_text()
    assert is_busy(page), "all of this must happen while the search runs"


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


def test_plain_keys_belong_to_the_view_and_ctrl_s_to_jupyterlab(searching, lab):
    page = searching
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    part(page, "heat").focus()
    for key in ("a", "b", "x", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    page.wait_for_function("() => document.querySelector('[data-part=edge]').value === '2'")
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells
    assert lab.saved_cells("live.ipynb")[1]["outputs"] == []
    lab.save_until(page, "live.ipynb", lambda cells: cells[1]["outputs"])


def saved_twin(cells):
    outputs = cells[1]["outputs"]
    return outputs[1]["data"] if len(outputs) == 2 else {}


def test_a_finished_search_survives_a_reload_of_the_page(lab, open_page):
    page = open_page(viewport={"width": 1500, "height": 1000})
    lab.write("late.ipynb", [SET_UP, SHOW, SHORT_SEARCH])
    lab.open(page, "late.ipynb")
    lab.run_all(page)
    page.wait_for_function(ENDED, timeout=600_000)
    predict(page)
    wait_for_rows(page, 3)
    assert page.locator(".nas-twin").is_hidden(), "beside the live view the twin hides"
    cells = lab.save_until(
        page,
        "late.ipynb",
        lambda cells: "After 3 epochs" in "".join(saved_twin(cells).get("text/html", "")),
    )
    assert {"image/png", "text/html", "text/plain"} <= set(saved_twin(cells))

    page.reload()
    # until the live view is back, its twin from the saved notebook is there too
    page.locator(".nas-alpha[data-paints]:visible").first.wait_for()
    wait_for_rows(page, 3)
    page.wait_for_function(
        "() => document.querySelector('[data-part=verdict]')?.innerText.includes('Your guess skip')"
    )


def write_without_kernel(lab, name, extra_cells):
    """Write a notebook with the outputs that a finished search left, and maybe more cells."""
    source = json.loads((lab.folder / "late.ipynb").read_text(encoding="utf-8"))
    source["cells"] += extra_cells
    (lab.folder / name).write_text(json.dumps(source), encoding="utf-8")


def test_reopened_without_its_kernel_a_trusted_notebook_shows_the_interactive_twin(lab, open_page):
    page = open_page(
        viewport={"width": 1500, "height": 1000},
        reduced_motion="reduce",
        expected_error="model not found",
    )
    write_without_kernel(lab, "trusted.ipynb", [])  # JupyterLab knows these outputs as the user's
    lab.open(page, "trusted.ipynb")
    page.locator("figure.nas-twin .nas-alpha[data-paints]").wait_for()
    assert page.get_by_text("model not found").is_hidden()
    predict(page)
    part(page, "slider").press("Home")
    wait_for_epoch(page, "epoch 0")


def test_a_notebook_from_somebody_else_shows_picture_and_sentence(lab, open_page):
    page = open_page(viewport={"width": 1500, "height": 1000})
    note = {"cell_type": "markdown", "id": "note", "metadata": {}, "source": "not the same"}
    write_without_kernel(lab, "foreign.ipynb", [note])
    lab.open(page, "foreign.ipynb")
    picture = page.locator("figure.nas-twin img")
    picture.wait_for()
    page.wait_for_function(
        "() => document.querySelector('figure.nas-twin img')?.getBoundingClientRect().height > 200"
    )
    assert "After 3 epochs" in page.locator("figure.nas-twin figcaption").inner_text()
    assert page.get_by_text("model not found").count() == 0


def code_cell(name, source):
    parts = {"metadata": {}, "outputs": [], "execution_count": None, "source": source}
    return {"cell_type": "code", "id": name, **parts}


@pytest.mark.skipif(not CHAPTER.exists(), reason="chapters/08_darts.ipynb is not built yet")
def test_the_chapter_runs_and_its_view_answers_while_the_kernel_is_busy(lab, open_page):
    page = open_page(viewport={"width": 1500, "height": 1000})
    chapter = json.loads(CHAPTER.read_text(encoding="utf-8"))
    chapter["cells"].append(code_cell("stay-busy", STAY_BUSY))
    (lab.folder / "08_darts.ipynb").write_text(json.dumps(chapter), encoding="utf-8")
    lab.open(page, "08_darts.ipynb")
    lab.run_all(page)
    predict(page)
    wait_for_rows(page, 2)
    part(page, "slider").press("Home")
    wait_for_epoch(page, "epoch 0")
    before = paints(page)
    part(page, "slider").press("ArrowRight")
    page.wait_for_function(
        "(n) => Number(document.querySelector('.nas-alpha').dataset.paints) > n", arg=before
    )
    assert is_busy(page)
    (lab.folder / "go on").touch()
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").first.wait_for(
        timeout=3_000_000
    )
    assert (
        page.locator(
            ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']"
        ).count()
        == 0
    )
