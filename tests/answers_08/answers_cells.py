"""Answers to 08.7 and 08.12: deriving cells and counting their operations."""

import math
from collections import Counter

import numpy as np
import torch

from answers_08 import right, wrong


def _by_node(edges):
    nodes = sorted({target for _, target in edges})
    return [[row for row, edge in enumerate(edges) if edge[1] == node] for node in nodes]


def _cell(scores, names, edges, count=2):
    """Two best rows for each node."""
    cell = []
    for rows in _by_node(edges):
        best = sorted(rows, key=lambda row: -float(scores[row]))[:count]
        cell.append([(names[row], edges[row][0]) for row in best])
    return cell


def _names(alpha, operations):
    masked = alpha.clone()
    masked[:, operations.index("none")] = -math.inf
    return [operations[column] for column in masked.argmax(1)]


def _without_none(weights, operations):
    none = operations.index("none")
    return torch.cat([weights[:, :none], weights[:, none + 1 :]], 1)


@wrong("08.7", "none-selected")
def argmax_over_all(alpha, edges, operations):
    weights = alpha.softmax(1)
    values, columns = weights.max(1)
    return _cell(values, [operations[c] for c in columns], edges)


@wrong("08.7", "edges-by-raw-logits")
def ranked_by_logits(alpha, edges, operations):
    return _cell(_without_none(alpha, operations).max(1)[0], _names(alpha, operations), edges)


@wrong("08.7", "none-not-in-denominator")
def softmax_without_none(alpha, edges, operations):
    weights = _without_none(alpha, operations).softmax(1)
    return _cell(weights.max(1)[0], _names(alpha, operations), edges)


@wrong("08.7", "none-counts-as-strength")
def strength_with_none(alpha, edges, operations):
    return _cell(alpha.softmax(1).max(1)[0], _names(alpha, operations), edges)


@wrong("08.7", "strength-is-one-minus-none")
def strength_not_none(alpha, edges, operations):
    none = alpha.softmax(1)[:, operations.index("none")]
    return _cell(1 - none, _names(alpha, operations), edges)


@wrong("08.7", "softmax-over-edges")
def softmax_axis_zero(alpha, edges, operations):
    weights = _without_none(alpha.softmax(0), operations)
    return _cell(weights.max(1)[0], _names(alpha, operations), edges)


@wrong("08.7", "weakest-edges-kept")
def ascending_sort(alpha, edges, operations):
    strengths = _without_none(alpha.softmax(1), operations).max(1)[0]
    return _cell(-strengths, _names(alpha, operations), edges)


@wrong("08.7", "edges-not-ranked")
def first_two_edges(alpha, edges, operations):
    return _cell(-torch.arange(len(edges)), _names(alpha, operations), edges)


@wrong("08.7", "same-predecessor-twice")
def best_pairs_of_edge_and_operation(alpha, edges, operations):
    weights = alpha.softmax(1)
    cell = []
    for rows in _by_node(edges):
        pairs = [
            (float(weights[row, column]), name, edges[row][0])
            for row in rows
            for column, name in enumerate(operations)
            if name != "none"
        ]
        cell.append([(name, source) for _, name, source in sorted(pairs, reverse=True)[:2]])
    return cell


@wrong("08.7", "operation-index-shifted")
def index_without_none(alpha, edges, operations):
    strengths, columns = _without_none(alpha.softmax(1), operations).max(1)
    return _cell(strengths, [operations[c] for c in columns], edges)


@wrong("08.7", "none-assumed-first")
def none_is_column_zero(alpha, edges, operations):
    strengths, columns = alpha.softmax(1)[:, 1:].max(1)
    return _cell(strengths, [operations[c + 1] for c in columns], edges)


@wrong("08.7", "all-edges-kept")
def every_edge(alpha, edges, operations):
    return _cell(torch.zeros(len(edges)), _names(alpha, operations), edges, count=99)


@wrong("08.7", "edges-of-whole-cell-ranked")
def best_edges_of_the_cell(alpha, edges, operations):
    strengths = _without_none(alpha.softmax(1), operations).max(1)[0]
    names, by_node = _names(alpha, operations), _by_node(edges)
    best = strengths.argsort(descending=True)[: 2 * len(by_node)].tolist()
    return [[(names[row], edges[row][0]) for row in rows if row in best] for rows in by_node]


@wrong("08.7", "edge-order-assumed")
def rows_in_the_usual_order(alpha, edges, operations):
    nodes = len({target for _, target in edges})
    usual = [(source, target) for target in range(2, 2 + nodes) for source in range(target)]
    return cell_with_numpy(alpha, usual, operations)


@wrong("08.7", "not-an-operation-name")
def column_numbers(alpha, edges, operations):
    cell = cell_with_numpy(alpha, edges, operations)
    return [[(operations.index(name), source) for name, source in node] for node in cell]


@wrong("08.7", "pair-reversed")
def predecessor_first(alpha, edges, operations):
    cell = cell_with_numpy(alpha, edges, operations)
    return [[(source, name) for name, source in node] for node in cell]


@wrong("08.7", "wrong-number-of-nodes")
def one_flat_list(alpha, edges, operations):
    return [pair for node in cell_with_numpy(alpha, edges, operations) for pair in node]


@wrong("08.7", "impossible-predecessor")
def row_instead_of_predecessor(alpha, edges, operations):
    cell = cell_with_numpy(alpha, edges, operations)
    return [[(name, source + 2) for name, source in node] for node in cell]


@right("08.7")
def cell_with_numpy(alpha, edges, operations):
    """numpy, with the weight of none set to zero after the softmax."""
    logits = np.asarray(alpha, dtype=np.float64)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    weights[:, operations.index("none")] = 0
    cell = {}
    for row in np.argsort(-weights.max(axis=1)):
        source, target = edges[row]
        chosen = cell.setdefault(target, [])
        if len(chosen) < 2:
            chosen.append((operations[int(weights[row].argmax())], source))
    return tuple(tuple(cell[target]) for target in sorted(cell))


@right("08.7")
def cell_with_log_probabilities(alpha, edges, operations):
    """Ranks by log-probability, and hands in lists of lists with numpy integers."""
    logits = alpha - alpha.logsumexp(dim=1, keepdim=True)
    logits[:, operations.index("none")] = -math.inf
    cell = []
    for rows in _by_node(edges):
        kept = torch.tensor(rows)[logits[rows].amax(1).topk(2).indices].tolist()
        cell.append(
            [[operations[int(logits[row].argmax())], np.int64(edges[row][0])] for row in kept]
        )
    return cell


def _range(n, p):
    low = high = None
    total = 0.0
    for k in range(n + 1):
        total += math.comb(n, k) * p**k * (1 - p) ** (n - k)
        if low is None and total >= 0.025:
            low = k
        if high is None and total >= 0.975:
            high = k
    return low, high


def _table(counts, expected, low, high):
    verdicts = {
        name: "more" if count > high else "less" if count < low else "chance"
        for name, count in counts.items()
    }
    return {
        "counts": dict(counts),
        "expected": expected,
        "low": low,
        "high": high,
        "verdicts": verdicts,
    }


def _useful(operations):
    return [name for name in operations if name != "none"]


def _counted(alphas, kept, operations):
    rows = alphas[kept]
    names = _names(rows, operations)
    return {name: names.count(name) for name in _useful(operations)}


@wrong("08.12", "pruned-edges-counted")
def counts_all_edges(alphas, kept, operations):
    everything = torch.ones_like(kept)
    return frequency_with_counter(alphas, everything, operations)


@wrong("08.12", "pruned-edges-counted")
def counts_all_edges_expects_kept(alphas, kept, operations):
    n, p = int(kept.sum()), 1 / len(_useful(operations))
    counts = _counted(alphas, torch.ones_like(kept), operations)
    return _table(counts, n * p, *_range(n, p))


@wrong("08.12", "trials-are-all-edges")
def expects_all_edges(alphas, kept, operations):
    n, p = kept.numel(), 1 / len(_useful(operations))
    return _table(_counted(alphas, kept, operations), n * p, *_range(n, p))


@wrong("08.12", "none-can-win")
def argmax_with_none(alphas, kept, operations):
    winners = [operations[c] for c in alphas[kept].argmax(1)]
    counts = {name: winners.count(name) for name in _useful(operations)}
    n, p = len(winners), 1 / len(counts)
    return _table(counts, n * p, *_range(n, p))


@wrong("08.12", "none-in-counts")
def reports_none(alphas, kept, operations):
    winners = [operations[c] for c in alphas[kept].argmax(1)]
    counts = {name: winners.count(name) for name in operations}
    n, p = len(winners), 1 / len(counts)
    return _table(counts, n * p, *_range(n, p))


@wrong("08.12", "chance-includes-none")
def one_of_eight(alphas, kept, operations):
    n, p = int(kept.sum()), 1 / len(operations)
    return _table(_counted(alphas, kept, operations), n * p, *_range(n, p))


@wrong("08.12", "kept-inverted")
def counts_what_was_pruned(alphas, kept, operations):
    return frequency_with_counter(alphas, ~kept, operations)


@wrong("08.12", "one-run-only")
def first_run(alphas, kept, operations):
    return frequency_with_counter(alphas[:1], kept[:1], operations)


@wrong("08.12", "interval-for-one-run")
def eight_trials(alphas, kept, operations):
    n, p = int(kept[0].sum()), 1 / len(_useful(operations))
    return _table(_counted(alphas, kept, operations), n * p, *_range(n, p))


@wrong("08.12", "normal-approximation")
def two_sigma(alphas, kept, operations):
    n, p = int(kept.sum()), 1 / len(_useful(operations))
    width = 1.96 * math.sqrt(n * p * (1 - p))
    return _table(_counted(alphas, kept, operations), n * p, n * p - width, n * p + width)


@wrong("08.12", "verdict-by-expectation")
def above_the_mean_is_more(alphas, kept, operations):
    answer = frequency_with_counter(alphas, kept, operations)
    verdicts = {}
    for name, count in answer["counts"].items():
        verdicts[name] = "more" if count > answer["expected"] else "less"
    return {**answer, "verdicts": verdicts}


@wrong("08.12", "bounds-excluded")
def bounds_count_as_deviation(alphas, kept, operations):
    answer = frequency_with_counter(alphas, kept, operations)
    low, high = answer["low"], answer["high"]
    verdicts = {
        name: "more" if count >= high else "less" if count <= low else "chance"
        for name, count in answer["counts"].items()
    }
    return {**answer, "verdicts": verdicts}


@wrong("08.12", "weights-instead-of-choices")
def soft_counts(alphas, kept, operations):
    totals = alphas.softmax(-1)[kept].sum(0).tolist()
    counts = dict(zip(operations, totals, strict=True))
    del counts["none"]
    n, p = int(kept.sum()), 1 / len(counts)
    return _table(counts, n * p, *_range(n, p))


@wrong("08.12", "shares-instead-of-counts")
def shares(alphas, kept, operations):
    answer = frequency_with_counter(alphas, kept, operations)
    n = int(kept.sum())
    return {**answer, "counts": {name: c / n for name, c in answer["counts"].items()}}


@wrong("08.12", "not-a-verdict")
def prose_as_verdict(alphas, kept, operations):
    answer = frequency_with_counter(alphas, kept, operations)
    prose = dict.fromkeys(answer["counts"], "Separable convolutions dominate, as in the paper.")
    return {**answer, "verdicts": prose}


@right("08.12")
def frequency_with_counter(alphas, kept, operations):
    """Loops over runs and edges with a Counter."""
    seen = Counter()
    for run, mask in zip(alphas.tolist(), kept.tolist(), strict=True):
        for row, is_kept in zip(run, mask, strict=True):
            if is_kept:
                scores = {o: a for o, a in zip(operations, row, strict=True) if o != "none"}
                seen[max(scores, key=scores.get)] += 1
    counts = {name: seen[name] for name in _useful(operations)}
    n, p = sum(counts.values()), 1 / len(counts)
    return _table(counts, n * p, *_range(n, p))


@right("08.12")
def frequency_with_numpy(alphas, kept, operations):
    """numpy with bincount; the binomial by its recurrence."""
    rows = alphas.numpy()[kept.numpy()]
    names = _useful(operations)
    columns = np.array([operations.index(name) for name in names])
    counts = np.bincount(rows[:, columns].argmax(1), minlength=len(names))
    n, k_ops = counts.sum(), len(names)
    probability = [(1 - 1 / k_ops) ** n]
    for k in range(int(n)):
        probability.append(probability[-1] * (n - k) / (k + 1) / (k_ops - 1))
    total = np.cumsum(probability)
    return _table(
        dict(zip(names, counts, strict=True)),
        np.float64(n) / k_ops,
        np.searchsorted(total, 0.025),
        np.searchsorted(total, 0.975),
    )
