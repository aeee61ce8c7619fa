"""Regularizers of the alphas: terms added to the validation loss of the alpha step.

    parts = Parts(regularizers=(SkipPenalty(0.1),))

Each is called with the supernet and the progress of the search, and gives a scalar tensor.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nas_course.errors import InvalidInput
from nas_course.models import MixedSupernet
from nas_course.spaces import CellTemplate, DARTSSpace
from nas_course.strategies.gradient.connection_gates import connection_logits, open_probability

SKIP = "skip_connect"


class SkipPenalty:
    """Make skip connections dear: weight * sum over all edges of softmax(alpha)_skip.

    The sum is over the edges of all cell kinds, so 28 even DARTS edges cost weight * 28 / 8. The
    gradient of edge e is weight * pi_skip (delta_o,skip - pi_o): skip down, all others up in
    proportion to their share, and nothing where skip has already lost or won. A plain device of
    courses and code bases, not of one paper; `DARTS+` counts skips instead of pricing them.

    Parameters
    ----------
    weight : float, from 0 on
    """

    def __init__(self, weight: float) -> None:
        self.weight = _not_negative("weight of SkipPenalty", weight)

    def __call__(self, supernet: MixedSupernet, progress: float) -> Tensor:
        """Return the penalty at the present alphas."""
        shares = [
            alpha.softmax(dim=1)[:, supernet.space.cells[kind].column(SKIP)].sum()
            for kind, alpha in supernet.alphas.items()
        ]
        return self.weight * torch.stack(shares).sum()


class Entropy:
    """Make edges decide: weight * mean over all edges of the entropy of softmax(alpha), in nats.

    A positive weight pushes towards one operation per edge, which makes the loss at
    discretization smaller; a negative one keeps the search open. The entropy of n even
    operations is log n. Used so, with a growing weight, by Tian et al., "Discretization-aware
    Architecture Search", Pattern Recognition 2021 (arXiv:2007.03154).

    No method of the registry has it; a row of your own does, and every loop takes it::

        row = replace(methods.get("darts-1st"), name="darts-entropy",
                      make_parts=lambda *, weight=1.0: Parts(regularizers=(Entropy(weight),)))
        search_gradient(row.with_options(weight=0.5), data, settings=settings, epochs=10)

    Parameters
    ----------
    weight : float
    """

    def __init__(self, weight: float) -> None:
        if not math.isfinite(weight):
            raise InvalidInput(f"weight of Entropy: got {weight}; allowed: finite numbers.")
        self.weight = weight

    def __call__(self, supernet: MixedSupernet, progress: float) -> Tensor:
        """Return the term at the present alphas."""
        entropies = [_entropy(alpha) for alpha in supernet.alphas.values()]
        return self.weight * torch.cat(entropies).mean()


class DepthAware:
    """Reward deep cells: -weight * sum over consecutive edges of P(gate != 0).

    Consecutive are the edges from node i - 1 to node i; a cell in which all are chosen is a
    chain, as deep as can be. The formula is an L0 norm with its sign turned: a reward. Thesis of
    Zhang (2021), equations 5.19 to 5.21, weight 0.05; |C| there counts all connections, but only
    the consecutive ones have d(c) = 1.

    Belongs to the relaxation `ConnectionGates`. Where no edge can be dropped (NAS-Bench-201) the
    depth is fixed and the term 0.

    Parameters
    ----------
    weight : float, from 0 on
        eta_1 of the thesis.
    """

    def __init__(self, weight: float) -> None:
        self.weight = _not_negative("weight of DepthAware", weight)

    def __call__(self, supernet: MixedSupernet, progress: float) -> Tensor:
        """Return the term at the present alphas."""
        rewards = [alpha.new_zeros(()) for alpha in supernet.alphas.values()]
        if isinstance(supernet.space, DARTSSpace):
            rewards += [
                expected_depth(alpha, supernet.space.template) for alpha in supernet.alphas.values()
            ]
        return -self.weight * torch.stack(rewards).sum()


def expected_depth(alpha: Tensor, template: CellTemplate) -> Tensor:
    """Return the expected number of open gates among the consecutive edges of a cell.

    Parameters
    ----------
    alpha : Tensor, shape (edges, operations)
    template : CellTemplate
    """
    return open_probability(connection_logits(alpha, template))[consecutive_edges(template)].sum()


def consecutive_edges(template: CellTemplate) -> list[int]:
    """Return the rows of the edges i - 1 -> i that end in a node that is no input."""
    return [row for row, (source, target) in enumerate(template.edges) if target == source + 1]


def _entropy(alpha: Tensor) -> Tensor:
    return -(alpha.softmax(dim=1) * alpha.log_softmax(dim=1)).sum(dim=1)


def _not_negative(name: str, value: float) -> float:
    if not 0 <= value < math.inf:
        raise InvalidInput(f"{name}: got {value}; allowed: finite numbers from 0 on.")
    return value
