"""A plain convolutional network drawn by hand, to compare with searched ones of its size."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nas_course.errors import InvalidInput
from nas_course.models.initialisation import initialise, parameter_count
from nas_course.models.skeleton import require_images, require_positive

TOLERANCE = 0.10  # how far the sizes of two networks may differ and still be called equal
SMALLEST_WIDTH = 4


class HandDesignedCNN(nn.Module):
    """Three stages of two convolutions, halved and doubled in between, pooled, classified.

        width/4, width/4 | width/2, width/2 | width, width     channels, each conv 3x3 - BN - ReLU

    What VGG (Simonyan and Zisserman 2015) and the first ResNets do, without their frills. The
    first convolution of the second and third stage has stride 2.

    Parameters
    ----------
    width : int
        Channels of the last stage, at least 4. A half or a quarter is rounded down.
    classes, in_channels : int

    Raises
    ------
    InvalidInput
        A number is too small, or, in `forward`, the images have the wrong shape.
    """

    def __init__(self, width: int, *, classes: int, in_channels: int) -> None:
        super().__init__()
        require_positive(classes=classes, in_channels=in_channels)
        if not isinstance(width, int) or width < SMALLEST_WIDTH:
            raise InvalidInput(f"width: got {width!r}; give a whole number from {SMALLEST_WIDTH}.")
        self.in_channels = in_channels
        self.stages = nn.Sequential(
            *_stage(in_channels, width // 4, 1),
            *_stage(width // 4, width // 2, 2),
            *_stage(width // 2, width, 2),
        )
        self.classifier = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, in_channels, H, W) to logits (B, classes)."""
        require_images(images, self.in_channels)
        return self.classifier(self.stages(images).mean(dim=(2, 3)))


def matched_cnn(
    parameters: int, *, classes: int, in_channels: int, generator: torch.Generator
) -> HandDesignedCNN:
    """Build the hand-designed network whose number of weights is closest to a given one.

    Parameters
    ----------
    parameters : int
        Weights of the network to be compared with.
    classes, in_channels : int
    generator : torch.Generator
        On the CPU; fixes the initial weights.

    Raises
    ------
    InvalidInput
        No width comes within 10 % of `parameters`; the message names the nearest counts.
    """
    require_positive(parameters=parameters)
    sizes = {"classes": classes, "in_channels": in_channels}
    width = SMALLEST_WIDTH
    while weights_of(width + 1, **sizes) <= parameters:
        width += 1
    near = {w: weights_of(w, **sizes) for w in (width, width + 1)}
    best = min(near, key=lambda w: abs(near[w] - parameters))
    if abs(near[best] - parameters) > TOLERANCE * parameters:
        counts = " and ".join(f"{count:,}" for count in near.values())
        raise InvalidInput(
            f"parameters: got {parameters:,}; the nearest hand-designed networks have {counts}, "
            f"none within {TOLERANCE:.0%}. Compare larger networks: raise channels or cells."
        )
    network = HandDesignedCNN(best, **sizes)
    initialise(network, generator)
    return network


def weights_of(width: int, *, classes: int, in_channels: int) -> int:
    """Count the weights of a :class:`HandDesignedCNN` without allocating them."""
    with torch.device("meta"):
        return parameter_count(HandDesignedCNN(width, classes=classes, in_channels=in_channels))


def _stage(channels_in: int, channels: int, stride: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for source, step in ((channels_in, stride), (channels, 1)):
        layers.append(nn.Conv2d(source, channels, 3, stride=step, padding=1, bias=False))
        layers += [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
    return layers
