"""Hypergradients: the derivative of the outer loss by the parameters of the inner problem.

    problem = Bilevel(outer=valid_loss, inner=train_loss, alphas=[alpha], weights=weights)
    loss, gradients = FirstOrder()(problem)
    loss, gradients = ConjugateGradient(iterations=10)(problem)

The problem is bilevel: minimise L_val(w*(alpha), alpha) over alpha, where w*(alpha) minimises
L_train(w, alpha) over w. Nothing here knows about architectures, so any such problem will do.
Every estimator leaves the weights and alphas as they were, bit for bit.
"""

from nas_course.strategies.gradient.hypergradients.implicit import (
    ConjugateGradient,
    DenseImplicit,
    Neumann,
    SeriesGrows,
)
from nas_course.strategies.gradient.hypergradients.problem import Bilevel, InnerGradient
from nas_course.strategies.gradient.hypergradients.reverse import ExactUnrolled, ReverseMode
from nas_course.strategies.gradient.hypergradients.unrolled import FirstOrder, Unrolled

__all__ = [
    "Bilevel",
    "ConjugateGradient",
    "DenseImplicit",
    "ExactUnrolled",
    "FirstOrder",
    "InnerGradient",
    "Neumann",
    "ReverseMode",
    "SeriesGrows",
    "Unrolled",
]
