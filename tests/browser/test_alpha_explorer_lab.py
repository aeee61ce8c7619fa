"""The alpha widget in real JupyterLab: it answers while a real search keeps the kernel busy."""

import json
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from patience import expect

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
ROOT = Path(__file__).resolve().parents[2]
CHAPTER = "chapters/08_darts.ipynb"
# A cell after the chapter's own, so that the kernel is busy until the test has seen what it wants.
STAY_BUSY = """
import time
from pathlib import Path
while not Path("go on").exists():
    time.sleep(0.1)
print("CHAPTER" + " ENDED")
"""
# Beside each other on a page while one takes the place of the other.
LIVE = ".nas-alpha:not(.nas-twin *)"
TWIN = "figure.nas-twin .nas-alpha"


def part(page, name, view=LIVE):
    return page.locator(f"{view} [data-part={name}]")


def expect_busy(page):
    """Wait until the page shows its kernel as busy; where it never rests, it is so all the time."""
    indicator = page.locator(".jp-NotebookPanel .jp-Notebook-ExecutionIndicator")
    expect(indicator).to_have_attribute("data-status", "busy")


def wait_for_rows(page, count):
    page.wait_for_function(
        "([view, n]) => Number(document.querySelector(`${view} [data-part=slider]:enabled`)?.max) >= n",
        arg=[LIVE, count],
        timeout=600_000,
    )


def predict(page, view=LIVE):
    page.locator(f"{view} .nas-choices [data-operation=skip_connect]").click(timeout=600_000)


@pytest.fixture
def searching(lab, open_page, request):
    """A page and its notebook, in which a search has begun and the learner has predicted."""
    name = f"{request.node.name}.ipynb"
    page = open_page(viewport={"width": 1500, "height": 1000})
    lab.write(name, [SET_UP, SHOW, SEARCH])
    lab.open(page, name)
    lab.run_all(page, name)
    predict(page)
    wait_for_rows(page, 3)
    yield page, name
    lab.stop_cells(page, name)


def test_the_view_answers_while_the_kernel_trains(searching):
    page, _ = searching
    slider, epoch = part(page, "slider"), part(page, "epoch")
    slider.press("Home")
    expect(epoch).to_have_text("epoch 0")
    slider.press("ArrowRight")
    expect(epoch).to_have_text("epoch 1")
    expect(part(page, "verdict")).to_contain_text("Your guess skip")
    drag_beyond_the_middle(slider)
    expect(epoch).not_to_have_text(re.compile("^epoch [01]$"))
    part(page, "derive").click()
    expect(part(page, "morph")).to_have_value("100")
    rows = int(slider.get_attribute("max"))
    wait_for_rows(page, rows + 2)
    expect(part(page, "summary")).to_contain_text("After")
    expect_busy(page)  # the search runs until it is interrupted: all of this happened meanwhile


def drag_beyond_the_middle(slider):
    box = slider.bounding_box()
    begin, end = ({"x": x, "y": box["height"] / 2} for x in (4, 0.75 * box["width"]))
    slider.drag_to(slider, source_position=begin, target_position=end)


def test_plain_keys_belong_to_the_view_and_ctrl_s_to_jupyterlab(searching, lab):
    page, name = searching
    part(page, "heat").focus()
    for key in ("a", "b", "x", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    expect(part(page, "edge")).to_have_value("2")
    before = lab.saved_cells(name)
    assert before[1]["outputs"] == []
    cells = lab.save_until(page, name, lambda cells: cells[1]["outputs"])
    assert [cell["source"] for cell in cells] == [cell["source"] for cell in before]


def saved_twin(cells):
    outputs = cells[1]["outputs"]
    return outputs[1]["data"] if len(outputs) == 2 else {}


def test_a_finished_search_survives_a_reload_of_the_page(lab, open_page):
    page = open_page(viewport={"width": 1500, "height": 1000})
    lab.write("late.ipynb", [SET_UP, SHOW, SHORT_SEARCH])
    lab.open(page, "late.ipynb")
    lab.run_all(page, "late.ipynb")
    lab.wait_until_said(page, "late.ipynb", "SEARCH ENDED")
    predict(page)
    wait_for_rows(page, 3)
    expect(page.locator("figure.nas-twin")).to_have_count(1)
    expect(page.locator("figure.nas-twin")).to_be_hidden()  # beside the live view
    cells = lab.save_until(
        page,
        "late.ipynb",
        lambda cells: "After 3 epochs" in "".join(saved_twin(cells).get("text/html", "")),
    )
    assert {"image/png", "text/html", "text/plain"} <= set(saved_twin(cells))

    page.reload()
    wait_for_rows(page, 3)
    expect(part(page, "verdict")).to_contain_text("Your guess skip")


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
    predict(page, TWIN)
    part(page, "slider", TWIN).press("Home")
    expect(part(page, "epoch", TWIN)).to_have_text("epoch 0")
    missing = page.get_by_text("model not found")
    expect(missing).to_have_count(1)
    expect(missing).to_be_hidden()


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
    expect(page.locator("figure.nas-twin figcaption")).to_contain_text("After 3 epochs")
    # in place of the live view, of which nothing was begun
    expect(page.get_by_text("the live view needs a kernel")).to_be_visible()
    expect(page.get_by_text("model not found")).to_have_count(0)


def code_cell(name, source):
    parts = {"metadata": {}, "outputs": [], "execution_count": None, "source": source}
    return {"cell_type": "code", "id": name, **parts}


def test_the_chapter_runs_and_its_view_answers_while_the_kernel_is_busy(lab, open_page):
    page = open_page(viewport={"width": 1500, "height": 1000})
    chapter = json.loads((ROOT / CHAPTER).read_text(encoding="utf-8"))
    chapter["cells"].append(code_cell("stay-busy", STAY_BUSY))
    folder = Path(tempfile.mkdtemp(dir=lab.folder))  # a new one when the test is run again
    copy = folder / CHAPTER
    copy.parent.mkdir()
    copy.write_text(json.dumps(chapter), encoding="utf-8")
    shutil.copytree(ROOT / "results", folder / "results")  # which the chapter shows
    name = f"{folder.name}/{CHAPTER}"
    lab.open(page, name)
    lab.run_all(page, name)
    predict(page)
    wait_for_rows(page, 2)
    part(page, "slider").press("Home")
    expect(part(page, "epoch")).to_have_text("epoch 0")
    part(page, "slider").press("ArrowRight")
    expect(part(page, "epoch")).not_to_have_text("epoch 0")
    expect_busy(page)
    (copy.parent / "go on").touch()
    lab.wait_until_said(page, name, "CHAPTER ENDED", patience=3_000)
