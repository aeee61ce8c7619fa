"""The gradient family: relaxation x hypergradient x alpha optimizer x regularizer x cells."""

from __future__ import annotations

from nas_course.methods import (
    gradient_bayesian,
    gradient_hypernetwork,
    gradient_implicit,
    gradient_regularized,
    gradient_sampling,
    gradient_stages,
    gradient_stopping,
)
from nas_course.methods.gradient_method import GradientMethod, gradient_parts
from nas_course.strategies.gradient import Parts, Unrolled

_DARTS = (
    'Liu, Simonyan, Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, arXiv:1806.09055'
)


def _unrolled_parts(*, epsilon: float = 0.01) -> Parts:
    Unrolled(0.0, epsilon)  # refuses bad values now
    return Parts(make_hypergradient=lambda optimizer: Unrolled(optimizer, epsilon))


DARTS = (
    GradientMethod(
        name="darts-1st", parts=gradient_parts(), citation=_DARTS, make_parts=lambda: Parts()
    ),
    GradientMethod(
        name="darts-2nd",
        parts=gradient_parts(hypergradient="one step unrolled"),
        citation=_DARTS,
        make_parts=_unrolled_parts,
    ),
)
# By what they change in DARTS.
GRADIENT: tuple[GradientMethod, ...] = (
    *DARTS,
    *gradient_sampling.ROWS,
    *gradient_regularized.ROWS,
    *gradient_stopping.ROWS,
    *gradient_stages.ROWS,
    *gradient_implicit.ROWS,
    *gradient_hypernetwork.ROWS,
    *gradient_bayesian.ROWS,
)
