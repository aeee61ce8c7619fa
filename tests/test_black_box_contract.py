"""Every black-box strategy, on several spaces, keeps the contract of asks and tells."""

import inspect
import io
import math

import numpy as np
import pytest
import torch

from nas_course import spaces
from nas_course.estimation import Score
from nas_course.strategies import black_box
from nas_course.strategies.black_box import Finished, Partial

MAX_EPOCHS = 9
# Given to every strategy that has such a setting, so that short runs get past the random beginning.
SMALL = {"max_epochs": MAX_EPOCHS, "population_size": 8, "sample_size": 3}
STRATEGIES = {
    thing.name: thing
    for thing in map(vars(black_box).get, black_box.__all__)
    if inspect.isclass(thing) and hasattr(thing, "ask") and isinstance(vars(thing).get("name"), str)
}


def make(name, space, seed):
    accepted = inspect.signature(STRATEGIES[name]).parameters
    settings = {name: value for name, value in SMALL.items() if name in accepted}
    return STRATEGIES[name](space, seed=seed, **settings)


def made_up_score(space, asked):
    """A smooth function of the choices with a learning curve, so that a search can get better."""
    partial = isinstance(asked, Partial)
    architecture, epochs = (asked.architecture, asked.epochs) if partial else (asked, MAX_EPOCHS)
    indices = np.array(space.indices(architecture))
    value = np.sin(indices * np.arange(1, len(indices) + 1)).mean() * (1 - 0.5**epochs)
    measures = {"parameters": float(indices.sum()), "multiply_adds": float((indices**2).sum())}
    return Score(float(value), float(epochs), "made up", (), measures)


def ask(strategy):
    try:
        return strategy.ask()
    except Finished:
        return None


def drive(strategy, steps, rng, score, pending):
    """Ask and tell at random, up to 6 questions open, and return what was asked."""
    asked = []
    for _ in range(steps):
        if pending and (len(pending) == 6 or rng.random() < 0.5):
            question = pending.pop(rng.integers(len(pending)))
            strategy.tell(question, score(question))
        else:
            question = ask(strategy)
            asked.append(question)
            pending += [] if question is None else [question]
    return asked


def through_a_file(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def scorer(space):
    return lambda asked: made_up_score(space, asked)


def steps_for(space):
    return 60 if space.name == "nas-bench-201" else 40


@pytest.fixture(params=["nas-bench-201", "darts", "chain"])
def space(request):
    return spaces.get(request.param)


@pytest.fixture(params=sorted(STRATEGIES))
def name(request):
    return request.param


def test_the_strategies_of_this_folder_are_found():
    assert {"random", "genetic", "regularized-evolution", "nsga2"} <= set(STRATEGIES)


def test_a_restored_strategy_asks_what_the_uninterrupted_one_asks(name, space):
    whole, rng, pending = make(name, space, 1), np.random.default_rng(0), []
    drive(whole, steps_for(space), rng, scorer(space), pending)
    restored = make(name, space, 2)
    restored.load_state_dict(through_a_file(whole.state_dict()))
    twin_rng, twin_pending = np.random.default_rng(), list(pending)
    twin_rng.bit_generator.state = rng.bit_generator.state
    expected = drive(whole, steps_for(space), rng, scorer(space), pending)
    assert drive(restored, steps_for(space), twin_rng, scorer(space), twin_pending) == expected


def test_saving_the_state_does_not_change_the_run(name, space):
    watched, alone = make(name, space, 1), make(name, space, 1)
    rngs = [np.random.default_rng(0) for _ in range(2)]
    asked: list[list] = [[], []]
    open_questions: list[list] = [[], []]
    for _ in range(8):
        watched.state_dict()
        for k, strategy in enumerate((watched, alone)):
            asked[k] += drive(strategy, 6, rngs[k], scorer(space), open_questions[k])
    assert asked[0] == asked[1]


def test_equal_seeds_ask_alike_and_others_do_not(name, space):
    runs = []
    for seed in (0, 0, 1):
        strategy, rng = make(name, space, seed), np.random.default_rng(0)
        runs.append(drive(strategy, steps_for(space), rng, scorer(space), []))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_whatever_is_asked_belongs_to_the_space(name, space):
    strategy = make(name, space, 0)
    for question in drive(strategy, 40, np.random.default_rng(0), scorer(space), []):
        partial = isinstance(question, Partial)
        architecture = question.architecture if partial else question
        assert space.parse(str(architecture)) == architecture
        assert not partial or 1 <= question.epochs <= MAX_EPOCHS


def test_many_asks_before_the_first_tell_are_legal(name, space):
    strategy = make(name, space, 0)
    questions = [question for question in (ask(strategy) for _ in range(30)) if question]
    for question in reversed(questions):
        strategy.tell(question, made_up_score(space, question))
    assert ask(strategy) is not None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_scores_that_are_no_numbers_are_the_worst(name, space, value):
    """A third of the trainings diverge: the search goes on and none of them counts as good."""

    def score(question):
        real = made_up_score(space, question)
        if hash_of(question) % 3:
            return real
        return Score(value, real.cost_seconds, "diverged", (), real.measures)

    strategy = make(name, space, 0)
    drive(strategy, steps_for(space), np.random.default_rng(0), score, [])
    values = [member.value for member in getattr(strategy, "population", [])]
    assert all(math.isfinite(v) or v == -math.inf for v in values)
    best = getattr(strategy, "best", None)
    assert best is None or math.isfinite(best.value)


def hash_of(question):
    """A number from 0 on that is the same in every process."""
    return sum(map(ord, str(question)))


def test_a_score_told_twice_does_no_harm(name, space):
    strategy = make(name, space, 0)
    for _ in range(40):
        question = ask(strategy)
        if question is None:
            break
        for _ in range(2):
            strategy.tell(question, made_up_score(space, question))
    assert ask(strategy) is not None
