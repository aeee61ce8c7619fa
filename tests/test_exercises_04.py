"""The checks of chapter 04 agree with the package, and their texts with the facts."""

import numpy as np
import pytest
from exercise_chapters import Chapter, code_of

from nas_course.estimation import Score
from nas_course.grading.checking import check_here
from nas_course.spaces import NASBench201Space
from nas_course.strategies import black_box
from nas_course.strategies.black_box.breeding import tournament
from nas_course.strategies.black_box.pareto import nondominated_fronts
from nas_course.strategies.black_box.strategy import set_generator_state

CHAPTER = Chapter("04_random_and_evolution")
EXERCISES = CHAPTER.exercises


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
    for told in range(1, CHAPTER.model_answers()["bill"]["evolution"] + 1):
        strategy.tell(cell := strategy.ask(), Score(0.5, 1.0, "an example"))
        random_ones += [cell] if told <= 20 else []
        alive = any(not member.parents for member in strategy.population)
        assert alive == (told < CHAPTER.model_answers()["bill"]["last_random"])
    assert told == 70


def test_the_genetic_algorithm_of_the_package_pays_the_bill():
    strategy = black_box.GeneticAlgorithm(NASBench201Space(), seed=0, population_size=20, elites=1)
    trainings = 0
    while strategy.generation < 10:
        strategy.tell(strategy.ask(), Score(trainings / 1000, 1.0, "an example"))
        trainings += 1
    assert trainings == CHAPTER.model_answers()["bill"]["genetic"]


def test_the_probabilities_are_those_of_the_tournaments_of_the_package():
    fitness, rng = np.array([0.5, 0.9, 0.5, 0.1, 0.7]), np.random.default_rng(0)
    drawn = [tournament(range(5), 3, rng, lambda member: fitness[member]) for _ in range(20_000)]
    measured = np.bincount(drawn, minlength=5) / len(drawn)
    assert np.abs(measured - CHAPTER.model_answers()["win_probabilities"](fitness, 3)).max() < 0.02


def test_the_best_of_twenty_wins_as_often_as_the_text_says():
    for k, share in ((1, "5%"), (2, "10%"), (5, "23%")):
        assert (
            f"{CHAPTER.model_answers()['win_probabilities'](np.arange(20.0), k)[-1]:.0%}" == share
        )


def test_the_fronts_are_those_of_the_package():
    rng = np.random.default_rng(0)
    accuracy, parameters = rng.integers(6, size=(2, 40))
    found = CHAPTER.model_answers()["fronts"](accuracy, parameters)
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
    answer = CHAPTER.model_answers()["aging_evolution"](events, 4)
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
        source = next(cell for cell in CHAPTER.cells() if cell.startswith("def broken_generation"))
        for one, other in FAULTS:
            source = source if one == broken else _replaced_once(source, one, other)
        space = dict(CHAPTER.model_answers())
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
