"""Answers to the exercises of chapter 02, as learners write them: wrong ones and right ones."""

from __future__ import annotations

from answer_book import AnswerBook

BOOK = AnswerBook()
wrong, right = BOOK.wrong, BOOK.right
wrong_values, right_value = BOOK.wrong_values, BOOK.right_value

# Mutants of the model answers that score full marks, and why each may.
EQUAL = "the same value"
NOTATION = "other texts, the same classes"
SHORT = "a slice ends where the list ends"
SURVIVORS = {
    "02.1 'distinct': math.comb(2, 2) * 3 * 2 ** 4,": EQUAL,
    "02.1 'distinct': math.comb(2, 2) * math.comb(3, 1) * 2 ** 4,": EQUAL,
    "02.1 'written': 2 + 2,": EQUAL,
    "02.4 changed = sorted((pair, kept), key=lambda each: each[1])": "lists are taken too",
    "02.5 for node in (1, 2, 4):": SHORT,
    "02.5 for node in (1, 3, 3):": SHORT,
    "02.5 for node in (2, 2, 3):": SHORT,
    "02.5 terms.append(f'(?{source})@{name}')": NOTATION,
    "02.5 terms.append(f'({source})@?{name}')": NOTATION,
    "02.5 texts, remaining = (['0?'], iter(operations))": NOTATION,
    "02.5 texts.append('+?'.join(sorted(terms)))": NOTATION,
    "02.6 if free and rng.random() <= 0.5:": "differs with probability zero",
    "02.6 if free and rng.random() > 0.5:": "the other side of a fair coin",
    "02.6 node = sorted(((operation, source), kept), key=lambda pair: pair[1])": "lists too",
}
