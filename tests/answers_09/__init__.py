"""Answers to the exercises of chapter 09, as learners write them: wrong ones and right ones."""

from __future__ import annotations

from answer_book import AnswerBook

BOOK = AnswerBook()
wrong, right = BOOK.wrong, BOOK.right
wrong_values, right_value = BOOK.wrong_values, BOOK.right_value

# Mutants of the model answers that score full marks, and why each may.
SURVIVORS = {
    "09.2 for node in range(1, 6):": "no edge leads into node 1",
    "09.2 for node in range(2, 7):": "there is no node 6",
    "09.6 pi = pi": "the check sends copies",
    "09.6 pass": "the check sends copies",
    "09.7 delta = (delta + 2 * epsilon / steps / gradient.sign()).clamp(-epsilon, epsilon)": (
        "a sign is its own inverse"
    ),
    "09.7 return worst if loss(worst) >= loss(pi) else pi": "no losses are equal by chance",
}
