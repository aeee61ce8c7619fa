"""The curvature of the validation loss in the alphas, and its record in a search's history."""

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_search import data as small_data
from small_search import run, without_seconds
from torch.nn.functional import cross_entropy

from nas_course import methods
from nas_course.errors import InvalidInput
from nas_course.models import build_supernet
from nas_course.spaces import DARTSSpace, NASBench201Space
from nas_course.strategies.gradient import GradientSearch, GradientSettings, Parts, discretize
from nas_course.strategies.gradient.curvature import Hessian, WatchCurvature, one_hot

small = small_data


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def quadratic(eigenvalues):
    """Return x^T A x / 2 at a random x, and A, which has these eigenvalues."""
    values = torch.tensor(eigenvalues, dtype=torch.float64)
    basis = torch.linalg.qr(
        torch.randn(len(values), len(values), generator=seeded(), dtype=torch.float64)
    )[0]
    matrix = basis @ torch.diag(values) @ basis.T
    x = torch.randn(len(values), generator=seeded(1), dtype=torch.float64, requires_grad=True)
    return Hessian(lambda: x @ matrix @ x / 2, [x]), matrix


def mixed(space, alpha_scale=0.5, **sizes):
    """Return a float64 supernet of a space and a batch, with alphas far from equal."""
    sizes = {"channels": 2, "cells": 1} | sizes
    supernet = build_supernet(
        space, classes=3, in_channels=1, generator=seeded(), alpha_scale=alpha_scale, **sizes
    ).double()
    images = torch.randn(6, 1, 8, 8, generator=seeded(1), dtype=torch.float64)
    return supernet, images, torch.tensor([0, 1, 2, 0, 1, 2])


@pytest.fixture(scope="module")
def hessian():
    """Make the Hessian of a NAS-Bench-201 supernet's loss: 30 alphas."""
    supernet, images, labels = mixed(NASBench201Space())
    return Hessian(lambda: cross_entropy(supernet(images), labels), list(supernet.alphas.values()))


def test_hessian_of_a_quadratic_is_its_matrix():
    hessian, matrix = quadratic([3.0, 1.0, -2.0])
    torch.testing.assert_close(hessian.dense(), matrix, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("eigenvalues", [[5.0, 2.0, 1.0, 0.0], [4.0, 1.0, -9.0], [-1.0, -3.0]])
def test_lanczos_finds_the_largest_eigenvalue_whatever_the_signs(eigenvalues):
    hessian, _ = quadratic(eigenvalues)
    found = hessian.largest_eigenvalue(seeded(), products=len(eigenvalues))
    assert found == pytest.approx(max(eigenvalues), abs=1e-9)


def test_lanczos_stops_when_all_different_eigenvalues_are_found():
    hessian, _ = quadratic([2.0, 2.0, 2.0, 0.0, 0.0])
    assert hessian.largest_eigenvalue(seeded(), products=5) == pytest.approx(2.0, abs=1e-9)


@given(st.integers(1, 12))
def test_few_products_estimate_from_below(products):
    hessian, _ = quadratic([6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0, -1.0, -2.0, -7.0])
    assert hessian.largest_eigenvalue(seeded(), products) <= 6.0 + 1e-9


def power_iteration(hessian, steps, shift=0.0):
    v = torch.randn(hessian.size, generator=seeded(), dtype=torch.float64)
    for _ in range(steps):
        v = hessian @ (v / v.norm()) - shift * v / v.norm()
    v = v / v.norm()
    return (v @ (hessian @ v)).item()


def test_power_iteration_lanczos_and_dense_eigenvalues_agree_on_a_supernet(hessian):
    dense = torch.linalg.eigvalsh(hessian.dense())
    outermost = power_iteration(hessian, 60)
    largest = power_iteration(hessian, 100, shift=dense[0].item())
    assert outermost == pytest.approx(dense[dense.abs().argmax()].item(), rel=1e-3)
    assert largest == pytest.approx(dense[-1].item(), rel=1e-3)
    assert hessian.largest_eigenvalue(seeded(), 12) == pytest.approx(dense[-1].item(), rel=1e-3)


def test_hessian_of_a_supernet_equals_finite_differences_of_its_gradient():
    supernet, images, labels = mixed(NASBench201Space())
    alpha = supernet.alphas["cell"]

    def gradient():
        return torch.autograd.grad(cross_entropy(supernet(images), labels), alpha)[0].flatten()

    direction = torch.randn(alpha.shape, generator=seeded(2), dtype=torch.float64)
    product = (
        Hessian(lambda: cross_entropy(supernet(images), labels), [alpha]) @ direction.flatten()
    )
    with torch.no_grad():
        alpha += 1e-5 * direction
    after = gradient()
    with torch.no_grad():
        alpha -= 2e-5 * direction
    difference = (after - gradient()) / 2e-5
    torch.testing.assert_close(product, difference, rtol=1e-5, atol=1e-9)


def test_every_edge_has_a_zero_eigenvalue_because_softmax_ignores_shifts(hessian):
    for edge in range(6):
        shift = torch.zeros(6, 5, dtype=torch.float64)
        shift[edge] = 1
        assert (hessian @ shift.flatten()).abs().max() < 1e-14
    assert (torch.linalg.eigvalsh(hessian.dense()).abs() < 1e-14).sum() >= 6


def test_eigenvalues_of_two_kinds_of_cells_are_those_of_the_joint_hessian():
    supernet, images, labels = mixed(DARTSSpace(), cells=3)
    hessian = Hessian(
        lambda: cross_entropy(supernet(images), labels), list(supernet.alphas.values())
    )
    assert hessian.size == 2 * 14 * 8
    shift = torch.zeros(2, 14, 8, dtype=torch.float64)
    shift[1, 3] = 1
    assert (hessian @ shift.flatten()).abs().max() < 1e-13


@pytest.mark.parametrize("space", [DARTSSpace(), NASBench201Space()], ids=lambda space: space.name)
def test_one_hot_weights_are_where_very_large_logits_lead(space):
    supernet, images, _ = mixed(space, cells=3)
    architecture = discretize(space, supernet.alphas)
    weights = {kind: pi.double() for kind, pi in one_hot(space, architecture).items()}
    for kind, pi in weights.items():
        kept = {(s, t, o) for s, t, o in architecture.wires(kind)}
        rows, columns = pi.nonzero(as_tuple=True)
        template = space.cells[kind]
        found = {
            (*template.edges[row], template.operations[column])
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        }
        assert found == kept
    assert torch.isfinite(supernet(images, weights)).all()


def test_watching_the_curvature_does_not_change_the_search(small):
    plain = methods.get("darts-1st")
    watched = dataclasses.replace(
        plain, make_parts=lambda: Parts(make_schedules=(lambda: WatchCurvature(2, 8),))
    )
    result, reference = run(small, watched), run(small, plain)
    columns = {"eigenvalue", "trace"}
    rows = without_seconds(result.history)
    assert [columns <= row.keys() for row in rows] == [False, False, True, False]
    assert [
        {name: value for name, value in row.items() if name not in columns} for row in rows
    ] == without_seconds(reference.history)


def test_recorded_eigenvalue_is_the_largest_of_the_recorded_point(small):
    watched = dataclasses.replace(
        methods.get("darts-1st"),
        make_parts=lambda: Parts(make_schedules=(lambda: WatchCurvature(1, 8),)),
    )
    result = run(small, watched)
    supernet = result.supernet
    loss = cross_entropy(supernet(small.valid.images[:8]), small.valid.labels[:8])
    alpha = supernet.alphas["cell"]
    (gradient,) = torch.autograd.grad(loss, alpha, create_graph=True)
    rows = [
        torch.autograd.grad(g, alpha, retain_graph=True)[0].flatten() for g in gradient.flatten()
    ]
    values = torch.linalg.eigvals(torch.stack(rows)).real
    row = result.history.rows[-1]
    assert row["eigenvalue"] == pytest.approx(values.max().item(), rel=1e-3)
    assert row["trace"] == pytest.approx(torch.stack(rows).trace().item(), rel=1e-3)


@pytest.mark.parametrize("wrong", [{"every": 0}, {"images": 2.5}, {"products": -1}])
def test_watching_refuses_what_is_no_count(wrong):
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        WatchCurvature(**wrong)


def test_watching_needs_images():
    supernet, *_ = mixed(NASBench201Space())
    parts = Parts(make_schedules=(WatchCurvature,))
    with pytest.raises(InvalidInput, match="validation images"):
        GradientSearch(supernet, parts, GradientSettings(), steps_total=1)
