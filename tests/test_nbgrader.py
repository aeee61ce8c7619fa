"""An instructor can use nbgrader unchanged: its stubs are ours, its marks are our points."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import nbformat
import pytest
from nbgrader.preprocessors import CheckCellMetadata, ClearHiddenTests, ClearSolutions
from notebook_samples import EXERCISE
from traitlets.config import Config

from nas_course.build.notebooks import REPOSITORY, products, read_notebook
from nas_course.build.source import read_source, without_solutions

CHAPTER = "08_darts"
GRADED = "ex-08-4"  # mix_operations: 1 of its 4 points is for the shape
HALF_RIGHT = "def mix_operations(alpha, outputs):\n    return outputs.mean(1)\n"
SOURCES = sorted({product.source for product in products() if product.stripped})


def preprocessed(notebook, *classes):
    """Run nbgrader's own steps with the stub that our configuration file sets."""
    config = Config({"ClearSolutions": {"code_stub": {"python": "..."}}})
    for step in classes:
        notebook, _ = step(config=config).preprocess(notebook, {"metadata": {}, "unique_key": "x"})
    return notebook


def assert_same_stubs(source):
    ours = without_solutions(read_source(source), source)
    theirs = preprocessed(read_source(source), ClearSolutions, ClearHiddenTests)
    assert [cell.source for cell in ours.cells] == [cell.source for cell in theirs.cells]
    assert "BEGIN" not in str(ours)


def test_a_small_exercise_is_stripped_as_nbgrader_does(tmp_path):
    source = tmp_path / "small.py"
    source.write_text(EXERCISE, encoding="utf-8")
    assert_same_stubs(source)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_each_exercise_is_stripped_as_nbgrader_does(source):
    assert_same_stubs(source)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_nbgrader_finds_the_metadata_valid_and_the_ids_unique(source):
    preprocessed(read_source(source), CheckCellMetadata)


def nbgrader(course, *arguments):
    """Run nbgrader's command as an instructor does, in the course folder."""
    home = course.parent / "home"
    scripts = sysconfig.get_path("scripts")  # nbgrader calls alembic by its bare name
    environment = {
        **os.environ,
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "jupyter"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "PATH": scripts + os.pathsep + os.environ["PATH"],
    }
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(
        command, cwd=course, env=environment, capture_output=True, text=True, timeout=1200
    )
    assert done.returncode == 0, done.stdout + done.stderr


def submit(course, student, notebook):
    folder = course / "submitted" / student / CHAPTER
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{CHAPTER}.ipynb")


def half_solved(released):
    """Answer one exercise of the released notebook half right and leave the others."""
    answer = next(cell for cell in released.cells if cell.id == f"{GRADED}-answer")
    assert answer.source.rstrip().endswith("...")
    answer.source = HALF_RIGHT
    return released


def marks(course):
    """Read student -> {grade cell: score} and the possible scores from nbgrader's gradebook."""
    from nbgrader.api import Gradebook

    scores, possible = {}, {}
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        for submission in gradebook.assignment_submissions(CHAPTER):
            grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
            scores[submission.student.id] = {grade.name: grade.score for grade in grades}
            possible = {grade.name: grade.max_score for grade in grades}
    return scores, possible


@pytest.fixture(scope="module")
def graded_course(tmp_path_factory):
    """A course folder in which nbgrader has graded a solved, a half solved and an empty copy."""
    course = tmp_path_factory.mktemp("nbgrader") / "course"
    (course / "source" / CHAPTER).mkdir(parents=True)
    solution = REPOSITORY / "solutions" / f"{CHAPTER}.ipynb"
    shutil.copy(solution, course / "source" / CHAPTER)
    shutil.copy(REPOSITORY / "solutions" / "nbgrader_config.py", course)
    nbgrader(course, "generate_assignment", CHAPTER)
    released = course / "release" / CHAPTER / f"{CHAPTER}.ipynb"
    submit(course, "solved", read_notebook(solution))
    submit(course, "half", half_solved(read_notebook(released)))
    submit(course, "empty", read_notebook(released))
    nbgrader(course, "autograde", CHAPTER)
    return course


@pytest.mark.slow
def test_nbgrader_releases_our_exercise_notebook(graded_course):
    released = read_notebook(graded_course / "release" / CHAPTER / f"{CHAPTER}.ipynb")
    ours = read_notebook(REPOSITORY / "exercises" / f"{CHAPTER}.ipynb")
    assert [(cell.id, cell.source) for cell in released.cells] == [
        (cell.id, cell.source) for cell in ours.cells
    ]


@pytest.mark.slow
def test_nbgrader_gives_the_points_that_the_checks_give(graded_course, monkeypatch):
    monkeypatch.setenv("PATH", sysconfig.get_path("scripts") + os.pathsep + os.environ["PATH"])
    scores, possible = marks(graded_course)
    assert len(possible) >= 6
    assert scores["solved"] == possible
    assert scores["empty"] == dict.fromkeys(possible, 0)
    assert scores["half"] == {**scores["empty"], f"{GRADED}-check": 1}
    assert Path(graded_course / "autograded" / "half" / CHAPTER / f"{CHAPTER}.ipynb").exists()
