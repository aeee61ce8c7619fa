"""Answers to the exercises of chapter 05, as learners write them: wrong ones and right ones."""

from __future__ import annotations

from answer_book import AnswerBook

BOOK = AnswerBook()
wrong, right = BOOK.wrong, BOOK.right
wrong_values, right_value = BOOK.wrong_values, BOOK.right_value

# Mutants of the model answers that score full marks, and why each may.
NEARLY = "0.2 % off at most: the check allows 1 %"
NO_DIFFERENCE = "multiplied by a probability of 0"
SURVIVORS = {
    "05.1 'hours_per_child': 799 * 28 * 24 / 12800,": NEARLY,
    "05.1 'hours_per_child': 801 * 28 * 24 / 12800,": NEARLY,
    "05.1 'hours_per_child': 800 * 28 * 24 / 12799,": NEARLY,
    "05.1 'hours_per_child': 800 * 28 * 24 / 12801,": NEARLY,
    "05.1 'nasnet_saves': 799 * 28 / (450 * 4),": NEARLY,
    "05.1 'nasnet_saves': 801 * 28 / (450 * 4),": NEARLY,
    "05.1 'nasnet_saves': 800 * 28 / (449 * 4),": NEARLY,
    "05.1 'nasnet_saves': 800 * 28 / (451 * 4),": NEARLY,
    "05.3 score = np.eye(pi.shape[1])[tokens] - pi": "pi has the shape of the logits",
    "05.4 result.append(distances / (spread if spread > 1e-08 else 1))": "no spread is 1e-8",
    "05.4 result.append(distances / (spread if spread >= 1e-08 else 2))": "distances are 0 then",
    "05.4 worst, baseline, variance, result = (math.inf, None, 1.0, [])": "kept = 0 forgets it",
    "05.4 worst, baseline, variance, result = (math.inf, None, -1.0, [])": "kept = 0 forgets it",
    "05.5 independent -= (marginal * np.log(np.where(marginal > 0, marginal, 2))).sum()": (
        NO_DIFFERENCE
    ),
    "05.5 steps.append(-(joint * np.log(np.where(conditional > 0, conditional, 2))).sum())": (
        NO_DIFFERENCE
    ),
    "05.5 marginal = joint.reshape(-2, joint.shape[-1]).sum(axis=0)": (
        "numpy takes any negative size for the one that is left"
    ),
    "05.6 'value': updated[-1]}": "0-d tensors are taken too",
    "05.6 log_p = len(tokens)": "a constant has no gradient",
    "05.6 log_p = log_p + log_pi.gather(1, token[:, None])[:, -1]": "there is one column",
    "05.6 tables = [table.requires_grad_() for table in tables]": "the check sends copies",
    "05.6 updated = [parameter - learning_rate * gradient for parameter, gradient in "
    "zip([*tables, value], gradients, strict=False)]": "both are as long",
}
