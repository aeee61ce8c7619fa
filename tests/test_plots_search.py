"""Figures of populations and fronts: what they say is what the data say."""

import itertools

import numpy as np
import pytest

from nas_course.errors import InvalidInput
from nas_course.plots.fronts import draw_front, pareto_front
from nas_course.plots.policy import draw_policy, draw_policy_learning
from nas_course.plots.population import draw_population, lineage
from nas_course.spaces import NASBench201Space
from nas_course.spaces.choices import Choice
from nas_course.strategies.black_box import RegularizedEvolution
from nas_course.strategies.black_box.population import Member


def aging_births(count=60, population_size=10):
    """Births of regularized evolution whose fitness is the share of convolutions."""
    from nas_course.estimation import Score

    strategy = RegularizedEvolution(
        NASBench201Space(), seed=0, population_size=population_size, sample_size=5
    )
    births = []
    for _ in range(count):
        cell = strategy.ask()
        share = sum(operation.startswith("nor_conv") for operation in cell.operations) / 6
        strategy.tell(cell, Score(share, 0.0, "share of convolutions"))
        births.append(strategy.population[-1])
    return births, list(strategy.population)


def test_a_lineage_goes_back_in_time_to_a_random_ancestor():
    births, living = aging_births()
    line = lineage(births, living[-1])
    assert [member.born for member in line] == sorted((m.born for m in line), reverse=True)
    for child, parent in itertools.pairwise(line):
        assert child.parent == parent.architecture
    assert line[-1].parent is None
    assert len(line) > 2


def test_a_parent_born_twice_is_the_later_one():
    births = [Member("a", 0.1, 1), Member("a", 0.1, 2), Member("b", 0.2, 3, ("a",))]
    assert [member.born for member in lineage(births, births[-1])] == [3, 2]


def test_the_population_figure_says_what_lives():
    births, living = aging_births()
    figure = draw_population(births, living)
    best = max(living, key=lambda member: member.value)
    assert figure.summary.startswith("After 60 evaluations 10 members live, the oldest for 9.")
    assert f"the best {best.value:.1%}, born at {best.born} as the " in figure.summary
    dead, alive = figure.axes[0].collections
    assert len(dead.get_offsets()) == 50
    assert len(alive.get_offsets()) == 10
    with pytest.raises(InvalidInput, match="empty population"):
        draw_population(births, [])


def test_frames_of_one_film_share_their_axes():
    births, _ = aging_births()
    frames = [draw_population(births, births[at - 10 : at]) for at in (20, 60)]
    limits = [(axes.get_xlim(), axes.get_ylim()) for axes in (f.axes[0] for f in frames)]
    assert limits[0] == limits[1]


def test_the_front_is_what_brute_force_finds():
    rng = np.random.default_rng(0)
    accuracy, cost = rng.integers(0, 20, (2, 60)) / 20

    def beaten(row):
        no_worse = (accuracy >= accuracy[row]) & (cost <= cost[row])
        better = (accuracy > accuracy[row]) | (cost < cost[row])
        return (no_worse & better).any()

    front = pareto_front(accuracy, cost)
    assert sorted(front) == [row for row in range(60) if not beaten(row)]
    assert list(cost[front]) == sorted(cost[front])


def test_the_front_figure_counts_what_each_method_found():
    accuracy, cost = np.array([0.1, 0.5, 0.9, 0.2]), np.array([1.0, 2.0, 3.0, 2.5])
    figure = draw_front(accuracy, cost, {"nsga2": [0, 1], "random": [3]})
    assert figure.summary == (
        "Of 4 architectures 3 form the Pareto front. nsga2 found 2 of them; random found 0 of them."
    )
    with pytest.raises(InvalidInput, match="got 4 numbers for 2 accuracies"):
        draw_front(accuracy[:2], cost, {})


def test_the_policy_figure_names_the_surest_choice_and_its_entropy():
    choices = NASBench201Space().choices
    probabilities = [np.full(5, 0.2) for _ in choices]
    probabilities[2] = np.array([0.0, 0.0, 0.9, 0.1, 0.0])
    figure = draw_policy(choices, probabilities, when="after 40 evaluations")
    entropy = 5 * np.log(5) - 0.9 * np.log(0.9) - 0.1 * np.log(0.1)
    assert figure.summary.startswith(
        f"After 40 evaluations the controller is surest of {choices[2].options[2]} at edge 1-2 (90%"
    )
    assert f"entropy of {entropy:.1f} nats" in figure.summary
    assert len(figure.axes[0].texts) == 5 * 5 + 2
    mixed = [*choices[:1], Choice("other", ("a", "b"))]
    with pytest.raises(InvalidInput, match="equal ones"):
        draw_policy(mixed, probabilities[:2])


def test_the_learning_figure_draws_what_the_controller_noted():
    rows = [
        {"evaluations": 10 * n, "reward": n, "baseline": n / 2, "entropy": 9 - n} for n in (1, 2)
    ]
    figure = draw_policy_learning(rows)
    assert figure.summary == "In 2 updates the entropy of the policy goes from 8.0 to 7.0 nats."
    assert figure.axes[0].lines[1].get_ydata().tolist() == [0.5, 1.0]
    with pytest.raises(InvalidInput, match="no update"):
        draw_policy_learning([])
