"""An edge that computes one operation of its candidates: the one that was drawn.

supernet = build_supernet(space, ..., make_edge=SampledOperation)
supernet(images, pi)                    # pi has one-hot rows
"""

from __future__ import annotations

from torch import Tensor

from nas_course.errors import InvalidInput
from nas_course.models.supernet import MixedOperation


class SampledOperation(MixedOperation):
    """The chosen operation alone, with a gradient that reaches all mixing weights.

        o(x) = h_c o_c(x) + sum over o != c of h_o,   h one-hot at c

    The sum is zero. It is there for the backward pass: h_o gets the sum of the output's gradient,
    as if operation o returned ones, so the logits of operations that were not computed move too.
    The straight-through gradient would take o(x) in place of the ones, which costs all the
    operations. Dong and Yang's code of GDAS (CVPR 2019) does the same.

    Weights of the other operations take no part in the forward pass and get no gradient.
    """

    def forward(self, x: Tensor, pi: Tensor) -> Tensor:
        """Apply the chosen operation.

        Parameters
        ----------
        x : Tensor, shape (batch, channels, H, W)
        pi : Tensor, shape (operations,)
            One 1, else 0.

        Raises
        ------
        InvalidInput
            If `pi` is not one-hot.
        """
        weights = pi.tolist()
        if sorted(weights) != [0.0] * (len(weights) - 1) + [1.0]:
            raise InvalidInput(
                f"mixing weights of a sampled edge: got {weights}; allowed: one 1, else 0. Use the "
                "relaxation HardGumbel with these edges, or MixedOperation for a mixture."
            )
        chosen = weights.index(1.0)
        others = pi.sum() - pi[chosen]
        return pi[chosen] * self.operations[chosen](x) + others
