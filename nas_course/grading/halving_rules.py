"""Successive halving and its known mistakes, for the check of exercise 03.3."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nas_course.grading.mistakes import Mistake

Curves = np.ndarray
Found = dict[str, Any]


# Each of these is a rule that one mistake changes; the arguments say what they get.


def rung_budget(longest: int, eta: int, rungs: int, rung: int) -> int:
    """Epochs of a rung, counted from 0."""
    return longest // eta ** (rungs - 1 - rung)


def _score(curves: Curves, epochs: int) -> np.ndarray:
    return curves[:, epochs - 1]


def _places(count: int, left: int, eta: int, rung: int) -> int:
    """Places on a rung: of `count` networks at the beginning, `left` are on the rung before."""
    return max(1, count // eta**rung)


def _ranked(running: list[int], score: np.ndarray) -> list[int]:
    """The networks that may go on, best first."""
    finite = [k for k in running if not math.isnan(score[k])]
    return sorted(finite, key=lambda k: (-score[k], k))


def halve(
    curves: Curves,
    eta: int,
    rungs: int,
    *,
    budget: Callable[[int, int, int, int], int] = rung_budget,
    score: Callable[[Curves, int], np.ndarray] = _score,
    places: Callable[[int, int, int, int], int] = _places,
    ranked: Callable[[list[int], np.ndarray], list[int]] = _ranked,
) -> Found:
    """Run successive halving, by rules that mistakes replace."""
    count, longest = curves.shape
    epochs = [budget(longest, eta, rungs, rung) for rung in range(rungs)]
    running, networks, best = list(range(count)), [], []
    for rung, spent in enumerate(epochs):
        networks.append(tuple(sorted(running)))
        best = ranked(running, score(curves, spent))
        running = best[: places(count, len(best), eta, rung + 1)]
    costs = _costs(networks, epochs)
    return {"epochs": np.array(epochs, float), "networks": tuple(networks), **costs} | {
        "winner": best[0] if best else -1
    }


def _costs(networks: list[tuple[int, ...]], epochs: list[int]) -> dict[str, int]:
    steps = np.diff([0, *epochs])
    return {
        "continued": int(sum(len(on) * step for on, step in zip(networks, steps, strict=True))),
        "from_scratch": sum(len(on) * spent for on, spent in zip(networks, epochs, strict=True)),
    }


def successive_halving(curves: Curves, eta: int, rungs: int) -> Found:
    """Successive halving as the exercise asks for it."""
    return halve(curves, eta, rungs)


def _by(**rules: Any) -> Callable[[Curves, int, int], Found]:
    return lambda curves, eta, rungs: halve(curves, eta, rungs, **rules)


def _nan_best(running: list[int], score: np.ndarray) -> list[int]:
    """What argsort, reversed, makes of nan: it comes first."""
    return sorted(running, key=lambda k: (not math.isnan(score[k]), -np.nan_to_num(score[k]), k))


def _nan_last(running: list[int], score: np.ndarray) -> list[int]:
    return sorted(running, key=lambda k: (math.isnan(score[k]), -np.nan_to_num(score[k]), k))


def _later_first(running: list[int], score: np.ndarray) -> list[int]:
    return sorted(_ranked(running, score), key=lambda k: (-score[k], -k))


def _in_the_old_order(running: list[int], score: np.ndarray) -> list[int]:
    """Equal scores keep the order in which they came from the rung before."""
    finite = [k for k in running if not math.isnan(score[k])]
    return sorted(finite, key=lambda k: -score[k])


def _worst_first(running: list[int], score: np.ndarray) -> list[int]:
    return sorted(_ranked(running, score), key=lambda k: (score[k], k))


def _best_so_far(curves: Curves, epochs: int) -> np.ndarray:
    return np.fmax.reduce(curves[:, :epochs], axis=1)


def _mean_so_far(curves: Curves, epochs: int) -> np.ndarray:
    return curves[:, :epochs].mean(axis=1)


def _with(**changes: Callable[[Curves, Found, int], Any]) -> Callable[[Curves, int, int], Found]:
    """The right result with some entries changed, from the curves, the result and eta."""

    def compute(curves: Curves, eta: int, rungs: int) -> Found:
        right = successive_halving(curves, eta, rungs)
        return right | {name: change(curves, right, eta) for name, change in changes.items()}

    return compute


def _finite_only(curves: Curves, right: Found, eta: int) -> int:
    """Epochs, continued, of those that have a score at the end of their rung."""
    steps = np.diff([0, *right["epochs"]]).astype(int)
    finite = [
        sum(not math.isnan(curves[k, int(spent) - 1]) for k in on)
        for on, spent in zip(right["networks"], right["epochs"], strict=True)
    ]
    return int(np.dot(finite, steps))


def _last_only(curves: Curves, right: Found, eta: int) -> int:
    return int(len(right["networks"][-1]) * right["epochs"][-1])


CONTINUE_STEP = "On each rung: networks on it, times (budget - budget of the rung before)."
BUDGET_STEP = "r_i = R / eta ** (rungs - 1 - i): the last rung has all R epochs."
PLACES_STEP = "Places on rung i: max(1, n // eta ** i), with n the number of rows of `curves`."
NAN_STEP = "Leave nan out before sorting, and take at most as many as there are places."
MISTAKES = (
    Mistake(
        "budgets-from-one",
        _by(budget=lambda longest, eta, rungs, rung: min(longest, eta**rung)),
        "The budgets are powers of eta from 1 on, so the last rung does not reach R.",
        BUDGET_STEP,
    ),
    Mistake(
        "budgets-grow-evenly",
        _by(budget=lambda longest, eta, rungs, rung: longest * (rung + 1) // rungs),
        "The budgets grow by the same number of epochs; they should grow by the factor eta.",
        BUDGET_STEP,
    ),
    Mistake(
        "one-rung-too-low",
        _by(budget=lambda longest, eta, rungs, rung: max(1, longest // eta ** (rungs - rung))),
        "All budgets are lower by a factor eta: the last rung does not reach R.",
        BUDGET_STEP,
    ),
    Mistake(
        "budgets-fall",
        _with(epochs=lambda c, r, eta: r["epochs"][::-1]),
        "The budgets stand in the reverse order: the smallest comes first.",
        BUDGET_STEP,
    ),
    Mistake(
        "worst-go-on",
        _by(ranked=_worst_first),
        "The networks with the lowest accuracies went on.",
        "Sort by minus the accuracy.",
    ),
    Mistake(
        "looks-into-the-future",
        _by(score=lambda curves, epochs: curves[:, -1]),
        "Networks were judged by the end of their curves, which no search knows by then.",
        "On a rung of r epochs look at column r - 1.",
    ),
    Mistake(
        "one-epoch-late",
        _by(score=lambda curves, epochs: curves[:, min(epochs, curves.shape[1] - 1)]),
        "The accuracy was read one epoch too late: column r holds what came after r + 1 epochs.",
        "On a rung of r epochs look at column r - 1.",
    ),
    Mistake(
        "first-epoch-only",
        _by(score=lambda curves, epochs: curves[:, 0]),
        "Networks were judged after their first epoch on every rung.",
        "On a rung of r epochs look at column r - 1.",
    ),
    Mistake(
        "best-so-far",
        _by(score=_best_so_far),
        "Networks were judged by the best value of their curve so far.",
        "Take the value after exactly r epochs; a curve that fell back, fell back.",
    ),
    Mistake(
        "mean-so-far",
        _by(score=_mean_so_far),
        "Networks were judged by the mean of their curve so far.",
        "Take the value after exactly r epochs.",
    ),
    Mistake(
        "always-halved",
        _by(places=lambda count, left, eta, rung: max(1, count // 2**rung)),
        "Half of the networks went on, whatever eta is.",
        PLACES_STEP,
    ),
    Mistake(
        "one-eta-dropped",
        _by(places=lambda count, left, eta, rung: max(1, count - count // eta)),
        "One part in eta was dropped; one part in eta should go on.",
        PLACES_STEP,
    ),
    Mistake(
        "places-rounded-up",
        _by(places=lambda count, left, eta, rung: -(-count // eta**rung)),
        "The number of places was rounded up.",
        PLACES_STEP,
    ),
    Mistake(
        "nobody-left",
        _by(places=lambda count, left, eta, rung: count // eta**rung),
        "A rung was left without a place: floor(n / eta^i) can be 0.",
        PLACES_STEP,
    ),
    Mistake(
        "nan-goes-on",
        _by(ranked=_nan_best),
        "A diverged run went on first: np.argsort puts nan at the end, reversed in front.",
        NAN_STEP,
    ),
    Mistake(
        "nan-fills-up",
        _by(ranked=_nan_last),
        "Diverged runs went on to fill the places that were left.",
        NAN_STEP,
    ),
    Mistake(
        "places-of-the-finite",
        _by(places=lambda count, left, eta, rung: max(1, left // eta)),
        "The places were counted from the runs that had not diverged, not from n.",
        PLACES_STEP,
    ),
    Mistake(
        "later-tie-goes-on",
        _by(ranked=_later_first),
        "Of two equal accuracies the network with the larger number went on.",
        "sorted(..., key=lambda k: (-score[k], k)).",
    ),
    Mistake(
        "ties-by-the-rung-before",
        _by(ranked=_in_the_old_order),
        "Equal accuracies kept the order of the rung before. That is a clear rule too "
        "(nas_course follows it), but here the smaller number goes on.",
        "sorted(..., key=lambda k: (-score[k], k)).",
    ),
    Mistake(
        "costs-swapped",
        _with(
            continued=lambda c, r, eta: r["from_scratch"],
            from_scratch=lambda c, r, eta: r["continued"],
        ),
        "`continued` and `from_scratch` are swapped: continuing is cheaper.",
        CONTINUE_STEP,
    ),
    Mistake(
        "trained-anew",
        _with(continued=lambda c, r, eta: r["from_scratch"]),
        "The epochs of earlier rungs were paid again in `continued`.",
        CONTINUE_STEP,
    ),
    Mistake(
        "scratch-continues",
        _with(from_scratch=lambda c, r, eta: r["continued"]),
        "`from_scratch` counts only the new epochs of each rung.",
        "On each rung: networks on it, times its whole budget.",
    ),
    Mistake(
        "losers-unpaid",
        _with(continued=_last_only, from_scratch=_last_only),
        "Only the last rung was paid; the others were trained as well.",
        CONTINUE_STEP,
    ),
    Mistake(
        "diverged-unpaid",
        _with(continued=_finite_only),
        "Runs that diverged were not paid. They used their epochs all the same.",
        CONTINUE_STEP,
    ),
    Mistake(
        "winner-by-place",
        _with(
            winner=lambda c, r, eta: (
                r["networks"][-1].index(r["winner"]) if r["winner"] >= 0 else -1
            )
        ),
        "The winner is named by its place on the last rung, not by its row of `curves`.",
        "Look the number up: running[place].",
    ),
    Mistake(
        "winner-of-all",
        _with(winner=lambda c, r, eta: int(np.nanargmax(c[:, -1])) if r["winner"] >= 0 else -1),
        "The winner is the best of all curves; but it may have been stopped.",
        "Take the best of those on the last rung.",
    ),
)
