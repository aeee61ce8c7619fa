"""Answers to 05.3: the policy gradient of independent choices."""

import numpy as np
import torch

from answers_05 import right, wrong


def softmax(logits, axis=1):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum(axis=axis, keepdims=True)


def one_hot(logits, tokens):
    return np.eye(logits.shape[1])[tokens]


def weighted(advantages, score):
    return (advantages[:, None, None] * score).mean(axis=0)


def gradient(logits, tokens, advantages):
    return weighted(advantages, one_hot(logits, tokens) - softmax(logits))


@wrong("05.3", "summed-over-the-batch")
def total(logits, tokens, advantages):
    score = one_hot(logits, tokens) - softmax(logits)
    return np.einsum("b,bco->co", advantages, score)


@wrong("05.3", "averaged-over-choices-too")
def mean_of_everything(logits, tokens, advantages):
    return gradient(logits, tokens, advantages) / tokens.shape[1]


@wrong("05.3", "downhill")
def of_the_loss(logits, tokens, advantages):
    return weighted(advantages, softmax(logits) - one_hot(logits, tokens))


@wrong("05.3", "probabilities-forgotten")
def counts(logits, tokens, advantages):
    return weighted(advantages, one_hot(logits, tokens))


@wrong("05.3", "only-the-drawn-moves")
def others_stay(logits, tokens, advantages):
    return weighted(advantages, one_hot(logits, tokens) * (1 - softmax(logits)))


@wrong("05.3", "one-hot-forgotten")
def minus_pi(logits, tokens, advantages):
    return -advantages.mean() * softmax(logits)


@wrong("05.3", "softmax-over-choices")
def columns(logits, tokens, advantages):
    return weighted(advantages, one_hot(logits, tokens) - softmax(logits, axis=0))


@wrong("05.3", "one-softmax-for-all")
def everything_at_once(logits, tokens, advantages):
    return weighted(advantages, one_hot(logits, tokens) - softmax(logits, axis=None))


@wrong("05.3", "logits-as-probabilities")
def without_softmax(logits, tokens, advantages):
    return weighted(advantages, one_hot(logits, tokens) - logits)


@wrong("05.3", "gradient-of-p")
def without_logarithm(logits, tokens, advantages):
    theta = torch.tensor(logits, requires_grad=True)
    picked = theta.softmax(1)[torch.arange(len(logits)), torch.tensor(tokens)]
    gain = (torch.tensor(advantages) * picked.prod(dim=1)).mean()
    return torch.autograd.grad(gain, theta)[0]


@wrong("05.3", "advantages-averaged-first")
def product_of_means(logits, tokens, advantages):
    score = one_hot(logits, tokens) - softmax(logits)
    return advantages.mean() * score.mean(axis=0)


@wrong("05.3", "advantages-ignored")
def maximum_likelihood(logits, tokens, advantages):
    return (one_hot(logits, tokens) - softmax(logits)).mean(axis=0)


@wrong("05.3", "centred-again")
def minus_mean(logits, tokens, advantages):
    return gradient(logits, tokens, advantages - advantages.mean())


@wrong("05.3", "size-of-the-advantage-only")
def absolute(logits, tokens, advantages):
    return gradient(logits, tokens, np.abs(advantages))


@wrong("05.3", "weighted-mean")
def weights_sum_to_one(logits, tokens, advantages):
    return gradient(logits, tokens, advantages / advantages.mean())


@wrong("05.3", "logits-updated")
def step(logits, tokens, advantages):
    return logits + gradient(logits, tokens, advantages)


@wrong("05.3", "wrong-shape")
def per_sequence(logits, tokens, advantages):
    return advantages[:, None, None] * (one_hot(logits, tokens) - softmax(logits))


@wrong("05.3", "not-finite")
def overflowing(logits, tokens, advantages):
    with np.errstate(all="ignore"):
        pi = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return weighted(advantages, one_hot(logits, tokens) - pi)


@right("05.3")
def by_autograd(logits, tokens, advantages):
    """Differentiates the mean of A log p with torch."""
    theta = torch.tensor(logits, requires_grad=True)
    log_pi = theta.log_softmax(1)[torch.arange(len(logits)), torch.tensor(tokens)]
    gain = (torch.tensor(advantages) * log_pi.sum(dim=1)).mean()
    return torch.autograd.grad(gain, theta)[0]


@right("05.3")
def loops(logits, tokens, advantages):
    """Two loops and an array that is changed in place."""
    result = np.zeros_like(logits)
    for sequence, advantage in zip(tokens, advantages, strict=True):
        for choice, token in enumerate(sequence):
            pi = np.exp(logits[choice] - logits[choice].max())
            result[choice] -= advantage * pi / pi.sum()
            result[choice, token] += advantage
    return result / len(tokens)


@right("05.3")
def by_counting(logits, tokens, advantages):
    """Counts weighted options per choice, then subtracts the mean advantage times pi."""
    options, batch = logits.shape[1], len(tokens)
    drawn = [np.bincount(column, advantages, minlength=options) / batch for column in tokens.T]
    return (np.array(drawn) - advantages.mean() * softmax_of_rows(logits)).tolist()


def softmax_of_rows(logits):
    return np.array([softmax(row[None])[0] for row in logits])
