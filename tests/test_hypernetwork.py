"""hyperDARTS: counts, slices, the two ways of an alpha, and what a hypernetwork learns."""

import copy
from dataclasses import replace
from functools import partial
from typing import ClassVar

import pytest
import torch
from small_search import SETTINGS, assert_same, data, run  # noqa: F401
from torch import nn
from torch.nn.functional import cross_entropy

from nas_course.errors import InvalidInput
from nas_course.methods.gradient_hypernetwork import ROWS
from nas_course.models import MixedSupernet, build_supernet, parameter_count
from nas_course.models.hyper_supernet import (
    HYPERNETWORKS,
    cell_kernels,
    linear_hypernetwork,
    sigmoid_hypernetwork,
    with_hypernetworks,
)
from nas_course.models.skeleton import CellSkeleton
from nas_course.models.supernet import DARTSCell, DARTSSupernet, MixedOperation
from nas_course.operations import DARTS_OPERATIONS
from nas_course.search import SearchInterrupted, search_gradient
from nas_course.spaces import CellTemplate, DARTSSpace, NASBench201Space
from nas_course.spaces.cells import dense_edges
from nas_course.strategies.gradient import Bilevel, FirstOrder, GradientSearch, GradientSettings
from nas_course.strategies.gradient.hypernetwork import (
    WAYS,
    LocalSampling,
    ThroughHypernetwork,
)
from nas_course.strategies.gradient.hypernetwork_response import (
    LinearHypernetwork,
    descend_through_hypernetwork,
    learn_response,
)
from nas_course.strategies.gradient.parts import ALPHAS, WEIGHTS, Moment, Parts

MAKERS = pytest.mark.parametrize("make", HYPERNETWORKS.values(), ids=HYPERNETWORKS)
SPACES = pytest.mark.parametrize("space", [DARTSSpace(), NASBench201Space()], ids=["darts", "201"])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def plain(space, alpha_scale=0.5, **changes):
    sizes = {"channels": 2, "cells": 3 if isinstance(space, DARTSSpace) else 1}
    supernet = build_supernet(
        space, classes=3, in_channels=1, generator=seeded(), alpha_scale=alpha_scale, **sizes
    )
    return supernet.double()


def hyper(space, make=linear_hypernetwork, **options):
    return with_hypernetworks(plain(space), make, seeded(1), **options).double()


def batch(seed=0):
    images = torch.randn(6, 1, 4, 4, generator=seeded(seed), dtype=torch.float64)
    return images, torch.arange(6) % 3


def loss_of(supernet, examples=None):
    images, labels = examples or batch()
    return cross_entropy(supernet(images), labels)


def alphas_of(supernet):
    return list(supernet.alphas.values())


# --- counts ---------------------------------------------------------------------------------


class TwoNodeSpace:
    """What a supernet asks of a space, with cells of two nodes: five edges, H = 40 logits."""

    template = CellTemplate(dense_edges(2, 2), DARTS_OPERATIONS)
    cells: ClassVar = {"normal": template, "reduce": template}


class TwoNodeSupernet(MixedSupernet):
    def __init__(self, channels):
        super().__init__(TwoNodeSpace())
        template = TwoNodeSpace.template
        sizes = {"cells": 3, "classes": 3, "in_channels": 1, "affine": False, "multiplier": 2}

        def make_cell(kind, width):
            return DARTSCell(template, width, 2 if kind == "reduce" else 1, MixedOperation)

        self.network = CellSkeleton(make_cell, channels=channels, **sizes)
        self.start(seeded(), 1e-3)

    forward = DARTSSupernet.forward


def generated_counts(supernet):
    return {
        kind: sum(kernel.numel() for kernel in kernels.values())
        for kind, kernels in cell_kernels(supernet).items()
    }


@pytest.mark.parametrize(
    ("make", "total"), [(linear_hypernetwork, 207_021_434), (sigmoid_hypernetwork, 104_488_682)]
)
def test_the_reports_counts_come_out_without_building_it(make, total):
    with torch.device("meta"):
        supernet = build_supernet(
            DARTSSpace(), channels=16, cells=8, classes=10, in_channels=3, generator=seeded()
        )
        weights = sum(weight.numel() for weight in supernet.weights())
        counts = generated_counts(supernet)
        generated = with_hypernetworks(supernet, make, seeded())
    assert weights == 1_930_618
    assert counts == {"normal": 1_223_040, "reduce": 608_128}
    assert sum(weight.numel() for weight in generated.weights()) == total
    assert total / 1e6 == pytest.approx(207 if make is linear_hypernetwork else 104.5, abs=0.5)


@pytest.mark.parametrize(
    ("make", "total"), [(linear_hypernetwork, 1_051_240), (sigmoid_hypernetwork, 540_080)]
)
def test_cells_of_two_nodes_have_the_counts_of_the_formula(make, total):
    supernet = TwoNodeSupernet(channels=4)
    assert generated_counts(supernet) == {"normal": 2_520, "reduce": 23_120}
    generated = with_hypernetworks(supernet, make, seeded())
    assert parameter_count(generated.hypernetworks) == total
    assert generated(torch.randn(2, 1, 8, 8, generator=seeded())).shape == (2, 3)


def test_the_stride_two_skips_are_generated_and_nothing_else_of_a_skip():
    kernels = cell_kernels(plain(DARTSSpace()))
    skips = {kind: [n for n in own if ".operations.3." in n] for kind, own in kernels.items()}
    assert skips["normal"] == []
    assert len(skips["reduce"]) == 2 * 8 * 2  # cells x edges from the inputs x halves


@SPACES
def test_there_is_one_hypernetwork_for_each_kind_of_cell(space):
    supernet = hyper(space)
    assert list(supernet.hypernetworks) == list(space.cells)
    for kind, network in supernet.hypernetworks.items():
        assert network[0].in_features == supernet.alphas[kind].numel()


# --- slices ---------------------------------------------------------------------------------


@SPACES
@MAKERS
def test_no_convolution_in_a_cell_keeps_a_weight_of_its_own(space, make):
    own = set(cell_kernels(plain(space))["normal" if len(space.cells) == 2 else "cell"])
    left = {name.removeprefix("ordinary.") for name, _ in hyper(space, make).named_parameters()}
    assert own and not own & left
    assert any("stem" in name for name in left) and any("classifier" in name for name in left)


@SPACES
def test_flattened_and_cut_kernels_are_the_same_kernels(space):
    supernet = plain(space)
    before = {
        name: kernel.clone()
        for own in cell_kernels(supernet).values()
        for name, kernel in own.items()
    }
    after = with_hypernetworks(supernet, linear_hypernetwork, seeded(), initial="matched")
    generated = after.double().kernels()
    assert generated.keys() == before.keys()
    assert all(torch.equal(generated[name], before[name]) for name in before)


@SPACES
def test_every_generated_number_is_used_exactly_once(space):
    supernet = hyper(space)
    for network in supernet.hypernetworks.values():
        nn.init.zeros_(network[0].weight)
        network[0].bias.data = torch.arange(network[0].out_features, dtype=torch.float64)
    generated = supernet.kernels()
    for shapes in supernet.shapes.values():
        numbers = torch.cat([generated[name].flatten() for name in shapes])
        assert torch.equal(numbers.sort().values, torch.arange(len(numbers)).double())


@MAKERS
def test_the_input_is_the_logits_edge_after_edge(make):
    supernet = hyper(NASBench201Space(), make)
    seen = []
    supernet.hypernetworks["cell"].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    supernet.kernels()
    alpha = supernet.alphas["cell"]
    assert seen[0].tolist() == [alpha[e, o].item() for e in range(6) for o in range(5)]


def test_numbers_exchanged_within_a_kernel_change_the_output():
    supernet = hyper(NASBench201Space())
    images, _ = batch()
    before = supernet(images)
    name = next(n for n in supernet.shapes["cell"] if ".operations.3." in n)
    start = sum(
        shape.numel()
        for other, shape in list(supernet.shapes["cell"].items())[
            : list(supernet.shapes["cell"]).index(name)
        ]
    )
    layer = supernet.hypernetworks["cell"][0]
    with torch.no_grad():
        for tensor in (layer.weight, layer.bias):
            tensor[[start, start + 5]] = tensor[[start + 5, start]]
    assert not torch.allclose(before, supernet(images), atol=1e-6)


def test_the_networks_of_the_two_kinds_reach_only_their_own_cells():
    supernet = hyper(DARTSSpace())
    before = supernet.kernels()
    nn.init.zeros_(supernet.hypernetworks["normal"][0].bias)
    after = supernet.kernels()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == set(supernet.shapes["normal"])
    assert all(name.startswith("network.cells.0.") for name in changed)  # 0 normal, 1 and 2 reduce


def test_a_generated_kernel_has_no_gradient_along_itself():
    # batch normalisation behind it takes its scale away
    supernet = hyper(NASBench201Space())
    kernels = supernet.kernels()
    logits = torch.func.functional_call(
        supernet.ordinary, kernels, (batch()[0], supernet.mixing_weights())
    )
    gradients = torch.autograd.grad(cross_entropy(logits, batch()[1]), list(kernels.values()))
    for kernel, gradient in zip(kernels.values(), gradients, strict=True):
        along = (kernel * gradient).sum().abs()
        assert along <= 0.02 * kernel.norm() * gradient.norm()


# --- the two ways of an alpha ---------------------------------------------------------------


def watched(space, make, part):
    through = ThroughHypernetwork(part)
    supernet = hyper(space, make, read=through.read)
    problem = Bilevel(
        lambda: loss_of(supernet),
        lambda: loss_of(supernet),
        alphas_of(supernet),
        supernet.weights(),
    )
    return through(problem), supernet, problem


@SPACES
@MAKERS
def test_total_is_direct_plus_the_product_with_the_jacobian(space, make):
    (_, total), supernet, _ = watched(space, make, "total")
    (_, direct), _, _ = watched(space, make, "direct")
    (_, response), _, _ = watched(space, make, "response")
    fixed = {name: kernel.detach().requires_grad_() for name, kernel in supernet.kernels().items()}
    logits = torch.func.functional_call(
        supernet.ordinary, fixed, (batch()[0], supernet.mixing_weights())
    )
    alphas = alphas_of(supernet)
    independent = torch.autograd.grad(cross_entropy(logits, batch()[1]), [*alphas, *fixed.values()])
    along_kernels = independent[len(alphas) :]
    vector_jacobian = torch.autograd.grad(list(supernet.kernels().values()), alphas, along_kernels)
    for i in range(len(alphas)):
        torch.testing.assert_close(direct[i], independent[i], rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(response[i], vector_jacobian[i], rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(total[i], direct[i] + response[i], rtol=1e-9, atol=1e-12)
        assert direct[i].norm() > 1e-4 and response[i].norm() > 1e-6


def test_total_is_a_central_difference_of_the_loss():
    (_, (gradient,)), supernet, _ = watched(NASBench201Space(), sigmoid_hypernetwork, "total")
    alpha, h = supernet.alphas["cell"], 1e-5
    for edge, operation in ((0, 1), (3, 2), (5, 3)):
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                alpha[edge, operation] += sign * h
            values.append(loss_of(supernet).item())
            with torch.no_grad():
                alpha[edge, operation] -= sign * h
        difference = (values[0] - values[1]) / (2 * h)
        assert gradient[edge, operation].item() == pytest.approx(difference, rel=1e-3, abs=1e-7)


def test_a_gradient_leaves_alphas_and_weights_and_the_reading_as_they_were():
    supernet = hyper(DARTSSpace())
    reference = copy.deepcopy(supernet.state_dict())
    through = ThroughHypernetwork()
    supernet.read = through.read
    through(Bilevel(lambda: loss_of(supernet), None, alphas_of(supernet), supernet.weights()))
    after = supernet.state_dict()
    assert all(torch.equal(after[name], reference[name]) for name in reference)
    alpha = supernet.alphas["normal"]
    assert through.read(alpha) is alpha
    copy.deepcopy(supernet)  # no graph is kept


def test_a_loss_without_a_hypernetwork_is_refused():
    supernet = plain(NASBench201Space())
    problem = Bilevel(lambda: loss_of(supernet), None, alphas_of(supernet), supernet.weights())
    with pytest.raises(InvalidInput, match="got 0 reads, needed 1 or more"):
        ThroughHypernetwork()(problem)


def test_the_response_of_a_linear_hypernetwork_is_its_matrix_transposed_times_the_gradient():
    generator = seeded(3)
    network = LinearHypernetwork.drawn(5, 3, generator)
    alpha = torch.randn(3, generator=generator, dtype=torch.float64).requires_grad_()
    target = torch.randn(5, generator=generator, dtype=torch.float64)
    through = ThroughHypernetwork("response")

    def outer():
        return ((network(through.read(alpha)) - target) ** 2).sum() / 2 + alpha.prod()

    _, (gradient,) = through(Bilevel(outer, None, [alpha], [network.matrix.requires_grad_()]))
    expected = network.matrix.T @ (network(alpha.detach()) - target)
    torch.testing.assert_close(gradient, expected)


def test_a_step_of_a_linear_hypernetwork_has_rank_one_along_alpha():
    supernet = hyper(NASBench201Space())
    layer, alpha = supernet.hypernetworks["cell"][0], supernet.alphas["cell"].detach().flatten()
    before, w = copy.deepcopy(layer), layer(alpha)
    optimizer = torch.optim.SGD(supernet.weights(), lr=0.1)
    gradients = torch.autograd.grad(loss_of(supernet), supernet.weights())
    for weight, gradient in zip(supernet.weights(), gradients, strict=True):
        weight.grad = gradient
    optimizer.step()
    g = layer.bias.grad
    torch.testing.assert_close(layer.weight - before.weight, -0.1 * torch.outer(g, alpha))
    moved = -0.1 * (1 + alpha.square().sum()) * g
    torch.testing.assert_close(layer(alpha) - w, moved)


# --- DARTS as the special case --------------------------------------------------------------


@SPACES
@MAKERS
def test_a_hypernetwork_with_zero_jacobian_is_first_order_darts(space, make):
    darts, generated = plain(space), hyper(space, make, initial="matched")
    assert torch.equal(darts(batch()[0]), generated(batch()[0]))
    through = ThroughHypernetwork()
    generated.read = through.read
    ours, first = (
        hypergradient(Bilevel(partial(loss_of, net), None, alphas_of(net), net.weights()))[1]
        for hypergradient, net in ((through, generated), (FirstOrder(), darts))
    )
    for a, b in zip(ours, first, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)


def test_with_zero_logits_a_step_of_the_bias_is_darts_step_of_the_kernels():
    # at alpha = 0 the matrix gets no gradient: W stays 0 and b takes the place of the weights
    darts, generated = plain(NASBench201Space()), hyper(NASBench201Space(), initial="matched")
    for supernet in (darts, generated):
        nn.init.zeros_(supernet.alphas["cell"])
        optimizer = torch.optim.SGD(supernet.weights(), lr=0.1, momentum=0.9, weight_decay=3e-4)
        for seed in (1, 2):
            gradients = torch.autograd.grad(loss_of(supernet, batch(seed)), supernet.weights())
            for weight, gradient in zip(supernet.weights(), gradients, strict=True):
                weight.grad = gradient
            optimizer.step()
    for name, kernel in cell_kernels(darts)["cell"].items():
        torch.testing.assert_close(generated.kernels()[name], kernel, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(darts(batch()[0]), generated(batch()[0]))


def test_initial_weights_are_torchs_distribution_for_every_kernel():
    layer = hyper(DARTSSpace()).hypernetworks["reduce"][0]
    bound = layer.in_features**-0.5
    for tensor in (layer.weight, layer.bias):
        assert tensor.abs().max() <= bound + 1e-7
        assert tensor.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)


# --- sampling -------------------------------------------------------------------------------


def drawn(sigma, phase, seed=0):
    supernet, sampling = hyper(DARTSSpace()), LocalSampling(sigma)
    supernet.relaxation = sampling
    sampling.draw(supernet, Moment(0.0, phase, seeded(seed)))
    return supernet


def test_the_noise_enters_mixture_and_hypernetwork_of_the_weight_step_only():
    still, noisy = drawn(0.3, ALPHAS), drawn(0.3, WEIGHTS)
    moved = hyper(DARTSSpace())
    with torch.no_grad():
        for kind, alpha in moved.alphas.items():
            alpha += noisy.noise[kind]
    images, _ = batch()
    assert torch.equal(still(images), hyper(DARTSSpace())(images))
    torch.testing.assert_close(noisy(images), moved(images))
    assert not torch.allclose(noisy(images), still(images), atol=1e-4)


def test_the_noise_has_the_size_that_was_asked_for_and_zero_means_none():
    noise = torch.cat([n.flatten() for n in drawn(0.3, WEIGHTS).noise.values()])
    assert noise.std().item() == pytest.approx(0.3, rel=0.15)
    assert drawn(0.0, WEIGHTS).noise == {}


def test_two_evaluations_of_a_phase_see_the_same_noise():
    supernet = drawn(0.3, WEIGHTS)
    assert torch.equal(supernet(batch()[0]), supernet(batch()[0]))


def test_sampling_refuses_a_supernet_without_hypernetworks():
    with pytest.raises(InvalidInput, match="got Supernet201; allowed: HyperSupernet"):
        LocalSampling(0.1).draw(plain(NASBench201Space()), Moment(0.0, WEIGHTS, seeded()))


# --- what a hypernetwork learns -------------------------------------------------------------


class Toy:
    """L_train = w'Hw/2 - w'(B alpha + c), L_val = |w - v|^2 / 2: w* = H^-1 (B alpha + c)."""

    def __init__(self, seed):
        self.generator = seeded(seed)
        factor, b = self.draw(6, 6), self.draw(6, 3)
        hessian = factor @ factor.T / 6 + torch.eye(6, dtype=torch.float64) / 2
        c, self.v, self.alpha = self.draw(6), self.draw(6), 0.3 * self.draw(3)
        self.train_loss = lambda w, alpha: w @ hessian @ w / 2 - w @ (b @ alpha + c)
        self.valid_loss = lambda w, alpha: (w - self.v).square().sum() / 2
        self.best = lambda alpha: torch.linalg.solve(hessian, b @ alpha + c)
        self.jacobian = torch.linalg.solve(hessian, b)
        self.network = LinearHypernetwork.drawn(6, 3, self.generator)

    def draw(self, *shape):
        return torch.randn(*shape, generator=self.generator, dtype=torch.float64)

    def learn(self, sigma, steps):
        learn_response(
            self.network,
            self.train_loss,
            self.alpha,
            sigma=sigma,
            steps=steps,
            learning_rate=0.2,
            generator=self.generator,
        )

    def jacobian_error(self):
        return float((self.network.matrix - self.jacobian).norm() / self.jacobian.norm())

    def weight_error(self):
        best = self.best(self.alpha)
        return float((self.network(self.alpha) - best).norm() / best.norm())

    def cosine(self):
        exact = self.jacobian.T @ (self.best(self.alpha) - self.v)
        ours = self.network.matrix.T @ (self.network(self.alpha) - self.v)
        return float(torch.cosine_similarity(exact, ours, dim=0))

    def gap(self, alpha):
        """Return the validation loss above its minimum over alpha."""
        origin = self.best(torch.zeros(3, dtype=torch.float64))
        least = torch.linalg.lstsq(self.jacobian, (self.v - origin)[:, None]).solution[:, 0]
        losses = [float(self.valid_loss(self.best(a), a)) for a in (alpha, least)]
        return losses[0] - losses[1]

    def descend(self, sigma, part="total"):
        return descend_through_hypernetwork(
            self.network,
            self.train_loss,
            self.valid_loss,
            self.alpha,
            sigma=sigma,
            steps=2500,
            learning_rate=0.1,
            alpha_learning_rate=0.01,
            generator=self.generator,
            part=part,
        )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_without_sampling_the_weights_are_learned_and_the_jacobian_is_not(seed):
    toy = Toy(seed)
    start = toy.network.matrix.clone()
    toy.learn(sigma=0.0, steps=1000)
    assert toy.weight_error() < 1e-6
    assert toy.jacobian_error() > 0.7
    moved = toy.network.matrix - start  # along alpha and nothing else
    assert torch.linalg.matrix_rank(moved, atol=1e-9) == 1


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_with_sampling_the_jacobian_is_learned_too(seed):
    toy = Toy(seed)
    toy.learn(sigma=0.3, steps=1500)
    assert toy.weight_error() < 0.01
    assert toy.jacobian_error() < 0.02
    assert toy.cosine() > 0.99


def test_a_search_through_a_sampled_hypernetwork_comes_nearer_the_optimum():
    still, sampled = Toy(1), Toy(1)
    gaps = still.gap(still.descend(0.0)), sampled.gap(sampled.descend(0.3))
    assert gaps[1] < 0.1 * gaps[0] < 0.1 * still.gap(still.alpha)


def test_without_a_direct_term_the_direct_part_does_not_move_alpha():
    toy = Toy(2)
    assert torch.equal(toy.descend(0.0, "direct"), toy.alpha)


# --- the rows -------------------------------------------------------------------------------


def step_search(row, space, steps=10):
    parts = row.make_parts(**row.fixed)
    settings = GradientSettings(channels=2, cells=3, batch_size=6, alpha_learning_rate=0.05)
    supernet = parts.wrap_supernet(plain(space), seeded(1)).double()
    return GradientSearch(supernet, parts, settings, steps)


def test_the_alpha_step_leaves_both_sorts_of_weights_and_the_weight_step_leaves_alphas():
    search = step_search(ROWS[0], NASBench201Space())
    weights = [weight.clone() for weight in search.weights]
    search._alpha_step(batch(0), batch(1))
    assert all(torch.equal(a, b) for a, b in zip(weights, search.weights, strict=True))
    alphas = [alpha.clone() for alpha in search.parameters]
    search._weight_step(batch(0))
    assert all(torch.equal(a, b) for a, b in zip(alphas, search.parameters, strict=True))
    assert not torch.equal(weights[-1], search.weights[-1])


def test_validation_images_never_reach_the_hypernetworks_step():
    a, b = (step_search(ROWS[1], NASBench201Space()) for _ in range(2))
    a._weight_step(batch(0))
    b._alpha_step(batch(0), batch(5))
    with torch.no_grad():
        for mine, theirs in zip(b.parameters, a.parameters, strict=True):
            mine.copy_(theirs)
    b._weight_step(batch(0))
    assert all(torch.equal(x, y) for x, y in zip(a.weights, b.weights, strict=True))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_searches_the_nas_bench_201_space_and_resumes(row, data, tmp_path, monkeypatch):  # noqa: F811
    row, out = row.with_options(sigma=0.1), tmp_path / "search"
    through = run(data, row)
    real, steps = GradientSearch.step, iter(range(100))

    def interrupted_at_four(search, train, valid):
        if next(steps) == 4:
            raise KeyboardInterrupt
        return real(search, train, valid)

    monkeypatch.setattr(GradientSearch, "step", interrupted_at_four)
    with pytest.raises(SearchInterrupted):
        run(data, row, out=out)
    assert_same(run(data, row, out=out, resume=True), through)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_searches_the_darts_space(row, data):  # noqa: F811
    settings = replace(SETTINGS, cells=3)
    result = search_gradient(row, data, space="darts", settings=settings, epochs=1, progress=False)
    assert len(result.architecture.normal) == 4


@pytest.mark.parametrize("part", WAYS)
@pytest.mark.parametrize("initial", ["default", "matched"])
def test_every_option_of_the_rows_takes_a_step(part, initial):
    row = ROWS[0].with_options(part=part, initial=initial)
    metrics = step_search(row, NASBench201Space()).step(batch(0), batch(1))
    assert 0 < metrics["valid_loss"] < 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"part": "all"}, "part"),
        ({"sigma": -1.0}, "sigma: got -1.0; allowed"),
        ({"hypernetwork": "deep"}, "hypernetwork"),
        ({"initial": "zero"}, "initial"),
    ],
)
def test_options_outside_their_range_are_refused(options, message):
    with pytest.raises(InvalidInput, match=message):
        ROWS[0].with_options(**options)


def test_parts_of_two_searches_are_apart():
    first, second = (ROWS[0].make_parts() for _ in range(2))
    assert isinstance(first, Parts)
    assert first.make_hypergradient(None) is not second.make_hypergradient(None)
