"""Image data sets as tensors on the device: found, checked, split by seed, augmented."""

from nas_course.data.augmentation import (
    Augmentation,
    augment,
    augmentation_for,
    cutout,
    random_crop,
    random_flip,
)
from nas_course.data.files import DataNotFound, Found, available, download
from nas_course.data.images import ImageData, Split, load
from nas_course.data.splits import epoch_order, stratified_order

NAMES = ("digits", "fashion-mnist", "cifar10")

__all__ = [
    "NAMES",
    "Augmentation",
    "DataNotFound",
    "Found",
    "ImageData",
    "Split",
    "augment",
    "augmentation_for",
    "available",
    "cutout",
    "download",
    "epoch_order",
    "load",
    "random_crop",
    "random_flip",
    "stratified_order",
]
