"""Values that may cross between a check and the learner's code, as plain JSON trees.

Nothing is pickled. A value is either one of the plain kinds below or it is refused with a sentence
that names its type, so the side that compares never holds an object that the learner made.

========================  =========================================================
learner returns           the check receives
========================  =========================================================
None, bool, int, float    the same; numpy scalars and 0-d tensors or arrays too
str, list, tuple, dict    the same, rebuilt; sets become sets
numpy array, torch tensor numpy array: float64, int64 or bool
architecture of a space   `Architecture(space, text)`
========================  =========================================================

In the other direction a check may also send `Tensor`, `Build` and `Expression`.
"""

from __future__ import annotations

import base64
import binascii
import importlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MOST_NODES = 200_000
MOST_DEPTH = 40
MOST_TEXT = 200_000
MOST_BYTES = 16 * 2**20
MOST_BITS = 4_000
MOST_KEYS = 5_000  # numbers chosen to collide make a table of n keys cost n² steps
_DTYPES = ("bool", "uint8", "int32", "int64", "float32", "float64")
_SPACE_OF_TYPE = {"Genotype": "darts", "Cell201": "nas-bench-201"}


class Unsendable(ValueError):
    """A value that cannot cross; the message completes the sentence "it is ..."."""


class Malformed(ValueError):
    """A tree that no honest `encode` makes."""


@dataclass(frozen=True)
class Tensor:
    """An array that the learner receives as a torch tensor of the same dtype."""

    array: Any
    requires_grad: bool = False


@dataclass(frozen=True)
class Build:
    """An object made in the learner's process: `Build("nas_course.spaces:DARTSSpace")`."""

    target: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Expression:
    """A Python expression evaluated in the learner's process; it sees `torch`, `np`, `math`.

    `shown` is what a diagnosis writes instead of a long source.
    """

    source: str
    shown: str | None = None


@dataclass(frozen=True)
class Architecture:
    """An architecture as the name of its space and its text; `spaces.get(space).parse(text)`."""

    space: str
    text: str


# ------------------------------------------------------------------------------ to a JSON tree


def encode(value: Any) -> Any:
    """Turn a value into a tree of JSON types.

    Raises
    ------
    Unsendable
        When some part is of a kind that cannot be checked, or too large.
    """
    return _Encoder().encode(value, 0)


class _Encoder:
    """Counts nodes and bytes while it walks, so that no value can cost more than the limits."""

    def __init__(self) -> None:
        self.nodes = 0
        self.bytes = 0

    def encode(self, value: Any, depth: int) -> Any:
        self.nodes += 1
        if depth > MOST_DEPTH or self.nodes > MOST_NODES:
            raise Unsendable("a value nested too deeply or with too many parts to be checked")
        for kind, convert in _ENCODERS:
            if isinstance(value, kind):
                return convert(self, value, depth)
        return self.encode_foreign(value, depth)

    def encode_foreign(self, value: Any, depth: int) -> Any:
        """Torch tensors and architectures: recognised without importing their packages."""
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(value, torch.Tensor):
            return self.encode_array(_array_from_torch(torch, value), depth)
        space = _SPACE_OF_TYPE.get(type(value).__name__)
        if space and type(value).__module__.startswith("nas_course.spaces"):
            return {"architecture": [space, self.encode_text(str(value), depth)]}
        raise Unsendable(f"{_a(type(value).__name__)}, which cannot be checked")

    def encode_number(self, value: Any, depth: int) -> Any:
        if isinstance(value, bool):
            return value
        # The base class's own addition: a subclass that lies about its value loses the lie.
        if isinstance(value, float):
            return float.__add__(value, 0.0)
        if int.bit_length(value) > MOST_BITS:
            raise Unsendable(f"an integer of {int.bit_length(value)} bits, more than {MOST_BITS}")
        return int.__add__(value, 0)

    def encode_text(self, value: str, depth: int) -> str:
        text = str.__add__("", value)
        if len(text) > MOST_TEXT:
            raise Unsendable(f"a text of {len(text)} characters, more than {MOST_TEXT}")
        return text

    def encode_sequence(self, value: Any, depth: int) -> Any:
        tag, kind = next((t, k) for t, k in _SEQUENCES.items() if isinstance(value, k))
        if isinstance(value, (set, frozenset)):
            self.count_keys(kind.__len__(value))
        return {tag: [self.encode(item, depth + 1) for item in kind.__iter__(value)]}

    def encode_dict(self, value: dict, depth: int) -> Any:
        self.count_keys(dict.__len__(value))
        pairs = list(dict.items(value))
        return {"dict": [[self.encode(k, depth + 1), self.encode(v, depth + 1)] for k, v in pairs]}

    def count_keys(self, number: int) -> None:
        if number > MOST_KEYS:
            raise Unsendable(f"a dict or set of {number} keys, more than {MOST_KEYS}")

    def encode_array(self, value: np.ndarray, depth: int) -> Any:
        array = np.array(value, copy=True, subok=False)
        if array.ndim == 0 and array.dtype.kind in "biuf":
            return self.encode(array.item(), depth)
        array = _widen(array)
        self.bytes += array.nbytes
        if self.bytes > MOST_BYTES:
            raise Unsendable(f"arrays of more than {MOST_BYTES // 2**20} MiB")
        data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
        return {"array": [array.dtype.name, list(array.shape), data]}

    def encode_tensor(self, value: Tensor, depth: int) -> Any:
        array = np.asarray(value.array)
        data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
        return {"tensor": [array.dtype.name, list(array.shape), data, value.requires_grad]}

    def encode_build(self, value: Build, depth: int) -> Any:
        return {"build": [value.target, self.encode(dict(value.kwargs), depth + 1)]}


_SEQUENCES: dict[str, Any] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
_ENCODERS: tuple[tuple[Any, Callable[[_Encoder, Any, int], Any]], ...] = (
    (type(None), lambda walk, value, depth: None),
    ((bool, int, float), _Encoder.encode_number),
    (str, _Encoder.encode_text),
    (type(...), lambda walk, value, depth: {"ellipsis": []}),
    ((list, tuple, set, frozenset), _Encoder.encode_sequence),
    (dict, _Encoder.encode_dict),
    ((np.ndarray, np.generic), _Encoder.encode_array),
    (Tensor, _Encoder.encode_tensor),
    (Build, _Encoder.encode_build),
    (Expression, lambda walk, value, depth: {"expression": value.source}),
    (Architecture, lambda walk, value, depth: {"architecture": [value.space, value.text]}),
)


def _array_from_torch(torch: Any, tensor: Any) -> np.ndarray:
    plain = torch.Tensor.detach(tensor).cpu()
    if plain.dtype in (torch.bfloat16, torch.float16):
        plain = plain.float()
    if plain.is_sparse or plain.is_quantized or plain.is_complex():
        raise Unsendable("a sparse, quantized or complex tensor, which cannot be checked")
    return np.asarray(plain.resolve_conj().resolve_neg().numpy())


def _widen(array: np.ndarray) -> np.ndarray:
    """Give every array one of three dtypes, so float32 and float64 answers are judged alike."""
    kinds = {"b": np.bool_, "i": np.int64, "u": np.int64, "f": np.float64}
    if array.dtype.kind not in kinds:
        raise Unsendable(f"an array of {array.dtype.name}, which cannot be checked")
    return array.astype(kinds[array.dtype.kind])


def _a(noun: str) -> str:
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"


# ---------------------------------------------------------------------------- from a JSON tree


def decode(tree: Any) -> Any:
    """Rebuild what the learner's side sent: plain values only, whoever wrote the tree.

    Raises
    ------
    Malformed
        When the tree is not one that `encode` makes, or is over the limits.
    """
    return _Decoder(_PLAIN).decode(tree, 0)


def decode_for_learner(tree: Any) -> Any:
    """Rebuild what a check sent: tensors, built objects and expressions become real objects."""
    return _Decoder({**_PLAIN, **_LIVE}).decode(tree, 0)


class _Decoder:
    """Walks a tree with the same limits as the encoder."""

    def __init__(self, tags: Mapping[str, Callable[[_Decoder, Any, int], Any]]) -> None:
        self.tags = tags
        self.nodes = 0

    def decode(self, tree: Any, depth: int) -> Any:
        self.nodes += 1
        if depth > MOST_DEPTH or self.nodes > MOST_NODES:
            raise Malformed("nested too deeply or too many parts")
        if tree is None or type(tree) in (bool, int, float):
            return tree
        if type(tree) is str:
            return _text(tree)
        if type(tree) is not dict or len(tree) != 1:
            raise Malformed("neither a plain value nor one tag")
        ((tag, content),) = tree.items()
        if tag not in self.tags:
            raise Malformed(f"unknown tag {tag[:40]!r}")
        return self.tags[tag](self, content, depth + 1)

    def items(self, content: Any, depth: int) -> list:
        if type(content) is not list:
            raise Malformed("a sequence without a list")
        return [self.decode(item, depth) for item in content]

    def pairs(self, content: Any, depth: int) -> dict:
        if type(content) is not list or any(type(p) is not list or len(p) != 2 for p in content):
            raise Malformed("a dict without pairs")
        if len(content) > MOST_KEYS:
            raise Malformed("a dict of too many keys")
        return dict(_hashed(self.items(pair, depth)) for pair in content)

    def hashed(self, content: Any, depth: int) -> list:
        if type(content) is list and len(content) > MOST_KEYS:
            raise Malformed("a set of too many keys")
        return [_hashed([item, None])[0] for item in self.items(content, depth)]


def _hashed(pair: list) -> tuple:
    try:
        hash(pair[0])
    except TypeError as error:
        raise Malformed("an unhashable key") from error
    return pair[0], pair[1]


def _text(value: Any) -> str:
    if type(value) is not str or len(value) > MOST_TEXT:
        raise Malformed("text expected, or text too long")
    return value


def _architecture(content: Any) -> Architecture:
    if type(content) is not list or len(content) != 2:
        raise Malformed("an architecture is [space, text]")
    return Architecture(_text(content[0]), _text(content[1]))


def _array(content: Any) -> np.ndarray:
    """Read [dtype, shape, base64], trusting none of the three."""
    if type(content) is not list or len(content) != 3:
        raise Malformed("an array is [dtype, shape, data]")
    name, shape, data = content
    if name not in _DTYPES or type(data) is not str or len(data) > 2 * MOST_BYTES:
        raise Malformed("an array of a dtype or size that is not allowed")
    sizes_are_plain = type(shape) is list and len(shape) <= 8 and all(type(n) is int for n in shape)
    if not sizes_are_plain or any(not 0 <= n <= MOST_BYTES for n in shape):
        raise Malformed("an array whose shape is not a short list of sizes")
    try:
        flat = np.frombuffer(base64.b64decode(data, validate=True), dtype=name)
        return flat.reshape(shape).copy()
    except (ValueError, binascii.Error) as error:
        raise Malformed("array data that does not fit its shape") from error


def _tensor(content: Any) -> Any:
    import torch

    array = _array(content[:3])
    return torch.from_numpy(array).requires_grad_(content[3])


def _build(walk: _Decoder, content: Any, depth: int) -> Any:
    module, _, name = content[0].partition(":")
    return getattr(importlib.import_module(module), name)(**walk.decode(content[1], depth))


def _evaluate(source: str) -> Any:
    """Evaluate text that the check wrote, in the learner's process."""
    import math

    import torch

    return eval(source, {"torch": torch, "np": np, "math": math})


def _parse(content: Any) -> Any:
    from nas_course import spaces

    return spaces.get(content[0]).parse(content[1])


_PLAIN: dict[str, Callable[[_Decoder, Any, int], Any]] = {
    "ellipsis": lambda walk, content, depth: ...,
    "list": lambda walk, content, depth: walk.items(content, depth),
    "tuple": lambda walk, content, depth: tuple(walk.items(content, depth)),
    "set": lambda walk, content, depth: set(walk.hashed(content, depth)),
    "frozenset": lambda walk, content, depth: frozenset(walk.hashed(content, depth)),
    "dict": lambda walk, content, depth: walk.pairs(content, depth),
    "array": lambda walk, content, depth: _array(content),
    "architecture": lambda walk, content, depth: _architecture(content),
}
_LIVE: dict[str, Callable[[_Decoder, Any, int], Any]] = {
    "tensor": lambda walk, content, depth: _tensor(content),
    "build": _build,
    "expression": lambda walk, content, depth: _evaluate(content),
    "architecture": lambda walk, content, depth: _parse(content),
}
