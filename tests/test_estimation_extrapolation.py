"""Extrapolation: exact curves are recovered, noise is admitted, real curves decide its worth."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_course.errors import InvalidInput
from nas_course.estimation import CurveRegression, ExtrapolatedEstimate, extrapolate, last_value
from nas_course.estimation.extrapolation import FAMILIES
from nas_course.estimation.ranking import kendall
from nas_course.estimation.score import Score

T = np.arange(1, 101.0)
EXACT = {  # written as in Domhan et al., table 1
    "pow3": 0.9 - 0.6 * T**-0.7,
    "ilog2": 0.85 - 0.4 / np.log(T + 1),
    "log power": 0.8 / (1 + (T / np.exp(1.2)) ** -0.9),
    "MMF": 0.9 - (0.9 - 0.2) / (1 + (0.2 * T) ** 1.3),
    "Weibull": 0.92 - (0.92 - 0.12) * np.exp(-((0.15 * T) ** 0.8)),
}


def test_every_family_has_an_exact_curve_here():
    assert set(EXACT) == {family.name for family in FAMILIES}


@pytest.mark.parametrize("name", EXACT)
def test_an_exact_curve_of_a_family_is_recovered_from_its_beginning(name):
    forecast = extrapolate(EXACT[name][:12], to_epoch=100)
    assert forecast.mean == pytest.approx(EXACT[name][-1], abs=2e-3)
    own = forecast.predictions[forecast.families.index(name)]
    assert own == pytest.approx(EXACT[name][-1], abs=5e-4)
    assert forecast.sd < 0.01


def test_the_other_names_of_table_1_are_the_same_curves():
    hill3 = 0.7 * T**1.1 / (4.0**1.1 + T**1.1)
    assert extrapolate(hill3[:10], 100).mean == pytest.approx(hill3[-1], abs=2e-3)
    exp4 = 0.9 - np.exp(-0.3 * T**0.6 + math.log(0.8))
    janoschek = 0.9 - (0.9 - 0.1) * np.exp(-0.3 * T**0.6)
    assert np.allclose(exp4, janoschek)
    assert extrapolate(exp4[:14], 100).mean == pytest.approx(exp4[-1], abs=5e-3)


def test_many_curves_at_once_are_fitted_like_each_alone():
    rng = np.random.default_rng(0)
    curves = np.stack(list(EXACT.values()))[:, :8] + 0.01 * rng.normal(size=(5, 8))
    many = extrapolate(np.tile(curves, (60, 1)), 30)  # more than are fitted together
    for i, curve in enumerate(curves):
        alone = extrapolate(curve, 30)
        for name in ("mean", "sd", "predictions", "weights"):
            assert np.allclose(getattr(many, name)[295 + i], getattr(alone, name))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=4, max_size=9), st.integers(1, 50))
def test_any_curve_has_a_forecast_between_0_and_1(curve, further):
    forecast = extrapolate(curve, len(curve) + further)
    assert 0 <= forecast.mean <= 1 and math.isfinite(forecast.sd)
    assert forecast.weights.sum() == pytest.approx(1) and (forecast.weights >= 0).all()
    below, above = (forecast.probability_above(best) for best in (0.2, 0.8))
    assert 0 <= above <= below <= 1


def test_percentages_are_extrapolated_like_fractions():
    curve = EXACT["pow3"][:10] + 0.01 * np.random.default_rng(0).normal(size=10)
    small, large = extrapolate(curve, 50), extrapolate(100 * curve, 50, highest=100)
    assert large.mean == pytest.approx(100 * small.mean, rel=1e-6)
    assert large.sd == pytest.approx(100 * small.sd, rel=1e-6)


def test_uncertainty_grows_with_noise_and_distance_and_mostly_covers_the_end():
    rng = np.random.default_rng(0)
    truth = 0.9 - 0.6 * T ** -rng.uniform(0.5, 1.0, size=(200, 1))
    sds = {}
    for noise in (0.003, 0.02):
        seen = truth[:, :15] + noise * rng.normal(size=(200, 15))
        near, far = extrapolate(seen, 20), extrapolate(seen, 100)
        assert np.median(near.sd) < np.median(far.sd)
        sds[noise] = np.median(far.sd)
        covered = np.abs(truth[:, 99] - far.mean) < 1.96 * far.sd
        assert covered.mean() > 0.6
    assert sds[0.003] < sds[0.02] / 2


@pytest.mark.parametrize(
    ("curve", "to_epoch", "message"),
    [
        ([0.1, 0.2, 0.3], 9, "at least 4"),
        ([0.1, 0.2, 0.3, math.nan], 9, "not a number"),
        ([0.1, 0.2, 0.3, 0.4], 4, "already has 4"),
        ([[[0.1] * 4]], 9, "shape"),
    ],
)
def test_curves_that_cannot_be_extrapolated_are_refused(curve, to_epoch, message):
    with pytest.raises(InvalidInput, match=message):
        extrapolate(curve, to_epoch)


class PowerLaws:
    """An estimate whose architecture is the end of its own power law, plus what it was asked."""

    continues, max_epochs = True, 40

    def __init__(self):
        self.asked = 0

    def __call__(self, architecture, epochs=None):
        self.asked = max(self.asked, epochs)
        curve = tuple(architecture - 0.5 * t**-1.0 for t in range(1, epochs + 1))
        return Score(curve[-1], float(epochs), f"{epochs} epochs", curve, {"parameters": 7})


def test_an_extrapolated_estimate_trains_only_the_first_epochs():
    inner = PowerLaws()
    score = ExtrapolatedEstimate(inner, epochs=6)(0.8)
    assert inner.asked == 6 == score.cost_seconds == len(score.curve)
    assert score.value == pytest.approx(0.8 - 0.5 / 40, abs=1e-3)
    assert score.measures["parameters"] == 7 and score.measures["forecast_sd"] >= 0
    assert "extrapolated to epoch 40" in score.fidelity


@pytest.mark.parametrize("epochs", [3, 40, 41])
def test_an_extrapolation_from_too_little_or_too_much_is_refused(epochs):
    with pytest.raises(InvalidInput):
        ExtrapolatedEstimate(PowerLaws(), epochs)


def test_regression_learns_a_linear_relation_and_chooses_its_penalty_by_leaving_out():
    rng = np.random.default_rng(0)
    beginnings = rng.uniform(size=(60, 3))
    ends = 0.2 + beginnings @ [0.1, -0.3, 0.9]
    exact = CurveRegression().fit(beginnings[:40], ends[:40])
    assert np.allclose(exact.predict(beginnings[40:]), ends[40:], atol=1e-3)
    noisy = ends + 0.3 * rng.normal(size=60)
    found = CurveRegression().fit(beginnings[:12], noisy[:12])
    assert found.penalty > exact.penalty and found.sd > exact.sd
    errors = []  # the closed form of leaving one out, by really leaving it out
    for i in range(12):
        rest = np.arange(12) != i
        x = np.hstack([beginnings[:12], np.diff(beginnings[:12]), np.diff(beginnings[:12], 2)])
        x = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-12)
        mean = noisy[:12][rest].mean()
        centred = x[rest] - x[rest].mean(axis=0)
        gram = centred.T @ centred + 12 * found.penalty * np.eye(6)
        weights = np.linalg.solve(gram, centred.T @ (noisy[:12][rest] - mean))
        errors.append(noisy[i] - mean - (x[i] - x[rest].mean(axis=0)) @ weights)
    assert found.sd == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=1e-9)


def test_regression_says_what_it_lacks():
    with pytest.raises(InvalidInput, match="fit first"):
        CurveRegression().predict([[0.1, 0.2]])
    with pytest.raises(InvalidInput, match="at least 3"):
        CurveRegression().fit([[0.1, 0.2]] * 2, [0.3, 0.4])


REAL = Path(__file__).parents[2] / "shared/data/nas"


@pytest.mark.skipif(not REAL.exists(), reason="the published curves are not shipped")
def test_on_published_curves_it_comes_nearer_but_ranks_worse_than_the_last_value():
    with np.load(REAL / "spikenas_curves_cifar10.npz") as stored:
        curves = stored["val_acc_x50"][stored["epochs"] == 100] / 5000
    curves = curves[np.random.default_rng(0).choice(len(curves), 300, replace=False)]
    end, seen = curves[:, -1], curves[:, :12]
    forecast, last = extrapolate(seen, 100).mean, last_value(seen, 100)
    assert np.abs(forecast - end).mean() < 0.75 * np.abs(last - end).mean()
    assert kendall(forecast, end) < kendall(last, end) - 0.1
    learned = CurveRegression().fit(seen[:100], end[:100]).predict(seen[100:])
    assert kendall(learned, end[100:]) > kendall(last[100:], end[100:])


@pytest.mark.skipif(not REAL.exists(), reason="the published curves are not shipped")
def test_on_published_darts_curves_the_late_rise_of_the_cosine_comes_as_a_surprise():
    with np.load(REAL / "darts_random214.npz") as stored:
        curves = stored["test_acc_x100"] / 10_000
    end, seen = curves[:, -1], curves[:, :50]
    forecast = extrapolate(seen, 600)
    assert np.abs(forecast.mean - end).mean() < np.abs(last_value(seen, 600) - end).mean()
    assert (forecast.mean + 1.96 * forecast.sd < end).mean() > 0.5  # 0.025 if it were right
    assert kendall(forecast.mean, end) < kendall(seen[:, -1], end)
