"""The alpha widget from Python's side: what it sends, says and leaves in a notebook."""

import base64
import copy
import json
import warnings

import numpy as np
import pytest
from descent_history import descent_header, descent_history, descent_rows

from nas_course import mixing
from nas_course.errors import InvalidInput
from nas_course.history import History, HistoryError
from nas_course.plots.style import short_name
from nas_course.widgets import AlphaExplorer
from nas_course.widgets.packing import COLUMNS, browser_header, pack_row, palette
from nas_course.widgets.readings import sentence, summary


def test_the_summary_tells_the_last_eigenvalue_that_was_measured():
    history = History(descent_header())
    rows = descent_rows(history.header, np.random.default_rng(0))
    for row, eigenvalue in zip(rows, (None, 0.5, 0.25, None), strict=False):
        history.append(row | {"eigenvalue": eigenvalue})
    assert summary(history).endswith(" The largest eigenvalue of the Hessian is 0.25.")
    assert "eigenvalue" not in summary(descent_history())


@pytest.fixture
def sent(monkeypatch):
    """Custom messages that the explorers of a test send: (content, buffers)."""
    messages = []
    monkeypatch.setattr(
        AlphaExplorer,
        "send",
        lambda self, content, buffers=None: messages.append((content, buffers)),
    )
    return messages


def unpacked(data, header):
    """Decode rows as `browser/store.js` does."""
    logits = sum(len(c["edges"]) * len(c["operations"]) for c in header["cells"].values())
    return np.frombuffer(data, dtype="<f4").reshape(-1, len(COLUMNS) + logits)


def test_a_late_view_gets_every_stored_row():
    history = descent_history()
    rows = unpacked(AlphaExplorer(history).get_state("rows")["rows"], history.header)
    expected = history.alphas("normal").reshape(len(history), -1)
    np.testing.assert_allclose(rows[:, len(COLUMNS) : len(COLUMNS) + 14 * 8], expected, rtol=1e-6)
    np.testing.assert_array_equal(rows[:, 0], history.column("epoch"))


def test_a_missing_number_travels_as_nan():
    history = descent_history()
    row = pack_row(history.rows[0], history.header)
    assert np.isnan(row[COLUMNS.index("valid_accuracy")])
    assert row[COLUMNS.index("seconds")] == 0.0


@pytest.mark.parametrize(("space", "kept", "inputs"), [("darts", 2, 2), ("nas-bench-201", None, 1)])
def test_the_header_names_nodes_and_what_discretisation_keeps(space, kept, inputs):
    header = browser_header(descent_header(space))
    for cell in header["cells"].values():
        assert (cell["kept"], cell["inputs"]) == (kept, inputs)
        assert len(cell["nodes"]) == 1 + max(target for _, target in cell["edges"])
    json.dumps(header, allow_nan=False)


def test_every_operation_of_every_space_has_a_style_in_the_browser():
    for space in ("darts", "nas-bench-201"):
        for cell in descent_header(space)["cells"].values():
            assert set(cell["operations"]) <= set(palette())


def test_stored_rows_are_numbered_and_live_rows_are_not(sent):
    history = History(descent_header())
    rows = descent_rows(history.header, np.random.default_rng(0))
    AlphaExplorer(history)
    history.append(next(rows))
    history.live(next(rows))
    history.append(next(rows))
    assert [content for content, _ in sent] == [
        {"kind": "rows", "start": 0},
        {"kind": "live"},
        {"kind": "rows", "start": 1},
    ]
    assert all(len(unpacked(data, history.header)) == 1 for _, (data,) in sent)


def test_live_rows_are_thinned_to_fifty_a_second(sent, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("nas_course.widgets.alpha_explorer.time.monotonic", lambda: clock[0])
    history = descent_history()
    explorer = AlphaExplorer(history)
    for _ in range(1000):
        clock[0] += 0.001
        history.live(history.rows[-1])
    assert explorer.problem == ""
    assert 45 <= len(sent) <= 51


def test_no_stored_row_is_ever_left_out(sent):
    history = descent_history(epochs=200)
    copy_of_it = History(descent_header(epochs=200))
    AlphaExplorer(copy_of_it)
    for row in history.rows:
        copy_of_it.append(row)
    assert [content["start"] for content, _ in sent] == list(range(201))


def test_a_view_with_a_gap_gets_all_rows_again(monkeypatch):
    explorer, pushed = AlphaExplorer(descent_history()), []
    monkeypatch.setattr(explorer, "send_state", pushed.append)
    explorer._handle_custom_msg({"kind": "resend"}, [])
    assert pushed == ["rows"]


def broken(row, damage):
    row = copy.deepcopy(row)
    damage(row)
    return row


DAMAGES = {
    "missing cell": lambda row: row["alphas"].pop("reduce"),
    "missing edge": lambda row: row["alphas"]["normal"].pop(),
    "ragged": lambda row: row["alphas"]["normal"][3].pop(),
    "text": lambda row: row["alphas"]["normal"][0].__setitem__(0, "high"),
    "no alphas": lambda row: row.pop("alphas"),
    "no epoch": lambda row: row.pop("epoch"),
    "nan epoch": lambda row: row.update(epoch=float("nan")),
    "alphas is a number": lambda row: row.update(alphas={"normal": 3, "reduce": 3}),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_malformed_row_becomes_a_message_and_the_search_goes_on(sent, damage):
    history = descent_history()
    explorer = AlphaExplorer(history)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history.live(broken(history.rows[-1], damage))
    assert "cannot be shown" in explorer.problem
    assert "expected" in explorer.problem or "allowed" in explorer.problem
    assert sent == []
    history.live(history.rows[-1])
    assert len(sent) == 1


def test_alphas_that_are_not_finite_reach_the_view_as_nan(sent):
    history = descent_history()
    AlphaExplorer(history)
    history.live(
        broken(history.rows[-1], lambda row: row["alphas"]["normal"][0].__setitem__(0, None))
    )
    ((_, (data,)),) = sent
    assert np.isnan(unpacked(data, history.header)[0, len(COLUMNS)])


def test_watching_another_search_forgets_the_first(sent):
    first, second = descent_history(), descent_history("nas-bench-201")
    explorer = AlphaExplorer(first)
    explorer.watch(second)
    first.live(first.rows[-1])
    assert sent == []
    assert list(explorer.header["cells"]) == ["cell"]
    assert len(unpacked(explorer.get_state("rows")["rows"], second.header)) == len(second)


def test_a_history_without_cells_is_refused():
    with pytest.raises(InvalidInput, match=r"no cells.*gradient"):
        AlphaExplorer(History({"method": "random", "space": "darts"}))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(HistoryError, match="nowhere"):
        AlphaExplorer.from_file(tmp_path / "nowhere")


def test_a_file_gives_the_same_view_as_the_search_that_wrote_it(tmp_path):
    history = History(descent_header(), tmp_path / "history.jsonl")
    for row in descent_rows(history.header, np.random.default_rng(5)):
        history.append(row)
    written, read = AlphaExplorer(history), AlphaExplorer.from_file(tmp_path)
    assert written.get_state("rows") == read.get_state("rows")
    assert written.header == read.header


PART = "nas-bench-201:none,skip_connect,nor_conv_3x3"


@pytest.mark.parametrize(
    ("space", "expected"), [("darts", ["none"]), ("nas-bench-201", []), (PART, [])]
)
def test_the_header_says_which_operations_a_cell_cannot_have(space, expected):
    for cell in browser_header(descent_header(space))["cells"].values():
        pairs = zip(cell["operations"], cell["selectable"], strict=True)
        assert [name for name, selectable in pairs if not selectable] == expected
        assert cell["labels"] == [short_name(name) for name in cell["operations"]]


def test_a_header_of_a_space_without_a_name_is_read_as_of_darts():
    header = descent_header()
    del header["space"]
    for cell in browser_header(header)["cells"].values():
        assert cell["selectable"] == [name != "none" for name in cell["operations"]]


def test_in_nas_bench_201_none_can_be_the_strongest_operation():
    history = descent_history("nas-bench-201")
    alphas = np.zeros((6, 5))
    alphas[:3, history.cells["cell"]["operations"].index("none")] = 2
    alphas[4:, history.cells["cell"]["operations"].index("skip_connect")] = 1
    history.append(history.rows[-1] | {"epoch": 13, "alphas": {"cell": alphas.tolist()}})
    text = sentence(history, "cell")
    assert "strongest operation is none on edge 0 → 1 (weight 0.649)" in text
    assert "2 of 6 edges prefer skip;" in text


@pytest.mark.parametrize("space", ["darts", "nas-bench-201"])
def test_the_sentence_repeats_the_numbers_of_the_history(space):
    history = descent_history(space)
    for name, cell in history.cells.items():
        weights, operations = history.weights(name)[-1], np.array(cell["operations"])
        excluded = "none" if space == "darts" else ""
        allowed = np.where(operations != excluded, weights, 0)
        edge, best = np.unravel_index(allowed.argmax(), allowed.shape)
        skips = int((operations[allowed.argmax(axis=1)] == "skip_connect").sum())
        entropy = mixing.entropy(weights).mean()
        text = sentence(history, name)
        assert f"{short_name(operations[best])} on edge" in text
        assert f"(weight {weights[edge, best]:.3f})" in text
        assert f"; {skips} of {len(weights)} edges prefer skip;" in text
        assert text.endswith(f"to {entropy:.2f}.")


def test_the_sentence_says_when_weights_are_not_numbers():
    history = descent_history()
    history.append(broken(history.rows[-1], lambda row: row.update(epoch=13, alphas=nothing(row))))
    assert sentence(history, "normal").endswith("unknown: its weights are not numbers.")


def nothing(row):
    return {name: (np.array(values) * np.nan).tolist() for name, values in row["alphas"].items()}


def test_the_summary_of_an_empty_history_says_so():
    assert summary(History(descent_header())) == "No epoch of this search has been recorded yet."


@pytest.mark.parametrize(
    ("space", "epochs"), [("darts", 50), ("darts", 1000), ("nas-bench-201", 9)]
)
def test_the_twin_is_small_enough_for_version_control(space, epochs):
    bundle, _ = AlphaExplorer(descent_history(space, epochs))._repr_mimebundle_()
    picture = base64.b64decode(bundle["image/png"])
    assert picture.startswith(b"\x89PNG")
    assert len(picture) <= 60_000
    assert len(bundle["text/html"].encode()) <= 350_000


def test_the_twin_says_in_words_what_the_picture_shows():
    history = descent_history()
    page = AlphaExplorer(history)._repr_mimebundle_()[0]["text/html"]
    words = summary(history).replace("'", "&#x27;")
    assert f'<img alt="{words}"' in page
    assert f"<figcaption>{words}" in page


def test_a_thinned_twin_says_how_many_rows_it_has():
    page = AlphaExplorer(descent_history(epochs=1000))._repr_mimebundle_()[0]["text/html"]
    assert "of 1001 rows)" in page


def test_two_explorers_of_one_history_leave_the_same_text_in_a_notebook():
    history = descent_history()
    first, second = (AlphaExplorer(history)._repr_mimebundle_()[0] for _ in range(2))
    assert first["text/html"] == second["text/html"]
    assert first["text/plain"] == second["text/plain"]
    assert "0x" not in first["text/plain"]


def test_what_nbval_compares_does_not_depend_on_the_search():
    waiting, finished = AlphaExplorer(), AlphaExplorer(descent_history(seed=8))
    bundles = [explorer._repr_mimebundle_()[0] for explorer in (waiting, finished)]
    assert bundles[0]["text/plain"] == bundles[1]["text/plain"]
    assert bundles[0].keys() == bundles[1].keys()


def test_text_from_outside_cannot_end_the_script_of_the_twin():
    header = descent_header() | {"data": "</script><img src=x onerror=alert(1)><!--"}
    history = History(header)
    history.append(next(descent_rows(header, np.random.default_rng(0))))
    page = AlphaExplorer(history)._repr_mimebundle_()[0]["text/html"]
    assert page.count("</script>") == 1
    assert "<!--" not in page


def test_the_display_is_replaced_when_the_search_ends(monkeypatch):
    shown, updates = [], []

    class Handle:
        def update(self, bundle, raw):
            updates.append(bundle)

    monkeypatch.setattr("IPython.display.display", lambda *a, **k: shown.append(a[0]) or Handle())
    history, whole = History(descent_header()), descent_history()
    explorer = AlphaExplorer(history)
    explorer._ipython_display_()
    for row in whole.rows:
        history.append(row)
    assert [set(bundle) for bundle in shown] == [
        {"application/vnd.jupyter.widget-view+json", "text/plain"},
        {"image/png", "text/html", "text/plain"},
    ]
    (final,) = updates
    assert "After 12 epochs" in final["text/html"]
    assert final["text/plain"] == shown[1]["text/plain"]
