"""Proxies change what they name and nothing else; the funnel trains what it should."""

import math
import pickle

import numpy as np
import pytest
import torch

from nas_course import data, models, spaces
from nas_course.errors import InvalidInput
from nas_course.estimation import NetworkBuilder, Proxy, TrainingEstimate, funnel, measure_proxies
from nas_course.estimation.proxies import observe, quality
from nas_course.estimation.ranking import recall
from nas_course.estimation.score import Score
from nas_course.training import Recipe


@pytest.fixture(scope="module")
def full():
    digits = data.load("digits", train_images=80, valid_images=60, device="cpu")
    recipe = Recipe(epochs=4, batch_size=24, learning_rate=0.05)
    return TrainingEstimate(digits, recipe, NetworkBuilder.fitting(digits, channels=8, cells=1))


@pytest.fixture(scope="module")
def cells():
    rng = np.random.default_rng(0)
    return [spaces.NASBench201Space().sample(rng) for _ in range(3)]


def test_a_proxy_that_changes_nothing_is_the_full_estimate(full, cells):
    assert Proxy().of(full)(cells[0]) == full(cells[0]) and Proxy().name == "full"


def test_each_proxy_is_the_training_that_its_name_says(full, cells):
    fewer = Proxy(images=40, epochs=2).of(full)(cells[0])
    assert fewer.fidelity == "2 epochs on 40 images"
    assert Proxy(first_epochs=2).of(full)(cells[0]) == full(cells[0], epochs=2)
    assert Proxy(epochs=2).of(full)(cells[0]) != full(cells[0], epochs=2)  # another schedule
    narrow = Proxy(channels=4).of(full)(cells[0]).measures
    network = models.build_network(
        cells[0], channels=4, cells=1, classes=10, in_channels=1, generator=torch.Generator()
    )
    assert narrow["multiply_adds"] == models.multiply_adds(network, (1, 8, 8))
    assert narrow["parameters"] == models.parameter_count(network)


def test_a_smaller_image_holds_the_means_of_areas(full, cells):
    small = Proxy(side=4).of(full)
    assert small.data.image_size == 4
    by_hand = full.data.valid.images.reshape(-1, 1, 4, 2, 4, 2).mean(dim=(3, 5))
    assert torch.allclose(small.data.valid.images, by_hand, atol=1e-6)
    assert small.data.train.labels.equal(full.data.train.labels)
    assert 0 <= small(cells[0]).value <= 1


def test_proxies_travel_to_other_processes(full, cells):
    cheap = Proxy(images=40, first_epochs=1, channels=4).of(full, seed=3)
    assert pickle.loads(pickle.dumps(cheap))(cells[1]) == cheap(cells[1])


@pytest.mark.parametrize("proxy", [Proxy(side=3), Proxy(images=1_000), Proxy(epochs=0)])
def test_what_cannot_be_made_smaller_is_refused(full, proxy):
    with pytest.raises(InvalidInput):
        proxy.of(full)


def test_a_network_of_unknown_width_cannot_be_narrowed(full):
    other = TrainingEstimate(full.data, full.recipe, lambda a, g: full.build(a, g))
    with pytest.raises(InvalidInput, match="NetworkBuilder"):
        Proxy(channels=4).of(other)


def test_the_measured_rows_tell_cost_and_ranking(full, cells):
    proxies = [Proxy(images=40, first_epochs=2), Proxy(channels=4)]
    rows = measure_proxies(full, proxies, cells, np.random.default_rng(0), k=2)
    assert [row.name for row in rows] == ["full", "40 images + 2 first epochs", "4 channels"]
    assert rows[0].fewer_multiply_adds == 1
    assert rows[1].fewer_multiply_adds == pytest.approx(4)
    assert 3 < rows[2].fewer_multiply_adds <= 4  # convolutions cost the square, the stem less
    assert rows[1].speed_up > 1.2
    for row in rows:
        assert -1 <= row.kendall.low <= row.kendall.value <= row.kendall.high <= 1
        assert 0 <= row.top_overlap.value <= 1


def test_proxies_train_with_another_seed_than_what_they_predict(full, cells):
    reference, other = (observe(Proxy(), full, cells, seed) for seed in (None, 1))
    assert reference.values == tuple(full(cell).value for cell in cells) != other.values
    same = quality("same", reference, reference, np.random.default_rng(0), k=1)
    assert same.kendall.value == same.spearman.value == 1 == same.speed_up


class Counting:
    """A score for each whole number, and a count of how many were asked for."""

    def __init__(self, value, cost):
        self.value, self.cost, self.asked = value, cost, []

    def __call__(self, architecture):
        self.asked.append(architecture)
        return Score(self.value(architecture), self.cost, "made up")


def test_the_funnel_trains_in_full_only_what_looked_best():
    cheap, full = Counting(lambda n: n // 2, 1.0), Counting(lambda n: -abs(n - 7), 10.0)
    found = funnel(cheap, full, range(12), keep=5)
    assert cheap.asked == list(range(12))
    assert full.asked == [10, 11, 8, 9, 6]  # 6 and 7 tie: the first one
    assert found.best == 8  # 8 and 6 are equally near to 7, 8 looked better
    assert found.score.value == -1 and found.cost_seconds == 12 + 50
    values = [score.value for score in found.cheap], [-abs(n - 7) for n in range(12)]
    assert recall(*values, k=5, best=1) == pytest.approx(0.5)  # 7 gets through with chance 1/2


@pytest.mark.parametrize("keep", [0, 4, 1.0])
def test_a_funnel_that_keeps_none_or_too_many_is_refused(keep):
    with pytest.raises(InvalidInput, match="from 1 to 3"):
        funnel(math.sqrt, math.sqrt, [1, 2, 3], keep)
