"""Check of exercise 05.5: the entropy of a policy over sequences, by the chain rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_array, expect_keys, expect_number
from nas_course.grading.mistakes import Mistake, Task, judge

CHAPTER = "05_reinforcement_learning"
FIELDS = ("steps", "entropy", "independent")
Tables = list[np.ndarray]
Entropies = dict[str, Any]


def _plogp(p: np.ndarray) -> np.ndarray:
    """p log p, 0 where p is 0."""
    return np.asarray(p * np.log(np.where(p > 0, p, 1)))


def _entropies(table: np.ndarray) -> np.ndarray:
    """Entropy of each row, for every prefix."""
    return np.asarray(-_plogp(table).sum(axis=-1))


def _joints(conditionals: Tables) -> Tables:
    """Probabilities of all prefixes of length 1, 2, ..."""
    joints = [np.asarray(conditionals[0])]
    for table in conditionals[1:]:
        joints.append(joints[-1][..., None] * table)
    return joints


def _marginal(joint: np.ndarray) -> np.ndarray:
    return np.asarray(joint.reshape(-1, joint.shape[-1]).sum(axis=0))


def policy_entropy(conditionals: Tables) -> Entropies:
    """Return the entropies of the steps, of the policy, and of its independent counterpart."""
    reach = [np.ones(()), *_joints(conditionals)]
    steps = [(p * _entropies(t)).sum() for p, t in zip(reach, conditionals, strict=False)]
    return _result(steps, _independent(conditionals))


def _independent(conditionals: Tables) -> float:
    return float(sum(_entropies(_marginal(joint)) for joint in _joints(conditionals)))


def _result(steps: Any, independent: float) -> Entropies:
    numbers = np.array([float(step) for step in steps])
    return {"steps": numbers, "entropy": float(numbers.sum()), "independent": float(independent)}


def _steps_by(step: Callable[[np.ndarray, Tables, int], Any]) -> Callable[[Tables], Entropies]:
    """The steps computed otherwise, from the table, all tables and the number of the step."""

    def compute(conditionals: Tables) -> Entropies:
        steps = [step(table, conditionals, t) for t, table in enumerate(conditionals)]
        return _result(steps, _independent(conditionals))

    return compute


def _with(**changes: Callable[[Tables, Entropies], Any]) -> Callable[[Tables], Entropies]:
    def compute(conditionals: Tables) -> Entropies:
        right = policy_entropy(conditionals)
        return right | {name: change(conditionals, right) for name, change in changes.items()}

    return compute


def _scaled(factor: float) -> Callable[[Tables], Entropies]:
    return lambda tables: {name: factor * value for name, value in policy_entropy(tables).items()}


def _greedy(conditionals: Tables) -> Entropies:
    """Entropies along the likeliest path."""
    place: tuple[int, ...] = ()
    steps = []
    for table in conditionals:
        steps.append(_entropies(table[place]))
        place = (*place, int(table[place].argmax()))
    return _result(steps, _independent(conditionals))


def _last_token_only(table: np.ndarray, conditionals: Tables, t: int) -> Any:
    """Weights prefixes by the probability of their last token alone."""
    reach = np.asarray(conditionals[t - 1]) if t else np.ones(())
    return (reach * _entropies(table)).sum()


def _cumulated(conditionals: Tables) -> Entropies:
    steps = [-_plogp(joint).sum() for joint in _joints(conditionals)]
    return _result(steps, _independent(conditionals))


def _unweighted_marginals(conditionals: Tables, right: Entropies) -> float:
    tables = [table.reshape(-1, table.shape[-1]).mean(axis=0) for table in conditionals]
    return float(sum(_entropies(table) for table in tables))


REACH = "Weight the entropy after a prefix by the probability of the prefix."
MISTAKES = (
    Mistake(
        "prefixes-averaged",
        _steps_by(lambda table, tables, t: _entropies(table).mean()),
        "All prefixes count the same, also those that the policy hardly ever draws.",
        REACH,
    ),
    Mistake(
        "prefixes-summed",
        _steps_by(lambda table, tables, t: _entropies(table).sum()),
        "The entropies after all prefixes were added without weights.",
        REACH,
    ),
    Mistake(
        "likeliest-path-only",
        _greedy,
        "Only the likeliest prefix was followed.",
        "Average over all prefixes. " + REACH,
    ),
    Mistake(
        "first-row-only",
        _steps_by(lambda table, tables, t: _entropies(table).ravel()[0]),
        "Only the first row of each table was used.",
        "Average over all prefixes. " + REACH,
    ),
    Mistake(
        "last-token-for-the-prefix",
        _steps_by(_last_token_only),
        "The weight of a prefix is the probability of its last token alone.",
        "The probability of a prefix is a product over all its tokens: multiply on.",
    ),
    Mistake(
        "steps-cumulated",
        _cumulated,
        "The entry for step t holds the entropy of all tokens up to t, and so the first ones were "
        "counted several times.",
        "Take the logarithm of the conditional probabilities, not of the joint ones.",
    ),
    Mistake(
        "steps-cumulated",
        _with(steps=lambda tables, r: r["steps"].cumsum()),
        "The entry for step t holds the entropy of all tokens up to t.",
        "One entry for each step by itself.",
    ),
    Mistake("bits-not-nats", _scaled(1 / np.log(2)), "The logarithm has base 2.", "Use np.log."),
    Mistake(
        "negative-entropy",
        _scaled(-1.0),
        "The sign is turned: an entropy is never below 0.",
        "Minus the sum of p log p.",
    ),
    Mistake(
        "entropy-of-the-last-step",
        _with(entropy=lambda tables, r: r["steps"][-1]),
        "`entropy` is that of the last step only.",
        "Sum over the steps.",
    ),
    Mistake(
        "entropy-averaged",
        _with(entropy=lambda tables, r: r["steps"].mean()),
        "`entropy` is the mean of the steps.",
        "Sum over the steps.",
    ),
    Mistake(
        "marginals-unweighted",
        _with(independent=_unweighted_marginals),
        "The marginals were averaged over all prefixes alike.",
        "Sum the joint probabilities over all axes but the last.",
    ),
    Mistake(
        "independent-not-computed",
        _with(independent=lambda tables, r: r["entropy"]),
        "`independent` equals `entropy`. It would only if no token depended on another.",
        "Compute the marginal of each token, then the entropies of the marginals.",
    ),
    Mistake(
        "entropies-exchanged",
        _with(
            entropy=lambda tables, r: r["independent"], independent=lambda tables, r: r["entropy"]
        ),
        "`entropy` and `independent` are exchanged.",
        "The independent policy has the larger entropy.",
    ),
    Mistake(
        "uniform-for-independent",
        _with(independent=lambda tables, r: sum(np.log(t.shape[-1]) for t in tables)),
        "`independent` is the entropy of the uniform policy.",
        "The independent policy keeps the marginals: draw each token with its average probability.",
    ),
    Mistake(
        "difference-not-entropy",
        _with(independent=lambda tables, r: r["independent"] - r["entropy"]),
        "`independent` is the difference of the two entropies.",
        "Return the entropy of the independent policy itself.",
    ),
)
TASK = Task(("conditionals",), policy_entropy, MISTAKES)


def _given(case: tuple[Tables]) -> str:
    shapes = ", ".join(str(table.shape) for table in case[0])
    shown = [table.round(3).tolist() for table in case[0]]
    size = sum(table.size for table in case[0])
    return f"conditionals = {shown}" if size <= 16 else f"conditionals of the shapes {shapes}"


def _read(ask: Ask, case: tuple[Tables]) -> Entropies:
    given = _given(case)
    fields = expect_keys(ask(list(case[0])), FIELDS, given=given)
    try:
        steps = expect_array(fields["steps"], (len(case[0]),), given=f"{given}; looking at `steps`")
    except Diagnosis as trouble:
        raise _explained(trouble, case) from trouble
    numbers = {
        name: expect_number(fields[name], given=f"{given}; looking at `{name}`")
        for name in FIELDS[1:]
    }
    return {"steps": steps, **numbers}


def _explained(trouble: Diagnosis, case: tuple[Tables]) -> Diagnosis:
    if trouble.code != "not-finite" or all((table > 0).all() for table in case[0]):
        return trouble
    return Diagnosis(
        given=_given(case),
        got="nan",
        expected=policy_entropy(case[0])["steps"],
        cause="A probability is 0, its logarithm minus infinity, and their product is nan.",
        next_step="Replace p by 1 inside the logarithm where p is 0: then the product is 0.",
        code="zero-times-infinity",
    )


def _policy(rng: np.random.Generator, *options: int) -> tuple[Tables]:
    shapes = [options[:t] for t in range(len(options))]
    draws = zip(shapes, options, strict=True)
    return ([rng.dirichlet(np.full(count, 0.7), size=shape or None) for shape, count in draws],)


def _two_tokens(ask: Ask, rng: np.random.Generator) -> None:
    even = np.array([0.5, 0.5])
    cases: list[tuple[Tables]] = [
        ([np.array([0.5, 0.25, 0.25])],),
        ([even, np.array([[0.75, 0.25], [0.25, 0.75]])],),
        ([np.array([0.25, 0.75]), np.array([[0.5, 0.5], [0.875, 0.125]])],),
    ]
    _judge(ask, cases, [_policy(rng, 3, 4), _policy(rng, 2, 3, 2)])


def _longer(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_policy(rng, 2, 2, 3), _policy(rng, 3, 4, 2, 3), _policy(rng, 5, 5, 5, 5)]
    _judge(ask, cases, [_policy(rng, 2, 3, 2), _policy(rng, 4, 2, 3)])


def _zeros(ask: Ask, rng: np.random.Generator) -> None:
    """Two sequences share all the probability: log 2 in all, twice log 2 if independent."""
    first = np.array([0.5, 0.0, 0.5])
    copied = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    (tables,) = _policy(rng, 3, 4, 3)
    tables[1][0] = [1.0, 0.0, 0.0, 0.0]
    _judge(ask, [([first, copied],), (tables,)], [_policy(rng, 2, 3)])


def _judge(ask: Ask, cases: list[tuple[Tables]], probes: list[tuple[Tables]]) -> None:
    judge(
        _Described(("conditionals",), policy_entropy, MISTAKES),
        lambda c: _read(ask, c),
        cases,
        probes,
    )


class _Described(Task):
    """The same task, whose tables are written with their numbers or shapes."""

    def describe(self, case: tuple) -> str:
        return _given((case[0],))


ENTROPY = Exercise(
    id="05.5",
    chapter=CHAPTER,
    title="How undecided is the policy?",
    answer="policy_entropy",
    minutes=25,
    difficulty=4,
    stages=(
        Stage("one and two tokens", 2, _two_tokens),
        Stage("longer sequences", 2, _longer),
        Stage("probabilities of zero", 1, _zeros),
    ),
)

EXERCISES = (ENTROPY,)
