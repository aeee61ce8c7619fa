"""Gradient strategies: DARTS and its family, in exchangeable parts."""

from nas_course.strategies.gradient.discretization import (
    best_operations,
    discretize,
    top_two_edges,
)
from nas_course.strategies.gradient.hypergradients import Bilevel, FirstOrder, Unrolled
from nas_course.strategies.gradient.search import GradientSearch, GradientSettings

__all__ = [
    "Bilevel",
    "FirstOrder",
    "GradientSearch",
    "GradientSettings",
    "Unrolled",
    "best_operations",
    "discretize",
    "top_two_edges",
]
