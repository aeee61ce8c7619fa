"""An edge with a skip beside its mixed operation, which a search takes away again.

    edge = AuxiliarySkip(DARTS_OPERATIONS, channels=16, stride=1)
    edge(x, pi)                             # pi: 8 mixing weights, then the weight of the skip

Chu et al., "DARTS-: Robustly Stepping out of Performance Collapse Without Indicators", ICLR 2021.
"""

from __future__ import annotations

from torch import Tensor

from nas_course.models.supernet import MixedOperation
from nas_course.operations import build_operation


class AuxiliarySkip(MixedOperation):
    """b skip(x) + sum_o pi_o o(x): a mixed operation and, outside its softmax, a skip.

    The skip is the identity, or a `FactorizedReduce` with weights of its own where the edge
    halves the resolution.
    """

    def __init__(self, operations: tuple[str, ...], channels: int, stride: int) -> None:
        super().__init__(operations, channels, stride)
        self.skip = build_operation("skip_connect", channels, stride, affine=False)

    def forward(self, x: Tensor, pi: Tensor) -> Tensor:
        """Mix, and add the skip.

        Parameters
        ----------
        x : Tensor, shape (batch, channels, H, W)
        pi : Tensor, shape (operations + 1,)
            Mixing weights, then the weight b of the skip.
        """
        return pi[-1] * self.skip(x) + super().forward(x, pi[:-1])
