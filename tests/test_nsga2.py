"""NSGA-II: fronts, crowding and hypervolume against definitions; a front that gets better."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nas_course import spaces
from nas_course.errors import InvalidInput
from nas_course.estimation import Score
from nas_course.strategies.black_box import NSGA2, RandomSearch, hypervolume
from nas_course.strategies.black_box.nsga2 import measure
from nas_course.strategies.black_box.pareto import crowding_distances, nondominated_fronts

SPACE = spaces.get("nas-bench-201")
# whole numbers from a small range, so that ties, copies and long chains are common
POINTS = st.integers(2, 3).flatmap(
    lambda objectives: arrays(
        float,
        st.tuples(st.integers(1, 25), st.just(objectives)),
        elements=st.integers(0, 5).map(float),
    )
)


def dominates(a, b):
    return all(x >= y for x, y in zip(a, b, strict=True)) and any(
        x > y for x, y in zip(a, b, strict=True)
    )


# ------------------------------------------------------------------------------- sorting by fronts


@given(points=POINTS)
def test_the_fronts_are_those_of_the_definition(points):
    """Take away what nothing left dominates, again and again."""
    left, expected = list(range(len(points))), []
    while left:
        front = [i for i in left if not any(dominates(points[j], points[i]) for j in left)]
        expected.append(front)
        left = [i for i in left if i not in front]
    assert nondominated_fronts(points) == expected


def test_a_chain_has_one_point_in_each_front_and_a_diagonal_only_one_front():
    chain = np.array([[k, k] for k in (2.0, 0.0, 3.0, 1.0)])
    assert nondominated_fronts(chain) == [[2], [0], [3], [1]]
    diagonal = np.array([[k, -k] for k in (2.0, 0.0, 3.0, 1.0)])
    assert nondominated_fronts(diagonal) == [[0, 1, 2, 3]]


def test_a_failed_point_stands_behind_all_others():
    points = np.array([[-math.inf, -math.inf], [0.0, 1.0], [-9.0, -9.0]])
    assert nondominated_fronts(points) == [[1], [2], [0]]


# ------------------------------------------------------------------------------- crowding distances


def test_crowding_distances_worked_out_by_hand():
    # by x: 0 1 4 10, span 10; by y: 0 2 5 6, span 6
    points = np.array([[0.0, 6.0], [1.0, 5.0], [4.0, 2.0], [10.0, 0.0]])
    inner = [4 / 10 + 4 / 6, 9 / 10 + 5 / 6]
    np.testing.assert_allclose(crowding_distances(points), [np.inf, *inner, np.inf])


@given(points=POINTS, seed=st.integers(0, 9))
def test_crowding_does_not_depend_on_the_scale_of_an_objective(points, seed):
    scale = np.random.default_rng(seed).uniform(0.1, 10, size=points.shape[1])
    np.testing.assert_allclose(crowding_distances(points), crowding_distances(points * scale))


@pytest.mark.parametrize("points", [np.zeros((4, 2)), np.full((3, 2), -np.inf), np.zeros((1, 3))])
def test_where_all_agree_no_distance_is_undefined(points):
    assert not np.isnan(crowding_distances(points)).any()


# ------------------------------------------------------------------------------------- hypervolume


@given(points=POINTS)
def test_the_hypervolume_is_that_of_inclusion_and_exclusion(points):
    """|A or B or ...| = sum over subsets of -(-1)^size times the box below their minimum."""
    points = points[:8]
    expected = 0.0
    for size in range(1, len(points) + 1):
        for subset in itertools.combinations(points, size):
            expected -= (-1) ** size * np.prod(np.min(subset, axis=0))
    assert hypervolume(points, np.zeros(points.shape[1])) == pytest.approx(expected)


@pytest.mark.parametrize("objectives", [2, 3])
def test_the_hypervolume_is_the_share_of_random_points_that_are_dominated(objectives):
    rng, draws = np.random.default_rng(0), 20_000
    points, reference = rng.uniform(-1, 1, size=(12, objectives)), np.full(objectives, -1.0)
    inside = np.zeros(draws, dtype=bool)
    thrown = rng.uniform(-1, 1, size=(draws, objectives))
    for point in points:
        inside |= (thrown <= point).all(axis=1)
    share = inside.mean()
    error = math.sqrt(share * (1 - share) / draws) * 2**objectives
    assert hypervolume(points, reference) == pytest.approx(share * 2**objectives, abs=4 * error)


@given(points=POINTS)
def test_dominated_points_and_copies_add_no_hypervolume(points):
    reference = np.full(points.shape[1], -1.0)
    front = points[nondominated_fronts(points)[0]]
    assert hypervolume(points, reference) == pytest.approx(hypervolume(front, reference))


def test_points_that_are_not_better_than_the_reference_add_nothing():
    assert hypervolume(np.array([[3.0, 0.0], [-1.0, 9.0]]), np.zeros(2)) == 0.0
    assert hypervolume(np.zeros((0, 2)), np.zeros(2)) == 0.0


def test_the_hypervolume_of_four_objectives_is_refused():
    with pytest.raises(InvalidInput, match="got 4 objectives; allowed: 2 or 3"):
        hypervolume(np.ones((1, 4)), np.zeros(4))


# ---------------------------------------------------------------------------------- the objectives


def test_an_objective_with_a_minus_is_to_be_small():
    score = Score(0.7, 0.0, "made up", (), {"parameters": 5.0})
    assert measure(score, ("value", "-parameters")) == (0.7, -5.0)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_failed_training_is_the_worst_in_every_objective(value):
    score = Score(value, 0.0, "made up", (), {"parameters": 5.0})
    assert measure(score, ("-parameters", "parameters")) == (-math.inf, -math.inf)


def test_an_unknown_objective_is_named_with_those_that_there_are():
    score = Score(0.7, 0.0, "made up", (), {"parameters": 5.0})
    with pytest.raises(InvalidInput, match=r"'latency'; allowed: 'value', 'parameters'"):
        measure(score, ("value", "-latency"))


@pytest.mark.parametrize("objectives", ["value", ("value",), ("value", "value"), tuple("abcd")])
def test_two_or_three_different_objectives_are_wanted(objectives):
    with pytest.raises(InvalidInput, match="two or three different names"):
        NSGA2(SPACE, seed=0, objectives=objectives)


# ------------------------------------------------------------------------------------- the strategy


def conflicting_score(architecture):
    """Accuracy needs large options, which cost parameters and, squared, multiply-adds."""
    indices = np.array(SPACE.indices(architecture), dtype=float)
    value = float(np.sqrt(indices * [1, 2, 3, 1, 2, 3]).sum())
    costs = {"parameters": float(indices.sum()), "multiply_adds": float((indices**2).sum())}
    return Score(value, 0.0, "made up", (), costs)


def run(strategy, evaluations):
    told = []
    for _ in range(evaluations):
        architecture = strategy.ask()
        told.append(conflicting_score(architecture))
        strategy.tell(architecture, told[-1])
    return told


TWO = ("value", "-parameters")
THREE = ("value", "-parameters", "-multiply_adds")


@pytest.mark.parametrize("objectives", [TWO, THREE])
def test_nothing_that_was_told_dominates_the_front_of_a_large_population(objectives):
    strategy = NSGA2(SPACE, seed=0, objectives=objectives, population_size=150)
    told = [measure(score, objectives) for score in run(strategy, 700)]
    front = {ranked.objectives for ranked in strategy.front()}
    points = np.array(sorted(set(told)))
    assert front == {tuple(points[row]) for row in nondominated_fronts(points)[0]}


@pytest.mark.parametrize("objectives", [TWO, THREE])
def test_the_front_covers_more_than_that_of_random_search(objectives):
    reference = measure(
        Score(0.0, 0.0, "worst", (), {"parameters": 25, "multiply_adds": 100}), objectives
    )

    def volume(strategy):
        points = [measure(score, objectives) for score in run(strategy, 300)]
        return hypervolume(np.array(points), np.array(reference))

    found = [
        volume(NSGA2(SPACE, seed=s, objectives=objectives, population_size=30)) for s in range(3)
    ]
    at_random = [volume(RandomSearch(SPACE, seed=seed)) for seed in range(3)]
    assert np.mean(found) > np.mean(at_random)


def test_the_population_keeps_its_size_has_no_copies_and_is_ordered_by_rank():
    strategy = NSGA2(SPACE, seed=0, population_size=20)
    run(strategy, 20)
    for _ in range(10):
        run(strategy, 20)
        assert len(set(strategy.population)) == len(strategy.population) == 20
        ranks = [ranked.rank for ranked in strategy.ranked]
        assert ranks == sorted(ranks)
    assert strategy.generation == 11


def test_of_the_last_front_the_loneliest_stay():
    """Four on one line and room for three: of the two inner ones the crowded one has to go."""
    strategy = NSGA2(SPACE, seed=0, population_size=3)
    cells = [SPACE.from_indices([0] * 5 + [k]) for k in range(4)]
    fillers = [SPACE.from_indices([1] * 5 + [k]) for k in range(2)]
    # value and parameters: as much better as larger, so that none on the line dominates another
    sizes = dict(zip(cells, (0, 1, 4, 10), strict=True))
    for cell in (*fillers, *cells):
        value, parameters = (sizes[cell], sizes[cell]) if cell in sizes else (-9, 99)
        strategy.tell(cell, Score(value, 0.0, "made up", (), {"parameters": parameters}))
    assert {member.architecture for member in strategy.population} == {*cells} - {cells[1]}


def test_the_best_value_and_the_smallest_network_are_never_lost():
    strategy = NSGA2(SPACE, seed=0, population_size=10)
    best, smallest = -math.inf, math.inf
    for score in (run(strategy, 1)[0] for _ in range(300)):
        best = max(best, score.value)
        smallest = min(smallest, score.measures["parameters"])
        points = [ranked.objectives for ranked in strategy.front()]
        assert max(point[0] for point in points) == best
        assert max(point[1] for point in points) == -smallest
