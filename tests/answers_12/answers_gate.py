"""Answers to 12.5: the hard-concrete gate and its probabilities."""

import numpy as np
import torch

from answers_12 import right, wrong


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def odds(u):
    return np.log(u / (1 - u))


def correct(a, u, t, low, high):
    return {
        "gate": np.clip(low + (high - low) * sigmoid((odds(u) + a) / t), 0, 1),
        "p_open": sigmoid(a - t * np.log(-low / high)),
        "p_full": sigmoid(a - t * np.log((1 - low) / (high - 1))),
    }


def with_part(code, name, part):
    """Register an answer with one wrong part."""
    wrong("12.5", code)(lambda *case: {**correct(*case), name: part(*case)})


def inside(code, inner):
    """Register an answer with another number inside the sigmoid of the gate."""

    def gate(a, u, t, low, high):
        return np.clip(low + (high - low) * sigmoid(inner(a, u, t)), 0, 1)

    with_part(code, "gate", gate)


with_part(
    "not-clipped", "gate", lambda a, u, t, lo, hi: lo + (hi - lo) * sigmoid((odds(u) + a) / t)
)
with_part("not-stretched", "gate", lambda a, u, t, lo, hi: sigmoid((odds(u) + a) / t))
with_part(
    "stretched-by-high",
    "gate",
    lambda a, u, t, lo, hi: np.clip(lo + hi * sigmoid((odds(u) + a) / t), 0, 1),
)
inside("temperature-on-the-logit", lambda a, u, t: odds(u) + a / t)
inside("temperature-on-the-noise", lambda a, u, t: odds(u) / t + a)
inside("temperature-ignored", lambda a, u, t: odds(u) + a)
inside("gumbel-noise", lambda a, u, t: (a - np.log(-np.log(u))) / t)
inside("half-of-the-noise", lambda a, u, t: (a + np.log(u)) / t)
inside("noise-turned", lambda a, u, t: (a + odds(1 - u)) / t)
inside("noise-ignored", lambda a, u, t: a / t)
with_part("probability-of-the-sigmoid", "p_open", lambda a, *_: sigmoid(a))
with_part(
    "shift-of-the-wrong-sign", "p_open", lambda a, u, t, lo, hi: sigmoid(a - t * np.log(-hi / lo))
)
with_part(
    "temperature-lost-in-the-probability",
    "p_open",
    lambda a, u, t, lo, hi: sigmoid(a - np.log(-lo / hi)),
)
with_part(
    "probability-divided-by-temperature",
    "p_open",
    lambda a, u, t, lo, hi: sigmoid(a / t - np.log(-lo / hi) / t),
)
with_part(
    "probability-divided-by-temperature",
    "p_open",
    lambda a, u, t, lo, hi: sigmoid((a - t * np.log(-lo / hi)) / t),
)
with_part("not-full", "p_full", lambda *case: 1 - correct(*case)["p_full"])
with_part("shut-not-open", "p_open", lambda *case: 1 - correct(*case)["p_open"])
with_part("full-is-open", "p_full", lambda *case: correct(*case)["p_open"])
with_part("full-is-not-open", "p_full", lambda *case: 1 - correct(*case)["p_open"])
with_part(
    "full-of-the-wrong-sign",
    "p_full",
    lambda a, u, t, lo, hi: sigmoid(a - t * np.log((hi - 1) / (1 - lo))),
)
with_part("full-by-symmetry", "p_full", lambda a, u, t, lo, hi: sigmoid(a + t * np.log(-lo / hi)))


@wrong("12.5", "observed-not-expected")
def counted(*case):
    gate = correct(*case)["gate"]
    return {"gate": gate, "p_open": gate > 0, "p_full": gate == 1}


def shares(draws, a, u, t, low, high):
    noise = np.random.default_rng(0).uniform(size=(draws, 1))
    gates = correct(a, noise, t, low, high)["gate"]
    return {"p_open": (gates > 0).mean(axis=0), "p_full": (gates == 1).mean(axis=0)}


@wrong("12.5", "counted-not-derived")
def counted_in_many_draws(*case):
    return {**correct(*case), **shares(10_000, *case)}


@wrong("12.5", "counted-not-derived")
def full_counted_in_many_draws(*case):
    return {**correct(*case), "p_full": shares(2_000, *case)["p_full"]}


@wrong("12.5", "not-finite")
def square_root_of_the_shift(a, u, t, low, high):
    with np.errstate(all="ignore"):
        return {**correct(a, u, t, low, high), "p_open": sigmoid(a - t * np.log(low / high))}


@wrong("12.5", "wrong-keys")
def gate_only(*case):
    return {"gate": correct(*case)["gate"]}


@right("12.5")
def with_torch(logits, uniform, temperature, low, high):
    """torch.logit, torch.sigmoid and clamp."""
    a, u = torch.tensor(logits), torch.tensor(uniform)
    s = torch.sigmoid((torch.logit(u) + a) / temperature)
    ends = [(end - low) / (high - low) for end in (0.0, 1.0)]
    open_at, full_at = (temperature * torch.logit(torch.tensor(end).double()) for end in ends)
    return {
        "gate": (low + (high - low) * s).clamp(0, 1),
        "p_open": 1 - torch.sigmoid(open_at - a),
        "p_full": 1 - torch.sigmoid(full_at - a),
    }


@right("12.5")
def by_powers(logits, uniform, temperature, low, high):
    """Odds instead of logarithms: every sigmoid is written as a fraction."""
    power = (uniform / (1 - uniform) * np.exp(logits)) ** (1 / temperature)
    gate = np.maximum(0, np.minimum(1, low + (high - low) * power / (1 + power)))
    factor = np.exp(logits)
    p_open = factor / (factor + (-low / high) ** temperature)
    p_full = factor / (factor + ((1 - low) / (high - 1)) ** temperature)
    return {"gate": gate.tolist(), "p_open": p_open.tolist(), "p_full": p_full.tolist()}
