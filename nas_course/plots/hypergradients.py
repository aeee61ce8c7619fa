"""Hypergradients: error and angle against cost, and what a series recovers.

draw_bench(rows, "tiny supernet")             # rows of results/hypergradients.json
draw_recovered(eigenvalues, {"Neumann, K = 5": shares}, {"Neumann, K = 5": 0.3})
draw_differences(lengths, {"ReLU": errors}, first_order=0.7)
draw_regularization({"bmi": 0.1}, {"noise 1": 30.0})
draw_jacobians(exact, {"sigma 0": learned})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from nas_course.errors import InvalidInput, one_of
from nas_course.plots import style
from nas_course.plots.alphas import PERCENT
from nas_course.plots.figure import CourseFigure, course_style, new_figure, panels

# Colour, marker, dashes, line width and marker size of every estimator. Some coincide: truncated
# and whole reverse mode in their first steps, all that take one step. So what is wide is drawn
# below what is narrow, and both are seen.
ESTIMATORS: dict[str, tuple[str, str, tuple[float, ...], float, float]] = {
    "first order": ("#1f78c8", "o", (), 1.5, 6),
    "unrolled, differences": ("#864391", "X", (), 1.5, 14),
    "unrolled, exact": ("#949189", "D", (), 1.5, 8),
    "reverse mode": ("#14285f", "s", (6, 2), 1.5, 4),
    "truncated to 4": ("#c27ab7", "P", (), 5.0, 9),
    "Neumann": ("#d9621e", "^", (), 1.5, 5),
    "conjugate gradient": ("#0d4f5a", "v", (3, 2), 1.5, 5),
    "implicit, dense": ("#463207", "*", (), 1.5, 9),
}
POINTS = {
    "solved": "weights at their solution",
    "early": "weights after 30 inner steps",
}
# Smaller values are drawn here: they would flatten the part of the picture that matters.
ERROR_FLOOR, ANGLE_FLOOR = 1e-3, 0.05
PLAIN = FuncFormatter(lambda value, position: f"{value:g}")
SHARE_LIMITS = (-0.1, 2.1)  # of the picture of shares; what is farther off becomes an arrow
# Colour, marker, width where a curve may lie on an earlier one: dark and narrow on pale and wide.
LAID_ON = (("#c27ab7", "o", 5.0), ("#d9621e", "s", 2.5), ("#14285f", "v", 1.3))


@course_style
def draw_bench(rows: Sequence[Mapping[str, Any]], problem: str) -> CourseFigure:
    """Draw error (above) and angle (below) of every estimator against its passes.

    Every panel has a vertical scale of its own.

    Parameters
    ----------
    rows : sequence of mapping
        Of `nas_course.strategies.gradient.bilevel_bench.bench`, as in results/hypergradients.json:
        problem, point, estimator, amount, error, angle, gradients, products.
    problem : str

    Raises
    ------
    InvalidInput
        If no row belongs to this problem.
    """
    ours = [row for row in rows if row["problem"] == problem]
    if not ours:
        raise one_of("problem", problem, {row["problem"]: None for row in rows})
    figure = new_figure(_bench_summary(ours, problem), (9.0, 5.6))
    axes = panels(figure, 2, 2, sharex=True)
    for column, (point, title) in enumerate(POINTS.items()):
        here = [row for row in ours if row["point"] == point]
        for name in ESTIMATORS:
            _draw_family(axes[column], axes[2 + column], name, here)
        axes[column].set(title=title, xscale="log", yscale="log")
        axes[2 + column].set(xlabel="passes of automatic differentiation", yscale="log")
    axes[0].set_ylabel(f"error, % of the gradient\n(smaller: at {100 * ERROR_FLOOR:g} %)")
    axes[2].set_ylabel(f"angle, degrees\n(smaller: at {ANGLE_FLOOR:g})")
    for panel, words in zip(axes, (PERCENT, PERCENT, PLAIN, PLAIN), strict=True):
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
        panel.yaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_major_formatter(words)
        panel.xaxis.set_major_formatter(PLAIN)
        panel.grid(axis="y")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _draw_family(error: Axes, angle: Axes, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    color, marker, dashes, width, size = ESTIMATORS[name]
    mine = [row for row in rows if row["estimator"] == name]
    passes = [row["gradients"] + row["products"] for row in mine]
    look: dict[str, Any] = {
        "color": color,
        "marker": marker,
        "linestyle": (0, dashes) if dashes else "-",
        "linewidth": width,
        "markersize": size,
        "markeredgewidth": 0,
        "zorder": 3 - size / 100,
    }
    error.plot(passes, [max(row["error"], ERROR_FLOOR) for row in mine], label=name, **look)
    angle.plot(passes, [max(row["angle"], ANGLE_FLOOR) for row in mine], **look)


def _bench_summary(rows: Sequence[Mapping[str, Any]], problem: str) -> str:
    sentences = []
    for point, title in POINTS.items():
        best: dict[str, float] = {}
        for row in rows:
            if row["point"] == point:
                best[row["estimator"]] = min(best.get(row["estimator"], np.inf), row["error"])
        words = ", ".join(f"{name} {_percent(best[name])}" for name in ESTIMATORS if name in best)
        sentences.append(f"{title.capitalize()}: {words}")
    return f"Smallest error on the {problem}. {'. '.join(sentences)}."


def _percent(error: float) -> str:
    if error < 1e-6:
        return "below 0.0001 %"
    return f"{float(f'{100 * error:.3g}'):,.10g} %"  # never as 1e+03


@course_style
def draw_recovered(
    eigenvalues: np.ndarray,
    shares: Mapping[str, np.ndarray],
    errors: Mapping[str, float],
) -> CourseFigure:
    """Draw, by curvature, how much of the inverse each estimator has recovered, and its error.

    Parameters
    ----------
    eigenvalues : array (n,)
        Of the inner Hessian, all above 0.
    shares : mapping of estimator to array (n,)
        lambda times what the estimator puts in the place of 1 / lambda; 1 is exact. Three
        estimators at most. Shares outside the picture become arrows at its edge.
    errors : mapping of estimator to float
        |estimate - exact| / |exact|; may have further estimators, such as conjugate gradients.
    """
    if np.min(eigenvalues) <= 0:
        raise InvalidInput(f"eigenvalues: got {np.min(eigenvalues)}; allowed: numbers above 0.")
    words = "; ".join(f"{name}: {_percent(error)}" for name, error in errors.items())
    figure = new_figure(f"Error of the hypergradient. {words}.", (9.0, 3.4))
    curves, bars = panels(figure, 1, 2, width_ratios=[3, 2])
    for (name, share), (color, marker, width) in zip(shares.items(), LAID_ON, strict=False):
        _draw_share(curves, eigenvalues, share, color=color, marker=marker, lw=width, label=name)
    curves.axhline(1, color=style.MUTED, lw=1)
    curves.set(xscale="log", xlabel="curvature (eigenvalue of H)", ylim=SHARE_LIMITS)
    # equal curvatures differ by rounding, and the axis would show that
    curves.set_xlim(0.8 * np.min(eigenvalues), 1.25 * np.max(eigenvalues))
    curves.set_ylabel("share of 1 / curvature")
    curves.legend()
    rows = np.arange(len(errors))
    colors = dict(zip(shares, [color for color, _, _ in LAID_ON], strict=False))
    bars.barh(
        rows,
        [100 * error for error in errors.values()],
        color=[colors.get(name, style.MUTED) for name in errors],
    )
    bars.set_yticks(rows, list(errors))
    bars.invert_yaxis()
    bars.set(xlabel="error, % of the gradient", xlim=(0, 120))
    return figure


def _draw_share(axes: Axes, eigenvalues: np.ndarray, share: np.ndarray, **look: Any) -> None:
    """Draw one curve, and an arrow for every point that lies above or below the picture."""
    axes.plot(eigenvalues, share, ms=2 + 0.8 * look["lw"], markeredgewidth=0, **look)
    low, high = SHARE_LIMITS
    for outside, edge, arrow in ((share > high, high - 0.05, "^"), (share < low, low + 0.05, "v")):
        at = np.asarray(eigenvalues)[outside]
        axes.plot(at, np.full(len(at), edge), arrow, color=look["color"], ms=8, clip_on=False)


@course_style
def draw_differences(
    lengths: Sequence[float], errors: Mapping[str, Sequence[float]], first_order: float
) -> CourseFigure:
    """Draw the error of a central difference against its length, one line for each network.

    Parameters
    ----------
    lengths : sequence of float
        In weight space, above 0.
    errors : mapping of network to sequence of float
        |estimate - exact| / |exact| for each length; three networks at most.
    first_order : float
        The same without any response, for the first of the networks: a dashed line.
    """
    if len(errors) > len(LAID_ON):
        raise InvalidInput(f"errors: got {len(errors)} networks; allowed: {len(LAID_ON)} or fewer.")
    words = "; ".join(
        f"{name}: {', '.join(_percent(value) for value in values)}"
        for name, values in errors.items()
    )
    figure = new_figure(
        f"Error of the unrolled gradient by differences, at the lengths "
        f"{', '.join(f'{length:g}' for length in lengths)}. {words}. "
        f"First order, on the first network: {_percent(first_order)}.",
        style.SINGLE,
    )
    (axes,) = panels(figure)
    for (name, values), (color, marker, width) in zip(errors.items(), LAID_ON, strict=False):
        axes.plot(
            lengths, values, color=color, marker=marker, label=name, linewidth=width,
            markersize=4 + 1.6 * width, markeredgewidth=0,
        )  # fmt: skip
    axes.axhline(first_order, color=style.MUTED, ls="--", label="first order")
    axes.set(xscale="log", yscale="log", xlabel="length of the difference")
    axes.set_ylabel("error, share of the gradient")
    axes.grid(axis="y")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


@course_style
def draw_regularization(real: Mapping[str, float], noise: Mapping[str, float]) -> CourseFigure:
    """Draw the regularization that every feature got, real features and noise apart.

    Parameters
    ----------
    real, noise : mapping of feature to float
        exp(alpha), above 0; drawn to a logarithmic scale.
    """
    middle = [np.median(list(group.values())) for group in (real, noise)]
    summary = (
        f"Regularization learnt for each feature: median {middle[0]:.2g} of the {len(real)} real "
        f"ones, {middle[1]:.2g} of the {len(noise)} columns of noise."
    )
    figure = new_figure(summary, style.WIDE)
    (axes,) = panels(figure)
    names = [*sorted(real, key=real.__getitem__), *sorted(noise, key=noise.__getitem__)]
    for group, color, label in (
        (real, style.VALID_COLOR, "real"),
        (noise, style.TRAIN_COLOR, "noise"),
    ):
        places = [names.index(name) for name in group]
        marker = "o" if label == "real" else "^"
        axes.plot(places, list(group.values()), marker, color=color, label=label)
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right")
    axes.set(yscale="log", ylabel="regularization exp(alpha)", xlabel="feature")
    axes.grid(axis="y")
    axes.legend()
    return figure


@course_style
def draw_jacobians(exact: np.ndarray, learned: Mapping[str, np.ndarray]) -> CourseFigure:
    """Draw every entry of learnt response Jacobians against the exact one.

    Parameters
    ----------
    exact : array (weights, parameters)
        dw*/dalpha.
    learned : mapping of title to array of the same shape
        One panel each.
    """
    errors = {
        title: float(np.linalg.norm(values - exact) / np.linalg.norm(exact))
        for title, values in learned.items()
    }
    words = ", ".join(f"{title}: {_percent(error)}" for title, error in errors.items())
    figure = new_figure(f"Error of the learnt Jacobian. {words}.", style.WIDE)
    limit = 1.1 * np.abs(exact).max()
    axes = panels(figure, 1, len(learned), sharex=True, sharey=True)
    for panel, (title, values) in zip(axes, learned.items(), strict=True):
        panel.plot([-limit, limit], [-limit, limit], color=style.MUTED, lw=1)
        panel.plot(exact.ravel(), values.ravel(), "o", color=style.VALID_COLOR, ms=4)
        panel.set(title=title, xlabel="exact entry of the Jacobian")
    axes[0].set_ylabel("learnt entry")
    return figure
