"""Answers to 01.1, 01.3 and 01.4: the cost of a space, the split, the incumbent."""

import functools
import itertools
import math

import numpy as np
import torch

from answers_01 import right, wrong

YEAR = 24 * 365


def cost(designs, hours):
    return {"designs": designs, "years": designs * hours / YEAR}


@wrong("01.1", "options-added")
def options_summed(options, hours, machines):
    return cost(sum(options), hours / machines)


@wrong("01.1", "same-options-everywhere")
def power_of_the_first(options, hours, machines):
    return cost(options[0] ** len(options), hours / machines)


@wrong("01.1", "largest-choice-only")
def power_of_the_largest(options, hours, machines):
    return cost(max(options) ** len(options), hours / machines)


@wrong("01.1", "base-and-exponent-swapped")
def power_turned(options, hours, machines):
    return cost(len(options) ** options[0], hours / machines)


@wrong("01.1", "machines-ignored")
def one_machine(options, hours, machines):
    return cost(math.prod(options), hours)


@wrong("01.1", "more-machines-take-longer")
def machines_multiplied(options, hours, machines):
    return cost(math.prod(options), hours * machines)


@wrong("01.1", "days-not-years")
def days(options, hours, machines):
    designs = math.prod(options)
    return {"designs": designs, "years": designs * hours / machines / 24}


@wrong("01.1", "hours-not-years")
def just_hours(options, hours, machines):
    designs = math.prod(options)
    return {"designs": designs, "years": designs * hours / machines}


@wrong("01.1", "hours-as-days")
def days_in_a_year(options, hours, machines):
    designs = math.prod(options)
    return {"designs": designs, "years": designs * hours / machines / 365}


@wrong("01.1", "hours-ignored")
def an_hour_each(options, hours, machines):
    return cost(math.prod(options), 1 / machines)


@wrong("01.1", "overflow")
def numpy_product(options, hours, machines):
    return cost(int(np.prod(options)), hours / machines)


@wrong("01.1", "count-is-a-float")
def numpy_float_product(options, hours, machines):
    return cost(float(np.prod(np.array(options, dtype=float))), hours / machines)


@wrong("01.1", "wrong-keys")
def a_pair(options, hours, machines):
    return tuple(cost(math.prod(options), hours / machines).values())


@right("01.1")
def by_a_loop(options, hours, machines):
    """Multiplies in a loop; years by days."""
    designs = 1
    for number in options:
        designs *= number
    return {"years": designs / machines * hours / 24 / 365, "designs": designs}


@right("01.1")
def by_reduce(options, hours, machines):
    """Folds the list; years as a numpy number."""
    designs = functools.reduce(lambda a, b: a * b, options)
    return {"designs": designs, "years": np.float64(designs) * hours / (machines * YEAR)}


@wrong("01.3", "not-shuffled")
def as_it_stands(count, valid, test, seed):
    rows = list(range(count))
    train = count - valid - test
    return rows[:train], rows[train : train + valid], rows[train + valid :]


@wrong("01.3", "only-a-part-shuffled")
def shuffled_after_the_test_part_is_cut(count, valid, test, seed):
    order = np.random.default_rng(seed).permutation(count - test)
    return order[valid:], order[:valid], np.arange(count - test, count)


@wrong("01.3", "not-shuffled")
def shuffled_within_the_parts(count, valid, test, seed):
    rng = np.random.default_rng(seed)
    train = count - valid - test
    parts = np.split(np.arange(count), [train, train + valid])
    return tuple(rng.permutation(part) for part in parts)


@wrong("01.3", "same-split-for-every-seed")
def seed_forgotten(count, valid, test, seed):
    order = np.random.default_rng(0).permutation(count)
    return order[valid + test :], order[:valid], order[valid : valid + test]


@wrong("01.3", "split-not-repeatable")
def unseeded(count, valid, test, seed):
    order = np.random.default_rng().permutation(count)
    return order[valid + test :], order[:valid], order[valid : valid + test]


@wrong("01.3", "drawn-with-replacement")
def drawn(count, valid, test, seed):
    rng = np.random.default_rng(seed)
    return (
        rng.integers(count, size=count - valid - test),
        rng.integers(count, size=valid),
        rng.integers(count, size=test),
    )


@wrong("01.3", "parts-overlap")
def three_orders(count, valid, test, seed):
    rng = np.random.default_rng(seed)
    sizes = (count - valid - test, valid, test)
    return [rng.permutation(count)[:size] for size in sizes]


@wrong("01.3", "parts-in-another-order")
def test_before_valid(count, valid, test, seed):
    order = np.random.default_rng(seed).permutation(count)
    return order[valid + test :], order[valid : valid + test], order[:valid]


@wrong("01.3", "rows-missing")
def last_row_lost(count, valid, test, seed):
    order = np.random.default_rng(seed).permutation(count)
    return order[valid + test : -1], order[:valid], order[valid : valid + test]


@wrong("01.3", "wrong-sizes")
def train_is_everything(count, valid, test, seed):
    order = np.random.default_rng(seed).permutation(count)
    return order, order[:valid], order[valid : valid + test]


@wrong("01.3", "no-such-row")
def counted_from_one(count, valid, test, seed):
    order = np.random.default_rng(seed).permutation(count) + 1
    return order[valid + test :], order[:valid], order[valid : valid + test]


@wrong("01.3", "not-row-numbers")
def shares_of_the_file(count, valid, test, seed):
    order = np.random.default_rng(seed).permutation(count) / count
    return order[valid + test :], order[:valid], order[valid : valid + test]


@wrong("01.3", "wrong-parts")
def two_parts(count, valid, test, seed):
    order = np.random.default_rng(seed).permutation(count)
    return order[valid:], order[:valid]


@right("01.3")
def with_torch(count, valid, test, seed):
    """Shuffles with torch, cuts with split."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return order.split([count - valid - test, valid, test])


@right("01.3")
def sets_in_a_dict(count, valid, test, seed):
    """Chooses two parts without replacement, train is the rest; a dict of sorted lists."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(count, valid + test, replace=False).tolist()
    rest = sorted(set(range(count)) - set(chosen))
    return {"test": sorted(chosen[valid:]), "train": rest, "valid": sorted(chosen[:valid])}


@wrong("01.4", "smallest-wins")
def as_a_loss(scores):
    best, kept = -1, []
    for position, score in enumerate(scores):
        if math.isfinite(score) and (best < 0 or score < scores[best]):
            best = position
        kept.append(best)
    return kept


@wrong("01.4", "later-tie-wins")
def not_smaller(scores):
    best, kept = -1, []
    for position, score in enumerate(scores):
        if math.isfinite(score) and (best < 0 or score >= scores[best]):
            best = position
        kept.append(best)
    return kept


@wrong("01.4", "starts-at-zero")
def best_is_zero(scores):
    best, best_score, kept = -1, 0.0, []
    for position, score in enumerate(scores):
        if math.isfinite(score) and score > best_score:
            best, best_score = position, score
        kept.append(best)
    return kept


@wrong("01.4", "nan-counts-as-largest")
def argmax_of_each_prefix(scores):
    return [int(np.argmax(scores[: end + 1])) for end in range(len(scores))]


@wrong("01.4", "first-score-unseen")
def takes_the_first(scores):
    best, kept = 0, []
    for position, score in enumerate(scores):
        if score > scores[best]:
            best = position
        kept.append(best)
    return kept


@wrong("01.4", "infinity-wins")
def only_nan_refused(scores):
    best, kept = -1, []
    for position, score in enumerate(scores):
        if not math.isnan(score) and (best < 0 or score > scores[best]):
            best = position
        kept.append(best)
    return kept


@wrong("01.4", "last-improvement-only")
def always_the_newest(scores):
    return list(range(len(scores)))


@wrong("01.4", "best-of-all-from-the-start")
def hindsight(scores):
    finite = [score if math.isfinite(score) else -math.inf for score in scores]
    best = int(np.argmax(finite)) if any(map(math.isfinite, scores)) else -1
    return [best] * len(scores)


@wrong("01.4", "zero-before-any")
def clipped(scores):
    finite = [score if math.isfinite(score) else -math.inf for score in scores]
    return [int(np.argmax(finite[: end + 1])) for end in range(len(scores))]


@wrong("01.4", "scores-not-positions")
def running_maximum(scores):
    kept = []
    best = -math.inf
    for score in scores:
        if math.isfinite(score):
            best = max(best, score)
        kept.append(best if math.isfinite(best) else -1)
    return kept


@wrong("01.4", "one-for-each-evaluation")
def only_changes(scores):
    best, kept = -1, []
    for position, score in enumerate(scores):
        if math.isfinite(score) and (best < 0 or score > scores[best]):
            best = position
            kept.append(best)
    return kept


@right("01.4")
def with_accumulate(scores):
    """Replaces what is not finite by minus infinity and accumulates positions."""
    clean = [s if math.isfinite(s) else -math.inf for s in scores]
    places = itertools.accumulate(
        range(len(clean)), lambda best, new: new if clean[new] > clean[best] else best
    )
    return [place if clean[place] > -math.inf else -1 for place in places]


@right("01.4")
def with_numpy(scores):
    """Argmax of each prefix of a cleaned array; a numpy array comes back."""
    clean = np.where(np.isfinite(scores), scores, -np.inf)
    best = np.array([clean[: end + 1].argmax() for end in range(len(clean))])
    return np.where(np.isinf(clean[best]), -1, best)
