"""A hypergradient that is none: the gradient of the training loss, as SNAS takes it.

loss, gradients = SingleLevel()(problem)
"""

from __future__ import annotations

import torch
from torch import Tensor

from nas_course.strategies.gradient.hypergradients import Bilevel


class SingleLevel:
    """Train alpha and w on one objective: g = d L_train(w, alpha) / d alpha.

    Xie et al., "SNAS: Stochastic Neural Architecture Search", ICLR 2019: one loss, no
    validation part. A table of the gradient family that lists SNAS beside GDAS under "first
    order" lists a relative of it, with a validation loss; this is what the paper defines.

    Differences from the paper: there both gradients come from one backward pass and one sample,
    while the search takes an alpha step and a weight step on the same training batch, each with
    a sample of its own; the paper's term for the expected cost of the architecture is left out;
    alphas and weights see the training part of the images only, never the validation part; the
    alphas' Adam has the weight decay of DARTS. Regularizers of the search stand in the
    validation loss and have no effect here.
    """

    def __call__(self, problem: Bilevel) -> tuple[Tensor, list[Tensor]]:
        """Return the outer loss, which is only watched, and the gradient of the inner one."""
        with torch.no_grad():
            watched = problem.outer()
        gradients = torch.autograd.grad(problem.inner(), problem.alphas, materialize_grads=True)
        return watched, list(gradients)
