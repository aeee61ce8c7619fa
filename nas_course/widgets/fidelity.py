"""How a ranking ripens: accuracy after e epochs against the final one, as a film.

table = nas_course.tabular.load()
FidelityExplorer(table.valid, table.test)
"""

from __future__ import annotations

import ipywidgets
import numpy as np

from nas_course.errors import InvalidInput
from nas_course.plots.fidelity import draw_fidelity
from nas_course.plots.figure import CourseFigure
from nas_course.widgets.panel import FigurePanel, PlaySlider

ALL, BEST_TENTH = "all", "truly best tenth"


class FidelityExplorer(FigurePanel):
    """A slider over epochs, and the choice of all architectures or the best tenth of them.

    Parameters
    ----------
    curves : array (n, epochs)
        Validation accuracy after each epoch, 0 to 1.
    final : array (n,)
        What counts, for example test accuracy; by it the best tenth is chosen.
    epochs : int
        Where the slider begins.

    Raises
    ------
    InvalidInput
        Fewer than 20 architectures (their best tenth could not be ranked), or not as many final
        values as curves.
    """

    def __init__(self, curves: np.ndarray, final: np.ndarray, *, epochs: int = 1) -> None:
        curves, final = np.asarray(curves, float), np.asarray(final, float)
        if curves.ndim != 2 or final.shape != curves.shape[:1] or len(final) < 20:
            raise InvalidInput(
                f"curves, final: got the shapes {curves.shape} and {final.shape}; give "
                "(n, epochs) and (n,) with n at least 20."
            )
        best = np.argsort(-final, kind="stable")[: len(final) // 10]
        self._parts = {ALL: (curves, final), BEST_TENTH: (curves[best], final[best])}
        film = PlaySlider(1, curves.shape[1], value=epochs, interval=900)
        super().__init__(
            self._figure, epochs=film, architectures=ipywidgets.Dropdown(options=list(self._parts))
        )

    def _figure(self, epochs: int, architectures: str) -> CourseFigure:
        return draw_fidelity(*self._parts[architectures], epochs)
