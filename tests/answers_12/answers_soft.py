"""Answers to 12.3: a soft sample at a temperature."""

import numpy as np
import torch

from answers_12 import right, wrong


def gumbel(u):
    return -np.log(-np.log(u))


def softmax(x, axis=1):
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


@wrong("12.3", "temperature-before-noise")
def logits_first(logits, uniform, temperature):
    return softmax(logits / temperature + gumbel(uniform))


@wrong("12.3", "temperature-on-the-noise")
def noise_divided(logits, uniform, temperature):
    return softmax(logits + gumbel(uniform) / temperature)


@wrong("12.3", "multiplied-by-temperature")
def times(logits, uniform, temperature):
    return softmax((logits + gumbel(uniform)) * temperature)


@wrong("12.3", "temperature-ignored")
def without(logits, uniform, temperature):
    return softmax(logits + gumbel(uniform))


@wrong("12.3", "divided-after-the-softmax")
def afterwards(logits, uniform, temperature):
    return softmax(logits + gumbel(uniform)) / temperature


@wrong("12.3", "noise-ignored")
def no_noise(logits, uniform, temperature):
    return softmax(logits / temperature)


@wrong("12.3", "uniform-added")
def plain_uniform(logits, uniform, temperature):
    return softmax((logits + uniform) / temperature)


@wrong("12.3", "sign-of-the-noise")
def minus(logits, uniform, temperature):
    return softmax((logits + np.log(-np.log(uniform))) / temperature)


@wrong("12.3", "noise-on-probabilities")
def on_softmax(logits, uniform, temperature):
    return softmax((softmax(logits) + gumbel(uniform)) / temperature)


@wrong("12.3", "hard-sample")
def one_hot(logits, uniform, temperature):
    return np.eye(logits.shape[1])[(logits + gumbel(uniform)).argmax(axis=1)]


@wrong("12.3", "softmax-over-edges")
def over_edges(logits, uniform, temperature):
    return softmax((logits + gumbel(uniform)) / temperature, axis=0)


@wrong("12.3", "one-softmax-for-all")
def over_everything(logits, uniform, temperature):
    return softmax((logits + gumbel(uniform)) / temperature, axis=(0, 1))


@wrong("12.3", "root-of-the-temperature")
def root(logits, uniform, temperature):
    return softmax((logits + gumbel(uniform)) / temperature**0.5)


@wrong("12.3", "overflow")
def plain_exp(logits, uniform, temperature):
    with np.errstate(all="ignore"):
        powers = np.exp((logits + gumbel(uniform)) / temperature)
        return powers / powers.sum(axis=1, keepdims=True)


@wrong("12.3", "wrong-shape")
def first_edge(logits, uniform, temperature):
    return softmax((logits + gumbel(uniform)) / temperature)[0]


@right("12.3")
def with_torch(logits, uniform, temperature):
    """torch.softmax, which subtracts the largest by itself."""
    noisy = torch.tensor(logits) - (-torch.tensor(uniform).log()).log()
    return torch.softmax(noisy / temperature, dim=1)


@right("12.3")
def row_by_row(logits, uniform, temperature):
    """A loop over edges, normalised by log-sum-exp."""
    rows = []
    for row, u in zip(logits, uniform, strict=True):
        x = (row - np.log(-np.log(u))) / temperature
        top = max(x)
        rows.append([float(np.exp(value - top - np.log(np.exp(x - top).sum()))) for value in x])
    return rows
