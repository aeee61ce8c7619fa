"""From logits to mixing weights, not by softmax alone: samples, edge weights, a skip.

    parts = Parts(make_relaxation=HardGumbel, make_edge=SampledOperation)          # GDAS
    parts = Parts(make_relaxation=SoftGumbel, make_hypergradient=...)              # SNAS

`HardGumbel` and `SoftGumbel` draw an architecture from softmax(alpha) for every update;
`EdgeWeights` (PC-DARTS) and `DecayingSkip` (DARTS-) add a column to the softmax of DARTS.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from nas_course.errors import InvalidInput
from nas_course.models import MixedSupernet
from nas_course.models.supernet import softmax_mix
from nas_course.spaces import Cell201, CellTemplate, Genotype, NASBench201Space
from nas_course.strategies.gradient.discretization import (
    best_operations,
    discretize,
    strongest_pairs,
)
from nas_course.strategies.gradient.parts import Moment, Relaxation


def gumbel_noise(shape: torch.Size | tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw g = -log(-log(u)), u uniform in (0, 1), as -log(e) with e standard exponential.

    Then argmax(log p + g) is distributed as p: the Gumbel-max trick.

    Parameters
    ----------
    shape : tuple of int
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    Tensor of float64
        In double precision: in single precision e can round to 0, and g to infinity.
    """
    return -torch.empty(shape, dtype=torch.float64).exponential_(generator=generator).log()


class _Gumbel(Relaxation):
    """What hard and soft samples share: a temperature and noise that `draw` sets.

    Until the first draw the noise is 0 and the temperature that of the start, from which it
    goes towards that of the end in equal differences. The end is that of progress 1, which no
    step has: the last one is a step short of it.
    """

    def __init__(self, start: float, end: float, noise: float = 1.0) -> None:
        for name, value in (("start", start), ("end", end)):
            if not value > 0:
                raise InvalidInput(f"temperature, {name}: got {value!r}; allowed: above 0.")
        if not noise >= 0:
            raise InvalidInput(f"noise: got {noise!r}; allowed: 0 (none) or more; 1 is Gumbel's.")
        self.start, self.end, self.scale = start, end, noise
        self.temperature = start
        self.noise: dict[str, Tensor] = {}

    def draw(self, supernet: MixedSupernet, moment: Moment) -> None:
        """Take the temperature of this moment and one sample of noise for every edge."""
        self.temperature = self.temperature_at(moment.progress)
        self.noise = {
            kind: (self.scale * gumbel_noise(alpha.shape, moment.generator)).to(alpha)
            for kind, alpha in supernet.alphas.items()
        }

    def state_dict(self) -> dict[str, Any]:
        """Return the temperature and the noise."""
        return {"temperature": self.temperature, "noise": dict(self.noise)}

    def load_state_dict(self, state: dict[str, Any], supernet: MixedSupernet) -> None:
        """Be as after that draw, for this supernet."""
        self.temperature = state["temperature"]
        self.noise = {kind: g.to(supernet.alphas[kind]) for kind, g in state["noise"].items()}

    def temperature_at(self, progress: float) -> float:
        """Return start + (end - start) progress."""
        return self.start + (self.end - self.start) * progress

    def soft(self, supernet: MixedSupernet) -> dict[str, Tensor]:
        """Return softmax((log softmax(alpha) + g) / temperature) by cell kind."""
        return {
            kind: (
                (alpha.log_softmax(dim=1) + self.noise.get(kind, 0.0)) / self.temperature
            ).softmax(dim=1)
            for kind, alpha in supernet.alphas.items()
        }


class SoftGumbel(_Gumbel):
    """A point of the simplex near a corner: the concrete distribution of SNAS.

        Z = softmax((log softmax(alpha) + g) / lambda)

    Differentiable by alpha with g held. For lambda -> 0 Z becomes a one-hot draw from
    softmax(alpha), for lambda -> infinity all weights become equal.

    Xie et al., "SNAS", ICLR 2019. The two temperatures are the usual ones, the path between them
    (each step divides lambda by the same number) is a choice made here.

    Parameters
    ----------
    start, end : float > 0
        Temperature lambda at the first step, and the one that it approaches: the last of N steps
        has progress 1 - 1 / N, hence lambda = end (start / end)^(1 / N).

    Raises
    ------
    InvalidInput
        If a temperature is not above 0.
    """

    def __init__(self, start: float = 1.0, end: float = 0.03) -> None:
        super().__init__(start, end)

    def temperature_at(self, progress: float) -> float:
        """Return start (end / start)^progress."""
        return self.start * (self.end / self.start) ** progress

    def __call__(self, supernet: MixedSupernet) -> dict[str, Tensor]:
        """Return the sample by cell kind."""
        return self.soft(supernet)


class HardGumbel(_Gumbel):
    """One operation for every edge, drawn from softmax(alpha), with a straight-through gradient.

        h  = onehot argmax(log softmax(alpha) + g)
        h~ = softmax((log softmax(alpha) + g) / tau)
        forward h, backward as if it were h~

    Which operation is drawn does not depend on tau; how far the gradient spreads over the others
    does. Dong, Yang, "GDAS", CVPR 2019; tau falls linearly, here with every step (the authors':
    with every epoch).

    Parameters
    ----------
    start, end : float > 0
        Temperature tau at the first step, and the one that it approaches: the last of N steps
        has progress 1 - 1 / N, hence tau = end + (start - end) / N (0.125 after 400 steps).
    noise : float >= 0
        Factor of the noise. 0 takes the strongest operation every time: GDAS-A of Zhang's thesis
        (UTS 2021, chapter 4).

    Raises
    ------
    InvalidInput
        If a temperature is not above 0 or the factor is below 0.
    """

    def __init__(self, start: float = 10.0, end: float = 0.1, noise: float = 1.0) -> None:
        super().__init__(start, end, noise)

    def __call__(self, supernet: MixedSupernet) -> dict[str, Tensor]:
        """Return one-hot rows by cell kind."""
        return {kind: straight_through(soft) for kind, soft in self.soft(supernet).items()}


def straight_through(soft: Tensor) -> Tensor:
    """Return the one-hot rows of the largest entries, with the gradient of `soft`.

    Written as hard + (soft - soft), so that the values are exactly 0 and 1: the usual
    (hard - soft) + soft rounds.
    """
    hard = one_hot(soft.argmax(dim=-1), soft.shape[-1]).to(soft)
    return hard + (soft - soft.detach())


class EdgeWeights(Relaxation):
    """The softmax of DARTS, and one more column: how much of its node an edge carries.

        w_j->i = exp(beta_j->i) / sum over the edges into node i

    Xu et al., "PC-DARTS", ICLR 2020: edge normalisation. The edges are `PartialChannels`.
    With equal betas each edge has 1 / (number of edges into its node): the node is a mean where
    that of DARTS is a sum.
    """

    def attach(self, supernet: MixedSupernet, generator: torch.Generator) -> None:
        """Add the logits beta ~ 1e-3 N(0, 1) of the edges, unless the supernet has them."""
        for kind, template in supernet.space.cells.items():
            if kind not in supernet.betas:
                beta = 1e-3 * torch.randn(len(template.edges), generator=generator)
                supernet.betas[kind] = nn.Parameter(beta.to(supernet.alphas[kind]))

    def __call__(self, supernet: MixedSupernet) -> dict[str, Tensor]:
        """Return (edges, operations + 1) by cell kind."""
        return {
            kind: torch.cat([pi, self.edge_weights(supernet, kind)[:, None]], dim=1)
            for kind, pi in softmax_mix(supernet).items()
        }

    def edge_weights(self, supernet: MixedSupernet, kind: str) -> Tensor:
        """Return the weights (edges,) of one cell kind; those into one node sum to 1."""
        return normalised_by_node(supernet.betas[kind], supernet.space.cells[kind])


def normalised_by_node(beta: Tensor, template: CellTemplate) -> Tensor:
    """Return the softmax of logits (edges,) over the edges into each node."""
    targets = sorted({target for _, target in template.edges})
    # the edges of a template are sorted by target, so the groups follow each other
    return torch.cat([beta[template.incoming(target)].softmax(dim=0) for target in targets])


def discretize_products(supernet: MixedSupernet) -> Genotype | Cell201:
    """Return the architecture of alphas and betas together, as PC-DARTS decodes it.

    An edge is as strong as the mixing weight of its best operation times the weight of the edge
    itself; the two strongest of each node are kept. In NAS-Bench-201 all edges stay, and the
    betas play no part.
    """
    space, alphas = supernet.space, dict(supernet.alphas.items())
    if isinstance(space, NASBench201Space):
        return discretize(space, alphas)
    cells = []
    for kind, template in space.cells.items():
        names, strengths = best_operations(alphas[kind], template)
        weights = normalised_by_node(supernet.betas[kind].detach().cpu(), template)
        cells.append(strongest_pairs(names, strengths * weights, template))
    return Genotype(*cells)


class DecayingSkip(Relaxation):
    """The softmax of DARTS, and one more column: the weight of a skip beside the mixture.

        o(x) = b skip(x) + sum_o pi_o o(x),   b from 1 towards 0 over the search

    The skip helps the network to train whatever the alphas say. It is meant to spare the skip
    among the candidates that task, so that only what else it does counts; but in a short search
    that skip has been seen to take over when b falls (results/leaderboard_gradient.json). At
    b = 0 the network is that of DARTS. The edges are `AuxiliarySkip`. Chu et al., "DARTS-: Robustly
    Stepping out of Performance Collapse Without Indicators", ICLR 2021; linear, here with every
    step.

    Parameters
    ----------
    start : float >= 0
        The weight b at the first step; at the last of N it is start / N, not yet 0.

    Raises
    ------
    InvalidInput
        If `start` is below 0.
    """

    def __init__(self, start: float = 1.0) -> None:
        if not start >= 0:
            raise InvalidInput(f"weight of the auxiliary skip: got {start!r}; allowed: 0 or more.")
        self.start = start
        self.weight = start

    def draw(self, supernet: MixedSupernet, moment: Moment) -> None:
        """Take the weight of this moment: start (1 - progress)."""
        self.weight = self.start * (1 - moment.progress)

    def state_dict(self) -> dict[str, Any]:
        """Return the weight."""
        return {"weight": self.weight}

    def load_state_dict(self, state: dict[str, Any], supernet: MixedSupernet) -> None:
        """Be as after that draw."""
        self.weight = state["weight"]

    def __call__(self, supernet: MixedSupernet) -> dict[str, Tensor]:
        """Return (edges, operations + 1) by cell kind."""
        return {
            kind: torch.cat([pi, torch.full_like(pi[:, :1], self.weight)], dim=1)
            for kind, pi in softmax_mix(supernet).items()
        }
