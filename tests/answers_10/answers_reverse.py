"""Answers to 10.4: reverse mode through training steps."""

import numpy as np
import torch

from answers_10 import right, wrong


def forward(hessians, mixed, start, alpha, xi):
    w = start
    for h, b in zip(hessians, mixed, strict=True):
        w = w - xi * (h @ w - b @ alpha)
    return w


def backward(hessians, mixed, v, xi, carry=None):
    """The second loop; `carry` brings v from step t to the step before."""
    total, rows = 0, []
    for t in reversed(range(len(hessians))):
        total = total + xi * mixed[t].T @ v
        rows.append(total)
        v = v - xi * hessians[t] @ v if carry is None else carry(hessians, t, v)
    return np.array(rows)


def carried(case, carry):
    hessians, mixed, *_, xi, target = case
    return backward(hessians, mixed, forward(*case[:5]) - target, xi, carry)


def estimate(case):
    return carried(case, None)


@wrong("10.4", "products-reversed")
def as_numbered_in_the_report(hessians, mixed, start, alpha, xi, target):
    v, steps = forward(hessians, mixed, start, alpha, xi) - target, len(hessians)
    total, rows = 0, []
    for t in reversed(range(steps)):
        product = np.eye(len(v))
        for u in range(t + 1, steps):
            product = (np.eye(len(v)) - xi * hessians[u]) @ product
        total = total + xi * mixed[t].T @ product @ v
        rows.append(total)
    return np.array(rows)


@wrong("10.4", "walked-forwards")
def both_loops_forwards(hessians, mixed, start, alpha, xi, target):
    v = forward(hessians, mixed, start, alpha, xi) - target
    total, rows = np.zeros(mixed.shape[2]), []
    for h, b in zip(hessians, mixed, strict=True):
        total = total + xi * b.T @ v
        rows.append(total)
        v = v - xi * h @ v
    return rows


@wrong("10.4", "same-array-stored")
def stored_without_copies(hessians, mixed, start, alpha, xi, target):
    v = forward(hessians, mixed, start, alpha, xi) - target
    total, rows = np.zeros(mixed.shape[2]), []
    for h, b in zip(hessians[::-1], mixed[::-1], strict=True):
        total += xi * b.T @ v
        rows.append(total)
        v = v - xi * h @ v
    return rows


@wrong("10.4", "oldest-steps-kept")
def first_steps(*case):
    rows = estimate(case)
    terms = np.vstack([rows[:1], np.diff(rows, axis=0)])
    return np.cumsum(terms[::-1], axis=0)


@wrong("10.4", "rows-turned-round")
def full_gradient_first(*case):
    return estimate(case)[::-1].copy()


@wrong("10.4", "rows-not-summed")
def single_terms(*case):
    rows = estimate(case)
    return np.vstack([rows[:1], np.diff(rows, axis=0)])


@wrong("10.4", "sign-turned")
def minus(*case):
    return -estimate(case)


@wrong("10.4", "step-size-forgotten")
def without_xi(hessians, mixed, start, alpha, xi, target):
    v = forward(hessians, mixed, start, alpha, xi) - target
    return backward(hessians, mixed / xi, v, xi)


@wrong("10.4", "nothing-carried-back")
def same_v(*case):
    return carried(case, lambda h, t, v: v)


@wrong("10.4", "carried-back-too-early")
def lines_exchanged(hessians, mixed, start, alpha, xi, target):
    v = forward(hessians, mixed, start, alpha, xi) - target
    total, rows = 0, []
    for h, b in zip(hessians[::-1], mixed[::-1], strict=True):
        v = v - xi * h @ v
        total = total + xi * b.T @ v
        rows.append(total)
    return np.array(rows)


@wrong("10.4", "carried-back-uphill")
def growing(*case):
    return carried(case, lambda h, t, v: v + case[4] * h[t] @ v)


@wrong("10.4", "identity-forgotten")
def without_identity(*case):
    return carried(case, lambda h, t, v: -case[4] * h[t] @ v)


@wrong("10.4", "hessian-of-the-step-before")
def one_off(*case):
    return carried(case, lambda h, t, v: v - case[4] * h[max(t - 1, 0)] @ v)


@wrong("10.4", "one-hessian-for-all-steps")
def last_hessian(*case):
    return carried(case, lambda h, t, v: v - case[4] * h[-1] @ v)


@wrong("10.4", "validation-before-training")
def untrained(hessians, mixed, start, alpha, xi, target):
    return backward(hessians, mixed, start - target, xi)


@wrong("10.4", "one-training-step-missing")
def stopped_early(hessians, mixed, start, alpha, xi, target):
    w = forward(hessians[:-1], mixed[:-1], start, alpha, xi)
    return backward(hessians, mixed, w - target, xi)


@wrong("10.4", "trained-uphill")
def uphill(hessians, mixed, start, alpha, xi, target):
    return backward(hessians, mixed, forward(hessians, mixed, start, alpha, -xi) - target, xi)


@wrong("10.4", "trained-without-alpha")
def no_alpha(hessians, mixed, start, alpha, xi, target):
    w = forward(hessians, mixed, start, np.zeros_like(alpha), xi)
    return backward(hessians, mixed, w - target, xi)


@wrong("10.4", "wrong-shape")
def only_the_full_one(*case):
    return estimate(case)[-1]


@right("10.4")
def forward_mode(hessians, mixed, start, alpha, xi, target):
    """Carries the Jacobian dw/dalpha forward, once for each truncation."""
    v, steps = forward(hessians, mixed, start, alpha, xi) - target, len(hessians)
    rows = []
    for kept in range(1, steps + 1):
        jacobian = np.zeros(mixed.shape[1:])
        for h, b in zip(hessians[steps - kept :], mixed[steps - kept :], strict=True):
            jacobian = jacobian - xi * h @ jacobian + xi * b
        rows.append(jacobian.T @ v)
    return np.stack(rows)


@right("10.4")
def by_autograd(hessians, mixed, start, alpha, xi, target):
    """Cuts the graph before the last K steps and lets torch differentiate."""
    h, b, t = torch.tensor(hessians), torch.tensor(mixed), torch.tensor(target)
    rows = []
    for kept in range(1, len(hessians) + 1):
        a, w = torch.tensor(alpha, requires_grad=True), torch.tensor(start)
        for step in range(len(hessians)):
            if step == len(hessians) - kept:
                w = w.detach()
            w = w - xi * (h[step] @ w - b[step] @ a)
        rows.append(torch.autograd.grad((w - t).square().sum() / 2, a)[0])
    return torch.stack(rows)
