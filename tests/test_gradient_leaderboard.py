"""The board of the gradient methods: searched on the table's images, scored by the table alone."""

from __future__ import annotations

import dataclasses
import errno
import itertools
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch
from faults import CountedOs, fail_with

from nas_course import cli, data, methods, storage, tabular
from nas_course.errors import InvalidInput
from nas_course.leaderboard import (
    GradientEntry,
    claims_table,
    gradient_entries,
    gradient_statement,
    gradient_table,
    make_gradient_leaderboard,
    read,
    read_gradient,
    verdicts,
    verdicts_text,
)
from nas_course.leaderboard import (
    gradient_running as running,
)
from nas_course.leaderboard.gradient_measuring import SETTINGS, Bench, measure
from nas_course.leaderboard.random_cells import RandomCells, difference_to_mean, frame
from nas_course.leaderboard.records import fingerprint
from nas_course.leaderboard.statistics import entry_of
from nas_course.plots import gradient_regret, regret_by_epoch
from nas_course.search import search_gradient
from nas_course.spaces.nas_bench_201 import Cell201
from nas_course.tabular.classes import representatives
from nas_course.tabular.packing import pack, save
from nas_course.tabular.supernet import search_data, tabular_supernet

RESULTS = Path(__file__).resolve().parents[1] / "results"
NAMES = ["darts-1st", "gdas", "darts-early-stop"]
SMALL = dataclasses.replace(SETTINGS, batch_size=32, alpha_learning_rate=0.3)
EPOCHS = 3
STEPS = 2  # of an epoch: 64 images in batches of 32
PROTOCOL = {
    "data": "digits", "image_size": 8, "train_images": 64, "valid_images": 100,
    "test_images": 100, "channels": 2, "epochs": 2, "batch_size": 32,
}  # fmt: skip
WORTH = {"none": 0, "skip_connect": 2, "nor_conv_1x1": 6, "nor_conv_3x3": 9, "avg_pool_3x3": 3}


def made_up(cell, number, seconds):
    worth = sum(WORTH[name] for name in cell.operations)
    return {
        "cell": str(cell), "seed": 0, "valid_accuracy": (0.1, worth / 100),
        "test_accuracy": (worth + number % 7) / 100, "seconds": seconds(number),
        "parameters": 1 + worth, "multiply_adds": 5, "version": "0", "commit": "test",
        "torch": "none",
    }  # fmt: skip


def save_table(folder, seconds, cells=None):
    rows = [made_up(c, n, seconds) for n, c in enumerate(cells or representatives())]
    save(folder / "table.npz", pack(rows, PROTOCOL))
    return folder / "table.npz"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return save_table(tmp_path_factory.mktemp("table"), lambda number: 0.5 + number % 3 / 2)


@pytest.fixture(scope="module")
def bench(path):
    return Bench.load(tabular.load(path), SMALL, EPOCHS)


def options(path, **more):
    return {"epochs": EPOCHS, "settings": SMALL, "table": path, "progress": False} | more


@pytest.fixture(scope="module")
def out(path, tmp_path_factory):
    file = tmp_path_factory.mktemp("board") / "board.json"
    listed = gradient_entries(NAMES, 2, variants=[("darts-early-stop", {"limit": 1, "start": 0.0})])
    make_gradient_leaderboard(listed, file, **options(path))
    return file


@pytest.fixture
def board(out):
    return read_gradient(out)


def test_a_run_is_the_search_that_anyone_can_do_and_the_table_only_scores_it(bench):
    record = measure(GradientEntry("darts-1st"), 1, bench)
    row = dataclasses.replace(methods.get("darts-1st"), make_supernet=tabular_supernet)
    result = search_gradient(
        row, search_data(Bench.protocol_of(bench.table)), space="nas-bench-201", seed=1,
        settings=bench.settings, epochs=EPOCHS, progress=False,
    )  # fmt: skip
    assert record["architecture"] == str(result.architecture)
    found = [
        bench.table.query(name) for name in [row["architecture"] for row in result.history.rows]
    ]
    assert record["by_epoch"] == pytest.approx(
        [100 * (bench.table.best_test - cell.test_accuracy) for cell in found], abs=1e-3
    )
    assert (
        record["by_epoch_valid"][-1]
        == record["final_valid"]
        == pytest.approx(100 * (bench.table.best_valid - found[-1].valid_accuracy[-1]), abs=1e-3)
    )
    walked = dict(record["path"])
    names = [walked[max(e for e in walked if e <= epoch)] for epoch in range(EPOCHS + 1)]
    assert names == [row["architecture"] for row in result.history.rows]


@pytest.mark.parametrize(
    ("name", "changed", "alpha_steps", "passes_of_a_step"),
    [
        ("darts-1st", {}, 6, 2),
        ("darts-2nd", {}, 6, 5),
        ("idarts", {"terms": 0, "weight_steps": 3}, 2, None),
    ],
)
def test_cost_is_counted_in_steps_passes_and_seconds(
    bench, name, changed, alpha_steps, passes_of_a_step
):
    record = measure(GradientEntry(name, changed), 0, bench)
    assert (record["weight_steps"], record["alpha_steps"]) == (EPOCHS * STEPS, alpha_steps)
    if passes_of_a_step:
        assert record["passes"] == EPOCHS * STEPS * passes_of_a_step
    assert record["seconds"] > 0 and record["table_seconds"] > 0


def test_a_search_that_diverges_is_reported_and_keeps_its_last_cell(bench):
    wild = dataclasses.replace(bench.settings, weight_learning_rate=1e30, gradient_clip=1e30)
    record = measure(GradientEntry("darts-1st"), 0, dataclasses.replace(bench, settings=wild))
    assert "became nan" in record["diverged"] or "became inf" in record["diverged"]
    assert record["epochs"] < EPOCHS and len(record["by_epoch"]) == record["epochs"] + 1
    assert record["weight_steps"] == STEPS * record["epochs"]


def test_an_early_end_holds_its_answer_and_is_said(board):
    name = "darts-early-stop (limit=1, start=0.0)"
    entry = entry_of(board, name)
    assert min(entry["epochs"]) < EPOCHS
    for final, curve in zip(entry["final"], entry["by_epoch"]["runs"], strict=True):
        assert len(curve) == EPOCHS + 1 and curve[-1] == final
    listed = ", ".join(map(str, entry["epochs"]))
    assert f"ended early: after {listed} of {EPOCHS} epochs" in gradient_statement(board, name)
    assert entry["options"]["limit"] == 1 and entry["changed"] == ["limit", "start"]


def test_the_file_says_what_was_the_same_for_all_and_what_it_cost_each(board, path):
    assert board["epochs"] == EPOCHS
    assert board["settings"] == json.loads(
        json.dumps(dataclasses.asdict(SMALL) | {"channels": PROTOCOL["channels"]})
    )
    full = [entry for entry in board["entries"] if min(entry["epochs"]) == EPOCHS]
    assert len(full) >= 2
    assert {steps for entry in full for steps in entry["weight_steps"]} == {EPOCHS * STEPS}
    table = tabular.load(path)
    for entry in board["entries"]:
        assert entry["seeds"] == [0, 1]
        for name, regret in zip(entry["architecture"], entry["final"], strict=True):
            known = 100 * (table.best_test - table.query(name).test_accuracy)
            assert regret == pytest.approx(known, abs=1e-3)
        assert entry["parts"] and entry["citation"]


def without_seconds(board):
    clocks = {"seconds", "table_seconds", "random_search"}
    clocks |= {f"{name}_against_random_search" for name in ("final", "final_valid")}
    return [{k: v for k, v in e.items() if k not in clocks} for e in board["entries"]]


def test_a_board_that_was_cut_short_goes_on_and_is_the_same(board, path, tmp_path):
    file = tmp_path / "board.json"
    make_gradient_leaderboard(gradient_entries(["darts-1st"], 2), file, **options(path))
    runs = tmp_path / "board.runs" / "darts-1st.jsonl"
    runs.write_bytes(runs.read_bytes()[:-30])
    listed = gradient_entries(["darts-1st", "gdas"], 2)
    make_gradient_leaderboard(listed, file, resume=True, **options(path))
    assert without_seconds(read_gradient(file)) == without_seconds(board)[:2]
    with pytest.raises(InvalidInput, match="has runs already"):
        make_gradient_leaderboard(listed, file, **options(path))
    with pytest.raises(InvalidInput, match="epochs = 3, but 4 was asked for"):
        make_gradient_leaderboard(listed, file, resume=True, **options(path, epochs=4))


def broken_after_two_runs(monkeypatch, error):
    real, calls = running.measure, itertools.count()

    def measure(*given):
        if next(calls) == 2:
            raise error
        return real(*given)

    monkeypatch.setattr(running, "measure", measure)


def test_ctrl_c_keeps_every_run_and_says_how_to_go_on(path, tmp_path, monkeypatch, capsys):
    words = ["leaderboard", "--family", "gradient", "--table", str(path), "--quiet", "--resume"]
    words += ["--seeds", "2", "--epochs", "1", "--methods", "darts-1st,gdas"]
    broken_after_two_runs(monkeypatch, KeyboardInterrupt)
    assert cli.main([*words, "--out", str(tmp_path / "board.json")]) == 130
    said = capsys.readouterr().err
    assert "Stopped with 2 runs done" in said and "Go on with resume=True (--resume)" in said
    assert str(tmp_path / "board.runs") in said and "Traceback" not in said
    monkeypatch.undo()
    files = sorted((tmp_path / "board.runs").glob("*.jsonl"))
    kept = [file.read_bytes().splitlines()[1:] for file in files]
    assert [len(lines) for lines in kept] == [1, 1], "seed 0 of both"
    assert cli.main([*words, "--out", str(tmp_path / "board.json")]) == 0
    again = [file.read_bytes().splitlines()[1:] for file in files]
    assert [lines[0] for lines in again] == [lines[0] for lines in kept], "not made anew"
    assert [len(lines) for lines in again] == [2, 2]


def test_a_disk_that_refuses_is_a_clear_error_and_the_board_goes_on(
    board, path, tmp_path, monkeypatch
):
    listed, file = gradient_entries(["gdas"], 2), tmp_path / "board.json"
    refused = 0
    for at in (8, 30, 42, 55):  # owner, header of the runs, a run, the board
        with monkeypatch.context() as patch:
            patch.setattr(storage, "os", CountedOs(at, fail_with(errno.ENOSPC)))
            try:
                make_gradient_leaderboard(listed, file, resume=True, **options(path))
            except storage.CheckpointError as error:
                assert "No space left" in str(error) and "--resume" in str(error)
                refused += 1
    assert refused >= 2
    make_gradient_leaderboard(listed, file, resume=True, **options(path))
    assert without_seconds(read_gradient(file)) == without_seconds(board)[1:2]


def test_a_folder_that_cannot_be_made_is_a_clear_error(path, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match=r"cannot be made .*choose another"):
        make_gradient_leaderboard(
            gradient_entries(["gdas"], 2), tmp_path / "file" / "board.json", **options(path)
        )


def test_a_worker_process_measures_the_same(board, path):
    running._take_bench(path, SMALL, EPOCHS)
    entry = pickle.loads(pickle.dumps(GradientEntry("darts-1st")))
    record = running._measure(entry, 1)
    theirs = entry_of(board, "darts-1st")
    assert record["by_epoch"] == theirs["by_epoch"]["runs"][1]
    assert record["passes"] == theirs["passes"][1]


def test_chance_is_all_cells_of_the_space_alike(path):
    table = tabular.load(path)
    cells = RandomCells(table)
    drawn = [Cell201(names) for names in itertools.product(WORTH, repeat=6)]
    every = 100 * (table.best_test - np.array([table.query(c).test_accuracy for c in drawn]))
    assert np.sort(cells.regret) == pytest.approx(np.sort(every), abs=1e-3)
    assert cells.spread()["final"]["mean"] == pytest.approx(every.mean(), abs=1e-3)
    assert cells.beaten([every.min()])[0] > 0.999 > 0.001 > cells.beaten([1e9])[0]
    chosen = np.random.default_rng(0).choice(every, 2000)
    assert np.mean(cells.beaten(chosen.tolist())) == pytest.approx(0.5, abs=0.03)


def test_random_search_finds_what_order_statistics_say(tmp_path):
    table = tabular.load(save_table(tmp_path, lambda number: 2.0))
    cells = RandomCells(table)
    ordered = np.sort(cells.regret_valid)
    n = len(ordered)
    for affordable in (1, 4, 20):
        survival = ((n - np.arange(n + 1)) / n) ** affordable  # P(best of k has rank >= i)
        expected = float((ordered * (survival[:-1] - survival[1:])).sum())
        found = cells.search(2.0 * affordable + 0.5)["final_valid"]["mean"]
        assert found == pytest.approx(expected, abs=0.25)
    assert cells.search(0.1) == cells.search(0.9)  # the first is always paid for


def test_the_interval_is_that_of_the_t_test():
    values, known = [1.0, 2.5, 2.0, 4.0], 3.1
    ours = difference_to_mean(values, known)
    interval = scipy.stats.ttest_1samp(values, known).confidence_interval(0.95)
    assert ours.low == pytest.approx(interval.low - known, abs=2e-3)
    assert ours.high == pytest.approx(interval.high - known, abs=2e-3)
    assert ours.verdict == "undecided"
    assert difference_to_mean(values, 30.0).verdict == "better"


def test_the_frame_names_the_best_and_the_largest_cell(path):
    table, found = tabular.load(path), frame(tabular.load(path))
    assert found["most_weights"]["architecture"].count("nor_conv_3x3") == 6
    assert found["best_by_test"]["final"] == 0 == found["best_by_valid"]["final_valid"]
    best = table.query(found["best_by_valid"]["architecture"])
    assert found["floor"] == pytest.approx(100 * (table.best_test - best.test_accuracy), abs=1e-3)


def test_text_tells_what_the_file_holds(board):
    text = gradient_table(board)
    for entry in board["entries"]:
        line = next(line for line in text.splitlines() if line.startswith(entry["name"] + " "))
        assert f"{np.mean(entry['final']):.2f}" in line
        assert line.endswith(entry["final_against_random_cell"]["verdict"])
        for against in ("random_cell", "random_search"):
            words = gradient_statement(board, entry["name"], against).splitlines()
            assert words[1].endswith(entry[f"final_against_{against}"]["verdict"])
            assert words[2].endswith(entry[f"final_valid_against_{against}"]["verdict"])
    assert "93.40 ± 0.49" in claims_table(board)
    for against in ("random_cell", "random_search"):
        for verdict, names in verdicts(board, against).items():
            found = [e for e in board["entries"] if e["name"] in names]
            assert {e[f"final_against_{against}"]["verdict"] for e in found} <= {verdict}
    assert sum(map(len, verdicts(board).values())) == len(board["entries"])
    assert all(entry["name"] in verdicts_text(board) for entry in board["entries"])
    assert "the cell with the most weights" in text
    with pytest.raises(InvalidInput, match="against: got 'grid'"):
        gradient_statement(board, "gdas", "grid")
    with pytest.raises(InvalidInput, match="entry: got 'gda'"):
        gradient_statement(board, "gda")


def test_figures_show_every_run_and_its_mean(board):
    figure = gradient_regret(board, ["darts-1st", "gdas"])
    regrets, costs = figure.axes
    for row, label in enumerate(text.get_text() for text in regrets.get_yticklabels()):
        entry = entry_of(board, label)
        drawn = [
            line.get_xdata() for line in regrets.lines if line.get_marker() not in ("None", "^")
        ]
        assert sorted(drawn[row]) == sorted(entry["final"])
        assert sorted(costs.lines[row].get_xdata()) == sorted(entry["table_seconds"])
        assert f"{label} {np.mean(entry['final']):.2f}" in figure.summary
    assert figure.png() and gradient_regret(board, accuracy="final_valid").png()
    with pytest.raises(InvalidInput, match="accuracy: got 'train'"):
        gradient_regret(board, accuracy="train")


def test_the_course_of_every_run_is_drawn_and_where_it_ended(board):
    name = "darts-early-stop (limit=1, start=0.0)"
    entry = entry_of(board, name)
    figure = regret_by_epoch(board, [name, "gdas"])
    ended, full = figure.axes
    thin = [line.get_ydata().tolist() for line in ended.lines[: len(entry["seeds"])]]
    assert thin == entry["by_epoch"]["runs"]
    rings = [float(line.get_xdata()[0]) for line in ended.lines if line.get_marker() == "o"]
    assert rings == [epochs for epochs in entry["epochs"] if epochs < EPOCHS]
    assert not [line for line in full.lines if line.get_marker() == "o"]
    assert figure.png() and name in figure.summary


def test_the_lowest_panel_of_every_column_has_its_epochs(board):
    figure = regret_by_epoch(board, [entry["name"] for entry in board["entries"]] * 2)
    seen = [axes for axes in figure.axes if axes.get_visible()]
    labelled = [axes.xaxis.get_tick_params()["labelbottom"] for axes in seen]
    assert labelled == [False] * (len(seen) - 3) + [True] * 3


def test_the_two_kinds_of_boards_are_not_mixed_up(out, tmp_path):
    with pytest.raises(InvalidInput, match="is no file of `nas-course leaderboard`"):
        read(out)
    (tmp_path / "a.json").write_text('{"kind": "nas-course leaderboard"}')
    with pytest.raises(InvalidInput, match="is no file of `nas-course leaderboard --family grad"):
        read_gradient(tmp_path / "a.json")


def test_a_table_with_gaps_and_missing_images_are_refused(tmp_path, monkeypatch):
    few = save_table(tmp_path, lambda number: 1.0, representatives()[:50])
    with (
        pytest.warns(UserWarning, match="incomplete"),
        pytest.raises(InvalidInput, match="allowed: a complete one"),
    ):
        Bench.load(tabular.load(few))
    monkeypatch.setenv("NAS_COURSE_DATA", str(tmp_path))
    with pytest.raises(data.DataNotFound, match=r"data\.download\('cifar10'\)"):
        Bench.load(tabular.load())


def test_the_command_makes_the_board_and_explains_mistakes(path, tmp_path, capsys):
    out = tmp_path / "board.json"
    words = ["leaderboard", "--family", "gradient", "--table", str(path), "--out", str(out)]
    words += ["--seeds", "2", "--epochs", "1", "--quiet", "--methods", "gdas"]
    assert cli.main([*words, "--variant", "gdas:noise=0"]) == 0
    printed = capsys.readouterr().out
    assert "gdas (noise=0.0)" in printed and "against a cell drawn by chance" in printed
    assert read_gradient(out)["command"] == "nas-course " + " ".join(
        [*words, "--variant", "gdas:noise=0"]
    )
    mistakes = {
        "--methods=random": "methods: got 'random', which trains no supernet",
        "--seeds=1": "seeds: got 1",
        "--variant=gdas": "write it as --variant",
        "--variant=gdas:nose=1": "Did you mean 'noise'",
        "--evaluations=3": "evaluations: got 3, which is for the black-box family",
        "--family=gradients": "family: got 'gradients'",
        "--seeds-of=gda=3": "Did you mean 'gdas'",
    }
    for wrong, said in mistakes.items():
        assert cli.main([*words, "--resume", wrong]) == 2
        assert said in capsys.readouterr().err
    assert cli.main(["leaderboard", "--out", str(out), "--variant", "gdas:noise=0"]) == 2
    assert "which is for the gradient family" in capsys.readouterr().err


@pytest.mark.parametrize("name", methods.names("gradient"))
def test_every_gradient_method_searches_in_the_table_s_network(bench, name):
    one = dataclasses.replace(bench.settings, channels=4)
    record = measure(GradientEntry(name), 0, dataclasses.replace(bench, settings=one, epochs=1))
    assert record["diverged"] is None and torch.isfinite(torch.tensor(record["final"]))


def test_the_board_of_the_course_is_complete_and_agrees_with_the_shipped_table():
    shipped, table = read_gradient(RESULTS / "leaderboard_gradient.json"), tabular.load()
    assert [entry["name"] for entry in shipped["entries"]] == methods.names("gradient")
    assert shipped["table"]["sha256"] == fingerprint(table)
    assert shipped["frame"] == json.loads(json.dumps(frame(table)))
    steps = shipped["epochs"] * 20  # 2,560 images in batches of 128
    for entry in shipped["entries"]:
        assert len(entry["seeds"]) >= 4 and not any(entry["diverged"])
        assert entry["options"] == json.loads(json.dumps(methods.get(entry["method"]).options()))
        for epochs, taken in zip(entry["epochs"], entry["weight_steps"], strict=True):
            assert taken == steps * epochs / shipped["epochs"]
        rows = table.index(entry["architecture"])
        assert 100 * (table.best_test - table.test[rows]) == pytest.approx(entry["final"], abs=1e-3)
        valid = 100 * (table.best_valid - table.valid[rows, -1])
        assert valid == pytest.approx(entry["final_valid"], abs=1e-3)


def test_the_settings_of_the_board_are_those_that_the_pilot_chose():
    pilot = json.loads((RESULTS / "gradient_pilot.json").read_text())
    rows = {json.dumps(row["change"]): row["supernet_valid"][-1] for row in pilot["rows"]}
    used = rows.pop("{}")
    assert all(used > value for key, value in rows.items() if "weight_learning_rate" in key)
    assert pilot["settings"] == json.loads(json.dumps(dataclasses.asdict(SETTINGS)))
    shipped = read_gradient(RESULTS / "leaderboard_gradient.json")
    assert shipped["settings"] == pilot["settings"]
    assert all(pilot["seed"] not in entry["seeds"] for entry in shipped["entries"])
