"""Answers to 10.5: an iteration with a linear hypernetwork."""

import torch

from answers_10 import right, wrong

KEYS = ("direct", "response", "alpha", "matrix", "bias")


def gradients(loss, w, a):
    w, a = w.detach().clone().requires_grad_(), a.detach().clone().requires_grad_()
    return torch.autograd.grad(loss(w, a), [w, a], materialize_grads=True)


def parts_of(case):
    _, valid, matrix, bias, alpha, _, _ = case
    v, direct = gradients(valid, matrix @ alpha + bias, alpha)
    return direct, matrix.T @ v


def teach(case, alpha):
    train, _, matrix, bias, _, rate, _ = case
    g, _ = gradients(train, matrix @ alpha + bias, alpha)
    return matrix - rate * torch.outer(g, alpha), bias - rate * g


def iterate(case, parts=None, along=None, teach=teach):
    """The iteration of somebody who gets one of its three pieces wrong."""
    direct, response = parts_of(case) if parts is None else parts
    gradient = direct + response if along is None else along(direct, response)
    alpha = case[4] - case[6] * gradient
    return direct, response, alpha, *teach(case, alpha)


@wrong("10.5", "direct-part-zero")
def as_in_the_report(*case):
    _, response = parts_of(case)
    return iterate(case, (torch.zeros_like(response), response))


@wrong("10.5", "alpha-moved-by-the-response-only")
def along_the_response(*case):
    return iterate(case, along=lambda direct, response: response)


@wrong("10.5", "alpha-moved-by-the-direct-part-only")
def first_order(*case):
    return iterate(case, along=lambda direct, response: direct)


@wrong("10.5", "response-counted-twice")
def attached(*case):
    _, valid, matrix, bias, alpha, _, _ = case
    a = alpha.clone().requires_grad_()
    (total,) = torch.autograd.grad(valid(matrix @ a + bias, a), [a])
    return iterate(case, (total, parts_of(case)[1]))


@wrong("10.5", "matrix-not-transposed")
def no_transpose(*case):
    _, valid, matrix, bias, alpha, _, _ = case
    v, direct = gradients(valid, matrix @ alpha + bias, alpha)
    square = matrix.shape[0] == matrix.shape[1]
    return iterate(case, (direct, matrix @ v if square else matrix.T @ v))


@wrong("10.5", "response-subtracted")
def minus_of_the_theorem(*case):
    direct, response = parts_of(case)
    return iterate(case, (direct, -response))


@wrong("10.5", "parts-of-the-training-loss")
def judged_by_training(*case):
    return iterate(case, parts_of((case[1], case[0], *case[2:])))


@wrong("10.5", "alpha-uphill")
def plus(*case):
    return iterate(case, along=lambda direct, response: -(direct + response))


@wrong("10.5", "rates-exchanged")
def exchanged(*case):
    return iterate((*case[:5], case[6], case[5]))


@wrong("10.5", "taught-at-the-old-alpha")
def old_alpha(*case):
    return iterate(case, teach=lambda case, alpha: teach(case, case[4]))


@wrong("10.5", "weights-not-generated-again")
def old_weights(*case):
    def learn(case, alpha):
        train, _, matrix, bias, old, rate, _ = case
        g, _ = gradients(train, matrix @ old + bias, alpha)
        return matrix - rate * torch.outer(g, alpha), bias - rate * g

    return iterate(case, teach=learn)


@wrong("10.5", "only-the-bias-learns")
def bias_only(*case):
    return iterate(case, teach=lambda case, alpha: (case[2], teach(case, alpha)[1]))


@wrong("10.5", "only-the-matrix-learns")
def matrix_only(*case):
    return iterate(case, teach=lambda case, alpha: (teach(case, alpha)[0], case[3]))


@wrong("10.5", "matrix-step-without-alpha")
def broadcast(*case):
    def learn(case, alpha):
        train, _, matrix, bias, _, rate, _ = case
        g, _ = gradients(train, matrix @ alpha + bias, alpha)
        return matrix - rate * g[:, None], bias - rate * g

    return iterate(case, teach=learn)


@wrong("10.5", "taught-uphill")
def hypernetwork_climbs(*case):
    return iterate((*case[:5], -case[5], case[6]))


@wrong("10.5", "taught-on-validation")
def leak(*case):
    return iterate(case, teach=lambda case, alpha: teach((case[1], *case[1:]), alpha))


@wrong("10.5", "wrong-shape")
def transposed_matrix(*case):
    *rest, matrix, bias = iterate(case)
    return *rest, matrix.T, bias


@wrong("10.5", "wrong-parts")
def three_parts(*case):
    return iterate(case)[2:]


@right("10.5")
def pieces(*case):
    """Two small functions, and a dict."""
    return dict(zip(KEYS, iterate(case), strict=True))


@right("10.5")
def with_parameters(train_loss, valid_loss, matrix, bias, alpha, learning_rate, alpha_rate):
    """Subtracts the direct part from the total; the hypernetwork learns by backward()."""
    a = alpha.clone().requires_grad_()
    (total,) = torch.autograd.grad(valid_loss(matrix @ a + bias, a), [a])
    a = alpha.clone().requires_grad_()
    fixed = matrix @ alpha + bias
    (direct,) = torch.autograd.grad(valid_loss(fixed, a), [a], materialize_grads=True)
    new = alpha - alpha_rate * total
    matrix, bias = (torch.nn.Parameter(tensor.clone()) for tensor in (matrix, bias))
    optimizer = torch.optim.SGD([matrix, bias], lr=learning_rate)
    train_loss(matrix @ new + bias, new).backward()
    optimizer.step()
    return [direct, total - direct, new, matrix.detach(), bias.detach().numpy()]
