"""Answers to 04.5 and 04.6: regularized evolution and one generation of a genetic algorithm."""

import math
from collections import deque

import numpy as np

from answers_04 import right, wrong


def plain(score):
    return -math.inf if math.isnan(score) else score


def evolve(events, size, *, parent=None, death=None, start=None):
    """The right rules, unless others are given."""
    parent = parent or (lambda living, drawn: max([living[p] for p in drawn], key=worth)[0])
    death = death or (lambda living: 0)
    start = start or (lambda living, asked: len(living) < size)
    living, parents = [], []
    for kind, *content in events:
        if kind == "ask":
            is_random = not living or start(living, len(parents))
            parents.append(-1 if is_random else parent(living, content[0]))
            continue
        living.append(tuple(content))
        if len(living) > size:
            living.pop(death(living))
    return {"parents": parents, "population": [number for number, _ in living]}


def worth(member):
    return plain(member[1])


@wrong("04.5", "worst-dies")
def the_worst_dies(events, size):
    return evolve(
        events, size, death=lambda living: min(range(size + 1), key=lambda p: worth(living[p]))
    )


@wrong("04.5", "first-asked-dies")
def age_by_number(events, size):
    return evolve(
        events, size, death=lambda living: min(range(size + 1), key=lambda p: living[p][0])
    )


@wrong("04.5", "youngest-dies")
def nobody_joins(events, size):
    return evolve(events, size, death=lambda living: size)


@wrong("04.5", "best-never-dies")
def elitist(events, size):
    def death(living):
        return 1 if worth(living[0]) == max(map(worth, living)) else 0

    return evolve(events, size, death=death)


@wrong("04.5", "one-too-many")
def longer_queue(events, size):
    living, parents = deque(maxlen=size + 1), []
    for kind, *content in events:
        if kind == "tell":
            living.append(content)
        elif len(living) < size:
            parents.append(-1)
        else:
            parents.append(max([living[p] for p in content[0]], key=worth)[0])
    return {"parents": parents, "population": [number for number, _ in living]}


@wrong("04.5", "nobody-dies")
def immortal(events, size):
    living, parents = [], []
    for kind, *content in events:
        if kind == "tell":
            living.append(content)
        elif len(living) < size:
            parents.append(-1)
        else:
            parents.append(max([living[p] for p in content[0]], key=worth)[0])
    return {"parents": parents, "population": [number for number, _ in living]}


@wrong("04.5", "last-of-equals")
def last_of_equals(events, size):
    def parent(living, drawn):
        best = living[drawn[0]]
        for position in drawn[1:]:
            if worth(living[position]) >= worth(best):
                best = living[position]
        return best[0]

    return evolve(events, size, parent=parent)


@wrong("04.5", "oldest-of-equals")
def sorted_sample(events, size):
    return evolve(
        events,
        size,
        parent=lambda living, drawn: max([living[p] for p in sorted(drawn)], key=worth)[0],
    )


@wrong("04.5", "nan-parent")
def raw_max(events, size):
    return evolve(
        events,
        size,
        parent=lambda living, drawn: max([living[p] for p in drawn], key=lambda m: m[1])[0],
    )


@wrong("04.5", "nan-parent")
def raw_argmax(events, size):
    def parent(living, drawn):
        return living[drawn[np.argmax([living[p][1] for p in drawn])]][0]

    return evolve(events, size, parent=parent)


@wrong("04.5", "best-of-all-is-parent")
def greedy(events, size):
    return evolve(events, size, parent=lambda living, drawn: max(living, key=worth)[0])


@wrong("04.5", "worst-of-sample")
def the_worst_of_them(events, size):
    return evolve(
        events, size, parent=lambda living, drawn: min([living[p] for p in drawn], key=worth)[0]
    )


@wrong("04.5", "first-drawn-is-parent")
def no_tournament(events, size):
    return evolve(events, size, parent=lambda living, drawn: living[drawn[0]][0])


@wrong("04.5", "youngest-first")
def appendleft(events, size):
    def parent(living, drawn):
        return max([living[-1 - p] for p in drawn], key=worth)[0]

    return evolve(events, size, parent=parent)


@wrong("04.5", "position-not-number")
def position(events, size):
    return evolve(
        events, size, parent=lambda living, drawn: max(drawn, key=lambda p: worth(living[p]))
    )


@wrong("04.5", "asks-counted")
def counts_asks(events, size):
    return evolve(events, size, start=lambda living, asked: asked < size)


@wrong("04.5", "parent-before-full")
def no_random_start(events, size):
    return evolve(events, size, start=lambda living, asked: False)


@wrong("04.5", "one-random-too-many")
def never_full(events, size):
    return evolve(events, size, start=lambda living, asked: len(living) <= size)


@wrong("04.5", "population-turned")
def youngest_at_the_front(events, size):
    history = evolve(events, size)
    return history | {"population": history["population"][::-1]}


@wrong("04.5", "population-sorted")
def sorted_by_number(events, size):
    history = evolve(events, size)
    return history | {"population": sorted(history["population"])}


@wrong("04.5", "wrong-parts")
def parents_only(events, size):
    return evolve(events, size)["parents"]


@right("04.5")
def with_lists(events, size):
    """Numbers and scores in two lists, cut by slices; a tuple of arrays."""
    numbers, scores, parents = [], [], []
    for event in events:
        if event[0] == "tell":
            numbers, scores = [*numbers, event[1]][-size:], [*scores, plain(event[2])][-size:]
        elif len(numbers) < size:
            parents.append(-1)
        else:
            sample = [scores[p] for p in event[1]]
            parents.append(numbers[event[1][sample.index(max(sample))]])
    return np.array(parents), np.array(numbers)


@right("04.5")
def with_a_dict(events, size):
    """A dict in the order of births; ties by the place in the sample."""
    living, parents = {}, []
    for kind, what, *score in events:
        if kind == "tell":
            living[what] = np.nan_to_num(score[0], nan=-np.inf)
            if len(living) > size:
                del living[next(iter(living))]
            continue
        order = list(living)
        ranked = (
            [(-living[order[p]], place, order[p]) for place, p in enumerate(what)]
            if len(living) == size
            else [(0, 0, -1)]
        )
        parents.append(min(ranked)[2])
    return {"population": list(living), "parents": parents}


# ------------------------------------------------------------------------- the three faults


def elites_of(population, fitness, elites):
    order = sorted(range(len(population)), key=lambda p: fitness[p], reverse=True)[:elites]
    return [population[p] for p in order], [fitness[p] for p in order]


def crossed(population, pairs):
    children = []
    for mother, father, cut in pairs:
        one, two = population[mother], population[father]
        children += [one[:cut] + two[cut:], two[:cut] + one[cut:]]
    return children


def crossed_in_place(population, pairs):
    children = []
    for mother, father, cut in pairs:
        one, two = population[mother], population[father]
        one[cut:], two[cut:] = two[cut:], one[cut:]
        children += [one, two]
    return children


def result(cells, scores):
    return {"population": cells, "fitness": scores}


@wrong("04.6", "elites-scored-again")
def all_three(population, fitness, pairs, elites, score):
    kept, _ = elites_of(population, fitness, elites)
    following = (kept + crossed_in_place(population, pairs))[-len(population) :]
    return result(following, [score(cell) for cell in following])


@wrong("04.6", "elites-scored-again")
def only_scored_again(population, fitness, pairs, elites, score):
    kept, _ = elites_of(population, fitness, elites)
    following = (kept + crossed(population, pairs))[: len(population)]
    return result(following, [score(cell) for cell in following])


@wrong("04.6", "elites-scored-again")
def scored_again_and_by_reference(population, fitness, pairs, elites, score):
    kept, _ = elites_of(population, fitness, elites)
    following = (kept + crossed_in_place(population, pairs))[: len(population)]
    return result(following, [score(cell) for cell in following])


@wrong("04.6", "elites-cut-off")
def only_cut_at_the_front(population, fitness, pairs, elites, score):
    kept, known = elites_of(population, fitness, elites)
    children = crossed(population, pairs)
    size = len(population)
    scores = known + [score(cell) for cell in children]
    return result((kept + children)[-size:], scores[-size:])


@wrong("04.6", "elites-cut-off")
def cut_at_the_front_and_by_reference(population, fitness, pairs, elites, score):
    kept, known = elites_of(population, fitness, elites)
    children = crossed_in_place(population, pairs)
    size = len(population)
    scores = known + [score(cell) for cell in children]
    return result((kept + children)[-size:], scores[-size:])


@wrong("04.6", "elites-cut-off")
def scores_cut_elsewhere(population, fitness, pairs, elites, score):
    kept, known = elites_of(population, fitness, elites)
    children = crossed(population, pairs)
    size = len(population)
    scores = known + [score(cell) for cell in children]
    return result((kept + children)[-size:], scores[:size])


@wrong("04.6", "crossed-by-reference")
def only_by_reference(population, fitness, pairs, elites, score):
    kept, known = elites_of(population, fitness, elites)
    children = crossed_in_place(population, pairs)[: len(population) - elites]
    return result(kept + children, known + [score(cell) for cell in children])


@wrong("04.6", "crossed-by-reference")
def copies_the_outer_list(population, fitness, pairs, elites, score):
    return only_by_reference(list(population), fitness, pairs, elites, score)


@wrong("04.6", "copied-too-late")
def copies_children_only(population, fitness, pairs, elites, score):
    kept, known = elites_of([list(cell) for cell in population], fitness, elites)
    children = []
    for mother, father, cut in pairs:
        one, two = population[mother], population[father]
        one[cut:], two[cut:] = two[cut:], one[cut:]
        children += [list(one), list(two)]
    children = children[: len(population) - elites]
    return result(kept + children, known + [score(cell) for cell in children])


@wrong("04.6", "not-cut")
def everybody(population, fitness, pairs, elites, score):
    kept, known = elites_of(population, fitness, elites)
    children = crossed(population, pairs)
    return result(kept + children, known + [score(cell) for cell in children])


@wrong("04.6", "fittest-survive")
def plus_selection(population, fitness, pairs, elites, score):
    kept, known = elites_of(population, fitness, elites)
    cells = kept + crossed(population, pairs)
    scores = known + [score(cell) for cell in cells[elites:]]
    best = sorted(range(len(cells)), key=lambda p: -scores[p])[: len(population)]
    return result([cells[p] for p in best], [scores[p] for p in best])


@wrong("04.6", "scores-of-others")
def first_scores(population, fitness, pairs, elites, score):
    kept, _ = elites_of(population, fitness, elites)
    children = crossed(population, pairs)[: len(population) - elites]
    return result(kept + children, fitness[:elites] + [score(cell) for cell in children])


@wrong("04.6", "worst-kept")
def ascending(population, fitness, pairs, elites, score):
    order = sorted(range(len(population)), key=lambda p: fitness[p])[:elites]
    children = crossed(population, pairs)[: len(population) - elites]
    return result(
        [population[p] for p in order] + children,
        [fitness[p] for p in order] + [score(cell) for cell in children],
    )


@wrong("04.6", "elites-last")
def children_first(population, fitness, pairs, elites, score):
    kept, known = elites_of(population, fitness, elites)
    children = crossed(population, pairs)[: len(population) - elites]
    return result(children + kept, [score(cell) for cell in children] + known)


@wrong("04.6", "mother-lost")
def two_statements(population, fitness, pairs, elites, score):
    kept, known = elites_of(population, fitness, elites)
    children = []
    for mother, father, cut in pairs:
        one, two = list(population[mother]), list(population[father])
        one[cut:] = two[cut:]
        two[cut:] = one[cut:]
        children += [one, two]
    children = children[: len(population) - elites]
    return result(kept + children, known + [score(cell) for cell in children])


@wrong("04.6", "children-unscored")
def scores_stay(population, fitness, pairs, elites, score):
    kept, _ = elites_of(population, fitness, elites)
    children = crossed(population, pairs)[: len(population) - elites]
    return result(kept + children, fitness)


@wrong("04.6", "wrong-parts")
def cells_only(population, fitness, pairs, elites, score):
    kept, _ = elites_of(population, fitness, elites)
    return (kept + crossed(population, pairs))[: len(population)]


@right("04.6")
def by_slices(population, fitness, pairs, elites, score):
    """Slices instead of copies; a tuple."""
    kept, known = elites_of(population, fitness, elites)
    children = crossed(population, pairs)[: len(population) - elites]
    return kept + children, known + [score(cell) for cell in children]


@right("04.6")
def in_numpy(population, fitness, pairs, elites, score):
    """Arrays and a stable argsort; scores what then is cut off."""
    cells = np.array(population)
    order = np.argsort(-np.array(fitness), kind="stable")[:elites]
    following = [cells[place] for place in order]
    scores = [fitness[place] for place in order]
    for mother, father, cut in pairs:
        for first, second in ((mother, father), (father, mother)):
            following.append(np.concatenate([cells[first, :cut], cells[second, cut:]]))
            scores.append(score(following[-1]))
    return {"population": np.array(following)[: len(cells)], "fitness": scores[: len(cells)]}
