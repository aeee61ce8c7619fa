"""The loops of a search: budget, history, progress, checkpoint and resume.

Use::

    data = load("digits", train_images=200)
    settings = GradientSettings(channels=4, cells=3)
    result = search_gradient("darts-1st", data, settings=settings, epochs=10, out="runs/first")
    print(result.architecture)

    result = search("regularized-evolution", TableEstimate(tabular.load()), evaluations=300)

On the CPU a search that was killed and resumed ends with the same bits as one that ran through:
weights, alphas, optimizers, generator and history (but for the seconds).
"""

from nas_course.search.black_box import BlackBoxResult, search
from nas_course.search.evaluating import EstimateFailed
from nas_course.search.gradient import SearchResult, search_gradient
from nas_course.search.loop import GradientMethod, SearchDiverged, SearchInterrupted

__all__ = [
    "BlackBoxResult",
    "EstimateFailed",
    "GradientMethod",
    "SearchDiverged",
    "SearchInterrupted",
    "SearchResult",
    "search",
    "search_gradient",
]
