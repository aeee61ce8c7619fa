"""Answers to the exercises of chapter 01, as learners write them: wrong ones and right ones."""

from __future__ import annotations

from answer_book import AnswerBook

BOOK = AnswerBook()
wrong, right = BOOK.wrong, BOOK.right
wrong_values, right_value = BOOK.wrong_values, BOOK.right_value

# Mutants of the model answers that score full marks, and why each may.
NEARLY = "0.06 % off at most: the check allows 1 %"
SURVIVORS = {
    "01.6 chosen = np.argmax(valid)": "numpy integers are taken too",
    "01.7 direction = -probabilities": "minus makes a new array already",
    "01.8 claims = {'smallest': 1801 / 4,": NEARLY,
    "01.8 claims = {'smallest': 1799 / 4,": NEARLY,
    "01.8 'largest': 22401 / 1.5,": NEARLY,
    "01.8 'largest': 22399 / 1.5,": NEARLY,
    "01.8 'evolution_smallest': 3151 / 4,": NEARLY,
    "01.8 'evolution_smallest': 3149 / 4,": NEARLY,
}
