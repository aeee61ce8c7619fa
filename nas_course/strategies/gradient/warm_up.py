"""A schedule that lets the weights train alone before the alphas begin to move.

Parts(make_schedules=(lambda: WarmUp(0.3),))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nas_course.errors import InvalidInput
from nas_course.strategies.gradient.parts import Schedule

if TYPE_CHECKING:
    from nas_course.strategies.gradient.search import GradientSearch


class WarmUp(Schedule):
    """Leave the architecture parameters alone for the first share of the steps.

    PC-DARTS: 15 of 50 epochs (ICLR 2020), so that the alphas do not choose between
    operations without weights and operations whose weights are still random.

    Parameters
    ----------
    share : float
        Of the steps, from 0 (no warm-up) to below 1.

    Raises
    ------
    InvalidInput
        If `share` is outside its range.
    """

    def __init__(self, share: float) -> None:
        if not 0 <= share < 1:
            raise InvalidInput(f"warm-up: got {share!r}; allowed: 0 to below 1, a share of steps.")
        self.share = share

    def trains_alphas(self, search: GradientSearch) -> bool:
        """Whether the warm-up is over."""
        return search.progress >= self.share
