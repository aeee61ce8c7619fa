"""Connection gates: `none` leaves the softmax and becomes a random switch for each edge.

    parts = Parts(make_relaxation=ConnectionGates, regularizers=(DepthAware(0.05),),
                  discretize=discretize_gated)

The gates are hard concrete: Louizos, Welling, Kingma, "Learning Sparse Neural Networks through L0
Regularization", ICLR 2018, equations 10 to 12. BaLeNAS puts them on the edges of a DARTS cell
(thesis of Zhang, 2021, figure 5.1 and section 5.3.4).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nas_course.models import MixedSupernet
from nas_course.spaces import Cell201, CellTemplate, DARTSSpace, Genotype
from nas_course.strategies.gradient.discretization import discretize
from nas_course.strategies.gradient.parts import (
    ALPHAS,
    Moment,
    Relaxation,
    discretize_alphas,
)

TEMPERATURE = 2 / 3
LOW, HIGH = -0.1, 1.1  # of the stretch: LOW below 0 gives gates at exactly 0, HIGH above 1 at 1


def hard_concrete(logits: Tensor, uniform: Tensor) -> Tensor:
    """Return gates in [0, 1], with a positive chance of exactly 0 and of exactly 1.

        s = sigmoid((log u - log(1 - u) + logit) / TEMPERATURE)
        gate = min(1, max(0, LOW + (HIGH - LOW) s))

    The thesis asks for HIGH > 0; only above 1 does the gate reach 1.

    Parameters
    ----------
    logits, uniform : Tensor, equal shapes
        u is uniform on (0, 1).
    """
    u = uniform.clamp(1e-6, 1 - 1e-6)  # rand can give 0, whose logarithm is not finite
    s = ((u.log() - (1 - u).log() + logits) / TEMPERATURE).sigmoid()
    return (LOW + (HIGH - LOW) * s).clamp(0, 1)


def mean_gate(logits: Tensor) -> Tensor:
    """Return the gate without noise, Louizos et al., equation 13: what tests and weights see.

    gate = min(1, max(0, LOW + (HIGH - LOW) sigmoid(logit)))
    """
    return (LOW + (HIGH - LOW) * logits.sigmoid()).clamp(0, 1)


def open_probability(logits: Tensor) -> Tensor:
    """Return P(gate != 0) = sigmoid(logit - TEMPERATURE log(-LOW / HIGH)) (Louizos, eq. 12)."""
    return (logits - TEMPERATURE * math.log(-LOW / HIGH)).sigmoid()


def connection_logits(alpha: Tensor, template: CellTemplate) -> Tensor:
    """Return for each edge the logit of being connected: the negative of its `none` column.

    Of two options, `none` with logit a and "connected" with logit 0, a softmax gives the second
    sigmoid(-a). So the array of alphas keeps its shape, and a large `none` still means no edge.

    Parameters
    ----------
    alpha : Tensor, shape (edges, operations)
    template : CellTemplate

    Returns
    -------
    Tensor, shape (edges,)
    """
    return -alpha[:, template.column("none")]


class ConnectionGates(Relaxation):
    """Mixing weights gate_e * softmax over the operations of edge e other than `none`.

    The column of `none` gets the rest, 1 - gate; it multiplies zeros. Gates are drawn for the step
    of the alphas and stay while it lasts; the step of the weights sees the gates without noise, as
    it sees the mean of the alphas.

    In NAS-Bench-201 no edge is ever dropped and `none` is an operation like others, so the mixing
    weights are the plain softmax there; the thesis, too, has gates on the DARTS space only.
    """

    def __init__(self) -> None:
        self.uniform: dict[str, Tensor] = {}  # by cell kind; empty: no noise

    def draw(self, supernet: MixedSupernet, moment: Moment) -> None:
        """Draw u for every edge before the step of the alphas; forget it before the weights'."""
        self.uniform = {}
        if moment.phase == ALPHAS and isinstance(supernet.space, DARTSSpace):
            for kind, alpha in supernet.alphas.items():
                u = torch.rand(len(alpha), generator=moment.generator)
                self.uniform[kind] = u.to(alpha)

    def __call__(self, supernet: MixedSupernet) -> dict[str, Tensor]:
        """Return the mixing weights by cell kind; each row sums to 1."""
        if not isinstance(supernet.space, DARTSSpace):
            return super().__call__(supernet)
        template = supernet.space.template
        pi = {}
        for kind, alpha in supernet.alphas.items():
            logits = connection_logits(alpha, template)
            drawn = self.uniform.get(kind)
            gate = mean_gate(logits) if drawn is None else hard_concrete(logits, drawn)
            pi[kind] = gated_mix(alpha, gate, template)
        return pi


def gated_mix(alpha: Tensor, gate: Tensor, template: CellTemplate) -> Tensor:
    """Return gate * softmax over all but `none`, and 1 - gate for `none`.

    Parameters
    ----------
    alpha : Tensor, shape (edges, operations)
    gate : Tensor, shape (edges,), from 0 to 1
    template : CellTemplate

    Returns
    -------
    Tensor, shape (edges, operations)
    """
    none = template.column("none")
    others = alpha.new_ones(alpha.shape[1])
    others[none] = 0
    pi = alpha.masked_fill(others == 0, -math.inf).softmax(dim=1)
    return gate[:, None] * pi + (1 - gate)[:, None] * (1 - others)


def discretize_gated(supernet: MixedSupernet) -> Genotype | Cell201:
    """Return the architecture of gated alphas: an edge is worth P(gate != 0) times its best pi."""
    space = supernet.space
    if not isinstance(space, DARTSSpace):
        return discretize_alphas(supernet)
    # logits whose softmax is the expected mixture; `tiny` keeps those of a closed gate finite
    tiny = torch.finfo(torch.float32).tiny
    return discretize(
        space,
        {
            kind: expected_mix(alpha.detach(), space.template).clamp_min(tiny).log()
            for kind, alpha in supernet.alphas.items()
        },
    )


def expected_mix(alpha: Tensor, template: CellTemplate) -> Tensor:
    """Return `gated_mix` with P(gate != 0) in the place of the gate, shape (edges, operations)."""
    return gated_mix(alpha, open_probability(connection_logits(alpha, template)), template)
