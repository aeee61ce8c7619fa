"""The checks of chapter 03 agree with the package, and their texts with the facts."""

import numpy as np
import pytest
from exercise_chapters import Chapter

from nas_course.estimation.funnel import funnel
from nas_course.estimation.ranking import kendall
from nas_course.estimation.score import Score
from nas_course.estimation.stopping import MedianRule, replay
from nas_course.grading.exercises_03_funnel import MEASURE
from nas_course.grading.funnel_rules import measure_with
from nas_course.strategies.black_box.successive_halving import SuccessiveHalving, promotable

CHAPTER = Chapter("03_performance_estimation")
EXERCISES = CHAPTER.exercises


# ---------------------------------------------------------- the same as the course's own code


def _learning_curves(rng, networks, epochs):
    return rng.random((networks, 1)) * np.linspace(0.2, 1, epochs) + rng.random((networks, epochs))


def test_kendall_is_that_of_the_course():
    rng, tau = np.random.default_rng(0), CHAPTER.model_answers()["kendall_tau_b"]
    for _ in range(50):
        first, second = rng.integers(4, size=(2, 8)).tolist()
        assert tau(first, second)["tau"] == pytest.approx(kendall(first, second), nan_ok=True)


class Numbered:
    """A space whose k-th sample is the number k."""

    def __init__(self):
        self.drawn = -1

    def sample(self, rng):
        self.drawn += 1
        return self.drawn


@pytest.mark.parametrize(("count", "eta", "rungs", "epochs"), [(9, 3, 3, 9), (11, 2, 3, 12)])
def test_halving_is_that_of_the_course(count, eta, rungs, epochs):
    curves = _learning_curves(np.random.default_rng(count), count, epochs)
    curves[::3, epochs // 2 :] = np.nan
    first = epochs // eta ** (rungs - 1)
    strategy = SuccessiveHalving(
        Numbered(), seed=0, max_epochs=epochs, eta=eta, min_epochs=first, architectures=count
    )
    bracket = None
    while bracket is None or not bracket.done:
        question = strategy.ask()
        bracket = bracket or strategy.brackets[0]
        value = curves[question.architecture, question.epochs - 1]
        strategy.tell(question, Score(float(value), 0.0, "curve"))
    found = CHAPTER.model_answers()["successive_halving"](curves, eta, rungs)
    on = [sorted(entry.architecture for entry in rung.entries) for rung in bracket.rungs]
    assert [sorted(part) for part in found["networks"]] == on
    assert found["epochs"] == [rung.epochs for rung in bracket.rungs]
    assert found["winner"] == promotable(bracket.rungs[-1])[0].architecture


def test_median_stopping_is_that_of_the_course():
    curves = _learning_curves(np.random.default_rng(0), 200, 9)
    for warmup, needed in ((1, 5), (3, 2)):
        epochs = replay(MedianRule(warmup, needed), curves)
        assert CHAPTER.model_answers()["median_stopping"](curves, warmup, needed) == epochs.tolist()
        assert 9 * len(curves) > epochs.sum()


def test_the_funnel_is_that_of_the_course():
    space = CHAPTER.model_answers()
    valid, test = space["VALID"], space["TEST"]
    cells = [cell for cell in valid if valid[cell][1] >= 0.2]
    found = funnel(
        lambda cell: Score(valid[cell][5], 5.0, "5 epochs"),
        lambda cell: Score(valid[cell][50], 50.0, "50 epochs"),
        cells,
        keep=2,
    )
    mine = space["funnel"](list(valid), 2, 0.2, space["measure_with"](valid, test))
    assert (mine["best"], mine["valid"]) == (found.best, found.score.value)
    assert mine["epochs"] == found.cost_seconds + len(valid) - len(cells)
    assert mine["reported"] == test[found.best][50]


def test_the_broken_funnel_goes_wrong_on_the_example_of_the_text():
    space, results = CHAPTER.model_answers(), set()
    for _ in range(40):
        measure = space["measure_with"](space["VALID"], space["TEST"])
        try:
            results.add(space["broken_funnel"](list(space["VALID"]), 2, 0.2, measure)["best"])
        except ValueError:  # everybody was given up
            continue
    assert len(results) > 1


def test_the_measure_of_the_checks_is_that_of_the_notebook():
    parts = {"valid": {"a": {1: 0.5, 5: 0.25, 50: 0.75}}, "test": {"a": {1: 0.0, 5: 0.5, 50: 1.0}}}
    measures = [
        eval(MEASURE.format(parts=repr(parts))),
        measure_with(parts),
        CHAPTER.model_answers()["measure_with"](parts["valid"], parts["test"]),
    ]
    for asked in (("a", 5, "test"), ("a", 50, "valid"), ("a", 5, "test"), ("a", 1, "test")):
        assert len({float(measure(*asked)) for measure in measures}) == 1
