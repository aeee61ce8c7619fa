"""The primitive operations: shapes, weights, receptive fields, errors."""

import os
import subprocess
import sys

import pytest
import torch
from torch.nn.functional import conv2d

from nas_course.errors import InvalidInput
from nas_course.models import initialise
from nas_course.operations import (
    DARTS_OPERATIONS,
    NAS_BENCH_201_OPERATIONS,
    FactorizedReduce,
    PointwiseConv,
    build_operation,
)

ALL = sorted(set(DARTS_OPERATIONS) | set(NAS_BENCH_201_OPERATIONS))


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", ALL)
def test_every_operation_keeps_channels_and_divides_the_resolution(name, stride):
    x = torch.randn(2, 6, 8, 8)
    assert build_operation(name, 6, stride, affine=False)(x).shape == (
        2,
        6,
        8 // stride,
        8 // stride,
    )


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("none", lambda c: 0),
        ("max_pool_3x3", lambda c: 0),
        ("avg_pool_3x3", lambda c: 0),
        ("skip_connect", lambda c: 0),
        ("sep_conv_3x3", lambda c: 2 * (9 * c + c * c)),
        ("sep_conv_5x5", lambda c: 2 * (25 * c + c * c)),
        ("dil_conv_3x3", lambda c: 9 * c + c * c),
        ("dil_conv_5x5", lambda c: 25 * c + c * c),
        ("nor_conv_1x1", lambda c: c * c),
        ("nor_conv_3x3", lambda c: 9 * c * c),
    ],
)
def test_weights_follow_the_formulas(name, weights):
    for channels in (4, 16):
        assert count(build_operation(name, channels, 1, affine=False)) == weights(channels)


def test_a_skip_of_stride_two_has_channels_squared_weights():
    assert count(build_operation("skip_connect", 16, 2, affine=False)) == 16 * 16


@pytest.mark.parametrize(
    ("name", "side"),
    [("sep_conv_3x3", 5), ("sep_conv_5x5", 9), ("dil_conv_3x3", 5), ("dil_conv_5x5", 9)],
)
def test_the_receptive_field_is_where_the_gradient_reaches(name, side):
    generator = torch.Generator().manual_seed(0)
    # several channels: with two, ReLU can close the way to a border
    operation = build_operation(name, 8, 1, affine=True).double().eval()
    initialise(operation, generator)
    x = torch.rand(1, 8, 17, 17, dtype=torch.double, generator=generator).requires_grad_()
    operation(x)[0, :, 8, 8].sum().backward()
    rows = x.grad[0].abs().sum(dim=(0, 2)).nonzero().flatten()
    assert rows.max() - rows.min() + 1 == side


def test_average_pooling_does_not_count_the_padding():
    ones = torch.ones(1, 1, 4, 4)
    assert torch.equal(build_operation("avg_pool_3x3", 1, 1, affine=False)(ones), ones)


def test_none_stays_zero_where_the_input_is_not_finite():
    x = torch.full((1, 1, 4, 4), float("inf"))
    assert build_operation("none", 1, 2, affine=False)(x).abs().sum() == 0


def test_factorized_reduce_looks_at_two_pixels_of_every_four():
    reduce = FactorizedReduce(1, 2, affine=True).eval()
    x = torch.ones(1, 1, 4, 4, requires_grad=True)
    reduce(x).sum().backward()
    seen = x.grad[0, 0] != 0
    expected = torch.zeros(4, 4, dtype=torch.bool)
    expected[::2, ::2] = expected[1::2, 1::2] = True
    assert torch.equal(seen, expected)


@pytest.mark.parametrize("side", [7, 8])
def test_a_pointwise_convolution_with_a_step_is_one_with_a_stride(side):
    convolution = PointwiseConv(3, 4, step=2).double()
    x = torch.randn(2, 3, side, side, dtype=torch.double)
    assert torch.equal(convolution(x), conv2d(x, convolution.weight, stride=2))


# Many times, as memory that is written outside of its bounds is not always noticed.
REDUCTIONS = """
import torch
from nas_course.operations import build_operation

for channels in (2, 4, 6):
    for name in ("skip_connect", "nor_conv_1x1"):
        operation = build_operation(name, channels, stride=2, affine=False)
        for _ in range(100):
            x = torch.randn(16, channels, 8, 8).to(memory_format=torch.channels_last)
            operation(x.requires_grad_()).sum().backward()
"""


def test_narrow_reductions_survive_their_gradients_where_the_library_has_avx2_only():
    limited = os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", REDUCTIONS], env=limited)
    assert done.returncode == 0


def test_factorized_reduce_refuses_odd_images():
    with pytest.raises(InvalidInput, match=r"got 7x7.*even sizes.*divisible"):
        FactorizedReduce(2, 2, affine=False)(torch.zeros(1, 2, 7, 7))


def test_factorized_reduce_refuses_odd_channels():
    with pytest.raises(InvalidInput, match=r"got 3 output channels.*even"):
        FactorizedReduce(2, 3, affine=False)


def test_an_unknown_operation_is_named_with_the_closest_one():
    with pytest.raises(InvalidInput, match=r"got 'sep_conv_3x4'.*Did you mean 'sep_conv_3x3'"):
        build_operation("sep_conv_3x4", 4, 1, affine=False)


@pytest.mark.parametrize(("channels", "stride"), [(0, 1), (4, 3)])
def test_sizes_that_cannot_be_are_refused(channels, stride):
    with pytest.raises(InvalidInput, match="allowed"):
        build_operation("none", channels, stride, affine=False)
