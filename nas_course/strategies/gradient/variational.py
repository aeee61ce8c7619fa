"""Variational inference over architectures: a Gaussian on the logits, moved by VAdam.

    make = partial(VAdam, examples=700)
    search = GradientSearch(supernet, Parts(make_alpha_optimizer=make), settings, steps_total=1000)

The logits theta are random: q(theta) = N(mu, diag(sigma^2)), prior N(0, 1 / delta). What the
supernet's alphas hold between two steps is the mean mu. Zhang et al., "BaLeNAS: Differentiable
Architecture Search via the Bayesian Learning Rule", CVPR 2022 (arXiv:2111.13204), and chapter 5 of
Zhang, "Automated Deep Learning: A Study on Neural Architecture Search", PhD thesis, UTS, 2021.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from nas_course.errors import InvalidInput, require_whole
from nas_course.strategies.gradient.parts import Batch, Schedule
from nas_course.strategies.gradient.settings import GradientSettings

if TYPE_CHECKING:
    from nas_course.strategies.gradient.search import GradientSearch

Closure = Callable[[], tuple[Tensor, list[Tensor]]]


@contextmanager
def sampled(
    parameters: Sequence[Tensor], deviations: Sequence[Tensor], generator: torch.Generator
) -> Iterator[None]:
    """Let parameters hold a draw mu + sigma e; afterwards they hold mu again, bit for bit.

    Parameters
    ----------
    parameters, deviations : sequences of Tensor, equal shapes
        mu and sigma. e ~ N(0, 1).
    generator : torch.Generator
        On the CPU.
    """
    means = [parameter.detach().clone() for parameter in parameters]
    try:
        with torch.no_grad():
            for parameter, sigma in zip(parameters, deviations, strict=True):
                e = torch.randn(sigma.shape, generator=generator, dtype=sigma.dtype)
                parameter += sigma * e.to(sigma.device)
        yield
    finally:  # an exception must not leave a sample behind
        with torch.no_grad():
            for parameter, mean in zip(parameters, means, strict=True):
                parameter.copy_(mean)


def check_precisions(prior: float, initial: float) -> None:
    """Require 0 <= prior <= initial and initial > 0: s must not begin negative."""
    if not (0 <= prior <= initial < math.inf and initial > 0):
        raise InvalidInput(
            f"prior_precision, initial_precision: got {prior} and {initial}; allowed: "
            "0 <= prior_precision <= initial_precision, both finite, and initial_precision above 0."
        )


class VAdam:
    """Natural-gradient variational inference in the form of Adam.

        theta ~ N(mu, 1 / (N s + delta)),   g = the hypergradient at theta,   d = delta / N
        m <- beta_1 m + (1 - beta_1) (g + d mu),      m_hat = m / (1 - beta_1^t)
        s <- beta_2 s + (1 - beta_2) g^2,             s_hat = s / (1 - beta_2^t)
        mu <- mu - rate m_hat / (sqrt(s_hat) + d)

    Khan et al., "Fast and Scalable Bayesian Deep Learning by Weight-Perturbation in Adam", ICML
    2018, figure 1: what BaLeNAS runs. Its equation 5.16 (thesis) lacks the square root, the bias
    correction and the second rate; there steps grow as 1 / g when gradients vanish. The precision
    N s + delta uses s as it is, without correction. With several draws g and g^2 are averaged.

    The prior stands in for weight decay: alpha_weight_decay of the settings is not used. The
    square of the gradient is far smaller than the curvature it stands for (see
    `gradient_magnitude`), so sigma stays wider than the true posterior.

    Parameters
    ----------
    parameters : list of Parameter
        They hold mu; during the closure they hold theta.
    settings : GradientSettings
        alpha_learning_rate and alpha_betas: rate and (beta_1, beta_2).
    generator : torch.Generator
        Of the draws, on the CPU.
    examples : int, optional
        N: of how many examples the loss is the mean. None: `PosteriorWidth` fills in the size of
        the validation part before the first step.
    samples : int
        Draws of theta per step. The thesis finds 1 best (table 5.2).
    prior_precision, initial_precision : float
        delta, and the precision of the first draw, at least delta: s begins at
        (initial_precision - delta) / N. With 1 and 1 the first draws have standard deviation 1.

    Raises
    ------
    InvalidInput
        If a value is outside its range, or N is still unknown at the first step.
    """

    def __init__(
        self,
        parameters: list[nn.Parameter],
        settings: GradientSettings,
        generator: torch.Generator,
        *,
        examples: int | None = None,
        samples: int = 1,
        prior_precision: float = 1.0,
        initial_precision: float = 1.0,
    ) -> None:
        require_whole("samples", samples, least=1)
        check_precisions(prior_precision, initial_precision)
        self.parameters = parameters
        self.rate, self.betas = settings.alpha_learning_rate, settings.alpha_betas
        self.generator = generator
        self.samples = samples
        self.delta, self.initial_precision = prior_precision, initial_precision
        self.steps = 0
        self.m = [torch.zeros_like(parameter) for parameter in parameters]
        self.s: list[Tensor] = []
        self.examples: int | None = None
        if examples is not None:
            self.know_examples(examples)

    def know_examples(self, examples: int) -> None:
        """Take N, once; s begins with it."""
        if self.examples is not None:
            raise InvalidInput(f"examples: got {examples}; it is {self.examples} since the start.")
        require_whole("examples", examples, least=1)
        self.examples = examples
        begin = (self.initial_precision - self.delta) / examples
        self.s = [torch.full_like(parameter, begin) for parameter in self.parameters]

    def deviations(self) -> list[Tensor]:
        """Return sigma = 1 / sqrt(N s + delta), shaped like each parameter."""
        examples = self._known_examples()
        return [(examples * s + self.delta).rsqrt() for s in self.s]

    def step(self, closure: Closure) -> Tensor:
        """Update mu and return the outer loss, the mean over the draws.

        The parameters hold mu again afterwards, bit for bit, also if the closure raises.
        """
        deviations, draws = self.deviations(), []
        for _ in range(self.samples):
            with sampled(self.parameters, deviations, self.generator):
                draws.append(closure())
        columns = list(zip(*(gradients for _, gradients in draws), strict=True))
        g = [torch.stack(column).mean(dim=0) for column in columns]
        squares = [torch.stack(column).square().mean(dim=0) for column in columns]
        self._update(g, squares)
        return torch.stack([loss for loss, _ in draws]).mean()

    def state_dict(self) -> dict[str, Any]:
        """Return m, s, the number of steps and N; mu is in the parameters."""
        moments = {name: [tensor.clone() for tensor in getattr(self, name)] for name in ("m", "s")}
        return moments | {"steps": self.steps, "examples": self.examples}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what `state_dict` gave."""
        for name in ("m", "s"):
            pairs = zip(state[name], self.parameters, strict=bool(state[name]))
            setattr(self, name, [tensor.clone().to(parameter) for tensor, parameter in pairs])
        self.steps, self.examples = state["steps"], state["examples"]

    @torch.no_grad()
    def _update(self, gradients: list[Tensor], squares: list[Tensor]) -> None:
        (beta_1, beta_2), d = self.betas, self.delta / self._known_examples()
        self.steps += 1
        correct_1, correct_2 = 1 - beta_1**self.steps, 1 - beta_2**self.steps
        moments = zip(self.parameters, self.m, self.s, gradients, squares, strict=True)
        for mu, m, s, g, square in moments:
            m.mul_(beta_1).add_(g + d * mu, alpha=1 - beta_1)
            s.mul_(beta_2).add_(square, alpha=1 - beta_2)
            mu.sub_(self.rate * (m / correct_1) / ((s / correct_2).sqrt() + d))

    def _known_examples(self) -> int:
        if self.examples is None:
            raise InvalidInput(
                "examples: VAdam does not know N, the number of validation examples; give "
                "examples=..., or a search with data and the schedule PosteriorWidth."
            )
        return self.examples


class PosteriorWidth(Schedule):
    """Tells VAdam the size of the validation part, and writes sigma into every row.

    The column "sigma" maps a cell kind to the standard deviations (edges, operations) at the end
    of the epoch, to four digits.
    """

    def before_step(self, search: GradientSearch, train_batch: Batch, valid_batch: Batch) -> None:
        """Give N to an optimizer that lacks it: a fresh one too, after a change of supernet."""
        optimizer = _variational(search)
        if optimizer.examples is None and search.data is not None:
            optimizer.know_examples(len(search.data.valid))

    def after_epoch(self, search: GradientSearch) -> dict[str, Any]:
        """Return the column "sigma"."""
        pairs = zip(search.supernet.alphas, _variational(search).deviations(), strict=False)
        return {"sigma": {kind: _four_digits(sigma.tolist()) for kind, sigma in pairs}}


def _variational(search: GradientSearch) -> VAdam:
    if not isinstance(search.alpha_optimizer, VAdam):
        raise InvalidInput(
            f"PosteriorWidth follows the posterior of VAdam: got "
            f"{type(search.alpha_optimizer).__name__}; use it with make_alpha_optimizer=VAdam."
        )
    return search.alpha_optimizer


def _four_digits(rows: list[list[float]]) -> list[list[float]]:
    return [[float(f"{value:.4g}") for value in row] for row in rows]
