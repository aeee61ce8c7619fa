"""Loading a data set: three parts split by seed, normalised, as tensors on the device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import interpolate, pad

from nas_course.data.files import RawImages, read
from nas_course.data.splits import stratified_order
from nas_course.devices import resolve_device
from nas_course.errors import InvalidInput

DIGITS_TEST = 397  # digits come without a test set of their own: 1,797 = 1,400 + 397
DIGITS_SIDE = 8


@dataclass(frozen=True)
class Split:
    """One part of a data set.

    Attributes
    ----------
    images : tensor (N, C, H, W) float32
        Normalised, on the device that trains.
    labels : tensor (N,) int64
    """

    images: torch.Tensor
    labels: torch.Tensor

    def __post_init__(self) -> None:
        images, labels = tuple(self.images.shape), tuple(self.labels.shape)
        if len(images) != 4 or labels != images[:1]:
            raise InvalidInput(
                f"split: images have the shape {images} and labels {labels}; "
                "give images (N, C, H, W) and labels (N,) with the same N."
            )
        if self.labels.dtype != torch.int64:
            raise InvalidInput(f"split: labels are {self.labels.dtype}; convert with .long().")

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.images.shape[1:]))
        return f"Split({len(self):,} images {shape} on {self.images.device})"

    def subset(self, count: int) -> Split:
        """Take the first `count` images; from :func:`load` they hold the classes in proportion."""
        if not 1 <= count <= len(self):
            raise InvalidInput(f"subset: got {count}; this part has 1 to {len(self):,} images.")
        return Split(self.images[:count], self.labels[:count])


@dataclass(frozen=True)
class ImageData:
    """A data set in three parts.

    `train` trains weights, `valid` chooses architectures during a search, `test` is touched once,
    when everything has been chosen. `mean` and `std` are those of the train part's pixels (0 to
    1), one for each channel; all three parts were normalised by them.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def in_channels(self) -> int:
        """Colour channels of an image."""
        return self.train.images.shape[1]

    @property
    def image_size(self) -> int:
        """Side of the square images, in pixels."""
        return self.train.images.shape[2]

    @property
    def device(self) -> torch.device:
        """Where the images are."""
        return self.train.images.device

    @property
    def train_and_valid(self) -> Split:
        """Everything but the test part, for training a network that has been chosen."""
        images = torch.cat([self.train.images, self.valid.images])
        return Split(images, torch.cat([self.train.labels, self.valid.labels]))

    def __repr__(self) -> str:
        side, parts = self.image_size, (self.train, self.valid, self.test)
        sizes = " / ".join(f"{len(part):,}" for part in parts)
        shape = f"{self.in_channels}x{side}x{side}"
        return f"ImageData({self.name}: {sizes} images {shape} on {self.device})"


def load(
    name: str,
    *,
    seed: int = 0,
    train_images: int | None = None,
    valid_images: int | None = None,
    test_images: int | None = None,
    image_size: int | None = None,
    device: str | torch.device = "auto",
) -> ImageData:
    """Load a data set, split it by `seed` and put it on the device.

    digits (1,797 images 8x8, from scikit-learn) are split 700 / 700 / 397. Fashion-MNIST and
    CIFAR-10 keep their official test set; the official training set is halved, as in DARTS.

    Parameters
    ----------
    name : str
        "digits", "fashion-mnist" or "cifar10".
    seed : int
        Decides which image falls into which part.
    train_images, valid_images, test_images : int, optional
        Take so many images instead. The classes keep their proportions, and a smaller number
        gives a part of the larger one. All three parts stay disjoint.
    image_size : int, optional
        Side in pixels, a multiple of 4. Smaller sizes average areas, larger ones pad with black.
    device : str or torch.device
        See :func:`nas_course.devices.resolve_device`.

    Raises
    ------
    DataNotFound
        The files are not on this machine; the message names every way to get them.
    InvalidInput
        A name, number or size that is not allowed, or a file whose content is not what it says.
    """
    target = resolve_device(device)
    _check_seed(seed)
    _check_side(image_size)
    raw = read(name)
    rng = np.random.default_rng(seed)
    pool, held_out = _pools(raw, rng)
    train_count, valid_count = _part_sizes(len(pool), train_images, valid_images)
    test_count = _at_most("test_images", test_images, len(held_out), len(held_out))
    # Train is taken from the front and valid from the back, so that each is nested in itself.
    chosen = (pool[:train_count], pool[len(pool) - valid_count :][::-1], held_out[:test_count])
    parts = [(_resized(_pixels(raw, part), image_size), raw.labels[part]) for part in chosen]
    std, mean = torch.std_mean(parts[0][0], dim=(0, 2, 3), correction=0)
    train, valid, test = (_split(pixels, labels, mean, std, target) for pixels, labels in parts)
    statistics = tuple(mean.tolist()), tuple(std.tolist())
    return ImageData(name, train, valid, test, raw.class_names, *statistics)


def _pools(raw: RawImages, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Indices that may train or validate, and those that may test, both in stratified order."""
    if raw.test_start is None:
        order = stratified_order(raw.labels, rng)
        return order[:-DIGITS_TEST], order[-DIGITS_TEST:]
    pool = stratified_order(raw.labels[: raw.test_start], rng)
    return pool, raw.test_start + stratified_order(raw.labels[raw.test_start :], rng)


def _part_sizes(pool: int, train: int | None, valid: int | None) -> tuple[int, int]:
    train_count = _at_most("train_images", train, pool // 2, pool - 1)
    valid_count = _at_most("valid_images", valid, min(pool // 2, pool - train_count), pool - 1)
    if train_count + valid_count > pool:
        raise InvalidInput(
            f"train_images {train_count:,} and valid_images {valid_count:,} are "
            f"{train_count + valid_count:,} together; there are {pool:,}. Ask for fewer of one."
        )
    return train_count, valid_count


def _at_most(what: str, given: int | None, default: int, limit: int) -> int:
    if given is None:
        return default
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= limit:
        raise InvalidInput(f"{what}: got {given!r}; give a whole number from 1 to {limit:,}.")
    return given


def _check_seed(seed: int) -> None:
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InvalidInput(f"seed: got {seed!r}; give a whole number, 0 or more.")


def _check_side(side: int | None) -> None:
    if side is None:
        return
    if isinstance(side, bool) or not isinstance(side, int) or side < 8 or side % 4:
        raise InvalidInput(
            f"image_size: got {side!r}; give a multiple of 4, at least 8: "
            "the two reductions of a network halve the image twice."
        )


def _pixels(raw: RawImages, indices: np.ndarray) -> torch.Tensor:
    """Images (N, C, H, W) with pixels from 0 to 1."""
    return torch.from_numpy(raw.images[indices]).float() / raw.brightest


def _resized(pixels: torch.Tensor, side: int | None) -> torch.Tensor:
    have = pixels.shape[2]
    if side is None or side == have:
        return pixels
    if side < have:
        return interpolate(pixels, size=(side, side), mode="area")
    before = (side - have) // 2
    after = side - have - before
    return pad(pixels, (before, after, before, after))


def _split(
    pixels: torch.Tensor,
    labels: np.ndarray,
    mean: torch.Tensor,
    std: torch.Tensor,
    device: torch.device,
) -> Split:
    images = (pixels - mean[:, None, None]) / std[:, None, None]
    return Split(images.to(device), torch.from_numpy(labels).to(device))
