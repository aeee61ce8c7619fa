"""Rows that end a search early: DARTS with a limit of skips, and by growing curvature."""

from __future__ import annotations

from functools import partial

from nas_course.methods.gradient_method import GradientMethod, gradient_parts
from nas_course.strategies.gradient import Parts
from nas_course.strategies.gradient.stopping import (
    EigenvalueRule,
    StopByEigenvalue,
    StopBySkips,
    WatchSkips,
)


def _skip_parts(*, limit: int = 2, start: float = 0.2) -> Parts:
    """Stop at `limit` skips in the normal cell, not before the share `start` of the steps."""
    make = partial(StopBySkips, limit, start)
    make()  # refuses bad values now, not when the search begins
    return Parts(make_schedules=(make, WatchSkips))


def _eigenvalue_parts(
    *,
    ratio: float = 1.3,
    window: int = 5,
    back: int = 4,
    start: float = 0.2,
    every: int = 1,
    images: int = 128,
    products: int = 30,
) -> Parts:
    """Stop when the window's mean eigenvalue is `ratio` times that of `back` epochs before."""
    rule = EigenvalueRule(window, back, ratio)
    measured = {"every": every, "images": images, "products": products}
    make = partial(StopByEigenvalue, rule, start=start, **measured)
    make()  # refuses bad values now, not when the search begins
    return Parts(make_schedules=(make, WatchSkips))


ROWS: tuple[GradientMethod, ...] = (
    GradientMethod(
        name="darts-early-stop",
        parts=gradient_parts(discretization="top-2 edges, at 2 skips in the normal cell"),
        citation=(
            'Liang, Zhang, Sun et al., "DARTS+: Improved Differentiable Architecture Search with '
            'Early Stopping", arXiv:1909.06035'
        ),
        make_parts=_skip_parts,
    ),
    GradientMethod(
        name="r-darts",
        parts=gradient_parts(
            discretization="top-2 edges, before the largest eigenvalue grows (DARTS-ES)"
        ),
        citation=(
            'Zela, Elsken, Saikia, Marrakchi, Brox, Hutter, "Understanding and Robustifying '
            'Differentiable Architecture Search", ICLR 2020, arXiv:1909.09656'
        ),
        make_parts=_eigenvalue_parts,
    ),
)
