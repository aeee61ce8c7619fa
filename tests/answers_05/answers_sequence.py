"""Answers to 05.2: the log-probability of token sequences."""

import math

import numpy as np
import torch

from answers_05 import right, wrong


def masked(logits, options, fill=-math.inf):
    missing = torch.arange(logits.shape[2]) >= torch.tensor(options)[:, None]
    return logits.masked_fill(missing, fill)


def pick(values, tokens):
    return values.gather(2, tokens[:, :, None])[:, :, 0]


def log_pi(logits, tokens, options):
    return pick(masked(logits, options).log_softmax(2), tokens)


@wrong("05.2", "mask-ignored")
def no_mask(logits, tokens, options):
    return pick(logits.log_softmax(2), tokens).sum(1)


@wrong("05.2", "mask-ignored")
def mask_too_late(logits, tokens, options):
    return pick(masked(logits.log_softmax(2), options), tokens).sum(1)


@wrong("05.2", "masked-with-zero")
def zeroed(logits, tokens, options):
    return pick(masked(logits, options, 0.0).log_softmax(2), tokens).sum(1)


@wrong("05.2", "one-number-of-options")
def widest(logits, tokens, options):
    return pick(logits[:, :, : max(options)].log_softmax(2), tokens).sum(1)


@wrong("05.2", "probability-not-logarithm")
def product(logits, tokens, options):
    return log_pi(logits, tokens, options).exp().prod(1)


@wrong("05.2", "probabilities-added")
def sum_of_probabilities(logits, tokens, options):
    return pick(masked(logits, options).softmax(2), tokens).sum(1)


@wrong("05.2", "mean-over-steps")
def mean(logits, tokens, options):
    return log_pi(logits, tokens, options).mean(1)


@wrong("05.2", "last-step-only")
def overwritten(logits, tokens, options):
    for step, count in enumerate(options):
        result = logits[:, step, :count].log_softmax(1)
        result = result.gather(1, tokens[:, step, None])[:, 0]
    return result


@wrong("05.2", "first-step-only")
def returns_in_the_loop(logits, tokens, options):
    return log_pi(logits, tokens, options)[:, 0]


@wrong("05.2", "likeliest-not-drawn")
def greedy(logits, tokens, options):
    return masked(logits, options).log_softmax(2).max(2).values.sum(1)


@wrong("05.2", "not-normalised")
def logits_only(logits, tokens, options):
    return pick(logits, tokens).sum(1)


@wrong("05.2", "softmax-over-steps")
def second_axis(logits, tokens, options):
    return pick(masked(logits, options, -1e9).log_softmax(1), tokens).sum(1)


@wrong("05.2", "softmax-over-batch")
def first_axis(logits, tokens, options):
    return pick(masked(logits, options, -1e9).log_softmax(0), tokens).sum(1)


@wrong("05.2", "next-token")
def language_model(logits, tokens, options):
    shifted = masked(logits, options).log_softmax(2)[:, :-1]
    return shifted.gather(2, tokens[:, 1:, None]).sum((1, 2))


@wrong("05.2", "sign-of-a-loss")
def cross_entropy(logits, tokens, options):
    return -log_pi(logits, tokens, options).sum(1)


@wrong("05.2", "bits-not-nats")
def bits(logits, tokens, options):
    return log_pi(logits, tokens, options).sum(1) / math.log(2)


@wrong("05.2", "wrong-shape")
def one_number(logits, tokens, options):
    return log_pi(logits, tokens, options).sum()


@wrong("05.2", "overflow")
def exponentials(logits, tokens, options):
    with np.errstate(all="ignore"):
        powers = np.exp(masked(logits, options).numpy())
        p = powers / powers.sum(axis=2, keepdims=True)
        return np.log(np.take_along_axis(p, tokens.numpy()[:, :, None], 2)).sum(axis=(1, 2))


@wrong("05.2", "overflow")
def logarithm_of_softmax(logits, tokens, options):
    return pick(masked(logits, options).softmax(2), tokens).log().sum(1)


@right("05.2")
def step_by_step(logits, tokens, options):
    """Cuts each step to its options, in a loop over steps."""
    total = torch.zeros(len(tokens), dtype=logits.dtype)
    for step, count in enumerate(options):
        normalised = torch.log_softmax(logits[:, step, :count], dim=1)
        total += normalised[torch.arange(len(tokens)), tokens[:, step]]
    return total


@right("05.2")
def plain_python(logits, tokens, options):
    """Plain Python with log-sum-exp; a list of floats comes back."""
    totals = []
    for rows, sequence in zip(logits.tolist(), tokens.tolist(), strict=True):
        total = 0.0
        for row, token, count in zip(rows, sequence, options, strict=True):
            largest = max(row[:count])
            total += row[token] - largest
            total -= math.log(sum(math.exp(value - largest) for value in row[:count]))
        totals.append(total)
    return totals


@right("05.2")
def cross_entropy_of_torch(logits, tokens, options):
    """Torch's cross entropy with a finite, very low logit for missing options."""
    low = masked(logits, options, -1e9).transpose(1, 2)
    return -torch.nn.functional.cross_entropy(low, tokens, reduction="none").sum(1)
