"""DARTS with a price on skip connections."""

from __future__ import annotations

from nas_course.methods.gradient_method import GradientMethod, gradient_parts
from nas_course.strategies.gradient import Parts
from nas_course.strategies.gradient.regularizers import SkipPenalty


def _skip_penalty_parts(*, weight: float = 0.1) -> Parts:
    return Parts(regularizers=(SkipPenalty(weight),))


ROWS = (
    GradientMethod(
        name="darts-skip-penalty",
        parts=gradient_parts(regularizer="skip penalty"),
        citation=(
            'Liu, Simonyan, Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, '
            "arXiv:1806.09055; the penalty is folklore, exercise 08.9"
        ),
        make_parts=_skip_penalty_parts,
    ),
)
