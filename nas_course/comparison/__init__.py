"""Searched cells beside random ones and a hand-designed network: one recipe, many seeds.

Use::

    protocol = PRESETS["digits"]                  # what is compared, on what, how it is trained
    rows = compare(protocol, out="results/my_digits.json")
    print(table(rows))
    print(statement(rows, "darts-1st", "random"))

or ``nas-course compare --data digits --out results/my_digits.json``.
"""

from nas_course.comparison.command import add_arguments, run
from nas_course.comparison.protocol import HAND_DESIGNED, PRESETS, RANDOM, Protocol
from nas_course.comparison.running import compare, read
from nas_course.comparison.statistics import Paired, Summary, paired, statement, summary, table

__all__ = [
    "HAND_DESIGNED",
    "PRESETS",
    "RANDOM",
    "Paired",
    "Protocol",
    "Summary",
    "add_arguments",
    "compare",
    "paired",
    "read",
    "run",
    "statement",
    "summary",
    "table",
]
