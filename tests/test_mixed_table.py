"""The trained mixed space: what the file holds, what it says, and that it can be made again."""

from pathlib import Path

import numpy as np
import pytest
import torch

from nas_course.data import regression
from nas_course.errors import InvalidInput
from nas_course.estimation.mixed_table import DIVERGED, UNIT, MixedTable, deal, stored
from nas_course.estimation.regression import RegressionEstimate
from nas_course.models import parameter_count
from nas_course.models.mlp import MLP, weights_of
from nas_course.search import search
from nas_course.spaces import MixedDesign, MixedSpace

FILE = Path(__file__).resolve().parents[1] / "results" / "mixed_space.npz"
SPACE = MixedSpace()
DATA = regression.diabetes(seed=0)


@pytest.fixture(scope="module")
def table():
    return MixedTable.read(FILE)


def test_the_file_is_small_and_holds_every_design(table):
    assert FILE.stat().st_size < 300_000
    assert table.valid.shape == table.test.shape == (20, SPACE.size)
    assert ((table.valid >= 0) & (table.valid <= 1)).all() and (table.seconds > 0).all()


def test_a_deal_keeps_all_rows_and_the_training_part():
    for number in (0, 1, 7):
        dealt = deal(DATA, number)
        assert torch.equal(dealt.train.inputs, DATA.train.inputs)
        rows = torch.cat([dealt.valid.targets, dealt.test.targets]).sort().values
        expected = torch.cat([DATA.valid.targets, DATA.test.targets]).sort().values
        assert torch.equal(rows, expected) and len(dealt.valid) == len(DATA.valid)
    assert not torch.equal(deal(DATA, 1).valid.targets, deal(DATA, 2).valid.targets)


def test_what_a_design_errs_in_all_is_the_same_in_every_deal(table):
    valid, test = len(DATA.valid), len(DATA.test)
    total = (valid * table.valid_mse + test * table.test_mse) / (valid + test)
    finite = np.isfinite(total).all(axis=0)
    assert finite.mean() > 0.9
    total = total[:, finite]
    assert np.abs(total - total[0]).max() < 2 * UNIT  # of rounding


def test_stored_errors_come_back_to_a_unit_and_divergence_stays():
    errors = np.array([0.0, 0.48765, 6.5534, 6.6, np.inf, np.nan])
    numbers = stored(errors)
    assert (numbers[3:] == DIVERGED).all()
    assert np.abs(numbers[:3] * UNIT - errors[:3]).max() <= UNIT / 2 + 1e-12


def test_calm_rows_can_be_trained_again_and_give_the_score_of_the_table(table):
    rng, estimate = np.random.default_rng(0), RegressionEstimate(DATA, seed=0)
    for _ in range(8):
        design = SPACE.sample(rng)
        calm = MixedDesign(design.depth, 32, design.activation, 0.001, "adam", design.dropout)
        assert estimate(calm).value == pytest.approx(table.estimate()(calm).value, abs=2e-3)


def test_the_table_is_an_estimate_that_a_search_can_use(table):
    result = search(
        "random", table.estimate(deal=3), space=SPACE, evaluations=30, seed=1, progress=False
    )
    values = [row["value"] for row in result.history.rows]
    assert result.score.value == max(values) and len(values) >= 30
    assert (
        values[0]
        == table.valid[3, SPACE.position(SPACE.parse(result.history.rows[0]["architecture"]))]
    )


@pytest.mark.parametrize(("depth", "width"), [(1, 32), (4, 64)])
def test_the_table_counts_weights_as_the_network_has_them(table, depth, width):
    network = MLP(10, depth, width, "relu", 0.0, torch.Generator().manual_seed(0))
    assert weights_of(depth, width, inputs=10) == parameter_count(network)
    design = MixedDesign(depth, width, "relu", 0.01, "sgd", 0.0)
    assert table.estimate()(design).measures["parameters"] == parameter_count(network)


def test_the_winner_of_all_is_worth_less_on_test_than_it_seemed(table):
    winners = table.valid.argmax(axis=1)
    gap = table.valid.max(axis=1) - table.test[np.arange(20), winners]
    assert gap.mean() > 0.05  # chapter 01, section 6.5


@pytest.mark.parametrize("number", [-1, 20, "first"])
def test_a_deal_that_is_not_there_is_refused(table, number):
    with pytest.raises(InvalidInput, match="deal"):
        table.estimate(deal=number)


def test_a_missing_file_names_its_command(tmp_path):
    with pytest.raises(InvalidInput, match="benchmarks/mixed_space"):
        MixedTable.read(tmp_path / "none.npz")


def test_an_unfinished_file_is_refused(tmp_path, table):
    with np.load(FILE) as file:
        arrays = dict(file)
    arrays["trained"][5] = False
    np.savez(tmp_path / "part.npz", **arrays)
    with pytest.raises(InvalidInput, match="3,599 of 3,600"):
        MixedTable.read(tmp_path / "part.npz")
