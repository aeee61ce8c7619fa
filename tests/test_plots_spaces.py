"""Drawings of the ENAS, eight-operation and chain spaces show what the architecture holds."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch, Rectangle

from nas_course import plots, spaces
from nas_course.errors import InvalidInput
from nas_course.plots import style
from nas_course.plots.cells import FIVE_PLACES, places_of
from nas_course.plots.edges import BEND, bends, points_on
from nas_course.spaces import ChainSpace, EightOperationsSpace, ENASMicroSpace


def arrows(axes):
    return [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]


def colors(patches):
    return [to_hex(patch.get_edgecolor()) for patch in patches]


@pytest.mark.parametrize("seed", range(3))
def test_an_enas_cell_is_drawn_with_ten_edges_and_its_loose_ends(seed):
    genotype = ENASMicroSpace().sample(np.random.default_rng(seed))
    (axes,) = plots.draw_cell(genotype, "reduce").axes
    names = [operation for _, _, operation in genotype.wires("reduce")]
    loose = len(genotype.outputs("reduce"))
    labels = [text.get_text() for text in axes.texts]
    assert labels[:8] == ["$c_{k-2}$", "$c_{k-1}$", "$0$", "$1$", "$2$", "$3$", "$4$", "output"]
    assert labels[8:] == [style.short_name(name) for name in names]
    expected = ["#b0b0b0"] * loose + [style.OPERATION_COLORS[name] for name in names]
    assert colors(arrows(axes)) == expected


def test_two_operations_between_the_same_nodes_are_bent_to_either_side():
    edges = [(0, 2, "skip_connect"), (0, 2, "skip_connect"), (0, 3, "none"), (1, 3, "none")]
    assert bends(edges) == [BEND, -BEND, 0.0, 0.0]
    start, end, parts = np.array([0.0, 0.0]), np.array([2.0, 1.0]), np.linspace(0, 1, 5)
    straight = points_on(start, end, 0.0, parts)
    np.testing.assert_allclose(straight, parts[:, None] * end)
    one, other = (points_on(start, end, bend, parts) for bend in (BEND, -BEND))
    np.testing.assert_allclose((one + other) / 2, straight)
    assert np.linalg.norm(one[2] - other[2]) == pytest.approx(BEND * np.linalg.norm(end))


def test_bent_labels_stand_on_the_drawn_curves():
    edges = ENASMicroSpace(1).parse(
        "normal: sep_conv_3x3(0) max_pool_3x3(0); reduce: skip_connect(0) skip_connect(1)"
    )
    figure = plots.draw_cell(edges, "normal")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    for text, arrow in zip(axes.texts[-2:], arrows(axes)[-2:], strict=True):
        spot = axes.transData.transform(text.get_position())
        path = arrow.get_path().cleaned(curves=False).interpolated(20).vertices
        distance = np.linalg.norm(axes.transData.transform(path) - spot, axis=1).min()
        assert distance < 12


def test_dead_nodes_have_no_arrow_to_the_output_and_are_named():
    cell = EightOperationsSpace(2).parse("none(0) none(1) | nor_conv_5x5(0) max_pool_3x3(2)")
    figure = plots.draw_cell(cell, "cell")
    assert colors(arrows(figure.axes[0])).count("#b0b0b0") == 1
    assert "nothing reaches 0" in figure.summary


@pytest.mark.parametrize("name", ["enas-micro", "eight-operations"])
def test_no_label_of_a_new_cell_covers_another(name):
    rng, space = np.random.default_rng(0), spaces.get(name)
    for _ in range(6):
        architecture = space.sample(rng)
        figure = plots.draw_cell(architecture, architecture.kinds[0])
        figure.draw_without_rendering()
        boxes = [text.get_bbox_patch().get_window_extent() for text in figure.axes[0].texts]
        for number, box in enumerate(boxes):
            assert box.count_overlaps(boxes[number + 1 :]) == 0


def test_no_edge_of_five_nodes_runs_through_a_third_one():
    for source, start in FIVE_PLACES.items():
        for target, end in FIVE_PLACES.items():
            if target <= max(source, 1):
                continue
            for node, place in FIVE_PLACES.items():
                if node in (source, target):
                    continue
                a, b, c = map(np.array, (start, end, place))
                part = np.clip((c - a) @ (b - a) / ((b - a) ** 2).sum(), 0, 1)
                assert np.linalg.norm(a + part * (b - a) - c) > 0.4


@pytest.mark.parametrize("nodes", [1, 2, 3, 4, 5])
def test_every_number_of_nodes_has_places_with_the_output_on_the_right(nodes):
    places = places_of(2, nodes)
    assert list(places) == list(range(2 + nodes + 1))
    assert max(places, key=lambda node: places[node][0]) == 2 + nodes


def test_a_cell_of_six_nodes_is_refused():
    genotype = ENASMicroSpace(6).sample(np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="got a cell of 6 nodes; allowed: 5 or fewer"):
        plots.draw_cell(genotype, "normal")


@pytest.mark.parametrize("seed", range(4))
def test_a_chain_is_drawn_layer_by_layer(seed):
    chain = ChainSpace().sample(np.random.default_rng(seed))
    figure = plots.draw_chain(chain)
    (axes,) = figure.axes
    layers = [layer for stage in chain.stages for layer in stage]
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert colors(boxes) == [style.OPERATION_COLORS[layer.operation] for layer in layers]
    heights = {layer.width: box.get_height() for box, layer in zip(boxes, layers, strict=True)}
    assert sorted(heights.values()) == [heights[width] for width in sorted(heights)]
    skip = style.OPERATION_COLORS["skip_connect"]
    assert colors(arrows(axes)).count(skip) == sum(layer.skip for layer in layers)
    texts = [text.get_text() for text in axes.texts]
    assert sum(text in ("stride 2", "max 2×2", "avg 2×2") for text in texts) == 2
    assert f"A chain of {len(layers)} layers" in figure.summary


def test_a_cell_is_not_drawn_as_a_chain():
    with pytest.raises(InvalidInput, match="got a Genotype; allowed: a Chain"):
        plots.draw_chain(spaces.get("darts").sample(np.random.default_rng(0)))
