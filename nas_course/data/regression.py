"""Small regression problems: rows of features and a number to predict, in three parts.

    data = diabetes(seed=0)                       # 442 patients, from scikit-learn, real
    data.train.inputs, data.train.targets         # (265, 10) and (265,)

Chapter 01 searches networks on them: a training takes a fraction of a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import load_diabetes
from torch import Tensor

from nas_course.errors import InvalidInput

SHARES = (0.6, 0.2, 0.2)  # train, valid, test


@dataclass(frozen=True)
class Rows:
    """One part of a problem: `inputs` (N, features) and `targets` (N,), both float32."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True)
class RegressionData:
    """A regression problem in three parts.

    `train` fits weights, `valid` compares designs, `test` is touched once, at the end. Features and
    targets are standardised by the train part's means and deviations.
    """

    name: str
    train: Rows
    valid: Rows
    test: Rows

    @property
    def features(self) -> int:
        """Numbers in a row."""
        return self.train.inputs.shape[1]

    def __repr__(self) -> str:
        sizes = " / ".join(str(len(part)) for part in (self.train, self.valid, self.test))
        return f"RegressionData({self.name}: {sizes} rows of {self.features} features)"


def diabetes(seed: int) -> RegressionData:
    """Load 442 patients: age, sex, BMI, blood pressure, six blood values; progression in a year.

    Efron, Hastie, Johnstone, Tibshirani, "Least Angle Regression", Annals of Statistics 2004; part
    of scikit-learn. The seed shuffles the patients before they are split 265 / 89 / 88.
    """
    inputs, targets = load_diabetes(return_X_y=True, scaled=False)
    return split_shuffled("diabetes", inputs, targets, seed)


def sine(rows: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw y = sin(x) + noise e, e standard normal, on an even grid of x from -5 to 5.

    Returns
    -------
    inputs (rows, 1), targets (rows,)
        Sorted by x, as a file of measurements often is.
    """
    if rows < 5:
        raise InvalidInput(f"rows: got {rows}; a split into three parts needs 5 or more.")
    x = np.linspace(-5, 5, rows)
    return x[:, None], np.sin(x) + noise * np.random.default_rng(seed).normal(size=rows)


def split_shuffled(name: str, inputs: np.ndarray, targets: np.ndarray, seed: int) -> RegressionData:
    """Shuffle the rows by the seed, then cut them 60 / 20 / 20.

    Raises
    ------
    InvalidInput
        As :func:`split_in_order`.
    """
    x, y = _require_table(name, inputs, targets)
    order = np.random.default_rng(seed).permutation(len(y))
    return split_in_order(name, x[order], y[order])


def split_in_order(name: str, inputs: np.ndarray, targets: np.ndarray) -> RegressionData:
    """Cut the rows 60 / 20 / 20 as they stand.

    Where the rows are sorted by a feature, valid and test ask for extrapolation.

    Raises
    ------
    InvalidInput
        `inputs` is not a table with one row per target, or there are fewer than 5 rows.
    """
    x, y = _require_table(name, inputs, targets)
    first, second = np.rint(np.cumsum(SHARES)[:2] * len(y)).astype(int)
    x, y = _standardised(x, first), _standardised(y, first)
    parts = zip(np.split(x, [first, second]), np.split(y, [first, second]), strict=True)
    return RegressionData(name, *(Rows(torch.tensor(a), torch.tensor(b)) for a, b in parts))


def _require_table(
    name: str, inputs: np.ndarray, targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(inputs, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    if x.ndim != 2 or y.shape != x.shape[:1] or len(y) < 5:
        raise InvalidInput(
            f"{name}: inputs have the shape {x.shape} and targets {y.shape}; give inputs "
            "(N, features) and targets (N,) with the same N, 5 or more."
        )
    return x, y


def _standardised(values: np.ndarray, train: int) -> np.ndarray:
    """Subtract mean and divide by deviation of the first `train` rows; constants only centred."""
    deviation = values[:train].std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    return ((values - values[:train].mean(axis=0)) / deviation).astype(np.float32)
