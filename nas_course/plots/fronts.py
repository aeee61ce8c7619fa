"""Two objectives at once: the architectures that no other one beats in both.

draw_front(accuracy, parameters, found={"nsga2": rows, "random": other_rows})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nas_course.errors import InvalidInput
from nas_course.plots import style
from nas_course.plots.alphas import PERCENT
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels
from nas_course.strategies.black_box.pareto import nondominated_fronts


def pareto_front(accuracy: np.ndarray, cost: np.ndarray) -> list[int]:
    """Return the rows that no other beats in both, by rising cost.

    Parameters
    ----------
    accuracy, cost : arrays, shape (architectures,)
        Accuracy is to be large, cost to be small.
    """
    points = np.column_stack([accuracy, -np.asarray(cost, dtype=float)])
    return sorted(nondominated_fronts(points)[0], key=lambda row: (cost[row], accuracy[row]))


@course_style
def draw_front(
    accuracy: np.ndarray,
    cost: np.ndarray,
    found: Mapping[str, Sequence[int]],
    *,
    cost_label: str = "weights of the network",
) -> CourseFigure:
    """Draw a space's accuracies against a cost, its Pareto front, and what searches found of it.

    Parameters
    ----------
    accuracy : array, shape (architectures,)
        0 to 1.
    cost : array, shape (architectures,)
        Smaller is better.
    found : mapping of method to rows
        The rows that each method's front holds.
    cost_label : str
        With its unit.
    """
    if len(accuracy) != len(cost):
        raise InvalidInput(f"cost: got {len(cost)} numbers for {len(accuracy)} accuracies.")
    true_front = pareto_front(accuracy, cost)
    reached = {name: len(set(rows) & set(true_front)) for name, rows in found.items()}
    words = "; ".join(f"{name} found {count} of them" for name, count in reached.items())
    total = f"Of {len(accuracy):,} architectures {len(true_front)} form the Pareto front."
    figure = new_figure(f"{total} {words}.", (8.0, 4.2))
    (axes,) = panels(figure)
    axes.scatter(cost, accuracy, s=3, color="#c8c8c8", label="all architectures", rasterized=True)
    _steps(axes, cost, accuracy, true_front, color=style.INK, linewidth=1, label="Pareto front")
    for name, rows in found.items():
        look = style.method_line(name) | {"linestyle": "none", "markerfacecolor": "none"}
        axes.plot(cost[list(rows)], accuracy[list(rows)], markersize=7, markeredgewidth=1.5, **look)
    axes.yaxis.set_major_formatter(PERCENT)
    axes.set_xlabel(cost_label)
    axes.set_ylabel("validation accuracy")
    axes.legend(loc="lower right")
    return figure


def _steps(axes, cost, accuracy, rows, **look) -> None:
    """Draw the border of what is dominated: it jumps up where a better architecture begins."""
    axes.plot(cost[rows], accuracy[rows], drawstyle="steps-post", **look)
