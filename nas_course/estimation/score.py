"""What an estimate says about an architecture."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Score:
    """One estimate of one architecture.

    Attributes
    ----------
    value : float
        The larger, the better; mostly an accuracy from 0 to 1.
    cost_seconds : float
        What the estimate took. Not compared: two equal scores may have taken different times.
    fidelity : str
        How it was estimated, for example "20 epochs on 700 images".
    curve : tuple of float
        The value's course while it was estimated, for example the training accuracy of each
        epoch; empty if there is none.
    """

    value: float
    cost_seconds: float = field(compare=False)
    fidelity: str
    curve: tuple[float, ...] = ()
