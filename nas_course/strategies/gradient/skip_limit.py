"""Discretization with a limit on skip connections, as P-DARTS ends its search.

genotype = limit_skips(DARTSSpace(), {"normal": alpha_normal, "reduce": alpha_reduce}, most=2)
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from nas_course.spaces import Cell201, CellTemplate, DARTSSpace, Genotype, NASBench201Space
from nas_course.strategies.gradient.discretization import discretize

Space = DARTSSpace | NASBench201Space
SKIP = "skip_connect"
DROPPED = -1e3  # a logit whose softmax weight is exactly 0 in float32 and float64


def limit_skips(space: Space, alphas: Mapping[str, Tensor], most: int) -> Genotype | Cell201:
    """Discretize with at most so many skips in the normal cell (section 3.3, refinement).

    While that cell has more, the weight of its weakest skip connection becomes 0 and the cell is
    chosen anew. The other weights stay what they are: they are not normalised again. The reduction
    cell is left alone, as in the authors' code.

    Parameters
    ----------
    space : DARTSSpace or NASBench201Space
    alphas : mapping of cell kind to Tensor (edges, operations)
        Logits.
    most : int
        From 0 on. The paper keeps 2. In NAS-Bench-201, with one kind of cell, it is that cell.
    """
    logits = {
        kind: alpha.detach().cpu().double().log_softmax(dim=1) for kind, alpha in alphas.items()
    }
    kind, template = next(iter(space.cells.items()))
    skip = template.column(SKIP)
    while len(rows := skip_rows(discretize(space, logits), kind, template)) > most:
        weakest = min(rows, key=lambda row: logits[kind][row, skip].item())
        _forbid(logits[kind][weakest], skip, space)
    return discretize(space, logits)


def skip_rows(architecture: Genotype | Cell201, kind: str, template: CellTemplate) -> list[int]:
    """Return the edges of a cell, as rows of the template, that carry a skip connection."""
    if isinstance(architecture, Cell201):
        names = enumerate(architecture.operations)
        return [row for row, name in names if name == SKIP]
    nodes = enumerate(getattr(architecture, kind), start=template.inputs)
    return [
        template.edges.index((source, target))
        for target, node in nodes
        for name, source in node
        if name == SKIP
    ]


def _forbid(row: Tensor, skip: int, space: Space) -> None:
    """Make the skip connection's weight 0 in a row of log weights, in place."""
    if isinstance(space, DARTSSpace):
        # strengths of edges are compared there: `none`, never chosen, takes the weight over, so
        # that the softmax leaves the other weights of the edge as they are
        none = space.template.column("none")
        row[none] = torch.logaddexp(row[none], row[skip])
    row[skip] = DROPPED
