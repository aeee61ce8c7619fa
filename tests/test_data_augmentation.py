"""Augmentation: in batches, seeded, the same as the plain loop over images would give."""

import pytest
import torch

from nas_course import data
from nas_course.errors import InvalidInput


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images():
    return torch.rand(64, 3, 12, 12, generator=generator(1)) + 1  # nowhere zero


def test_a_random_crop_is_a_window_of_the_padded_image(images):
    cropped = data.random_crop(images, 2, generator())
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2), mode="replicate")
    shifts = set()
    for one, whole in zip(cropped, padded, strict=True):
        windows = {(r, c): whole[:, r : r + 12, c : c + 12] for r in range(5) for c in range(5)}
        matches = [place for place, window in windows.items() if torch.equal(one, window)]
        assert matches
        shifts.update(matches)
    assert len(shifts) > 15  # of 25 places, 64 images


def test_a_flip_mirrors_about_half_of_the_images_and_leaves_the_others(images):
    flipped = data.random_flip(images, generator())
    same = [torch.equal(a, b) for a, b in zip(flipped, images, strict=True)]
    mirrored = [torch.equal(a, b.flip(2)) for a, b in zip(flipped, images, strict=True)]
    assert all(a != b for a, b in zip(same, mirrored, strict=True))
    assert 20 < sum(mirrored) < 44


def test_cutout_hides_one_square_in_each_image_and_touches_nothing_else(images):
    result = data.cutout(images, 5, generator())
    for one, before in zip(result, images, strict=True):
        hidden = (one == 0).all(0)
        rows, columns = hidden.any(1).nonzero(), hidden.any(0).nonzero()
        height, width = len(rows), len(columns)
        assert hidden.sum() == height * width  # a full rectangle
        assert 2 <= height <= 5 and 2 <= width <= 5
        assert torch.equal(one[:, ~hidden], before[:, ~hidden])


def test_cutout_away_from_the_edge_is_as_large_as_asked(images):
    sizes = [(one == 0).all(0).sum().item() for one in data.cutout(images, 5, generator())]
    assert max(sizes) == 25


def test_the_same_seed_augments_alike_and_the_next_batch_differs(images):
    preset = data.Augmentation(crop_padding=2, flip=True, cutout=4)
    source = generator(7)
    first, second = preset(images, source), preset(images, source)
    assert torch.equal(first, preset(images, generator(7)))
    assert not torch.equal(first, second)
    assert torch.equal(
        first, data.augment(images, generator(7), crop_padding=2, flip=True, cutout=4)
    )


def test_no_augmentation_draws_nothing_and_changes_nothing(images):
    source = generator(3)
    before = source.get_state()
    assert data.Augmentation()(images, source) is images
    assert torch.equal(source.get_state(), before)


def test_digits_are_never_mirrored_and_every_data_set_has_a_preset():
    assert not data.augmentation_for("digits").flip
    assert [data.augmentation_for(name).crop_padding for name in data.NAMES] == [1, 2, 4]


def test_wrong_settings_are_refused():
    with pytest.raises(InvalidInput, match=r"crop_padding: got -1"):
        data.Augmentation(crop_padding=-1)
    with pytest.raises(InvalidInput, match=r"cutout: got 2.5"):
        data.Augmentation(cutout=2.5)
    with pytest.raises(InvalidInput, match=r"data: got 'cifar'; allowed: .*Did you mean 'cifar10'"):
        data.augmentation_for("cifar")


@pytest.mark.cuda
def test_on_the_gpu_the_same_seed_augments_as_on_the_processor(images):
    preset = data.Augmentation(crop_padding=2, flip=True, cutout=4)
    here, there = preset(images, generator()), preset(images.to("cuda"), generator())
    assert torch.equal(here, there.cpu())
