"""Answers to 09.5: power iteration."""

import numpy as np
import torch

from answers_09 import right, wrong


def iterate(product, start, steps):
    v = start / start.norm()
    for _ in range(steps):
        w = product(v)
        v = w / w.norm() if w.norm() > 0 else w
    return v


def quotient(product, start, steps):
    v = iterate(product, start, steps)
    return float(v @ product(v))


def dense(product, start):
    return torch.stack([product(row) for row in torch.eye(len(start), dtype=torch.float64)])


@wrong("09.5", "sign-lost")
def length(product, start, steps):
    return float(product(iterate(product, start, steps)).norm())


@wrong("09.5", "sign-lost")
def size(product, start, steps):
    return abs(quotient(product, start, steps))


@wrong("09.5", "one-step-short")
def last_norm_of_before(product, start, steps):
    return quotient(product, start, max(steps - 1, 0))


@wrong("09.5", "one-step-more")
def one_more(product, start, steps):
    return quotient(product, start, steps + 1)


@wrong("09.5", "no-iteration")
def never_used(product, start, steps):
    return quotient(product, start, 0)


@wrong("09.5", "one-step-only")
def start_multiplied_again(product, start, steps):
    v = start / start.norm()
    for _ in range(steps):
        w = product(start)
        v = w / w.norm() if w.norm() > 0 else w
    return float(v @ product(v))


@wrong("09.5", "never-normalised")
def growing(product, start, steps):
    v = start
    for _ in range(steps):
        v = product(v)
    return float(v @ product(v))


@wrong("09.5", "start-not-normalised")
def start_as_it_is(product, start, steps):
    v = start
    for _ in range(steps):
        w = product(v)
        v = w / w.norm() if w.norm() > 0 else w
    return float(v @ product(v))


@wrong("09.5", "divided-by-the-largest-entry")
def largest_entry(product, start, steps):
    v = start / start.abs().max()
    for _ in range(steps):
        w = product(v)
        v = w / w.abs().max() if w.abs().max() > 0 else w
    return float(v @ product(v))


@wrong("09.5", "start-in-the-quotient")
def one_side(product, start, steps):
    return float(start / start.norm() @ product(iterate(product, start, steps)))


@wrong("09.5", "square-of-the-matrix")
def twice(product, start, steps):
    return quotient(lambda v: product(product(v)), start, steps)


@wrong("09.5", "exact-eigenvalue")
def from_the_dense_matrix(product, start, steps):
    values = torch.linalg.eigvalsh(dense(product, start))
    return float(values[values.abs().argmax()])


@wrong("09.5", "trace")
def sum_of_all(product, start, steps):
    return float(dense(product, start).trace())


@wrong("09.5", "overflow")
def divided_at_the_end(product, start, steps):
    v = start
    for _ in range(steps):
        v = product(v)
    return float(v @ product(v) / (v @ v))


@wrong("09.5", "zero-divided")
def zero_forgotten(product, start, steps):
    v = start / start.norm()
    for _ in range(steps):
        v = product(v) / product(v).norm()
    return float(v @ product(v))


@wrong("09.5", "not-a-number")
def direction(product, start, steps):
    return iterate(product, start, steps)


@right("09.5")
def with_torch(product, start, steps):
    """a 0-d tensor"""
    v = torch.nn.functional.normalize(start, dim=0)
    for _ in range(steps):
        v = torch.nn.functional.normalize(product(v), dim=0)
    return torch.dot(v, product(v))


@right("09.5")
def with_numpy(product, start, steps):
    """numpy, recursive"""
    v = start.numpy() / np.linalg.norm(start.numpy())
    w = product(torch.from_numpy(v)).numpy()
    if steps == 0 or not w.any():
        return float(v @ w)
    return with_numpy(product, torch.from_numpy(w), steps - 1)
