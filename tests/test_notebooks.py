"""The committed notebooks are fit to be read, compared and graded; unsolved ones earn nothing."""

import ast
import base64
import re

import pytest

from nas_course.build.execution import NOTEBOOK_BYTES, PNG_BYTES, WIDGET_VIEW, run
from nas_course.build.notebooks import products, read_notebook

IGNORED_OUTPUTS = 3
PRODUCTS = {product.name: product for product in products()}
WITH_OUTPUTS = {name: product for name, product in PRODUCTS.items() if not product.stripped}
EXERCISES = sorted(product.path.stem for product in PRODUCTS.values() if product.stripped)

MACHINE = re.compile(r"0x[0-9a-f]{6,}|(?<![\w.])/(?:home|Users|root|tmp|work)/|[A-Z]:\\\w")
DURATION = re.compile(r"(?<![\w.])\d+(?:\.\d+)?\s?(?:s|ms|µs|sec|seconds?|minutes?)\b")
MARKDOWN_IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\(")
HTML_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
ALT = re.compile(r"\balt\s*=\s*(['\"])\s*[^'\"\s]", re.IGNORECASE)


@pytest.fixture(params=PRODUCTS)
def any_notebook(request):
    return read_notebook(PRODUCTS[request.param].path)


@pytest.fixture(params=WITH_OUTPUTS)
def notebook(request):
    """One of the notebooks that are committed with outputs."""
    return read_notebook(WITH_OUTPUTS[request.param].path)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def bundles(notebook):
    return [out.data for cell in code_cells(notebook) for out in cell.outputs if "data" in out]


def is_ignored(cell):
    return "nbval-ignore-output" in cell.metadata.get("tags", [])


def texts(cell):
    """What a cell printed or displayed as text."""
    streams = [output.text for output in cell.outputs if output.output_type == "stream"]
    return streams + [out.data.get("text/plain", "") for out in cell.outputs if "data" in out]


def found_in(pattern, cells):
    return [match[0] for cell in cells for text in texts(cell) for match in pattern.finditer(text)]


def check_cells(notebook):
    return [c for c in code_cells(notebook) if c.metadata.get("nbgrader", {}).get("grade")]


def points_shown(cell):
    """The number that nbgrader reads from a check cell: the text of its last expression."""
    results = [out for out in cell.outputs if out.output_type == "execute_result"]
    return float(results[-1].data["text/plain"])


def test_the_start_and_the_darts_chapter_are_there():
    assert {"chapters/00_start_here", "chapters/08_darts", "exercises/08_darts"} <= PRODUCTS.keys()


def test_a_notebook_begins_with_its_title(any_notebook):
    first = any_notebook.cells[0]
    assert first.cell_type == "markdown" and re.match(r"# \S", first.source)


def test_pictures_in_text_have_alternative_text(any_notebook):
    for cell in any_notebook.cells:
        if cell.cell_type == "markdown":
            assert all(match["alt"].strip() for match in MARKDOWN_IMAGE.finditer(cell.source))
            assert all(ALT.search(tag) for tag in HTML_IMAGE.findall(cell.source))


def test_pictures_in_outputs_have_words_beside_them(notebook):
    for bundle in bundles(notebook):
        if "image/png" in bundle:
            words = bundle.get("text/plain", "")
            assert len(words) > 20 and not words.startswith("<Figure size")
        assert all(ALT.search(tag) for tag in HTML_IMAGE.findall(bundle.get("text/html", "")))


def test_every_code_cell_was_run_once_from_top_to_bottom(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_nothing_in_an_output_dies_with_its_kernel(notebook):
    assert "widgets" not in notebook.metadata
    assert all(WIDGET_VIEW not in bundle for bundle in bundles(notebook))


def test_no_output_is_an_error_or_went_to_stderr(notebook):
    for cell in code_cells(notebook):
        expected = "raises-exception" in cell.metadata.get("tags", [])
        assert expected or all(out.output_type != "error" for out in cell.outputs)
        assert all(out.get("name") != "stderr" for out in cell.outputs)


def test_pictures_and_notebooks_are_small(any_notebook, request):
    path = PRODUCTS[request.node.callspec.params["any_notebook"]].path
    assert path.stat().st_size <= NOTEBOOK_BYTES
    for bundle in bundles(any_notebook):
        assert len(base64.b64decode(bundle.get("image/png", ""))) <= PNG_BYTES


def test_few_cells_are_left_out_of_the_comparison(notebook):
    assert sum(is_ignored(cell) for cell in code_cells(notebook)) <= IGNORED_OUTPUTS
    assert "nbval-skip" not in str([cell.metadata for cell in notebook.cells])
    assert not any("NBVAL_" in cell.source for cell in code_cells(notebook))


def test_outputs_name_no_place_on_the_authors_machine(notebook):
    assert found_in(MACHINE, code_cells(notebook)) == []


def test_compared_outputs_hold_no_durations(notebook):
    compared = [cell for cell in code_cells(notebook) if not is_ignored(cell)]
    assert found_in(DURATION, compared) == []


def test_patterns_find_what_they_are_for():
    assert MACHINE.search("<object at 0x7f3a5c2b1d90>") and MACHINE.search("saved /home/ada/x")
    assert MACHINE.search(r"C:\Users") and not MACHINE.search("a/home/b and 0x10")
    assert DURATION.search("took 3.2 s") and DURATION.search("(41 seconds)")
    assert not DURATION.search("3 seeds, 14 skips, 5 samples")
    assert ALT.search('<img alt="a cell">') and not ALT.search('<img alt="" src="x">')


@pytest.mark.parametrize("name", EXERCISES)
def test_exercise_and_solution_have_the_same_cells_and_stored_outputs_only_where_solved(name):
    exercise = read_notebook(PRODUCTS[f"exercises/{name}"].path)
    solution = read_notebook(PRODUCTS[f"solutions/{name}"].path)
    assert [cell.id for cell in exercise.cells] == [cell.id for cell in solution.cells]
    assert all(cell.outputs == [] for cell in code_cells(exercise))
    assert "SOLUTION" not in str(exercise) and "HIDDEN TESTS" not in str(exercise)


@pytest.mark.parametrize("name", EXERCISES)
def test_every_exercise_of_a_chapter_has_one_check_cell_with_its_points(name):
    from nas_course.grading import exercises

    notebook = read_notebook(PRODUCTS[f"exercises/{name}"].path)
    expected = {e.id: (e.answer, e.points) for e in exercises().values() if e.chapter == name}
    found = {}
    for cell in check_cells(notebook):
        call = ast.parse(cell.source, mode="eval").body
        number, answer = call.args
        assert call.func.id == "check" and number.value not in found
        found[number.value] = (answer.id, cell.metadata.nbgrader.points)
    assert found == expected and len(found) > 0


@pytest.mark.parametrize("name", EXERCISES)
def test_the_stored_solution_shows_full_marks(name):
    """Nbval runs the solution and compares these numbers."""
    for cell in check_cells(read_notebook(PRODUCTS[f"solutions/{name}"].path)):
        assert points_shown(cell) == cell.metadata.nbgrader.points and not is_ignored(cell)


@pytest.mark.parametrize("name", EXERCISES)
def test_the_unsolved_exercise_runs_to_its_end_and_earns_nothing(name):
    path = PRODUCTS[f"exercises/{name}"].path
    notebook = read_notebook(path)
    run(notebook, path.parent)
    graded = check_cells(notebook)
    assert [points_shown(cell) for cell in graded] == [0.0] * len(graded)
    assert all(out.get("name") != "stderr" for cell in graded for out in cell.outputs)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXERCISES)
def test_the_grader_gives_the_solution_everything_and_the_exercise_nothing(name):
    from nas_course.grading import exercises
    from nas_course.grading.grader import Grader
    from nas_course.grading.limits import Limits

    grader = Grader(exercises(), seed=1, limits=Limits())
    solved, unsolved = (
        grader.grade(PRODUCTS[f"{folder}/{name}"].path) for folder in ("solutions", "exercises")
    )
    assert (solved.error, unsolved.error) == (None, None)
    assert solved.points == solved.possible > 0
    assert unsolved.points == 0 and unsolved.possible == solved.possible
