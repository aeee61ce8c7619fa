"""The registry: every row builds, steps and cites, and a wrong name gets the right ones."""

from __future__ import annotations

import math
import re

import pytest
import torch

from nas_course import methods, spaces
from nas_course.errors import InvalidInput
from nas_course.models.fast_supernet import FastDARTSSupernet
from nas_course.strategies.black_box import Partial
from nas_course.strategies.gradient import FirstOrder, GradientSettings, Unrolled

PLACES = {
    "gradient": {"relaxation", "hypergradient", "alpha optimizer", "regularizer", "discretization"},
    "black-box": {"proposal", "selection", "model", "fidelity"},
}
BLACK_BOX = [
    "random",
    "local-search",
    "genetic",
    "regularized-evolution",
    "epsilon-greedy",
    "reinforce",
    "bananas",
    "tpe",
    "gp",
    "successive-halving",
    "hyperband",
    "asha",
    "bohb",
    "nsga2",
]
GRADIENT = [
    "darts-1st",
    "darts-2nd",
    "gdas",
    "snas",
    "pc-darts",
    "darts-minus",
    "darts-skip-penalty",
    "darts-early-stop",
    "r-darts",
    "p-darts",
    "darts-pt",
    "sdarts-rs",
    "sdarts-adv",
    "idarts",
    "hyperdarts-1",
    "hyperdarts-2",
    "balenas-1st",
    "balenas-2nd",
]
SIZES = {"darts": 3, "nas-bench-201": 1}


def build(name, data, space="nas-bench-201", seed=0):
    settings = GradientSettings(channels=4, cells=SIZES[space], batch_size=8)
    return methods.get(name).build(spaces.get(space), data, settings, seed, 6)


def test_the_names_of_the_registry_are_those_of_the_course():
    assert methods.names("gradient") == GRADIENT
    assert methods.names("black-box") == BLACK_BOX
    assert [method.name for method in methods.all_methods()] == [*GRADIENT, *BLACK_BOX]
    with pytest.raises(InvalidInput, match="family: got 'evolution'; allowed: 'gradient'"):
        methods.names("evolution")


@pytest.mark.parametrize("method", methods.all_methods(), ids=lambda method: method.name)
def test_every_method_is_found_by_its_name_and_says_where_it_comes_from(method):
    assert methods.get(method.name) is method
    assert method in methods.FAMILIES[method.family]
    assert set(method.parts) == PLACES[method.family]
    assert all(part and "\n" not in part for part in method.parts.values())
    assert re.search(r'^\w.*, "[^"]+", .*(19|20)\d\d', method.citation)


@pytest.mark.parametrize("method", methods.BLACK_BOX, ids=lambda method: method.name)
def test_every_black_box_method_is_made_for_every_space_and_asks(method):
    for name, options in (("nas-bench-201", {}), ("darts", method.options())):
        space = spaces.get(name)
        strategy = method.make(space, seed=0, max_epochs=9, **options)
        asked = strategy.ask()
        architecture = asked.architecture if isinstance(asked, Partial) else asked
        assert space.parse(str(architecture)) == architecture
        assert isinstance(asked, Partial) == method.partial


@pytest.mark.parametrize("method", methods.BLACK_BOX, ids=lambda method: method.name)
def test_an_unknown_option_is_answered_with_the_known_ones(method):
    with pytest.raises(InvalidInput, match=f"option of {method.name}: got 'speed'; allowed:"):
        method.make(spaces.get("nas-bench-201"), seed=0, max_epochs=9, speed=11)
    assert {"space", "seed", "max_epochs", "self"}.isdisjoint(method.options())


@pytest.mark.parametrize("space", SIZES)
@pytest.mark.parametrize("method", methods.GRADIENT, ids=lambda method: method.name)
def test_every_gradient_method_takes_a_step_in_every_space(method, space, digits):
    search = build(method.name, digits, space)
    batch = (digits.train.images[:8], digits.train.labels[:8])
    before = search.alphas()
    valid = (digits.valid.images[:8], digits.valid.labels[:8])
    metrics = search.step(batch, valid)
    while metrics["valid_loss"] is None:  # some methods leave the alphas alone at first
        assert search.steps < search.steps_total
        metrics = search.step(batch, valid)
    assert all(value >= 0 for value in metrics.values())
    assert all(not torch.equal(before[cell], after) for cell, after in search.alphas().items())
    assert spaces.get(space).parse(str(search.architecture())) == search.architecture()


@pytest.mark.parametrize("method", methods.GRADIENT, ids=lambda method: method.name)
def test_the_options_of_a_gradient_method_decide_its_parts(method):
    with pytest.raises(InvalidInput, match=f"option of {method.name}: got 'speed'"):
        method.with_options(speed=11)
    for name, default in method.options().items():
        for wrong in ("?" if not isinstance(default, str) else 3, math.inf, math.nan):
            with pytest.raises(InvalidInput, match=f"{name}: got"):
                method.with_options(**{name: wrong})
    same = method.with_options(**method.options())
    assert same.options() == method.options()
    assert same.make_parts(**same.fixed).weight_steps == method.make_parts().weight_steps


def test_the_two_orders_of_darts_differ_in_the_hypergradient_only(digits):
    first, second = (build(name, digits) for name in ("darts-1st", "darts-2nd"))
    assert isinstance(first.hypergradient, FirstOrder)
    assert isinstance(second.hypergradient, Unrolled)
    ours, theirs = first.supernet.state_dict(), second.supernet.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


PLAIN = {"gdas", "pc-darts", "darts-minus", "r-darts", "p-darts", "idarts"}
PLAIN |= {"hyperdarts-1", "hyperdarts-2"}


@pytest.mark.parametrize("method", methods.GRADIENT, ids=lambda method: method.name)
def test_the_fast_engine_serves_what_it_can_and_says_what_it_cannot(method, digits):
    space = spaces.get("darts")
    sizes = {"channels": 4, "cells": 3, "batch_size": 8}
    searches = {
        engine: method.build(space, digits, GradientSettings(**sizes, engine=engine), 0, 6)
        for engine in ("auto", "plain")
    }
    fast = isinstance(searches["auto"].supernet, FastDARTSSupernet)
    assert fast == (method.name not in PLAIN)
    assert not isinstance(searches["plain"].supernet, FastDARTSSupernet)
    images = digits.valid.images[:8]
    auto, plain = (search.supernet(images) for search in searches.values())
    torch.testing.assert_close(auto, plain, rtol=1e-4, atol=1e-4)
    if not fast:
        with pytest.raises(InvalidInput, match=f"engine: got 'fast', but {method.name} has"):
            method.build(space, digits, GradientSettings(**sizes, engine="fast"), 0, 6)


def test_the_seed_decides_the_initial_supernet(digits):
    weights = [build("darts-1st", digits, seed=seed).weights[0] for seed in (0, 0, 1)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_an_unknown_method_is_answered_with_the_names_and_the_closest_one():
    with pytest.raises(InvalidInput, match=r"'darts-1st', 'darts-2nd'.*Did you mean 'darts-2nd'"):
        methods.get("darts-2d")
