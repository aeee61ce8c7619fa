"""Answers to 04.2 and 04.3: random search and mutation."""

import itertools
import math
import random

import numpy as np
import torch

from answers_04 import right, wrong


@wrong("04.2", "starts-at-zero")
def from_zero(draws, train, budget):
    best, value, curve = None, 0.0, []
    for cell in dict.fromkeys(draws):
        if len(curve) == budget:
            break
        score = train(cell)
        if math.isfinite(score) and score > value:
            best, value = cell, score
        curve.append(value)
    return {"best": best, "curve": curve}


@wrong("04.2", "smallest-wins")
def minimum(draws, train, budget):
    best, value, curve = None, math.inf, []
    for cell in list(dict.fromkeys(draws))[:budget]:
        score = train(cell)
        if math.isfinite(score) and score < value:
            best, value = cell, score
        curve.append(value)
    return {"best": best, "curve": curve}


@wrong("04.2", "later-tie-wins")
def later_tie(draws, train, budget):
    best, value, curve = None, -math.inf, []
    for cell in list(dict.fromkeys(draws))[:budget]:
        score = train(cell)
        if math.isfinite(score) and score >= value:
            best, value = cell, score
        curve.append(value)
    return {"best": best, "curve": curve}


@wrong("04.2", "best-not-kept")
def plain_scores(draws, train, budget):
    cells = list(dict.fromkeys(draws))[:budget]
    curve = [train(cell) for cell in cells]
    return {"best": cells[int(np.argmax(curve))], "curve": curve}


@wrong("04.2", "repeats-trained-again")
def no_memory(draws, train, budget):
    best, value, curve = None, -math.inf, []
    for cell in draws[:budget]:
        score = train(cell)
        if math.isfinite(score) and score > value:
            best, value = cell, score
        curve.append(value)
    return {"best": best, "curve": curve}


@wrong("04.2", "repeats-trained-again")
def memory_of_one(draws, train, budget):
    best, value, curve, last = None, -math.inf, [], None
    for cell in draws:
        if len(curve) == budget:
            break
        if cell == last:
            continue
        last = cell
        score = train(cell)
        if math.isfinite(score) and score > value:
            best, value = cell, score
        curve.append(value)
    return {"best": best, "curve": curve}


def _with_memory(draws, train):
    known, best, value, curve = {}, None, -math.inf, []
    for cell in draws:
        if cell not in known:
            known[cell] = train(cell)
        if math.isfinite(known[cell]) and known[cell] > value:
            best, value = cell, known[cell]
        curve.append(value)
    return {"best": best, "curve": curve}


@wrong("04.2", "repeats-charged")
def repeats_in_the_curve(draws, train, budget):
    return _with_memory(draws[:budget], train)


@wrong("04.2", "repeats-charged")
def repeats_in_the_curve_and_no_budget(draws, train, budget):
    return _with_memory(draws, train)


@wrong("04.2", "draws-counted")
def budget_of_draws(draws, train, budget):
    return _with_memory(dict.fromkeys(draws[:budget]), train)


@wrong("04.2", "stops-at-a-repeat")
def breaks(draws, train, budget):
    seen = set()
    for cell in draws:
        if cell in seen or len(seen) == budget:
            break
        seen.add(cell)
    return _with_memory(draws[: len(seen)], train)


@wrong("04.2", "budget-ignored")
def all_of_them(draws, train, budget):
    return _with_memory(dict.fromkeys(draws), train)


@wrong("04.2", "one-over-budget")
def asks_too_late(draws, train, budget):
    return _with_memory(list(dict.fromkeys(draws))[: budget + 1], train)


@wrong("04.2", "nan-counts-as-largest")
def by_numpy(draws, train, budget):
    cells = list(dict.fromkeys(draws))[:budget]
    scores = np.array([train(cell) for cell in cells])
    return {"best": cells[scores.argmax()], "curve": np.maximum.accumulate(scores)}


@wrong("04.2", "nan-never-beaten")
def first_is_best(draws, train, budget):
    cells = list(dict.fromkeys(draws))[:budget]
    best, value = cells[0], train(cells[0])
    curve = [value]
    for cell in cells[1:]:
        score = train(cell)
        if score > value:
            best, value = cell, score
        curve.append(value)
    return {"best": best, "curve": curve}


@wrong("04.2", "infinity-wins")
def only_nan(draws, train, budget):
    best, value, curve = None, -math.inf, []
    for cell in list(dict.fromkeys(draws))[:budget]:
        score = train(cell)
        if score > value:
            best, value = cell, score
        curve.append(value)
    return {"best": best, "curve": curve}


@wrong("04.2", "diverged-unpaid")
def free_of_charge(draws, train, budget):
    best, value, curve, seen = None, -math.inf, [], set()
    for cell in draws:
        if cell in seen or len(curve) >= budget:
            continue
        seen.add(cell)
        score = train(cell)
        if not math.isfinite(score):
            continue
        if score > value:
            best, value = cell, score
        curve.append(value)
    return {"best": best, "curve": curve}


@wrong("04.2", "diverged-left-out")
def gaps(draws, train, budget):
    best, value, curve = None, -math.inf, []
    for cell in list(dict.fromkeys(draws))[:budget]:
        score = train(cell)
        if math.isfinite(score):
            if score > value:
                best, value = cell, score
            curve.append(value)
    return {"best": best, "curve": curve}


@wrong("04.2", "wrong-parts")
def curve_only(draws, train, budget):
    return _with_memory(list(dict.fromkeys(draws))[:budget], train)["curve"]


@wrong("04.2", "not-a-cell")
def position(draws, train, budget):
    found = _with_memory(list(dict.fromkeys(draws))[:budget], train)
    return {**found, "best": draws.index(found["best"])}


@right("04.2")
def with_accumulate(draws, train, budget):
    """Scores first, then itertools.accumulate; a tuple."""
    cells = list(dict.fromkeys(draws))[:budget]
    scores = [train(cell) for cell in cells]
    finite = [score if math.isfinite(score) else -math.inf for score in scores]
    best = cells[finite.index(max(finite))] if max(finite) > -math.inf else None
    return best, list(itertools.accumulate(finite, max))


@right("04.2")
def with_a_dict(draws, train, budget):
    """Remembers scores in a dict; the curve is a tensor."""
    scores, best, curve = {}, None, []
    for cell in draws:
        if cell in scores or len(scores) >= budget:
            continue
        scores[cell] = train(cell)
        if np.isfinite(scores[cell]) and (best is None or scores[cell] > scores[best]):
            best = cell
        curve.append(-np.inf if best is None else scores[best])
    return {"curve": torch.tensor(curve, dtype=torch.float64), "best": best}


# ------------------------------------------------------------------------------------- mutation


def _places(options):
    return [place for place, number in enumerate(options) if number > 1]


def _changed(cell, place, option):
    child = list(cell)
    child[place] = int(option)
    return tuple(child)


@wrong("04.3", "nothing-changed")
def any_option(cell, options, count, rng):
    return [
        _changed(cell, place, rng.integers(options[place]))
        for place in rng.integers(len(cell), size=count)
    ]


@wrong("04.3", "illegal-option")
def eight_options(cell, options, count, rng):
    found = []
    while len(found) < count:
        child = _changed(cell, rng.integers(len(cell)), rng.integers(8))
        if child != cell:
            found.append(child)
    return found


@wrong("04.3", "illegal-option")
def five_options(cell, options, count, rng):
    found = []
    while len(found) < count:
        child = _changed(cell, rng.integers(len(cell)), rng.integers(5))
        if child != cell:
            found.append(child)
    return found


@wrong("04.3", "illegal-option")
def one_more(cell, options, count, rng):
    places = rng.choice(_places(options), size=count)
    return [_changed(cell, place, cell[place] + 1) for place in places]


@wrong("04.3", "walks-away")
def changes_the_last_one(cell, options, count, rng):
    found = []
    for _ in range(count):
        place = rng.choice(_places(options))
        step = rng.integers(1, options[place])
        cell = _changed(cell, place, (cell[place] + step) % options[place])
        found.append(cell)
    return found


@wrong("04.3", "one-list-for-all")
def one_copy(cell, options, count, rng):
    child, found = list(cell), []
    for _ in range(count):
        place = int(rng.choice(_places(options)))
        child[place] = int((child[place] + rng.integers(1, options[place])) % options[place])
        found.append(child)
    return found


@wrong("04.3", "several-changed")
def per_choice(cell, options, count, rng):
    found = []
    while len(found) < count:
        child = [
            int(rng.integers(number)) if rng.random() < 0.3 else option
            for option, number in zip(cell, options, strict=True)
        ]
        if tuple(child) != cell:
            found.append(child)
    return found


def _other_options(cell, options, count, draw):
    found = []
    for _ in range(count):
        place = draw(len(_places(options)))
        place = _places(options)[place]
        others = [option for option in range(options[place]) if option != cell[place]]
        found.append(_changed(cell, place, others[draw(len(others))]))
    return found


@wrong("04.3", "choices-equally-often")
def choice_first(cell, options, count, rng):
    return _other_options(cell, options, count, rng.integers)


@wrong("04.3", "not-repeatable")
def global_randomness(cell, options, count, rng):
    return _other_options(cell, options, count, random.randrange)


@wrong("04.3", "rng-ignored")
def own_generator(cell, options, count, rng):
    return _other_options(cell, options, count, np.random.default_rng(0).integers)


@wrong("04.3", "one-mutant-repeated")
def one_for_all(cell, options, count, rng):
    return _other_options(cell, options, 1, rng.integers) * count


@wrong("04.3", "choice-never-mutates")
def last_choice_left_out(cell, options, count, rng):
    found = []
    places = [place for place in _places(options) if place < len(cell) - 1]
    for _ in range(count):
        place = rng.choice(places)
        step = rng.integers(1, options[place])
        found.append(_changed(cell, place, (cell[place] + step) % options[place]))
    return found


@wrong("04.3", "option-never-reached")
def next_option(cell, options, count, rng):
    places = rng.choice(_places(options), size=count)
    return [_changed(cell, place, (cell[place] + 1) % options[place]) for place in places]


@wrong("04.3", "option-never-reached")
def last_neighbour_left_out(cell, options, count, rng):
    neighbours = [
        _changed(cell, place, option)
        for place, number in enumerate(options)
        for option in range(number)
        if option != cell[place]
    ]
    return [neighbours[i] for i in rng.integers(len(neighbours) - 1, size=count)]


@wrong("04.3", "neighbours-not-alike")
def steps_by_a_normal(cell, options, count, rng):
    found = []
    while len(found) < count:
        place = rng.choice(_places(options))
        option = int(np.rint(cell[place] + 1.5 * rng.normal()))
        option = min(max(option, 0), options[place] - 1)
        if option != cell[place]:
            found.append(_changed(cell, place, option))
    return found


@wrong("04.3", "wrong-shape")
def one_neighbour(cell, options, count, rng):
    return _other_options(cell, options, 1, rng.integers)[0]


@wrong("04.3", "not-options")
def shares(cell, options, count, rng):
    return [[option / 5 + 0.1 for option in cell]] * count


@right("04.3")
def by_rejection(cell, options, count, rng):
    """Draws a choice in proportion to its options, rejects the old option; lists."""
    weights = np.array(options) - 1.0
    found = []
    for place in rng.choice(len(cell), size=count, p=weights / weights.sum()):
        option = cell[place]
        while option == cell[place]:
            option = rng.integers(options[place])
        found.append(list(_changed(cell, place, option)))
    return found


@right("04.3")
def as_an_array(cell, options, count, rng):
    """A step on a numbered neighbour, all at once in numpy."""
    ends = np.cumsum(np.array(options) - 1)
    numbers = rng.integers(ends[-1], size=count)
    places = np.searchsorted(ends, numbers, side="right")
    steps = ends[places] - numbers
    mutants = np.tile(np.array(cell), (count, 1))
    rows = np.arange(count)
    mutants[rows, places] = (mutants[rows, places] + steps) % np.array(options)[places]
    return mutants
