"""The median rule: Vizier's sentence by brute force, real training, state, real curves."""

import json
import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas_course import data, spaces
from nas_course.errors import InvalidInput
from nas_course.estimation import (
    MedianRule,
    MedianStopping,
    NetworkBuilder,
    PointwiseMedianRule,
    TrainingEstimate,
)
from nas_course.estimation.score import Score
from nas_course.estimation.stages import stages
from nas_course.estimation.stopping import replay
from nas_course.training import Recipe

curve_sets = st.integers(2, 5).flatmap(
    lambda epochs: st.lists(
        st.lists(st.integers(0, 6).map(float), min_size=epochs, max_size=epochs),
        min_size=1,
        max_size=12,
    )
)


class Recorded:
    """An estimate that answers from stored curves: architecture i has the curve i."""

    continues = True

    def __init__(self, curves):
        self.curves, self.max_epochs = curves, len(curves[0])

    def __call__(self, architecture, epochs=None):
        epochs = epochs or self.max_epochs
        curve = tuple(self.curves[architecture][:epochs])
        return Score(curve[-1], float(epochs), f"{epochs} epochs", curve)


@given(curve_sets, st.integers(1, 3), st.integers(1, 4))
def test_the_rule_is_viziers_sentence(curves, warmup, first):
    assert_stops_by(MedianRule, statistics.fmean, curves, warmup, first)


@given(curve_sets, st.integers(1, 3), st.integers(1, 4))
def test_the_pointwise_rule_compares_with_the_values_of_the_same_epoch(curves, warmup, first):
    assert_stops_by(PointwiseMedianRule, lambda values: values[-1], curves, warmup, first)


def assert_stops_by(rule, compared, curves, warmup, first):
    """Go through every epoch of every training and ask the definition."""
    trained = replay(rule(warmup, first), np.array(curves))
    completed = []
    for curve, epochs in zip(curves, trained, strict=True):
        for t in range(1, epochs + 1):
            rivals = [compared(run[:t]) for run in completed]
            worse = len(completed) >= first and max(curve[:t]) < statistics.median(rivals)
            should_stop = worse and warmup < t < len(curve)
            assert should_stop == (t == epochs and epochs < len(curve))
        if epochs == len(curve):
            completed.append(curve)


@given(curve_sets)
def test_the_estimate_trains_as_far_as_the_replay_says(curves):
    estimate = MedianStopping(Recorded(curves), MedianRule(completed_first=2))
    scores = [estimate(i) for i in range(len(curves))]
    trained = replay(MedianRule(completed_first=2), np.array(curves))
    assert [len(score.curve) for score in scores] == trained.tolist()
    assert [score.cost_seconds for score in scores] == trained.tolist()
    assert [score.value for score in scores] == [
        curve[t - 1] for curve, t in zip(curves, trained, strict=True)
    ]
    assert estimate.saved == pytest.approx(1 - trained.sum() / np.size(curves))
    for score in scores:
        assert ("stopped" in score.fidelity) == (len(score.curve) < len(curves[0]))


@given(curve_sets, st.integers(0, 12))
def test_after_loading_a_state_it_stops_as_if_never_interrupted(curves, cut):
    whole, first = (
        MedianStopping(Recorded(curves), PointwiseMedianRule(completed_first=1)) for _ in range(2)
    )
    expected = [whole(i) for i in range(len(curves))]
    found = [first(i) for i in range(len(curves))[:cut]]
    second = MedianStopping(Recorded(curves), PointwiseMedianRule(completed_first=1))
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    found += [second(i) for i in range(len(curves))[cut:]]
    assert found == expected and second.saved == whole.saved


def test_asking_for_fewer_epochs_completes_nothing():
    estimate = MedianStopping(Recorded([[1.0, 2.0, 3.0]] * 3))
    assert estimate(0, 2).curve == (1.0, 2.0) and not estimate.rule.completed
    assert estimate(0).curve == (1.0, 2.0, 3.0) and len(estimate.rule.completed) == 1


def test_real_trainings_are_stopped_and_the_others_keep_their_score():
    digits = data.load("digits", train_images=120, valid_images=100, device="cpu")
    builder = NetworkBuilder.fitting(digits, channels=4, cells=1)
    plain = TrainingEstimate(digits, Recipe(epochs=6, batch_size=24, learning_rate=0.05), builder)
    space, rng = spaces.NASBench201Space(), np.random.default_rng(0)
    cells = [space.sample(rng) for _ in range(7)]
    cells.append(space.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"))
    estimate = MedianStopping(plain, MedianRule(completed_first=3))
    scores = [estimate(cell) for cell in cells]
    full = [plain(cell) for cell in cells]
    assert replay(MedianRule(completed_first=3), np.array([s.curve for s in full])).tolist() == [
        len(score.curve) for score in scores
    ]
    assert len(scores[-1].curve) < 6 and estimate.saved > 0  # a cell without a path never learns
    for stopped, whole in zip(scores, full, strict=True):
        assert stopped.curve == whole.curve[: len(stopped.curve)]
        assert replace(stopped, fidelity=whole.fidelity) == whole or len(stopped.curve) < 6


def test_an_estimate_that_trains_from_scratch_each_time_cannot_be_watched():
    with pytest.raises(InvalidInput, match="KeptTraining"):
        next(stages(lambda architecture, epochs: None, "cell"))


@pytest.mark.parametrize("arguments", [{"warmup": 0}, {"completed_first": 0}, {"warmup": 1.5}])
def test_settings_that_make_no_sense_are_refused(arguments):
    with pytest.raises(InvalidInput, match="whole number"):
        MedianRule(**arguments)


def test_completed_curves_have_one_length():
    rule = MedianRule()
    rule.complete([1.0, 2.0])
    with pytest.raises(InvalidInput, match="expected 2"):
        rule.complete([1.0])


CURVES = Path(__file__).parents[2] / "shared/data/nas/spikenas_curves_cifar10.npz"


@pytest.mark.skipif(not CURVES.exists(), reason="the published curves are not shipped")
@pytest.mark.parametrize(
    ("rule", "saves"), [(MedianRule(1), (0.05, 0.4)), (PointwiseMedianRule(20), (0.5, 0.9))]
)
def test_on_published_curves_it_saves_epochs_and_mostly_keeps_the_best(rule, saves):
    with np.load(CURVES) as stored:
        curves = stored["val_acc_x50"][stored["epochs"] == 100] / 50
    saved, lost = [], []
    for seed in range(10):
        chosen = curves[np.random.default_rng(seed).choice(len(curves), 200, replace=False)]
        rule.load_state_dict({"completed": []})
        trained = replay(rule, chosen)
        saved.append(1 - trained.mean() / 100)
        lost.append(chosen[:, -1].max() - chosen[trained == 100, -1].max())
    assert saves[0] < np.mean(saved) < saves[1]
    assert np.median(lost) <= 0.1  # percentage points
