"""How well cheap scores rank: scatters, quality against cost, and what halving threw out.

draw_agreement({"two seeds": (first, second)}, xlabel="seed 0", ylabel="seed 1")
draw_fidelity(table.valid, table.test, epochs=3)
draw_quality({"fewer epochs": (shares, taus)}, xlabel="share of the cost", ylabel="Kendall's tau")
draw_halving(strategy.brackets, curve_of, epochs=3)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from nas_course.errors import InvalidInput
from nas_course.estimation.ranking import kendall, spearman, top_overlap
from nas_course.plots import style
from nas_course.plots.alphas import PERCENT
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels
from nas_course.strategies.black_box.successive_halving import Bracket

Curve = Callable[[Any], Sequence[float]]

POINTS = "#9a9a9a"
CHOSEN = style.TRAIN_COLOR
STOPPED = "#b0b0b0"
ALIVE = style.METHOD_COLORS["successive-halving"]
BEST = style.VALID_COLOR
# Colour, dash and marker of lines that stand for no method; told apart by dash and marker too.
LINES: tuple[dict[str, Any], ...] = (
    {"color": style.VALID_COLOR, "linestyle": "-", "marker": "o"},
    {"color": style.TRAIN_COLOR, "linestyle": (0, (6, 2)), "marker": "s"},
    {"color": style.METHOD_COLORS["reinforce"], "linestyle": (0, (3, 2)), "marker": "v"},
    {"color": style.METHOD_COLORS["local-search"], "linestyle": (0, (6, 2, 1, 2)), "marker": "P"},
    {"color": style.MUTED, "linestyle": (0, (1, 2)), "marker": "D"},
)


@course_style
def draw_agreement(
    pairs: Mapping[str, tuple[np.ndarray, np.ndarray]], *, xlabel: str, ylabel: str
) -> CourseFigure:
    """Draw pairs of scores of the same architectures, one panel each, with Kendall's tau.

    Parameters
    ----------
    pairs : mapping from title to (x, y)
        Arrays (n,) of accuracies, 0 to 1.
    xlabel, ylabel : str
        The same for all panels.
    """
    taus = {title: kendall(x, y) for title, (x, y) in pairs.items()}
    text = "; ".join(f"{title}: {tau:.2f}" for title, tau in taus.items())
    figure = new_figure(f"Kendall's tau of {xlabel} with {ylabel}: {text}.", style.WIDE)
    for axes, (title, (x, y)) in zip(panels(figure, 1, len(pairs)), pairs.items(), strict=True):
        axes.scatter(x, y, s=_point_size(len(x)), color=BEST, linewidths=0)
        axes.set(title=f"{title}: tau {taus[title]:.2f}", xlabel=xlabel, ylabel=ylabel)
        _percent_axes(axes)
    return figure


@course_style
def draw_fidelity(curves: np.ndarray, final: np.ndarray, epochs: int) -> CourseFigure:
    """Draw what a short training says against what counts, and its rank correlation by cost.

    Left each architecture (but for the worst 0.5 %), right Kendall's tau after every epoch. k is a
    tenth of the architectures: the best k by `epochs` epochs are coloured; those above the line
    are truly among the best k.

    Parameters
    ----------
    curves : array (n, epochs)
        Validation accuracy after each epoch, 0 to 1.
    final : array (n,)
        What counts, for example test accuracy after the last epoch.
    epochs : int
        From 1 on: the epoch looked at.
    """
    curves, final = np.asarray(curves, float), np.asarray(final, float)
    n, full = curves.shape
    if not 1 <= epochs <= full:
        raise InvalidInput(f"epochs: got {epochs}; the curves have 1 to {full}.")
    early, k = curves[:, epochs - 1], max(1, n // 10)
    taus = [kendall(column, final) for column in curves.T]
    overlap = top_overlap(early, final, k)
    figure = new_figure(
        f"After {epochs} of {full} epochs ({epochs / full:.0%} of the cost) of {n:,} "
        f"architectures: Kendall's tau {taus[epochs - 1]:.2f} and Spearman's rho "
        f"{spearman(early, final):.2f} with the final test accuracy; {overlap:.0%} of the truly "
        f"best {k:,} are among the {k:,} that look best.",
        style.WIDE,
    )
    left, right = panels(figure, 1, 2, width_ratios=(3, 2))
    _draw_early_and_final(left, early, final, k)
    left.set(xlabel=f"validation accuracy after {epochs} of {full} epochs")
    _draw_taus(right, taus, epochs)
    return figure


def _draw_early_and_final(axes: Axes, early: np.ndarray, final: np.ndarray, k: int) -> None:
    chosen = np.zeros(len(early), bool)
    chosen[np.argsort(-early, kind="stable")[:k]] = True
    size = _point_size(len(early))
    axes.scatter(early[~chosen], final[~chosen], s=size, color=POINTS, linewidths=0)
    look: dict[str, Any] = {"s": 1.5 * size, "color": CHOSEN, "marker": "s", "linewidths": 0}
    axes.scatter(early[chosen], final[chosen], label=f"the {k:,} that look best", **look)
    axes.axhline(np.sort(final)[-k], color=BEST, linewidth=1, label=f"above it: truly best {k:,}")
    axes.set_ylabel("final test accuracy")
    _percent_axes(axes)
    lowest = np.quantile(final, 0.005)  # networks that do not learn would take half of the place
    shown = final >= lowest
    axes.set_ylim(lowest - 0.01, final.max() + 0.005)
    axes.set_xlim(early[shown].min() - 0.005, early.max() + 0.005)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, markerscale=2)


def _draw_taus(axes: Axes, taus: list[float], epochs: int) -> None:
    numbers = np.arange(1, len(taus) + 1)
    axes.plot(numbers, taus, color=BEST, marker="o", markersize=4)
    axes.plot(epochs, taus[epochs - 1], color=CHOSEN, marker="s", markersize=9)
    axes.set(xlabel="epochs trained", ylabel="Kendall's tau", ylim=(min(0, *taus) - 0.03, 1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y")


@course_style
def draw_quality(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    xlabel: str,
    ylabel: str,
    levels: Mapping[str, float] | None = None,
    log: Sequence[float] = (),
) -> CourseFigure:
    """Draw how good estimates are against what they take: one line for each.

    Parameters
    ----------
    lines : mapping from label to (x, y)
        At most five.
    xlabel, ylabel : str
    levels : mapping from label to y, optional
        Dotted lines, for example what a baseline reaches.
    log : sequence of float
        If given, x is logarithmic with these ticks.
    """
    if not 1 <= len(lines) <= len(LINES):
        raise InvalidInput(f"lines: got {len(lines)}; allowed: 1 to {len(LINES)}.")
    ends = "; ".join(f"{name}: {y[0]:.2f} to {y[-1]:.2f}" for name, (_, y) in lines.items())
    figure = new_figure(f"{ylabel} from the least to the largest {xlabel}: {ends}.", style.SINGLE)
    (axes,) = panels(figure)
    for (name, (x, y)), look in zip(lines.items(), LINES, strict=False):
        axes.plot(x, y, label=name, markersize=4, **look)
    for name, value in (levels or {}).items():
        axes.axhline(value, color=style.MUTED, linestyle=":", linewidth=1)
        across = axes.get_yaxis_transform()  # x is a share of the width
        axes.text(0.01, value, name, transform=across, va="bottom", size=style.SMALL)
    if len(log):
        axes.set_xscale("log")
        axes.set_xticks(log, [f"{tick:g}" for tick in log])
        axes.minorticks_off()
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.grid(axis="y")
    axes.legend()
    return figure


def epochs_reached(bracket: Bracket) -> dict[Any, int]:
    """Map every architecture of a bracket to the epochs it was trained for."""
    return {e.architecture: rung.epochs for rung in bracket.rungs for e in rung.entries}


def epochs_spent(bracket: Bracket, epochs: int) -> int:
    """Count the epochs that were trained until all have gone on to `epochs` or were stopped.

    A promoted architecture goes on from where it was, so a rung costs only the difference.
    """
    spent, begun = 0, 0
    for rung in bracket.rungs:
        spent += len(rung.entries) * max(0, min(rung.epochs, epochs) - begun)
        begun = rung.epochs
    return spent


@course_style
def draw_halving(brackets: Sequence[Bracket], curve: Curve, epochs: int) -> CourseFigure:
    """Draw the curves of finished brackets up to an epoch, cut off where they were stopped.

    Parameters
    ----------
    brackets : sequence of Bracket
        Of `SuccessiveHalving` or `Hyperband`; one panel each.
    curve : callable architecture -> sequence of float
        Accuracies after every epoch of the full training: what halving did not see is used to
        tell which architecture is truly the best.
    epochs : int
        The moment looked at, from 1 to the length of the curves.
    """
    started = [a for bracket in brackets for a in epochs_reached(bracket)]
    if not started:
        raise InvalidInput("brackets: got none with an architecture; give those of a finished run.")
    best = max(started, key=lambda architecture: curve(architecture)[-1])
    figure = new_figure(
        _halving_summary(brackets, curve, best, epochs),
        style.SINGLE if len(brackets) == 1 else (min(3.2 * len(brackets), 11.0), 3.6),
    )
    every = panels(figure, 1, len(brackets), sharex=True, sharey=True)
    for number, (axes, bracket) in enumerate(zip(every, brackets, strict=True)):
        _draw_bracket(axes, bracket, curve, best, epochs)
        rungs = ", ".join(f"{rung.size}×{rung.epochs}" for rung in bracket.rungs)
        axes.set_title(f"bracket {number}: {rungs} epochs", size=style.SMALL)
        axes.set_xlabel("epochs")
    every[0].set_ylabel("validation accuracy")
    every[0].yaxis.set_major_formatter(PERCENT)
    every[0].legend(*_halving_key(), loc="lower right")
    return figure


def _draw_bracket(axes: Axes, bracket: Bracket, curve: Curve, best: Any, now: int) -> None:
    full, stops = len(curve(best)), []
    for architecture, reached in epochs_reached(bracket).items():
        values = np.asarray(curve(architecture), float)[: min(reached, now)]
        alive = reached > now or reached == bracket.rungs[-1].epochs
        color, width, order = (ALIVE, 1.0, 3) if alive else (STOPPED, 0.7, 1)
        axes.plot(np.arange(1, len(values) + 1), values, color=color, linewidth=width, zorder=order)
        if not alive:
            stops.append((len(values), values[-1]))
        if architecture == best:
            axes.plot(np.arange(1, full + 1), curve(best), color=BEST, linestyle=":", zorder=4)
            axes.plot(np.arange(1, len(values) + 1), values, color=BEST, linewidth=2, zorder=4)
    if stops:
        x, y = np.transpose(stops)
        axes.scatter(x, y, marker="x", s=14, color=style.MUTED, zorder=2)
    for rung in bracket.rungs:
        axes.axvline(rung.epochs, color=style.GRID, zorder=0)
    axes.set_xlim(0.7, full + 0.3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _halving_key() -> tuple[list[Any], list[str]]:
    from matplotlib.lines import Line2D

    looks: dict[str, dict[str, Any]] = {
        "still trained": {"color": ALIVE},
        "stopped": {"color": STOPPED, "marker": "x", "markeredgecolor": style.MUTED},
        "truly best of all that began": {"color": BEST, "linewidth": 2},
        "what was not trained of it": {"color": BEST, "linestyle": ":"},
    }
    return [Line2D([], [], **look) for look in looks.values()], list(looks)


def _halving_summary(brackets: Sequence[Bracket], curve: Curve, best: Any, now: int) -> str:
    reached = [epochs_reached(bracket) for bracket in brackets]
    begun = sum(len(rung.entries) for bracket in brackets for rung in bracket.rungs[:1])
    last = [bracket.rungs[-1].epochs for bracket in brackets]
    alive = sum(
        epochs > now or epochs == end
        for group, end in zip(reached, last, strict=True)
        for epochs in group.values()
    )
    spent, full = sum(epochs_spent(b, now) for b in brackets), begun * len(curve(best))
    stop = max(group.get(best, 0) for group in reached)
    kept = stop > now or stop == max(last)
    fate = "is still trained" if kept else f"was stopped after {stop} of {max(last)} epochs"
    plural = "s" if len(brackets) > 1 else ""
    return (
        f"{begun} architectures began in {len(brackets)} bracket{plural}; after epoch {now} "
        f"{alive} are still trained. Spent: {spent} epochs, {spent / full:.0%} of the {full} that "
        f"full training of all would take. The truly best of them ({curve(best)[-1]:.1%}) {fate}."
    )


def _percent_axes(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(PERCENT)


def _point_size(count: int) -> float:
    """Area of a point in square points: small where there are many."""
    return float(np.clip(3_000 / count, 2, 16))
