"""The leaderboard: regret is what it says, runs are not lost, and the verdict follows the data."""

from __future__ import annotations

import json

import numpy as np
import pytest
from small_black_box import SmallEstimate

from nas_course import cli, tabular
from nas_course.errors import CourseError, InvalidInput
from nas_course.estimation.table import TableEstimate
from nas_course.leaderboard import (
    Entry,
    Grids,
    difference_of_medians,
    entries,
    make_leaderboard,
    measure,
    read,
    statement,
    table_text,
)
from nas_course.leaderboard.measuring import incumbents
from nas_course.leaderboard.statistics import entry_of, quartiles
from nas_course.plots import regret
from nas_course.search import search
from nas_course.tabular.classes import representatives
from nas_course.tabular.packing import pack, save

NAMES = "random,regularized-evolution,successive-halving,nsga2"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A whole table whose accuracies are those of the small estimate, test ones a bit off."""
    estimate, rows = SmallEstimate(), []
    for number, cell in enumerate(representatives()):
        score = estimate(cell)
        rows.append({
            "cell": str(cell), "seed": 0, "valid_accuracy": score.curve,
            "test_accuracy": min(1.0, score.value + 0.02 * (number % 3) / 2),
            "seconds": score.cost_seconds, "parameters": score.measures["parameters"] + 1,
            "multiply_adds": 5, "version": "0", "commit": "test", "torch": "none",
        })  # fmt: skip
    file = tmp_path_factory.mktemp("table") / "table.npz"
    save(file, pack(rows, {"valid_images": 2500, "test_images": 8000}))
    return file


@pytest.fixture(scope="module")
def board(path, tmp_path_factory):
    out = tmp_path_factory.mktemp("board") / "board.json"
    make_leaderboard(
        entries(NAMES.split(","), 6, tuned={"regularized-evolution": {"population_size": 9}}),
        out, evaluations=40, table=path, progress=False,
    )  # fmt: skip
    return read(out)


def test_regret_is_that_of_the_best_by_validation_at_full_fidelity(path):
    table = tabular.load(path)
    grids = Grids.for_budget(40, float(table.seconds.mean()))
    for name in ("random", "hyperband"):
        record = measure(Entry(name), 3, table, 40, grids)
        rows = search(name, TableEstimate(table), evaluations=40, seed=3, progress=False)
        whole = [row for row in rows.history.rows if row["epochs"] is None]
        best = max(whole, key=lambda row: row["value"])
        expected = 100 * (table.best_test - table.query(best["architecture"]).test_accuracy)
        assert record["final"] == pytest.approx(expected, abs=1e-4)
        assert record["by_evaluations"][-1] == record["final"] >= 0
        assert record["final_valid"] == pytest.approx(
            100 * (table.best_valid - best["value"]), abs=1e-4
        )
        steps = list(incumbents(rows.history.rows, table))
        assert [step[:2] for step in steps] == sorted(step[:2] for step in steps)


def test_the_file_is_small_whole_and_says_how_it_was_made(board):
    assert [entry["name"] for entry in board["entries"]] == [
        *NAMES.split(","),
        "regularized-evolution (tuned)",
    ]
    assert board["evaluations"] == 40 and board["table"]["complete"]
    for entry in board["entries"]:
        assert len(entry["final"]) == 6 and entry["options"].keys() >= set(entry["tuned"])
        assert len(entry["by_evaluations"]["median"]) == len(board["grids"]["evaluations"])
        lower, median, upper = (
            [np.inf if v is None else v for v in entry["by_evaluations"][name]]
            for name in ("lower", "median", "upper")
        )
        assert all(a <= b <= c for a, b, c in zip(lower, median, upper, strict=True))
        assert ("final_verdict" in entry) == (entry["name"] != "random")


def test_a_leaderboard_that_was_cut_short_goes_on_and_is_the_same(board, path, tmp_path):
    out = tmp_path / "board.json"
    given = {"evaluations": 40, "table": path, "progress": False}
    make_leaderboard(entries(["random"], 3), out, **given)
    file = tmp_path / "board.runs" / "random.jsonl"
    file.write_bytes(file.read_bytes()[:-30])
    make_leaderboard(entries(["random", "nsga2"], 6), out, resume=True, **given)
    expected = {entry["name"]: entry for entry in board["entries"]}
    assert read(out)["entries"] == [expected["random"], expected["nsga2"]]
    with pytest.raises(InvalidInput, match="has runs already"):
        make_leaderboard(entries(["random"], 6), out, **given)
    with pytest.raises(InvalidInput, match="evaluations = 40, but 50"):
        make_leaderboard(entries(["random"], 6), out, resume=True, **given | {"evaluations": 50})


def test_the_verdict_says_what_the_interval_says():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 0.1, 200), rng.normal(2, 0.1, 200)
    assert difference_of_medians(a, b).verdict == "better"
    assert difference_of_medians(b, a).verdict == "worse"
    assert difference_of_medians(a, rng.normal(1, 0.1, 200)).verdict == "undecided"
    result = difference_of_medians(a, b)
    assert result.low < result.difference < result.high < 0


def test_a_run_without_an_incumbent_counts_as_infinitely_far_away():
    found = quartiles([[None, 1.0], [2.0, 1.0], [None, 3.0]])
    assert found["median"] == [None, 1.0] and found["lower"] == [2.0, 1.0]


def test_text_and_figures_tell_the_same(board):
    text = table_text(board)
    for entry in board["entries"]:
        assert entry["name"] in text
    words = statement(board, "nsga2").splitlines()
    assert words[0].startswith("nsga2 against random after ")
    assert words[1].startswith("  in test accuracy ")
    assert words[2].startswith("  in validation accuracy ")
    for line, key in zip(words[1:], ("final", "final_valid"), strict=True):
        ours, theirs = (entry_of(board, name)[key] for name in ("nsga2", "random"))
        assert f"accuracy {np.median(ours):.2f} and {np.median(theirs):.2f}, difference" in line
        assert line.endswith(difference_of_medians(ours, theirs).verdict)
    for against in ("evaluations", "seconds"):
        figure = regret.regret_curves(board, ["random", "nsga2"], against=against)
        assert "random" in figure.summary and figure.png()
    verdict = next(e for e in board["entries"] if e["name"] == "nsga2")["final_verdict"]
    assert f"{verdict}: " in regret.final_regret(board, ["random", "nsga2"]).summary
    with pytest.raises(InvalidInput, match="against: got 'hours'"):
        regret.regret_curves(board, against="hours")
    with pytest.raises(InvalidInput, match="entry: got 'nsga3'"):
        statement(board, "nsga3")


def test_the_command_makes_the_file_and_explains_mistakes(path, tmp_path, capsys):
    out = tmp_path / "board.json"
    words = ["leaderboard", "--table", str(path), "--out", str(out), "--seeds", "2", "--quiet"]
    words += ["--evaluations", "12", "--methods", "random,local-search", "--seeds-of", "random=3"]
    assert cli.main(words) == 0
    assert "local-search" in capsys.readouterr().out
    assert [entry["seeds"] for entry in json.loads(out.read_text())["entries"]] == [3, 2]
    mistakes = {
        "--methods=darts-1st": "methods: got 'darts-1st'",
        "--seeds=1": "seeds: got 1",
        "--tuned=random": "write it as --tuned",
        "--seeds-of=a": "seeds-of: got 'a'",
    }
    for wrong, said in mistakes.items():
        assert cli.main([*words, "--resume", wrong]) == 2
        assert said in capsys.readouterr().err


def test_a_file_that_is_no_leaderboard_is_refused(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    for name in ("a.json", "b.json"):
        with pytest.raises(CourseError, match="nas-course leaderboard"):
            read(tmp_path / name)
