"""Evolution: who is selected, what children are made of, who dies, and that the time is linear."""

import io
import sys
from collections import Counter, deque

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from nas_course import spaces
from nas_course.errors import InvalidInput
from nas_course.estimation import Score
from nas_course.strategies.black_box import (
    EpsilonGreedy,
    GeneticAlgorithm,
    RandomSearch,
    RegularizedEvolution,
)
from nas_course.strategies.black_box.breeding import Variation, tournament
from nas_course.strategies.black_box.population import Births, Member, value_of

SPACE = spaces.get("nas-bench-201")
CONSTANT = Score(0.5, 0.0, "constant")
SURELY = 1e-4  # a fair draw fails a test of this level once in 10,000 seeds; the seeds are fixed


def score(value):
    return Score(value, 0.0, "made up")


def weights(space):
    """Return one number per option of each choice; the value of an architecture is their mean."""
    rng = np.random.default_rng(7)
    return [rng.normal(size=len(choice.options)) for choice in space.choices]


def additive_value(space):
    """A task without interactions: every choice can be made better by itself."""
    table = weights(space)

    def value(architecture):
        indices = space.indices(architecture)
        return float(np.mean([row[k] for row, k in zip(table, indices, strict=True)]))

    return value


def run(strategy, value, evaluations):
    """Ask and tell in turn; return the values in order."""
    values = []
    for _ in range(evaluations):
        architecture = strategy.ask()
        values.append(value(architecture))
        strategy.tell(architecture, score(values[-1]))
    return values


# ------------------------------------------------------------------------------ random search


def test_random_search_is_uniform_over_the_options_of_every_pair_of_choices():
    strategy = RandomSearch(SPACE, seed=0)
    drawn = np.array([SPACE.indices(strategy.ask()) for _ in range(20_000)])
    for first in range(6):
        for second in range(first):
            cells = np.bincount(drawn[:, first] * 5 + drawn[:, second], minlength=25)
            assert chisquare(cells).pvalue > SURELY


# ------------------------------------------------------------------------- tournament selection


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_tournament_is_won_as_often_as_the_formula_says(size):
    count, draws, rng = 8, 20_000, np.random.default_rng(0)
    population = [Member(str(k), value=float(k), born=k) for k in range(count)]
    won = Counter(tournament(population, size, rng, value_of).architecture for _ in range(draws))
    ranks = np.arange(count, 0, -1)  # member 0 has the lowest value, so rank N
    expected = ((count - ranks + 1) ** size - (count - ranks) ** size) / count**size * draws
    assert chisquare([won[str(k)] for k in range(count)], expected).pvalue > SURELY


def test_equal_members_win_a_tournament_equally_often():
    rng = np.random.default_rng(0)
    population = deque(Member(str(k), value=0.5, born=k) for k in range(5))
    won = Counter(tournament(population, 3, rng, value_of).architecture for _ in range(5_000))
    assert chisquare([won[str(k)] for k in range(5)]).pvalue > SURELY


# ------------------------------------------------------------------------ crossover and mutation

EVERY_SPACE = sorted(spaces.SPACES)


@pytest.mark.parametrize("name", EVERY_SPACE)
@pytest.mark.parametrize("crossover", ["one-point", "uniform"])
def test_without_mutation_each_choice_of_a_child_comes_from_a_parent(name, crossover):
    space, rng = spaces.get(name), np.random.default_rng(0)
    variation = Variation(space, crossover=crossover, mutation_rate=0)
    for _ in range(20):
        a, b = space.sample(rng), space.sample(rng)
        child = variation.child(a, b, rng)
        assert space.parse(str(child)) == child
        family = zip(*map(space.indices, (child, a, b)), strict=True)
        assert all(option in (of_a, of_b) for option, of_a, of_b in family)


@given(seed=st.integers(0, 2**32))
def test_one_point_crossover_has_one_cut(seed):
    rng = np.random.default_rng(seed)
    a, b = SPACE.from_indices([0] * 6), SPACE.from_indices([1] * 6)
    child = Variation(SPACE, mutation_rate=0).child(a, b, rng)
    cut = SPACE.indices(child).index(1)
    assert 1 <= cut <= 5
    assert SPACE.indices(child) == (0,) * cut + (1,) * (6 - cut)


def test_uniform_crossover_takes_half_of_each_parent_on_average():
    rng, a, b = np.random.default_rng(0), SPACE.from_indices([0] * 6), SPACE.from_indices([1] * 6)
    variation = Variation(SPACE, crossover="uniform", mutation_rate=0)
    from_b = sum(sum(SPACE.indices(variation.child(a, b, rng))) for _ in range(3_000))
    assert chisquare([from_b, 18_000 - from_b]).pvalue > SURELY


def test_the_crossover_rate_is_the_share_of_children_with_two_parents():
    rng, a, b = np.random.default_rng(0), SPACE.from_indices([0] * 6), SPACE.from_indices([1] * 6)
    variation = Variation(SPACE, crossover_rate=0.3, mutation_rate=0)
    copies = sum(variation.child(a, b, rng) == a for _ in range(3_000))
    assert chisquare([copies, 3_000 - copies], [2_100, 900]).pvalue > SURELY


def test_each_choice_mutates_at_the_rate_to_each_other_option_alike():
    rng, start = np.random.default_rng(0), SPACE.from_indices([2] * 6)
    variation = Variation(SPACE, mutation_rate=0.1)
    mutants = np.array([SPACE.indices(variation.mutate(start, rng)) for _ in range(5_000)])
    for column in mutants.T:
        counts = np.bincount(column, minlength=5)
        expected = np.array([0.025, 0.025, 0.9, 0.025, 0.025]) * 5_000
        assert chisquare(counts, expected).pvalue > SURELY


@pytest.mark.parametrize("name", EVERY_SPACE)
def test_at_least_one_mutation_is_guaranteed_where_it_is_asked_for(name):
    space, rng = spaces.get(name), np.random.default_rng(0)
    always = Variation(space, mutation_rate=0, mutation="at-least-one")
    for _ in range(20):
        parent = space.sample(rng)
        child = always.child(parent, parent, rng)
        assert child != parent
        assert space.parse(str(child)) == child


# --------------------------------------------------------------------------- regularized evolution


@given(scores=st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_the_population_is_what_was_told_last_however_good_the_old_ones_were(scores):
    strategy = RegularizedEvolution(SPACE, seed=0, population_size=7, sample_size=3)
    told = []
    for value in scores:
        told.append(strategy.ask())
        strategy.tell(told[-1], score(value))
    assert [member.architecture for member in strategy.population] == told[-7:]
    last_births = range(max(1, len(told) - 6), len(told) + 1)
    assert [member.born for member in strategy.population] == list(last_births)


def test_age_is_the_order_of_the_tells_not_of_the_asks():
    strategy = RegularizedEvolution(SPACE, seed=0, population_size=5, sample_size=2)
    asked = [strategy.ask() for _ in range(5)]
    for architecture in reversed(asked):
        strategy.tell(architecture, CONSTANT)
    assert [member.architecture for member in strategy.population] == asked[::-1]


def test_a_child_is_a_neighbour_of_a_parent_that_lives():
    strategy = RegularizedEvolution(SPACE, seed=0, population_size=10, sample_size=3)
    run(strategy, additive_value(SPACE), 10)
    for _ in range(200):
        living = [member.architecture for member in strategy.population]
        child = strategy.ask()
        strategy.tell(child, CONSTANT)
        parent = strategy.population[-1].parent
        assert parent in living
        assert child in set(SPACE.neighbors(parent))


def test_a_sample_as_large_as_to_hold_everyone_has_the_best_for_parent():
    strategy = RegularizedEvolution(SPACE, seed=0, population_size=5, sample_size=200)
    run(strategy, additive_value(SPACE), 5)
    best = max(strategy.population, key=value_of).architecture
    strategy.tell(strategy.ask(), CONSTANT)
    assert strategy.population[-1].parent == best


# ------------------------------------------------------------------------------ genetic algorithm


@pytest.mark.parametrize("crossover", ["one-point", "uniform"])
def test_with_an_elite_the_best_never_falls_even_if_scores_are_noisy(crossover):
    strategy = GeneticAlgorithm(SPACE, seed=0, population_size=10, crossover=crossover)
    noise, best, value = np.random.default_rng(0), [], additive_value(SPACE)
    for _ in range(400):
        architecture = strategy.ask()
        strategy.tell(architecture, score(value(architecture) + noise.normal()))
        best += [strategy.population[0].value] if strategy.population else []
    assert best == sorted(best)
    assert best[-1] > best[0]


def test_without_an_elite_the_best_may_fall():
    strategy = GeneticAlgorithm(SPACE, seed=0, population_size=10, elites=0)
    noise, best = np.random.default_rng(0), []
    for _ in range(400):
        strategy.tell(strategy.ask(), score(noise.normal()))
        best += [strategy.population[0].value] if strategy.population else []
    assert best != sorted(best)


def test_a_generation_is_the_elites_and_the_children_told_since():
    strategy = GeneticAlgorithm(SPACE, seed=0, population_size=6, elites=2)
    value = additive_value(SPACE)
    run(strategy, value, 6)
    before = list(strategy.population)
    run(strategy, value, 4)
    assert strategy.generation == 2
    assert sorted(m.born for m in strategy.population if m not in before) == [7, 8, 9, 10]
    assert before[:2] == [member for member in before if member in strategy.population]


def test_distinct_parents_are_distinct_wherever_there_are_two():
    strategy = GeneticAlgorithm(
        SPACE, seed=0, population_size=4, tournament_size=4, parents="distinct"
    )
    run(strategy, additive_value(SPACE), 60)
    for _ in range(100):
        different = {member.architecture for member in strategy.population}
        strategy.tell(strategy.ask(), CONSTANT)
        born = max(strategy.offspring + strategy.population, key=lambda member: member.born)
        mother, father = born.parents
        assert mother != father or len(different) == 1


# ---------------------------------------------------------------------------------- epsilon-greedy


@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0])
def test_a_share_epsilon_of_the_asks_is_random(epsilon):
    strategy = EpsilonGreedy(SPACE, seed=0, epsilon=epsilon)
    best = strategy.ask()
    strategy.tell(best, score(1.0))
    around = set(SPACE.neighbors(best))
    draws = 3_000
    local = sum(strategy.ask() in around for _ in range(draws))
    share = 1 - epsilon + epsilon * len(around) / SPACE.size
    if share < 1:
        assert chisquare([local, draws - local], [share * draws, (1 - share) * draws]).pvalue > (
            SURELY
        )
    else:
        assert local == draws


def test_the_best_so_far_is_replaced_only_by_a_better_one():
    strategy = EpsilonGreedy(SPACE, seed=0, epsilon=0.5)
    values = run(strategy, additive_value(SPACE), 100)
    assert strategy.best.value == max(values)
    first = values.index(max(values))
    assert strategy.best.born == first + 1


# ---------------------------------------------------------------------------------------- lineage


def test_of_two_pending_equal_architectures_each_tell_gets_parents_once():
    births = Births()
    a, mother = SPACE.from_indices([0] * 6), SPACE.from_indices([1] * 6)
    births.expect(a)
    births.expect(a, mother)
    parents = {births.tell(a, CONSTANT).parents for _ in range(2)}
    assert parents == {(), (mother,)}
    assert births.tell(a, CONSTANT).parents == ()


# --------------------------------------------------------------------------------- learning at all


@pytest.mark.parametrize("name", ["nas-bench-201", "darts"])
@pytest.mark.parametrize(
    "make",
    [
        lambda space, seed: RegularizedEvolution(
            space, seed=seed, population_size=20, sample_size=5
        ),
        lambda space, seed: GeneticAlgorithm(space, seed=seed),
        lambda space, seed: EpsilonGreedy(space, seed=seed),
    ],
    ids=["regularized-evolution", "genetic", "epsilon-greedy"],
)
def test_evolution_beats_random_search_where_choices_do_not_interact(name, make):
    space = spaces.get(name)
    value = additive_value(space)
    found = [max(run(make(space, seed), value, 200)) for seed in range(5)]
    at_random = [max(run(RandomSearch(space, seed=seed), value, 200)) for seed in range(5)]
    assert np.median(found) > np.median(at_random)


# -------------------------------------------------------------------------------------- linearity

LINEAR = {
    "regularized-evolution": lambda space: RegularizedEvolution(space, seed=0),
    "genetic": lambda space: GeneticAlgorithm(space, seed=0),
    "epsilon-greedy": lambda space: EpsilonGreedy(space, seed=0),
}


def calls_in(action):
    """Count the calls of Python and C functions while `action` runs."""
    count = 0

    def notice(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(notice)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count


def advance(strategy, count):
    for _ in range(count):
        strategy.tell(strategy.ask(), CONSTANT)


@pytest.mark.parametrize("name", LINEAR)
def test_a_late_architecture_takes_as_many_calls_as_an_early_one(name):
    strategy = LINEAR[name](SPACE)
    advance(strategy, 500)
    early = calls_in(lambda: advance(strategy, 500))
    advance(strategy, 9_000)
    late = calls_in(lambda: advance(strategy, 500))
    assert late == pytest.approx(early, rel=0.05)


@pytest.mark.parametrize("name", LINEAR)
def test_the_memory_of_a_strategy_does_not_grow_with_the_run(name):
    def size():
        file = io.BytesIO()
        torch.save(strategy.state_dict(), file)
        return len(file.getvalue())

    strategy = LINEAR[name](SPACE)
    advance(strategy, 500)
    early = size()
    advance(strategy, 9_500)
    assert size() == pytest.approx(early, rel=0.2)


# ------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RegularizedEvolution(SPACE, seed=0, population_size=0), "population_size: got 0"),
        (lambda: RegularizedEvolution(SPACE, seed=0, sample_size=0), "sample_size: got 0"),
        (lambda: GeneticAlgorithm(SPACE, seed=0, elites=20), "elites: got 20"),
        (lambda: GeneticAlgorithm(SPACE, seed=0, crossover="two-point"), "'one-point', 'uniform'"),
        (lambda: GeneticAlgorithm(SPACE, seed=0, mutation_rate=1.5), "mutation_rate: got 1.5"),
        (lambda: GeneticAlgorithm(SPACE, seed=0, parents="same"), "'independent', 'distinct'"),
        (lambda: EpsilonGreedy(SPACE, seed=0, epsilon=-0.1), "epsilon: got -0.1"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(make, message):
    with pytest.raises(InvalidInput, match=message):
        make()
