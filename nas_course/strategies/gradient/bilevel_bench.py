"""A bench for hypergradients: error, angle and cost of each against the exact one.

problem = QuadraticBilevel()
problem.solve()
measure(Neumann(problem.step_size, terms=5), problem.bilevel, problem.exact()).error
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from unittest import mock

import torch
from torch import Tensor

from nas_course.strategies.gradient.bilevel_problems import KnownBilevel
from nas_course.strategies.gradient.hypergradients import (
    Bilevel,
    ConjugateGradient,
    DenseImplicit,
    ExactUnrolled,
    FirstOrder,
    InnerGradient,
    Neumann,
    ReverseMode,
    SeriesGrows,
    Unrolled,
)

Estimator = Callable[[Bilevel], tuple[Tensor, list[Tensor]]]

# The knob of each family and where it is set; every estimator gets the step size 1 / L.
AMOUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
FAMILIES: dict[str, Callable[[float, int], Estimator]] = {
    "reverse mode": lambda gamma, amount: ReverseMode(gamma, steps=amount),
    "truncated to 4": lambda gamma, amount: ReverseMode(gamma, amount, kept=min(4, amount)),
    "Neumann": lambda gamma, amount: Neumann(gamma, terms=amount),
    "conjugate gradient": lambda gamma, amount: ConjugateGradient(iterations=amount),
}
SINGLE: dict[str, Callable[[float], Estimator]] = {
    "first order": lambda gamma: FirstOrder(),
    "unrolled, differences": Unrolled,
    "unrolled, exact": ExactUnrolled,
    "implicit, dense": lambda gamma: DenseImplicit(),
}
POINTS = ("solved", "early")
EARLY_STEPS = 30


@dataclass
class Passes:
    """How often automatic differentiation ran.

    Attributes
    ----------
    gradients : int
        Of a loss: one forward and one backward pass.
    products : int
        With second derivatives: one pass back through the graph of a gradient.
    """

    gradients: int = 0
    products: int = 0


@dataclass(frozen=True)
class Measured:
    """An estimate beside the exact hypergradient.

    Attributes
    ----------
    error : float
        |estimate - exact| / |exact|.
    angle : float
        Between the two, in degrees; 90 for an estimate of zero, which has no direction.
    gradients, products : int
        See `Passes`.
    cpu_seconds : float
        Of the fastest of the repetitions.
    stopped : bool
        Whether the estimator refused to go on: growing terms, or negative curvature.
    """

    error: float
    angle: float
    gradients: int
    products: int
    cpu_seconds: float
    stopped: bool


@contextmanager
def counted_passes() -> Iterator[Passes]:
    """Count the calls of torch.autograd.grad within the block."""
    passes, real = Passes(), torch.autograd.grad

    def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, **options: Any) -> Any:
        if grad_outputs is None:
            passes.gradients += 1
        else:
            passes.products += len(grad_outputs[0]) if options.get("is_grads_batched") else 1
        return real(outputs, inputs, grad_outputs, **options)

    with mock.patch.object(torch.autograd, "grad", grad):
        yield passes


def measure(
    estimator: Estimator, problem: Bilevel, exact: Sequence[Tensor], repeats: int = 3
) -> Measured:
    """Run an estimator at the present point of a problem."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SeriesGrows)  # `stopped` says it
        with counted_passes() as passes:
            _, gradients = estimator(problem)
        seconds = min(cpu_seconds(estimator, problem) for _ in range(repeats))
    error, angle = error_and_angle(gradients, exact)
    stopped = getattr(estimator, "stopped", False)
    return Measured(error, angle, passes.gradients, passes.products, seconds, stopped)


def cpu_seconds(estimator: Estimator, problem: Bilevel) -> float:
    """Return the processor time of one estimate."""
    start = time.process_time()
    estimator(problem)
    return time.process_time() - start


def error_and_angle(got: Sequence[Tensor], exact: Sequence[Tensor]) -> tuple[float, float]:
    """Return |got - exact| / |exact|, and the angle between them in degrees."""
    a, b = (torch.cat([part.reshape(-1) for part in parts]) for parts in (got, exact))
    error = ((a - b).norm() / b.norm()).item()
    if a.norm() == 0:
        return error, 90.0
    # the arc cosine is blind to small angles; this is not (Kahan)
    u, v = a / a.norm(), b / b.norm()
    return error, math.degrees(2 * math.atan2((u - v).norm().item(), (u + v).norm().item()))


def place(problem: KnownBilevel, point: str) -> None:
    """Put the weights at their solution, or where 30 inner steps of 1 / L from the start lead."""
    problem.start()
    problem.solve()
    if point == "solved":
        return
    gamma = problem.step_size
    problem.start()
    for _ in range(EARLY_STEPS):
        q = InnerGradient(problem.bilevel, 0.0).values()
        with torch.no_grad():
            for weight, direction in zip(problem.bilevel.weights, q, strict=True):
                weight.sub_(direction, alpha=gamma)


def bench(
    problem: KnownBilevel, point: str, amounts: Sequence[int] = AMOUNTS
) -> list[dict[str, Any]]:
    """Measure every estimator at one point of a problem, one row for each setting.

    Parameters
    ----------
    problem : KnownBilevel
    point : "solved" or "early"
        See `place`.
    amounts : sequence of int
        T, K and iterations.
    """
    place(problem, "solved")
    gamma, exact = problem.step_size, problem.exact()
    place(problem, point)
    estimators: list[tuple[str, int | None, Estimator]]
    estimators = [(name, None, make(gamma)) for name, make in SINGLE.items()]
    estimators += [
        (name, amount, make(gamma, amount)) for name, make in FAMILIES.items() for amount in amounts
    ]
    return [
        {"problem": problem.name, "point": point, "estimator": name, "amount": amount}
        | asdict(measure(estimator, problem.bilevel, exact))
        for name, amount, estimator in estimators
    ]
