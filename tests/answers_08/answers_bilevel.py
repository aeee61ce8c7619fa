"""Answers to 08.6: one iteration of second-order DARTS."""

import numpy as np
import torch

from answers_08 import right, wrong


def _finish(problem, weights, alpha, step_size, alpha_rate, gradient):
    alpha = alpha - alpha_rate * gradient
    weights = weights - step_size * problem.train_gradients(weights, alpha)[0]
    return gradient, alpha, weights


def _product(problem, weights, alpha, v):
    eps = 0.01 / np.linalg.norm(v)
    p = problem.train_gradients(weights + eps * v, alpha)[1]
    n = problem.train_gradients(weights - eps * v, alpha)[1]
    return (p - n) / (2 * eps)


@wrong("08.6", "second-term-missing")
def direct_term_at_unrolled_weights(problem, weights, alpha, step_size, alpha_rate):
    unrolled = weights - step_size * problem.train_gradients(weights, alpha)[0]
    gradient = problem.valid_gradients(unrolled, alpha)[1]
    return _finish(problem, weights, alpha, step_size, alpha_rate, gradient)


@wrong("08.6", "first-order-only")
def first_order(problem, weights, alpha, step_size, alpha_rate):
    gradient = problem.valid_gradients(weights, alpha)[1]
    return _finish(problem, weights, alpha, step_size, alpha_rate, gradient)


@wrong("08.6", "second-term-sign")
def minus_minus_plus(problem, weights, alpha, step_size, alpha_rate):
    unrolled = weights - step_size * problem.train_gradients(weights, alpha)[0]
    v, direct = problem.valid_gradients(unrolled, alpha)
    eps = 0.01 / np.linalg.norm(v)
    p = problem.train_gradients(weights + eps * v, alpha)[1]
    n = problem.train_gradients(weights - eps * v, alpha)[1]
    gradient = direct - step_size * (n - p) / (2 * eps)
    return _finish(problem, weights, alpha, step_size, alpha_rate, gradient)


@wrong("08.6", "step-size-missing")
def no_step_size(problem, weights, alpha, step_size, alpha_rate):
    unrolled = weights - step_size * problem.train_gradients(weights, alpha)[0]
    v, direct = problem.valid_gradients(unrolled, alpha)
    gradient = direct - _product(problem, weights, alpha, v)
    return _finish(problem, weights, alpha, step_size, alpha_rate, gradient)


@wrong("08.6", "multiplied-by-epsilon")
def the_famous_bug(problem, weights, alpha, step_size, alpha_rate):
    unrolled = weights - step_size * problem.train_gradients(weights, alpha)[0]
    v, direct = problem.valid_gradients(unrolled, alpha)
    eps = 0.01 / np.linalg.norm(v)
    p = problem.train_gradients(weights + eps * v, alpha)[1]
    n = problem.train_gradients(weights - eps * v, alpha)[1]
    gradient = direct - step_size * (p - n) / 2.0 * eps
    return _finish(problem, weights, alpha, step_size, alpha_rate, gradient)


@wrong("08.6", "difference-not-divided")
def only_a_difference(problem, weights, alpha, step_size, alpha_rate):
    unrolled = weights - step_size * problem.train_gradients(weights, alpha)[0]
    v, direct = problem.valid_gradients(unrolled, alpha)
    eps = 0.01 / np.linalg.norm(v)
    p = problem.train_gradients(weights + eps * v, alpha)[1]
    n = problem.train_gradients(weights - eps * v, alpha)[1]
    return _finish(problem, weights, alpha, step_size, alpha_rate, direct - step_size * (p - n))


@wrong("08.6", "divided-by-one-epsilon")
def one_epsilon(problem, weights, alpha, step_size, alpha_rate):
    unrolled = weights - step_size * problem.train_gradients(weights, alpha)[0]
    v, direct = problem.valid_gradients(unrolled, alpha)
    gradient = direct - step_size * _product(problem, weights, alpha, v) * 2
    return _finish(problem, weights, alpha, step_size, alpha_rate, gradient)


@wrong("08.6", "epsilon-not-scaled")
def fixed_epsilon(problem, weights, alpha, step_size, alpha_rate):
    unrolled = weights - step_size * problem.train_gradients(weights, alpha)[0]
    v, direct = problem.valid_gradients(unrolled, alpha)
    p = problem.train_gradients(weights + 0.01 * v, alpha)[1]
    n = problem.train_gradients(weights - 0.01 * v, alpha)[1]
    gradient = direct - step_size * (p - n) / 0.02
    return _finish(problem, weights, alpha, step_size, alpha_rate, gradient)


@wrong("08.6", "epsilon-times-length")
def epsilon_grows(problem, weights, alpha, step_size, alpha_rate):
    unrolled = weights - step_size * problem.train_gradients(weights, alpha)[0]
    v, direct = problem.valid_gradients(unrolled, alpha)
    eps = 0.01 * np.sqrt((v**2).sum())
    p = problem.train_gradients(weights + eps * v, alpha)[1]
    n = problem.train_gradients(weights - eps * v, alpha)[1]
    gradient = direct - step_size * (p - n) / (2 * eps)
    return _finish(problem, weights, alpha, step_size, alpha_rate, gradient)


@wrong("08.6", "product-of-validation-loss")
def validation_curvature(problem, weights, alpha, step_size, alpha_rate):
    unrolled = weights - step_size * problem.train_gradients(weights, alpha)[0]
    v, direct = problem.valid_gradients(unrolled, alpha)
    eps = 0.01 / np.linalg.norm(v)
    p = problem.valid_gradients(weights + eps * v, alpha)[1]
    n = problem.valid_gradients(weights - eps * v, alpha)[1]
    gradient = direct - step_size * (p - n) / (2 * eps)
    return _finish(problem, weights, alpha, step_size, alpha_rate, gradient)


@wrong("08.6", "validation-at-old-weights")
def never_unrolled(problem, weights, alpha, step_size, alpha_rate):
    v, direct = problem.valid_gradients(weights, alpha)
    gradient = direct - step_size * _product(problem, weights, alpha, v)
    return _finish(problem, weights, alpha, step_size, alpha_rate, gradient)


@wrong("08.6", "direct-term-at-old-weights")
def half_unrolled(problem, weights, alpha, step_size, alpha_rate):
    unrolled = weights - step_size * problem.train_gradients(weights, alpha)[0]
    v = problem.valid_gradients(unrolled, alpha)[0]
    direct = problem.valid_gradients(weights, alpha)[1]
    gradient = direct - step_size * _product(problem, weights, alpha, v)
    return _finish(problem, weights, alpha, step_size, alpha_rate, gradient)


@wrong("08.6", "perturbed-around-unrolled-weights")
def around_unrolled(problem, weights, alpha, step_size, alpha_rate):
    unrolled = weights - step_size * problem.train_gradients(weights, alpha)[0]
    v, direct = problem.valid_gradients(unrolled, alpha)
    gradient = direct - step_size * _product(problem, unrolled, alpha, v)
    return _finish(problem, weights, alpha, step_size, alpha_rate, gradient)


@wrong("08.6", "unrolled-uphill")
def ascends(problem, weights, alpha, step_size, alpha_rate):
    unrolled = weights + step_size * problem.train_gradients(weights, alpha)[0]
    v, direct = problem.valid_gradients(unrolled, alpha)
    gradient = direct - step_size * _product(problem, weights, alpha, v)
    return _finish(problem, weights, alpha, step_size, alpha_rate, gradient)


def _right_gradient(problem, weights, alpha, step_size):
    unrolled = weights - step_size * problem.train_gradients(weights, alpha)[0]
    v, direct = problem.valid_gradients(unrolled, alpha)
    return direct - step_size * _product(problem, weights, alpha, v)


@wrong("08.6", "alpha-uphill")
def alpha_ascends(problem, weights, alpha, step_size, alpha_rate):
    gradient = _right_gradient(problem, weights, alpha, step_size)
    alpha = alpha + alpha_rate * gradient
    return gradient, alpha, weights - step_size * problem.train_gradients(weights, alpha)[0]


@wrong("08.6", "alpha-step-with-weight-rate")
def one_rate_for_all(problem, weights, alpha, step_size, alpha_rate):
    gradient = _right_gradient(problem, weights, alpha, step_size)
    return _finish(problem, weights, alpha, step_size, step_size, gradient)


@wrong("08.6", "weights-left-at-minus")
def in_place_and_not_restored(problem, weights, alpha, step_size, alpha_rate):
    unrolled = weights - step_size * problem.train_gradients(weights, alpha)[0]
    v, direct = problem.valid_gradients(unrolled, alpha)
    eps = 0.01 / np.linalg.norm(v)
    weights += eps * v
    p = problem.train_gradients(weights, alpha)[1]
    weights -= 2 * eps * v
    n = problem.train_gradients(weights, alpha)[1]
    gradient = direct - step_size * (p - n) / (2 * eps)
    return _finish(problem, weights, alpha, step_size, alpha_rate, gradient)


@wrong("08.6", "weights-step-from-unrolled")
def keeps_the_unrolled_weights(problem, weights, alpha, step_size, alpha_rate):
    gradient = _right_gradient(problem, weights, alpha, step_size)
    unrolled = weights - step_size * problem.train_gradients(weights, alpha)[0]
    return _finish(problem, unrolled, alpha, step_size, alpha_rate, gradient)


@wrong("08.6", "weights-step-with-old-alpha")
def reuses_the_look_ahead(problem, weights, alpha, step_size, alpha_rate):
    gradient = _right_gradient(problem, weights, alpha, step_size)
    unrolled = weights - step_size * problem.train_gradients(weights, alpha)[0]
    return gradient, alpha - alpha_rate * gradient, unrolled


@wrong("08.6", "weights-step-on-validation")
def trains_on_validation(problem, weights, alpha, step_size, alpha_rate):
    gradient = _right_gradient(problem, weights, alpha, step_size)
    alpha = alpha - alpha_rate * gradient
    return gradient, alpha, weights - step_size * problem.valid_gradients(weights, alpha)[0]


@wrong("08.6", "weights-not-stepped")
def only_alpha(problem, weights, alpha, step_size, alpha_rate):
    gradient = _right_gradient(problem, weights, alpha, step_size)
    return gradient, alpha - alpha_rate * gradient, weights


@wrong("08.6", "weights-uphill")
def weights_ascend(problem, weights, alpha, step_size, alpha_rate):
    gradient = _right_gradient(problem, weights, alpha, step_size)
    alpha = alpha - alpha_rate * gradient
    return gradient, alpha, weights + step_size * problem.train_gradients(weights, alpha)[0]


@wrong("08.6", "wrong-parts")
def forgets_the_gradient(problem, weights, alpha, step_size, alpha_rate):
    return in_dict(problem, weights, alpha, step_size, alpha_rate)["alpha"]


@right("08.6")
def in_dict(problem, weights, alpha, step_size, alpha_rate):
    """In place but restored, handed in as a dict."""
    start = weights.copy()
    weights -= step_size * problem.train_gradients(weights, alpha)[0]
    v, gradient = problem.valid_gradients(weights, alpha)
    eps = 0.01 / np.sqrt(v @ v)
    ends = []
    for sign in (1, -1):
        weights[:] = start + sign * eps * v
        ends.append(problem.train_gradients(weights, alpha)[1])
    weights[:] = start
    gradient = gradient - step_size * (ends[0] - ends[1]) * 0.5 / eps
    alpha = alpha - alpha_rate * gradient
    weights -= step_size * problem.train_gradients(weights, alpha)[0]
    return {"weights": weights, "alpha": alpha, "gradient": gradient}


@right("08.6")
def with_tensors(problem, weights, alpha, step_size, alpha_rate):
    """In torch, with the distance of the two points fixed first, as a list of lists."""
    w, a = torch.tensor(weights), torch.tensor(alpha)

    def gradients(method, at, architecture):
        return [torch.tensor(part) for part in method(at.numpy(), architecture.numpy())]

    ahead = w - step_size * gradients(problem.train_gradients, w, a)[0]
    v, direct = gradients(problem.valid_gradients, ahead, a)
    step = 0.01 * v / v.norm()
    plus = gradients(problem.train_gradients, w + step, a)[1]
    minus = gradients(problem.train_gradients, w - step, a)[1]
    gradient = direct - step_size * (plus - minus) * v.norm() / 0.02
    a = a - alpha_rate * gradient
    w = w - step_size * gradients(problem.train_gradients, w, a)[0]
    return [gradient.tolist(), a.tolist(), w.tolist()]
