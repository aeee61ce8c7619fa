"""Orders of images: one that keeps the classes balanced, and one for each epoch."""

from __future__ import annotations

import numpy as np
import torch


def stratified_order(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shuffle images so that every stretch of the order holds the classes in their proportions.

    The k-th image (k = 0, 1, ...) of a class with n images gets the place ``(k + u) / n``, with
    one u drawn uniformly from [0, 1) for the class; sorting by place gives the order. A stretch
    of m out of N images therefore holds n m / N images of the class, to within one.

    Parameters
    ----------
    labels : array (N,) of int
        The class of each image.
    rng : numpy.random.Generator
        Decides which image of a class comes first, and the classes' turns.

    Returns
    -------
    array (N,) of int64
        Indices into `labels`. Prefixes are nested by construction: the first 200 are the first
        200 of the first 400.
    """
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        place[members] = (rng.permutation(len(members)) + rng.random()) / len(members)
    return np.argsort(place, kind="stable")


def epoch_order(count: int, generator: torch.Generator) -> torch.Tensor:
    """Draw the order in which one epoch visits `count` images: a LongTensor (count,).

    `generator` lives on the processor, so the order is the same whatever device trains.
    """
    return torch.randperm(count, generator=generator)
