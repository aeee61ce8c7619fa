"""The checks of chapter 04 pass right answers and name what is wrong with others."""

import time
from collections import Counter
from pathlib import Path

import answers_04
import numpy as np
import pytest
import torch
from answers_08.mutants import mutants

from nas_course.build.source import read_source, without_solutions
from nas_course.estimation import Score
from nas_course.grading import exercises
from nas_course.grading.answering import MISSING, respond
from nas_course.grading.checking import check_here, run_check
from nas_course.spaces import NASBench201Space
from nas_course.strategies import black_box
from nas_course.strategies.black_box.breeding import tournament
from nas_course.strategies.black_box.pareto import nondominated_fronts
from nas_course.strategies.black_box.strategy import set_generator_state

SOURCE = Path(__file__).resolve().parents[1] / "source" / "exercises" / "04_random_and_evolution.py"
EXERCISES = {key: ex for key, ex in exercises().items() if ex.chapter == "04_random_and_evolution"}
ANSWERS = answers_04.BOOK.read(answers_04)
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
    for seed in range(6):
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
    lines = [line for line in text.splitlines() if line.startswith("| 04.")]
    rows = [[part.strip() for part in line.split("|")[1:-1]] for line in lines]
    for key, title, difficulty, minutes, points, _ in rows:
        exercise = EXERCISES[key]
        stated = (title, difficulty.count("●"), int(minutes), int(points))
        assert stated == (exercise.title, exercise.difficulty, exercise.minutes, exercise.points)
    assert len(rows) == len(EXERCISES)
    assert f"{sum(exercise.points for exercise in EXERCISES.values()):g} points" in text


AS_LONG = "all three arrays have one entry for each member"
SURVIVORS = {
    "04.4 share = ((below + equal) / len(below)) ** k - (below / len(values)) ** k": AS_LONG,
    "04.4 share = ((below + equal) / len(values)) ** k - (below / len(below)) ** k": AS_LONG,
    "04.4 equal = [(values == value).sum() for value in values]": "numpy adds a list too",
    "04.5 sample = [population[position] for position in content[-1]]": "an ask has one entry",
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


def test_299_draws_are_the_fewest_that_find_one_of_the_best_in_a_hundred():
    assert 1 - 0.99**298 < 0.95 < 1 - 0.99**299
    assert f"{1 - 0.99**298:.3%}" == "94.996%" and f"{1 - 0.99**299:.2%}" == "95.05%"


@pytest.mark.parametrize("drawn", [99, 199])
def test_the_best_of_n_different_cells_has_the_rank_of_the_formula(drawn):
    rng = np.random.default_rng(0)
    ranks = [rng.permutation(999)[:drawn].min() + 1 for _ in range(4000)]
    assert np.mean(ranks) == pytest.approx(1000 / (drawn + 1), rel=0.05)


def test_the_bill_of_the_evolution_is_what_the_strategy_takes():
    strategy = black_box.RegularizedEvolution(
        NASBench201Space(), seed=0, population_size=20, sample_size=5
    )
    random_ones = []
    for told in range(1, _model_answers()["bill"]["evolution"] + 1):
        strategy.tell(cell := strategy.ask(), Score(0.5, 1.0, "an example"))
        random_ones += [cell] if told <= 20 else []
        alive = any(not member.parents for member in strategy.population)
        assert alive == (told < _model_answers()["bill"]["last_random"])
    assert told == 70


def test_the_genetic_algorithm_of_the_package_pays_the_bill():
    strategy = black_box.GeneticAlgorithm(NASBench201Space(), seed=0, population_size=20, elites=1)
    trainings = 0
    while strategy.generation < 10:
        strategy.tell(strategy.ask(), Score(trainings / 1000, 1.0, "an example"))
        trainings += 1
    assert trainings == _model_answers()["bill"]["genetic"]


def test_the_probabilities_are_those_of_the_tournaments_of_the_package():
    fitness, rng = np.array([0.5, 0.9, 0.5, 0.1, 0.7]), np.random.default_rng(0)
    drawn = [tournament(range(5), 3, rng, lambda member: fitness[member]) for _ in range(20_000)]
    measured = np.bincount(drawn, minlength=5) / len(drawn)
    assert np.abs(measured - _model_answers()["win_probabilities"](fitness, 3)).max() < 0.02


def test_the_best_of_twenty_wins_as_often_as_the_text_says():
    for k, share in ((1, "5%"), (2, "10%"), (5, "23%")):
        assert f"{_model_answers()['win_probabilities'](np.arange(20.0), k)[-1]:.0%}" == share


def test_the_fronts_are_those_of_the_package():
    rng = np.random.default_rng(0)
    accuracy, parameters = rng.integers(6, size=(2, 40))
    found = _model_answers()["fronts"](accuracy, parameters)
    for number, front in enumerate(nondominated_fronts(np.stack([accuracy, -parameters], axis=1))):
        assert [cell for cell, at in enumerate(found) if at == number] == front


def test_aging_evolution_of_the_notebook_is_the_one_of_the_package():
    strategy = black_box.RegularizedEvolution(
        NASBench201Space(), seed=3, population_size=4, sample_size=3
    )
    rng, asked, waiting, events, parents = np.random.default_rng(0), [], [], [], []
    for _ in range(60):
        if len(waiting) < 3:
            before = strategy.state_dict()["rng"]
            events.append(("ask", _positions(before, 3, 4)))
            waiting.append(len(asked))
            asked.append(strategy.ask())
            continue
        number = waiting.pop(int(rng.integers(3)))
        value = float(rng.integers(5))
        strategy.tell(asked[number], Score(value, 1.0, "an example"))
        events.append(("tell", number, value))
        parents.append((number, strategy.population[-1].parent))
    answer = _model_answers()["aging_evolution"](events, 4)
    assert [asked[n] for n in answer["population"]] == [m.architecture for m in strategy.population]
    for number, parent in parents:
        chosen = answer["parents"][number]
        assert parent == (None if chosen == -1 else asked[chosen])


def _positions(state, count, size):
    """The places that a strategy will draw next, without moving its generator."""
    generator = np.random.default_rng()
    set_generator_state(generator, state)
    return [int(u * size) for u in generator.random(count)]


def test_the_broken_generation_has_the_three_faults_and_no_other():
    codes = []
    for broken, _ in FAULTS:
        source = next(cell for cell in _cells() if cell.startswith("def broken_generation"))
        for one, other in FAULTS:
            source = source if one == broken else _replaced_once(source, one, other)
        space = dict(_model_answers())
        exec(source, space)
        report = check_here(EXERCISES["04.6"], space["broken_generation"])
        codes.append(code_of(report))
    assert codes == ["elites-scored-again", "crossed-by-reference", "elites-cut-off"]


FAULTS = (
    (
        "[score(cell) for cell in following]",
        "[*sorted(fitness, reverse=True)[:elites], *map(score, following[elites:])]",
    ),
    (
        "population[mother], population[father]",
        "list(population[mother]), list(population[father])",
    ),
    ("[-size:]", "[:size]"),
)


def _replaced_once(source, old, new):
    assert source.count(old) == 1
    return source.replace(old, new)
