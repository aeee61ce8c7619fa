"""Rules that end a search: by skips in the cell and by the growth of the dominant eigenvalue."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_search import data as small_data
from small_search import run

from nas_course.errors import InvalidInput
from nas_course.methods.gradient_stopping import ROWS
from nas_course.spaces import Cell201, DARTSSpace, Genotype, NASBench201Space
from nas_course.strategies.gradient.curvature import WatchCurvature
from nas_course.strategies.gradient.stopping import (
    EigenvalueRule,
    NeverStops,
    StopByEigenvalue,
    StopBySkips,
    WatchSkips,
    depth,
    skips,
)

small = small_data
EARLY_STOP, R_DARTS = ROWS
SPACE = NASBench201Space()
FLAT_THEN_STEEP = [1.0] * 10 + [2.0] * 10


def search_at(progress, cell):
    """Stand for a search whose alphas say `cell` now: what a rule sees of a search."""
    return SimpleNamespace(
        progress=progress,
        supernet=SimpleNamespace(space=SPACE),
        parts=SimpleNamespace(discretize=lambda supernet: cell),
        architecture=lambda: cell,
    )


def cell_of_epoch(epoch):
    """Return another cell for each epoch."""
    operations = SPACE.operations
    return Cell201((operations[epoch // 5], operations[epoch % 5]) + ("none",) * 4)


def cell_with(count):
    return Cell201(("skip_connect",) * count + ("nor_conv_3x3",) * (6 - count))


def test_skips_are_counted_in_the_normal_cell_only():
    normal = tuple((("skip_connect", 0), ("sep_conv_3x3", 1)) for _ in range(4))
    reduce = tuple((("skip_connect", 0), ("skip_connect", 1)) for _ in range(4))
    assert skips(Genotype(normal=normal, reduce=reduce)) == 4
    assert skips(Genotype(normal=reduce, reduce=normal)) == 8
    assert skips(cell_with(3)) == 3


# Published normal cells (genotypes of E2NAS-R and NSAS-C), and one that begins like E2NAS.
CHAINS = (
    "skip_connect(0) dil_conv_5x5(1) | sep_conv_3x3(0) sep_conv_3x3(2) | "
    "sep_conv_3x3(1) sep_conv_3x3(3) | sep_conv_3x3(0) dil_conv_5x5(4)",
    "dil_conv_3x3(0) sep_conv_3x3(1) | sep_conv_3x3(0) dil_conv_3x3(2) | "
    "skip_connect(0) sep_conv_3x3(3) | sep_conv_3x3(0) dil_conv_5x5(4)",
)
WIDE = (
    "sep_conv_5x5(0) dil_conv_3x3(1) | dil_conv_3x3(0) sep_conv_3x3(1) | "
    "avg_pool_3x3(0) sep_conv_5x5(1) | skip_connect(0) sep_conv_3x3(1)"
)


def test_depth_counts_the_nodes_that_read_the_one_before():
    parse = DARTSSpace().parse
    assert [depth(parse(f"normal: {cell}; reduce: {WIDE}")) for cell in CHAINS] == [4, 4]
    assert depth(parse(f"normal: {WIDE}; reduce: {CHAINS[0]}")) == 1


def test_a_search_stops_at_the_second_skip():
    rule = StopBySkips(limit=2, start=0.0)
    for count, expected in ((0, False), (1, False), (2, True)):
        rule.after_epoch(search_at(0.5, cell_with(count)))
        assert rule.stopped is expected


def test_skips_at_the_very_beginning_stop_nothing():
    rule = StopBySkips(limit=2, start=0.25)
    rule.after_epoch(search_at(0.2, cell_with(6)))
    assert not rule.stopped
    rule.after_epoch(search_at(0.25, cell_with(6)))
    assert rule.stopped


def test_growth_is_seen_when_its_window_has_moved_far_enough():
    """With means over 5 the step at place 10 gives 1, 1.2, 1.4, ... from centre 8 on."""
    rule = EigenvalueRule(window=5, back=4, ratio=1.3)
    verdicts = [rule.before_growth(FLAT_THEN_STEEP[:n]) for n in range(1, 21)]
    first = next(n for n, place in enumerate(verdicts, start=1) if place is not None)
    # the mean centred at 9 holds the values 7 ... 11: (3 * 1 + 2 * 2) / 5 = 1.4 > 1.3
    assert (first, verdicts[first - 1]) == (12, 5)


def test_one_outlier_in_a_window_does_not_stop_a_search():
    series = [1.0] * 8 + [2.0] + [1.0] * 8
    rule = EigenvalueRule(window=5, back=4, ratio=1.3)
    assert all(rule.before_growth(series[:n]) is None for n in range(1, len(series) + 1))


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=30), st.floats(0.1, 10))
def test_the_unit_of_the_eigenvalues_does_not_matter(series, unit):
    rule = EigenvalueRule(ratio=1.5)
    scaled = [unit * value for value in series]
    quotients = [
        rule._mean(series, i) / rule._mean(series, i - 4) for i in range(4, len(series) - 2)
    ]
    if all(abs(quotient - 1.5) > 1e-6 for quotient in quotients):
        assert rule.before_growth(scaled) == rule.before_growth(series)


@given(st.lists(st.floats(0, 100), max_size=30), st.sampled_from([1, 3, 5]), st.integers(1, 6))
def test_falling_eigenvalues_never_stop_a_search(series, window, back):
    rule = EigenvalueRule(window, back, ratio=1.0)
    assert rule.before_growth(sorted(series, reverse=True)) is None


@pytest.fixture
def scripted(monkeypatch):
    """Give the eigenvalues of `FLAT_THEN_STEEP` in the place of measured ones."""
    monkeypatch.setattr(
        WatchCurvature,
        "measure",
        lambda self, search: {"eigenvalue": FLAT_THEN_STEEP[self.epochs - 1]},
    )


def after_epochs(rule, count, total=20):
    for epoch in range(count):
        rule.after_epoch(search_at((epoch + 1) / total, cell_of_epoch(epoch)))
    return rule


def test_stopping_returns_the_architecture_from_before_the_growth(scripted):
    rule = after_epochs(StopByEigenvalue(), 11)
    assert not rule.stopped
    assert rule.architecture(search_at(1.0, None)) is None
    assert rule.after_epoch(search_at(12 / 20, cell_of_epoch(11))) == {"eigenvalue": 2.0}
    assert rule.stopped
    assert rule.architecture(search_at(1.0, None)) == cell_of_epoch(5)


def test_no_architecture_from_the_first_part_of_a_search_is_returned(scripted):
    rule = after_epochs(StopByEigenvalue(start=0.35), 12)
    assert not rule.stopped  # the sixth of twenty epochs ends at 0.3
    rule.after_epoch(search_at(13 / 20, cell_of_epoch(12)))
    assert rule.architecture(search_at(1.0, None)) == cell_of_epoch(6)


def test_state_in_the_middle_leads_to_the_same_end(scripted):
    first = after_epochs(StopByEigenvalue(), 8)
    second = StopByEigenvalue()
    second.load_state_dict(first.state_dict(), search_at(0.4, None))
    for rule in (first, second):
        for epoch in range(8, 12):
            rule.after_epoch(search_at((epoch + 1) / 20, cell_of_epoch(epoch)))
    assert first.state_dict() == second.state_dict()
    assert second.stopped


def test_watching_counts_skips_and_measures_their_share():
    alpha = torch.zeros(6, 5)
    alpha[:, 1] = 20.0
    search = search_at(0.5, cell_with(6))
    search.supernet.alphas = {"cell": alpha}
    assert WatchSkips().after_epoch(search) == {
        "skip_share": pytest.approx(1.0, abs=1e-6),
        "skips": 6,
    }


def test_share_of_untouched_alphas_is_one_over_the_operations():
    space = DARTSSpace()
    supernet = SimpleNamespace(space=space, alphas={"normal": torch.zeros(14, 8)})
    genotype = space.sample(np.random.default_rng(0))
    search = SimpleNamespace(supernet=supernet, architecture=lambda: genotype)
    assert WatchSkips().after_epoch(search)["skip_share"] == pytest.approx(1 / 8)


def test_darts_early_stop_ends_a_real_search_before_its_epochs_are_over(small):
    stops_at_any_cell = EARLY_STOP.with_options(limit=1, start=0.0)
    result = run(small, stops_at_any_cell, epochs=40)
    last = result.history.rows[-1]
    assert last["skips"] >= 1
    assert all(row.get("skips", 0) < 1 for row in result.history.rows[:-1])
    assert last["epoch"] < 40
    assert skips(result.architecture) >= 1


def test_r_darts_returns_an_earlier_architecture_of_its_own_history(small):
    eager = R_DARTS.with_options(ratio=1.0, window=1, back=1, start=0.0, images=8)
    result = run(small, eager, epochs=40)
    rows = result.history.rows
    values = [row["eigenvalue"] for row in rows[1:]]
    stop = next(i for i in range(1, len(values)) if values[i] > values[i - 1])
    assert len(values) == stop + 1
    assert str(result.architecture) == rows[stop]["architecture"]  # one epoch before the last


def test_rows_watch_what_they_act_on(small):
    row = run(small, R_DARTS, epochs=1).history.rows[-1]
    assert {"eigenvalue", "skip_share", "skips"} <= row.keys()
    assert R_DARTS.options() == {
        "ratio": 1.3, "window": 5, "back": 4, "start": 0.2,
        "every": 1, "images": 128, "products": 30,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        (EARLY_STOP, {"limit": 0}),
        (EARLY_STOP, {"start": 1.5}),
        (R_DARTS, {"window": 4}),
        (R_DARTS, {"back": 0}),
        (R_DARTS, {"ratio": 0.75}),
        (R_DARTS, {"every": 0}),
    ],
)
def test_wrong_options_are_refused_before_data_are_loaded(method, wrong):
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        method.with_options(**wrong)


@pytest.mark.parametrize(("epochs", "warned"), [(3, True), (7, False)])
def test_a_search_too_short_for_the_rule_says_so_once(small, epochs, warned):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run(small, "r-darts", epochs=epochs)
    told = [str(entry.message) for entry in caught if entry.category is NeverStops]
    assert len(told) == warned
    assert not told or f"ends after {epochs} measurement(s), and the rule needs 7" in told[0]
