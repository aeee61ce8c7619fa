"""The black-box family: proposal x selection x model x fidelity, asked and told."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nas_course.errors import InvalidInput, one_of

_OWN = ("self", "space", "seed", "max_epochs")  # given by the search, not by the user


@dataclass(frozen=True)
class BlackBoxMethod:
    """One row of the black-box family.

    Attributes
    ----------
    name : str
        What the command line and result files call it.
    parts : mapping
        How it proposes, what it selects, what it learns from the scores, and at which fidelity
        it asks.
    citation : str
        Authors, title, place and year, arXiv number where there is one.
    strategy : str
        "module:Class" in `nas_course.strategies.black_box`; imported when it is asked for.
    fixed : mapping
        Arguments of the class that make this row.
    """

    name: str
    parts: Mapping[str, str]
    citation: str
    strategy: str = field(repr=False)
    fixed: Mapping[str, Any] = field(default_factory=dict, repr=False)
    family: str = "black-box"

    @property
    def partial(self) -> bool:
        """Whether it asks for partial training, so that the estimate must have epochs."""
        return "max_epochs" in self._parameters()

    def options(self) -> dict[str, Any]:
        """Hyperparameters that `make` takes, with their defaults."""
        return {
            name: parameter.default
            for name, parameter in self._parameters().items()
            if name not in _OWN and name not in self.fixed
        }

    def make(self, space: Any, *, seed: int, max_epochs: int | None = None, **options: Any) -> Any:
        """Make the strategy.

        Parameters
        ----------
        space : a search space
        seed : int
        max_epochs : int, optional
            Epochs of full training, which methods with partial training need.
        options
            Hyperparameters; see `options`.

        Raises
        ------
        InvalidInput
            An option is unknown or has a value that is not allowed.
        """
        for name in options:
            if name not in self.options():
                raise one_of(f"option of {self.name}", name, self.options())
        if self.partial and max_epochs is None:
            raise InvalidInput(
                f"{self.name}: it asks for partial training, but the estimate has no max_epochs; "
                "use one that has, such as the table or training, or another method."
            )
        fidelity = {"max_epochs": max_epochs} if self.partial else {}
        return self._class()(space, seed=seed, **fidelity, **self.fixed, **options)

    def _class(self) -> Any:
        module, name = self.strategy.split(":")
        full_name = f"nas_course.strategies.black_box.{module}"
        return getattr(importlib.import_module(full_name), name)

    def _parameters(self) -> Mapping[str, inspect.Parameter]:
        parameters = inspect.signature(self._class().__init__).parameters
        return {name: parameter for name, parameter in parameters.items() if name != "self"}


def _parts(proposal: str, selection: str, model: str, fidelity: str = "full") -> dict[str, str]:
    return {"proposal": proposal, "selection": selection, "model": model, "fidelity": fidelity}


BLACK_BOX = (
    BlackBoxMethod(
        name="random",
        parts=_parts("draw from the space", "none", "none"),
        citation='Li, Talwalkar, "Random Search and Reproducibility for Neural Architecture '
        'Search", UAI 2019, arXiv:1902.07638',
        strategy="random_search:RandomSearch",
    ),
    BlackBoxMethod(
        name="local-search",
        parts=_parts("all neighbours of the current one", "the best, if better", "none"),
        citation='White, Nolen, Savani, "Exploring the Loss Landscape in Neural Architecture '
        'Search", UAI 2021, arXiv:2005.02960',
        strategy="local_search:LocalSearch",
    ),
    BlackBoxMethod(
        name="genetic",
        parts=_parts("crossover and mutation", "tournament, by generations, elitism", "none"),
        citation='Goldberg, "Genetic Algorithms in Search, Optimization and Machine Learning", '
        "1989, chapters 1 and 3",
        strategy="genetic:GeneticAlgorithm",
    ),
    BlackBoxMethod(
        name="regularized-evolution",
        parts=_parts("mutation", "tournament; the oldest dies", "none"),
        citation='Real, Aggarwal, Huang, Le, "Regularized Evolution for Image Classifier '
        'Architecture Search", AAAI 2019, arXiv:1802.01548',
        strategy="regularized_evolution:RegularizedEvolution",
    ),
    BlackBoxMethod(
        name="epsilon-greedy",
        parts=_parts("mutation of the best, or a random draw", "the best so far", "none"),
        citation='Sutton, Barto, "Reinforcement Learning: An Introduction", 2nd edition 2018, '
        "section 2.2",
        strategy="epsilon_greedy:EpsilonGreedy",
    ),
    BlackBoxMethod(
        name="reinforce",
        parts=_parts("sampled from the policy", "none", "LSTM policy, policy gradient"),
        citation='Zoph, Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017, '
        "arXiv:1611.01578",
        strategy="reinforce:Reinforce",
    ),
    BlackBoxMethod(
        name="bananas",
        parts=_parts(
            "mutations of the best", "independent Thompson sampling", "ensemble of networks"
        ),
        citation='White, Neiswanger, Savani, "BANANAS: Bayesian Optimization with Neural '
        'Architectures for Neural Architecture Search", AAAI 2021, arXiv:1910.11858',
        strategy="bananas:Bananas",
    ),
    BlackBoxMethod(
        name="tpe",
        parts=_parts("drawn from the density of good ones", "best density ratio", "TPE (Optuna)"),
        citation='Bergstra, Bardenet, Bengio, Kégl, "Algorithms for Hyper-Parameter '
        'Optimization", NeurIPS 2011',
        strategy="optuna_search:OptunaSearch",
        fixed={"sampler": "tpe"},
    ),
    BlackBoxMethod(
        name="gp",
        parts=_parts(
            "optimum of the acquisition function",
            "log expected improvement",
            "Gaussian process (Optuna)",
        ),
        citation='Snoek, Larochelle, Adams, "Practical Bayesian Optimization of Machine Learning '
        'Algorithms", NeurIPS 2012, arXiv:1206.2944',
        strategy="optuna_search:OptunaSearch",
        fixed={"sampler": "gp"},
    ),
    BlackBoxMethod(
        name="successive-halving",
        parts=_parts("draw from the space", "the best third of a rung", "none", "rungs"),
        citation='Jamieson, Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter '
        'Optimization", AISTATS 2016, arXiv:1502.07943',
        strategy="successive_halving:SuccessiveHalving",
    ),
    BlackBoxMethod(
        name="hyperband",
        parts=_parts(
            "draw from the space", "the best third of a rung", "none", "brackets of rungs"
        ),
        citation='Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar, "Hyperband: A Novel '
        'Bandit-Based Approach to Hyperparameter Optimization", JMLR 2018, arXiv:1603.06560',
        strategy="hyperband:Hyperband",
    ),
    BlackBoxMethod(
        name="asha",
        parts=_parts(
            "draw from the space", "the best third so far", "none", "rungs, without waiting"
        ),
        citation='Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht, Talwalkar, "A System '
        'for Massively Parallel Hyperparameter Tuning", MLSys 2020, arXiv:1810.05934',
        strategy="asha:ASHA",
    ),
    BlackBoxMethod(
        name="bohb",
        parts=_parts(
            "drawn from the density of good ones",
            "best density ratio; the best third of a rung",
            "kernel densities of good and bad",
            "brackets of rungs",
        ),
        citation='Falkner, Klein, Hutter, "BOHB: Robust and Efficient Hyperparameter Optimization '
        'at Scale", ICML 2018, arXiv:1807.01774',
        strategy="bohb:BOHB",
    ),
    BlackBoxMethod(
        name="nsga2",
        parts=_parts("crossover and mutation", "non-dominated fronts, crowding", "none"),
        citation='Deb, Pratap, Agarwal, Meyarivan, "A Fast and Elitist Multiobjective Genetic '
        'Algorithm: NSGA-II", IEEE Transactions on Evolutionary Computation 6(2), 2002',
        strategy="nsga2:NSGA2",
    ),
)
