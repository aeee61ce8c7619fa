"""Answers to the exercises of chapter 12, as learners write them: wrong ones and right ones."""

from __future__ import annotations

from answer_book import AnswerBook

BOOK = AnswerBook()
wrong, right = BOOK.wrong, BOOK.right
wrong_values, right_value = BOOK.wrong_values, BOOK.right_value

# Mutants of the model answers that score full marks, and why each may.
NEARLY = "0.01 % off: the check allows 1 %"
ONE = "1 to any power is 1"
ANY_TYPE = "torch promotes whole numbers when the soft sample is subtracted"
SURVIVORS = {
    "12.1 'added': (0.5 ** 2 * 4 + 1 ** 1 * -2) / 2,": ONE,
    "12.1 'added': (0.5 ** 2 * 4 + 1 ** 3 * -2) / 2,": ONE,
    "12.1 'sigma': 1 / (24999 * 0.0001 + 1) ** 0.5,": NEARLY,
    "12.1 'sigma': 1 / (25001 * 0.0001 + 1) ** 0.5,": NEARLY,
    "12.4 return {'forward': np.eye(logits.shape[1])[powers.argmax(axis=1)],": (
        "the largest power is that of the largest sum"
    ),
    "12.7 mu, s = (np.zeros_like(N), np.zeros_like(target))": "one 0 for all parameters",
    "12.7 mu, s = (np.zeros_like(target), np.zeros_like(N))": "one 0 for all parameters",
    "12.8 hard = torch.nn.functional.one_hot(soft.argmax(), len(logits))": ANY_TYPE,
    "12.8 hard = torch.nn.functional.one_hot(soft.argmax(), len(logits)).to(temperature)": ANY_TYPE,
    "12.8 logits = logits.requires_grad_()": "the check sends copies",
    "12.8 return {'value': value,": "tensors with a graph are taken too",
    "12.8 soft = ((logits + gumbel) / temperature).softmax(dim=-1)": "there is one dimension",
}
