"""The mutator widget tells the truth about each step; changes and spreads are drawn as they are."""

from collections import Counter

import numpy as np
import pytest
from matplotlib.colors import to_hex

from nas_course import plots, spaces
from nas_course.errors import InvalidInput
from nas_course.plots.changes import BAND, change_words, new_edges
from nas_course.widgets import CellMutator
from nas_course.widgets.cell_mutator import SHOWN, Walk, texts_by_network


@pytest.fixture(scope="module")
def mutator():
    return CellMutator(seed=3)


def bands(figure):
    """Yellow lines and boxes of a figure."""
    (axes,) = figure.axes
    lines = [line for line in axes.lines if to_hex(line.get_color()) == BAND]
    return lines + [patch for patch in axes.patches if to_hex(patch.get_facecolor()) == BAND]


@pytest.mark.parametrize("name", SHOWN)
def test_a_mutation_is_a_neighbour_and_is_said_and_undo_takes_it_back(mutator, name):
    mutator.controls["space"].value = name
    start = mutator.walk.present
    assert f"{name}, a sample: {start}." in mutator.summary
    mutator.controls["mutate"].click()
    after = mutator.walk.present
    assert str(after) in {str(other) for other in mutator.walk.space.neighbors(start)}
    assert f"mutation 1: {after}." in mutator.summary
    assert f"Changed: {change_words(start, after)}." in mutator.summary
    mutator.controls["undo"].click()
    mutator.controls["undo"].click()
    assert mutator.walk.path == [start]


def test_sample_begins_a_new_walk_and_the_same_clicks_give_the_same(mutator):
    paths = []
    for _ in range(2):
        mutator.controls["space"].value = "darts"
        mutator.controls["space"].value = "nas-bench-201"
        mutator.controls["sample"].click()
        mutator.controls["mutate"].click()
        paths.append(mutator.walk.path)
    assert paths[0] == paths[1]
    assert len(paths[0]) == 2


def test_the_same_network_in_other_words_is_recognised():
    walk = Walk(spaces.NASBench201Space(), np.random.default_rng(0))
    parse = walk.space.parse
    dead = [f"|none~0|+|none~0|{name}~1|+|none~0|none~1|skip_connect~2|" for name in
            ("none", "skip_connect")]  # fmt: skip
    alive = "|none~0|+|skip_connect~0|none~1|+|none~0|none~1|skip_connect~2|"
    walk.path = [parse(dead[0]), parse(alive)]
    assert walk.same_network() is None
    walk.path.append(parse(dead[1]))
    assert walk.same_network() == 0


def test_texts_by_network_counts_every_text_once():
    counts = texts_by_network()
    assert (sum(counts.values()), len(counts)) == (15_625, 6_466)


def test_the_tables_accuracy_is_that_of_the_cell_shown():
    class KnowsAll:
        def query(self, cell):
            digits = int("".join(map(str, spaces.NASBench201Space().indices(cell))))
            return type("Row", (), {"valid_accuracy": (0.0, digits / 1e6)})

    mutator = CellMutator(table=KnowsAll(), seed=1)
    value = KnowsAll().query(mutator.walk.present).valid_accuracy[-1]
    assert f"The table: validation accuracy {value:.1%}." in mutator.summary
    mutator.controls["space"].value = "chain"
    assert "The table" not in mutator.summary


@pytest.mark.parametrize("name", SHOWN)
def test_a_walk_of_mutations_marks_each_new_part_and_names_it(name):
    space, rng = spaces.get(name), np.random.default_rng(5)
    before = space.sample(rng)
    for _ in range(2):
        after = space.mutate(before, rng)
        words = change_words(before, after)
        assert words.count(" became ") == 1
        kinds = [kind for kind in after.kinds if before.wires(kind) != after.wires(kind)]
        marked = bands(plots.draw_change(before, after, *kinds))
        assert len(marked) == (words.count("became no layer") == 0)
        before = after


def test_nothing_is_marked_where_nothing_changed():
    genotype = spaces.ENASMicroSpace().sample(np.random.default_rng(0))
    assert new_edges(genotype, genotype, "normal") == []
    assert change_words(genotype, genotype) == "nothing"
    assert bands(plots.draw_change(genotype, genotype)) == []


def test_architectures_of_two_spaces_have_no_change():
    rng = np.random.default_rng(0)
    one, other = (spaces.get(name).sample(rng) for name in ("darts", "chain"))
    with pytest.raises(InvalidInput, match="got a Genotype and a Chain; allowed: two"):
        plots.draw_change(one, other)


def test_a_spread_names_minimum_median_and_maximum_of_each_group():
    figure = plots.draw_spread({"a": np.array([0.1, 0.2, 0.4]), "b": np.array([0.5])})
    assert figure.summary == (
        "Spread of the accuracy in 2 groups: a 10.0 to 40.0 %, median 20.0 %; "
        "b 50.0 to 50.0 %, median 50.0 %."
    )
    (axes,) = figure.axes
    ends = Counter(tuple(np.asarray(line.get_xdata(), float)) for line in axes.lines)
    assert ends[(0.1, 0.4)] == 1
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a (3)", "b (1)"]
    with pytest.raises(InvalidInput, match=r"got \['empty'\] without values"):
        plots.draw_spread({"empty": np.array([])})
