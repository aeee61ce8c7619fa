"""Answers to 05.5: the entropy of a policy over sequences."""

import itertools
import math

import numpy as np

from answers_05 import right, wrong


def entropies(table):
    return -(table * np.log(np.where(table > 0, table, 1))).sum(axis=-1)


def joints(conditionals):
    products = [conditionals[0]]
    for table in conditionals[1:]:
        products.append(products[-1][..., None] * table)
    return products


def marginals(conditionals):
    return [joint.sum(axis=tuple(range(joint.ndim - 1))) for joint in joints(conditionals)]


def steps(conditionals):
    weights = [np.ones(()), *joints(conditionals)]
    return [float((w * entropies(t)).sum()) for w, t in zip(weights, conditionals, strict=False)]


def answer(conditionals, each=None, **changes):
    each = steps(conditionals) if each is None else [float(step) for step in each]
    independent = float(sum(entropies(marginal) for marginal in marginals(conditionals)))
    return {"steps": each, "entropy": sum(each), "independent": independent} | changes


@wrong("05.5", "prefixes-averaged")
def mean_of_rows(conditionals):
    return answer(conditionals, [entropies(table).mean() for table in conditionals])


@wrong("05.5", "prefixes-summed")
def sum_of_rows(conditionals):
    return answer(conditionals, [entropies(table).sum() for table in conditionals])


@wrong("05.5", "likeliest-path-only")
def greedy(conditionals):
    each, prefix = [], ()
    for table in conditionals:
        each.append(entropies(table[prefix]))
        prefix += (int(table[prefix].argmax()),)
    return answer(conditionals, each)


@wrong("05.5", "first-row-only")
def first_rows(conditionals):
    return answer(conditionals, [entropies(t.reshape(-1, t.shape[-1])[0]) for t in conditionals])


@wrong("05.5", "last-token-for-the-prefix")
def forgets_the_first_tokens(conditionals):
    each, reach = [], np.ones(())
    for table in conditionals:
        each.append((reach * entropies(table)).sum())
        reach = table
    return answer(conditionals, each)


@wrong("05.5", "steps-cumulated")
def joint_entropies(conditionals):
    axes = [tuple(range(joint.ndim)) for joint in joints(conditionals)]
    each = [
        -(j * np.log(np.where(j > 0, j, 1))).sum(axis=a)
        for j, a in zip(joints(conditionals), axes, strict=True)
    ]
    return answer(conditionals, each)


@wrong("05.5", "steps-cumulated")
def running_sum(conditionals):
    return answer(conditionals, steps=np.cumsum(steps(conditionals)))


@wrong("05.5", "bits-not-nats")
def bits(conditionals):
    return {name: np.divide(v, math.log(2)) for name, v in answer(conditionals).items()}


@wrong("05.5", "negative-entropy")
def without_minus(conditionals):
    return {name: np.multiply(v, -1) for name, v in answer(conditionals).items()}


@wrong("05.5", "entropy-of-the-last-step")
def last_step(conditionals):
    return answer(conditionals, entropy=steps(conditionals)[-1])


@wrong("05.5", "entropy-averaged")
def mean_of_steps(conditionals):
    return answer(conditionals, entropy=np.mean(steps(conditionals)))


@wrong("05.5", "marginals-unweighted")
def mean_rows_as_marginals(conditionals):
    rows = [table.reshape(-1, table.shape[-1]).mean(axis=0) for table in conditionals]
    return answer(conditionals, independent=sum(entropies(row) for row in rows))


@wrong("05.5", "independent-not-computed")
def twice_the_same(conditionals):
    return answer(conditionals, independent=sum(steps(conditionals)))


@wrong("05.5", "entropies-exchanged")
def exchanged(conditionals):
    right_answer = answer(conditionals)
    return right_answer | {
        "entropy": right_answer["independent"],
        "independent": right_answer["entropy"],
    }


@wrong("05.5", "uniform-for-independent")
def log_of_the_number(conditionals):
    return answer(conditionals, independent=math.log(conditionals[-1].size))


@wrong("05.5", "difference-not-entropy")
def total_correlation(conditionals):
    right_answer = answer(conditionals)
    return right_answer | {"independent": right_answer["independent"] - right_answer["entropy"]}


@wrong("05.5", "zero-times-infinity")
def nan_for_zero(conditionals):
    with np.errstate(all="ignore"):
        each = [
            -(w[..., None] * t * np.log(t)).sum()
            for w, t in zip([np.ones(()), *joints(conditionals)], conditionals, strict=False)
        ]
    return answer(conditionals, each)


@wrong("05.5", "wrong-keys")
def one_number(conditionals):
    return sum(steps(conditionals))


@wrong("05.5", "wrong-shape")
def not_a_list(conditionals):
    return answer(conditionals, steps=sum(steps(conditionals)))


@right("05.5")
def enumeration(conditionals):
    """Enumerates all sequences; the steps are differences of entropies of longer prefixes."""
    cumulated, independent = [0.0], 0.0
    for length, table in enumerate(conditionals, start=1):
        total, marginal = 0.0, [0.0] * table.shape[-1]
        for sequence in itertools.product(*map(range, table.shape)):
            p = math.prod(float(conditionals[t][sequence[: t + 1]]) for t in range(length))
            total -= p * math.log(p) if p > 0 else 0.0
            marginal[sequence[-1]] += p
        cumulated.append(total)
        independent -= sum(p * math.log(p) for p in marginal if p > 0)
    return {
        "entropy": cumulated[-1],
        "independent": independent,
        "steps": np.diff(cumulated),
    }


@right("05.5")
def recursion(conditionals):
    """A recursive function over prefixes, which skips impossible ones."""
    each = [0.0] * len(conditionals)
    marginal = [np.zeros(table.shape[-1]) for table in conditionals]

    def visit(prefix, reach):
        step = len(prefix)
        if step == len(conditionals) or reach == 0:
            return
        for token, p in enumerate(conditionals[step][prefix]):
            marginal[step][token] += reach * p
            each[step] -= reach * p * np.log(p) if p > 0 else 0.0
            visit((*prefix, token), reach * p)

    visit((), 1.0)
    independent = sum(-(m[m > 0] * np.log(m[m > 0])).sum() for m in marginal)
    return {"steps": tuple(each), "entropy": np.sum(each), "independent": independent}
