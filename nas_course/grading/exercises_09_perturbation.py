"""Check of exercise 09.7: projected gradient ascent in the ball, seen on the simplex."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nas_course.grading.asking import Ask
from nas_course.grading.exercise import Diagnosis, Exercise, Stage
from nas_course.grading.expect import expect_array
from nas_course.grading.mistakes import Mistake, Task, judge, show
from nas_course.grading.transport import Expression, Tensor

CHAPTER = "09_when_darts_fails"


@dataclass(frozen=True, eq=False)
class Loss:
    """A quadratic of the mixing weights that bends in its own way in each of them."""

    bend: np.ndarray
    centre: np.ndarray

    def __call__(self, p: np.ndarray) -> float:
        """Return the loss of a mixture."""
        return float((self.bend * (p - self.centre) ** 2).sum())

    def gradient(self, p: np.ndarray) -> np.ndarray:
        """Return its slope in each weight."""
        return np.asarray(2 * self.bend * (p - self.centre))

    def __str__(self) -> str:
        parts = f"bend = {show(self.bend)}, centre = {show(self.centre)}"
        return f"p -> (bend * (p - centre) ** 2).sum() with {parts}"

    def sent(self) -> Expression:
        """What the learner's process evaluates."""
        b, c = (
            f"torch.tensor({part.tolist()}, dtype=torch.float64)"
            for part in (self.bend, self.centre)
        )
        return Expression(f"lambda p: ({b} * (p - {c}) ** 2).sum()", str(self))


Case = tuple[np.ndarray, np.ndarray, Loss, float, int]


def mixture(weights: np.ndarray) -> np.ndarray:
    """Return S(weights): at least 1e-7, rows of sum 1."""
    positive = np.maximum(weights, 1e-7)
    return np.asarray(positive / positive.sum(axis=1, keepdims=True))


def _clip(delta: np.ndarray, eps: float) -> np.ndarray:
    return np.clip(delta, -eps, eps)


def _worse(loss: Loss, worst: np.ndarray, pi: np.ndarray) -> bool:
    return loss(worst) > loss(pi)


@dataclass(frozen=True)
class Attack:
    """The parts of the ascent; a mistake is another part in one of the places."""

    back: Callable[[np.ndarray], np.ndarray] = mixture
    hold: Callable[[np.ndarray, float], np.ndarray] = _clip
    keep: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda pi, delta: delta
    rate: Callable[[float, int], float] = lambda eps, steps: 2 * eps / steps
    move: Callable[[np.ndarray], np.ndarray] = np.sign
    where: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda pi, delta: pi + delta
    through: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda gradient, weights: gradient
    first: Callable[[np.ndarray], np.ndarray] = lambda start: start
    rounds: Callable[[int], int] = lambda steps: steps
    use: Callable[[Loss, np.ndarray, np.ndarray], bool] = _worse

    def __call__(
        self, pi: np.ndarray, start: np.ndarray, loss: Loss, eps: float, steps: int
    ) -> np.ndarray:
        """Return the mixture under which the weights are trained."""
        delta = self.first(start)
        for _ in range(self.rounds(steps)):
            weights = self.where(pi, delta)
            gradient = self.through(loss.gradient(self.back(weights)), weights)
            held = self.hold(delta + self.rate(eps, steps) * self.move(gradient), eps)
            delta = self.keep(pi, held)
        worst = self.back(pi + delta)
        return worst if self.use(loss, worst, pi) else pi


worst_mixture = Attack()


def _instead(**part: Any) -> Attack:
    return replace(worst_mixture, **part)


def _softmax(weights: np.ndarray) -> np.ndarray:
    powers = np.exp(weights)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _floor_at_zero(weights: np.ndarray) -> np.ndarray:
    positive = np.maximum(weights, 0)
    return np.asarray(positive / positive.sum(axis=1, keepdims=True))


def _columns(weights: np.ndarray) -> np.ndarray:
    return mixture(weights.T).T


def _through_the_mixture(gradient: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The gradient by delta: S is differentiated as well."""
    mixed, total = mixture(weights), np.maximum(weights, 1e-7).sum(axis=1, keepdims=True)
    centred = gradient - (gradient * mixed).sum(axis=1, keepdims=True)
    return np.asarray((weights >= 1e-7) * centred / total)


def _logits_moved(
    pi: np.ndarray, start: np.ndarray, loss: Loss, eps: float, steps: int
) -> np.ndarray:
    """The same attack on the logarithms of pi."""
    attack = _instead(
        back=_softmax, where=lambda pi, delta: np.log(pi) + delta, use=lambda *losses: True
    )
    delta = start
    for _ in range(steps):
        gradient = loss.gradient(_softmax(np.log(pi) + delta))
        delta = attack.hold(delta + attack.rate(eps, steps) * np.sign(gradient), eps)
    worst = _softmax(np.log(pi) + delta)
    return worst if _worse(loss, worst, pi) else pi


BALL = "Clip delta (not pi + delta) to [-eps, eps] in every round."
SIMPLEX = "S: at least 1e-7, then each row over its sum; for the gradient and for the result."
MISTAKES = (
    Mistake(
        "row-emptied",
        _instead(back=_floor_at_zero),
        "All weights of a row were raised to 0 only, and 0 was divided by 0.",
        "Raise every entry to at least 1e-7 before you divide.",
    ),
    Mistake(
        "nothing-perturbed",
        lambda pi, start, loss, eps, steps: pi,
        "pi came back, though a worse mixture is near. Either nothing was moved, or the steps go "
        "downhill and the comparison threw their result away.",
        "Print loss(S(pi + delta)) in every round: it should rise.",
    ),
    Mistake(
        "descends",
        _instead(move=lambda gradient: -np.sign(gradient), use=lambda *losses: True),
        "The steps go downhill, to the mixture with the smallest loss.",
        "Add the sign of the gradient: the attack raises the loss.",
    ),
    Mistake(
        "ball-left",
        _instead(hold=lambda delta, eps: delta),
        "delta was not held in the ball: K steps of 2 eps / K lead out of it.",
        BALL,
    ),
    Mistake(
        "ball-held-at-the-bottom-only",
        _instead(hold=lambda delta, eps: np.maximum(delta, -eps)),
        "delta was clipped on one side only.",
        BALL,
    ),
    Mistake(
        "gradient-without-sign",
        _instead(move=lambda gradient: gradient),
        "The steps are as long as the gradient.",
        "Take its sign: every entry moves by 2 eps / K.",
    ),
    Mistake(
        "half-steps",
        _instead(rate=lambda eps, steps: eps / steps),
        "The steps are eps / K long; from the far side of the ball that is not enough.",
        "2 eps / K.",
    ),
    Mistake(
        "whole-steps",
        _instead(rate=lambda eps, steps: 2 * eps),
        "The steps are 2 eps long, whatever K.",
        "2 eps / K.",
    ),
    Mistake(
        "differentiated-through-the-mixture",
        _instead(through=_through_the_mixture),
        "The gradient was taken by delta, so it went through S as well. There the weights of a row "
        "push each other, and a slope that all of them share is lost.",
        "Which tensor does the formula differentiate by?",
    ),
    Mistake(
        "gradient-at-pi",
        _instead(where=lambda pi, delta: pi),
        "The gradient was always taken at pi, so all steps go the same way.",
        "Take it at p = S(pi + delta), anew in every round.",
    ),
    Mistake(
        "start-ignored",
        _instead(first=np.zeros_like),
        "The attack began at delta = 0.",
        "Begin at `start`.",
    ),
    Mistake(
        "one-round",
        _instead(rounds=lambda steps: 1),
        "Only one step was taken.",
        "K rounds.",
    ),
    Mistake(
        "no-round",
        _instead(rounds=lambda steps: 0),
        "This is the start; no step was taken.",
        "K rounds.",
    ),
    Mistake(
        "one-round-more",
        _instead(rounds=lambda steps: steps + 1),
        "One step too many.",
        "K rounds.",
    ),
    Mistake(
        "failed-attack-used",
        _instead(use=lambda *losses: True),
        "The attack did not raise the loss and was used all the same: training gets easier than "
        "without it.",
        "Return pi unless loss(worst) > loss(pi).",
    ),
    Mistake(
        "successful-attack-dropped",
        _instead(use=lambda loss, worst, pi: not _worse(loss, worst, pi)),
        "The comparison is turned round: the attack is used when it failed.",
        "Return the worst mixture if its loss is larger.",
    ),
    Mistake(
        "not-normalised",
        _instead(back=lambda weights: np.maximum(weights, 1e-7)),
        "The rows do not sum to 1.",
        SIMPLEX,
    ),
    Mistake(
        "negative-weights",
        _instead(back=lambda weights: weights / weights.sum(axis=1, keepdims=True)),
        "There are negative mixing weights.",
        SIMPLEX,
    ),
    Mistake(
        "left-the-simplex",
        _instead(back=lambda weights: weights),
        "pi + delta was not made a mixture again.",
        SIMPLEX,
    ),
    Mistake(
        "softmax-of-weights",
        _instead(back=_softmax),
        "A softmax was taken of what are weights already: it moves them towards 1/n.",
        SIMPLEX,
    ),
    Mistake(
        "logits-perturbed",
        _logits_moved,
        "The logits were perturbed. SDARTS perturbs what comes after the softmax.",
        "Add delta to pi.",
    ),
    Mistake(
        "simplex-in-the-loop",
        _instead(keep=lambda pi, delta: mixture(pi + delta) - pi),
        "The next round began at S(pi + delta): delta was replaced by what S left of it.",
        "Keep delta from round to round as the clip left it. S is for looking: at the gradient, "
        "and at the result.",
    ),
    Mistake(
        "columns-normalised",
        _instead(back=_columns),
        "The columns were divided by their sums.",
        "Each row is an edge: dim=1, keepdim=True.",
    ),
)
TASK = Task(("pi", "start", "loss", "epsilon", "steps"), worst_mixture, MISTAKES)


def _read(ask: Ask, case: Case) -> np.ndarray:
    pi, start, loss, eps, steps = case
    given = TASK.describe(case)
    try:
        got = ask(Tensor(pi), Tensor(start), loss.sent(), eps, steps)
        return expect_array(got, pi.shape, given=given)
    except Diagnosis as trouble:
        if trouble.code != "not-finite":
            raise
        raise Diagnosis(
            given=given,
            got=trouble.got,
            code="row-emptied",
            cause="All weights of a row were 0, and 0 was divided by 0.",
            next_step="Raise every entry to at least 1e-7 before you divide.",
        ) from trouble


def _case(rng: np.random.Generator, edges: int, operations: int, eps: float, steps: int) -> Case:
    pi = rng.dirichlet(np.full(operations, 2.0), size=edges)
    start = rng.uniform(-eps, eps, size=pi.shape)
    bend = rng.uniform(0.3, 2.0, size=pi.shape)
    return pi, start, Loss(bend, rng.dirichlet(np.ones(operations), size=edges)), eps, steps


def _top_in_the_ball(
    rng: np.random.Generator, edges: int, operations: int, eps: float, steps: int
) -> Case:
    """A loss with its largest value inside of the ball: the ascent goes there and swings about."""
    pi, start, loss, *_ = _case(rng, edges, operations, eps, steps)
    away = rng.uniform(0.5, 0.9, size=pi.shape) * rng.choice([-eps, eps], size=pi.shape)
    return pi, start, Loss(-loss.bend, mixture(pi + away)), eps, steps


def _hopeless(rng: np.random.Generator) -> Case:
    """A loss that is largest at pi: every other mixture has a smaller one."""
    pi, start, loss, eps, steps = _case(rng, 3, 4, 0.1, 4)
    return pi, start, Loss(-loss.bend, pi), eps, steps


def _judge(ask: Ask, cases: list[Case], rng: np.random.Generator) -> None:
    sizes = ((3, 4, 0.1, 4), (2, 5, 0.3, 7), (3, 3, 0.2, 3))
    probes = [_case(rng, *size) for size in sizes]
    probes += [_top_in_the_ball(rng, *size) for size in sizes]
    probes.append(_hopeless(rng))
    judge(TASK, lambda case: _read(ask, case), cases, probes)


def _one_step(ask: Ask, rng: np.random.Generator) -> None:
    pi, start = np.array([[0.5, 0.3, 0.2]]), np.array([[0.05, 0.0, -0.05]])
    loss = Loss(np.ones((1, 3)), np.array([[0.2, 0.5, 0.3]]))
    _judge(ask, [(pi, start, loss, 0.1, 1), _case(rng, 2, 3, 0.05, 1)], rng)


def _steps(ask: Ask, rng: np.random.Generator) -> None:
    sizes = ((2, 3, 0.1, 4), (4, 5, 0.1, 7), (1, 2, 0.2, 3), (3, 5, 0.03, 7))
    tops = ((3, 4, 0.1, 5), (4, 5, 0.08, 7), (2, 3, 0.1, 4), (5, 5, 0.1, 9))
    cases = [_case(rng, *size) for size in sizes]
    _judge(ask, [*cases, *(_top_in_the_ball(rng, *size) for size in tops)], rng)


def _edges(ask: Ask, rng: np.random.Generator) -> None:
    """Large balls, a row that is emptied, and losses that pi maximises."""
    sizes = ((4, 8, 0.3, 7), (2, 5, 0.3, 5), (6, 5, 0.5, 3))
    cases = [_case(rng, *size) for size in sizes]
    # every slope points down, so the row is emptied; what is left is uniform, and worse
    pi, down = np.array([[0.2, 0.2, 0.3, 0.3]]), np.array([[5.0, 5.0, 6.0, 6.0]])
    cases.append((pi, np.full((1, 4), -0.3), Loss(np.ones((1, 4)), down), 0.3, 2))
    _judge(ask, [*cases, *(_hopeless(rng) for _ in range(3))], rng)


PERTURBATION = Exercise(
    id="09.7",
    chapter=CHAPTER,
    title="Perturbed, but still a mixture",
    answer="worst_mixture",
    minutes=25,
    difficulty=4,
    stages=(
        Stage("one step", 1, _one_step),
        Stage("several steps", 2, _steps),
        Stage("large balls, and attacks that fail", 2, _edges),
    ),
)

EXERCISES = (PERTURBATION,)
