"""Every gradient method of the registry, stopped anywhere and resumed, ends with the same bits."""

from __future__ import annotations

import pytest
import torch
from outcomes import differences

from nas_course import methods, spaces
from nas_course.data import load
from nas_course.search.loop import GradientLoop, SearchPlan
from nas_course.storage import pack_state, unpack_state
from nas_course.strategies.gradient import GradientSettings, perturbation_selection

# cells, epochs, steps of an epoch; all saved within an epoch, the later places are tried
SIZES = {"nas-bench-201": (1, 3, 2), "darts": (3, 1, 4)}
TRIED = {"nas-bench-201": 2, "darts": 1}


@pytest.fixture(scope="module")
def digits_of():
    """Give images for so many batches of three."""
    return {
        count: load("digits", train_images=3 * count, valid_images=6, test_images=10, device="cpu")
        for count in (2, 4)
    }


@pytest.fixture(autouse=True)
def fewer_trials(monkeypatch):
    """Let perturbation-based selection try two operations, not all: what it saves is the same."""
    monkeypatch.setattr(perturbation_selection, "candidates", lambda space: [1, 3])


def new_loop(method, space, digits_of):
    cells, epochs, steps = SIZES[space]
    settings = GradientSettings(channels=4, cells=cells, batch_size=3, alpha_learning_rate=0.05)
    plan = SearchPlan(
        method=methods.get(method),
        space=spaces.get(space),
        data=digits_of[steps],
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
    method, space, digits_of, tmp_path
):
    through = new_loop(method, space, digits_of)
    rows, states = run_on(through)
    _, epochs, steps = SIZES[space]
    assert len(states) == epochs * (steps - 1) or through.strategy.stopped
    end = unpack_state(pack_state(through.state_dict()))
    for step in list(states)[-TRIED[space] :]:
        file = tmp_path / f"{step}.pt"
        file.write_bytes(states[step])
        resumed = new_loop(method, space, digits_of)
        resumed.load_state_dict(unpack_state(file.read_bytes()))
        assert resumed.steps_done == step and resumed.step > 0
        last, _ = run_on(resumed)
        # packed once more, so that both states went the same way
        assert differences(unpack_state(pack_state(resumed.state_dict())), end) == []
        assert differences(last, rows[-len(last) :]) == []
        assert str(resumed.strategy.architecture()) == rows[-1]["architecture"]
    finished = new_loop(method, space, digits_of)
    finished.load_state_dict(end)
    images = digits_of[steps].valid.images
    with torch.no_grad():
        ours, theirs = (loop.strategy.supernet(images) for loop in (finished, through))
    assert torch.equal(ours, theirs)
