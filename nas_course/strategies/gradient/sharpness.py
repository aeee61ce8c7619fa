"""SDARTS: train the weights under perturbed mixing weights, for a loss flat in alpha.

    parts = Parts(make_perturbation=RandomSmoothing)

Chen, Hsieh, "Stabilizing Differentiable Architecture Search via Perturbation-based
Regularization", ICML 2020. A supernet whose loss rises little when alpha moves loses little when
alpha is rounded to an architecture.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from nas_course.errors import InvalidInput, require_whole
from nas_course.models import MixedSupernet
from nas_course.strategies.gradient.parts import Mixing, Moment

Loss = Callable[[Mixing], Tensor]
FLOOR = 1e-7  # smallest weight before the rows are normalised again


class RandomSmoothing:
    """SDARTS-RS: the weights minimise the mean loss around the present mixing weights.

        min_w E[ L_train(w, pi + delta) ],   delta ~ U(-eps, eps)

    which is f + eps^2 / 6 tr(d^2 f / d pi^2) up to higher orders, where f(pi) is the loss at the
    normalised pi and no weight has been raised to the floor: the variance of each delta is
    eps^2 / 3. eps grows linearly with the progress of the search.

    delta stays within eps; the mixing weights p that are used need not. What the perturbation
    leaves outside of the simplex is put back (`to_simplex`, as in the authors' code), and that
    moves weights again. With n operations on an edge

        |p - pi| <= min(1, (n - 1) eps),   eps from 1e-7 on,

    which is sharp: the weights 1 - (n - 1) eps, eps, ..., eps become 1, 0, ..., 0 when delta
    takes eps from all but the first. For n = 8 this excludes nothing from eps = 1/7 on, for
    n = 5 from 1/4 on; with 0.03 to 0.3 that is after 42 % and 81 % of the search.

    Parameters
    ----------
    first, last : float
        eps in the first step, and what it has nearly grown to in the last one (of progress
        1 - 1 / steps), in units of a mixing weight; from 0 to 1.

    Raises
    ------
    InvalidInput
        If a value is outside its range.
    """

    def __init__(self, *, first: float = 0.03, last: float = 0.3) -> None:
        for name, value in {"first": first, "last": last}.items():
            if not 0 <= value <= 1:
                raise InvalidInput(f"{name}: got {value!r}; allowed: 0 to 1, a mixing weight.")
        self.first, self.last = first, last

    def radius(self, progress: float) -> float:
        """Return eps at a share of the search from 0 to 1."""
        return self.first + (self.last - self.first) * progress

    def perturb(
        self, supernet: MixedSupernet, pi: Mixing, loss: Loss, moment: Moment
    ) -> dict[str, Tensor]:
        """Return a random point of the ball, put back onto the simplex."""
        delta = uniform_noise(pi, self.radius(moment.progress), moment.generator)
        return moved(pi, delta)


class AdversarialSmoothing(RandomSmoothing):
    """SDARTS-ADV: the weights minimise the worst loss around the present mixing weights.

        min_w max_{|delta| <= eps} L_train(w, pi + delta)

    The maximum is sought by projected gradient ascent from a random start, n = `steps` times

        p      = pi + delta, put back onto the simplex
        g      = dL/dp - dL/dp . p, edge by edge: the gradient of L(x / sum x) at x = p
        delta <- clip(p + 2 eps / n sign(g) - pi, -eps, eps)

    and then once more p. A point that does not raise the loss is not used: the weights then
    train at pi itself. The released code takes dL/dp for g, as if the weights could grow
    together, and spends moves on that which the normalisation takes back. How far p can be from
    pi is said in `RandomSmoothing`.

    Parameters
    ----------
    steps : int
        n of the ascent, from 1 on; the paper has 7.
    first, last : float
        See `RandomSmoothing`; there steps are those of the search.
    """

    def __init__(self, *, steps: int = 7, first: float = 0.03, last: float = 0.3) -> None:
        super().__init__(first=first, last=last)
        require_whole("steps", steps, least=1)
        self.steps = steps

    def perturb(
        self, supernet: MixedSupernet, pi: Mixing, loss: Loss, moment: Moment
    ) -> dict[str, Tensor]:
        """Return the worst point found, or pi if none was worse."""
        eps = self.radius(moment.progress)
        delta = uniform_noise(pi, eps, moment.generator)
        for _ in range(self.steps):
            delta = self._ascend(pi, delta, loss, eps)
        worst = moved(pi, delta)
        with torch.no_grad():
            return worst if loss(worst) > loss(pi) else dict(pi)

    def _ascend(self, pi: Mixing, delta: Mixing, loss: Loss, eps: float) -> dict[str, Tensor]:
        here = {kind: point.requires_grad_() for kind, point in moved(pi, delta).items()}
        gradients = torch.autograd.grad(loss(here), list(here.values()))
        further = {}
        for (kind, point), gradient in zip(here.items(), gradients, strict=True):
            p = point.detach()
            along = gradient - (gradient * p).sum(dim=1, keepdim=True)  # through p / sum p
            ahead = p + 2 * eps / self.steps * along.sign()
            further[kind] = (ahead - pi[kind]).clamp(-eps, eps)
        return further


def uniform_noise(pi: Mixing, eps: float, generator: torch.Generator) -> dict[str, Tensor]:
    """Draw delta ~ U(-eps, eps) of the shapes of pi, from a generator on the CPU."""
    return {
        kind: (eps * (2 * torch.rand(weights.shape, generator=generator) - 1)).to(weights)
        for kind, weights in pi.items()
    }


def moved(pi: Mixing, delta: Mixing) -> dict[str, Tensor]:
    """Return pi + delta, put back onto the simplex."""
    return {kind: to_simplex(weights + delta[kind]) for kind, weights in pi.items()}


def to_simplex(weights: Tensor) -> Tensor:
    """Raise every weight to at least 1e-7, then divide each row by its sum.

    Not the nearest point of the simplex: a row whose sum was far from 1 moves farther. See
    `RandomSmoothing` for how far.

    Parameters
    ----------
    weights : Tensor (edges, operations)
        Any real numbers; a row without positive ones becomes uniform.
    """
    positive = weights.clamp_min(FLOOR)
    return positive / positive.sum(dim=1, keepdim=True)
