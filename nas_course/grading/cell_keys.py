"""Keys of NAS-Bench-201 cells: the benchmark's own, and what mistaken ones would be.

canonical((3, 0, 0, 1, 0, 0))                 # "#+#+0"
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
NONE, SKIP = 0, 1
NAMES = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
OPERATIONS = len(NAMES)
Cell = tuple[int, ...]
Key = Callable[[Cell], Hashable]


def _node_by_node(term: Callable[[int, str], str], join: Callable[[list[str]], str]) -> Key:
    """Write the output of a cell: a term for each edge, the terms of a node joined."""

    def key(cell: Cell) -> str:
        written = {0: "0"}
        for target in (1, 2, 3):
            ends = zip(EDGES, cell, strict=True)
            written[target] = join([term(o, written[a]) for (a, b), o in ends if b == target])
        return written[3]

    return key


def _sum(terms: list[str]) -> str:
    return "+".join(sorted(terms))


def _term(operation: int, source: str) -> str:
    if operation == NONE or source == "#":
        return "#"
    return source if operation == SKIP else f"({source})@{NAMES[operation]}"


canonical = _node_by_node(_term, _sum)  # as `to_unique_str` of NAS-Bench-201's code writes it


def _without_dead(terms: list[str]) -> str:
    return _sum([term for term in terms if term != "#"]) or "#"


def _dead_if_all_are(terms: list[str]) -> str:
    return "#" if set(terms) == {"#"} else _sum(terms)


def _merged(terms: list[str]) -> str:
    """Sort all terms of a sum, also of those that a skip connection passed on."""
    parts: list[str] = []
    depth, part = 0, ""
    for letter in "+".join(terms):
        depth += (letter == "(") - (letter == ")")
        if letter == "+" and not depth:
            parts, part = [*parts, part], ""
        else:
            part += letter
    return "+".join(sorted([*parts, part]))


def _operation_first(operation: int, source: str) -> str:
    if operation == NONE or source == "#":
        return "#"
    return source if operation == SKIP else f"{NAMES[operation]}({source})"


def _nested(cell: Cell) -> Hashable:
    """Write a node as the sorted tuple of its terms."""
    written: dict[int, Any] = {0: "0"}
    for target in (1, 2, 3):
        terms = [
            _nested_term(operation, written[source])
            for (source, end), operation in zip(EDGES, cell, strict=True)
            if end == target
        ]
        written[target] = tuple(sorted(terms, key=str)) if target > 1 else terms[0]
    return written[3]


def _nested_term(operation: int, source: Any) -> Any:
    if operation == NONE or source == "#":
        return "#"
    return source if operation == SKIP else (source, NAMES[operation])


def _paths(cell: Cell) -> Hashable:
    found: dict[int, set[tuple[int, ...]]] = {0: {()}, 1: set(), 2: set(), 3: set()}
    for (source, target), operation in zip(EDGES, cell, strict=True):
        if operation != NONE:
            step = () if operation == SKIP else (operation,)
            found[target] |= {(*way, *step) for way in found[source]}
    return frozenset(found[3])


def _output_sorted(cell: Cell) -> Hashable:
    written = {0: "0"}
    for target in (1, 2, 3):
        ends = zip(EDGES, cell, strict=True)
        terms = [_term(o, written[a]) for (a, b), o in ends if b == target]
        written[target] = _sum(terms) if target == 3 else "+".join(terms)
    return written[3]


@dataclass(frozen=True)
class KeyMistake:
    """A wrong key, the code of its mistake, and what the learner reads."""

    code: str
    key: Key
    cause: str
    next_step: str


MISTAKES = (
    KeyMistake(
        "one-key-for-all",
        lambda cell: 0,
        "Every cell gets the same key.",
        "Build the key from the operations.",
    ),
    KeyMistake(
        "every-cell-its-own",
        lambda cell: cell,
        "Every cell gets a key of its own: the six numbers are in it, or numbers of nodes.",
        "Return the text of node 3 alone, with the text of each source in place of its number.",
    ),
    KeyMistake(
        "operations-only",
        lambda cell: tuple(sorted(cell)),
        "The key counts operations and forgets where they stand.",
        "Write node by node what is computed from what.",
    ),
    KeyMistake(
        "sum-keeps-its-order",
        _node_by_node(_term, "+".join),
        "The terms of a sum are written in the order of the edges. A sum has no order.",
        "Sort the terms of each node before you join them.",
    ),
    KeyMistake(
        "only-the-output-sorted",
        _output_sorted,
        "Only the terms of node 3 are sorted. Node 2 is a sum too.",
        "Sort at every node.",
    ),
    KeyMistake(
        "skip-is-written",
        _node_by_node(
            lambda o, s: "#" if o == NONE or s == "#" else f"({s})@{NAMES[o]}",
            _sum,
        ),
        "A skip connection is written like an operation. It changes nothing.",
        "For operation 1 the term is the text of the source itself.",
    ),
    KeyMistake(
        "none-remembers-its-source",
        _node_by_node(lambda o, s: s if o == SKIP else f"({s})@{NAMES[o]}", _sum),
        "An edge `none` is written with its source. It is zero, wherever it comes from.",
        "For operation 0 the term is '#'.",
    ),
    KeyMistake(
        "dead-source-alive",
        _node_by_node(
            lambda o, s: "#" if o == NONE else s if o == SKIP else f"({s})@{NAMES[o]}",
            _sum,
        ),
        "An operation on a node that is '#' is written as if there were something to work on.",
        "If the text of the source is '#', so is the term.",
    ),
    KeyMistake(
        "none-passes-its-source-on",
        _node_by_node(lambda o, s: s if o in (NONE, SKIP) else f"({s})@{NAMES[o]}", _sum),
        "An edge `none` passes its source on, as a skip connection does.",
        "For operation 0 the term is '#'.",
    ),
    KeyMistake(
        "skip-cuts",
        _node_by_node(
            lambda o, s: "#" if o in (NONE, SKIP) or s == "#" else f"({s})@{NAMES[o]}", _sum
        ),
        "A skip connection is written as if it were `none`.",
        "For operation 1 the term is the text of the source itself.",
    ),
    KeyMistake(
        "dead-terms-left-out",
        _node_by_node(_term, _without_dead),
        "Terms '#' were left out of sums. That is true to what the network computes, but it is "
        "not the benchmark's rule: its 6,466 classes keep them.",
        "Keep '#' in the sum.",
    ),
    KeyMistake(
        "dead-sum-taken-as-dead",
        _node_by_node(_term, _dead_if_all_are),
        "A sum of dead terms was taken as dead. That is clever, but the benchmark's rule is not: "
        "only a text that is '#' and nothing else counts, so '#+#' does not.",
        "Compare the whole text of the source with '#'.",
    ),
    KeyMistake(
        "sums-merged",
        _node_by_node(_term, _merged),
        "A sum that a skip connection passed on was merged with the sum that reads it. That is "
        "true to what is computed, but the benchmark keeps it together as one term.",
        "The text of the source is one term, even if there is a '+' in it.",
    ),
    KeyMistake(
        "terms-counted-once",
        _node_by_node(_term, lambda terms: _sum(list(set(terms)))),
        "Equal terms of a sum were written once. x + x is not x.",
        "Keep every term: sort a list, not a set.",
    ),
    KeyMistake(
        "brackets-forgotten",
        _node_by_node(
            lambda o, s: "#" if o == NONE or s == "#" else s if o == SKIP else f"{s}@{NAMES[o]}",
            _sum,
        ),
        "There are no brackets round the source, so a + b and then an operation reads like a, and "
        "b with the operation.",
        "Write '(' + source + ')@' + operation.",
    ),
    KeyMistake(
        "numbers-for-names",
        _node_by_node(lambda o, s: _term(o, s).replace(f"@{NAMES[o]}", f"@{o}"), _sum),
        "The operations are written as numbers. They sort otherwise than the names, and a sum "
        "that was passed on has no brackets, so the order decides what runs together.",
        "Write NAMES[operation].",
    ),
    KeyMistake(
        "operation-first",
        _node_by_node(_operation_first, _sum),
        "The operation is written before its source. Such terms sort otherwise, and a sum that "
        "was passed on has no brackets, so the order decides what runs together.",
        "Write '(' + source + ')@' + name.",
    ),
    KeyMistake(
        "terms-kept-apart",
        _nested,
        "A sum that was passed on stays a thing of its own, in brackets or in a tuple. In the "
        "benchmark's text it has none, so some different sums read alike.",
        "Return the text, joined with '+' and without brackets round a sum.",
    ),
    KeyMistake(
        "paths-only",
        _paths,
        "The key is the set of paths from input to output. Where they part and meet is lost.",
        "Write node by node, each as the sum of its terms.",
    ),
)
