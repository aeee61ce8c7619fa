"""`nas-course search` on the DARTS space, every method: killed in each phase and resumed."""

from __future__ import annotations

import pytest
from killed_commands import reports_of, require_the_same_bits

from nas_course import methods

pytestmark = [pytest.mark.posix, pytest.mark.slow]


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    return reports_of("darts", tmp_path_factory.mktemp("killed"))


@pytest.mark.parametrize("method", methods.names("gradient"))
def test_a_command_killed_in_every_phase_and_resumed_ends_with_the_same_bits(method, reports):
    require_the_same_bits(reports[method])
