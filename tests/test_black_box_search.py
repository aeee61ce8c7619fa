"""A black-box search keeps its budget, its order and its word: one worker or many."""

from __future__ import annotations

import json
import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest
from small_black_box import EPOCHS, Counted, Deadly, SmallEstimate, run

from nas_course import methods, spaces
from nas_course.errors import CourseError, InvalidInput
from nas_course.estimation import Score
from nas_course.history import History
from nas_course.parallel import ResubmittingPool
from nas_course.search import EstimateFailed, SearchInterrupted, search_gradient
from nas_course.search.ledger import REPEATS
from nas_course.strategies.black_box import Finished, Partial, RandomSearch
from nas_course.strategies.gradient import GradientSettings

SPACE = spaces.get("nas-bench-201")
CELLS = [SPACE.sample(np.random.default_rng(seed)) for seed in range(8)]


class Listed:
    """Asks what is on a list, and remembers what it was told."""

    name = "listed"

    def __init__(self, asks):
        self.asks, self.told = list(asks), []

    def ask(self):
        if not self.asks:
            raise Finished
        return self.asks.pop(0)

    def tell(self, asked, score):
        self.told.append((asked, score.value))

    def state_dict(self):
        return {"left": len(self.asks)}

    def load_state_dict(self, state):
        del self.asks[: len(self.asks) - state["left"]]


# What a search does.


def test_history_counts_evaluations_and_keeps_the_best():
    result = run("random", evaluations=20)
    rows = result.history.rows
    assert result.history.counts == "evaluation"
    assert [row["evaluation"] for row in rows] == list(range(1, len(rows) + 1))
    assert list(np.maximum.accumulate([r["value"] for r in rows])) == [r["best"] for r in rows]
    assert np.allclose(np.cumsum([r["cost_seconds"] for r in rows]), [r["seconds"] for r in rows])
    assert result.score == SmallEstimate()(result.architecture)
    assert result.score.value == rows[-1]["best"]


def test_exactly_as_many_estimates_are_made_as_were_asked_for(tmp_path):
    result = run(estimate=Counted(file=tmp_path / "calls"), evaluations=23)
    assert len((tmp_path / "calls").read_text().splitlines()) == 23
    assert result.history.rows[-1]["evaluations"] == 23
    assert sum(not row["cached"] for row in result.history.rows) == 23


def test_the_same_network_is_told_again_for_free():
    cell = SPACE.parse("|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|")
    twin = SPACE.parse("|none~0|+|none~0|skip_connect~1|+|nor_conv_3x3~0|none~1|none~2|")
    strategy = Listed([cell, CELLS[1], twin, CELLS[1], CELLS[2]])
    rows = run(strategy, evaluations=3).history.rows
    assert [row["cached"] for row in rows] == [False, False, True, True, False]
    assert [row["evaluations"] for row in rows] == [1, 2, 2, 2, 3]
    assert rows[2]["cost_seconds"] == 0 and rows[2]["value"] == rows[0]["value"]
    assert [value for _, value in strategy.told] == [row["value"] for row in rows]


def test_going_on_with_a_training_costs_the_difference_and_beginning_anew_the_whole():
    asks = [Partial(CELLS[0], 1), Partial(CELLS[1], 3), Partial(CELLS[0], 3), CELLS[0], CELLS[0]]
    for continues, evaluations in ((True, [1, 4, 6, 12, 12]), (False, [1, 4, 7, 16, 16])):
        estimate = SmallEstimate(continues=continues)
        rows = run(Listed(asks), estimate, evaluations=10).history.rows
        assert [row["evaluations"] for row in rows] == [n / EPOCHS for n in evaluations]
        paid = [row["cost_seconds"] for row in rows]
        whole = [estimate(CELLS[k], e).cost_seconds for k, e in ((0, 1), (1, 3), (0, 3), (0, 9))]
        before = [0, 0, whole[0], whole[2]] if continues else [0] * 4
        assert paid == pytest.approx([*np.subtract(whole, before), 0])


def test_the_whole_training_asked_for_in_epochs_is_the_same_as_full_fidelity():
    strategy = Listed([CELLS[0], Partial(CELLS[0], EPOCHS)])
    rows = run(strategy, evaluations=5).history.rows
    assert [row["cached"] for row in rows] == [False, True] and rows[1]["epochs"] is None
    assert strategy.told[1][0] == Partial(CELLS[0], EPOCHS), "told back as it was asked"


def test_the_best_is_the_best_at_the_highest_fidelity_reached():
    good, bad = sorted(CELLS[:2], key=lambda cell: -SmallEstimate()(cell).value)
    result = run(Listed([Partial(good, 8), bad, Partial(good, 8)]), evaluations=9)
    assert result.architecture == bad and result.score == SmallEstimate()(bad)
    assert run(Listed([Partial(good, 8), Partial(bad, 8)])).architecture == good


def test_seconds_end_the_search_with_the_evaluation_that_uses_them_up():
    through = run(evaluations=30).history.rows
    for seconds in (1, 40, 133.3):
        rows = run(evaluations=None, seconds=seconds).history.rows
        assert rows == through[: len(rows)]
        assert rows[-1]["seconds"] >= seconds > ([0] + [r["seconds"] for r in rows])[-2]


def test_values_that_are_not_finite_are_never_the_best():
    @dataclass(frozen=True)
    class Spoilt(SmallEstimate):
        def __call__(self, architecture, epochs=None):
            score = super().__call__(architecture, epochs)
            bad = {CELLS[0]: math.nan, CELLS[2]: math.inf}
            return replace(score, value=bad.get(architecture, score.value))

    result = run(Listed(CELLS[:4]), Spoilt(), evaluations=4)
    assert [row["value"] is None for row in result.history.rows] == [True, False, True, False]
    assert result.history.rows[0]["best"] is None
    assert result.architecture in (CELLS[1], CELLS[3])
    assert run(Listed(CELLS[:1]), Spoilt(), evaluations=4).architecture is None


def test_a_strategy_that_knows_nothing_new_ends_the_search_with_a_note():
    result = run(Listed([CELLS[0]] * 5000), evaluations=2)
    assert f"{REPEATS} times in a row" in result.note
    assert len(result.history) == REPEATS + 1
    result = run(Listed(CELLS[:3]), evaluations=9)
    assert "nothing more to ask" in result.note and len(result.history) == 3


def test_every_row_is_on_disk_when_the_listener_hears_of_it(tmp_path):
    heard = []

    def watch(history):
        history.subscribe(lambda row, stored: heard.append(len(History.load(tmp_path))))

    result = run(out=tmp_path, on_history=watch)
    assert heard == list(range(1, len(result.history) + 1))


def test_what_is_written_says_what_was_found_and_how(tmp_path):
    result = run(out=tmp_path, command="nas-course search ...")
    written = json.loads((tmp_path / "result.json").read_text())
    assert written["architecture"] == str(result.architecture)
    assert written["scores"]["value"] == result.score.value
    assert written["cost"]["evaluations"] == 15 and written["command"] == "nas-course search ..."
    assert written["options"] == {"population_size": 4, "sample_size": 2}
    assert History.load(tmp_path).rows == result.history.rows


# One worker and many.


@pytest.mark.parametrize("workers", [2, 5])
def test_random_search_gives_the_same_rows_with_one_worker_and_with_many(workers, tmp_path):
    estimate = Counted(file=tmp_path / "calls", pause=0.01)
    with ThreadPoolExecutor(workers) as executor:
        many = run("random", estimate, evaluations=40, workers=workers, executor=executor)
    assert many.history.rows == run("random", evaluations=40).history.rows
    assert len((tmp_path / "calls").read_text().splitlines()) == 40


@pytest.mark.parametrize("workers", [2, 5])
def test_evolution_gives_the_same_rows_in_every_run_with_so_many_workers(workers, tmp_path):
    rows = []
    for pause in (0.0, 0.01):
        estimate = Counted(file=tmp_path / "calls", pause=pause)
        with ThreadPoolExecutor(workers) as executor:
            result = run(estimate=estimate, evaluations=40, workers=workers, executor=executor)
        rows.append(result.history.rows)
    assert rows[0] == rows[1] != run(evaluations=40).history.rows


def test_seconds_end_a_search_at_the_same_row_with_many_workers():
    with ThreadPoolExecutor(3) as executor:
        many = run("random", evaluations=None, seconds=99, workers=3, executor=executor)
    assert many.history.rows == run("random", evaluations=None, seconds=99).history.rows


@pytest.mark.posix
def test_worker_processes_killed_in_the_middle_of_an_estimate_lose_nothing(tmp_path):
    deadly = Deadly(file=tmp_path / "calls")
    result = run("random", deadly, evaluations=12, workers=2)
    assert result.history.rows == run("random", evaluations=12).history.rows
    assert len(list(tmp_path.iterdir())) - 1 == 2, "this seed has two that kill their process"
    assert len((tmp_path / "calls").read_text().splitlines()) == 12


def test_a_pool_of_ones_own_is_used_as_any_other_executor():
    with ResubmittingPool(1) as pool:
        result = run("random", evaluations=4, executor=pool)
        assert result.history.rows == run("random", evaluations=4).history.rows


def test_an_architecture_asked_twice_before_it_is_told_is_estimated_once(tmp_path):
    estimate = Counted(file=tmp_path / "calls", pause=0.02)
    asks = [CELLS[0], CELLS[0], CELLS[1], CELLS[0]]
    with ThreadPoolExecutor(3) as executor:
        result = run(Listed(asks), estimate, evaluations=9, workers=3, executor=executor)
    assert [row["cached"] for row in result.history.rows] == [False, True, False, True]
    assert len((tmp_path / "calls").read_text().splitlines()) == 2


# Failures.


@dataclass(frozen=True)
class Failing(Counted):
    culprit: object = None

    def __call__(self, architecture, epochs=None):
        if architecture == self.culprit:
            raise ZeroDivisionError("no edge carries anything")
        return super().__call__(architecture, epochs)


@pytest.mark.parametrize("workers", [1, 3])
def test_an_estimate_that_fails_is_named_and_what_was_computed_is_kept(workers, tmp_path):
    rows = run("random", evaluations=9).history.rows
    culprit = SPACE.parse(rows[5]["architecture"])
    failing = Failing(file=tmp_path / "calls", culprit=culprit)
    with (
        ThreadPoolExecutor(3) as executor,
        pytest.raises(
            EstimateFailed, match=r"evaluation 6: .*ZeroDivisionError: no edge"
        ) as caught,
    ):
        given = {"workers": workers, "executor": executor if workers > 1 else None}
        run("random", failing, evaluations=9, out=tmp_path / "run", **given)
    assert str(culprit) in str(caught.value)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert History.load(tmp_path / "run").rows == rows[:5]


def test_ctrl_c_says_how_to_go_on(tmp_path):
    class Stopped(Counted):
        def __call__(self, architecture, epochs=None):
            if self.file.exists() and len(self.file.read_text().splitlines()) == 4:
                raise KeyboardInterrupt
            return super().__call__(architecture, epochs)

    with pytest.raises(SearchInterrupted, match=r"after evaluation 4 of 15 evaluations.*--resume"):
        run("random", Stopped(file=tmp_path / "calls"), out=tmp_path / "run")
    (tmp_path / "calls").unlink()
    with pytest.raises(SearchInterrupted, match="Nothing was saved"):
        run("random", Stopped(file=tmp_path / "calls"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": "randm"}, "Did you mean 'random'?"),
        ({"method": "darts-1st"}, "trains a supernet; use search_gradient"),
        ({"space": "nasbench"}, "space: got 'nasbench'"),
        ({"evaluations": None}, "budget: got none"),
        ({"evaluations": 0}, "evaluations: got 0"),
        ({"evaluations": 2.5}, "evaluations: got 2.5"),
        ({"seconds": -1}, "seconds: got -1"),
        ({"seed": -1}, "seed: got -1"),
        ({"workers": 0}, "workers: got 0"),
        ({"checkpoint_seconds": "1"}, "checkpoint_seconds: got '1'"),
        ({"options": {"populaton_size": 3}}, "Did you mean 'population_size'?"),
        ({"options": {"population_size": 0}}, "population_size: got 0"),
        ({"method": RandomSearch(SPACE, seed=0), "options": {"a": 1}}, "made already"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(change, said, tmp_path):
    with pytest.raises(CourseError) as caught:
        run(**{"out": tmp_path / "run"} | change)
    assert said in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_partial_training_needs_an_estimate_that_has_epochs():
    def whole(architecture):
        return Score(0.5, 1.0, "whole")

    with pytest.raises(InvalidInput, match="the estimate has no max_epochs"):
        run(Listed([Partial(CELLS[0], 2)]), whole)
    with pytest.raises(InvalidInput, match="asked for 10 epochs; allowed: 1 to 9"):
        run(Listed([Partial(CELLS[0], 10)]))
    assert len(run("random", whole, evaluations=3).history.rows) >= 3


def test_a_black_box_method_is_not_run_as_a_gradient_search(digits):
    with pytest.raises(InvalidInput, match=r"trains no supernet; use nas_course\.search\.search"):
        search_gradient("random", digits, settings=GradientSettings(), epochs=1)


# Cost of the loop.


def test_a_step_of_the_loop_takes_less_than_fifty_microseconds():
    def instant(architecture):
        return score

    score = Score(0.5, 1.0, "instant")
    best = math.inf
    for _ in range(8):  # the fastest: other programs run here too
        slowness = max(1.0, seconds_of_counting() / OUR_SECONDS_OF_COUNTING)
        started = time.process_time()
        result = run("random", instant, evaluations=2000)
        best = min(best, (time.process_time() - started) / len(result.history) / slowness)
    print(f"{1e6 * best:.1f} microseconds a step, on a machine as fast as ours")
    assert best < 50e-6


OUR_SECONDS_OF_COUNTING = 0.040  # Python 3.11 on the machine that the 50 microseconds are meant for


def seconds_of_counting():
    """Processor time that this machine needs now for a fixed amount of Python."""
    started, counts = time.process_time(), {}
    for number in range(300_000):
        counts[number % 100] = counts.get(number % 100, 0) + number * number % 7
    return time.process_time() - started


def test_every_method_of_the_family_searches():
    for name in methods.names("black-box"):
        evaluations = 12 if name == "gp" else 25
        result = run(name, evaluations=evaluations)
        spent = result.history.rows[-1]["evaluations"]
        assert evaluations <= spent < evaluations + 1 and result.architecture is not None
