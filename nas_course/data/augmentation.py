"""Random crops, flips and cutout for a whole batch at once, on the batch's own device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import pad

from nas_course.errors import InvalidInput, one_of


@dataclass(frozen=True)
class Augmentation:
    """What is done to training images; the zeros do nothing.

    Attributes
    ----------
    crop_padding : int
        Pixels added on each side before a crop of the old size is taken anywhere.
    flip : bool
        Mirror half of the images, left to right.
    cutout : int
        Side of a square of pixels set to zero, the mean colour (DeVries and Taylor, 2017).
    """

    crop_padding: int = 0
    flip: bool = False
    cutout: int = 0

    def __post_init__(self) -> None:
        for name in ("crop_padding", "cutout"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise InvalidInput(f"{name}: got {value!r}; give a number of pixels, 0 for none.")

    def __call__(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Change images (B, C, H, W) at random; the shape stays."""
        if self.crop_padding:
            images = random_crop(images, self.crop_padding, generator)
        if self.flip:
            images = random_flip(images, generator)
        if self.cutout:
            images = cutout(images, self.cutout, generator)
        return images


PRESETS = {
    "digits": Augmentation(crop_padding=1),  # a mirrored 2 is no digit
    "fashion-mnist": Augmentation(crop_padding=2, flip=True),
    "cifar10": Augmentation(crop_padding=4, flip=True),  # Liu et al. 2019, section 3.1
    "table": Augmentation(),  # the images of nas_course.tabular, trained on as they are
}


def augmentation_for(name: str) -> Augmentation:
    """Look up the augmentation that suits a data set."""
    if name not in PRESETS:
        raise one_of("data", name, PRESETS)
    return PRESETS[name]


def augment(
    images: torch.Tensor,
    generator: torch.Generator,
    *,
    crop_padding: int = 0,
    flip: bool = False,
    cutout: int = 0,
) -> torch.Tensor:
    """Apply an :class:`Augmentation` given by its parts to images (B, C, H, W)."""
    return Augmentation(crop_padding, flip, cutout)(images, generator)


def random_crop(images: torch.Tensor, padding: int, generator: torch.Generator) -> torch.Tensor:
    """Move each image by up to `padding` pixels in both directions.

    What comes in from outside repeats the edge pixels, so that no border appears whatever the
    normalisation. All images are moved by one gather.

    Parameters
    ----------
    images : tensor (B, C, H, W)
    padding : int
    generator : torch.Generator
        On the processor: the same seed moves the same images alike on every device.

    Returns
    -------
    tensor (B, C, H, W)
    """
    batch, channels, height, width = images.shape
    padded = pad(images, (padding,) * 4, mode="replicate")
    top, left = _draw((2, batch), 2 * padding + 1, generator, images.device)
    rows = top[:, None] + torch.arange(height, device=images.device)  # (B, H)
    columns = left[:, None] + torch.arange(width, device=images.device)  # (B, W)
    image = torch.arange(batch, device=images.device)[:, None, None, None]
    channel = torch.arange(channels, device=images.device)[None, :, None, None]
    return padded[image, channel, rows[:, None, :, None], columns[:, None, None, :]]


def random_flip(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Mirror each image (B, C, H, W) left to right with probability one half."""
    mirrored = _draw((len(images),), 2, generator, images.device) == 1
    return torch.where(mirrored[:, None, None, None], images.flip(3), images)


def cutout(images: torch.Tensor, side: int, generator: torch.Generator) -> torch.Tensor:
    """Set a square of `side` pixels to zero in each image (B, C, H, W).

    Its centre is uniform over the image, so it may reach over the edge and then hides less
    (DeVries and Taylor, 2017, section 3.2).
    """
    batch, _, height, width = images.shape
    top = _draw((batch,), height, generator, images.device) - side // 2
    left = _draw((batch,), width, generator, images.device) - side // 2
    row = torch.arange(height, device=images.device)
    column = torch.arange(width, device=images.device)
    in_rows = (row >= top[:, None]) & (row < top[:, None] + side)  # (B, H)
    in_columns = (column >= left[:, None]) & (column < left[:, None] + side)  # (B, W)
    hidden = in_rows[:, :, None] & in_columns[:, None, :]
    return images.masked_fill(hidden[:, None], 0.0)


def _draw(
    shape: tuple[int, ...], below: int, generator: torch.Generator, device: torch.device
) -> torch.Tensor:
    return torch.randint(below, shape, generator=generator, device=generator.device).to(device)
