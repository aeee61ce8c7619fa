"""The alpha widget where `none` can be selected, and where not: all that follows from it."""

import base64
import re

import numpy as np
import pytest
import torch
from descent_history import descent_history
from explorer_page import ExplorerPage
from patience import expect

from nas_course import spaces
from nas_course.strategies.gradient import discretize
from nas_course.widgets.packing import browser_header, pack_row, pack_rows
from nas_course.widgets.readings import sentence

pytestmark = pytest.mark.browser
PART = "nas-bench-201:none,skip_connect,nor_conv_3x3"
LED_BY_NONE = [[0, 1, 0, 0, 0]] * 5 + [[2, 0, 0, 0, 0]]
SEEN = {"declined": {"operation": "", "epoch": 0}}


@pytest.fixture
def explore(open_page, tmp_path):
    def explore(history, context=None, **state):
        return ExplorerPage(open_page(**(context or {})), tmp_path, history, **state)

    return explore


@pytest.mark.parametrize("space", ["nas-bench-201", PART])
def test_nas_bench_201_derives_as_the_package_does(explore, space):
    history = descent_history(space, epochs=1)
    view = explore(history)
    for alphas in states(len(history.cells["cell"]["operations"])):
        history.rows[1] = {"epoch": 1, "alphas": {"cell": alphas.tolist()}}
        read = view.read(history.rows)
        chosen = discretize(spaces.get(space), {"cell": torch.tensor(alphas)}).operations
        edges = history.cells["cell"]["edges"]
        kept = [[name, *edge] for name, edge in zip(chosen, edges, strict=True) if name != "none"]
        assert read["derived"] == [kept]
        assert read["leaders"] == [list(chosen)]


def states(operations):
    """Yield 150 random logits (6, operations): near, far apart, with ties, led by `none`."""
    rng = np.random.default_rng(1)
    for number in range(50):
        drawn = rng.standard_normal((6, operations)).astype(np.float32)
        yield drawn * np.float32((1e-3, 1, 10)[number % 3])
        ties = rng.integers(-2, 3, size=(6, operations)).astype(np.float32) / 4
        yield ties
        ties = ties.copy()
        ties[rng.random(6) < 0.5, 0] = 0.5  # as strong as the strongest others can be
        yield ties


def test_the_sentence_is_pythons_also_where_none_is_strongest(explore):
    history = descent_history("nas-bench-201", epochs=1)
    view = explore(history)
    rng = np.random.default_rng(2)
    for _ in range(50):
        alphas = rng.standard_normal((6, 5)).astype(np.float32)
        history.rows[1] = {"epoch": 1, "alphas": {"cell": alphas.tolist()}}
        assert view.read(history.rows)["sentences"] == [sentence(history, "cell")]


def led_by_none():
    """A finished search in NAS-Bench-201 in which `none` wins edge 2 -> 3, as in chapter 12."""
    history = descent_history("nas-bench-201", epochs=4)
    history.rows[-1]["alphas"]["cell"] = LED_BY_NONE
    return history


def test_where_none_can_be_selected_it_is_offered_and_can_lead(explore):
    view = explore(led_by_none(), view={"edge": 5})
    expect(view.part("card").locator("[data-operation]")).to_have_count(5)
    expect(view.part("card")).to_contain_text("“none” can be selected, too")
    expect(view.page.locator(".nas-alpha")).not_to_contain_text("never selected")
    view.predict("none")
    view.go_to(4)
    said = "★ Your guess none leads at epoch 4 with weight 0.649."
    expect(view.part("verdict")).to_contain_text(said)
    expect(view.part("detail")).to_have_text(re.compile(r"^2 → 3, none: w = exp\(2.000\).*rank 1$"))
    for note in ("heatNote", "graphNote"):
        expect(view.part(note)).to_contain_text("strongest operation")
        expect(view.part(note)).not_to_contain_text("leaving out")


def test_a_guess_that_none_beats_is_told_so(explore):
    guess = {"cell/5": {"operation": "skip_connect", "epoch": 0}}
    view = explore(led_by_none(), view={"edge": 5}, predictions=guess)
    view.go_to(4)
    said = "skip: rank 2 of 5 at epoch 4, weight 0.088. Leader: none, 0.649."
    expect(view.part("verdict")).to_contain_text(said)


def test_an_edge_that_none_wins_is_not_in_the_derived_cell_and_the_words_say_why(explore):
    view = explore(led_by_none(), view={"edge": 5, "morph": 1}, predictions=SEEN)
    view.go_to(4)
    said = "derived at epoch 4: 5 of 6 edges kept; where “none” is strongest, there is no edge"
    expect(view.part("graphNote")).to_have_text(said)
    expect(view.part("graph")).to_have_attribute("aria-label", said)


def test_in_the_darts_space_the_notes_say_that_none_is_left_out(explore):
    view = explore(descent_history(), predictions=SEEN)
    for note, owner in (("heatNote", "operation of an edge"), ("graphNote", "operation")):
        expect(view.part(note)).to_contain_text(f"strongest {owner}, leaving out “none”")


def test_the_bold_number_of_an_edge_is_the_operation_that_leads_it(explore):
    view = explore(led_by_none(), predictions=SEEN)
    view.page.evaluate(RECORD_NUMBERS)
    view.go_to(3)
    view.page.evaluate("() => { written.length = 0; }")
    view.go_to(4)
    numbers = view.page.evaluate("() => written.filter(([string]) => /^[.]\\d\\d$/.test(string))")
    assert numbers[-6:] == [[".40", 700]] * 5 + [[".65", 700]]


# Texts of the heat map with the weight of their font, as they are written.
RECORD_NUMBERS = """() => {
  window.written = [];
  const pen = document.querySelector("[data-part=heat]").getContext("2d");
  const original = pen.fillText.bind(pen);
  pen.fillText = (string, x, y) => {
    written.push([string, Number(/^(\\d+|bold) /.exec(pen.font)?.[1].replace("bold", 700) || 400)]);
    original(string, x, y);
  };
}"""


def test_the_widest_label_with_the_mark_of_a_guess_is_not_cut(explore):
    for width in (1000, 400):
        guess = {"cell/0": {"operation": "nor_conv_3x3", "epoch": 0}}
        history = descent_history("nas-bench-201")
        view = explore(
            history, predictions=guess, context={"viewport": {"width": width, "height": 1000}}
        )
        view.page.evaluate(RECORD_ENDS)
        view.go_to(3)
        ends = dict(view.page.evaluate("() => ends"))
        assert "★ conv 3×3" in ends
        assert max(ends.values()) <= view.part("curves").evaluate("(canvas) => canvas.clientWidth")


# Where each text of the curves that runs to the right ends, in px.
RECORD_ENDS = """() => {
  window.ends = [];
  const pen = document.querySelector("[data-part=curves]").getContext("2d");
  const original = pen.fillText.bind(pen);
  pen.fillText = (string, x, y) => {
    if (pen.textAlign === "left") ends.push([string, x + pen.measureText(string).width]);
    original(string, x, y);
  };
}"""


@pytest.mark.parametrize("space", ["darts", "nas-bench-201"])
def test_an_operation_has_the_same_name_in_buttons_texts_and_descriptions(explore, space):
    history = descent_history(space)
    view = explore(history)
    view.predict("skip_connect")
    view.go_to(12)
    view.page.locator("summary").click()
    expect(view.part("verdict")).to_contain_text("Your guess skip")
    expect(view.part("table").locator("tr:visible")).not_to_have_count(0)
    root = view.page.locator(".nas-alpha")
    labels = root.evaluate(
        "(root) => [...root.querySelectorAll('[aria-label]')].map((e) => e.ariaLabel).join('; ')"
    )
    said = root.inner_text() + labels
    for cell in history.cells.values():
        assert [name for name in cell["operations"] if "_" in name and name in said] == []


def test_another_space_under_the_same_name_of_cell_asks_its_own_question(explore):
    view = explore(descent_history("nas-bench-201"))
    other = descent_history(PART)
    header = browser_header(other.header)
    packed = base64.b64encode(pack_rows(pack_row(row, header) for row in other.rows)).decode()
    view.page.evaluate("([h, r]) => reload(h, r)", [header, packed])
    buttons = view.part("card").locator("[data-operation]")
    expect(buttons).to_have_count(3)
    names = buttons.evaluate_all("(buttons) => buttons.map((button) => button.dataset.operation)")
    assert names == ["none", "skip_connect", "nor_conv_3x3"]
