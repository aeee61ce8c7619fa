"""Gradient strategies: DARTS and its family, in exchangeable parts."""

from nas_course.strategies.gradient.discretization import (
    best_operations,
    discretize,
    top_two_edges,
)
from nas_course.strategies.gradient.hypergradients import (
    Bilevel,
    ConjugateGradient,
    DenseImplicit,
    ExactUnrolled,
    FirstOrder,
    Neumann,
    ReverseMode,
    Unrolled,
)
from nas_course.strategies.gradient.parts import (
    AdamOptimizer,
    Moment,
    Parts,
    Relaxation,
    Schedule,
)
from nas_course.strategies.gradient.search import GradientSearch
from nas_course.strategies.gradient.settings import GradientSettings

__all__ = [
    "AdamOptimizer",
    "Bilevel",
    "ConjugateGradient",
    "DenseImplicit",
    "ExactUnrolled",
    "FirstOrder",
    "GradientSearch",
    "GradientSettings",
    "Moment",
    "Neumann",
    "Parts",
    "Relaxation",
    "ReverseMode",
    "Schedule",
    "Unrolled",
    "best_operations",
    "discretize",
    "top_two_edges",
]
