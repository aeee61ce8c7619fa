"""Check of exercise 04.5: regularized evolution whose scores come late and out of order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_array
from nas_course.grading.mistakes import Mistake, Task, judge
from nas_course.grading.parts import read_parts

CHAPTER = "04_random_and_evolution"
PARTS = ("parents", "population")
Member = tuple[int, float]
Event = tuple[Any, ...]
AgingCase = tuple[list[Event], int]
History = dict[str, np.ndarray]
Choose = Callable[[list[Member], Sequence[int]], int]
Bury = Callable[[list[Member]], int]
Ready = Callable[[int, int, int], bool]


def _value(member: Member) -> float:
    return -math.inf if math.isnan(member[1]) else member[1]


def _first_of_the_best(population: list[Member], drawn: Sequence[int]) -> int:
    return max((population[place] for place in drawn), key=_value)[0]


def _oldest(population: list[Member]) -> int:
    return 0


def _is_full(members: int, asked: int, size: int) -> bool:
    return members >= size


def _evolve(
    events: list[Event],
    size: int,
    choose: Choose = _first_of_the_best,
    bury: Bury = _oldest,
    ready: Ready = _is_full,
) -> History:
    """Play the events; a mistake has another rule for the parent, the death or the start."""
    population: list[Member] = []
    parents: list[int] = []
    for kind, *content in events:
        if kind == "tell":
            population.append((content[0], content[1]))
            if len(population) > size:
                del population[bury(population)]
        elif population and ready(len(population), len(parents), size):
            parents.append(choose(population, content[0]))
        else:
            parents.append(-1)
    return _history(parents, [number for number, _ in population])


def _history(parents: list[int], population: list[int]) -> History:
    return {"parents": np.array(parents, float), "population": np.array(population, float)}


def aging_evolution(events: list[Event], size: int) -> History:
    """Play the events by the rules of Real et al. 2019, algorithm 1; a birth is a tell."""
    return _evolve(events, size)


def _choosing(choose: Choose) -> Callable[..., History]:
    return lambda events, size: _evolve(events, size, choose=choose)


def _burying(bury: Bury) -> Callable[..., History]:
    return lambda events, size: _evolve(events, size, bury=bury)


def _starting(ready: Ready) -> Callable[..., History]:
    return lambda events, size: _evolve(events, size, ready=ready)


def _worst(population: list[Member]) -> int:
    return min(range(len(population)), key=lambda place: _value(population[place]))


def _oldest_but_the_best(population: list[Member]) -> int:
    values = [_value(member) for member in population]
    return 1 if values[0] == max(values) else 0


def _first_asked(population: list[Member]) -> int:
    return min(range(len(population)), key=lambda place: population[place][0])


def _argmax_of_sample(population: list[Member], drawn: Sequence[int]) -> int:
    """np.argmax treats nan as the largest number."""
    return population[drawn[int(np.argmax([population[place][1] for place in drawn]))]][0]


def _position_of_parent(population: list[Member], drawn: Sequence[int]) -> int:
    return max(drawn, key=lambda place: _value(population[place]))


def _one_too_many(events: list[Event], size: int) -> History:
    return _evolve(events, size + 1, ready=lambda members, asked, limit: members >= size)


def _nobody_dies(events: list[Event], size: int) -> History:
    return _evolve(events, len(events), ready=lambda members, asked, limit: members >= size)


def _turned(events: list[Event], size: int) -> History:
    history = aging_evolution(events, size)
    return {**history, "population": history["population"][::-1]}


def _in_order_of_number(events: list[Event], size: int) -> History:
    history = aging_evolution(events, size)
    return {**history, "population": np.sort(history["population"])}


DIED_STEP = "A deque(maxlen=size) drops its first entry, the oldest, when one is appended."
MISTAKES = (
    Mistake(
        "worst-dies",
        _burying(_worst),
        "The worst member died. In regularized evolution age decides, not the score.",
        DIED_STEP,
    ),
    Mistake(
        "first-asked-dies",
        _burying(_first_asked),
        "The member that was asked for first died. Its birth is when its score is told.",
        DIED_STEP,
    ),
    Mistake(
        "youngest-dies",
        _burying(lambda population: -1),
        "Once the population is full, nobody gets into it any more.",
        DIED_STEP,
    ),
    Mistake(
        "best-never-dies",
        _burying(_oldest_but_the_best),
        "The best member did not die of age. A lucky score would then have children for ever.",
        DIED_STEP,
    ),
    Mistake(
        "one-too-many",
        _one_too_many,
        "There is one member more than `size`.",
        "The oldest dies as soon as the population would have size + 1 members.",
    ),
    Mistake(
        "nobody-dies",
        _nobody_dies,
        "Nobody dies: the population grows for ever.",
        DIED_STEP,
    ),
    Mistake(
        "last-of-equals",
        _choosing(lambda p, drawn: _first_of_the_best(p, drawn[::-1])),
        "Of equal scores the one drawn last became the parent.",
        "Take the first of the best: max does, `>=` in a loop does not.",
    ),
    Mistake(
        "oldest-of-equals",
        _choosing(lambda p, drawn: _first_of_the_best(p, sorted(drawn))),
        "Of equal scores the oldest became the parent, not the one drawn first.",
        "Keep the sample in the order of `drawn`.",
    ),
    Mistake(
        "nan-parent",
        _choosing(_argmax_of_sample),
        "A run that diverged became a parent: np.argmax treats nan as the largest number.",
        "Replace nan by -math.inf at birth.",
    ),
    Mistake(
        "nan-parent",
        _choosing(lambda p, drawn: max((p[place] for place in drawn), key=lambda m: m[1])[0]),
        "A run that diverged became a parent: no number is larger than nan, since every "
        "comparison with nan is false.",
        "Replace nan by -math.inf at birth.",
    ),
    Mistake(
        "best-of-all-is-parent",
        _choosing(lambda p, drawn: max(p, key=_value)[0]),
        "The best of the whole population became the parent: `drawn` was not used.",
        "Only the members at the positions `drawn` take part.",
    ),
    Mistake(
        "worst-of-sample",
        _choosing(lambda p, drawn: min((p[place] for place in drawn), key=_value)[0]),
        "The worst of the sample became the parent.",
        "The larger, the better: max.",
    ),
    Mistake(
        "first-drawn-is-parent",
        _choosing(lambda p, drawn: p[drawn[0]][0]),
        "The first of the sample became the parent, whatever its score.",
        "Compare the scores of the whole sample.",
    ),
    Mistake(
        "youngest-first",
        _choosing(lambda p, drawn: _first_of_the_best(p[::-1], drawn)),
        "The positions were counted from the youngest member.",
        "Position 0 is the oldest member.",
    ),
    Mistake(
        "position-not-number",
        _choosing(_position_of_parent),
        "This is the position of the parent in the population, not its number.",
        "Keep the number of an architecture beside its score.",
    ),
    Mistake(
        "asks-counted",
        _starting(lambda members, asked, size: asked >= size),
        "Parents were chosen as soon as `size` architectures were asked for, though fewer scores "
        "had been told.",
        "Ask for the length of the population: it grows when a score is told.",
    ),
    Mistake(
        "parent-before-full",
        _starting(lambda members, asked, size: members > 0),
        "Parents were chosen before the population was full.",
        "As long as there are fewer than `size` members, the answer is random: -1.",
    ),
    Mistake(
        "one-random-too-many",
        _starting(lambda members, asked, size: members > size),
        "No parent was ever chosen: the population never has more than `size` members.",
        "With exactly `size` members there is a parent.",
    ),
    Mistake(
        "population-turned",
        _turned,
        "The population stands with the youngest first.",
        "List it with the oldest first.",
    ),
    Mistake(
        "population-sorted",
        _in_order_of_number,
        "The population is sorted by number. The oldest is the one that was told first.",
        "List it in the order of the tells.",
    ),
)
AGING = Task(("events", "size"), aging_evolution, MISTAKES)


def _read(ask: Ask, case: AgingCase) -> History:
    given = AGING.describe(case)
    parts = read_parts(ask(*case), PARTS, given)
    history = {
        name: expect_array(parts[name], (None,), given=f"{given}; looking at `{name}`")
        for name in PARTS
    }
    asks = sum(event[0] == "ask" for event in case[0])
    if len(history["parents"]) == asks:
        return history
    raise Diagnosis(
        given=given,
        got=f"{len(history['parents'])} parents",
        expected=f"{asks} parents, one for each ask",
        cause="There is not one parent for each ask.",
        next_step="Append a number or -1 at every ask, and nothing at a tell.",
        code="one-for-each-ask",
    )


def _events(order: Sequence[int | str], scores: Sequence[float], drawn: Any) -> list[Event]:
    """Write events: "ask", or the number of the architecture whose score is told."""
    events: list[Event] = []
    draws, told = iter(drawn), 0
    for what in order:
        if what == "ask":
            events.append(("ask", next(draws) if told else []))
        else:
            events.append(("tell", what, float(scores[int(what)])))
            told += 1
    return events


def _drawn_case(rng: np.random.Generator, size: int, asks: int, late: int) -> AgingCase:
    """Scores arrive while up to `late` others are waited for, in any order."""
    order: list[int | str] = []
    drawn: list[list[int]] = []
    waiting: list[int] = []
    told = asked = 0
    while asked < asks or waiting:
        if asked < asks and (len(waiting) < late):
            order.append("ask")
            waiting.append(asked)
            asked += 1
            if told:
                drawn.append(rng.integers(min(told, size), size=3).tolist())
        else:
            order.append(waiting.pop(int(rng.integers(len(waiting)))))
            told += 1
    scores = rng.integers(-4, 4, size=asks) / 4
    scores[rng.random(asks) < 0.15] = math.nan
    return _events(order, scores.tolist(), drawn), size


def _one_machine(ask: Ask, rng: np.random.Generator) -> None:
    steps = ("ask", 0, "ask", 1, "ask", 2, "ask", 3, "ask", 4, "ask", 5, "ask")
    drawn = [[0], [0, 1], [1, 2, 0], [2, 1], [0, 2], [1, 0, 1]]
    cases = [
        (_events(steps, (0.5, 0.9, 0.25, 0.75, 0.125, 0.625), drawn), 3),
        (_events(steps, (0.5, 0.75, 0.75, 0.25, 0.75, 0.5), drawn), 3),
    ]
    probes = [_drawn_case(rng, 3, 12, 1) for _ in range(6)]
    judge(AGING, lambda case: _read(ask, case), cases, probes)


def _diverged(ask: Ask, rng: np.random.Generator) -> None:
    nan = math.nan
    steps = ("ask", 0, "ask", 1, "ask", 2, "ask", 3, "ask", 4, "ask")
    drawn = [[0], [1, 0], [0, 1], [0, 1, 0], [1, 0]]
    cases = [
        (_events(steps, (-0.5, nan, -0.25, nan, -0.75), drawn), 2),
        (_events(steps, (nan, nan, -0.25, 0.5, nan), drawn), 2),
    ]
    probes = [_drawn_case(rng, 3, 12, 1) for _ in range(6)]
    judge(AGING, lambda case: _read(ask, case), cases, probes)


def _many_machines(ask: Ask, rng: np.random.Generator) -> None:
    steps = ("ask", "ask", "ask", 2, "ask", 0, "ask", 4, "ask", 1, "ask", 5, 3, "ask", 6, "ask", 7)
    drawn = [[0], [1, 0], [0, 1], [1, 0, 1], [1, 0], [0, 1]]
    scores = (0.5, 0.25, 0.75, 0.125, 0.375, 0.625, 0.875, 0.0)
    cases = [(_events(steps, scores, drawn), 2)]
    probes = [_drawn_case(rng, 3, 14, 4) for _ in range(6)]
    judge(AGING, lambda case: _read(ask, case), cases, probes)


def _random_searches(ask: Ask, rng: np.random.Generator) -> None:
    shapes = ((1, 8, 1), (3, 20, 4), (5, 30, 3), (4, 30, 8))
    cases = [_drawn_case(rng, *shape) for shape in shapes]
    judge(AGING, lambda case: _read(ask, case), cases)


AGING_EVOLUTION = Exercise(
    id="04.5",
    chapter=CHAPTER,
    title="The oldest dies",
    answer="aging_evolution",
    minutes=25,
    difficulty=3,
    stages=(
        Stage("one machine", 2, _one_machine),
        Stage("diverged runs", 1, _diverged),
        Stage("several machines, scores out of order", 1, _many_machines),
        Stage("random searches", 1, _random_searches),
    ),
)

EXERCISES = (AGING_EVOLUTION,)
