"""Predictors: they learn what can be learnt, know what they do not know, and repeat themselves."""

import numpy as np
import pytest
import torch

from nas_course import spaces
from nas_course.errors import InvalidInput
from nas_course.estimation import spearman
from nas_course.estimation.predictors import (
    ForestPredictor,
    MeanPredictor,
    MLPEnsemble,
    RidgeEnsemble,
)
from nas_course.estimation.training import NetworkBuilder
from nas_course.models import multiply_adds

SPACE = spaces.NASBench201Space()
LEARNERS = {
    "ridge": lambda **options: RidgeEnsemble(SPACE.encode, **options),
    "forest": lambda **options: ForestPredictor(SPACE.encode, **{"members": 20, **options}),
    "mlp": lambda **options: MLPEnsemble(SPACE.encode, **{"steps": 100, **options}),
}


def sampled(count, seed=0):
    rng = np.random.default_rng(seed)
    return [SPACE.sample(rng) for _ in range(count)]


@pytest.fixture(scope="module")
def measured():
    """Real measurements that take no training: multiply-adds of 120 networks, in millions."""
    build = NetworkBuilder(channels=4, cells=1, classes=10, in_channels=3)
    cells = sampled(120)
    networks = [build(cell, torch.Generator().manual_seed(0)) for cell in cells]
    return cells, [multiply_adds(network, (3, 8, 8)) / 1e6 for network in networks]


@pytest.mark.parametrize("name", LEARNERS)
def test_multiply_adds_are_learnt_from_eighty_networks(name, measured):
    cells, values = measured
    predictor = LEARNERS[name]()
    predictor.fit(cells[:80], values[:80])
    mean, _ = predictor.predict(cells[80:])
    assert spearman(mean, values[80:]) > 0.8
    error = np.abs(mean - values[80:]).mean()
    assert error < 0.5 * np.abs(np.mean(values[:80]) - values[80:]).mean()


@pytest.mark.parametrize("name", LEARNERS)
def test_more_examples_leave_less_uncertainty(name, measured):
    cells, values = measured
    spreads = []
    for count in (8, 100):
        predictor = LEARNERS[name]()
        predictor.fit(cells[:count], values[:count])
        mean, spread = predictor.predict(cells[100:])
        assert mean.shape == spread.shape == (20,) and (spread >= 0).all()
        spreads.append(spread.mean())
    assert spreads[1] < spreads[0]


@pytest.mark.parametrize("name", LEARNERS)
def test_the_same_seed_gives_the_same_fit_whatever_was_fitted_before(name, measured):
    cells, values = measured
    fresh, used, other = LEARNERS[name](seed=3), LEARNERS[name](seed=3), LEARNERS[name](seed=4)
    used.fit(cells[50:80], values[50:80])
    torch.manual_seed(1)
    for predictor in (fresh, used, other):
        predictor.fit(cells[:40], values[:40])
    expected = fresh.predict(cells[80:])
    assert np.array_equal(expected, used.predict(cells[80:]))
    assert not np.array_equal(expected, other.predict(cells[80:]))


@pytest.mark.parametrize("name", [*LEARNERS, "mean"])
def test_values_that_are_all_equal_are_predicted_without_doubt(name):
    predictor = MeanPredictor() if name == "mean" else LEARNERS[name]()
    predictor.fit(sampled(20), [0.7] * 20)
    mean, spread = predictor.predict(sampled(5, seed=1))
    assert mean == pytest.approx(np.full(5, 0.7), abs=0.1 if name == "mlp" else 1e-9)
    if name != "mlp":  # whose members start apart and need not have met yet
        assert spread == pytest.approx(np.zeros(5), abs=1e-9)


def test_a_ridge_of_vanishing_penalty_recovers_a_linear_rule():
    cells = sampled(300)
    weights = np.random.default_rng(1).normal(size=len(SPACE.encode(cells[0])))
    values = [float(SPACE.encode(cell) @ weights) for cell in cells]
    predictor = RidgeEnsemble(SPACE.encode, penalty=1e-9)
    predictor.fit(cells[:250], values[:250])
    mean, spread = predictor.predict(cells[250:])
    assert mean == pytest.approx(values[250:], abs=1e-6)
    assert spread == pytest.approx(np.zeros(50), abs=1e-6)


def test_ridge_solves_the_penalised_least_squares_problem():
    cells = sampled(30)
    X = np.array([SPACE.encode(cell) for cell in cells])
    y = np.random.default_rng(2).normal(size=30)
    (w, bias), penalty = RidgeEnsemble(SPACE.encode, penalty=0.5)._solve(X, y), 0.5

    def objective(w, bias):
        return ((X @ w + bias - y) ** 2).sum() + penalty * (w**2).sum()

    least = objective(w, bias)
    for step in np.random.default_rng(3).normal(size=(50, len(w) + 1)) * 1e-3:
        assert objective(w + step[:-1], bias + step[-1]) > least


def test_members_trained_together_do_not_influence_each_other():
    cells = sampled(40)
    values = [float(SPACE.encode(cell)[::3].sum()) for cell in cells]
    predictor = LEARNERS["mlp"](members=3, steps=30)
    x = torch.tensor(np.array([SPACE.encode(cell) for cell in cells]), dtype=torch.float32)
    y = torch.tensor(values, dtype=torch.float32)
    generator = torch.Generator().manual_seed(0)
    together = predictor._initial_layers(x.shape[1], generator)
    draws = torch.randint(40, (30, 3, 32), generator=generator)
    alone = [
        tuple(tensor.detach()[1:2].clone().requires_grad_() for tensor in layer)
        for layer in together
    ]
    predictor._train(together, x, y, draws)
    predictor._train(alone, x, y, draws[:, 1:2])
    for whole, single in zip(together, alone, strict=True):
        assert torch.allclose(whole[0][1:2], single[0], atol=1e-5)


@pytest.mark.parametrize("name", LEARNERS)
def test_wrong_use_is_explained(name):
    predictor = LEARNERS[name]()
    with pytest.raises(InvalidInput, match="Call fit first"):
        predictor.predict(sampled(2))
    with pytest.raises(InvalidInput, match=r"got 2 architectures and values of shape \(3,\)"):
        predictor.fit(sampled(2), [1, 2, 3])
    with pytest.raises(InvalidInput, match="infinite or not a number"):
        predictor.fit(sampled(2), [1, float("nan")])
    with pytest.raises(InvalidInput, match="members: got 0"):
        LEARNERS[name](members=0)
