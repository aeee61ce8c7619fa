"""The checks of chapter 02 pass right answers and name what is wrong with others."""

import contextlib
import io
import itertools
import time
from collections import Counter
from pathlib import Path

import answers_02
import numpy as np
import pytest
import torch
from answers_08.mutants import mutants

from nas_course.build.source import read_source, without_solutions
from nas_course.grading import exercises
from nas_course.grading.answering import MISSING, respond
from nas_course.grading.cell_keys import MISTAKES, canonical
from nas_course.grading.checking import check_here, run_check
from nas_course.grading.exercises_02_canonical import TELLING
from nas_course.models.cell_network import CellNetwork
from nas_course.models.skeleton import reduction_positions
from nas_course.operations import build_operation
from nas_course.spaces import DARTSSpace, NASBench201Space
from nas_course.spaces.pairs import PairCells

SOURCE = Path(__file__).resolve().parents[1] / "source" / "exercises" / "02_search_spaces.py"
EXERCISES = {key: ex for key, ex in exercises().items() if ex.chapter == "02_search_spaces"}
ANSWERS = answers_02.BOOK.read(answers_02)
WRONG = [answer for answer in ANSWERS if answer.code]
RIGHT = [answer for answer in ANSWERS if not answer.code]
UNNAMED = {"values-differ", "unforeseen-form", "raised", "not-answered"}
OTHER_SEEDS = (20_261_122,)


def code_of(report) -> str | None:
    return report.diagnosis.code if report.diagnosis else None


def check_with_seed(answer, seed: int):
    return run_check(EXERCISES[answer.exercise], lambda ask: respond(answer.value, ask), seed)


@pytest.mark.parametrize("answer", WRONG, ids=str)
def test_a_wrong_answer_gets_the_diagnosis_of_its_mistake(answer):
    report = check_here(EXERCISES[answer.exercise], answer.value)
    assert code_of(report) == answer.code, str(report)
    assert report.points < report.possible
    assert report.diagnosis.cause and report.diagnosis.next_step


@pytest.mark.parametrize("answer", WRONG, ids=str)
def test_the_diagnosis_does_not_depend_on_the_random_cases(answer):
    codes = [code_of(check_with_seed(answer, seed)) for seed in OTHER_SEEDS]
    assert codes == [answer.code] * len(OTHER_SEEDS)


@pytest.mark.parametrize("answer", RIGHT, ids=str)
def test_a_right_answer_scores_full_marks_whatever_the_random_cases(answer):
    for seed in range(3):
        report = check_with_seed(answer, seed)
        assert report.passed and report.points == report.possible, str(report)


@pytest.mark.parametrize("key", sorted(EXERCISES))
def test_every_exercise_has_eight_named_mistakes_and_two_right_answers(key):
    codes = {answer.code for answer in WRONG if answer.exercise == key}
    assert len(codes - UNNAMED) >= 8
    assert codes.isdisjoint(UNNAMED)
    assert Counter(answer.exercise for answer in RIGHT)[key] >= 2


# ------------------------------------------------------------------- answers of the wrong kind

ODD_VALUES = {
    "text": "0.5",
    "number": 7,
    "nan": float("nan"),
    "none inside": [None, None],
    "nested text": {"a": ["b", {"c": "d"}]},
    "empty list": [],
    "ragged": [[1.0], [2.0, 3.0]],
    "nan array": np.full((14, 8), np.nan),
    "0-d tensor": torch.tensor(1.5),
    "true": True,
    "a set": {1, 2},
    "an object": object(),
}


@pytest.mark.parametrize("key", sorted(EXERCISES))
@pytest.mark.parametrize("odd", sorted(ODD_VALUES))
def test_an_answer_of_the_wrong_kind_gets_a_clear_diagnosis(key, odd):
    exercise, value = EXERCISES[key], ODD_VALUES[odd]
    is_function = callable(_model_answers()[exercise.answer])
    report = check_here(exercise, (lambda *args: value) if is_function else value)
    assert not report.passed and report.points == 0
    assert code_of(report) not in ("unforeseen-form", "values-differ", None), str(report)


@pytest.mark.parametrize("key", sorted(EXERCISES))
def test_entries_of_the_wrong_kind_get_a_clear_diagnosis(key):
    exercise = EXERCISES[key]
    right = next(answer.value for answer in RIGHT if answer.exercise == key)
    for odd in (None, "text", [1], {}, float("nan"), float("inf"), -7, object()):
        for broken in _with_odd_entries(right, odd):
            report = check_here(exercise, broken)
            assert not report.passed
            assert code_of(report) != "unforeseen-form", str(report)


def _with_odd_entries(answer, odd):
    """The right answer with one entry replaced by something odd, for each entry."""
    if not callable(answer):
        yield from ({**answer, key: odd} for key in answer)
        return
    for position in range(4):
        yield lambda *args, position=position: _replaced(answer(*args), position, odd)


def _replaced(value, position, odd):
    if isinstance(value, dict):
        return {**value, sorted(value)[position % len(value)]: odd}
    if isinstance(value, str):
        return odd
    parts = list(value)
    parts[position % len(parts)] = odd
    return parts


# ----------------------------------------------------------------- the notebook and its mutants


def _cells(stubs: bool = False) -> list[str]:
    notebook = read_source(SOURCE)
    if stubs:
        notebook = without_solutions(notebook, SOURCE)
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


_SPACES: dict[bool, dict] = {}


def _model_answers(stubs: bool = False) -> dict:
    if stubs not in _SPACES:
        space: dict = {}
        with contextlib.redirect_stdout(io.StringIO()):
            for cell in _cells(stubs):
                exec(compile(cell, "notebook", "exec"), space)
        _SPACES[stubs] = space
    return _SPACES[stubs]


@pytest.mark.parametrize("key", sorted(EXERCISES))
def test_the_model_answer_scores_full_marks_in_under_two_seconds(key):
    exercise = EXERCISES[key]
    start = time.process_time()
    report = check_here(exercise, _model_answers()[exercise.answer])
    assert report.points == report.possible, str(report)
    assert time.process_time() - start < 2


@pytest.mark.parametrize("key", sorted(EXERCISES))
def test_the_unsolved_notebook_runs_and_scores_nothing(key):
    exercise = EXERCISES[key]
    report = check_here(exercise, _model_answers(stubs=True)[exercise.answer])
    assert report.points == 0
    assert code_of(report) == "not-answered"


def test_the_table_of_the_notebook_states_what_the_checks_have():
    text = read_source(SOURCE).cells[0].source
    lines = [line for line in text.splitlines() if line.startswith("| 02.")]
    rows = [[part.strip() for part in line.split("|")[1:-1]] for line in lines]
    for key, title, difficulty, minutes, points, _ in rows:
        exercise = EXERCISES[key]
        stated = (title, difficulty.count("●"), int(minutes), int(points))
        assert stated == (exercise.title, exercise.difficulty, exercise.minutes, exercise.points)
    assert len(rows) == len(EXERCISES)
    assert f"{sum(exercise.points for exercise in EXERCISES.values()):g} points" in text


EQUAL = "the same value"
NOTATION = "other texts, the same classes"
SHORT = "a slice ends where the list ends"
SURVIVORS = {
    "02.1 'distinct': math.comb(2, 2) * 3 * 2 ** 4,": EQUAL,
    "02.1 'distinct': math.comb(2, 2) * math.comb(3, 1) * 2 ** 4,": EQUAL,
    "02.1 'written': 2 + 2,": EQUAL,
    "02.4 changed = sorted((pair, kept), key=lambda each: each[1])": "lists are taken too",
    "02.5 for node in (1, 2, 4):": SHORT,
    "02.5 for node in (1, 3, 3):": SHORT,
    "02.5 for node in (2, 2, 3):": SHORT,
    "02.5 terms.append(f'(?{source})@{name}')": NOTATION,
    "02.5 terms.append(f'({source})@?{name}')": NOTATION,
    "02.5 texts, remaining = (['0?'], iter(operations))": NOTATION,
    "02.5 texts.append('+?'.join(sorted(terms)))": NOTATION,
    "02.6 if free and rng.random() <= 0.5:": "differs with probability zero",
    "02.6 if free and rng.random() > 0.5:": "the other side of a fair coin",
    "02.6 node = sorted(((operation, source), kept), key=lambda pair: pair[1])": "lists too",
}


def _mutants_that_pass(key: str) -> tuple[int, set[str]]:
    exercise = EXERCISES[key]
    source = next(cell for cell in _cells() if _defines(cell, exercise.answer))
    count, passing = 0, set()
    for mutant in mutants(source):
        count += 1
        space = dict(_model_answers())
        del space[exercise.answer]
        try:
            exec(compile(mutant.source, "mutant", "exec"), space)
        except Exception:
            continue
        if check_here(exercise, space.get(exercise.answer, MISSING)).passed:
            passing.add(f"{key} {mutant.after}")
    return count, passing


def _defines(cell: str, name: str) -> bool:
    return cell.startswith((f"def {name}(", f"{name} = "))


@pytest.mark.filterwarnings("ignore")  # mutants divide by zero and average nothing
@pytest.mark.parametrize("key", sorted(EXERCISES))
def test_no_single_edit_of_a_model_answer_passes_unless_it_is_equally_right(key):
    count, passing = _mutants_that_pass(key)
    assert count >= 5
    assert passing == {listed for listed in SURVIVORS if listed.startswith(f"{key} ")}


# --------------------------------------------------------------------------- claims of the text

SPACE = NASBench201Space()
ALL_CELLS = list(itertools.product(range(5), repeat=6))


def test_the_key_of_the_exercise_is_that_of_the_course_for_every_cell():
    key = _model_answers()["key"]
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
        found = set(_model_answers()["neighbors"](plain, 7))
        expected = {grid.neighbor(cell, number) for number in range(grid.neighbor_count)}
        assert len(expected) == 60
        assert found == {
            tuple(tuple((int(name), source) for name, source in node) for node in other)
            for other in expected
        }
        assert _model_answers()["mutate"](plain, 7, rng) in found


@pytest.mark.parametrize("affine", [True, False])
def test_the_parameters_are_those_of_the_operations_of_the_course(affine):
    def built(name):
        operation = build_operation(name, channels=16, stride=1, affine=affine)
        return sum(p.numel() for p in operation.parameters())

    counted = _model_answers()["parameters"](16, 16, 3, affine)
    assert counted["separable"] == built("sep_conv_3x3")
    assert counted["dilated"] == built("dil_conv_3x3")
    assert counted["convolution"] == built("nor_conv_3x3")
    assert affine or list(counted.values()) == [2304, 800, 400]  # as the text says


def test_the_skeleton_is_that_of_a_network_of_the_course():
    genotype = DARTSSpace().sample(np.random.default_rng(0))
    network = CellNetwork(genotype, channels=2, cells=5, classes=3, in_channels=1).eval()
    answer = _model_answers()["skeleton"](5, 2, 8, 4)
    assert answer["reductions"] == reduction_positions(5)
    shapes = [
        (output.shape[1], output.shape[2])
        for output in network.network.run_cells(
            torch.zeros(1, 1, 8, 8), {"normal": 0.0, "reduce": 0.0}
        )
    ]
    assert shapes == answer["shapes"]


def test_the_draft_does_what_the_text_says_of_it():
    draft, rng = _model_answers()["draft"], np.random.default_rng(0)
    parent = _model_answers()["parent"]
    children = {draft(parent, 3, rng) for _ in range(2000)}
    allowed = set(_model_answers()["neighbors"](parent, 3))
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
