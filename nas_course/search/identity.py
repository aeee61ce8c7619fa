"""A short text that differs when an estimate differs, so that runs are not mixed."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np


def describe(value: Any) -> str:
    """Return the type of an estimate and the SHA-256 of all that it is made of.

    Dataclasses are read field by field, tensors and arrays by their content. An object of
    another class is told by its class and those attributes that are texts or dataclasses (not by
    counters or caches, which change as it works); a function by its name.
    """
    digest = hashlib.sha256()
    _feed(digest, value, depth=0)
    return f"{type(value).__qualname__} {digest.hexdigest()[:16]}"


def _feed(digest: Any, value: Any, depth: int) -> None:
    if depth > 20:  # an object that holds itself
        return
    if hasattr(value, "detach"):
        value = value.detach().cpu().contiguous().numpy()
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype} {value.shape}".encode())
        plain = value.dtype != object
        digest.update(np.ascontiguousarray(value).tobytes() if plain else repr(value).encode())
        return
    if value is None or isinstance(value, str | int | float | bool | bytes):
        digest.update(repr(value).encode())
        return
    digest.update(f"{type(value).__module__}.{type(value).__qualname__}".encode())
    for name, part in _parts(value):
        digest.update(name.encode())
        _feed(digest, part, depth + 1)


def _parts(value: Any) -> list[tuple[str, Any]]:
    """List what a value is made of, in a fixed order."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]
    if isinstance(value, Mapping):
        return sorted((str(key), part) for key, part in value.items())
    if isinstance(value, list | tuple):
        return [(str(at), part) for at, part in enumerate(value)]
    if callable(value) and hasattr(value, "__qualname__"):
        return [("name", f"{value.__module__}.{value.__qualname__}")]
    return [
        (name, part)
        for name, part in sorted(getattr(value, "__dict__", {}).items())
        if isinstance(part, str) or dataclasses.is_dataclass(part)
    ]
