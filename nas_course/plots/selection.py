"""Choosing among trained designs: fits, design card, winner's curse, searches compared.

draw_fits({"in order": (data, network), "shuffled": (other, network)})
draw_design(design, weights=2_817, score=0.44, rank=812, designs=3_600)
draw_winners_curse(valid, test)               # best of 1, 2, ... n draws
draw_searches(grid, {"random": test, "genetic": test}, best=0.5)
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import FuncFormatter
from torch import nn

from nas_course.data.regression import RegressionData
from nas_course.plots import style
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels
from nas_course.spaces import MixedDesign

TEST_COLOR = style.METHOD_COLORS["reinforce"]


@course_style
def draw_fits(fits: Mapping[str, tuple[RegressionData, nn.Module]]) -> CourseFigure:
    """Draw problems with one feature: the rows of train and valid, and what a network predicts.

    Parameters
    ----------
    fits : mapping from title to (RegressionData, network)
        One panel each.
    """
    errors = {name: _valid_error(*fit) for name, fit in fits.items()}
    text = "; ".join(f"{name}: {error:.2f}" for name, error in errors.items())
    figure = new_figure(f"Mean squared error on the validation part: {text}.", style.WIDE)
    for axes, (title, (data, network)) in zip(
        panels(figure, 1, len(fits)), fits.items(), strict=True
    ):
        for part, color, marker in (
            ("train", style.TRAIN_COLOR, "o"),
            ("valid", style.VALID_COLOR, "s"),
        ):
            rows = getattr(data, part)
            axes.plot(rows.inputs[:, 0], rows.targets, marker, color=color, ms=3, label=part)
        features = torch.cat([data.train.inputs, data.valid.inputs]).sort(dim=0).values
        axes.plot(features[:, 0], _predict(network, features), color=style.INK, label="prediction")
        axes.set(title=title, xlabel="feature, standardised", ylabel="target, standardised")
    axes.legend()
    return figure


@torch.no_grad()
def _predict(network: nn.Module, inputs: torch.Tensor) -> np.ndarray:
    network.eval()
    return network(inputs).numpy()


def _valid_error(data: RegressionData, network: nn.Module) -> float:
    return float(np.mean((_predict(network, data.valid.inputs) - data.valid.targets.numpy()) ** 2))


@course_style
def draw_design(
    design: MixedDesign, *, weights: int, score: float, rank: int, designs: int
) -> CourseFigure:
    """Draw the network of a design as a row of layers, with its score and place among all.

    Parameters
    ----------
    design : MixedDesign
    weights : int
        How many the network has.
    score : float
        R² on the validation part.
    rank, designs : int
        Its place from 1, and how many there are.
    """
    summary = (
        f"{design}: {weights:,} weights, validation R² {score:.2f}, place {rank:,} of {designs:,}."
    )
    figure = new_figure(summary, (9.0, 2.8))
    (axes,) = panels(figure)
    axes.set(xlim=(-0.6, 7.2), ylim=(-0.95, 1.15))
    axes.axis("off")
    _layer(axes, 0, 0.3, "10\nfeatures", style.GRID)
    for layer in range(design.depth):
        height = 0.25 + 0.15 * np.log2(design.width / 16)  # 32 to 512 units: 0.4 to 1.0
        _layer(axes, layer + 1, height, f"{design.width}\n{design.activation}", "#cfe0f2")
        if design.dropout:
            axes.text(layer + 1, -0.78, f"drop {design.dropout}", ha="center", size=style.SMALL)
    _layer(axes, design.depth + 1, 0.2, "1", style.GRID)
    for start in range(design.depth + 1):
        axes.annotate(
            "",
            (start + 0.62, 0),
            (start + 0.38, 0),
            arrowprops={"arrowstyle": "->", "color": style.INK},
        )
    axes.text(
        -0.4,
        1.02,
        f"{weights:,} weights   trained by {design.optimizer} at {design.learning_rate:g}   "
        f"validation R² {score:.2f}   place {rank:,} of {designs:,}",
    )
    return figure


def _layer(axes: Axes, x: float, half_height: float, text: str, color: str) -> None:
    box = FancyBboxPatch(
        (x - 0.33, -0.7 * half_height),
        0.66,
        1.4 * half_height,
        boxstyle="round,pad=0.03",
        facecolor=color,
        edgecolor=style.MUTED,
    )
    axes.add_patch(box)
    axes.text(x, 0, text, ha="center", va="center", size=style.SMALL)


@course_style
def draw_winners_curse(valid: np.ndarray, test: np.ndarray) -> CourseFigure:
    """Draw the best of 1, 2, ... n random draws: the score that chose it, and its test score.

    Parameters
    ----------
    valid, test : array (searches, n)
        Scores of the designs in the order in which each search drew them; lines are means over
        the searches, the band holds the middle half of the test scores.
    """
    n = valid.shape[1]
    winners = np.array([[row[: k + 1].argmax() for k in range(n)] for row in valid])
    chosen_by = np.take_along_axis(valid, winners, axis=1)
    reported = np.take_along_axis(test, winners, axis=1)
    gap = chosen_by[:, -1].mean() - reported[:, -1].mean()
    figure = new_figure(
        f"Best of {n} random draws, mean of {len(valid)} searches: validation R² "
        f"{chosen_by[:, -1].mean():.3f}, test R² of the same designs {reported[:, -1].mean():.3f}; "
        f"the winner looks better than it is by {gap:.3f}.",
        style.SINGLE,
    )
    (axes,) = panels(figure)
    draws = np.arange(1, n + 1)
    low, high = np.quantile(reported, (0.25, 0.75), axis=0)
    axes.fill_between(draws, low, high, color=TEST_COLOR, alpha=0.15, linewidth=0)
    axes.plot(
        draws, chosen_by.mean(0), "--", color=style.VALID_COLOR, label="validation: what chose it"
    )
    axes.plot(draws, reported.mean(0), color=TEST_COLOR, label="test: what it is worth")
    axes.set(xlabel="random draws", ylabel="R² of the best by validation")
    if n > 30:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda draws, position: f"{draws:g}"))
    axes.grid(axis="y")
    axes.legend(loc="lower right")
    return figure


@course_style
def draw_searches(
    grid: np.ndarray, searches: Mapping[str, np.ndarray], *, limits: Mapping[str, float]
) -> CourseFigure:
    """Draw what strategies reach against the number of evaluations: median and middle half.

    Parameters
    ----------
    grid : array (points,)
        Numbers of evaluations.
    searches : mapping from strategy to array (seeds, points)
        R² on the test part of what was chosen by validation.
    limits : mapping from label to R²
        Drawn as dotted lines, for example the best of the space.
    """
    medians = {name: np.median(values, axis=0) for name, values in searches.items()}
    parts = "; ".join(f"{name} {median[-1]:.3f}" for name, median in medians.items())
    figure = new_figure(f"Median test R² after {grid[-1]} evaluations: {parts}.", style.SINGLE)
    (axes,) = panels(figure)
    for name, values in searches.items():
        line = style.method_line(name)
        low, high = np.quantile(values, (0.25, 0.75), axis=0)
        axes.fill_between(grid, low, high, color=line["color"], alpha=0.1, linewidth=0)
        axes.plot(grid, medians[name], **line)
    for label, value in limits.items():
        axes.axhline(value, color=style.MUTED, linestyle=":", linewidth=1)
        axes.text(grid[-1], value, label, ha="right", va="top", size=style.SMALL, color=style.MUTED)
    axes.set(xscale="log", xlabel="evaluations (10 epochs each)", ylabel="test R²")
    axes.set_xticks(grid, [str(number) for number in grid])
    axes.minorticks_off()
    axes.grid(axis="y")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
