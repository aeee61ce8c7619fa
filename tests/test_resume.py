"""A search stopped anywhere and resumed ends with the same bits as one that ran through."""
# ruff: noqa: F811  (fixtures are imported, then named as arguments)

from __future__ import annotations

import shutil
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from outcomes import differences, outcome
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
    stopped_once,
    without_seconds,
)

from nas_course.data import load
from nas_course.errors import InvalidInput
from nas_course.history import History
from nas_course.search import run_folder
from nas_course.storage import (
    CheckpointError,
    generations,
    read_generation,
    save_generation,
    unpack_state,
)


@pytest.mark.parametrize(
    ("at", "interval"), [*((at, 0.0) for at in range(9)), (0, 1000.0), (4, 1000.0), (8, 1000.0)]
)
def test_a_search_stopped_at_any_step_ends_with_the_same_bits(
    data, reference, tmp_path, at, interval
):
    said = stopped_once(data, tmp_path, at, checkpoint_seconds=interval)
    assert generations(tmp_path / "checkpoints"), "there is a state to go on from at any time"
    assert "resume=True" in said and str(tmp_path) in said
    assert f"epoch {at // STEPS + 1} of 3, step {at % STEPS} of 3" in said
    assert_same(run(data, out=tmp_path, resume=True), reference)
    assert without_seconds(History.load(tmp_path)) == without_seconds(reference.history)


def test_the_same_cell_can_be_run_again_until_it_is_done(data, reference, tmp_path):
    for at in (2, 3, 1):
        stopped_once(data, tmp_path / "new" / "folder", at, resume=True, checkpoint_seconds=0.0)
    assert_same(run(data, out=tmp_path / "new" / "folder", resume=True), reference)


def test_generator_and_optimizers_of_a_resumed_search_are_those_of_an_uninterrupted_one(
    data, tmp_path
):
    run(data, out=tmp_path / "through")
    stopped_once(data, tmp_path / "stopped", at=4, checkpoint_seconds=0.0)
    run(data, out=tmp_path / "stopped", resume=True)
    ours, theirs = (outcome(tmp_path / name) for name in ("stopped", "through"))
    optimizer = ours["state"]["strategy"]["weight_optimizer"]
    assert optimizer["state"], "momentum is part of the state"
    assert differences(ours, theirs) == []


def test_a_search_without_a_folder_says_that_it_is_lost_when_stopped(data):
    assert "Nothing was saved" in stopped_once(data, None, at=2)


def test_a_finished_search_is_given_again_without_a_step(data, reference, tmp_path):
    run(data, out=tmp_path)
    written = (tmp_path / "result.json").read_bytes()
    states = generations(tmp_path / "checkpoints")

    def refuse(*arguments):
        raise AssertionError("a step was taken")

    again = run(data, Watched(refuse), out=tmp_path, resume=True)
    assert_same(again, reference)
    assert (tmp_path / "result.json").read_bytes() == written
    assert generations(tmp_path / "checkpoints") == states, "nothing new was there to save"


def test_rows_beyond_the_checkpoint_are_dropped_on_resume(data, reference, tmp_path):
    stopped_once(data, tmp_path, at=7, checkpoint_seconds=1000.0)
    with (tmp_path / "history.jsonl").open("ab") as file:
        file.write(b'{"epoch": 77, "torn')
    assert_same(run(data, out=tmp_path, resume=True), reference)
    assert len(History.load(tmp_path)) == EPOCHS + 1


def test_a_lost_history_file_comes_back_from_the_checkpoint(data, reference, tmp_path):
    stopped_once(data, tmp_path, at=7, checkpoint_seconds=0.0)
    (tmp_path / "history.jsonl").unlink()
    assert_same(run(data, out=tmp_path, resume=True), reference)


@pytest.mark.cuda
def test_a_search_on_the_gpu_is_resumed_there(tmp_path):
    on_gpu = load("digits", train_images=20, valid_images=12, device="auto")
    assert on_gpu.device.type != "cpu"
    stopped_once(on_gpu, tmp_path, at=5, settings=replace(SETTINGS, precision="bfloat16"))
    result = run(
        on_gpu, out=tmp_path, resume=True, settings=replace(SETTINGS, precision="bfloat16")
    )
    assert [row["epoch"] for row in result.history.rows] == [0, 1, 2, 3]
    assert result.supernet.alphas["cell"].device.type == on_gpu.device.type


def test_a_search_out_of_time_goes_on_when_resumed_with_more(
    data, reference, one_second_a_step, tmp_path
):
    run(data, seconds=4, out=tmp_path)
    assert len(History.load(tmp_path)) == 3, "row 0, epoch 1, and where time ran out"
    first = without_seconds(History.load(tmp_path))
    run(data, seconds=4, out=tmp_path, resume=True)
    assert without_seconds(History.load(tmp_path)) == first, "out of time: no step was taken"
    assert [r["step"] for r in History.load(tmp_path).rows] == [0, 3, 4]
    assert_same(run(data, seconds=100, out=tmp_path, resume=True), reference)


def test_a_run_whose_checkpoints_were_deleted_is_not_overwritten(data, tmp_path):
    run(data, out=tmp_path)
    shutil.rmtree(tmp_path / "checkpoints")
    before = (tmp_path / "history.jsonl").read_bytes()
    with pytest.raises(CheckpointError, match="saved states of this run are gone"):
        run(data, out=tmp_path, resume=True)
    (tmp_path / "result.json").unlink()
    with pytest.raises(CheckpointError, match="saved states of this run are gone"):
        run(data, out=tmp_path, resume=True)
    assert (tmp_path / "history.jsonl").read_bytes() == before


def test_a_run_killed_before_its_first_checkpoint_begins_again(data, reference, tmp_path):
    stopped_once(data, tmp_path, at=0)
    shutil.rmtree(tmp_path / "checkpoints")
    assert_same(run(data, out=tmp_path, resume=True), reference)


def test_seconds_are_counted_over_all_sittings(data, tmp_path):
    stopped_once(data, tmp_path, at=6, checkpoint_seconds=0.0)
    before = outcome_seconds(tmp_path)
    result = run(data, out=tmp_path, resume=True)
    seconds = result.history.column("seconds")
    assert (np.diff(seconds) >= 0).all() and seconds[-1] > before > 0


def outcome_seconds(out):
    newest = read_generation(generations(out / "checkpoints")[0])
    return unpack_state(newest.files["state.pt"])["seconds"]


# Checkpoints.


def count_saves(monkeypatch, took=0.0):
    saves = []

    def counted(*arguments):
        time.sleep(took)
        saves.append(arguments)
        return save_generation(*arguments)

    monkeypatch.setattr(run_folder, "save_generation", counted)
    return saves


def test_the_state_is_saved_after_every_step_where_that_is_asked(data, tmp_path, monkeypatch):
    saves = count_saves(monkeypatch)
    run(data, out=tmp_path, checkpoint_seconds=0.0)
    assert len(saves) == 1 + EPOCHS * STEPS


def test_saving_takes_a_small_share_of_the_time_when_epochs_are_short(data, tmp_path, monkeypatch):
    saves = count_saves(monkeypatch, took=0.3)
    run(data, out=tmp_path)
    assert len(saves) == 2, "at the start and at the end: an epoch is shorter than a save"


def test_every_epoch_is_saved_when_saving_is_cheap(data, tmp_path, monkeypatch):
    monkeypatch.setattr(run_folder, "SAVING_SHARE", 1e9)
    saves = count_saves(monkeypatch)
    run(data, out=tmp_path)
    assert len(saves) == 1 + EPOCHS


def damage_newest(out, count=1):
    for path in generations(out / "checkpoints")[:count]:
        file = path / "state.pt"
        file.write_bytes(file.read_bytes()[:1000])


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_is_used(data, reference, tmp_path):
    stopped_once(data, tmp_path, at=7, checkpoint_seconds=0.0)
    damage_newest(tmp_path)
    with pytest.warns(UserWarning, match=r"00000008.*1000 bytes instead of .*Trying the state"):
        result = run(data, out=tmp_path, resume=True)
    assert_same(result, reference)


def test_when_no_checkpoint_is_whole_the_error_says_what_to_do(data, tmp_path):
    stopped_once(data, tmp_path, at=7, checkpoint_seconds=0.0)
    damage_newest(tmp_path, count=3)
    with warnings.catch_warnings(), pytest.raises(CheckpointError, match="start anew"):
        warnings.simplefilter("ignore")
        run(data, out=tmp_path, resume=True)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: state.pop("generator"),
        lambda state: state.pop("strategy"),
        lambda state: state["strategy"]["supernet"].popitem(),
        lambda state: state["strategy"].update(supernet=5),
        lambda state: state.update(generator=torch.zeros(3, dtype=torch.uint8)),
        lambda state: state.update(sums=None),
        lambda state: state["strategy"]["supernet"].update(
            {"alphas.cell": torch.zeros(3, 3)},
        ),
    ],
)
def test_a_state_that_does_not_fit_is_passed_over(data, reference, tmp_path, spoil):
    stopped_once(data, tmp_path, at=7, checkpoint_seconds=0.0)
    newest = read_generation(generations(tmp_path / "checkpoints")[0])
    state = unpack_state(newest.files["state.pt"])
    spoil(state)
    files = newest.files | {"state.pt": run_folder.pack_state(state)}
    save_generation(tmp_path / "checkpoints", files, newest.run)
    with pytest.warns(UserWarning, match="does not fit.*Trying the state"):
        result = run(data, out=tmp_path, resume=True)
    assert_same(result, reference)


def test_another_version_is_warned_of(data, tmp_path, monkeypatch):
    stopped_once(data, tmp_path, at=4)
    monkeypatch.setattr("nas_course.search.loop.__version__", "99.0")
    with pytest.warns(UserWarning, match=r"99\.0.*may differ in the last bits"):
        run(data, out=tmp_path, resume=True)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"method": "darts-2nd"}, "method = 'darts-1st', but 'darts-2nd'"),
        ({"seed": 1}, "seed = 0, but 1"),
        ({"epochs": 4}, "epochs = 3, but 4"),
        ({"space": "darts", "settings": replace(SETTINGS, cells=3)}, "space = 'nas-bench-201'"),
        ({"settings": replace(SETTINGS, channels=4)}, "settings.channels = 2, but 4"),
        ({"settings": replace(SETTINGS, precision="bfloat16")}, "settings.precision = 'float32'"),
        ({"settings": replace(SETTINGS, alpha_betas=(0.9, 0.999))}, "settings.alpha_betas"),
    ],
)
def test_a_run_is_not_resumed_as_another_one(data, tmp_path, change, field):
    stopped_once(data, tmp_path, at=4)
    with pytest.raises(InvalidInput) as caught:
        run(data, **{"out": tmp_path, "resume": True} | change)
    assert field in str(caught.value) and str(tmp_path) in str(caught.value)
    assert "another folder" in str(caught.value)


def test_a_run_is_not_resumed_on_other_images(data, tmp_path):
    stopped_once(data, tmp_path, at=4)
    changed = data.train.images.clone()
    changed[3, 0, 4, 4] += 1e-3
    other = replace(data, train=replace(data.train, images=changed))
    with pytest.raises(InvalidInput, match="data_sha256"):
        run(other, out=tmp_path, resume=True)


def test_a_full_disk_stops_the_search_with_what_to_do_and_it_goes_on_later(
    data, reference, tmp_path, monkeypatch
):
    def full(*arguments):
        raise CheckpointError("the state could not be saved (No space left on device)")

    monkeypatch.setattr(run_folder, "SAVING_SHARE", 1e9)
    real, calls = save_generation, iter(range(100))
    monkeypatch.setattr(
        run_folder, "save_generation", lambda *a: real(*a) if next(calls) < 2 else full()
    )
    with pytest.raises(CheckpointError, match="No space left"):
        run(data, out=tmp_path)
    monkeypatch.setattr(run_folder, "save_generation", real)
    assert_same(run(data, out=tmp_path, resume=True), reference)


def test_a_copied_run_folder_can_be_resumed_elsewhere(data, reference, tmp_path):
    stopped_once(data, tmp_path / "here", at=5, checkpoint_seconds=0.0)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    assert_same(run(data, out=tmp_path / "there", resume=True), reference)
