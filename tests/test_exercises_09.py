"""The checks of chapter 09 agree with the package, and their texts with the facts."""

import re

import numpy as np
import pytest
import torch
from exercise_chapters import Chapter, code_of

from nas_course.grading.checking import check_here
from nas_course.models import build_supernet
from nas_course.models.auxiliary_skip import AuxiliarySkip
from nas_course.operations import DARTS_OPERATIONS
from nas_course.spaces import DARTSSpace
from nas_course.strategies.gradient import Moment, discretize
from nas_course.strategies.gradient.curvature import Hessian
from nas_course.strategies.gradient.perturbation_selection import Trial
from nas_course.strategies.gradient.sharpness import AdversarialSmoothing, to_simplex
from nas_course.strategies.gradient.stopping import EigenvalueRule, skips

CHAPTER = Chapter("09_when_darts_fails")
EXERCISES = CHAPTER.exercises
MODEL = CHAPTER.model_answers


def skip_heavy(seed):
    alpha = np.random.default_rng(seed).normal(size=(14, 8))
    alpha[:, 3] += 1
    return alpha


@pytest.mark.parametrize("seed", range(10))
def test_the_derived_share_is_that_of_the_packages_genotype(seed):
    alpha = torch.from_numpy(skip_heavy(seed))
    genotype = discretize(DARTSSpace(), {"normal": alpha, "reduce": alpha})
    assert MODEL()["skip_shares"](alpha.numpy())["derived"] == skips(genotype) / 8


def test_the_operations_and_edges_of_the_notebook_are_those_of_the_space():
    assert MODEL()["OPERATIONS"] == DARTS_OPERATIONS
    assert MODEL()["EDGES"] == DARTSSpace().template.edges


def test_a_cell_of_skips_can_have_no_skip_among_all_argmaxes():
    alpha = np.zeros((14, 8))
    alpha[:, 0], alpha[:, 3] = 2.0, 1.0
    shares = MODEL()["skip_shares"](alpha)
    assert (shares["argmax"], shares["derived"]) == (0, 1)


def test_the_auxiliary_mixture_is_that_of_the_package():
    edge = AuxiliarySkip(("none", "skip_connect", "avg_pool_3x3"), 4, 1).double()
    x, alpha = torch.randn(2, 4, 5, 5, dtype=torch.double), torch.randn(3, dtype=torch.double)
    outputs = torch.stack([operation(x) for operation in edge.operations])
    ours = MODEL()["auxiliary_mixture"](
        x.flatten().numpy(), outputs.flatten(1).numpy(), alpha.numpy(), 3, 10
    )
    pi = torch.cat([alpha.softmax(0), torch.tensor([0.7], dtype=torch.double)])
    assert np.allclose(ours, edge(x, pi).flatten())


def test_the_eigenvalue_rule_is_that_of_the_package():
    rng, rule = np.random.default_rng(0), EigenvalueRule(window=5, back=4, ratio=1.3)
    found = 0
    for _ in range(50):
        series = (np.exp(0.15 * np.arange(15)) * rng.uniform(0.3, 1.7, size=15)).tolist()
        ours = MODEL()["early_stops"](series, [0] * 15, 5, 4, 1.3, 2)
        for epoch in range(15):
            place = rule.before_growth(series[: epoch + 1])
            if place is not None:
                assert (ours["stop"], ours["returned"]) == (epoch, place)
                found += 1
                break
        else:
            assert ours["stop"] == ours["returned"] == 14
    assert found > 20


def test_power_iteration_finds_the_packages_dominant_eigenvalue():
    torch.manual_seed(0)
    alpha = torch.randn(2, 4, dtype=torch.double, requires_grad=True)
    worth = torch.randn(2, 4, dtype=torch.double)
    hessian = Hessian(lambda: (alpha.softmax(1) * worth).sum() ** 2, [alpha])
    exact = torch.linalg.eigvalsh(hessian.dense())
    start = torch.randn(8, dtype=torch.double)
    ours = MODEL()["dominant_eigenvalue"](lambda v: hessian @ v, start, 300)
    assert float(ours) == pytest.approx(exact[exact.abs().argmax()].item(), rel=1e-6)
    assert (exact.abs() < 1e-12).sum() >= 2, "one zero for each edge at least, as 09.1 says"


def test_a_trial_of_the_package_is_a_trial_of_the_exercise():
    generator = torch.Generator().manual_seed(0)
    supernet = build_supernet(
        DARTSSpace(), channels=2, cells=3, classes=3, in_channels=1, generator=generator
    )
    images = torch.randn(8, 1, 8, 8, generator=generator)
    labels = torch.arange(8) % 3
    trial = Trial(supernet, "normal", images, labels)
    pi = {kind: weights.detach() for kind, weights in supernet.mixing_weights().items()}
    seen = []

    def accuracy(normal):
        logits = supernet(images, pi | {"normal": torch.from_numpy(normal)})
        seen.append((logits.argmax(dim=1) == labels).double().mean().item())
        return seen[-1]

    MODEL()["choose_by_removal"](accuracy, pi["normal"].numpy(), [5])
    theirs = [trial.without_operation(5, operation)[0] for operation in range(8)]
    assert seen == pytest.approx(theirs)


def test_both_attacks_hold_the_ball_and_the_simplex():
    # the package takes the gradient along the simplex, the exercise the plain one
    torch.manual_seed(0)
    pi = torch.rand(3, 5, dtype=torch.double).softmax(1)
    start = (torch.rand(3, 5, dtype=torch.double) - 0.5) * 0.2
    target = torch.rand(3, 5, dtype=torch.double)

    def loss(p):
        return ((p - target) ** 2).sum()

    ours = MODEL()["worst_mixture"](pi, start, loss, 0.1, 7)
    theirs = AdversarialSmoothing(first=0.1, last=0.1).perturb(
        None, {"cell": pi}, lambda p: loss(p["cell"]), Moment(0.0, "weights", torch.Generator())
    )["cell"]
    for worst in (ours, theirs):
        assert loss(worst) > loss(pi) and torch.allclose(worst, to_simplex(worst))


def test_the_faulty_comparison_finds_an_effect_of_a_price_that_has_none(capsys):
    found, fair = MODEL()["found"], MODEL()["fair_comparison"]
    assert found["difference"] > 2 * found["error"]
    ours = fair(MODEL()["pretended_search"], MODEL()["SETTINGS"], 0.1, [11, 12, 13, 14])
    assert ours["difference"] == ours["error"] == 0
    report = check_here(EXERCISES["09.8"], MODEL()["faulty_comparison"])
    assert code_of(report) == "nothing-repaired" and report.points == 0
    # the symptom, and a question; the cure is in the hints
    assert report.diagnosis.next_step.endswith("?")


def test_the_example_in_the_hint_of_the_stopping_rule_is_right():
    text = CHAPTER.source.read_text(encoding="utf-8")
    assert re.search(r"eigenvalues 1, 1, 1, 1, 4, 7, 7", text)
    answer = MODEL()["early_stops"]([1, 1, 1, 1, 4, 7, 7], [0] * 7, 3, 2, 2, 2)
    assert (answer["stop"], answer["returned"]) == (5, 2)
    assert [np.mean([1, 1, 4]), np.mean([1, 4, 7]), np.mean([4, 7, 7])] == [2, 4, 6]
