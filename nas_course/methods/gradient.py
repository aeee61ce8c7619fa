"""The gradient family: relaxation x hypergradient x alpha optimizer x regularizer x cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from nas_course.data import ImageData
from nas_course.models import build_supernet
from nas_course.spaces import DARTSSpace, NASBench201Space
from nas_course.strategies.gradient import (
    FirstOrder,
    GradientSearch,
    GradientSettings,
    Unrolled,
)

_DARTS = 'Liu, Simonyan, Yang, "DARTS: Differentiable Architecture Search", ICLR 2019'


@dataclass(frozen=True)
class GradientMethod:
    """One row of the gradient family.

    Attributes
    ----------
    name : str
        What the command line and result files call it.
    family : str
        "gradient": what counts as progress is an epoch of the supernet.
    parts : mapping
        Which part stands in each place of the family's table.
    citation : str
        Authors, title, place and year, arXiv number.
    make_hypergradient : callable SGD -> hypergradient
        See `nas_course.strategies.gradient.GradientSearch`.
    """

    name: str
    family: str
    parts: Mapping[str, str]
    citation: str
    make_hypergradient: Callable[[torch.optim.SGD], Any] = field(repr=False)

    def build(
        self,
        space: DARTSSpace | NASBench201Space,
        data: ImageData,
        settings: GradientSettings,
        seed: int,
        steps_total: int,
    ) -> GradientSearch:
        """Make the search, its supernet initialised from the seed, on the data's device."""
        supernet = build_supernet(
            space,
            channels=settings.channels,
            cells=settings.cells,
            classes=data.classes,
            in_channels=data.in_channels,
            generator=torch.Generator().manual_seed(seed),
            alpha_scale=settings.alpha_scale,
        )
        supernet.to(data.device)
        return GradientSearch(supernet, self.make_hypergradient, settings, steps_total)


def _gradient_parts(hypergradient: str) -> dict[str, str]:
    return {
        "relaxation": "softmax mix",
        "hypergradient": hypergradient,
        "alpha optimizer": "Adam",
        "regularizer": "none",
        "discretization": "top-2 edges",
    }


GRADIENT = (
    GradientMethod(
        name="darts-1st",
        family="gradient",
        parts=_gradient_parts("first order"),
        citation=f"{_DARTS}, arXiv:1806.09055",
        make_hypergradient=lambda optimizer: FirstOrder(),
    ),
    GradientMethod(
        name="darts-2nd",
        family="gradient",
        parts=_gradient_parts("one step unrolled"),
        citation=f"{_DARTS}, arXiv:1806.09055",
        make_hypergradient=Unrolled,
    ),
)
