"""How sharp the validation loss is in the alphas: Hessian, dominant eigenvalue, trace.

    curvature = Hessian(lambda: search.loss(batch), list(search.supernet.alphas.values()))
    curvature.dominant_eigenvalue(torch.Generator().manual_seed(0))
    torch.linalg.eigvalsh(curvature.dense())

At a minimum alpha* of L_val, with H = d^2 L_val / d alpha^2,

    L_val(alpha) ~ L_val(alpha*) + (alpha - alpha*)^T H (alpha - alpha*) / 2:

the larger H, the more is lost when the mixture is cut down to one architecture. Zela et al.,
"Understanding and Robustifying Differentiable Architecture Search", ICLR 2020, section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from nas_course.errors import InvalidInput
from nas_course.spaces import Cell201, DARTSSpace, Genotype, NASBench201Space
from nas_course.strategies.gradient.parts import Schedule

if TYPE_CHECKING:
    from nas_course.strategies.gradient.search import GradientSearch

EXACT_UP_TO = 40  # alphas: up to here the whole Hessian costs about as much as power iteration


class Hessian:
    """The second derivative of a loss by some parameters, known by its products with vectors.

    H v = d (g . v) / d alpha with g = dL / d alpha: differentiating a gradient once more costs
    a few passes and never writes H down. The graph of the gradient is kept, so all products
    belong to the point at which the object was made.

    Parameters
    ----------
    loss : callable -> scalar Tensor
        At the values that the parameters hold. Must be twice differentiable by autograd.
    parameters : sequence of Tensor
        Leaves that require gradients.

    Attributes
    ----------
    size : int
        Rows of H: numbers in the parameters.
    """

    def __init__(self, loss: Callable[[], Tensor], parameters: Sequence[Tensor]) -> None:
        self.parameters = list(parameters)
        self.size = sum(parameter.numel() for parameter in self.parameters)
        self.gradient = _flat(
            torch.autograd.grad(loss(), self.parameters, create_graph=True, materialize_grads=True)
        )

    def __matmul__(self, v: Tensor) -> Tensor:
        """Return H v; v and the result have shape (size,)."""
        return _flat(
            torch.autograd.grad(
                self.gradient @ v, self.parameters, retain_graph=True, materialize_grads=True
            )
        )

    def dense(self) -> Tensor:
        """Return H, shape (size, size), symmetric, from one product per row."""
        unit = torch.eye(self.size, dtype=self.gradient.dtype, device=self.gradient.device)
        rows = torch.stack([self @ v for v in unit])
        return (rows + rows.T) / 2  # what differs is rounding

    def dominant_eigenvalue(
        self, generator: torch.Generator, *, products: int = 30, tolerance: float = 1e-3
    ) -> float:
        """Return the largest eigenvalue, by power iteration; H itself is not computed.

        Repeating v <- H v / |H v| turns v towards the eigenvector of largest |lambda|, and
        v . H v is its eigenvalue. If that is negative, the same is done for H - lambda I, whose
        eigenvalues are all moved up by |lambda|: now the largest one leads.

        Parameters
        ----------
        generator : torch.Generator
            On the CPU; draws the first direction.
        products : int
            At most so many products in each of the two runs.
        tolerance : float
            A run ends when a product changes its eigenvalue by less than this part of it.

        Returns
        -------
        float
            An estimate from below: exact when the leading eigenvalue stands apart.
        """
        extreme = self._power_iteration(generator, 0.0, products, tolerance)
        if extreme >= 0:
            return extreme
        return self._power_iteration(generator, extreme, products, tolerance) + extreme

    def _power_iteration(
        self, generator: torch.Generator, shift: float, products: int, tolerance: float
    ) -> float:
        """Return the eigenvalue of largest size of H - shift I."""
        v = torch.randn(self.size, generator=generator).to(self.gradient)
        v = v / torch.linalg.vector_norm(v)
        value = 0.0
        for _ in range(products):
            product = self @ v - shift * v
            before, value = value, (v @ product).item()
            length = torch.linalg.vector_norm(product)
            if length == 0 or abs(value - before) < tolerance * abs(value):
                break
            v = product / length
        return value


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def one_hot(
    space: DARTSSpace | NASBench201Space, architecture: Genotype | Cell201
) -> dict[str, Tensor]:
    """Return the mixing weights of one architecture: 1 for what it keeps, 0 for all else.

    With them a supernet computes that architecture with the shared weights, so
    ``loss(one_hot) - loss(mixture)`` is what discretization costs.

    Returns
    -------
    dict of Tensor
        (edges, operations) by cell kind. Edges that a genotype leaves out have a row of zeros.
    """
    weights = {}
    for kind, template in space.cells.items():
        pi = torch.zeros(len(template.edges), len(template.operations))
        for source, target, operation in architecture.wires(kind):
            pi[template.edges.index((source, target)), template.operations.index(operation)] = 1
        weights[kind] = pi
    return weights


class WatchCurvature(Schedule):
    """Add the columns ``eigenvalue`` and, where H is small, ``trace`` to the history's rows.

    H is that of the cross-entropy on the first validation images, always the same ones, by the
    alphas of all cells. The search itself is not changed by a bit.

    Parameters
    ----------
    every : int
        Measure after so many epochs.
    images : int
        Validation images to measure on.
    """

    def __init__(self, every: int = 1, images: int = 128) -> None:
        for name, value in (("every", every), ("images", images)):
            if type(value) is not int or value < 1:
                raise InvalidInput(f"{name}: got {value!r}; allowed: whole numbers from 1 on.")
        self.every, self.images = every, images
        self.epochs = 0

    def begin(self, search: GradientSearch) -> None:
        """Take the images to measure on."""
        if search.data is None:
            raise InvalidInput(
                "data: got none, but the curvature is measured on validation images; give the "
                "search its ImageData (GradientSearch(..., data=...))."
            )
        valid = search.data.valid
        self.batch = valid.images[: self.images], valid.labels[: self.images]

    def after_epoch(self, search: GradientSearch) -> dict[str, Any]:
        """Measure if it is time to."""
        self.epochs += 1
        return self.measure(search) if self.epochs % self.every == 0 else {}

    def measure(self, search: GradientSearch) -> dict[str, float]:
        """Return ``eigenvalue`` (>= 0 for softmax logits, whose H has zeros) and ``trace``."""
        hessian = Hessian(lambda: search.loss(self.batch), list(search.supernet.alphas.values()))
        if hessian.size <= EXACT_UP_TO:
            eigenvalues = torch.linalg.eigvalsh(hessian.dense().double().cpu())
            return {"eigenvalue": eigenvalues[-1].item(), "trace": eigenvalues.sum().item()}
        return {"eigenvalue": hessian.dominant_eigenvalue(torch.Generator().manual_seed(0))}

    def state_dict(self) -> dict[str, Any]:
        """Return the number of finished epochs."""
        return {"epochs": self.epochs}

    def load_state_dict(self, state: dict[str, Any], search: GradientSearch) -> None:
        """Continue from what `state_dict` gave."""
        self.epochs = state["epochs"]
