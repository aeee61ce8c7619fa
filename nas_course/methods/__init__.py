"""The registry of search methods: a row is a named composition of parts with its source.

Use::

    method = get("darts-2nd")
    method.citation, method.parts["hypergradient"]
    search = method.build(DARTSSpace(), data, settings, seed=0, steps_total=1000)

    strategy = get("regularized-evolution").make(space, seed=0, sample_size=10)

A new method is one more row in its family's module; if it needs a new part, the part goes to
`nas_course.strategies`.
"""

from __future__ import annotations

from nas_course.errors import one_of
from nas_course.methods.black_box import BLACK_BOX, BlackBoxMethod
from nas_course.methods.gradient import GRADIENT
from nas_course.methods.gradient_method import GradientMethod, gradient_parts

Method = GradientMethod | BlackBoxMethod

FAMILIES: dict[str, tuple[Method, ...]] = {"gradient": GRADIENT, "black-box": BLACK_BOX}


def all_methods() -> list[Method]:
    """Every method, family by family, in the order of the tables."""
    return [method for rows in FAMILIES.values() for method in rows]


def names(family: str) -> list[str]:
    """Names of the methods of one family, "gradient" or "black-box".

    Raises
    ------
    InvalidInput
        There is no such family.
    """
    if family not in FAMILIES:
        raise one_of("family", family, FAMILIES)
    return [method.name for method in FAMILIES[family]]


def get(name: str) -> Method:
    """Return the method of this name.

    Raises
    ------
    InvalidInput
        There is none; the message lists the names and the closest one.
    """
    for method in all_methods():
        if method.name == name:
            return method
    raise one_of("method", name, [method.name for method in all_methods()])


__all__ = [
    "BLACK_BOX",
    "FAMILIES",
    "GRADIENT",
    "BlackBoxMethod",
    "GradientMethod",
    "Method",
    "all_methods",
    "get",
    "gradient_parts",
    "names",
]
