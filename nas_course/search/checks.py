"""Checks of what a search of any family is given: budget, seed, intervals."""

from __future__ import annotations

import math

from nas_course.errors import InvalidInput


def checked_count(name: str, value: int) -> int:
    """Return a whole number from 1 on."""
    if type(value) is not int or value < 1:
        raise InvalidInput(f"{name}: got {value!r}; allowed: whole numbers from 1 on.")
    return value


def checked_seconds(seconds: float | None) -> float:
    """Return the limit of time, infinite where none is given."""
    if seconds is None:
        return math.inf
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise InvalidInput(f"seconds: got {seconds!r}; allowed: numbers above 0.")
    return float(seconds)


def checked_seed(seed: int) -> int:
    """Return the seed if torch and numpy take it."""
    if type(seed) is not int or not 0 <= seed < 2**63:
        raise InvalidInput(f"seed: got {seed!r}; allowed: whole numbers from 0 to 2^63 - 1.")
    return seed


def checked_interval(seconds: float) -> float:
    """Return the time between two saves."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
        raise InvalidInput(f"checkpoint_seconds: got {seconds!r}; allowed: numbers from 0 on.")
    return float(seconds)
