"""The checks of chapter 01 agree with the package, and their texts with the facts."""

import numpy as np
import pytest
from exercise_chapters import Chapter

CHAPTER = Chapter("01_what_is_nas")
EXERCISES = CHAPTER.exercises


# --------------------------------------------------------------------------- claims of the text


def test_the_smallest_of_fifty_draws_is_mostly_below_the_smallest_of_five():
    draws = np.random.default_rng(0).normal(size=(20_000, 55))
    share = (draws[:, :50].min(axis=1) < draws[:, 50:].min(axis=1)).mean()
    assert share == pytest.approx(50 / 55, abs=0.01)  # any of 55 is as likely the smallest


def test_twenty_choices_of_five_take_ten_to_the_ten_years():
    answer = CHAPTER.model_answers()["cost_of_everything"]([5] * 20, 1, 1)
    assert answer["designs"] == 5**20 and 1e10 < answer["years"] < 1.1e10
    assert 100 < CHAPTER.model_answers()["cost_of_everything"]([5] * 20, 1, 10**8)["years"] < 110
