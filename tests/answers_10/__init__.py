"""Answers to the exercises of chapter 10, as learners write them: wrong ones and right ones."""

from __future__ import annotations

from answer_book import AnswerBook

BOOK = AnswerBook()
wrong, right = BOOK.wrong, BOOK.right
wrong_values, right_value = BOOK.wrong_values, BOOK.right_value

# Mutants of the model answers that score full marks, and why each may.
ONE = "there is one tensor in the tuple"
LIST = "lists of rows are taken too"
COPIES = "the check sends copies"
SAME = "alpha and its leaf are equal"
SURVIVORS = {
    "10.3 mixed = torch.autograd.grad(q, [a], p, retain_graph=True)[-1]": ONE,
    "10.3 return rows": LIST,
    "10.3 v = v - step_size * torch.autograd.grad(q, [w], v, retain_graph=True)[-1]": ONE,
    "10.3 w, a = (weights.clone().requires_grad_(), alpha.requires_grad_())": COPIES,
    "10.3 w, a = (weights.requires_grad_(), alpha.clone().requires_grad_())": COPIES,
    "10.4 for h, b in zip(hessians, mixed, strict=False):": "both are as long",
    "10.4 for h, b in zip(hessians[::-1], mixed[::-1], strict=False):": "both are as long",
    "10.4 return rows": LIST,
    "10.5 direct, v = torch.autograd.grad(valid_loss(w, a), [a, w], materialize_grads=False)": (
        "alpha is in every validation loss of the check"
    ),
    "10.5 w, a = ((matrix @ alpha + bias).requires_grad_(), alpha.requires_grad_())": COPIES,
    "10.6 q, = torch.autograd.grad(train_loss(w, alpha), [w], create_graph=True)": SAME,
    "10.6 trained = w.clone()": "a graph does not change what is returned",
    "10.6 v = v - learning_rate * torch.autograd.grad(q, [w], v, retain_graph=True)[-1]": ONE,
    "10.6 w, a = (weights.clone().requires_grad_(), alpha.requires_grad_())": COPIES,
    "10.6 w, a = (weights.requires_grad_(), alpha.clone().requires_grad_())": COPIES,
    "10.6 w.grad, = torch.autograd.grad(train_loss(w, alpha), [w])": SAME,
}
