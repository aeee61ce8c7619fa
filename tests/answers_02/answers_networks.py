"""Answers to 02.2 and 02.3: parameters of convolutions, shapes of a network."""

import numpy as np
import torch
from torch import nn

from answers_02 import right, wrong


def counted(convolution, separable, dilated):
    return {"convolution": convolution, "separable": separable, "dilated": dilated}


@wrong("02.2", "separable-once")
def one_pair(channels_in, channels_out, kernel, affine):
    norm = 2 * channels_out * affine
    pair = channels_in * (kernel**2 + channels_out) + norm
    return counted(channels_in * channels_out * kernel**2 + norm, pair, pair)


@wrong("02.2", "halves-alike")
def doubled(channels_in, channels_out, kernel, affine):
    norm = 2 * channels_out * affine
    pair = channels_in * (kernel**2 + channels_out) + norm
    return counted(channels_in * channels_out * kernel**2 + norm, 2 * pair, pair)


@wrong("02.2", "widened-in-the-first-half")
def widens_at_once(channels_in, channels_out, kernel, affine):
    norm = 2 * channels_out * affine
    pair = channels_in * (kernel**2 + channels_out) + norm
    second = channels_out * (kernel**2 + channels_out) + norm
    return counted(channels_in * channels_out * kernel**2 + norm, pair + second, pair)


def written(i, o, k, each, inner=None, depthwise=None, pointwise=1, field=None, bias=0):
    depthwise = i * k * k if depthwise is None else depthwise
    inner = each if inner is None else inner
    wide = depthwise if field is None else i * field * field
    return counted(
        i * o * k * k + each * o + bias * o,
        2 * depthwise + pointwise * (i * i + i * o) + inner * i + each * o + bias * (3 * i + o),
        wide + pointwise * i * o + each * o + bias * (i + o),
    )


@wrong("02.2", "inner-norm-forgotten")
def one_norm(channels_in, channels_out, kernel, affine):
    return written(channels_in, channels_out, kernel, 2 * affine, inner=0)


@wrong("02.2", "depthwise-mixes-channels")
def no_groups(channels_in, channels_out, kernel, affine):
    mixed = channels_in**2 * kernel**2
    return written(channels_in, channels_out, kernel, 2 * affine, depthwise=mixed)


@wrong("02.2", "pointwise-forgotten")
def depthwise_alone(channels_in, channels_out, kernel, affine):
    return written(channels_in, channels_out, kernel, 2 * affine, pointwise=0)


@wrong("02.2", "dilation-costs")
def field_counted(channels_in, channels_out, kernel, affine):
    return written(channels_in, channels_out, kernel, 2 * affine, field=2 * kernel - 1)


@wrong("02.2", "bias-counted")
def with_biases(channels_in, channels_out, kernel, affine):
    return written(channels_in, channels_out, kernel, 2 * affine, bias=1)


@wrong("02.2", "norm-forgotten")
def without_norms(channels_in, channels_out, kernel, affine):
    return written(channels_in, channels_out, kernel, 0)


@wrong("02.2", "norm-always-counted")
def always_affine(channels_in, channels_out, kernel, affine):
    return written(channels_in, channels_out, kernel, 2)


@wrong("02.2", "one-number-a-channel")
def scale_only(channels_in, channels_out, kernel, affine):
    return written(channels_in, channels_out, kernel, 1 if affine else 0)


@wrong("02.2", "statistics-counted")
def with_statistics(channels_in, channels_out, kernel, affine):
    return written(channels_in, channels_out, kernel, 4 if affine else 2)


@wrong("02.2", "statistics-counted")
def statistics_when_affine(channels_in, channels_out, kernel, affine):
    return written(channels_in, channels_out, kernel, 4 if affine else 0)


@wrong("02.2", "kernel-not-squared")
def a_row(channels_in, channels_out, kernel, affine):
    i, o, each = channels_in, channels_out, 2 * affine
    return counted(
        i * o * kernel + each * o,
        2 * i * kernel + i * i + i * o + each * (i + o),
        i * kernel + i * o + each * o,
    )


@wrong("02.2", "wrong-keys")
def a_tuple(channels_in, channels_out, kernel, affine):
    return tuple(written(channels_in, channels_out, kernel, 2 * affine).values())


@right("02.2")
def by_torch(channels_in, channels_out, kernel, affine):
    """Builds the layers and lets torch count."""

    def pair(wide, narrow, dilation):
        return (
            nn.Conv2d(wide, wide, kernel, dilation=dilation, groups=wide, bias=False),
            nn.Conv2d(wide, narrow, 1, bias=False),
            nn.BatchNorm2d(narrow, affine=affine),
        )

    layers = {
        "convolution": (
            nn.Conv2d(channels_in, channels_out, kernel, bias=False),
            nn.BatchNorm2d(channels_out, affine=affine),
        ),
        "separable": (*pair(channels_in, channels_in, 1), *pair(channels_in, channels_out, 1)),
        "dilated": pair(channels_in, channels_out, 2),
    }
    return {
        name: sum(p.numel() for layer in group for p in layer.parameters())
        for name, group in layers.items()
    }


@right("02.2")
def by_formula(channels_in, channels_out, kernel, affine):
    """One formula for each, in numpy numbers and floats."""
    i, o, k = np.int64(channels_in), channels_out, float(kernel)
    norm = 2 if affine else 0
    return counted(
        o * (i * k**2 + norm),
        i * (2 * k**2 + i + o + norm) + o * norm,
        torch.tensor(i * (k**2 + o) + o * norm),
    )


def built(reductions, layers, channels, side, nodes):
    shapes = []
    for cell in range(layers):
        for _ in [place for place in reductions if place == cell]:
            channels, side = channels * 2, side // 2
        shapes.append((channels * nodes, side))
    return {"reductions": list(reductions), "shapes": shapes}


def thirds(layers):
    return {layers // 3, 2 * layers // 3}


@wrong("02.3", "counted-from-one")
def cell_numbers_from_one(layers, channels, side, nodes):
    return built({max(0, place - 1) for place in thirds(layers)}, layers, channels, side, nodes)


@wrong("02.3", "one-cell-later")
def after_the_third(layers, channels, side, nodes):
    return built({place + 1 for place in thirds(layers)}, layers, channels, side, nodes)


@wrong("02.3", "every-third-cell")
def as_drawn(layers, channels, side, nodes):
    return built(range(2, layers, 3), layers, channels, side, nodes)


@wrong("02.3", "thirds-rounded")
def nearest(layers, channels, side, nodes):
    return built({round(layers / 3), round(2 * layers / 3)}, layers, channels, side, nodes)


@wrong("02.3", "twice-the-rounded-third")
def twice_the_third(layers, channels, side, nodes):
    return built({layers // 3, 2 * (layers // 3)}, layers, channels, side, nodes)


@wrong("02.3", "same-cell-twice")
def as_a_list(layers, channels, side, nodes):
    return built([layers // 3, 2 * layers // 3], layers, channels, side, nodes)


@wrong("02.3", "second-reduction-missing")
def one_reduction(layers, channels, side, nodes):
    return built({layers // 3}, layers, channels, side, nodes)


@wrong("02.3", "reduced-one-cell-late")
def noted_before(layers, channels, side, nodes):
    shapes = []
    for cell in range(layers):
        shapes.append((nodes * channels, side))
        if cell in thirds(layers):
            channels, side = 2 * channels, side // 2
    return {"reductions": thirds(layers), "shapes": shapes}


def reshaped(change):
    def answer(layers, channels, side, nodes):
        right_answer = built(thirds(layers), layers, channels, side, nodes)
        shapes = [change(*shape, channels, side, nodes) for shape in right_answer["shapes"]]
        return right_answer | {"shapes": shapes}

    return answer


wrong("02.3", "nodes-not-concatenated")(reshaped(lambda c, s, c0, s0, n: (c // n, s)))
wrong("02.3", "stem-counted")(reshaped(lambda c, s, c0, s0, n: (3 * c // n, s)))
wrong("02.3", "channels-not-doubled")(reshaped(lambda c, s, c0, s0, n: (n * c0, s)))
wrong("02.3", "side-not-halved")(reshaped(lambda c, s, c0, s0, n: (c, s0)))
wrong("02.3", "channels-quadrupled")(reshaped(lambda c, s, c0, s0, n: (c * s0 // s, s)))
wrong("02.3", "side-first")(reshaped(lambda c, s, c0, s0, n: (s, c)))
wrong("02.3", "not-whole")(reshaped(lambda c, s, c0, s0, n: (c, s / 3)))


@wrong("02.3", "wrong-shape")
def channels_alone(layers, channels, side, nodes):
    shapes = built(thirds(layers), layers, channels, side, nodes)["shapes"]
    return {"reductions": thirds(layers), "shapes": [shape[0] for shape in shapes]}


@right("02.3")
def arrays(layers, channels, side, nodes):
    """Counts the reductions passed with numpy; arrays come back, sides are floats."""
    places = np.unique([layers // 3, 2 * layers // 3])
    passed = (np.arange(layers)[:, None] >= places).sum(axis=1)
    shapes = np.stack([nodes * channels * 2.0**passed, side / 2**passed], axis=1)
    return {"reductions": places[::-1], "shapes": shapes}


@right("02.3")
def by_recursion(layers, channels, side, nodes):
    """Doubles from cell to cell, with sorted lists of lists."""
    places = sorted(thirds(layers))
    shapes = [[nodes * channels, side]]
    for cell in range(layers):
        before = shapes[-1]
        shapes.append([before[0] * 2, before[1] // 2] if cell in places else list(before))
    return {"shapes": shapes[1:], "reductions": tuple(places)}
