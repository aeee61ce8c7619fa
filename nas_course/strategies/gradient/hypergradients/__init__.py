"""Hypergradients: the derivative of the outer loss by the parameters of the inner problem.

    problem = Bilevel(outer=valid_loss, inner=train_loss, alphas=[alpha], weights=weights)
    loss, gradients = FirstOrder()(problem)
    loss, gradients = ConjugateGradient(iterations=10)(problem)

The problem is bilevel: minimise L_val(w*(alpha), alpha) over alpha, where w*(alpha) minimises
L_train(w, alpha) over w. Nothing here knows about architectures, so any such problem will do.
Every estimator leaves the weights and alphas as they were, bit for bit.

A whole loop, outside NAS: 100 of 300 digits have wrong labels, 100 others can be trusted. How far
to trust each of the 300? Five steps of the weights, then one of the alphas, and again. (A test runs
this text; chapter 10 explains it.)

>>> import torch
>>> from torch.nn.functional import cross_entropy
>>> from nas_course import data
>>> from nas_course.strategies.gradient.hypergradients import Bilevel, Neumann
>>> digits = data.load("digits", train_images=300, valid_images=100, device="cpu")
>>> x, labels = digits.train.images.flatten(1), digits.train.labels.clone()
>>> labels[:100] = (labels[:100] + 5) % 10
>>> model = torch.nn.Linear(64, 10)
>>> alpha = torch.zeros(300, requires_grad=True)
>>> def train_loss():
...     losses = cross_entropy(model(x), labels, reduction="none")
...     decay = sum((w**2).sum() for w in model.parameters())
...     return (alpha.sigmoid() * losses).mean() + 0.005 * decay
>>> def valid_loss():
...     return cross_entropy(model(digits.valid.images.flatten(1)), digits.valid.labels)
>>> problem = Bilevel(valid_loss, train_loss, alphas=[alpha], weights=list(model.parameters()))
>>> hypergradient = Neumann(0.5, terms=5)  # 0.5: the learning rate of the weights
>>> inner, outer = torch.optim.SGD(model.parameters(), lr=0.5), torch.optim.Adam([alpha], lr=0.1)
>>> for step in range(200):
...     inner.zero_grad()
...     train_loss().backward()
...     inner.step()
...     if step % 5 == 4:
...         loss, [alpha.grad] = hypergradient(problem)
...         outer.step()
>>> trust = alpha.detach().sigmoid()
>>> bool(trust[:100].mean() < 0.5 * trust[100:].mean())
True
"""

from nas_course.strategies.gradient.hypergradients.implicit import (
    ConjugateGradient,
    DenseImplicit,
    Neumann,
    SeriesGrows,
)
from nas_course.strategies.gradient.hypergradients.problem import Bilevel, InnerGradient
from nas_course.strategies.gradient.hypergradients.reverse import ExactUnrolled, ReverseMode
from nas_course.strategies.gradient.hypergradients.unrolled import FirstOrder, Unrolled

__all__ = [
    "Bilevel",
    "ConjugateGradient",
    "DenseImplicit",
    "ExactUnrolled",
    "FirstOrder",
    "InnerGradient",
    "Neumann",
    "ReverseMode",
    "SeriesGrows",
    "Unrolled",
]
