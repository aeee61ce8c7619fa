"""Answers to 10.6: the repaired iDARTS iteration, and repairs that are not complete."""

import copy

import torch

from answers_10 import right, wrong


def grad(value, by, vector=None, graph=False):
    return torch.autograd.grad(
        value, [by], vector, retain_graph=True, create_graph=graph, materialize_grads=True
    )[0]


def train(case, w, a, steps=None):
    loss, rate, inner_steps = case[0], case[4], case[6]
    for _ in range(inner_steps if steps is None else steps):
        w = (w - rate * grad(loss(w, a), w)).detach().requires_grad_()
    return w


def iterate(
    case, *, training=train, quotient=None, put_back=None, series=None, sign=-1, distance=0.01
):
    """The iteration with some lines exchanged."""
    train_loss, valid_loss, weights, alpha, rate, alpha_rate, _, terms = case
    w, a = weights.clone().requires_grad_(), alpha.clone().requires_grad_()
    w = training(case, w, a)
    direct, v = grad(valid_loss(w, a), a), grad(valid_loss(w, a), w)
    q = grad(train_loss(w, a), w, graph=True)
    vs = [v]
    for _ in range(terms):
        vs.append(vs[-1] - rate * grad(q, w, vs[-1]))
    p = sum(vs) if series is None else series(vs, lambda v: v - rate * grad(q, w, v))
    epsilon = distance(p) if callable(distance) else distance / p.norm()
    plus, minus = (grad(train_loss(w + shift * p, a), a) for shift in (epsilon, -epsilon))
    quotient = quotient or (lambda difference, epsilon: difference / (2 * epsilon))
    gradient = direct + sign * rate * quotient(plus - minus, epsilon)
    left = w if put_back is None else put_back(w, epsilon, p, vs[-1])
    return {"weights": left.detach(), "alpha": alpha - alpha_rate * gradient}


def with_a_copy(case, w, a):
    optimizer = torch.optim.SGD([w], lr=case[4])
    for _ in range(case[6]):
        w.grad = grad(case[0](w, a), w)
        copy.deepcopy(optimizer).step()
    return w


def without_parentheses(difference, epsilon):
    return difference / 2 * epsilon


def along_v(w, epsilon, p, v):
    return w - epsilon * p + epsilon * v


@wrong("10.6", "nothing-repaired")
def as_it_was(*case):
    return iterate(case, training=with_a_copy, quotient=without_parentheses, put_back=along_v)


@wrong("10.6", "copied-optimizer-steps")
def copy_left(*case):
    return iterate(case, training=with_a_copy)


@wrong("10.6", "copied-optimizer-steps")
def copy_and_parentheses_left(*case):
    return iterate(case, training=with_a_copy, quotient=without_parentheses)


@wrong("10.6", "copied-optimizer-steps")
def copy_and_restore_left(*case):
    return iterate(case, training=with_a_copy, put_back=along_v)


@wrong("10.6", "multiplied-by-epsilon")
def parentheses_left(*case):
    return iterate(case, quotient=without_parentheses)


@wrong("10.6", "multiplied-by-epsilon")
def parentheses_and_restore_left(*case):
    return iterate(case, quotient=without_parentheses, put_back=along_v)


@wrong("10.6", "weights-not-put-back")
def restore_left(*case):
    return iterate(case, put_back=along_v)


@wrong("10.6", "weights-left-at-minus")
def never_put_back(*case):
    return iterate(case, put_back=lambda w, epsilon, p, v: w - epsilon * p)


@wrong("10.6", "weights-left-at-plus")
def put_back_too_far(*case):
    return iterate(case, put_back=lambda w, epsilon, p, v: w + epsilon * p)


@wrong("10.6", "divided-by-one-epsilon")
def one_epsilon(*case):
    return iterate(case, quotient=lambda difference, epsilon: difference / epsilon)


@wrong("10.6", "difference-not-divided")
def bare_difference(*case):
    return iterate(case, quotient=lambda difference, epsilon: difference)


@wrong("10.6", "epsilon-not-scaled")
def constant_epsilon(*case):
    return iterate(case, distance=lambda p: 0.01)


@wrong("10.6", "epsilon-times-length")
def multiplied_by_the_length(*case):
    return iterate(case, distance=lambda p: 0.01 * p.norm())


@wrong("10.6", "epsilon-too-large")
def far_apart(*case):
    return iterate(case, distance=1.0)


@wrong("10.6", "response-added")
def plus_response(*case):
    return iterate(case, sign=1)


@wrong("10.6", "last-term-only")
def without_the_sum(*case):
    return iterate(case, series=lambda vs, following: vs[-1])


@wrong("10.6", "one-product-too-many")
def one_more(*case):
    return iterate(case, series=lambda vs, following: sum(vs) + following(vs[-1]))


@wrong("10.6", "one-training-step-missing")
def stopped_early(*case):
    return iterate(case, training=lambda case, w, a: train(case, w, a, case[6] - 1))


@wrong("10.6", "one-training-step-only")
def from_the_start_each_time(*case):
    return iterate(case, training=lambda case, w, a: train(case, w, a, 1))


@wrong("10.6", "trained-after-alpha")
def alpha_first(*case):
    moved = iterate(case, training=lambda case, w, a: w)["alpha"]
    w = case[2].clone().requires_grad_()
    return {"weights": train(case, w, moved).detach(), "alpha": moved}


@wrong("10.6", "look-ahead-thrown-away")
def as_darts_does(*case):
    return iterate(case) | {"weights": case[2]}


@wrong("10.6", "wrong-parts")
def only_alpha(*case):
    return {"alpha": iterate(case)["alpha"]}


@right("10.6")
def with_copies(*case):
    """Works on copies throughout, so that nothing has to be put back."""
    return iterate(case)


@right("10.6")
def moved_back_along_p(*case):
    """The smallest repair of the third fault: the right vector, up to rounding."""
    return iterate(
        case, put_back=lambda w, epsilon, p, v: w + epsilon * p - 2 * epsilon * p + epsilon * p
    )


@right("10.6")
def without_a_difference(train_loss, valid_loss, weights, alpha, rate, alpha_rate, steps, terms):
    """Takes the mixed product from the graph of q, and an optimizer for the training."""
    w, a = torch.nn.Parameter(weights.clone()), alpha.clone().requires_grad_()
    optimizer = torch.optim.SGD([w], lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        train_loss(w, alpha).backward()
        optimizer.step()
    direct, v = torch.autograd.grad(valid_loss(w, a), [a, w])
    (q,) = torch.autograd.grad(train_loss(w, a), [w], create_graph=True)
    p = v.clone()
    for _ in range(terms):
        v = v - rate * torch.autograd.grad(q, [w], v, retain_graph=True)[0]
        p += v
    (mixed,) = torch.autograd.grad(q, [a], p)
    return w.detach(), alpha - alpha_rate * (direct - rate * mixed)
