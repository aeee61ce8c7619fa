"""Answers to the exercises of chapter 04, as learners write them: wrong ones and right ones."""

from __future__ import annotations

from answer_book import AnswerBook

BOOK = AnswerBook()
wrong, right = BOOK.wrong, BOOK.right
wrong_values, right_value = BOOK.wrong_values, BOOK.right_value
