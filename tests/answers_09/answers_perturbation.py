"""Answers to 09.7: the worst mixture in the ball."""

import torch

from answers_09 import right, wrong


def onto(weights):
    positive = torch.clamp(weights, min=1e-7)
    return positive / positive.sum(dim=1, keepdim=True)


def slope(loss, p):
    p = p.detach().clone().requires_grad_()
    loss(p).backward()
    return p.grad


def attack(
    pi,
    start,
    loss,
    epsilon,
    steps,
    *,
    back=onto,
    hold=lambda delta, eps: delta.clamp(-eps, eps),
    rate=lambda eps, steps: 2 * eps / steps,
    move=torch.sign,
    look=lambda pi, delta: pi + delta,
    use=lambda new, old: new > old,
):
    """The ascent; a wrong answer has another part in one place."""
    delta = start
    for _ in range(steps):
        gradient = slope(loss, back(look(pi, delta)))
        delta = hold(delta + rate(epsilon, steps) * move(gradient), epsilon)
    worst = back(pi + delta)
    return worst if use(loss(worst), loss(pi)) else pi


@wrong("09.7", "nothing-perturbed")
def downhill_and_back(*case):
    return attack(*case, move=lambda gradient: -gradient.sign())


@wrong("09.7", "descends")
def downhill(*case):
    return attack(*case, move=lambda gradient: -gradient.sign(), use=lambda new, old: True)


@wrong("09.7", "ball-left")
def no_clip(*case):
    return attack(*case, hold=lambda delta, eps: delta)


@wrong("09.7", "ball-held-at-the-bottom-only")
def clip_below(*case):
    return attack(*case, hold=lambda delta, eps: delta.clamp(min=-eps))


@wrong("09.7", "gradient-without-sign")
def plain_gradient(*case):
    return attack(*case, move=lambda gradient: gradient)


@wrong("09.7", "half-steps")
def half(*case):
    return attack(*case, rate=lambda eps, steps: eps / steps)


@wrong("09.7", "whole-steps")
def whole(*case):
    return attack(*case, rate=lambda eps, steps: 2 * eps)


@wrong("09.7", "gradient-at-pi")
def one_gradient(*case):
    return attack(*case, look=lambda pi, delta: pi)


@wrong("09.7", "differentiated-through-the-mixture")
def by_delta(pi, start, loss, epsilon, steps):
    delta = start
    for _ in range(steps):
        leaf = delta.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(onto(pi + leaf)), leaf)
        delta = (delta + 2 * epsilon / steps * gradient.sign()).clamp(-epsilon, epsilon)
    worst = onto(pi + delta)
    return worst if loss(worst) > loss(pi) else pi


@wrong("09.7", "start-ignored")
def from_zero(pi, start, *rest):
    return attack(pi, torch.zeros_like(start), *rest)


@wrong("09.7", "one-round")
def single(pi, start, loss, epsilon, steps):
    return attack(pi, start, loss, epsilon, 1, rate=lambda eps, _: 2 * eps / steps)


@wrong("09.7", "no-round")
def random_smoothing(pi, start, loss, epsilon, steps):
    return attack(pi, start, loss, epsilon, 0)


@wrong("09.7", "one-round-more")
def off_by_one(pi, start, loss, epsilon, steps):
    return attack(pi, start, loss, epsilon, steps + 1, rate=lambda eps, _: 2 * eps / steps)


@wrong("09.7", "failed-attack-used")
def always(*case):
    return attack(*case, use=lambda new, old: True)


@wrong("09.7", "successful-attack-dropped")
def turned_round(*case):
    return attack(*case, use=lambda new, old: new <= old)


@wrong("09.7", "nothing-perturbed")
def unperturbed(pi, start, loss, epsilon, steps):
    return pi


@wrong("09.7", "not-normalised")
def clipped_only(*case):
    return attack(*case, back=lambda weights: weights.clamp(min=1e-7))


@wrong("09.7", "negative-weights")
def divided_only(*case):
    return attack(*case, back=lambda weights: weights / weights.sum(1, keepdim=True))


@wrong("09.7", "left-the-simplex")
def as_they_come(*case):
    return attack(*case, back=lambda weights: weights)


@wrong("09.7", "softmax-of-weights")
def softmax(*case):
    return attack(*case, back=lambda weights: weights.softmax(1))


@wrong("09.7", "columns-normalised")
def columns(*case):
    return attack(*case, back=lambda weights: onto(weights.T).T)


@wrong("09.7", "logits-perturbed")
def on_logits(pi, start, loss, epsilon, steps):
    logits, delta = pi.log(), start
    for _ in range(steps):
        gradient = slope(loss, (logits + delta).softmax(1))
        delta = (delta + 2 * epsilon / steps * gradient.sign()).clamp(-epsilon, epsilon)
    worst = (logits + delta).softmax(1)
    return worst if loss(worst) > loss(pi) else pi


@wrong("09.7", "simplex-in-the-loop")
def projected_in_every_round(pi, start, loss, epsilon, steps):
    found = pi + start
    for _ in range(steps):
        found = found + 2 * epsilon / steps * slope(loss, onto(found)).sign()
        found = onto(torch.minimum(torch.maximum(found, pi - epsilon), pi + epsilon))
    return found if loss(found) > loss(pi) else pi


@wrong("09.7", "row-emptied")
def floor_at_zero(*case):
    def back(weights):
        positive = weights.clamp(min=0)
        return positive / positive.sum(1, keepdim=True)

    return attack(*case, back=back)


@wrong("09.7", "row-emptied")
def floor_at_zero_always_used(*case):
    def back(weights):
        positive = weights.clamp(min=0)
        return positive / positive.sum(1, keepdim=True)

    return attack(*case, back=back, use=lambda new, old: not new <= old)


@right("09.7")
def with_backward(*case):
    """backward on a leaf, parts as functions"""
    return attack(*case)


@right("09.7")
def in_place(pi, start, loss, epsilon, steps):
    """in place, with detach and maximum"""
    delta, small = start.clone(), torch.tensor(1e-7, dtype=torch.float64)

    def mixture():
        rows = torch.maximum(pi + delta, small)
        return rows / rows.sum(-1, keepdim=True)

    for _ in range(steps):
        p = mixture().detach().requires_grad_(True)
        gradient = torch.autograd.grad(loss(p), [p])[0]
        delta += (2 * epsilon / steps) * torch.sign(gradient)
        delta.clamp_(-epsilon, epsilon)
    found = mixture()
    with torch.no_grad():
        return found if loss(found).item() > loss(pi).item() else pi.clone()
