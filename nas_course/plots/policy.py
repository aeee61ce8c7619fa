"""What a controller would choose: probabilities of options, and how it came to them.

draw_policy(space.choices, snapshots[-1])                       # one moment
draw_policy_learning(strategy.history)                          # reward and entropy
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from nas_course.errors import InvalidInput
from nas_course.plots import style
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels
from nas_course.spaces.choices import Choice

READABLE = 0.02  # a probability below 2 % is not written into its field
DARK_FIELD = 0.55  # from here on white letters are easier to read


@course_style
def draw_policy(
    choices: Sequence[Choice], probabilities: Sequence[np.ndarray], *, when: str = ""
) -> CourseFigure:
    """Draw one row per choice and one field per option, the darker the more probable.

    Parameters
    ----------
    choices : sequence of Choice
        All with the same options, as in NAS-Bench-201.
    probabilities : sequence of arrays
        One per choice, each of its number of options; from `Reinforce.probabilities`.
    when : str
        For the summary, for example "after 120 evaluations".
    """
    options = choices[0].options
    if any(choice.options != options for choice in choices):
        raise InvalidInput("choices: got different options per choice; allowed: equal ones.")
    table = np.stack(probabilities)
    summary = _summary(choices, table, when)
    figure = new_figure(summary, (6.8, 0.45 * len(choices) + 1.1))
    (axes,) = panels(figure)
    axes.imshow(table, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(table):
        if value >= READABLE:
            ink = "white" if value >= DARK_FIELD else style.INK
            axes.text(column, row, f"{value:.0%}", ha="center", va="center", color=ink)
    axes.set_xticks(range(len(options)), [_short(option) for option in options])
    axes.set_yticks(range(len(choices)), [choice.name for choice in choices])
    axes.set_xlabel("option")
    axes.set_ylabel("choice, in order")
    return figure


@course_style
def draw_policy_learning(history: Sequence[Mapping[str, float]]) -> CourseFigure:
    """Draw the mean reward of each batch with its baseline, and the policy's entropy.

    Parameters
    ----------
    history : sequence of mappings
        From `Reinforce.history`; at least one update.
    """
    if not history:
        raise InvalidInput("history: got no update; let the controller learn for a batch first.")
    evaluations = [row["evaluations"] for row in history]
    entropy = [row["entropy"] for row in history]
    summary = (
        f"In {len(history)} updates the entropy of the policy goes from {entropy[0]:.1f} to "
        f"{entropy[-1]:.1f} nats."
    )
    figure = new_figure(summary, style.WIDE)
    left, right = panels(figure, 1, 2)
    color = style.METHOD_COLORS["reinforce"]
    left.plot(evaluations, [r["reward"] for r in history], ".", color=color, label="mean of batch")
    left.plot(
        evaluations, [r["baseline"] for r in history], color=style.INK, label="baseline (moving)"
    )
    left.set_ylabel("reward")
    left.legend(loc="lower right")
    right.plot(evaluations, entropy, color=color)
    right.set_ylabel("entropy of the policy (nats)")
    right.set_ylim(bottom=0)
    for axes in (left, right):
        axes.set_xlabel("evaluations")
        axes.grid(axis="y")
    return figure


def _summary(choices: Sequence[Choice], table: np.ndarray, when: str) -> str:
    place = table.max(axis=1).argmax()
    option = choices[place].options[int(table[place].argmax())]
    entropy = -np.sum(table * np.log(np.maximum(table, 1e-12)))
    uniform = len(choices) * math.log(table.shape[1])
    moment = f"{when[0].upper()}{when[1:]} the" if when else "The"
    return (
        f"{moment} controller is surest of {option} at {choices[place].name} "
        f"({table[place].max():.0%}). The choices, each by itself, have an entropy of "
        f"{entropy:.1f} nats in all; a uniform policy has {uniform:.1f}."
    )


def _short(option: str) -> str:
    return style.SHORT_NAMES.get(option, option)
