"""`nas-course grade`: one report per notebook, one line for a file that is none."""

import json
import os
import sys

import pytest
from grading_samples import (
    CHAPTER,
    CHECKS,
    EXERCISES,
    HONEST,
    IMPORT,
    POINTS,
    RIGHT_EDGES,
    RIGHT_WEIGHTS,
    codes,
    grader,
    write_notebook,
)

from nas_course import cli
from nas_course.errors import InvalidInput
from nas_course.grading import command
from nas_course.grading.limits import Limits
from nas_course.grading.notebook import MOST_CELLS, read_notebook

NAME = f"{CHAPTER}.ipynb"
CELL = {"cell_type": "code", "source": "x = 1", "metadata": {}, "outputs": []}


def as_file(**fields) -> bytes:
    return json.dumps({"cells": [], "nbformat": 4, "nbformat_minor": 5, **fields}).encode()


MALFORMED = (
    ("empty", b"", "not a notebook: Expecting value at line 1"),
    ("cut off", as_file(cells=[CELL])[:60], "not a notebook"),
    ("no json", b"# a script\nprint(1)\n", "not a notebook"),
    ("a list", b"[1, 2]", "no JSON object"),
    ("a number", b"3", "no JSON object"),
    ("null", b"null", "no JSON object"),
    ("binary", bytes(range(256)), "not UTF-8 text"),
    ("utf-16", as_file().decode().encode("utf-16"), "not UTF-8 text"),
    ("zip archive", b"PK\x03\x04" + bytes(200), "not a notebook"),
    ("null characters", b"\0" * 1000, "not a notebook"),
    ("format 3", as_file(nbformat=3, worksheets=[]), "notebook format 3, only 4 is read"),
    ("format 5", as_file(nbformat=5), "notebook format 5, only 4 is read"),
    ("format as text", as_file(nbformat="4"), "notebook format not given"),
    ("no format", b'{"cells": []}', "notebook format not given"),
    ("no cells", b'{"nbformat": 4}', "no list of cells"),
    ("cells as a dict", as_file(cells={}), "no list of cells"),
    ("cells of numbers", as_file(cells=[1, 2]), "no list of cells"),
    ("source is a number", as_file(cells=[{**CELL, "source": 3}]), "cell 1 has a source"),
    ("source of numbers", as_file(cells=[CELL, {**CELL, "source": [1]}]), "cell 2 has a source"),
    ("nested lists", b"[" * 100_000, "nested too deeply"),
    ("nested cells", b'{"cells":' * 50_000, "nested too deeply"),
    ("long number", b'{"nbformat": ' + b"4" * 5_000 + b"}", "a number that is too long"),
    ("too many cells", as_file(cells=[CELL] * (MOST_CELLS + 1)), "cells, at most"),
    ("no exercise", as_file(cells=[CELL]), "no exercise found"),
    ("unknown exercise", as_file(cells=[{**CELL, "source": 'check("77.1", x)'}]), "no exercise"),
)


@pytest.mark.parametrize(
    ("content", "words"), [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED]
)
def test_malformed_file_gives_one_line_with_reason_and_remedy(content, words, tmp_path):
    path = tmp_path / "submission.ipynb"
    path.write_bytes(content)
    report = grader().grade(path)
    assert words in report.error
    assert str(path) in report.error
    assert len(command.as_text(report).splitlines()) == 1
    assert report.points == report.possible == 0


def test_missing_file_folder_link_and_strange_name_give_one_line(tmp_path):
    (tmp_path / "folder.ipynb").mkdir()
    reasons = {
        "missing.ipynb": "no such file",
        "folder.ipynb": "not a regular file",
        "null\0character.ipynb": "null character",
        "n" * 300: "name too long",
    }
    if os.name == "posix":
        (tmp_path / "link.ipynb").symlink_to(write_notebook(tmp_path / NAME, HONEST))
        os.mkfifo(tmp_path / "pipe.ipynb")
        reasons |= {"link.ipynb": "a symbolic link", "pipe.ipynb": "not a regular file"}
    for name, reason in reasons.items():
        text = command.as_text(grader().grade(tmp_path / name))
        assert text.startswith("not graded: ")
        assert reason in text.lower()
        assert len(text.splitlines()) == 1


def test_file_too_large_is_refused_without_reading_it(tmp_path):
    path = tmp_path / "large.ipynb"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    assert "200 MB, at most 50 MB; clear all outputs" in grader().grade(path).error


def test_byte_order_mark_and_sources_as_lines_are_read(tmp_path):
    path = tmp_path / NAME
    cells = [{**CELL, "source": ["a = 1\r\n", "b = 2"]}, {"cell_type": "markdown", "source": 3}]
    path.write_bytes(b"\xef\xbb\xbf" + as_file(cells=cells))
    assert read_notebook(path).cells == ((1, "a = 1\r\nb = 2"),)


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setattr(command, "exercises", lambda: EXERCISES)


def run(capsys, *words):
    code = cli.main(["grade", *map(str, words)])
    out, err = capsys.readouterr()
    return code, out, err


def test_table_and_json_agree_and_one_bad_file_stops_nobody(tmp_path, known, capsys):
    good = write_notebook(tmp_path / NAME, HONEST)
    bad = tmp_path / "bad.ipynb"
    bad.write_bytes(b"{")
    code, out, err = run(capsys, bad, good, "--seed", 5)
    assert (code, err) == (1, "")
    assert f"not graded: {bad}: not a notebook" in out
    assert f"{good}: 6 of 6 points" in out
    assert "isolation: separate process, watched" in out
    assert "1 graded, 1 not graded; 6 of 6 points; hidden cases drawn with --seed 5" in out

    code, out, _ = run(capsys, good, bad, "--json", "--seed", 5)
    content = json.loads(out)
    first, second = content["notebooks"]
    assert (code, content["seed"], first["points"], first["possible"]) == (1, 5, 6, 6)
    assert [part["verdict"] for part in first["exercises"]] == ["right", "right"]
    assert first["isolation"].keys() == {
        *("files", "processes", "network", "messages", "user", "landlock", "seccomp", "limits")
    } or sys.platform != "linux"  # fmt: skip
    assert second["error"].startswith(str(bad))


def test_seed_is_drawn_anew_and_shown(tmp_path, known, capsys):
    path = write_notebook(tmp_path / NAME, ("x = 1",))
    seeds = {json.loads(run(capsys, path, "--json")[1])["seed"] for _ in range(2)}
    assert len(seeds) == 2


def test_wrong_time_limits_are_refused(tmp_path, known, capsys):
    for words in (["--timeout", "0"], ["--timeout", "-1"], ["--cell-timeout", "nan"]):
        code, _, err = run(capsys, tmp_path / NAME, *words)
        assert code == 2
        assert "must be above 0" in err
    with pytest.raises(InvalidInput):
        Limits(seconds=float("inf"))


def graded(tmp_path, *cells, **limits):
    return grader(**limits).grade(write_notebook(tmp_path / NAME, cells))


def test_cell_that_raises_is_reported_and_the_next_ones_run(tmp_path):
    report = graded(tmp_path, IMPORT, "broken = 1 / 0", RIGHT_WEIGHTS, RIGHT_EDGES)
    assert report.points == POINTS
    assert [(t.number, t.code) for t in report.troubles] == [(2, "raised")]
    assert "ZeroDivisionError: division by zero (line 1: broken = 1 / 0)" in report.troubles[0].text


def test_missing_answer_names_the_cell_that_stopped(tmp_path):
    report = graded(tmp_path, IMPORT, f"import nowhere\n{RIGHT_WEIGHTS}", RIGHT_EDGES)
    assert codes(report) == {"99.1": "not-found", "99.2": None}
    assert "Cell 2 stopped with ModuleNotFoundError" in report.reports[0].diagnosis.cause


def test_renamed_answer_is_found_by_its_check_cell(tmp_path):
    renamed = RIGHT_WEIGHTS.replace("weights", "my_weights")
    report = graded(tmp_path, IMPORT, renamed, 'check("99.1", my_weights)', RIGHT_EDGES)
    assert report.points == POINTS


def test_unsolved_notebook_runs_through_and_earns_nothing(tmp_path):
    stub = "def weights(values):\n    # your code\n    ..."
    report = graded(tmp_path, IMPORT, stub, CHECKS[0], "edges = ...", CHECKS[1])
    assert (report.points, report.troubles) == (0, ())
    assert [part.verdict for part in report.reports] == ["not answered"] * 2


NOISE = """
import sys, warnings, logging
warnings.warn("careful")
logging.getLogger().warning("noise")
print("noise", file=sys.stderr)
print("\\x1b[31mred\\x1b[0m")
"""
HONEST_VARIANTS = {
    "noise on both outputs": (NOISE, RIGHT_WEIGHTS + "print(weights([1, 2]))"),
    "windows line ends": (RIGHT_WEIGHTS.replace("\n", "\r\n"),),
    "numpy": ("import numpy as np\ndef weights(v):\n    e = np.exp(v)\n    return e / e.sum()",),
    "float32 tensors": (
        "import torch\ndef weights(values):\n"
        "    return torch.softmax(torch.tensor(values, requires_grad=True), 0)",
    ),
    "a lambda and a tuple": (
        "import math\nweights = lambda v: tuple(math.exp(x) / sum(map(math.exp, v)) for x in v)",
    ),
    "a callable object": (
        RIGHT_WEIGHTS + "class W:\n    def __call__(self, v): return f(v)",
        "f = weights\nweights = W()",
    ),
    "magics, display and a plot": (
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nfrom IPython.display import *\n"
        "display(HTML('<b>x</b>'))\nplt.plot([1, 2])\nplt.show()\n!echo hello\n%time x = 1",
        "%%time\ny = 2",
        RIGHT_WEIGHTS,
    ),
    "widgets and asyncio": (
        "import asyncio, ipywidgets\nipywidgets.IntSlider()\nawait asyncio.sleep(0)",
        RIGHT_WEIGHTS,
    ),
    "own classes pickled and files written": (
        "import pickle, pathlib, tempfile\npathlib.Path('a.txt').write_text('ü')\n"
        "class A: pass\npickle.loads(pickle.dumps(A()))\ntempfile.TemporaryFile().close()",
        RIGHT_WEIGHTS,
    ),
    "processes": (
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'print(1)'], check=True)",
        RIGHT_WEIGHTS,
    ),
    "the course's own package": (
        "from nas_course import spaces\nimport numpy as np\n"
        "spaces.get('darts').sample(np.random.default_rng(0))",
        RIGHT_WEIGHTS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("cells", HONEST_VARIANTS.values(), ids=HONEST_VARIANTS)
def test_honest_notebook_gets_full_marks_and_no_accusation(cells, tmp_path):
    report = graded(tmp_path, IMPORT, *cells, CHECKS[0], RIGHT_EDGES, CHECKS[1])
    assert report.error is None
    assert report.troubles == ()
    assert report.points == POINTS


def test_names_and_titles_cannot_steer_the_terminal(tmp_path):
    path = write_notebook(tmp_path / "a\x1b[2Jb.ipynb", HONEST)
    assert "\x1b" not in command.as_text(grader().grade(path))


def test_same_seed_gives_the_same_bytes(tmp_path):
    path = write_notebook(tmp_path / NAME, (IMPORT, "def weights(v): return [1 / len(v)] * len(v)"))
    first, second = (json.dumps(grader().grade(path).to_dict()) for _ in range(2))
    assert first == second
