"""Check of exercise 04.6: mend a generation of a genetic algorithm that has three faults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Exercise, Stage
from nas_course.grading.expect import expect_array
from nas_course.grading.mistakes import Mistake, Task, judge
from nas_course.grading.parts import read_parts
from nas_course.grading.transport import Expression

CHAPTER = "04_random_and_evolution"
EDGES = 6
Cell = list[int]
Pair = tuple[int, int, int]  # mother, father, cut
GenerationCase = tuple[list[Cell], list[float], list[Pair], int, list[float]]
Generation = dict[str, np.ndarray]


def score_of(cell: Sequence[int], weights: Sequence[float]) -> float:
    """Score a cell: the sum of its operation numbers, each times the weight of its edge."""
    return float(np.dot(cell, weights))


def _best_first(fitness: list[float]) -> list[int]:
    return sorted(range(len(fitness)), key=lambda place: fitness[place], reverse=True)


def _children(population: list[Cell], pairs: list[Pair]) -> list[Cell]:
    children = []
    for mother, father, cut in pairs:
        one, two = population[mother], population[father]
        children += [one[:cut] + two[cut:], two[:cut] + one[cut:]]
    return children


def _crossed_in_place(population: list[Cell], pairs: list[Pair]) -> list[Cell]:
    """What the broken code does: the parents' own lists exchange their tails."""
    children = []
    for mother, father, cut in pairs:
        one, two = population[mother], population[father]
        one[cut:], two[cut:] = two[cut:], one[cut:]
        children += [one, two]
    return children


def _copied_too_late(population: list[Cell], pairs: list[Pair]) -> list[Cell]:
    """The children are copies, but their parents have exchanged their tails already."""
    children = []
    for mother, father, cut in pairs:
        one, two = population[mother], population[father]
        one[cut:], two[cut:] = two[cut:], one[cut:]
        children += [list(one), list(two)]
    return children


def _apart(cross: Callable[..., list[Cell]]) -> Callable[..., list[Cell]]:
    """Cross a copy of the population, so that the elites stay as they are."""
    return lambda population, pairs: cross([list(cell) for cell in population], pairs)


def _plan(case: GenerationCase, cross: Callable[..., list[Cell]]) -> tuple[list[Cell], list[Cell]]:
    """Return elites and children; crossing in place changes the elites as well."""
    population, fitness, pairs, elites, _ = case
    population = [list(cell) for cell in population]
    kept = [population[place] for place in _best_first(fitness)[:elites]]
    return kept, cross(population, pairs)


def _known(case: GenerationCase) -> list[float]:
    return sorted(case[1], reverse=True)[: case[3]]


def _fresh(cells: list[Cell], case: GenerationCase) -> list[float]:
    return [score_of(cell, case[4]) for cell in cells]


def _generation(cells: list[Cell], fitness: list[float]) -> Generation:
    return {
        "population": np.array(cells, dtype=float).reshape(-1, EDGES),
        "fitness": np.array(fitness, dtype=float),
    }


def next_generation(*case: Any) -> Generation:
    """Elites with the scores they have, then as many children as there are places."""
    return _kept_scores(_children)(*case)


def _kept_scores(cross: Callable[..., list[Cell]]) -> Callable[..., Generation]:
    """Right but for the crossover."""

    def compute(*case: Any) -> Generation:
        kept, children = _plan(case, cross)
        children = children[: len(case[0]) - len(kept)]
        return _generation(kept + children, _known(case) + _fresh(children, case))

    return compute


def _scored_again(cross: Callable[..., list[Cell]]) -> Callable[..., Generation]:
    def compute(*case: Any) -> Generation:
        kept, children = _plan(case, cross)
        following = (kept + children)[: len(case[0])]
        return _generation(following, _fresh(following, case))

    return compute


def _cut_at_the_front(cross: Callable[..., list[Cell]]) -> Callable[..., Generation]:
    """The last cells of elites and children; who still is an elite keeps its score."""

    def compute(*case: Any) -> Generation:
        kept, children = _plan(case, cross)
        size = len(case[0])
        scores = _known(case) + _fresh(children, case)
        return _generation((kept + children)[-size:], scores[-size:])

    return compute


def _broken(cross: Callable[..., list[Cell]]) -> Callable[..., Generation]:
    """Cut at the front, and everybody scored."""

    def compute(*case: Any) -> Generation:
        kept, children = _plan(case, cross)
        following = (kept + children)[-len(case[0]) :]
        return _generation(following, _fresh(following, case))

    return compute


def _scores_misplaced(*case: Any) -> Generation:
    """Cells cut at the front, scores cut at the end."""
    kept, children = _plan(case, _children)
    size = len(case[0])
    scores = _known(case) + _fresh(children, case)
    return _generation((kept + children)[-size:], scores[:size])


def _first_cells_unscored(*case: Any) -> Generation:
    """Cells cut at the front; the first of what is left get the scores of the elites."""
    kept, children = _plan(case, _children)
    following = (kept + children)[-len(case[0]) :]
    return _generation(following, _known(case) + _fresh(following[len(kept) :], case))


def _not_cut(*case: Any) -> Generation:
    kept, children = _plan(case, _children)
    return _generation(kept + children, _known(case) + _fresh(children, case))


def _fittest_survive(*case: Any) -> Generation:
    kept, children = _plan(case, _children)
    cells, scores = kept + children, _known(case) + _fresh(children, case)
    order = _best_first(scores)[: len(case[0])]
    return _generation([cells[place] for place in order], [scores[place] for place in order])


def _first_scores_kept(*case: Any) -> Generation:
    """The scores of the first members, who need not be the elites."""
    right = next_generation(*case)
    elites = case[3]
    fitness = np.concatenate([case[1][:elites], right["fitness"][elites:]])
    return {**right, "fitness": fitness}


def _ascending(*case: Any) -> Generation:
    population, fitness, _, elites, _ = case
    order = sorted(range(len(fitness)), key=lambda place: fitness[place])[:elites]
    right = next_generation(*case)
    cells = [population[place] for place in order]
    following = np.concatenate([np.reshape(cells, (-1, EDGES)), right["population"][elites:]])
    scores = np.concatenate([[fitness[place] for place in order], right["fitness"][elites:]])
    return {"population": following, "fitness": scores}


def _elites_last(*case: Any) -> Generation:
    right = next_generation(*case)
    return {name: np.roll(part, -case[3], axis=0) for name, part in right.items()}


def _tails_not_exchanged(population: list[Cell], pairs: list[Pair]) -> list[Cell]:
    """one[cut:] = two[cut:]; two[cut:] = one[cut:]: the mother's tail is lost before it is used."""
    children = []
    for mother, father, cut in pairs:
        one, two = population[mother], population[father]
        children += [one[:cut] + two[cut:], list(two)]
    return children


def _old_scores_for_children(*case: Any) -> Generation:
    right = next_generation(*case)
    return {**right, "fitness": np.array(case[1], dtype=float)}


SCORE_STEP = "Which members of the next generation have a score already?"
COPY_STEP = "Whose lists does the crossing write into, and who else still needs them?"
CUT_STEP = "Who may be left out when there is one too many, and at which end do they stand?"
AGAIN = "An elite was scored again. It has a score; a new one is another draw of luck."
IN_PLACE = (
    "The parents' own lists were crossed, so the population and its elites changed: a parent that "
    "is selected twice gives other genes the second time."
)
TOO_LATE = (
    "The children are copies, but their parents were changed before: a parent that is selected "
    "twice gives other genes the second time."
)
AT_FRONT = "There was one cell too many, and the first was left out: the best elite."
MISTAKES = (
    Mistake("elites-scored-again", _scored_again(_children), AGAIN, SCORE_STEP),
    Mistake("elites-cut-off", _cut_at_the_front(_children), AT_FRONT, CUT_STEP),
    Mistake("crossed-by-reference", _kept_scores(_crossed_in_place), IN_PLACE, COPY_STEP),
    Mistake("crossed-by-reference", _kept_scores(_apart(_crossed_in_place)), IN_PLACE, COPY_STEP),
    Mistake("copied-too-late", _kept_scores(_apart(_copied_too_late)), TOO_LATE, COPY_STEP),
    Mistake("copied-too-late", _kept_scores(_copied_too_late), TOO_LATE, COPY_STEP),
    Mistake("elites-scored-again", _broken(_children), AGAIN, SCORE_STEP),
    Mistake("elites-scored-again", _scored_again(_crossed_in_place), AGAIN, SCORE_STEP),
    Mistake("elites-cut-off", _cut_at_the_front(_crossed_in_place), AT_FRONT, CUT_STEP),
    Mistake("elites-scored-again", _broken(_crossed_in_place), AGAIN, SCORE_STEP),
    Mistake(
        "elites-cut-off",
        _scores_misplaced,
        "The cells were cut at the front and the scores at the end: they no longer belong "
        "together, and the best elite is gone.",
        CUT_STEP,
    ),
    Mistake("elites-cut-off", _first_cells_unscored, AT_FRONT, CUT_STEP),
    Mistake(
        "not-cut",
        _not_cut,
        "The next generation has more cells than the population.",
        CUT_STEP,
    ),
    Mistake(
        "fittest-survive",
        _fittest_survive,
        "The best of elites and children were kept. That is another algorithm, much greedier.",
        "Keep the order: elites, then children as they were born; leave out the last ones.",
    ),
    Mistake(
        "scores-of-others",
        _first_scores_kept,
        "The elites got the scores of the members that stand first in the population.",
        "Look them up in the same order as the cells: fitness[place] for place in order[:elites].",
    ),
    Mistake(
        "worst-kept",
        _ascending,
        "The worst went on to the next generation, not the best.",
        "The larger, the better: reverse=True.",
    ),
    Mistake(
        "elites-last",
        _elites_last,
        "The children stand before the elites.",
        "Elites first, then the children.",
    ),
    Mistake(
        "mother-lost",
        _kept_scores(_tails_not_exchanged),
        "The second child equals its father: the mother's end was overwritten before it was used.",
        "Exchange both ends in one statement, or cut both parents before you glue.",
    ),
    Mistake(
        "children-unscored",
        _old_scores_for_children,
        "The children got the scores of the population before them.",
        "Call score for each child that gets a place.",
    ),
)
NEXT = Task(
    ("population", "fitness", "pairs", "elites", "score: weights of the edges"),
    next_generation,
    MISTAKES,
)


def _read(ask: Ask, case: GenerationCase) -> Generation:
    given = NEXT.describe(case)
    *arguments, weights = case
    score = Expression(f"lambda cell: float(np.dot(cell, {weights!r}))")
    parts = read_parts(ask(*arguments, score), ("population", "fitness"), given)
    return {
        "population": expect_array(
            parts["population"], (None, EDGES), given=f"{given}; looking at `population`"
        ),
        "fitness": expect_array(parts["fitness"], (None,), given=f"{given}; looking at `fitness`"),
    }


def _case(rng: np.random.Generator, pairs: list[Pair], elites: int, luck: list[float]) -> Any:
    """Random cells, whose scores are the true ones plus the luck that each had."""
    population = rng.integers(5, size=(len(luck), EDGES)).tolist()
    weights = (rng.permutation(np.arange(1, EDGES + 1)) / 4).tolist()
    fitness = [score_of(cell, weights) + more for cell, more in zip(population, luck, strict=True)]
    return population, fitness, pairs, elites, weights


def _elites_keep_scores(ask: Ask, rng: np.random.Generator) -> None:
    """Two elites that are no parents, no child too many."""
    luck = [0.0, 0.0, 60.0, 0.0, 0.0, 70.0]
    case = _case(rng, [(0, 1, 2), (3, 4, 4)], 2, luck)
    judge(NEXT, lambda case: _read(ask, case), [case], [_random_case(rng) for _ in range(4)])


def _one_too_many(ask: Ask, rng: np.random.Generator) -> None:
    luck = [0.0, 60.0, 0.0, 0.0, 0.0, 0.0]
    case = _case(rng, [(0, 2, 3), (3, 4, 2), (5, 5, 1)], 1, luck)
    judge(NEXT, lambda case: _read(ask, case), [case], [_random_case(rng) for _ in range(4)])


def _selected_twice(ask: Ask, rng: np.random.Generator) -> None:
    cases = []
    for _ in range(4):
        luck = [60.0, 0.0, 0.0, 0.0, 0.0]
        cases.append(_case(rng, [(1, 2, 3), (0, 1, 2)], 1, luck))
    judge(NEXT, lambda case: _read(ask, case), cases, [_random_case(rng) for _ in range(4)])


def _random_case(rng: np.random.Generator) -> Any:
    size, elites = int(rng.integers(4, 9)), int(rng.integers(1, 4))
    pairs = [
        (int(rng.integers(size)), int(rng.integers(size)), int(rng.integers(1, EDGES)))
        for _ in range((size - elites + 1) // 2)
    ]
    luck = (rng.integers(-8, 8, size=size) * 2.0).tolist()
    return _case(rng, pairs, elites, luck)


def _random_generations(ask: Ask, rng: np.random.Generator) -> None:
    equal = _case(rng, [(0, 1, 2), (2, 3, 3)], 2, [0.0] * 4)
    equal = (equal[0], [1.5, 2.5, 2.5, 2.5], *equal[2:])
    nobody = _case(rng, [(0, 1, 2), (2, 2, 3)], 0, [0.0] * 4)
    cases = [equal, nobody, *(_random_case(rng) for _ in range(6))]
    judge(NEXT, lambda case: _read(ask, case), cases)


NEXT_GENERATION = Exercise(
    id="04.6",
    chapter=CHAPTER,
    title="Three faults in a generation",
    answer="next_generation",
    minutes=20,
    difficulty=3,
    stages=(
        Stage("elites keep their scores", 1, _elites_keep_scores),
        Stage("one child too many", 1, _one_too_many),
        Stage("a parent that is selected twice", 2, _selected_twice),
        Stage("random generations", 1, _random_generations),
    ),
)

EXERCISES = (NEXT_GENERATION,)
