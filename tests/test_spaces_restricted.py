"""A part of NAS-Bench-201: fewer operations, the same promises, and searches that stay inside."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_course import data, methods, models, search, spaces, tabular
from nas_course.errors import InvalidInput
from nas_course.estimation import TableEstimate
from nas_course.leaderboard.random_cells import RandomCells
from nas_course.operations import NAS_BENCH_201_OPERATIONS
from nas_course.search import search_gradient
from nas_course.spaces import NASBench201Space
from nas_course.strategies.gradient import GradientSettings
from nas_course.tabular.supernet import tabular_supernet

WHOLE = NASBench201Space()
parts = st.permutations(NAS_BENCH_201_OPERATIONS).flatmap(
    lambda order: st.integers(2, 5).map(lambda count: NASBench201Space(order[:count]))
)
seeds = st.integers(0, 2**32 - 1)
SMALL = "nas-bench-201:skip_connect,nor_conv_3x3"


def inside(space, cell):
    return set(cell.operations) <= set(space.operations)


@settings(max_examples=15)
@given(parts)
def test_a_part_has_exactly_the_cells_of_the_whole_that_use_its_operations(space):
    cells = list(space)
    assert len(cells) == space.size == len(space.operations) ** 6
    assert set(cells) == {cell for cell in WHOLE if inside(space, cell)}


@given(parts, seeds)
def test_what_a_part_draws_and_changes_stays_inside(space, seed):
    rng = np.random.default_rng(seed)
    a, b = space.sample(rng), space.sample(rng)
    others = list(space.neighbors(a))
    assert len(set(others)) == len(others) == 6 * (len(space.operations) - 1)
    assert space.mutate(a, rng) in others
    assert all(inside(space, cell) for cell in (a, b, space.crossover(a, b, rng), *others))


@given(parts, seeds)
def test_texts_numbers_and_codes_of_a_part_lead_back_to_the_cell(space, seed):
    cell = space.sample(np.random.default_rng(seed))
    assert space.parse(str(cell)) == space.from_indices(space.indices(cell)) == cell
    code = space.encode(cell).reshape(6, len(space.operations))
    assert tuple(space.operations[column] for column in code.argmax(axis=1)) == cell.operations
    assert code.sum() == 6
    assert space.canonical(cell) == WHOLE.canonical(cell)


@given(parts)
def test_the_name_of_a_part_gives_it_again(space):
    again = spaces.get(space.name)
    assert again.operations == space.operations
    assert (space.name == "nas-bench-201") == (space.operations == WHOLE.operations)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nas-bench-201:skip_connect", "two or more of none, skip_connect"),
        ("nas-bench-201:skip_connect,skip_connect", "each once"),
        ("nas-bench-201:skip_connect,conv", "'conv'; allowed: 'none', 'skip_connect'"),
        ("nas-bench-201:", "operations"),
        ("darts:none,skip_connect", "Take 'darts' as it is"),
        ("nasbench", "space: got 'nasbench'"),
    ],
)
def test_a_part_that_is_none_is_refused_with_what_is_allowed(name, says):
    with pytest.raises(InvalidInput, match=says):
        spaces.get(name)


def test_a_cell_of_another_part_is_refused_by_the_operation_it_has_too_many():
    small, cell = spaces.get(SMALL), WHOLE.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    for use in (small.indices, small.encode, lambda c: list(small.neighbors(c))):
        with pytest.raises(InvalidInput, match="got 'none'; allowed: 'skip_connect', 'nor_conv"):
            use(cell)
    with pytest.raises(InvalidInput, match="edge 0-1: got 'none'"):
        small.parse(str(cell))


def test_the_supernet_of_a_part_has_its_operations_only():
    supernet = tabular_supernet(
        spaces.get(SMALL), channels=4, cells=1, classes=10, in_channels=1,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    assert supernet.alphas["cell"].shape == (6, 2)
    kinds = {type(module).__name__ for module in supernet.network.modules()}
    assert "AvgPool2d" not in kinds and "Zero" not in kinds
    bench = models.build_supernet(
        NASBench201Space(("avg_pool_3x3", "none")), channels=4, cells=1, classes=10, in_channels=1,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    assert bench(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


SETTINGS = GradientSettings(channels=4, cells=1, batch_size=16, alpha_learning_rate=0.1)


@pytest.fixture(scope="module")
def digits():
    return data.load("digits", train_images=32, valid_images=32, test_images=10, device="cpu")


RUNNING = [name for name in methods.names("gradient") if name != "p-darts"]


@pytest.mark.parametrize("name", RUNNING)
def test_every_gradient_method_derives_a_cell_of_the_part(name, digits):
    space = NASBench201Space(("nor_conv_1x1", "skip_connect", "none"))
    row = dataclasses.replace(methods.get(name), make_supernet=tabular_supernet)
    found = search_gradient(row, digits, settings=SETTINGS, space=space, epochs=1, progress=False)
    assert inside(space, found.architecture)


def test_what_a_method_needs_and_a_part_lacks_is_named(digits):
    poor = NASBench201Space(("nor_conv_1x1", "nor_conv_3x3"))
    for name, says in (("p-darts", "with 2 operations"), ("darts-skip-penalty", "'skip_connect'")):
        with pytest.raises(InvalidInput, match=says):
            search_gradient(name, digits, settings=SETTINGS, space=poor, epochs=1, progress=False)


def test_a_run_in_one_part_is_not_resumed_in_another(digits, tmp_path):
    run = {"settings": SETTINGS, "epochs": 1, "progress": False, "out": tmp_path}
    search_gradient("darts-1st", digits, space=SMALL, **run)
    with pytest.raises(InvalidInput, match="space"):
        search_gradient("darts-1st", digits, space="nas-bench-201", resume=True, **run)


def test_random_search_in_a_part_finds_its_best_cell_in_the_table():
    table = tabular.load()
    estimate = TableEstimate(table)
    found = search.search("random", estimate, space=SMALL, evaluations=64 * 8, progress=False)
    cells = list(spaces.get(SMALL))
    assert inside(spaces.get(SMALL), found.architecture)
    assert found.score.value == pytest.approx(max(table.value(cell) for cell in cells))


def test_random_cells_of_a_part_keep_the_regret_to_the_best_of_all():
    table = tabular.load()
    whole, part = RandomCells(table), RandomCells(table, spaces.get(SMALL))
    assert len(part.rows) == 64 and set(part.rows) < set(whole.rows)
    best = 100 * (table.best_test - part.accuracy.max())
    assert part.regret.min() == pytest.approx(best) and best > 0
    assert part.search(20.0)["final"]["mean"] < part.spread()["final"]["0.5"]
