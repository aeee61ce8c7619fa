"""Answers to 12.4: hard forward, soft backward."""

import numpy as np
import torch

from answers_12 import right, wrong


def softmax(x, axis=1):
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def noisy(logits, uniform):
    return logits - np.log(-np.log(uniform))


def winners(scores):
    return np.eye(scores.shape[1])[scores.argmax(axis=1)]


def back(y, v, temperature):
    return y * (v - (y * v).sum(axis=1, keepdims=True)) / temperature


def with_gradient(code, gradient):
    """Register a wrong gradient behind the right forward value."""

    def answer(logits, uniform, temperature, upstream):
        x = noisy(logits, uniform)
        y, z = softmax(x / temperature), winners(x)
        return {"forward": z, "gradient": gradient(y, z, upstream, temperature)}

    wrong("12.4", code)(answer)


with_gradient("gradient-of-the-argmax", lambda y, z, v, t: np.zeros(v.shape))
with_gradient("temperature-lost", lambda y, z, v, t: back(y, v, 1))
with_gradient("times-temperature", lambda y, z, v, t: back(y, v, 1 / t))
with_gradient("not-centred", lambda y, z, v, t: y * v / t)
with_gradient(
    "centred-by-the-winner", lambda y, z, v, t: y * (v - (z * v).sum(1, keepdims=True)) / t
)
with_gradient("not-weighted", lambda y, z, v, t: (v - (y * v).sum(1, keepdims=True)) / t)
with_gradient("plain-mean", lambda y, z, v, t: y * (v - v.mean(1, keepdims=True)) / t)
with_gradient("passed-on-unchanged", lambda y, z, v, t: v)
with_gradient("diagonal-only", lambda y, z, v, t: y * (1 - y) * v / t)
with_gradient("only-the-winner", lambda y, z, v, t: z * back(y, v, t))
with_gradient("only-the-winner-is-heard", lambda y, z, v, t: back(y, z * v, t))
with_gradient(
    "jacobian-at-the-hard-sample",
    lambda y, z, v, t: (z - y * 1.0) * (z * v).sum(axis=1, keepdims=True) / t,
)
with_gradient("sign-turned", lambda y, z, v, t: -back(y, v, t))


@wrong("12.4", "soft-forward")
def soft_in_front(logits, uniform, temperature, upstream):
    y = softmax(noisy(logits, uniform) / temperature)
    return {"forward": y, "gradient": back(y, upstream, temperature)}


@wrong("12.4", "forward-without-noise")
def largest_logit_wins(logits, uniform, temperature, upstream):
    y = softmax(noisy(logits, uniform) / temperature)
    return {"forward": winners(logits), "gradient": back(y, upstream, temperature)}


@wrong("12.4", "gradient-without-noise")
def other_logits(logits, uniform, temperature, upstream):
    y = softmax(logits / temperature)
    return {
        "forward": winners(noisy(logits, uniform)),
        "gradient": back(y, upstream, temperature),
    }


@wrong("12.4", "noise-ignored")
def no_noise(logits, uniform, temperature, upstream):
    y = softmax(logits / temperature)
    return {"forward": winners(logits), "gradient": back(y, upstream, temperature)}


@wrong("12.4", "temperature-before-noise")
def divided_too_early(logits, uniform, temperature, upstream):
    x = noisy(logits / temperature, uniform)
    return {"forward": winners(x), "gradient": back(softmax(x), upstream, temperature)}


@wrong("12.4", "softmax-over-edges")
def over_edges(logits, uniform, temperature, upstream):
    x = noisy(logits, uniform)
    y = softmax(x / temperature, axis=0)
    gradient = y * (upstream - (y * upstream).sum(axis=0)) / temperature
    return {"forward": winners(x), "gradient": gradient}


@wrong("12.4", "not-finite")
def plain_exp(logits, uniform, temperature, upstream):
    x = noisy(logits, uniform)
    with np.errstate(all="ignore"):
        powers = np.exp(x / temperature)
        y = powers / powers.sum(axis=1, keepdims=True)
        return {"forward": winners(x), "gradient": back(y, upstream, temperature)}


@wrong("12.4", "wrong-keys")
def as_a_tuple(logits, uniform, temperature, upstream):
    y = softmax(noisy(logits, uniform) / temperature)
    return winners(noisy(logits, uniform)), back(y, upstream, temperature)


@right("12.4")
def by_autograd(logits, uniform, temperature, upstream):
    """hard - soft.detach() + soft, differentiated by torch."""
    theta = torch.tensor(logits, requires_grad=True)
    soft = ((theta - (-torch.tensor(uniform).log()).log()) / temperature).softmax(dim=1)
    hard = torch.nn.functional.one_hot(soft.argmax(dim=1), soft.shape[1])
    gate = hard - soft.detach() + soft
    (gradient,) = torch.autograd.grad((gate * torch.tensor(upstream)).sum(), theta)
    return {"forward": gate.detach(), "gradient": gradient}


@right("12.4")
def with_jacobians(logits, uniform, temperature, upstream):
    """The whole Jacobian of each row, as a matrix."""
    forward, gradient = [], []
    for row, v in zip(noisy(logits, uniform), upstream, strict=True):
        y = softmax(row[None] / temperature)[0]
        jacobian = (np.diag(y) - np.outer(y, y)) / temperature
        gradient.append((jacobian @ v).tolist())
        forward.append([int(k == row.argmax()) for k in range(len(row))])
    return {"forward": forward, "gradient": gradient}
