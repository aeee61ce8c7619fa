"""Check of exercise 05.4: a moving baseline and spread, and advantages in units of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_array
from nas_course.grading.mistakes import Mistake, Task, judge

CHAPTER = "05_reinforcement_learning"
LEAST_SPREAD = 1e-8
Case = tuple[list[np.ndarray], float]
Parts = dict[str, np.ndarray]


@dataclass
class Moments:
    """What lives from batch to batch."""

    decay: float
    baseline: float | None = None
    variance: float = 0.0


Rule = Callable[[Moments, np.ndarray], np.ndarray]
StandIn = Callable[[list[float], list[float]], float]


def _advantages(state: Moments, rewards: np.ndarray) -> np.ndarray:
    """The rule of the exercise: measure first, follow afterwards."""
    kept = 0.0 if state.baseline is None else state.decay
    before = rewards.mean() if state.baseline is None else state.baseline
    distances = rewards - before
    state.variance = kept * state.variance + (1 - kept) * float(np.mean(distances**2))
    state.baseline = float(kept * before + (1 - kept) * rewards.mean())
    return distances / _divisor(math.sqrt(state.variance))


def _divisor(spread: float) -> float:
    return spread if spread >= LEAST_SPREAD else 1.0


def standardised_advantages(batches: list[np.ndarray], decay: float) -> Parts:
    """Return the advantages of each batch."""
    return _run(batches, Moments(decay), _advantages, _worst_so_far)


def _worst_so_far(finite: list[float], seen: list[float]) -> float:
    return min(seen, default=math.inf)


def _run(batches: list[np.ndarray], state: Moments, rule: Rule, stand_in: StandIn) -> Parts:
    """Go through the batches; `stand_in` gives the reward of a diverged run, inf for none yet."""
    result, seen = {}, []
    for number, batch in enumerate(batches):
        finite = batch[np.isfinite(batch)].tolist()
        seen += finite
        worst = stand_in(finite, seen)
        rewards = np.where(np.isfinite(batch), batch, worst)
        started = worst < math.inf
        result[_name(number)] = rule(state, rewards) if started else np.zeros(len(batch))
    return result


def _name(number: int) -> str:
    return f"batch {number}"


def _by(rule: Rule) -> Callable[..., Parts]:
    """A mistake in the rule."""
    return lambda batches, decay: _run(batches, Moments(decay), rule, _worst_so_far)


def _replaced_by(stand_in: StandIn) -> Callable[..., Parts]:
    """A mistake in the replacement of rewards that are not finite."""
    return lambda batches, decay: _run(batches, Moments(decay), _advantages, stand_in)


def _follows_first(state: Moments, rewards: np.ndarray) -> np.ndarray:
    first = state.baseline is None
    _advantages(state, rewards)
    before = rewards.mean() if first else state.baseline
    return (rewards - before) / _divisor(math.sqrt(state.variance))


def _follows_before_everything(state: Moments, rewards: np.ndarray) -> np.ndarray:
    kept = 0.0 if state.baseline is None else state.decay
    state.baseline = float(kept * (state.baseline or 0.0) + (1 - kept) * rewards.mean())
    distances = rewards - state.baseline
    state.variance = kept * state.variance + (1 - kept) * float(np.mean(distances**2))
    return distances / _divisor(math.sqrt(state.variance))


def _within_batch(state: Moments, rewards: np.ndarray) -> np.ndarray:
    return (rewards - rewards.mean()) / _divisor(float(rewards.std()))


def _spread_within_batch(state: Moments, rewards: np.ndarray) -> np.ndarray:
    before = rewards.mean() if state.baseline is None else state.baseline
    _advantages(state, rewards)
    return (rewards - before) / _divisor(float(rewards.std()))


def _deviations_from_mean(state: Moments, rewards: np.ndarray) -> np.ndarray:
    kept = 0.0 if state.baseline is None else state.decay
    before = rewards.mean() if state.baseline is None else state.baseline
    state.variance = kept * state.variance + (1 - kept) * float(rewards.var())
    state.baseline = float(kept * before + (1 - kept) * rewards.mean())
    return (rewards - before) / _divisor(math.sqrt(state.variance))


def _old_spread(state: Moments, rewards: np.ndarray) -> np.ndarray:
    first, before = state.baseline is None, replace(state)
    right = _advantages(state, rewards)
    ratio = _divisor(math.sqrt(state.variance)) / _divisor(math.sqrt(before.variance))
    return right if first else right * ratio


def _times(power: Callable[[float], float]) -> Rule:
    def rule(state: Moments, rewards: np.ndarray) -> np.ndarray:
        return _advantages(state, rewards) * power(_divisor(math.sqrt(state.variance)))

    return rule


def _starts_at_zero(state: Moments, rewards: np.ndarray) -> np.ndarray:
    state.baseline = state.baseline or 0.0
    return _advantages(state, rewards)


def _variance_compared(state: Moments, rewards: np.ndarray) -> np.ndarray:
    right = _advantages(state, rewards)
    is_small = LEAST_SPREAD**2 <= state.variance < LEAST_SPREAD
    return right * math.sqrt(state.variance) if is_small else right


def _exact_zero(state: Moments, rewards: np.ndarray) -> np.ndarray:
    right = _advantages(state, rewards)
    spread = math.sqrt(state.variance)
    return right / spread if 0 < spread < LEAST_SPREAD else right


BEFORE = "Measure the distances from the baseline as it was before this batch, then let it follow."
MISTAKES = (
    Mistake(
        "baseline-followed-first",
        _by(_follows_before_everything),
        "The baseline was updated before the distances were measured, so a batch is compared with "
        "itself.",
        BEFORE,
    ),
    Mistake(
        "baseline-followed-first",
        _by(_follows_first),
        "The distances were measured again, from the updated baseline.",
        BEFORE,
    ),
    Mistake(
        "each-batch-by-itself",
        _by(_within_batch),
        "Each batch was standardised by its own mean and spread: a batch that is better than all "
        "before looks average.",
        "Baseline and spread live from batch to batch.",
    ),
    Mistake(
        "spread-of-the-batch",
        _by(_spread_within_batch),
        "The spread is that of the batch alone.",
        "The squared spread is a moving average too, with the same decay.",
    ),
    Mistake(
        "spread-around-the-batch-mean",
        _by(_deviations_from_mean),
        "The spread was measured around the mean of the batch.",
        "Square the distances from the baseline.",
    ),
    Mistake(
        "spread-of-before",
        _by(_old_spread),
        "The advantages were divided by the spread of before this batch.",
        "First update s², then divide.",
    ),
    Mistake(
        "not-standardised",
        _by(_times(lambda spread: spread)),
        "The distances were not divided by the spread.",
        "Divide by s.",
    ),
    Mistake(
        "divided-by-the-variance",
        _by(_times(lambda spread: 1 / spread)),
        "The distances were divided by s², not by s.",
        "Take the square root.",
    ),
    Mistake(
        "weights-exchanged",
        lambda batches, decay: standardised_advantages(batches, 1 - decay),
        "`decay` and 1 - `decay` are exchanged: the new batch gets the weight of the past.",
        "The old value is kept with the weight `decay`.",
    ),
    Mistake(
        "starts-at-zero",
        _by(_starts_at_zero),
        "The baseline starts at 0, so the first rewards all look far away.",
        "The first batch sets it to its own mean.",
    ),
    Mistake(
        "rounding-taken-for-spread",
        _by(_exact_zero),
        "All rewards are equal, but rounding left a spread of about 1e-17, and the division blew "
        "it up.",
        "Compare s with 1e-8, not with 0.",
    ),
    Mistake(
        "variance-compared",
        _by(_variance_compared),
        "A spread of 0.00005 is small, but real; here it was taken for none.",
        "Compare s with 1e-8, not s².",
    ),
    Mistake(
        "smallest-of-this-batch",
        _replaced_by(lambda finite, seen: min(finite or seen, default=math.inf)),
        "A diverged run counts as the smallest reward of its own batch, though worse ones were "
        "seen before.",
        "Keep the smallest finite reward from batch to batch.",
    ),
    Mistake(
        "diverged-as-zero",
        _replaced_by(lambda finite, seen: 0.0),
        "A diverged run counts as 0. If rewards are negative losses, that is the best of all.",
        "Replace it by the smallest finite reward so far.",
    ),
    Mistake(
        "diverged-as-average",
        _replaced_by(lambda finite, seen: sum(finite) / len(finite) if finite else math.inf),
        "A diverged run counts as an average one.",
        "Replace it by the smallest finite reward so far.",
    ),
    Mistake(
        "diverged-as-best",
        _replaced_by(lambda finite, seen: max(seen, default=math.inf)),
        "A diverged run counts as the best one.",
        "Replace it by the smallest finite reward so far.",
    ),
    Mistake(
        "started-without-reward",
        _replaced_by(lambda finite, seen: min(seen, default=0.0)),
        "A batch without any finite reward started the baseline.",
        "Append zeros and leave baseline and spread alone until the first finite reward.",
    ),
)
TASK = Task(("batches", "decay"), standardised_advantages, MISTAKES)


def _given(case: Case) -> str:
    batches = ", ".join(str(batch.round(4).tolist()) for batch in case[0])
    return f"batches = [{batches}], decay = {case[1]:g}"


def _read(ask: Ask, case: Case) -> Parts:
    value = ask(list(case[0]), case[1])
    if isinstance(value, np.ndarray) and value.ndim == 2:
        value = list(value)
    if not isinstance(value, list | tuple) or len(value) != len(case[0]):
        got = f"{len(value)} parts" if isinstance(value, list | tuple) else type(value).__name__
        raise Diagnosis(
            given=_given(case),
            got=got,
            expected=f"a list of {len(case[0])} arrays",
            cause="There is not one array of advantages for each batch.",
            next_step="Append in every round of the loop, and return the list.",
            code="one-array-per-batch",
        )
    return {_name(number): _finite(part, number, case) for number, part in enumerate(value)}


TROUBLES = {
    "dropped": (
        "rewards-dropped",
        "The diverged runs were left out, so nothing pushes the policy away from them.",
        "Replace what is not finite; do not drop it.",
    ),
    "diverged": (
        "diverged-reward-kept",
        "A reward that is not finite got into the baseline, where it stays for ever.",
        "Replace it before everything else; nan and both infinities (np.isfinite).",
    ),
    "equal": (
        "divided-by-zero",
        "The rewards are all equal, and 0 was divided by a spread of 0.",
        "Divide by 1 as long as the spread is below 1e-8.",
    ),
}


def _finite(part: object, number: int, case: Case) -> np.ndarray:
    batch = case[0][number]
    try:
        return expect_array(part, (len(batch),), given=f"{_given(case)}; looking at batch {number}")
    except Diagnosis as trouble:
        is_dropped = trouble.code == "wrong-shape" and not np.isfinite(batch).all()
        if trouble.code != "not-finite" and not is_dropped:
            raise
        has_diverged = not np.isfinite(np.concatenate(case[0])).all()
        kind = "dropped" if is_dropped else "diverged" if has_diverged else "equal"
        code, cause, step = TROUBLES[kind]
        raise Diagnosis(
            given=_given(case), got=trouble.got, code=code, cause=cause, next_step=step
        ) from trouble


def _judge(ask: Ask, cases: list[Case], probes: list[Case]) -> None:
    task = _Described(TASK.names, TASK.solve, TASK.mistakes)
    judge(task, lambda case: _read(ask, case), cases, probes)


class _Described(Task):
    """The same task, whose cases are written with all their numbers."""

    def describe(self, case: tuple) -> str:
        return _given((case[0], case[1]))


def _draw(rng: np.random.Generator, *sizes: int, spread: float = 1.0) -> Case:
    shift = rng.uniform(-3, -1)
    return [shift + spread * rng.random(size) for size in sizes], float(rng.uniform(0.7, 0.95))


def _moving(ask: Ask, rng: np.random.Generator) -> None:
    first: Case = ([np.array([0.5, 0.75, 1.0])], 0.9)
    two: Case = ([np.array([1.0, 3.0]), np.array([2.0, 6.0])], 0.75)
    probes = [_draw(rng, 3, 4, 5), _draw(rng, 6, 3, 4)]
    _judge(ask, [first, two, _draw(rng, 4, 4, 4)], probes)


def _constant(ask: Ask, rng: np.random.Generator) -> None:
    equal = np.full(3, 0.5)
    cases: list[Case] = [([equal, equal], 0.9), ([equal, np.array([0.5, 0.75])], 0.5)]
    cases += [([np.full(3, 0.1)] * 2, 0.9), ([np.full(7, 0.7)], 0.9), ([np.array([2.0])], 0.5)]
    _judge(ask, cases, [_draw(rng, 3, 4)])
    _small_spread(ask, ([np.array([0.5, 0.5001, 0.5, 0.5001])], 0.9))


def _small_spread(ask: Ask, case: Case) -> None:
    """Within a per mille: dividing by s + 1e-8 is as good a rule as the one in the text."""
    right = standardised_advantages(*case)["batch 0"]
    if not np.allclose(_read(ask, case)["batch 0"], right, rtol=1e-3):
        _judge(ask, [case], [([np.array([0.5, 0.75, 1.0])], 0.9)])


def _diverged(ask: Ask, rng: np.random.Generator) -> None:
    nan, inf = math.nan, math.inf
    cases: list[Case] = [
        ([np.array([-1.0, nan, -2.0, -1.5])], 0.9),
        ([np.array([-4.0, -2.0]), np.array([-1.0, inf, -3.0]), np.array([-inf, nan])], 0.8),
        ([np.array([nan, inf]), np.array([-1.0, -3.0]), np.array([-2.0, -1.0])], 0.8),
    ]
    batches, decay = _draw(rng, 5, 5, 5, 5)
    for batch in batches[1:]:
        batch[rng.integers(5)] = rng.choice([nan, inf, -inf])
    _judge(ask, [*cases, (batches, decay)], [cases[1], cases[0], cases[2]])


ADVANTAGES = Exercise(
    id="05.4",
    chapter=CHAPTER,
    title="Better than usual, by how much?",
    answer="standardised_advantages",
    minutes=25,
    difficulty=3,
    stages=(
        Stage("baseline and spread follow", 2, _moving),
        Stage("rewards that are all equal", 1, _constant),
        Stage("runs that diverged", 2, _diverged),
    ),
)

EXERCISES = (ADVANTAGES,)
