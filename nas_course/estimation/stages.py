"""An estimate epoch by epoch: what early stopping looks at while a network is trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nas_course.errors import InvalidInput
from nas_course.estimation.score import Score


def stages(estimate: Any, architecture: Any) -> Iterator[Score]:
    """Yield the score after each epoch; who stops asking stops the training.

    Parameters
    ----------
    estimate : callable (architecture, epochs) -> Score
        With a method `stages` of its own, or one that goes on from where it was
        (`estimate.continues`), such as a table or :class:`~nas_course.estimation.KeptTraining`.
    architecture : object

    Raises
    ------
    InvalidInput
        The estimate cannot go on: every epoch would be trained from scratch.
    """
    if own := getattr(estimate, "stages", None):
        yield from own(architecture)
    elif getattr(estimate, "continues", False):
        for epochs in range(1, estimate.max_epochs + 1):
            yield estimate(architecture, epochs)
    else:
        raise InvalidInput(
            f"estimate: {type(estimate).__name__} has no `stages` and does not continue, so it "
            "cannot be watched epoch by epoch. Give a TrainingEstimate, KeptTraining or table."
        )
