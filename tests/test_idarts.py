"""iDARTS as a row: its options, and that it is DARTS with another hypergradient and more steps."""

import pytest
import torch
from small_search import SETTINGS, data, run

from nas_course import methods
from nas_course.errors import InvalidInput
from nas_course.strategies.gradient import Neumann

__all__ = ["data"]  # the fixture


def idarts(**options):
    return methods.get("idarts").with_options(**options)


def test_the_defaults_are_those_of_the_thesis():
    options = methods.get("idarts").options()
    assert (options["weight_steps"], options["terms"]) == (4, 2)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1, weight_decay=0.01)
    parts = methods.get("idarts").make_parts()
    hypergradient = parts.make_hypergradient(optimizer)
    assert isinstance(hypergradient, Neumann) and hypergradient.terms == 2
    assert hypergradient.step.size == 0.1 and hypergradient.weight_decay == 0.01


@pytest.mark.parametrize(
    "bad", [{"terms": -1}, {"weight_steps": 0}, {"growth_limit": 0.0}, {"power_iterations": -1}]
)
def test_options_out_of_range_are_refused_before_anything_is_loaded(bad):
    with pytest.raises(InvalidInput, match=r"got .*; allowed"):
        idarts(**bad)


def test_the_alphas_move_in_one_of_four_steps(data):
    search = methods.get("idarts").build(*_arguments(data), seed=0, steps_total=8)
    batch = data.train.images[:8], data.train.labels[:8]
    moved = []
    for _ in range(8):
        before = search.alphas()["cell"]
        metrics = search.step(batch, batch)
        moved.append(not torch.equal(before, search.alphas()["cell"]))
        assert (metrics["valid_loss"] is not None) == moved[-1]
    assert moved == [True, False, False, False] * 2


def _arguments(data):
    from nas_course.spaces import NASBench201Space

    return NASBench201Space(), data, SETTINGS


@pytest.mark.filterwarnings("ignore::nas_course.strategies.gradient.hypergradients.SeriesGrows")
def test_more_terms_are_another_search_and_the_same_seed_the_same(data):
    first, again, longer = (run(data, idarts(terms=k, weight_steps=1)) for k in (0, 0, 2))
    assert first.history.alphas("cell")[-1].tolist() == again.history.alphas("cell")[-1].tolist()
    assert first.history.alphas("cell")[-1].tolist() != longer.history.alphas("cell")[-1].tolist()
