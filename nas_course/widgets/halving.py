"""Successive halving and Hyperband to play with: what stops when, and what that costs.

HalvingExplorer(NASBench201Space(), TableEstimate(nas_course.tabular.load()))
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import ipywidgets

from nas_course.errors import one_of
from nas_course.plots.fidelity import draw_halving
from nas_course.plots.figure import CourseFigure
from nas_course.strategies.black_box.hyperband import Hyperband
from nas_course.strategies.black_box.successive_halving import Bracket, SuccessiveHalving
from nas_course.widgets.panel import FigurePanel, PlaySlider

STRATEGIES = (SuccessiveHalving.name, Hyperband.name)
ETAS, SIZES = (2, 3, 4), (9, 27, 81, 243)


def finished_brackets(
    strategy: SuccessiveHalving, estimate: Callable[..., Any], count: int
) -> list[Bracket]:
    """Run a strategy, one estimate after the other, until its first `count` brackets are done."""
    while len(strategy.brackets) < count or not all(b.done for b in strategy.brackets[:count]):
        asked = strategy.ask()
        strategy.tell(asked, estimate(asked.architecture, asked.epochs))
    return strategy.brackets[:count]


class HalvingExplorer(FigurePanel):
    """A film over the epochs; controls for the strategy, eta and the number of architectures.

    Hyperband chooses the number of architectures itself; all its brackets are shown, once each.

    Parameters
    ----------
    space : a search space
    estimate : callable (architecture, epochs) -> Score
        With `max_epochs`, and so fast that all can be trained in full: a
        :class:`nas_course.estimation.TableEstimate`.
    seed : int
        Of the first draw; "draw anew" counts on from it.
    strategy : str
        One of `STRATEGIES`, where the control begins.
    """

    def __init__(
        self, space: Any, estimate: Any, *, seed: int = 0, strategy: str = STRATEGIES[0]
    ) -> None:
        if strategy not in STRATEGIES:
            raise one_of("strategy", strategy, STRATEGIES)
        self.space, self.estimate, self.seed = space, estimate, seed
        self._curve = lru_cache(maxsize=None)(lambda a: estimate(a, estimate.max_epochs).curve)
        self._brackets = lru_cache(maxsize=8)(self._run)
        dropdown = ipywidgets.Dropdown
        super().__init__(
            self._figure,
            epoch=PlaySlider(1, estimate.max_epochs, value=estimate.max_epochs, interval=900),
            strategy=dropdown(options=STRATEGIES, value=strategy),
            eta=dropdown(options=ETAS, value=3),
            architectures=dropdown(options=SIZES, value=81),
            draw_anew=ipywidgets.Button(),
        )

    def _run(self, name: str, eta: int, architectures: int, seed: int) -> list[Bracket]:
        options = {"seed": seed, "eta": eta, "max_epochs": self.estimate.max_epochs}
        if name == Hyperband.name:
            hyperband = Hyperband(self.space, **options)
            return finished_brackets(hyperband, self.estimate, hyperband.rungs_planned)
        halving = SuccessiveHalving(self.space, architectures=architectures, **options)
        return finished_brackets(halving, self.estimate, 1)

    def _figure(
        self, epoch: int, strategy: str, eta: int, architectures: int, draw_anew: int
    ) -> CourseFigure:
        brackets = self._brackets(strategy, eta, architectures, self.seed + draw_anew)
        return draw_halving(brackets, self._curve, epoch)
