"""Answers to the exercises of chapter 08, as learners write them: wrong ones and right ones."""

from __future__ import annotations

from answer_book import AnswerBook

BOOK = AnswerBook()
wrong, right = BOOK.wrong, BOOK.right
wrong_values, right_value = BOOK.wrong_values, BOOK.right_value

# Mutants of the model answers that score full marks, and why each may.
SURVIVORS = {
    "08.2 why_fast = {'search_factor': 2001 / 4,": "0.05 % off: the check allows 1 %",
    "08.2 why_fast = {'search_factor': 1999 / 4,": "0.05 % off: the check allows 1 %",
    "08.2 'whole_factor': 2001 / (4 + 1 + 1.5),": "0.05 % off: the check allows 1 %",
    "08.2 'whole_factor': 1999 / (4 + 1 + 1.5),": "0.05 % off: the check allows 1 %",
    "08.2 'sharing_factor': 2001 / 0.5,": "0.05 % off: the check allows 1 %",
    "08.2 'sharing_factor': 1999 / 0.5,": "0.05 % off: the check allows 1 %",
    "08.7 for node in {target for _, target in edges}:": "a set of small ints is walked in "
    "ascending order, so sorting it changes nothing",
    "08.7 weights = torch.log_softmax(alpha, dim=1)": "the logarithm keeps the order of weights, "
    "and only their order is used",
    "08.7 kept = sorted(rows, key=lambda row: strengths[row], reverse=True)[:2]": "0-d tensors "
    "compare like the floats in them",
    "08.8 for epoch in range(len(winners) - 5):": "winners and weights have the same length",
    "08.8 'stable_from': [first_stable_epoch(edge) for edge in range(winners.shape[1])]}": "the "
    "same number of edges",
    "08.10 'skip_strength': 1.1},": "any positive strength is a plan",
    "08.10 'seeds': [-1, 1, 2, 3, 4],": "any five different seeds will do",
    "08.10 'seeds': [0, 1, 2, 3, 5],": "any five different seeds will do",
    "08.12 low, high = ((cumulative < bound).sum() for bound in (0.025, 0.975))": "numpy integers "
    "are taken too",
    "08.12 likely = [math.comb(n, k) * p ** k * (1 - p) ** (n - k) for k in range(n + 2)]": "the "
    "extra probability is comb(n, n + 1) = 0",
    "08.12 likely = [math.comb(n, k) * p ** k * (1 - p) ** (n - k) for k in range(n + 0)]": "the "
    "last probability lies above both bounds, its absence is counted alike",
    "08.12 low, high = (int((cumulative <= bound).sum()) for bound in (0.025, 0.975))": "the sums "
    "have denominators 7^n or 2^n and never equal 1/40 or 39/40",
}
