"""Reading hyperparameters of a method from "name=value", as the command line gives them."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from nas_course import methods
from nas_course.errors import InvalidInput, one_of

# Kind of the default -> what a value may be.
KINDS: dict[type, set[type]] = {bool: {bool}, int: {int}, float: {int, float}}


def read_options(method: methods.Method, texts: Sequence[str]) -> dict[str, Any]:
    """Read "name=value" as hyperparameters of the method.

    Raises
    ------
    InvalidInput
        A text has no "=", the method has no such option, or the value is of another kind than
        the default.
    """
    allowed = method.options()
    options: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise InvalidInput(f"set: got {text!r}; write it as --set name=value.")
        if not allowed:
            raise InvalidInput(f"set: got {text!r}; {method.name} has no options, leave it out.")
        if name not in allowed:
            raise one_of(f"option of {method.name}", name, allowed)
        options[name] = _read_value(name, value.strip(), allowed[name])
    return options


def _read_value(name: str, text: str, default: Any) -> Any:
    """Read a value as the kind of thing that the default is."""
    if isinstance(default, str):
        return text
    if isinstance(default, tuple) and all(isinstance(part, str) for part in default):
        return tuple(part.strip() for part in text.split(","))
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = text
    if isinstance(default, tuple):
        value = value if isinstance(value, tuple) else (value,)
        right = all(type(part) in KINDS[float] for part in value)
    else:
        right = type(default) not in KINDS or type(value) in KINDS[type(default)]
    if not right:
        raise InvalidInput(f"{name}: got {text!r}; allowed: a value like the default, {default!r}.")
    return float(value) if isinstance(default, float) else value
