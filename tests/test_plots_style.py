"""The palette: contrast with the page, and apart for eyes that miss a cone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nas_course import methods
from nas_course.errors import InvalidInput
from nas_course.operations import (
    CHAIN_OPERATIONS,
    DARTS_OPERATIONS,
    EIGHT_OPERATIONS,
    ENAS_OPERATIONS,
    NAS_BENCH_201_OPERATIONS,
)
from nas_course.plots import style

# Machado, Oliveira, Fernandes, "A physiologically-based model for simulation of color vision
# deficiency", 2009, table 1, severity 1.0; they act on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
# Ottosson, "A perceptual color space for image processing", 2020.
TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
# Spaces with a supernet have widgets that follow a dark page; the others only figures on white.
SUPERNET_SPACES = {"darts": DARTS_OPERATIONS, "nas-bench-201": NAS_BENCH_201_OPERATIONS}
SPACES = SUPERNET_SPACES | {
    "eight-operations": EIGHT_OPERATIONS,
    "enas-micro": ENAS_OPERATIONS,
    "chain": CHAIN_OPERATIONS,
}
PALETTES = {
    "light": (style.OPERATION_COLORS, "#ffffff"),
    "dark": (style.OPERATION_COLORS_DARK, "#111111"),
}


def linear(color: str) -> np.ndarray:
    srgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def contrast(first: str, second: str) -> float:
    """WCAG 2.2: (lighter + 0.05) / (darker + 0.05) of the relative luminances."""
    low, high = sorted(linear(color) @ [0.2126, 0.7152, 0.0722] for color in (first, second))
    return (high + 0.05) / (low + 0.05)


def seen(color: str, vision: str) -> np.ndarray:
    return TO_OKLAB @ np.cbrt(TO_CONES @ np.clip(VISION[vision] @ linear(color), 0, 1))


def closest(colors: list[str], vision: str) -> float:
    pairs = itertools.combinations(colors, 2)
    return min(np.linalg.norm(seen(a, vision) - seen(b, vision)) for a, b in pairs)


def test_contrast_of_black_on_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_red_and_green_of_equal_lightness_meet_without_the_green_cone() -> None:
    pair = ["#c86400", "#829600"]
    assert closest(pair, "deuteranopia") < 0.4 * closest(pair, "normal")


@pytest.mark.parametrize("theme", PALETTES)
def test_every_operation_color_has_contrast_3_to_1_with_its_page(theme: str) -> None:
    colors, page = PALETTES[theme]
    assert min(contrast(color, page) for color in colors.values()) >= 3


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(
    ("theme", "space"),
    [("light", space) for space in SPACES] + [("dark", space) for space in SUPERNET_SPACES],
)
def test_operations_of_one_space_stay_apart_for_every_eye(theme, space, vision) -> None:
    colors, _ = PALETTES[theme]
    assert closest([colors[name] for name in SPACES[space]], vision) >= 0.12


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("family", style.METHOD_FAMILIES)
def test_methods_of_a_family_and_its_frame_stay_apart_for_every_eye(family, vision) -> None:
    names = (*style.METHOD_FRAMES[family], *style.METHOD_FAMILIES[family])
    assert closest([style.METHOD_COLORS[name] for name in names], vision) >= 0.10


@pytest.mark.parametrize("vision", VISION)
def test_no_two_methods_of_the_registry_s_families_have_nearly_the_same_color(vision: str) -> None:
    gradient = {"random", "hand-designed", *methods.names("gradient")}
    black_box = {"hand-designed", "darts-1st", "darts-2nd", *methods.names("black-box")}
    for names, apart in ((gradient, 0.05), (black_box, 0.055)):
        assert closest([style.METHOD_COLORS[name] for name in sorted(names)], vision) >= apart
    assert len(set(style.METHOD_COLORS.values())) == len(style.METHOD_COLORS)


def test_every_method_has_a_family_and_a_marker_of_its_own_in_it() -> None:
    families = style.METHOD_FAMILIES.values()
    assert {"random"}.union(*families) == set(style.METHOD_COLORS)
    for family, names in style.METHOD_FAMILIES.items():
        markers = [style.METHOD_MARKERS[n] for n in (*style.METHOD_FRAMES[family], *names)]
        assert len(set(markers)) == len(markers)
        assert set(markers) <= set(style.METHOD_DASHES)


def test_the_methods_with_a_style_are_those_of_the_registry() -> None:
    known = {method.name for method in methods.all_methods()} | {"hand-designed"}
    assert set(style.METHOD_COLORS) == known


def test_a_tuned_method_is_drawn_like_the_method() -> None:
    tuned, plain = style.method_line("reinforce (tuned)"), style.method_line("reinforce")
    assert tuned.pop("label") == "reinforce (tuned)"
    assert plain.pop("label") == "reinforce"
    assert tuned == plain
    with pytest.raises(InvalidInput, match="Did you mean 'genetic'"):
        style.method_line("genetics")


def test_method_colors_have_contrast_3_to_1_and_text_4_5_to_1() -> None:
    assert min(contrast(color, "#ffffff") for color in style.METHOD_COLORS.values()) >= 3
    assert min(contrast(color, "#ffffff") for color in (style.INK, style.MUTED)) >= 4.5


@pytest.mark.parametrize("space", SPACES)
def test_each_operation_of_a_space_has_a_dash_and_a_marker_of_its_own(space: str) -> None:
    names = SPACES[space]
    assert len({style.OPERATION_DASHES[name] for name in names}) == len(names)
    assert len({style.OPERATION_MARKERS[name] for name in names}) == len(names)


def test_every_operation_of_the_package_has_a_complete_style() -> None:
    names = set().union(*SPACES.values())
    for table in ("COLORS", "COLORS_DARK", "DASHES", "MARKERS"):
        assert set(getattr(style, f"OPERATION_{table}")) == names
    assert set(style.SHORT_NAMES) == names
    assert set(style.METHOD_COLORS) == set(style.METHOD_MARKERS)


def test_unknown_operation_names_the_close_one() -> None:
    with pytest.raises(InvalidInput, match="Did you mean 'skip_connect'"):
        style.line("skip_conect")
