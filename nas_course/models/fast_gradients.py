"""Which gradients a backward pass will use, for functions with gradients written by hand.

`torch.autograd.grad(loss, alphas)` runs only those parts of the graph that lead to the alphas. The
library's own functions also leave out the gradients by their other inputs; a function written in
Python is told only which of its inputs require a gradient at all, so it has to ask.
"""

from __future__ import annotations

from typing import Any

import torch

# Not a public function of the library. Without it all gradients are made: slower, and as right.
_will_execute = getattr(torch._C, "_will_engine_execute_node", lambda node: True)


def needed_gradients(ctx: Any) -> list[bool]:
    """Return, for every tensor given to a function, whether its gradient will be used.

    Parameters
    ----------
    ctx : the context of a `torch.autograd.Function`
        During its backward pass.
    """
    return [node is not None and _will_run(node) for node, _ in ctx.next_functions]


def _will_run(node: Any) -> bool:
    # a parameter itself, not something made of it: the library cannot say, so its gradient is made
    return not node.next_functions or _will_execute(node)
