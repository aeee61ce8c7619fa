"""Answers to 02.6: mutations of a cell."""

import numpy as np

from answers_02 import right, wrong
from answers_02.answers_neighbors import all_predecessors, changed, right_list


def places(cell, rng):
    return int(rng.integers(len(cell))), int(rng.integers(2))


def free_sources(cell, position, predecessors=None):
    there = {pair[1] for pair in cell[position]}
    known = all_predecessors(position) if predecessors is None else predecessors
    return sorted(set(known) - there)


def other_operation(operation, operations, rng):
    return int(rng.choice([other for other in range(operations) if other != operation]))


def correct(cell, operations, rng, position=None, slot=None, ordered=True):
    drawn = places(cell, rng)
    position, slot = (d if p is None else p for d, p in zip(drawn, (position, slot), strict=True))
    operation, source = cell[position][slot]
    free = free_sources(cell, position)
    if free and rng.random() < 0.5:
        source = int(rng.choice(free))
    else:
        operation = other_operation(operation, operations, rng)
    return changed(cell, position, slot, (operation, source), ordered)


@wrong("02.6", "same-predecessor-twice")
def the_draft(cell, operations, rng):
    position, slot = places(cell, rng)
    operation, source = cell[position][slot]
    if rng.random() < 0.5:
        operation = rng.integers(operations)
    else:
        source = rng.integers(position + 1)
    return changed(cell, position, slot, (int(operation), int(source)), ordered=False)


@wrong("02.6", "not-ascending")
def unsorted(cell, operations, rng):
    return correct(cell, operations, rng, ordered=False)


@wrong("02.6", "no-such-predecessor")
def one_too_far(cell, operations, rng):
    position, slot = places(cell, rng)
    source = int(rng.choice(free_sources(cell, position, range(position + 3))))
    return changed(cell, position, slot, (cell[position][slot][0], source))


@wrong("02.6", "no-such-operation")
def one_operation_too_many(cell, operations, rng):
    position, slot = places(cell, rng)
    pair = (int(rng.integers(operations + 1)), cell[position][slot][1])
    return changed(cell, position, slot, pair)


@wrong("02.6", "nothing-changed")
def any_operation(cell, operations, rng):
    position, slot = places(cell, rng)
    pair = (int(rng.integers(operations)), cell[position][slot][1])
    return changed(cell, position, slot, pair)


@wrong("02.6", "nothing-changed")
def the_parent(cell, operations, rng):
    return cell


@wrong("02.6", "nothing-changed")
def first_node_cannot_move(cell, operations, rng):
    position, slot = places(cell, rng)
    if rng.random() < 0.5:
        return correct(cell, operations, rng)
    free = free_sources(cell, position)
    source = int(rng.choice(free)) if free else cell[position][slot][1]
    return changed(cell, position, slot, (cell[position][slot][0], source))


@wrong("02.6", "more-than-one-change")
def new_node(cell, operations, rng):
    position, _ = places(cell, rng)
    sources = sorted(rng.choice(position + 2, size=2, replace=False).tolist())
    node = tuple((int(rng.integers(operations)), source) for source in sources)
    child = (*cell[:position], node, *cell[position + 1 :])
    return child if child != cell else correct(cell, operations, rng)


@wrong("02.6", "more-than-one-change")
def twice(cell, operations, rng):
    child = cell
    while child == cell:
        child = correct(correct(cell, operations, rng), operations, rng)
    return child


@wrong("02.6", "own-randomness")
def a_generator_of_its_own(cell, operations, rng):
    return correct(cell, operations, np.random.default_rng())


@wrong("02.6", "always-the-same-child")
def the_first_neighbor(cell, operations, rng):
    return min(right_list(cell, operations))


def drawn_where(accepted):
    def answer(cell, operations, rng):
        every = right_list(cell, operations)
        some = [child for child in every if accepted(cell, child)] or every
        return some[int(rng.integers(len(some)))]

    return answer


def sources(cell):
    return [{pair[1] for pair in node} for node in cell]


wrong("02.6", "operations-never-change")(drawn_where(lambda a, b: sources(a) != sources(b)))
wrong("02.6", "predecessors-never-change")(drawn_where(lambda a, b: sources(a) == sources(b)))


@wrong("02.6", "last-predecessor-never")
def one_too_short(cell, operations, rng):
    position, slot = places(cell, rng)
    operation, source = cell[position][slot]
    free = free_sources(cell, position, range(position + 1))
    if free and rng.random() < 0.5:
        source = int(rng.choice(free))
    else:
        operation = other_operation(operation, operations, rng)
    return changed(cell, position, slot, (operation, source))


@wrong("02.6", "first-node-never")
def skips_the_first(cell, operations, rng):
    return correct(
        cell, operations, rng, position=int(rng.integers(min(1, len(cell) - 1), len(cell)))
    )


@wrong("02.6", "last-node-never")
def skips_the_last(cell, operations, rng):
    return correct(cell, operations, rng, position=int(rng.integers(max(1, len(cell) - 1))))


@wrong("02.6", "lower-input-never")
def higher_only(cell, operations, rng):
    return correct(cell, operations, rng, slot=1)


@wrong("02.6", "higher-input-never")
def lower_only(cell, operations, rng):
    return correct(cell, operations, rng, slot=0)


def number_of(cell, operation):
    return sum(pair[0] == operation for node in cell for pair in node)


wrong("02.6", "operation-zero-never")(drawn_where(lambda a, b: number_of(b, 0) <= number_of(a, 0)))
wrong("02.6", "last-operation-never")(drawn_where(lambda a, b: number_of(b, 2) <= number_of(a, 2)))


@wrong("02.6", "some-neighbor-never")
def the_first_third(cell, operations, rng):
    every = sorted(right_list(cell, operations))
    return every[int(rng.integers(1 + len(every) // 3))]


@wrong("02.6", "wrong-shape")
def the_node(cell, operations, rng):
    return correct(cell, operations, rng)[0]


@right("02.6")
def from_the_list(cell, operations, rng):
    """Draws one of all neighbours."""
    every = right_list(cell, operations)
    return every[rng.integers(len(every))]


@right("02.6")
def by_rejection(cell, operations, rng):
    """Draws anything, and again until the child is another cell; an array comes back."""
    while True:
        position, slot = places(cell, rng)
        operation, source = cell[position][slot]
        if rng.integers(2):
            operation = int(rng.integers(operations))
        else:
            source = int(rng.integers(position + 2))
        child = changed(cell, position, slot, (operation, source))
        (_, a), (_, b) = child[position]
        if a != b and child != cell:
            return np.array(child)
