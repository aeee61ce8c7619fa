"""What one training of one cell gave: the row of a tabular benchmark."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """What one training of one cell gave.

    Attributes
    ----------
    valid_accuracy : tuple of float
        After every epoch, 0 to 1.
    test_accuracy : float
        After the last epoch.
    seconds : float
        Processor time of the training, without evaluation and loading.
    parameters : int
        Weights of the network; edges that do not reach the output have none.
    multiply_adds : int
        Of one image's pass (see `nas_course.tabular.network.multiply_adds`).
    seed : int
        Of the initial weights and of the order of the images.
    """

    valid_accuracy: tuple[float, ...]
    test_accuracy: float
    seconds: float
    parameters: int
    multiply_adds: int
    seed: int
