"""Learning-curve regression: learn from completed trainings how curves go on."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nas_course.errors import InvalidInput

PENALTIES = tuple(10.0**power for power in range(-4, 4))


class CurveRegression:
    """Predict the last value of a curve from its first ones by ridge regression.

        regression = CurveRegression().fit(completed[:, :5], completed[:, -1])
        regression.predict(running[:, :5])

    Features are the values after the first epochs and their first and second differences, as in
    Baker, Gupta, Raskar, Naik, "Accelerating Neural Architecture Search using Performance
    Prediction", 2018, section 3.1 (they use a support vector regression). Unlike a parametric
    curve it needs other trainings that were completed; unlike it, it knows their schedule.

    Attributes
    ----------
    penalty : float
        Chosen out of `PENALTIES` by the leave-one-out error.
    sd : float
        Root mean square of the leave-one-out errors: the uncertainty of a prediction.
    """

    penalty: float
    sd: float

    def fit(self, beginnings: ArrayLike, ends: ArrayLike) -> CurveRegression:
        """Learn from completed trainings: their first values (n, epochs) and last value (n,).

        With the standardised features X and centred ends y the weights are
        (X'X + n penalty I)^-1 X'y, and leaving row i out changes its residual from r_i to
        r_i / (1 - h_i), h the diagonal of the hat matrix (Allen 1974).
        """
        features, y = _features(beginnings), np.asarray(ends, float)
        n = len(features)
        if y.shape != (n,) or n < 3 or not np.isfinite(y).all():
            raise InvalidInput(
                f"ends: got the shape {y.shape} for {n} curves; give one finite value for each "
                "of at least 3 curves."
            )
        self._mean, self._scale = features.mean(axis=0), features.std(axis=0) + 1e-12
        self._offset = y.mean()
        x = (features - self._mean) / self._scale
        u, s, vt = np.linalg.svd(x, full_matrices=False)
        along = u.T @ (y - self._offset)
        errors = {}
        for penalty in PENALTIES:
            kept = s**2 / (s**2 + n * penalty)
            residuals = y - self._offset - u @ (kept * along)
            leverage = (u**2) @ kept + 1 / n
            errors[penalty] = float(np.sqrt(np.mean((residuals / (1 - leverage)) ** 2)))
        self.penalty = min(errors, key=errors.__getitem__)
        self.sd = errors[self.penalty]
        self._weights = vt.T @ (s / (s**2 + n * self.penalty) * along)
        return self

    def predict(self, beginnings: ArrayLike) -> np.ndarray:
        """Predict the last values (n,) of curves of which the first ones (n, epochs) are known."""
        features = _features(beginnings)
        if not hasattr(self, "_weights") or features.shape[1] != len(self._weights):
            raise InvalidInput("predict: fit first, with curves of the same number of epochs.")
        return self._offset + (features - self._mean) / self._scale @ self._weights


def _features(curves: ArrayLike) -> np.ndarray:
    """Values and their first and second differences: (n, epochs) -> (n, features)."""
    values = np.asarray(curves, float)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise InvalidInput(
            f"curves: got the shape {values.shape}; give finite values (curves, epochs)."
        )
    first = np.diff(values, axis=1)
    return np.hstack([values, first, np.diff(first, axis=1)])
