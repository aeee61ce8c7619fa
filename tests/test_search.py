"""A search gives its history, its result and the same bits from the same seed."""
# ruff: noqa: F811  (fixtures are imported, then named as arguments)

from __future__ import annotations

import json
import math
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_search import (  # noqa: F401
    EPOCHS,
    SETTINGS,
    STEPS,
    Watched,
    assert_same,
    data,
    one_second_a_step,
    reference,
    run,
    without_seconds,
)

from nas_course import spaces
from nas_course.errors import CourseError, InvalidInput
from nas_course.history import History
from nas_course.search import SearchDiverged, gradient
from nas_course.storage import RunFolderBusy, owned

# What a search does.


def test_history_has_a_row_before_the_first_step_and_one_for_each_epoch(reference):
    rows = reference.history.rows
    assert [(r["epoch"], r["step"]) for r in rows] == [(0, 0), (1, 3), (2, 6), (3, 9)]
    assert rows[0]["train_loss"] is None and rows[0]["learning_rate"] is None
    assert all(0 <= r["valid_accuracy"] <= 1 and r["valid_loss"] > 0 for r in rows[1:])
    assert rows[-1]["architecture"] == str(reference.architecture)
    assert (np.diff(reference.history.column("seconds")) >= 0).all()


def test_last_row_of_alphas_is_that_of_the_supernet_and_discretizes_to_the_result(reference):
    last = reference.history.alphas("cell")[-1].astype(np.float32)
    assert np.array_equal(last, reference.supernet.alphas["cell"].detach().numpy())
    assert spaces.get("nas-bench-201").parse(str(reference.architecture)) == reference.architecture


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(data, reference):
    assert_same(run(data), reference)
    other = run(data, seed=1)
    assert without_seconds(other.history) != without_seconds(reference.history)


def test_the_global_generator_makes_no_difference(data, reference):
    with torch.random.fork_rng():
        torch.rand(7)
        assert_same(run(data), reference)


def test_every_training_image_is_used_once_an_epoch_in_a_new_order(data):
    seen = []
    run(data, Watched(lambda strategy, train, valid: seen.append((train[1], valid[1]))))
    epochs = [seen[at : at + STEPS] for at in range(0, len(seen), STEPS)]
    expected = sorted(data.train.labels.tolist())
    orders = [torch.cat([train for train, _ in epoch]).tolist() for epoch in epochs]
    assert [sorted(order) for order in orders] == [expected] * EPOCHS
    assert len({tuple(order) for order in orders}) == EPOCHS
    assert {len(train) for train, _ in seen} == {6, 7}, "batches differ by one image at most"
    for epoch in epochs:  # two validation batches for three steps: the first is used again
        assert torch.equal(epoch[0][1], epoch[2][1])
        both = torch.cat([epoch[0][1], epoch[1][1]]).tolist()
        assert sorted(both) == sorted(data.valid.labels.tolist())


def test_training_images_are_augmented_anew_each_time_and_validation_images_never(data):
    train_seen, valid_seen = [], []

    def watch(strategy, train, valid):
        train_seen.extend(train[0])
        valid_seen.extend(valid[0])

    run(data, Watched(watch))
    assert all(any(torch.equal(image, own) for own in data.valid.images) for image in valid_seen)
    variants = {image.numpy().tobytes() for image in train_seen}
    assert len(variants) > len(data.train), "three epochs show more than the images themselves"


def test_the_learning_rate_falls_along_the_whole_search(reference):
    rates = reference.history.column("learning_rate")[1:]
    assert (np.diff(rates) < 0).all() and rates[-1] > SETTINGS.minimum_learning_rate


def test_a_listener_hears_stored_rows_and_live_ones_between_them(data, monkeypatch):
    monkeypatch.setattr(gradient, "LIVE_SECONDS", 0.0)
    heard = []
    result = run(
        data,
        on_history=lambda history: history.subscribe(lambda r, s: heard.append((r["epoch"], s))),
    )
    assert [epoch for epoch, stored in heard if stored] == [1, 2, 3]
    live = [epoch for epoch, stored in heard if not stored]
    assert live == [pytest.approx(e + s / STEPS) for e in range(EPOCHS) for s in (1, 2)]
    assert len(result.history) == EPOCHS + 1


def test_each_row_is_on_disk_when_the_listener_hears_of_it(data, tmp_path):
    on_disk = []

    def watch(history):
        history.subscribe(lambda r, s: on_disk.append((s, len(History.load(tmp_path)))))

    run(data, out=tmp_path, on_history=watch)
    assert [rows for stored, rows in on_disk if stored] == [2, 3, 4]


def test_the_darts_space_is_searched_too_by_both_methods(data):
    settings = replace(SETTINGS, cells=3)
    for name in ("darts-1st", "darts-2nd"):
        result = run(data, name, space="darts", settings=settings, epochs=1)
        assert result.history.alphas("reduce").shape == (2, 14, 8)
        assert spaces.get("darts").parse(str(result.architecture)) == result.architecture


@pytest.mark.parametrize("change", [{"precision": "bfloat16"}, {"channels_last": True}])
def test_precision_and_memory_order_are_options_of_the_loop(data, change):
    result = run(data, settings=replace(SETTINGS, **change))
    assert math.isfinite(result.history.rows[-1]["train_loss"])


def test_what_is_written_says_how_to_get_it_again(data, tmp_path):
    result = run(data, out=tmp_path, command="nas-course search ...")
    written = json.loads((tmp_path / "result.json").read_text())
    assert written["architecture"] == str(result.architecture)
    assert written["scores"]["valid_accuracy"] == result.history.rows[-1]["valid_accuracy"]
    assert written["cost"]["steps"] == 9 and written["cost"]["seconds"] > 0
    assert written["settings"]["alpha_learning_rate"] == 0.05 and written["seed"] == 0
    assert written["versions"]["torch"] == torch.__version__
    assert written["command"] == "nas-course search ..."
    assert History.load(tmp_path).rows == result.history.rows


# Budget.


@pytest.mark.parametrize("seconds", [1, 2, 3, 4, 6, 8.5])
def test_seconds_stop_a_search_that_is_the_same_up_to_there(
    data, reference, one_second_a_step, seconds
):
    rows = without_seconds(run(data, seconds=seconds).history)
    assert rows[-1]["step"] == math.ceil(seconds)
    whole = rows if seconds % STEPS == 0 else rows[:-1]
    assert whole == without_seconds(reference.history)[: len(whole)]
    assert rows[-1]["epoch"] == pytest.approx(math.ceil(seconds) / STEPS)


def test_seconds_alone_follow_the_schedule_of_fifty_epochs(data, one_second_a_step):
    history = run(data, epochs=None, seconds=5).history
    assert history.header["epochs"] == 50 and history.rows[-1]["step"] == 5


def test_a_real_clock_stops_the_search_in_time(data):
    start = time.perf_counter()
    history = run(data, epochs=10_000, seconds=0.5).history
    assert 0.5 <= history.rows[-1]["seconds"] <= time.perf_counter() - start
    assert history.rows[-1]["epoch"] < 10_000


# What is refused.


def test_a_folder_that_holds_a_run_is_not_overwritten(data, tmp_path):
    run(data, out=tmp_path)
    before = (tmp_path / "history.jsonl").read_bytes()
    with pytest.raises(InvalidInput, match=r"already holds a run; .*--resume"):
        run(data, out=tmp_path)
    assert (tmp_path / "history.jsonl").read_bytes() == before


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_that_holds_something_else_is_refused_and_left_alone(data, tmp_path, resume):
    (tmp_path / "thesis.tex").write_text("...")
    with pytest.raises(InvalidInput, match=r"something else than a run \(thesis\.tex\)"):
        run(data, out=tmp_path, resume=resume)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_that_cannot_be_made_is_a_clear_error(data, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot be made"):
        run(data, out=tmp_path / "file" / "run")
    with pytest.raises(InvalidInput, match="cannot be made"):
        run(data, out=tmp_path / "file")


def test_a_folder_in_use_is_refused_at_once(data, tmp_path):
    with owned(tmp_path), pytest.raises(RunFolderBusy, match="another search is working"):
        run(data, out=tmp_path, resume=True)  # who waited for it would wait for ever


def test_a_loss_that_is_not_finite_ends_the_search_with_advice(data, tmp_path):
    def spoil(strategy, train, valid):
        strategy.weights[0].data.fill_(math.nan)

    with pytest.raises(SearchDiverged, match=r"nan in epoch 1, step 1.*Lower weight_learning_rate"):
        run(data, Watched(spoil), out=tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": "dart"}, "allowed: 'darts-1st', 'darts-2nd'"),
        ({"space": "nasbench"}, "space: got 'nasbench'"),
        ({"epochs": 0}, "epochs: got 0; allowed: whole numbers from 1"),
        ({"epochs": -1}, "epochs: got -1"),
        ({"epochs": 1.5}, "epochs: got 1.5"),
        ({"epochs": True}, "epochs: got True"),
        ({"epochs": "3"}, "epochs: got '3'"),
        ({"epochs": None}, "budget: got none"),
        ({"seconds": 0}, "seconds: got 0; allowed: numbers above 0"),
        ({"seconds": math.nan}, "seconds: got nan"),
        ({"seed": -1}, "seed: got -1"),
        ({"seed": "0"}, "seed: got '0'"),
        ({"checkpoint_seconds": -1}, "checkpoint_seconds: got -1"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(data, tmp_path, change, said):
    with pytest.raises(CourseError) as caught:
        run(data, **{"out": tmp_path / "run"} | change)
    assert said in str(caught.value)
    assert not (tmp_path / "run").exists()
