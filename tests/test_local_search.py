"""Local search: looks at every neighbour, moves uphill only, starts anew at a local optimum."""

import itertools
import math

import pytest

from nas_course import spaces
from nas_course.errors import InvalidInput
from nas_course.estimation import Score
from nas_course.strategies.black_box import LocalSearch

SPACE = spaces.get("nas-bench-201")
TARGET = SPACE.from_indices([4, 2, 0, 1, 3, 3])


def score(value):
    return Score(value, 0.0, "made up")


def matches(architecture):
    """The number of choices as in the target: one hill, its top is the target."""
    pairs = zip(SPACE.indices(architecture), SPACE.indices(TARGET), strict=True)
    return float(sum(a == b for a, b in pairs))


def rugged(architecture):
    """A value without any structure: many local optima."""
    return math.sin(sum(5**k * i for k, i in enumerate(SPACE.indices(architecture))) * 12.9898)


def places_and_asks(strategy, value, evaluations):
    """Return (where the search stood when it asked, what it asked) for every evaluation."""
    course = []
    for _ in range(evaluations):
        place = strategy.current
        course.append((place.architecture if place else None, strategy.ask()))
        strategy.tell(course[-1][1], score(value(course[-1][1])))
    return course


@pytest.mark.parametrize("move", ["best", "first"])
@pytest.mark.parametrize("seed", range(5))
def test_on_one_hill_it_reaches_the_top(move, seed):
    # a start, then at most 6 moves of 24 looks each
    course = places_and_asks(LocalSearch(SPACE, seed=seed, move=move), matches, 1 + 6 * 24)
    assert TARGET in [asked for _, asked in course]


def test_on_one_hill_each_move_to_the_best_neighbour_matches_one_more_choice():
    course = places_and_asks(LocalSearch(SPACE, seed=0), matches, 200)
    places = [place for place, _ in course if place]
    moves = [(a, b) for a, b in itertools.pairwise(places) if a != b]
    uphill = [matches(b) - matches(a) for a, b in moves if a != TARGET]
    assert uphill
    assert set(uphill) == {1.0}


@pytest.mark.parametrize("move", ["best", "first"])
def test_all_neighbours_are_seen_before_a_place_is_given_up(move):
    strategy = LocalSearch(SPACE, seed=0, move=move)
    looked, given_up = set(), 0
    for _ in range(1_500):
        place, restarts = strategy.current, strategy.restarts
        architecture = strategy.ask()
        looked.add(architecture)
        strategy.tell(architecture, score(rugged(architecture)))
        if strategy.restarts > restarts:
            neighbors = set(SPACE.neighbors(place.architecture))
            assert neighbors <= looked
            assert max(map(rugged, neighbors)) <= place.value
            given_up += 1
        if strategy.current != place:
            looked = set()
    assert given_up > 5


def test_it_looks_at_the_neighbours_in_random_order():
    first_looks = set()
    for seed in range(20):
        strategy = LocalSearch(SPACE, seed=seed)
        strategy.tell(TARGET, score(1.0))
        first_looks.add(strategy.ask())
    assert len(first_looks) > 8


def test_the_best_move_goes_to_the_best_of_all_neighbours():
    strategy = LocalSearch(SPACE, seed=0)
    strategy.tell(TARGET, score(-2.0))  # below every value of `rugged`
    places_and_asks(strategy, rugged, 24)
    assert strategy.current.architecture == max(SPACE.neighbors(TARGET), key=rugged)
    assert strategy.current.parent == TARGET


def test_the_first_move_goes_to_the_first_better_neighbour():
    strategy = LocalSearch(SPACE, seed=0, move="first")
    strategy.tell(TARGET, score(0.0))
    for place, looked_at in places_and_asks(strategy, rugged, 24):
        if place == TARGET and rugged(looked_at) > 0:
            break
    assert strategy.current.value > 0


def test_asks_beyond_the_last_neighbour_are_starting_points_of_later_restarts():
    strategy = LocalSearch(SPACE, seed=0)
    strategy.tell(TARGET, score(9.0))
    neighbors = [strategy.ask() for _ in range(24)]
    start = strategy.ask()
    assert set(neighbors) == set(SPACE.neighbors(TARGET))
    for architecture in (start, *neighbors):
        strategy.tell(architecture, score(0.0))
    assert strategy.restarts == 1
    assert strategy.current.architecture == start


def test_a_diverged_start_is_left_for_any_neighbour_that_trained():
    strategy = LocalSearch(SPACE, seed=0, move="first")
    strategy.tell(TARGET, score(math.nan))
    strategy.tell(strategy.ask(), score(0.1))
    assert strategy.current.value == 0.1


def test_equal_neighbours_are_no_reason_to_move():
    strategy = LocalSearch(SPACE, seed=0)
    strategy.tell(TARGET, score(0.5))
    for _ in range(24):
        strategy.tell(strategy.ask(), score(0.5))
    assert strategy.restarts == 1


def test_a_wrong_move_is_named():
    with pytest.raises(InvalidInput, match="'best', 'first'"):
        LocalSearch(SPACE, seed=0, move="last")
