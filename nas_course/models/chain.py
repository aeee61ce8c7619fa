"""The network of a chain: one layer after the other, halved between the stages.

    network = ChainNetwork(chain, channels=16, cells=1, classes=10, in_channels=3)
    logits = network(images)

A layer is ReLU, convolution, batch normalisation, as everywhere in this package.
"""

from __future__ import annotations

from torch import Tensor, nn

from nas_course.errors import InvalidInput
from nas_course.models.skeleton import require_images, require_positive
from nas_course.operations import DilatedConv, ReLUConvBN
from nas_course.spaces import Chain, Layer

POOLS = {"max_pool": nn.MaxPool2d, "avg_pool": nn.AvgPool2d}
KERNELS = {"nor_conv_3x3": 3, "nor_conv_5x5": 5, "sep_conv_3x3": 3, "sep_conv_5x5": 5}


class SeparableChange(nn.Sequential):
    """A separable convolution, applied twice, whose second application changes the width.

    Weights: 2 C k**2 + C**2 + C C', batch normalisation apart.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int) -> None:
        super().__init__(
            DilatedConv(channels_in, kernel, stride, affine=True, dilation=1),
            nn.ReLU(),
            nn.Conv2d(
                channels_in,
                channels_in,
                kernel,
                padding=kernel // 2,
                groups=channels_in,
                bias=False,
            ),
            nn.Conv2d(channels_in, channels_out, 1, bias=False),
            nn.BatchNorm2d(channels_out),
        )


class ChainLayer(nn.Module):
    """One layer of a chain, with its shortcut where it has one.

    The shortcut is the identity where the shape stays, else average pooling and a 1x1
    convolution (He et al., "Bag of Tricks", CVPR 2019, ResNet-D).
    """

    def __init__(self, layer: Layer, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        kernel = KERNELS[layer.operation]
        self.operation: nn.Module
        if layer.operation.startswith("sep"):
            self.operation = SeparableChange(channels_in, channels_out, kernel, stride)
        else:
            self.operation = ReLUConvBN(channels_in, channels_out, kernel, stride, affine=True)
        self.shortcut = _shortcut(channels_in, channels_out, stride) if layer.skip else None

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', H / stride, W / stride)."""
        y = self.operation(x)
        return y if self.shortcut is None else y + self.shortcut(x)


def _shortcut(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    parts: list[nn.Module] = [nn.AvgPool2d(stride)] if stride > 1 else []
    if channels_in != channels_out:
        parts.append(nn.Conv2d(channels_in, channels_out, 1, bias=False))
    return nn.Sequential(*parts)


class ChainNetwork(nn.Module):
    """Stem, the stages of a chain, pooling, classifier.

    Parameters
    ----------
    chain : Chain
    channels : int
        Channels of the stem and of a layer of width 1.
    cells : int
        How often the layers of each stage are repeated.
    classes, in_channels : int

    Raises
    ------
    InvalidInput
        If a size is below 1, or, in `forward`, if the images have the wrong shape.
    """

    def __init__(
        self, chain: Chain, *, channels: int, cells: int, classes: int, in_channels: int
    ) -> None:
        super().__init__()
        require_positive(channels=channels, cells=cells, classes=classes, in_channels=in_channels)
        self.in_channels = in_channels
        self.divisor = 2 ** len(chain.halvings)
        parts: list[nn.Module] = [
            nn.Conv2d(in_channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        ]
        width = channels
        for halving, stage in zip((None, *chain.halvings), chain.stages, strict=True):
            if halving in POOLS:
                parts.append(POOLS[halving](2))
            stride = 2 if halving == "stride" else 1
            for layer in stage * cells:
                parts.append(ChainLayer(layer, width, channels * layer.width, stride))
                width, stride = channels * layer.width, 1
        self.layers = nn.Sequential(*parts, nn.ReLU())
        self.classifier = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes)."""
        require_images(images, self.in_channels)
        height, width = images.shape[2:]
        if height % self.divisor or width % self.divisor:
            raise InvalidInput(
                f"images: got {height}x{width}; this chain halves them to a {self.divisor}th, so "
                f"height and width must be divisible by {self.divisor}."
            )
        return self.classifier(self.layers(images).mean(dim=(2, 3)))
