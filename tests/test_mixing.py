"""The measures of mixing weights, against cases that can be worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from nas_course import mixing
from nas_course.errors import InvalidInput

NAMES = ("none", "skip_connect", "sep_conv_3x3", "avg_pool_3x3")


def test_entropy_is_one_when_undecided_and_zero_when_decided() -> None:
    weights = np.array([[0.25] * 4, [0, 1, 0, 0], [0.5, 0.5, 0, 0]])
    np.testing.assert_allclose(mixing.entropy(weights), [1, 0, 0.5])
    assert not np.signbit(mixing.entropy(weights)).any()


def test_share_is_the_mean_weight_over_the_edges() -> None:
    weights = np.array([[[0.1, 0.2, 0.3, 0.4], [0.0, 0.6, 0.4, 0.0]]])
    assert mixing.share(weights, NAMES, "skip_connect") == pytest.approx([0.4])


def test_share_of_an_unknown_operation_is_refused() -> None:
    with pytest.raises(InvalidInput, match="Did you mean 'skip_connect'"):
        mixing.share(np.full((1, 4), 0.25), NAMES, "skip_conect")


def test_none_never_wins_even_with_most_weight() -> None:
    weights = np.array([[0.7, 0.1, 0.15, 0.05]])
    assert mixing.winners(weights, NAMES).tolist() == [2]
    assert mixing.margin(weights, NAMES) == pytest.approx([0.05])


def test_none_wins_where_a_space_lets_it() -> None:
    weights = np.array([[0.7, 0.1, 0.15, 0.05]])
    assert mixing.winners(weights, NAMES, excluded=()).tolist() == [0]


def test_last_change_is_the_first_row_of_the_final_winner() -> None:
    winner = np.array([[1, 2, 3], [1, 3, 3], [1, 2, 3], [1, 2, 1]])
    assert mixing.last_change(winner).tolist() == [0, 2, 3]


def test_a_history_of_one_row_never_changed() -> None:
    assert mixing.last_change(np.array([[1, 2, 3]])).tolist() == [0, 0, 0]
