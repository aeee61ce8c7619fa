"""Zero-cost proxies: scores of an untrained network from one batch of images.

    estimate = ZeroCostEstimate("synflow", data, NetworkBuilder.fitting(data, channels=8, cells=1))
    estimate(architecture).value

Each proxy is a function (network, images, labels) -> number, the larger the better. Whether it
ranks better than merely counting parameters has to be measured (benchmarks/zero_cost_on_table.py).

Abdelfattah, Mehrotra, Dudziak, Lane, "Zero-Cost Proxies for Lightweight NAS", ICLR 2021, turned
scores of single weights, made for pruning, into scores of networks: the sum over all weights.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.overrides import TorchFunctionMode

from nas_course import models
from nas_course.data import ImageData
from nas_course.errors import InvalidInput, one_of
from nas_course.estimation.score import Score
from nas_course.estimation.training import Build

Proxy = Callable[[nn.Module, Tensor, Tensor], float]
RELUS = (torch.relu, torch.relu_, torch.nn.functional.relu, Tensor.relu, Tensor.relu_)
NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def gradient_norm(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the gradient's size, sum over layers l of || dL/dθ_l ||_2.

    Abdelfattah et al., ICLR 2021. θ_l are the weights of convolution or linear layer
    l, L the mean cross-entropy of the batch, normalised with the batch's own statistics.

    Parameters
    ----------
    network : torch.nn.Module
        Maps images to logits; left as it is, with its weights, buffers, gradients and mode.
    images : Tensor, shape (batch, C, H, W)
    labels : Tensor of int, shape (batch,)
    """
    network = _copied(network)
    weights = list(_weights(network).values())
    gradients = _gradients(_loss(network, images, labels), weights)
    return sum(float(gradient.norm()) for gradient in gradients)


def snip(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return how much the loss hangs on the weights, sum over all weights of | θ dL/dθ |.

    Lee, Ajanthan, Torr, "SNIP", ICLR 2019: "connection sensitivity", the derivative with
    respect to a switch c in front of a weight, θ c, at c = 1. Parameters as in `gradient_norm`.
    """
    network = _copied(network)
    weights = list(_weights(network).values())
    gradients = _gradients(_loss(network, images, labels), weights)
    return sum(
        float((weight.detach() * gradient).abs().sum())
        for weight, gradient in zip(weights, gradients, strict=True)
    )


def grasp(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return how much pruning would help the gradient flow, sum over all weights of -θ (H g).

    g = dL/dθ, H the Hessian of L. Wang, Zhang, Grosse, "Picking Winning Tickets Before Training by
    Preserving Gradient Flow", ICLR 2020: the paper prunes the *largest* scores; summed with
    this same sign by Abdelfattah et al. (their code notes that the other sign ranks the
    wrong way). Parameters as in `gradient_norm`.
    """
    network = _copied(network)
    weights = list(_weights(network).values())
    gradients = _gradients(_loss(network, images, labels), weights, create_graph=True)
    # H g as the gradient of g·g with one g held fixed
    products = torch.stack([(g * g.detach()).sum() for g in gradients]).sum()
    hessian_gradients = _gradients(products, weights)
    return -sum(
        float((weight.detach() * product).sum())
        for weight, product in zip(weights, hessian_gradients, strict=True)
    )


def synflow(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the sum over all weights of their synaptic flow, see `synaptic_flow`.

    Blind to the data: only the images' shape counts. Parameters as in `gradient_norm`.
    """
    return sum(synaptic_flow(network, tuple(images.shape[1:])).values())


def synaptic_flow(network: nn.Module, image_shape: tuple[int, ...]) -> dict[str, float]:
    """Return for each layer the sum of θ dR/dθ with R = sum of outputs, all weights made positive.

    Tanaka, Kunin, Yamins, Ganguli, "Pruning neural networks without any data by iteratively
    conserving synaptic flow", NeurIPS 2020: R = 1ᵀ (Π |θ_l|) 1, which is the network
    on an image of ones. Batch normalisation would divide the flow away, so it is left out. In
    float64, since a product over layers leaves float32's range. What flows in flows out: layers
    through which all paths lead have equal sums (the conservation theorem; a bias feeds R on the
    side).

    Parameters
    ----------
    network : torch.nn.Module
        Left as it is. Its activations must be homogeneous, as ReLU is.
    image_shape : tuple (C, H, W)
    """
    network = _without_normalisation(_copied(network).double())
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    weights = _weights(network)
    device = next(iter(weights.values())).device
    flow = _logits(network, torch.ones(1, *image_shape, dtype=torch.float64, device=device)).sum()
    gradients = _gradients(flow, list(weights.values()))
    return {
        name: float((weight.detach() * gradient).sum())
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
    }


def naswot(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return log |K|, where K compares which ReLUs two images switch on, see `relu_kernel`.

    Mellor, Turner, Storkey, Crowley, "Neural Architecture Search without Training", ICML 2021.
    Minus infinity where two images have equal codes. The paper takes 128 images; only
    scores with equally many can be compared. Parameters as in `gradient_norm`.
    """
    sign, log_determinant = torch.linalg.slogdet(relu_kernel(network, images))
    return float(log_determinant) if sign > 0 else -math.inf


@torch.no_grad()
def relu_kernel(network: nn.Module, images: Tensor) -> Tensor:
    """Return K_ij = number of ReLUs - Hamming distance of the codes of images i and j.

    The code c_i of an image has a 1 for every ReLU that lets it through, so K is C Cᵀ + (1 - C)
    (1 - C)ᵀ (Mellor et al., ICML 2021). ReLUs are caught where torch computes them, whether
    they are modules or functions.

    Returns
    -------
    Tensor, float64, shape (batch, batch)

    Raises
    ------
    InvalidInput
        The network computes no ReLU.
    """
    kernel = torch.zeros(len(images), len(images), dtype=torch.float64, device=images.device)

    class Codes(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if func in RELUS:
                code = (args[0] > 0).flatten(1).float()  # 0 and 1: sums below 2**24 are exact
                kernel.add_(code @ code.T + (1 - code) @ (1 - code).T)
            return func(*args, **(kwargs or {}))

    with Codes():
        _copied(network)(images)
    if not kernel.any():
        raise InvalidInput(
            f"naswot: {type(network).__name__} computes no ReLU; this proxy compares ReLUs only. "
            "Use another proxy for this network."
        )
    return kernel


def jacobian_covariance(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return -sum over i of log(v_i + k) + 1 / (v_i + k), k = 1e-5: least when images look alike.

    v_i are the eigenvalues of the correlations between the rows of J, and row n of J is the
    derivative of the summed logits with respect to image n. The first version (2020) of Mellor et
    al., called jacob_cov by Abdelfattah et al. Minus infinity if an image has no
    influence. Parameters as in `gradient_norm`.
    """
    network = _copied(network)
    images = images.clone().requires_grad_()
    (jacobian,) = _gradients(_logits(network, images).sum(), [images])
    rows = jacobian.flatten(1).double()
    if not (rows.std(dim=1) > 0).all():
        return -math.inf
    eigenvalues = torch.linalg.eigvalsh(torch.corrcoef(rows)).clamp_min(0) + 1e-5
    return -float((eigenvalues.log() + 1 / eigenvalues).sum())


def parameters(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the number of weights: the baseline that any proxy has to beat."""
    return models.parameter_count(network)


def multiply_adds(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the multiply-adds of one image: the other baseline."""
    channels, height, width = images.shape[1:]
    return models.multiply_adds(network, (channels, height, width))


PROXIES: Mapping[str, Proxy] = {
    "parameters": parameters,
    "multiply-adds": multiply_adds,
    "gradient-norm": gradient_norm,
    "snip": snip,
    "grasp": grasp,
    "synflow": synflow,
    "naswot": naswot,
    "jacobian-covariance": jacobian_covariance,
}
BASELINES = ("parameters", "multiply-adds")


@dataclass(frozen=True)
class ZeroCostEstimate:
    """Score an architecture by a proxy of its untrained network.

    Pure: the weights come from the seed, the images are the first of the training part.

    Attributes
    ----------
    proxy : str
        One of `PROXIES`.
    data : ImageData
    build : callable (architecture, torch.Generator) -> module
        For example a :class:`nas_course.estimation.NetworkBuilder`.
    seed : int
        Decides the initial weights.
    batch_size : int
        Images that the proxy sees, at least 2.
    """

    proxy: str
    data: ImageData
    build: Build
    seed: int = 0
    batch_size: int = 64
    continues: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.proxy not in PROXIES:
            raise one_of("proxy", self.proxy, PROXIES)
        held = len(self.data.train)
        if not 2 <= self.batch_size <= held:
            raise InvalidInput(
                f"batch_size: got {self.batch_size}; allowed: 2 to {held}, the training images "
                "that there are. Choose fewer, or load more images."
            )

    def __call__(self, architecture: Any, epochs: int | None = None) -> Score:
        """Build the network and compute the proxy.

        Raises
        ------
        InvalidInput
            `epochs` was given: nothing is trained here.
        """
        if epochs is not None:
            raise InvalidInput(
                f"epochs: got {epochs!r}; a zero-cost proxy trains nothing, so only None is "
                "allowed. Use a training or table estimate with multi-fidelity strategies."
            )
        started = time.perf_counter()
        network = self.build(architecture, torch.Generator().manual_seed(self.seed))
        network.to(self.data.device)
        part = self.data.train
        images, labels = part.images[: self.batch_size], part.labels[: self.batch_size]
        value = float(PROXIES[self.proxy](network, images, labels))
        return Score(
            value=value,
            cost_seconds=time.perf_counter() - started,
            fidelity=f"{self.proxy} of the untrained network on {self.batch_size} images",
            measures={"parameters": models.parameter_count(network)},
        )


def _copied(network: nn.Module) -> nn.Module:
    """Return a copy in training mode whose gradients do not reach the original."""
    # a copy, since whatever a proxy changes must not be seen later: normalisation counts the
    # batches of training mode, and SynFlow rewrites every weight
    return copy.deepcopy(network).train().requires_grad_(True)


def _without_normalisation(network: nn.Module) -> nn.Module:
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, NORMALISATIONS):
                setattr(module, name, nn.Identity())
    return network


def _weights(network: nn.Module) -> dict[str, Tensor]:
    """Return the weights that pruning may cut: those of convolutions and linear layers."""
    return {
        name: layer.weight
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    }


def _logits(network: nn.Module, images: Tensor) -> Tensor:
    outputs = network(images)
    return outputs if isinstance(outputs, Tensor) else outputs[0]  # beside an auxiliary head


def _loss(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    return cross_entropy(_logits(network, images), labels)


def _gradients(
    value: Tensor, inputs: list[Any], *, create_graph: bool = False
) -> tuple[Tensor, ...]:
    # behind an edge `none` there are weights that nothing depends on: their gradient is zero
    return torch.autograd.grad(
        value, inputs, create_graph=create_graph, allow_unused=True, materialize_grads=True
    )
