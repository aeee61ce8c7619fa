"""The alpha widget in Chromium, on a plain page: what it shows, asks, and takes by keyboard."""

import re

import numpy as np
import pytest
import torch
from descent_history import descent_history
from explorer_page import ExplorerPage
from patience import expect

from nas_course import mixing, spaces
from nas_course.plots.names import excluded_operations
from nas_course.plots.style import short_name
from nas_course.strategies.gradient import discretize
from nas_course.widgets.readings import sentence

pytestmark = pytest.mark.browser
SEEN = {"declined": {"operation": "", "epoch": 0}}


@pytest.fixture
def explore(open_page, tmp_path):
    """Open the view of a history; `context` are options of the browser's context."""

    def explore(history, context=None, **state):
        return ExplorerPage(open_page(**(context or {})), tmp_path, history, **state)

    return explore


def float32_weights(history, cell):
    """Mixing weights of the logits as they travel; shape (rows, edges, operations)."""
    alphas = history.alphas(cell).astype(np.float32).astype(float)
    exponentials = np.exp(alphas - alphas.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def subscripted(text):
    """Write subscripts as the page does: c_{k-2} is cₖ₋₂."""
    return re.sub(r"c_\{k-(.)\}", lambda found: f"cₖ₋{'₀₁₂'[int(found[1])]}", text)


# ------------------------------------------------------------------ prediction first


def test_nothing_is_shown_before_the_learner_predicts(explore):
    view = explore(descent_history())
    card = view.part("card")
    expect(card).to_contain_text("Which operation will weigh most")
    for control in ("play", "slider", "back", "forth", "morph", "derive"):
        expect(view.part(control)).to_be_disabled()
    expect(view.part("summary")).to_be_hidden()
    expect(view.part("table").locator("tr")).to_have_count(0)
    expect(card.locator("[data-operation]")).to_have_count(7)
    expect(card.locator("[data-operation=none]")).to_have_count(0)
    expect(card).to_contain_text("The operation “none” is never selected.")


def test_the_guess_is_kept_and_its_gap_shown_at_every_epoch(explore):
    history = descent_history()
    view = explore(history)
    operations = history.cells["normal"]["operations"]
    weights = float32_weights(history, "normal")[:, 0]
    loser = operations[1 + int(weights[-1, 1:].argmin())]
    view.predict(loser)
    view.part("play").click()
    for row in (0, 5, 12):
        view.go_to(row)
        best = 1 + int(weights[row, 1:].argmax())
        guess = operations.index(loser)
        rank = 1 + int((weights[row, 1:] > weights[row, guess]).sum())
        gap = weights[row, best] - weights[row, guess]
        verdict = expect(view.part("verdict"))
        if rank == 1:
            verdict.to_contain_text(f"leads at epoch {row}")
            continue
        verdict.to_contain_text(f"{short_name(loser)}: rank {rank} of 7 at epoch {row}")
        verdict.to_contain_text(
            f"Leader: {short_name(operations[best])}, {weights[row, best]:.3f}. Gap {gap:.3f}."
        )
    guesses = view.page.evaluate("() => model.get('predictions')")
    assert guesses == {"normal/0": {"operation": loser, "epoch": 0}}


def test_a_right_guess_is_called_right(explore):
    history = descent_history()
    view = explore(history)
    winner = mixing.winners(history.weights("normal")[-1], history.cells["normal"]["operations"])[0]
    view.predict(history.cells["normal"]["operations"][winner])
    view.go_to(12)
    expect(view.part("verdict")).to_contain_text("leads at epoch 12")


def test_a_later_guess_says_how_much_had_been_seen(explore):
    view = explore(descent_history(), predictions=SEEN)
    view.go_to(12)
    view.part("edge").select_option("5")
    view.settle()
    view.part("verdict").locator("select").select_option("max_pool_3x3")
    expect(view.part("verdict")).to_contain_text("(made at epoch 12)")


def test_reset_asks_again(explore):
    view = explore(descent_history())
    view.predict("skip_connect")
    view.part("reset").click()
    expect(view.part("card")).to_be_visible()
    assert view.page.evaluate("() => model.get('predictions')") == {}


# ------------------------------------------------------------------ the picture is the data


@pytest.mark.parametrize("space", ["darts", "nas-bench-201"])
def test_table_summary_and_readout_equal_python(explore, space):
    history = descent_history(space, seed=4)
    view = explore(history, predictions=SEEN)
    view.page.locator("summary").click()
    rng = np.random.default_rng(0)
    for name, cell in history.cells.items():
        view.part("cell").select_option(label=name)
        for _ in range(4):
            edge, row = int(rng.integers(len(cell["edges"]))), int(rng.integers(len(history)))
            view.part("edge").select_option(str(edge))
            view.go_to(row)
            view.expect_table(expected_table(history, name, edge, row))
            expect(view.part("summary")).to_have_text(subscripted(sentence(history, name, row)))
            expect(view.part("epoch")).to_have_text(f"epoch {row}")


def expected_table(history, name, edge, row):
    operations = history.cells[name]["operations"]
    alphas = history.alphas(name)[row, edge].astype(np.float32)
    weights = float32_weights(history, name)[:, edge]
    table, excluded = [], excluded_operations(history)
    for o, operation in enumerate(operations):
        others = [weights[row, i] for i, other in enumerate(operations) if other not in excluded]
        rank = "–" if operation in excluded else str(1 + sum(w > weights[row, o] for w in others))
        change = weights[row, o] - weights[0, o]
        shown = (f"{alphas[o]:.3f}", f"{weights[row, o]:.3f}", rank, f"{change:+.3f}")
        table.append([short_name(operation), *shown])
    return table


def test_three_hundred_random_states_read_as_in_python(explore):
    history = descent_history(epochs=1)
    view = explore(history)
    rng = np.random.default_rng(7)
    cells = history.cells
    for _ in range(300):
        spread = rng.choice([1e-3, 0.1, 1.0, 5.0])
        row = {"epoch": int(rng.integers(1, 90)), "alphas": {}}
        for name, cell in cells.items():
            shape = (len(cell["edges"]), len(cell["operations"]))
            row["alphas"][name] = (spread * rng.standard_normal(shape)).astype(np.float32).tolist()
        history.rows[1] = row
        read = view.read(history.rows)
        assert read["sentences"] == [sentence(history, name) for name in cells]
        alphas = {name: torch.tensor(values) for name, values in row["alphas"].items()}
        genotype = discretize(spaces.get("darts"), alphas)
        assert read["derived"] == [derived(getattr(genotype, name)) for name in cells]
        for number, name in enumerate(cells):
            weights = history.weights(name)[1]
            assert read["entropy"][number] == pytest.approx(
                mixing.entropy(weights).mean(), abs=1e-5
            )
            skips = mixing.share(weights, cells[name]["operations"], "skip_connect")
            assert read["skips"][number] == pytest.approx(skips, abs=1e-6)


def derived(cell):
    """Kept edges of one cell of a genotype, as (operation, source, target)."""
    return [[name, source, 2 + node] for node, pair in enumerate(cell) for name, source in pair]


def test_the_colours_of_the_heat_map_are_the_weights(explore):
    history = descent_history(seed=2)
    view = explore(history, predictions=SEEN)
    view.go_to(12)
    weights = float32_weights(history, "normal")
    pad = max(0.004, 0.06 * (weights.max() - weights.min()))
    low, high = max(0, weights.min() - pad), min(1, weights.max() + pad)
    pixels = view.page.evaluate(HEAT_PIXELS, [14, 8])
    for edge in range(14):
        for operation in range(8):
            part = (weights[12, edge, operation] - low) / (high - low)
            expected = ramp(part)
            assert np.abs(np.array(pixels[edge][operation]) - expected).max() <= 2


# The middle of the left border of every field, where no number is written.
HEAT_PIXELS = """([rows, columns]) => {
  const canvas = document.querySelector("[data-part=heat]"), ratio = devicePixelRatio;
  const row = (canvas.clientHeight - 84) / rows, column = (canvas.clientWidth - 70) / columns;
  const pen = canvas.getContext("2d");
  const pixel = (e, o) => pen.getImageData(
    (62 + (o + 0.12) * column) * ratio, (50 + (e + 0.5) * row) * ratio, 1, 1).data;
  const fields = (e) => [...Array(columns).keys()].map((o) => [...pixel(e, o)].slice(0, 3));
  return [...Array(rows).keys()].map(fields);
}"""


def ramp(part, stops=((0xF4, 0xF8, 0xFC), (0x7D, 0xB0, 0xDC), (0x08, 0x37, 0x6B))):
    at = min(max(part, 0), 1) * 2
    low = min(int(at), 1)
    first, second = np.array(stops[low]), np.array(stops[low + 1])
    return first + (at - low) * (second - first)


# ------------------------------------------------------------------ live rows


def test_a_live_row_replaces_the_one_before_and_a_stored_row_replaces_it(explore):
    history = descent_history()
    view = explore(history, predictions=SEEN)
    slider = view.part("slider")
    expect(slider).to_have_attribute("max", "12")
    for part in (0.25, 0.5, 0.75):
        view.push({"kind": "live"}, [history.rows[12] | {"epoch": 12 + part}])
        expect(slider).to_have_attribute("max", "13")
    expect(view.part("epoch")).to_have_text("epoch 12.8 · live")
    view.push({"kind": "rows", "start": 13}, [history.rows[12] | {"epoch": 13}])
    expect(view.part("epoch")).to_have_text("epoch 13")
    expect(slider).to_have_attribute("max", "13")
    view.push({"kind": "live"}, [history.rows[12] | {"epoch": 12.9}])
    # a live row that comes late is dropped; a message is read while it is sent
    expect(slider).to_have_attribute("max", "13")
    view.push({"kind": "live"}, [history.rows[12] | {"epoch": 13.1}])
    expect(slider).to_have_attribute("max", "14")


def test_a_view_that_looks_back_is_not_pulled_to_the_newest_row(explore):
    history = descent_history()
    view = explore(history, predictions=SEEN)
    view.go_to(3)
    view.push({"kind": "live"}, [history.rows[12] | {"epoch": 12.5}])
    expect(view.part("slider")).to_have_attribute("max", "13")
    expect(view.part("epoch")).to_have_text("epoch 3")
    view.part("slider").press("End")
    expect(view.part("epoch")).to_have_text("epoch 12.5 · live")
    view.push({"kind": "live"}, [history.rows[12] | {"epoch": 12.7}])
    expect(view.part("epoch")).to_have_text("epoch 12.7 · live")


def test_a_gap_in_the_numbers_asks_python_for_all_rows(explore):
    history = descent_history()
    view = explore(history, predictions=SEEN)
    view.push({"kind": "rows", "start": 20}, [history.rows[12] | {"epoch": 20}])
    assert view.page.evaluate("() => sent") == [{"kind": "resend"}]
    expect(view.part("slider")).to_have_attribute("max", "12")


def test_any_order_of_events_ends_as_a_fresh_view(explore):
    history = descent_history(epochs=9)
    view = explore(history)
    rng = np.random.default_rng(3)
    rows = [view.packed([row]) for row in history.rows]
    lives = [view.packed([row | {"epoch": row["epoch"] + 0.5}]) for row in history.rows[:-1]]
    fresh = view.packed(history.rows)
    for _ in range(500):
        events = [["rows", i, rows[i]] for i in range(len(rows))]
        events += [["live", 0, lives[i]] for i in rng.integers(len(lives), size=6).tolist()]
        events += [["rows", i, rows[i]] for i in rng.integers(len(rows), size=3).tolist()]
        events = [events[i] for i in rng.permutation(len(events)) if rng.random() > 0.15]
        assert view.page.evaluate(REPLAY, [events, fresh]) == "equal"


# Plays events; a missing row asks for all rows, which come at the end, as from the kernel.
REPLAY = """([events, fresh]) => {
  const build = () => {
    const store = new inside.HistoryStore();
    store.setHeader(model.get("header"));
    return store;
  };
  const store = build(), whole = build();
  for (const [kind, start, text] of events) {
    if (kind === "live") store.setLive(toView(text)); else store.append(start, toView(text));
  }
  store.setRows(toView(fresh));
  whole.setRows(toView(fresh));
  if (store.length !== whole.length || store.live) return `length ${store.length}`;
  for (let i = 0; i < whole.length; i++) {
    const expected = whole.row(i).values;
    if (store.row(i).values.some((value, j) => !Object.is(value, expected[j]))) return `row ${i}`;
  }
  return "equal";
}"""


# ------------------------------------------------------------------ wrong data


def nan_rows(history, cell="normal", edge=2):
    alphas = {name: np.array(values) for name, values in history.rows[-1]["alphas"].items()}
    alphas[cell][edge, 1] = np.nan
    return [history.rows[-1] | {"epoch": 13, "alphas": {n: a.tolist() for n, a in alphas.items()}}]


def test_numbers_that_are_not_finite_are_named_and_the_rest_stays_readable(explore):
    history = descent_history()
    view = explore(history, predictions=SEEN)
    view.page.locator("summary").click()
    view.push({"kind": "rows", "start": 13}, nan_rows(history))
    problem = expect(view.part("problem"))
    problem.to_contain_text("Epoch 13: 1 of 112 architecture parameters of the normal cell")
    problem.to_contain_text("smaller learning rate")
    view.part("edge").select_option("2")
    weights = view.part("table").locator("td:nth-child(3)")
    expect(weights).to_have_text(["not a number"] * 8)
    expect(view.part("summary")).to_contain_text("not numbers")
    view.go_to(12)
    expect(view.part("epoch")).to_have_text("epoch 12")
    expect(weights).to_have_text([re.compile(r"^0\.\d{3}$")] * 8)


@pytest.mark.parametrize(
    ("content", "size", "said"),
    [
        ({"kind": "rows", "start": 13}, 17, "A message of 17 bytes came; rows of this search have"),
        ({"kind": "live"}, 5, "A message of 5 bytes came"),
        ({"kind": "surprise"}, 0, 'A message of unknown kind "surprise"'),
        ({}, 0, "unknown kind"),
    ],
)
def test_a_malformed_message_is_reported_and_changes_nothing(explore, content, size, said):
    history = descent_history()
    view = explore(history, predictions=SEEN)
    before = view.part("summary").inner_text()
    text = "AAAA" * (size // 3) + {0: "", 1: "AA==", 2: "AAA="}[size % 3]
    view.page.evaluate("([c, b]) => window.message(c, b)", [content, text])
    view.settle()
    expect(view.part("problem")).to_contain_text(said)
    expect(view.part("problem")).to_have_attribute("role", "alert")
    expect(view.part("summary")).to_have_text(before)


def test_a_view_without_a_search_says_what_to_do_and_starts_when_it_comes(explore):
    history = descent_history()
    view = explore(history, header={}, rows="")
    expect(view.part("status")).to_have_text("waiting for a search")
    expect(view.page.get_by_text("on_history=explorer.watch")).to_be_visible()
    view.page.evaluate("([h, r]) => reload(h, r)", [view.header, view.packed(history.rows)])
    expect(view.part("status")).to_contain_text("12 epochs, finished")
    expect(view.part("card")).to_be_visible()
    expect(view.page.get_by_text("on_history=explorer.watch")).to_be_hidden()


def test_a_problem_that_python_reports_is_shown(explore):
    view = explore(descent_history(), problem="Epoch 3 cannot be shown. alphas: got nothing")
    expect(view.part("problem")).to_contain_text("Epoch 3 cannot be shown")


# ------------------------------------------------------------------ curvature


def with_eigenvalues(every):
    """A history whose search measured its curvature after so many epochs: 0.1 per epoch."""
    history = descent_history()
    for row in history.rows[every::every]:
        row["eigenvalue"] = 0.1 * row["epoch"]
    return history


def expect_eigenvalue(view, said):
    expect(view.part("traces")).to_have_attribute("aria-label", re.compile(said))


def test_the_eigenvalue_is_told_where_a_search_measured_it(explore):
    view = explore(with_eigenvalues(every=1), predictions=SEEN)
    view.go_to(7)
    expect_eigenvalue(view, r"largest eigenvalue of the Hessian is 0\.70\.")
    expect(view.part("eigenvalueNote")).to_be_visible()


def test_between_two_measurements_the_last_eigenvalue_stands(explore):
    view = explore(with_eigenvalues(every=3), predictions=SEEN)
    view.go_to(8)
    expect_eigenvalue(view, r"After 8 epochs.* Hessian is 0\.60\.")
    view.go_to(2)
    expect_eigenvalue(view, "After 2 epochs(?!.*Hessian)")


def test_nothing_is_said_of_curvature_that_was_not_measured(explore):
    view = explore(descent_history(), predictions=SEEN)
    view.go_to(7)
    expect_eigenvalue(view, "After 7 epochs(?!.*Hessian)")
    expect(view.part("eigenvalueNote")).to_be_hidden()
