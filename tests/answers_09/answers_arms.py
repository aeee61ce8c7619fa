"""Answers to 09.8: comparisons of two arms."""

import math
import statistics

import numpy as np

from answers_09 import right, wrong


def runs(search, settings, seeds):
    return np.array([search(settings, seed) for seed in seeds])


def arms(search, settings, price, seeds):
    return runs(search, settings, seeds), runs(search, {**settings, "skip_price": price}, seeds)


def error(values):
    return values.std(ddof=1) / len(values) ** 0.5


def summary(baseline, treated, /, **changes):
    return {
        "baseline": baseline.mean(),
        "treated": treated.mean(),
        "difference": treated.mean() - baseline.mean(),
        "error": error(treated - baseline),
    } | changes


def best_of(baseline, treated):
    best = treated.max()
    return summary(baseline, treated, treated=best, difference=best - baseline.mean())


def bare(settings, price):
    return {"epochs": settings["epochs"], "skip_price": price}


@wrong("09.8", "nothing-repaired")
def as_it_was(search, settings, price, seeds):
    treated = runs(search, bare(settings, price), range(len(seeds)))
    return best_of(runs(search, settings, seeds), treated)


@wrong("09.8", "arms-confounded")
def settings_left(search, settings, price, seeds):
    return summary(runs(search, settings, seeds), runs(search, bare(settings, price), seeds))


@wrong("09.8", "arms-confounded")
def settings_and_seeds_left(search, settings, price, seeds):
    treated = runs(search, bare(settings, price), range(len(seeds)))
    return summary(runs(search, settings, seeds), treated)


@wrong("09.8", "other-seeds")
def seeds_left(search, settings, price, seeds):
    treated = runs(search, {**settings, "skip_price": price}, range(len(seeds)))
    return summary(runs(search, settings, seeds), treated)


@wrong("09.8", "best-of-many")
def best_left(*case):
    return best_of(*arms(*case))


@wrong("09.8", "both-arms-stripped")
def equally_bare(search, settings, price, seeds):
    return summary(*arms(search, {"epochs": settings["epochs"]}, price, seeds))


@wrong("09.8", "setting-left-out")
def decay_copied_only(search, settings, price, seeds):
    kept = {name: settings[name] for name in ("epochs", "alpha_weight_decay")}
    return summary(runs(search, settings, seeds), runs(search, kept | {"skip_price": price}, seeds))


@wrong("09.8", "setting-left-out")
def rate_copied_only(search, settings, price, seeds):
    kept = {name: settings[name] for name in ("epochs", "minimum_rate")}
    return summary(runs(search, settings, seeds), runs(search, kept | {"skip_price": price}, seeds))


@wrong("09.8", "price-in-both-arms")
def same_dict(search, settings, price, seeds):
    settings["skip_price"] = price
    return summary(runs(search, settings, seeds), runs(search, settings, seeds))


@wrong("09.8", "price-forgotten")
def no_price(search, settings, price, seeds):
    return summary(runs(search, settings, seeds), runs(search, dict(settings), seeds))


@wrong("09.8", "seeds-replaced-in-both")
def counted_seeds(search, settings, price, seeds):
    return summary(*arms(search, settings, price, range(len(seeds))))


@wrong("09.8", "one-seed-only")
def first_seed(*case):
    baseline, treated = arms(*case)
    one = {"baseline": baseline[0], "treated": treated[0], "difference": treated[0] - baseline[0]}
    return summary(baseline, treated, **one)


@wrong("09.8", "best-of-both")
def champions(*case):
    baseline, treated = arms(*case)
    best = {"baseline": baseline.max(), "treated": treated.max()}
    return summary(baseline, treated, **best, difference=best["treated"] - best["baseline"])


@wrong("09.8", "difference-turned")
def turned(*case):
    baseline, treated = arms(*case)
    return summary(baseline, treated, difference=(baseline - treated).mean())


@wrong("09.8", "error-unpaired")
def unpaired(*case):
    baseline, treated = arms(*case)
    both = math.sqrt(error(baseline) ** 2 + error(treated) ** 2)
    return summary(baseline, treated, error=both)


@wrong("09.8", "error-of-one-arm")
def one_arm(*case):
    baseline, treated = arms(*case)
    return summary(baseline, treated, error=error(treated))


@wrong("09.8", "deviation-not-error")
def deviation(*case):
    baseline, treated = arms(*case)
    return summary(baseline, treated, error=(treated - baseline).std(ddof=1))


@wrong("09.8", "divided-by-n")
def over_n(*case):
    baseline, treated = arms(*case)
    return summary(baseline, treated, error=(treated - baseline).std(ddof=1) / len(treated))


@wrong("09.8", "deviation-with-n")
def population(*case):
    baseline, treated = arms(*case)
    return summary(baseline, treated, error=(treated - baseline).std() / len(treated) ** 0.5)


@right("09.8")
def with_numpy(*case):
    """numpy, functions"""
    return summary(*arms(*case))


@right("09.8")
def with_statistics(search, settings, price, seeds):
    """the statistics module, pair by pair"""
    priced = settings | {"skip_price": price}
    pairs = [(search(settings, seed), search(priced, seed)) for seed in seeds]
    differences = [treated - baseline for baseline, treated in pairs]
    return {
        "baseline": statistics.fmean(baseline for baseline, _ in pairs),
        "treated": statistics.fmean(treated for _, treated in pairs),
        "difference": statistics.fmean(differences),
        "error": statistics.stdev(differences) / math.sqrt(len(seeds)),
    }
