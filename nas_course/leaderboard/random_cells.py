"""The frame of a leaderboard: cells drawn by chance, and random searches among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from nas_course import tabular
from nas_course.comparison.statistics import mean_interval
from nas_course.leaderboard.measuring import POINT
from nas_course.leaderboard.statistics import Difference
from nas_course.spaces import NASBench201Space

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
REPEATS = 4000  # simulated random searches
Spread = dict[str, float]


@dataclass(frozen=True)
class RandomCells:
    """Cells drawn uniformly from all of the space, or from a part, with the table's results.

    Regrets are those to the best cell of the table, also where a part does not have it.

    Parameters
    ----------
    table : Table
        Every cell of the space must be in it.
    space : NASBench201Space
    """

    table: tabular.Table
    space: NASBench201Space = field(default_factory=NASBench201Space)

    @cached_property
    def rows(self) -> np.ndarray:
        """The table's row of each cell of the space, (n,) int64: 15,625 in the whole one."""
        return self.table.index(list(self.space))

    @cached_property
    def accuracy(self) -> np.ndarray:
        """Test accuracy of each cell, 0 to 1, (n,)."""
        return self.table.test[self.rows].astype(float)

    @cached_property
    def regret(self) -> np.ndarray:
        """Regret in test accuracy of each cell, in points, (n,)."""
        return POINT * (self.table.best_test - self.accuracy)

    @cached_property
    def regret_valid(self) -> np.ndarray:
        """Regret in validation accuracy of each cell, in points, (n,)."""
        return POINT * (self.table.best_valid - self.table.valid[self.rows, -1].astype(float))

    def spread(self) -> dict[str, Spread]:
        """Return mean and quantiles of the regret of one cell, in both accuracies."""
        return {"final": spread(self.regret), "final_valid": spread(self.regret_valid)}

    def beaten(self, regrets: Sequence[float]) -> list[float]:
        """Return the share of all cells that each found cell leaves behind in test accuracy.

        Cells of equal accuracy count half: a cell drawn by chance expects 0.5.
        """
        found = np.asarray(regrets, dtype=float)[:, None]
        close = np.abs(self.regret - found) < 1e-3
        worse = (self.regret > found) & ~close
        return [round(float(share), 4) for share in (worse + 0.5 * close).mean(axis=1)]

    def search(self, seconds: float, *, seed: int = 0) -> dict[str, Spread]:
        """Return what random search finds within so many seconds of training.

        Cells are drawn with replacement, each costs its own training, and the one with the best
        validation accuracy is kept. The first is always trained to its end; one that would end
        after the limit is not begun.

        Parameters
        ----------
        seconds : float
            As the table counts them.
        seed : int
            Of `REPEATS` simulated searches.
        """
        costs = self.table.seconds[self.rows].astype(float)
        most = 1 + int(2 * seconds / costs.mean())
        rng = np.random.default_rng(seed)
        drawn = rng.integers(len(costs), size=(REPEATS, most))  # (searches, cells)
        afforded = np.cumsum(costs[drawn], axis=1) <= seconds
        afforded[:, 0] = True
        regrets = np.where(afforded, self.regret_valid[drawn], np.inf)
        chosen = drawn[np.arange(REPEATS), regrets.argmin(axis=1)]
        return {
            "final": spread(self.regret[chosen]),
            "final_valid": spread(self.regret_valid[chosen]),
        }


def spread(regrets: np.ndarray) -> Spread:
    """Return the mean and `QUANTILES` of regrets in points, as plain numbers."""
    found = {f"{share:g}": np.quantile(regrets, share) for share in QUANTILES}
    return {name: round(float(v), 4) for name, v in {"mean": regrets.mean(), **found}.items()}


def difference_to_mean(regrets: Sequence[float], known: float) -> Difference:
    """Compare the mean of a few runs with a mean that is known exactly, or nearly.

    The 95 % interval is Student's, m - known -+ t s / sqrt(n). It supposes about normal regrets;
    runs that all found the same cell give it no width, which says nothing about further seeds.
    """
    mean, low, high = mean_interval(regrets)
    return Difference(mean - known, low - known, high - known)


def frame(table: tabular.Table) -> Mapping[str, object]:
    """Describe the frame: a cell by chance, the best cells of the table, and the one to beat.

    "most_weights" is the cell with the most weights. Nobody needs to search for it.
    """
    by_valid = _described(table, int(table.valid[:, -1].argmax()))
    return {
        "random_cell": RandomCells(table).spread(),
        "best_by_test": _described(table, int(table.test.argmax())),
        "best_by_valid": by_valid,
        "most_weights": _described(table, int(table.parameters.argmax())),
        "floor": by_valid["final"],
    }


def _described(table: tabular.Table, row: int) -> dict[str, Any]:
    regret = POINT * (table.best_test - float(table.test[row]))
    regret_valid = POINT * (table.best_valid - float(table.valid[row, -1]))
    return {
        "architecture": str(table.architectures[row]),
        "final": round(regret, 4),
        "final_valid": round(regret_valid, 4),
    }
