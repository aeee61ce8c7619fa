"""Training that pauses: networks are kept, so that more epochs cost only the rest."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator
from typing import Any, ClassVar

from nas_course.errors import InvalidInput
from nas_course.estimation.score import Score
from nas_course.estimation.training import TrainingEstimate, require_epochs


class KeptTraining:
    """Give the scores of an estimate, going on from where an architecture's training paused.

        estimate = KeptTraining(TrainingEstimate(data, recipe, build), keep=27)
        estimate(architecture, epochs=1)       # trains one epoch
        estimate(architecture, epochs=9)       # trains eight more

    For successive halving and its kin, whose survivors are trained on. The scores are those of
    `estimate`, bit by bit; `cost_seconds` still counts from scratch.

    Parameters
    ----------
    estimate : TrainingEstimate
    keep : int
        Largest number of paused networks in memory, each with its optimizer; the one that was
        asked for longest ago goes first. It is trained anew if it is asked for again.

    Notes
    -----
    Pickling leaves the paused networks behind: in other processes each copy starts empty.
    """

    continues: ClassVar[bool] = True

    def __init__(self, estimate: TrainingEstimate, keep: int = 32) -> None:
        if isinstance(keep, bool) or not isinstance(keep, int) or keep < 1:
            raise InvalidInput(f"keep: got {keep!r}; give a whole number, 1 or more.")
        self.estimate, self.keep = estimate, keep
        self._paused: OrderedDict[Any, tuple[Generator[Score, None, None], list[Score]]] = (
            OrderedDict()
        )

    @property
    def max_epochs(self) -> int:
        """Epochs of the full schedule."""
        return self.estimate.max_epochs

    def __call__(self, architecture: Any, epochs: int | None = None) -> Score:
        """Return the score after `epochs` epochs (None: all), training what is missing."""
        wanted = require_epochs(epochs, self.max_epochs)
        if architecture not in self._paused:
            self._paused[architecture] = self.estimate.stages(architecture), []
        self._paused.move_to_end(architecture)
        while len(self._paused) > self.keep:
            self._paused.popitem(last=False)
        stages, scores = self._paused[architecture]
        try:
            while len(scores) < wanted:
                scores.append(next(stages))
        except BaseException:
            del self._paused[architecture]  # a training that broke off cannot go on
            raise
        if len(scores) == self.max_epochs:
            stages.close()  # the scores stay, the network goes
        return scores[wanted - 1]

    def __getstate__(self) -> dict[str, Any]:
        return {"estimate": self.estimate, "keep": self.keep, "_paused": OrderedDict()}
