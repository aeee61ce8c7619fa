"""How many terms of its Neumann series a search really used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nas_course.errors import InvalidInput
from nas_course.strategies.gradient.hypergradients import Neumann
from nas_course.strategies.gradient.parts import Batch, Schedule

if TYPE_CHECKING:
    from nas_course.strategies.gradient.search import GradientSearch


class WatchTerms(Schedule):
    """Add the column ``terms_used``: Hessian-vector products kept, mean over the alpha steps.

    Below the K that was asked for, some series grew and were cut (see `Neumann`).
    """

    def __init__(self) -> None:
        self.used: list[int] = []  # in this epoch

    def begin(self, search: GradientSearch) -> None:
        """Take the hypergradient to watch."""
        if not isinstance(search.hypergradient, Neumann):
            raise InvalidInput(
                f"WatchTerms follows a Neumann series: got {type(search.hypergradient).__name__}; "
                "use it with make_hypergradient=Neumann."
            )
        self.series = search.hypergradient

    def before_step(self, search: GradientSearch, train_batch: Batch, valid_batch: Batch) -> None:
        """Note what the last alpha step used."""
        self._note()

    def after_epoch(self, search: GradientSearch) -> dict[str, Any]:
        """Return the mean of the epoch, None if the alphas rested."""
        self._note()
        used, self.used = self.used, []
        return {"terms_used": sum(used) / len(used) if used else None}

    def state_dict(self) -> dict[str, Any]:
        """Return the counts of the epoch so far."""
        self._note()
        return {"used": list(self.used)}

    def load_state_dict(self, state: dict[str, Any], search: GradientSearch) -> None:
        """Continue from what `state_dict` gave."""
        self.used = list(state["used"])

    def _note(self) -> None:
        if self.series.norms:
            self.used.append(len(self.series.norms) - 1 - self.series.stopped)
            self.series.norms = []  # noted
