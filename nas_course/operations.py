"""The primitive operations of the search spaces, and their named sets.

    operation = build_operation("sep_conv_3x3", channels=16, stride=2, affine=False)
    operation(torch.zeros(1, 16, 8, 8)).shape        # (1, 16, 4, 4)

Every operation maps (batch, channels, height, width) to (batch, channels, height / stride,
width / stride). Convolutions apply ReLU, convolution, batch normalisation in this order
(Liu et al., "DARTS", ICLR 2019, appendix A.1.1).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from nas_course.errors import InvalidInput, one_of

DARTS_OPERATIONS = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
NAS_BENCH_201_OPERATIONS = (
    "none",
    "skip_connect",
    "nor_conv_1x1",
    "nor_conv_3x3",
    "avg_pool_3x3",
)
# The cell space of lesson 000; its text says identity for skip_connect and zero for none.
EIGHT_OPERATIONS = (
    "nor_conv_3x3",
    "nor_conv_5x5",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "none",
)
# Pham et al., "ENAS", ICML 2018, section 2.4.
ENAS_OPERATIONS = (
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "avg_pool_3x3",
    "max_pool_3x3",
)
CHAIN_OPERATIONS = ("nor_conv_3x3", "nor_conv_5x5", "sep_conv_3x3", "sep_conv_5x5")


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation that uses the statistics of the batch, never moving averages.

    During a search the mixing weights move at every step, so moving averages describe a network
    that no longer exists (DARTS, section 3.1). Networks trained from scratch use the ordinary
    layer, which `affine=True` selects: their normalisation is learned and averaged.

    Parameters
    ----------
    channels : int
        Number of channels, at least 1.
    affine : bool
        Learn scale and shift and keep moving averages. Off in a supernet, where a learned scale
        would compete with the mixing weight of the operation.
    """

    def __init__(self, channels: int, affine: bool) -> None:
        super().__init__(channels, affine=affine, track_running_stats=affine)


class Zero(nn.Module):
    """The operation `none`: no connection. Returns zeros of the right shape."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to zeros of (B, C, H / stride, W / stride)."""
        # zeros_like, not 0 * x: an infinite activation times zero would be NaN
        return torch.zeros_like(x[:, :, :: self.stride, :: self.stride])


class PointwiseConv(nn.Conv2d):
    """1x1 convolution, without bias, of every `step`-th pixel in both directions.

    The other pixels are left out before it, not by a stride: PyTorch 2.14's weight gradient with a
    stride, for 1 to 3 output channels and channels last, corrupts memory where its library oneDNN
    has no more than AVX2 to use (seen with `ONEDNN_MAX_CPU_ISA=AVX2`).
    """

    def __init__(self, channels_in: int, channels_out: int, step: int) -> None:
        super().__init__(channels_in, channels_out, 1, bias=False)
        self.step = step

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels_in, H, W) to (B, channels_out, H / step, W / step), rounded up."""
        return super().forward(x[:, :, :: self.step, :: self.step])


class ReLUConvBN(nn.Sequential):
    """ReLU, convolution, batch normalisation."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int, affine: bool
    ) -> None:
        convolution = (
            PointwiseConv(channels_in, channels_out, stride)
            if kernel == 1
            else nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, bias=False)
        )
        super().__init__(nn.ReLU(), convolution, BatchNorm(channels_out, affine))


class DilatedConv(nn.Sequential):
    """Depthwise convolution (dilation 2 unless told otherwise), then 1x1 convolution.

    Weights: channels * kernel**2 + channels**2. With dilation 2 a 3x3 kernel sees a 5x5 field.
    """

    def __init__(
        self, channels: int, kernel: int, stride: int, affine: bool, dilation: int = 2
    ) -> None:
        padding = dilation * (kernel - 1) // 2
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(
                channels,
                channels,
                kernel,
                stride,
                padding,
                dilation=dilation,
                groups=channels,
                bias=False,
            ),
            nn.Conv2d(channels, channels, 1, bias=False),
            BatchNorm(channels, affine),
        )


class SeparableConv(nn.Sequential):
    """Depthwise and 1x1 convolution, applied twice; the first application has the stride.

    Weights: 2 * (channels * kernel**2 + channels**2).
    """

    def __init__(self, channels: int, kernel: int, stride: int, affine: bool) -> None:
        super().__init__(
            DilatedConv(channels, kernel, stride, affine, dilation=1),
            DilatedConv(channels, kernel, 1, affine, dilation=1),
        )


class FactorizedReduce(nn.Module):
    """Halve the resolution with two 1x1 convolutions that look at different pixels.

    One stride-2 1x1 convolution would ignore three of four pixels. The second one, shifted by a
    pixel in both directions, sees another quarter.

    Raises
    ------
    InvalidInput
        If `channels_out` is odd, or, in `forward`, if height or width is odd.
    """

    def __init__(self, channels_in: int, channels_out: int, affine: bool) -> None:
        super().__init__()
        if channels_out % 2:
            raise InvalidInput(
                f"FactorizedReduce makes its output from two halves: got {channels_out} output "
                "channels; allowed: even numbers. Choose an even number of channels."
            )
        self.relu = nn.ReLU()
        self.even = PointwiseConv(channels_in, channels_out // 2, 2)
        self.odd = PointwiseConv(channels_in, channels_out // 2, 2)
        self.norm = BatchNorm(channels_out, affine)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels_in, H, W) to (B, channels_out, H / 2, W / 2)."""
        height, width = x.shape[2:]
        if height % 2 or width % 2:
            raise InvalidInput(
                f"a reduction halves height and width: got {height}x{width}; allowed: even sizes. "
                "Use images whose side is divisible by 2 for every reduction cell (by 4 for two)."
            )
        x = self.relu(x)
        return self.norm(torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], dim=1))


def _max_pool(channels: int, stride: int, affine: bool) -> nn.Module:
    return nn.MaxPool2d(3, stride, padding=1)


def _average_pool(channels: int, stride: int, affine: bool) -> nn.Module:
    # zeros of the padding must not count, or the border would be darker than the middle
    return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)


def _skip_connect(channels: int, stride: int, affine: bool) -> nn.Module:
    return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels, affine)


_BUILDERS: dict[str, Callable[[int, int, bool], nn.Module]] = {
    "none": lambda channels, stride, affine: Zero(stride),
    "max_pool_3x3": _max_pool,
    "avg_pool_3x3": _average_pool,
    "skip_connect": _skip_connect,
    "sep_conv_3x3": lambda channels, stride, affine: SeparableConv(channels, 3, stride, affine),
    "sep_conv_5x5": lambda channels, stride, affine: SeparableConv(channels, 5, stride, affine),
    "dil_conv_3x3": lambda channels, stride, affine: DilatedConv(channels, 3, stride, affine),
    "dil_conv_5x5": lambda channels, stride, affine: DilatedConv(channels, 5, stride, affine),
    "nor_conv_1x1": lambda channels, stride, affine: ReLUConvBN(
        channels, channels, 1, stride, affine
    ),
    "nor_conv_3x3": lambda channels, stride, affine: ReLUConvBN(
        channels, channels, 3, stride, affine
    ),
    "nor_conv_5x5": lambda channels, stride, affine: ReLUConvBN(
        channels, channels, 5, stride, affine
    ),
}


def build_operation(name: str, channels: int, stride: int, *, affine: bool) -> nn.Module:
    """Build one primitive operation.

    Parameters
    ----------
    name : str
        One of the named sets of this module, for example of `DARTS_OPERATIONS`.
    channels : int
        Channels of input and output, at least 1.
    stride : int
        1 keeps the resolution, 2 halves it.
    affine : bool
        Whether batch normalisation learns scale and shift (see `BatchNorm`).

    Returns
    -------
    torch.nn.Module
        Maps (batch, channels, H, W) to (batch, channels, H / stride, W / stride).

    Raises
    ------
    InvalidInput
        Unknown name, fewer than 1 channel, or a stride other than 1 and 2.
    """
    if name not in _BUILDERS:
        raise one_of("operation", name, _BUILDERS)
    if channels < 1:
        raise InvalidInput(f"channels: got {channels}; allowed: 1 or more.")
    if stride not in (1, 2):
        raise one_of("stride", stride, (1, 2))
    return _BUILDERS[name](channels, stride, affine)
