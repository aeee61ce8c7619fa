"""REINFORCE: the gradient is exact in expectation, the baseline helps, feedback and entropy too."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from nas_course.errors import InvalidInput
from nas_course.estimation import Score
from nas_course.spaces import DARTSSpace, NASBench201Space
from nas_course.spaces.choices import Choice
from nas_course.strategies.black_box import RandomSearch, Reinforce
from nas_course.strategies.black_box.controller import (
    Controller,
    path_entropy,
    reinforce_loss,
    sequence_log_probability,
)
from nas_course.strategies.black_box.reinforce import MovingBaseline, RankRewards, ValueRewards

OPTIONS = (3, 2, 4)


def score(value):
    return Score(value, 1.0, "made up")


@dataclass(frozen=True)
class Word:
    """An architecture that is only its option indices."""

    letters: tuple[int, ...]

    def __str__(self):
        return " ".join(map(str, self.letters))


class Words:
    """The smallest space: words of given numbers of letters."""

    def __init__(self, *options):
        self.choices = tuple(
            Choice(f"letter {k}", tuple(map(str, range(n)))) for k, n in enumerate(options)
        )

    def from_indices(self, indices):
        return Word(tuple(indices))

    def indices(self, word):
        return word.letters


@pytest.fixture
def controller():
    """A controller in double precision whose policy is far from uniform, and all sequences."""
    made = Controller(OPTIONS, 8, torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter *= 10
    return made


EVERYTHING = torch.tensor(list(itertools.product(*map(range, OPTIONS))))
REWARDS = torch.from_numpy(np.random.default_rng(0).normal(size=len(EVERYTHING)))


def flat_gradient(value, module):
    gradients = torch.autograd.grad(value, list(module.parameters()), allow_unused=True)
    parts = zip(module.parameters(), gradients, strict=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for p, g in parts])


def probabilities(controller):
    return sequence_log_probability(controller(EVERYTHING), EVERYTHING).exp()


def estimates(controller, baseline):
    """The REINFORCE estimate of one sample, for every architecture: shape (24, parameters)."""
    rows = []
    for tokens, reward in zip(EVERYTHING, REWARDS, strict=True):
        loss, _ = reinforce_loss(controller, tokens[None], (reward - baseline)[None], 0.0)
        rows.append(-flat_gradient(loss, controller))
    return torch.stack(rows)


# --- the policy ------------------------------------------------------------------------------


def test_the_policy_is_a_distribution_over_the_whole_space(controller):
    assert math.isclose(probabilities(controller).sum().item(), 1, rel_tol=1e-12)
    missing = controller(EVERYTHING).exp()[:, 1, 2:]
    assert torch.all(missing == 0)


def test_samples_come_with_the_probabilities_of_the_policy(controller):
    rng = np.random.default_rng(0)
    tokens, steps = controller.sample(20_000, rng)
    assert torch.allclose(steps, controller(tokens), atol=1e-12)
    counts = (tokens[:, None] == EVERYTHING[None]).all(dim=2).sum(dim=0) / len(tokens)
    p = probabilities(controller)
    assert torch.all((counts - p).abs() < 5 * (p * (1 - p) / len(tokens)).sqrt() + 1e-12)


def test_a_later_choice_depends_on_an_earlier_one(controller):
    first = controller(torch.tensor([[0, 0, 0], [1, 0, 0]]))
    assert torch.equal(first[0, 0], first[1, 0])
    assert not torch.allclose(first[0, 1], first[1, 1])
    # but not on a later one, nor on itself
    changed = controller(torch.tensor([[0, 1, 3]]))
    assert torch.allclose(changed[0, :2], first[0, :2])


def test_paths_have_on_average_the_entropy_of_the_policy(controller):
    p = probabilities(controller)
    exact = -(p * p.log()).sum()
    assert torch.isclose((p * path_entropy(controller(EVERYTHING))).sum(), exact)


def test_the_initial_policy_is_nearly_uniform_and_the_seed_decides():
    makes = [Reinforce(DARTSSpace(), seed=seed) for seed in (0, 0, 1)]
    for choice, row in zip(makes[0].space.choices, makes[0].probabilities(), strict=True):
        assert row.shape == (len(choice.options),)
        assert math.isclose(row.sum(), 1, rel_tol=1e-5)
        assert np.all(np.abs(row * len(row) - 1) < 0.25)
    states = [make.controller.state_dict() for make in makes]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[0]["embedding"], states[2]["embedding"])


def test_looking_at_the_probabilities_does_not_change_the_search():
    watched, alone = (Reinforce(NASBench201Space(), seed=0) for _ in range(2))
    for _ in range(40):
        watched.probabilities()
        asked = [strategy.ask() for strategy in (watched, alone)]
        assert asked[0] == asked[1]
        for strategy in (watched, alone):
            strategy.tell(asked[0], score(hash_of(asked[0])))


def hash_of(architecture):
    return sum(map(ord, str(architecture))) % 17


# --- the gradient ----------------------------------------------------------------------------


@pytest.mark.parametrize("baseline", [0.0, 0.7, -30.0])
def test_the_expected_estimate_is_the_gradient_of_the_expected_reward(controller, baseline):
    """E[(R - b) grad log p], over all 24 architectures, against autograd of sum p R."""
    p = probabilities(controller).detach()
    expected = (p[:, None] * estimates(controller, torch.tensor(baseline).double())).sum(dim=0)
    exact = flat_gradient((probabilities(controller) * REWARDS).sum(), controller)
    assert exact.norm() > 0.01
    assert torch.allclose(expected, exact, atol=1e-10)


def test_the_average_over_batches_comes_near_the_gradient(controller):
    exact = flat_gradient((probabilities(controller) * REWARDS).sum(), controller)
    tokens, _ = controller.sample(40_000, np.random.default_rng(0))
    rows = (tokens[:, None] == EVERYTHING[None]).all(dim=2).int().argmax(dim=1)
    loss, _ = reinforce_loss(controller, tokens, REWARDS[rows], 0.0)
    error = (-flat_gradient(loss, controller) - exact).norm() / exact.norm()
    assert error < 0.1


def test_a_baseline_reduces_the_variance(controller):
    """Rewards like accuracies: all positive, far from 0 compared with their differences."""
    p = probabilities(controller).detach()
    high = 0.9 + 0.02 * REWARDS

    def variance(baseline):
        rows = []
        for tokens, reward in zip(EVERYTHING, high, strict=True):
            loss, _ = reinforce_loss(controller, tokens[None], (reward - baseline)[None], 0.0)
            rows.append(-flat_gradient(loss, controller))
        rows = torch.stack(rows)
        mean = (p[:, None] * rows).sum(dim=0)
        return (p[:, None] * (rows - mean) ** 2).sum().item()

    mean_reward = (p * high).sum()
    assert variance(mean_reward) < variance(torch.tensor(0.0)) / 100


def test_the_entropy_bonus_makes_the_policy_more_random(controller):
    """A step along the bonus alone (no advantage) raises the exact entropy of the policy."""

    def exact_entropy():
        p = probabilities(controller)
        return -(p * p.log()).sum().item()

    before = exact_entropy()
    tokens, _ = controller.sample(200, np.random.default_rng(0))
    loss, _ = reinforce_loss(controller, tokens, torch.zeros(200).double(), 1.0)
    gradient = torch.autograd.grad(loss, list(controller.parameters()), allow_unused=True)
    with torch.no_grad():
        for parameter, step in zip(controller.parameters(), gradient, strict=True):
            parameter -= 1e-3 * step
    assert exact_entropy() > before


def test_without_baseline_negative_rewards_push_even_the_best_option_down():
    """One choice of three, reward = minus a loss: what a sampled option's logit gets."""
    one = Controller((3,), 4, torch.Generator().manual_seed(0)).double()
    best = torch.tensor([[2]])
    reward = torch.tensor([-0.1]).double()  # the best loss there is; the others lose 2 and 3

    def change_of_the_best(advantage):
        loss, _ = reinforce_loss(one, best, advantage, 0.0)
        gradient = flat_gradient(loss, one)
        rate = 1e-3
        before = one(best)[0, 0, 2].item()
        for parameter, step in zip(one.parameters(), split(gradient, one), strict=True):
            parameter.data -= rate * step
        after = one(best)[0, 0, 2].item()
        for parameter, step in zip(one.parameters(), split(gradient, one), strict=True):
            parameter.data += rate * step
        return after - before

    assert change_of_the_best(reward) < 0
    assert change_of_the_best(reward - (-1.7)) > 0


def split(flat, module):
    sizes = [p.numel() for p in module.parameters()]
    parts = zip(flat.split(sizes), module.parameters(), strict=True)
    return [part.view_as(p) for part, p in parts]


# --- rewards and baseline --------------------------------------------------------------------


def test_the_baseline_follows_the_mean_and_the_first_batch_sets_it():
    baseline = MovingBaseline(0.9)
    first = baseline.advantages(np.array([1.0, 3.0]))
    assert baseline.value == 2 and np.allclose(first, [-1, 1])
    second = baseline.advantages(np.array([4.0, 4.0]))
    assert math.isclose(baseline.value, 2.2)  # 0.9 * 2 + 0.1 * 4
    assert np.allclose(second, 2 / math.sqrt(0.9 * 1 + 0.1 * 4))  # b was 2; s follows (R - b)^2
    assert np.allclose(MovingBaseline(0.5).advantages(np.full(3, 7.0)), 0)


@pytest.mark.parametrize("reward", [0.1, 0.3, 0.7, -500.1, 1e-9])
def test_equal_rewards_have_no_advantage_whatever_rounding_leaves(reward):
    for count in range(1, 20):
        baseline = MovingBaseline(0.9)
        for _ in range(3):
            assert abs(baseline.advantages(np.full(count, reward))).max() < 1e-9


def test_advantages_do_not_depend_on_scale_and_shift_of_the_rewards():
    batches = np.random.default_rng(0).normal(size=(5, 8))
    plain, other = MovingBaseline(0.8), MovingBaseline(0.8)
    for batch in batches:
        assert np.allclose(plain.advantages(batch), other.advantages(1000 * batch - 50))


def test_ranks_do_not_depend_on_the_values_and_what_diverged_has_the_lowest():
    values = [0.3, 0.9, 0.3, -math.inf, 0.5]
    ranks, cubed = RankRewards(), RankRewards()
    got = [ranks.reward(value) for value in values]
    assert got == [0.5, 0.75, 0.25, 0, 0.5]
    assert got == [cubed.reward(value**3) for value in values]


def test_as_values_what_diverged_counts_as_the_worst_so_far():
    rewards = ValueRewards()
    assert [rewards.reward(v) for v in (-math.inf, -3, -1, -math.inf)] == [0, -3, -1, -3]


# --- learning --------------------------------------------------------------------------------


def learn(space, reward, asks, **settings):
    strategy = Reinforce(space, seed=0, **settings)
    for _ in range(asks):
        asked = strategy.ask()
        strategy.tell(asked, score(reward(asked)))
    return strategy


def test_feedback_learns_what_no_product_of_independent_choices_can():
    """Reward 1 if the two letters agree. Independent letters that stay random agree in 1/2."""
    strategy = learn(
        Words(2, 2),
        lambda word: float(word.letters[0] == word.letters[1]),
        1_500,
        entropy_weight=0.3,
        rewards="value",
    )
    pairs = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
    with torch.no_grad():
        p = sequence_log_probability(strategy.controller(pairs), pairs).exp().numpy()
    assert p[0] + p[3] > 0.95
    assert min(p[0], p[3]) > 0.2  # both ways of agreeing are kept: a product of the same
    first, second = strategy.probabilities()  # marginals would agree with this probability:
    assert first @ second < p[0] + p[3] - 0.2


def test_entropy_keeps_the_policy_open():
    def entropy(weight):
        reward = lambda word: float(word.letters[0])  # noqa: E731
        return learn(Words(4, 4), reward, 600, entropy_weight=weight).history[-1]["entropy"]

    assert entropy(0.0) < entropy(0.3) < entropy(3.0) <= math.log(16) + 1e-6


def test_the_entropy_weight_can_decay():
    strategy = learn(Words(2, 2), lambda word: 0.0, 50, entropy_weight=1.0, entropy_decay=0.5)
    assert strategy.entropy_weight == 0.5**5


def test_reinforce_comes_to_propose_better_than_chance():
    """The mean of the last 50 of 300 proposals, in a reward with a preferred option per edge."""

    def reward(cell):
        return sum(math.sin(3 * k + i) for k, i in enumerate(space.indices(cell)))

    space = NASBench201Space()
    for seed in range(3):
        strategy, chance = Reinforce(space, seed=seed), RandomSearch(space, seed=seed)
        asked = []
        for _ in range(300):
            asked.append(strategy.ask())
            strategy.tell(asked[-1], score(reward(asked[-1])))
        by_chance = np.array([reward(chance.ask()) for _ in range(300)])
        assert np.mean([reward(a) for a in asked[-50:]]) > by_chance.mean() + by_chance.std()
        assert len(strategy.history) == 30
        assert strategy.history[-1]["entropy"] < strategy.history[0]["entropy"]


def test_pending_asks_are_told_with_the_tokens_that_were_drawn():
    """Choices that an architecture does not use are not in it; the policy did draw them."""

    class Shortened(Words):
        def from_indices(self, indices):
            return Word((indices[0],) if indices[0] == 0 else tuple(indices))

        def indices(self, word):
            return (*word.letters, 0)[:2]

    strategy = Reinforce(Shortened(2, 5), seed=0, batch=4)
    asked = [strategy.ask() for _ in range(4)]
    drawn = [tokens for waiting in strategy._asked.values() for tokens in waiting]
    for architecture in asked[:-1]:
        strategy.tell(architecture, score(0.0))
    assert sorted(tokens for tokens, _ in strategy._told) == sorted(
        tokens for tokens in drawn if tokens not in [t for w in strategy._asked.values() for t in w]
    )
    strategy.tell(Word((1, 3)), score(0.0))  # never asked: read from the architecture


@pytest.mark.parametrize(
    "wrong",
    [
        {"learning_rate": 0},
        {"batch": 0},
        {"entropy_weight": -1},
        {"entropy_decay": 0},
        {"baseline_decay": 1},
        {"hidden": 0},
        {"rewards": "ranks"},
    ],
)
def test_settings_outside_their_range_are_refused(wrong):
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        Reinforce(NASBench201Space(), seed=0, **wrong)
