"""Notebooks are what their sources say, keep valid outputs, and never carry others."""

import json
import sys

import nbformat
import pytest
from notebook_samples import CHAPTER, EXERCISE, write_course

from nas_course.build.__main__ import main
from nas_course.build.execution import WIDGET_VIEW, execute, kernel_environment
from nas_course.build.folding import SUMMARY, fold_takeaways
from nas_course.build.notebooks import build, check, products, read_notebook
from nas_course.build.source import BuildError, read_source
from nas_course.errors import CourseError


@pytest.fixture
def course(tmp_path):
    root = write_course(tmp_path)
    build(root)
    return root


def chapter_of(root):
    return root / "chapters" / "01_small.ipynb"


def bytes_of(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*.ipynb")}


def cell_ids(path):
    return [cell.id for cell in read_notebook(path).cells]


def put_output(path, number, text):
    """Store an output by hand, as if the cell had been run."""
    notebook = read_notebook(path)
    output = nbformat.v4.new_output("stream", name="stdout", text=text)
    notebook.cells[number].update(outputs=[output], execution_count=number)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")


def source_file(tmp_path, text):
    path = tmp_path / "cells.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_one_source_gives_a_chapter_and_two_give_solution_and_exercise(course):
    assert sorted(str(path.as_posix()) for path in bytes_of(course)) == [
        "chapters/01_small.ipynb",
        "exercises/01_small.ipynb",
        "solutions/01_small.ipynb",
    ]


def test_building_twice_gives_the_same_bytes(course):
    before = bytes_of(course)
    assert build(course) == []
    for path in list(before):
        (course / path).unlink()
    assert len(build(course)) == 3
    assert bytes_of(course) == before


def test_notebooks_are_format_4_5_with_the_python3_kernel_and_little_else(course):
    for path in course.rglob("*.ipynb"):
        notebook = json.loads(path.read_text("utf-8"))
        assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
        assert notebook["metadata"].keys() == {"kernelspec", "language_info"}
        assert notebook["metadata"]["kernelspec"]["name"] == "python3"


def test_inserting_a_cell_leaves_all_other_ids_alone(course):
    before = cell_ids(chapter_of(course))
    write_course(course, chapter=CHAPTER.replace("# %%\nimport", "# %%\nnew = 1\n\n# %%\nimport"))
    build(course)
    after = cell_ids(chapter_of(course))
    assert len(after) == len(before) + 1
    assert [name for name in after if name in before] == before


def test_equal_cells_get_different_ids(tmp_path):
    notebook = read_source(source_file(tmp_path, "# %%\nx = 1\n\n# %%\nx = 1\n\n# %%\nx = 1\n"))
    assert len({cell.id for cell in notebook.cells}) == 3


def test_graded_cells_are_named_by_their_grade_id_in_both_notebooks(course):
    solution = cell_ids(course / "solutions" / "01_small.ipynb")
    assert solution == cell_ids(course / "exercises" / "01_small.ipynb")
    assert solution[1:3] == ["ex-01-1-answer", "ex-01-1-check"]


def test_metadata_survives_and_nbgrader_keys_are_filled_in(course):
    chapter = read_notebook(chapter_of(course))
    assert chapter.cells[2].metadata == {"nas_course": {"tol": {"abs": 0.02}}, "tags": ["measured"]}
    answer, check_cell = read_notebook(course / "exercises" / "01_small.ipynb").cells[1:3]
    assert answer.metadata.nbgrader == {
        "grade": False,
        "grade_id": "ex-01-1-answer",
        "locked": False,
        "schema_version": 3,
        "solution": True,
        "task": False,
    }
    assert check_cell.metadata.nbgrader.locked and check_cell.metadata.nbgrader.points == 2


def test_what_to_take_away_is_closed_in_exercises_and_formatted_as_before(course):
    """The text stays Markdown: an empty line stands after <summary> and before </details>."""
    for folder in ("exercises", "solutions"):
        text = read_notebook(course / folder / "01_small.ipynb").cells[3].source
        head, opened, closed = text.partition("</details>")
        assert head.startswith("<details><summary>What to take away")
        assert head.endswith("</summary>\n\nAddition is $a+b$.\n\nIt *commutes*.\n\n")
        assert opened and closed.lstrip("\n") == "---\n## Now a number"
        assert closed.startswith("\n\n")


def test_takeaways_end_at_the_next_heading_or_the_end_of_the_cell():
    cells = [
        nbformat.v4.new_markdown_cell("**What to take away.** One.\n## Next\nTwo."),
        nbformat.v4.new_markdown_cell("Before.\n\n**What to take away.** One\ntwo."),
    ]
    first, last = fold_takeaways(nbformat.v4.new_notebook(cells=cells)).cells
    assert first.source.endswith("\n\nOne.\n\n</details>\n\n## Next\nTwo.")
    assert last.source.startswith("Before.\n\n<details>")
    assert last.source.endswith("\n\nOne\ntwo.\n\n</details>")


def test_no_exercise_shows_its_takeaway_openly():
    """Every check cell of the course but that of chapter 00 is followed by one."""
    for product in products():
        if product.folded:
            text = "\n".join(cell.source for cell in product.notebook().cells)
            checks = text.count("\ncheck(")
            assert "**What to take away" not in text
            assert text.count(f"<summary>{SUMMARY}") == (checks if checks > 1 else 0)


def test_the_exercise_keeps_the_guiding_comment_and_loses_solution_and_hidden_tests(course):
    _, add, check_cell, _, size, _ = read_notebook(course / "exercises" / "01_small.ipynb").cells
    assert add.source == (
        'def add(a, b):\n    """Return the sum."""\n    # Which operator adds?\n    ...'
    )
    assert size.source == "size = (\n    ...\n)"
    assert check_cell.source == "2 * (add(1, 2) == 3)"


def test_the_solution_keeps_markers_for_nbgrader(course):
    solution = read_notebook(course / "solutions" / "01_small.ipynb")
    assert "### BEGIN SOLUTION" in solution.cells[1].source
    assert "### BEGIN HIDDEN TESTS" in solution.cells[2].source


def test_a_rebuild_keeps_outputs_of_unchanged_cells_only(course):
    put_output(chapter_of(course), 1, "kept")
    put_output(chapter_of(course), 2, "outdated")
    write_course(course, chapter=CHAPTER.replace("on 3 seeds", "on 4 seeds"))
    build(course)
    first, second = read_notebook(chapter_of(course)).cells[1:3]
    assert first.outputs[0].text == "kept" and first.execution_count == 1
    assert second.outputs == [] and second.execution_count is None


def test_execution_stores_results_without_stderr_timestamps_or_other_metadata(course):
    assert execute(chapter_of(course)) == ["progress\n"]
    notebook = read_notebook(chapter_of(course))
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    assert outputs[0][0].text == "mean accuracy 0.5\n"
    assert [output.data for output in outputs[2]] == [{"text/plain": "0.5"}]
    assert [cell.execution_count for cell in notebook.cells[1:]] == [1, 2, 3]
    assert all("execution" not in cell.metadata for cell in notebook.cells)
    assert "widgets" not in notebook.metadata


def test_check_accepts_an_executed_course_and_names_one_that_was_never_run(course):
    assert any("--execute chapters/01_small" in problem for problem in check(course))
    assert main(["--execute"], course) == 0
    assert check(course) == []
    assert main(["--check"], course) == 0


def test_the_kernel_is_this_python_in_the_notebooks_own_folder(course):
    code = "# %%\nimport sys, pathlib\nprint(sys.executable)\nprint(pathlib.Path.cwd())\n"
    write_course(course, chapter=code)
    main(["--execute", "chapters/01_small"], course)
    printed = read_notebook(chapter_of(course)).cells[0].outputs[0].text.splitlines()
    assert printed == [sys.executable, str((course / "chapters").resolve())]


def test_the_kernel_draws_into_the_notebook_whatever_the_callers_backend(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    assert "MPLBACKEND" not in kernel_environment()


def test_a_widget_view_is_stored_as_its_static_twin(course):
    bundle = {WIDGET_VIEW: {"model_id": "1"}, "text/html": "<p>twin</p>", "text/plain": "Twin()"}
    code = f"# %%\nfrom IPython.display import display\ndisplay({bundle!r}, raw=True)\n"
    write_course(course, chapter=code)
    main(["--execute", "chapters/01_small"], course)
    stored = read_notebook(chapter_of(course)).cells[0].outputs[0].data
    assert stored == {"text/html": "<p>twin</p>", "text/plain": "Twin()"}


def test_a_progress_bar_is_not_stored(course):
    code = "# %%\nfrom tqdm.auto import tqdm\nprint(sum(tqdm(range(3))))\n"
    write_course(course, chapter=code)
    main(["--execute", "chapters/01_small"], course)
    outputs = read_notebook(chapter_of(course)).cells[0].outputs
    assert [output.text for output in outputs] == ["3\n"]


def test_a_failing_cell_is_shown_its_notebook_kept_and_the_next_one_run(course, capsys):
    write_course(course, chapter="# %%\nprint(1)\n\n# %%\nraise ValueError('broken on purpose')\n")
    build(course)
    before = chapter_of(course).read_bytes()
    assert main(["--execute"], course) == 2
    errors = capsys.readouterr().err
    assert "ValueError: broken on purpose" in errors
    assert "not executed: chapters/01_small\n" in errors
    assert chapter_of(course).read_bytes() == before
    assert read_notebook(course / "solutions" / "01_small.ipynb").cells[1].execution_count == 1


@pytest.mark.parametrize(
    ("mime", "letters", "message"),
    [("image/png", 81_000, "picture of 60,750 bytes"), ("text/html", 410_000, "allowed: 400,000")],
)
def test_too_large_a_picture_or_notebook_is_refused(course, mime, letters, message):
    bundle = f"{{{mime!r}: 'A' * {letters}}}"  # 4 letters are 3 bytes in base64
    code = f"# %%\nfrom IPython.display import display\ndisplay({bundle}, raw=True)\n"
    write_course(course, chapter=code)
    build(course)
    with pytest.raises(BuildError, match=message):
        execute(chapter_of(course))


def test_check_shows_the_line_that_differs_from_the_source(course):
    write_course(course, chapter=CHAPTER.replace("x = 0.5", "x = 0.25"))
    problem = next(problem for problem in check(course) if "chapters/01_small" in problem)
    assert "-x = 0.5" in problem and "+x = 0.25" in problem


def test_check_finds_code_edited_in_source_and_notebook_under_old_outputs(course):
    main(["--execute"], course)
    old, new = "return a + b", "return b + a"
    write_course(course, exercise=EXERCISE.replace(old, new))
    for folder in ("solutions", "exercises"):
        path = course / folder / "01_small.ipynb"
        path.write_text(path.read_text("utf-8").replace(old, new), encoding="utf-8", newline="\n")
    assert [problem.splitlines()[0] for problem in check(course)] == [
        "solutions/01_small has outputs of other code, or none: "
        "run python -m nas_course.build --execute solutions/01_small"
    ]


def test_check_ignores_outputs_themselves(course):
    main(["--execute"], course)
    put_output(chapter_of(course), 2, "accuracy 0.1000 on 3 seeds\n")
    assert check(course) == []


def test_check_finds_missing_superfluous_and_hand_saved_notebooks(course):
    main(["--execute"], course)
    (course / "exercises" / "01_small.ipynb").unlink()
    (course / "solutions" / "07_gone.ipynb").write_text("{}", encoding="utf-8")
    chapter = read_notebook(chapter_of(course))
    chapter.metadata["language_info"]["version"] = "3.13.0"
    chapter_of(course).write_text(nbformat.writes(chapter), encoding="utf-8")
    assert [problem.split(":")[0] for problem in check(course)] == [
        "chapters/01_small was edited or saved by hand",
        "exercises/01_small is missing",
        "solutions/07_gone.ipynb has no source",
    ]
    assert main(["--check"], course) == 1


SOLUTION = 'nbgrader={"grade_id": "a", "solution": true}'
WRONG_SOURCES = {
    "x = 1\n": "first line must be '# %%'",
    "# %% colour=3\nx = 1\n": "cell metadata: got 'colour'; allowed: 'tags', 'nbgrader'",
    "# %%\n\n# %%\nx = 1\n": "cell 1 is empty",
    "# %% [raw]\ntext\n": "cell type: got 'raw'",
    "# %%\nx = = 1\n": "is not Python",
    "# %%\n# !ls\n": "is not Python",
    "# %%\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n": "go together",
    f"# %% {SOLUTION}\nx = 1\n": "go together",
    f"# %% {SOLUTION}\n### BEGIN SOLUTION\nx = 1\n": "has no partner",
    f"# %% {SOLUTION}\n### BEGIN SOLUTION\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n"
    "### END SOLUTION\n": "not nested",
    "# %% [markdown]\n# ### BEGIN SOLUTION\n": "has no partner",
    '# %% nbgrader={"grade_id": "a b", "grade": true, "points": 1}\nx\n': "got grade_id 'a b'",
    '# %% nbgrader={"grade_id": "a", "grade": true}\nx\n': "needs points above 0",
    f"# %% {SOLUTION}\n### BEGIN SOLUTION\n1\n### END SOLUTION\n\n"
    f"# %% {SOLUTION}\n### BEGIN SOLUTION\n2\n### END SOLUTION\n": "'a' is used twice",
}


@pytest.mark.parametrize(("text", "message"), WRONG_SOURCES.items())
def test_a_wrong_source_is_refused_with_place_and_remedy(tmp_path, text, message):
    with pytest.raises(CourseError, match=r"cells\.py") as caught:
        read_source(source_file(tmp_path, text))
    assert message in str(caught.value)


def test_a_solution_that_leaves_no_valid_stub_is_refused(tmp_path):
    text = (
        f"# %% {SOLUTION}\nx = (\n    1\n    ### BEGIN SOLUTION\n    + 2\n    ### END SOLUTION\n)\n"
    )
    write_course(tmp_path, exercise=text)
    with pytest.raises(BuildError, match="is not Python"):
        build(tmp_path)


def test_an_unknown_name_to_execute_lists_the_known_ones(course, capsys):
    assert main(["--execute", "01_smal"], course) == 2
    assert "Did you mean '01_small'?" in capsys.readouterr().err


def test_a_folder_without_sources_is_named(tmp_path, capsys):
    assert main([], tmp_path) == 2
    assert "has no folder source/" in capsys.readouterr().err


def test_a_broken_notebook_file_is_named(course, capsys):
    chapter_of(course).write_text("{not json", encoding="utf-8")
    assert main(["--check"], course) == 2
    assert "is not a notebook" in capsys.readouterr().err


def test_missing_jupytext_is_explained_with_the_command(course, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "jupytext", None)
    assert main([], course) == 2
    assert 'python -m pip install -e ".[test]"' in capsys.readouterr().err


def test_the_committed_notebooks_are_what_their_sources_say():
    assert check() == []
