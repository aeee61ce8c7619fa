"""The search spaces: exact sizes, round trips, mutation, crossover, canonical forms."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas_course import spaces
from nas_course.errors import InvalidInput
from nas_course.spaces import Cell201, DARTSSpace, Genotype, NASBench201Space
from nas_course.spaces.nas_bench_201 import EDGES

SPACES = [DARTSSpace(), NASBench201Space()]
seeds = st.integers(0, 2**32 - 1)
each_space = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)


def test_a_darts_cell_has_fourteen_edges_in_order():
    edges = DARTSSpace().cells["normal"].edges
    assert len(edges) == 14
    assert edges[:5] == ((0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
    assert edges[-1] == (4, 5)


def test_the_darts_sizes_are_those_of_the_paper():
    space = DARTSSpace()
    assert space.cell_size == 180 * 7**8 == 1_037_664_180
    assert space.size == 1_037_664_180**2


def test_the_darts_size_agrees_with_enumeration_of_two_nodes():
    choices = [
        [
            ((p, a), (q, b))
            for p, q in itertools.combinations(range(n), 2)
            for a in range(7)
            for b in range(7)
        ]
        for n in (2, 3)
    ]
    assert len(set(itertools.product(*choices))) == 1 * 3 * 7**4


def test_nas_bench_201_has_15625_cells_and_6466_up_to_isomorphism():
    space = NASBench201Space()
    cells = list(space)
    assert len(set(cells)) == space.size == 15_625
    assert len({space.canonical(cell) for cell in cells}) == 6_466


def computed_function(cell):
    """What a cell computes, dead terms removed and sums merged: an independent second way."""
    nodes = {0: ("x",)}
    for target in (1, 2, 3):
        terms = []
        for (source, end), operation in zip(EDGES, cell.operations, strict=True):
            if end == target and operation != "none" and nodes[source]:
                inside = nodes[source]
                whole = inside if operation == "skip_connect" else (f"{operation}{inside}",)
                terms.extend(whole)
        nodes[target] = tuple(sorted(terms))
    return nodes[3]


def test_nas_bench_201_has_4930_different_functions():
    assert len({computed_function(cell) for cell in NASBench201Space()}) == 4_930


@each_space
@given(seed=seeds)
def test_text_round_trips(space, seed):
    architecture = space.sample(np.random.default_rng(seed))
    assert space.parse(str(architecture)) == architecture
    assert hash(space.parse(str(architecture))) == hash(architecture)


@each_space
@given(seed=seeds)
def test_mutation_changes_exactly_one_choice(space, seed):
    rng = np.random.default_rng(seed)
    before = space.sample(rng)
    after = space.mutate(before, rng)
    assert after != before
    assert after in set(space.neighbors(before))


@each_space
@given(seed=seeds)
def test_neighbourhood_is_symmetric_and_without_repeats(space, seed):
    architecture = space.sample(np.random.default_rng(seed))
    neighbors = list(space.neighbors(architecture))
    assert len(neighbors) == len(set(neighbors))
    assert all(architecture in set(space.neighbors(other)) for other in neighbors[:5])


@each_space
@given(seed=seeds)
def test_crossover_takes_every_choice_from_a_parent(space, seed):
    rng = np.random.default_rng(seed)
    a, b = space.sample(rng), space.sample(rng)
    child = space.crossover(a, b, rng)
    for parts in zip(choices(child), choices(a), choices(b), strict=True):
        assert parts[0] in parts[1:]


def choices(architecture):
    if isinstance(architecture, Cell201):
        return architecture.operations
    return architecture.normal + architecture.reduce


@each_space
@given(seed=seeds)
def test_encoding_is_one_hot_and_tells_architectures_apart(space, seed):
    rng = np.random.default_rng(seed)
    architecture = space.sample(rng)
    code = space.encode(architecture)
    width = len(space.operations)
    assert np.array_equal(code.reshape(-1, width).sum(axis=1), np.ones(code.size // width))
    assert not np.array_equal(code, space.encode(space.mutate(architecture, rng)))


def test_darts_sampling_is_uniform_over_edges_and_operations():
    space, rng = DARTSSpace(), np.random.default_rng(0)
    nodes = [space.sample(rng).normal[1] for _ in range(3000)]
    pairs = Counter((a[1], b[1]) for a, b in nodes)
    operations = Counter(operation for node in nodes for operation, _ in node)
    assert set(pairs) == {(0, 1), (0, 2), (1, 2)} and len(operations) == 7
    # five standard deviations of a binomial count
    assert all(abs(count - 1000) < 5 * np.sqrt(3000 * 2 / 9) for count in pairs.values())
    assert all(abs(c - 6000 / 7) < 5 * np.sqrt(6000 * 6 / 49) for c in operations.values())


def test_renumbered_nodes_have_one_canonical_form():
    space = DARTSSpace()
    a, b = ("sep_conv_3x3", 0), ("skip_connect", 1)
    c, d = ("max_pool_3x3", 0), ("dil_conv_5x5", 1)
    rest = ((("sep_conv_3x3", 0), ("sep_conv_3x3", 1)),) * 2
    one = Genotype(((a, b), (c, d), *rest), ((a, b), (c, d), *rest))
    other = Genotype(((c, d), (a, b), *rest), ((a, b), (c, d), *rest))
    assert one != other
    assert space.canonical(one) == space.canonical(other)


def test_different_cells_have_different_canonical_forms():
    space, rng = DARTSSpace(), np.random.default_rng(1)
    architecture = space.sample(rng)
    changed = space.parse(str(architecture).replace("(0)", "(0)", 1))
    assert space.canonical(changed) == space.canonical(architecture)
    other = space.sample(rng)
    assert space.canonical(other) != space.canonical(architecture)


GOOD = str(DARTSSpace().sample(np.random.default_rng(0)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1 part.*separated by ';'"),
        (GOOD.replace("reduce:", "reduction:"), "begins with 'reduce:'"),
        (GOOD.replace(" |", "", 1), "3 nodes"),
        (GOOD.replace("sep_conv_3x3(0)", "sep_conv_3x9(0)", 1), "sep_conv_3x9.*Did you mean"),
        (GOOD.replace("sep_conv_3x3(0)", "none(0)", 1), "got 'none'"),
        (GOOD.replace("sep_conv_3x3(0)", "sep_conv_3x3(9)", 1), "predecessor: got 9"),
        (GOOD.replace("sep_conv_3x3(0)", "sep_conv_3x3(1)", 1), "two different ones"),
        (GOOD.replace("sep_conv_3x3(0)", "sep_conv_3x3[0]", 1), r"expected operation\(predec"),
        (GOOD.replace("sep_conv_3x3(0) ", "", 1), "exactly 2"),
    ],
)
def test_bad_genotypes_are_refused_with_the_token(text, message):
    with pytest.raises(InvalidInput, match=message):
        DARTSSpace().parse(text)


CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1 node"),
        (CELL.replace("none~0", "nothing~0", 1), "edge 0-2: got 'nothing'"),
        (CELL.replace("skip_connect~1", "skip_connect~0"), "expected operation~1"),
        (CELL.replace("|skip_connect~1", ""), "1 input"),
        (CELL.replace("~2", ""), "expected operation~2"),
    ],
)
def test_bad_cells_are_refused_with_the_token(text, message):
    with pytest.raises(InvalidInput, match=message):
        NASBench201Space().parse(text)


def test_an_unknown_space_is_named_with_the_closest_one():
    with pytest.raises(InvalidInput, match=r"got 'dart'.*Did you mean 'darts'"):
        spaces.get("dart")
