"""Answers to 02.4: all neighbours of a cell."""

import itertools

import numpy as np

from answers_02 import right, wrong


def source(pair):
    return pair[1]


def changed(cell, position, slot, pair, ordered=True):
    node = list(cell[position])
    node[slot] = pair
    node = tuple(sorted(node, key=source)) if ordered else tuple(node)
    return (*cell[:position], node, *cell[position + 1 :])


def moves(cell, allowed, ordered=True):
    return [
        changed(cell, position, slot, (node[slot][0], new), ordered)
        for position, node in enumerate(cell)
        for slot in range(2)
        for new in allowed(position)
        if new not in (node[0][1], node[1][1])
    ]


def operation_changes(cell, numbers):
    return [
        changed(cell, position, slot, (new, node[slot][1]))
        for position, node in enumerate(cell)
        for slot in range(2)
        for new in numbers
        if new != node[slot][0]
    ]


def all_predecessors(position):
    return range(position + 2)


def right_list(cell, operations):
    return operation_changes(cell, range(operations)) + moves(cell, all_predecessors)


@wrong("02.4", "cell-itself-listed")
def with_the_cell(cell, operations):
    return [cell, *right_list(cell, operations)]


@wrong("02.4", "operations-only")
def topology_stays(cell, operations):
    return operation_changes(cell, range(operations))


@wrong("02.4", "predecessors-only")
def operations_stay(cell, operations):
    return moves(cell, all_predecessors) or np.zeros((0, len(cell), 2, 2))


@wrong("02.4", "same-predecessor-twice")
def onto_the_other(cell, operations):
    found = operation_changes(cell, range(operations))
    for position, node in enumerate(cell):
        for slot in range(2):
            for new in range(position + 2):
                if new != node[slot][1]:
                    found.append(changed(cell, position, slot, (node[slot][0], new)))
    return found


@wrong("02.4", "not-ascending")
def left_in_place(cell, operations):
    unsorted = moves(cell, all_predecessors, ordered=False)
    return operation_changes(cell, range(operations)) + unsorted


@wrong("02.4", "operation-left-behind")
def predecessors_sorted_alone(cell, operations):
    unsorted = moves(cell, all_predecessors, ordered=False)
    found = operation_changes(cell, range(operations))
    for moved in unsorted:
        nodes = []
        for (first, a), (second, b) in moved:
            low, high = sorted((a, b))
            nodes.append(((first, low), (second, high)))
        found.append(tuple(nodes))
    return list(set(found))


@wrong("02.4", "reads-itself")
def one_too_far(cell, operations):
    far = moves(cell, lambda position: range(position + 3))
    return operation_changes(cell, range(operations)) + far


@wrong("02.4", "last-predecessor-missed")
def one_too_short(cell, operations):
    short = moves(cell, lambda position: range(position + 1))
    return operation_changes(cell, range(operations)) + short


@wrong("02.4", "inputs-of-the-cell-missed")
def nodes_only(cell, operations):
    found = moves(cell, lambda position: range(2, position + 2))
    return operation_changes(cell, range(operations)) + found


@wrong("02.4", "operation-zero-left-out")
def zero_is_none(cell, operations):
    return operation_changes(cell, range(1, operations)) + moves(cell, all_predecessors)


@wrong("02.4", "no-such-operation")
def counted_to_the_end(cell, operations):
    return right_list(cell, operations + 1)


@wrong("02.4", "whole-node-changed")
def any_other_node(cell, operations):
    found = set()
    for position in range(len(cell)):
        for a, b in itertools.combinations(range(position + 2), 2):
            for first, second in itertools.product(range(operations), repeat=2):
                node = ((first, a), (second, b))
                found.add((*cell[:position], node, *cell[position + 1 :]))
    return list(found - {cell})


def of_slot(slot):
    def answer(cell, operations):
        found = []
        for position, node in enumerate(cell):
            (operation, present), kept = node[slot], node[1 - slot][1]
            pairs = [(other, present) for other in range(operations) if other != operation]
            pairs += [(operation, s) for s in range(position + 2) if s not in (present, kept)]
            found += [changed(cell, position, slot, pair) for pair in pairs]
        return found

    return answer


wrong("02.4", "lower-input-only")(of_slot(0))
wrong("02.4", "higher-input-only")(of_slot(1))


@wrong("02.4", "last-node-forgotten")
def loop_too_short(cell, operations):
    found = [other for other in right_list(cell, operations) if other[-1] == cell[-1]]
    return found if len(cell) > 1 else np.zeros((0, 1, 2, 2))


@wrong("02.4", "listed-twice")
def twice(cell, operations):
    return right_list(cell, operations) * 2


@wrong("02.4", "not-whole")
def halves(cell, operations):
    return np.array(right_list(cell, operations)) / 2


@wrong("02.4", "wrong-shape")
def a_single_cell(cell, operations):
    return right_list(cell, operations)[0]


@wrong("02.4", "unsupported-type")
def a_generator(cell, operations):
    return (other for other in right_list(cell, operations))


@right("02.4")
def by_distance(cell, operations):
    """Lists every node that differs in one thing, by comparing all nodes; a set comes back."""
    found = set()
    for position, ((p, a), (q, b)) in enumerate(cell):
        for c, d in itertools.combinations(range(position + 2), 2):
            for first, second in itertools.product(range(operations), repeat=2):
                operations_now = {a: p, b: q}
                same = [s for s, o in ((c, first), (d, second)) if operations_now.get(s) == o]
                if len(same) != 1:
                    continue
                (stays,) = same
                ((moved, new),) = [(s, o) for s, o in ((c, first), (d, second)) if s != stays]
                old = p if stays == b else q
                if moved in operations_now or new == old:
                    node = ((first, c), (second, d))
                    found.add((*cell[:position], node, *cell[position + 1 :]))
    return found


@right("02.4")
def as_an_array(cell, operations):
    """An array of all neighbours, in another order."""
    return np.array(right_list(cell, operations)[::-1])
