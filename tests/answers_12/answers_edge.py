"""Answers to 12.8: the repaired edge, and repairs that are not complete."""

import numpy as np
import torch

from answers_12 import right, wrong


def straight(hard, soft):
    return hard - soft.detach() + soft


def winner_only(hard, soft):
    return hard * (1 + soft - soft.detach())


def noise_of(uniform):
    return -torch.log(-torch.log(uniform))


def divided(logits, noise, temperature):
    return (logits + noise) / temperature


def too_early(logits, noise, temperature):
    return logits / temperature + noise


def first(draws, number):
    return draws[0]


def fresh(draws, number):
    return draws[number]


def edge(outputs, logits, draws, temperature, upstream, gate=straight, sharpen=divided, row=first):
    logits = logits.clone().requires_grad_()
    value = torch.zeros_like(upstream)
    for number, output in enumerate(outputs):
        soft = sharpen(logits, noise_of(row(draws, number)), temperature).softmax(dim=0)
        hard = torch.nn.functional.one_hot(soft.argmax(), len(logits)).to(soft)
        value = value + gate(hard, soft)[number] * output
    (gradient,) = torch.autograd.grad((value * upstream).sum(), logits)
    return {"value": value.detach(), "gradient": gradient}


def with_parts(code, **parts):
    """Register the edge with some wrong parts."""

    def answer(*case):
        return edge(*case, **parts)

    wrong("12.8", code)(answer)
    return answer


noise_left = with_parts("noise-drawn-anew", row=fresh)
temperature_left = with_parts("temperature-before-noise", sharpen=too_early)
gradient_left = with_parts("gradient-lost", gate=winner_only)
with_parts("noise-drawn-anew", row=fresh, sharpen=too_early)
with_parts("noise-drawn-anew", row=fresh, gate=winner_only)
with_parts("temperature-before-noise", sharpen=too_early, gate=winner_only)
with_parts("nothing-repaired", row=fresh, sharpen=too_early, gate=winner_only)
with_parts("soft-mixture", gate=lambda hard, soft: soft)
with_parts("hard-and-soft-added", gate=lambda hard, soft: hard + soft)
with_parts("gradient-turned", gate=lambda hard, soft: hard + soft.detach() - soft)
with_parts("noise-ignored", sharpen=lambda logits, noise, t: logits / t)
with_parts("sign-of-the-noise", sharpen=lambda logits, noise, t: (logits - noise) / t)
with_parts("temperature-lost", sharpen=lambda logits, noise, t: logits + noise)
with_parts("temperature-multiplied", sharpen=lambda logits, noise, t: (logits + noise) * t)
with_parts("temperature-on-the-noise", sharpen=lambda logits, noise, t: logits + noise / t)
with_parts("another-row", row=lambda draws, number: draws[-1])
with_parts("one-number-each", row=lambda draws, number: draws.diagonal())


@wrong("12.8", "wrong-keys")
def value_only(*case):
    return {"value": edge(*case)["value"]}


@right("12.8")
def loop_kept(*case):
    """The decision stays in the loop, but always from the first row."""
    return edge(*case)


@right("12.8")
def by_matrix(outputs, logits, draws, temperature, upstream):
    """One product of gates and outputs; log_softmax and backward()."""
    theta = torch.nn.Parameter(logits)
    log_soft = ((theta - (-draws[0].log()).log()) / temperature).log_softmax(dim=0)
    soft = log_soft.exp()
    gate = soft + (torch.eye(len(soft))[int(soft.argmax())] - soft).detach()
    value = gate @ outputs
    value.backward(upstream)
    return {"value": value.detach(), "gradient": theta.grad}


@right("12.8")
def by_hand(outputs, logits, draws, temperature, upstream):
    """No autograd: 12.4 with the upstream gradient of each operation's gate."""
    noisy = (logits + noise_of(draws[0])).numpy() / temperature
    y = np.exp(noisy - noisy.max())
    y /= y.sum()
    v = (outputs @ upstream).numpy()
    return {"value": outputs[int(y.argmax())], "gradient": y * (v - y @ v) / temperature}
