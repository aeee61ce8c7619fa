"""The checks of chapter 02 agree with the package, and their texts with the facts."""

import itertools

import numpy as np
import pytest
import torch
from exercise_chapters import Chapter

from nas_course.grading.cell_keys import MISTAKES, canonical
from nas_course.grading.checking import check_here
from nas_course.grading.exercises_02_canonical import TELLING
from nas_course.models.cell_network import CellNetwork
from nas_course.models.skeleton import reduction_positions
from nas_course.operations import build_operation
from nas_course.spaces import DARTSSpace, NASBench201Space
from nas_course.spaces.pairs import PairCells

CHAPTER = Chapter("02_search_spaces")
EXERCISES = CHAPTER.exercises


# --------------------------------------------------------------------------- claims of the text

SPACE = NASBench201Space()
ALL_CELLS = list(itertools.product(range(5), repeat=6))


def test_the_key_of_the_exercise_is_that_of_the_course_for_every_cell():
    key = CHAPTER.model_answers()["key"]
    keys = [key(cell) for cell in ALL_CELLS]
    assert keys == [SPACE.canonical(SPACE.from_indices(cell)) for cell in ALL_CELLS]
    assert keys == [canonical(cell) for cell in ALL_CELLS]
    assert len(set(keys)) == 6466
    assert key((3, 0, 0, 1, 0, 2)) == "#+(#+#)@nor_conv_1x1+0"


def _labels(keys):
    seen = {}
    return [seen.setdefault(key, len(seen)) for key in keys]


def test_with_numbers_for_names_there_are_as_many_classes_but_others():
    mistake = next(m for m in MISTAKES if m.code == "numbers-for-names")
    right = _labels(map(canonical, ALL_CELLS))
    other = _labels(map(mistake.key, ALL_CELLS))
    assert len(set(other)) == len(set(right)) and other != right


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.code)
def test_the_fixed_cells_tell_every_wrong_key_from_the_right_one(mistake):
    assert _labels(map(mistake.key, TELLING)) != _labels(map(canonical, TELLING))


def test_the_neighbors_are_those_of_the_space_and_the_mutations_are_among_them():
    grid = PairCells(("0", "1", "2", "3", "4", "5", "6"), 4)
    rng = np.random.default_rng(0)
    for _ in range(5):
        cell = grid.sample(rng)
        plain = tuple(tuple((int(name), source) for name, source in node) for node in cell)
        found = set(CHAPTER.model_answers()["neighbors"](plain, 7))
        expected = {grid.neighbor(cell, number) for number in range(grid.neighbor_count)}
        assert len(expected) == 60
        assert found == {
            tuple(tuple((int(name), source) for name, source in node) for node in other)
            for other in expected
        }
        assert CHAPTER.model_answers()["mutate"](plain, 7, rng) in found


@pytest.mark.parametrize("affine", [True, False])
def test_the_parameters_are_those_of_the_operations_of_the_course(affine):
    def built(name):
        operation = build_operation(name, channels=16, stride=1, affine=affine)
        return sum(p.numel() for p in operation.parameters())

    counted = CHAPTER.model_answers()["parameters"](16, 16, 3, affine)
    assert counted["separable"] == built("sep_conv_3x3")
    assert counted["dilated"] == built("dil_conv_3x3")
    assert counted["convolution"] == built("nor_conv_3x3")
    assert affine or list(counted.values()) == [2304, 800, 400]  # as the text says


def test_the_skeleton_is_that_of_a_network_of_the_course():
    genotype = DARTSSpace().sample(np.random.default_rng(0))
    network = CellNetwork(genotype, channels=2, cells=5, classes=3, in_channels=1).eval()
    answer = CHAPTER.model_answers()["skeleton"](5, 2, 8, 4)
    assert answer["reductions"] == reduction_positions(5)
    shapes = [
        (output.shape[1], output.shape[2])
        for output in network.network.run_cells(
            torch.zeros(1, 1, 8, 8), {"normal": 0.0, "reduce": 0.0}
        )
    ]
    assert shapes == answer["shapes"]


def test_the_draft_does_what_the_text_says_of_it():
    draft, rng = CHAPTER.model_answers()["draft"], np.random.default_rng(0)
    parent = CHAPTER.model_answers()["parent"]
    children = {draft(parent, 3, rng) for _ in range(2000)}
    allowed = set(CHAPTER.model_answers()["neighbors"](parent, 3))
    assert parent in children  # changes nothing
    assert children - allowed - {parent}  # breaks the rules
    assert allowed - children  # some never come out
    assert children & allowed  # many are fine
    report = check_here(EXERCISES["02.6"], draft)
    assert report.points == 0


def test_four_in_five_random_descriptions_repeat_a_predecessor():
    rng = np.random.default_rng(0)
    pairs = [rng.integers(n, size=(20_000, 2)) for n in (2, 3, 4, 5)]
    share = np.any([pair[:, 0] == pair[:, 1] for pair in pairs], axis=0).mean()
    assert share == pytest.approx(0.8, abs=0.02)
