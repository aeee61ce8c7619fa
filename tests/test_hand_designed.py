"""The hand-designed network: shapes, exact counts, and a size that matches another network."""

import pytest
import torch

from nas_course import models
from nas_course.errors import InvalidInput
from nas_course.models.hand_designed import HandDesignedCNN, matched_cnn, weights_of


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("width", [4, 32, 53])
def test_the_weights_are_those_of_the_formula(width):
    a, b, c = width // 4, width // 2, width
    convolutions = 9 * (3 * a + a * a + a * b + b * b + b * c + c * c)
    normalisations = 2 * 2 * (a + b + c)
    linear = 10 * c + 10
    expected = convolutions + normalisations + linear
    network = HandDesignedCNN(width, classes=10, in_channels=3)
    assert models.parameter_count(network) == expected
    assert weights_of(width, classes=10, in_channels=3) == expected


@pytest.mark.parametrize("side", [8, 28, 32])
def test_images_become_logits_and_the_map_shrinks_to_a_quarter(side):
    network = HandDesignedCNN(16, classes=10, in_channels=1).eval()
    images = torch.rand(2, 1, side, side, generator=generator())
    assert network(images).shape == (2, 10)
    assert network.stages(images).shape == (2, 16, side // 4, side // 4)


@pytest.mark.parametrize("parameters", [2_000, 3_000, 12_345, 100_000, 1_930_618])
def test_a_matched_network_is_within_ten_percent(parameters):
    network = matched_cnn(parameters, classes=10, in_channels=3, generator=generator())
    assert abs(models.parameter_count(network) / parameters - 1) <= 0.1


def test_no_other_width_would_come_closer():
    chosen = models.parameter_count(
        matched_cnn(50_000, classes=10, in_channels=1, generator=generator())
    )
    every = [weights_of(width, classes=10, in_channels=1) for width in range(4, 160)]
    assert abs(chosen - 50_000) == min(abs(count - 50_000) for count in every)


@pytest.mark.parametrize("parameters", [1, 200])
def test_a_size_that_cannot_be_matched_is_refused_with_the_nearest(parameters):
    with pytest.raises(InvalidInput, match=r"nearest hand-designed networks have [\d,]+ and"):
        matched_cnn(parameters, classes=10, in_channels=3, generator=generator())


def test_the_generator_fixes_the_weights():
    build = {"classes": 10, "in_channels": 3}
    first, same = (matched_cnn(20_000, **build, generator=generator(3)) for _ in range(2))
    other = matched_cnn(20_000, **build, generator=generator(4))
    assert torch.equal(first.stages[0].weight, same.stages[0].weight)
    assert not torch.equal(first.stages[0].weight, other.stages[0].weight)


def test_wrong_sizes_and_images_are_refused():
    with pytest.raises(InvalidInput, match="width: got 3; give a whole number from 4"):
        HandDesignedCNN(3, classes=10, in_channels=3)
    with pytest.raises(InvalidInput, match="parameters: got -5"):
        matched_cnn(-5, classes=10, in_channels=3, generator=generator())
    with pytest.raises(InvalidInput, match=r"got shape \(2, 1, 8, 8\)"):
        HandDesignedCNN(4, classes=10, in_channels=3)(torch.zeros(2, 1, 8, 8))
