"""The alpha widget for every reader: keyboard, screen reader, still pictures, themes, widths."""

import re
from itertools import pairwise

import pytest
from descent_history import descent_history
from explorer_page import ExplorerPage
from patience import expect, let_time_pass

pytestmark = pytest.mark.browser
SEEN = {"declined": {"operation": "", "epoch": 0}}
LIGHT_LAB = {"--jp-layout-color0": "white", "--jp-content-font-color0": "black"}
DARK_LAB = {"--jp-layout-color0": "#111111", "--jp-content-font-color0": "white"}


@pytest.fixture
def explore(open_page, tmp_path):
    def explore(history=None, context=None, **state):
        page = open_page(**(context or {}))
        return ExplorerPage(page, tmp_path, history or descent_history(), **state)

    return explore


def focused(view):
    return view.page.evaluate(
        "() => document.activeElement.dataset.part || document.activeElement.dataset.operation"
        " || document.activeElement.tagName"
    )


def press_tab(view):
    """Press the Tab key and wait until the focus has moved."""
    before = view.page.evaluate_handle("() => document.activeElement")
    view.page.keyboard.press("Tab")
    view.page.wait_for_function("(before) => document.activeElement !== before", arg=before)


def tab_to(view, name):
    for _ in range(60):
        if focused(view) == name:
            return
        press_tab(view)
    raise AssertionError(f"the Tab key never reached {name}")


def test_everything_can_be_done_by_keyboard(explore):
    view = explore()
    keys = view.page.keyboard
    tab_to(view, "max_pool_3x3")  # the legend comes first, then the choices
    for _ in range(7):
        press_tab(view)
    tab_to(view, "skip_connect")
    keys.press("Enter")
    expect(view.part("slider")).to_be_focused()  # after the prediction it is where one goes on
    assert "normal/0" in view.page.evaluate("() => model.get('predictions')")
    keys.press("Home")
    keys.press("ArrowRight")
    keys.press("ArrowRight")
    expect(view.part("epoch")).to_have_text("epoch 2")
    tab_to(view, "heat")
    keys.press("ArrowDown")
    keys.press("End")
    expect(view.part("edge")).to_have_value("1")
    expect(view.part("detail")).to_contain_text("dil 5×5: w = exp(")
    expect(view.part("heat")).to_have_attribute("aria-label", re.compile("dil 5×5"))
    tab_to(view, "derive")
    keys.press("Space")
    expect(view.part("morph")).to_have_value("100")
    expect(view.part("graphNote")).to_contain_text("8 of 14 edges kept")
    expect(view.part("table")).to_be_hidden()
    tab_to(view, "SUMMARY")
    keys.press("Enter")
    expect(view.part("table").locator("tr:visible")).to_have_count(8)


def test_the_focus_is_visible_on_every_control(explore):
    view = explore(predictions=SEEN)
    seen = set()
    for _ in range(40):
        press_tab(view)
        name = focused(view)
        if name == "BODY":
            break
        style = view.page.evaluate(
            "() => { const s = getComputedStyle(document.activeElement);"
            " return [s.outlineStyle, parseFloat(s.outlineWidth)]; }"
        )
        assert style[0] == "solid" and style[1] >= 2, name
        seen.add(name)
    assert {"play", "slider", "speed", "cell", "edge", "reset", "heat", "derive", "morph"} <= seen


def test_plain_keys_pressed_in_the_view_are_not_jupyterlabs(explore):
    view = explore(predictions=SEEN)
    for name in ("play", "slider", "speed", "reset", "heat", "derive"):
        owned = view.page.locator(f"[data-part={name}][data-lm-suppress-shortcuts]")
        view.part(name).focus()
        view.page.keyboard.press("b")
        expect(owned).to_have_count(1)
        view.page.keyboard.press("Control+b")  # with a modifier it stays JupyterLab's
        expect(owned).to_have_count(0)


def test_targets_are_at_least_24_pixels(explore):
    view = explore()
    sizes = view.page.evaluate(
        "() => [...document.querySelectorAll('button, select, input, summary, canvas[tabindex]')]"
        ".filter((e) => e.offsetParent).map((e) => { const b = e.getBoundingClientRect();"
        " return [e.dataset.part || e.textContent, b.width, b.height]; })"
    )
    assert len(sizes) > 20
    assert [size for size in sizes if min(size[1:]) < 24] == []


def test_every_control_has_a_name(explore):
    view = explore()
    nameless = view.page.evaluate(
        "() => [...document.querySelectorAll('button, select, input, canvas[data-part]')].filter((e) =>"
        " !(e.getAttribute('aria-label') || e.textContent.trim() && e.tagName === 'BUTTON'"
        " || (e.labels && e.labels.length))).map((e) => e.outerHTML)"
    )
    assert nameless == []


# ------------------------------------------------------------------ motion


# What the play button and the epoch said, one after the other: a short playback may be over before
# a slow test looks.
RECORD_WORDS = """() => {
  window.said = { play: [], epoch: [] };
  for (const name of ["play", "epoch"]) {
    const part = document.querySelector(`[data-part=${name}]`);
    const note = () => said[name].push(name === "play" ? part.ariaLabel : part.innerText);
    new MutationObserver(note).observe(part, {
      attributeFilter: ["aria-label"], characterData: true, childList: true, subtree: true });
  }
}"""
PLAYED = """() => {
  const began = said.play.indexOf("Pause");
  return began >= 0 && said.play.indexOf("Play", began) >= 0;
}"""


def expect_playing(view):
    expect(view.part("play")).to_have_attribute("aria-label", "Pause")


def expect_standing(view, epoch):
    """Wait until nothing plays and the readout is that of a whole row."""
    expect(view.part("play")).to_have_attribute("aria-label", "Play")
    expect(view.part("epoch")).to_have_text(f"epoch {epoch}")


def drawn_out(history):
    """Put 20,000 epochs between two rows: playing from one to the next takes hours."""
    history.header["epochs"] *= 20_000
    for row in history.rows:
        row["epoch"] *= 20_000
    return history


def test_playing_moves_and_ends_at_the_last_row(explore):
    view = explore(predictions=SEEN)
    view.part("speed").select_option("10")
    view.go_to(0)
    view.page.evaluate(RECORD_WORDS)
    view.part("play").click()
    view.page.wait_for_function(PLAYED)
    expect_standing(view, 12)
    seen = [float(words.split()[1]) for words in view.page.evaluate("() => said.epoch")]
    assert seen == sorted(seen) and any(0 < epoch < 12 for epoch in seen)


def press_home(view):
    view.part("slider").press("Home")


def press_the_thumb(view):
    height = view.part("slider").bounding_box()["height"]
    view.part("slider").click(position={"x": 8, "y": height / 2})


@pytest.mark.parametrize("take", [press_home, press_the_thumb])
def test_taking_the_slider_stops_the_playback_even_where_its_value_stays(explore, take):
    view = explore(drawn_out(descent_history()), predictions=SEEN)
    view.part("speed").select_option("0.5")
    view.go_to(0)
    view.part("play").click()
    expect_playing(view)
    take(view)
    expect_standing(view, 0)


def test_reset_ends_a_morph_that_is_on_its_way(explore):
    view = explore(predictions=SEEN)
    view.page.evaluate(
        "() => ['derive', 'reset'].forEach((name) => document.querySelector(`[data-part=${name}]`).click())"
    )
    view.settle()  # while a morph is on its way the view does not settle
    expect(view.part("morph")).to_have_value("0")


def test_pausing_stops_at_a_whole_row(explore):
    view = explore(predictions=SEEN)
    view.part("speed").select_option("0.5")
    view.go_to(0)
    view.page.evaluate(RECORD_STATES)
    paused_at = view.page.evaluate(PAUSE_BETWEEN_TWO_ROWS)
    expect_standing(view, 1)
    view.settle()
    assert paused_at in ("epoch 1.2", "epoch 1.3", "epoch 1.4")
    assert view.page.evaluate("() => recorded.cursors.at(-1)") == 1
    let_time_pass(view.page)
    expect_standing(view, 1)


# Plays, and pauses in the frame that shows an epoch a little above 1, which no slow test misses.
PAUSE_BETWEEN_TWO_ROWS = """() => new Promise((done) => {
  const [play, epoch] = ["play", "epoch"].map((name) => document.querySelector(`[data-part=${name}]`));
  const watch = new MutationObserver(() => {
    if (!/ 1[.][2-4]$/.test(epoch.textContent)) return;
    watch.disconnect();
    play.click();
    done(epoch.textContent);
  });
  watch.observe(epoch, { childList: true });
  play.click();
})"""


def test_a_finished_search_plays_by_itself_after_the_prediction(explore):
    view = explore()
    view.page.evaluate(RECORD_WORDS)
    view.page.locator(".nas-choices [data-operation=skip_connect]").click()
    view.page.wait_for_function(PLAYED)


def test_with_reduced_motion_nothing_starts_by_itself_and_nothing_is_tweened(explore):
    view = explore(context={"reduced_motion": "reduce"})
    view.page.evaluate(RECORD_STATES)
    view.page.evaluate(RECORD_WORDS)
    view.predict("skip_connect")
    expect_standing(view, 12)
    assert "Pause" not in view.page.evaluate("() => said.play")
    view.part("derive").click()
    view.settle()
    view.part("speed").select_option("25")
    view.page.evaluate(RECORD_WORDS)
    view.part("play").click()
    view.page.wait_for_function(PLAYED)
    morphs, curves = view.page.evaluate("() => [[...new Set(recorded.morphs)], recorded.cursors]")
    assert set(morphs) == {"0", "100"}
    assert len(curves) > 5
    assert all(abs(cursor - round(cursor)) < 1e-6 for cursor in curves)


# Each painted frame: the morph, and the epoch at which the curves' cursor (1 px wide) is drawn.
RECORD_STATES = """() => {
  window.recorded = { morphs: [], cursors: [] };
  const canvas = document.querySelector("[data-part=curves]"), pen = canvas.getContext("2d");
  const original = pen.fillRect.bind(pen);
  let epochs = [];
  pen.fillRect = (x, y, w, h) => {
    // a line of the grid is as long as the axis of the epochs
    if (h === 1) epochs = [...Array(13).keys()].map((epoch) => [Math.round(x + (w * epoch) / 12), epoch]);
    if (w === 1 && h > 100) {
      const found = epochs.find(([place]) => place === x);
      window.recorded.cursors.push(found ? found[1] : 0.5);
    }
    original(x, y, w, h);
  };
  const note = () => { recorded.morphs.push(document.querySelector("[data-part=morph]").value); requestAnimationFrame(note); };
  note();
}"""


def test_the_reader_is_told_at_most_every_five_seconds_while_it_plays(explore):
    view = explore(descent_history(epochs=200), predictions=SEEN)
    view.go_to(0)
    view.part("speed").select_option("0.5")
    view.page.evaluate(RECORD_TELLING)
    view.part("play").click()
    view.page.wait_for_function("() => told.length > 2")
    # the playback goes on long after these
    told = view.page.evaluate("() => told.slice(0, 3)")
    assert all(later - earlier >= 5_000 for earlier, later in pairwise(told))


# For each text that a screen reader is told: the time in ms that the view had asked for before it.
RECORD_TELLING = """() => {
  const now = performance.now.bind(performance);
  let asked;
  performance.now = () => (asked = now());
  window.told = [];
  new MutationObserver(() => told.push(asked))
    .observe(document.querySelector("[data-part=announce]"), { childList: true });
}"""


# ------------------------------------------------------------------ themes and widths


def contrast(view, foreground, background):
    return view.page.evaluate(
        """([a, b]) => {
          const light = (color) => {
            const parts = color.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
              .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
            return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
          };
          const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
          return (x + 0.05) / (y + 0.05);
        }""",
        [foreground, background],
    )


@pytest.mark.parametrize(("variables", "theme"), [(LIGHT_LAB, "light"), (DARK_LAB, "dark")])
def test_text_and_lines_stand_out_in_both_themes_of_jupyterlab(explore, variables, theme):
    view = explore(predictions=SEEN)
    view.page.evaluate(
        "(values) => { for (const [k, v] of Object.entries(values)) document.body.style.setProperty(k, v); }",
        variables,
    )
    view.settle()
    root = view.page.locator(".nas-alpha")
    expect(root).to_have_attribute("data-theme", theme)
    colors = root.evaluate(
        """(root) => {
          const back = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
            if (!c.endsWith(", 0)")) return c; } return "rgb(255, 255, 255)"; };
          return [...root.querySelectorAll("p, span, label, button, figcaption, summary, strong, output")]
            .filter((e) => e.offsetParent && e.textContent.trim() && !e.closest(":disabled"))
            .map((e) => [e.textContent.trim().slice(0, 30), getComputedStyle(e).color, back(e)]);
        }"""
    )
    assert len(colors) > 20
    weak = [name for name, front, back in colors if contrast(view, front, back) < 4.5]
    assert weak == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_plain_page_follows_the_system(explore, scheme):
    view = explore(context={"color_scheme": scheme})
    expect(view.page.locator(".nas-alpha")).to_have_attribute("data-theme", scheme)


@pytest.mark.parametrize("width", [1400, 1000, 632, 400])
@pytest.mark.parametrize("state", [{}, {"predictions": SEEN}, {"header": {}, "rows": ""}])
def test_nothing_is_cut_off_at_any_width(explore, width, state):
    view = explore(context={"viewport": {"width": width, "height": 1000}}, **state)
    cut = view.page.evaluate(
        "() => [...document.querySelectorAll('.nas-alpha, .nas-alpha *')].filter((e) =>"
        " e.offsetParent && !e.matches('.nas-hidden') &&"
        " (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline'"
        " && !e.matches('select, option'))).map((e) => e.className || e.tagName)"
    )
    assert cut == []
    assert view.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_the_card_fits_over_the_curves(explore):
    for width in (1000, 632):
        view = explore(context={"viewport": {"width": width, "height": 1000}})
        card, stage = (
            view.page.locator(place).bounding_box()
            for place in (".nas-card", ".nas-stage >> nth=0")
        )
        assert card["y"] >= stage["y"] - 4
        assert card["y"] + card["height"] <= stage["y"] + stage["height"] + 30


def test_the_view_that_python_asks_for_is_the_one_shown(explore):
    wanted = {"cell": "reduce", "edge": 6, "epoch": 4, "morph": 1}
    view = explore(predictions=SEEN, view=wanted)
    expect(view.part("epoch")).to_have_text("epoch 4")
    expect(view.part("edge")).to_have_value("6")
    expect(view.part("cell").locator("option:checked")).to_have_text("reduce")
    expect(view.part("graphNote")).to_contain_text("8 of 14 edges kept")


def test_where_the_learner_looks_is_kept_for_python(explore):
    view = explore(predictions=SEEN)
    view.part("cell").select_option(label="reduce")
    view.part("edge").select_option("3")
    view.go_to(7)
    view.page.wait_for_function("() => model.get('view').epoch === 7")
    kept = view.page.evaluate("() => model.get('view')")
    assert kept == {"cell": "reduce", "edge": 3, "epoch": 7, "morph": 0}


@pytest.mark.parametrize("playing", [True, False])
def test_a_closed_view_leaves_nothing_running(explore, playing):
    view = explore(predictions=SEEN)
    view.go_to(0)
    if playing:
        view.part("play").click()
    view.page.evaluate("() => stop()")
    paints = view.page.locator(".nas-alpha").get_attribute("data-paints")
    view.send({"kind": "live"}, [view.history.rows[-1] | {"epoch": 12.5}])
    let_time_pass(view.page)
    expect(view.page.locator(".nas-alpha")).to_have_attribute("data-paints", paints)
