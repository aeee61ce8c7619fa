"""Answers to 08.8, 08.9 and 08.11: tracking, penalising and comparing."""

import itertools
import math
import statistics

import numpy as np
import torch

from answers_08 import right, wrong


def _entropy(weights):
    return torch.special.entr(weights).sum(2) / math.log(weights.shape[2])


def _changes(weights):
    winners = weights.argmax(2)
    return (winners[1:] != winners[:-1]).sum(1)


def _stable(weights, rule):
    """One answer per edge from a rule about its winners and entropies."""
    winners, entropy = weights.argmax(2).tolist(), _entropy(weights).tolist()
    answers = []
    for edge in range(weights.shape[1]):
        answers.append(rule([row[edge] for row in winners], [row[edge] for row in entropy]))
    return answers


def _correct_rule(winners, entropy):
    for t in range(len(winners) - 5):
        calm = [abs(entropy[s + 1] - entropy[s]) <= 0.01 * entropy[s] for s in range(t, t + 5)]
        if len(set(winners[t:])) == 1 and all(calm):
            return t
    return None


def _tracks(weights, rule=_correct_rule):
    return {
        "entropy": _entropy(weights),
        "changes": _changes(weights),
        "stable_from": _stable(weights, rule),
    }


@wrong("08.8", "entropy-not-normalised")
def entropy_in_nats(weights):
    return {**_tracks(weights), "entropy": torch.special.entr(weights).sum(2)}


@wrong("08.8", "entropy-in-bits")
def entropy_in_bits(weights):
    return {**_tracks(weights), "entropy": torch.special.entr(weights).sum(2) / math.log(2)}


@wrong("08.8", "entropy-negative")
def entropy_without_minus(weights):
    return {**_tracks(weights), "entropy": -_entropy(weights)}


@wrong("08.8", "entropy-is-a-mean")
def entropy_mean(weights):
    k = weights.shape[2]
    return {**_tracks(weights), "entropy": torch.special.entr(weights).mean(2) / math.log(k)}


@wrong("08.8", "wrong-shape")
def entropy_of_the_edges(weights):
    return {**_tracks(weights), "entropy": torch.special.entr(weights).sum(1)}


@wrong("08.8", "zero-log-zero")
def entropy_with_plain_log(weights):
    entropy = -(weights * weights.log()).sum(2) / math.log(weights.shape[2])
    return {**_tracks(weights), "entropy": entropy}


@wrong("08.8", "changes-accumulated")
def running_total(weights):
    return {**_tracks(weights), "changes": _changes(weights).cumsum(0)}


@wrong("08.8", "changes-against-start")
def compared_with_epoch_zero(weights):
    winners = weights.argmax(2)
    return {**_tracks(weights), "changes": (winners[1:] != winners[0]).sum(1)}


@wrong("08.8", "changes-as-share")
def share_of_edges(weights):
    return {**_tracks(weights), "changes": _changes(weights) / weights.shape[1]}


@wrong("08.8", "unchanged-counted")
def equal_instead_of_different(weights):
    winners = weights.argmax(2)
    return {**_tracks(weights), "changes": (winners[1:] == winners[:-1]).sum(1)}


@wrong("08.8", "stable-one-late")
def off_by_one(weights):
    def rule(winners, entropy):
        epoch = _correct_rule(winners, entropy)
        return None if epoch is None else epoch + 1

    return _tracks(weights, rule)


@wrong("08.8", "end-of-window-reported")
def when_it_was_noticed(weights):
    def rule(winners, entropy):
        epoch = _correct_rule(winners, entropy)
        return None if epoch is None else epoch + 5

    return _tracks(weights, rule)


@wrong("08.8", "window-too-short")
def five_epochs_four_steps(weights):
    def rule(winners, entropy):
        for t in range(len(winners) - 4):
            changes = np.abs(np.diff(entropy[t : t + 5]))
            if (
                len(set(winners[t:])) == 1
                and (changes <= 0.01 * np.array(entropy[t : t + 4])).all()
            ):
                return t
        return None

    return _tracks(weights, rule)


@wrong("08.8", "window-beyond-the-end")
def slices_that_run_short(weights):
    def rule(winners, entropy):
        for t in range(len(winners)):
            part = np.array(entropy[t : t + 6])
            calm = np.abs(np.diff(part)) <= 0.01 * part[:-1]
            if len(set(winners[t:])) == 1 and calm.all():
                return t
        return None

    return _tracks(weights, rule)


@wrong("08.8", "entropy-ignored")
def last_change_of_the_winner(weights):
    def rule(winners, entropy):
        epoch = len(winners) - 1
        while epoch > 0 and winners[epoch - 1] == winners[-1]:
            epoch -= 1
        return epoch

    return _tracks(weights, rule)


@wrong("08.8", "winner-ignored")
def only_entropy(weights):
    return _tracks(weights, lambda winners, entropy: _correct_rule([0] * len(winners), entropy))


@wrong("08.8", "winner-only-in-window")
def five_steps_are_enough(weights):
    def rule(winners, entropy):
        for t in range(len(winners) - 5):
            if _correct_rule(winners[t : t + 6], entropy[t : t + 6]) == 0:
                return t
        return None

    return _tracks(weights, rule)


@wrong("08.8", "change-not-relative")
def absolute_change(weights):
    def rule(winners, entropy):
        for t in range(len(winners) - 5):
            changes = np.abs(np.diff(entropy[t : t + 6]))
            if len(set(winners[t:])) == 1 and (changes <= 0.01).all():
                return t
        return None

    return _tracks(weights, rule)


@wrong("08.8", "falling-entropy-is-calm")
def no_absolute_value(weights):
    def rule(winners, entropy):
        for t in range(len(winners) - 5):
            part = np.array(entropy[t : t + 6])
            if len(set(winners[t:])) == 1 and (np.diff(part) <= 0.01 * part[:-1]).all():
                return t
        return None

    return _tracks(weights, rule)


@wrong("08.8", "weight-above-threshold")
def the_lessons_rule(weights):
    largest = weights.max(2)[0]
    epochs = []
    for edge in range(weights.shape[1]):
        above = [t for t in range(len(weights)) if largest[t, edge] > 0.6]
        epochs.append(above[0] if above else None)
    return {**_tracks(weights), "stable_from": epochs}


@wrong("08.8", "number-for-not-stable")
def minus_one_for_none(weights):
    answer = _tracks(weights)
    return {**answer, "stable_from": [-1 if e is None else e for e in answer["stable_from"]]}


@wrong("08.8", "not-one-entry-per-edge")
def one_epoch_for_the_cell(weights):
    answer = _tracks(weights)
    return {**answer, "stable_from": [e for e in answer["stable_from"] if e is not None]}


@right("08.8")
def tracking_in_numpy(weights):
    """numpy, vectorised from the end of the run, with nan for not stable."""
    w = np.asarray(weights, dtype=np.float64)
    entropy = -np.sum(w * np.log(w, where=w > 0, out=np.zeros_like(w)), -1) / np.log(w.shape[-1])
    winners = w.argmax(-1)
    settled = np.logical_and.accumulate((winners == winners[-1])[::-1])[::-1]
    calm = np.abs(np.diff(entropy, axis=0)) <= 0.01 * entropy[:-1]
    windows = np.lib.stride_tricks.sliding_window_view(calm, 5, axis=0).all(-1)
    good = windows & settled[: len(windows)]
    epochs = np.where(good.any(0), good.argmax(0), np.nan)
    return {
        "entropy": entropy,
        "changes": (winners[1:] != winners[:-1]).sum(1).astype(float),
        "stable_from": epochs,
    }


@right("08.8")
def tracking_in_plain_python(weights):
    """Nested lists and loops."""
    table = weights.tolist()
    k = len(table[0][0])
    entropy = [[-sum(p * math.log(p, k) for p in e if p) for e in epoch] for epoch in table]
    winners = [[e.index(max(e)) for e in epoch] for epoch in table]
    changes = [
        sum(a != b for a, b in zip(before, after, strict=True))
        for before, after in itertools.pairwise(winners)
    ]
    columns = zip(zip(*winners, strict=True), zip(*entropy, strict=True), strict=True)
    stable = tuple(_correct_rule(list(w), list(h)) for w, h in columns)
    return {"entropy": entropy, "changes": changes, "stable_from": stable}


def _parts(alpha, skip):
    pi = alpha.softmax(1)
    delta = torch.zeros_like(alpha)
    delta[:, skip] = 1
    return pi, delta, pi[:, skip : skip + 1]


@wrong("08.9", "mean-instead-of-sum")
def averages(alpha, skip, strength):
    pi, delta, p = _parts(alpha, skip)
    return strength * p.mean(), strength * p * (delta - pi) / len(alpha)


@wrong("08.9", "penalty-on-logits")
def logits_penalised(alpha, skip, strength):
    _, delta, _ = _parts(alpha, skip)
    return strength * alpha[:, skip].sum(), strength * delta


@wrong("08.9", "softmax-over-edges")
def softmax_axis_zero(alpha, skip, strength):
    alpha = alpha.clone().requires_grad_()
    penalty = strength * alpha.softmax(0)[:, skip].sum()
    return penalty.detach(), torch.autograd.grad(penalty, alpha)[0]


@wrong("08.9", "log-of-weight")
def log_penalty(alpha, skip, strength):
    alpha = alpha.clone().requires_grad_()
    penalty = strength * alpha.log_softmax(1)[:, skip].sum()
    return penalty.detach(), torch.autograd.grad(penalty, alpha)[0]


@wrong("08.9", "square-of-weight")
def quadratic_penalty(alpha, skip, strength):
    alpha = alpha.clone().requires_grad_()
    penalty = strength * (alpha.softmax(1)[:, skip] ** 2).sum()
    return penalty.detach(), torch.autograd.grad(penalty, alpha)[0]


@wrong("08.9", "strength-forgotten")
def without_strength(alpha, skip, strength):
    pi, delta, p = _parts(alpha, skip)
    return p.sum(), p * (delta - pi)


@wrong("08.9", "gradient-without-strength")
def strength_only_in_the_penalty(alpha, skip, strength):
    pi, delta, p = _parts(alpha, skip)
    return strength * p.sum(), p * (delta - pi)


@wrong("08.9", "strength-squared")
def strength_twice(alpha, skip, strength):
    pi, delta, p = _parts(alpha, skip)
    return strength * p.sum(), strength**2 * p * (delta - pi)


@wrong("08.9", "gradient-sign")
def the_descent_direction(alpha, skip, strength):
    pi, delta, p = _parts(alpha, skip)
    return strength * p.sum(), strength * p * (pi - delta)


@wrong("08.9", "gradient-only-at-skip")
def only_the_skip_column(alpha, skip, strength):
    _, _, p = _parts(alpha, skip)
    gradient = torch.zeros_like(alpha)
    gradient[:, skip] = strength * (p[:, 0] * (1 - p[:, 0]))
    return strength * p.sum(), gradient


@wrong("08.9", "gradient-with-respect-to-weights")
def stops_at_the_weights(alpha, skip, strength):
    _, delta, p = _parts(alpha, skip)
    return strength * p.sum(), strength * delta


@wrong("08.9", "factor-p-missing")
def delta_minus_p(alpha, skip, strength):
    pi, delta, p = _parts(alpha, skip)
    return strength * p.sum(), strength * (delta - pi)


@wrong("08.9", "wrong-parts")
def only_the_penalty(alpha, skip, strength):
    return strength * alpha.softmax(1)[:, skip].sum()


@wrong("08.9", "wrong-shape")
def one_gradient_per_edge(alpha, skip, strength):
    _, _, p = _parts(alpha, skip)
    return strength * p.sum(), strength * (p * (1 - p))[:, 0]


@right("08.9")
def by_autograd(alpha, skip, strength):
    """Automatic differentiation."""
    alpha = alpha.detach().clone().requires_grad_()
    penalty = strength * torch.softmax(alpha, dim=-1)[..., skip].sum()
    penalty.backward()
    return {"gradient": alpha.grad, "penalty": penalty.item()}


@right("08.9")
def by_jacobian_matrices(alpha, skip, strength):
    """numpy, the full softmax Jacobian of each row."""
    penalty, rows = 0.0, []
    for logits in alpha.numpy().astype(float):
        powers = np.exp(logits - logits.max())
        p = powers / powers.sum()
        jacobian = np.diag(p) - np.outer(p, p)
        penalty += strength * p[skip]
        rows.append((strength * jacobian[skip]).tolist())
    return [np.array([penalty])[0], rows]


def _lookup(rows, setting, field="accuracy"):
    return {row["seed"]: row[field] for row in rows if row["setting"] == setting}


def _differences(rows, first, second, field="accuracy"):
    a, b = _lookup(rows, first, field), _lookup(rows, second, field)
    return [b[seed] - a[seed] for seed in a if seed in b]


def _report(n, mean, half):
    verdict = "undecided"
    if mean - half > 0:
        verdict = "better"
    elif mean + half < 0:
        verdict = "worse"
    return {
        "seeds": n,
        "difference": mean,
        "low": mean - half,
        "high": mean + half,
        "verdict": verdict,
    }


@wrong("08.11", "first-minus-second")
def first_minus_second(rows, first, second, t_values):
    return comparison_with_statistics(rows, second, first, t_values)


@wrong("08.11", "search-accuracy-used")
def supernet_accuracy(rows, first, second, t_values):
    d = _differences(rows, first, second, "search_accuracy")
    half = t_values[len(d) - 1] * statistics.stdev(d) / math.sqrt(len(d))
    return _report(len(d), statistics.mean(d), half)


@wrong("08.11", "paired-by-row")
def zipped_rows(rows, first, second, t_values):
    a = [row["accuracy"] for row in rows if row["setting"] == first]
    b = [row["accuracy"] for row in rows if row["setting"] == second]
    d = [y - x for x, y in zip(a, b, strict=False)]
    half = t_values[len(d) - 1] * statistics.stdev(d) / math.sqrt(len(d))
    return _report(len(d), statistics.mean(d), half)


@wrong("08.11", "unmatched-seeds-used")
def difference_of_all_means(rows, first, second, t_values):
    d = _differences(rows, first, second)
    mean = statistics.mean(_lookup(rows, second).values()) - statistics.mean(
        _lookup(rows, first).values()
    )
    return _report(len(d), mean, t_values[len(d) - 1] * statistics.stdev(d) / math.sqrt(len(d)))


@wrong("08.11", "not-paired")
def two_samples(rows, first, second, t_values):
    a, b = _lookup(rows, first), _lookup(rows, second)
    seeds = sorted(set(a) & set(b))
    x, y = [a[s] for s in seeds], [b[s] for s in seeds]
    n = len(seeds)
    error = math.sqrt(statistics.variance(x) / n + statistics.variance(y) / n)
    return _report(n, statistics.mean(y) - statistics.mean(x), t_values[n - 1] * error)


@wrong("08.11", "standard-deviation-of-population")
def numpy_std_by_default(rows, first, second, t_values):
    d = np.array(_differences(rows, first, second))
    return _report(len(d), d.mean(), t_values[len(d) - 1] * d.std() / np.sqrt(len(d)))


@wrong("08.11", "standard-error-forgotten")
def standard_deviation(rows, first, second, t_values):
    d = np.array(_differences(rows, first, second))
    return _report(len(d), d.mean(), t_values[len(d) - 1] * d.std(ddof=1))


@wrong("08.11", "divided-by-n")
def no_square_root(rows, first, second, t_values):
    d = np.array(_differences(rows, first, second))
    return _report(len(d), d.mean(), t_values[len(d) - 1] * d.std(ddof=1) / len(d))


@wrong("08.11", "degrees-of-freedom")
def n_degrees(rows, first, second, t_values):
    d = np.array(_differences(rows, first, second))
    return _report(len(d), d.mean(), t_values[len(d)] * d.std(ddof=1) / len(d) ** 0.5)


@wrong("08.11", "normal-quantile")
def two_standard_errors(rows, first, second, t_values):
    d = np.array(_differences(rows, first, second))
    return _report(len(d), d.mean(), 1.96 * d.std(ddof=1) / len(d) ** 0.5)


@wrong("08.11", "quantile-forgotten")
def one_standard_error(rows, first, second, t_values):
    d = np.array(_differences(rows, first, second))
    return _report(len(d), d.mean(), d.std(ddof=1) / len(d) ** 0.5)


@wrong("08.11", "verdict-from-the-mean")
def sign_of_the_mean(rows, first, second, t_values):
    answer = comparison_with_statistics(rows, first, second, t_values)
    return {**answer, "verdict": "better" if answer["difference"] > 0 else "worse"}


@wrong("08.11", "verdict-reversed")
def about_the_first(rows, first, second, t_values):
    answer = comparison_with_statistics(rows, first, second, t_values)
    turned = {"better": "worse", "worse": "better", "undecided": "undecided"}
    return {**answer, "verdict": turned[answer["verdict"]]}


@wrong("08.11", "always-undecided")
def cautious(rows, first, second, t_values):
    answer = comparison_with_statistics(rows, first, second, t_values)
    return {**answer, "verdict": "undecided"}


@wrong("08.11", "touching-zero-decides")
def zero_counts_as_a_gain(rows, first, second, t_values):
    answer = comparison_with_statistics(rows, first, second, t_values)
    word = "better" if answer["low"] >= 0 else "worse" if answer["high"] < 0 else "undecided"
    return {**answer, "verdict": word}


@wrong("08.11", "not-a-verdict")
def a_sentence(rows, first, second, t_values):
    answer = comparison_with_statistics(rows, first, second, t_values)
    return {**answer, "verdict": "the regularised search is slightly better"}


@right("08.11")
def comparison_with_statistics(rows, first, second, t_values):
    """The statistics module."""
    d = _differences(rows, first, second)
    half = t_values[len(d) - 1] * statistics.stdev(d) / math.sqrt(len(d))
    return _report(len(d), statistics.fmean(d), half)


@right("08.11")
def comparison_with_tensors(rows, first, second, t_values):
    """torch in float64, seeds by set intersection, results as 0-d tensors."""
    table = {}
    for row in rows:
        table.setdefault(row["setting"], {})[row["seed"]] = row["accuracy"]
    shared = sorted(table[first].keys() & table[second].keys())
    d = torch.tensor([table[second][s] - table[first][s] for s in shared], dtype=torch.float64)
    n = len(shared)
    half = t_values[n - 1] * torch.sqrt(d.var(unbiased=True) / n)
    low, high = d.mean() - half, d.mean() + half
    verdict = "worse" if high < 0 else "undecided" if low <= 0 else "better"
    return dict(seeds=n, difference=d.mean(), low=low, high=high, verdict=verdict)
