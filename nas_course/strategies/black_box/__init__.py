"""Black-box strategies: asked for an architecture, told its score, nothing else known."""

from nas_course.strategies.black_box.asha import ASHA
from nas_course.strategies.black_box.bananas import Bananas
from nas_course.strategies.black_box.bohb import BOHB
from nas_course.strategies.black_box.epsilon_greedy import EpsilonGreedy
from nas_course.strategies.black_box.genetic import GeneticAlgorithm
from nas_course.strategies.black_box.hyperband import Hyperband
from nas_course.strategies.black_box.local_search import LocalSearch
from nas_course.strategies.black_box.nsga2 import NSGA2
from nas_course.strategies.black_box.optuna_search import OptunaSearch
from nas_course.strategies.black_box.pareto import hypervolume
from nas_course.strategies.black_box.population import Member
from nas_course.strategies.black_box.random_search import RandomSearch
from nas_course.strategies.black_box.regularized_evolution import RegularizedEvolution
from nas_course.strategies.black_box.reinforce import Reinforce
from nas_course.strategies.black_box.strategy import (
    Finished,
    Partial,
    Strategy,
    fitness,
    generator_state,
    set_generator_state,
)
from nas_course.strategies.black_box.successive_halving import SuccessiveHalving

__all__ = [
    "ASHA",
    "BOHB",
    "NSGA2",
    "Bananas",
    "EpsilonGreedy",
    "Finished",
    "GeneticAlgorithm",
    "Hyperband",
    "LocalSearch",
    "Member",
    "OptunaSearch",
    "Partial",
    "RandomSearch",
    "RegularizedEvolution",
    "Reinforce",
    "Strategy",
    "SuccessiveHalving",
    "fitness",
    "generator_state",
    "hypervolume",
    "set_generator_state",
]
