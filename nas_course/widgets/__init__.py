"""Interactive views for notebooks; each leaves a figure and a sentence without a kernel."""

from nas_course.widgets.alpha_explorer import AlphaExplorer
from nas_course.widgets.cell_mutator import CellMutator
from nas_course.widgets.fidelity import FidelityExplorer
from nas_course.widgets.halving import HalvingExplorer
from nas_course.widgets.panel import FigurePanel, PlaySlider

__all__ = [
    "AlphaExplorer",
    "CellMutator",
    "FidelityExplorer",
    "FigurePanel",
    "HalvingExplorer",
    "PlaySlider",
]
