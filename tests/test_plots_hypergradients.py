"""Figures of chapter 10: their sentences say what the data say, their lines are the data."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from nas_course import plots
from nas_course.errors import InvalidInput
from nas_course.plots.hypergradients import ESTIMATORS
from nas_course.strategies.gradient.bilevel_bench import FAMILIES, POINTS, SINGLE, bench
from nas_course.strategies.gradient.bilevel_problems import QuadraticBilevel


@pytest.fixture(scope="module")
def rows():
    problem = QuadraticBilevel(weights=4, conditioning=3.0)
    return [row for point in POINTS for row in bench(problem, point, amounts=(1, 4))]


def test_every_estimator_of_the_bench_has_its_line(rows):
    assert set(ESTIMATORS) == {*SINGLE, *FAMILIES}
    figure = plots.draw_bench(rows, "quadratic")
    assert [len(axes.lines) for axes in figure.axes] == [len(ESTIMATORS)] * 4
    assert all(axes.get_yscale() == "log" for axes in figure.axes)


def test_curves_that_may_coincide_lie_on_wider_ones(rows):
    for axes in plots.draw_bench(rows, "quadratic").axes:
        drawn = sorted(axes.lines, key=lambda line: line.get_zorder())
        sizes = [line.get_markersize() for line in drawn]
        assert sizes == sorted(sizes, reverse=True)
    whole, truncated = (
        next(line for line in drawn if line.get_color() == ESTIMATORS[name][0])
        for name in ("reverse mode", "truncated to 4")
    )
    assert truncated.get_linewidth() > 2 * whole.get_linewidth()
    assert truncated.get_zorder() < whole.get_zorder()
    figure = plots.draw_differences([1e-1, 1e-5], {"a": [1, 2], "b": [3, 4], "c": [1, 2]}, 1.0)
    widths = [line.get_linewidth() for line in figure.axes[0].lines[:3]]
    assert widths == sorted(set(widths), reverse=True)
    with pytest.raises(InvalidInput, match="3 or fewer"):
        plots.draw_differences([1.0], {name: [1.0] for name in "abcd"}, 1.0)


def test_the_bench_shows_errors_against_passes_and_names_the_best(rows):
    figure = plots.draw_bench(rows, "quadratic")
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    mine = [r for r in rows if (r["point"], r["estimator"]) == ("solved", "Neumann")]
    assert lines["Neumann"].get_xdata() == pytest.approx([4, 7])  # two gradients, K + 1 products
    assert lines["Neumann"].get_ydata() == pytest.approx([row["error"] for row in mine])
    assert "conjugate gradient below 0.0001 %" in figure.summary


def test_a_problem_that_was_not_measured_is_refused(rows):
    with pytest.raises(InvalidInput, match="allowed: 'quadratic'"):
        plots.draw_bench(rows, "cubic")


def test_recovered_shares_are_drawn_by_curvature():
    curvatures = np.array([0.1, 0.5, 1.0])
    figure = plots.draw_recovered(curvatures, {"one step": curvatures}, {"one step": 0.25})
    curve = figure.axes[0].lines[0]
    assert curve.get_xdata() == pytest.approx(curvatures)
    assert curve.get_ydata() == pytest.approx(curvatures)
    assert figure.axes[1].patches[0].get_width() == pytest.approx(25)
    assert "one step: 25 %" in figure.summary
    with pytest.raises(InvalidInput, match="above 0"):
        plots.draw_recovered(np.array([0.0, 1.0]), {}, {})


def test_shares_outside_the_picture_become_arrows_at_its_edge():
    curvatures = np.array([0.1, 0.5, 1.0])
    figure = plots.draw_recovered(curvatures, {"grows": np.array([0.5, 8.4, -3.0])}, {"grows": 0.1})
    low, high = figure.axes[0].get_ylim()
    arrows = [line for line in figure.axes[0].lines if line.get_marker() in "^v"]
    assert {tuple(arrow.get_xdata()) for arrow in arrows} == {(0.5,), (1.0,)}
    assert all(low < arrow.get_ydata()[0] < high for arrow in arrows)


def test_a_bar_has_the_colour_of_its_curve():
    shares = {name: np.ones(2) for name in ("a", "b", "c")}
    figure = plots.draw_recovered(np.array([0.5, 1.0]), shares, dict.fromkeys("abcd", 0.1))
    curves, bars = figure.axes
    lines = [to_rgba(line.get_color()) for line in curves.lines if line.get_label() in shares]
    assert [bar.get_facecolor() for bar in bars.patches][:3] == lines
    assert len(set(lines)) == 3 and bars.patches[3].get_facecolor() not in lines


def test_the_sentence_of_differences_gives_every_length_and_first_order():
    errors = {"kinks": [0.5, 3.0], "smooth": [0.01, 1e-9]}
    figure = plots.draw_differences([1e-1, 1e-5], errors, first_order=0.69)
    assert figure.axes[0].lines[0].get_ydata() == pytest.approx([0.5, 3.0])
    assert figure.axes[0].lines[-1].get_ydata() == pytest.approx([0.69, 0.69])
    assert "lengths 0.1, 1e-05. kinks: 50 %, 300 %; smooth: 1 %, below" in figure.summary
    assert "First order, on the first network: 69 %." in figure.summary


def test_features_are_sorted_within_their_group():
    figure = plots.draw_regularization({"bmi": 0.1, "age": 3.0, "sex": 0.01}, {"noise": 50.0})
    labels = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert labels == ["sex", "bmi", "age", "noise"]
    assert "median 0.1 of the 3 real ones, 50 of the 1 columns" in figure.summary


def test_each_entry_of_a_jacobian_is_a_point():
    exact = np.array([[1.0, -2.0], [0.5, 3.0]])
    figure = plots.draw_jacobians(exact, {"sigma = 0": np.zeros((2, 2)), "learnt": exact})
    points = figure.axes[1].lines[1]
    assert points.get_xdata() == pytest.approx(points.get_ydata())
    assert "sigma = 0: 100 %, learnt: below 0.0001 %" in figure.summary
