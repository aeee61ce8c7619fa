"""Multi-layer perceptrons: one, a stack of many at once, and a relaxed one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nas_course.errors import InvalidInput, one_of
from nas_course.models.initialisation import initialise
from nas_course.models.skeleton import require_positive
from nas_course.spaces.mixed import OPTIONS

ACTIVATIONS = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "tanh": nn.Tanh}


class GeneratedDropout(nn.Module):
    """Dropout whose masks come from a generator of its own, not from torch's global one.

    In training a unit is kept with probability 1 - p and then divided by it; in evaluation
    nothing happens (Srivastava et al. 2014, in the "inverted" form).
    """

    def __init__(self, probability: float, generator: torch.Generator) -> None:
        super().__init__()
        self.probability, self.generator = probability, generator

    def forward(self, x: Tensor) -> Tensor:
        """Drop units of x, any shape, when in training."""
        if not self.training or self.probability == 0:
            return x
        keep = 1 - self.probability
        return x * torch.rand(x.shape, generator=self.generator).lt(keep) / keep


class MLP(nn.Module):
    """Hidden layers of one width, each linear - activation - dropout, then one output.

    Parameters
    ----------
    inputs, depth, width : int
        Features of a row; hidden layers; units of each.
    activation : str
        relu, leaky_relu or tanh.
    dropout : float
        From 0 to below 1.
    generator : torch.Generator
        On the processor: initial weights, then the masks of dropout.

    Raises
    ------
    InvalidInput
        A size is not positive, the activation is unknown or the dropout out of range.
    """

    def __init__(
        self,
        inputs: int,
        depth: int,
        width: int,
        activation: str,
        dropout: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        require_positive(inputs=inputs, depth=depth, width=width)
        if activation not in ACTIVATIONS:
            raise one_of("activation", activation, ACTIVATIONS)
        if not 0 <= dropout < 1:
            raise InvalidInput(f"dropout: got {dropout!r}; give a number from 0 to below 1.")
        layers: list[nn.Module] = []
        for layer in range(depth):
            layers.append(nn.Linear(width if layer else inputs, width))
            layers += [ACTIVATIONS[activation](), GeneratedDropout(dropout, generator)]
        self.hidden = nn.Sequential(*layers)
        self.head = nn.Linear(width, 1)
        initialise(self, generator)

    def forward(self, rows: Tensor) -> Tensor:
        """Map rows (B, inputs) to predictions (B,)."""
        return self.head(self.hidden(rows)).squeeze(1)


def weights_of(depth: int, width: int, *, inputs: int) -> int:
    """Count the weights of an :class:`MLP` without making it.

    (inputs + 1) w + (depth - 1) (w + 1) w + w + 1, biases included.
    """
    return (inputs + 1) * width + (depth - 1) * (width + 1) * width + width + 1


class StackedMLP(nn.Module):
    """Networks of one depth and width side by side, for training many at the price of few steps.

    Each computes what its :class:`MLP` computes with a generator of the same seed: all start with
    the same weights and draw their dropout from the same random numbers.

    Parameters
    ----------
    inputs, depth, width : int
    activations : sequence of str
        One per network; equal ones next to each other are computed together.
    dropouts : sequence of float
        One per network.
    generator : torch.Generator
    """

    def __init__(
        self,
        inputs: int,
        depth: int,
        width: int,
        activations: Sequence[str],
        dropouts: Sequence[float],
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        first = MLP(inputs, depth, width, activations[0], 0.0, generator)
        linears = [layer for layer in first.modules() if isinstance(layer, nn.Linear)]
        count, self.generator = len(activations), generator
        self.weights = nn.ParameterList(
            layer.weight.detach().T.repeat(count, 1, 1) for layer in linears
        )
        self.biases = nn.ParameterList(layer.bias.detach().repeat(count, 1, 1) for layer in linears)
        self.runs = [(name, len(list(run))) for name, run in itertools.groupby(activations)]
        self.activations = nn.ModuleDict({name: ACTIVATIONS[name]() for name in set(activations)})
        self.keep = 1 - torch.tensor(dropouts)[:, None, None]

    def forward(self, rows: Tensor) -> Tensor:
        """Map rows (B, inputs) to predictions (networks, B)."""
        h = rows.expand(len(self.keep), *rows.shape)
        *hidden, head = zip(self.weights, self.biases, strict=True)
        for weight, bias in hidden:
            h = self._dropped(self._activated(torch.baddbmm(bias, h, weight)))
        return torch.baddbmm(head[1], h, head[0]).squeeze(2)

    def _activated(self, linear: Tensor) -> Tensor:
        parts = linear.split([length for _, length in self.runs])
        pairs = zip(self.runs, parts, strict=True)
        return torch.cat([self.activations[name](part) for (name, _), part in pairs])

    def _dropped(self, h: Tensor) -> Tensor:
        if not self.training or bool((self.keep == 1).all()):
            return h
        return h * torch.rand(h.shape[1:], generator=self.generator).lt(self.keep) / self.keep


class RelaxedMLP(nn.Module):
    """All depths and activations of the mixed space in one network, mixed by architecture weights.

        h_l = sum_a softmax(alpha_activation)_a  a(W_l h_{l-1} + b_l)        l = 1 ... 5
        y   = head(sum_d softmax(alpha_depth)_d  h_d)                        d = 1 ... 5

    With one-hot mixing weights this is the MLP of that depth and activation, with the same W. So
    fifteen architectures share their weights. Width, learning rate, optimizer and dropout are
    fixed from outside: a learning rate has no place in a network that a mixture could be made of.

    Parameters
    ----------
    inputs, width : int
    generator : torch.Generator
        Initial weights, then the initial alphas, normal with deviation 1e-3.
    """

    def __init__(self, inputs: int, width: int, generator: torch.Generator) -> None:
        super().__init__()
        require_positive(inputs=inputs, width=width)
        depths = OPTIONS["depth"]
        self.layers = nn.ModuleList(
            nn.Linear(width if layer else inputs, width) for layer in range(len(depths))
        )
        self.activations = nn.ModuleList(ACTIVATIONS[name]() for name in OPTIONS["activation"])
        self.head = nn.Linear(width, 1)
        initialise(self, generator)
        sizes = {"depth": len(depths), "activation": len(self.activations)}
        self.alphas = nn.ParameterDict(
            {name: 1e-3 * torch.randn(size, generator=generator) for name, size in sizes.items()}
        )

    def weights(self) -> list[nn.Parameter]:
        """Return everything that is trained but the alphas, told apart by identity."""
        alphas = {id(alpha) for alpha in self.alphas.values()}
        return [parameter for parameter in self.parameters() if id(parameter) not in alphas]

    def forward(self, rows: Tensor) -> Tensor:
        """Map rows (B, inputs) to predictions (B,) of the mixture."""
        of_activation = self.alphas["activation"].softmax(0)
        of_depth = self.alphas["depth"].softmax(0)
        h, mixture = rows, torch.zeros(())
        for layer, share in zip(self.layers, of_depth, strict=True):
            linear = layer(h)
            pairs = zip(of_activation, self.activations, strict=True)
            h = torch.stack([weight * activation(linear) for weight, activation in pairs]).sum(0)
            mixture = mixture + share * h
        return self.head(mixture).squeeze(1)

    def choice(self) -> tuple[int, str]:
        """Return the depth and the activation with the largest weights."""
        depth = OPTIONS["depth"][int(self.alphas["depth"].argmax())]
        return depth, OPTIONS["activation"][int(self.alphas["activation"].argmax())]
