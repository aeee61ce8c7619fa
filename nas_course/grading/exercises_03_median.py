"""Check of exercise 03.4: the median stopping rule on given learning curves."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_array
from nas_course.grading.mistakes import Mistake, Task, judge

CHAPTER = "03_performance_estimation"
Curves = np.ndarray
Case = tuple[Curves, int, int]


def _averages(curves: Curves) -> Curves:
    return np.cumsum(curves, axis=1) / np.arange(1, curves.shape[1] + 1)


def _median(compared: Curves) -> np.ndarray:
    return np.median(compared, axis=0)


def _reached(epochs: int, longest: int, stopped: bool) -> bool:
    return not stopped


def stop(
    curves: Curves,
    warmup: int,
    needed: int,
    *,
    own: Callable[..., np.ndarray] = np.maximum.accumulate,
    compared: Callable[[Curves], Curves] = _averages,
    bar: Callable[[Curves], np.ndarray] = _median,
    below: Callable[[Any, Any], Any] = operator.lt,
    remembered: Callable[[int, int, bool], bool] = _reached,
    last: int = 1,
) -> np.ndarray:
    """Train one network after the other, by rules that mistakes replace.

    `last` is 1 if nothing is stopped after the last epoch, 0 if the rule looks there too.
    """
    longest = curves.shape[1]
    known: list[np.ndarray] = []
    trained = []
    for curve in curves:
        epochs, stopped = longest, False
        if len(known) >= needed and known:
            low = below(own(curve), bar(compared(np.array(known))))
            places = np.flatnonzero(low[warmup : longest - last])
            if len(places):
                epochs, stopped = warmup + int(places[0]) + 1, True
        if remembered(epochs, longest, stopped):
            known.append(curve)
        trained.append(epochs)
    return np.array(trained, dtype=float)


def median_stopping(curves: Curves, warmup: int, needed: int) -> np.ndarray:
    """The rule as the exercise states it: epochs that each network is trained."""
    return stop(curves, warmup, needed)


def _by(**rules: Any) -> Callable[[Curves, int, int], np.ndarray]:
    return lambda curves, warmup, needed: stop(curves, warmup, needed, **rules)


def _running_average(curve: np.ndarray) -> np.ndarray:
    return _averages(curve[None])[0]


def _whole_average(curves: Curves) -> Curves:
    """The average of all epochs at every epoch."""
    return np.broadcast_to(curves.mean(axis=1, keepdims=True), curves.shape)


def _upper_middle(compared: Curves) -> np.ndarray:
    return np.sort(compared, axis=0)[len(compared) // 2]


def _lower_middle(compared: Curves) -> np.ndarray:
    return np.sort(compared, axis=0)[(len(compared) - 1) // 2]


def _everybody(curves: Curves, warmup: int, needed: int) -> np.ndarray:
    """Compare each network with all of the array, later ones too."""
    bar = _median(_averages(curves))
    low = np.maximum.accumulate(curves, axis=1) < bar
    longest = curves.shape[1]
    first = [np.flatnonzero(row[warmup : longest - 1]) for row in low]
    return np.array([warmup + int(f[0]) + 1 if len(f) else longest for f in first], dtype=float)


def _counted_from_zero(curves: Curves, warmup: int, needed: int) -> np.ndarray:
    right = median_stopping(curves, warmup, needed)
    return right - (right < curves.shape[1])


def _with_the_next(curves: Curves, warmup: int, needed: int) -> np.ndarray:
    right = median_stopping(curves, warmup, needed)
    return right + (right < curves.shape[1])


REMEMBER_STEP = "A curve joins the completed ones only if its training was not stopped."
AVERAGE_STEP = "Of each completed curve take (c_1 + ... + c_t) / t; of these the median."
MISTAKES = (
    Mistake(
        "current-value-compared",
        _by(own=lambda curve: curve),
        "The current value was compared. A training is stopped only if even its best value so far "
        "is too low.",
        "max(curve[:t]) < median at epoch t.",
    ),
    Mistake(
        "own-average-compared",
        _by(own=_running_average),
        "The running average of the training itself was compared, not its best value so far.",
        "max(curve[:t]) < median at epoch t.",
    ),
    Mistake(
        "values-not-averages",
        _by(compared=lambda curves: curves),
        "The completed trainings' values at epoch t were taken, not their averages up to t. "
        "That is a stricter rule (Optuna's MedianPruner).",
        AVERAGE_STEP,
    ),
    Mistake(
        "best-of-completed",
        _by(compared=lambda curves: np.maximum.accumulate(curves, axis=1)),
        "The completed trainings' best values so far were taken, not their averages.",
        AVERAGE_STEP,
    ),
    Mistake(
        "averages-of-all-epochs",
        _by(compared=_whole_average),
        "The averages run over all R epochs; at epoch t only the first t belong in.",
        AVERAGE_STEP,
    ),
    Mistake(
        "mean-not-median",
        _by(bar=lambda compared: compared.mean(axis=0)),
        "The mean of the completed trainings was taken, not their median.",
        "np.median(averages, axis=0).",
    ),
    Mistake(
        "best-instead-of-median",
        _by(bar=lambda compared: compared.max(axis=0)),
        "The best of the completed trainings was taken: nearly everything would be stopped.",
        "np.median(averages, axis=0).",
    ),
    Mistake(
        "median-of-an-even-number",
        _by(bar=_upper_middle),
        "Of an even number of trainings the upper one of the two in the middle was taken.",
        "The median of an even number is the mean of the two in the middle: np.median.",
    ),
    Mistake(
        "median-of-an-even-number",
        _by(bar=_lower_middle),
        "Of an even number of trainings the lower one of the two in the middle was taken.",
        "The median of an even number is the mean of the two in the middle: np.median.",
    ),
    Mistake(
        "equal-is-stopped",
        _by(below=operator.le),
        "A training that is exactly at the median was stopped.",
        "Below: <, not <=.",
    ),
    Mistake(
        "the-good-are-stopped",
        _by(below=operator.gt),
        "Trainings above the median were stopped.",
        "Turn the comparison.",
    ),
    Mistake(
        "stopped-runs-remembered",
        _by(remembered=lambda epochs, longest, stopped: True),
        "Stopped trainings were remembered with their whole curves, whose ends nobody knows.",
        REMEMBER_STEP,
    ),
    Mistake(
        "later-runs-known",
        _everybody,
        "Each training was compared with all others, also with those that come later.",
        "Go through the curves in order and keep a list of the completed ones.",
    ),
    Mistake(
        "weak-finish-forgotten",
        _by(last=0),
        "A training that was below the median at epoch R was not remembered. But it is completed.",
        "Look for a stop at the epochs warmup + 1 to R - 1 only.",
    ),
    Mistake(
        "warmup-ignored",
        lambda c, warmup, needed: stop(c, 0, needed),
        "A training was stopped in its warm-up.",
        "The first epoch after which a training may be stopped is warmup + 1.",
    ),
    Mistake(
        "warmup-too-short",
        lambda c, warmup, needed: stop(c, warmup - 1, needed),
        "A training was stopped after the last epoch of its warm-up.",
        "The first epoch after which a training may be stopped is warmup + 1.",
    ),
    Mistake(
        "warmup-too-long",
        lambda c, warmup, needed: stop(c, warmup + 1, needed),
        "The first epoch after the warm-up was not looked at.",
        "The first epoch after which a training may be stopped is warmup + 1.",
    ),
    Mistake(
        "needed-ignored",
        lambda c, warmup, needed: stop(c, warmup, 1),
        "Trainings were stopped before enough had been completed.",
        "Stop nothing while len(completed) < needed.",
    ),
    Mistake(
        "one-needed-too-few",
        lambda c, warmup, needed: stop(c, warmup, needed - 1),
        "The rule began one completed training too early.",
        "Stop nothing while len(completed) < needed.",
    ),
    Mistake(
        "one-needed-too-many",
        lambda c, warmup, needed: stop(c, warmup, needed + 1),
        "The rule began one completed training too late.",
        "With exactly `needed` completed trainings the rule is on: >=.",
    ),
    Mistake(
        "epochs-from-zero",
        _counted_from_zero,
        "The numbers of stopped trainings are lower by one: the epoch was counted from 0.",
        "A training that is stopped after epoch t was trained t epochs.",
    ),
    Mistake(
        "one-epoch-more",
        _with_the_next,
        "The numbers of stopped trainings are higher by one.",
        "A training that is stopped after epoch t was trained t epochs.",
    ),
    Mistake(
        "nothing-stopped",
        lambda c, warmup, needed: np.full(len(c), float(c.shape[1])),
        "Nothing was stopped.",
        "max(curve[:t]) < median at epoch t.",
    ),
)


class StoppingTask(Task):
    """Writes the curves one in a line."""

    def describe(self, case: tuple[Any, ...]) -> str:
        """Write the arguments, of many networks only the shape."""
        curves, warmup, needed = case
        head = f"warmup = {warmup}, needed = {needed}, curves of shape {curves.shape}"
        if curves.size > 40:
            return head
        rows = [", ".join(f"{value:.3g}" for value in curve) for curve in curves]
        return "\n".join([head, *rows])


STOPPING = StoppingTask(("curves", "warmup", "needed"), median_stopping, MISTAKES)


def _read(ask: Ask, case: Case) -> np.ndarray:
    given = STOPPING.describe(case)
    epochs = expect_array(ask(*case), (len(case[0]),), given=given)
    longest = case[0].shape[1]
    if ((epochs == np.rint(epochs)) & (epochs >= 0) & (epochs <= longest + 1)).all():
        return epochs
    raise Diagnosis(
        given=given,
        got=epochs,
        expected=f"whole numbers from 1 to {longest}",
        cause="These are not numbers of epochs.",
        next_step="Return for each network how many epochs it was trained.",
        code="not-epochs",
    )


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, (np.full((3, 4), 0.5), 1, 1))


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    curves = np.array(
        [
            [0.25, 0.5, 0.75, 1.0],
            [0.5, 0.25, 0.25, 0.25],
            [0.25, 0.25, 1.0, 1.0],
            [0.25, 0.5, 0.25, 0.875],
            [0.375, 0.375, 0.375, 0.375],
        ]
    )
    flat = np.repeat([[0.5], [0.75], [0.625], [0.5], [0.625]], 4, axis=1)
    judge(STOPPING, lambda case: _read(ask, case), [(curves, 1, 1), (flat, 1, 2)], _drawn(rng, 12))


def _begin(ask: Ask, rng: np.random.Generator) -> None:
    """The first epochs and the first networks."""
    falling = np.repeat([[0.875], [0.75], [0.5], [0.375], [0.25], [0.125]], 5, axis=1)
    cases = [(falling, 2, 3), (falling, 3, 1), (falling, 1, 6)]
    judge(STOPPING, lambda case: _read(ask, case), cases, _drawn(rng, 12))


def _random(ask: Ask, rng: np.random.Generator) -> None:
    judge(STOPPING, lambda case: _read(ask, case), _drawn(rng, 12), _drawn(rng, 4))


def _drawn(rng: np.random.Generator, count: int) -> list[Case]:
    """Noisy curves of 30 networks, some of which rise and some of which fall."""
    cases = []
    for number in range(count):
        level, slope = rng.random((30, 1)), rng.normal(size=(30, 1))
        curves = level + 0.4 * slope * np.linspace(0, 1, 7) + 0.3 * rng.random((30, 7))
        cases.append((curves, 1 + number % 3, 1 + number % 4))
    return cases


MEDIAN_STOPPING = Exercise(
    id="03.4",
    chapter=CHAPTER,
    title="The median stopping rule",
    answer="median_stopping",
    minutes=25,
    difficulty=3,
    stages=(
        Stage("form", 0, _form),
        Stage("five networks by hand", 2, _by_hand),
        Stage("when the rule begins", 1, _begin),
        Stage("random curves", 2, _random),
    ),
)

EXERCISES = (MEDIAN_STOPPING,)
