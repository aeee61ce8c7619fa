"""Answers to 12.6: one step of VAdam."""

import numpy as np

from answers_12 import right, wrong


def step(state, noise, gradient, settings, **changed):
    """A step whose lines can be exchanged; each gets everything computed so far."""
    lines = {
        "sigma": lambda x: (x["N"] * x["s"] + x["delta"]) ** -0.5,
        "point": lambda x: x["theta"],
        "pull": lambda x: x["d"] * x["mu"],
        "square": lambda x: x["g"] ** 2,
        "m_hat": lambda x: x["m"] / (1 - x["beta_1"] ** x["t"]),
        "s_hat": lambda x: x["s"] / (1 - x["beta_2"] ** x["t"]),
        "below": lambda x: x["s_hat"] ** 0.5 + x["d"],
        "start": lambda x: x["mu"],
    } | changed
    x = {**state, **settings, "t": state["steps"] + 1, "d": settings["delta"] / settings["N"]}
    x["theta"] = x["mu"] + noise * lines["sigma"](x)
    x["g"] = gradient(lines["point"](x))
    x["pulled"] = x["g"] + lines["pull"](x)
    x["m"] = x["beta_1"] * x["m"] + (1 - x["beta_1"]) * x["pulled"]
    x["s"] = x["beta_2"] * x["s"] + (1 - x["beta_2"]) * lines["square"](x)
    x["m_hat"], x["s_hat"] = lines["m_hat"](x), lines["s_hat"](x)
    mu = lines["start"](x) - x["rate"] * x["m_hat"] / lines["below"](x)
    return {"theta": x["theta"], "m": x["m"], "s": x["s"], "mu": mu}


def with_line(code, **changed):
    """Register a step with one wrong line."""
    wrong("12.6", code)(lambda *case: step(*case, **changed))


with_line("root-of-sigma-forgotten", sigma=lambda x: 1 / (x["N"] * x["s"] + x["delta"]))
with_line(
    "root-of-s-in-the-precision", sigma=lambda x: (x["N"] * x["s"] ** 0.5 + x["delta"]) ** -0.5
)
with_line("n-missing-in-the-precision", sigma=lambda x: (x["s"] + x["delta"]) ** -0.5)
with_line("noise-times-the-root", sigma=lambda x: (x["N"] * x["s"] + x["delta"]) ** 0.5)
with_line("delta-divided-in-the-precision", sigma=lambda x: (x["N"] * x["s"] + x["d"]) ** -0.5)
with_line("noise-ignored", sigma=lambda x: 0.0)
with_line("gradient-at-the-mean", point=lambda x: x["mu"])
with_line("prior-forgotten", pull=lambda x: 0.0)
with_line("prior-not-divided", pull=lambda x: x["delta"] * x["mu"])
with_line("prior-pulls-the-sample", pull=lambda x: x["d"] * x["theta"])
with_line("prior-in-the-square", square=lambda x: x["pulled"] ** 2)
with_line("not-squared", square=lambda x: abs(x["g"]))
with_line("m-not-corrected", m_hat=lambda x: x["m"])
with_line("s-not-corrected", s_hat=lambda x: x["s"])
with_line("nothing-corrected", m_hat=lambda x: x["m"], s_hat=lambda x: x["s"])
with_line("no-root", below=lambda x: x["s_hat"] + x["d"])
with_line("delta-not-divided", below=lambda x: x["s_hat"] ** 0.5 + x["delta"])
with_line("delta-under-the-root", below=lambda x: (x["s_hat"] + x["d"]) ** 0.5)
with_line("adam-denominator", below=lambda x: x["s_hat"] ** 0.5 + 1e-8)
with_line("sample-kept", start=lambda x: x["theta"])
with_line("uphill", below=lambda x: -(x["s_hat"] ** 0.5 + x["d"]))


def corrected_precision(x):
    if x["t"] == 1:
        return (x["N"] * x["s"] + x["delta"]) ** -0.5
    return (x["N"] * x["s"] / (1 - x["beta_2"] ** x["t"]) + x["delta"]) ** -0.5


with_line("corrected-s-in-the-precision", sigma=corrected_precision)


@wrong("12.6", "delta-missing-in-the-precision")
def without_prior(state, noise, gradient, settings):
    if state["steps"] == 0:
        return step(state, noise, gradient, settings)
    return step(state, noise, gradient, settings, sigma=lambda x: (x["N"] * x["s"]) ** -0.5)


@wrong("12.6", "not-finite")
def divides_by_zero(state, noise, gradient, settings):
    with np.errstate(all="ignore"):
        return step(state, noise, gradient, settings, sigma=lambda x: (x["N"] * x["s"]) ** -0.5)


@wrong("12.6", "one-step-less")
def old_count(state, noise, gradient, settings):
    with np.errstate(all="ignore"):
        return step(
            state,
            noise,
            gradient,
            settings,
            m_hat=lambda x: x["m"] / max(1e-30, 1 - x["beta_1"] ** (x["t"] - 1)),
            s_hat=lambda x: x["s"] / max(1e-30, 1 - x["beta_2"] ** (x["t"] - 1)),
        )


@wrong("12.6", "one-step-less")
def old_count_and_nan(state, noise, gradient, settings):
    """Divides by zero in the first step."""
    with np.errstate(all="ignore"):
        return step(
            state,
            noise,
            gradient,
            settings,
            m_hat=lambda x: x["m"] / (1 - x["beta_1"] ** x["steps"]),
            s_hat=lambda x: x["s"] / (1 - x["beta_2"] ** x["steps"]),
        )


@wrong("12.6", "betas-exchanged")
def other_betas(state, noise, gradient, settings):
    turned = {**settings, "beta_1": settings["beta_2"], "beta_2": settings["beta_1"]}
    return step(state, noise, gradient, turned)


@wrong("12.6", "wrong-keys")
def mean_only(state, noise, gradient, settings):
    return {"mu": step(state, noise, gradient, settings)["mu"]}


@right("12.6")
def exchangeable_lines(state, noise, gradient, settings):
    """Lines in a dict, none of them exchanged."""
    return step(state, noise, gradient, settings)


@right("12.6")
def one_parameter_after_the_other(state, noise, gradient, settings):
    """Loops over the parameters; moments as moving averages towards the new value."""
    n, delta = settings["N"], settings["delta"]
    theta = [mu + e / (n * s + delta) ** 0.5
             for mu, s, e in zip(state["mu"], state["s"], noise, strict=True)]  # fmt: skip
    g, t = gradient(np.array(theta)), 1 + state["steps"]
    result = {"theta": theta, "m": [], "s": [], "mu": []}
    for j, slope in enumerate(g):
        mu, m, s = (state[name][j] for name in ("mu", "m", "s"))
        m += (1 - settings["beta_1"]) * (slope + delta * mu / n - m)
        s += (1 - settings["beta_2"]) * (slope * slope - s)
        length = m / (1 - settings["beta_1"] ** t)
        scale = (s / (1 - settings["beta_2"] ** t)) ** 0.5 + delta / n
        result["m"].append(m)
        result["s"].append(s)
        result["mu"].append(mu - settings["rate"] * length / scale)
    return result
