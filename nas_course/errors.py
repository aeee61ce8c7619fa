"""The errors a user can mend: each says what was given, what is allowed and what to do."""

from __future__ import annotations

import difflib
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
