"""Strategies with a model of the scores: BANANAS, TPE and the Gaussian process of Optuna."""

import logging
from functools import cache

import numpy as np
import pytest
import torch

from nas_course import spaces
from nas_course.errors import InvalidInput
from nas_course.estimation import Score
from nas_course.estimation.training import NetworkBuilder
from nas_course.models import parameter_count
from nas_course.strategies.black_box import Bananas, OptunaSearch, RandomSearch
from nas_course.strategies.black_box.bananas import MOST_PATHS, path_encoding

SPACE = spaces.NASBench201Space()
BUILD = NetworkBuilder(channels=4, cells=1, classes=10, in_channels=3)
WANTED_PARAMETERS = 4_000


@cache
def nearness(cell):
    """A real measurement that needs no training: how near a network's size is to a wanted one."""
    network = BUILD(cell, torch.Generator().manual_seed(0))
    return -abs(parameter_count(network) - WANTED_PARAMETERS)


def matching_choices(cell):
    """A plain function for tests of the mechanics: on how many edges stands a 3x3 convolution."""
    return cell.operations.count("nor_conv_3x3")


def run(strategy, evaluations, value):
    asked = []
    for _ in range(evaluations):
        asked.append(strategy.ask())
        strategy.tell(asked[-1], Score(value(asked[-1]), 0.0, "exact"))
    return asked


def small_bananas(space, seed, **options):
    return Bananas(space, seed=seed, **{"members": 3, "width": 16, "steps": 50, **options})


MAKE = {
    "bananas": small_bananas,
    "tpe": lambda space, seed, **options: OptunaSearch(space, seed=seed, **options),
    "gp": lambda space, seed, **options: OptunaSearch(space, seed=seed, sampler="gp", **options),
}


def differing_choices(a, b):
    return sum(x != y for x, y in zip(SPACE.indices(a), SPACE.indices(b), strict=True))


@pytest.mark.parametrize(("name", "evaluations"), [("bananas", 40), ("tpe", 50)])
def test_networks_of_a_wanted_size_are_found_sooner_than_by_random_search(name, evaluations):
    def mean_best(make):
        runs = [[nearness(a) for a in run(make(seed), evaluations, nearness)] for seed in range(4)]
        return np.maximum.accumulate(runs, axis=1).mean(axis=0)

    searched = mean_best(lambda seed: MAKE[name](SPACE, seed))
    by_chance = mean_best(lambda seed: RandomSearch(SPACE, seed=seed))
    assert searched[-1] > by_chance[-1]
    assert searched[20:].mean() > by_chance[20:].mean()


@pytest.mark.parametrize("name", MAKE)
def test_nothing_is_asked_twice_under_any_name(name):
    asked = run(MAKE[name](SPACE, 0, initial=8), 14 if name == "gp" else 40, matching_choices)
    assert len({SPACE.canonical(cell) for cell in asked}) == len(asked)


@pytest.mark.parametrize("name", ["bananas", "tpe"])
def test_the_best_cell_of_a_plain_function_is_found(name):
    options = {"encode": SPACE.encode} if name == "bananas" else {}  # paths do not count edges
    asked = run(MAKE[name](SPACE, 1, initial=8, **options), 60, matching_choices)
    best = max(map(matching_choices, asked))
    assert best >= 5
    assert np.mean([matching_choices(cell) for cell in asked[:8]]) < np.mean(
        [matching_choices(cell) for cell in asked[-20:]]
    )


def test_a_gaussian_process_goes_on_as_if_never_interrupted():
    whole = OptunaSearch(SPACE, seed=3, sampler="gp", initial=4)
    run(whole, 6, matching_choices)
    pending = whole.ask()
    restored = OptunaSearch(SPACE, seed=99, sampler="gp", initial=4)
    restored.load_state_dict(whole.state_dict())
    for strategy in (whole, restored):
        strategy.tell(pending, Score(matching_choices(pending), 0.0, "exact"))
    assert run(whole, 2, matching_choices) == run(restored, 2, matching_choices)


def test_bananas_proposes_single_mutations_of_the_best_five_known_when_the_batch_began():
    strategy = small_bananas(SPACE, 0, initial=10, batch=10, parents=5)
    asked = run(strategy, 40, nearness)
    for start in (10, 20, 30):
        best = sorted(asked[:start], key=lambda cell: -nearness(cell))[:5]
        for proposed in asked[start : start + 10]:
            assert min(differing_choices(proposed, parent) for parent in best) == 1


def test_bananas_fits_once_for_each_batch(monkeypatch):
    fits = []
    fitted = Bananas._fitted
    monkeypatch.setattr(Bananas, "_fitted", lambda self: fits.append(1) or fitted(self))
    run(small_bananas(SPACE, 0, initial=5, batch=7), 5 + 3 * 7, matching_choices)
    assert len(fits) == 3


def test_bananas_falls_back_on_random_cells_when_nothing_new_is_near():
    class TwoCells:
        """A space that is used up at once."""

        name, cells = "two-cells", None
        encode = staticmethod(SPACE.encode)
        canonical = staticmethod(SPACE.canonical)
        members = tuple(list(SPACE)[:2])

        def sample(self, rng):
            return self.members[rng.integers(2)]

        def mutate(self, architecture, rng):
            return self.members[1 - self.members.index(architecture)]

    space = TwoCells()
    asked = run(small_bananas(space, 0, initial=2, batch=2), 10, matching_choices)
    assert set(asked) <= set(space.members)


@pytest.mark.parametrize("name", sorted(spaces.SPACES))
def test_the_path_encoding_of_every_space_stays_small_and_tells_cells_apart(name):
    space, rng = spaces.get(name), np.random.default_rng(0)
    encode = path_encoding(space)
    codes = [encode(space.sample(rng)) for _ in range(30)]
    assert len({len(code) for code in codes}) == 1 and len(codes[0]) <= MOST_PATHS
    assert len({code.tobytes() for code in codes}) > 10


def test_optuna_keeps_quiet_and_leaves_its_own_logging_as_it_was(capfd, caplog):
    import optuna

    before = optuna.logging.get_verbosity()
    with caplog.at_level(logging.DEBUG):
        run(OptunaSearch(SPACE, seed=0, initial=3), 6, matching_choices)
    assert optuna.logging.get_verbosity() == before
    out, err = capfd.readouterr()
    assert out == "" and err == ""


def test_optuna_tells_running_trials_from_told_ones():
    strategy = OptunaSearch(SPACE, seed=0, initial=3)
    first, second = strategy.ask(), strategy.ask()
    strategy.tell(second, Score(0.5, 0.0, "exact"))
    values = dict(map(tuple, strategy.state_dict()["trials"]))
    assert values == {str(first): None, str(second): 0.5}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OptunaSearch(SPACE, seed=0, sampler="tqe"), "sampler: got 'tqe'.*'tpe'"),
        (lambda: OptunaSearch(SPACE, seed=0, initial=0), "initial: got 0; allowed: 1 or more"),
        (lambda: OptunaSearch(SPACE, seed=0, tries=0), "tries: got 0; allowed: 1 or more"),
        (lambda: Bananas(SPACE, seed=0, batch=0), "batch: got 0; allowed: 1 or more"),
        (lambda: Bananas(SPACE, seed=0, candidates=5), r"allowed: batch \(10\) or more"),
        (lambda: Bananas(SPACE, seed=0, parents=0), "parents: got 0; allowed: 1 or more"),
    ],
)
def test_hyperparameters_outside_their_range_are_refused(make, message):
    with pytest.raises(InvalidInput, match=message):
        make()
