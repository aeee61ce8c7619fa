"""Successive halving, Hyperband, ASHA and BOHB: budgets by formula, promotions of the best."""

import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from absence import absent
from hypothesis import given
from hypothesis import strategies as st

from nas_course.errors import InvalidInput
from nas_course.estimation import Score
from nas_course.spaces import NASBench201Space
from nas_course.strategies.black_box import ASHA, BOHB, Hyperband, Partial, SuccessiveHalving
from nas_course.strategies.black_box.bohb import CategoricalDensity, best_smoothing
from nas_course.strategies.black_box.successive_halving import rung_epochs, rungs_between

SPACE = NASBench201Space()
CURVES = Path(__file__).resolve().parents[2] / "shared/data/nas/spikenas_curves_cifar10.npz"


def score(value, epochs=1):
    return Score(value, float(epochs), f"{epochs} epochs")


def quality(asked, noise=0.3):
    """A made-up accuracy: of the choices, plus an error that shrinks with the epochs."""
    indices = SPACE.indices(asked.architecture)
    true = sum(math.sin(3 * k + i) for k, i in enumerate(indices))
    return true + noise * math.sin(7919 * true + asked.epochs) / asked.epochs


def drive(strategy, asks, value=quality):
    """Ask and tell one at a time; return what was asked."""
    asked = []
    for _ in range(asks):
        question = strategy.ask()
        asked.append(question)
        strategy.tell(question, score(value(question), question.epochs))
    return asked


# --- budgets ---------------------------------------------------------------------------------


def test_hyperband_has_the_brackets_of_algorithm_1_for_81_epochs():
    strategy = Hyperband(SPACE, seed=0, max_epochs=81, eta=3)
    assert [strategy.plan(k) for k in range(5)] == [
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(34, 3), (11, 9), (3, 27), (1, 81)],
        [(15, 9), (5, 27), (1, 81)],
        [(8, 27), (2, 81)],
        [(5, 81)],
    ]
    assert strategy.plan(5) == strategy.plan(0)


@pytest.mark.parametrize(
    "max_epochs, eta, expected",
    [
        (4, 2, [[(4, 1), (2, 2), (1, 4)], [(3, 2), (1, 4)], [(3, 4)]]),
        (5, 2, [[(4, 1), (2, 3), (1, 5)], [(3, 3), (1, 5)], [(3, 5)]]),
        (8, 3, [[(3, 3), (1, 8)], [(2, 8)]]),
        (1, 3, [[(1, 1)]]),
    ],
)
def test_hyperband_works_with_few_epochs_and_no_power_of_eta(max_epochs, eta, expected):
    strategy = Hyperband(SPACE, seed=0, max_epochs=max_epochs, eta=eta)
    assert [strategy.plan(k) for k in range(len(expected))] == expected


@given(st.integers(1, 500), st.floats(2, 5), st.data())
def test_budgets_grow_strictly_up_to_the_largest(max_epochs, eta, data):
    least = data.draw(st.integers(1, max_epochs))
    rungs = rungs_between(least, max_epochs, eta)
    epochs = rung_epochs(max_epochs, eta, rungs)
    assert epochs[-1] == max_epochs
    assert epochs[0] >= least or math.isclose(max_epochs * eta ** (1 - rungs), least)
    assert all(a < b for a, b in pairwise(epochs))
    # one rung more would begin below the smallest budget
    assert max_epochs * eta**-rungs < least


@given(st.integers(1, 100), st.floats(2, 4))
def test_each_hyperband_bracket_spends_about_the_same(max_epochs, eta):
    strategy = Hyperband(SPACE, seed=0, max_epochs=max_epochs, eta=eta)
    brackets = strategy.rungs_planned
    for number in range(brackets):
        plan = strategy.plan(number)
        spent = sum(n * r for n, r in plan)
        # B = (s_max + 1) R each: ceil adds at most one architecture per rung and rounding of
        # the epochs at most half an epoch per architecture
        above = sum(r + n / 2 for n, r in plan) + max_epochs
        assert spent <= brackets * max_epochs + above


def test_a_bracket_is_asked_as_planned_and_its_epochs_add_up():
    """Counted from the questions, against the sum of n_i (r_i - r_(i-1)) of the plan."""
    strategy = Hyperband(SPACE, seed=3, max_epochs=9, eta=3)
    plans = [strategy.plan(k) for k in range(3)]
    asked = drive(strategy, sum(n for plan in plans for n, _ in plan))
    assert [q.epochs for q in asked] == [r for plan in plans for n, r in plan for _ in range(n)]
    spent = 0
    for bracket in strategy.brackets:
        trained: dict[int, int] = {}
        for rung in bracket.rungs:
            for entry in rung.entries:
                spent += rung.epochs - trained.get(id(entry.architecture), 0)
                trained[id(entry.architecture)] = rung.epochs
    wanted = sum(
        n * (r - before)
        for plan in plans
        for (n, r), before in zip(plan, [0, *(r for _, r in plan)], strict=False)
    )
    assert spent == wanted


# --- promotions ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Arm:
    """An architecture that is only a number."""

    number: int

    def __str__(self):
        return str(self.number)


class Arms:
    """A space of numbered arms, drawn in order: what successive halving was invented for."""

    def __init__(self):
        self.drawn = 0

    def sample(self, rng):
        self.drawn += 1
        return Arm(self.drawn - 1)

    def parse(self, text):
        return Arm(int(text))


def simulate_halving(values, epochs, eta):
    """Which arms reach each budget, computed at once from all the scores."""
    survivors, reached = list(range(len(values))), []
    for level, _ in enumerate(epochs):
        reached.append(sorted(survivors))
        # stable: of equal ones the one that was better before goes on
        best = sorted(survivors, key=lambda arm: -values[arm][level])
        survivors = best[: int(len(values) / eta ** (level + 1) + 1e-9)]
    return reached


@given(st.integers(0, 10_000), st.sampled_from([2, 3]), st.integers(1, 4))
def test_promoted_are_the_best_as_a_simulation_finds_them(seed, eta, rungs):
    rng = np.random.default_rng(seed)
    # few different values, so that there are ties: the earlier one goes on
    values = rng.integers(0, 6, size=(eta**3 + 1, rungs)).tolist()
    max_epochs = eta ** (rungs - 1)
    strategy = SuccessiveHalving(
        Arms(), seed=0, max_epochs=max_epochs, eta=eta, architectures=len(values)
    )
    epochs = [r for _, r in strategy.plan(0)]
    pending = []
    while len(strategy.brackets) < 2:
        pending.append(strategy.ask())
        # out of order, but every question of a rung before the next bracket can begin
        if len(pending) == 3 or not strategy.brackets[-1].can_ask():
            rng.shuffle(pending)
            for question in pending:
                level = epochs.index(question.epochs)
                strategy.tell(question, score(values[question.architecture.number][level]))
            pending = []
    rungs_of = strategy.brackets[0].rungs
    reached = [sorted(entry.architecture.number for entry in rung.entries) for rung in rungs_of]
    assert reached == simulate_halving(values, epochs, eta)


def test_nothing_is_promoted_before_its_rung_is_complete():
    strategy = SuccessiveHalving(SPACE, seed=0, max_epochs=9, eta=3)
    questions = [strategy.ask() for _ in range(9)]
    for question in questions[:-1]:
        strategy.tell(question, score(quality(question)))
    beyond = strategy.ask()  # nobody waits: the next bracket is opened
    assert beyond.epochs == 1 and len(strategy.brackets) == 2
    strategy.tell(questions[-1], score(quality(questions[-1])))
    assert strategy.ask().epochs == 3
    assert [e.promoted for e in strategy.brackets[0].rungs[0].entries].count(True) == 3


@pytest.mark.parametrize("worst", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", [SuccessiveHalving, Hyperband, ASHA, BOHB])
def test_what_diverged_is_never_promoted(kind, worst):
    strategy = kind(SPACE, seed=0, max_epochs=9, eta=3)
    bad: set = set()

    def value(question):
        if question.epochs == 1 and sum(SPACE.indices(question.architecture)) % 2:
            bad.add(question.architecture)
            return worst
        return quality(question)

    asked = drive(strategy, 300, value)
    higher = {question.architecture for question in asked if question.epochs > 1}
    first = {q.architecture for q in asked if q.epochs == 1}
    assert bad and higher & first
    if kind is SuccessiveHalving or kind is ASHA:  # the others begin above 1 epoch as well
        assert not bad & higher
    for rung in all_rungs(strategy):
        assert not any(e.promoted and e.score == -math.inf for e in rung.entries)


def test_a_bracket_in_which_all_diverge_ends_and_the_next_begins():
    strategy = SuccessiveHalving(SPACE, seed=0, max_epochs=9, eta=3)
    asked = drive(strategy, 20, lambda question: math.nan)
    assert {question.epochs for question in asked} == {1}
    assert [bracket.done for bracket in strategy.brackets] == [True, True, False]


def all_rungs(strategy):
    if isinstance(strategy, ASHA):
        return strategy.rungs
    return [rung for bracket in strategy.brackets for rung in bracket.rungs]


@pytest.mark.parametrize("kind", [SuccessiveHalving, Hyperband, ASHA, BOHB])
def test_no_architecture_is_promoted_without_a_score(kind):
    strategy, rng, pending = kind(SPACE, seed=0, max_epochs=8, eta=2), np.random.default_rng(0), []
    for _ in range(400):
        if pending and (len(pending) == 12 or rng.random() < 0.5):
            question = pending.pop(rng.integers(len(pending)))
            strategy.tell(question, score(quality(question)))
        else:
            pending.append(strategy.ask())
        unscored = [e for rung in all_rungs(strategy) for e in rung.entries if e.score is None]
        assert not any(entry.promoted for entry in unscored)
        assert len(unscored) == len(pending)


def test_a_score_of_something_never_asked_is_refused():
    architecture = SPACE.sample(np.random.default_rng(0))
    for kind in (SuccessiveHalving, ASHA):
        with pytest.raises(InvalidInput, match="never asked"):
            kind(SPACE, seed=0, max_epochs=9).tell(Partial(architecture, 1), score(0.5))


# --- ASHA ------------------------------------------------------------------------------------


def asha_lowest_rung(values, eta=3):
    """Feed arms one at a time; return the numbers of those promoted from the lowest rung."""
    strategy = ASHA(Arms(), seed=0, max_epochs=eta, eta=eta)
    while strategy.rungs[0].size <= len(values):
        question = strategy.ask()
        if question.epochs > 1:
            strategy.tell(question, score(0.0))
        elif question.architecture.number < len(values):
            strategy.tell(question, score(values[question.architecture.number]))
    return [e.architecture.number for e in strategy.rungs[0].entries if e.promoted]


def simulate_asha(values, eta=3):
    """Every arm that was, after some score, among the best floor(m / eta) of the m so far."""
    promoted = set()
    for count in range(1, len(values) + 1):
        ranked = sorted(range(count), key=lambda arm: (-values[arm], arm))
        promoted |= set(ranked[: count // eta])
    return sorted(promoted)


@given(st.lists(st.integers(0, 30), min_size=3, max_size=40), st.sampled_from([2, 3]))
def test_asha_promotes_whoever_was_among_the_best_when_it_was_asked(values, eta):
    assert asha_lowest_rung(values, eta) == simulate_asha(values, eta)


def test_asha_promotes_too_many_where_scores_rise_and_few_where_their_order_is_random():
    count, eta = 600, 3
    rng = np.random.default_rng(0)
    wrong = []
    for values in (rng.permutation(count) for _ in range(10)):
        promoted = asha_lowest_rung(values.tolist())
        wrong.append(sum(values[arm] < count - count // eta for arm in promoted))
    rising = asha_lowest_rung(list(range(count)))
    falling = asha_lowest_rung(list(range(count, 0, -1)))
    # the paper: of the order of sqrt(600) = 24; 600 / 3 = 200 are right
    assert 0 < np.mean(wrong) < 2 * math.sqrt(count)
    assert len(falling) == count // eta  # the first ones are the best: no promotion is wrong
    # each new arm is the best so far, so it enters the best third at once: about 2/3 of those
    # promoted are overtaken afterwards
    assert len(rising) > 2.5 * count // eta


# --- BOHB ------------------------------------------------------------------------------------


def test_the_density_sums_to_one_and_is_what_is_drawn():
    options = np.array([3, 2, 1, 4])
    rng = np.random.default_rng(0)
    points = np.stack([rng.integers(options) for _ in range(5)])
    density = CategoricalDensity(points, options, 0.4)
    everything = np.stack(np.meshgrid(*map(np.arange, options), indexing="ij"), -1).reshape(-1, 4)
    probabilities = np.exp(density.log_density(everything))
    assert math.isclose(probabilities.sum(), 1, rel_tol=1e-12)
    drawn = density.sample(20_000, rng)
    counts = (drawn[:, None] == everything[None]).all(axis=2).sum(axis=0)
    error = np.sqrt(probabilities * (1 - probabilities) / len(drawn))
    assert np.all(np.abs(counts / len(drawn) - probabilities) < 5 * error + 1e-12)


def test_points_that_agree_get_little_smoothing_and_points_at_random_much():
    options, rng = np.full(6, 5), np.random.default_rng(0)
    agreeing = np.where(rng.random((20, 6)) < 0.05, rng.integers(5, size=(20, 6)), 2)
    anything = rng.integers(5, size=(20, 6))
    assert best_smoothing(agreeing, options) <= 0.2
    assert best_smoothing(anything, options) >= 0.7


def test_bohb_starts_as_hyperband_and_then_proposes_better_than_chance():
    def asked_first(kind, seed):
        asked = drive(kind(SPACE, seed=seed, max_epochs=9), 300, lambda q: quality(q, noise=0))
        return [question for question in asked if question.epochs == 1]

    for seed in range(5):
        bohb, plain = asked_first(BOHB, seed), asked_first(Hyperband, seed)
        assert bohb[:9] == plain[:9]  # nothing is known yet
        by_chance = np.array([quality(question, 0) for question in plain])
        late = np.array([quality(question, 0) for question in bohb[-60:]])
        assert late.mean() > by_chance.mean() + by_chance.std() / 2


def test_bohb_models_the_largest_budget_that_has_enough_scores():
    strategy = BOHB(SPACE, seed=0, max_epochs=9)
    assert strategy.points_needed == 9
    drive(strategy, 9, lambda q: quality(q, 0))
    assert strategy._fitted is None  # 9 scores at 1 epoch, but no architecture proposed since
    drive(strategy, 400, lambda q: quality(q, 0))
    (epochs, count), good, bad = strategy._fitted
    assert epochs == 9 and count >= 9
    assert len(good.points) == max(7, int(0.15 * count))
    assert len(bad.points) == max(7, count - len(good.points))
    worst_good = min(quality(Partial(SPACE.from_indices(p), 9), 0) for p in good.points.tolist())
    others = bad.points[len(bad.points) + len(good.points) - count :].tolist()
    assert all(quality(Partial(SPACE.from_indices(p), 9), 0) <= worst_good for p in others)


# --- real learning curves --------------------------------------------------------------------


@pytest.fixture(scope="module")
def real_curves():
    """Validation accuracy after 1 .. 100 epochs of 15,625 spiking networks, by option indices."""
    if not CURVES.exists():
        absent(f"{CURVES} is not here: real learning curves, not part of the package")
    with np.load(CURVES) as file:
        rows = file["ops"].tolist()
        return {tuple(row): k for k, row in enumerate(rows)}, file["val_acc_x50"] / 50


def best_found(strategy, curves, budget):
    """Final accuracy of the architecture that a budget of epochs trained fully and liked best."""
    row_of, accuracy = curves
    trained: dict = {}
    spent, best = 0, -math.inf
    while True:
        question = strategy.ask()
        row = row_of[tuple(SPACE.indices(question.architecture))]
        spent += max(0, question.epochs - trained.get(row, 0))
        if spent > budget:
            return best
        trained[row] = max(question.epochs, trained.get(row, 0))
        value = accuracy[row, question.epochs - 1]
        if question.epochs == 100:
            best = max(best, value)
        strategy.tell(question, score(value))


def test_on_real_curves_halving_beats_random_search_at_equal_epochs(real_curves):
    def median(make):
        return np.median([best_found(make(seed), real_curves, 2_000) for seed in range(40)])

    everything_trained = median(
        lambda s: SuccessiveHalving(SPACE, seed=s, max_epochs=100, min_epochs=100)
    )
    halving = median(lambda s: SuccessiveHalving(SPACE, seed=s, max_epochs=100, min_epochs=10))
    hyperband = median(lambda s: Hyperband(SPACE, seed=s, max_epochs=100, min_epochs=10))
    assert halving > everything_trained
    assert hyperband > everything_trained
