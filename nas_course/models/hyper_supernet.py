"""Supernets whose cells have no weights of their own: hypernetworks generate every kernel.

    supernet = build_supernet(DARTSSpace(), channels=4, cells=3, ..., generator=generator)
    hyper = with_hypernetworks(supernet, linear_hypernetwork, generator)
    hyper(images)                                # kernels = h(alpha; phi), then the mixture
    hyper.kernels()["network.cells.0.edges.0.operations.4.0.1.weight"].shape    # (4, 1, 3, 3)

hyperDARTS: Mah, "Differentiable Neural Architecture Search through Hypernetworks for Image
Recognition", final report ENG4702, Monash University 2023, sections 4.4 and 4.6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from nas_course.errors import one_of
from nas_course.models.initialisation import initialise
from nas_course.models.skeleton import CellSkeleton
from nas_course.models.supernet import MixedCell, MixedSupernet

MakeHypernetwork = Callable[[int, int], nn.Sequential]
INITIAL_WEIGHTS = ("default", "matched")


def linear_hypernetwork(inputs: int, outputs: int) -> nn.Sequential:
    """Build w = W alpha + b, the hypernetwork of hyperDARTS-1: (inputs + 1) outputs weights."""
    return nn.Sequential(nn.Linear(inputs, outputs))


def sigmoid_hypernetwork(inputs: int, outputs: int) -> nn.Sequential:
    """Build w = W2 sigmoid(W1 alpha + b1) + b2 of hyperDARTS-2, half as wide as its input."""
    hidden = inputs // 2
    return nn.Sequential(nn.Linear(inputs, hidden), nn.Sigmoid(), nn.Linear(hidden, outputs))


HYPERNETWORKS: Mapping[str, MakeHypernetwork] = {
    "linear": linear_hypernetwork,
    "sigmoid": sigmoid_hypernetwork,
}


class HyperSupernet(MixedSupernet):
    """A mixed supernet that computes the kernels of its cells from the alphas.

    There is one hypernetwork for each cell kind. It reads the logits of its kind, flattened edge
    after edge, and returns the kernels of all cells of that kind as one vector: cells share their
    alphas, not their weights. FactorizedReduce of a skip connection with stride 2 is generated
    too. Stem, preprocessing, reductions between stages and classifier keep weights of their own
    ("method 1" of section 5.2.1). Both sorts are `weights()`, trained on the training data.

    Parameters
    ----------
    supernet : MixedSupernet
        Is taken apart: its alphas move here, the kernels of its cells are dropped.
    make_hypernetwork : callable (inputs, outputs) -> torch.nn.Sequential
        Its last layer is linear. One of `HYPERNETWORKS`, or another.
    read : callable Tensor -> Tensor
        Every alpha goes into its hypernetwork through this function, which must not change it. A
        hypergradient that tells the two ways of an alpha apart watches here.

    Attributes
    ----------
    hypernetworks : torch.nn.ModuleDict
        By cell kind.
    shapes : dict
        Cell kind -> name of a kernel in `ordinary` -> its shape, in the order of generation.
    noise : dict
        Cell kind -> Tensor (edges, operations) that is added to the logits; empty for none.
    """

    def __init__(
        self,
        supernet: MixedSupernet,
        make_hypernetwork: MakeHypernetwork,
        read: Callable[[Tensor], Tensor] = lambda alpha: alpha,
    ) -> None:
        super().__init__(supernet.space)
        self.alphas, self.betas = supernet.alphas, supernet.betas
        self.relaxation = supernet.relaxation
        self.read = read
        self.noise: dict[str, Tensor] = {}
        self.shapes: dict[str, dict[str, torch.Size]] = {}
        self.hypernetworks = nn.ModuleDict()
        for kind, kernels in cell_kernels(supernet).items():
            self.shapes[kind] = {name: kernel.shape for name, kernel in kernels.items()}
            outputs = sum(kernel.numel() for kernel in kernels.values())
            self.hypernetworks[kind] = make_hypernetwork(self.alphas[kind].numel(), outputs)
            for name in kernels:
                del supernet.get_submodule(name.removesuffix(".weight")).weight
        supernet.alphas, supernet.betas = nn.ParameterDict(), nn.ParameterDict()
        self.ordinary = supernet

    def logits(self) -> dict[str, Tensor]:
        """Return alpha + noise by cell kind: where mixture and hypernetwork are evaluated."""
        return {kind: self._noisy(kind, alpha) for kind, alpha in self.alphas.items()}

    def kernels(self) -> dict[str, Tensor]:
        """Return the generated kernels by their names in `ordinary`, with graph."""
        generated = {}
        for kind, shapes in self.shapes.items():
            logits = self._noisy(kind, self.read(self.alphas[kind]))
            vector = self.hypernetworks[kind](logits.flatten())  # (D,)
            pieces = vector.split([shape.numel() for shape in shapes.values()])
            for (name, shape), piece in zip(shapes.items(), pieces, strict=True):
                generated[name] = piece.view(shape)
        return generated

    def forward(self, images: Tensor, pi: Mapping[str, Tensor] | None = None) -> Tensor:
        """Return logits (batch, classes); `pi` replaces the mixing weights of the alphas."""
        mixing = self.mixing_weights() if pi is None else pi
        return functional_call(self.ordinary, self.kernels(), (images, mixing), tie_weights=False)

    def _noisy(self, kind: str, alpha: Tensor) -> Tensor:
        return alpha + self.noise[kind] if kind in self.noise else alpha


def cell_kernels(supernet: MixedSupernet) -> dict[str, dict[str, Tensor]]:
    """Return the kernels of all convolutions inside the cells, by cell kind and by name.

    In the order in which a hypernetwork generates them: cell, edge, operation, layer.
    """
    cells = [(name, cell) for name, cell in supernet.named_modules() if isinstance(cell, MixedCell)]
    kernels: dict[str, dict[str, Tensor]] = {kind: {} for kind in supernet.space.cells}
    for kind, (name, cell) in zip(_kinds(supernet, len(cells)), cells, strict=True):
        for inner, layer in cell.named_modules():
            if isinstance(layer, nn.Conv2d):
                kernels[kind][f"{name}.{inner}.weight"] = layer.weight
    return kernels


def _kinds(supernet: MixedSupernet, cells: int) -> list[str]:
    """Return the kind of every cell in order: a skeleton with several kinds knows them."""
    for module in supernet.modules():
        if isinstance(module, CellSkeleton):
            return module.kinds
    return list(supernet.space.cells) * cells


def with_hypernetworks(
    supernet: MixedSupernet,
    make_hypernetwork: MakeHypernetwork,
    generator: torch.Generator,
    *,
    initial: str = "default",
    read: Callable[[Tensor], Tensor] = lambda alpha: alpha,
) -> HyperSupernet:
    """Replace the kernels of a supernet's cells by hypernetworks and draw their weights.

    On the DARTS space with 8 cells and 16 channels, 10 classes and 3 image channels, the
    supernet then has 207,021,434 weights with `linear_hypernetwork` and 104,488,682 with
    `sigmoid_hypernetwork`, in place of 1,930,618: build it under `torch.device("meta")` to count.

    Parameters
    ----------
    supernet : MixedSupernet
        Is taken apart, see `HyperSupernet`.
    make_hypernetwork : callable (inputs, outputs) -> torch.nn.Sequential
    generator : torch.Generator
        On the CPU.
    initial : "default" or "matched"
        "default": torch's own distribution for linear layers, the only one with which the
        report's count and text agree. Every kernel then has the same scale, whatever its fan-in,
        and with batch normalisation behind it another effective learning rate than in DARTS.
        "matched": the bias of the last layer is the supernet's kernels and its matrix is zero. The
        Jacobian of the kernels by the alphas begins at zero and the first step is that of
        first-order DARTS.
    read : callable Tensor -> Tensor
        See `HyperSupernet`.

    Raises
    ------
    InvalidInput
        If `initial` is neither.
    """
    if initial not in INITIAL_WEIGHTS:
        raise one_of("initial", initial, INITIAL_WEIGHTS)
    kernels = cell_kernels(supernet)
    hyper = HyperSupernet(supernet, make_hypernetwork, read)
    initialise(hyper.hypernetworks, generator)
    if initial == "matched":
        for kind, own in kernels.items():
            *_, matrix, bias = hyper.hypernetworks[kind].parameters()  # of the last layer
            with torch.no_grad():
                matrix.zero_()
                bias.copy_(torch.cat([kernel.flatten() for kernel in own.values()]))
    return hyper
