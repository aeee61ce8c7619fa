"""What all cell search spaces share: the template of a cell, the numbering of its edges."""

from __future__ import annotations

from dataclasses import dataclass

from nas_course.errors import one_of

Edge = tuple[int, int]


@dataclass(frozen=True)
class CellTemplate:
    """A directed acyclic graph whose edges are to be filled with operations.

    Attributes
    ----------
    edges : tuple of (source, target)
        Nodes are numbered from 0, inputs first. Sorted by target, then source: row e of an array
        of architecture parameters belongs to `edges[e]`.
    operations : tuple of str
        The candidate operations of every edge. Column o of an array of architecture parameters
        belongs to `operations[o]`.
    identity : str or None
        The operation that passes its input on unchanged wherever it stands, so that it is no
        step of a path through the cell.
    """

    edges: tuple[Edge, ...]
    operations: tuple[str, ...]
    identity: str | None = None

    @property
    def inputs(self) -> int:
        """Number of inputs: nodes into which no edge leads."""
        return min(target for _, target in self.edges)

    @property
    def nodes(self) -> int:
        """Number of the other nodes."""
        return 1 + self.edges[-1][1] - self.inputs

    def column(self, operation: str) -> int:
        """Return the column of an operation in an array of architecture parameters.

        Raises
        ------
        InvalidInput
            If no edge can have it.
        """
        if operation not in self.operations:
            raise one_of("operation of this space", operation, self.operations)
        return self.operations.index(operation)

    def incoming(self, target: int) -> list[int]:
        """Return the rows of the edges that end in node `target`."""
        return [row for row, (_, end) in enumerate(self.edges) if end == target]


def dense_edges(inputs: int, nodes: int) -> tuple[Edge, ...]:
    """Connect each of `nodes` intermediate nodes with all nodes before it.

    With 2 inputs and 4 nodes these are the 2 + 3 + 4 + 5 = 14 edges of a DARTS cell.
    """
    return tuple(
        (source, target) for target in range(inputs, inputs + nodes) for source in range(target)
    )
