"""Answers to 10.3: the Neumann series with Hessian-vector products."""

import torch

from answers_10 import right, wrong


def grad(value, by, vector=None):
    return torch.autograd.grad(
        value, [by], vector, retain_graph=True, create_graph=False, materialize_grads=True
    )[0]


class Problem:
    """What every answer below starts with."""

    def __init__(self, train_loss, valid_loss, weights, alpha):
        self.w, self.a = weights.clone().requires_grad_(), alpha.clone().requires_grad_()
        self.train, self.valid = train_loss(self.w, self.a), valid_loss(self.w, self.a)
        self.direct, self.v = grad(self.valid, self.a), grad(self.valid, self.w)
        (self.q,) = torch.autograd.grad(self.train, [self.w], create_graph=True)

    def hessian_times(self, v):
        return grad(self.q, self.w, v)

    def mixed_times(self, p):
        return grad(self.q, self.a, p)


def rows(case, multiply=None, first=None, factor=None):
    """The series with some lines exchanged; `factor` stands before the response."""
    *problem, gamma, terms = case
    at = Problem(*problem)
    multiply = multiply or (lambda at, v, gamma: v - gamma * at.hessian_times(v))
    v = p = at.v if first is None else first(at)
    factor = -gamma if factor is None else factor
    found = [at.direct + factor * at.mixed_times(p)]
    for _ in range(terms):
        v = multiply(at, v, gamma)
        p = p + v
        found.append(at.direct + factor * at.mixed_times(p))
    return torch.stack(found)


@wrong("10.3", "one-product-too-few")
def sum_from_zero(*case):
    *problem, gamma, terms = case
    at = Problem(*problem)
    v, p, found = at.v, torch.zeros_like(at.v), []
    for _ in range(terms + 1):
        found.append(at.direct - gamma * at.mixed_times(p))
        p = p + v
        v = v - gamma * at.hessian_times(v)
    return torch.stack(found)


@wrong("10.3", "one-product-too-many")
def product_before_the_row(*case):
    *problem, gamma, terms = case
    return rows((*problem, gamma, terms + 1))[1:]


@wrong("10.3", "terms-not-summed")
def last_term(*case):
    *problem, gamma, terms = case
    at = Problem(*problem)
    v, found = at.v, []
    for _ in range(terms + 1):
        found.append(at.direct - gamma * at.mixed_times(v))
        v = v - gamma * at.hessian_times(v)
    return torch.stack(found)


@wrong("10.3", "terms-averaged")
def mean(*case):
    *problem, gamma, terms = case
    at = Problem(*problem)
    vs = [at.v]
    for _ in range(terms):
        vs.append(vs[-1] - gamma * at.hessian_times(vs[-1]))
    means = [torch.stack(vs[: k + 1]).mean(dim=0) for k in range(terms + 1)]
    return torch.stack([at.direct - gamma * at.mixed_times(p) for p in means])


@wrong("10.3", "response-added")
def plus(*case):
    return rows(case, factor=case[4])


@wrong("10.3", "step-size-forgotten")
def no_gamma_before_the_sum(*case):
    return rows(case, factor=-1)


@wrong("10.3", "step-size-forgotten-in-the-series")
def no_gamma_in_the_series(*case):
    return rows(case, lambda at, v, gamma: v - at.hessian_times(v))


@wrong("10.3", "step-size-forgotten-twice")
def no_gamma(*case):
    return rows(case, lambda at, v, gamma: v - at.hessian_times(v), factor=-1)


@wrong("10.3", "series-with-a-plus")
def growing(*case):
    return rows(case, lambda at, v, gamma: v + gamma * at.hessian_times(v))


@wrong("10.3", "identity-forgotten")
def powers_of_the_hessian(*case):
    return rows(case, lambda at, v, gamma: gamma * at.hessian_times(v))


@wrong("10.3", "always-the-first-term")
def from_the_first(*case):
    return rows(case, lambda at, v, gamma: at.v - gamma * at.hessian_times(at.v))


@wrong("10.3", "direct-part-forgotten")
def response_only(*case):
    return rows(case) - Problem(*case[:4]).direct


@wrong("10.3", "hessian-of-the-validation-loss")
def other_hessian(*case):
    other = Problem(case[1], *case[1:4])
    return rows(case, lambda at, v, gamma: v - gamma * other.hessian_times(v))


@wrong("10.3", "mixed-of-the-validation-loss")
def other_mixed(*case):
    *problem, gamma, terms = case
    at, other = Problem(*problem), Problem(case[1], *case[1:4])
    at_zero = rows((*problem, gamma, terms), factor=0)
    v = p = at.v
    found = [other.mixed_times(p)]
    for _ in range(terms):
        v = v - gamma * at.hessian_times(v)
        p = p + v
        found.append(other.mixed_times(p))
    return at_zero - gamma * torch.stack(found)


@wrong("10.3", "training-gradient-first")
def from_training(*case):
    return rows(case, first=lambda at: at.q.detach())


@wrong("10.3", "direct-part-of-the-training-loss")
def direct_of_training(*case):
    at = Problem(*case[:4])
    return rows(case) - at.direct + grad(at.train, at.a)


@wrong("10.3", "wrong-shape")
def last_row(*case):
    return rows(case)[-1]


@right("10.3")
def richardson(*case):
    """Writes the sum as an iteration of its own: p <- v + (I - gamma H) p."""
    *problem, gamma, terms = case
    at = Problem(*problem)
    p, found = at.v, []
    for k in range(terms + 1):
        if k:
            p = at.v + p - gamma * at.hessian_times(p)
        found.append(at.direct - gamma * at.mixed_times(p))
    return [row.tolist() for row in found]


@right("10.3")
def with_torch_func(train_loss, valid_loss, weights, alpha, step_size, terms):
    """Uses torch.func: each product is the gradient of an inner product with q."""
    q = torch.func.grad(train_loss)
    v, direct = torch.func.grad(valid_loss, argnums=(0, 1))(weights, alpha)
    p, found = v, []
    for _ in range(terms + 1):
        mixed = torch.func.grad(lambda a, p=p: q(weights, a) @ p)(alpha)
        found.append(direct - step_size * mixed)
        v = v - step_size * torch.func.grad(lambda w, v=v: q(w, alpha) @ v)(weights)
        p = p + v
    return torch.stack(found).numpy()
