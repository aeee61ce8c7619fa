"""The table as an estimate: early epochs, cost by share, honest about what it does not hold."""

import pickle
from dataclasses import dataclass

import pytest

from nas_course import spaces
from nas_course.errors import InvalidInput
from nas_course.estimation.table import TableEstimate

SPACE = spaces.NASBench201Space()
CELL = SPACE.parse("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|")


@dataclass(frozen=True)
class WrittenRow:
    valid_accuracy: tuple[float, ...]
    test_accuracy: float
    seconds: float
    parameters: int
    multiply_adds: int


class WrittenTable:
    """The table's interface around rows written by hand, keyed by canonical form and seed."""

    epochs = 4

    def __init__(self, rows):
        self.rows = {(SPACE.canonical(cell), seed): row for (cell, seed), row in rows.items()}

    def query(self, architecture, seed=0):
        key = SPACE.canonical(SPACE.parse(architecture)), seed
        if key not in self.rows:
            raise InvalidInput(f"table: no row for {architecture} with seed {seed}")
        return self.rows[key]


@pytest.fixture
def table():
    return WrittenTable(
        {
            (CELL, 0): WrittenRow((0.2, 0.5, 0.4, 0.6), 0.9, 8.0, 1234, 56789),
            (CELL, 1): WrittenRow((0.3, 0.4, 0.5, 0.55), 0.8, 12.0, 1234, 56789),
        }
    )


def test_full_fidelity_is_the_last_epoch_of_the_curve(table):
    score = TableEstimate(table)(CELL)
    assert score.value == 0.6 and score.curve == (0.2, 0.5, 0.4, 0.6)
    assert score.cost_seconds == 8.0
    assert score.measures == {"parameters": 1234, "multiply_adds": 56789}


def test_fewer_epochs_are_the_same_training_stopped_early(table):
    estimate = TableEstimate(table)
    scores = [estimate(CELL, epochs=epochs) for epochs in (1, 2, 3, 4)]
    assert [score.value for score in scores] == [0.2, 0.5, 0.4, 0.6]
    assert [score.cost_seconds for score in scores] == [2.0, 4.0, 6.0, 8.0]
    assert all(score.curve == scores[-1].curve[: len(score.curve)] for score in scores)
    assert scores[-1] == estimate(CELL)


def test_each_seed_is_a_training_of_its_own(table):
    assert TableEstimate(table, seed=1)(CELL).value == 0.55
    assert TableEstimate(table, seed=1)(CELL).cost_seconds == 12.0


def test_the_test_accuracy_cannot_be_seen_in_a_score(table):
    assert "0.9" not in repr(TableEstimate(table)(CELL))


@pytest.mark.parametrize("epochs", [0, -1, 5])
def test_an_epoch_outside_the_training_is_an_error_that_says_which_exist(table, epochs):
    with pytest.raises(InvalidInput, match=f"got {epochs}; .* epochs 1 to 4"):
        TableEstimate(table)(CELL, epochs=epochs)


def test_an_architecture_that_is_not_held_is_an_error(table):
    other = SPACE.parse("|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|")
    with pytest.raises(InvalidInput):
        TableEstimate(table)(other)


def test_a_copy_in_another_process_would_say_the_same(table):
    estimate = TableEstimate(table)
    estimate(CELL)
    assert pickle.loads(pickle.dumps(estimate))(CELL) == estimate(CELL)
