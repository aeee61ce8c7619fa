"""Learning-curve extrapolation: guess the last epoch from the first, and how surely.

    forecast = extrapolate(score.curve, to_epoch=20)
    forecast.mean, forecast.sd, forecast.probability_above(best)

Whether a forecast is worth anything is decided against :func:`last_value`, which costs nothing.

Domhan, Springenberg, Hutter, "Speeding Up Automatic Hyperparameter Optimization of Deep Neural
Networks by Extrapolation of Learning Curves", IJCAI 2015: the families of curves and their
weighted combination. They sample all parameters by MCMC; here least squares and Akaike weights
(Burnham and Anderson 2002, section 2.9) do, which takes microseconds a curve.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from nas_course.errors import InvalidInput
from nas_course.estimation.score import Score
from nas_course.estimation.stages import stages
from nas_course.estimation.training import require_epochs

FEWEST_EPOCHS = 4
ROUNDS, SHRINK, POINTS = 20, 0.6, 13  # of the search for a shape: see `_fit`
AT_ONCE = 256  # curves fitted together: some 10 MB an epoch seen
SMALLEST_ERROR = 1e-7  # of a fit: below it families are not told apart


@dataclass(frozen=True)
class Family:
    """Curves y(t) = c - a g(t; shape) that rise to c: linear in c and a, but for their shape.

    Attributes
    ----------
    name : str
        As in Domhan et al., table 1.
    decay : callable (t, *shape) -> array
        g, falling in t > 0.
    shapes : tuple of (low, high)
        Range of each shape parameter's decimal logarithm.
    starts_at_zero : bool
        Whether a = c, so that the curve starts at 0.
    """

    name: str
    decay: Callable[..., np.ndarray]
    shapes: tuple[tuple[float, float], ...] = ()
    starts_at_zero: bool = False

    @property
    def parameters(self) -> int:
        """How many numbers are fitted."""
        return (1 if self.starts_at_zero else 2) + len(self.shapes)


def _power(t: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return t**-alpha


def _inverse_log(t: np.ndarray) -> np.ndarray:
    return 1 / np.log(t + 1)


def _sigmoid(t: np.ndarray, kappa: np.ndarray, delta: np.ndarray) -> np.ndarray:
    return 1 / (1 + (kappa * t) ** delta)


def _exponential(t: np.ndarray, kappa: np.ndarray, delta: np.ndarray) -> np.ndarray:
    return np.exp(-((kappa * t) ** delta))


RATE, STEEPNESS = (-3.0, 1.0), (-1.0, 0.7)
FAMILIES = (
    Family("pow3", _power, ((-1.5, 0.7),)),  # c - a t^-alpha
    Family("ilog2", _inverse_log),  # c - a / log(t + 1)
    # log power a / (1 + (t / e^b)^c) is this with kappa = e^-b, delta = -c, and so is Hill3
    Family("log power", _sigmoid, (RATE, STEEPNESS), starts_at_zero=True),
    Family("MMF", _sigmoid, (RATE, STEEPNESS)),  # c - a / (1 + (kappa t)^delta)
    # Weibull c - a exp(-(kappa t)^delta); Janoschek and exp4 write the same curves differently
    Family("Weibull", _exponential, (RATE, STEEPNESS)),
)


@dataclass(frozen=True)
class Forecast:
    """What curves are expected to reach.

    Attributes
    ----------
    mean, sd : array (...)
        Of the forecast distribution, one for each curve (a number for a single curve).
    predictions, weights : array (..., families)
        What each family says, and its weight in the mean; in the order of `families`.
    families : tuple of str
        Those that have few enough parameters for the epochs seen.
    """

    mean: np.ndarray
    sd: np.ndarray
    predictions: np.ndarray
    weights: np.ndarray
    families: tuple[str, ...]

    def probability_above(self, best: float) -> np.ndarray:
        """Probability that a curve ends above `best`, taking the distribution for normal.

        Domhan et al. stop a training when it falls below 0.05.
        """
        return norm.sf(best, self.mean, self.sd)


def extrapolate(curve: ArrayLike, to_epoch: int, *, highest: float = 1.0) -> Forecast:
    """Forecast the value at a later epoch from those of the first epochs.

    Each family is fitted by weighted least squares, later epochs weighing more (w_t = t): they
    are nearer to what is asked. With n epochs, p parameters and the weighted mean square error s2,
    families get weights proportional to exp(-AICc / 2),
    AICc = n log s2 + 2 p + 2 p (p + 1) / (n - p - 1). The variance is that of the mixture: between
    families, and within each that of a linear regression's prediction at its best shape.

    No family knows a learning rate that falls to zero: where the schedule ends in a late rise, as
    a cosine does, forecasts are too low and too sure of it.

    Parameters
    ----------
    curve : array-like (epochs,) or (curves, epochs)
        Values after epochs 1, 2, ...; at least 4.
    to_epoch : int
        Later than those.
    highest : float
        What no value exceeds: 1 for accuracies, 100 for percentages. Forecasts are cut there,
        and at 0.

    Raises
    ------
    InvalidInput
        Too few epochs, a value that is not finite, or an epoch that is not later.
    """
    seen = _check(curve, to_epoch, fewest=FEWEST_EPOCHS)
    n = seen.shape[-1]
    families = [family for family in FAMILIES if n - family.parameters - 1 >= 1]
    y = np.atleast_2d(seen)
    parts = [
        np.stack([_fit(family, chunk, to_epoch) for family in families], axis=2)
        for chunk in np.array_split(y, range(AT_ONCE, len(y), AT_ONCE))
    ]
    predictions, errors, variances = np.concatenate(parts, axis=1)  # each (curves, families)
    predictions = predictions.clip(0, highest)
    p = np.array([family.parameters for family in families])
    smallest = (SMALLEST_ERROR * highest) ** 2
    weights = _akaike(errors + smallest, n, p)
    mean = (weights * predictions).sum(axis=1)
    variance = (weights * (variances + (predictions - mean[:, None]) ** 2)).sum(axis=1)
    sd = np.sqrt(variance + smallest)
    mean, sd, predictions, weights = (
        part if seen.ndim == 2 else part[0] for part in (mean, sd, predictions, weights)
    )
    return Forecast(mean, sd, predictions, weights, tuple(family.name for family in families))


def last_value(curve: ArrayLike, to_epoch: int) -> np.ndarray:
    """Forecast that nothing changes any more: the baseline of every extrapolation."""
    return _check(curve, to_epoch, fewest=1)[..., -1]


class ExtrapolatedEstimate:
    """Score an architecture by the forecast of its last epoch, after training only the first ones.

    Parameters
    ----------
    estimate : callable (architecture, epochs) -> Score
        Its curves are accuracies from 0 to 1; see :func:`nas_course.estimation.stages.stages`.
    epochs : int
        How many are trained: at least 4 and fewer than `estimate.max_epochs`.

    Notes
    -----
    The forecast's standard deviation is the measure "forecast_sd".
    """

    continues: ClassVar[bool] = False

    def __init__(self, estimate: Any, epochs: int) -> None:
        self.estimate = estimate
        self.epochs = require_epochs(epochs, estimate.max_epochs)
        _check(np.zeros(self.epochs), estimate.max_epochs, fewest=FEWEST_EPOCHS)

    def __call__(self, architecture: Any) -> Score:
        """Train the first epochs and extrapolate to the last."""
        watched = stages(self.estimate, architecture)
        scores = [next(watched) for _ in range(self.epochs)]
        curve, last = tuple(score.value for score in scores), scores[-1]
        forecast = extrapolate(curve, self.estimate.max_epochs)
        return Score(
            value=float(forecast.mean),
            cost_seconds=last.cost_seconds,
            fidelity=f"{last.fidelity}, extrapolated to epoch {self.estimate.max_epochs}",
            curve=curve,
            measures={**last.measures, "forecast_sd": float(forecast.sd)},
        )


def _akaike(errors: np.ndarray, n: int, p: np.ndarray) -> np.ndarray:
    """Weights (curves, families) from mean square errors, n epochs and p parameters."""
    criterion = n * np.log(errors) + 2 * p + 2 * p * (p + 1) / (n - p - 1)
    weights = np.exp(-(criterion - criterion.min(axis=1, keepdims=True)) / 2)
    return weights / weights.sum(axis=1, keepdims=True)


def _fit(family: Family, y: np.ndarray, to_epoch: int) -> np.ndarray:
    """Fit curves (N, n); return prediction, mean square error and prediction variance: (3, N).

    For a given shape the best c and a are a straight line's (variable projection, Golub and
    Pereyra 1973). The shape is found on a grid that narrows around its best point: 20 rounds of
    13 points a parameter, each 0.6 times as wide. Coarser grids lose the narrow valleys.
    """
    low, high = np.array(family.shapes).reshape(-1, 2).T
    grid = np.array(list(itertools.product(np.linspace(-1, 1, POINTS), repeat=len(low))))
    centre, width = np.tile((low + high) / 2, (len(y), 1)), (high - low) / 2
    rows = np.arange(len(y))
    for _ in range(ROUNDS if family.shapes else 1):
        tried = (centre[:, None] + grid * width).clip(low, high)  # (N, points, shapes)
        found = _line(family, y, tried, to_epoch)
        best = found[1].argmin(axis=1)
        centre, width = tried[rows, best], width * SHRINK
    return found[:, rows, best]


def _line(family: Family, y: np.ndarray, shapes: np.ndarray, to_epoch: int) -> np.ndarray:
    """Regress y on g for every curve and shape (N, points, k); as `_fit`, (3, N, points)."""
    n = y.shape[1]
    t = np.arange(1, n + 1, dtype=float)
    shape = [10 ** shapes[..., i, None] for i in range(shapes.shape[2])]
    g = np.broadcast_to(family.decay(t, *shape), (*shapes.shape[:2], n))
    later = np.broadcast_to(family.decay(np.array([float(to_epoch)]), *shape), (*g.shape[:2], 1))
    w, y = t / t.sum(), y[:, None]
    if family.starts_at_zero:
        x, x_later = 1 - g, 1 - later[..., 0]
        middle_x = middle_y = np.zeros(g.shape[:2])
    else:
        x, x_later = -g, -later[..., 0]
        middle_x, middle_y = x @ w, np.broadcast_to(y @ w, g.shape[:2])
    dx, dy = x - middle_x[..., None], y - middle_y[..., None]
    square = dx**2 @ w + 1e-30  # a shape so flat that it does not vary has no slope
    a = np.maximum((dx * dy) @ w / square, 0)  # curves rise
    error = (dy - a[..., None] * dx) ** 2 @ w
    ahead = x_later - middle_x
    noise = error * n / (n - family.parameters)
    spread = ahead**2 / (n * square) + (0 if family.starts_at_zero else 1 / n)
    return np.stack([middle_y + a * ahead, error, noise * (1 + spread)])


def _check(curve: ArrayLike, to_epoch: int, fewest: int) -> np.ndarray:
    seen = np.asarray(curve, float)
    if seen.ndim not in (1, 2) or seen.shape[-1] < fewest or not len(seen):
        raise InvalidInput(
            f"curve: got the shape {seen.shape}; give (epochs,) or (curves, epochs) with at least "
            f"{fewest} epochs. Fewer do not tell a curve's shape."
        )
    if not np.isfinite(seen).all():
        raise InvalidInput("curve: a value is infinite or not a number; leave that curve out.")
    if to_epoch <= seen.shape[-1]:
        raise InvalidInput(
            f"to_epoch: got {to_epoch}; the curve already has {seen.shape[-1]} epochs. "
            "Ask for a later one."
        )
    return seen
