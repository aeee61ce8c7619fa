"""Answers to 12.7: two posteriors of one loss."""

import numpy as np
import torch

from answers_12 import right, wrong

KEYS = ("newton_mean", "newton_sigma", "square_mean", "square_sigma")


def run(case, kappa, **changed):
    """One run; its lines can be exchanged, and get the letters as keyword arguments."""
    lines = {
        "draw": lambda s, d, n, **_: (n * (s + d)) ** -0.5,
        "sigma": lambda s, d, n, **_: (n * (s + d)) ** -0.5,
        "follow": lambda s, k, rate, **_: (1 - rate) * s + rate * k,
        "step": lambda g, d, mu, s, rate, **_: rate * (g + d * mu) / (s + d),
        "start": lambda mu, **_: mu,
    } | changed
    h, c, noise, n, delta, rate = case
    x = {"mu": 0 * c, "s": 0 * c, "d": delta / n, "n": n, "delta": delta, "rate": rate}
    for e in noise:
        x["theta"] = x["mu"] + e * lines["draw"](**x)
        x["g"] = h * (x["theta"] - c)
        x["k"] = kappa(h, x["g"], x)
        x["old"], x["s"] = x["s"], lines["follow"](**x)
        x["mu"] = lines["start"](**x) - lines["step"](**x)
    return x["mu"], lines["sigma"](**x)


def both(case, newton=lambda h, g, x: h, square=lambda h, g, x: g * g, **changed):
    results = (*run(case, newton, **changed), *run(case, square, **changed))
    return dict(zip(KEYS, results, strict=True))


def with_line(code, **changed):
    """Register both runs with one wrong line."""
    wrong("12.7", code)(lambda *case: both(case, **changed))


with_line(
    "old-s-in-the-step", step=lambda g, d, mu, old, rate, **_: rate * (g + d * mu) / (old + d)
)
with_line("noise-ignored", draw=lambda **_: 0.0)
with_line("noise-of-fixed-size", draw=lambda **_: 1.0)
with_line("prior-forgotten", step=lambda g, d, s, rate, **_: rate * g / (s + d))
with_line(
    "prior-not-divided",
    step=lambda g, d, mu, delta, s, rate, **_: rate * (g + delta * mu) / (s + d),
)
with_line(
    "prior-pulls-the-sample",
    step=lambda g, d, theta, s, rate, **_: rate * (g + d * theta) / (s + d),
)
with_line("prior-missing-below", step=lambda g, d, mu, s, rate, **_: rate * (g + d * mu) / s)
with_line("root-below", step=lambda g, d, mu, s, rate, **_: rate * (g + d * mu) / (s**0.5 + d))
with_line("rate-forgotten", step=lambda g, d, mu, s, **_: (g + d * mu) / (s + d))
with_line("sample-kept", start=lambda theta, **_: theta)
with_line("uphill", step=lambda g, d, mu, s, rate, **_: -rate * (g + d * mu) / (s + d))
with_line("not-averaged", follow=lambda k, **_: k)
with_line("added-up", follow=lambda s, k, rate, **_: s + rate * k)
with_line("weights-exchanged", follow=lambda s, k, rate, **_: rate * s + (1 - rate) * k)
with_line("not-squared", square=lambda h, g, x: abs(g))
with_line("prior-in-the-square", square=lambda h, g, x: (g + x["d"] * x["mu"]) ** 2)
with_line("square-times-n", square=lambda h, g, x: x["n"] * g**2)
with_line("one-run-for-both", square=lambda h, g, x: h)


def with_sigma(code, sigma):
    with_line(code, draw=sigma, sigma=sigma)


with_sigma("n-missing-in-sigma", lambda s, d, **_: (s + d) ** -0.5)
with_sigma("root-of-sigma-forgotten", lambda s, d, n, **_: 1 / (n * (s + d)))
with_sigma("delta-divided-twice", lambda s, d, n, **_: (n * s + d) ** -0.5)


with_line("delta-divided-twice", draw=lambda s, d, n, **_: (n * s + d) ** -0.5)
with_line("sigma-of-the-last-step", sigma=lambda old, d, n, **_: (n * (old + d)) ** -0.5)


@wrong("12.7", "runs-exchanged")
def the_other_way_round(*case):
    right_one = both(case)
    return {key: right_one[other] for key, other in zip(KEYS, KEYS[2:] + KEYS[:2], strict=True)}


@wrong("12.7", "wrong-keys")
def means_only(*case):
    return {key: value for key, value in both(case).items() if key.endswith("mean")}


@wrong("12.7", "wrong-shape")
def the_whole_run(curvature, target, noise, N, delta, rate):
    case = (curvature, target, noise, N, delta, rate)
    return {key: np.tile(value, (len(noise), 1)) for key, value in both(case).items()}


@right("12.7")
def exchangeable_lines(*case):
    """Lines as functions, none of them exchanged."""
    return both(case)


@right("12.7")
def side_by_side(curvature, target, noise, N, delta, rate):
    """Both runs as two rows of one torch tensor."""
    h, c = torch.tensor(curvature), torch.tensor(target)
    mu, precision = (
        torch.zeros(2, len(c), dtype=torch.double),
        torch.full((2, len(c)), delta).double(),
    )
    for e in torch.tensor(noise):
        g = h * (mu + e * precision.rsqrt() - c)
        followed = torch.stack([h, g[1].square()])
        precision = (1 - rate) * precision + rate * (N * followed + delta)
        mu = mu - rate * (N * g + delta * mu) / precision
    sigma = precision.rsqrt()
    parts = (mu[0], sigma[0], mu[1], sigma[1])
    return dict(zip(KEYS, parts, strict=True))
