"""Perturbation-based selection, on supernets of which it is known what every removal costs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nas_course.data import ImageData, Split, load
from nas_course.errors import InvalidInput
from nas_course.methods.gradient_stages import ROWS
from nas_course.models.supernet import MixedSupernet
from nas_course.spaces import DARTSSpace, NASBench201Space
from nas_course.strategies.gradient import GradientSearch, GradientSettings, Parts
from nas_course.strategies.gradient.perturbation_selection import (
    DecidedMix,
    PerturbationSelection,
    Trial,
)

DARTS_PT = next(row for row in ROWS if row.name == "darts-pt")
SETTINGS = GradientSettings(channels=2, cells=1, batch_size=16, alpha_learning_rate=0.05)


class KnownSupernet(MixedSupernet):
    """Every image is right as long as one operation of one edge is there.

    An image is the number of a place (row * operations + column) and the label is always 1. It
    stands once for each unit of the worth of its place.
    """

    def __init__(self, space, worth):
        super().__init__(space)
        self.start(torch.Generator().manual_seed(0), 1.0)
        self.scale = nn.Parameter(torch.ones(()))
        (self.kind, *_), self.worth = space.cells, worth
        places = np.repeat(np.arange(worth.size), worth.ravel())
        self.batch = torch.from_numpy(places), torch.ones(len(places), dtype=torch.int64)

    def forward(self, images, pi=None):
        pi = self.mixing_weights() if pi is None else pi
        there = pi[self.kind].reshape(-1)[images] > 0
        return torch.stack([0 * self.scale * images, self.scale * (2.0 * there - 1)], dim=1)


class KnownEdges(KnownSupernet):
    """An image is right as long as its edge carries anything."""

    def forward(self, images, pi=None):
        pi = self.mixing_weights() if pi is None else pi
        there = pi[self.kind].sum(dim=1)[images] > 0
        return torch.stack([0 * self.scale * images, self.scale * (2.0 * there - 1)], dim=1)


def select(supernet, steps=20, share=0.5):
    """Search with a gradient of zero, so that only the decisions count."""
    parts = Parts(
        make_hypergradient=lambda optimizer: (
            lambda problem: (
                problem.outer().detach(),
                [torch.zeros_like(alpha) for alpha in problem.alphas],
            )
        ),
        make_relaxation=DecidedMix,
        make_schedules=(lambda: PerturbationSelection(share=share),),
    )
    search = GradientSearch(supernet, parts, SETTINGS, steps)
    trained, decided = [], []
    for _ in range(steps):
        metrics = search.step(supernet.batch, supernet.batch)
        trained.append(metrics["valid_loss"] is not None)
        decided.append(search.schedules[0].done)
    return search, trained, decided


def distinct(rng, shape):
    """Positive whole numbers, all different in a row, so that no removals tie."""
    return np.stack([rng.permutation(shape[1]) + 1 for _ in range(shape[0])])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_operation_whose_removal_hurts_most_is_chosen_whatever_the_alphas_say(seed):
    worth = distinct(np.random.default_rng(seed), (6, 5))
    search, *_ = select(KnownSupernet(NASBench201Space(), worth), steps=7)
    names = NASBench201Space().operations
    assert search.architecture().operations == tuple(names[o] for o in worth.argmax(axis=1))


@pytest.mark.parametrize("seed", range(2))
def test_on_the_darts_space_none_is_no_candidate(seed):
    worth = distinct(np.random.default_rng(seed), (14, 8))
    worth[:, 0] = 9  # `none` would hurt most
    supernet = KnownSupernet(DARTSSpace(), worth)
    search, *_ = select(supernet)
    template = supernet.space.template
    best = [template.operations[1 + o] for o in worth[:, 1:].argmax(axis=1)]
    for target, node in enumerate(search.architecture().normal, start=2):
        for name, source in node:
            assert name == best[template.edges.index((source, target))]


@pytest.mark.parametrize("seed", range(3))
def test_every_node_keeps_the_two_edges_that_are_missed_most(seed):
    worth = np.random.default_rng(seed).permutation(14)[:, None] + 1
    search, *_ = select(KnownEdges(DARTSSpace(), worth))
    space = DARTSSpace()
    for target, node in enumerate(search.architecture().normal, start=2):
        rows = space.template.incoming(target)
        missed = sorted(rows, key=lambda row: -worth[row, 0])[:2]
        assert [source for _, source in node] == sorted(space.template.edges[r][0] for r in missed)
    pi = search.supernet.mixing_weights()["normal"]
    assert sorted(pi.sum(dim=1).tolist()) == [0.0] * 6 + [1.0] * 8
    assert set(pi.unique().tolist()) == {0.0, 1.0}


def test_of_equal_accuracies_the_loss_decides():
    class Graded(KnownSupernet):
        def forward(self, images, pi=None):
            pi = self.mixing_weights() if pi is None else pi
            margin = 10 + (self.grade * (pi[self.kind] > 0)).sum()  # always right
            return torch.stack([0 * self.scale * images, self.scale * margin + images], dim=1)

    supernet = Graded(NASBench201Space(), np.ones((6, 5), dtype=int))
    supernet.grade = torch.from_numpy(distinct(np.random.default_rng(0), (6, 5))) / -10
    search, *_ = select(supernet)
    names = NASBench201Space().operations
    best = supernet.grade.argmax(dim=1)  # without it the margin shrinks most
    assert search.architecture().operations == tuple(names[o] for o in best)


@pytest.mark.parametrize(("steps", "share"), [(20, 0.5), (20, 1.0), (7, 0.4), (3, 0.4), (1, 0.4)])
def test_the_decisions_share_the_last_steps_and_the_alphas_rest_then(steps, share):
    worth = distinct(np.random.default_rng(0), (6, 5))
    _, trained, decided = select(KnownSupernet(NASBench201Space(), worth), steps, share)
    first = min(round((1 - share) * steps), steps - 1)
    assert trained == [step < first for step in range(steps)]
    assert decided[:first] == [0] * first and decided[-1] == 6
    gaps = np.diff([0, *decided[first:]])
    assert gaps[0] >= 1 and gaps.max() - gaps[gaps > 0].min() <= 6 // max(steps - first, 1) + 6 * (
        steps - first == 1
    )


def test_what_is_not_decided_yet_is_chosen_by_the_alphas():
    worth = distinct(np.random.default_rng(1), (6, 5))
    supernet = KnownSupernet(NASBench201Space(), worth)
    search, *_ = select(supernet)
    full = search.architecture().operations
    schedule = search.schedules[0]
    half = dict(list(schedule.operations["cell"].items())[:3])
    schedule.operations["cell"] = half
    names = supernet.space.operations
    by_alphas = [names[o] for o in supernet.alphas["cell"].argmax(dim=1)]
    expected = [full[row] if row in half else by_alphas[row] for row in range(6)]
    assert list(search.architecture().operations) == expected


def test_a_trial_removes_one_operation_and_leaves_the_other_weights():
    supernet = KnownSupernet(NASBench201Space(), np.ones((6, 5), dtype=int))
    seen = []
    supernet.forward = lambda images, pi: seen.append(pi["cell"]) or torch.zeros(len(images), 2)
    trial = Trial(supernet, "cell", *supernet.batch)
    trial.without_operation(2, 3)
    trial.without_edges([1, 4])
    pi = supernet.mixing_weights()["cell"]
    changed = [(pi - other).nonzero().tolist() for other in seen]
    assert changed == [[[2, 3]], [[row, o] for row in (1, 4) for o in range(5)]]
    assert seen[0][2, 3] == 0 and (seen[1][[1, 4]] == 0).all()


def test_a_real_search_decides_all_edges_and_its_columns_say_how_many():
    data = load("digits", train_images=12, valid_images=40, test_images=10, device="cpu")
    row = DARTS_PT.with_options(images=10, share=0.5)
    search = row.build(NASBench201Space(), data, SETTINGS, 0, 8)
    train, valid = (data.train.images, data.train.labels), (data.valid.images, data.valid.labels)
    counts = []
    for _ in range(8):
        search.step(train, valid)
        counts.append(search.end_epoch()["decided_edges"])
    assert counts[:4] == [0] * 4 and counts == sorted(counts) and counts[-1] == 6
    pi = search.supernet.mixing_weights()["cell"]
    chosen = [search.supernet.space.operations[o] for o in pi.argmax(dim=1)]
    assert (pi.amax(dim=1) == 1).all() and list(search.architecture().operations) == chosen


def test_removals_are_judged_on_the_validation_part_and_on_nothing_else():
    """Removals that hurt the validation images and those that hurt any others are different."""
    rng, space = np.random.default_rng(3), NASBench201Space()
    worth = distinct(rng, (6, 5))
    others = np.roll(worth, 1, axis=1)  # the largest of every row is elsewhere

    class Placed(KnownSupernet):
        def forward(self, images, pi=None):
            return super().forward(images.reshape(-1).long(), pi)

    def split(counts):
        places = torch.from_numpy(np.repeat(np.arange(counts.size), counts.ravel()))
        return Split(places.float().reshape(-1, 1, 1, 1), torch.ones(len(places)).long())

    wrong, right = split(others), split(worth)
    images = ImageData("places", wrong, right, wrong, ("a", "b"), (0.0,), (1.0,))
    # a search with nothing but decisions; even the batches of its steps are of the wrong images
    row = DARTS_PT.with_options(share=1.0, images=len(right))
    search = GradientSearch(
        Placed(space, worth), row.make_parts(**row.fixed), SETTINGS, 7, data=images
    )
    search.supernet.batch = wrong.images, wrong.labels
    for _ in range(7):
        assert search.step(search.supernet.batch, search.supernet.batch)["valid_loss"] is None
    chosen = search.architecture().operations
    assert chosen == tuple(space.operations[o] for o in worth.argmax(axis=1))
    assert chosen != tuple(space.operations[o] for o in others.argmax(axis=1))


def test_a_removal_is_judged_on_as_many_validation_images_as_the_option_says(monkeypatch):
    data = load("digits", train_images=12, valid_images=40, test_images=10, device="cpu")
    row = DARTS_PT.with_options(images=10, share=1.0)
    search = row.build(NASBench201Space(), data, SETTINGS, 0, 6)
    judged, score = [], Trial._score

    def watched(trial, changed):
        judged.append(trial.images)
        return score(trial, changed)

    monkeypatch.setattr(Trial, "_score", watched)
    batch = data.train.images, data.train.labels
    for _ in range(6):
        search.step(batch, batch)
    known = {tuple(image.flatten().tolist()) for image in data.valid.images}
    assert len(judged) == 6 * 5
    for images in judged:
        seen = {tuple(image.flatten().tolist()) for image in images}
        assert len(seen) == 10 and seen <= known
    draws = {tuple(images.flatten().tolist()) for images in judged}
    assert len(draws) == 6, "one draw for every decision"


@pytest.mark.parametrize("options", [{"share": 0}, {"share": 1.1}, {"images": 0}, {"images": 2.5}])
def test_options_outside_their_range_are_refused(options):
    (name,) = options
    with pytest.raises(InvalidInput, match=f"{name}: got .*allowed"):
        DARTS_PT.with_options(**options)


def test_a_search_with_another_relaxation_is_refused():
    supernet = KnownSupernet(NASBench201Space(), np.ones((6, 5), dtype=int))
    with pytest.raises(InvalidInput, match="make_relaxation=DecidedMix"):
        GradientSearch(supernet, Parts(make_schedules=(PerturbationSelection,)), SETTINGS, 5)
