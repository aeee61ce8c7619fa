"""Gradient strategies: DARTS and its family, in exchangeable parts."""

from nas_course.strategies.gradient.discretization import (
    best_operations,
    discretize,
    top_two_edges,
)
from nas_course.strategies.gradient.hypergradients import Bilevel, FirstOrder, Unrolled
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
    "FirstOrder",
    "GradientSearch",
    "GradientSettings",
    "Moment",
    "Parts",
    "Relaxation",
    "Schedule",
    "Unrolled",
    "best_operations",
    "discretize",
    "top_two_edges",
]
