"""Answers to 01.6 and 01.7: reporting a winner, and the push of a reward."""

import numpy as np
import torch

from answers_01 import right, wrong


def report(valid, test, chosen):
    return {
        "chosen": chosen,
        "reported": test[chosen],
        "optimism": valid[chosen] - test[chosen],
        "regret": test.max() - test[chosen],
    }


@wrong("01.6", "chosen-by-test")
def best_on_test(valid, test):
    return report(valid, test, test.argmax())


@wrong("01.6", "chosen-by-both")
def best_on_the_mean(valid, test):
    return report(valid, test, (valid + test).argmax())


@wrong("01.6", "worst-chosen")
def smallest(valid, test):
    return report(valid, test, valid.argmin())


@wrong("01.6", "validation-reported")
def reports_what_it_chose_by(valid, test):
    return report(valid, test, valid.argmax()) | {"reported": valid.max()}


@wrong("01.6", "validation-reported")
def everything_on_validation(valid, test):
    best = valid.max()
    return {
        "chosen": valid.argmax(),
        "reported": best,
        "optimism": 0.0,
        "regret": test.max() - best,
    }


@wrong("01.6", "best-test-reported")
def reports_the_best(valid, test):
    return report(valid, test, valid.argmax()) | {"reported": test.max()}


@wrong("01.6", "optimism-turned")
def test_minus_valid(valid, test):
    right_report = report(valid, test, valid.argmax())
    return right_report | {"optimism": -right_report["optimism"]}


@wrong("01.6", "optimism-without-sign")
def distance(valid, test):
    right_report = report(valid, test, valid.argmax())
    return right_report | {"optimism": abs(right_report["optimism"])}


@wrong("01.6", "optimism-of-all")
def mean_gap(valid, test):
    return report(valid, test, valid.argmax()) | {"optimism": np.mean(valid - test)}


@wrong("01.6", "regret-on-validation")
def against_the_best_validation(valid, test):
    chosen = valid.argmax()
    return report(valid, test, chosen) | {"regret": valid.max() - test[chosen]}


@wrong("01.6", "regret-always-zero")
def no_regret(valid, test):
    return report(valid, test, valid.argmax()) | {"regret": 0.0}


@wrong("01.6", "regret-turned")
def negative_regret(valid, test):
    right_report = report(valid, test, valid.argmax())
    return right_report | {"regret": -right_report["regret"]}


@right("01.6")
def sorted_pairs(valid, test):
    """Sorts the positions by validation score, in plain Python."""
    chosen = sorted(range(len(valid)), key=lambda k: -valid[k])[0]
    reported = float(test[chosen])
    return {
        "regret": float(max(test)) - reported,
        "optimism": float(valid[chosen]) - reported,
        "reported": reported,
        "chosen": chosen,
    }


@right("01.6")
def tensors(valid, test):
    """Works in torch and returns 0-d tensors."""
    valid, test = torch.tensor(valid), torch.tensor(test)
    return report(valid, test, valid.argmax())


@wrong("01.7", "baseline-ignored")
def reward_only(probabilities, chosen, reward, baseline):
    return reward * (np.eye(len(probabilities))[chosen] - probabilities)


@wrong("01.7", "baseline-added")
def baseline_plus(probabilities, chosen, reward, baseline):
    return (reward + baseline) * (np.eye(len(probabilities))[chosen] - probabilities)


@wrong("01.7", "pushed-the-other-way")
def as_a_loss(probabilities, chosen, reward, baseline):
    return (reward - baseline) * (probabilities - np.eye(len(probabilities))[chosen])


@wrong("01.7", "only-the-chosen-moves")
def others_stay(probabilities, chosen, reward, baseline):
    direction = np.zeros(len(probabilities))
    direction[chosen] = (reward - baseline) * (1 - probabilities[chosen])
    return direction


@wrong("01.7", "probabilities-forgotten")
def one_hot(probabilities, chosen, reward, baseline):
    return (reward - baseline) * np.eye(len(probabilities))[chosen]


@wrong("01.7", "one-forgotten")
def minus_p(probabilities, chosen, reward, baseline):
    return -(reward - baseline) * probabilities


@wrong("01.7", "gradient-of-p")
def without_the_logarithm(probabilities, chosen, reward, baseline):
    logits = torch.tensor(probabilities).log().requires_grad_()
    p = logits.softmax(0)[chosen]
    return (reward - baseline) * torch.autograd.grad(p, logits)[0]


@wrong("01.7", "gradient-of-probabilities")
def not_through_the_softmax(probabilities, chosen, reward, baseline):
    p = torch.tensor(probabilities, requires_grad=True)
    return (reward - baseline) * torch.autograd.grad(p[chosen].log(), p)[0]


@wrong("01.7", "size-of-the-advantage-only")
def absolute(probabilities, chosen, reward, baseline):
    return abs(reward - baseline) * (np.eye(len(probabilities))[chosen] - probabilities)


@wrong("01.7", "probabilities-changed")
def new_probabilities(probabilities, chosen, reward, baseline):
    step = (reward - baseline) * (np.eye(len(probabilities))[chosen] - probabilities)
    return probabilities + step


@wrong("01.7", "wrong-shape")
def chosen_entry(probabilities, chosen, reward, baseline):
    return (reward - baseline) * (1 - probabilities[chosen])


@right("01.7")
def by_autograd(probabilities, chosen, reward, baseline):
    """Differentiates log softmax of the logits log p."""
    logits = torch.tensor(np.log(probabilities), requires_grad=True)
    gain = (reward - baseline) * torch.log_softmax(logits, 0)[chosen]
    return torch.autograd.grad(gain, logits)[0]


@right("01.7")
def in_a_list(probabilities, chosen, reward, baseline):
    """A list comprehension over the options."""
    gap = reward - baseline
    return [gap * ((k == chosen) - float(p)) for k, p in enumerate(probabilities)]
