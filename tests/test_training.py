"""Training: the recipe does what it says, the seed fixes the result, and bad runs stop."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from nas_course import data, models, spaces
from nas_course.errors import CourseError, InvalidInput
from nas_course.training import Recipe, TrainingDiverged, cosine, evaluate, fit

GENOTYPE = spaces.DARTSSpace().parse(
    "normal: " + " | ".join(["sep_conv_3x3(0) max_pool_3x3(1)"] * 4)
    + " ; reduce: " + " | ".join(["max_pool_3x3(0) skip_connect(1)"] * 4)
)  # fmt: skip
RECIPE = Recipe(epochs=2, batch_size=32, augment=data.augmentation_for("digits"))


@pytest.fixture(scope="module")
def digits():
    return data.load("digits", train_images=160, valid_images=100, device="cpu")


def linear_model(seed=0, classes=10):
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, classes))
    models.initialise(model, torch.Generator().manual_seed(seed))
    return model


def cell_network(seed=0, auxiliary=False):
    return models.build_network(
        GENOTYPE,
        channels=4,
        cells=3,
        classes=10,
        in_channels=1,
        auxiliary=auxiliary,
        generator=torch.Generator().manual_seed(seed),
    )


def test_a_linear_model_learns_the_digits(digits):
    recipe = Recipe(epochs=20, batch_size=16, learning_rate=0.05)
    model = linear_model()
    before = evaluate(model, digits.test)
    rows = fit(model, digits.train, recipe, seed=0)
    after = evaluate(model, digits.test)
    assert before["accuracy"] < 0.3 and after["accuracy"] > 0.85
    assert [row["epoch"] for row in rows] == list(range(1, 21))
    assert rows[-1]["loss"] < rows[0]["loss"] and rows[-1]["accuracy"] > rows[0]["accuracy"]
    assert all(a["seconds"] < b["seconds"] for a, b in pairwise(rows))


def test_two_steps_equal_the_formula_by_hand(digits):
    split = digits.train.subset(20)
    recipe = Recipe(epochs=2, batch_size=20, learning_rate=0.1, gradient_clip=None, momentum=0.8)
    model, reference = linear_model(), linear_model()
    fit(model, split, recipe, seed=0)
    velocity = [torch.zeros_like(w) for w in reference.parameters()]
    for rate in (0.1, 0.05):  # cosine from 0.1 to 0 in two steps: 0.1, then half of it
        loss = cross_entropy(reference(split.images), split.labels)
        gradients = torch.autograd.grad(loss, list(reference.parameters()))
        with torch.no_grad():
            for w, v, g in zip(reference.parameters(), velocity, gradients, strict=True):
                v.copy_(0.8 * v + g + 3e-4 * w)
                w -= rate * v
    for ours, by_hand in zip(model.parameters(), reference.parameters(), strict=True):
        assert torch.allclose(ours, by_hand, atol=1e-6)


@pytest.mark.parametrize("auxiliary", [False, True])
def test_the_same_seed_gives_the_same_weights_bit_by_bit(digits, auxiliary):
    recipe = replace(RECIPE, drop_path=0.5)
    torch.manual_seed(1)
    first = cell_network(auxiliary=auxiliary)
    rows = fit(first, digits.train, recipe, seed=5)
    torch.manual_seed(2)  # the global generator must not matter
    second = cell_network(auxiliary=auxiliary)
    again = fit(second, digits.train, recipe, seed=5)
    for key, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[key]), key
    assert [row["loss"] for row in rows] == [row["loss"] for row in again]


def test_training_leaves_the_global_generator_alone(digits):
    model = cell_network()
    before = torch.get_rng_state()
    fit(model, digits.train, replace(RECIPE, epochs=1, drop_path=0.5), seed=0)
    assert torch.equal(torch.get_rng_state(), before)


def test_another_seed_gives_other_weights(digits):
    first, second = linear_model(), linear_model()
    fit(first, digits.train, RECIPE, seed=0)
    fit(second, digits.train, RECIPE, seed=1)
    assert not torch.equal(first[1].weight, second[1].weight)


def test_batches_of_an_epoch_cover_every_image_and_differ_by_one_at_most(digits):
    sizes = []

    class Recorder(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = linear_model()

        def forward(self, images):
            sizes.append(len(images))
            return self.inner(images)

    fit(Recorder(), digits.train, Recipe(epochs=1, batch_size=63), seed=0)
    assert sorted(sizes) == [53, 53, 54]


def test_drop_path_rises_linearly_from_zero(digits):
    seen = []

    class Recorder(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.drop_path_probability = linear_model(), 0.0

        def forward(self, images):
            seen.append(self.drop_path_probability)
            return self.inner(images)

    recipe = Recipe(epochs=4, batch_size=200, drop_path=0.2)
    fit(Recorder(), digits.train, recipe, seed=0)
    assert seen == pytest.approx([0.0, 0.05, 0.1, 0.15])


def test_the_auxiliary_loss_counts_with_its_weight(digits):
    split = digits.train.subset(32)

    class TwoHeads(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = linear_model(0), linear_model(1)

        def forward(self, images):
            return self.first(images), self.second(images)

    recipe = Recipe(
        epochs=1, batch_size=32, learning_rate=1.0, weight_decay=0, gradient_clip=None,
        auxiliary_weight=0.25,
    )  # fmt: skip
    model, reference = TwoHeads(), TwoHeads()
    fit(model, split, recipe, seed=0)
    loss = cross_entropy(reference.second(split.images), split.labels)
    (gradient,) = torch.autograd.grad(loss, [reference.second[1].weight])
    moved = reference.second[1].weight - model.second[1].weight
    assert torch.allclose(moved, 0.25 * gradient, atol=1e-6)


def test_the_gradient_norm_is_clipped(digits):
    recipe = Recipe(
        epochs=1, batch_size=200, learning_rate=1.0, weight_decay=0, momentum=0, gradient_clip=0.1
    )
    model, start = linear_model(), linear_model()
    fit(model, digits.train, recipe, seed=0)
    moved = [a - b for a, b in zip(model.parameters(), start.parameters(), strict=True)]
    assert torch.cat([m.flatten() for m in moved]).norm().item() == pytest.approx(0.1, rel=1e-4)


def test_the_rate_follows_half_a_cosine():
    assert cosine(0, 10, 0.1, 0.02) == pytest.approx(0.1)
    assert cosine(5, 10, 0.1, 0.02) == pytest.approx(0.06)
    assert cosine(10, 10, 0.1, 0.02) == pytest.approx(0.02)


def test_evaluation_is_the_same_whatever_the_batch_size_and_restores_the_mode(digits):
    model = cell_network().train()
    fit(model, digits.train, replace(RECIPE, epochs=1), seed=0)
    whole, pieces = evaluate(model, digits.test, 1000), evaluate(model, digits.test, 37)
    assert model.training
    assert whole["accuracy"] == pieces["accuracy"]
    assert whole["loss"] == pytest.approx(pieces["loss"], rel=1e-5)


def test_in_bfloat16_and_channels_last_a_network_learns_and_predicts_almost_alike(digits):
    recipe = Recipe(
        epochs=6, batch_size=32, learning_rate=0.1, precision="bfloat16", channels_last=True
    )
    model = cell_network()
    fit(model, digits.train, recipe, seed=0)
    exact = evaluate(model, digits.test)
    rough = evaluate(model, digits.test, precision="bfloat16")
    assert exact["accuracy"] > 0.6
    assert rough["accuracy"] == pytest.approx(exact["accuracy"], abs=0.02)
    assert rough["loss"] != exact["loss"]  # it was really computed in 16 bits
    assert all(weight.dtype == torch.float32 for weight in model.parameters())


def test_a_diverging_training_stops_and_names_epoch_and_rate(digits):
    recipe = Recipe(epochs=3, batch_size=32, learning_rate=1e38, gradient_clip=None)
    with pytest.raises(TrainingDiverged, match=r"nan in epoch \d of 3 at .*Lower learning_rate or"):
        fit(linear_model(), digits.train, recipe, seed=0)
    assert issubclass(TrainingDiverged, CourseError)


def test_a_network_with_too_few_outputs_is_refused(digits):
    with pytest.raises(InvalidInput, match=r"it has 7 outputs, .*build it with classes=10"):
        fit(linear_model(classes=7), digits.train, RECIPE, seed=0)


def test_a_network_for_other_channels_is_refused():
    grey = cell_network()
    colour = data.Split(torch.zeros(8, 3, 8, 8), torch.zeros(8, dtype=torch.int64))
    with pytest.raises(InvalidInput, match=r"\(8, 3, 8, 8\); this network was built for .*1,"):
        fit(grey, colour, RECIPE, seed=0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": -1}, "epochs: got -1; give a whole number, 1 or more"),
        ({"epochs": 0}, "epochs: got 0"),
        ({"epochs": 2.5}, r"epochs: got 2\.5"),
        ({"batch_size": 1}, "batch_size: got 1; give a whole number, 2 or more"),
        ({"learning_rate": 0}, "learning_rate: got 0"),
        ({"learning_rate": math.nan}, "learning_rate: got nan"),
        ({"learning_rate": "0.1"}, "learning_rate: got '0.1'"),
        ({"minimum_learning_rate": 1.0}, r"minimum_learning_rate: got 1\.0; .*0 to 0\.025"),
        ({"momentum": 1.5}, r"momentum: got 1\.5; give a number from 0 to 1"),
        ({"weight_decay": -1e-4}, "weight_decay: got -0.0001"),
        ({"gradient_clip": 0}, "gradient_clip: got 0"),
        ({"drop_path": 1.0}, r"drop_path: got 1\.0"),
        ({"auxiliary_weight": -1}, "auxiliary_weight: got -1"),
        ({"precision": "fp16"}, "precision: got 'fp16'; allowed: .*'float16'"),
    ],
)
def test_a_wrong_recipe_is_refused_with_what_is_allowed(wrong, message):
    with pytest.raises(InvalidInput, match=message):
        Recipe(**wrong)


@pytest.mark.cuda
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_on_the_gpu_the_same_code_learns(precision):
    there = data.load("digits", device="cuda")
    recipe = replace(RECIPE, epochs=8, learning_rate=0.1, precision=precision, channels_last=True)
    model = cell_network(auxiliary=True)
    fit(model, there.train, replace(recipe, drop_path=0.1), seed=0)
    assert evaluate(model, there.test, precision=precision)["accuracy"] > 0.7
