"""Answers to the exercises of chapter 04, as learners write them: wrong ones and right ones."""

from __future__ import annotations

from answer_book import AnswerBook

BOOK = AnswerBook()
wrong, right = BOOK.wrong, BOOK.right
wrong_values, right_value = BOOK.wrong_values, BOOK.right_value

# Mutants of the model answers that score full marks, and why each may.
AS_LONG = "all three arrays have one entry for each member"
SURVIVORS = {
    "04.4 share = ((below + equal) / len(below)) ** k - (below / len(values)) ** k": AS_LONG,
    "04.4 share = ((below + equal) / len(values)) ** k - (below / len(below)) ** k": AS_LONG,
    "04.4 equal = [(values == value).sum() for value in values]": "numpy adds a list too",
    "04.5 sample = [population[position] for position in content[-1]]": "an ask has one entry",
}
