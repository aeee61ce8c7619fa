"""Check of exercise 05.6: a REINFORCE update in which three faults have to be found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_array, expect_keys, expect_number
from nas_course.grading.mistakes import Mistake, Task, close, judge, left_over
from nas_course.grading.transport import Tensor

CHAPTER = "05_reinforcement_learning"
Case = tuple[list[np.ndarray], float, np.ndarray, np.ndarray, float]
Updated = dict[str, Any]
Loss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
Feedback = Callable[[torch.Tensor, int], torch.Tensor]


def _policy_loss(rewards: torch.Tensor, value: torch.Tensor, log_p: torch.Tensor) -> torch.Tensor:
    return -((rewards - value).detach() * log_p).mean()


def _value_loss(rewards: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    return (rewards - value).pow(2).mean()


def _loss(rewards: torch.Tensor, value: torch.Tensor, log_p: torch.Tensor) -> torch.Tensor:
    return _policy_loss(rewards, value, log_p) + _value_loss(rewards, value)


def _start(tokens: torch.Tensor) -> torch.Tensor:
    return torch.zeros(len(tokens), dtype=torch.int64)


def _before(tokens: torch.Tensor, step: int) -> torch.Tensor:
    return tokens[:, step - 1] if step else _start(tokens)


def _never(tokens: torch.Tensor, step: int) -> torch.Tensor:
    return _start(tokens)


def _update(
    case: Case,
    loss: Loss = _loss,
    feedback: Feedback = _before,
    greedy: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None = None,
) -> Updated:
    """One step of gradient descent, with its parts exchangeable."""
    tables = [torch.tensor(table, requires_grad=True) for table in case[0]]
    value = torch.tensor(case[1], dtype=torch.double, requires_grad=True)
    tokens, rewards = torch.tensor(case[2]), torch.tensor(case[3])
    log_p = torch.zeros(len(tokens), dtype=torch.double)
    for step, table in enumerate(tables):
        log_pi = table[feedback(tokens, step)].log_softmax(dim=1)
        picked = log_pi.gather(1, tokens[:, step, None])[:, 0]
        log_p = log_p + (greedy(log_pi, picked) if greedy else picked)
    parameters = [*tables, value]
    gradients = torch.autograd.grad(loss(rewards, value, log_p), parameters, allow_unused=True)
    steps = [0 if gradient is None else case[4] * gradient for gradient in gradients]
    new = [(p - s).detach().numpy() for p, s in zip(parameters, steps, strict=True)]
    return {
        "tables": np.concatenate([table.ravel() for table in new[:-1]]),
        "value": float(new[-1]),
    }


def reinforce_update(*case: Any) -> Updated:
    """Return all logits, one after the other, and the baseline after one update."""
    return _update(case)


def _with_faults(faults: frozenset[str]) -> Callable[..., Updated]:
    """The update with some of the three faults left in it."""

    def loss(rewards: torch.Tensor, value: torch.Tensor, log_p: torch.Tensor) -> torch.Tensor:
        advantages = rewards - value if "graph" in faults else (rewards - value).detach()
        sign = 1 if "sign" in faults else -1
        return sign * (advantages * log_p).mean() + _value_loss(rewards, value)

    feedback = _never if "feedback" in faults else _before
    return lambda *case: _update(case, loss, feedback)


FAULTS = {
    "sign": (
        "loss-turned",
        "What was better than the baseline becomes rarer: the policy moves the wrong way.",
        "Descent makes the loss smaller. Which way does that push a good log-probability?",
    ),
    "feedback": (
        "token-not-fed-back",
        "Only row 0 of each table moves, whatever the token before was.",
        "Which variable chooses the row, and where does it change?",
    ),
    "graph": (
        "baseline-in-the-graph",
        "The baseline moves by something else than the gradient of its squared error.",
        "Which of the two losses contain `value`, and which of them should move it?",
    ),
}


def _by(loss: Loss) -> Callable[..., Updated]:
    return lambda *case: _update(case, loss)


def _new_value_first(*case: Any) -> Updated:
    new = _update(case)["value"]
    moved = (case[0], new, *case[2:])
    return {"tables": _update(moved)["tables"], "value": new}


def _likeliest(log_pi: torch.Tensor, picked: torch.Tensor) -> torch.Tensor:
    return log_pi.max(dim=1).values


MISTAKES = (
    *left_over(FAULTS, _with_faults),
    Mistake(
        "baseline-never-learns",
        _by(lambda r, v, log_p: _policy_loss(r, v, log_p) + _value_loss(r, v.detach())),
        "The baseline does not move at all: it was cut off from its own loss as well.",
        "Detach the advantages only; the squared error must still move `value`.",
    ),
    Mistake(
        "policy-cut-off",
        _by(lambda r, v, log_p: _policy_loss(r, v, log_p.detach()) + _value_loss(r, v)),
        "The policy does not move: its log-probabilities were detached.",
        "Detach the advantages, not log_p.",
    ),
    Mistake(
        "both-losses-turned",
        _by(lambda r, v, log_p: _policy_loss(r, v, log_p) - _value_loss(r, v)),
        "The squared error got a minus too: the baseline runs away from the mean reward.",
        "The minus belongs to the policy's loss alone.",
    ),
    Mistake(
        "baseline-removed",
        _by(lambda r, v, log_p: -(r * log_p).mean() + _value_loss(r, v)),
        "The baseline no longer enters the advantages.",
        "rewards - value, as a constant.",
    ),
    Mistake(
        "summed-over-the-batch",
        _by(lambda r, v, log_p: len(r) * _policy_loss(r, v, log_p) + _value_loss(r, v)),
        "The policy's loss is a sum over the batch.",
        "Keep the mean.",
    ),
    Mistake(
        "first-token-only",
        lambda *case: _update(case, feedback=lambda t, step: t[:, 0] if step else _start(t)),
        "Every later step looks at the row of the first token.",
        "The row is the token just before: set it in every round.",
    ),
    Mistake(
        "token-itself-as-row",
        lambda *case: _update(case, feedback=lambda t, step: t[:, step] if step else _start(t)),
        "The row was chosen by the token that is being drawn, not by the one before.",
        "Change `previous` after the token was used, at the end of the loop's body.",
    ),
    Mistake(
        "likeliest-not-drawn",
        lambda *case: _update(case, greedy=_likeliest),
        "The log-probability of the likeliest token was taken, not that of the drawn one.",
        "Pick the entry of `token`; that line was right.",
    ),
    Mistake(
        "new-baseline-used",
        _new_value_first,
        "The advantages were computed with the baseline of after the update.",
        "One step on the sum of both losses, from the old parameters.",
    ),
    Mistake(
        "nothing-changed",
        lambda *case: _update((*case[:4], 0.0)),
        "The parameters came back as they went in.",
        "Return the updated tables and value.",
    ),
)
NAMES = ("tables", "value", "tokens", "rewards", "learning_rate")
TASK = Task(NAMES, reinforce_update, MISTAKES)


def _read(ask: Ask, case: Case) -> Updated:
    tables, value, tokens, rewards, rate = case
    given = TASK.describe(case)
    sent = [Tensor(table) for table in tables]
    fields = expect_keys(
        ask(sent, value, Tensor(tokens), Tensor(rewards), rate), ("tables", "value"), given=given
    )
    new = fields["tables"]
    if not isinstance(new, list | tuple) or len(new) != len(tables):
        raise Diagnosis(
            given=given,
            got=f"{len(new)} tables" if isinstance(new, list | tuple) else type(new).__name__,
            expected=f"a list of {len(tables)} tables",
            cause="There are not as many tables as before.",
            next_step="Return the list of all updated tables, in their order.",
            code="tables-missing",
        )
    parts = [
        expect_array(part, table.shape, given=f"{given}; looking at table {t}")
        for t, (part, table) in enumerate(zip(new, tables, strict=True))
    ]
    number = expect_number(fields["value"], given=f"{given}; looking at `value`")
    return {"tables": np.concatenate([part.ravel() for part in parts]), "value": number}


def _judge_tables(ask: Ask, cases: list[Case], probes: list[Case]) -> None:
    """Pass when the logits are right; the baseline helps only to name what is wrong with them."""
    for case in cases:
        got, right = _read(ask, case), reinforce_update(*case)
        if not close(got["tables"], right["tables"]):
            judge(TASK, lambda asked: _read(ask, asked), [case], probes)


def _case(rng: np.random.Generator, options: int, steps: int, batch: int) -> Case:
    """No two steps agree by chance: the first tokens differ, and none is always 0."""
    tables = [rng.normal(size=(options if t else 1, options)) for t in range(steps)]
    tokens = rng.integers(1, options, size=(batch, steps))
    tokens[0] = 0
    tokens[1] = np.arange(1, steps + 1) % options
    return tables, float(rng.uniform(0.2, 0.4)), tokens, rng.random(batch) + 0.2, 0.5


def _one_token(ask: Ask, rng: np.random.Generator) -> None:
    half = np.log(np.array([[2.0, 1.0, 1.0]]))
    tokens, rewards = np.array([[0], [1]]), np.array([1.0, 0.25])
    cases: list[Case] = [([half], 0.5, tokens, rewards, 0.5), _case(rng, 3, 1, 6)]
    probes = [_case(rng, 4, 3, 8)]
    _judge_tables(ask, cases, probes)


def _three_tokens(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, 3, 3, 8), _case(rng, 5, 4, 10), _case(rng, 4, 6, 3)]
    _judge_tables(ask, cases, [_case(rng, 4, 3, 8)])


def _baseline(ask: Ask, rng: np.random.Generator) -> None:
    cases = [_case(rng, 3, 1, 6), _case(rng, 3, 3, 8), _case(rng, 5, 4, 10)]
    cases.append((*cases[1][:4], 0.01))
    judge(TASK, lambda case: _read(ask, case), cases, [_case(rng, 4, 3, 8)])


UPDATE = Exercise(
    id="05.6",
    chapter=CHAPTER,
    title="Three faults in one update",
    answer="reinforce_update",
    minutes=25,
    difficulty=4,
    stages=(
        Stage("one token: which way?", 1, _one_token),
        Stage("several tokens", 2, _three_tokens),
        Stage("the baseline", 2, _baseline),
    ),
)

EXERCISES = (UPDATE,)
