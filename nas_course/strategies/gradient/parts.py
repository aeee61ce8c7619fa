"""The exchangeable parts of a gradient search, and the places they go to.

    parts = Parts(make_hypergradient=Unrolled, regularizers=(SkipPenalty(0.1),))
    search = GradientSearch(supernet, parts, settings, steps_total=1000)

Most papers after DARTS change one of these parts; a method is a choice for each place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn

from nas_course.errors import require_whole
from nas_course.models import MixedSupernet
from nas_course.models.supernet import MakeEdge, softmax_mix
from nas_course.spaces import Cell201, Genotype
from nas_course.strategies.gradient.discretization import discretize
from nas_course.strategies.gradient.hypergradients import Bilevel, FirstOrder
from nas_course.strategies.gradient.settings import GradientSettings

if TYPE_CHECKING:
    from nas_course.strategies.gradient.search import GradientSearch

Batch = tuple[Tensor, Tensor]
Mixing = Mapping[str, Tensor]
Hypergradient = Callable[[Bilevel], tuple[Tensor, list[Tensor]]]
Regularizer = Callable[[MixedSupernet, float], Tensor]

ALPHAS, WEIGHTS = "alphas", "weights"


@dataclass(frozen=True)
class Moment:
    """Where in a search a part is asked for something.

    Attributes
    ----------
    progress : float
        Share of the steps that are taken: 0 in the first step, 1 - 1 / steps in the last.
    phase : "alphas" or "weights"
        Which of the two updates of a step comes next.
    generator : torch.Generator
        On the CPU, part of the search's state: what is drawn from it is repeated by a resumed run.
    """

    progress: float
    phase: str
    generator: torch.Generator


class Relaxation:
    """From logits to mixing weights; this one is the softmax of DARTS (equation 2).

    Others override what they need. The only state is what `draw` sets anew for every phase; it
    is saved so that a finished search, loaded again, has the same supernet.
    """

    def attach(self, supernet: MixedSupernet, generator: torch.Generator) -> None:
        """Prepare the supernet once, before the search: add logits of edges, for example."""

    def draw(self, supernet: MixedSupernet, moment: Moment) -> None:
        """Take a temperature and noise for the coming phase.

        Within a phase the supernet may be evaluated several times (unrolled steps, finite
        differences): all of them see the same sample.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return what the last draw set, as tensors and plain values."""
        return {}

    def load_state_dict(self, state: dict[str, Any], supernet: MixedSupernet) -> None:
        """Be as after that draw, for this supernet."""

    def __call__(self, supernet: MixedSupernet) -> dict[str, Tensor]:
        """Return the mixing weights by cell kind, differentiable by the logits."""
        return softmax_mix(supernet)


class AlphaOptimizer(Protocol):
    """Moves the architecture parameters."""

    def step(self, closure: Callable[[], tuple[Tensor, list[Tensor]]]) -> Tensor:
        """Update the parameters in place and return the outer loss.

        Parameters
        ----------
        closure : callable -> (loss, gradients)
            The hypergradient at the values that the parameters hold when it is called.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next step depends on."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what `state_dict` gave."""


class AdamOptimizer:
    """Adam on the architecture parameters, as DARTS has it (section 3.1).

    Parameters
    ----------
    parameters : list of Parameter
    settings : GradientSettings
        alpha_learning_rate, alpha_betas, alpha_weight_decay.
    generator : torch.Generator
        Not used; optimizers that sample need it.
    """

    def __init__(
        self,
        parameters: list[nn.Parameter],
        settings: GradientSettings,
        generator: torch.Generator,
    ) -> None:
        self.parameters = parameters
        self.adam = torch.optim.Adam(
            parameters,
            lr=settings.alpha_learning_rate,
            betas=settings.alpha_betas,
            weight_decay=settings.alpha_weight_decay,
        )

    def step(self, closure: Callable[[], tuple[Tensor, list[Tensor]]]) -> Tensor:
        """Update the parameters in place and return the outer loss."""
        loss, gradients = closure()
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        self.adam.step()
        self.adam.zero_grad()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return the state of Adam."""
        return self.adam.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what `state_dict` gave."""
        self.adam.load_state_dict(state)


class Perturbation(Protocol):
    """Changes the mixing weights under which the weights take their step."""

    def perturb(
        self,
        supernet: MixedSupernet,
        pi: Mixing,
        loss: Callable[[Mixing], Tensor],
        moment: Moment,
    ) -> dict[str, Tensor]:
        """Return the mixing weights of the weight step.

        Parameters
        ----------
        supernet : MixedSupernet
        pi : mapping of Tensor
            The mixing weights of the alphas, without graph.
        loss : callable mixing weights -> scalar Tensor
            The training loss of the batch under other mixing weights.
        moment : Moment
        """


class Schedule:
    """What a method does besides its two updates; every hook does nothing until overridden.

    Attributes
    ----------
    stopped : bool
        Set to True by a schedule that ends the search after this epoch.
    second_derivatives : bool
        Whether it differentiates the supernet twice, which only the plain engine allows.
    """

    stopped: bool = False
    second_derivatives: bool = False

    def begin(self, search: GradientSearch) -> None:
        """Called once, before the first step (also of a search that is then resumed)."""

    def before_step(self, search: GradientSearch, train_batch: Batch, valid_batch: Batch) -> None:
        """Called at the beginning of every step."""

    def trains_alphas(self, search: GradientSearch) -> bool:
        """Whether the coming step may update the architecture parameters."""
        return True

    def after_epoch(self, search: GradientSearch) -> dict[str, Any]:
        """Return further columns of the epoch's row: numbers, texts and lists of them."""
        return {}

    def architecture(self, search: GradientSearch) -> Genotype | Cell201 | None:
        """Return the architecture if this schedule decides it, else None."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """Return all that later hooks depend on, as tensors and plain values."""
        return {}

    def load_state_dict(self, state: dict[str, Any], search: GradientSearch) -> None:
        """Continue from what `state_dict` gave; called before the search loads its own state."""


def discretize_alphas(supernet: MixedSupernet) -> Genotype | Cell201:
    """Return the architecture that the alphas of a supernet stand for, see `discretize`."""
    return discretize(supernet.space, dict(supernet.alphas.items()))


@dataclass(frozen=True)
class Parts:
    """A choice for every place of the gradient family's table; the defaults are first-order DARTS.

    Attributes
    ----------
    make_hypergradient : callable SGD -> (callable Bilevel -> (loss, gradients))
        Gets the optimizer of the weights, since some hypergradients differentiate its step.
    make_relaxation : callable -> Relaxation
    make_edge : callable (operations, channels, stride) -> module, optional
        What stands on the edges of the supernet; None for `MixedOperation`.
    make_alpha_optimizer : callable (parameters, settings, generator) -> AlphaOptimizer
    regularizers : sequence of callable (supernet, progress) -> scalar Tensor
        Added to the validation loss whose gradient moves the alphas.
    make_perturbation : callable -> Perturbation, optional
    make_schedules : sequence of callable -> Schedule
    discretize : callable supernet -> architecture
    wrap_supernet : callable (supernet, generator) -> supernet, optional
        Puts something between alphas and weights, such as a hypernetwork.
    weight_steps : int from 1 on
        Steps of the weights for each step of the alphas.
    second_derivatives : bool
        Whether the hypergradient differentiates the supernet twice; see `Schedule` too.

    Raises
    ------
    InvalidInput
        If `weight_steps` is outside its range.
    """

    make_hypergradient: Callable[[torch.optim.SGD], Hypergradient] = lambda optimizer: FirstOrder()
    make_relaxation: Callable[[], Relaxation] = Relaxation
    make_edge: MakeEdge | None = None
    make_alpha_optimizer: Callable[..., AlphaOptimizer] = AdamOptimizer
    regularizers: Sequence[Regularizer] = ()
    make_perturbation: Callable[[], Perturbation] | None = None
    make_schedules: Sequence[Callable[[], Schedule]] = ()
    discretize: Callable[[MixedSupernet], Genotype | Cell201] = discretize_alphas
    wrap_supernet: Callable[[MixedSupernet, torch.Generator], MixedSupernet] | None = None
    weight_steps: int = 1
    second_derivatives: bool = False

    def __post_init__(self) -> None:
        require_whole("weight_steps", self.weight_steps, least=1)
