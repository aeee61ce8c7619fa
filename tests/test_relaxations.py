"""What the relaxations promise: Gumbel samples, partial channels, the auxiliary skip."""

import itertools
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare
from torch.nn.functional import cross_entropy

from nas_course.data import load
from nas_course.errors import InvalidInput
from nas_course.methods.gradient_sampling import ROWS
from nas_course.models import build_supernet
from nas_course.models.auxiliary_skip import AuxiliarySkip
from nas_course.models.nas_bench_201 import network_201
from nas_course.models.partial_channels import PartialChannels, shuffle_channels
from nas_course.models.sampled_operation import SampledOperation
from nas_course.models.supernet import MixedOperation
from nas_course.operations import NAS_BENCH_201_OPERATIONS
from nas_course.search import search_gradient
from nas_course.spaces import DARTSSpace, NASBench201Space
from nas_course.strategies.gradient import (
    Bilevel,
    GradientSearch,
    GradientSettings,
    Moment,
    Parts,
    discretize,
)
from nas_course.strategies.gradient.relaxations import (
    DecayingSkip,
    EdgeWeights,
    HardGumbel,
    SoftGumbel,
    discretize_products,
    gumbel_noise,
    normalised_by_node,
    straight_through,
)
from nas_course.strategies.gradient.single_level import SingleLevel
from nas_course.strategies.gradient.warm_up import WarmUp

LOGITS = torch.tensor([1.2, -0.3, 0.5, 0.0], dtype=torch.float64)
METHODS = {row.name: row for row in ROWS}
SPACES = {"nas-bench-201": (NASBench201Space(), 1), "darts": (DARTSSpace(), 3)}


def make_supernet(space="nas-bench-201", alpha_scale=1.0, **more):
    space, cells = SPACES[space]
    return build_supernet(
        space,
        channels=4,
        cells=cells,
        classes=3,
        in_channels=1,
        generator=torch.Generator().manual_seed(0),
        alpha_scale=alpha_scale,
        **more,
    ).double()


class OneEdge:
    """The part of a supernet that a relaxation of one edge looks at."""

    def __init__(self, logits):
        self.alphas = {"cell": logits[None]}


def moment(progress=0.0, seed=0, generator=None):
    return Moment(progress, "alphas", generator or torch.Generator().manual_seed(seed))


def batch(size=6, side=8, seed=1):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(size, 1, side, side, generator=generator, dtype=torch.float64)
    return images, torch.arange(size) % 3


def samples(relaxation, count, progress=0.0, logits=LOGITS):
    """Draw `count` samples at once: as many edges with the same logits."""
    edges = OneEdge(logits)
    edges.alphas["cell"] = logits.expand(count, -1)
    relaxation.draw(edges, moment(progress))
    return relaxation(edges)["cell"]


# Gumbel noise and the two samples


def test_gumbel_noise_has_the_mean_and_variance_of_the_standard_gumbel():
    noise = gumbel_noise((200_000,), torch.Generator().manual_seed(0))
    assert noise.mean().item() == pytest.approx(np.euler_gamma, abs=0.012)
    assert noise.var().item() == pytest.approx(np.pi**2 / 6, abs=0.03)
    assert torch.isfinite(noise).all()


def test_hard_samples_come_as_often_as_softmax_says():
    drawn = samples(HardGumbel(), 20_000)
    expected = 20_000 * LOGITS.softmax(dim=0)
    assert chisquare(drawn.sum(dim=0).numpy(), expected.numpy()).pvalue > 1e-3


def test_which_operation_is_drawn_does_not_depend_on_the_temperature():
    hot, cold = samples(HardGumbel(10.0, 0.1), 500), samples(HardGumbel(10.0, 0.1), 500, 1.0)
    assert torch.equal(hot, cold)


def test_without_noise_the_strongest_operation_is_taken_every_time():
    drawn = samples(HardGumbel(noise=0.0), 100)
    assert torch.equal(drawn.argmax(dim=1), torch.zeros(100, dtype=torch.int64))


def test_a_cold_soft_sample_is_one_hot_with_the_frequencies_of_softmax():
    drawn = samples(SoftGumbel(1.0, 1e-4), 20_000, progress=1.0)
    # ties within 1e-3 of each other stay soft, and are rare
    assert (drawn.max(dim=1).values > 1 - 1e-3).double().mean() > 0.99
    counts = torch.bincount(drawn.argmax(dim=1), minlength=4).numpy()
    assert chisquare(counts, (20_000 * LOGITS.softmax(dim=0)).numpy()).pvalue > 1e-3


def test_a_hot_soft_sample_is_uniform():
    drawn = samples(SoftGumbel(1e6, 1.0), 100)
    assert torch.allclose(drawn, torch.full_like(drawn, 0.25), atol=1e-4)


@given(seed=st.integers(0, 1000), progress=st.floats(0, 1))
def test_soft_samples_lie_on_the_simplex(seed, progress):
    relaxation = SoftGumbel()
    edges = OneEdge(LOGITS)
    relaxation.draw(edges, moment(progress, seed))
    pi = relaxation(edges)["cell"]
    assert (pi >= 0).all() and pi.sum().item() == pytest.approx(1)


def test_pathwise_and_score_function_estimates_agree_in_mean():
    # E f(Z) for Z concrete: d/dlogits by the path, and by f(Z) dlog p(Z)/dlogits
    count, temperature = 200_000, 1.0
    target = torch.tensor([-1.0, 2.0, 1.0, -0.5], dtype=torch.float64)
    logits = LOGITS.clone().requires_grad_()
    relaxation = SoftGumbel(temperature, temperature)
    pi = samples(relaxation, count, logits=logits)
    values = (pi * target).sum(dim=1).exp()
    (pathwise,) = torch.autograd.grad(values.mean(), logits)
    density = torch.distributions.RelaxedOneHotCategorical(
        torch.tensor(temperature), logits=logits
    ).log_prob(pi.detach().clamp_min(1e-300))
    (score,) = torch.autograd.grad((values.detach() * density).mean(), logits)
    assert torch.allclose(pathwise, score, atol=0.03)
    assert pathwise.abs().max() > 0.3


def test_straight_through_is_exactly_one_hot_and_has_the_gradient_of_the_soft_weights():
    logits = LOGITS.clone().requires_grad_()
    soft = (logits / 0.3).softmax(dim=0)
    hard, upstream = straight_through(soft), torch.tensor([1.0, 2.0, 3.0, 4.0]).double()
    assert hard.tolist() == [1.0, 0.0, 0.0, 0.0]
    (ours,) = torch.autograd.grad(hard, logits, upstream, retain_graph=True)
    (expected,) = torch.autograd.grad(soft, logits, upstream)
    assert torch.equal(ours, expected)


@pytest.mark.parametrize(
    ("relaxation", "ends"),
    [(HardGumbel(), (10.0, 5.05, 0.1)), (SoftGumbel(), (1.0, 0.03**0.5, 0.03))],
)
def test_the_temperatures_run_from_start_to_end(relaxation, ends):
    assert [relaxation.temperature_at(t) for t in (0.0, 0.5, 1.0)] == pytest.approx(ends)


def test_the_sample_stays_within_a_phase_and_changes_with_the_next():
    supernet, relaxation = make_supernet(), SoftGumbel()
    generator = torch.Generator().manual_seed(0)
    relaxation.draw(supernet, moment(generator=generator))
    first, again = relaxation(supernet)["cell"], relaxation(supernet)["cell"]
    relaxation.draw(supernet, moment(generator=generator))
    assert torch.equal(first, again) and not torch.equal(first, relaxation(supernet)["cell"])


# GDAS: one operation of each edge


def sampled_pair(space):
    """Build a supernet of sampled edges and one of mixed edges with the same weights."""
    sampled = make_supernet(space, make_edge=SampledOperation)
    mixed = make_supernet(space)
    mixed.load_state_dict(sampled.state_dict())
    return sampled, mixed


@pytest.mark.parametrize("space", SPACES)
def test_a_sampled_network_equals_the_supernet_under_one_hot_weights(space):
    sampled, mixed = sampled_pair(space)
    relaxation = sampled.relaxation = HardGumbel()
    relaxation.draw(sampled, moment())
    pi = {kind: weights.detach() for kind, weights in relaxation(sampled).items()}
    images, _ = batch()
    assert torch.equal(sampled(images), mixed(images, pi))


def test_a_sampled_network_equals_the_single_path_network_of_its_cell():
    # without pooling, which supernets normalise and single networks do not
    supernet = make_supernet(make_edge=SampledOperation)
    with torch.no_grad():
        supernet.alphas["cell"][:, NAS_BENCH_201_OPERATIONS.index("avg_pool_3x3")] = -100.0
    relaxation = supernet.relaxation = HardGumbel()
    for seed in range(3):
        relaxation.draw(supernet, moment(seed=seed))
        chosen = relaxation(supernet)["cell"].argmax(dim=1)
        cell = discretize(NASBench201Space(), {"cell": relaxation(supernet)["cell"]})
        single = network_201(cell, channels=4, cells=1, classes=3, in_channels=1).double()
        own = supernet.network.state_dict()
        single.load_state_dict(
            {
                name.replace(f"edges.{edge}.operations.{op}.", f"operations.{edge}."): value
                for name, value in own.items()
                for edge, op in [placed(name)]
                if edge is None or chosen[edge] == op
            },
            strict=False,
        )
        assert torch.equal(supernet(batch()[0]), single(batch()[0]))


def placed(name):
    """Return (edge, operation) of a weight's name, (None, None) outside the edges."""
    parts = name.split(".")
    if "edges" not in parts:
        return None, None
    place = parts.index("edges")
    return int(parts[place + 1]), int(parts[place + 3])


def test_operations_that_were_not_drawn_still_get_a_gradient_of_their_logits():
    supernet = make_supernet(make_edge=SampledOperation, alpha_scale=1e-3)
    relaxation = supernet.relaxation = HardGumbel()
    relaxation.draw(supernet, moment())
    images, labels = batch()
    (gradient,) = torch.autograd.grad(
        cross_entropy(supernet(images), labels), [supernet.alphas["cell"]]
    )
    assert (gradient != 0).all()


def test_the_weight_of_an_operation_that_was_not_drawn_gets_the_sum_of_the_outputs_gradient():
    edge = SampledOperation(NAS_BENCH_201_OPERATIONS, 4, 1).double()
    pi = torch.tensor([0.0, 1.0, 0.0, 0.0, 0.0]).double().requires_grad_()
    x = batch_of_channels(4)
    upstream = torch.linspace(-1, 2, x.numel()).double().view_as(x)
    (gradient,) = torch.autograd.grad(edge(x, pi), pi, upstream)
    expected = upstream.sum().expand(5).clone()
    expected[1] = (upstream * x).sum()  # the drawn operation, a skip, has its own
    assert torch.allclose(gradient, expected)


def test_weights_that_were_not_drawn_stay_as_they_are():
    parts = Parts(make_relaxation=HardGumbel, make_edge=SampledOperation)
    supernet = make_supernet(make_edge=SampledOperation)
    search = GradientSearch(supernet, parts, GradientSettings(channels=4, cells=1), 10)
    edges = supernet.network.stages[0][0].edges
    before = [[p.detach().clone() for p in edge.parameters()] for edge in edges]
    search._weight_step(batch())
    drawn = relaxed_choice(search)
    for edge, saved, choice in zip(edges, before, drawn, strict=True):
        moved = {
            int(name.split(".")[1])
            for (name, now), old in zip(edge.named_parameters(), saved, strict=True)
            if not torch.equal(now, old)
        }
        assert moved <= {choice}
    assert any(NAS_BENCH_201_OPERATIONS[choice].startswith("nor") for choice in drawn)


def relaxed_choice(search):
    return search.supernet.mixing_weights()["cell"].argmax(dim=1).tolist()


def test_a_mixture_is_refused_on_a_sampled_edge():
    edge = SampledOperation(("skip_connect", "none"), 4, 1)
    with pytest.raises(InvalidInput, match=r"got \[0.5, 0.5\]; allowed: one 1"):
        edge(torch.zeros(1, 4, 2, 2), torch.tensor([0.5, 0.5]))


# SNAS: one objective


def test_the_single_level_gradient_is_that_of_the_training_loss():
    alpha, w = (torch.tensor([value], requires_grad=True) for value in (0.7, -1.3))
    problem = Bilevel(lambda: (alpha * w).sum(), lambda: (alpha**2 * w).sum(), [alpha], [w])
    watched, (gradient,) = SingleLevel()(problem)
    assert watched.item() == pytest.approx(0.7 * -1.3) and not watched.requires_grad
    assert gradient.item() == pytest.approx(2 * 0.7 * -1.3)


def test_validation_images_do_not_move_the_alphas_of_snas():
    searches = []
    for seed in (5, 6):
        parts = METHODS["snas"].make_parts()
        search = GradientSearch(make_supernet(), parts, GradientSettings(channels=4, cells=1), 10)
        search.step(batch(), batch(seed=seed))
        searches.append(search)
    assert torch.equal(*(search.parameters[0] for search in searches))


# PC-DARTS: a part of the channels, edge weights


@given(groups=st.integers(1, 6), size=st.integers(1, 6))
def test_the_shuffle_is_a_permutation_that_deals_from_the_groups_in_turn(groups, size):
    channels = torch.arange(groups * size)[None, :, None, None].expand(2, -1, 3, 3)
    shuffled = shuffle_channels(channels, groups)[0, :, 0, 0].tolist()
    assert shuffled == [
        group * size + place for place, group in itertools.product(range(size), range(groups))
    ]


@pytest.mark.parametrize("stride", [1, 2])
def test_partial_channels_mix_one_share_and_pass_the_rest(stride):
    edge = PartialChannels(NAS_BENCH_201_OPERATIONS, 8, stride, share=4).double()
    x, pi = batch_of_channels(8), torch.tensor([0.1, 0.3, 0.2, 0.3, 0.1, 0.5]).double()
    out = edge(x, pi) / 0.5
    passed = x if stride == 1 else x.unfold(2, 2, 2).unfold(3, 2, 2).amax(dim=(-1, -2))
    mixed = edge.mixed(x[:, :2], pi[:5])
    # four piles of two: places 0 and 4 hold the mixed channels
    assert torch.allclose(out[:, [0, 4]], mixed)
    assert torch.equal(out[:, [1, 5, 2, 6, 3, 7]] * 0.5, passed[:, 2:] * 0.5)


def batch_of_channels(channels):
    generator = torch.Generator().manual_seed(2)
    return torch.randn(3, channels, 4, 4, generator=generator, dtype=torch.float64)


def test_with_all_channels_and_equal_betas_an_edge_is_that_of_darts_over_their_number():
    edge = PartialChannels(NAS_BENCH_201_OPERATIONS, 4, 1, share=1).double()
    plain = MixedOperation(NAS_BENCH_201_OPERATIONS, 4, 1).double()
    plain.load_state_dict(edge.mixed.state_dict())
    x, pi = batch_of_channels(4), torch.tensor([0.1, 0.3, 0.2, 0.3, 0.1]).double()
    weight = normalised_by_node(torch.ones(6).double(), NASBench201Space().cells["cell"])
    assert weight.tolist() == pytest.approx([1, 1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3])
    assert torch.allclose(edge(x, torch.cat([pi, weight[3:4]])), plain(x, pi) / 3)


@pytest.mark.parametrize("space", SPACES)
def test_with_all_channels_and_edge_weights_of_one_the_network_is_that_of_darts(space):
    ours = make_supernet(space, make_edge=partial(PartialChannels, share=1))
    plain = make_supernet(space)
    plain.load_state_dict(
        {name.replace(".mixed.", "."): value for name, value in ours.state_dict().items()}
    )
    ones = {
        kind: torch.cat([pi, torch.ones_like(pi[:, :1])], dim=1)
        for kind, pi in plain.mixing_weights().items()
    }
    assert torch.equal(ours(batch()[0], ones), plain(batch()[0]))


@pytest.mark.parametrize("space", SPACES)
def test_the_edge_weights_of_a_node_sum_to_one(space):
    supernet, relaxation = make_supernet(space), EdgeWeights()
    relaxation.attach(supernet, torch.Generator().manual_seed(0))
    for kind, template in supernet.space.cells.items():
        with torch.no_grad():
            supernet.betas[kind].normal_(generator=torch.Generator().manual_seed(1))
        weights = relaxation(supernet)[kind][:, -1]
        for target in {target for _, target in template.edges}:
            assert weights[template.incoming(target)].sum().item() == pytest.approx(1)


def test_betas_are_architecture_parameters_and_are_added_once():
    supernet, relaxation = make_supernet("darts"), EdgeWeights()
    weights = len(supernet.weights())
    for _ in range(2):
        relaxation.attach(supernet, torch.Generator().manual_seed(0))
    assert [tuple(p.shape) for p in supernet.architecture_parameters()] == [(14, 8)] * 2 + [
        (14,)
    ] * 2
    assert len(supernet.weights()) == weights
    assert all(beta.dtype == torch.float64 for beta in supernet.betas.values())


def test_decoding_multiplies_edges_and_operations():
    supernet = make_supernet("darts")
    EdgeWeights().attach(supernet, torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for beta in supernet.betas.values():
            beta.normal_(std=2, generator=generator)
    genotype = discretize_products(supernet)
    plain = discretize(supernet.space, dict(supernet.alphas.items()))
    assert genotype != plain  # the betas decide something here
    for kind, template in supernet.space.cells.items():
        pi = supernet.alphas[kind].detach().softmax(dim=1)[:, 1:]
        beta = supernet.betas[kind].detach().exp()
        for index, node in enumerate(getattr(genotype, kind)):
            rows = template.incoming(index + 2)
            strength = {
                template.edges[row][0]: (pi[row].max() * beta[row] / beta[rows].sum()).item()
                for row in rows
            }
            assert {source for _, source in node} == set(
                sorted(strength, key=lambda source: -strength[source])[:2]
            )


def test_with_equal_betas_the_edges_of_a_node_are_ranked_by_alpha_alone():
    supernet = make_supernet("darts")
    EdgeWeights().attach(supernet, torch.Generator().manual_seed(0))
    with torch.no_grad():
        for beta in supernet.betas.values():
            beta.zero_()
    assert discretize_products(supernet) == discretize(
        supernet.space, dict(supernet.alphas.items())
    )


def test_alphas_and_betas_stand_still_during_the_warm_up_and_move_after_it():
    method = METHODS["pc-darts"].with_options(warm_up=0.5)
    data = load("digits", train_images=16, valid_images=8, test_images=10, device="cpu")
    settings = GradientSettings(channels=4, cells=1, batch_size=8)
    search = method.build(NASBench201Space(), data, settings, 0, 4)
    small = tuple(part[:8] for part in (data.train.images, data.train.labels))
    moved = []
    for _ in range(4):
        before = [p.detach().clone() for p in search.parameters]
        losses = search.step(small, small)
        changed = {not torch.equal(a, b) for a, b in zip(before, search.parameters, strict=True)}
        moved.append((changed, losses["valid_loss"] is not None))
    assert moved == [({False}, False)] * 2 + [({True}, True)] * 2


@pytest.mark.parametrize("share", [3, 0, 2.0, -4])
def test_channels_that_are_no_multiple_of_the_share_are_refused(share):
    with pytest.raises(InvalidInput, match=r"got 4 channels and share = .*whole multiple"):
        PartialChannels(NAS_BENCH_201_OPERATIONS, 4, 1, share=share)


# DARTS-: a skip that goes away


@pytest.mark.parametrize("stride", [1, 2])
def test_the_auxiliary_skip_is_added_outside_the_softmax(stride):
    edge = AuxiliarySkip(NAS_BENCH_201_OPERATIONS, 4, stride).double()
    x, pi = batch_of_channels(4), torch.tensor([0.1, 0.3, 0.2, 0.3, 0.1]).double()
    mixture = sum(p * operation(x) for p, operation in zip(pi, edge.operations, strict=True))
    out = edge(x, torch.cat([pi, torch.tensor([0.7]).double()]))
    assert torch.allclose(out, 0.7 * edge.skip(x) + mixture)
    if stride == 1:
        assert torch.equal(edge.skip(x), x)


@pytest.mark.parametrize("space", SPACES)
def test_when_the_skip_is_gone_the_network_is_that_of_darts(space):
    ours, plain = make_supernet(space, make_edge=AuxiliarySkip), make_supernet(space)
    plain.load_state_dict({k: v for k, v in ours.state_dict().items() if ".skip." not in k})
    relaxation = ours.relaxation = DecayingSkip()
    relaxation.draw(ours, moment(1.0))
    assert relaxation.weight == 0.0
    images, labels = batch()
    assert torch.equal(ours(images), plain(images))
    gradients = [
        torch.autograd.grad(cross_entropy(net(images), labels), list(net.alphas.values()))
        for net in (ours, plain)
    ]
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))
    relaxation.draw(ours, moment(0.25))
    assert relaxation(ours)["cell" if space != "darts" else "normal"][:, -1].tolist() == [0.75] * (
        6 if space != "darts" else 14
    )
    assert not torch.allclose(ours(images), plain(images))


# the rows


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", METHODS)
def test_every_row_searches_both_spaces(name, space):
    data = load("digits", train_images=16, valid_images=8, test_images=10, device="cpu")
    settings = GradientSettings(channels=4, cells=SPACES[space][1], batch_size=8)
    result = search_gradient(
        METHODS[name], data, space=space, settings=settings, epochs=2, progress=False
    )
    losses = [row["train_loss"] for row in result.history.rows[1:]]
    assert len(losses) == 2 and np.isfinite(losses).all()
    assert SPACES[space][0].parse(str(result.architecture)) == result.architecture


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("gdas", {"temperature_end": 0.0}, "temperature, end: got 0.0; allowed: above 0"),
        ("gdas", {"noise": -1.0}, "noise: got -1.0; allowed"),
        ("snas", {"temperature_start": -1.0}, "temperature, start: got -1.0"),
        ("pc-darts", {"warm_up": 1.0}, "warm-up: got 1.0; allowed"),
        ("pc-darts", {"share": 0}, "share = 0; allowed"),
        ("darts-minus", {"skip_weight": -0.5}, "auxiliary skip: got -0.5"),
        ("gdas", {"temprature_end": 1.0}, "temperature_end"),
    ],
)
def test_options_outside_their_range_are_refused_at_once(name, options, message):
    with pytest.raises(InvalidInput, match=message):
        METHODS[name].with_options(**options)


def test_a_warm_up_of_the_whole_search_is_refused():
    with pytest.raises(InvalidInput, match="0 to below 1"):
        WarmUp(1.5)
