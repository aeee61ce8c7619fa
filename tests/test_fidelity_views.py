"""Figures and widgets about cheap scores: what they say is what the data say."""

import numpy as np
import pytest

from nas_course.errors import InvalidInput
from nas_course.estimation import Score, kendall, top_overlap
from nas_course.plots.fidelity import (
    draw_agreement,
    draw_fidelity,
    draw_halving,
    draw_quality,
    epochs_reached,
    epochs_spent,
)
from nas_course.spaces import NASBench201Space
from nas_course.strategies.black_box import Hyperband, SuccessiveHalving
from nas_course.widgets import FidelityExplorer, HalvingExplorer
from nas_course.widgets.halving import finished_brackets

SPACE = NASBench201Space()
EPOCHS = 9


class KnownCurves:
    """Curves that end high and begin low where many edges convolve 3x3."""

    max_epochs = EPOCHS
    continues = True

    def __call__(self, cell, epochs=None):
        last = EPOCHS if epochs is None else epochs
        slow, quick = map(cell.operations.count, ("nor_conv_3x3", "nor_conv_1x1"))
        worth, delay = 0.02 * (1 + 2 * slow) + 0.001 * quick, slow**2
        curve = tuple(0.1 + worth * t / (t + delay) for t in range(1, last + 1))
        return Score(curve[-1], float(last), f"{last} epochs", curve)


def full_curve(cell):
    return KnownCurves()(cell).curve


def noisy_curves(n=200):
    rng = np.random.default_rng(0)
    final = rng.random(n)
    noise = rng.normal(size=(n, EPOCHS)) / np.arange(1, EPOCHS + 1)
    return final[:, None] + 0.3 * noise, final


def halved(eta=3, architectures=27, seed=0):
    strategy = SuccessiveHalving(
        SPACE, seed=seed, eta=eta, max_epochs=EPOCHS, architectures=architectures
    )
    return finished_brackets(strategy, KnownCurves(), 1)


@pytest.mark.parametrize("strategy", [SuccessiveHalving, Hyperband])
def test_as_many_brackets_are_run_as_are_asked_for(strategy):
    brackets = finished_brackets(strategy(SPACE, seed=0, max_epochs=EPOCHS), KnownCurves(), 3)
    assert len(brackets) == 3
    assert all(bracket.done for bracket in brackets)


def test_epochs_spent_are_the_sum_over_architectures():
    (bracket,) = halved()
    reached = epochs_reached(bracket)
    assert len(reached) == 27  # no cell was drawn twice
    for now in range(1, EPOCHS + 1):
        assert epochs_spent(bracket, now) == sum(min(now, e) for e in reached.values())
    assert epochs_spent(bracket, EPOCHS) == 27 + 9 * 2 + 3 * 6


def test_curves_are_cut_off_where_training_was_stopped():
    (bracket,) = halved()
    figure = draw_halving([bracket], full_curve, epochs=EPOCHS)
    (axes,) = figure.axes
    reached = sorted(epochs_reached(bracket).values())
    lengths = [len(line.get_xdata()) for line in axes.lines if line.get_linewidth() <= 1]
    lengths = [length for length in lengths if length != 2]  # the vertical lines of the rungs
    assert sorted(length for length in lengths if length != EPOCHS) == [
        epochs for epochs in reached if epochs != EPOCHS
    ]
    (crosses,) = axes.collections
    assert len(crosses.get_offsets()) == sum(epochs < EPOCHS for epochs in reached)


def test_the_halving_figure_says_whether_the_best_was_lost():
    (bracket,) = halved()
    ends = {cell: full_curve(cell)[-1] for cell in epochs_reached(bracket)}
    best = max(ends, key=ends.__getitem__)
    stop = epochs_reached(bracket)[best]
    assert stop < EPOCHS  # the curves are made so that the best starts slowly
    early = draw_halving([bracket], full_curve, epochs=stop).summary
    assert f"({ends[best]:.1%}) was stopped after {stop} of 9 epochs" in early
    all_alive = draw_halving(halved(architectures=1), full_curve, epochs=EPOCHS).summary
    assert "is still trained" in all_alive and "began in 1 bracket;" in all_alive
    with pytest.raises(InvalidInput, match="got none"):
        draw_halving([], full_curve, epochs=1)


def test_the_fidelity_figure_says_the_correlations_of_that_epoch():
    curves, final = noisy_curves()
    figure = draw_fidelity(curves, final, epochs=2)
    tau, overlap = kendall(curves[:, 1], final), top_overlap(curves[:, 1], final, 20)
    assert (
        f"After 2 of 9 epochs (22% of the cost) of 200 architectures: Kendall's tau {tau:.2f}"
        in (figure.summary)
    )
    assert f"{overlap:.0%} of the truly best 20" in figure.summary
    with pytest.raises(InvalidInput, match="got 10; the curves have 1 to 9"):
        draw_fidelity(curves, final, epochs=10)


def test_agreement_and_quality_are_put_into_words():
    first, second = np.arange(10) / 10, np.arange(10)[::-1] / 10
    figure = draw_agreement({"a": (first, first), "b": (first, second)}, xlabel="x", ylabel="y")
    assert figure.summary == "Kendall's tau of x with y: a: 1.00; b: -1.00."
    figure = draw_quality({"a": ([1, 2], [0.1, 0.9])}, xlabel="cost", ylabel="tau", log=(1, 2))
    assert figure.summary == "tau from the least to the largest cost: a: 0.10 to 0.90."
    with pytest.raises(InvalidInput, match="lines: got 0"):
        draw_quality({}, xlabel="x", ylabel="y")


def test_the_fidelity_widget_follows_its_slider_and_its_choice():
    curves, final = noisy_curves()
    panel = FidelityExplorer(curves, final)
    assert panel.summary == draw_fidelity(curves, final, 1).summary
    panel.controls["epochs"].slider.value = 4
    assert panel.summary == draw_fidelity(curves, final, 4).summary
    panel.controls["architectures"].value = "truly best tenth"
    best = final >= np.sort(final)[-20]
    tau = kendall(curves[best, 3], final[best])
    assert f"of 20 architectures: Kendall's tau {tau:.2f}" in panel.summary
    with pytest.raises(InvalidInput, match="with n at least 20"):
        FidelityExplorer(curves[:19], final[:19])


def test_the_halving_widget_draws_what_its_controls_say():
    panel = HalvingExplorer(SPACE, KnownCurves())
    assert panel.summary.startswith("81 architectures began in 1 bracket; after epoch 9 ")
    panel.controls["architectures"].value = 27
    assert panel.summary == draw_halving(halved(), full_curve, EPOCHS).summary
    panel.controls["epoch"].slider.value = 3
    assert panel.summary == draw_halving(halved(), full_curve, 3).summary
    panel.controls["eta"].value = 2
    assert panel.summary == draw_halving(halved(eta=2), full_curve, 3).summary
    panel.controls["draw_anew"].click()
    assert panel.summary == draw_halving(halved(eta=2, seed=1), full_curve, 3).summary
    panel.controls["strategy"].value = "hyperband"
    assert "architectures began in 4 brackets" in panel.summary
    with pytest.raises(InvalidInput, match="strategy"):
        HalvingExplorer(SPACE, KnownCurves(), strategy="asha")
