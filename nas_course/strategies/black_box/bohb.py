"""BOHB: Hyperband whose architectures come from a model of the good ones.

    strategy = BOHB(NASBench201Space(), seed=0, max_epochs=9)

Falkner, Klein and Hutter, "BOHB: Robust and Efficient Hyperparameter Optimization at Scale",
ICML 2018, algorithm 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_course.errors import require
from nas_course.estimation.score import Score
from nas_course.strategies.black_box.hyperband import Hyperband
from nas_course.strategies.black_box.strategy import Architecture, Partial, fitness

# The smoothings that are tried; at 1 a kernel is uniform, at 0 it would be a single point.
SMOOTHINGS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


class CategoricalDensity:
    """A kernel density over choices: the mean of one product of kernels around each point.

    The kernel of a choice with c options gives 1 - h to the option of the point and h / (c - 1)
    to each other one, h = smoothing * (c - 1) / c (Aitchison and Aitken, Biometrika 1976).
    Products, so that the density knows which options are good together.

    Parameters
    ----------
    points : int array, shape (points, choices)
        Option indices.
    options : int array, shape (choices,)
        Number of options of each choice.
    smoothing : float
        Above 0, at most 1.
    """

    def __init__(self, points: np.ndarray, options: np.ndarray, smoothing: float) -> None:
        self.points = points
        self.options = options
        self.change = smoothing * (options - 1) / options
        self._same = np.log1p(-self.change)
        # a choice with one option never differs; the 1 only keeps the logarithm finite
        self._other = np.log(np.where(options > 1, self.change / np.maximum(options - 1, 1), 1))

    def log_kernels(self, at: np.ndarray) -> np.ndarray:
        """Return the log of each point's kernel at each row of `at`, shape (rows, points)."""
        equal = at[:, None, :] == self.points[None, :, :]
        return equal @ (self._same - self._other) + self._other.sum()

    def log_density(self, at: np.ndarray) -> np.ndarray:
        """Return the log-density at each row of `at`, shape (rows,)."""
        return _log_mean_exp(self.log_kernels(at))

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw from the density, shape (count, choices)."""
        drawn = self.points[rng.integers(len(self.points), size=count)]
        steps = rng.integers(1, np.maximum(self.options, 2), size=drawn.shape)
        changed = rng.random(drawn.shape) < self.change
        return np.where(changed, (drawn + steps) % self.options, drawn)


def best_smoothing(points: np.ndarray, options: np.ndarray) -> float:
    """Return the smoothing under which each point is most likely given the other ones.

    Leave-one-out likelihood, as the kernel's authors choose it. (The released BOHB takes a rule
    for Gaussian kernels, which reads the numbers of the options as positions on a line.)
    """
    likelihoods = []
    for smoothing in SMOOTHINGS:
        kernels = CategoricalDensity(points, options, smoothing).log_kernels(points)
        np.fill_diagonal(kernels, -np.inf)
        likelihoods.append(_log_mean_exp(kernels).sum())
    return SMOOTHINGS[int(np.argmax(likelihoods))]


def _log_mean_exp(values: np.ndarray) -> np.ndarray:
    highest = values.max(axis=1, keepdims=True)
    return np.log(np.exp(values - highest).mean(axis=1)) + highest[:, 0]


class BOHB(Hyperband):
    """Hyperband with a density of good architectures l and one of the others g.

    Budgets with at least `points_needed` = d + 3 scored architectures can have a model (d
    choices; the paper's N_min + 2 with N_min = d + 1); the largest such budget is used. Its best
    `good_fraction` make l, the rest g, N_min at least in each. Proposed is the architecture
    with the largest l / g among `candidates` draws from l; a `random_fraction` of the proposals
    stays random, which keeps Hyperband's guarantee up to that factor.

    Parameters
    ----------
    space : a space with `choices`, `indices` and `from_indices`
    seed : int
    max_epochs : int
    eta : float
        From 2 on.
    min_epochs : int
        As for `Hyperband`.
    random_fraction, good_fraction : float
        From 0 to 1, and above 0 and below 1: the paper's rho and q.
    candidates : int
        The paper's N_s.
    """

    name = "bohb"

    def __init__(
        self,
        space: Any,
        *,
        seed: int,
        max_epochs: int,
        eta: float = 3,
        min_epochs: int = 1,
        random_fraction: float = 1 / 3,
        good_fraction: float = 0.15,
        candidates: int = 64,
    ) -> None:
        super().__init__(space, seed=seed, max_epochs=max_epochs, eta=eta, min_epochs=min_epochs)
        require("random_fraction", random_fraction, 0 <= random_fraction <= 1, "0 to 1")
        require("good_fraction", good_fraction, 0 < good_fraction < 1, "above 0, below 1")
        require("candidates", candidates, candidates >= 1, "whole numbers from 1 on")
        self.random_fraction = random_fraction
        self.good_fraction = good_fraction
        self.candidates = candidates
        self._options = np.array([len(choice.options) for choice in space.choices])
        self._scores: dict[int, dict[tuple[int, ...], float]] = {}  # by epochs
        self._fitted: tuple[tuple[int, int], CategoricalDensity, CategoricalDensity] | None = None

    @property
    def points_needed(self) -> int:
        """How many scored architectures of one budget make a model: d + 3."""
        return len(self._options) + 3

    def propose(self) -> Architecture:
        """Return a random architecture, or the best of the draws from the good ones' density."""
        budgets = [e for e, scores in self._scores.items() if len(scores) >= self.points_needed]
        if not budgets or self._rng.random() < self.random_fraction:
            return super().propose()
        good, bad = self._model(max(budgets))
        drawn = good.sample(self.candidates, self._rng)
        ratio = good.log_density(drawn) - bad.log_density(drawn)
        return self.space.from_indices(drawn[int(ratio.argmax())].tolist())

    def _model(self, epochs: int) -> tuple[CategoricalDensity, CategoricalDensity]:
        scores = self._scores[epochs]
        version = (epochs, len(scores))
        if self._fitted is None or self._fitted[0] != version:
            # sorted by the choices too, so that the order of the tells makes no difference
            ranked = np.array(sorted(scores, key=lambda point: (-scores[point], point)))
            least = len(self._options) + 1
            count = max(least, int(self.good_fraction * len(ranked)))
            good, bad = ranked[:count], ranked[-max(least, len(ranked) - count) :]
            smoothing = best_smoothing(good, self._options)
            self._fitted = (
                version,
                CategoricalDensity(good, self._options, smoothing),
                CategoricalDensity(bad, self._options, smoothing),
            )
        return self._fitted[1:]

    def tell(self, asked: Partial, score: Score) -> None:
        """Take a score, for the bracket and for the model of its budget."""
        super().tell(asked, score)
        self._learn(asked.architecture, asked.epochs, fitness(score))

    def _learn(self, architecture: Architecture, epochs: int, value: float) -> None:
        point = tuple(self.space.indices(architecture))
        self._scores.setdefault(epochs, {})[point] = value

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave; the model is fitted again from the brackets."""
        super().load_state_dict(state)
        self._scores, self._fitted = {}, None
        for rung in (rung for bracket in self.brackets for rung in bracket.rungs):
            for entry in rung.entries:
                if entry.score is not None:
                    self._learn(entry.architecture, rung.epochs, entry.score)
