"""Discretization: from mixing weights to one architecture.

genotype = discretize(DARTSSpace(), {"normal": alpha_normal, "reduce": alpha_reduce})
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from nas_course.errors import InvalidInput
from nas_course.spaces import Cell201, CellTemplate, DARTSSpace, Genotype, NASBench201Space


def best_operations(alpha: Tensor, template: CellTemplate) -> tuple[list[str], Tensor]:
    """Return for each edge its best operation that is not `none`, and the edge's strength.

    The softmax runs over all operations, `none` included: it takes part in the competition, so
    an edge that wants no connection is weak, but it cannot win.

    Parameters
    ----------
    alpha : Tensor, shape (edges, operations)
        Logits.
    template : CellTemplate

    Returns
    -------
    names : list of str, one per edge
    strengths : Tensor, shape (edges,), in (0, 1)
        The mixing weight of that operation.
    """
    pi = alpha.detach().softmax(dim=1).cpu()
    selectable = [i for i, name in enumerate(template.operations) if name != "none"]
    strengths, columns = pi[:, selectable].max(dim=1)
    return [template.operations[selectable[column]] for column in columns], strengths


def top_two_edges(alpha: Tensor, template: CellTemplate) -> tuple:
    """Keep the two strongest incoming edges of every node, each with its best operation.

    Liu et al., "DARTS", ICLR 2019, section 2.4. Of equal edges the first is kept.

    Returns
    -------
    tuple of nodes
        One cell of a `Genotype`.
    """
    return strongest_pairs(*best_operations(alpha, template), template)


def strongest_pairs(names: list[str], strengths: Tensor, template: CellTemplate) -> tuple:
    """Keep the two incoming edges of every node whose `strengths` (edges,) are the greatest.

    Returns
    -------
    tuple of nodes
        One cell of a `Genotype`; `names` are the operations of all edges.
    """
    targets = sorted({target for _, target in template.edges})
    nodes = []
    for target in targets:
        rows = template.incoming(target)
        kept = sorted(rows, key=lambda row: -strengths[row].item())[:2]
        nodes.append(tuple((names[row], template.edges[row][0]) for row in sorted(kept)))
    return tuple(nodes)


def discretize(
    space: DARTSSpace | NASBench201Space, alphas: Mapping[str, Tensor]
) -> Genotype | Cell201:
    """Return the architecture that the alphas of a space stand for.

    DARTS: the two strongest edges of each node. NAS-Bench-201: every edge stays (its cell has
    no choice of edges) with its best operation, `none` included, as the benchmark's authors do.

    Parameters
    ----------
    space : DARTSSpace or NASBench201Space
    alphas : mapping of cell kind to Tensor (edges, operations)
        Logits.

    Raises
    ------
    InvalidInput
        If a cell kind is missing or an array has another shape than the space's.
    """
    for kind, template in space.cells.items():
        _check_shape(kind, template, alphas)
    if isinstance(space, NASBench201Space):
        columns = alphas["cell"].detach().argmax(dim=1).tolist()
        return Cell201(tuple(space.operations[column] for column in columns))
    return Genotype(*(top_two_edges(alphas[kind], space.template) for kind in space.cells))


def _check_shape(kind: str, template: CellTemplate, alphas: Mapping[str, Tensor]) -> None:
    wanted = (len(template.edges), len(template.operations))
    given = tuple(alphas[kind].shape) if kind in alphas else None
    if given != wanted or not torch.isfinite(alphas[kind]).all():
        raise InvalidInput(
            f"alphas[{kind!r}]: got {'nothing' if given is None else f'shape {given}'}; needed: "
            f"finite numbers of shape {wanted}, a row per edge and a column per operation."
        )
