"""The figures: what is drawn is the data, every label is there, every summary is true."""

from __future__ import annotations

import contextlib
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch
from PIL import Image

from nas_course import mixing, plots, spaces
from nas_course.data import Split
from nas_course.errors import InvalidInput
from nas_course.history import History
from nas_course.plots import names, style
from nas_course.strategies.gradient.discretization import discretize

EPOCHS = 6


def make_history(space_name: str) -> History:
    """A history of weights that drift; the numbers are arbitrary, only their drawing is tested."""
    rng = np.random.default_rng(0)
    templates = spaces.get(space_name).cells
    cells = {
        name: {"edges": [list(edge) for edge in cell.edges], "operations": list(cell.operations)}
        for name, cell in templates.items()
    }
    history = History(
        {"method": "darts-1st", "space": space_name, "data": "digits", "cells": cells}
    )
    drift = {
        name: rng.normal(size=(len(cell.edges), len(cell.operations)))
        for name, cell in templates.items()
    }
    for epoch in range(EPOCHS + 1):
        alphas = {name: 0.2 * epoch * step + 1e-3 for name, step in drift.items()}
        accuracy = None if epoch == 0 else 0.1 * epoch
        columns = ("train_loss", "valid_loss", "train_accuracy", "valid_accuracy")
        history.append({"epoch": epoch, "alphas": alphas} | dict.fromkeys(columns, accuracy))
    return history


@pytest.fixture(scope="module", params=["darts", "nas-bench-201"])
def history(request) -> History:
    return make_history(request.param)


@pytest.fixture(scope="module")
def darts_history() -> History:
    return make_history("darts")


def first_cell(history: History) -> str:
    return next(iter(history.cells))


def runs() -> list[dict]:
    return [
        {"method": "darts-1st", "test_accuracy": 0.91, "parameters": 41_000},
        {"method": "darts-1st", "test_accuracy": 0.93, "parameters": 43_000},
        {"method": "random", "test_accuracy": 0.90, "parameters": 40_000},
    ]


def some_images() -> Split:
    pixels = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return Split(images=pixels - 0.5, labels=torch.arange(20) % 10)


def every_figure(history: History) -> dict[str, plots.CourseFigure]:
    cell = first_cell(history)
    architecture = spaces.get(history.header["space"]).sample(np.random.default_rng(0))
    edge = tuple(history.cells[cell]["edges"][0])
    return {
        "alpha_curves": plots.alpha_curves(history, cell, edge),
        "alpha_heatmap": plots.alpha_heatmap(history, cell),
        "weight_bars": plots.weight_bars(history, cell),
        "winner_timeline": plots.winner_timeline(history, cell),
        "alpha_overview": plots.alpha_overview(history),
        "entropy_and_skip": plots.entropy_and_skip(history),
        "draw_cell": plots.draw_cell(architecture, cell),
        "draw_mixed_cell": plots.draw_mixed_cell(history, cell),
        "draw_network": plots.draw_network(8, 16),
        "draw_images": plots.draw_images(some_images(), tuple("abcdefghij")),
        "learning_curves": plots.learning_curves(history),
        "draw_comparison": plots.draw_comparison(runs()),
        "accuracy_against_size": plots.accuracy_against_size(runs()),
    }


@pytest.fixture(scope="module")
def figures(history: History) -> dict[str, plots.CourseFigure]:
    return every_figure(history)


# ---- every figure ------------------------------------------------------------------------


def test_every_public_figure_is_drawn_here_or_in_another_suite(figures) -> None:
    others = [path for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__)]
    elsewhere = "\n".join(path.read_text(encoding="utf-8") for path in others)
    missing = set(plots.__all__) - set(figures) - {"CourseFigure", "new_figure"}
    assert [name for name in sorted(missing) if f"{name}(" not in elsewhere] == []


def test_every_figure_has_a_summary_of_a_sentence_or_two(figures) -> None:
    for name, figure in figures.items():
        assert figure.summary.endswith("."), name
        assert 40 <= len(figure.summary) <= 480, name
        assert "$" not in figure.summary, f"{name}: mathematical text in a plain sentence"


def test_every_png_is_small_and_carries_its_summary(figures) -> None:
    for name, figure in figures.items():
        data = figure.png()
        assert len(data) <= 60_000, name
        assert Image.open(io.BytesIO(data)).info["Description"] == figure.summary


def test_every_axis_that_shows_numbers_is_labelled(figures) -> None:
    for name, figure in figures.items():
        for axes in (axes for axes in figure.axes if axes.axison):
            for axis in (axes.xaxis, axes.yaxis):
                words = "".join(tick.get_text() for tick in axis.get_ticklabels())
                names_itself = not words or "→" in words or any(map(str.isalpha, words))
                assert axis.get_label_text() or names_itself, name


def test_no_text_is_smaller_than_the_smallest_size(figures) -> None:
    for name, figure in figures.items():
        for axes in figure.axes:
            texts = [*axes.texts, *axes.get_xticklabels(), *axes.get_yticklabels(), axes.title]
            assert all(text.get_fontsize() >= style.SMALL for text in texts), name


def test_drawing_leaves_no_trace_in_pyplot(darts_history: History) -> None:
    from matplotlib import pyplot

    before = pyplot.get_fignums(), dict(pyplot.rcParams)
    plots.alpha_overview(darts_history).png()
    plots.draw_network(8, 16).png()
    assert (pyplot.get_fignums(), dict(pyplot.rcParams)) == before


@contextlib.contextmanager
def threads_that_change_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def test_two_threads_draw_as_one_does_and_leave_the_settings_as_they_were() -> None:
    def draw(number: int) -> tuple:
        figure = plots.draw_regularization({"a": 0.5, "b": 1.0 + number}, {"noise": 30.0})
        (axes,) = figure.axes
        return axes.spines["top"].get_visible(), axes.title.get_fontsize(), figure.png()

    settings = dict(matplotlib.rcParams)
    alone = [draw(number) for number in range(2)]
    with threads_that_change_often(), ThreadPoolExecutor(2) as pool:
        together = list(pool.map(draw, [0, 1] * 5))
    assert all(drawn == alone[number % 2] for number, drawn in enumerate(together))
    assert dict(matplotlib.rcParams) == settings
    assert matplotlib.rcParams["axes.spines.top"], "the course's own style would be no test"


def test_reducing_colors_keeps_each_operation_color_exactly() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, size=(60, 60, 3)).astype(np.uint8)  # thousands of colours
    colors = [bytes.fromhex(color[1:]) for color in style.OPERATION_COLORS.values()]
    picture[0, : len(colors)] = [list(color) for color in colors]
    reduced = np.asarray(plots.figure.few_colors(picture).convert("RGB"))
    assert (reduced[0, : len(colors)] == picture[0, : len(colors)]).all()
    assert len(np.unique(reduced.reshape(-1, 3), axis=0)) <= plots.figure.COLORS


def test_a_figure_shows_once_with_alternative_text_and_caption(darts_history, monkeypatch) -> None:
    shown: list[tuple[dict, dict]] = []
    monkeypatch.setattr(
        "IPython.display.display",
        lambda data, metadata=None, raw=False: shown.append((data, metadata or {})),
    )
    figure = plots.entropy_and_skip(darts_history)
    figure._ipython_display_()
    (picture, metadata), (caption, _) = shown
    assert picture["image/png"].startswith(b"\x89PNG")
    assert picture["text/plain"] == figure.summary == metadata["image/png"]["alt"]
    assert figure.summary in caption["text/markdown"]


def test_a_caption_sets_nodes_as_mathematics(darts_history, monkeypatch) -> None:
    shown: list[dict] = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: shown.append(data))
    plots.alpha_curves(darts_history, "normal", (0, 2))._ipython_display_()
    assert "from $c_{k-2}$ to 0" in shown[1]["text/markdown"]
    assert "from c_{k-2} to 0" in shown[1]["text/plain"]


# ---- alphas ------------------------------------------------------------------------------


def test_curves_are_the_mixing_weights_of_the_edge(history: History) -> None:
    cell = first_cell(history)
    operations = history.cells[cell]["operations"]
    edge = tuple(history.cells[cell]["edges"][2])
    (axes,) = plots.alpha_curves(history, cell, edge).axes
    for number, (line, operation) in enumerate(zip(axes.lines, operations, strict=False)):
        np.testing.assert_array_equal(line.get_xdata(), range(EPOCHS + 1))
        np.testing.assert_array_equal(line.get_ydata(), history.weights(cell)[:, 2, number])
        assert line.get_label() == style.short_name(operation)
        assert line.get_color() == style.OPERATION_COLORS[operation]
        assert line.get_marker() == style.OPERATION_MARKERS[operation]
    assert axes.lines[-1].get_ydata() == [1 / len(operations)] * 2


def test_curves_summary_names_the_strongest_operation_and_its_weight(history: History) -> None:
    cell = first_cell(history)
    edge = tuple(history.cells[cell]["edges"][1])
    last = history.weights(cell)[-1, 1]
    best = style.short_name(history.cells[cell]["operations"][last.argmax()])
    summary = plots.alpha_curves(history, cell, edge).summary
    assert f"{best} ends strongest with {last.max():.1%}" in summary


@pytest.mark.parametrize("epoch", [0, 3, -1])
def test_heatmap_shows_the_weights_of_the_epoch_and_frames_the_winners(history, epoch) -> None:
    cell = first_cell(history)
    weights = history.weights(cell)[epoch]
    axes, _ = plots.alpha_heatmap(history, cell, epoch).axes
    np.testing.assert_array_equal(axes.images[0].get_array(), weights)
    frames = [(round(p.get_y() + 0.45), round(p.get_x() + 0.47)) for p in axes.patches]
    assert frames == list(enumerate(names.leading(history, cell)[epoch]))
    assert [text.get_text() for text in axes.texts] == [f"{100 * v:.1f}" for v in weights.ravel()]


def test_untouched_weights_do_not_look_like_a_decision() -> None:
    history = make_history("darts")
    axes, _ = plots.alpha_heatmap(history, "normal", epoch=0).axes
    low, high = axes.images[0].get_clim()
    assert low <= 0.9 / 8 and high >= 1.1 / 8


def test_bars_of_an_edge_add_up_to_one(history: History) -> None:
    cell = first_cell(history)
    (axes,) = plots.weight_bars(history, cell).axes
    weights = history.weights(cell)[-1]
    widths = np.array([bar.get_width() for bar in axes.patches]).reshape(weights.T.shape)
    np.testing.assert_allclose(widths, weights.T)
    np.testing.assert_allclose(widths.sum(axis=0), 1)
    colors = [to_hex(axes.containers[n].patches[0].get_facecolor()) for n in range(len(widths))]
    assert colors == [style.OPERATION_COLORS[op] for op in history.cells[cell]["operations"]]


def test_timeline_shows_the_leader_of_each_edge_and_epoch(history: History) -> None:
    cell = first_cell(history)
    (axes,) = plots.winner_timeline(history, cell).axes
    best = names.leading(history, cell)
    np.testing.assert_array_equal(axes.collections[0].get_array(), best.T)
    labels = {text.get_text() for text in axes.get_legend().get_texts()}
    operations = history.cells[cell]["operations"]
    assert labels == {style.short_name(operations[number]) for number in np.unique(best)}


def test_entropy_and_skip_draw_one_line_per_cell(history: History) -> None:
    left, right = plots.entropy_and_skip(history).axes
    skips = [line for line in right.lines if line.get_label().endswith("cell")]
    pairs = zip(left.lines, skips, history.cells, strict=True)
    for entropy_line, skip_line, cell in pairs:
        weights, operations = history.weights(cell), history.cells[cell]["operations"]
        np.testing.assert_allclose(entropy_line.get_ydata(), mixing.entropy(weights).mean(axis=1))
        expected = mixing.share(weights, operations, "skip_connect")
        np.testing.assert_allclose(skip_line.get_ydata(), expected)


def test_overview_has_a_heat_map_and_curves_for_each_cell(history: History) -> None:
    figure = plots.alpha_overview(history)
    images = [axes.images[0] for axes in figure.axes if axes.images]
    for image, cell in zip(images, history.cells, strict=True):
        np.testing.assert_array_equal(image.get_array(), history.weights(cell)[-1])
    assert "darts-1st on digits, epoch 6" in figure.summary


def test_overview_shows_a_measured_eigenvalue_as_a_share_of_its_maximum() -> None:
    cells = {"cell": {"edges": [[0, 1]], "operations": ["none", "skip_connect"]}}
    history = History({"method": "darts-1st", "space": "nas-bench-201", "cells": cells})
    for epoch, eigenvalue in enumerate((None, 0.2, 0.8, None, 0.4)):  # None: not measured
        measured = {} if eigenvalue is None else {"eigenvalue": eigenvalue}
        history.append({"epoch": epoch, "alphas": {"cell": [[0.0, 0.1]]}, **measured})
    figure = plots.alpha_overview(history)
    (axes,) = [axes for axes in figure.axes if "eigenvalue" in axes.get_ylabel()]
    (line,) = axes.lines
    np.testing.assert_allclose(line.get_ydata(), [np.nan, 0.25, 1, 1, 0.5])
    assert "0.2 at first, 0.8 at most and 0.4 in the end" in figure.summary
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        *("cell", "largest eigenvalue: 0.4 of at most 0.8")
    ]


def test_overview_without_eigenvalues_or_skips_says_nothing_of_them() -> None:
    cells = {"cell": {"edges": [[0, 1]], "operations": ["nor_conv_1x1", "nor_conv_3x3"]}}
    history = History({"method": "darts-1st", "space": "nas-bench-201", "cells": cells})
    history.append({"epoch": 0, "alphas": {"cell": [[0.0, 0.1]]}, "eigenvalue": None})
    figure = plots.alpha_overview(history)
    assert "eigenvalue" not in figure.summary and "skip share from 0.0%" in figure.summary
    assert not [axes for axes in figure.axes if "eigenvalue" in axes.get_ylabel()]
    figure.png()


def test_unknown_cell_edge_and_epoch_are_refused_with_the_choices(darts_history) -> None:
    with pytest.raises(InvalidInput, match="allowed: 'normal', 'reduce'"):
        plots.alpha_heatmap(darts_history, "nomal")
    with pytest.raises(InvalidInput, match=r"edge of the normal cell: got \(2, 0\)"):
        plots.alpha_curves(darts_history, "normal", (2, 0))
    with pytest.raises(InvalidInput, match="epoch: got 99; allowed: '0', '1'"):
        plots.alpha_heatmap(darts_history, "normal", epoch=99)


def test_leaders_are_the_operations_that_discretisation_selects(history: History) -> None:
    alphas = {cell: torch.tensor(history.alphas(cell)[-1]) for cell in history.cells}
    space = spaces.get(history.header["space"])
    architecture = discretize(space, alphas)
    for cell in history.cells:
        template = history.cells[cell]
        leaders = names.leading(history, cell)[-1]
        by_edge = dict(zip(map(tuple, template["edges"]), leaders, strict=True))
        for source, target, operation in plots.cells.chosen_edges(architecture, cell):
            assert template["operations"][by_edge[source, target]] == operation


def test_nodes_are_named_as_in_the_papers() -> None:
    assert [names.node_name(node, inputs=2) for node in range(6)] == [
        *("c_{k-2}", "c_{k-1}", "0", "1", "2", "3")
    ]
    assert [names.node_name(node, inputs=1) for node in range(4)] == ["0", "1", "2", "3"]


# ---- cells -------------------------------------------------------------------------------


def arrows(axes) -> list[FancyArrowPatch]:
    return [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]


def test_genotype_is_drawn_with_its_eight_edges_and_four_to_the_output() -> None:
    genotype = spaces.get("darts").sample(np.random.default_rng(1))
    (axes,) = plots.draw_cell(genotype, "reduce").axes
    chosen = [(operation, source) for node in genotype.reduce for operation, source in node]
    labels = [text.get_text() for text in axes.texts]
    assert labels[:7] == ["$c_{k-2}$", "$c_{k-1}$", "$0$", "$1$", "$2$", "$3$", "output"]
    assert labels[7:] == [style.short_name(operation) for operation, _ in chosen]
    colors = [to_hex(arrow.get_edgecolor()) for arrow in arrows(axes)]
    assert len(colors) == 12
    assert colors[4:] == [style.OPERATION_COLORS[operation] for operation, _ in chosen]


def test_nas_bench_201_cell_is_drawn_with_all_six_edges() -> None:
    cell = spaces.get("nas-bench-201").sample(np.random.default_rng(1))
    (axes,) = plots.draw_cell(cell, "cell").axes
    labels = [text.get_text() for text in axes.texts]
    assert labels[4:] == [style.short_name(operation) for operation in cell.operations]


@pytest.mark.parametrize(("space", "cell"), [("darts", "normal"), ("nas-bench-201", "cell")])
def test_no_label_of_a_cell_covers_another(space: str, cell: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(12):
        figure = plots.draw_cell(spaces.get(space).sample(rng), cell)
        figure.draw_without_rendering()
        boxes = [text.get_bbox_patch().get_window_extent() for text in figure.axes[0].texts]
        for number, box in enumerate(boxes):
            assert box.count_overlaps(boxes[number + 1 :]) == 0


def test_no_edge_runs_through_a_node_it_does_not_belong_to() -> None:
    for places, edges in (
        (plots.cells.DARTS_PLACES, spaces.get("darts").cells["normal"].edges),
        (plots.cells.CELL201_PLACES, spaces.get("nas-bench-201").cells["cell"].edges),
    ):
        for source, target in edges:
            start, end = np.array(places[source]), np.array(places[target])
            for node, place in places.items():
                if node in (source, target):
                    continue
                part = np.clip((place - start) @ (end - start) / ((end - start) ** 2).sum(), 0, 1)
                assert np.linalg.norm(start + part * (end - start) - place) > 0.4


def test_strands_of_a_mixed_cell_are_as_wide_as_the_weights(history: History) -> None:
    cell = first_cell(history)
    (axes,) = plots.draw_mixed_cell(history, cell, epoch=4).axes
    weights = history.weights(cell)[4]
    widths = np.array([line.get_linewidth() for line in axes.lines]).reshape(weights.shape)
    np.testing.assert_allclose(widths, plots.cells.WIDEST * weights)


def test_architectures_of_another_type_are_refused() -> None:
    genotype = spaces.get("darts").sample(np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="got cell 'cell' of a Genotype"):
        plots.draw_cell(genotype, "cell")
    with pytest.raises(InvalidInput, match="of a str"):
        plots.draw_cell("sep_conv_3x3(0)", "normal")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [(8, "N N R N N R N N"), (20, "N N N N N N R N N N N N N R N N N N N N"), (3, "N R R")],
)
def test_network_strip_shows_reductions_at_one_and_two_thirds(cells: int, expected: str) -> None:
    figure = plots.draw_network(cells, 16)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert [text for text in texts if text in ("N", "R")] == expected.split()
    assert expected in figure.summary
    assert texts.count("64") >= 1 and figure.summary.count("from 16 to 64") == 1


def test_network_without_cells_is_refused() -> None:
    with pytest.raises(InvalidInput, match="got 0 cells"):
        plots.draw_network(0, 16)


# ---- learning ----------------------------------------------------------------------------


def test_learning_curves_draw_both_parts_of_the_data(darts_history: History) -> None:
    loss, accuracy = plots.learning_curves(darts_history).axes
    for axes, quantity in ((loss, "loss"), (accuracy, "accuracy")):
        for line, part in zip(axes.lines, ("train", "valid"), strict=True):
            np.testing.assert_array_equal(
                line.get_ydata(), darts_history.column(f"{part}_{quantity}")
            )


def test_learning_curves_of_an_untrained_history_are_refused() -> None:
    history = make_history("darts")
    history.rows = history.rows[:1]
    with pytest.raises(InvalidInput, match="without any trained epoch"):
        plots.learning_curves(history)


def test_comparison_shows_every_run_and_the_mean_of_each_method() -> None:
    (axes,) = plots.draw_comparison(runs()).axes
    points, mean, other_points, other_mean = axes.lines
    assert list(points.get_xdata()) == [0.91, 0.93]
    assert list(mean.get_xdata()) == pytest.approx([0.92, 0.92])
    assert list(other_points.get_xdata()) == [0.90] and list(other_mean.get_xdata()) == [0.90] * 2
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["darts-1st (n = 2)", "random (n = 1)"]
    assert points.get_color() == style.METHOD_COLORS["darts-1st"]


def test_size_figure_pairs_each_accuracy_with_its_own_size() -> None:
    (axes,) = plots.accuracy_against_size(runs()).axes
    darts, random_cells = axes.lines
    assert list(darts.get_xydata().ravel()) == [41_000, 0.91, 43_000, 0.93]
    assert list(random_cells.get_xydata().ravel()) == [40_000, 0.90]


def test_comparison_of_nothing_and_of_incomplete_rows_is_refused() -> None:
    with pytest.raises(InvalidInput, match="got no rows"):
        plots.draw_comparison([])
    with pytest.raises(InvalidInput, match=r"row 1: got \['method'\]; \['test_accuracy'\]"):
        plots.draw_comparison([runs()[0], {"method": "darts-1st"}])


# ---- images ------------------------------------------------------------------------------


def test_images_are_drawn_with_their_classes_and_stretched_to_the_full_range() -> None:
    split = some_images()
    figure = plots.draw_images(split, tuple("abcdefghij"), count=8)
    drawn = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in drawn] == list("abcdefgh")
    assert figure.summary == "8 images of 8x8 pixels; their classes: a, b, c, d, e, f, g, h."
    first, shown = split.images[0, 0].numpy(), np.squeeze(drawn[0].images[0].get_array())
    assert shown.min() == 0 and shown.max() == 1
    assert np.corrcoef(first.ravel(), shown.ravel())[0, 1] == pytest.approx(1)


def test_more_images_than_there_are_is_refused() -> None:
    with pytest.raises(InvalidInput, match="got count 21; allowed: 1 to 20"):
        plots.draw_images(some_images(), tuple("abcdefghij"), count=21)
