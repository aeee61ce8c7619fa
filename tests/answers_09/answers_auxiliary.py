"""Answers to 09.3: the mixture of DARTS-."""

import math

import numpy as np
import torch

from answers_09 import right, wrong


def softmax(alpha):
    powers = np.exp(alpha - max(alpha))
    return powers / powers.sum()


def mixed(outputs, alpha):
    return softmax(alpha) @ outputs


def skip_of(x, outputs):
    return next(row for row in range(len(outputs)) if np.allclose(outputs[row], x))


@wrong("09.3", "beta-never-decays")
def constant(x, outputs, alpha, step, steps):
    return x + mixed(outputs, alpha)


@wrong("09.3", "beta-grows")
def growing(x, outputs, alpha, step, steps):
    return step / steps * x + mixed(outputs, alpha)


@wrong("09.3", "zero-in-the-last-step")
def too_fast(x, outputs, alpha, step, steps):
    return (1 - step / max(steps - 1, 1)) * x + mixed(outputs, alpha)


@wrong("09.3", "steps-counted-from-one")
def one_ahead(x, outputs, alpha, step, steps):
    return (1 - (step + 1) / steps) * x + mixed(outputs, alpha)


@wrong("09.3", "cosine-schedule")
def cosine(x, outputs, alpha, step, steps):
    return math.cos(math.pi * step / steps / 2) ** 2 * x + mixed(outputs, alpha)


@wrong("09.3", "no-auxiliary-path")
def darts(x, outputs, alpha, step, steps):
    return mixed(outputs, alpha)


@wrong("09.3", "beta-in-the-softmax")
def another_logit(x, outputs, alpha, step, steps):
    return mixed(np.vstack([outputs, x]), np.append(alpha, 1 - step / steps))


@wrong("09.3", "skip-candidate-scaled")
def candidate_scaled(x, outputs, alpha, step, steps):
    pi = softmax(alpha)
    pi[skip_of(x, outputs)] *= 1 - step / steps
    return pi @ outputs


@wrong("09.3", "skip-candidate-replaced")
def candidate_replaced(x, outputs, alpha, step, steps):
    pi = softmax(alpha)
    pi[skip_of(x, outputs)] = 1 - step / steps
    return pi @ outputs


@wrong("09.3", "taken-for-a-penalty")
def penalty(x, outputs, alpha, step, steps):
    price = (1 - step / steps) * softmax(alpha)[skip_of(x, outputs)]
    return mixed(outputs, alpha) + price


@wrong("09.3", "convex-combination")
def convex(x, outputs, alpha, step, steps):
    beta = 1 - step / steps
    return beta * x + (1 - beta) * mixed(outputs, alpha)


@wrong("09.3", "normalised-together")
def weights_sum_to_one(x, outputs, alpha, step, steps):
    beta = 1 - step / steps
    return (beta * x + mixed(outputs, alpha)) / (1 + beta)


@wrong("09.3", "softmax-forgotten")
def raw_alphas(x, outputs, alpha, step, steps):
    return (1 - step / steps) * x + alpha @ outputs


@wrong("09.3", "auxiliary-path-alone")
def only_x(x, outputs, alpha, step, steps):
    return (1 - step / steps) * x


@wrong("09.3", "overflow")
def naive_softmax(x, outputs, alpha, step, steps):
    with np.errstate(all="ignore"):
        powers = np.exp(alpha)
        return (1 - step / steps) * x + powers / powers.sum() @ outputs


@right("09.3")
def with_torch(x, outputs, alpha, step, steps):
    """torch, einsum"""
    pi = torch.tensor(alpha).softmax(0)
    mixture = torch.einsum("o,of->f", pi, torch.tensor(outputs))
    return mixture + torch.tensor(x) * (steps - step) / steps


@right("09.3")
def with_a_loop(x, outputs, alpha, step, steps):
    """one term after the other"""
    total = [(1 - step / steps) * value for value in x]
    for weight, row in zip(softmax(alpha), outputs, strict=True):
        total = [value + weight * output for value, output in zip(total, row, strict=True)]
    return total
