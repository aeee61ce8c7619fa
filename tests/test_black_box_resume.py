"""A black-box search stopped anywhere and resumed has the rows of one that ran through."""

from __future__ import annotations

import shutil
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from small_black_box import Counted, SmallEstimate, run

from nas_course import methods
from nas_course.errors import InvalidInput
from nas_course.estimation import Score
from nas_course.history import History
from nas_course.search import SearchInterrupted, search
from nas_course.search.score_log import ScoreLog
from nas_course.storage import CheckpointError

# Populations that are full within a few evaluations, so that what is resumed has learnt already.
OPTIONS = {
    "genetic": {"population_size": 4},
    "regularized-evolution": {"population_size": 4, "sample_size": 2},
    "reinforce": {"batch": 3, "hidden": 8},
    "bananas": {"initial": 4, "batch": 3, "steps": 20},
    "tpe": {"initial": 4},
    "gp": {"initial": 4},
    "nsga2": {"population_size": 4},
}
EVALUATIONS = 12


@dataclass(frozen=True)
class StopsAt(Counted):
    """Interrupts the search once, instead of call number `at` (from 1)."""

    at: int = 0

    def __call__(self, architecture, epochs=None):
        calls = len(self.file.read_text().splitlines()) if self.file.exists() else 0
        stopped = self.file.with_suffix(".stopped")
        if calls == self.at - 1 and not stopped.exists():
            stopped.touch()
            raise KeyboardInterrupt
        return super().__call__(architecture, epochs)


def started(name, estimate=None, **more):
    given = {"evaluations": EVALUATIONS, "progress": False, "options": OPTIONS.get(name, {})}
    return search(name, estimate or SmallEstimate(), **given | more)


def calls_of(file):
    return file.read_text().splitlines()


def stop_and_resume(name, tmp_path, at, **more):
    """Stop before call `at`, resume, and give the result; no estimate may be made twice."""
    estimate = StopsAt(file=tmp_path / f"calls-{at}", at=at)
    given = {"out": tmp_path / f"run-{at}", "resume": True} | more
    with pytest.raises(SearchInterrupted):
        started(name, estimate, **given)
    result = started(name, estimate, **given)
    made = calls_of(estimate.file)
    assert len(made) == len(set(made)), "an estimate was made twice"
    return result


@pytest.mark.parametrize("name", methods.names("black-box"))
def test_every_method_stopped_and_resumed_has_the_rows_of_one_that_ran_through(name, tmp_path):
    through = started(name).history.rows
    for at in (1, 7, 11):
        result = stop_and_resume(name, tmp_path, at, checkpoint_seconds=0.0)
        assert result.history.rows == through
        assert History.load(tmp_path / f"run-{at}").rows == through


@pytest.mark.parametrize("interval", [0.0, 1000.0])
@pytest.mark.parametrize("at", [1, 2, 5, 9, 12])
def test_a_search_stopped_before_any_estimate_goes_on_exactly(at, interval, tmp_path):
    through = started("regularized-evolution").history.rows
    result = stop_and_resume("regularized-evolution", tmp_path, at, checkpoint_seconds=interval)
    assert result.history.rows == through


@pytest.mark.parametrize("name", methods.names("black-box"))
def test_every_method_goes_on_exactly_with_open_questions(name, tmp_path):
    given = {"workers": 3, "checkpoint_seconds": 0.0, "out": tmp_path / "run", "resume": True}
    with ThreadPoolExecutor(3) as executor:
        through = started(name, workers=3, executor=executor).history.rows
        started(name, **given | {"evaluations": 7}, executor=executor)
        result = started(name, **given, executor=executor)
    assert result.history.rows == through, "a larger budget goes on as if it had been there"


def test_a_finished_search_is_given_again_without_an_estimate(tmp_path):
    through = run(out=tmp_path)
    written = (tmp_path / "result.json").read_bytes()
    again = run(out=tmp_path, resume=True, estimate=SmallEstimate())
    assert again.history.rows == through.history.rows and again.score == through.score
    assert (tmp_path / "result.json").read_bytes() == written


def test_a_search_out_of_seconds_goes_on_with_more(tmp_path):
    through = run("random", evaluations=None, seconds=150).history.rows
    for seconds in (1, 50, 150):
        run("random", evaluations=None, seconds=seconds, out=tmp_path, resume=True)
    assert History.load(tmp_path).rows == through


@pytest.mark.parametrize("file", ["history.jsonl", "scores.jsonl"])
def test_a_line_that_was_cut_off_is_dropped(file, tmp_path):
    through = run(evaluations=15).history.rows
    run(evaluations=9, out=tmp_path, checkpoint_seconds=0.0)
    content = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(content[:-20])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(evaluations=15, out=tmp_path, checkpoint_seconds=0.0, resume=True)
    assert History.load(tmp_path).rows == through


@pytest.mark.parametrize("file", ["history.jsonl", "scores.jsonl"])
def test_a_lost_file_comes_back(file, tmp_path):
    through = run().history.rows
    run(evaluations=9, out=tmp_path, checkpoint_seconds=0.0)
    (tmp_path / file).unlink()
    run(out=tmp_path, resume=True)
    assert History.load(tmp_path).rows == through


def test_a_score_with_a_changed_digit_is_made_again_and_said(tmp_path):
    through = run().history.rows
    run(evaluations=9, out=tmp_path)
    file = tmp_path / "scores.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    lines[3] = lines[3].replace('"value":0.', '"value":1.')
    file.write_text("".join(lines))
    with pytest.warns(UserWarning, match="1 of 9 lines are damaged"):
        run(out=tmp_path, resume=True)
    assert History.load(tmp_path).rows == through


def test_a_score_comes_back_from_its_file_as_it_was(tmp_path):
    scores = {
        ("a", None): Score(float("nan"), 1.5, "x", (0.1, float("inf")), {"parameters": 7}),
        ("b", 3): Score(1 / 3, 2.0, "3 of 9 epochs"),
    }
    log = ScoreLog(tmp_path / "scores.jsonl")
    log.update(scores)
    loaded = ScoreLog(tmp_path / "scores.jsonl")
    assert repr(dict(loaded)) == repr(scores) and len(loaded) == 2
    with pytest.raises(TypeError, match="not taken back"):
        del loaded["b", 3]


def test_a_run_without_its_checkpoints_is_not_overwritten(tmp_path):
    run(out=tmp_path)
    shutil.rmtree(tmp_path / "checkpoints")
    with pytest.raises(CheckpointError, match="saved states of this run are gone"):
        run(out=tmp_path, resume=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": "random"}, "method = 'regularized-evolution', but 'random'"),
        ({"seed": 1}, "seed = 0, but 1"),
        ({"options": {"population_size": 5}}, "option population_size = 4, but 5"),
        ({"estimate": SmallEstimate(continues=False)}, "estimate = 'SmallEstimate "),
        ({"workers": 2, "executor": True}, "workers = 1, but 2"),
    ],
)
def test_another_run_is_not_gone_on_with(change, said, tmp_path):
    run(out=tmp_path)
    before = (tmp_path / "history.jsonl").read_bytes()
    with pytest.raises(InvalidInput) as caught, ThreadPoolExecutor(1) as executor:
        change = change | ({"executor": executor} if "executor" in change else {})
        run(**{"method": "regularized-evolution", "out": tmp_path, "resume": True} | change)
    assert said in str(caught.value)
    assert (tmp_path / "history.jsonl").read_bytes() == before


def test_a_folder_that_holds_a_run_is_not_overwritten(tmp_path):
    run(out=tmp_path)
    with pytest.raises(InvalidInput, match=r"already holds a run; .*--resume"):
        run(out=tmp_path)
