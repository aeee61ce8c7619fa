"""What an estimate says about an architecture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Score:
    """One estimate of one architecture.

    Attributes
    ----------
    value : float
        The larger, the better; mostly an accuracy from 0 to 1.
    cost_seconds : float
        What the estimate took, from scratch. Not compared: two equal scores may have taken
        different times.
    fidelity : str
        How it was estimated, for example "20 epochs on 700 images".
    curve : tuple of float
        The value after each epoch so far, for example validation accuracies; empty if there is
        none. It ends with `value`, unless the estimate says otherwise.
    measures : mapping from name to number
        What else is known of the architecture, for searches with several objectives: for example
        "parameters" and "multiply_adds" (of one image). The smaller, the better.
    """

    value: float
    cost_seconds: float = field(compare=False)
    fidelity: str
    curve: tuple[float, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict, hash=False)
