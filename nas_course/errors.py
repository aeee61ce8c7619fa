"""The errors a user can mend: each says what was given, what is allowed and what to do."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Iterable


class CourseError(Exception):
    """Something the user can put right; the command line prints it without a traceback."""


class InvalidInput(CourseError, ValueError):
    """An argument, file or answer whose value is not allowed."""


def one_of(what: str, given: object, allowed: Iterable[object]) -> InvalidInput:
    """Make the error for a value outside a fixed set of names.

    Parameters
    ----------
    what : str
        What the value is, for example ``"method"``.
    given : object
        The value that came.
    allowed : iterable
        The values that are accepted.

    Returns
    -------
    InvalidInput
        To be raised by the caller. Names the closest allowed value where one is close.
    """
    names = [str(name) for name in allowed]
    close = difflib.get_close_matches(str(given), names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return InvalidInput(f"{what}: got {given!r}; allowed: {', '.join(map(repr, names))}.{hint}")


def require(name: str, value: object, holds: bool, allowed: str) -> None:
    """Raise InvalidInput for an argument outside its range.

    Parameters
    ----------
    name, value : str, object
        The argument and what was given for it.
    holds : bool
        Whether the value is allowed.
    allowed : str
        The allowed values in words, for example "whole numbers from 1 on".
    """
    if not holds:
        raise InvalidInput(f"{name}: got {value!r}; allowed: {allowed}.")


def require_whole(name: str, value: object, least: int) -> None:
    """Raise InvalidInput unless `value` is a whole number (no bool) from `least` on."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    holds = whole and value >= least  # type: ignore[operator]
    require(name, value, holds, f"whole numbers from {least} on")


def is_finite(value: object) -> bool:
    """Return whether `value` is a real number (no bool, no text), neither infinite nor nan."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return real and math.isfinite(value)  # type: ignore[arg-type]


def require_from_zero(name: str, value: object) -> None:
    """Raise InvalidInput unless `value` is a finite number from 0 on."""
    holds = is_finite(value) and value >= 0  # type: ignore[operator]
    require(name, value, holds, "finite numbers from 0 on")
