"""Evolution finds better cells of the shipped table than random search does."""

from functools import cache

import numpy as np
import pytest

from nas_course import spaces, tabular
from nas_course.estimation import Score
from nas_course.strategies.black_box import GeneticAlgorithm, RandomSearch, RegularizedEvolution

EVALUATIONS, SEEDS = 300, range(30_000, 30_030)  # neither the leaderboard's nor the tuning's


@cache
def landscape():
    """Return the row of every cell and the validation accuracy of every row."""
    table, cells = tabular.load(), list(spaces.get("nas-bench-201"))
    return dict(zip(cells, table.index(cells).tolist(), strict=True)), table.valid[:, -1].tolist()


@cache
def found(make):
    """Return the best validation accuracy among 300 different cells, for every seed."""
    rows, values = landscape()
    best = []
    for seed in SEEDS:
        strategy, seen = make(spaces.get("nas-bench-201"), seed=seed), set()
        for _ in range(20 * EVALUATIONS):  # repeated cells are not charged
            cell = strategy.ask()
            seen.add(rows[cell])
            strategy.tell(cell, Score(values[rows[cell]], 0.0, "table"))
            if len(seen) == EVALUATIONS:
                break
        best.append(max(values[row] for row in seen))
    return np.array(best)


@pytest.mark.parametrize("make", [GeneticAlgorithm, RegularizedEvolution])
def test_with_its_defaults_it_beats_random_search_at_300_evaluations(make):
    gain = found(make) - found(RandomSearch)
    assert np.median(found(make)) > np.median(found(RandomSearch))
    # the mean gain over the seeds is at least two standard errors above zero
    assert gain.mean() > 2 * gain.std(ddof=1) / np.sqrt(len(SEEDS))
