"""A search gives the same bits from the same seed, however often it was stopped and resumed."""

from __future__ import annotations

import json
import math
import shutil
import time
import warnings
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from nas_course import methods, spaces
from nas_course.data import load
from nas_course.errors import CourseError, InvalidInput
from nas_course.history import History
from nas_course.search import SearchDiverged, SearchInterrupted, gradient, run_folder
from nas_course.search import search_gradient as search
from nas_course.search.loop import GradientLoop
from nas_course.storage import (
    CheckpointError,
    RunFolderBusy,
    generations,
    newest_generation,
    owned,
    read_generation,
    save_generation,
    unpack_state,
)
from nas_course.strategies.gradient import GradientSettings

SETTINGS = GradientSettings(channels=2, cells=1, batch_size=8, alpha_learning_rate=0.05)
EPOCHS = 3
STEPS = 3  # of an epoch


@pytest.fixture(scope="module")
def data():
    """Make 20 images to train (3 batches of 8 at most) and 12 to validate (2 batches)."""
    return load("digits", train_images=20, valid_images=12, test_images=10, device="cpu")


@dataclass(frozen=True)
class Watched:
    """A real method whose steps a test can watch or break."""

    before: object
    name: str = "darts-1st"

    def build(self, *arguments):
        strategy = methods.get(self.name).build(*arguments)
        real = strategy.step

        def step(train, valid):
            self.before(strategy, train, valid)
            return real(train, valid)

        strategy.step = step
        return strategy


def run(data, method="darts-1st", **more):
    options = {"space": "nas-bench-201", "settings": SETTINGS, "epochs": EPOCHS, "progress": False}
    return search(method, data, **options | more)


@pytest.fixture(scope="module")
def reference(data):
    """Run a search through, in memory."""
    return run(data)


def without_seconds(history):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in history.rows]


def assert_same(result, other):
    assert str(result.architecture) == str(other.architecture)
    assert without_seconds(result.history) == without_seconds(other.history)
    ours, theirs = result.supernet.state_dict(), other.supernet.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


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
    plain = replace(data, name="digits")
    run(plain, Watched(lambda strategy, train, valid: seen.append((train[1], valid[1]))))
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


# Stopped and resumed.


def stopped_once(data, out, at, **more):
    """Run until step number ``at`` (from 0) and be interrupted there, as by Ctrl-C."""
    steps = iter(range(10**6))

    def stop(strategy, train, valid):
        if next(steps) == at:
            raise KeyboardInterrupt

    with pytest.raises(SearchInterrupted) as caught:
        run(data, Watched(stop), out=out, **more)
    return str(caught.value)


@pytest.mark.parametrize(
    ("at", "interval"), [*((at, 0.0) for at in range(9)), (0, 1000.0), (4, 1000.0), (8, 1000.0)]
)
def test_a_search_stopped_at_any_step_ends_with_the_same_bits(
    data, reference, tmp_path, at, interval
):
    said = stopped_once(data, tmp_path, at, checkpoint_seconds=interval)
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
    ours, theirs = (final_state(tmp_path / name) for name in ("stopped", "through"))
    assert ours["strategy"]["weight_optimizer"]["state"], "momentum is part of the state"
    assert differences(ours, theirs) == []


def final_state(out):
    def unpack(generation):
        return unpack_state(generation.files["state.pt"])

    return newest_generation(out / "checkpoints", accept=unpack)


def differences(ours, theirs, path=""):
    """List where two nested states differ, bit by bit, but for the clock."""
    if path.endswith("/seconds"):
        return []
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        return [d for key in ours for d in differences(ours[key], theirs[key], f"{path}/{key}")]
    if isinstance(ours, torch.Tensor):
        return [] if torch.equal(ours, theirs) else [path]
    return [] if ours == theirs else [path]


def test_a_search_without_a_folder_says_that_it_is_lost_when_stopped(data):
    assert "Nothing was saved" in stopped_once(data, None, at=2)


def test_a_finished_search_is_given_again_without_a_step(data, reference, tmp_path):
    run(data, out=tmp_path)
    written = (tmp_path / "result.json").read_bytes()

    def refuse(*arguments):
        raise AssertionError("a step was taken")

    start = time.perf_counter()
    again = run(data, Watched(refuse), out=tmp_path, resume=True)
    assert time.perf_counter() - start < 5
    assert_same(again, reference)
    assert (tmp_path / "result.json").read_bytes() == written


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


# Budget.


@pytest.fixture
def one_second_a_step(monkeypatch):
    """Replace the clock of the search by one that counts steps."""
    clock = property(lambda loop: float(loop.steps_done))
    monkeypatch.setattr(GradientLoop, "seconds", clock)


@pytest.mark.parametrize("seconds", [1, 2, 3, 4, 6, 8.5])
def test_seconds_stop_a_search_that_is_the_same_up_to_there(
    data, reference, one_second_a_step, seconds
):
    rows = without_seconds(run(data, seconds=seconds).history)
    assert rows[-1]["step"] == math.ceil(seconds)
    whole = rows if seconds % STEPS == 0 else rows[:-1]
    assert whole == without_seconds(reference.history)[: len(whole)]
    assert rows[-1]["epoch"] == pytest.approx(math.ceil(seconds) / STEPS)


def test_a_search_out_of_time_goes_on_when_resumed_with_more(
    data, reference, one_second_a_step, tmp_path
):
    run(data, seconds=4, out=tmp_path)
    assert len(History.load(tmp_path)) == 3, "row 0, epoch 1, and where time ran out"
    run(data, seconds=4, out=tmp_path, resume=True)
    assert [r["step"] for r in History.load(tmp_path).rows] == [0, 3, 4]
    assert_same(run(data, seconds=100, out=tmp_path, resume=True), reference)


def test_seconds_alone_follow_the_schedule_of_fifty_epochs(data, one_second_a_step):
    history = run(data, epochs=None, seconds=5).history
    assert history.header["epochs"] == 50 and history.rows[-1]["step"] == 5


def test_a_real_clock_stops_the_search_in_time(data):
    start = time.perf_counter()
    history = run(data, epochs=10_000, seconds=0.5).history
    assert 0.5 <= history.rows[-1]["seconds"] <= time.perf_counter() - start
    assert history.rows[-1]["epoch"] < 10_000


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


# What is refused.


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
    with owned(tmp_path):
        start = time.perf_counter()
        with pytest.raises(RunFolderBusy, match="another search is working"):
            run(data, out=tmp_path, resume=True)
        assert time.perf_counter() - start < 1


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


def test_a_copied_run_folder_can_be_resumed_elsewhere(data, reference, tmp_path):
    stopped_once(data, tmp_path / "here", at=5, checkpoint_seconds=0.0)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    assert_same(run(data, out=tmp_path / "there", resume=True), reference)
