"""Every gradient method of the registry, stopped anywhere and resumed, ends with the same bits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from outcomes import differences

from nas_course import methods, spaces
from nas_course.data import load
from nas_course.search.loop import GradientLoop, SearchPlan
from nas_course.storage import pack_state, unpack_state
from nas_course.strategies.gradient import GradientSettings

TESTS = Path(__file__).resolve().parent
KILLS = 2  # of each method
STEPS = 2  # of an epoch
SIZES = {"nas-bench-201": (1, 3), "darts": (3, 2)}  # cells, epochs


@pytest.fixture(scope="module")
def data():
    return load("digits", train_images=6, valid_images=6, test_images=10, device="cpu")


def new_loop(method, space, data):
    cells, epochs = SIZES[space]
    settings = GradientSettings(channels=4, cells=cells, batch_size=3, alpha_learning_rate=0.05)
    plan = SearchPlan(
        method=methods.get(method),
        space=spaces.get(space),
        data=data,
        settings=settings,
        epochs=epochs,
        seconds=float("inf"),
        seed=5,
    )
    return GradientLoop(plan)


def run_on(loop):
    """Take the loop to its end; give its rows, and its states within epochs by step."""
    rows, states = [], {}
    while not loop.is_over:
        loop.advance()
        if loop.step == loop.steps:
            rows.append(loop.finish_epoch())
        else:
            states[loop.steps_done] = pack_state(loop.state_dict())
    return rows, states


@pytest.mark.parametrize("space", SIZES)
@pytest.mark.parametrize("method", methods.names("gradient"))
def test_a_method_saved_within_an_epoch_and_loaded_by_another_object_goes_on_to_the_same_bits(
    method, space, data, tmp_path
):
    through = new_loop(method, space, data)
    rows, states = run_on(through)
    assert len(states) == SIZES[space][1] or through.strategy.stopped
    end = unpack_state(pack_state(through.state_dict()))
    for step in list(states)[-2 if space == "nas-bench-201" else -1 :]:
        file = tmp_path / f"{step}.pt"
        file.write_bytes(states[step])
        resumed = new_loop(method, space, data)
        resumed.load_state_dict(unpack_state(file.read_bytes()))
        assert (resumed.steps_done, resumed.step) == (step, 1)
        last, _ = run_on(resumed)
        # packed once more, so that both states went the same way
        assert differences(unpack_state(pack_state(resumed.state_dict())), end) == []
        assert differences(last, rows[-len(last) :]) == []
        assert str(resumed.strategy.architecture()) == rows[-1]["architecture"]


@pytest.mark.posix
@pytest.mark.slow
def test_every_method_killed_at_random_moments_and_resumed_ends_with_the_same_bits(tmp_path):
    program = [sys.executable, str(TESTS / "crash_gradient.py"), str(KILLS), str(tmp_path)]
    paths = [str(TESTS.parent), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    done = subprocess.run(
        program, env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    reports = json.loads(done.stdout)
    print(reports)
    assert list(reports) == methods.names("gradient")
    for report in reports.values():
        assert report["differences"] == [] and report["failures"] == 0
        assert report["kills"] >= KILLS and report["runs"] >= 1
        # saved after every step: a kill costs the step that it interrupts and no more
        assert report["steps_begun"] <= report["steps_needed"] + report["kills"]
