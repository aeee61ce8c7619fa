"""NATS-Bench behind the table's interface.

The real file has gigabytes and is not here. Where the package nats_bench is installed, its own
API answers from a few invented trainings in its own format; elsewhere a stand-in with the same
methods does.
"""

import importlib.util
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from nas_course.errors import InvalidInput
from nas_course.spaces import NASBench201Space
from nas_course.tabular import nats_bench
from nas_course.tabular.table import NotInTable

SPACE = NASBench201Space()
INSTALLED = importlib.util.find_spec("nats_bench") is not None
RNG = np.random.default_rng(0)
CELLS = list(dict.fromkeys(SPACE.sample(RNG) for _ in range(5)))
EPOCHS = 12
SEEDS = {"cifar10-valid": (777, 888), "cifar10": (777, 888), "cifar100": (777,)}
SETS = {"cifar10-valid": ("x-valid",), "cifar10": ("ori-test",), "cifar100": ("x-valid", "x-test")}


def percent(cell, dataset, seed, name, epoch):
    """An invented accuracy that tells all its arguments apart."""
    names = ("x-valid", "ori-test", "x-test")
    return 10 * cell + epoch + 0.1 * (seed == 888) + 0.01 * len(dataset) + 0.001 * names.index(name)


class Training:
    """The methods of nats_bench's ResultsCount that are used."""

    def __init__(self, cell, dataset, seed):
        self.key = (cell, dataset, seed)

    def get_eval(self, name, epoch=None):
        assert name in SETS[self.key[1]]
        last = EPOCHS - 1 if epoch is None else epoch
        return {"accuracy": percent(*self.key, name, last)}

    def get_train(self):
        return {"all_time": 2.0 * EPOCHS}


class StandIn:
    """The methods of nats_bench's NATStopology that are used."""

    def __len__(self):
        return len(CELLS)

    def arch(self, index):
        return str(CELLS[index])

    def query_by_index(self, index, dataset, schedule):
        assert schedule == "12"
        return {seed: Training(index, dataset, seed) for seed in SEEDS[dataset]}

    def get_cost_info(self, index, dataset, schedule):
        return {"params": 0.5 + index, "flops": 10.25}


def real_api():
    """nats_bench's own API over the same trainings."""
    from nats_bench.api_topology import NATStopology
    from nats_bench.api_utils import ArchResults, ResultsCount

    infos = {}
    for number, cell in enumerate(CELLS):
        results = ArchResults(number, str(cell))
        for dataset, seeds in SEEDS.items():
            for seed in seeds:
                blank = dict.fromkeys(range(EPOCHS), 0.0)
                one = ResultsCount(
                    dataset, None, blank, blank, 0.5 + number, 10.25, {}, seed, EPOCHS, [0.1]
                )
                one.update_train_info(blank, blank, blank, dict.fromkeys(range(EPOCHS), 2.0))
                keys = [(name, e) for name in SETS[dataset] for e in range(EPOCHS)]
                accuracies = {f"{n}@{e}": percent(number, dataset, seed, n, e) for n, e in keys}
                one.update_eval(accuracies, accuracies, accuracies)
                results.update(dataset, seed, one)
        infos[number] = {"12": results.state_dict()}
    content = {
        "meta_archs": [str(cell) for cell in CELLS],
        "arch2infos": infos,
        "evaluated_indexes": list(infos),
    }
    return NATStopology(content, fast_mode=False, verbose=False)


@pytest.fixture
def api():
    return real_api() if INSTALLED else StandIn()


def test_a_row_holds_what_the_file_says(api):
    table = nats_bench.NatsBenchTable(api, "cifar10", epochs=12)
    row = table.query(CELLS[2])
    assert row.seed == 0 and table.seeds(CELLS[2]) == (0, 1)
    curve = [percent(2, "cifar10-valid", 777, "x-valid", epoch) / 100 for epoch in range(12)]
    assert row.valid_accuracy == pytest.approx(curve)
    tests = [percent(2, "cifar10", seed, "ori-test", 11) / 100 for seed in (777, 888)]
    assert row.test_accuracy == pytest.approx(np.mean(tests))
    assert (row.seconds, row.parameters, row.multiply_adds) == (24, 2_500_000, 10_250_000)
    other = table.query(str(CELLS[2]), seed=1)
    assert other.valid_accuracy[-1] == pytest.approx(row.valid_accuracy[-1] + 0.001)


def test_other_data_sets_have_their_own_test_part(api):
    table = nats_bench.NatsBenchTable(api, "cifar100", epochs=12)
    expected = percent(1, "cifar100", 777, "x-test", 11) / 100
    assert table.query(CELLS[1]).test_accuracy == pytest.approx(expected)


def test_columns_and_index_are_aligned_with_the_cells(api):
    table = nats_bench.NatsBenchTable(api, "cifar10", epochs=12)
    assert table.architectures == tuple(CELLS) and not table.complete
    order = table.index(CELLS[::-1])
    assert order.tolist() == list(range(len(CELLS)))[::-1]
    indices = np.array([SPACE.indices(cell) for cell in CELLS])
    assert table.index(indices).tolist() == order.tolist()[::-1]
    assert table.valid.shape == (len(CELLS), 12)
    rows = [table.query(cell) for cell in CELLS]
    assert table.test.tolist() == pytest.approx([row.test_accuracy for row in rows])
    assert table.parameters.tolist() == [row.parameters for row in rows]
    assert table.multiply_adds.tolist() == [row.multiply_adds for row in rows]
    assert table.seconds.tolist() == [row.seconds for row in rows]
    assert table.best_test == pytest.approx(max(row.test_accuracy for row in rows))
    assert table.best_valid == pytest.approx(table.value(CELLS[-1]))
    assert table.value(CELLS[0], 3) == table.query(CELLS[0]).valid_accuracy[2]


def test_what_it_does_not_hold_is_named(api):
    table = nats_bench.NatsBenchTable(api, "cifar10", epochs=12)
    missing = next(cell for cell in SPACE if cell not in CELLS)
    with pytest.raises(NotInTable, match="not in this file"):
        table.query(missing)
    with pytest.raises(NotInTable, match="not in this file"):
        table.index([CELLS[0], missing])
    with pytest.raises(NotInTable, match="seeds 0, 1, not with 2"):
        table.query(CELLS[0], seed=2)
    with pytest.raises(InvalidInput, match="1 to 12"):
        table.value(CELLS[0], 13)
    with pytest.raises(InvalidInput, match="12 and 200"):
        nats_bench.NatsBenchTable(api, "cifar10", epochs=90)
    with pytest.raises(InvalidInput, match="ImageNet16-120"):
        nats_bench.NatsBenchTable(api, "imagenet")


def test_without_the_package_or_the_file_the_error_says_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "nats_bench", None)
    with pytest.raises(nats_bench.NatsBenchMissing, match="pip install nats_bench"):
        nats_bench.open_table(tmp_path)
    monkeypatch.setitem(sys.modules, "nats_bench", SimpleNamespace())
    with pytest.raises(nats_bench.NatsBenchMissing, match="is no folder"):
        nats_bench.open_table(tmp_path / "absent")


def test_the_folder_is_opened_by_the_official_function(monkeypatch, tmp_path):
    calls = []

    def create(*given, **options):
        calls.append((given, options))
        return StandIn()

    monkeypatch.setitem(sys.modules, "nats_bench", SimpleNamespace(create=create))
    table = nats_bench.open_table(tmp_path, "cifar100", epochs=12)
    assert calls == [((str(tmp_path), "tss"), {"fast_mode": True, "verbose": False})]
    assert len(table) == len(CELLS) and "cifar100" in repr(table)
