"""Performance estimation: how good is an architecture? An estimate gives it a Score."""

from nas_course.estimation.score import Score
from nas_course.estimation.training import NetworkBuilder, TrainingEstimate

__all__ = [
    "NetworkBuilder",
    "Score",
    "TrainingEstimate",
]
