"""Answers to 04.4 and 04.7: tournaments and fronts."""

import math
from itertools import product

import numpy as np
import torch

from answers_04 import right, wrong


def worst(fitness):
    return np.where(np.isnan(fitness), -np.inf, fitness)


def counts(values):
    below = np.array([(values < value).sum() for value in values])
    equal = np.array([(values == value).sum() for value in values])
    return below, equal, len(values)


@wrong("04.4", "worst-wins")
def smallest_wins(fitness, k):
    below, equal, n = counts(-worst(fitness))
    return ((below + equal) ** k - below**k) / n**k / equal


@wrong("04.4", "tournament-size-ignored")
def everybody_alike(fitness, k):
    return [1 / len(fitness)] * len(fitness)


@wrong("04.4", "size-in-the-denominator-only")
def divided_by_n(fitness, k):
    below, equal, n = counts(worst(fitness))
    return ((below + equal) ** k - below**k) / n / equal


@wrong("04.4", "always-two")
def binary(fitness, k):
    below, equal, n = counts(worst(fitness))
    return ((below + equal) ** 2 - below**2) / n**2 / equal


@wrong("04.4", "one-draw-too-few")
def member_is_in_anyway(fitness, k):
    below, equal, n = counts(worst(fitness))
    return ((below + equal) ** (k - 1) - below ** (k - 1)) / n ** (k - 1) / equal


@wrong("04.4", "at-most-not-equal")
def cumulative(fitness, k):
    below, equal, n = counts(worst(fitness))
    return ((below + equal) / n) ** k


@wrong("04.4", "power-of-the-difference")
def difference_first(fitness, k):
    below, equal, n = counts(worst(fitness))
    return ((below + equal) / n - below / n) ** k


@wrong("04.4", "without-replacement")
def combinations(fitness, k):
    below, equal, n = counts(worst(fitness))
    return [
        (math.comb(int(b + e), k) - math.comb(int(b), k)) / math.comb(n, k) / e
        for b, e in zip(below, equal, strict=True)
    ]


@wrong("04.4", "proportional-to-fitness")
def roulette(fitness, k):
    return fitness / fitness.sum()


@wrong("04.4", "ties-not-shared")
def together(fitness, k):
    below, equal, n = counts(worst(fitness))
    return ((below + equal) / n) ** k - (below / n) ** k


@wrong("04.4", "ties-win-less")
def one_above(fitness, k):
    below, _, n = counts(worst(fitness))
    return ((below + 1) / n) ** k - (below / n) ** k


@wrong("04.4", "ties-by-position")
def by_argsort(fitness, k):
    n = len(fitness)
    rank = np.empty(n)
    rank[np.argsort(-worst(fitness), kind="stable")] = np.arange(1, n + 1)
    return ((n - rank + 1) ** k - (n - rank) ** k) / n**k


@wrong("04.4", "ties-by-position")
def by_argsort_turned(fitness, k):
    n = len(fitness)
    rank = np.empty(n)
    rank[np.argsort(worst(fitness), kind="stable")[::-1]] = np.arange(1, n + 1)
    return ((n - rank + 1) ** k - (n - rank) ** k) / n**k


@wrong("04.4", "nan-wins")
def nan_at_the_end(fitness, k):
    _, inverse = np.unique(fitness, return_inverse=True)
    equal = np.bincount(inverse)
    up_to = np.cumsum(equal)
    share = (up_to**k - (up_to - equal) ** k) / len(fitness) ** k / equal
    return share[inverse]


@wrong("04.4", "nan-not-drawn")
def finite_only(fitness, k):
    result = np.zeros(len(fitness))
    finite = ~np.isnan(fitness)
    below, equal, n = counts(fitness[finite])
    result[finite] = ((below + equal) ** k - below**k) / n**k / equal
    return result


@wrong("04.4", "not-finite")
def nan_equals_nothing(fitness, k):
    below, equal, n = counts(fitness)
    with np.errstate(all="ignore"):
        return ((below + equal) ** k - below**k) / n**k / equal


@wrong("04.4", "wrong-shape")
def of_the_best(fitness, k):
    return 1 - (1 - 1 / len(fitness)) ** k


@right("04.4")
def by_unique(fitness, k):
    """np.unique with counts, cumulative sums; a tensor."""
    _, inverse, equal = np.unique(worst(fitness), return_inverse=True, return_counts=True)
    up_to = np.cumsum(equal) / len(fitness)
    share = np.diff(up_to**k, prepend=0.0) / equal
    return torch.from_numpy(share[inverse])


@right("04.4")
def by_recursion_over_draws(fitness, k):
    """Plays the draws one by one on the probabilities of the best so far; a list."""
    values = worst(fitness)
    levels = sorted(set(values.tolist()))
    share = [float((values == level).mean()) for level in levels]
    best = share
    for _ in range(k - 1):
        following = [0.0] * len(levels)
        for i, j in product(range(len(levels)), repeat=2):
            following[max(i, j)] += best[i] * share[j]
        best = following
    return [best[levels.index(v)] / (values == v).sum() for v in values]


# --------------------------------------------------------------------------------------- fronts


def peel(count, dominates):
    found, number = [-1] * count, 0
    while -1 in found:
        left = [i for i in range(count) if found[i] == -1]
        for j in [j for j in left if not any(dominates(i, j) for i in left)]:
            found[j] = number
        number += 1
    return found


def larger_first(x, y):
    """Domination when both x and y are to be large."""

    def dominates(i, j):
        return x[i] >= x[j] and y[i] >= y[j] and (x[i] > x[j] or y[i] > y[j])

    return dominates


@wrong("04.7", "more-parameters-better")
def both_large(accuracy, parameters):
    return peel(len(accuracy), larger_first(accuracy, parameters))


@wrong("04.7", "less-accuracy-better")
def both_small(accuracy, parameters):
    return peel(len(accuracy), larger_first(-accuracy, -parameters))


@wrong("04.7", "fewer-accuracy-better")
def turned(accuracy, parameters):
    return peel(len(accuracy), larger_first(-accuracy, parameters))


@wrong("04.7", "accuracy-only")
def by_accuracy(accuracy, parameters):
    return np.unique(-accuracy, return_inverse=True)[1]


@wrong("04.7", "parameters-only")
def by_parameters(accuracy, parameters):
    return np.unique(parameters, return_inverse=True)[1]


@wrong("04.7", "counted-from-one")
def from_one(accuracy, parameters):
    return [number + 1 for number in peel(len(accuracy), larger_first(accuracy, -parameters))]


@wrong("04.7", "turned-numbers")
def worst_is_zero(accuracy, parameters):
    found = np.array(peel(len(accuracy), larger_first(accuracy, -parameters)))
    return found.max() - found


@wrong("04.7", "better-in-both-required")
def strict(accuracy, parameters):
    def dominates(i, j):
        return accuracy[i] > accuracy[j] and parameters[i] < parameters[j]

    return peel(len(accuracy), dominates)


@wrong("04.7", "how-many-dominate")
def domination_count(accuracy, parameters):
    dominates, cells = larger_first(accuracy, -parameters), range(len(accuracy))
    return [sum(dominates(i, j) for i in cells) for j in cells]


@wrong("04.7", "two-fronts-only")
def first_and_rest(accuracy, parameters):
    dominates, cells = larger_first(accuracy, -parameters), range(len(accuracy))
    return [int(any(dominates(i, j) for i in cells)) for j in cells]


@wrong("04.7", "taken-away-too-early")
def numbers_while_looking(accuracy, parameters):
    dominates, count = larger_first(accuracy, -parameters), len(accuracy)
    found, number = [-1] * count, 0
    while -1 in found:
        for j in range(count):
            rivals = [i for i in range(count) if found[i] == -1]
            if found[j] == -1 and not any(dominates(i, j) for i in rivals):
                found[j] = number
        number += 1
    return found


@wrong("04.7", "equal-cells-apart")
def earlier_equal_dominates(accuracy, parameters):
    plain = larger_first(accuracy, -parameters)

    def dominates(i, j):
        same = accuracy[i] == accuracy[j] and parameters[i] == parameters[j]
        return plain(i, j) or (same and i < j)

    return peel(len(accuracy), dominates)


@wrong("04.7", "one-for-each-cell")
def front_zero(accuracy, parameters):
    found = peel(len(accuracy), larger_first(accuracy, -parameters))
    return [cell for cell, number in enumerate(found) if number == 0]


@wrong("04.7", "lists-of-cells")
def lists_of_cells(accuracy, parameters):
    found = peel(len(accuracy), larger_first(accuracy, -parameters))
    return [[i for i, n in enumerate(found) if n == k] for k in range(max(found) + 1)]


@right("04.7")
def by_counts(accuracy, parameters):
    """Counts of dominators, lowered front by front, as in the paper; an array."""
    better = (accuracy[:, None] >= accuracy) & (parameters[:, None] <= parameters)
    beats = better & ~better.T
    dominators, found = beats.sum(axis=0), np.full(len(accuracy), -1)
    for number in range(len(accuracy)):
        front = (dominators == 0) & (found < 0)
        found[front] = number
        dominators = dominators - beats[front].sum(axis=0)
    return found


@right("04.7")
def longest_chain(accuracy, parameters):
    """The front is the length of the longest chain of cells above; by sorting."""
    found = {}
    for i in sorted(range(len(accuracy)), key=lambda i: (-accuracy[i], parameters[i])):
        above = larger_first(accuracy, -parameters)
        found[i] = max([found[j] + 1 for j in found if above(j, i)], default=0)
    return tuple(found[i] for i in range(len(accuracy)))
