"""What several objectives need: Pareto fronts, crowding distances, hypervolume.

    fronts = nondominated_fronts(points)         # [[3, 0], [1], [2]]: rows, the best front first
    hypervolume(points[fronts[0]], reference)

Every objective is to be maximised; negate what is to be small.
"""

from __future__ import annotations

import numpy as np

from nas_course.errors import InvalidInput


def dominance(points: np.ndarray) -> np.ndarray:
    """Return the matrix D with D[i, j] true where point i dominates point j.

    i dominates j if it is at least as good in every objective and better in one.

    Parameters
    ----------
    points : array, shape (points, objectives)

    Returns
    -------
    array of bool, shape (points, points)
    """
    rows, columns = points[:, None, :], points[None, :, :]
    return np.logical_and((rows >= columns).all(axis=2), (rows > columns).any(axis=2))


def nondominated_fronts(points: np.ndarray) -> list[list[int]]:
    """Sort points into fronts: the first is dominated by none, the next only by the first, ...

    Deb, Pratap, Agarwal, Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm:
    NSGA-II", IEEE TEC 2002, section III-A: n_p counts the points that dominate p; taking a
    front away lowers the counts of those that it dominates, and where a count falls to zero the
    point belongs to the next front. O(objectives x points^2).

    Parameters
    ----------
    points : array, shape (points, objectives)
        No NaN.

    Returns
    -------
    list of fronts
        Each a list of rows in ascending order.
    """
    dominates = dominance(points)
    counts = dominates.sum(axis=0)  # n_p
    fronts = []
    while (counts == 0).any():
        front = np.flatnonzero(counts == 0)
        counts = counts - dominates[front].sum(axis=0)
        counts[front] = -1  # done: never zero again
        fronts.append(front.tolist())
    return fronts


def crowding_distances(points: np.ndarray) -> np.ndarray:
    """Return how far apart the neighbours of each point of one front are.

    d_i = sum over objectives of (f(next) - f(previous)) / (f_max - f_min), the points sorted by
    the objective; the first and the last have infinite distance (section III-B of the paper).
    An objective in which all points agree, or that is infinite, adds nothing.

    Parameters
    ----------
    points : array, shape (points, objectives)

    Returns
    -------
    array, shape (points,)
    """
    distances = np.zeros(len(points))
    for values in points.T:
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        distances[order[[0, -1]]] = np.inf
        span = ordered[-1] - ordered[0] if np.isfinite(ordered[[0, -1]]).all() else 0.0
        if span > 0:
            distances[order[1:-1]] += (ordered[2:] - ordered[:-2]) / span
    return distances


def hypervolume(points: np.ndarray, reference: np.ndarray) -> float:
    """Return the exact volume between a reference and what the points dominate.

    Zitzler, Thiele, "Multiobjective evolutionary algorithms: a comparative case study and the
    strength Pareto approach", IEEE TEC 1999. Two objectives: the area under a staircase. Three:
    slabs along the third objective, each as thick as the step to the next lower point and with
    the area of all points at least as high as its base.

    Parameters
    ----------
    points : array, shape (points, 2 or 3)
        Dominated ones may be among them. One that is not better than the reference in every
        objective adds nothing.
    reference : array, shape (2 or 3,)

    Raises
    ------
    InvalidInput
        For another number of objectives, or if points and reference disagree in it.
    """
    reference = np.asarray(reference, dtype=float)
    points = np.asarray(points, dtype=float).reshape(-1, len(reference))
    if len(reference) not in (2, 3):
        raise InvalidInput(f"hypervolume: got {len(reference)} objectives; allowed: 2 or 3.")
    heights = points[(points > reference).all(axis=1)] - reference
    return _area(heights) if len(reference) == 2 else _volume(heights)


def _area(heights: np.ndarray) -> float:
    """Sum the steps of the staircase from the widest point to the highest."""
    area = top = 0.0
    for width, height in sorted(heights.tolist(), reverse=True):
        area += width * max(height - top, 0.0)
        top = max(top, height)
    return area


def _volume(heights: np.ndarray) -> float:
    ordered = heights[np.argsort(-heights[:, 2], kind="stable")]
    floors = np.append(ordered[:, 2], 0.0)[1:]
    return sum(
        (_area(ordered[: count + 1, :2]) * (point[2] - floor) if point[2] > floor else 0.0)
        for count, (point, floor) in enumerate(zip(ordered, floors, strict=True))
    )
