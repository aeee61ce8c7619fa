"""Values cross between checks and learners' code as plain JSON trees, or are refused by name."""

import json

import numpy as np
import pytest
import torch

from nas_course.grading.transport import (
    MOST_DEPTH,
    Architecture,
    Build,
    Expression,
    Malformed,
    Tensor,
    Unsendable,
    decode,
    decode_for_learner,
    encode,
)
from nas_course.spaces import get

PLAIN = (
    None,
    True,
    3,
    10**30,
    -2.5,
    float("inf"),
    "θ → α",
    [1, [2.0, "three"]],
    (1, (2,)),
    {"a": 1, 2: (3,), (1, 2): None},
    {1, 2},
    frozenset({"x"}),
    ...,
)


def over_the_wire(value):
    return decode(json.loads(json.dumps(encode(value))))


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_values_arrive_equal_and_of_the_same_type(value):
    arrived = over_the_wire(value)
    assert arrived == value
    assert type(arrived) is type(value)


def test_nan_arrives_as_nan():
    assert np.isnan(over_the_wire(float("nan")))


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (np.ones((2, 3), np.float32), np.float64),
        (np.arange(4, dtype=np.int8), np.int64),
        (np.array([True, False]), np.bool_),
        (np.zeros((0, 5)), np.float64),
        (torch.ones(2, 3, requires_grad=True), np.float64),
        (torch.ones(4, dtype=torch.bfloat16), np.float64),
        (torch.nn.Parameter(torch.arange(3.0)), np.float64),
        (torch.arange(3).expand(2, 3), np.int64),
    ],
    ids=str,
)
def test_arrays_and_tensors_arrive_as_arrays_of_three_dtypes(value, dtype):
    arrived = over_the_wire(value)
    plain = value.detach().float().numpy() if torch.is_tensor(value) else value
    assert type(arrived) is np.ndarray
    assert arrived.dtype == dtype
    np.testing.assert_array_equal(arrived, plain)


@pytest.mark.parametrize("value", [np.float32(0.5), torch.tensor(0.5), np.array(0.5), 0.5], ids=str)
def test_every_kind_of_single_number_arrives_as_a_number(value):
    assert over_the_wire(value) == 0.5
    assert type(over_the_wire(value)) is float


def test_architectures_arrive_as_space_and_text():
    for name in ("darts", "nas-bench-201"):
        architecture = get(name).sample(np.random.default_rng(0))
        assert over_the_wire(architecture) == Architecture(name, str(architecture))


def test_learner_receives_real_objects():
    cell = str(get("nas-bench-201").sample(np.random.default_rng(1)))
    sent = {
        "tensor": Tensor(np.ones(3, np.float32), requires_grad=True),
        "module": Build("torch.nn:Linear", {"in_features": 2, "out_features": 3}),
        "function": Expression("lambda w: (w ** 2).sum()"),
        "cell": Architecture("nas-bench-201", cell),
    }
    got = decode_for_learner(json.loads(json.dumps(encode(sent))))
    assert got["tensor"].dtype == torch.float32
    assert got["tensor"].requires_grad
    assert got["module"].weight.shape == (3, 2)
    assert got["function"](torch.ones(2)) == 2
    assert str(got["cell"]) == cell


class Liar(float):
    def __add__(self, other):
        return 7.0

    def __eq__(self, other):
        return True

    __hash__ = None


def test_subclasses_arrive_as_what_they_are_based_on():
    assert over_the_wire(Liar(0.1)) == 0.1
    assert type(over_the_wire(Liar(0.1))) is float


def loop():
    value = []
    value.append(value)
    return value


REFUSED = (
    (lambda: (n for n in range(3)), "a generator"),
    (lambda: object(), "an object"),
    (lambda: print, "a builtin_function_or_method"),
    (lambda: torch.nn.Linear(1, 1), "a Linear"),
    (lambda: 1 + 2j, "a complex"),
    (lambda: np.array(["a"]), "an array of str32"),
    (lambda: np.array([object()]), "an array of object"),
    (lambda: torch.ones(2).to_sparse(), "a sparse"),
    (lambda: loop(), "nested too deeply"),
    (lambda: [0] * 300_000, "too many parts"),
    (lambda: np.zeros(3_000_000), "more than 16 MiB"),
    (lambda: "x" * 300_000, "300000 characters"),
    (lambda: 10**10_000, "bits"),
    (lambda: b"bytes", "a bytes"),
)


@pytest.mark.parametrize(("make", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_other_values_are_refused_by_name(make, words):
    with pytest.raises(Unsendable, match=words):
        encode(make())


def nested(depth):
    tree = 1
    for _ in range(depth):
        tree = {"list": [tree]}
    return tree


FORGED = (
    [1, 2],
    {},
    {"list": [1], "tuple": [2]},
    {"list": 3},
    {"dict": [[1]]},
    {"dict": [[{"list": []}, 1]]},
    {"set": [{"list": []}]},
    {"pickle": "gASVAAAA"},
    {"tensor": ["float32", [1], "AAAAAA==", False]},
    {"build": ["os:system", {"dict": [["command", "touch FORGED"]]}]},
    {"expression": "__import__('os').system('touch FORGED')"},
    {"array": ["object", [1], "AAAAAAAAAAA="]},
    {"array": ["float64", [2], "AAAAAAAAAAA="]},
    {"array": ["float64", [-1], "AAAAAAAAAAA="]},
    {"array": ["float64", [10**12, 10**12], ""]},
    {"array": ["float64", [True], "AAAAAAAAAAA="]},
    {"array": ["float64", [1], "not base 64"]},
    {"array": ["float64", "1", "AAAAAAAAAAA="]},
    {"architecture": ["darts"]},
    {"architecture": [1, 2]},
    nested(MOST_DEPTH + 1),
    {"list": [0] * 300_000},
    "x" * 300_000,
)


@pytest.mark.parametrize("tree", FORGED, ids=lambda tree: str(tree)[:60])
def test_forged_trees_are_malformed_and_run_nothing(tree):
    with pytest.raises(Malformed):
        decode(tree)
