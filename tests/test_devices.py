"""Devices: names resolve to what is there, and precisions do what they say."""

import pytest
import torch

from nas_course import devices
from nas_course.errors import InvalidInput


def test_auto_takes_the_first_device_found():
    assert str(devices.resolve_device("auto")) == devices.available_devices()[0]


@pytest.mark.parametrize("name", ["cpu", "cpu:0", torch.device("cpu")])
def test_all_names_of_the_processor_are_one_device(name):
    assert devices.resolve_device(name) == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", 3.5, None])
def test_an_unknown_device_is_refused_with_the_choices(name):
    with pytest.raises(InvalidInput, match=r"'auto'.*'cpu'"):
        devices.resolve_device(name)


def test_a_device_that_is_not_there_is_refused_with_what_is():
    with pytest.raises(InvalidInput, match=r"'cuda:97' is not on this machine; it has .*cpu"):
        devices.resolve_device("cuda:97")


def test_float32_leaves_a_product_as_it_is_and_bfloat16_makes_it_16_bit():
    a = torch.ones(4, 4)
    with devices.autocast(torch.device("cpu"), "float32"):
        assert (a @ a).dtype == torch.float32
    with devices.autocast(torch.device("cpu"), "bfloat16"):
        assert (a @ a).dtype == torch.bfloat16


def test_float16_on_the_processor_is_refused_with_the_way_out():
    with pytest.raises(InvalidInput, match=r"needs a GPU.*'bfloat16'"):
        devices.autocast(torch.device("cpu"), "float16")


@pytest.mark.parametrize("make", [devices.autocast, devices.grad_scaler])
def test_an_unknown_precision_is_refused_with_the_choices(make):
    with pytest.raises(InvalidInput, match=r"'fp16'.*'float32', 'bfloat16', 'float16'.*"):
        make(torch.device("cpu"), "fp16")


def test_the_scaler_scales_only_for_float16():
    cpu = torch.device("cpu")
    assert not devices.grad_scaler(cpu, "float32").is_enabled()
    assert not devices.grad_scaler(cpu, "bfloat16").is_enabled()
    assert devices.grad_scaler(cpu, "float16").is_enabled()


@pytest.mark.cuda
def test_the_gpu_has_one_name_after_resolving():
    assert (
        devices.resolve_device("cuda") == devices.resolve_device("auto") == torch.device("cuda:0")
    )
    devices.synchronize(devices.resolve_device("cuda"))
