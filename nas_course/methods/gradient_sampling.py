"""Methods that change the mixture: samples, parts of the channels, a skip that decays."""

from __future__ import annotations

from functools import partial

from nas_course.methods.gradient_method import GradientMethod, gradient_parts
from nas_course.models.auxiliary_skip import AuxiliarySkip
from nas_course.models.partial_channels import PartialChannels
from nas_course.models.sampled_operation import SampledOperation
from nas_course.strategies.gradient import Parts
from nas_course.strategies.gradient.relaxations import (
    DecayingSkip,
    EdgeWeights,
    HardGumbel,
    SoftGumbel,
    discretize_products,
)
from nas_course.strategies.gradient.single_level import SingleLevel
from nas_course.strategies.gradient.warm_up import WarmUp


def _gdas_parts(
    *, temperature_start: float = 10.0, temperature_end: float = 0.1, noise: float = 1.0
) -> Parts:
    relaxation = partial(HardGumbel, temperature_start, temperature_end, noise)
    relaxation()  # refuses values outside their range
    return Parts(make_relaxation=relaxation, make_edge=SampledOperation)


def _snas_parts(*, temperature_start: float = 1.0, temperature_end: float = 0.03) -> Parts:
    relaxation = partial(SoftGumbel, temperature_start, temperature_end)
    relaxation()
    return Parts(make_relaxation=relaxation, make_hypergradient=lambda optimizer: SingleLevel())


def _partial_channel_parts(*, share: int = 4, warm_up: float = 0.3) -> Parts:
    edge, schedule = partial(PartialChannels, share=share), partial(WarmUp, warm_up)
    edge(("skip_connect",), share, 1), schedule()
    return Parts(
        make_relaxation=EdgeWeights,
        make_edge=edge,
        make_schedules=(schedule,),
        discretize=discretize_products,
    )


def _decaying_skip_parts(*, skip_weight: float = 1.0) -> Parts:
    relaxation = partial(DecayingSkip, skip_weight)
    relaxation()
    return Parts(make_relaxation=relaxation, make_edge=AuxiliarySkip)


ROWS = (
    GradientMethod(
        name="gdas",
        parts=gradient_parts(relaxation="hard Gumbel softmax"),
        citation='Dong, Yang, "Searching for A Robust Neural Architecture in Four GPU Hours", '
        "CVPR 2019, arXiv:1910.04465",
        make_parts=_gdas_parts,
    ),
    GradientMethod(
        name="snas",
        parts=gradient_parts(
            relaxation="soft Gumbel softmax", hypergradient="none (training loss)"
        ),
        citation='Xie, Zheng, Liu, Lin, "SNAS: Stochastic Neural Architecture Search", '
        "ICLR 2019, arXiv:1812.09926",
        make_parts=_snas_parts,
    ),
    GradientMethod(
        name="pc-darts",
        parts=gradient_parts(
            relaxation="softmax mix of a part of the channels, edge weights",
            discretization="edge weight x operation",
        ),
        citation='Xu, Xie, Zhang, Chen, Qi, Tian, Xiong, "PC-DARTS: Partial Channel Connections '
        'for Memory-Efficient Architecture Search", ICLR 2020, arXiv:1907.05737',
        make_parts=_partial_channel_parts,
    ),
    GradientMethod(
        name="darts-minus",
        parts=gradient_parts(relaxation="softmax mix and a decaying skip"),
        citation='Chu, Wang, Zhang, Lu, Wei, Yan, "DARTS-: Robustly Stepping out of Performance '
        'Collapse Without Indicators", ICLR 2021, arXiv:2009.01027',
        make_parts=_decaying_skip_parts,
    ),
)
