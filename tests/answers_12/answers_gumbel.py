"""Answers to 12.2: operations drawn by the Gumbel-max trick."""

import numpy as np
import torch

from answers_12 import right, wrong


def gumbel(u):
    return -np.log(-np.log(u))


def softmax(x):
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@wrong("12.2", "noise-ignored")
def greedy(logits, uniform):
    return np.tile(logits.argmax(axis=1), (len(uniform), 1))


@wrong("12.2", "logits-ignored")
def noise_only(logits, uniform):
    return gumbel(uniform).argmax(axis=2)


@wrong("12.2", "sign-of-the-noise")
def one_minus_too_few(logits, uniform):
    return (logits + np.log(-np.log(uniform))).argmax(axis=2)


@wrong("12.2", "one-logarithm")
def exponential(logits, uniform):
    return (logits - np.log(uniform)).argmax(axis=2)


@wrong("12.2", "logistic-noise")
def logistic(logits, uniform):
    return (logits + np.log(uniform / (1 - uniform))).argmax(axis=2)


@wrong("12.2", "uniform-added")
def plain_uniform(logits, uniform):
    return (logits + uniform).argmax(axis=2)


@wrong("12.2", "one-minus-u")
def turned(logits, uniform):
    return (logits + gumbel(1 - uniform)).argmax(axis=2)


@wrong("12.2", "noise-on-probabilities")
def on_softmax(logits, uniform):
    return (softmax(logits) + gumbel(uniform)).argmax(axis=2)


@wrong("12.2", "noise-multiplied")
def product(logits, uniform):
    return (logits * gumbel(uniform)).argmax(axis=2)


@wrong("12.2", "smallest-taken")
def smallest(logits, uniform):
    return (logits + gumbel(uniform)).argmin(axis=2)


@wrong("12.2", "inverse-distribution")
def looked_up(logits, uniform):
    bounds = np.cumsum(softmax(logits), axis=1)
    bounds[:, -1] = 1.0
    rows = [[np.searchsorted(bounds[e], u[e, 0]) for e in range(len(logits))] for u in uniform]
    return np.array(rows)


@wrong("12.2", "other-logarithm")
def base_two(logits, uniform):
    return (logits - np.log2(-np.log2(uniform))).argmax(axis=2)


@wrong("12.2", "one-noise-for-all-edges")
def first_edge(logits, uniform):
    return (logits + gumbel(uniform[:, :1])).argmax(axis=2)


@wrong("12.2", "one-draw-for-all")
def first_draw(logits, uniform):
    return np.tile((logits + gumbel(uniform[0])).argmax(axis=1), (len(uniform), 1))


@wrong("12.2", "counted-from-one")
def from_one(logits, uniform):
    return (logits + gumbel(uniform)).argmax(axis=2) + 1


@wrong("12.2", "wrong-shape")
def as_one_hot(logits, uniform):
    return np.eye(logits.shape[1])[(logits + gumbel(uniform)).argmax(axis=2)]


@wrong("12.2", "wrong-shape")
def last_draw_only(logits, uniform):
    return (logits + gumbel(uniform[-1])).argmax(axis=1)


@right("12.2")
def race(logits, uniform):
    """An exponential race: the smallest -log u / probability wins."""
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (-np.log(uniform) / np.maximum(weights, 1e-300)).argmin(axis=2)


@right("12.2")
def with_torch(logits, uniform):
    """Log-probabilities instead of logits, in torch."""
    log_pi = torch.tensor(logits).log_softmax(dim=1)
    return (log_pi - (-torch.tensor(uniform).log()).log()).argmax(dim=2)


@right("12.2")
def loops(logits, uniform):
    """Two loops, returned as nested lists."""
    return [
        [int(np.argmax(logits[e] - np.log(-np.log(draw[e])))) for e in range(len(logits))]
        for draw in uniform
    ]
