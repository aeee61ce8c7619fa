"""Answers to 09.4: rules that stop a search."""

import numpy as np

from answers_09 import right, wrong


def means_of(series, half):
    """Means whose window is over."""
    return {i: np.mean(series[max(0, i - half) : i + half + 1]) for i in range(len(series) - half)}


def first_growth(means, back, ratio):
    for i in sorted(means):
        if i - back in means and means[i] > ratio * means[i - back]:
            return i
    return None


def plus(skips, limit):
    for epoch, count in enumerate(skips):
        if count >= limit:
            return epoch
    return len(skips) - 1


def stops(eigenvalues, skips, window, back, ratio, limit, i="?", stop=None, returned=None, **more):
    """The answer, of which some parts are given."""
    half, last = window // 2, len(eigenvalues) - 1
    if i == "?":
        i = first_growth(means_of(eigenvalues, half), back, ratio)
    right_answer = {
        "stop": last if i is None else min(i + half if stop is None else stop(i, half), last),
        "returned": last if i is None else i - back if returned is None else returned(i, half),
        "darts_plus": plus(skips, limit),
    }
    return right_answer | more


@wrong("09.4", "not-smoothed")
def raw(series, skips, window, back, ratio, limit):
    i = first_growth(means_of(series, 0), back, ratio)
    return stops(series, skips, window, back, ratio, limit, i, lambda i, half: i)


@wrong("09.4", "stops-before-it-can-know")
def clairvoyant(*case):
    return stops(*case, stop=lambda i, half: i)


@wrong("09.4", "grown-architecture-returned")
def the_grown_one(*case):
    return stops(*case, returned=lambda i, half: i)


@wrong("09.4", "last-architecture-returned")
def the_last_one(*case):
    return stops(*case, returned=lambda i, half: i + half)


@wrong("09.4", "counted-from-the-stop")
def back_from_the_stop(*case):
    return stops(*case, returned=lambda i, half: i + half - case[3])


@wrong("09.4", "counted-from-the-stop")
def trailing(series, skips, window, back, ratio, limit):
    means = {
        i: sum(series[max(0, i + 1 - window) : i + 1]) / min(window, i + 1)
        for i in range(len(series))
    }
    i = first_growth(means, back, ratio)
    return stops(series, skips, window, back, ratio, limit, i, lambda i, half: i)


def trailing_means(series, window):
    return {i: np.mean(series[max(0, i + 1 - window) : i + 1]) for i in range(len(series))}


@wrong("09.4", "trailing-window")
def trailing_and_late(series, skips, window, back, ratio, limit):
    i = first_growth(trailing_means(series, window), back, ratio)
    return stops(series, skips, window, back, ratio, limit, i)


@wrong("09.4", "trailing-window")
def trailing_and_after_the_end(series, skips, window, back, ratio, limit):
    i = first_growth(trailing_means(series, window), back, ratio)
    answer = stops(series, skips, window, back, ratio, limit, i)
    return answer | ({} if i is None else {"stop": i + window // 2})


@wrong("09.4", "unknown-means-used")
def stops_after_the_end(series, skips, window, back, ratio, limit):
    """Answers "stop: 9" where the last epoch is 8."""
    half = window // 2
    means = {i: np.mean(series[max(0, i - half) : i + half + 1]) for i in range(len(series))}
    i = first_growth(means, back, ratio)
    answer = stops(series, skips, window, back, ratio, limit, i)
    return answer | ({} if i is None else {"stop": i + half})


@wrong("09.4", "unknown-means-used")
def cut_off_at_the_end(series, skips, window, back, ratio, limit):
    half = window // 2
    means = {i: np.mean(series[max(0, i - half) : i + half + 1]) for i in range(len(series))}
    i = first_growth(means, back, ratio)
    return stops(series, skips, window, back, ratio, limit, i)


@wrong("09.4", "first-windows-left-out")
def whole_windows(series, skips, window, back, ratio, limit):
    half = window // 2
    means = {i: m for i, m in means_of(series, half).items() if i >= half}
    i = first_growth(means, back, ratio)
    return stops(series, skips, window, back, ratio, limit, i)


@wrong("09.4", "short-windows-too-small")
def padded_with_zeros(series, skips, window, back, ratio, limit):
    half = window // 2
    padded = np.convolve(series, np.ones(window) / window, mode="same") if window > 1 else series
    if len(series) < window:
        return stops(series, skips, window, back, ratio, limit)
    means = {i: padded[i] for i in range(len(series) - half)}
    i = first_growth(means, back, ratio)
    return stops(series, skips, window, back, ratio, limit, i)


@wrong("09.4", "last-growth-taken")
def overwritten(series, skips, window, back, ratio, limit):
    means, found = means_of(series, window // 2), None
    for i in means:
        if i >= back and means[i] > ratio * means[i - back]:
            found = i
    return stops(series, skips, window, back, ratio, limit, found)


@wrong("09.4", "compared-with-the-epoch-before")
def neighbours(series, skips, window, back, ratio, limit):
    i = first_growth(means_of(series, window // 2), 1, ratio)
    return stops(series, skips, window, 1, ratio, limit, i)


@wrong("09.4", "compared-with-the-smallest")
def smallest_so_far(series, skips, window, back, ratio, limit):
    means = means_of(series, window // 2)
    grown = [i for i in means if i and means[i] > ratio * min(means[j] for j in range(i))]
    return stops(series, skips, window, back, ratio, limit, grown[0] if grown else None)


@wrong("09.4", "difference-not-ratio")
def difference(series, skips, window, back, ratio, limit):
    means = means_of(series, window // 2)
    grown = [i for i in means if i >= back and means[i] - means[i - back] > ratio]
    return stops(series, skips, window, back, ratio, limit, grown[0] if grown else None)


@wrong("09.4", "fall-taken-for-growth")
def fallen(series, skips, window, back, ratio, limit):
    means = means_of(series, window // 2)
    fell = [i for i in means if i >= back and means[i - back] > ratio * means[i]]
    return stops(series, skips, window, back, ratio, limit, fell[0] if fell else None)


@wrong("09.4", "stops-at-equality")
def at_equality(series, skips, window, back, ratio, limit):
    means = means_of(series, window // 2)
    grown = [i for i in means if i >= back and means[i] >= ratio * means[i - back]]
    return stops(series, skips, window, back, ratio, limit, grown[0] if grown else None)


@wrong("09.4", "more-than-the-limit")
def more(*case):
    return stops(*case, darts_plus=plus(case[1], case[-1] + 1))


@wrong("09.4", "exactly-the-limit")
def exactly(*case):
    skips = list(case[1])
    return stops(*case, darts_plus=skips.index(case[-1]) if case[-1] in skips else len(skips) - 1)


@wrong("09.4", "epoch-before")
def one_before(*case):
    return stops(*case, darts_plus=max(plus(case[1], case[-1]) - 1, 0))


@wrong("09.4", "last-with-many-skips")
def last_one(*case):
    found = [epoch for epoch, count in enumerate(case[1]) if count >= case[-1]]
    return stops(*case, darts_plus=max(found, default=len(case[1]) - 1))


@wrong("09.4", "limit-ignored")
def always_two(*case):
    return stops(*case, darts_plus=plus(case[1], 2))


@wrong("09.4", "fewer-than-the-limit")
def turned_round(*case):
    few = [epoch for epoch, count in enumerate(case[1]) if count < case[-1]]
    return stops(*case, darts_plus=min(few, default=len(case[1]) - 1))


@right("09.4")
def as_it_is_measured(eigenvalues, skips, window, back, ratio, limit):
    """epoch after epoch, as a search sees it"""
    half, last = window // 2, len(eigenvalues) - 1
    answer = {"stop": last, "returned": last, "darts_plus": plus(skips, limit)}

    def mean(i):
        inside = eigenvalues[max(i - half, 0) : i + half + 1]
        return sum(inside) / len(inside)

    for epoch in range(last + 1):
        i = epoch - half
        if i - back >= 0 and mean(i) > ratio * mean(i - back):
            return answer | {"stop": epoch, "returned": i - back}
    return answer


@right("09.4")
def with_cumulative_sums(eigenvalues, skips, window, back, ratio, limit):
    """cumulative sums, and floats for epochs"""
    total, half = np.concatenate([[0.0], np.cumsum(eigenvalues)]), window // 2
    places = np.arange(max(len(eigenvalues) - half, 0))
    low, high = np.maximum(places - half, 0), places + half + 1
    means = (total[high] - total[low]) / (high - low)
    i = np.flatnonzero(means[back:] > ratio * means[: max(len(means) - back, 0)] * (1 + 1e-12))
    last = len(eigenvalues) - 1
    found = np.flatnonzero(np.array(skips) >= limit)
    return {
        "stop": float(i[0] + back + half) if len(i) else last,
        "returned": i[0] if len(i) else last,
        "darts_plus": found[0] if len(found) else last,
    }
