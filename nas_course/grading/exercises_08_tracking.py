"""Check of exercise 08.8: entropy, changes of the winner, and when an edge is stable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage, describe
from nas_course.grading.expect import expect_array, expect_keys, expect_number
from nas_course.grading.mistakes import Mistake, Task, judge
from nas_course.grading.transport import Tensor

CALM_STEPS = 5
TOLERANCE = 0.01
Tracks = dict[str, Any]


def entropy_of(weights: np.ndarray, axis: int = -1) -> np.ndarray:
    """Return the entropy along the operations, divided by its maximum log K; 0 log 0 is 0."""
    logarithms = np.log(np.where(weights > 0, weights, 1.0))
    return -(weights * logarithms).sum(axis=axis) / np.log(weights.shape[axis])


def changes_of(weights: np.ndarray) -> np.ndarray:
    """Return how many edges have another strongest operation than one epoch before."""
    winners = weights.argmax(axis=2)
    return (winners[1:] != winners[:-1]).sum(axis=1)


def stable_from(winners: np.ndarray, entropy: np.ndarray) -> int | None:
    """Return the first epoch from which one edge is stable, or None."""
    for epoch in range(len(winners) - CALM_STEPS):
        steps = entropy[epoch : epoch + CALM_STEPS + 1]
        calm = np.abs(np.diff(steps)) <= TOLERANCE * steps[:-1]
        if (winners[epoch:] == winners[epoch]).all() and calm.all():
            return epoch
    return None


def track_edges(weights: np.ndarray) -> Tracks:
    """Summarise the mixing weights (epochs, edges, operations) of one cell."""
    entropy = entropy_of(weights)
    return _tracks(weights, entropy, changes_of(weights), _first_epochs(weights, stable_from))


def _tracks(weights: np.ndarray, entropy: Any, changes: Any, epochs: list[Any]) -> Tracks:
    return {"entropy": entropy, "changes": changes, "stable_from": _by_edge(epochs)}


def _by_edge(epochs: list[Any]) -> dict[str, Any]:
    return {f"edge {edge}": epoch for edge, epoch in enumerate(epochs)}


def _first_epochs(weights: np.ndarray, rule: Callable[..., int | None]) -> list[int | None]:
    winners, entropy = weights.argmax(axis=2), entropy_of(weights)
    return [rule(winners[:, e], entropy[:, e]) for e in range(weights.shape[1])]


def _wrong_entropy(compute: Callable[[np.ndarray], np.ndarray]) -> Callable[..., Tracks]:
    return lambda weights: {**track_edges(weights), "entropy": compute(weights)}


def _wrong_changes(compute: Callable[[np.ndarray], Any]) -> Callable[..., Tracks]:
    return lambda weights: {**track_edges(weights), "changes": compute(weights)}


def _wrong_rule(rule: Callable[..., int | None]) -> Callable[..., Tracks]:
    def wrong(weights: np.ndarray) -> Tracks:
        epochs = _first_epochs(weights, rule)
        return {**track_edges(weights), "stable_from": _by_edge(epochs)}

    return wrong


def _shifted(distance: int) -> Callable[..., int | None]:
    def rule(winners: np.ndarray, entropy: np.ndarray) -> int | None:
        epoch = stable_from(winners, entropy)
        return None if epoch is None else epoch + distance

    return rule


def _settled(winners: np.ndarray, entropy: np.ndarray) -> int:
    """The epoch after the last change of the winner."""
    different = np.flatnonzero(winners != winners[-1])
    return int(different[-1]) + 1 if len(different) else 0


def _with_window(steps: int, open_end: bool) -> Callable[..., int | None]:
    """The right rule with another number of calm steps, perhaps cut off at the end of the run."""

    def rule(winners: np.ndarray, entropy: np.ndarray) -> int | None:
        last = len(winners) if open_end else len(winners) - steps
        for epoch in range(last):
            values = entropy[epoch : epoch + steps + 1]
            calm = np.abs(np.diff(values)) <= TOLERANCE * values[:-1]
            if (winners[epoch:] == winners[epoch]).all() and calm.all():
                return epoch
        return None

    return rule


def _winner_in_window(winners: np.ndarray, entropy: np.ndarray) -> int | None:
    for epoch in range(len(winners) - CALM_STEPS):
        last = epoch + CALM_STEPS + 1
        steps = entropy[epoch:last]
        calm = np.abs(np.diff(steps)) <= TOLERANCE * steps[:-1]
        if (winners[epoch:last] == winners[epoch]).all() and calm.all():
            return epoch
    return None


def _entropy_only(winners: np.ndarray, entropy: np.ndarray) -> int | None:
    return stable_from(np.zeros_like(winners), entropy)


def _absolute(winners: np.ndarray, entropy: np.ndarray) -> int | None:
    for epoch in range(len(winners) - CALM_STEPS):
        calm = np.abs(np.diff(entropy[epoch : epoch + CALM_STEPS + 1])) <= TOLERANCE
        if (winners[epoch:] == winners[epoch]).all() and calm.all():
            return epoch
    return None


def _growth_allowed(winners: np.ndarray, entropy: np.ndarray) -> int | None:
    """Only increases are limited: the absolute value was forgotten."""
    for epoch in range(len(winners) - CALM_STEPS):
        steps = entropy[epoch : epoch + CALM_STEPS + 1]
        calm = np.diff(steps) <= TOLERANCE * steps[:-1]
        if (winners[epoch:] == winners[epoch]).all() and calm.all():
            return epoch
    return None


def _above_threshold(weights: np.ndarray) -> Tracks:
    crossed = weights.max(axis=2) > 0.6
    epochs = [int(c.argmax()) if c.any() else None for c in crossed.T]
    return {**track_edges(weights), "stable_from": _by_edge(epochs)}


MISTAKES = (
    Mistake(
        "entropy-not-normalised",
        _wrong_entropy(lambda w: entropy_of(w) * np.log(w.shape[2])),
        "This entropy is in nats: its maximum is log K, so edges of two spaces cannot be compared.",
        "Divide by log K, K = number of operations.",
    ),
    Mistake(
        "entropy-in-bits",
        _wrong_entropy(lambda w: entropy_of(w) * np.log2(w.shape[2])),
        "This entropy is in bits: its maximum is log2 K.",
        "Divide by the logarithm of K to the same base.",
    ),
    Mistake(
        "entropy-negative",
        _wrong_entropy(lambda w: -entropy_of(w)),
        "The sign is missing: log of a number below 1 is negative.",
        "Entropy is -sum p log p.",
    ),
    Mistake(
        "entropy-over-edges",
        _wrong_entropy(lambda w: -(w * np.log(np.where(w > 0, w, 1))).sum(axis=1)[:, : w.shape[1]]),
        "The sum runs over the edges. The distribution of an edge is over its operations.",
        "Sum along the last axis.",
    ),
    Mistake(
        "entropy-is-a-mean",
        _wrong_entropy(lambda w: entropy_of(w) / w.shape[2]),
        "-p log p was averaged over the operations instead of added.",
        "Use sum, not mean.",
    ),
    Mistake(
        "changes-accumulated",
        _wrong_changes(lambda w: changes_of(w).cumsum()),
        "The changes were added up over the epochs.",
        "Entry t compares epoch t + 1 with epoch t only.",
    ),
    Mistake(
        "changes-against-start",
        _wrong_changes(lambda w: (w.argmax(2)[1:] != w.argmax(2)[0]).sum(axis=1)),
        "Every epoch was compared with the first one.",
        "Compare each epoch with the one before.",
    ),
    Mistake(
        "changes-as-share",
        _wrong_changes(lambda w: changes_of(w) / w.shape[1]),
        "This is the share of edges, not their number.",
        "Add up the edges that changed.",
    ),
    Mistake(
        "unchanged-counted",
        _wrong_changes(lambda w: w.shape[1] - changes_of(w)),
        "The edges that kept their winner were counted.",
        "Use != instead of ==.",
    ),
    Mistake(
        "stable-one-late",
        _wrong_rule(_shifted(1)),
        "The epoch is one too late: epoch t itself is the first with the final winner.",
        "If the steps t -> t+1, ..., t+4 -> t+5 are calm, the answer is t.",
    ),
    Mistake(
        "stable-one-early",
        _wrong_rule(_shifted(-1)),
        "The epoch is one too early.",
        "If the steps t -> t+1, ..., t+4 -> t+5 are calm, the answer is t.",
    ),
    Mistake(
        "end-of-window-reported",
        _wrong_rule(_shifted(CALM_STEPS)),
        "The end of the calm window was reported, not its start.",
        "Five steps are needed as evidence, but the edge is stable from the start of them.",
    ),
    Mistake(
        "window-too-short",
        _wrong_rule(_with_window(CALM_STEPS - 1, open_end=False)),
        "Only four steps were looked at: five epochs have four steps between them.",
        "Five steps need six epochs, t to t + 5.",
    ),
    Mistake(
        "window-beyond-the-end",
        _wrong_rule(_with_window(CALM_STEPS, open_end=True)),
        "An edge was called stable although fewer than five steps were left to see it.",
        "t + 5 must still be a recorded epoch; otherwise the run is too short to tell: None.",
    ),
    Mistake(
        "entropy-ignored",
        _wrong_rule(_settled),
        "Only the winner was looked at. Its weight may still be moving.",
        "Demand the five calm steps of the entropy as well.",
    ),
    Mistake(
        "winner-ignored",
        _wrong_rule(_entropy_only),
        "Only the entropy was looked at. When two operations swap places it stays the same.",
        "Demand as well that the winner of epoch t stays the winner to the end.",
    ),
    Mistake(
        "winner-only-in-window",
        _wrong_rule(_winner_in_window),
        "The winner may change after the five calm steps; then the edge was not stable.",
        "Compare the winner with all later epochs, to the end of the run.",
    ),
    Mistake(
        "change-not-relative",
        _wrong_rule(_absolute),
        "The change of the entropy was compared with 0.01. One per cent is relative: 0.01 * H.",
        "Compare with 0.01 times the entropy before the step.",
    ),
    Mistake(
        "falling-entropy-is-calm",
        _wrong_rule(_growth_allowed),
        "A falling entropy was taken for a calm one: the absolute value is missing.",
        "Use the absolute value of the change.",
    ),
    Mistake(
        "weight-above-threshold",
        _above_threshold,
        "An edge was called stable when its largest weight passed 0.6. It may go on moving, and a "
        "calm edge may never get there.",
        "Stability is about change: winner and entropy, not size.",
    ),
)


class TrackingTask(Task):
    """Describes a single edge by its winners and entropies, which is what one must look at."""

    def describe(self, case: tuple[np.ndarray]) -> str:
        """Write the history of one edge, or the shape of several."""
        (weights,) = case
        if weights.shape[1] > 1:
            return super().describe(case)
        winners = " ".join(str(winner) for winner in weights[:, 0].argmax(axis=1))
        entropy = " ".join(f"{value:.3f}" for value in entropy_of(weights)[:, 0])
        return f"one edge\nstrongest operation by epoch: {winners}\nentropy by epoch: {entropy}"


TRACKING = TrackingTask(("weights",), track_edges, MISTAKES)


def _read(ask: Ask, case: tuple[np.ndarray]) -> Tracks:
    (weights,) = case
    epochs, edges, operations = weights.shape
    given = f"weights of {epochs} epochs, {edges} edges, {operations} operations"
    value = expect_keys(ask(Tensor(weights)), ("entropy", "changes", "stable_from"), given=given)
    stable = value["stable_from"]
    if isinstance(stable, dict) and set(stable) == set(range(edges)):
        stable = [stable[edge] for edge in range(edges)]
    return _tracks(
        weights,
        _entropy(value["entropy"], weights, given),
        expect_array(value["changes"], (epochs - 1,), given=f"{given}; looking at `changes`"),
        [_epoch(entry, given) for entry in _entries(stable, edges, given)],
    )


def _entropy(value: Any, weights: np.ndarray, given: str) -> np.ndarray:
    try:
        return expect_array(value, weights.shape[:2], given=f"{given}; looking at `entropy`")
    except Diagnosis as problem:
        if problem.code != "not-finite" or weights.min() > 0:
            raise
    raise Diagnosis(
        given=f"{given}; some weights are exactly 0",
        got="an entropy that is nan",
        expected="finite numbers",
        cause="log 0 is minus infinity, and 0 times that is nan. In the limit 0 log 0 is 0.",
        next_step="Replace zeros inside the logarithm, or use torch.special.entr / torch.xlogy.",
        code="zero-log-zero",
    )


def _entries(value: Any, edges: int, given: str) -> list[Any]:
    entries = value.tolist() if isinstance(value, np.ndarray) else value
    if isinstance(entries, list | tuple) and len(entries) == edges:
        return list(entries)
    raise Diagnosis(
        given=given,
        got=f"stable_from = {describe(value)}",
        expected=f"a list of {edges} entries, an epoch or None for each edge",
        cause="There must be one entry per edge.",
        next_step="Collect the answers of all edges in a list.",
        code="not-one-entry-per-edge",
    )


def _epoch(entry: Any, given: str) -> int | None:
    """Return an epoch, or None for an edge that is not stable (nan is taken for None)."""
    if entry is None or (isinstance(entry, float) and np.isnan(entry)):
        return None
    number = expect_number(entry, given=f"{given}; looking at `stable_from`", whole=True)
    if number >= 0:
        return int(number)
    raise Diagnosis(
        given=given,
        got=f"an epoch of {number:g}",
        expected="an epoch from 0, or None",
        cause="An edge that is not stable must be reported as None, not as a number.",
        next_step="A number that means 'nothing' ends up in averages: return None.",
        code="number-for-not-stable",
    )


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _swap(weights: np.ndarray, epoch: int) -> np.ndarray:
    """Let the two strongest operations change places at an epoch: the entropy does not notice."""
    first, second = np.argsort(-weights[epoch])[:2]
    swapped = weights.copy()
    swapped[epoch:, [first, second]] = weights[epoch:, [second, first]]
    return swapped


def _edge_histories(rng: np.random.Generator, epochs: int) -> list[np.ndarray]:
    """Edges (epochs, 4 operations), each made so that one wrong rule goes wrong."""
    time, half = np.arange(epochs)[:, None], epochs // 2
    logits = np.sort(rng.normal(size=(7, 4)), axis=1)[:, ::-1] + np.array([0.6, 0, 0, 0])
    still = [_softmax(np.repeat(row[None], epochs, axis=0)) for row in logits]
    pull = np.array([1.0, 0.0, 0.0, 0.0])
    return [
        _softmax(logits[0] + 2.5 * pull * (1 - 0.5**time)),  # settles
        _softmax(logits[1] + 0.25 * pull * time),  # never settles
        _softmax(logits[1] + 2.0 * pull - 0.12 * pull * time),  # entropy grows
        _softmax(pull * (4.8 + 0.05 * time)),  # small entropy, large relative changes
        _softmax(logits[4] + 0.3 * pull * np.minimum(time, epochs - 5)),  # too late to tell
        _paused(rng, epochs, 4),
        _paused(rng, epochs, 5),
        _swap(still[5], int(rng.integers(3, half - 1))),
        _swap(still[6], int(rng.integers(half, epochs - 6))),
        _swap(still[2], epochs - 3),
        _swap(_swap(still[3], 2), int(rng.integers(3, half))),
    ]


def _paused(rng: np.random.Generator, epochs: int, steps: int) -> np.ndarray:
    """An edge that moves all the time, except for a pause of so many steps."""
    time = np.arange(epochs)[:, None]
    start = int(rng.integers(1, epochs - steps - 2))
    moved = time - np.clip(time - start, 0, steps)
    return _softmax(np.array([1.2, 0.3, 0.0, -0.3]) + 0.25 * moved * np.array([1.0, 0, 0, 0]))


def _history(rng: np.random.Generator, epochs: int) -> tuple[np.ndarray]:
    """All edges together, in random order, each with its operations in random order."""
    edges = [track[:, rng.permutation(4)] for track in _edge_histories(rng, epochs)]
    return (np.stack([edges[i] for i in rng.permutation(len(edges))], axis=1),)


def _hand_case() -> tuple[np.ndarray]:
    """Edge 0 is stable from epoch 2; edge 1 swaps its two operations at epoch 6 of 7."""
    first = [[0.6, 0.4], [0.4, 0.6], *([[0.2, 0.8]] * 6)]
    second = [*([[0.9, 0.1]] * 6), *([[0.1, 0.9]] * 2)]
    return (np.stack([np.array(first), np.array(second)], axis=1),)


def _form(ask: Ask, rng: np.random.Generator) -> None:
    _read(ask, _history(rng, 16))


def _by_hand(ask: Ask, rng: np.random.Generator) -> None:
    probes = [_history(rng, epochs) for epochs in (16, 20, 24)]
    judge(TRACKING, lambda case: _read(ask, case), [_hand_case()], probes)


def _limits(ask: Ask, rng: np.random.Generator) -> None:
    """Uniform-like edges have entropy 1, one-hot edges entropy 0 and are stable from the start."""
    one_hot = np.zeros((7, 3, 4))
    one_hot[:, [0, 1, 2], [3, 0, 2]] = 1.0
    even = np.full((7, 3, 4), 0.25) + np.array([3e-7, -1e-7, -1e-7, -1e-7])
    judge(TRACKING, lambda case: _read(ask, case), [(even,), (one_hot,)])


def _random(ask: Ask, rng: np.random.Generator) -> None:
    """Single edges first, so that a failure shows the edge it is about."""
    (weights,) = _history(rng, 16)
    singles = [(weights[:, [edge]],) for edge in range(weights.shape[1])]
    cases = [*singles, *(_history(rng, epochs) for epochs in (16, 20, 31))]
    judge(TRACKING, lambda case: _read(ask, case), cases, cases)


TRACK_EDGES = Exercise(
    id="08.8",
    chapter="08_darts",
    title="When has the search made up its mind?",
    answer="track_edges",
    minutes=25,
    difficulty=3,
    stages=(
        Stage("three fields of the right shape", 1, _form),
        Stage("two edges by hand", 1, _by_hand),
        Stage("even and one-hot edges", 1, _limits),
        Stage("edges that settle, swap and drift", 2, _random),
    ),
)

EXERCISES = (TRACK_EDGES,)
