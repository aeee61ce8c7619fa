"""The gradient family row by row: which part a search of each method is really made of.

Written from the table of the design document and the papers' constants, not from the rows' modules.
"""

from dataclasses import dataclass, field
from types import NoneType

import pytest

from nas_course import methods
from nas_course.models.auxiliary_skip import AuxiliarySkip
from nas_course.models.hyper_supernet import HyperSupernet
from nas_course.models.partial_channels import PartialChannels
from nas_course.models.sampled_operation import SampledOperation
from nas_course.models.supernet import MixedCell, MixedOperation, Supernet201
from nas_course.spaces import NASBench201Space
from nas_course.strategies.gradient import (
    AdamOptimizer,
    FirstOrder,
    GradientSettings,
    Neumann,
    Relaxation,
    Unrolled,
)
from nas_course.strategies.gradient.connection_gates import ConnectionGates, discretize_gated
from nas_course.strategies.gradient.hypernetwork import LocalSampling, ThroughHypernetwork
from nas_course.strategies.gradient.parts import discretize_alphas
from nas_course.strategies.gradient.perturbation_selection import DecidedMix, PerturbationSelection
from nas_course.strategies.gradient.progressive import ProgressiveEdge, ProgressiveStages
from nas_course.strategies.gradient.regularizers import DepthAware, SkipPenalty
from nas_course.strategies.gradient.relaxations import (
    DecayingSkip,
    EdgeWeights,
    HardGumbel,
    SoftGumbel,
    discretize_products,
)
from nas_course.strategies.gradient.series_terms import WatchTerms
from nas_course.strategies.gradient.sharpness import AdversarialSmoothing, RandomSmoothing
from nas_course.strategies.gradient.single_level import SingleLevel
from nas_course.strategies.gradient.stopping import StopByEigenvalue, StopBySkips, WatchSkips
from nas_course.strategies.gradient.variational import PosteriorWidth, VAdam
from nas_course.strategies.gradient.warm_up import WarmUp


@dataclass(frozen=True)
class Row:
    """The classes of a method's parts; what is left out is as in first-order DARTS."""

    hypergradient: type = FirstOrder
    relaxation: type = Relaxation
    alphas: type = AdamOptimizer
    perturbation: type = NoneType
    regularizers: tuple = ()
    schedules: tuple = ()
    edge: type = MixedOperation
    supernet: type = Supernet201
    discretize: object = discretize_alphas
    weight_steps: int = 1
    constants: dict = field(default_factory=dict)


BALENAS = {
    "relaxation": ConnectionGates,
    "alphas": VAdam,
    "regularizers": (DepthAware,),
    "schedules": (PosteriorWidth,),
    "discretize": discretize_gated,
    "constants": {
        "regularizers.weight": 0.05,
        "alphas.samples": 1,
        "alphas.delta": 1.0,
        "alphas.initial_precision": 1.0,
    },
}
HYPERDARTS = {
    "hypergradient": ThroughHypernetwork,
    "relaxation": LocalSampling,
    "supernet": HyperSupernet,
}
THROUGH = {"hypergradient.part": "total", "relaxation.sigma": 0.0}
TABLE = {
    "darts-1st": Row(),
    "darts-2nd": Row(Unrolled, constants={"hypergradient.epsilon": 0.01}),
    "gdas": Row(
        relaxation=HardGumbel,
        edge=SampledOperation,
        constants={"relaxation.start": 10.0, "relaxation.end": 0.1, "relaxation.scale": 1.0},
    ),
    # the design's table has GDAS and SNAS in one row; the paper of SNAS has one loss for both
    "snas": Row(
        SingleLevel,
        relaxation=SoftGumbel,
        constants={"relaxation.start": 1.0, "relaxation.end": 0.03, "relaxation.scale": 1.0},
    ),
    "pc-darts": Row(
        relaxation=EdgeWeights,
        schedules=(WarmUp,),
        edge=PartialChannels,
        discretize=discretize_products,
        constants={"schedules.share": 15 / 50, "edge.share": 4},
    ),
    "darts-minus": Row(
        relaxation=DecayingSkip, edge=AuxiliarySkip, constants={"relaxation.start": 1.0}
    ),
    "darts-skip-penalty": Row(regularizers=(SkipPenalty,), constants={"regularizers.weight": 0.1}),
    "darts-early-stop": Row(
        schedules=(StopBySkips, WatchSkips),
        constants={"schedules.limit": 2, "schedules.start": 0.2},
    ),
    "r-darts": Row(
        schedules=(StopByEigenvalue, WatchSkips),
        constants={
            "schedules.start": 10 / 50,
            "schedules.rule.window": 5,
            "schedules.rule.back": 4,
            "schedules.rule.ratio": 1.3,
        },
    ),
    "p-darts": Row(
        schedules=(ProgressiveStages,),
        edge=ProgressiveEdge,
        constants={
            "schedules.warm_up": 10 / 25,
            "schedules.dropout": (0.0, 0.4, 0.7),
            "schedules.skips": 2,
        },
    ),
    "darts-pt": Row(
        relaxation=DecidedMix,
        schedules=(PerturbationSelection,),
        constants={"schedules.share": 0.4, "schedules.images": 256},
    ),
    "sdarts-rs": Row(
        perturbation=RandomSmoothing,
        constants={"perturbation.first": 0.03, "perturbation.last": 0.3},
    ),
    "sdarts-adv": Row(
        perturbation=AdversarialSmoothing,
        constants={
            "perturbation.first": 0.03,
            "perturbation.last": 0.3,
            "perturbation.steps": 7,
        },
    ),
    "idarts": Row(
        Neumann, schedules=(WatchTerms,), weight_steps=4, constants={"hypergradient.terms": 2}
    ),
    "hyperdarts-1": Row(**HYPERDARTS, constants=THROUGH | {"layers": ["Linear"]}),
    "hyperdarts-2": Row(
        **HYPERDARTS, constants=THROUGH | {"layers": ["Linear", "Sigmoid", "Linear"]}
    ),
    "balenas-1st": Row(FirstOrder, **BALENAS),
    "balenas-2nd": Row(Unrolled, **BALENAS),
}


def parts_of(search):
    edges = [
        edge
        for cell in search.supernet.modules()
        if isinstance(cell, MixedCell)
        for edge in cell.edges
    ]
    hyper = getattr(search.supernet, "hypernetworks", {"cell": ()})["cell"]
    return {
        "hypergradient": search.hypergradient,
        "relaxation": search.relaxation,
        "alphas": search.alpha_optimizer,
        "perturbation": search.perturbation,
        "regularizers": tuple(search.parts.regularizers),
        "schedules": tuple(search.schedules),
        "edge": edges[0],
        "supernet": search.supernet,
        "layers": [type(layer).__name__ for layer in hyper],
        "kinds of edges": {type(edge) for edge in edges},
    }


def constant(parts, path):
    """Follow `place.name`; where a place holds several parts the first is meant."""
    place, *names = path.split(".")
    value = parts[place]
    value = value[0] if isinstance(value, tuple) else value
    for name in names:
        value = getattr(value, name)
    return value


def test_the_table_has_every_row_of_the_registry():
    assert list(TABLE) == methods.names("gradient")


@pytest.mark.parametrize("name", TABLE)
def test_a_search_is_made_of_the_parts_of_its_row(name, digits):
    row = TABLE[name]
    settings = GradientSettings(channels=4, cells=1, batch_size=8)
    search = methods.get(name).build(NASBench201Space(), digits, settings, 0, 6)
    parts = parts_of(search)
    for place in ("hypergradient", "relaxation", "alphas", "perturbation", "supernet"):
        assert type(parts[place]) is getattr(row, place), place
    for place in ("regularizers", "schedules"):
        assert tuple(map(type, parts[place])) == getattr(row, place), place
    assert parts["kinds of edges"] == {row.edge}
    assert search.supernet.relaxation is search.relaxation
    assert search.parts.discretize is row.discretize
    assert search.parts.weight_steps == row.weight_steps
    assert {path: constant(parts, path) for path in row.constants} == row.constants


@pytest.mark.parametrize("name", ["darts-2nd", "balenas-2nd", "idarts"])
def test_what_differentiates_the_step_of_the_weights_reads_their_optimizer(name, digits):
    settings = GradientSettings(channels=4, cells=1, weight_learning_rate=0.7, weight_momentum=0.6)
    search = methods.get(name).build(NASBench201Space(), digits, settings, 0, 6)
    step = search.hypergradient.step
    assert (step.size, step.momentum, step.weight_decay) == (0.7, 0.6, settings.weight_decay)
    search.weight_optimizer.param_groups[0]["lr"] = 0.5
    assert step.size == 0.5
