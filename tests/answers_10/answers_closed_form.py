"""Answers to 10.2: the exact hypergradient of a quadratic problem."""

import numpy as np
import torch

from answers_10 import right, wrong

solve = np.linalg.solve


def answer(w, r, direct, mixed, hessian):
    """The last lines of somebody whose w and r are given."""
    at_fixed, response = -direct.T @ r, mixed.T @ solve(hessian, r)
    return w, at_fixed, response, at_fixed + response


@wrong("10.2", "direct-left-out-of-the-sum")
def only_the_response(hessian, mixed, direct, target, alpha):
    w = solve(hessian, mixed @ alpha)
    r = w - direct @ alpha - target
    response = mixed.T @ solve(hessian, r)
    return w, -direct.T @ r, response, response


@wrong("10.2", "direct-called-zero")
def as_in_the_report(hessian, mixed, direct, target, alpha):
    w = solve(hessian, mixed @ alpha)
    response = mixed.T @ solve(hessian, w - direct @ alpha - target)
    return w, np.zeros(len(alpha)), response, response


@wrong("10.2", "response-left-out-of-the-sum")
def first_order(hessian, mixed, direct, target, alpha):
    w = solve(hessian, mixed @ alpha)
    r = w - direct @ alpha - target
    return w, -direct.T @ r, mixed.T @ solve(hessian, r), -direct.T @ r


@wrong("10.2", "direct-sign")
def plus_direct(hessian, mixed, direct, target, alpha):
    w = solve(hessian, mixed @ alpha)
    r = w - direct @ alpha - target
    response = mixed.T @ solve(hessian, r)
    return w, direct.T @ r, response, direct.T @ r + response


@wrong("10.2", "response-sign")
def minus_of_the_theorem(hessian, mixed, direct, target, alpha):
    w = solve(hessian, mixed @ alpha)
    r = w - direct @ alpha - target
    response = -mixed.T @ np.linalg.inv(hessian) @ r
    return w, -direct.T @ r, response, -direct.T @ r + response


@wrong("10.2", "inverse-forgotten-in-the-response")
def one_step(hessian, mixed, direct, target, alpha):
    w = solve(hessian, mixed @ alpha)
    r = w - direct @ alpha - target
    return w, -direct.T @ r, mixed.T @ r, (mixed - direct).T @ r


@wrong("10.2", "inverse-forgotten-in-the-weights")
def short_weights(hessian, mixed, direct, target, alpha):
    w = mixed @ alpha
    return answer(w, w - direct @ alpha - target, direct, mixed, hessian)


@wrong("10.2", "inverse-forgotten-everywhere")
def no_hessian(hessian, mixed, direct, target, alpha):
    w = mixed @ alpha
    return answer(w, w - direct @ alpha - target, direct, mixed, np.eye(len(w)))


@wrong("10.2", "reciprocals-for-the-inverse")
def one_over(hessian, mixed, direct, target, alpha):
    inverse = 1 / hessian
    w = inverse @ mixed @ alpha
    r = w - direct @ alpha - target
    response = mixed.T @ inverse @ r
    return w, -direct.T @ r, response, response - direct.T @ r


@wrong("10.2", "multiplied-by-the-hessian")
def not_solved(hessian, mixed, direct, target, alpha):
    w = hessian @ mixed @ alpha
    return answer(w, w - direct @ alpha - target, direct, mixed, np.linalg.inv(hessian))


@wrong("10.2", "multiplied-by-the-hessian")
def response_not_solved(hessian, mixed, direct, target, alpha):
    w = np.linalg.solve(hessian, mixed @ alpha)
    return answer(w, w - direct @ alpha - target, direct, mixed, np.linalg.inv(hessian))


@wrong("10.2", "diagonal-only")
def weight_by_weight(hessian, mixed, direct, target, alpha):
    diagonal = np.diag(np.diag(hessian))
    w = solve(diagonal, mixed @ alpha)
    return answer(w, w - direct @ alpha - target, direct, mixed, diagonal)


@wrong("10.2", "weights-of-the-validation-loss")
def best_for_validation(hessian, mixed, direct, target, alpha):
    w = direct @ alpha + target
    return answer(w, w - direct @ alpha - target, direct, mixed, hessian)


@wrong("10.2", "residual-without-alpha")
def residual_forgets(hessian, mixed, direct, target, alpha):
    w = solve(hessian, mixed @ alpha)
    return answer(w, w - target, direct, mixed, hessian)


@wrong("10.2", "residual-plus-target")
def residual_sign(hessian, mixed, direct, target, alpha):
    w = solve(hessian, mixed @ alpha)
    return answer(w, w - direct @ alpha + target, direct, mixed, hessian)


@wrong("10.2", "factor-two")
def square_not_halved(hessian, mixed, direct, target, alpha):
    w = solve(hessian, mixed @ alpha)
    return answer(w, 2 * (w - direct @ alpha - target), direct, mixed, hessian)


@wrong("10.2", "wrong-parts")
def only_the_gradient(*case):
    return by_autograd(*case)["gradient"].tolist()[:1] * 7


@wrong("10.2", "wrong-shape")
def jacobian(hessian, mixed, direct, target, alpha):
    w = solve(hessian, mixed @ alpha)
    r = w - direct @ alpha - target
    response = solve(hessian, mixed) * r[:, None]
    return w, -direct.T @ r, response, response


@right("10.2")
def by_autograd(hessian, mixed, direct, target, alpha):
    """Differentiates through torch.linalg.solve."""
    h, b, d, t = (torch.tensor(array) for array in (hessian, mixed, direct, target))
    a = torch.tensor(alpha, requires_grad=True)
    w = torch.linalg.solve(h, b @ a)
    (total,) = torch.autograd.grad((w - d @ a - t).square().sum() / 2, a)
    fixed = w.detach()
    (part,) = torch.autograd.grad((fixed - d @ a - t).square().sum() / 2, a)
    return {"weights": fixed, "direct": part, "response": total - part, "gradient": total}


@right("10.2")
def with_the_inverse(hessian, mixed, direct, target, alpha):
    """Computes the Jacobian dw/dalpha once and uses it three times."""
    jacobian = np.linalg.inv(hessian) @ mixed
    weights = jacobian @ alpha
    residual = weights - direct @ alpha - target
    gradient = (jacobian - direct).T @ residual
    response = [float(column @ residual) for column in jacobian.T]
    return [weights, -residual @ direct, response, gradient]
