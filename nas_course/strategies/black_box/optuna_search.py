"""Bayesian optimisation by Optuna: TPE or a Gaussian process over a space's choices.

    strategy = OptunaSearch(space, seed=0)                  # TPE
    strategy = OptunaSearch(space, seed=0, sampler="gp")

Bergstra, Bardenet, Bengio, Kégl, "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011
(TPE). Akiba, Sano, Yanase, Ohta, Koyama, "Optuna", KDD 2019.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from nas_course.errors import one_of, require
from nas_course.estimation.score import Score
from nas_course.strategies.black_box.strategy import Architecture, fitness

SAMPLERS = ("tpe", "gp")
MUTATIONS = 100  # steps in search of something new, before a space counts as used up
Trial = tuple[Architecture, float | None]


class OptunaSearch:
    """Lets an Optuna sampler choose among a space's choices, each a categorical parameter.

    The sampler is made anew for each suggestion, seeded by the search's seed and the suggestion's
    number. So a search is no more than its list of trials, and one that was interrupted goes on
    exactly as it would have, without a look into Optuna's generators.

    Samplers do not mind repeating themselves, and in a small space they soon do little else. A
    suggestion that was asked before (under any name, `space.canonical`) is therefore dropped, and
    another one drawn, up to `tries` times; the last one is then mutated until it is new.

    Parameters
    ----------
    space, seed
    sampler : str
        "tpe": Parzen estimators of the good and of the other architectures, whose ratio is
        maximised over random draws from the good. "gp": a Gaussian process with expected
        improvement, far slower; meant for expensive estimates.
    initial : int, from 1 on
        Random architectures to begin with; 10 is Optuna's own default.
    tries : int, from 1 on
        Suggestions drawn for each ask, until one is new.

    Raises
    ------
    InvalidInput
        Unknown sampler, or a number below 1.
    """

    name = "tpe"

    def __init__(
        self, space: Any, *, seed: int, sampler: str = "tpe", initial: int = 10, tries: int = 3
    ) -> None:
        if sampler not in SAMPLERS:
            raise one_of("sampler", sampler, SAMPLERS)
        require("initial", initial, initial >= 1, "1 or more")
        require("tries", tries, tries >= 1, "1 or more")
        self.space, self.name, self.initial, self.tries = space, sampler, initial, tries
        self._seed, self._suggested = seed, 0
        self._distributions = _distributions(space)
        self._reset([])

    def _reset(self, trials: list[Trial]) -> None:
        """Start a study that has these trials."""
        self._study = _study()
        self._trials: list[Trial] = []
        self._known: set[Any] = set()
        self._pending: dict[Architecture, list[tuple[int, int]]] = {}
        for architecture, value in trials:
            self._study.add_trial(self._frozen(architecture, value))
            self._note(architecture, value, number=len(self._trials))

    def _note(self, architecture: Architecture, value: float | None, number: int) -> None:
        """Append a trial, whose number in the study is `number`; value None: not told yet."""
        if value is None:
            self._pending.setdefault(architecture, []).append((len(self._trials), number))
        self._trials.append((architecture, value))
        self._known.add(self.space.canonical(architecture))

    def _frozen(self, architecture: Architecture, value: float | None) -> Any:
        import optuna

        states = optuna.trial.TrialState
        return optuna.trial.create_trial(
            state=states.RUNNING if value is None else states.COMPLETE,
            value=value,
            params=dict(zip(self._distributions, self.space.indices(architecture), strict=True)),
            distributions=self._distributions,
        )

    def ask(self) -> Architecture:
        """Return what the sampler suggests, given all trials so far."""
        for _ in range(self.tries):
            trial, architecture = self._suggestion()
            # Samplers do not look at failed trials. The one that counts is added below, with 0
            # at choices that are not active, as a restored study has it.
            self._study.tell(trial, state=_failed())
            if self.space.canonical(architecture) not in self._known:
                break
        else:
            architecture = self._mutated(architecture)
        self._study.add_trial(self._frozen(architecture, None))
        self._note(architecture, None, number=trial.number + 1)
        return architecture

    def _suggestion(self) -> tuple[Any, Architecture]:
        seed = np.random.SeedSequence([self._seed, self._suggested]).generate_state(1)[0]
        self._suggested += 1
        self._study.sampler = _sampler(self.name, int(seed), self.initial, self._distributions)
        trial = self._study.ask(self._distributions)
        return trial, self.space.from_indices([trial.params[name] for name in self._distributions])

    def _mutated(self, architecture: Architecture) -> Architecture:
        """Walk away from it by random mutations until one is new."""
        rng = np.random.default_rng([self._seed, self._suggested])
        for _ in range(MUTATIONS):
            architecture = self.space.mutate(architecture, rng)
            if self.space.canonical(architecture) not in self._known:
                break
        return architecture

    def tell(self, asked: Architecture, score: Score) -> None:
        """Finish the oldest open trial of this architecture, or add one if none is open."""
        value = fitness(score)
        if self._pending.get(asked):
            index, number = self._pending[asked].pop(0)
            self._trials[index] = (asked, value)
            self._study.tell(number, value)
        else:
            self._study.add_trial(self._frozen(asked, value))
            self._note(asked, value, number=len(self._trials))

    def state_dict(self) -> dict[str, Any]:
        """Return the trials, with values where they were told, and the count of suggestions."""
        return {
            "seed": self._seed,
            "suggested": self._suggested,
            "trials": [[str(architecture), value] for architecture, value in self._trials],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave; what was pending then may be told now."""
        self._seed, self._suggested = state["seed"], state["suggested"]
        self._reset([(self.space.parse(text), value) for text, value in state["trials"]])


def _distributions(space: Any) -> dict[str, Any]:
    """Return for each choice a categorical distribution over the numbers of its options."""
    import optuna  # takes half a second, so only on use

    return {
        choice.name: optuna.distributions.CategoricalDistribution(range(len(choice.options)))
        for choice in space.choices
    }


def _study() -> Any:
    import optuna

    with _quiet():  # it would announce the study
        return optuna.create_study(direction="maximize")


@contextmanager
def _quiet() -> Iterator[None]:
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _failed() -> Any:
    import optuna

    return optuna.trial.TrialState.FAIL


def _sampler(name: str, seed: int, initial: int, distributions: dict[str, Any]) -> Any:
    """Return a fresh sampler that knows which choices there are.

    By itself it would compare the choices of all trials at every ask, which takes longer than
    the sampling.
    """
    import optuna

    kind = {"tpe": optuna.samplers.TPESampler, "gp": optuna.samplers.GPSampler}[name]
    undecided = {
        name: distribution
        for name, distribution in distributions.items()
        if not distribution.single()
    }

    class OverChoices(kind):  # type: ignore[misc, valid-type]
        def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
            return undecided

    return OverChoices(seed=seed, n_startup_trials=initial)
