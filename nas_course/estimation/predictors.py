"""Predictors: guess an architecture's score from those of others, and how sure it is.

    predictor = MLPEnsemble(space.encode, seed=0)
    predictor.fit(architectures, accuracies)
    mean, spread = predictor.predict(others)

Every predictor is an ensemble, and the standard deviation over its members is its uncertainty:
members agree where the data decide, and differ where each had to guess.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from nas_course.errors import InvalidInput

Encode = Callable[[Any], np.ndarray]


class Predictor(Protocol):
    """What predictors share; `fit` starts from nothing, so the same data give the same fit."""

    def fit(self, architectures: Sequence[Any], values: Sequence[float]) -> None:
        """Learn from scored architectures.

        Parameters
        ----------
        architectures : sequence of n architectures, n at least 1
        values : sequence of n finite floats
        """

    def predict(self, architectures: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        """Return means and standard deviations over the ensemble, each of shape (n,)."""


class MeanPredictor:
    """The baseline that looks at no architecture: the mean of all values, with their spread."""

    def fit(self, architectures: Sequence[Any], values: Sequence[float]) -> None:
        """Take the mean; see :class:`Predictor`."""
        targets = _targets(architectures, values)
        self._mean, self._spread = targets.mean(), targets.std()

    def predict(self, architectures: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        """Return the same for all; see :class:`Predictor`."""
        _require_fitted(self, "_mean")
        return np.full(len(architectures), self._mean), np.full(len(architectures), self._spread)


class RidgeEnsemble:
    """Linear models with a quadratic penalty, each on a bootstrap sample of the data.

    w = (Xᵀ X + λ I)⁻¹ Xᵀ (y - ȳ), X centred. Each member draws n of the n examples with
    replacement (Breiman, "Bagging predictors", 1996).

    Parameters
    ----------
    encode : callable architecture -> array (d,)
        For example ``space.encode``.
    seed : int
        Decides the bootstrap samples.
    members : int
        Number of linear models, at least 1.
    penalty : float
        λ, above 0: the weight of |w|² against the sum of squared errors.
    """

    def __init__(
        self, encode: Encode, *, seed: int = 0, members: int = 20, penalty: float = 1.0
    ) -> None:
        _require_members(members)
        if not penalty > 0:
            raise InvalidInput(f"penalty: got {penalty!r}; allowed: numbers above 0.")
        self.encode, self.seed, self.members, self.penalty = encode, seed, members, penalty

    def fit(self, architectures: Sequence[Any], values: Sequence[float]) -> None:
        """Solve each member's normal equations; see :class:`Predictor`."""
        y = _targets(architectures, values)
        X = _codes(self.encode, architectures)
        rng = np.random.default_rng(self.seed)
        draws = rng.integers(len(y), size=(self.members, len(y)))
        self._models = [self._solve(X[draw], y[draw]) for draw in draws]

    def _solve(self, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
        centre = X.mean(axis=0)
        X = X - centre
        w = np.linalg.solve(X.T @ X + self.penalty * np.eye(X.shape[1]), X.T @ (y - y.mean()))
        return w, float(y.mean() - centre @ w)

    def predict(self, architectures: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        """Ask every member; see :class:`Predictor`."""
        _require_fitted(self, "_models")
        X = _codes(self.encode, architectures)
        return _mean_and_spread(np.array([X @ w + bias for w, bias in self._models]))


class ForestPredictor:
    """A random forest: trees on bootstrap samples, the members of the ensemble.

    Breiman, "Random Forests", 2001; scikit-learn's, which looks at all features at each split.

    Parameters
    ----------
    encode : callable architecture -> array (d,)
    seed : int
        Decides the bootstrap samples.
    members : int
        Number of trees, at least 1.
    """

    def __init__(self, encode: Encode, *, seed: int = 0, members: int = 100) -> None:
        _require_members(members)
        self.encode, self.seed, self.members = encode, seed, members

    def fit(self, architectures: Sequence[Any], values: Sequence[float]) -> None:
        """Grow the trees; see :class:`Predictor`."""
        from sklearn.ensemble import RandomForestRegressor  # takes a second, so only on use

        targets = _targets(architectures, values)
        self._forest = RandomForestRegressor(self.members, random_state=self.seed, n_jobs=1)
        self._forest.fit(_codes(self.encode, architectures), targets)

    def predict(self, architectures: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        """Ask every tree; see :class:`Predictor`."""
        _require_fitted(self, "_forest")
        codes = _codes(self.encode, architectures)
        return _mean_and_spread(
            np.array([tree.predict(codes) for tree in self._forest.estimators_])
        )


class MLPEnsemble:
    """Small fully connected networks that differ in their initial weights and batches.

    All members are trained at once, as one program on arrays with a leading axis of members:
    torch spends more time on starting an operation than on these sizes. Trained by Adam on the
    mean absolute error of standardised values, as BANANAS does (White, Neiswanger, Savani, AAAI
    2021; its networks have 10 layers of 20 and are trained for 150 epochs).

    Parameters
    ----------
    encode : callable architecture -> array (d,)
    seed : int
        Decides initial weights and batches.
    members : int
        Number of networks, at least 1.
    width, hidden_layers : int
        Units in each hidden layer, and number of these; at least 1.
    steps, batch_size, learning_rate : int, int, float
        Of the training: Adam's steps, examples in each (drawn with replacement), and its step
        size, which falls to zero along a cosine.
    """

    def __init__(
        self,
        encode: Encode,
        *,
        seed: int = 0,
        members: int = 5,
        width: int = 32,
        hidden_layers: int = 2,
        steps: int = 150,
        batch_size: int = 32,
        learning_rate: float = 0.01,
    ) -> None:
        _require_members(members)
        for name, value in {"width": width, "hidden_layers": hidden_layers, "steps": steps}.items():
            if value < 1:
                raise InvalidInput(f"{name}: got {value!r}; allowed: 1 or more.")
        self.encode, self.seed, self.members = encode, seed, members
        self.widths = [width] * hidden_layers
        self.steps, self.batch_size, self.learning_rate = steps, batch_size, learning_rate

    def fit(self, architectures: Sequence[Any], values: Sequence[float]) -> None:
        """Train all members; see :class:`Predictor`."""
        targets = _targets(architectures, values)
        self._mean, self._scale = targets.mean(), targets.std() or 1.0
        x = torch.tensor(_codes(self.encode, architectures), dtype=torch.float32)
        y = torch.tensor((targets - self._mean) / self._scale, dtype=torch.float32)
        generator = torch.Generator().manual_seed(self.seed)
        layers = self._initial_layers(x.shape[1], generator)
        draws = torch.randint(
            len(x), (self.steps, self.members, self.batch_size), generator=generator
        )
        with torch.enable_grad():
            self._train(layers, x, y, draws)
        self._layers = [(weight.detach(), bias.detach()) for weight, bias in layers]

    def _initial_layers(self, d: int, generator: torch.Generator) -> list[tuple[Tensor, Tensor]]:
        """Draw weights U(-b, b), b = sqrt(6 / fan_in) (He et al., 2015); biases are zero."""
        layers = []
        for fan_in, fan_out in zip([d, *self.widths], [*self.widths, 1], strict=True):
            weight = torch.rand(self.members, fan_in, fan_out, generator=generator) * 2 - 1
            weight *= (6 / fan_in) ** 0.5
            bias = torch.zeros(self.members, 1, fan_out)
            layers.append((weight.requires_grad_(), bias.requires_grad_()))
        return layers

    def _train(
        self, layers: list[tuple[Tensor, Tensor]], x: Tensor, y: Tensor, draws: Tensor
    ) -> None:
        flat = [tensor for layer in layers for tensor in layer]
        adam = torch.optim.Adam(flat, lr=self.learning_rate, betas=(0.9, 0.99), foreach=True)
        rates = (1 + np.cos(np.pi * np.arange(self.steps) / self.steps)) / 2
        for draw, rate in zip(draws, rates.tolist(), strict=True):  # draw (members, batch)
            adam.param_groups[0]["lr"] = self.learning_rate * rate
            error = (_forward(layers, x[draw]) - y[draw]).abs()
            adam.zero_grad()
            error.mean(dim=1).sum().backward()  # a sum over members: each has its own gradient
            adam.step()

    @torch.no_grad()
    def predict(self, architectures: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        """Ask every network; see :class:`Predictor`."""
        _require_fitted(self, "_layers")
        x = torch.tensor(_codes(self.encode, architectures), dtype=torch.float32)
        outputs = _forward(self._layers, x.expand(self.members, *x.shape)).double().numpy()
        return _mean_and_spread(outputs * self._scale + self._mean)


def _forward(layers: list[tuple[Tensor, Tensor]], x: Tensor) -> Tensor:
    """Map x (members, batch, d) to outputs (members, batch)."""
    *hidden, (last_weight, last_bias) = layers
    for weight, bias in hidden:
        x = torch.baddbmm(bias, x, weight).relu()
    return torch.baddbmm(last_bias, x, last_weight).squeeze(2)


def _codes(encode: Encode, architectures: Sequence[Any]) -> np.ndarray:
    if not len(architectures):
        raise InvalidInput("predictor: got no architectures; give at least one.")
    return np.array([encode(architecture) for architecture in architectures], dtype=float)


def _targets(architectures: Sequence[Any], values: Sequence[float]) -> np.ndarray:
    targets = np.asarray(values, dtype=float)
    if targets.shape != (len(architectures),) or not len(targets):
        raise InvalidInput(
            f"fit: got {len(architectures)} architectures and values of shape {targets.shape}; "
            "give one value for each architecture, at least one."
        )
    if not np.isfinite(targets).all():
        raise InvalidInput(
            "fit: a value is infinite or not a number. Leave failed architectures out, or give "
            "them the worst finite value."
        )
    return targets


def _mean_and_spread(members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Map predictions (members, n) to their means (n,) and standard deviations (n,)."""
    return members.mean(axis=0), members.std(axis=0)


def _require_members(members: int) -> None:
    if members < 1:
        raise InvalidInput(f"members: got {members!r}; allowed: 1 or more.")


def _require_fitted(predictor: object, attribute: str) -> None:
    if not hasattr(predictor, attribute):
        raise InvalidInput(
            f"{type(predictor).__name__}: predict was called before fit. Call fit first."
        )
