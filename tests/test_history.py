"""A history keeps what a search saw, survives crashes, and says what is wrong with a bad file."""

from __future__ import annotations

import json
import math
import os

import numpy as np
import pytest
import torch

from nas_course import history as history_module
from nas_course.errors import CourseError, InvalidInput
from nas_course.history import History, HistoryError

HEADER = {
    "method": "darts-1st",
    "space": "darts",
    "data": "digits",
    "seed": 0,
    "epochs": 3,
    "cells": {"normal": {"edges": [[0, 2], [1, 2]], "operations": ["none", "skip", "conv"]}},
    "versions": {"nas_course": "0.1.0"},
}


def row(epoch, fill=0.0, **more):
    return {"epoch": epoch, "alphas": {"normal": np.full((2, 3), fill)}} | more


@pytest.fixture
def file(tmp_path):
    """Make a history file of a header and rows 0, 1, 2."""
    history = History(HEADER, tmp_path / "history.jsonl")
    for epoch in range(3):
        history.append(row(epoch, fill=epoch / 7, valid_accuracy=None if epoch == 0 else 0.5))
    return history.path


def test_what_is_appended_comes_back_from_the_file(file):
    loaded = History.load(file)
    assert loaded.header == {"kind": "header", "format": 1} | HEADER
    assert [r["epoch"] for r in loaded.rows] == [0, 1, 2]
    assert np.array_equal(loaded.alphas("normal")[1], np.full((2, 3), 1 / 7))


def test_a_run_folder_stands_for_its_history_file(file):
    assert History.load(file.parent).rows == History.load(file).rows


def test_float32_alphas_come_back_bit_identical(tmp_path):
    history = History(HEADER, tmp_path / "history.jsonl")
    alphas = torch.randn(2, 3, generator=torch.Generator().manual_seed(1))
    history.append({"epoch": 0, "alphas": {"normal": alphas}})
    loaded = History.load(tmp_path).alphas("normal")[0].astype(np.float32)
    assert torch.equal(torch.from_numpy(loaded), alphas)


def test_numbers_that_are_not_finite_are_null_on_disk_and_nan_in_arrays(tmp_path):
    history = History(HEADER, tmp_path / "history.jsonl")
    history.append(row(0, fill=math.inf, train_loss=math.nan))
    assert "NaN" not in history.path.read_text() and "Infinity" not in history.path.read_text()
    loaded = History.load(tmp_path)
    assert np.isnan(loaded.column("train_loss")).all() and np.isnan(loaded.alphas("normal")).all()


def test_weights_are_the_softmax_over_operations(file):
    history = History.load(file)
    expected = torch.softmax(torch.tensor(history.alphas("normal")), dim=-1).numpy()
    np.testing.assert_allclose(history.weights("normal"), expected, rtol=1e-12)


def test_weights_do_not_overflow_for_large_logits():
    history = History(HEADER)
    history.append(row(0, fill=5000.0))
    np.testing.assert_allclose(history.weights("normal"), 1 / 3)


def test_an_empty_history_has_arrays_of_the_right_shape():
    history = History(HEADER)
    assert history.alphas("normal").shape == (0, 2, 3) and history.column("anything").shape == (0,)


def test_a_missing_value_is_nan_in_its_column(file):
    accuracy = History.load(file).column("valid_accuracy")
    assert math.isnan(accuracy[0]) and list(accuracy[1:]) == [0.5, 0.5]


def test_listeners_hear_stored_and_live_rows_until_they_unsubscribe(tmp_path):
    history, heard = History(HEADER, tmp_path / "history.jsonl"), []
    stop = history.subscribe(lambda r, stored: heard.append((r["epoch"], stored)))
    history.append(row(0))
    history.live(row(0.5))
    stop()
    history.append(row(1))
    assert heard == [(0, True), (0.5, False)]
    assert [r["epoch"] for r in History.load(tmp_path).rows] == [0, 1]


def test_a_listener_that_raises_is_dropped_with_a_warning_and_the_row_is_kept():
    history, heard = History(HEADER), []
    history.subscribe(lambda r, stored: 1 / 0)
    history.subscribe(lambda r, stored: heard.append(r["epoch"]))
    with pytest.warns(UserWarning, match="ZeroDivisionError"):
        history.append(row(0))
    history.append(row(1))
    assert len(history) == 2 and heard == [0, 1]


def test_every_cut_of_the_last_line_loads_the_rows_before_it(file):
    whole = file.read_bytes()
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    for cut in range(start, len(whole) - 1):
        file.write_bytes(whole[:cut])
        assert len(History.load(file)) == 2, cut
    file.write_bytes(whole[:-1])
    assert len(History.load(file)) == 3, "a whole line without its line end is a row"


def test_a_reopened_history_goes_on_in_the_same_file(file):
    History.reopen(file).append(row(3))
    assert [r["epoch"] for r in History.load(file).rows] == [0, 1, 2, 3]


def test_a_reader_never_sees_a_file_without_its_header(tmp_path, monkeypatch):
    seen = []
    real = os.replace

    def replace(draft, path):
        seen.append(path.exists() and path.read_bytes())
        real(draft, path)

    monkeypatch.setattr(history_module.os, "replace", replace)
    History(HEADER, tmp_path / "history.jsonl")
    assert seen == [False] and History.load(tmp_path).header["seed"] == 0


def test_a_row_that_cannot_be_written_is_an_error_with_the_remedy(tmp_path):
    history = History(HEADER, tmp_path / "run.jsonl")
    history.path = tmp_path / "gone" / "run.jsonl"
    with pytest.raises(HistoryError, match=r"could not be written .*--resume"):
        history.append(row(0))
    assert len(history) == 0


def test_a_loaded_history_never_writes_to_its_file(file):
    before = file.read_bytes()
    History.load(file).append(row(3))
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "line 1: this is not a search history"),
        (b"epoch,loss\n1,2\n", "line 1: expected one JSON object, got 'epoch,loss'"),
        (b'{"a": 1}\n', "line 1: this is not a search history"),
        (b'[1, 2]\n{"epoch": 0}\n', "line 1: expected one JSON object"),
        (
            b'{"kind": "header", "format": 2}\n',
            "format 2; this version of nas-course reads format 1",
        ),
        (b'{"kind": "header", "format": 1, "cells": [1]}\n', "'cells' must give edges"),
        (bytes(range(256)) * 4, "line 1"),
        (b"[" * 100_000 + b"\n", "line 1: expected one JSON object"),
    ],
)
def test_a_foreign_file_is_refused_with_file_line_and_remedy(tmp_path, content, said):
    file = tmp_path / "history.jsonl"
    file.write_bytes(content)
    with pytest.raises(HistoryError) as caught:
        History.load(file)
    assert said in str(caught.value) and str(file) in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        b"\x00\x00\x00",
        b"{",
        b"7",
        b'{"epoch": "one"}',
        b'{"epoch": 1}',
        b'{"epoch": 1, "alphas": {"normal": [[1, 2, 3]]}}',
        b'{"epoch": 1, "alphas": {"normal": [["a", 2, 3], [1, 2, 3]]}}',
        b'{"epoch": 1, "alphas": 5}',
        b'{"epoch": true, "alphas": {"normal": [[1, 2, 3], [1, 2, 3]]}}',
    ],
)
def test_a_damaged_line_in_the_middle_is_named(file, line):
    lines = file.read_bytes().splitlines()
    lines[2] = line
    file.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(HistoryError, match=r"history\.jsonl, line 3:.*--resume"):
        History.load(file)


def test_a_missing_file_is_an_error_that_says_what_to_give(tmp_path):
    with pytest.raises(CourseError, match=r"--out"):
        History.load(tmp_path / "nowhere")


def test_an_epoch_that_does_not_grow_is_refused():
    history = History(HEADER)
    history.append(row(1))
    with pytest.raises(InvalidInput, match="got 1; allowed: above 1"):
        history.append(row(1))


def test_unknown_cell_and_column_are_refused_with_the_known_names(file):
    history = History.load(file)
    with pytest.raises(InvalidInput, match="normal"):
        history.alphas("norml")
    with pytest.raises(InvalidInput, match="valid_accuracy"):
        history.column("valid_acuracy")


def test_each_line_of_the_file_is_strict_json(file):
    def refuse(constant):
        raise AssertionError(constant)

    for line in file.read_text().splitlines():
        json.loads(line, parse_constant=refuse)


# Rows that count evaluations, as those of black-box searches.

EVALUATIONS = {"method": "random", "space": "nas-bench-201", "seed": 0, "counts": "evaluation"}


def evaluation(number, **more):
    return {"evaluation": number, "value": number / 10, "measures": {"parameters": 5}} | more


def test_a_history_may_count_evaluations(tmp_path):
    history = History(EVALUATIONS, tmp_path / "history.jsonl")
    for number in (1, 2, 3):
        history.append(evaluation(number, epochs=None))
    for loaded in (History.load(tmp_path), History.reopen(tmp_path)):
        assert loaded.counts == "evaluation" and loaded.rows == history.rows
        assert list(loaded.column("value")) == [0.1, 0.2, 0.3]
    with pytest.raises(InvalidInput, match="evaluation: got 3; allowed: above 3"):
        history.append(evaluation(3))
    with pytest.raises(InvalidInput, match="evaluation: got None"):
        history.append({"epoch": 4, "value": 0.0})


def test_histories_count_epochs_where_nothing_is_said(file):
    assert History.load(file).counts == "epoch"


def test_what_is_counted_is_one_of_two_things(tmp_path):
    with pytest.raises(InvalidInput, match="counts: got 'steps'; allowed: 'epoch', 'evaluation'"):
        History(EVALUATIONS | {"counts": "steps"})
    path = History(EVALUATIONS, tmp_path / "history.jsonl").path
    path.write_text(path.read_text().replace('"evaluation"', '["epoch"]'))
    with pytest.raises(HistoryError, match="'counts' is"):
        History.load(path)
