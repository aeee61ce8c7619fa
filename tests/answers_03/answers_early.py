"""Answers to 03.3 and 03.4: successive halving, and the median stopping rule."""

import math
import statistics

import numpy as np
import torch

from answers_03 import right, wrong

# ------------------------------------------------------------------------ successive halving


def halving(curves, eta, rungs, budget=None, column=None, rank=None, places=None):
    """A right answer; each argument after `rungs` replaces one line of it."""
    count, longest = curves.shape
    budget = budget or (lambda i: longest // eta ** (rungs - 1 - i))
    column = column or (lambda r: curves[:, r - 1])
    rank = rank or (lambda on, s: sorted((k for k in on if s[k] == s[k]), key=lambda k: -s[k]))
    places = places or (lambda i, left: max(1, count // eta**i))
    running, on, continued, scratch, before = list(range(count)), [], 0, 0, 0
    for i in range(rungs):
        on.append(sorted(running))
        continued += len(running) * (budget(i) - before)
        scratch += len(running) * budget(i)
        before = budget(i)
        ranked = rank(sorted(running), column(before))
        running = ranked[: places(i + 1, len(ranked))]
    return {
        "epochs": [budget(i) for i in range(rungs)],
        "networks": on,
        "continued": continued,
        "from_scratch": scratch,
        "winner": ranked[0] if ranked else -1,
    }


@wrong("03.3", "budgets-from-one")
def from_one(curves, eta, rungs):
    return halving(curves, eta, rungs, budget=lambda i: min(eta**i, curves.shape[1]))


@wrong("03.3", "budgets-grow-evenly")
def evenly(curves, eta, rungs):
    return halving(curves, eta, rungs, budget=lambda i: curves.shape[1] * (i + 1) // rungs)


@wrong("03.3", "one-rung-too-low")
def too_low(curves, eta, rungs):
    longest = curves.shape[1]
    return halving(curves, eta, rungs, budget=lambda i: max(1, longest // eta ** (rungs - i)))


@wrong("03.3", "budgets-fall")
def falling(curves, eta, rungs):
    found = halving(curves, eta, rungs)
    return found | {"epochs": found["epochs"][::-1]}


@wrong("03.3", "worst-go-on")
def worst(curves, eta, rungs):
    def rank(on, score):
        return sorted((k for k in on if score[k] == score[k]), key=lambda k: score[k])

    return halving(curves, eta, rungs, rank=rank)


@wrong("03.3", "looks-into-the-future")
def last_column(curves, eta, rungs):
    return halving(curves, eta, rungs, column=lambda r: curves[:, -1])


@wrong("03.3", "one-epoch-late")
def column_r(curves, eta, rungs):
    return halving(
        curves, eta, rungs, column=lambda r: curves[:, r] if r < curves.shape[1] else curves[:, -1]
    )


@wrong("03.3", "first-epoch-only")
def first_column(curves, eta, rungs):
    return halving(curves, eta, rungs, column=lambda r: curves[:, 0])


@wrong("03.3", "best-so-far")
def best_so_far(curves, eta, rungs):
    return halving(curves, eta, rungs, column=lambda r: np.fmax.reduce(curves[:, :r], axis=1))


@wrong("03.3", "mean-so-far")
def mean_so_far(curves, eta, rungs):
    return halving(curves, eta, rungs, column=lambda r: np.mean(curves[:, :r], axis=1))


@wrong("03.3", "always-halved")
def halves(curves, eta, rungs):
    return halving(curves, eta, rungs, places=lambda i, left: max(1, len(curves) // 2**i))


@wrong("03.3", "places-rounded-up")
def rounded_up(curves, eta, rungs):
    return halving(curves, eta, rungs, places=lambda i, left: math.ceil(len(curves) / eta**i))


@wrong("03.3", "nobody-left")
def floor_only(curves, eta, rungs):
    return halving(curves, eta, rungs, places=lambda i, left: len(curves) // eta**i)


@wrong("03.3", "nan-goes-on")
def argsort_reversed(curves, eta, rungs):
    def rank(on, score):
        values = score[np.array(on, dtype=int)]
        return [on[k] for k in np.lexsort((-np.arange(len(on)), values))[::-1]]

    return halving(curves, eta, rungs, rank=rank)


@wrong("03.3", "nan-fills-up")
def argsort_of_minus(curves, eta, rungs):
    def rank(on, score):
        return [on[k] for k in np.argsort(-score[np.array(on, dtype=int)], kind="stable")]

    return halving(curves, eta, rungs, rank=rank)


@wrong("03.3", "places-of-the-finite")
def part_of_the_rest(curves, eta, rungs):
    return halving(curves, eta, rungs, places=lambda i, left: max(1, left // eta))


@wrong("03.3", "later-tie-goes-on")
def reversed_sort(curves, eta, rungs):
    def rank(on, score):
        return sorted((k for k in on if score[k] == score[k]), key=lambda k: (score[k], k))[::-1]

    return halving(curves, eta, rungs, rank=rank)


@wrong("03.3", "ties-by-the-rung-before")
def stable_sort(curves, eta, rungs):
    found = halving(curves, eta, rungs)
    count, running, networks = len(curves), list(range(len(curves))), []
    for i, epochs in enumerate(found["epochs"]):
        networks.append(running)
        score = curves[:, epochs - 1]
        ranked = sorted((k for k in running if score[k] == score[k]), key=lambda k: -score[k])
        running = ranked[: max(1, count // eta ** (i + 1))]
    return found | {"networks": networks, "winner": ranked[0] if ranked else -1}


@wrong("03.3", "costs-swapped")
def swapped(curves, eta, rungs):
    found = halving(curves, eta, rungs)
    return found | {"continued": found["from_scratch"], "from_scratch": found["continued"]}


@wrong("03.3", "trained-anew")
def anew(curves, eta, rungs):
    found = halving(curves, eta, rungs)
    return found | {"continued": found["from_scratch"]}


@wrong("03.3", "scratch-continues")
def continues(curves, eta, rungs):
    found = halving(curves, eta, rungs)
    return found | {"from_scratch": found["continued"]}


@wrong("03.3", "losers-unpaid")
def winners_only(curves, eta, rungs):
    found = halving(curves, eta, rungs)
    paid = len(found["networks"][-1]) * curves.shape[1]
    return found | {"continued": paid, "from_scratch": paid}


@wrong("03.3", "diverged-unpaid")
def finite_paid(curves, eta, rungs):
    found = halving(curves, eta, rungs)
    paid, before = 0, 0
    for on, epochs in zip(found["networks"], found["epochs"], strict=True):
        paid += sum(not np.isnan(curves[k, epochs - 1]) for k in on) * (epochs - before)
        before = epochs
    return found | {"continued": paid}


@wrong("03.3", "winner-of-all")
def best_curve(curves, eta, rungs):
    found = halving(curves, eta, rungs)
    return found | {"winner": np.nanargmax(curves[:, -1]) if found["winner"] >= 0 else -1}


@wrong("03.3", "winner-by-place")
def place(curves, eta, rungs):
    found = halving(curves, eta, rungs)
    on = found["networks"][-1]
    return found | {"winner": on.index(found["winner"]) if found["winner"] >= 0 else -1}


@wrong("03.3", "not-networks")
def accuracies(curves, eta, rungs):
    found = halving(curves, eta, rungs)
    pairs = zip(found["networks"], found["epochs"], strict=True)
    return found | {"networks": [[curves[k, r - 1] for k in on] for on, r in pairs]}


@wrong("03.3", "not-one-list-per-rung")
def without_the_first(curves, eta, rungs):
    found = halving(curves, eta, rungs)
    return found | {"networks": found["networks"][1:]}


@wrong("03.3", "wrong-parts")
def winner_only(curves, eta, rungs):
    return [halving(curves, eta, rungs)["winner"]]


@right("03.3")
def plain_loops(curves, eta, rungs):
    """Takes the best one by one; a tuple with sets."""
    count, longest = curves.shape
    epochs = [longest]
    while len(epochs) < rungs:
        epochs.insert(0, epochs[0] // eta)
    left, on, best = set(range(count)), [], -1
    for rung, budget in enumerate(epochs):
        on.append(left)
        places, chosen = max(1, count // eta ** (rung + 1)), []
        finite = {k for k in left if math.isfinite(curves[k][budget - 1])}
        while finite and len(chosen) < places:
            top = max(curves[k][budget - 1] for k in finite)
            first = min(k for k in finite if curves[k][budget - 1] == top)
            chosen.append(first)
            finite.remove(first)
        left, best = set(chosen), chosen[0] if chosen else -1
    sizes = [len(part) for part in on]
    scratch = sum(n * r for n, r in zip(sizes, epochs, strict=True))
    continued = sum(n * (r - b) for n, r, b in zip(sizes, epochs, [0, *epochs], strict=False))
    return epochs, on, continued, scratch, best


@right("03.3")
def stable_argsort(curves, eta, rungs):
    """Stable argsort of minus the accuracies, in numpy arrays."""
    epochs = curves.shape[1] // eta ** np.arange(rungs)[::-1]
    running, networks = np.arange(len(curves)), []
    for rung, budget in enumerate(epochs):
        networks.append(running.tolist())
        running = np.sort(running)
        score = curves[running, budget - 1]
        order = np.argsort(-score, kind="stable")[: np.isfinite(score).sum()]
        ranked = running[order]
        running = ranked[: max(1, len(curves) // eta ** (rung + 1))]
    sizes = np.array([len(part) for part in networks])
    return {
        "winner": ranked[0] if len(ranked) else -1,
        "networks": networks,
        "epochs": epochs,
        "continued": sizes @ np.diff(epochs, prepend=0),
        "from_scratch": sizes @ epochs,
    }


# ---------------------------------------------------------------------- median stopping rule


def stopping(curves, warmup, needed, own=max, average=None, middle=np.median, low=None, last=1):
    """A right answer; the arguments after `needed` replace one line each."""
    longest = curves.shape[1]
    average = average or (lambda curve, t: sum(curve[:t]) / t)
    low = low or (lambda mine, theirs: mine < theirs)
    completed, trained = [], []
    for curve in curves:
        epochs, stopped = longest, False
        if completed and len(completed) >= needed:
            for t in range(warmup + 1, longest + 1 - last):
                if low(own(curve[:t]), middle([average(other, t) for other in completed])):
                    epochs, stopped = t, True
                    break
        if not stopped:
            completed.append(curve)
        trained.append(epochs)
    return trained


@wrong("03.4", "current-value-compared")
def current(curves, warmup, needed):
    return stopping(curves, warmup, needed, own=lambda values: values[-1])


@wrong("03.4", "own-average-compared")
def own_average(curves, warmup, needed):
    return stopping(curves, warmup, needed, own=np.mean)


@wrong("03.4", "values-not-averages")
def pointwise(curves, warmup, needed):
    return stopping(curves, warmup, needed, average=lambda curve, t: curve[t - 1])


@wrong("03.4", "best-of-completed")
def best_of_others(curves, warmup, needed):
    return stopping(curves, warmup, needed, average=lambda curve, t: max(curve[:t]))


@wrong("03.4", "averages-of-all-epochs")
def whole_average(curves, warmup, needed):
    return stopping(curves, warmup, needed, average=lambda curve, t: np.mean(curve))


@wrong("03.4", "mean-not-median")
def mean(curves, warmup, needed):
    return stopping(curves, warmup, needed, middle=np.mean)


@wrong("03.4", "best-instead-of-median")
def maximum(curves, warmup, needed):
    return stopping(curves, warmup, needed, middle=max)


@wrong("03.4", "median-of-an-even-number")
def upper(curves, warmup, needed):
    return stopping(curves, warmup, needed, middle=statistics.median_high)


@wrong("03.4", "median-of-an-even-number")
def lower(curves, warmup, needed):
    """torch.median takes the lower one."""
    return stopping(
        curves, warmup, needed, middle=lambda values: float(torch.tensor(np.array(values)).median())
    )


@wrong("03.4", "equal-is-stopped")
def at_most(curves, warmup, needed):
    return stopping(curves, warmup, needed, low=lambda mine, theirs: mine <= theirs)


@wrong("03.4", "the-good-are-stopped")
def turned(curves, warmup, needed):
    return stopping(curves, warmup, needed, low=lambda mine, theirs: mine > theirs)


@wrong("03.4", "stopped-runs-remembered")
def remembers_all(curves, warmup, needed):
    longest, trained = curves.shape[1], []
    for number, curve in enumerate(curves):
        epochs = longest
        if number >= needed:
            for t in range(warmup + 1, longest):
                if max(curve[:t]) < np.median(curves[:number, :t].mean(axis=1)):
                    epochs = t
                    break
        trained.append(epochs)
    return trained


@wrong("03.4", "later-runs-known")
def everybody(curves, warmup, needed):
    longest, trained = curves.shape[1], []
    for curve in curves:
        stops = [
            t
            for t in range(warmup + 1, longest)
            if max(curve[:t]) < np.median(curves[:, :t].mean(axis=1))
        ]
        trained.append(stops[0] if stops else longest)
    return trained


@wrong("03.4", "weak-finish-forgotten")
def looks_at_the_end(curves, warmup, needed):
    return stopping(curves, warmup, needed, last=0)


@wrong("03.4", "warmup-ignored")
def no_warmup(curves, warmup, needed):
    return stopping(curves, 0, needed)


@wrong("03.4", "warmup-too-short")
def short_warmup(curves, warmup, needed):
    return stopping(curves, warmup - 1, needed) if warmup > 1 else stopping(curves, 1, needed)


@wrong("03.4", "warmup-too-long")
def long_warmup(curves, warmup, needed):
    return stopping(curves, warmup + 1, needed)


@wrong("03.4", "needed-ignored")
def from_the_first(curves, warmup, needed):
    return stopping(curves, warmup, 1)


@wrong("03.4", "one-needed-too-few")
def one_early(curves, warmup, needed):
    return stopping(curves, warmup, needed - 1)


@wrong("03.4", "one-needed-too-many")
def one_late(curves, warmup, needed):
    return stopping(curves, warmup, needed + 1)


@wrong("03.4", "epochs-from-zero")
def counts_from_zero(curves, warmup, needed):
    right_epochs = stopping(curves, warmup, needed)
    return [t - (t < curves.shape[1]) for t in right_epochs]


@wrong("03.4", "one-epoch-more")
def counts_the_next(curves, warmup, needed):
    right_epochs = stopping(curves, warmup, needed)
    return [t + (t < curves.shape[1]) for t in right_epochs]


@wrong("03.4", "nothing-stopped")
def patient(curves, warmup, needed):
    return [curves.shape[1]] * len(curves)


@wrong("03.4", "not-epochs")
def shares(curves, warmup, needed):
    return np.array(stopping(curves, warmup, needed)) / curves.shape[1] / 2


@wrong("03.4", "wrong-shape")
def without_the_completed(curves, warmup, needed):
    return [t for t in stopping(curves, warmup, needed) if t < curves.shape[1]]


@right("03.4")
def step_by_step(curves, warmup, needed):
    """Averages and medians from Python's own numbers."""
    rows = [[float(value) for value in curve] for curve in curves]
    return stopping(np.array(rows), warmup, needed, middle=statistics.median)


@right("03.4")
def with_flatnonzero(curves, warmup, needed):
    """All epochs of a network at once, in numpy; an array comes back."""
    longest = curves.shape[1]
    completed, trained = np.empty((0, longest)), np.full(len(curves), longest)
    for number, curve in enumerate(curves):
        if len(completed) >= needed:
            averages = completed.cumsum(axis=1) / np.arange(1, longest + 1)
            low = np.maximum.accumulate(curve) < np.quantile(averages, 0.5, axis=0)
            low[:warmup], low[-1] = False, False
            if low.any():
                trained[number] = low.argmax() + 1
                continue
        completed = np.vstack([completed, curve])
    return trained
