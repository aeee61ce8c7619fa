"""Answers to 09.2: shares of skip connections."""

import numpy as np
import torch

from answers_09 import right, wrong

NODES = {2: [0, 1], 3: [2, 3, 4], 4: [5, 6, 7, 8], 5: [9, 10, 11, 12, 13]}


def softmax(alpha, axis=1):
    powers = np.exp(alpha - alpha.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def two_of_each(strength, count=2):
    """The strongest rows of each node, by taking the strongest away again and again."""
    kept = []
    for rows in NODES.values():
        left = list(rows)
        for _ in range(min(count, len(left))):
            best = max(left, key=lambda row: strength[row])
            left.remove(best)
            kept.append(best)
    return kept


def best_and_strength(alpha):
    pi = softmax(alpha)
    return pi[:, 1:].argmax(axis=1) + 1, pi[:, 1:].max(axis=1)


def shares(alpha, **changes):
    pi = softmax(alpha)
    best, strength = best_and_strength(alpha)
    return {
        "weight": pi[:, 3].mean(),
        "argmax": np.mean(alpha.argmax(axis=1) == 3),
        "derived": np.mean(best[two_of_each(strength)] == 3),
    } | changes


@wrong("09.2", "softmax-over-edges")
def down_the_columns(alpha):
    return shares(alpha, weight=softmax(alpha, axis=0)[:, 3].mean())


@wrong("09.2", "logits-averaged")
def no_softmax(alpha):
    return shares(alpha, weight=alpha[:, 3].mean())


@wrong("09.2", "softmax-of-the-mean")
def mean_first(alpha):
    return shares(alpha, weight=softmax(alpha.mean(axis=0)[None])[0, 3])


@wrong("09.2", "none-left-out-of-the-softmax")
def seven_operations(alpha):
    return shares(alpha, weight=softmax(alpha[:, 1:])[:, 2].mean())


@wrong("09.2", "another-column")
def counted_without_none(alpha):
    return shares(alpha, weight=softmax(alpha)[:, 2].mean())


@wrong("09.2", "summed-over-edges")
def total_weight(alpha):
    return shares(alpha, weight=softmax(alpha)[:, 3].sum())


@wrong("09.2", "argmax-for-weight")
def wins(alpha):
    return shares(alpha, weight=np.mean(alpha.argmax(axis=1) == 3))


@wrong("09.2", "weight-of-kept-edges")
def weight_in_the_cell(alpha):
    kept = two_of_each(best_and_strength(alpha)[1])
    return shares(alpha, weight=softmax(alpha)[kept, 3].mean())


@wrong("09.2", "argmax-without-none")
def none_never_wins(alpha):
    return shares(alpha, argmax=np.mean(alpha[:, 1:].argmax(axis=1) == 2))


@wrong("09.2", "argmax-of-kept-edges")
def wins_in_the_cell(alpha):
    kept = two_of_each(best_and_strength(alpha)[1])
    return shares(alpha, argmax=np.mean(alpha.argmax(axis=1)[kept] == 3))


@wrong("09.2", "counted-not-shared")
def number_of_wins(alpha):
    return shares(alpha, argmax=int((alpha.argmax(axis=1) == 3).sum()))


@wrong("09.2", "divided-by-eight")
def of_eight(alpha):
    return shares(alpha, argmax=(alpha.argmax(axis=1) == 3).sum() / 8)


@wrong("09.2", "another-column-wins")
def separable_wins(alpha):
    return shares(alpha, argmax=np.mean(alpha.argmax(axis=1) == 4))


@wrong("09.2", "pruned-edges-counted")
def all_edges(alpha):
    return shares(alpha, derived=np.mean(best_and_strength(alpha)[0] == 3))


@wrong("09.2", "none-chosen")
def none_competes(alpha):
    pi = softmax(alpha)
    return shares(alpha, derived=np.mean(pi.argmax(axis=1)[two_of_each(pi.max(axis=1))] == 3))


@wrong("09.2", "none-chosen-then-dropped")
def none_among_the_operations(alpha):
    kept = two_of_each(best_and_strength(alpha)[1])
    return shares(alpha, derived=np.mean(alpha.argmax(axis=1)[kept] == 3))


@wrong("09.2", "strength-without-none")
def renormalised(alpha):
    best, _ = best_and_strength(alpha)
    return shares(alpha, derived=np.mean(best[two_of_each(softmax(alpha[:, 1:]).max(axis=1))] == 3))


@wrong("09.2", "strength-is-a-logit")
def logits_compared(alpha):
    best, _ = best_and_strength(alpha)
    return shares(alpha, derived=np.mean(best[two_of_each(alpha[:, 1:].max(axis=1))] == 3))


@wrong("09.2", "best-eight-of-all")
def eight_strongest(alpha):
    best, strength = best_and_strength(alpha)
    return shares(alpha, derived=np.mean(best[np.argsort(strength)[-8:]] == 3))


@wrong("09.2", "weakest-kept")
def weakest(alpha):
    best, strength = best_and_strength(alpha)
    return shares(alpha, derived=np.mean(best[two_of_each(-strength)] == 3))


@wrong("09.2", "first-two-kept")
def first_two(alpha):
    best, _ = best_and_strength(alpha)
    return shares(
        alpha, derived=np.mean(best[[row for rows in NODES.values() for row in rows[:2]]] == 3)
    )


@wrong("09.2", "one-edge-per-node")
def one_edge(alpha):
    best, strength = best_and_strength(alpha)
    return shares(alpha, derived=np.mean(best[two_of_each(strength, 1)] == 3))


@wrong("09.2", "three-edges-per-node")
def three_edges(alpha):
    best, strength = best_and_strength(alpha)
    return shares(alpha, derived=np.mean(best[two_of_each(strength, 3)] == 3))


@wrong("09.2", "divided-by-fourteen")
def of_fourteen(alpha):
    return shares(alpha, derived=shares(alpha)["derived"] * 8 / 14)


@wrong("09.2", "skips-counted")
def number_of_skips(alpha):
    return shares(alpha, derived=8 * shares(alpha)["derived"])


@wrong("09.2", "another-operation")
def pooling(alpha):
    best, strength = best_and_strength(alpha)
    return shares(alpha, derived=np.mean(best[two_of_each(strength)] == 2))


@right("09.2")
def with_loops(alpha):
    """numpy, and the strongest taken one by one"""
    return shares(alpha)


@right("09.2")
def with_torch(alpha):
    """torch, with top-2 of each block of rows"""
    pi = torch.tensor(alpha).softmax(1)
    strength, best = pi[:, 1:].max(dim=1)
    kept, first = [], 0
    for size in (2, 3, 4, 5):
        kept.append(first + strength[first : first + size].topk(2).indices)
        first += size
    chosen = best[torch.cat(kept)] + 1
    return {
        "weight": pi[:, 3].mean(),
        "argmax": (pi.argmax(1) == 3).double().mean(),
        "derived": (chosen == 3).double().mean(),
    }
