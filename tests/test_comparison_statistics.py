"""Statistics of a comparison: checked against numbers by hand and against scipy."""

import math

import pytest

from nas_course.comparison import paired, statement, summary, table
from nas_course.comparison.statistics import T_975
from nas_course.errors import InvalidInput


def rows(**accuracies):
    """Rows of one network per seed, or of several where a seed has a list."""
    made = []
    for method, values in accuracies.items():
        for seed, value in enumerate(values):
            for draw, accuracy in enumerate(value if isinstance(value, list) else [value]):
                made.append(
                    {
                        "seed": seed, "method": method, "draw": draw, "test_accuracy": accuracy,
                        "parameters": 1000, "search_seconds": 2.0, "train_seconds": 3.0,
                    }
                )  # fmt: skip
    return made


def test_summaries_have_mean_deviation_with_n_minus_one_and_extremes():
    one, two = summary(rows(a=[0.5, 0.6, 0.7], b=[[0.2, 0.4], [0.6, 0.8]]))
    assert (one.method, one.n, one.worst, one.best) == ("a", 3, 0.5, 0.7)
    assert one.mean == pytest.approx(0.6) and one.sd == pytest.approx(0.1)
    assert two.n == 4 and two.mean == pytest.approx(0.5)
    assert math.isnan(summary(rows(a=[0.5]))[0].sd)


def test_differences_are_taken_seed_by_seed_against_the_mean_of_the_draws():
    result = paired(rows(a=[0.5, 0.7], b=[[0.2, 0.4], [0.6, 1.0]]), "a", "b")
    assert result.differences == pytest.approx((0.2, -0.1))
    assert result.wins == 1 and result.mean == pytest.approx(0.05)


def test_the_interval_is_that_of_students_t():
    stats = pytest.importorskip("scipy.stats", reason="scipy, which scikit-learn brings, is oracle")
    ours, theirs = [0.9, 0.8, 0.85, 0.95], [0.88, 0.79, 0.86, 0.9]
    result = paired(rows(a=ours, b=theirs), "a", "b")
    expected = stats.ttest_rel(ours, theirs).confidence_interval(0.95)
    assert (result.low, result.high) == pytest.approx(tuple(expected), rel=1e-3)


def test_the_table_of_students_t_is_right():
    stats = pytest.importorskip("scipy.stats", reason="scipy, which scikit-learn brings, is oracle")
    for freedom, value in enumerate(T_975, start=1):
        assert value == pytest.approx(stats.t.ppf(0.975, freedom), abs=6e-4)


def test_the_statement_does_not_claim_what_the_seeds_do_not_show():
    noisy = statement(rows(a=[0.9, 0.8, 0.73], b=[[0.8, 0.9], [0.7, 0.7], [0.8, 0.9]]), "a", "b")
    assert noisy.startswith("a beats the mean b cell on 2 of 3 seeds; ")
    assert "mean difference is +1.00 percentage points" in noisy
    assert "includes zero: 3 seeds do not show a difference" in noisy
    clear = statement(rows(a=[0.9, 0.8, 0.7], b=[0.8, 0.71, 0.59]), "a", "b")
    assert clear.startswith("a beats b on 3 of 3 seeds; ") and "here a is better" in clear
    assert "here b is worse" in statement(rows(a=[0.9, 0.8, 0.7], b=[0.8, 0.71, 0.59]), "b", "a")
    assert "One seed says nothing" in statement(rows(a=[0.9], b=[0.8]), "a", "b")


def test_methods_without_a_common_seed_or_without_rows_are_refused():
    apart = [row | {"seed": 7} if row["method"] == "b" else row for row in rows(a=[0.5], b=[0.5])]
    with pytest.raises(InvalidInput, match="'a' and 'b' share no seed"):
        paired(apart, "a", "b")
    with pytest.raises(InvalidInput, match=r"method: got 'c'; allowed: 'a', 'b'"):
        paired(apart, "c", "b")


def test_the_table_has_a_line_for_each_method_with_percent():
    head, first, second = table(rows(a=[0.5, 0.6, 0.7], b=[0.25])).splitlines()
    assert head.split()[0] == "method"
    assert first.split()[:5] == ["a", "3", "60.00", "±", "10.00"]
    assert second.split()[:3] == ["b", "1", "25.00"]
