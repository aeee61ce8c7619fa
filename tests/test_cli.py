"""The command line: what it prints, what it writes, and one clear message for each mistake."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nas_course import __version__, cli, methods
from nas_course.data import load
from nas_course.history import History
from nas_course.search import search_gradient
from nas_course.storage import generations
from nas_course.strategies.gradient import GradientSettings

ROOT = Path(__file__).resolve().parents[1]
SMALL = "--space nas-bench-201 --device cpu --channels 2 --cells 1 --batch-size 8 --quiet"
SMALL += " --train-images 16 --valid-images 16"


def call(line, capsys):
    """Run a command line in this process: exit code, what it printed, its complaints."""
    capsys.readouterr()
    code = cli.main(shlex.split(line))
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def start(*words, **more):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-m", "nas_course.cli", *words]
    return subprocess.Popen(
        program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
    )


def test_help_answers_without_importing_torch():
    program = [
        sys.executable,
        "-X",
        "importtime",
        "-m",
        "nas_course.cli",
        "--help",
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=True)
    for name in cli.COMMANDS:
        assert name in done.stdout
    assert "argparse" in done.stderr
    assert "torch" not in done.stderr and "numpy" not in done.stderr


def test_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0 and capsys.readouterr().out == f"nas-course {__version__}\n"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_subcommand_explains_its_arguments(name, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([name, "--help"])
    printed = capsys.readouterr().out
    assert stop.value.code == 0
    assert f"usage: nas-course {name}" in printed and "options:" in printed


def test_methods_are_listed_as_a_table_and_as_json(capsys):
    code, table, _ = call("methods", capsys)
    rows = json.loads(call("methods --json", capsys)[1])
    assert code == 0
    assert [row["name"] for row in rows] == [method.name for method in methods.all_methods()]
    for family in methods.FAMILIES:
        assert f"{family} methods" in table
    for row in rows:
        assert set(row) == {"name", "family", "parts", "options", "citation"}
        assert row["citation"] in table and row["name"] in table
        assert all(f"{place}: {part}" in table for place, part in row["parts"].items())


def test_search_gives_what_the_same_call_in_a_notebook_gives(capsys, tmp_path):
    out = tmp_path / "run"
    line = f"search darts-2nd {SMALL} --epochs 2 --seed 5 --out {out}"
    code, printed, complaints = call(line, capsys)
    assert (code, complaints) == (0, "")
    data = load("digits", train_images=16, valid_images=16, device="cpu")
    settings = GradientSettings(channels=2, cells=1, batch_size=8, alpha_learning_rate=0.02)
    expected = search_gradient(
        "darts-2nd",
        data,
        space="nas-bench-201",
        settings=settings,
        epochs=2,
        seed=5,
        progress=False,
    )
    written = json.loads((out / "result.json").read_text())
    assert written["architecture"] == str(expected.architecture)
    assert f"architecture: {expected.architecture}" in printed
    ours, theirs = History.load(out), expected.history
    assert (ours.alphas("cell") == theirs.alphas("cell")).all()
    assert written["command"] == f"nas-course {line}"


def test_the_command_in_the_result_makes_the_same_result(capsys, tmp_path):
    call(f"search darts-1st {SMALL} --epochs 1 --out {tmp_path / 'one'}", capsys)
    call(f"search darts-1st {SMALL} --epochs 1 --out {tmp_path / 'one'} --resume", capsys)
    first = json.loads((tmp_path / "one" / "result.json").read_text())
    words = shlex.split(first["command"].replace(str(tmp_path / "one"), str(tmp_path / "two")))
    assert words[0] == "nas-course" and "--resume" not in words
    assert cli.main(words[1:]) == 0
    second = json.loads((tmp_path / "two" / "result.json").read_text())
    for part in ("architecture", "scores", "settings", "versions", "seed", "data"):
        assert first[part] == second[part]


def test_every_hyperparameter_can_be_set(capsys, tmp_path):
    options = {
        "channels": 4,
        "cells": 2,
        "batch_size": 16,
        "weight_learning_rate": 0.5,
        "minimum_learning_rate": 0.1,
        "weight_momentum": 0.5,
        "weight_decay": 0.01,
        "gradient_clip": 1.0,
        "alpha_learning_rate": 0.25,
        "alpha_weight_decay": 0.125,
        "alpha_scale": 0.5,
        "precision": "bfloat16",
        "engine": "plain",
    }
    line = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in options.items())
    line += " --alpha-betas 0.75 0.875 --channels-last --epochs 1 --train-images 16"
    line += " --valid-images 16 --space nas-bench-201 --device cpu --quiet"
    code, _, complaints = call(f"search darts-1st {line} --out {tmp_path / 'run'}", capsys)
    assert code == 0, complaints
    written = json.loads((tmp_path / "run" / "result.json").read_text())["settings"]
    pairs = {"alpha_betas": [0.75, 0.875], "channels_last": True}
    assert written == options | pairs


def test_options_of_a_gradient_method_are_set_kept_and_decide(capsys, tmp_path):
    line = f"search p-darts {SMALL} --epochs 1 --set dropout=0,0.1,0.2 --set skips=1"
    code, _, complaints = call(f"{line} --out {tmp_path / 'run'}", capsys)
    assert code == 0, complaints
    written = json.loads((tmp_path / "run" / "result.json").read_text())["options"]
    assert (written["dropout"], written["skips"]) == ([0, 0.1, 0.2], 1)
    assert written["warm_up"] == methods.get("p-darts").options()["warm_up"]
    changed = f"{line.replace('skips=1', 'skips=2')} --resume --out {tmp_path / 'run'}"
    assert "skips" in call(changed, capsys)[2]


def test_seconds_bound_a_search(capsys, tmp_path):
    line = f"search darts-1st {SMALL} --epochs 100000 --seconds 0.5 --out {tmp_path / 'run'}"
    began = time.monotonic()
    assert call(line, capsys)[0] == 0
    assert time.monotonic() - began < 300, "all epochs take hours"
    assert json.loads((tmp_path / "run" / "result.json").read_text())["cost"]["seconds"] >= 0.5


WRONG = {
    "darts-3 --epochs 1": "method: got 'darts-3'; allowed: 'darts-1st', 'darts-2nd'",
    "darts-1st --epochs -1": "epochs: got -1; allowed: whole numbers from 1 on",
    "darts-1st --epochs 0": "epochs: got 0",
    "darts-1st": "give epochs (--epochs) or seconds (--seconds)",
    "darts-1st --seconds 0": "seconds: got 0.0; allowed: numbers above 0",
    "darts-1st --evaluations 10": "counts epochs; give --epochs or --seconds instead",
    "darts-1st --epochs 1 --seed -1": "seed: got -1",
    "darts-1st --epochs 1 --data mnist": "data: got 'mnist'; allowed: 'digits'",
    "darts-1st --epochs 1 --space nas-bench-101": "Did you mean 'nas-bench-201'?",
    "darts-1st --epochs 1 --device tpu": "device: got 'tpu'",
    "darts-1st --epochs 1 --precision half": "precision: got 'half'",
    "darts-1st --epochs 1 --channels 0": "channels: got 0",
    "darts-1st --epochs 1 --cells 0": "cells: got 0",
    "darts-1st --epochs 1 --batch-size 0": "batch_size: got 0",
    "darts-1st --epochs 1 --train-images 0": "train_images: got 0",
    "darts-1st --epochs 1 --train-images 99999": "train_images: got 99999",
    "darts-1st --epochs 1 --image-size 9": "image_size: got 9",
    "darts-1st --epochs 1 --threads 0": "threads: got 0",
    "darts-1st --epochs 1 --weight-learning-rate 0": "weight_learning_rate: got 0.0",
    "darts-1st --epochs 1 --checkpoint-seconds -1": "checkpoint_seconds: got -1.0",
    "darts-1st --epochs 1 --set epsilon=1": "got 'epsilon=1'; darts-1st has no options",
    "idarts --epochs 1 --set tems=1": "option of idarts: got 'tems'; allowed: 'terms', 'weight_s",
    "idarts --epochs 1 --set terms": "set: got 'terms'; write it as --set name=value",
    "idarts --epochs 1 --set terms=1.5": "terms: got '1.5'; allowed: a value like the default, 2",
    "idarts --epochs 1 --set terms=-1": "terms: got -1",
    "p-darts --epochs 1 --set dropout=often": "dropout: got 'often'; allowed: a value like the d",
    "p-darts --epochs 1 --set dropout=0.1": "dropout: got (0.1,); allowed: ",
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_argument_gets_one_message_and_writes_nothing(line, capsys, tmp_path):
    code, printed, complaint = call(
        f"search --space nas-bench-201 {line} --quiet --out {tmp_path / 'run'}", capsys
    )
    assert (code, printed) == (2, "")
    assert complaint.startswith("nas-course search: ") and WRONG[line] in complaint
    assert "Traceback" not in complaint and not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "required: COMMAND"),
        ("serch", "invalid choice: 'serch'"),
        ("search", "required: method, --out"),
        ("search darts-1st --out x --epochs two", "invalid int value: 'two'"),
        ("search darts-1st --out x --epochz 2", "unrecognized arguments"),
        ("search darts-1st --out x --seed 0.5", "invalid int value: '0.5'"),
    ],
)
def test_what_cannot_be_parsed_is_explained_with_the_usage(line, said, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(shlex.split(line))
    complaint = capsys.readouterr().err
    assert stop.value.code == 2 and said in complaint and "usage: nas-course" in complaint


def test_a_wrong_data_folder_is_a_clear_error(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("NAS_COURSE_DATA", str(tmp_path / "nowhere"))
    line = f"search darts-1st --data cifar10 --epochs 1 --out {tmp_path / 'run'}"
    code, _, complaint = call(line, capsys)
    assert code == 2 and "NAS_COURSE_DATA" in complaint and "nowhere" in complaint


def test_a_folder_that_cannot_be_written_is_a_clear_error(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    line = f"search darts-1st {SMALL} --epochs 1 --out {tmp_path / 'file' / 'run'}"
    code, _, complaint = call(line, capsys)
    assert code == 2 and "cannot be made" in complaint


def test_a_second_search_in_a_folder_is_refused_and_a_resumed_one_gives_the_result_again(
    capsys, tmp_path
):
    line = f"search darts-1st {SMALL} --epochs 1 --out {tmp_path / 'run'}"
    _, first, _ = call(line, capsys)
    code, _, complaint = call(line, capsys)
    assert code == 2 and "already holds a run" in complaint and "--resume" in complaint
    assert call(f"{line} --resume", capsys) == (0, first, "")


def test_a_run_is_not_resumed_with_another_seed(capsys, tmp_path):
    line = f"search darts-1st {SMALL} --epochs 1 --out {tmp_path / 'run'}"
    call(line, capsys)
    code, _, complaint = call(f"{line} --resume --seed 1", capsys)
    assert code == 2 and "seed = 0, but 1 was asked for" in complaint


def test_a_corrupt_checkpoint_is_named_without_a_traceback(capsys, tmp_path):
    line = f"search darts-1st {SMALL} --epochs 1 --out {tmp_path / 'run'}"
    call(line, capsys)
    found = generations(tmp_path / "run" / "checkpoints")
    (found[0] / "state.pt").write_bytes(b"junk")
    code, _, complaint = call(f"{line} --resume", capsys)
    assert code == 0 and complaint.startswith("nas-course: warning: ") and "state.pt" in complaint
    for path in generations(tmp_path / "run" / "checkpoints"):
        (path / "state.pt").write_bytes(b"junk")
    code, _, complaint = call(f"{line} --resume", capsys)
    assert code == 2 and "no saved state can be read" in complaint and "Traceback" not in complaint


@pytest.mark.posix
def test_ctrl_c_says_how_to_go_on_and_leaves_a_state_to_go_on_from(capsys, tmp_path):
    out = tmp_path / "run"
    line = f"search darts-1st {SMALL} --epochs 100000 --out {out}"
    process = start(*shlex.split(line))
    history = out / "history.jsonl"
    while not history.exists() or history.read_bytes().count(b"\n") < 4:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "Stopped in epoch" in complaint and "go on with resume=True (--resume)" in complaint
    assert "Traceback" not in complaint and generations(out / "checkpoints")


@pytest.mark.posix
def test_a_reader_that_leaves_early_is_no_error():
    process = start("methods")
    process.stdout.close()
    assert process.wait(timeout=300) in (0, 1)
    assert process.stderr.read() == ""


TRAINED = "--estimate training --train-images 16 --valid-images 16 --channels 2 --train-epochs 3"
TRAINED += " --device cpu --quiet"


def test_a_black_box_search_trains_what_it_tries_and_goes_on_with_more(capsys, tmp_path):
    line = f"search successive-halving {TRAINED} --out {tmp_path / 'run'}"
    code, printed, complaints = call(f"{line} --evaluations 2", capsys)
    assert (code, complaints) == (0, "") and "full evaluations" in printed
    first = History.load(tmp_path / "run").rows
    assert call(f"{line} --evaluations 4 --resume", capsys)[0] == 0
    rows = History.load(tmp_path / "run").rows
    assert rows[: len(first)] == first and rows[-1]["evaluations"] >= 4
    written = json.loads((tmp_path / "run" / "result.json").read_text())
    assert (
        written["options"]["eta"] == 3
        and written["command"] == f"nas-course {line} --evaluations 4"
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("random", "budget: got none; give evaluations"),
        (
            "random --epochs 3 --evaluations 3",
            "counts evaluations; give --evaluations",
        ),
        ("random --evaluations 0", "evaluations: got 0"),
        ("random --evaluations 3 --alpha-scale 1", "alpha_scale: got 1.0, which is for gradient"),
        ("random --evaluations 3 --workers 0", "workers: got 0"),
        ("random --evaluations 3 --estimate tabel", "Did you mean 'table'?"),
        ("genetic --evaluations 3 --set speed=3", "option of genetic: got 'speed'; allowed: 'pop"),
        ("genetic --evaluations 3 --set mutation_rate=often", "mutation_rate: got 'often'"),
        ("genetic --evaluations 3 --set elites", "set: got 'elites'; write it as"),
        ("random --evaluations 3 --estimate table", "networks are trained already"),
        ("darts-1st --epochs 1", "which is for methods that try single architectures"),
    ],
)
def test_a_wrong_argument_of_a_black_box_search_gets_one_message(line, said, capsys, tmp_path):
    code, printed, complaint = call(f"search {TRAINED} {line} --out {tmp_path / 'run'}", capsys)
    assert (code, printed) == (2, "") and said in complaint
    assert "Traceback" not in complaint and not (tmp_path / "run").exists()
