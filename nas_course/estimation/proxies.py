"""Proxies: cheaper trainings that should rank alike, what they save, how they rank.

full = TrainingEstimate(data, recipe, NetworkBuilder.fitting(data, channels=8, cells=1))
cheap = Proxy(images=100, channels=4).of(full)
cheap(architecture).value
measure_proxies(full, [Proxy(images=100), Proxy(epochs=3)], architectures, rng)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from torch.nn.functional import interpolate

from nas_course.data import ImageData, Split
from nas_course.errors import InvalidInput
from nas_course.estimation.ranking import Interval, bootstrap, kendall, spearman, top_overlap
from nas_course.estimation.score import Score
from nas_course.estimation.training import NetworkBuilder, TrainingEstimate


@dataclass(frozen=True)
class Proxy:
    """What is made smaller than in the full estimate; None leaves it as it is.

    Attributes
    ----------
    images : int, optional
        Only the first training images; from :func:`nas_course.data.load` the classes keep their
        proportions.
    epochs : int, optional
        A shorter schedule: the learning rate falls to its end within so many epochs.
    first_epochs : int, optional
        The beginning of the long schedule, broken off while the learning rate is still high.
    channels : int, optional
        Narrower networks; the cost of a convolution falls with the square.
    side : int, optional
        Smaller images, averaged over areas; a divisor of their side.
    """

    images: int | None = None
    epochs: int | None = None
    first_epochs: int | None = None
    channels: int | None = None
    side: int | None = None

    @property
    def name(self) -> str:
        """What is smaller, for example "100 images + 4 channels"; "full" if nothing is."""
        changed = {key: value for key, value in asdict(self).items() if value is not None}
        words = {"first_epochs": "first epochs", "side": "pixels a side"}
        return " + ".join(f"{n} {words.get(key, key)}" for key, n in changed.items()) or "full"

    def of(self, full: TrainingEstimate, seed: int | None = None) -> Callable[[Any], Score]:
        """Make the full estimate cheaper.

        Parameters
        ----------
        full : TrainingEstimate
            For `channels` its `build` has to be a :class:`NetworkBuilder`.
        seed : int, optional
            Of the cheap training; default that of the full one.
        """
        cheap = replace(
            full,
            data=_smaller(full.data, self.images, self.side),
            recipe=replace(full.recipe, epochs=_given(self.epochs, full.recipe.epochs)),
            build=_narrower(full.build, self.channels),
            seed=_given(seed, full.seed),
        )
        return cheap if self.first_epochs is None else partial(cheap, epochs=self.first_epochs)

    def training_images(self, full: TrainingEstimate) -> int:
        """How many images pass through the network in its training, repetitions counted."""
        schedule = _given(self.epochs, full.recipe.epochs)
        return _given(self.first_epochs, schedule) * _given(self.images, len(full.data.train))


@dataclass(frozen=True)
class Observation:
    """One estimate of several architectures, and its mean cost for one of them.

    Attributes
    ----------
    values : tuple of float
        The scores' values.
    seconds : float
        Processor seconds (on a GPU: elapsed seconds).
    multiply_adds : float
        Of the forward passes of training: those of one image times the images that pass.
    """

    values: tuple[float, ...]
    seconds: float
    multiply_adds: float


@dataclass(frozen=True)
class ProxyQuality:
    """A proxy beside the full estimate: how much cheaper, and how alike it ranks.

    `speed_up` and `fewer_multiply_adds` are quotients full / proxy. The intervals are bootstrapped
    over the architectures.
    """

    name: str
    speed_up: float
    fewer_multiply_adds: float
    kendall: Interval
    spearman: Interval
    top_overlap: Interval
    k: int


def observe(
    proxy: Proxy, full: TrainingEstimate, architectures: Sequence[Any], seed: int | None = None
) -> Observation:
    """Score the architectures by a proxy (``Proxy()`` is the full estimate) and take its time."""
    cheap, on_processor = proxy.of(full, seed), full.data.device.type == "cpu"
    full(architectures[0], 1)  # whatever torch loads and tunes at first use is nobody's cost
    started = time.process_time()
    scores = [cheap(architecture) for architecture in architectures]
    seconds = time.process_time() - started
    if not on_processor:
        seconds = sum(score.cost_seconds for score in scores)
    per_image = np.mean([score.measures["multiply_adds"] for score in scores])
    return Observation(
        values=tuple(score.value for score in scores),
        seconds=seconds / len(scores),
        multiply_adds=float(per_image) * proxy.training_images(full),
    )


def quality(
    name: str, cheap: Observation, full: Observation, rng: np.random.Generator, k: int
) -> ProxyQuality:
    """Compare the observations of a proxy and of the full estimate; `k` is for the top overlap."""
    pair = cheap.values, full.values
    return ProxyQuality(
        name=name,
        speed_up=full.seconds / cheap.seconds,
        fewer_multiply_adds=full.multiply_adds / cheap.multiply_adds,
        kendall=bootstrap(kendall, *pair, rng),
        spearman=bootstrap(spearman, *pair, rng),
        top_overlap=bootstrap(partial(top_overlap, k=k), *pair, rng),
        k=k,
    )


def measure_proxies(
    full: TrainingEstimate,
    proxies: Sequence[Proxy],
    architectures: Sequence[Any],
    rng: np.random.Generator,
    k: int = 5,
) -> list[ProxyQuality]:
    """Measure speed-up and rank correlation of each proxy against the full estimate.

    The proxies train with the next seed, so that they share no luck with what they predict. The
    first row is the full estimate itself under that seed: no proxy can be expected to do better.

    Parameters
    ----------
    full : TrainingEstimate
    proxies : sequence of Proxy
    architectures : sequence
        At least 2; 50 or more for intervals that say something.
    rng : numpy.random.Generator
        For the bootstrap.
    k : int
        Size of the top whose overlap is measured.
    """
    reference = observe(Proxy(), full, architectures)
    return [
        quality(proxy.name, observe(proxy, full, architectures, full.seed + 1), reference, rng, k)
        for proxy in (Proxy(), *proxies)
    ]


def _given(number: int | None, otherwise: int) -> int:
    return otherwise if number is None else number


def _smaller(data: ImageData, images: int | None, side: int | None) -> ImageData:
    train = data.train if images is None else data.train.subset(images)
    if side is None:
        return replace(data, train=train)
    if side < 1 or data.image_size % side:
        raise InvalidInput(f"side: got {side}; give a divisor of the {data.image_size} pixels.")
    train, valid, test = (_resized(part, side) for part in (train, data.valid, data.test))
    return replace(data, train=train, valid=valid, test=test)


def _resized(part: Split, side: int) -> Split:
    return Split(interpolate(part.images, size=(side, side), mode="area"), part.labels)


def _narrower(build: Any, channels: int | None) -> Any:
    if channels is None:
        return build
    if not isinstance(build, NetworkBuilder):
        raise InvalidInput(
            f"channels: the estimate builds its networks by {build!r}, whose width is unknown; "
            "give the full estimate a NetworkBuilder."
        )
    return replace(build, channels=channels)
