"""BaLeNAS: a Gaussian over the alphas, moved by natural gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from nas_course.methods.gradient_method import GradientMethod, gradient_parts
from nas_course.strategies.gradient import FirstOrder, GradientSettings, Parts, Unrolled
from nas_course.strategies.gradient.connection_gates import ConnectionGates, discretize_gated
from nas_course.strategies.gradient.parts import Hypergradient
from nas_course.strategies.gradient.regularizers import DepthAware
from nas_course.strategies.gradient.variational import PosteriorWidth, VAdam

_BALENAS = (
    'Zhang, Pan, Chang, Su, Hu, Haffari, Yang, "BaLeNAS: Differentiable Architecture Search via '
    "the Bayesian Learning Rule\", CVPR 2022, arXiv:2111.13204; chapter 5 of M. Zhang's thesis"
)


def balenas_parts(
    make_hypergradient: Callable[[torch.optim.SGD], Hypergradient],
    *,
    samples: int = 1,
    prior_precision: float = 1.0,
    initial_precision: float = 1.0,
    examples: int | None = None,
    depth_weight: float = 0.05,
) -> Parts:
    """Return the parts of BaLeNAS around a hypergradient; see `VAdam` for the first four options.

    The hypergradient is computed at the sampled alphas, the unrolled one with all its three
    passes (the authors' code leaves two of them at the mean). The weights train at the mean.

    Parameters
    ----------
    make_hypergradient : callable SGD -> hypergradient
    depth_weight : float
        Of `DepthAware`, with gates on the connections. 0: no gates, plain softmax. Only the
        DARTS space has gates; on NAS-Bench-201 every value gives the same search.
    """
    believed: dict[str, Any] = {
        "samples": samples,
        "prior_precision": prior_precision,
        "initial_precision": initial_precision,
        "examples": examples,
    }
    VAdam([], GradientSettings(), torch.Generator(), **believed)  # refuses bad values here
    parts = partial(
        Parts,
        make_hypergradient=make_hypergradient,
        make_alpha_optimizer=partial(VAdam, **believed),
        make_schedules=(PosteriorWidth,),
    )
    depth = DepthAware(depth_weight)
    if depth_weight == 0:
        return parts()
    return parts(
        make_relaxation=ConnectionGates, regularizers=(depth,), discretize=discretize_gated
    )


def _first_order(optimizer: torch.optim.SGD) -> FirstOrder:
    return FirstOrder()


def _row(order: str, hypergradient: str, make: Callable[..., Hypergradient]) -> GradientMethod:
    return GradientMethod(
        name=f"balenas-{order}",
        parts=gradient_parts(
            relaxation="softmax mix behind hard-concrete gates (DARTS space)",
            hypergradient=f"{hypergradient}, at sampled alphas",
            alpha_optimizer="natural-gradient VI (VAdam)",
            regularizer="depth-aware",
            discretization="top-2 edges of the mean",
        ),
        citation=_BALENAS,
        make_parts=partial(balenas_parts, make),
    )


ROWS = (
    _row("1st", "first order", _first_order),
    _row("2nd", "one step unrolled", Unrolled),
)
