"""Cells written node by node, `sep_conv_3x3(0) none(1) | ...`: text, checks, canonical.

    cell = parse_cell("normal cell", "sep_conv_3x3(0) skip_connect(1)")
    cell                                            # ((("sep_conv_3x3", 0), ("skip_connect", 1)),)

A cell has two inputs, 0 and 1. A node is the sum of operations, each applied to a node before it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from nas_course.errors import InvalidInput, one_of

INPUTS = 2
Input = tuple[str, int]  # operation, predecessor
Node = tuple[Input, ...]
Cell = tuple[Node, ...]
Wire = tuple[int, int, str]  # source, target, operation


def cell_text(cell: Cell) -> str:
    """Write a cell; `parse_cell` reads it."""
    return " | ".join(
        " ".join(f"{operation}({source})" for operation, source in node) for node in cell
    )


def parse_cell(where: str, text: str) -> Cell:
    """Read the nodes of a cell, separated by '|'.

    Raises
    ------
    InvalidInput
        If a token is not of the form operation(predecessor). Which operations and predecessors
        are allowed is checked by `check_node`.
    """
    return tuple(
        tuple(_parse_input(f"{where}, node {index}", token) for token in node.split())
        for index, node in enumerate(text.split("|"))
    )


def parse_cells(what: str, text: str, kinds: Sequence[str]) -> list[Cell]:
    """Read `kind: cell; kind: cell`, with exactly these kinds in this order."""
    parts = [part.strip() for part in str(text).split(";")]
    form = "; ".join(f"{kind}: ..." for kind in kinds)
    if len(parts) != len(kinds):
        raise InvalidInput(
            f"{what}: got {len(parts)} part(s) separated by ';' in {text!r}; allowed: {form!r}."
        )
    return [_parse_part(what, kind, part) for kind, part in zip(kinds, parts, strict=True)]


def _parse_part(what: str, kind: str, text: str) -> Cell:
    label, colon, body = text.partition(":")
    if label.strip() != kind or not colon:
        raise InvalidInput(f"{what}: got {text!r}; expected a part that begins with '{kind}:'.")
    return parse_cell(f"{kind} cell", body)


def _parse_input(where: str, token: str) -> Input:
    match = re.fullmatch(r"(\w+)\((\d+)\)", token)
    if match is None:
        raise InvalidInput(
            f"{where}: got {token!r}; expected operation(predecessor), "
            "for example 'sep_conv_3x3(0)'."
        )
    return match[1], int(match[2])


def require_nodes(where: str, cell: Cell, count: int, owner: str) -> None:
    """Raise `InvalidInput` unless the cell has this many nodes."""
    if len(cell) != count:
        raise InvalidInput(
            f"{where}: got {len(cell)} nodes separated by '|' in {cell_text(cell)!r}; "
            f"{owner} has {count}."
        )


def check_node(where: str, node: Node, predecessors: int, operations: Sequence[str]) -> None:
    """Raise `InvalidInput` unless a node sums two of `operations` of nodes before it."""
    if len(node) != 2:
        raise InvalidInput(f"{where}: got {len(node)} inputs; each node has exactly 2.")
    for operation, source in node:
        if operation not in operations:
            raise one_of(f"{where}, operation", operation, operations)
        if source not in range(predecessors):
            raise one_of(f"{where}, predecessor", source, range(predecessors))


def check_ascending(where: str, node: Node) -> None:
    """Raise `InvalidInput` unless the two predecessors differ and stand in ascending order."""
    first, second = node[0][1], node[1][1]
    if first >= second:
        raise InvalidInput(
            f"{where}: got predecessors {first} and {second}; allowed: two different ones in "
            "ascending order. Sort the pair by predecessor."
        )


def wires_of(cell: Cell) -> list[Wire]:
    """List (source, target, operation) of a cell, node by node, `none` included."""
    return [
        (source, target, operation)
        for target, node in enumerate(cell, start=INPUTS)
        for operation, source in node
    ]


def live_cell(cell: Cell) -> Cell:
    """Drop what carries nothing: operations `none`, and all that read a dead node.

    A node left without inputs is dead: its value is zero whatever the images are.
    """
    nodes: list[Node] = []
    for node in cell:
        nodes.append(
            tuple(
                (operation, source)
                for operation, source in node
                if operation != "none" and (source < INPUTS or nodes[source - INPUTS])
            )
        )
    return tuple(nodes)


def dead_nodes(cell: Cell) -> tuple[int, ...]:
    """Return the numbers of the nodes that are zero whatever the images are."""
    return tuple(node for node, inputs in enumerate(live_cell(cell), start=INPUTS) if not inputs)


def canonical_cell(cell: Cell) -> tuple:
    """Return a key that is equal exactly for cells which are one graph, renumbered.

    A node is written as what it computes from the inputs of the cell; dead parts are left out.
    Where all nodes differ so, their sorted list is the key. Twins, nodes that compute the same
    with weights of their own, are told apart by who reads them: of all orders of the twins the
    one with the smallest list of inputs counts.
    """
    computed: dict[int, str] = {0: "a", 1: "b"}
    live = live_cell(cell)
    for number, node in enumerate(live, start=INPUTS):
        if node:
            terms = sorted([f"{operation}({computed[source]})" for operation, source in node])
            computed[number] = "+".join(terms)
    written = sorted(text for number, text in computed.items() if number >= INPUTS)
    if len(set(written)) == len(written):
        return tuple(written)
    return min(_renumbered(live, order) for order in _orders(computed))


def _orders(computed: dict[int, str]) -> Iterator[list[int]]:
    """Yield the live nodes sorted by what they compute, twins in every order."""
    nodes = sorted(set(computed) - {0, 1}, key=computed.__getitem__)
    twins = [list(group) for _, group in itertools.groupby(nodes, key=computed.__getitem__)]
    for orders in itertools.product(*map(itertools.permutations, twins)):
        yield [node for group in orders for node in group]


def _renumbered(cell: Cell, order: list[int]) -> tuple:
    place = {0: 0, 1: 1} | {node: place for place, node in enumerate(order, start=INPUTS)}
    return tuple(
        tuple(sorted((operation, place[source]) for operation, source in cell[node - INPUTS]))
        for node in order
    )
