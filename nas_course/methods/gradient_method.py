"""What a row of the gradient family is, and how it becomes a search."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from nas_course.data import ImageData
from nas_course.errors import InvalidInput, one_of
from nas_course.models import MixedSupernet, build_supernet
from nas_course.models.fast_supernet import build_fast_supernet
from nas_course.spaces import DARTSSpace, NASBench201Space
from nas_course.strategies.gradient import GradientSearch, GradientSettings, Parts

NOISE = 1 << 32  # keeps what a search draws apart from the initial weights of the same seed


@dataclass(frozen=True)
class GradientMethod:
    """One row of the gradient family.

    Attributes
    ----------
    name : str
        What the command line and result files call it.
    parts : mapping
        Which part stands in each place of the family's table, see `gradient_parts`.
    citation : str
        Authors, title, place and year, arXiv number.
    make_parts : callable (**options) -> Parts
        Its keyword arguments with their defaults are the options of the method.
    fixed : mapping
        Options that differ from their defaults in this row.
    make_supernet : callable
        Like `build_supernet`; another network around the same cells.
    """

    name: str
    parts: Mapping[str, str]
    citation: str
    make_parts: Callable[..., Parts] = field(repr=False)
    fixed: Mapping[str, Any] = field(default_factory=dict, repr=False)
    make_supernet: Callable[..., MixedSupernet] = field(default=build_supernet, repr=False)
    family: str = "gradient"

    def options(self) -> dict[str, Any]:
        """Hyperparameters of the method, beside `GradientSettings`, with their values."""
        parameters = inspect.signature(self.make_parts).parameters
        defaults = {name: parameter.default for name, parameter in parameters.items()}
        return defaults | dict(self.fixed)

    def with_options(self, **options: Any) -> GradientMethod:
        """Return this row with other hyperparameters.

        Raises
        ------
        InvalidInput
            An option is unknown or has a value that is not allowed.
        """
        known = self.options()
        for name, value in options.items():
            if name not in known:
                raise one_of(f"option of {self.name}", name, known)
            _require_like(name, value, known[name])
        changed = dataclasses.replace(self, fixed=dict(self.fixed) | options)
        changed.make_parts(**changed.fixed)  # refuses bad values now, not after the data are loaded
        return changed

    def build(
        self,
        space: DARTSSpace | NASBench201Space,
        data: ImageData,
        settings: GradientSettings,
        seed: int,
        steps_total: int,
    ) -> GradientSearch:
        """Make the search, its supernet initialised from the seed, on the data's device."""
        parts = self.make_parts(**self.fixed)
        sizes: dict[str, Any] = {
            "channels": settings.channels,
            "cells": settings.cells,
            "classes": data.classes,
            "in_channels": data.in_channels,
            "alpha_scale": settings.alpha_scale,
        }
        if parts.make_edge is not None:
            sizes["make_edge"] = parts.make_edge
        make_supernet = self._engine(parts, space, data, settings)
        make = partial(_wrapped, make_supernet, parts, data.device, space, sizes)
        return GradientSearch(
            make(generator=torch.Generator().manual_seed(seed)),
            parts,
            settings,
            steps_total,
            seed=NOISE + seed,
            data=data,
            make_supernet=make,
        )

    def _engine(
        self,
        parts: Parts,
        space: DARTSSpace | NASBench201Space,
        data: ImageData,
        settings: GradientSettings,
    ) -> Callable[..., MixedSupernet]:
        """Choose who builds the supernet, see `GradientSettings.engine`."""
        schedules = [make() for make in parts.make_schedules]
        obstacles = {
            f"the space {space.name}": not isinstance(space, DARTSSpace),
            "other edges or weights than DARTS'": parts.make_edge or parts.wrap_supernet,
            "second derivatives": parts.second_derivatives
            or any(schedule.second_derivatives for schedule in schedules),
            "another network around the cells": self.make_supernet is not build_supernet,
            f"precision {settings.precision}": settings.precision != "float32",
        }
        found = [name for name, present in obstacles.items() if present]
        if settings.engine == "fast" and found:
            raise InvalidInput(
                f"engine: got 'fast', but {self.name} has {' and '.join(found)} here, which only "
                "the plain engine computes; take 'auto' or 'plain'."
            )
        # measured on processors only
        suits = settings.engine == "auto" and data.device.type == "cpu" and not found
        return build_fast_supernet if settings.engine == "fast" or suits else self.make_supernet


def _require_like(name: str, value: Any, default: Any) -> None:
    """Refuse a value of another kind than the default; numbers must be finite."""
    if isinstance(default, tuple):
        right = isinstance(value, tuple | list) and len(value) == len(default)
        right = right and all(_is_number(part) for part in value)
    elif isinstance(default, float):
        right = _is_number(value)
    elif default is None:  # a number that something else fills in
        right = value is None or type(value) is int
    else:
        right = type(value) is type(default)
    if not right:
        raise InvalidInput(
            f"{name}: got {value!r}; allowed: a finite value like the default, {default!r}."
        )


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _wrapped(
    make_supernet: Callable[..., MixedSupernet],
    parts: Parts,
    device: torch.device,
    space: DARTSSpace | NASBench201Space,
    sizes: Mapping[str, Any],
    *,
    generator: torch.Generator,
    **changes: Any,
) -> MixedSupernet:
    supernet = make_supernet(space, **{**sizes, **changes}, generator=generator)
    if parts.wrap_supernet is not None:
        supernet = parts.wrap_supernet(supernet, generator)
    return supernet.to(device)


def gradient_parts(
    *,
    relaxation: str = "softmax mix",
    hypergradient: str = "first order",
    alpha_optimizer: str = "Adam",
    regularizer: str = "none",
    discretization: str = "top-2 edges",
) -> dict[str, str]:
    """Name the parts of a row; what is left out is as in first-order DARTS."""
    return {
        "relaxation": relaxation,
        "hypergradient": hypergradient,
        "alpha optimizer": alpha_optimizer,
        "regularizer": regularizer,
        "discretization": discretization,
    }
