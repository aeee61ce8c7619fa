"""Answers to 05.4: advantages against a moving baseline."""

import math

import numpy as np

from answers_05 import right, wrong


class Running:
    """The right answer, with parts that a wrong one replaces."""

    least = 1e-8

    def __init__(self, decay):
        self.decay = decay
        self.worst, self.baseline, self.variance = math.inf, None, 0.0

    def clean(self, batch):
        self.worst = min([self.worst, *batch[np.isfinite(batch)]])
        return np.where(np.isfinite(batch), batch, self.worst)

    def begin(self, rewards):
        """Return the weight of the past; the first batch has none."""
        if self.baseline is not None:
            return self.decay
        self.baseline = rewards.mean()
        return 0.0

    def spread_of(self, distances, rewards, kept):
        self.variance = kept * self.variance + (1 - kept) * np.mean(distances**2)
        return math.sqrt(self.variance)

    def divide(self, distances, spread):
        return distances / (spread if spread >= self.least else 1.0)

    def advantages(self, rewards):
        kept = self.begin(rewards)
        distances = rewards - self.baseline
        spread = self.spread_of(distances, rewards, kept)
        self.baseline = kept * self.baseline + (1 - kept) * rewards.mean()
        return self.divide(distances, spread)

    def step(self, batch):
        rewards = self.clean(batch)
        return self.advantages(rewards) if np.isfinite(rewards).all() else np.zeros(len(batch))

    @classmethod
    def answer(cls, batches, decay):
        running = cls(decay)
        return [running.step(batch) for batch in batches]


@wrong("05.4", "baseline-followed-first")
def follows_first(batches, decay):
    class Follows(Running):
        def advantages(self, rewards):
            kept = self.begin(rewards)
            self.baseline = kept * self.baseline + (1 - kept) * rewards.mean()
            distances = rewards - self.baseline
            return self.divide(distances, self.spread_of(distances, rewards, kept))

    return Follows.answer(batches, decay)


@wrong("05.4", "baseline-followed-first")
def subtracts_the_new_baseline(batches, decay):
    class Subtracts(Running):
        def advantages(self, rewards):
            super().advantages(rewards)
            return self.divide(rewards - self.baseline, math.sqrt(self.variance))

    return Subtracts.answer(batches, decay)


@wrong("05.4", "each-batch-by-itself")
def batch_statistics(batches, decay):
    class Batch(Running):
        def advantages(self, rewards):
            return self.divide(rewards - rewards.mean(), rewards.std())

    return Batch.answer(batches, decay)


@wrong("05.4", "spread-of-the-batch")
def batch_spread(batches, decay):
    class Spread(Running):
        def spread_of(self, distances, rewards, kept):
            return rewards.std()

    return Spread.answer(batches, decay)


@wrong("05.4", "spread-around-the-batch-mean")
def variance_of_the_batch(batches, decay):
    class Variance(Running):
        def spread_of(self, distances, rewards, kept):
            self.variance = kept * self.variance + (1 - kept) * rewards.var()
            return math.sqrt(self.variance)

    return Variance.answer(batches, decay)


@wrong("05.4", "spread-of-before")
def old_spread(batches, decay):
    class Old(Running):
        def spread_of(self, distances, rewards, kept):
            old = math.sqrt(self.variance)
            new = super().spread_of(distances, rewards, kept)
            return old if kept else new

    return Old.answer(batches, decay)


@wrong("05.4", "not-standardised")
def distances_only(batches, decay):
    class Plain(Running):
        def divide(self, distances, spread):
            return distances

    return Plain.answer(batches, decay)


@wrong("05.4", "divided-by-the-variance")
def no_root(batches, decay):
    class Square(Running):
        def divide(self, distances, spread):
            return super().divide(distances, spread**2)

    return Square.answer(batches, decay)


@wrong("05.4", "weights-exchanged")
def other_decay(batches, decay):
    return Running.answer(batches, 1 - decay)


@wrong("05.4", "starts-at-zero")
def zero_first(batches, decay):
    class Zero(Running):
        def begin(self, rewards):
            self.baseline = self.baseline or 0.0
            return self.decay

    return Zero.answer(batches, decay)


@wrong("05.4", "divided-by-zero")
def always_divides(batches, decay):
    class Always(Running):
        def divide(self, distances, spread):
            with np.errstate(all="ignore"):
                return distances / np.float64(spread)

    return Always.answer(batches, decay)


@wrong("05.4", "rounding-taken-for-spread")
def compares_with_zero(batches, decay):
    class Exact(Running):
        least = 1e-300

    return Exact.answer(batches, decay)


@wrong("05.4", "variance-compared")
def compares_the_square(batches, decay):
    class Square(Running):
        least = 1e-4

    return Square.answer(batches, decay)


@wrong("05.4", "diverged-reward-kept")
def believes_everything(batches, decay):
    class Believes(Running):
        def step(self, batch):
            with np.errstate(all="ignore"):
                return self.advantages(batch)

    return Believes.answer(batches, decay)


@wrong("05.4", "diverged-reward-kept")
def only_nan(batches, decay):
    class OnlyNan(Running):
        def clean(self, batch):
            known = batch[~np.isnan(batch)]
            self.worst = min([self.worst, *known])
            return np.where(np.isnan(batch), self.worst, batch)

        def step(self, batch):
            with np.errstate(all="ignore"):
                return self.advantages(self.clean(batch))

    return OnlyNan.answer(batches, decay)


@wrong("05.4", "rewards-dropped")
def leaves_out(batches, decay):
    class Drops(Running):
        def clean(self, batch):
            return batch[np.isfinite(batch)]

    return Drops.answer(batches, decay)


@wrong("05.4", "smallest-of-this-batch")
def forgets(batches, decay):
    class Forgets(Running):
        def clean(self, batch):
            super().clean(batch)
            finite = batch[np.isfinite(batch)]
            return np.where(np.isfinite(batch), batch, min(finite, default=self.worst))

    return Forgets.answer(batches, decay)


@wrong("05.4", "diverged-as-zero")
def zero_for_nan(batches, decay):
    class Zero(Running):
        def clean(self, batch):
            return np.where(np.isfinite(batch), batch, 0.0)

    return Zero.answer(batches, decay)


@wrong("05.4", "diverged-as-average")
def mean_for_nan(batches, decay):
    class Mean(Running):
        def clean(self, batch):
            finite = batch[np.isfinite(batch)]
            return np.where(np.isfinite(batch), batch, finite.mean() if len(finite) else math.inf)

    return Mean.answer(batches, decay)


@wrong("05.4", "diverged-as-best")
def largest_for_nan(batches, decay):
    class Largest(Running):
        def clean(self, batch):
            known = [*getattr(self, "known", []), *batch[np.isfinite(batch)]]
            self.known = known
            return np.where(np.isfinite(batch), batch, max(known, default=math.inf))

    return Largest.answer(batches, decay)


@wrong("05.4", "started-without-reward")
def zero_until_known(batches, decay):
    class Starts(Running):
        def clean(self, batch):
            cleaned = super().clean(batch)
            return cleaned if self.worst < math.inf else np.zeros(len(batch))

    return Starts.answer(batches, decay)


@wrong("05.4", "one-array-per-batch")
def all_in_one(batches, decay):
    return np.concatenate(Running.answer(batches, decay))


@right("05.4")
def as_a_class(batches, decay):
    """A class that keeps the state, one method per part."""
    return Running.answer(batches, decay)


@right("05.4")
def plain_python(batches, decay):
    """Lists of floats; a tuple comes back."""
    results, seen, first = [], [], True
    b = v = 0.0
    for batch in batches:
        values = [float(r) for r in batch]
        seen.extend(r for r in values if math.isfinite(r))
        if not seen:
            results.append([0.0] * len(values))
            continue
        rewards = [r if math.isfinite(r) else min(seen) for r in values]
        mean = sum(rewards) / len(rewards)
        if first:
            b, v = mean, sum((r - mean) ** 2 for r in rewards) / len(rewards)
        else:
            v = decay * v + (1 - decay) * sum((r - b) ** 2 for r in rewards) / len(rewards)
        s = math.sqrt(v)
        results.append([(r - b) / s if s > 1e-8 else r - b for r in rewards])
        b = mean if first else decay * b + (1 - decay) * mean
        first = False
    return tuple(results)


@right("05.4")
def padded_divisor(batches, decay):
    """Adds a tiny number to the spread instead of asking for its size."""

    class Padded(Running):
        def divide(self, distances, spread):
            return distances / (spread + 1e-8)

    return Padded.answer(batches, decay)
