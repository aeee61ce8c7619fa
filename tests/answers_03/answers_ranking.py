"""Answers to 03.1 and 03.2: what proxies save, and Kendall's tau with ties."""

import itertools
import math
from collections import Counter

import numpy as np
import torch

from answers_03 import right, right_value, wrong, wrong_values

SAVINGS = {
    "channels": 16,
    "depthwise": 4,
    "first_layer": 4,
    "side": 4,
    "images": 10,
    "same_steps": 1,
    "epochs": 8,
    "combined": 5120,
    "whole_network": 12.3,
    "parameters": 1,
    "choice": "c",
}
wrong_values(
    "03.1",
    SAVINGS,
    {
        "channels-once": {"channels": 4},
        "channels-doubled": {"channels": 8},
        "channels-cubed": {"channels": 64},
        "depthwise-as-dense": {"depthwise": 16},
        "depthwise-for-free": {"depthwise": 1},
        "colours-quartered": {"first_layer": 16},
        "first-layer-unchanged": {"first_layer": 1},
        "one-side-only": {"side": 2},
        "side-cubed": {"side": 8},
        "epoch-thought-constant": {"images": 1},
        "images-squared": {"images": 100},
        "steps-not-seen": {"same_steps": 10},
        "epochs-subtracted": {"epochs": 175},
        "cost-not-factor": {"epochs": 25 / 200},
        "factors-added": {"combined": 16 + 4 + 10 + 8},
        "images-forgotten": {"combined": 512},
        "epochs-forgotten": {"combined": 640},
        "largest-factor-only": {"combined": 16},
        "first-layer-as-dense": {"whole_network": 16},
        "factors-averaged": {"whole_network": 14.8},
        "shares-swapped": {"whole_network": 1 / (0.1 / 16 + 0.9 / 4)},
        "weights-per-pixel": {"parameters": 4},
        "cheapest-is-best": {"choice": "a"},
        "tau-is-all": {"choice": "b"},
        "perfection-asked": {"choice": "d"},
        "not-a-choice": {"choice": "e"},
        "part-not-answered": {"side": ...},
        "not-a-number": {"channels": "16"},
    },
)
right_value("03.1", "by hand", SAVINGS)
right_value(
    "03.1",
    "numpy numbers and a capital letter",
    {k: "C" if isinstance(v, str) else np.float64(v) for k, v in SAVINGS.items()},
)


def counted(estimated, true):
    """The right counts and tau."""
    first = np.sign(np.subtract.outer(estimated, estimated))
    second = np.sign(np.subtract.outer(true, true))
    upper = np.triu_indices(len(true), 1)
    first, second = first[upper], second[upper]
    counts = {
        "concordant": int((first * second > 0).sum()),
        "discordant": int((first * second < 0).sum()),
        "tied_estimated": int((first == 0).sum()),
        "tied_true": int((second == 0).sum()),
    }
    return counts | {"tau": tau_of(counts, len(first))}


def tau_of(counts, pairs):
    ranked = (pairs - counts["tied_estimated"]) * (pairs - counts["tied_true"])
    return (counts["concordant"] - counts["discordant"]) / ranked**0.5 if ranked else math.nan


def recounted(estimated, true, **changes):
    counts = counted(estimated, true) | changes
    return counts | {"tau": tau_of(counts, math.comb(len(true), 2))}


def retaued(estimated, true, formula):
    found = counted(estimated, true)
    n0 = math.comb(len(true), 2)
    n1, n2 = found["tied_estimated"], found["tied_true"]
    difference = found["concordant"] - found["discordant"]
    constant = n1 == n0 or n2 == n0
    ranked = found["concordant"] + found["discordant"]
    return found | {"tau": math.nan if constant else formula(difference, n0, n1, n2, ranked)}


@wrong("03.2", "pairs-counted-twice")
def every_i_and_j(estimated, true):
    found = counted(estimated, true)
    return {key: value if key == "tau" else 2 * value for key, value in found.items()}


@wrong("03.2", "neighbours-only")
def next_to_each_other(estimated, true):
    first, second = np.sign(np.diff(estimated)), np.sign(np.diff(true))
    counts = {
        "concordant": int((first * second > 0).sum()),
        "discordant": int((first * second < 0).sum()),
        "tied_estimated": int((first == 0).sum()),
        "tied_true": int((second == 0).sum()),
    }
    return counts | {"tau": tau_of(counts, len(first))}


@wrong("03.2", "agreement-swapped")
def swapped(estimated, true):
    found = counted(estimated, true)
    return recounted(
        estimated, true, concordant=found["discordant"], discordant=found["concordant"]
    )


@wrong("03.2", "ties-count-as-concordant")
def not_below_zero(estimated, true):
    pairs = list(itertools.combinations(range(len(true)), 2))
    products = [(estimated[i] - estimated[j]) * (true[i] - true[j]) for i, j in pairs]
    return recounted(estimated, true, concordant=sum(p >= 0 for p in products))


@wrong("03.2", "ties-count-as-discordant")
def otherwise_discordant(estimated, true):
    found = counted(estimated, true)
    return recounted(estimated, true, discordant=math.comb(len(true), 2) - found["concordant"])


@wrong("03.2", "tied-lists-swapped")
def other_list(estimated, true):
    found = counted(estimated, true)
    return recounted(
        estimated, true, tied_estimated=found["tied_true"], tied_true=found["tied_estimated"]
    )


def tied_in_both(estimated, true):
    pairs = itertools.combinations(range(len(true)), 2)
    return sum(estimated[i] == estimated[j] and true[i] == true[j] for i, j in pairs)


@wrong("03.2", "double-ties-left-out")
def one_or_the_other(estimated, true):
    found, both = counted(estimated, true), tied_in_both(estimated, true)
    return recounted(
        estimated,
        true,
        tied_estimated=found["tied_estimated"] - both,
        tied_true=found["tied_true"] - both,
    )


@wrong("03.2", "double-ties-counted-once")
def with_elif(estimated, true):
    both = tied_in_both(estimated, true)
    return recounted(estimated, true, tied_true=counted(estimated, true)["tied_true"] - both)


@wrong("03.2", "tied-scores-not-pairs")
def networks_with_a_twin(estimated, true):
    first, second = Counter(estimated), Counter(true)
    return recounted(
        estimated,
        true,
        tied_estimated=sum(n for n in first.values() if n > 1),
        tied_true=sum(n for n in second.values() if n > 1),
    )


@wrong("03.2", "tau-a")
def all_pairs(estimated, true):
    return retaued(estimated, true, lambda d, n0, n1, n2, ranked: d / n0)


@wrong("03.2", "gamma")
def ranked_pairs(estimated, true):
    return retaued(estimated, true, lambda d, n0, n1, n2, ranked: d / ranked if ranked else 0.0)


@wrong("03.2", "root-forgotten")
def no_root(estimated, true):
    return retaued(estimated, true, lambda d, n0, n1, n2, ranked: d / ((n0 - n1) * (n0 - n2)))


@wrong("03.2", "one-list-corrected")
def first_list_only(estimated, true):
    return retaued(estimated, true, lambda d, n0, n1, n2, ranked: d / (n0 - n1))


@wrong("03.2", "share-of-agreement")
def agreement(estimated, true):
    return retaued(estimated, true, lambda d, n0, n1, n2, ranked: (d + ranked) / 2 / n0)


@wrong("03.2", "tau-turned")
def minus(estimated, true):
    found = counted(estimated, true)
    return found | {"tau": -found["tau"]}


@wrong("03.2", "pearson")
def correlation(estimated, true):
    with np.errstate(all="ignore"):
        return counted(estimated, true) | {"tau": np.corrcoef(estimated, true)[0, 1]}


@wrong("03.2", "constant-is-zero")
def zero(estimated, true):
    found = counted(estimated, true)
    return found | {"tau": 0.0 if math.isnan(found["tau"]) else found["tau"]}


@wrong("03.2", "constant-is-one")
def one(estimated, true):
    found = counted(estimated, true)
    return found | {"tau": 1.0 if math.isnan(found["tau"]) else found["tau"]}


@wrong("03.2", "wrong-keys")
def tau_only(estimated, true):
    return {"tau": counted(estimated, true)["tau"]}


@right("03.2")
def with_matrices(estimated, true):
    """Compares all with all in numpy, counts the upper triangle."""
    return counted(estimated, true)


@right("03.2")
def with_tensors(estimated, true):
    """Signs of pairs by torch.combinations; tied pairs counted per value."""
    pairs = torch.combinations(torch.arange(len(true)))
    first, second = (torch.tensor(scores)[pairs].diff().sign() for scores in (estimated, true))
    agreement = (first * second).flatten()
    tied = [sum(math.comb(n, 2) for n in Counter(scores).values()) for scores in (estimated, true)]
    root = math.sqrt((len(pairs) - tied[0]) * (len(pairs) - tied[1]))
    return {
        "tau": agreement.sum() / root,  # 0 / 0 is nan in torch
        "concordant": (agreement > 0).sum(),
        "discordant": (agreement < 0).sum(),
        "tied_estimated": tied[0],
        "tied_true": tied[1],
    }
