"""P-DARTS: the supernet grows deeper in three stages while weak operations are dropped.

    parts = Parts(make_edge=ProgressiveEdge, make_schedules=(ProgressiveStages,))

Chen, Xie, Wu, Tian, "Progressive Differentiable Architecture Search: Bridging the Depth Gap
Between Search and Evaluation", ICCV 2019, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from nas_course.errors import InvalidInput, require_whole
from nas_course.models import MixedSupernet
from nas_course.models.supernet import DARTSSupernet, MixedCell, MixedOperation
from nas_course.spaces import Cell201, CellTemplate, Genotype
from nas_course.strategies.gradient.parts import Batch, Schedule
from nas_course.strategies.gradient.skip_limit import DROPPED, limit_skips

if TYPE_CHECKING:
    from nas_course.strategies.gradient.search import GradientSearch

KEPT = {8: (8, 5, 3), 5: (5, 4, 3)}  # operations of an edge in each stage; 8 is the paper's
GROWTH = (1.0, 11 / 8, 51 / 40)  # of depth x operations, from the paper's 5 x 8, 11 x 5, 17 x 3
STAGES = len(GROWTH)
DROPOUT = (0.0, 0.4, 0.7)  # on skip connections as each stage begins; the paper's, CIFAR-10
DROPOUT_DECAY = 3.0  # e-foldings while the alphas train: exp(-0.2 t) over 15 epochs in the code


class ProgressiveEdge(MixedOperation):
    """A mixed operation of which a part is left; dropout holds its skip connection back.

        o(x) = sum over the kept o: pi_o o(x),   x -> mask * x / (1 - p) for the skip connection

    Only a skip that is an identity is dropped out, as in the released code.

    Attributes
    ----------
    columns : tuple of int
        The kept operations, as columns of pi.
    dropout : float
        p, from 0 to below 1. The schedule sets it for every step, and 0 outside of steps.
    noise : torch.Generator, optional
        On the device of the images; needed where `dropout` is above 0.
    """

    def __init__(self, operations: tuple[str, ...], channels: int, stride: int) -> None:
        super().__init__(operations, channels, stride)
        self.columns = tuple(range(len(operations)))
        self.dropout = 0.0
        self.noise: torch.Generator | None = None

    def keep(self, columns: Sequence[int]) -> None:
        """Remove all operations but those of these columns, with their weights."""
        kept = [self.operations[self.columns.index(column)] for column in columns]
        self.operations, self.columns = nn.ModuleList(kept), tuple(columns)

    def forward(self, x: Tensor, pi: Tensor) -> Tensor:
        """Mix what is left; x is (batch, channels, H, W), pi (all operations,)."""
        first, *others = (
            pi[column] * self._carried(operation, x)
            for column, operation in zip(self.columns, self.operations, strict=True)
        )
        return sum(others, start=first)

    def _carried(self, operation: nn.Module, x: Tensor) -> Tensor:
        if not (self.dropout and isinstance(operation, nn.Identity)):
            return operation(x)
        drawn = torch.rand(x.shape, generator=self.noise, device=x.device)
        return x * (drawn >= self.dropout) / (1 - self.dropout)


class ProgressiveStages(Schedule):
    """Three stages of equal length, each with a fresh and deeper supernet of fewer operations.

    At the end of a stage every edge keeps the operations of the largest mixing weights: 5, then 3
    of the 8 of the DARTS space; 4, then 3 of the 5 of NAS-Bench-201. A stage has
    round(cells * g_k * |O_1| / |O_k|) cells, where |O_k| is the number of operations and
    g = 1, 11/8, 51/40: with 5 cells and 8 operations these are the 5, 11 and 17 cells of the
    paper, and elsewhere the work of a stage grows as it did there. Within a stage the weights
    train alone first, the learning rate falls from its start to its end, and the dropout on skip
    connections falls, see `dropout_rate`. What is chosen in the end has no more than `skips` skip
    connections in the normal cell, see `limit_skips`.

    The paper also widens the stages (16, 28, 40 channels) where memory allows; here the channels
    stay. Its three stages come with 25 epochs each; here they share the steps of the search.

    Parameters
    ----------
    warm_up : float
        Share of every stage in which the alphas stay, from 0 to below 1; 10 of 25 epochs.
    dropout : sequence of three floats
        On skip connections at the beginning of each stage, from 0 to below 1.
    skips : int
        Most skip connections of a cell in the end; the paper's refinement has 2.

    Raises
    ------
    InvalidInput
        If a value is outside its range; in a search that cannot make fresh supernets, or whose
        supernet has other edges than `ProgressiveEdge`.
    """

    def __init__(
        self, *, warm_up: float = 0.4, dropout: Sequence[float] = DROPOUT, skips: int = 2
    ) -> None:
        if not 0 <= warm_up < 1:
            raise InvalidInput(f"warm_up: got {warm_up!r}; allowed: 0 to below 1.")
        if len(dropout) != STAGES or not all(0 <= rate < 1 for rate in dropout):
            raise InvalidInput(f"dropout: got {dropout!r}; allowed: three rates, 0 to below 1.")
        require_whole("skips", skips, least=0)
        self.warm_up, self.dropout, self.skips = warm_up, tuple(dropout), skips
        self.stage = 0
        self.kept: dict[str, Tensor] = {}  # (edges, operations) of bool, by cell kind
        self.make_supernet: Callable[..., MixedSupernet]  # of the search, from `begin` on

    def begin(self, search: GradientSearch) -> None:
        """Start with the given supernet and all operations."""
        fits = all(isinstance(edge, ProgressiveEdge) for edge in _edges(search.supernet))
        if search.make_supernet is None or not fits:
            raise InvalidInput(
                "P-DARTS makes a fresh supernet for every stage: give GradientSearch "
                "make_supernet=, and build the supernets with make_edge=ProgressiveEdge."
            )
        self.make_supernet = search.make_supernet
        for kind, alpha in search.supernet.alphas.items():
            self.kept[kind] = torch.ones(alpha.shape, dtype=torch.bool)
        self._depth(search)  # refuses a space whose stages are not known
        search.rate_span = self._span(search)

    def before_step(self, search: GradientSearch, train_batch: Batch, valid_batch: Batch) -> None:
        """Enter the next stage when its time has come; set the dropout of this step."""
        while search.steps >= self._span(search)[1] and self.stage + 1 < STAGES:
            self._enter_next(search)
        hold_dropped(search.supernet, self.kept)
        # one number from the search's generator, the masks from one on the images' device
        seed = int(torch.randint(2**62, (), generator=search.generator))
        noise = torch.Generator(train_batch[0].device).manual_seed(seed)
        for edge in _edges(search.supernet):
            edge.dropout, edge.noise = self.dropout_rate(search), noise

    def trains_alphas(self, search: GradientSearch) -> bool:
        """Whether the stage's warm-up is over."""
        first, end = self._span(search)
        return search.steps - first >= self.warm_up * (end - first)

    def dropout_rate(self, search: GradientSearch) -> float:
        """Return the rate p of the coming step.

        While the weights train alone it falls from p in a line, as if to reach 0 at the end of
        the stage. Where the alphas begin to move it is p again, and falls as exp(-3 t / T) over
        the rest of the stage: as in the released code, where the epochs are 10 and 15.
        """
        first, end = self._span(search)
        passed = (search.steps - first) / max(end - first, 1)
        if not self.trains_alphas(search):
            return self.dropout[self.stage] * (1 - passed)
        alone = math.ceil(self.warm_up * (end - first)) / max(end - first, 1)
        moving = (passed - alone) / max(1 - alone, 1e-9)
        return self.dropout[self.stage] * math.exp(-DROPOUT_DECAY * moving)

    def after_epoch(self, search: GradientSearch) -> dict[str, Any]:
        """Return the stage (from 1) and its depth; outside of steps nothing is dropped out."""
        for edge in _edges(search.supernet):
            edge.dropout, edge.noise = 0.0, None
        return {"stage": self.stage + 1, "cells": self._depth(search)}

    def architecture(self, search: GradientSearch) -> Genotype | Cell201:
        """Return what the alphas stand for, with the limit on skip connections."""
        return limit_skips(search.supernet.space, dict(search.supernet.alphas.items()), self.skips)

    def state_dict(self) -> dict[str, Any]:
        """Return the stage and what its edges keep."""
        return {"stage": self.stage, "kept": dict(self.kept)}

    def load_state_dict(self, state: dict[str, Any], search: GradientSearch) -> None:
        """Put a supernet of that stage into the search, whose weights are loaded next."""
        self.stage, self.kept = state["stage"], dict(state["kept"])
        self._put_supernet(search, torch.Generator())

    def _enter_next(self, search: GradientSearch) -> None:
        self.stage += 1
        for kind, alpha in search.supernet.alphas.items():
            kept = _kept_operations(search.supernet.space.cells[kind])[self.stage]
            self.kept[kind] = strongest(alpha.detach().cpu(), self.kept[kind], kept)
        seed = int(torch.randint(2**62, (), generator=search.generator))
        self._put_supernet(search, torch.Generator().manual_seed(seed))

    def _put_supernet(self, search: GradientSearch, generator: torch.Generator) -> None:
        fresh = self.make_supernet(cells=self._depth(search), generator=generator)
        for edge, kept in zip(_edges(fresh), _rows_of_edges(fresh, self.kept), strict=True):
            edge.keep(kept.nonzero().flatten().tolist())
        hold_dropped(fresh, self.kept)
        search.replace_supernet(fresh)
        search.rate_span = self._span(search)

    def _span(self, search: GradientSearch) -> tuple[int, int]:
        """First step of the present stage, and first step after it."""
        ends = [math.ceil(search.steps_total * k / STAGES) for k in range(STAGES + 1)]
        return ends[self.stage], ends[self.stage + 1]

    def _depth(self, search: GradientSearch) -> int:
        kept = _kept_operations(next(iter(search.supernet.space.cells.values())))
        return stage_depths(search.settings.cells, kept)[self.stage]


def stage_depths(cells: int, kept: Sequence[int]) -> list[int]:
    """Return round(cells g_k |O_1| / |O_k|): the cells of every stage.

    Parameters
    ----------
    cells : int
        Of the first stage.
    kept : sequence of int
        |O_k|, the operations of an edge in each stage.
    """
    return [
        round(cells * growth * kept[0] / count) for growth, count in zip(GROWTH, kept, strict=True)
    ]


def strongest(alpha: Tensor, among: Tensor, count: int) -> Tensor:
    """Return a mask of the `count` largest logits of each edge, among those of another mask.

    Parameters
    ----------
    alpha : Tensor (edges, operations)
    among : Tensor of bool (edges, operations)
        With at least `count` operations in every row.
    count : int
    """
    columns = alpha.masked_fill(~among, -math.inf).topk(count, dim=1).indices
    return torch.zeros_like(among).scatter(1, columns, True)


def hold_dropped(supernet: MixedSupernet, kept: Mapping[str, Tensor]) -> None:
    """Set the logits of dropped operations, which the weight decay of the alphas would move."""
    with torch.no_grad():
        for kind, alpha in supernet.alphas.items():
            alpha.masked_fill_(~kept[kind].to(alpha.device), DROPPED)


def _edges(supernet: MixedSupernet) -> list[Any]:
    """Return the modules on the edges, cell after cell."""
    cells = [module for module in supernet.modules() if isinstance(module, MixedCell)]
    return [edge for cell in cells for edge in cell.edges]


def _rows_of_edges(supernet: MixedSupernet, tables: Mapping[str, Tensor]) -> list[Tensor]:
    """Return for each of `_edges` its row of a table that has one (edges, ...) per cell kind."""
    if isinstance(supernet, DARTSSupernet):
        kinds = list(supernet.network.kinds)
    else:  # one kind of cell
        (kind,) = supernet.space.cells
        kinds = [kind] * (len(_edges(supernet)) // len(tables[kind]))
    return [row for kind in kinds for row in tables[kind]]


def _kept_operations(template: CellTemplate) -> tuple[int, ...]:
    if len(template.operations) not in KEPT:
        raise InvalidInput(
            f"P-DARTS: got a space with {len(template.operations)} operations; how many a stage "
            f"keeps is known for {' and '.join(map(str, sorted(KEPT)))}. Search a whole space."
        )
    return KEPT[len(template.operations)]
