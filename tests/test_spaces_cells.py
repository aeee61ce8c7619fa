"""Spaces of two-input cells: counts of lesson 000 and ENAS, isomorphism, dead nodes, encodings."""

import itertools
from collections import defaultdict
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas_course import spaces
from nas_course.errors import InvalidInput
from nas_course.spaces import (
    ChainSpace,
    DARTSSpace,
    EightOperationsSpace,
    ENASMicroSpace,
    NASBench201Space,
)
from nas_course.spaces.encodings import adjacency, path_count, paths
from nas_course.spaces.nodes import INPUTS, canonical_cell, live_cell, parse_cell

TWO_INPUTS = [DARTSSpace(), EightOperationsSpace(), ENASMicroSpace()]
WITH_CELLS = [*TWO_INPUTS, NASBench201Space()]
seeds = st.integers(0, 2**32 - 1)
each_two_input = pytest.mark.parametrize("space", TWO_INPUTS, ids=lambda space: space.name)
each_with_cells = pytest.mark.parametrize("space", WITH_CELLS, ids=lambda space: space.name)


def renumbered(cell, order):
    """Give the nodes new places: `order` lists the old numbers. None if one reads a later one."""
    place = {0: 0, 1: 1} | {old: new for new, old in enumerate(order, start=INPUTS)}
    nodes = [
        sorted(
            ((name, place[source]) for name, source in cell[old - INPUTS]), key=lambda i: i[::-1]
        )
        for old in order
    ]
    valid = all(source < n + INPUTS for n, node in enumerate(nodes) for _, source in node)
    return tuple(map(tuple, nodes)) if valid else None


def reversed_pair(pair):
    return pair[::-1]


def renumberings(cell):
    for order in itertools.permutations(range(INPUTS, INPUTS + len(cell))):
        if (other := renumbered(cell, order)) is not None:
            yield other


def smallest_renumbering(cell):
    """Decide isomorphism by brute force: drop the dead nodes, try every order of the others."""
    live = live_cell(cell)
    alive = [node for node, inputs in enumerate(live, start=INPUTS) if inputs]
    place = {0: 0, 1: 1} | {old: new for new, old in enumerate(alive, start=INPUTS)}
    kept = tuple(
        tuple((name, place[source]) for name, source in live[node - INPUTS]) for node in alive
    )
    return min(renumberings(kept))


def cells_of(architecture):
    if hasattr(architecture, "nodes"):
        return (architecture.nodes,)
    return architecture.normal, architecture.reduce


def with_cells(architecture, cells):
    return type(architecture)(*cells)


@each_two_input
@given(seed=seeds)
def test_renumbered_nodes_leave_the_canonical_form_and_the_paths(space, seed):
    rng = np.random.default_rng(seed)
    architecture = space.sample(rng)
    cells = []
    for cell in cells_of(architecture):
        others = list(renumberings(cell))
        cells.append(others[rng.integers(len(others))])
    other = with_cells(architecture, cells)
    assert space.canonical(other) == space.canonical(architecture)
    assert np.array_equal(paths(space, other), paths(space, architecture))


def test_equal_keys_are_equal_graphs_in_all_cells_of_two_nodes():
    keys = defaultdict(set)
    for cell in EightOperationsSpace(nodes=2):
        keys[canonical_cell(cell.nodes)].add(smallest_renumbering(cell.nodes) if live(cell) else ())
    assert all(len(graphs) == 1 for graphs in keys.values())
    assert len(set().union(*keys.values())) == len(keys) == 8_695


def live(cell):
    return any(live_cell(cell.nodes))


@given(seed=seeds)
def test_equal_keys_are_equal_graphs_in_cells_full_of_twins(seed):
    """Two operations only, so that many nodes compute the same."""
    rng = np.random.default_rng(seed)
    cells = [twin_cell(rng) for _ in range(8)]
    for a, b in itertools.combinations(cells, 2):
        same = smallest_renumbering(a) == smallest_renumbering(b)
        assert same == (canonical_cell(a) == canonical_cell(b))


def twin_cell(rng):
    names = ("sep_conv_3x3", "max_pool_3x3")
    return tuple(
        tuple((names[rng.integers(2)], int(rng.integers(min(2 + node, 4)))) for _ in range(2))
        for node in range(4)
    )


def test_twins_read_by_two_nodes_differ_from_one_read_twice():
    head = "sep_conv_3x3(0) max_pool_3x3(1) | sep_conv_3x3(0) max_pool_3x3(1) | "
    shared = parse_cell("cell", head + "sep_conv_3x3(2) sep_conv_3x3(0) | sep_conv_5x5(2) none(1)")
    apart = parse_cell("cell", head + "sep_conv_3x3(2) sep_conv_3x3(0) | sep_conv_5x5(3) none(1)")
    assert canonical_cell(shared) != canonical_cell(apart)


# ---- counts ------------------------------------------------------------------------------


def test_the_three_counts_of_lesson_000():
    space = EightOperationsSpace()
    assert space.relaxed_size == 8**14 == 4_398_046_511_104
    assert space.size_with_repetition == 241_591_910_400  # the lesson prints 17,179,869,184
    assert space.size == 180 * 8**8 == 3_019_898_880
    assert space.size_without_dead_nodes == 180 * 63**4


@pytest.mark.parametrize("nodes", [1, 2])
def test_the_counts_of_lesson_000_agree_with_enumeration(nodes):
    space = EightOperationsSpace(nodes)
    inputs = [list(itertools.product(space.operations, range(2 + node))) for node in range(nodes)]
    ordered = itertools.product(*(itertools.product(pair, pair) for pair in inputs))
    kept = set()
    count = 0
    for cell in ordered:
        count += 1
        if all(a[1] != b[1] for a, b in cell):
            kept.add(tuple(tuple(sorted(node, key=lambda i: i[1])) for node in cell))
    assert count == space.size_with_repetition
    assert len(kept) == space.size
    assert kept == {cell.nodes for cell in space}
    alive = [cell for cell in space if not cell.dead_nodes()]
    assert len(alive) == space.size_without_dead_nodes


@pytest.mark.parametrize("nodes", [1, 2, 3, 4])
def test_the_counts_of_lesson_000_for_other_numbers_of_nodes(nodes):
    space, pairs = EightOperationsSpace(nodes), [1, 3, 6, 10]
    assert space.size == np.prod(pairs[:nodes]) * 64**nodes
    assert space.relaxed_size == 8 ** sum(2 + node for node in range(nodes))
    assert space.size < space.size_with_repetition


def test_the_counts_of_enas():
    space = ENASMicroSpace()
    assert space.cell_size == 720**2 * 5**10 == 5_062_500_000_000
    assert space.size == space.cell_size**2
    one = ENASMicroSpace(nodes=1)
    cells = {tuple(sorted(genotype.normal[0])) for genotype in one}
    assert len(cells) == one.unordered_cell_size == comb(11, 2)
    assert len({one.canonical(genotype) for genotype in one}) == comb(11, 2) ** 2


def test_two_nodes_of_enas_are_fewer_graphs_than_texts():
    space = ENASMicroSpace(nodes=2)
    assert space.unordered_cell_size == comb(11, 2) * comb(16, 2) == 6_600
    one_cell = itertools.product(range(2), range(5), range(2), range(5), range(3), range(5))
    found = {
        canonical_cell(space.from_indices([*six, third, last] * 2).normal)
        for six in one_cell
        for third, last in itertools.product(range(3), range(5))
    }
    assert len(found) < space.unordered_cell_size < space.cell_size == 22_500


# ---- dead nodes and loose ends -----------------------------------------------------------


def test_what_reads_a_dead_node_is_dead():
    text = "none(0) none(1) | none(0) sep_conv_3x3(2) | skip_connect(0) max_pool_3x3(3)"
    cell = EightOperationsSpace(3).parse(text)
    assert cell.dead_nodes() == (2, 3)
    assert live_cell(cell.nodes) == ((), (), (("skip_connect", 0),))


def test_what_hangs_on_a_dead_node_does_not_make_another_cell():
    space = EightOperationsSpace(3)
    alive = "skip_connect(0) max_pool_3x3(1)"
    one = space.parse(f"none(0) none(1) | {alive} | none(0) sep_conv_3x3(2)")
    other = space.parse(f"{alive} | none(0) none(1) | none(2) nor_conv_5x5(3)")
    assert one != other and space.canonical(one) == space.canonical(other)


@given(seed=seeds)
def test_loose_ends_are_the_nodes_that_nobody_reads(seed):
    genotype = ENASMicroSpace().sample(np.random.default_rng(seed))
    for kind in genotype.kinds:
        sources = {source for source, _, _ in genotype.wires(kind)}
        assert set(genotype.outputs(kind)) | sources >= set(range(2, 7))
        assert not set(genotype.outputs(kind)) & sources
        assert 6 in genotype.outputs(kind)


# ---- encodings ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("darts", 2 * 2 * (7 + 7**2 + 7**3 + 7**4)),
        ("eight-operations", 2 * (7 + 7**2 + 7**3 + 7**4)),
        ("enas-micro", 2 * 2 * (5 + 5**2 + 5**3 + 5**4 + 5**5)),
        ("nas-bench-201", 1 + 3 + 9 + 27),
    ],
)
def test_the_number_of_paths_follows_the_formula(name, count):
    space = spaces.get(name)
    assert path_count(space) == count
    assert paths(space, space.sample(np.random.default_rng(0))).shape == (count,)


@each_with_cells
@given(seed=seeds)
def test_truncation_keeps_the_short_paths_alone(space, seed):
    architecture = space.sample(np.random.default_rng(seed))
    whole = walked_paths(space, architecture)
    for longest in (1, 2, 3):
        code = paths(space, architecture, longest)
        assert len(code) == path_count(space, longest)
        assert code.sum() == sum(len(steps) <= longest for _, _, steps in whole)
    assert paths(space, architecture).sum() == len(whole)


def walked_paths(space, architecture):
    """Walk back from the outputs to the inputs, one wire at a time: a second way to the paths."""
    identity = "skip_connect" if space.name == "nas-bench-201" else ""
    found = set()
    for kind in architecture.kinds:
        wires = [wire for wire in architecture.wires(kind) if wire[2] != "none"]
        inputs = min(target for _, target, _ in architecture.wires(kind))
        open_ends = [(node, ()) for node in architecture.outputs(kind)]
        while open_ends:
            node, steps = open_ends.pop()
            if node < inputs:
                found.add((kind, node, steps))
            for source, target, name in wires:
                if target == node:
                    open_ends.append((source, (() if name == identity else (name,)) + steps))
    return found


def test_the_path_of_one_operation_stands_at_its_place():
    space = NASBench201Space()
    none = "|none~0|+|none~0|none~1|+|{}~0|none~1|none~2|"
    places = [
        paths(space, space.parse(none.format(name))).nonzero()[0].tolist()
        for name in ("skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3", "none")
    ]
    assert places == [[0], [1], [2], [3], []]


def test_isomorphic_cells_of_nas_bench_201_have_one_path_code():
    space, codes = NASBench201Space(), defaultdict(set)
    for cell in itertools.islice(space, 0, None, 7):
        codes[space.canonical(cell)].add(paths(space, cell).tobytes())
    assert all(len(found) == 1 for found in codes.values())
    assert len(codes) > 1000


@each_with_cells
@given(seed=seeds)
def test_the_adjacency_counts_every_wire_once(space, seed):
    architecture = space.sample(np.random.default_rng(seed))
    code = adjacency(space, architecture)
    wires = [wire for kind in architecture.kinds for wire in architecture.wires(kind)]
    assert code.sum() == sum(name != "none" for _, _, name in wires)
    edges = {kind: len(template.edges) for kind, template in space.cells.items()}
    operations = len(set(space.operations) - {"none"})
    assert len(code) == sum(edges.values()) * operations


def test_the_adjacency_forgets_the_order_of_a_nodes_inputs():
    space = ENASMicroSpace(1)
    rest = "reduce: skip_connect(0) skip_connect(0)"
    one = space.parse(f"normal: sep_conv_3x3(0) max_pool_3x3(1); {rest}")
    two = space.parse(f"normal: max_pool_3x3(1) sep_conv_3x3(0); {rest}")
    assert np.array_equal(adjacency(space, one), adjacency(space, two))
    assert not np.array_equal(space.encode(one), space.encode(two))
    assert adjacency(space, one).max() == 2


def test_a_space_without_cells_has_no_paths():
    space = ChainSpace()
    with pytest.raises(InvalidInput, match=r"got 'chain', which has no cells; use space\.encode"):
        paths(space, space.sample(np.random.default_rng(0)))


@pytest.mark.parametrize("longest", [0, -1, "2"])
def test_a_truncation_that_leaves_nothing_is_refused(longest):
    with pytest.raises(InvalidInput, match=r"longest: got .*allowed: None or whole numbers"):
        path_count(DARTSSpace(), longest)


# ---- errors ------------------------------------------------------------------------------

EIGHT = "sep_conv_3x3(0) none(1) | skip_connect(0) nor_conv_5x5(2)"
ENAS = "normal: sep_conv_3x3(0) skip_connect(0); reduce: avg_pool_3x3(0) max_pool_3x3(1)"
CHAIN = "nor_conv_3x3*1 sep_conv_5x5*2+skip | max_pool: nor_conv_3x3*4"


@pytest.mark.parametrize(
    ("space", "text", "message"),
    [
        (EightOperationsSpace(2), "", "node 0: got 0 inputs"),
        (EightOperationsSpace(3), EIGHT, "2 nodes separated by '|' in 'sep.*has 3"),
        (EightOperationsSpace(2), EIGHT.replace("(2)", "(3)"), "node 1, predecessor: got 3"),
        (EightOperationsSpace(2), EIGHT.replace("(2)", "(0)"), "node 1: got predecessors 0 and 0"),
        (EightOperationsSpace(2), EIGHT.replace("none", "nose"), "got 'nose'.*Did you mean 'none'"),
        (ENASMicroSpace(1), ENAS.replace("reduce", "rest"), "got 'rest: .*begins with 'reduce:'"),
        (ENASMicroSpace(1), ENAS.split(";")[0], "1 part.*separated by ';'"),
        (ENASMicroSpace(2), ENAS, "normal cell: got 1 nodes.*this space has 2"),
        (ENASMicroSpace(1), ENAS.replace("sep_conv_3x3", "none"), "normal cell, node 0.*'none'"),
        (ENASMicroSpace(1), ENAS.replace("max_pool_3x3(1)", ""), "got 1 inputs"),
        (ChainSpace(2, 2), CHAIN.replace("*4", "*3"), "stage 2, width: got 3; allowed: '1', '2'"),
        (ChainSpace(2, 2), CHAIN.replace("+skip", "+slip"), "got 'sep_conv_5x5.2.slip'; expected"),
        (ChainSpace(2, 2), CHAIN.replace("max_pool:", "pool:"), "halving: got 'pool'"),
        (ChainSpace(2, 1), CHAIN, "stage 1: got 2 layers.*allowed: 1 to 1"),
        (ChainSpace(3, 2), CHAIN, "2 stage.*separated by '|'.*has 3"),
    ],
)
def test_bad_texts_are_refused_with_the_token(space, text, message):
    with pytest.raises(InvalidInput, match=message):
        space.parse(text)


@pytest.mark.parametrize(
    "make",
    [
        lambda: EightOperationsSpace(nodes=0),
        lambda: ENASMicroSpace(nodes=-1),
        lambda: ChainSpace(stages=0),
        lambda: ChainSpace(layers="3"),
        lambda: ChainSpace(widths=()),
        lambda: ChainSpace(widths=(2, 2)),
        lambda: ChainSpace(widths=(0,)),
        lambda: ChainSpace(operations=("skip_connect",)),
    ],
)
def test_bounds_that_leave_no_space_are_refused(make):
    with pytest.raises(InvalidInput, match=r"got .*(allowed|give)"):
        make()
