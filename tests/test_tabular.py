"""The shipped table: complete, small, fast, as good as promised; and clear about what it lacks."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas_course import data, tabular
from nas_course.errors import InvalidInput
from nas_course.spaces import NASBench201Space
from nas_course.tabular import quality
from nas_course.tabular.classes import codes_of, representatives
from nas_course.tabular.packing import TableDamaged, pack, save, unpack
from nas_course.tabular.protocol import Protocol, train_cell
from nas_course.tabular.table import SHIPPED, Table

SPACE = NASBench201Space()
PUBLISHED = Path(__file__).parents[2] / "shared" / "data" / "nas" / "nasbench201.csv.gz"
codes = st.integers(0, SPACE.size - 1)


@pytest.fixture(scope="module")
def table():
    return tabular.load()


@pytest.fixture(scope="module")
def cells():
    return list(SPACE)


def test_the_table_is_complete_and_small(table):
    assert table.complete and len(table) == 6466
    assert len({SPACE.canonical(cell) for cell in table.architectures}) == 6466
    assert len(table.repeated) >= 400 and table.all_seeds == (0, 1, 2)
    assert SHIPPED.stat().st_size < 3_000_000
    assert table.valid.shape == (6466, table.epochs)
    for column in (table.test, table.seconds, table.parameters, table.multiply_adds):
        assert column.shape == (6466,) and np.isfinite(column).all() and column.min() > 0


def test_seeds_rank_the_cells_alike(table):
    found = quality.noise(table)
    assert found["spearman_test"] >= 0.85
    assert found["spearman_valid"] >= 0.85
    assert found["sd_cells"] > 5 * found["sd_seeds"]


def test_best_median_and_worst_are_plausible(table):
    found = quality.plausibility(table)
    assert found["disconnected"] > 0 and found["disconnected_test"] == pytest.approx([0.1])
    assert found["worst_connected"] > 0.2
    assert "nor_conv_3x3" in found["best"][0] and found["best"][1] > 0.42
    assert 0.35 < found["median"][1] < found["best"][1]


def test_longer_training_tells_more(table):
    found = quality.fidelities(table)
    assert found[-1] == pytest.approx(1)
    assert found[1] > 0.6 and found[-2] > 0.95


def test_the_ranking_is_like_the_published_one(table):
    if not PUBLISHED.exists():
        pytest.skip("the published accuracies do not come with the package")
    found = quality.with_published(table, PUBLISHED)
    assert found["cells"] == 15_625
    assert found["spearman"] >= 0.75


def test_look_ups_are_fast(table):
    found = quality.speed(table)
    assert found["one_by_one"] > 1e5
    assert found["bulk_texts"] > 1e6 and found["bulk_codes"] > 1e6


def test_every_cell_of_the_space_has_the_row_of_its_class(table, cells):
    rows = table.index(cells)
    keys = [SPACE.canonical(table.architectures[row]) for row in rows]
    assert keys == [SPACE.canonical(cell) for cell in cells]


@given(st.lists(codes, max_size=20))
def test_texts_cells_and_arrays_find_the_same_rows(table, cells, chosen):
    some = [cells[code] for code in chosen]
    indices = np.array([SPACE.indices(cell) for cell in some], dtype=int).reshape(-1, 6)
    rows = table.index(some)
    assert rows.tolist() == table.index(map(str, some)).tolist() == table.index(indices).tolist()
    for cell, row in zip(some, rows, strict=True):
        found = table.query(cell)
        assert found is table.query(cell) and found == table.query(str(cell))
        assert found.valid_accuracy == pytest.approx(table.valid[row].tolist())
        assert found.test_accuracy == pytest.approx(float(table.test[row]))
        assert found.seconds == float(table.seconds[row])
        assert found.parameters == table.parameters[row]
        assert found.multiply_adds == table.multiply_adds[row]


def test_repeated_cells_agree_with_single_queries(table):
    for place in (0, len(table.repeated) // 2, -1):
        cell = table.architectures[table.repeated[place]]
        assert table.seeds(cell) == table.all_seeds
        for number, seed in enumerate(table.all_seeds):
            row = table.query(cell, seed)
            assert row.seed == seed
            assert row.test_accuracy == pytest.approx(float(table.repeated_test[number, place]))


def test_best_and_value_are_those_of_the_columns(table):
    best = table.architectures[int(table.test.argmax())]
    assert table.query(best).test_accuracy == pytest.approx(table.best_test)
    best = table.architectures[int(table.valid[:, -1].argmax())]
    assert table.value(best) == table.value(best, table.epochs) == pytest.approx(table.best_valid)
    assert table.value(best, 1) == table.query(best).valid_accuracy[0]


def test_what_the_table_does_not_hold_is_named(table):
    single = next(cell for cell in table.architectures if len(table.seeds(cell)) == 1)
    with pytest.raises(tabular.NotInTable, match="with the seeds 0, not with 1"):
        table.query(single, seed=1)
    with pytest.raises(InvalidInput, match="nor_conv_5x5"):
        table.query(str(single).replace(single.operations[0], "nor_conv_5x5"))
    with pytest.raises(InvalidInput, match="give a cell's text"):
        table.query(7)
    with pytest.raises(InvalidInput, match="1 to 9"):
        table.value(single, 10)
    with pytest.raises(InvalidInput, match="1 to 9"):
        table.value(single, 0)
    with pytest.raises(InvalidInput, match=r"\(n, 6\)"):
        table.index(np.zeros((2, 5), dtype=int))
    with pytest.raises(InvalidInput, match="0 to 5"):
        table.index(np.array([[0, 0, 0, 0, 0, 5]]))


def test_a_table_travels_to_another_process_as_its_name(table):
    packed = pickle.dumps(table)
    assert len(packed) < 1000 and pickle.loads(packed) is table
    own = Table(unpack(SHIPPED))
    assert pickle.loads(pickle.dumps(own)).test.tolist() == table.test.tolist()
    with pytest.raises(ValueError, match="read-only"):
        table.test[0] = 1


def test_texts_with_blanks_around_them_are_understood(table):
    text = str(table.architectures[5])
    assert table.query(f" {text} ") == table.query(text)
    assert table.index([f" {text} "]) == [5]


def test_a_row_trained_live_is_the_row_of_the_table(table):
    if not data.available()["cifar10"].found:
        pytest.skip("CIFAR-10 is not on this machine")
    protocol = Protocol()
    assert table.about["protocol"] == protocol.describe()
    images = protocol.load()
    cell = table.architectures[int(table.test.argmax())]
    live, stored = train_cell(cell, protocol, 0, images), table.query(cell)
    # Another processor or version rounds otherwise, which a training amplifies.
    assert live.test_accuracy == pytest.approx(stored.test_accuracy, abs=0.02)
    assert live.parameters == stored.parameters and live.multiply_adds == stored.multiply_adds


def small_rows():
    """Rows of three cells, one of them with two seeds."""
    chosen = [str(cell) for cell in representatives()[::2000][:3]]
    return [
        {
            "cell": text, "seed": seed, "valid_accuracy": [0.1, 0.25 + 0.01 * seed],
            "test_accuracy": 0.2, "seconds": 1.5, "parameters": 10, "multiply_adds": 99,
            "version": "0", "commit": "c", "torch": "t",
        }
        for text, seed in [(chosen[1], 1), (chosen[2], 0), (chosen[0], 0), (chosen[1], 0)]
    ]  # fmt: skip


SMALL_PROTOCOL = {"valid_images": 100, "test_images": 10}


def test_an_incomplete_table_says_so(tmp_path):
    save(tmp_path / "some.npz", pack(small_rows(), SMALL_PROTOCOL))
    with pytest.warns(UserWarning, match="3 of 6,466"):
        table = tabular.load(tmp_path / "some.npz")
    assert not table.complete and "INCOMPLETE" in repr(table)
    known = table.architectures[1]
    assert table.query(known, 1).valid_accuracy == (0.1, 0.26)
    assert table.repeated.tolist() == [1] and table.repeated_valid.shape == (2, 1, 2)
    with pytest.raises(InvalidInput, match="three seeds are needed"):
        quality.noise(table)
    missing = representatives()[7]
    with pytest.raises(tabular.NotInTable, match="3 of 6,466"):
        table.query(missing)
    with pytest.raises(tabular.NotInTable, match=r"avg_pool_3x3|none"):
        table.index([known, missing])


def test_files_that_are_no_tables_are_refused(tmp_path):
    with pytest.raises(TableDamaged, match="no such file"):
        tabular.load(tmp_path / "absent.npz")
    whole = pack(small_rows(), SMALL_PROTOCOL)
    (tmp_path / "cut.npz").write_bytes(whole[:-100])
    with pytest.raises(TableDamaged, match="damaged"):
        unpack(tmp_path / "cut.npz")
    np.savez(tmp_path / "other.npz", about=np.array('{"trainings": 1}'), seed=np.zeros(1))
    with pytest.raises(TableDamaged, match="reads format 1"):
        unpack(tmp_path / "other.npz")


def test_codes_are_places_in_the_order_of_the_space(cells):
    assert codes_of(cells).tolist() == list(range(SPACE.size))
