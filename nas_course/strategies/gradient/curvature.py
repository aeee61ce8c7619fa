"""How sharp the validation loss is in the alphas: Hessian, largest eigenvalue, trace.

    curvature = Hessian(lambda: search.loss(batch), list(search.supernet.alphas.values()))
    curvature.largest_eigenvalue(torch.Generator().manual_seed(0))
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

from nas_course.errors import InvalidInput, require_whole
from nas_course.spaces import Cell201, DARTSSpace, Genotype, NASBench201Space
from nas_course.strategies.gradient.parts import Schedule

if TYPE_CHECKING:
    from nas_course.strategies.gradient.search import GradientSearch


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

    def largest_eigenvalue(self, generator: torch.Generator, products: int = 30) -> float:
        """Return the largest eigenvalue by the method of Lanczos; H itself is not computed.

        Power iteration, v <- H v / |H v|, finds the eigenvalue of largest size, here often a
        negative one, and forgets every direction but the last. Lanczos keeps them all as an
        orthonormal basis Q and takes the largest eigenvalue of Q^T H Q, which is the largest
        value of v . H v / |v|^2 that they span. Both need one product per step; this one is never
        worse (Golub, Van Loan, "Matrix Computations", section 10.1).

        Parameters
        ----------
        generator : torch.Generator
            On the CPU; draws the first direction.
        products : int
            At most so many products.

        Returns
        -------
        float
            Never above the true eigenvalue (but for rounding), and exact if `products` is at
            least the number of different eigenvalues.
        """
        v = torch.randn(self.size, generator=generator, dtype=torch.float64)
        basis = [v / v.norm()]
        images: list[Tensor] = []  # H v for every v of the basis
        for _ in range(min(products, self.size)):
            image = (self @ basis[-1].to(self.gradient)).to("cpu", torch.float64)
            images.append(image)
            rest = image.clone()
            for _ in range(2):  # once leaves rounding errors that grow from step to step
                for v in basis:
                    rest -= (v @ rest) * v
            if rest.norm() <= 1e-6 * image.norm():
                break  # H maps the span of the basis into itself
            basis.append(rest / rest.norm())
        projected = torch.stack(basis[: len(images)]) @ torch.stack(images).T
        return torch.linalg.eigvalsh((projected + projected.T) / 2)[-1].item()


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
    """Add ``eigenvalue``, the largest of H, and where H is small ``trace`` to the rows.

    H is that of the cross-entropy on the first validation images, always the same ones, by the
    alphas of all cells. The search itself is not changed by a bit.

    Parameters
    ----------
    every : int
        Measure after so many epochs.
    images : int
        Validation images to measure on.
    products : int
        Products of H with a vector in one measurement. If there are no more alphas than that, H
        is computed whole; otherwise there is no ``trace``.
    """

    second_derivatives = True

    def __init__(self, every: int = 1, images: int = 128, products: int = 30) -> None:
        for name, value in (("every", every), ("images", images), ("products", products)):
            require_whole(name, value, least=1)
        self.every, self.images, self.products = every, images, products
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
        if hessian.size <= self.products:
            eigenvalues = torch.linalg.eigvalsh(hessian.dense().double().cpu())
            return {"eigenvalue": eigenvalues[-1].item(), "trace": eigenvalues.sum().item()}
        start = torch.Generator().manual_seed(0)  # the search's own numbers stay untouched
        return {"eigenvalue": hessian.largest_eigenvalue(start, self.products)}

    def state_dict(self) -> dict[str, Any]:
        """Return the number of finished epochs."""
        return {"epochs": self.epochs}

    def load_state_dict(self, state: dict[str, Any], search: GradientSearch) -> None:
        """Continue from what `state_dict` gave."""
        self.epochs = state["epochs"]
