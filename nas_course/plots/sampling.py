"""Distributions over architectures: Gumbel samples, estimates of gradients, a posterior.

draw_gumbel({"skip_connect": 1.0, "nor_conv_3x3": 0.2, "avg_pool_3x3": 0.0}, temperature=0.5)
draw_estimates(1.2, {"soft": {0.1: (0.03, 1.3), 1.0: (0.19, 0.25)}})
draw_posterior(history, "cell", (0, 1), epoch=12)           # of a search with BaLeNAS
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes

from nas_course.errors import InvalidInput
from nas_course.history import History
from nas_course.plots import style
from nas_course.plots.alphas import PERCENT, epoch_axis, legend_beside
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels
from nas_course.plots.names import (
    Edge,
    cell_name,
    count_inputs,
    edge_index,
    edge_name,
    excluded_operations,
    node_name,
    template_of,
)
from nas_course.strategies.gradient.relaxations import gumbel_noise

CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])  # of the simplex of three
SAMPLES = 400
DRAWS = 4000  # of a posterior, to count which operation is strongest


@course_style
def draw_gumbel(logits: Mapping[str, float], temperature: float, seed: int = 0) -> CourseFigure:
    """Draw 400 Gumbel-softmax samples of one edge, in the triangle of its three operations.

    Parameters
    ----------
    logits : mapping of three operations to their alpha
    temperature : float > 0
    seed : int
        Of the noise; the same noise at every temperature shows how the points move.

    Returns
    -------
    CourseFigure
        Left: the samples. Right: the share of samples in which each operation is largest, its
        softmax, and its mean weight.
    """
    if len(logits) != 3 or not temperature > 0:
        raise InvalidInput(
            f"logits, temperature: got {len(logits)} operations at temperature {temperature}; "
            "allowed: three operations (a triangle has three corners), a temperature above 0."
        )
    names = list(logits)
    log_p = torch.tensor(list(logits.values()), dtype=torch.float64).log_softmax(0)
    noise = gumbel_noise((SAMPLES, 3), torch.Generator().manual_seed(seed))
    weights = ((log_p + noise) / temperature).softmax(1).numpy()
    largest = np.bincount(weights.argmax(1), minlength=3) / SAMPLES
    summary = _gumbel_summary(names, log_p.exp().numpy(), weights, largest, temperature)
    figure = new_figure(summary, (9.0, 3.9))
    left, right = panels(figure, 1, 2)
    _draw_triangle(left, names, weights)
    bars = {"softmax": log_p.exp().numpy(), "largest": largest, "mean weight": weights.mean(0)}
    _draw_shares(right, names, bars)
    return figure


def _gumbel_summary(
    names: Sequence[str],
    p: np.ndarray,
    weights: np.ndarray,
    largest: np.ndarray,
    temperature: float,
) -> str:
    shares = ", ".join(
        f"{style.short_name(name)} {share:.0%} (softmax {wanted:.0%})"
        for name, share, wanted in zip(names, largest, p, strict=True)
    )
    return (
        f"{SAMPLES} Gumbel-softmax samples at temperature {temperature:.3g}: the largest weight of "
        f"a sample is {weights.max(1).mean():.0%} on average. It belongs to {shares}, whatever "
        "the temperature."
    )


def _draw_triangle(axes: Axes, names: Sequence[str], weights: np.ndarray) -> None:
    outline = np.vstack([CORNERS, CORNERS[:1]])
    axes.plot(*outline.T, color=style.MUTED, lw=1)
    for number, name in enumerate(names):
        own = weights[weights.argmax(1) == number] @ CORNERS
        look: dict[str, Any] = {
            "color": style.OPERATION_COLORS[name],
            "marker": style.OPERATION_MARKERS[name],
        }
        axes.plot(*own.T, linestyle="", markersize=4, alpha=0.6, **look)
        below = number < 2
        axes.annotate(
            style.short_name(name),
            tuple(CORNERS[number]),
            xytext=(0, -12 if below else 8),
            textcoords="offset points",
            ha="center",
            va="center",
        )
    axes.set(xlim=(-0.12, 1.12), ylim=(-0.12, 1.0), aspect="equal")
    axes.set_title("each point: the mixing weights of one sample")
    axes.set_axis_off()


def _draw_shares(axes: Axes, names: Sequence[str], bars: Mapping[str, np.ndarray]) -> None:
    colors = (style.MUTED, style.VALID_COLOR, style.TRAIN_COLOR)
    for number, ((label, heights), color) in enumerate(zip(bars.items(), colors, strict=True)):
        places = np.arange(len(names)) + 0.27 * (number - 1)
        axes.bar(places, heights, width=0.25, color=color, label=label)
    axes.set_xticks(range(len(names)), [style.short_name(name) for name in names])
    axes.set(ylim=(0, 1), xlabel="operation", ylabel="share")
    axes.yaxis.set_major_formatter(PERCENT)
    axes.grid(axis="y")
    axes.legend(loc="upper right")


@course_style
def draw_estimates(
    length: float, errors: Mapping[str, Mapping[float, tuple[float, float]]]
) -> CourseFigure:
    """Draw bias and noise of gradient estimates against the temperature of their samples.

    Parameters
    ----------
    length : float
        Of the exact gradient, dotted: a bias as long as the gradient says nothing about it.
    errors : mapping of names to {temperature: (bias, noise)}
        At most four. Bias: distance of the mean estimate from the exact gradient. Noise: root
        mean square distance of an estimate from that mean. An estimate without temperature has
        the one key ``math.inf`` and is drawn as a level line.
    """
    if not 1 <= len(errors) <= len(_ESTIMATE_LOOKS):
        raise InvalidInput(f"errors: got {len(errors)} estimates; allowed: 1 to 4.")
    figure = new_figure(_estimates_summary(length, errors), style.WIDE)
    left, right = panels(figure, 1, 2)
    hottest = max(t for points in errors.values() for t in points if np.isfinite(t))
    coldest = min(t for points in errors.values() for t in points)
    for (name, points), look in zip(errors.items(), _ESTIMATE_LOOKS, strict=False):
        temperatures = sorted(points)
        places = temperatures if np.isfinite(temperatures[0]) else [coldest, hottest]
        values = np.array([points[t] for t in temperatures])
        values = np.broadcast_to(values, (len(places), 2))
        left.plot(places, values[:, 0], label=name, **look)
        right.plot(places, values[:, 1], label=name, **look)
    for axes, label in ((left, "bias of the mean"), (right, "noise of one estimate")):
        axes.axhline(length, color=style.MUTED, lw=1, linestyle=":")
        axes.set(xlabel="temperature", ylabel=label, xscale="log")
        axes.grid()
    left.set_ylim(bottom=0)
    right.set_yscale("log")
    legend_beside(right)
    return figure


_ESTIMATE_LOOKS: tuple[dict[str, Any], ...] = (
    {"color": style.VALID_COLOR, "marker": "o"},
    {"color": style.TRAIN_COLOR, "marker": "s", "linestyle": (0, (6, 2))},
    {"color": "#0d4f5a", "marker": "v", "linestyle": (0, (3, 2))},
    {"color": style.MUTED, "marker": "D", "linestyle": (0, (1, 2))},
)


def _estimates_summary(
    length: float, errors: Mapping[str, Mapping[float, tuple[float, float]]]
) -> str:
    parts = []
    for name, points in errors.items():
        cold, hot = (points[end(points)] for end in (min, max))
        if len(points) == 1:
            parts.append(f"{name} has bias {cold[0]:.2f} and noise {cold[1]:.2f}")
        else:
            parts.append(
                f"{name} goes from bias {hot[0]:.2f} and noise {hot[1]:.2f} at temperature "
                f"{max(points):.3g} to {cold[0]:.2f} and {cold[1]:.2f} at {min(points):.3g}"
            )
    return f"Estimates of a gradient of length {length:.2f} (dotted): {'; '.join(parts)}."


@course_style
def draw_posterior(history: History, cell: str, edge: Edge, epoch: float = -1) -> CourseFigure:
    """Draw what a search with a Gaussian over its alphas believes about one edge.

    Parameters
    ----------
    history : History
        Of a search whose rows have the column "sigma" (`PosteriorWidth`).
    cell : str
    edge : (source, target)
    epoch : number
        One with that column; -1 is the last.

    Returns
    -------
    CourseFigure
        Left: mean of each operation's logit with one and two standard deviations. Right: the
        probability, under this Gaussian, that the operation is the strongest, up to this epoch:
        what comes later is for the learner to guess.

    Raises
    ------
    InvalidInput
        If no row of that epoch has the column.
    """
    number, template = edge_index(history, cell, edge), template_of(history, cell)
    rows = [row for row in history.rows if row.get("sigma")]
    epochs = [row["epoch"] for row in rows]
    if not rows or (epoch != -1 and epoch not in epochs):
        raise InvalidInput(
            f"epoch: got {epoch}; allowed: {epochs or 'none'}, the epochs whose row has a column "
            "'sigma'. Searches with balenas-1st and balenas-2nd write it."
        )
    at = len(rows) - 1 if epoch == -1 else epochs.index(epoch)
    mean = np.array([row["alphas"][cell][number] for row in rows], dtype=float)
    sigma = np.array([row["sigma"][cell][number] for row in rows], dtype=float)
    operations = template["operations"]
    excluded = excluded_operations(history)
    chances = np.array(
        [strongest_chances(m, s, operations, excluded) for m, s in zip(mean, sigma, strict=True)]
    )
    summary = _posterior_summary(edge, template, cell, epochs[at], mean[at], sigma[at], chances[at])
    figure = new_figure(summary, style.WIDE)
    left, right = panels(figure, 1, 2)
    _draw_beliefs(left, mean[at], sigma[at], operations)
    left.set_title(f"edge {edge_name(edge, count_inputs(template['edges']))}, epoch {epochs[at]:g}")
    reach = np.abs(mean).max() + 2.2 * sigma.max()
    left.set_xlim(-reach, reach)
    for column, operation in enumerate(operations):
        right.plot(
            epochs[: at + 1], chances[: at + 1, column], **style.line(operation), markersize=4.5
        )
    margin = 0.05 * max(1, epochs[-1] - epochs[0])
    right.set_xlim(epochs[0] - margin, epochs[-1] + margin)
    right.axvline(epochs[at], color=style.MUTED, lw=1)
    right.set(ylim=(0, 1), ylabel="probability of being strongest")
    right.yaxis.set_major_formatter(PERCENT)
    right.grid(axis="y")
    epoch_axis(right)
    legend_beside(right)
    return figure


def strongest_chances(
    mean: np.ndarray, sigma: np.ndarray, operations: Sequence[str], excluded: Sequence[str] = ()
) -> np.ndarray:
    """Return how often each of independent Gaussians is the largest, in 4,000 fixed draws.

    Parameters
    ----------
    mean, sigma : arrays (operations,)
    operations, excluded : sequences of str
        Those `excluded` cannot be chosen and get 0.
    """
    allowed = np.array([name not in excluded for name in operations])
    noise = np.random.default_rng(0).standard_normal((DRAWS, len(mean)))
    drawn = np.where(allowed, mean + sigma * noise, -np.inf)
    return np.bincount(drawn.argmax(axis=1), minlength=len(mean)) / DRAWS


def _draw_beliefs(
    axes: Axes, mean: np.ndarray, sigma: np.ndarray, operations: Sequence[str]
) -> None:
    for row, (operation, m, s) in enumerate(zip(operations, mean, sigma, strict=True)):
        color = style.OPERATION_COLORS[style.known(operation)]
        axes.plot([m - 2 * s, m + 2 * s], [row, row], color=color, lw=1.2)
        axes.plot([m - s, m + s], [row, row], color=color, lw=5, solid_capstyle="butt")
        marker = style.OPERATION_MARKERS[operation]
        axes.plot(m, row, marker=marker, color=color, markeredgecolor="white", markersize=8)
    axes.axvline(0, color=style.MUTED, lw=0.8, linestyle=":")
    axes.set_yticks(range(len(operations)), [style.short_name(name) for name in operations])
    axes.invert_yaxis()
    axes.set_xlabel("logit: mean, one and two standard deviations")
    axes.grid(axis="x")


def _posterior_summary(
    edge: Edge,
    template: Mapping,
    cell: str,
    epoch: float,
    mean: np.ndarray,
    sigma: np.ndarray,
    chances: np.ndarray,
) -> str:
    source, target = (node_name(node, count_inputs(template["edges"])) for node in edge)
    names = [style.short_name(name) for name in template["operations"]]
    return (
        f"Belief about the edge from {source} to {target} of the {cell_name(cell)} at epoch "
        f"{epoch:g}: {names[int(mean.argmax())]} has the largest mean, {mean.max():.2f}; the "
        f"standard deviations are {sigma.min():.2f} to {sigma.max():.2f}. Under this Gaussian "
        f"{names[int(chances.argmax())]} is the strongest operation with probability "
        f"{chances.max():.0%}."
    )
