"""Building the table: the network is that of the cell, kills lose nothing or do it twice."""

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nas_course.errors import InvalidInput
from nas_course.models.initialisation import parameter_count
from nas_course.models.nas_bench_201 import DiscreteCell201
from nas_course.spaces import Cell201, NASBench201Space
from nas_course.spaces.nas_bench_201 import EDGES
from nas_course.tabular import network
from nas_course.tabular.building import (
    ROWS_FILE,
    Made,
    RowLog,
    prepare,
    shuffled,
    stratified,
    train_missing,
)
from nas_course.tabular.protocol import Protocol, build, train_cell
from nas_course.tabular.rows import Row

SPACE = NASBench201Space()
cells = st.builds(lambda seed: SPACE.sample(np.random.default_rng(seed)), st.integers(0, 2**32 - 1))
DIGITS = Protocol(
    data="digits", image_size=8, train_images=256, valid_images=100, test_images=50, channels=4,
    epochs=2, batch_size=128,
)  # fmt: skip


def with_same_weights(shared: network.SharedCell, cell: Cell201, channels: int) -> DiscreteCell201:
    """The plain module of the cell with the weights and statistics of the fast one."""
    plain = DiscreteCell201(cell, channels).double()
    for source, operation, targets in shared.passes:
        if operation not in network.CONVOLUTIONS:
            continue
        key = f"{operation}~{source}"
        for number, target in enumerate(targets):
            part = slice(number * channels, (number + 1) * channels)
            _, convolution, norm = plain.operations[EDGES.index((source, target))]
            convolution.weight.data = shared.convolutions[key].weight.data[part].clone()
            for name in ("weight", "bias", "running_mean", "running_var"):
                getattr(norm, name).data = getattr(shared.norms[key], name).data[part].clone()
    return plain


@given(cells, st.integers(0, 2**32 - 1))
def test_the_fast_cell_computes_the_function_of_the_plain_one(cell, seed):
    generator = torch.Generator().manual_seed(seed)
    shared = network.SharedCell(cell, 3, momentum=0.1).double()
    for norm in shared.norms.values():
        for name in ("weight", "bias", "running_mean", "running_var"):
            nn.init.uniform_(getattr(norm, name), 0.5, 1.5, generator=generator)
    plain = with_same_weights(shared, cell, 3)
    x = torch.randn(4, 3, 4, 4, generator=generator, dtype=torch.float64)
    for mode in (True, False):  # batch statistics, then the moving averages that they left
        got = shared.train(mode)(x.contiguous(memory_format=torch.channels_last))
        assert torch.allclose(got, plain.train(mode)(x), rtol=1e-10, atol=1e-10)


@given(cells)
def test_gradients_of_the_fast_cell_are_those_of_the_plain_one(cell):
    shared = network.SharedCell(cell, 2, momentum=0.1).double()
    plain = with_same_weights(shared, cell, 2)
    x = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    shared(ours).sin().sum().backward()
    plain(theirs).sin().sum().backward()
    expected = torch.zeros_like(x) if theirs.grad is None else theirs.grad
    got = torch.zeros_like(x) if ours.grad is None else ours.grad
    assert torch.allclose(got, expected, rtol=1e-9, atol=1e-10)


def test_a_linear_map_of_patches_is_a_convolution_with_stride():
    images = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    pointwise = network.Pointwise(48, 5).double()
    strided = nn.functional.conv2d(images, pointwise.weight.view(5, 3, 4, 4), stride=4)
    assert torch.allclose(pointwise(network.patches(images)), strided)


@pytest.fixture(scope="module")
def images():
    return DIGITS.load()


@given(cells)
def test_multiply_adds_and_parameters_are_those_that_are_counted(images, cell):
    model = build(cell, DIGITS, images, seed=0)
    with FlopCounterMode(display=False) as counter:
        model.eval()(images.train.images[:1])
    expected = network.multiply_adds(cell, 4, images.classes, images.in_channels, images.image_size)
    assert counter.get_total_flops() == 2 * expected
    weights = sum(network.CONVOLUTIONS.get(op, 0) ** 2 for *_, op in network.working_edges(cell))
    norms = sum(op in network.CONVOLUTIONS for *_, op in network.working_edges(cell))
    stem, head = images.in_channels * 4 + 8, 8 + 4 * images.classes + images.classes
    assert parameter_count(model) == stem + 16 * weights + 8 * norms + head


def test_edges_that_do_not_count_are_left_out():
    nothing_feeds_two = Cell201(
        ("skip_connect", "none", "none", "none", "nor_conv_1x1", "nor_conv_3x3")
    )
    assert network.working_edges(nothing_feeds_two) == [
        (0, 1, "skip_connect"),
        (1, 3, "nor_conv_1x1"),
    ]
    nobody_reads_one = Cell201(("nor_conv_3x3", "none", "none", "skip_connect", "none", "none"))
    assert network.working_edges(nobody_reads_one) == [(0, 3, "skip_connect")]


def test_training_is_pure_and_seeds_differ(images):
    cell = SPACE.sample(np.random.default_rng(3))
    first, again = (train_cell(cell, DIGITS, 0, images) for _ in range(2))
    other = train_cell(cell, DIGITS, 1, images)
    assert first.valid_accuracy == again.valid_accuracy
    assert first.test_accuracy == again.test_accuracy
    assert first.valid_accuracy != other.valid_accuracy
    assert len(first.valid_accuracy) == 2 and first.seconds > 0


def test_a_cell_without_connection_stays_at_chance(images):
    row = train_cell(Cell201(("none",) * 6), DIGITS, 0, images)
    assert row.test_accuracy < 0.2


def test_the_rate_rises_falls_and_ends_at_zero():
    protocol = Protocol(warm_up=0.1, learning_rate=0.3)
    rates = [protocol.rate(step, 100) for step in range(101)]
    assert rates[0] == pytest.approx(0.03) and max(rates) == pytest.approx(0.3)
    assert np.argmax(rates) in (9, 10) and (np.diff(rates[10:]) < 0).all()
    assert rates[100] == pytest.approx(0)


ROW = Row((0.1, 0.2), 0.3, 1.0, 10, 20, 0)
MADE = Made("0", "commit", "torch")


def test_a_line_cut_short_is_dropped_and_written_anew(tmp_path):
    path = tmp_path / ROWS_FILE
    with RowLog(path, DIGITS) as log:
        log.add("a", ROW, MADE)
    whole = path.read_bytes()
    with RowLog(path, DIGITS) as log:
        log.add("b", ROW, MADE)
    both = path.read_bytes()
    for cut in range(len(whole), len(both)):
        path.write_bytes(both[:cut])
        with RowLog(path, DIGITS) as log:
            assert log.done == {("a", 0)}
            log.add("b", ROW, MADE)
        assert path.read_bytes() == both


def test_rows_of_another_protocol_are_not_mixed(tmp_path):
    RowLog(tmp_path / ROWS_FILE, DIGITS).file.close()
    with pytest.raises(InvalidInput, match="epochs 2 instead of 9"):
        RowLog(tmp_path / ROWS_FILE, Protocol())


def test_a_damaged_row_is_named(tmp_path):
    path = tmp_path / ROWS_FILE
    with RowLog(path, DIGITS) as log:
        log.add("a", ROW, MADE)
    path.write_bytes(path.read_bytes()[:-20] + b"\n")
    with pytest.raises(InvalidInput, match="line 2: damaged"):
        RowLog(path, DIGITS)


BUILD = """
import sys
from pathlib import Path
from nas_course.tabular.building import build
from nas_course.tabular.protocol import Protocol
build(Path(sys.argv[1]), Protocol(**{protocol}), workers=1)
"""


def test_a_killed_build_loses_nothing_and_does_nothing_twice(tmp_path, images):
    path = tmp_path / ROWS_FILE
    script = BUILD.replace("{protocol}", repr(DIGITS.describe()))
    for wanted in (4, 9):  # the second start goes on where the first was killed
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], stderr=subprocess.DEVNULL
        )
        wait_for_rows(path, wanted, process)
        process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        process.wait()
    before = [json.loads(line) for line in path.read_bytes().splitlines()[1:]]
    tasks = [(row["cell"], row["seed"]) for row in before]
    assert len(tasks) == len(set(tasks)) >= 9
    prepare(DIGITS)
    more = [*tasks, *((text, 1) for text, _ in tasks[:2])]
    with RowLog(path, DIGITS) as log, ThreadPoolExecutor(1) as pool:
        train_missing(pool, log, DIGITS, more, workers=1)
        assert [(row["cell"], row["seed"]) for row in log.rows] == more
    for row in before[:3]:
        fresh = train_cell(SPACE.parse(row["cell"]), DIGITS, row["seed"], images)
        assert list(fresh.valid_accuracy) == row["valid_accuracy"]


def wait_for_rows(path, count, process):
    deadline = time.monotonic() + 600
    while not path.exists() or path.read_bytes().count(b"\n") <= count:
        assert process.poll() is None, "the build ended by itself"
        assert time.monotonic() < deadline, "no rows came"
        time.sleep(0.02)


def test_beginnings_of_the_order_are_uniform_samples():
    numbers = [str(number) for number in range(6466)]
    order = shuffled(numbers)
    assert sorted(order) == sorted(numbers) and order == shuffled(numbers)
    assert abs(np.mean([int(text) for text in order[:500]]) - 3233) < 4 * 6466 / (12 * 500) ** 0.5


def test_repeated_cells_cover_the_range_evenly():
    rows = [
        {"cell": f"{number:04}", "seed": seed, "test_accuracy": (number * 37 % 1000) / 1000}
        for number in range(1000)
        for seed in (0, 1)
    ]
    chosen = stratified(rows, 100)
    values = sorted((int(text) * 37 % 1000) for text in chosen)
    assert len(set(chosen)) == 100
    assert [np.count_nonzero(np.array(values) // 50 == stratum) for stratum in range(20)] == [
        5
    ] * 20
