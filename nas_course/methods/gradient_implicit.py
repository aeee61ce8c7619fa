"""Methods with an implicit hypergradient: iDARTS."""

from __future__ import annotations

from nas_course.methods.gradient_method import GradientMethod, gradient_parts
from nas_course.strategies.gradient import Parts
from nas_course.strategies.gradient.hypergradients import Neumann
from nas_course.strategies.gradient.series_terms import WatchTerms


def idarts_parts(
    *,
    terms: int = 2,
    weight_steps: int = 4,
    power_iterations: int = 0,
    growth_limit: float = 1.0,
) -> Parts:
    """Return the parts of iDARTS, Zhang's thesis, algorithm 6 and table 6.3 (T = 4, K = 2).

    The loop takes the alpha step first and `weight_steps` steps of the weights after it; the paper
    begins with the weights. The order of the later steps is the same.

    Parameters
    ----------
    terms : int from 0 on
        K: Hessian-vector products of the Neumann series.
    weight_steps : int from 1 on
        T: steps of the weights for each step of the alphas.
    power_iterations : int from 0 on
        0: gamma is the learning rate of the weights, as in the released code and, in effect, the
        paper; a series that grows is cut, and the column ``terms_used`` says how often. Else it is
        at most 0.9 / (curvature that so many power iterations find), for as many products more.
    growth_limit : float from 1 on
        Ends the series before a term this many times as long as the shortest before it. This guard
        is not in the paper; with 1e30 it only refuses what is no number.
    """
    options = {"power_iterations": power_iterations, "growth_limit": growth_limit}
    Neumann(0.0, terms, **options)  # type: ignore[arg-type]  # refuses bad values now
    return Parts(
        make_hypergradient=lambda optimizer: Neumann(optimizer, terms, **options),  # type: ignore[arg-type]
        make_schedules=(WatchTerms,),
        weight_steps=weight_steps,
        second_derivatives=True,
    )


ROWS: tuple[GradientMethod, ...] = (
    GradientMethod(
        name="idarts",
        parts=gradient_parts(hypergradient="Neumann series"),
        citation='Zhang et al., "iDARTS: Differentiable Architecture Search with Stochastic '
        'Implicit Gradients", ICML 2021, arXiv:2106.10784',
        make_parts=idarts_parts,
    ),
)
