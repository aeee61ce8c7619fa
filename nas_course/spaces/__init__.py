"""Search spaces: what may be built. An architecture is an immutable value, never a module."""

from typing import Any

from nas_course.errors import InvalidInput, one_of
from nas_course.spaces.cells import CellTemplate
from nas_course.spaces.chain import Chain, ChainSpace, Layer
from nas_course.spaces.choices import Choice, ChoiceSpace
from nas_course.spaces.darts import DARTSSpace, Genotype
from nas_course.spaces.eight_operations import EightOperationsCell, EightOperationsSpace
from nas_course.spaces.enas_micro import ENASGenotype, ENASMicroSpace
from nas_course.spaces.mixed import MixedDesign, MixedSpace
from nas_course.spaces.nas_bench_201 import Cell201, NASBench201Space

SPACES = {
    space.name: space
    for space in (
        DARTSSpace,
        NASBench201Space,
        EightOperationsSpace,
        ENASMicroSpace,
        ChainSpace,
        MixedSpace,
    )
}


def get(name: str) -> Any:
    """Return the space of this name.

    Parameters
    ----------
    name : str
        A key of `SPACES`, or of a part of NAS-Bench-201 the operations that it keeps:
        "nas-bench-201:skip_connect,nor_conv_3x3".

    Raises
    ------
    InvalidInput
        If there is none; the message lists the names, or the operations.
    """
    whole, colon, operations = name.partition(":")
    if whole not in SPACES:
        raise one_of("space", name, SPACES)
    if not colon:
        return SPACES[whole]()
    if whole != NASBench201Space.name:
        raise InvalidInput(
            f"space: got {name!r}; operations can be chosen for {NASBench201Space.name} only. "
            f"Take {whole!r} as it is."
        )
    return NASBench201Space(operations.split(","))


__all__ = [
    "SPACES",
    "Cell201",
    "CellTemplate",
    "Chain",
    "ChainSpace",
    "Choice",
    "ChoiceSpace",
    "DARTSSpace",
    "ENASGenotype",
    "ENASMicroSpace",
    "EightOperationsCell",
    "EightOperationsSpace",
    "Genotype",
    "Layer",
    "MixedDesign",
    "MixedSpace",
    "NASBench201Space",
    "get",
]
