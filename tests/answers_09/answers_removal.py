"""Answers to 09.6: selection by removal."""

import numpy as np
import torch

from answers_09 import right, wrong


def zeroed(pi, edge, operation):
    trial = pi.copy()
    trial[edge, operation] = 0
    return trial


def only(pi, edge, operation):
    trial = pi.copy()
    trial[edge] = np.eye(pi.shape[1])[operation]
    return trial


def select(accuracy, pi, order, trial=zeroed, sign=1, settle=only):
    """The selection; `settle` gives pi after a decision."""
    chosen = {}
    for edge in order:
        scores = [sign * accuracy(trial(pi, edge, o)) for o in range(pi.shape[1])]
        chosen[edge] = scores.index(min(scores))
        pi = settle(pi, edge, chosen[edge])
    return [chosen[edge] for edge in range(len(pi))]


@wrong("09.6", "largest-weight")
def argmax(accuracy, pi, order):
    return pi.argmax(axis=1)


@wrong("09.6", "missed-least")
def least(accuracy, pi, order):
    return select(accuracy, pi, order, sign=-1)


@wrong("09.6", "best-alone")
def alone(accuracy, pi, order):
    return select(accuracy, pi, order, trial=only, sign=-1)


@wrong("09.6", "edges-never-decided")
def all_from_the_first(accuracy, pi, order):
    return select(accuracy, pi, order, settle=lambda pi, edge, operation: pi)


@wrong("09.6", "order-ignored")
def from_zero_on(accuracy, pi, order):
    return select(accuracy, pi, range(len(pi)))


@wrong("09.6", "order-turned-round")
def backwards(accuracy, pi, order):
    return select(accuracy, pi, order[::-1])


@wrong("09.6", "listed-in-the-order-of-decision")
def as_decided(accuracy, pi, order):
    chosen = select(accuracy, pi, order)
    return [chosen[edge] for edge in order]


def normalised(pi, edge, operation):
    trial = zeroed(pi, edge, operation)
    trial[edge] /= max(trial[edge].sum(), 1e-300)
    return trial


@wrong("09.6", "normalised-again")
def renormalised(accuracy, pi, order):
    return select(accuracy, pi, order, trial=normalised)


@wrong("09.6", "removals-pile-up")
def no_copies(accuracy, pi, order):
    chosen = [0] * len(pi)
    for edge in order:
        scores = []
        for operation in range(pi.shape[1]):
            pi[edge, operation] = 0
            scores.append(accuracy(pi))
        chosen[edge] = int(np.argmin(scores))
        pi[edge, chosen[edge]] = 1
    return chosen


def others_zeroed(pi, edge, operation):
    return pi * np.where(
        (np.arange(len(pi)) == edge)[:, None] & (np.arange(pi.shape[1]) != operation), 0, 1
    )


@wrong("09.6", "weight-kept")
def weight_kept(accuracy, pi, order):
    return select(accuracy, pi, order, settle=others_zeroed)


@wrong("09.6", "needed-operation-removed")
def thrown_out(accuracy, pi, order):
    return select(accuracy, pi, order, settle=zeroed)


@right("09.6")
def with_lists(accuracy, pi, order):
    """functions without side effects, a list"""
    return select(accuracy, pi, order)


@right("09.6")
def with_torch(accuracy, pi, order):
    """torch, all trials of an edge at once"""
    current = torch.tensor(pi)
    for edge in order:
        trials = current.repeat(current.shape[1], 1, 1)
        trials[torch.arange(len(trials)), edge, torch.arange(len(trials))] = 0
        scores = torch.tensor([accuracy(trial.numpy()) for trial in trials])
        current[edge] = torch.nn.functional.one_hot(scores.argmin(), current.shape[1]).double()
    return current.argmax(dim=1)
