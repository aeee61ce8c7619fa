"""The loops of a search: budget, history, progress, checkpoint and resume.

Use::

    data = load("digits", train_images=200)
    settings = GradientSettings(channels=4, cells=3)
    result = search_gradient("darts-1st", data, settings=settings, epochs=10, out="runs/first")
    print(result.architecture)

On the CPU a search that was killed and resumed ends with the same bits as one that ran through:
weights, alphas, optimizers, generator and history (but for the seconds).
"""

from nas_course.search.gradient import SearchInterrupted, SearchResult, search_gradient
from nas_course.search.loop import GradientMethod, SearchDiverged

__all__ = [
    "GradientMethod",
    "SearchDiverged",
    "SearchInterrupted",
    "SearchResult",
    "search_gradient",
]
