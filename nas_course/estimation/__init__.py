"""Performance estimation: how good is an architecture? An estimate gives it a Score."""

from nas_course.estimation.kept import KeptTraining
from nas_course.estimation.ranking import Interval, bootstrap, kendall, spearman, top_overlap
from nas_course.estimation.score import Score
from nas_course.estimation.training import NetworkBuilder, TrainingEstimate

__all__ = [
    "Interval",
    "KeptTraining",
    "NetworkBuilder",
    "Score",
    "TrainingEstimate",
    "bootstrap",
    "kendall",
    "spearman",
    "top_overlap",
]
