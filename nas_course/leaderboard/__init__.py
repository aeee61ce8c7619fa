"""Every black-box strategy on the shipped table: regret over budget, over many seeds.

Use::

    board = read("results/leaderboard.json")
    print(table_text(board))
    print(statement(board, "regularized-evolution"))

or ``nas-course leaderboard --out results/leaderboard.json``, which makes the file.

A run's incumbent is the evaluated architecture with the best *validation* accuracy at full
fidelity so far; nothing else chooses. Its regret is the best *test* accuracy of the table minus
the test accuracy of the incumbent, in percentage points; the test accuracy is only reported. Even
a search that saw the whole table would not get below the file's "floor": the regret of the
architecture with the best validation accuracy. What a method does as a searcher shows in its
regret in validation accuracy ("final_valid"), which has no floor.
"""

from nas_course.leaderboard.command import add_arguments, run
from nas_course.leaderboard.entries import Entry, entries
from nas_course.leaderboard.measuring import Grids, measure
from nas_course.leaderboard.running import make_leaderboard, read
from nas_course.leaderboard.statistics import (
    Difference,
    difference_of_medians,
    statement,
    table_text,
)

__all__ = [
    "Difference",
    "Entry",
    "Grids",
    "add_arguments",
    "difference_of_medians",
    "entries",
    "make_leaderboard",
    "measure",
    "read",
    "run",
    "statement",
    "table_text",
]
