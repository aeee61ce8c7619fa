"""Gradient methods that search in stages, choose by removal, or train under noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from nas_course.methods.gradient_method import GradientMethod, gradient_parts
from nas_course.strategies.gradient import Parts
from nas_course.strategies.gradient.perturbation_selection import DecidedMix, PerturbationSelection
from nas_course.strategies.gradient.progressive import DROPOUT, ProgressiveEdge, ProgressiveStages
from nas_course.strategies.gradient.sharpness import AdversarialSmoothing, RandomSmoothing

_SDARTS = (
    'Chen, Hsieh, "Stabilizing Differentiable Architecture Search via Perturbation-based '
    'Regularization", ICML 2020, arXiv:2002.05283'
)


def _progressive_parts(
    *, warm_up: float = 0.4, dropout: Sequence[float] = DROPOUT, skips: int = 2
) -> Parts:
    make = _checked(ProgressiveStages, warm_up=warm_up, dropout=dropout, skips=skips)
    return Parts(make_edge=ProgressiveEdge, make_schedules=(make,))


def _selection_parts(*, share: float = 0.4, images: int = 256) -> Parts:
    make = _checked(PerturbationSelection, share=share, images=images)
    return Parts(make_relaxation=DecidedMix, make_schedules=(make,))


def _random_parts(*, first: float = 0.03, last: float = 0.3) -> Parts:
    return Parts(make_perturbation=_checked(RandomSmoothing, first=first, last=last))


def _adversarial_parts(*, steps: int = 7, first: float = 0.03, last: float = 0.3) -> Parts:
    make = _checked(AdversarialSmoothing, steps=steps, first=first, last=last)
    return Parts(make_perturbation=make)


def _checked(part: Callable[..., Any], **options: Any) -> Callable[[], Any]:
    """Return what makes the part anew for every search; bad values are refused at once."""
    part(**options)
    return partial(part, **options)


ROWS: tuple[GradientMethod, ...] = (
    GradientMethod(
        name="p-darts",
        parts=gradient_parts(
            relaxation="softmax mix, three stages of fewer operations",
            regularizer="dropout on skip connections",
            discretization="top-2 edges, at most 2 skip connections",
        ),
        citation=(
            'Chen, Xie, Wu, Tian, "Progressive Differentiable Architecture Search", ICCV 2019, '
            "arXiv:1904.12760"
        ),
        make_parts=_progressive_parts,
    ),
    GradientMethod(
        name="darts-pt",
        parts=gradient_parts(discretization="perturbation-based selection"),
        citation=(
            'Wang, Cheng, Chen, Tang, Hsieh, "Rethinking Architecture Selection in '
            'Differentiable NAS", ICLR 2021, arXiv:2108.04392'
        ),
        make_parts=_selection_parts,
    ),
    GradientMethod(
        name="sdarts-rs",
        parts=gradient_parts(regularizer="weights trained under random perturbation"),
        citation=_SDARTS,
        make_parts=_random_parts,
    ),
    GradientMethod(
        name="sdarts-adv",
        parts=gradient_parts(regularizer="weights trained under adversarial perturbation"),
        citation=_SDARTS,
        make_parts=_adversarial_parts,
    ),
)
