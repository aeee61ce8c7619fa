"""An edge that mixes operations on a part of its channels and passes the others by.

    edge = PartialChannels(DARTS_OPERATIONS, channels=16, stride=1, share=4)
    edge(x, pi)                             # pi: 8 mixing weights, then the weight of the edge

Xu et al., "PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture Search",
ICLR 2020.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nas_course.errors import InvalidInput
from nas_course.models.supernet import MixedOperation


def shuffle_channels(x: Tensor, groups: int) -> Tensor:
    """Reorder the channels of (B, C, H, W) as a deck dealt from `groups` equal piles in turn.

    Channel i of pile j moves to place i * groups + j, so what one edge has mixed is spread over
    what the next edges mix. C must be a multiple of `groups`.
    """
    return x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)


class PartialChannels(nn.Module):
    """One channel in `share` goes through the mixed operation, the others past it.

        f(x) = w shuffle([sum_o pi_o o(x'), x''])     x' the first C / share channels

    With stride 2 the channels that pass by are halved by a 2x2 max pooling. share = 1 mixes all
    channels: w times the edge of DARTS.

    Parameters
    ----------
    operations : tuple of str
    channels, stride : int
    share : int
        K of the paper; the channels must be a multiple of it.

    Raises
    ------
    InvalidInput
        If `channels` is not a multiple of `share`.
    """

    def __init__(
        self, operations: tuple[str, ...], channels: int, stride: int, share: int = 4
    ) -> None:
        super().__init__()
        if not isinstance(share, int) or share < 1 or channels % share:
            raise InvalidInput(
                f"partial channels: got {channels} channels and share = {share!r}; allowed: "
                "channels that are a whole multiple of the share. Choose other channels= in the "
                "settings, or another share= of the method (1 mixes all channels)."
            )
        self.share = share
        self.mixed_channels = channels // share
        self.mixed = MixedOperation(operations, self.mixed_channels, stride)
        self.bypass: nn.Module = nn.Identity() if stride == 1 else nn.MaxPool2d(2)

    def forward(self, x: Tensor, pi: Tensor) -> Tensor:
        """Mix the first channels, pass the others, shuffle.

        Parameters
        ----------
        x : Tensor, shape (batch, channels, H, W)
        pi : Tensor, shape (operations + 1,)
            Mixing weights, then the weight w of the edge.
        """
        mixed = self.mixed(x[:, : self.mixed_channels], pi[:-1])
        passed = self.bypass(x)[:, self.mixed_channels :]  # in this order: there may be none
        return pi[-1] * shuffle_channels(torch.cat([mixed, passed], dim=1), self.share)
