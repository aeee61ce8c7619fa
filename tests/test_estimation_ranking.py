"""Ranking measures: agreement with scipy and with counting, ties, intervals that cover."""

import itertools
import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nas_course.errors import InvalidInput
from nas_course.estimation import ranking

few_values = st.integers(0, 4).map(float)  # many ties
pairs = st.integers(2, 9).flatmap(
    lambda n: st.tuples(*[st.lists(few_values, min_size=n, max_size=n)] * 2)
)
MEASURES = (ranking.kendall, ranking.spearman, ranking.pearson)


@given(pairs)
def test_correlations_agree_with_scipy_under_ties(pair):
    a, b = map(np.array, pair)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        assert all(math.isnan(measure(a, b)) for measure in MEASURES)
        return
    for measure, oracle in zip(
        MEASURES, (stats.kendalltau, stats.spearmanr, stats.pearsonr), strict=True
    ):
        assert measure(a, b) == pytest.approx(oracle(a, b).statistic, abs=1e-12)


@given(pairs)
def test_tau_b_is_what_counting_pairs_gives(pair):
    a, b = pair
    signs = [
        ((x > y) - (x < y), (u > v) - (u < v))
        for (x, u), (y, v) in itertools.combinations(zip(a, b, strict=True), 2)
    ]
    untied = [sum(s[i] != 0 for s in signs) for i in (0, 1)]
    expected = sum(s * t for s, t in signs) / math.sqrt(untied[0] * untied[1]) if all(untied) else 0
    assert ranking.kendall(a, b) == pytest.approx(expected) or not all(untied)


@given(pairs, st.integers(1, 2), st.integers(1, 2))
def test_top_k_measures_are_means_over_all_ways_to_break_the_ties(pair, k, best):
    a, b = map(np.array, pair)
    tops_a, tops_b, best_b = tops(a, k), tops(b, k), tops(b, best)
    overlap = np.mean([len(s & t) / k for s in tops_a for t in tops_b])
    assert ranking.top_overlap(a, b, k) == pytest.approx(overlap)
    precise = np.mean([len(s & t) / k for s in tops_a for t in best_b])
    assert ranking.precision(a, b, k, best) == pytest.approx(precise)
    kept = np.mean([len(s & t) / best for s in tops_a for t in best_b])
    assert ranking.recall(a, b, k, best) == pytest.approx(kept)
    lost = np.mean([b.max() - max(b[i] for i in top) for top in tops_a])
    assert ranking.regret(a, b, k) == pytest.approx(lost)


def tops(scores, k):
    """Every set of k indices that some order of the ties puts first, equally often."""
    return [
        set(chosen)
        for chosen in itertools.combinations(range(len(scores)), k)
        if min(scores[list(chosen)]) >= max(np.delete(scores, chosen), default=-math.inf)
    ]


@given(pairs)
def test_a_ranking_agrees_fully_with_any_increasing_function_of_itself(pair):
    a = np.array(pair[0])
    for measure in (ranking.kendall, ranking.spearman):
        assert measure(a, np.exp(a)) == pytest.approx(1) or np.ptp(a) == 0
        assert measure(a, -(a**3)) == pytest.approx(-1) or np.ptp(a) == 0
    assert ranking.top_overlap(a, a**3, len(a)) == pytest.approx(1)
    assert ranking.regret(a, a) == 0


def test_the_interval_covers_the_true_correlation_about_as_often_as_it_says():
    rho, covered, rng = 0.6, 0, np.random.default_rng(0)
    true_tau = 2 / math.pi * math.asin(rho)  # of a bivariate normal distribution
    for _ in range(60):
        a = rng.normal(size=40)
        b = rho * a + math.sqrt(1 - rho**2) * rng.normal(size=40)
        interval = ranking.bootstrap(ranking.kendall, a, b, rng, resamples=100, level=0.9)
        covered += interval.low <= true_tau <= interval.high
        assert interval.low <= interval.value <= interval.high
    assert 46 <= covered <= 60


def test_the_same_generator_gives_the_same_interval_and_more_data_a_narrower_one():
    rng = np.random.default_rng(1)
    a = rng.normal(size=400)
    b = a + rng.normal(size=400)
    statistic = partial(ranking.top_overlap, k=10)
    first, again = (
        ranking.bootstrap(statistic, a, b, np.random.default_rng(3), resamples=50) for _ in range(2)
    )
    assert first == again
    widths = [
        (found := ranking.bootstrap(ranking.spearman, a[:n], b[:n], rng, resamples=100)).high
        - found.low
        for n in (25, 400)
    ]
    assert widths[1] < widths[0] / 2


@pytest.mark.parametrize(
    ("estimated", "true", "message"),
    [
        ([1, 2], [1, 2, 3], "same length"),
        ([1], [1], "at least 2"),
        ([1, math.nan], [1, 2], "not a number"),
        ([1, math.inf], [1, 2], "infinite"),
    ],
)
def test_scores_that_cannot_be_ranked_are_refused(estimated, true, message):
    for measure in (*MEASURES, partial(ranking.top_overlap, k=1), ranking.regret):
        with pytest.raises(InvalidInput, match=message):
            measure(estimated, true)


@pytest.mark.parametrize("k", [0, 4, 1.5])
def test_a_top_k_that_does_not_exist_is_refused(k):
    with pytest.raises(InvalidInput, match="top k"):
        ranking.top_overlap([1, 2, 3], [1, 2, 3], k)


def test_a_constant_estimate_has_no_interval_but_a_regret():
    rng = np.random.default_rng(0)
    interval = ranking.bootstrap(ranking.kendall, [1, 1, 1], [1, 2, 3], rng, resamples=5)
    assert all(math.isnan(x) for x in (interval.value, interval.low, interval.high))
    assert ranking.regret([1, 1, 1], [1, 2, 3]) == 1  # the mean of 2, 1 and 0
