"""Whole steps of a gradient search against a loop written out in plain torch, in float64."""

import copy
import math
from dataclasses import dataclass, field

import pytest
import torch
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from nas_course import methods
from nas_course.models import build_supernet
from nas_course.spaces import NASBench201Space
from nas_course.strategies.gradient import (
    ExactUnrolled,
    GradientSearch,
    GradientSettings,
    Parts,
    search,
)

# No value is the default, so that a number that is written into the code is found too.
SETTINGS = GradientSettings(
    channels=2,
    cells=1,
    batch_size=6,
    weight_learning_rate=0.2,
    minimum_learning_rate=0.05,
    weight_momentum=0.8,
    weight_decay=0.1,
    gradient_clip=0.1,
    alpha_learning_rate=0.02,
    alpha_betas=(0.4, 0.99),
    alpha_weight_decay=1.0,
)
STEPS_TOTAL, TAKEN = 5, 3


def tiny_supernet():
    supernet = build_supernet(
        NASBench201Space(),
        channels=SETTINGS.channels,
        cells=SETTINGS.cells,
        classes=3,
        in_channels=1,
        alpha_scale=0.5,
        generator=torch.Generator().manual_seed(0),
    )
    return supernet.double()


def batches(seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [
        (torch.randn(6, 1, 4, 4, generator=generator).double(), torch.arange(6).roll(shift) % 3)
        for shift in range(2 * TAKEN)
    ]


@dataclass
class PlainLoop:
    """DARTS as its paper says it: nothing here but torch and the forward pass of the supernet."""

    supernet: object
    unrolled: bool
    t: int = 0
    momentum: list = field(default_factory=list)
    norms: list = field(default_factory=list)

    def __post_init__(self):
        self.alpha = self.supernet.alphas["cell"]
        named = self.supernet.named_parameters()
        self.weights = {name: w for name, w in named if w is not self.alpha}
        self.momentum = [torch.zeros_like(w) for w in self.weights.values()]
        self.m, self.v = torch.zeros_like(self.alpha), torch.zeros_like(self.alpha)

    def loss(self, batch, weights):
        pi = {"cell": self.alpha.exp() / self.alpha.exp().sum(dim=1, keepdim=True)}
        logits = functional_call(self.supernet, weights, (batch[0], pi))
        return cross_entropy(logits, batch[1])

    def step(self, train, valid):
        low, high = SETTINGS.minimum_learning_rate, SETTINGS.weight_learning_rate
        rate = low + (high - low) * (1 + math.cos(math.pi * self.t / STEPS_TOTAL)) / 2
        self.t += 1
        valid_loss = self.alpha_step(train, valid, rate)
        return {
            "valid_loss": valid_loss,
            "train_loss": self.weight_step(train, rate),
            "learning_rate": rate,
        }

    def alpha_step(self, train, valid, rate):
        weights = self.one_step_ahead(train, rate) if self.unrolled else self.weights
        loss = self.loss(valid, weights)
        (g,) = torch.autograd.grad(loss, [self.alpha])
        (beta_1, beta_2), decay = SETTINGS.alpha_betas, SETTINGS.alpha_weight_decay
        with torch.no_grad():
            g = g + decay * self.alpha
            self.m = beta_1 * self.m + (1 - beta_1) * g
            self.v = beta_2 * self.v + (1 - beta_2) * g * g
            m_hat = self.m / (1 - beta_1**self.t)
            v_hat = self.v / (1 - beta_2**self.t)
            self.alpha -= SETTINGS.alpha_learning_rate * m_hat / (v_hat.sqrt() + 1e-8)
        return loss.item()

    def one_step_ahead(self, train, rate):
        """Return w' as a function of alpha; the search trains on with clipping, this step not."""
        leaves = list(self.weights.values())
        gradients = torch.autograd.grad(self.loss(train, self.weights), leaves, create_graph=True)
        rows = zip(self.weights.items(), gradients, self.momentum, strict=True)
        return {
            name: w.detach()
            - rate * (SETTINGS.weight_momentum * m + g + SETTINGS.weight_decay * w.detach())
            for (name, w), g, m in rows
        }

    def weight_step(self, train, rate):
        loss = self.loss(train, self.weights)
        gradients = torch.autograd.grad(loss, list(self.weights.values()))
        norm = math.sqrt(sum(float((g * g).sum()) for g in gradients))
        self.norms.append(norm)
        # 1e-6 keeps torch's clipping from dividing by 0
        shrink = min(1.0, SETTINGS.gradient_clip / (norm + 1e-6))
        with torch.no_grad():
            for k, (w, g) in enumerate(zip(self.weights.values(), gradients, strict=True)):
                direction = shrink * g + SETTINGS.weight_decay * w
                self.momentum[k] = SETTINGS.weight_momentum * self.momentum[k] + direction
                w -= rate * self.momentum[k]
        return loss.item()


@pytest.mark.parametrize(
    ("make_parts", "unrolled", "rtol"),
    [
        (methods.get("darts-1st").make_parts, False, 1e-12),
        (lambda: Parts(make_hypergradient=ExactUnrolled), True, 1e-10),
        # central differences: kept short, so that they cross no kink of a ReLU
        (lambda: methods.get("darts-2nd").make_parts(epsilon=1e-6), True, 1e-5),
    ],
    ids=["darts-1st", "exact 2nd", "darts-2nd"],
)
def test_three_steps_are_those_of_a_loop_in_plain_torch(make_parts, unrolled, rtol):
    theirs = tiny_supernet()
    loop = PlainLoop(copy.deepcopy(theirs), unrolled)
    ours = GradientSearch(theirs, make_parts(), SETTINGS, STEPS_TOTAL)
    pairs = batches()
    for train, valid in zip(pairs[::2], pairs[1::2], strict=True):
        expected, metrics = loop.step(train, valid), ours.step(train, valid)
        found = {name: metrics[name] for name in expected}
        assert found == pytest.approx(expected, rel=rtol)
        close = {"rtol": rtol, "atol": rtol * 1e-2}
        torch.testing.assert_close(theirs.alphas["cell"], loop.alpha, **close)
        for name, weight in theirs.named_parameters():
            if name in loop.weights:
                torch.testing.assert_close(weight, loop.weights[name], **close)
    assert min(loop.norms) > 2 * SETTINGS.gradient_clip, "the clipping was at work"


# ---------------------------------------------------------------- which images a loss sees

# Both losses of the bilevel problem are asked for: the others look at the outer one only.
BOTH = {"darts-2nd", "snas", "idarts", "balenas-2nd"}


@pytest.mark.filterwarnings("ignore::nas_course.strategies.gradient.hypergradients.SeriesGrows")
@pytest.mark.parametrize("method", methods.GRADIENT, ids=lambda method: method.name)
def test_the_outer_loss_is_that_of_the_validation_batch_and_the_inner_of_the_training_batch(
    method, digits, monkeypatch
):
    settings = GradientSettings(channels=4, cells=1, batch_size=8)
    ours = method.build(NASBench201Space(), digits, settings, 0, 12)
    asking, seen = ["neither"], set()

    def watched(loss, name):
        def ask():
            asking.append(name)
            value = loss()
            asking.pop()
            return value

        return ask

    def problem(outer, inner, **leaves):
        return real(watched(outer, "outer"), watched(inner, "inner"), **leaves)

    real = search.Bilevel
    monkeypatch.setattr(search, "Bilevel", problem)
    batch = {
        name: (part.images[:8], part.labels[:8])
        for name, part in (("train", digits.train), ("valid", digits.valid))
    }

    def note(module, arguments):
        found = [name for name, (images, _) in batch.items() if torch.equal(arguments[0], images)]
        seen.add((asking[-1], *found))

    ours.supernet.register_forward_pre_hook(note)
    while ours.step(batch["train"], batch["valid"])["valid_loss"] is None:
        assert ours.steps < ours.steps_total  # some methods leave the alphas alone at first
    expected = {("outer", "valid"), ("neither", "train")}
    assert seen == expected | ({("inner", "train")} if method.name in BOTH else set())


# ---------------------------------------------------------------- what a step reports


def small_search(name, digits, **options):
    settings = GradientSettings(channels=4, cells=1, batch_size=8, alpha_scale=0.5)
    method = methods.get(name).with_options(**options)
    return method.build(NASBench201Space(), digits, settings, 0, 4)


def one_step(ours, digits):
    """Take a step; return its figures, a copy of the supernet from before it, and its noise."""
    before, twin = copy.deepcopy(ours.supernet), torch.Generator()
    twin.set_state(ours.generator.get_state())
    train, valid = ((part.images[:8], part.labels[:8]) for part in (digits.train, digits.valid))
    metrics = ours.step(train, valid)
    return metrics, before, twin, train, valid


def loss_at(supernet, pi, batch):
    with torch.no_grad():
        return pytest.approx(cross_entropy(supernet(batch[0], {"cell": pi}), batch[1]).item())


def test_the_validation_loss_of_balenas_is_that_of_the_first_sampled_theta(digits):
    ours = small_search("balenas-1st", digits, samples=2)
    metrics, before, twin, _, valid = one_step(ours, digits)
    mu = before.alphas["cell"].detach()
    theta = mu + torch.randn(mu.shape, generator=twin)  # sigma = 1 at first
    assert metrics["valid_loss"] == loss_at(before, theta.softmax(dim=1), valid)
    assert metrics["valid_loss"] != loss_at(before, mu.softmax(dim=1), valid)


@pytest.mark.parametrize("name", ["gdas", "snas"])
def test_the_losses_of_gdas_and_snas_are_each_at_a_sample_of_its_own(name, digits):
    ours = small_search(name, digits)
    metrics, before, twin, train, valid = one_step(ours, digits)
    moved = ours.supernet.alphas["cell"]  # the weights train after the alphas have moved
    start = {"gdas": 10.0, "snas": 1.0}[name]
    losses = []
    for alpha, batch in ((before.alphas["cell"], valid), (moved, train)):
        g = -torch.empty(6, 5, dtype=torch.float64).exponential_(generator=twin).log()
        pi = ((alpha.detach().log_softmax(dim=1) + g.float()) / start).softmax(dim=1)
        if name == "gdas":
            pi = torch.eye(5)[pi.argmax(dim=1)]
        losses.append(loss_at(before, pi, batch))
    assert [metrics["valid_loss"], metrics["train_loss"]] == losses


def test_the_training_loss_of_sdarts_is_that_of_the_perturbed_mixing_weights(digits):
    ours = small_search("sdarts-rs", digits, first=0.2)
    metrics, before, twin, train, valid = one_step(ours, digits)
    pi = ours.supernet.alphas["cell"].detach().softmax(dim=1)
    noisy = (pi + 0.2 * (2 * torch.rand(6, 5, generator=twin) - 1)).clamp(min=1e-7)
    noisy = noisy / noisy.sum(dim=1, keepdim=True)
    assert metrics["train_loss"] == loss_at(before, noisy, train)
    assert metrics["train_loss"] != loss_at(before, pi, train)
    still = before.alphas["cell"].detach().softmax(dim=1)
    assert metrics["valid_loss"] == loss_at(before, still, valid)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("gdas", lambda ours: ours.relaxation.temperature),
        ("snas", lambda ours: ours.relaxation.temperature),
        ("darts-minus", lambda ours: ours.relaxation.weight),
    ],
)
def test_a_schedule_of_n_steps_ends_one_step_short_of_its_end(name, values, digits):
    ours, seen = small_search(name, digits), []
    for _ in range(4):
        one_step(ours, digits)
        seen.append(values(ours))
    assert seen == pytest.approx(
        {
            "gdas": [0.1 + 9.9 * left / 4 for left in (4, 3, 2, 1)],
            "snas": [0.03 ** (step / 4) for step in range(4)],
            "darts-minus": [1.0, 0.75, 0.5, 0.25],
        }[name]
    )
