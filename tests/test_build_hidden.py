"""An output that would answer the question above it can be stored folded."""

import pytest

from nas_course.build.source import read_source
from nas_course.errors import CourseError


def cells_of(tmp_path, text):
    path = tmp_path / "cells.py"
    path.write_text(text, encoding="utf-8")
    return read_source(path).cells


def test_a_cell_may_hide_its_output_until_it_is_asked_for(tmp_path):
    (cell,) = cells_of(tmp_path, '# %% jupyter={"outputs_hidden": true}\nprint(14)\n')
    assert cell.metadata == {"jupyter": {"outputs_hidden": True}}


def test_no_other_state_of_the_page_is_stored(tmp_path):
    with pytest.raises(CourseError, match="outputs_hidden"):
        cells_of(tmp_path, '# %% jupyter={"source_hidden": true}\nprint(14)\n')
