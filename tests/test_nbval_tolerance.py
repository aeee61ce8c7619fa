"""A broken number in a stored output turns the test run red, one within its tolerance does not."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbval_tolerance import agrees
from notebook_samples import write_course

from nas_course.build.execution import execute
from nas_course.build.notebooks import build, read_notebook

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Text of a chapter whose stored outputs are right."""
    root = write_course(tmp_path_factory.mktemp("course"))
    build(root)
    path = root / "chapters" / "01_small.ipynb"
    execute(path)
    return path.read_text("utf-8")


@pytest.fixture
def nbval(tmp_path):
    """Give a function that runs the repository's pytest on a notebook's text."""

    def run(text, *options):
        path = tmp_path / "chapter.ipynb"
        path.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-c", str(REPOSITORY / "pyproject.toml")]
        command += ["--rootdir", str(tmp_path), "-p", "no:cacheprovider", "-q", *options, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=600)
        return done.returncode, done.stdout

    return run


def replaced(text, old, new):
    assert text.count(old) == 1
    return text.replace(old, new)


def test_right_outputs_are_green_with_stderr_left_out(executed, nbval):
    status, report = nbval(executed)
    assert status == 0 and "3 passed" in report


def test_a_broken_number_without_tolerance_is_red(executed, nbval):
    status, report = nbval(replaced(executed, "accuracy 0.5", "accuracy 0.51"))
    assert status == 1 and "1 failed, 2 passed" in report and "Cell outputs differ" in report


def test_a_number_within_its_tolerance_is_green(executed, nbval):
    status, report = nbval(replaced(executed, "accuracy 0.9300", "accuracy 0.9405"))
    assert status == 0 and "3 passed" in report


def test_a_number_outside_its_tolerance_is_red(executed, nbval):
    status, report = nbval(replaced(executed, "accuracy 0.9300", "accuracy 0.1000"))
    assert status == 1 and "1 failed, 2 passed" in report


def test_a_count_is_exact_even_where_decimals_have_a_tolerance(executed, nbval):
    status, _ = nbval(replaced(executed, "0.9300 on 3 seeds", "0.9300 on 4 seeds"))
    assert status == 1


def test_a_cell_that_was_never_executed_fails_collection(executed, nbval):
    notebook = nbformat.reads(executed, as_version=4)
    notebook.cells[2].update(outputs=[], execution_count=None)
    status, report = nbval(nbformat.writes(notebook))
    assert status == 2 and "Cell 1 is to be compared but was never executed" in report
    assert "python -m nas_course.build --execute chapter" in report


def test_an_ignored_cell_may_differ(executed, nbval):
    notebook = nbformat.reads(replaced(executed, "accuracy 0.9300", "accuracy 0.1000"), 4)
    notebook.cells[2].metadata["tags"] = ["nbval-ignore-output"]
    assert nbval(nbformat.writes(notebook))[0] == 0


@pytest.mark.parametrize("tolerance", [{}, {"abs": 0}, {"abs": "0.1"}, {"absolute": 0.1}])
def test_a_meaningless_tolerance_is_refused(executed, nbval, tolerance):
    notebook = nbformat.reads(executed, as_version=4)
    notebook.cells[2].metadata["nas_course"] = {"tol": tolerance}
    status, report = nbval(nbformat.writes(notebook))
    assert status == 2 and "allowed: 'abs' and 'rel' with numbers above 0" in report


def test_notebooks_run_in_parallel_by_file(executed, nbval):
    status, report = nbval(executed, "-n", "2", "--dist", "loadfile")
    assert status == 0 and "3 passed" in report


def test_notebooks_that_tests_use_as_material_are_not_run(executed, tmp_path, nbval):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "hostile.ipynb").write_text(executed, encoding="utf-8")
    _, report = nbval(executed, str(tmp_path / "tests"), "--collect-only")
    assert "chapter.ipynb" in report and "hostile" not in report


WIDGET_CHAPTER = """\
# %%
from IPython.display import display

class View:
    def _repr_mimebundle_(self, **_):
        return {
            "application/vnd.jupyter.widget-view+json": {"model_id": str(id(self))},
            "text/html": f"<p>{id(self)}</p>",
            "text/plain": "View(epochs=3)",
        }

display(View())

# %%
from tqdm.auto import tqdm

print(sum(tqdm(range(3))))

# %%
import matplotlib.pyplot as plt

plt.plot([1, 2])
plt.show()
"""


@pytest.fixture(scope="module")
def pictured(tmp_path_factory):
    """Text of an executed chapter with a widget view and a figure."""
    root = write_course(tmp_path_factory.mktemp("course"), chapter=WIDGET_CHAPTER)
    build(root)
    path = root / "chapters" / "01_small.ipynb"
    execute(path)
    assert "image/png" in read_notebook(path).cells[2].outputs[0].data
    return path.read_text("utf-8")


def test_views_their_changing_html_and_progress_bars_are_not_compared(pictured, nbval):
    status, report = nbval(pictured)
    assert status == 0, report


def test_the_text_of_a_widget_is_compared(pictured, nbval):
    assert nbval(replaced(pictured, '"View(epochs=3)"', '"View(epochs=4)"'))[0] == 1


def test_a_figure_that_is_no_longer_drawn_is_red(pictured, nbval):
    notebook = nbformat.reads(pictured, as_version=4)
    notebook.cells[2].source = "print('no figure')"
    assert nbval(nbformat.writes(notebook))[0] == 1


AGREEMENTS = [
    ("accuracy 0.93 of 3", "accuracy 0.94 of 3", True),
    ("accuracy 0.93 of 3", "accuracy 0.96 of 3", False),
    ("accuracy 0.93 of 3", "accuracy 0.93 of 4", False),
    ("loss 0.93", "error 0.93", False),
    ("| -0.01 |  0.50 |", "|  0.01 | 0.51 |", True),
    ("version 2.14.1", "version 2.15.1", False),
    ("tensor([1., 0.5])", "tensor([0.99, 0.5])", True),
    ("1e-05", "2e-05", True),
    ("0.5 0.5", "0.5", False),
    ("nan 0.5", "0.5 0.5", False),
    ("2.51x in 0.91-0.93", "2.50x in 0.92-0.94", True),
]


@pytest.mark.parametrize(("found", "expected", "verdict"), AGREEMENTS)
def test_texts_agree_when_only_decimals_differ_within_the_tolerance(found, expected, verdict):
    assert agrees(found, expected, {"abs": 0.02}) is verdict


def test_a_relative_tolerance_grows_with_the_number():
    assert agrees("1040.0", "1000.0", {"rel": 0.05})
    assert not agrees("1.1", "1.0", {"rel": 0.05})
