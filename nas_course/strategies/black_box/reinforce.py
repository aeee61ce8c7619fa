"""REINFORCE: a recurrent controller writes architectures and learns by their reward.

    strategy = Reinforce(NASBench201Space(), seed=0)
    architecture = strategy.ask()
    strategy.tell(architecture, estimate(architecture))
    strategy.probabilities()                    # one array per choice of the space

Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017, section 3.2.
"""

from __future__ import annotations

import bisect
import copy
import math
from typing import Any

import numpy as np
import torch

from nas_course.errors import one_of, require
from nas_course.estimation.score import Score
from nas_course.strategies.black_box.controller import Controller, reinforce_loss
from nas_course.strategies.black_box.strategy import (
    Architecture,
    fitness,
    generator_state,
    set_generator_state,
)

# The mean of equal rewards differs from them by rounding, which must not pass for a spread: three
# times 0.1 would get advantages of -1.
ROUNDING = 1e-12


class MovingBaseline:
    """The moving average b of the rewards, and of their squared distance from it.

    Subtracting b does not change the expected gradient, since E[grad log p] = 0, but without it
    the sign of the reward decides: with rewards below 0 every sampled option is made less
    likely, the best one too, and with rewards above 0 every one more likely.

    Parameters
    ----------
    decay : float
        b <- decay b + (1 - decay) mean(R) after each batch, from 0 to below 1. The first batch
        sets b to its own mean; its gradient is then too short by the factor 1 - 1/batch, its
        direction unbiased.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.value: float | None = None
        self.variance = 0.0

    def advantages(self, rewards: np.ndarray) -> np.ndarray:
        """Return (R - b) / s and let b and s follow; s is 1 as long as all rewards were equal."""
        mean = float(rewards.mean())
        first = self.value is None
        before = mean if self.value is None else self.value
        squared = float(np.mean((rewards - before) ** 2))
        kept = 0.0 if first else self.decay
        self.variance = kept * self.variance + (1 - kept) * squared
        self.value = kept * before + (1 - kept) * mean
        spread = math.sqrt(self.variance)
        is_real = spread > ROUNDING * float(np.abs(rewards).max())
        return (rewards - before) / (spread if is_real else 1.0)


class ValueRewards:
    """The score's value is the reward; one that is not finite counts as the worst one so far."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def reward(self, value: float) -> float:
        """Return the reward of a fitness (-inf: not finite); 0 while nothing finite was told."""
        if math.isfinite(value):
            self.seen = [min([value, *self.seen])]
            return value
        return self.seen[0] if self.seen else 0.0


class RankRewards:
    """The share of the different values told so far that a score exceeds, half of itself counted.

    Bounded, whatever the scores are, and unchanged by any increasing function of them. In a
    space where a few networks fail and the good ones lie close together, the values' spread is
    that of the failures, and good and best get nearly the same advantage; their ranks differ.
    """

    def __init__(self) -> None:
        self.seen: list[float] = []

    def reward(self, value: float) -> float:
        """Return the reward of a fitness, in (0, 1); 0 for -inf, which is not finite."""
        if not math.isfinite(value):
            return 0.0
        place = bisect.bisect_left(self.seen, value)
        if place == len(self.seen) or self.seen[place] != value:
            self.seen.insert(place, value)
        return (place + 0.5) / len(self.seen)


REWARDS: dict[str, type[ValueRewards] | type[RankRewards]] = {
    "rank": RankRewards,
    "value": ValueRewards,
}


class Reinforce:
    """A controller trained by policy gradient, a batch of architectures per update.

    The rewards are standardised by their moving average and spread, so that an accuracy, a
    negative loss or a perplexity can be the score.

    An update takes the next `batch` tells, in the order in which they come, and computes their
    log-probabilities anew. If the asks run ahead of the tells, some architectures were drawn
    from a policy that is a few updates old, and the estimate is biased by so much.

    Parameters
    ----------
    space : a space with `choices`, `indices` and `from_indices`
        Each choice is one token.
    seed : int
        Of the initial weights and of all draws.
    learning_rate : float
        Of Adam.
    batch : int
        Architectures per update.
    entropy_weight : float
        From 0 on; in units of standardised reward per nat.
    entropy_decay : float
        The weight is multiplied by this after each update; above 0, at most 1.
    baseline_decay : float
        From 0 to below 1.
    hidden : int
        Size of the LSTM.
    rewards : "rank" or "value"
        What is standardised: see `RankRewards` and `ValueRewards`.

    Attributes
    ----------
    history : list of dict
        For each update: evaluations told so far, mean reward of the batch, baseline (both after
        ranking, if ranked), entropy in nats.
    """

    name = "reinforce"

    def __init__(
        self,
        space: Any,
        *,
        seed: int,
        learning_rate: float = 0.01,
        batch: int = 10,
        entropy_weight: float = 0.2,
        entropy_decay: float = 1.0,
        baseline_decay: float = 0.9,
        hidden: int = 64,
        rewards: str = "rank",
    ) -> None:
        require("learning_rate", learning_rate, learning_rate > 0, "numbers above 0")
        require("batch", batch, batch >= 1, "whole numbers from 1 on")
        require("entropy_weight", entropy_weight, entropy_weight >= 0, "numbers from 0 on")
        require("entropy_decay", entropy_decay, 0 < entropy_decay <= 1, "above 0, at most 1")
        require("baseline_decay", baseline_decay, 0 <= baseline_decay < 1, "0 to below 1")
        require("hidden", hidden, hidden >= 1, "whole numbers from 1 on")
        if rewards not in REWARDS:
            raise one_of("rewards", rewards, REWARDS)
        self.space = space
        self.batch = batch
        self.entropy_weight = entropy_weight
        self.entropy_decay = entropy_decay
        self.rewards = REWARDS[rewards]()
        self.baseline = MovingBaseline(baseline_decay)
        self.history: list[dict[str, float]] = []
        self._rng = np.random.default_rng(seed)
        options = [len(choice.options) for choice in space.choices]
        self.controller = Controller(options, hidden, torch.Generator().manual_seed(seed))
        self._optimizer = torch.optim.Adam(self.controller.parameters(), lr=learning_rate)
        self._drawn: list[list[int]] = []  # not asked yet
        self._asked: dict[Architecture, list[list[int]]] = {}  # not told yet
        self._told: list[tuple[list[int], float]] = []
        self._evaluations = 0

    def ask(self) -> Architecture:
        """Return the next architecture of a batch drawn from the policy."""
        if not self._drawn:
            self._drawn = self.controller.sample(self.batch, self._rng)[0].tolist()
        tokens = self._drawn.pop(0)
        architecture = self.space.from_indices(tokens)
        # kept, because choices that this architecture does not use cannot be read back from it
        self._asked.setdefault(architecture, []).append(tokens)
        return architecture

    def tell(self, asked: Architecture, score: Score) -> None:
        """Keep the score; with the last one of a batch, update the controller."""
        self._evaluations += 1
        self._told.append((self._tokens_of(asked), self.rewards.reward(fitness(score))))
        if len(self._told) == self.batch:
            self._update()

    def probabilities(self, samples: int = 256) -> list[np.ndarray]:
        """Return the probability of each option of each choice under the policy.

        A choice depends on those before it: this is the mean over `samples` paths drawn from
        the policy by a generator of their own, so looking does not change the search.

        Returns
        -------
        list of arrays, one per choice, each of its number of options; sums are 1
        """
        _, steps = self.controller.sample(samples, np.random.default_rng(0))
        means = steps.exp().mean(dim=0).numpy()
        return [means[row, : len(choice.options)] for row, choice in enumerate(self.space.choices)]

    def _tokens_of(self, asked: Architecture) -> list[int]:
        if asked not in self._asked:
            return list(self.space.indices(asked))
        waiting = self._asked[asked]
        tokens = waiting.pop(0)
        if not waiting:
            del self._asked[asked]
        return tokens

    def _update(self) -> None:
        tokens = torch.tensor([indices for indices, _ in self._told])
        rewards = np.array([reward for _, reward in self._told])
        self._told = []
        advantages = torch.from_numpy(self.baseline.advantages(rewards)).float()
        loss, entropy = reinforce_loss(self.controller, tokens, advantages, self.entropy_weight)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        self.entropy_weight *= self.entropy_decay
        self.history.append(
            {
                "evaluations": self._evaluations,
                "reward": float(rewards.mean()),
                "baseline": float(self.baseline.value or 0.0),
                "entropy": entropy.item(),
            }
        )

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next asks depend on.

        Architectures asked and not told yet may be told after loading, or be given up: nothing
        waits for them, and they are not asked again.
        """
        return {
            "controller": copy.deepcopy(self.controller.state_dict()),
            "optimizer": copy.deepcopy(self._optimizer.state_dict()),
            "rng": generator_state(self._rng),
            "entropy_weight": self.entropy_weight,
            "baseline": [self.baseline.value, self.baseline.variance],
            "drawn": [list(tokens) for tokens in self._drawn],
            "asked": [list(tokens) for waiting in self._asked.values() for tokens in waiting],
            "told": [[list(tokens), reward] for tokens, reward in self._told],
            "evaluations": self._evaluations,
            "seen": list(self.rewards.seen),
            "history": [dict(row) for row in self.history],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.controller.load_state_dict(state["controller"])
        self._optimizer.load_state_dict(state["optimizer"])
        set_generator_state(self._rng, state["rng"])
        self.entropy_weight = state["entropy_weight"]
        self.baseline.value, self.baseline.variance = state["baseline"]
        self._drawn = [list(tokens) for tokens in state["drawn"]]
        self._asked = {}
        for tokens in state["asked"]:
            self._asked.setdefault(self.space.from_indices(tokens), []).append(list(tokens))
        self._told = [(list(tokens), reward) for tokens, reward in state["told"]]
        self._evaluations = state["evaluations"]
        self.rewards.seen = list(state["seen"])
        self.history = [dict(row) for row in state["history"]]
