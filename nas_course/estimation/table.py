"""Estimation by looking up: what training gave, from a table of trained architectures.

estimate = TableEstimate(nas_course.tabular.load())
estimate(architecture).value              # validation accuracy after the last epoch
estimate(architecture, epochs=3).value    # and after the third epoch of the same training
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

from nas_course.errors import InvalidInput
from nas_course.estimation.score import Score


class Row(Protocol):
    """What a table holds of one trained architecture."""

    @property
    def valid_accuracy(self) -> Sequence[float]:
        """Validation accuracy after every epoch, from 0 to 1."""

    @property
    def seconds(self) -> float:
        """What the whole training took."""

    @property
    def parameters(self) -> int:
        """Number of weights of the network."""

    @property
    def multiply_adds(self) -> int:
        """Multiplications with addition for one image."""


class Table(Protocol):
    """Rows by the text of an architecture and by the seed of its training."""

    @property
    def epochs(self) -> int:
        """Epochs of every training."""

    def query(self, architecture: str, seed: int = 0) -> Row:
        """Return the row of this architecture, or of one that is the same network."""


@dataclass(frozen=True)
class TableEstimate:
    """Score an architecture by the table's row of it, as if it were trained now.

    The validation accuracies are those of one training over the table's full schedule: asking
    for fewer epochs stops this training early, and asking for more goes on with it. The test
    accuracy stays in the table: a search must not see it.

    Attributes
    ----------
    table : Table
        For example ``nas_course.tabular.load()``.
    seed : int
        Which training of each architecture, where there are several.
    """

    table: Table
    seed: int = 0
    continues: ClassVar[bool] = True

    @cached_property
    def max_epochs(self) -> int:
        """Epochs of the full training."""
        return self.table.epochs

    def __call__(self, architecture: Any, epochs: int | None = None) -> Score:
        """Look up the validation accuracy after `epochs`, None for all of them.

        The cost is the share of the training's seconds that so many epochs take.

        Raises
        ------
        InvalidInput
            The table does not hold the architecture, or has no such epoch.
        """
        row = self.table.query(str(architecture), self.seed)
        last = self.max_epochs if epochs is None else epochs
        if not 1 <= last <= self.max_epochs:
            raise InvalidInput(
                f"epochs: got {epochs!r}; the table's trainings have epochs 1 to "
                f"{self.max_epochs}. Ask for one of these, or leave `epochs` out for all."
            )
        curve = tuple(row.valid_accuracy[:last])
        return Score(
            value=curve[-1],
            cost_seconds=row.seconds * last / self.max_epochs,
            fidelity=f"{last} of {self.max_epochs} epochs, from the table, seed {self.seed}",
            curve=curve,
            measures={"parameters": row.parameters, "multiply_adds": row.multiply_adds},
        )
