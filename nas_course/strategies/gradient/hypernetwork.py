"""The hypergradient through a hypernetwork, its two parts, and sampling round the alphas.

    through = ThroughHypernetwork("response")
    problem = Bilevel(lambda: valid_loss(h(through.read(alpha)), alpha), train_loss, [alpha], phi)
    loss, gradients = through(problem)

A hypernetwork w = h(alpha; phi) stands for the best response w*(alpha), so that the validation
loss can be differentiated through it. Lorraine and Duvenaud, "Stochastic Hyperparameter
Optimization through Hypernetworks", 2018, arXiv:1802.09419; hyperDARTS, see
`nas_course.models.hyper_supernet`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nas_course.errors import InvalidInput, one_of
from nas_course.models import MixedSupernet
from nas_course.models.hyper_supernet import HyperSupernet
from nas_course.strategies.gradient.hypergradients import Bilevel
from nas_course.strategies.gradient.parts import WEIGHTS, Moment, Relaxation

WAYS = ("total", "direct", "response")


class ThroughHypernetwork:
    """Differentiate the outer loss through w = h(alpha; phi).

        total    = direct + response
        direct   = dL_val(w, alpha)/dalpha             at fixed w
        response = (dh/dalpha)' dL_val(w, alpha)/dw    at fixed mixing weights

    The report of hyperDARTS writes only the response (its equation 22 and algorithm 2) and says
    that the direct part is zero. It is not: alpha enters L_val through every softmax mixture, and
    the direct part is all of first-order DARTS. Hence "total" is the method; the two others are
    there to compare.

    Parameters
    ----------
    part : "total", "direct" or "response"

    Raises
    ------
    InvalidInput
        If `part` is none of them, or, when called, if the outer loss read no alpha.
    """

    def __init__(self, part: str = "total") -> None:
        if part not in WAYS:
            raise one_of("part", part, WAYS)
        self.part = part
        self._watching = False
        self._inputs: dict[int, Tensor] = {}  # what stands for an alpha, by the alpha's identity

    def read(self, alpha: Tensor) -> Tensor:
        """Return `alpha` itself, marked as input of a hypernetwork while a gradient is computed.

        The hypernetwork must read its alphas through this; the mixture must not.
        """
        if not self._watching:
            return alpha
        return self._inputs.setdefault(id(alpha), alpha.view_as(alpha))

    def __call__(self, problem: Bilevel) -> tuple[Tensor, list[Tensor]]:
        """Return the outer loss and the chosen part of its gradient by each alpha."""
        loss, inputs = self._watch(problem)
        alphas = list(problem.alphas)
        marked = [alpha for alpha in alphas if id(alpha) in inputs]
        # the mark lies on the way alpha -> h only, so its gradient is the response
        inputs_of_marked = [inputs[id(alpha)] for alpha in marked]
        gradients = torch.autograd.grad(loss, alphas + inputs_of_marked, materialize_grads=True)
        responses = {id(a): g for a, g in zip(marked, gradients[len(alphas) :], strict=True)}
        parts = []
        for alpha, total in zip(alphas, gradients, strict=False):
            response = responses.get(id(alpha), torch.zeros_like(total))
            parts.append({"total": total, "direct": total - response, "response": response})
        return loss.detach(), [part[self.part] for part in parts]

    def _watch(self, problem: Bilevel) -> tuple[Tensor, dict[int, Tensor]]:
        self._watching = True
        try:
            loss, inputs = problem.outer(), self._inputs
        finally:
            self._watching, self._inputs = False, {}
        if not inputs:
            raise InvalidInput(
                "the outer loss read no alpha through `ThroughHypernetwork.read`: got 0 reads, "
                "needed 1 or more. Give the hypernetwork read(alpha) instead of alpha."
            )
        return loss, inputs


class LocalSampling(Relaxation):
    """Take the step of the weights at alpha + sigma * eps, eps ~ N(0, 1), not at alpha itself.

    At one point the training loss says what h(alpha) should be, not how h changes with alpha. The
    Jacobian, the only thing about h that the hypergradient uses, is learned from different alphas.
    hyperDARTS has sigma = 0 and hopes that the updates of alpha are noise enough (section 4.4.3);
    Lorraine and Duvenaud (algorithm 2) sample. The noise enters the hypernetwork and the mixture;
    the step of the alphas sees none.

    Parameters
    ----------
    sigma : float >= 0

    Raises
    ------
    InvalidInput
        If `sigma` is negative, or not finite.
    """

    def __init__(self, sigma: float = 0.0) -> None:
        if not 0 <= sigma < float("inf"):
            raise InvalidInput(f"sigma: got {sigma!r}; allowed: finite numbers from 0 on.")
        self.sigma = sigma
        self.noise: dict[str, Tensor] = {}

    def draw(self, supernet: MixedSupernet, moment: Moment) -> None:
        """Set the noise of a `HyperSupernet` for the coming phase."""
        noise: dict[str, Tensor] = {}
        if self.sigma and moment.phase == WEIGHTS:
            for kind, alpha in supernet.alphas.items():
                eps = torch.randn(alpha.shape, generator=moment.generator)
                noise[kind] = self.sigma * eps.to(alpha)
        _generated(supernet).noise = noise
        self.noise = noise

    def state_dict(self) -> dict[str, Any]:
        """Return the noise."""
        return {"noise": dict(self.noise)}

    def load_state_dict(self, state: dict[str, Any], supernet: MixedSupernet) -> None:
        """Be as after that draw, for this supernet."""
        self.noise = {kind: eps.to(supernet.alphas[kind]) for kind, eps in state["noise"].items()}
        _generated(supernet).noise = self.noise

    def __call__(self, supernet: MixedSupernet) -> dict[str, Tensor]:
        """Return softmax(alpha + noise) by cell kind."""
        logits = _generated(supernet).logits()
        return {kind: values.softmax(dim=1) for kind, values in logits.items()}


def _generated(supernet: MixedSupernet) -> HyperSupernet:
    if not isinstance(supernet, HyperSupernet):
        raise InvalidInput(
            f"LocalSampling moves the input of hypernetworks: got {type(supernet).__name__}; "
            "allowed: HyperSupernet. Wrap the supernet with `with_hypernetworks`."
        )
    return supernet
