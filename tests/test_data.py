"""Data: splits are seeded, balanced, disjoint and nested; normalised by the train part only."""

from itertools import chain

import numpy as np
import pytest
import torch

from nas_course import data
from nas_course.errors import InvalidInput


@pytest.fixture(scope="module")
def digits():
    return data.load("digits", device="cpu")


def raw_images(loaded):
    """Every image as bytes of its 16 grey steps, so that parts can be compared as sets."""
    for part in (loaded.train, loaded.valid, loaded.test):
        pixels = part.images * loaded.std[0] + loaded.mean[0]
        yield [image.numpy().tobytes() for image in (pixels * 16).round().to(torch.uint8)]


def test_digits_have_the_documented_parts_and_shapes(digits):
    assert [len(digits.train), len(digits.valid), len(digits.test)] == [700, 700, 397]
    assert digits.train.images.shape == (700, 1, 8, 8)
    assert digits.train.images.dtype == torch.float32
    assert digits.train.labels.dtype == torch.int64
    assert (digits.classes, digits.in_channels, digits.image_size) == (10, 1, 8)


def test_the_three_parts_hold_every_digit_once(digits):
    from sklearn.datasets import load_digits

    official = sorted(image.tobytes() for image in load_digits().images.astype(np.uint8))
    assert sorted(chain.from_iterable(raw_images(digits))) == official


def test_labels_stay_with_their_images(digits):
    from sklearn.datasets import load_digits

    bunch = load_digits()
    label_of = dict(
        zip((i.tobytes() for i in bunch.images.astype(np.uint8)), bunch.target, strict=True)
    )
    for images, part in zip(
        raw_images(digits), (digits.train, digits.valid, digits.test), strict=True
    ):
        assert [label_of[image] for image in images] == part.labels.tolist()


def test_the_same_seed_gives_the_same_split_and_another_seed_another(digits):
    again = data.load("digits", seed=0, device="cpu")
    other = data.load("digits", seed=1, device="cpu")
    assert torch.equal(again.train.images, digits.train.images)
    assert torch.equal(again.test.labels, digits.test.labels)
    assert set(next(raw_images(other))) != set(next(raw_images(digits)))


def test_fewer_images_are_a_part_of_more_and_leave_the_test_part_alone(digits):
    few = data.load("digits", train_images=200, valid_images=100, device="cpu")
    for small, large in zip(raw_images(few), raw_images(digits), strict=True):
        assert small == large[: len(small)]
    assert len(few.test) == 397


def test_few_images_hold_the_classes_in_proportion():
    few = data.load("digits", train_images=50, valid_images=30, device="cpu")
    assert few.train.labels.bincount(minlength=10).sub(5).abs().max() <= 1
    assert few.valid.labels.bincount(minlength=10).sub(3).abs().max() <= 1


def test_every_stretch_of_a_stratified_order_is_balanced_when_the_classes_are_not():
    labels = np.repeat([0, 1, 2], [700, 200, 100])
    order = data.stratified_order(labels, np.random.default_rng(3))
    assert sorted(order) == list(range(1000))
    for start in range(0, 1000, 50):
        counts = np.bincount(labels[order[start : start + 50]], minlength=3)
        assert np.abs(counts - [35, 10, 5]).max() <= 2


def test_mean_and_deviation_come_from_the_train_part_alone(digits):
    assert abs(digits.train.images.mean().item()) < 1e-5
    assert abs(digits.train.images.std(correction=0).item() - 1) < 1e-5
    assert abs(digits.test.images.mean().item()) > 1e-4
    fewer_validation_images = data.load("digits", valid_images=10, device="cpu")
    assert fewer_validation_images.mean == digits.mean


def test_train_and_valid_together_are_everything_but_the_test_part(digits):
    both = digits.train_and_valid
    assert len(both) == 1400
    assert torch.equal(both.labels, torch.cat([digits.train.labels, digits.valid.labels]))


def test_a_larger_side_pads_with_black_and_a_smaller_one_averages_areas():
    padded = data.load("digits", image_size=12, device="cpu")
    pixels = padded.train.images * padded.std[0] + padded.mean[0]
    assert padded.image_size == 12
    assert pixels[:, :, :2].abs().max() < 1e-5
    assert pixels[:, :, 2:10, 2:10].max() == pytest.approx(1.0)
    halves = data.images._resized(torch.rand(5, 3, 16, 16, generator=_generator()), 8)
    full = torch.rand(5, 3, 16, 16, generator=_generator())
    assert torch.allclose(halves, full.reshape(5, 3, 8, 2, 8, 2).mean((3, 5)))


def test_an_epoch_visits_every_image_once_in_an_order_of_its_own():
    generator = _generator()
    first, second = data.epoch_order(100, generator), data.epoch_order(100, generator)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(100))
    assert not torch.equal(first, second)


def test_a_subset_is_the_first_images_and_reprs_are_short(digits):
    assert torch.equal(digits.valid.subset(7).images, digits.valid.images[:7])
    assert repr(digits.train) == "Split(700 images 1x8x8 on cpu)"
    assert repr(digits) == "ImageData(digits: 700 / 700 / 397 images 1x8x8 on cpu)"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"image_size": 30}, "image_size: got 30; give a multiple of 4"),
        ({"image_size": 4}, "image_size: got 4; .*at least 8"),
        ({"image_size": 8.0}, r"image_size: got 8\.0"),
        ({"image_size": True}, "image_size: got True"),
        ({"train_images": 0}, "train_images: got 0; give a whole number from 1 to 1,399"),
        ({"train_images": -5}, "train_images: got -5"),
        ({"train_images": "200"}, "train_images: got '200'"),
        ({"valid_images": 1400}, "valid_images: got 1400.*1 to 1,399"),
        ({"test_images": 398}, "test_images: got 398.*1 to 397"),
        ({"train_images": 1000, "valid_images": 500}, "1,500 together; there are 1,400"),
        ({"seed": -1}, "seed: got -1"),
        ({"seed": None}, "seed: got None"),
        ({"seed": 1.5}, "seed: got 1.5"),
        ({"device": "tpu"}, "device: got 'tpu'"),
    ],
)
def test_a_wrong_argument_is_refused_with_what_is_allowed(wrong, message):
    with pytest.raises(InvalidInput, match=message):
        data.load("digits", **wrong)


def test_an_unknown_data_set_is_refused_with_the_known_ones():
    with pytest.raises(InvalidInput, match=r"Did you mean 'fashion-mnist'"):
        data.load("fashion_mnist")


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (torch.zeros(4, 8, 8), torch.zeros(4).long(), r"shape \(4, 8, 8\)"),
        (torch.zeros(4, 1, 8, 8), torch.zeros(3).long(), r"labels \(3,\)"),
        (torch.zeros(4, 1, 8, 8), torch.zeros(4), r"labels are torch.float32; .*\.long\(\)"),
    ],
)
def test_a_split_of_wrong_tensors_is_refused(images, labels, message):
    with pytest.raises(InvalidInput, match=message):
        data.Split(images, labels)


@pytest.mark.parametrize("count", [0, -1, 701])
def test_a_subset_outside_the_part_is_refused(digits, count):
    with pytest.raises(InvalidInput, match=f"subset: got {count}; .*1 to 700"):
        digits.train.subset(count)


@pytest.mark.cuda
def test_on_the_gpu_the_images_are_the_same():
    here, there = data.load("digits", device="cpu"), data.load("digits", device="cuda")
    assert there.device.type == "cuda"
    assert torch.equal(here.train.images, there.train.images.cpu())


def _generator():
    return torch.Generator().manual_seed(11)
