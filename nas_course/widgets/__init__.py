"""Interactive views for notebooks; each leaves a figure and a sentence where no kernel runs."""

from nas_course.widgets.alpha_explorer import AlphaExplorer

__all__ = ["AlphaExplorer"]
