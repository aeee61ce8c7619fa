"""A population over time: who lives, who has died, and where the best one comes from.

births, living = [], []                     # Members in order of birth; copies of a population
draw_population(births, living[150])        # the state when that copy was made
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas_course.errors import InvalidInput
from nas_course.plots import style
from nas_course.plots.alphas import PERCENT
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels
from nas_course.strategies.black_box.population import Member, value_of

DEAD = "#b0b0b0"
ALIVE = style.METHOD_COLORS["regularized-evolution"]
LINEAGE = style.METHOD_COLORS["random"]


def lineage(births: Sequence[Member], member: Member) -> list[Member]:
    """Return a member and its ancestors along the first parents, the youngest first.

    A parent is the latest birth of its architecture before the child's.
    """
    line = [member]
    while line[-1].parent is not None:
        born, parent = line[-1].born, line[-1].parent
        earlier = [other for other in births[: born - 1] if other.architecture == parent]
        if not earlier:
            break
        line.append(earlier[-1])
    return line


@course_style
def draw_population(births: Sequence[Member], living: Sequence[Member]) -> CourseFigure:
    """Draw every birth so far, the living ones among them, and the ancestors of the best.

    Parameters
    ----------
    births : sequence of Member
        All that were born, in order: `births[i].born == i + 1`. Those after the youngest living
        one are not drawn, but they decide the axes, so that the frames of a film fit together.
    living : sequence of Member
        The population at one moment; at least one.

    Returns
    -------
    CourseFigure
        Left fitness against time of birth, right how many of the living have which age.
    """
    if not living:
        raise InvalidInput("living: got an empty population; give the members at one moment.")
    now = max(member.born for member in living)
    best = max(living, key=value_of)
    line = lineage(births, best)
    ages = np.array([now - member.born for member in living])
    figure = new_figure(_summary(now, living, best, line, ages), style.WIDE)
    left, right = panels(figure, 1, 2, width_ratios=(3, 1))
    _draw_births(left, births, living, line, now)
    right.hist(ages, bins=min(10, int(ages.max()) + 1), color=ALIVE)
    right.set_xlabel("age (evaluations since birth)")
    right.set_ylabel("living members")
    return figure


def _draw_births(axes, births, living, line, now) -> None:
    dead = {member.born for member in births[:now]} - {member.born for member in living}
    for members, look in (
        ([births[born - 1] for born in sorted(dead)], {"color": DEAD, "s": 9, "label": "dead"}),
        (living, {"color": ALIVE, "s": 16, "label": "alive"}),
    ):
        axes.scatter([m.born for m in members], [m.value for m in members], zorder=2, **look)
    axes.plot(
        [m.born for m in line], [m.value for m in line],
        color=LINEAGE, marker="^", zorder=3, label="ancestors of the best living",
    )  # fmt: skip
    values = [member.value for member in births if np.isfinite(member.value)]
    margin = 0.05 * (max(values) - min(values) or 0.01)
    axes.set_xlim(0, len(births) + 1)
    axes.set_ylim(min(values) - margin, max(values) + margin)
    axes.yaxis.set_major_formatter(PERCENT)
    axes.set_xlabel("born at evaluation")
    axes.set_ylabel("fitness (validation accuracy)")
    axes.legend(loc="lower right")


def _summary(now, living, best, line, ages) -> str:
    mean = np.mean([member.value for member in living])
    return (
        f"After {now} evaluations {len(living)} members live, the oldest for {ages.max()}. Their "
        f"mean fitness is {mean:.1%}, the best {best.value:.1%}, born at {best.born} as the "
        f"{_ordinal(len(line))} of its line."
    )


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
