"""Every method of a family on the shipped table: regret, cost and chance, over seeds.

Use::

    board = read("results/leaderboard.json")
    print(table_text(board))
    print(statement(board, "regularized-evolution"))

    board = read_gradient("results/leaderboard_gradient.json")
    print(gradient_table(board))
    print(gradient_statement(board, "darts-1st"))

or ``nas-course leaderboard --out results/leaderboard.json``, which makes the file (with ``--family
gradient`` the other one).

Black-box methods: a run's incumbent is the evaluated architecture with the best *validation*
accuracy at full fidelity so far; nothing else chooses. Its regret is the best *test* accuracy of
the table minus the test accuracy of the incumbent, in percentage points; the test accuracy is only
reported. Even a search that saw the whole table would not get below the file's "floor": the regret
of the architecture with the best validation accuracy. What a method does as a searcher shows in
its regret in validation accuracy ("final_valid"), which has no floor.

Gradient methods: each searches on the images of the table's own protocol, with a supernet in the
table's own network, and the cell it derives is looked up. It never asks the table: its frame is
a cell drawn by chance, and random search that may train for as many seconds.
"""

from nas_course.leaderboard.command import add_arguments, run
from nas_course.leaderboard.entries import Entry, entries
from nas_course.leaderboard.gradient_measuring import GradientEntry
from nas_course.leaderboard.gradient_running import (
    gradient_entries,
    make_gradient_leaderboard,
    read_gradient,
)
from nas_course.leaderboard.gradient_statistics import (
    claims_table,
    gradient_statement,
    gradient_table,
    verdicts,
    verdicts_text,
)
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
    "GradientEntry",
    "Grids",
    "add_arguments",
    "claims_table",
    "difference_of_medians",
    "entries",
    "gradient_entries",
    "gradient_statement",
    "gradient_table",
    "make_gradient_leaderboard",
    "make_leaderboard",
    "measure",
    "read",
    "read_gradient",
    "run",
    "statement",
    "table_text",
    "verdicts",
    "verdicts_text",
]
