"""A search of a second or less, on the smallest space, that tests can watch, break and compare."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from nas_course import methods
from nas_course.data import load
from nas_course.search import SearchInterrupted, search_gradient
from nas_course.search.loop import GradientLoop
from nas_course.strategies.gradient import GradientSettings

SETTINGS = GradientSettings(channels=2, cells=1, batch_size=8, alpha_learning_rate=0.05)
EPOCHS = 3
STEPS = 3  # of an epoch


@pytest.fixture(scope="module")
def data():
    """Make 20 images to train (3 batches of 8 at most) and 12 to validate (2 batches)."""
    return load("digits", train_images=20, valid_images=12, test_images=10, device="cpu")


@dataclass(frozen=True)
class Watched:
    """A real method whose steps a test can watch or break."""

    before: object
    name: str = "darts-1st"

    def options(self):
        return {}

    def build(self, *arguments):
        strategy = methods.get(self.name).build(*arguments)
        real = strategy.step

        def step(train, valid):
            self.before(strategy, train, valid)
            return real(train, valid)

        strategy.step = step
        return strategy


def run(data, method="darts-1st", **more):
    options = {"space": "nas-bench-201", "settings": SETTINGS, "epochs": EPOCHS, "progress": False}
    return search_gradient(method, data, **options | more)


@pytest.fixture(scope="module")
def reference(data):
    """Run a search through, in memory."""
    return run(data)


def without_seconds(history):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in history.rows]


def assert_same(result, other):
    assert str(result.architecture) == str(other.architecture)
    assert without_seconds(result.history) == without_seconds(other.history)
    ours, theirs = result.supernet.state_dict(), other.supernet.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def stopped_once(data, out, at, **more):
    """Run until step number ``at`` (from 0) and be interrupted there, as by Ctrl-C."""
    steps = iter(range(10**6))

    def stop(strategy, train, valid):
        if next(steps) == at:
            raise KeyboardInterrupt

    with pytest.raises(SearchInterrupted) as caught:
        run(data, Watched(stop), out=out, **more)
    return str(caught.value)


@pytest.fixture
def one_second_a_step(monkeypatch):
    """Replace the clock of the search by one that counts steps."""
    clock = property(lambda loop: float(loop.steps_done))
    monkeypatch.setattr(GradientLoop, "seconds", clock)
