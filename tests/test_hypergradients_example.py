"""The loop in the docstring of the hypergradients, run as it is printed."""

import doctest

from nas_course.strategies.gradient import hypergradients


def test_the_loop_in_the_docstring_runs_and_finds_the_wrong_labels():
    found = doctest.testmod(hypergradients)
    assert found.attempted > 15
    assert found.failed == 0
