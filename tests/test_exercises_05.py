"""The checks of chapter 05 pass right answers and name what is wrong with others."""

import re
import time
from collections import Counter
from pathlib import Path

import answers_05
import numpy as np
import pytest
import torch
from answers_08.mutants import mutants

from nas_course.build.source import read_source, without_solutions
from nas_course.grading import exercises
from nas_course.grading.answering import MISSING, respond
from nas_course.grading.checking import check_here, run_check
from nas_course.strategies.black_box import controller as package
from nas_course.strategies.black_box.controller import Controller
from nas_course.strategies.black_box.reinforce import MovingBaseline

SOURCE = (
    Path(__file__).resolve().parents[1] / "source" / "exercises" / "05_reinforcement_learning.py"
)
EXERCISES = {
    key: ex for key, ex in exercises().items() if ex.chapter == "05_reinforcement_learning"
}
ANSWERS = answers_05.BOOK.read(answers_05)
WRONG = [answer for answer in ANSWERS if answer.code]
RIGHT = [answer for answer in ANSWERS if not answer.code]
UNNAMED = {"values-differ", "unforeseen-form", "raised", "not-answered"}
OTHER_SEEDS = (1, 20_261_122)


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
    for seed in range(5):
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
    lines = [line for line in text.splitlines() if line.startswith("| 05.")]
    rows = [[part.strip() for part in line.split("|")[1:-1]] for line in lines]
    for key, title, difficulty, minutes, points, _ in rows:
        exercise = EXERCISES[key]
        stated = (title, difficulty.count("●"), int(minutes), int(points))
        assert stated == (exercise.title, exercise.difficulty, exercise.minutes, exercise.points)
    assert len(rows) == len(EXERCISES)
    assert f"{sum(exercise.points for exercise in EXERCISES.values()):g} points" in text


NEARLY = "0.2 % off at most: the check allows 1 %"
NO_DIFFERENCE = "multiplied by a probability of 0"
SURVIVORS = {
    "05.1 'hours_per_child': 799 * 28 * 24 / 12800,": NEARLY,
    "05.1 'hours_per_child': 801 * 28 * 24 / 12800,": NEARLY,
    "05.1 'hours_per_child': 800 * 28 * 24 / 12799,": NEARLY,
    "05.1 'hours_per_child': 800 * 28 * 24 / 12801,": NEARLY,
    "05.1 'nasnet_saves': 799 * 28 / (450 * 4),": NEARLY,
    "05.1 'nasnet_saves': 801 * 28 / (450 * 4),": NEARLY,
    "05.1 'nasnet_saves': 800 * 28 / (449 * 4),": NEARLY,
    "05.1 'nasnet_saves': 800 * 28 / (451 * 4),": NEARLY,
    "05.3 score = np.eye(pi.shape[1])[tokens] - pi": "pi has the shape of the logits",
    "05.4 result.append(distances / (spread if spread > 1e-08 else 1))": "no spread is 1e-8",
    "05.4 result.append(distances / (spread if spread >= 1e-08 else 2))": "distances are 0 then",
    "05.4 worst, baseline, variance, result = (math.inf, None, 1.0, [])": "kept = 0 forgets it",
    "05.4 worst, baseline, variance, result = (math.inf, None, -1.0, [])": "kept = 0 forgets it",
    "05.5 independent -= (marginal * np.log(np.where(marginal > 0, marginal, 2))).sum()": (
        NO_DIFFERENCE
    ),
    "05.5 steps.append(-(joint * np.log(np.where(conditional > 0, conditional, 2))).sum())": (
        NO_DIFFERENCE
    ),
    "05.5 marginal = joint.reshape(-2, joint.shape[-1]).sum(axis=0)": (
        "numpy takes any negative size for the one that is left"
    ),
    "05.6 'value': updated[-1]}": "0-d tensors are taken too",
    "05.6 log_p = len(tokens)": "a constant has no gradient",
    "05.6 log_p = log_p + log_pi.gather(1, token[:, None])[:, -1]": "there is one column",
    "05.6 tables = [table.requires_grad_() for table in tables]": "the check sends copies",
    "05.6 updated = [parameter - learning_rate * gradient for parameter, gradient in "
    "zip([*tables, value], gradients, strict=False)]": "both are as long",
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


# ------------------------------------------------- the package, and the claims of the notebook


def test_the_log_probability_is_that_of_the_package():
    controller = Controller([3, 2, 4], 8, torch.Generator().manual_seed(0))
    tokens, log_pi = controller.sample(6, np.random.default_rng(0))
    logits = log_pi.double() + torch.randn(6, 3, 1, dtype=torch.double)
    ours = _model_answers()["sequence_log_probability"](logits, tokens, [3, 2, 4])
    assert torch.allclose(ours.float(), package.sequence_log_probability(log_pi, tokens), atol=1e-5)


def test_the_policy_gradient_is_that_of_the_expected_reward():
    """All nine sequences, each as often as it is drawn in the mean."""
    rng = np.random.default_rng(0)
    logits, rewards = rng.normal(size=(2, 3)), rng.normal(size=9)
    theta = torch.tensor(logits, requires_grad=True)
    p = (theta.softmax(1)[0][:, None] * theta.softmax(1)[1][None, :]).ravel()
    (exact,) = torch.autograd.grad((p * torch.tensor(rewards)).sum(), theta)
    tokens = np.array([(i, j) for i in range(3) for j in range(3)])
    for baseline in (0.0, 5.0):
        weights = 9 * p.detach().numpy() * (rewards - baseline)
        estimate = _model_answers()["policy_gradient"](logits, tokens, weights)
        assert np.allclose(estimate, exact, atol=1e-12)


def test_the_advantages_are_those_of_the_package():
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=size) for size in (10, 3, 10, 1, 7)] + [np.full(3, 0.1)] * 2
    baseline = MovingBaseline(0.9)
    for ours, batch in zip(
        _model_answers()["standardised_advantages"](batches, 0.9), batches, strict=True
    ):
        assert np.allclose(ours, baseline.advantages(batch), atol=1e-9)


def test_the_mean_of_three_times_a_tenth_is_not_a_tenth():
    assert np.full(3, 0.1).mean() != 0.1


def test_the_entropy_is_the_mean_of_the_package_over_all_paths():
    rng = np.random.default_rng(0)
    tables = [rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(4), size=3)]
    paths = np.array([(i, j) for i in range(3) for j in range(4)])
    p = np.array([tables[0][i] * tables[1][i, j] for i, j in paths])
    log_pi = torch.full((12, 2, 4), -1e9, dtype=torch.double)
    log_pi[:, 0, :3] = torch.tensor(np.log(tables[0]))
    log_pi[:, 1] = torch.tensor(np.log(tables[1][paths[:, 0]]))
    mean = (torch.tensor(p) * package.path_entropy(log_pi)).sum().item()
    answer = _model_answers()["policy_entropy"](tables)
    assert answer["entropy"] == pytest.approx(mean) == pytest.approx(-(p * np.log(p)).sum())
    assert answer["independent"] > answer["entropy"]


def _outcome(capsys, update) -> tuple[float, float]:
    """Last mean reward and baseline that `learn` prints."""
    _model_answers()["learn"](update)
    _, last, baseline = re.findall(r"-?\d+\.\d+", capsys.readouterr().out)[-3:]
    return float(last), float(baseline)


def test_each_fault_has_the_symptom_that_the_notebook_names(capsys):
    at_chance = 2 / 3
    updates = {
        answer.value.__name__: answer.value for answer in ANSWERS if answer.exercise == "05.6"
    }
    last, baseline = _outcome(capsys, _model_answers()["reinforce_update"])
    assert last > 1.4 and abs(baseline - last) < 0.2
    assert _outcome(capsys, updates["sign_left"])[0] < 0.4
    assert _outcome(capsys, updates["feedback_left"])[0] == pytest.approx(at_chance, abs=0.15)
    last, baseline = _outcome(capsys, updates["graph_left"])
    assert last > 1.4 and 2.6 < baseline < 3.0
    last, baseline = _outcome(capsys, _model_answers()["faulty_update"])
    assert last < 1 and baseline < -10


def test_the_budget_of_enas_pays_for_less_than_a_third_of_a_child():
    assert _model_answers()["reasons"]["children_for_enas"] < 1 / 3


def test_the_faulty_update_of_the_notebook_is_told_that_nothing_is_repaired():
    report = check_here(EXERCISES["05.6"], _model_answers()["faulty_update"])
    assert code_of(report) == "nothing-repaired" and report.points == 0
