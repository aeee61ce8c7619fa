"""Comparisons: equal recipe, own draws, matched size, one look at the test part, resumable."""

import argparse
import json
from dataclasses import replace

import pytest
import torch

from nas_course import cli, comparison, models, spaces
from nas_course.comparison import PRESETS, running
from nas_course.comparison.command import make_protocol
from nas_course.errors import InvalidInput

TINY = replace(
    PRESETS["digits"],
    seeds=2,
    random_cells=2,
    train_images=40,
    valid_images=40,
    test_images=50,
    search_epochs=1,
    recipe=replace(PRESETS["digits"].recipe, epochs=1),
)
NO_SEARCH = replace(TINY, methods=("random", "hand-designed"))


def results(rows):
    """What must not depend on the clock."""
    return [{k: v for k, v in row.items() if not k.endswith("seconds")} for row in rows]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A comparison that ran through, and its file."""
    out = tmp_path_factory.mktemp("comparison") / "whole.json"
    return comparison.compare(TINY, out=out, device="cpu", command="as typed"), out


def test_every_seed_has_each_search_each_draw_and_the_hand_designed_network(whole):
    rows, _ = whole
    entries = [("darts-1st", 0), ("random", 0), ("random", 1), ("hand-designed", 0)]
    assert [(r["seed"], r["method"], r["draw"]) for r in rows] == [
        (seed, *entry) for seed in (0, 1) for entry in entries
    ]


def test_every_draw_is_another_cell_and_every_text_is_a_cell_of_the_space(whole):
    rows, _ = whole
    cells = [r["architecture"] for r in rows if r["method"] == "random"]
    assert len(set(cells)) == 4
    assert all(str(spaces.DARTSSpace().parse(text)) == text for text in cells)


def test_parameters_are_counted_and_the_hand_designed_network_is_within_ten_percent(whole):
    rows, _ = whole
    for seed in (0, 1):
        searched, *_, hand = [r for r in rows if r["seed"] == seed]
        network = models.build_network(
            spaces.DARTSSpace().parse(searched["architecture"]),
            channels=TINY.channels,
            cells=TINY.cells,
            classes=10,
            in_channels=1,
            generator=torch.Generator(),
        )
        assert searched["parameters"] == models.parameter_count(network)
        assert abs(hand["parameters"] / searched["parameters"] - 1) <= 0.1


def test_networks_train_on_train_and_valid_and_look_at_the_test_part_once(monkeypatch):
    looked, trained = [], []
    monkeypatch.setattr(
        running, "fit", lambda *a, **k: trained.append(len(a[1])) or [{"accuracy": 0.0}]
    )
    real = running.evaluate
    monkeypatch.setattr(running, "evaluate", lambda *a, **k: looked.append(len(a[1])) or real(*a))
    comparison.compare(replace(NO_SEARCH, seeds=1), device="cpu")
    assert trained == [80, 80, 80]
    assert looked == [50, 50, 50]


def test_the_file_tells_command_versions_protocol_sizes_and_rows(whole):
    rows, out = whole
    content = comparison.read(out)
    assert content["command"] == "as typed"
    assert content["versions"]["torch"] == str(torch.__version__)
    assert content["protocol"]["recipe"]["epochs"] == 1
    assert content["sizes"] == {"train": 40, "valid": 40, "test": 50}
    assert content["rows"] == rows


def test_a_comparison_stopped_after_any_row_goes_on_to_the_same_result(whole, tmp_path):
    class Stop(Exception):
        pass

    def stop(row):
        raise Stop

    rows, _ = whole
    out = tmp_path / "stopped.json"
    for _ in rows:
        with pytest.raises(Stop):
            comparison.compare(TINY, out=out, device="cpu", resume=True, on_row=stop)
    finished = comparison.compare(TINY, out=out, device="cpu", resume=True, on_row=stop)
    assert results(finished) == results(rows) == results(comparison.read(out)["rows"])


def test_an_existing_file_is_not_overwritten_and_another_protocol_not_continued(whole):
    _, out = whole
    before = out.read_bytes()
    with pytest.raises(InvalidInput, match=r"whole\.json exists already; .*--resume"):
        comparison.compare(TINY, out=out, device="cpu")
    with pytest.raises(InvalidInput, match=r"was made with random_cells = 2, but 3 was asked for"):
        comparison.compare(replace(TINY, random_cells=3), out=out, resume=True, device="cpu")
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is damaged"),
        ('{"rows": []}', "is no file of `nas-course compare`"),
        ("[1, 2]", "is no file of `nas-course compare`"),
        ('{"kind": "nas-course comparison", "format": 9}', "has the format 9; .* reads 1"),
    ],
)
def test_a_damaged_or_foreign_file_is_refused(tmp_path, content, message):
    file = tmp_path / "results.json"
    file.write_text(content)
    with pytest.raises(InvalidInput, match=message):
        comparison.read(file)


def test_a_missing_file_is_refused_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(InvalidInput, match=r"cannot be read.*nas-course compare"):
        comparison.read(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"methods": ("darts-1",)}, "methods: got 'darts-1'; .*Did you mean 'darts-1st'"),
        ({"methods": ("hand-designed",)}, "takes its size from a cell network"),
        ({"seeds": 0}, "seeds: got 0"),
        ({"random_cells": -1}, "random_cells: got -1"),
        ({"search_epochs": 2.5}, r"search_epochs: got 2\.5"),
    ],
)
def test_a_wrong_protocol_is_refused(wrong, message):
    with pytest.raises(InvalidInput, match=message):
        replace(TINY, **wrong)


def test_the_command_line_runs_a_comparison_and_says_what_it_shows(tmp_path, capsys):
    out = tmp_path / "made.json"
    words = [
        "compare", "--data", "digits", "--methods", "darts-1st,random", "--seeds", "2",
        "--random-cells", "1", "--train-images", "30", "--valid-images", "30",
        "--search-epochs", "1", "--epochs", "1", "--device", "cpu", "--out", str(out),
    ]  # fmt: skip
    assert cli.main(words) == 0
    printed = capsys.readouterr().out
    assert "seed 1 random 0: " in printed
    assert "darts-1st beats random on " in printed and " of 2 seeds; " in printed
    assert json.loads(out.read_text())["command"].startswith("nas-course compare --data digits")
    assert cli.main(words) == 2
    assert "exists already" in capsys.readouterr().err
    assert cli.main([*words, "--resume"]) == 0
    assert len(comparison.read(out)["rows"]) == 4


def test_the_command_line_refuses_an_unknown_data_set(tmp_path, capsys):
    assert cli.main(["compare", "--data", "cifar", "--out", str(tmp_path / "x.json")]) == 2
    assert "Did you mean 'cifar10'" in capsys.readouterr().err


def parsed(*words):
    parser = argparse.ArgumentParser()
    comparison.add_arguments(parser)
    return make_protocol(parser.parse_args([*words, "--out", "unused.json"]))


@pytest.mark.parametrize("name", list(PRESETS))
def test_without_options_the_command_line_takes_the_preset(name):
    assert parsed("--data", name) == PRESETS[name]


def test_options_change_the_part_they_name_and_nothing_else():
    words = "--seeds 5 --search-channels 6 --epochs 7 --methods random,darts-2nd --channels-last"
    changed = parsed("--data", "cifar10", *words.split())
    preset = PRESETS["cifar10"]
    assert changed == replace(
        preset,
        seeds=5,
        methods=("random", "darts-2nd"),
        search=replace(preset.search, channels=6, channels_last=True),
        recipe=replace(preset.recipe, epochs=7, channels_last=True),
    )
